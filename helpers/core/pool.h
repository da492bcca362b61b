/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: the nodes of the allocation and which of their CPUs, GPUs and memory are free. */
#ifndef AW_CORE_POOL_H
#define AW_CORE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/demand.h"
#include "core/idset.h"
#include "util/error.h"

struct aw_node {
    char *name; /* owned */
    struct aw_idset cpus; /* all of the job's on it */
    struct aw_idset gpus;
    struct aw_idset free_cpus;
    struct aw_idset free_gpus;
    struct aw_demand total; /* counts of the above */
    struct aw_demand free;
    bool counts_mem; /* the node's memory is known */
    bool lost;
};

#define AW_NO_NODE UINT32_MAX

enum { AW_POOL_MAX_NODES = 1 << 22 };

struct aw_pool {
    struct aw_node *nodes; /* owned; read by all, changed by the functions here alone */
    uint64_t *order; /* private: the nodes, sorted by free GPUs, free CPUs, number */
    uint32_t n_nodes;
    struct aw_demand total; /* over the nodes that are not lost */
    struct aw_demand free;
};

/* init makes an empty pool; finish frees what it holds. */
void aw_pool_init (struct aw_pool *pool);
void aw_pool_finish (struct aw_pool *pool);

/* Appends a node, all free. Copies everything. MEM 0: not known. TOPOLOGY: as core/topology.h has
 * it; NULL: not known. Returns its number, or -1 with text (a topology that is none). */
int aw_pool_add_node (struct aw_pool *pool,
                      const char *name,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus,
                      uint64_t mem,
                      const char *topology,
                      struct aw_error *err);

/* Makes POOL, uninitialised before, a copy of FROM. 0, or -1 with ENOMEM and POOL empty. */
int aw_pool_clone (struct aw_pool *pool, const struct aw_pool *from);

/* The node is gone: it has nothing free from now on. What is given back to it stays lost. */
void aw_pool_lose_node (struct aw_pool *pool, uint32_t node);

/* Could the node ever (empty), or now, hold DEMAND? */
bool aw_node_could_hold (const struct aw_node *node, const struct aw_demand *demand);
bool aw_node_can_hold (const struct aw_node *node, const struct aw_demand *demand);

/* The node for a task, best fit: of those that can hold DEMAND now the one with the fewest GPUs
 * free, so that tasks without GPUs leave those alone and wide tasks find whole nodes; then with the
 * fewest CPUs free; then the lowest number. EXCEPT is left out (AW_NO_NODE: none is). AW_NO_NODE
 * where there is none.
 */
uint32_t aw_pool_best_fit (const struct aw_pool *pool,
                           const struct aw_demand *demand,
                           uint32_t except);

/* Walks over the nodes that can hold DEMAND now in the order of best fit: the next one from *PLACE
 * (0 to begin) on, AW_NO_NODE at the end. The pool must not change meanwhile.
 */
uint32_t aw_pool_next_fit (const struct aw_pool *pool,
                           const struct aw_demand *demand,
                           uint32_t *place);

/* Takes DEMAND from a node that can hold it: the lowest free ids. Fills CPUS and GPUS (initialised
 * by the caller, who owns them). Returns 0, or -1 with ENOMEM or ENOSPC and nothing taken.
 */
int aw_pool_take (struct aw_pool *pool,
                  uint32_t node,
                  const struct aw_demand *demand,
                  struct aw_idset *cpus,
                  struct aw_idset *gpus);

/* Takes exactly these ids for a task of DEMAND (replay of a journal). -1 with EBUSY where one is
 * not free or not there, nothing taken. */
int aw_pool_take_ids (struct aw_pool *pool,
                      uint32_t node,
                      const struct aw_demand *demand,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus);

/* Gives back what take or take_ids took for a task of DEMAND. */
void aw_pool_give (struct aw_pool *pool,
                   uint32_t node,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus);

#endif /* AW_CORE_POOL_H */
