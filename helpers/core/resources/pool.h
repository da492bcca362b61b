/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: the nodes of the allocation and which of their CPUs, GPUs and memory are free. */
#ifndef AW_CORE_RESOURCES_POOL_H
#define AW_CORE_RESOURCES_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/resources/demand.h"
#include "core/idset.h"
#include "core/resources/node.h"
#include "core/resources/place.h"
#include "util/error.h"

struct aw_graph;

#define AW_NO_NODE UINT32_MAX

enum { AW_POOL_MAX_NODES = 1 << 22 };

struct aw_pool {
    struct aw_node *nodes; /* owned; read by all, changed by the functions here alone */
    uint64_t *order; /* private: sorted by free GPUs, free CPUs, number of the node */
    uint32_t n_nodes, node_room;
    struct aw_demand total; /* counts, of the nodes that are not lost */
    struct aw_demand free; /* the same of what is free; whole GPUs only */
    struct aw_layout **layouts; /* private, as all below: different ones, owned */
    uint32_t n_layouts, layout_room;
    struct aw_idset gpu_counts; /* the numbers of GPUs that nodes have */
    const struct aw_graph *graph; /* borrowed; NULL: none is set */
    struct aw_gpu_wants wants;
    bool knows_topology; /* of any node */
    struct aw_place_scratch scratch;
    struct aw_node *trial;
    struct aw_plan {
        bool valid; /* nothing was taken or given since it was made */
        uint32_t node;
        struct aw_demand demand;
        struct aw_idset cpus, gpus;
    } * plan; /* the last place that was found for a task, which is usually taken next */
};

/* init makes an empty pool; finish frees what it holds. */
void aw_pool_init (struct aw_pool *pool);
void aw_pool_finish (struct aw_pool *pool);

/* Sets the graph of an empty pool: the types of GPUs that its tasks need, and the CPUs with each
 * GPU. GRAPH, finalized, must outlive the pool.
 */
void aw_pool_set_graph (struct aw_pool *pool, const struct aw_graph *graph);

/* The graph has grown: sets from FROM on are new. 0, or -1 with ENOMEM, as the next. */
int aw_pool_grow_graph (struct aw_pool *pool, uint32_t from);

/* Sets the number of the graph's types of GPUs that the nodes know. */
int aw_pool_set_types (struct aw_pool *pool, uint32_t n_types);

/* Appends a node, all free. Copies everything. MEM 0: not known. TOPOLOGY: as
 * core/resources/topology.h has it; NULL: not known. Returns its number, or -1 with text (a wrong
 * topology).
 */
int aw_pool_add_node (struct aw_pool *pool,
                      const char *name,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus,
                      uint64_t mem,
                      const char *topology,
                      struct aw_error *err);

/* Makes POOL, uninitialised before, a copy of FROM. 0, or -1 with ENOMEM and POOL empty. */
int aw_pool_clone (struct aw_pool *pool, const struct aw_pool *from);

/* The node is lost or drained: it has nothing free from now on, even if tasks give back what they
 * held.
 */
void aw_pool_lose_node (struct aw_pool *pool, uint32_t node);

/* Walks over the nodes that can hold DEMAND now in the order of best fit: first those with the
 * fewest free GPUs, so that tasks without GPUs keep GPUs free and large tasks find whole nodes;
 * then those with the fewest free CPUs; then the lowest number. The next one from *PLACE (0 to
 * begin) on, AW_NO_NODE at the end. The pool must not change meanwhile.
 */
uint32_t aw_pool_next_fit (const struct aw_pool *pool,
                           const struct aw_demand *demand,
                           uint32_t *place);

/* How well a node that can hold a task suits it, best first. STARTED: a started GPU has the part of
 * a GPU that it needs. GOOD: it finds a good place (see aw_place_choose).
 */
enum aw_suit { AW_SUIT_STARTED, AW_SUIT_GOOD, AW_SUIT_ANY };
enum aw_suit aw_pool_best_suit (const struct aw_pool *pool, const struct aw_demand *demand);
bool aw_pool_suits (const struct aw_pool *pool,
                    uint32_t node,
                    const struct aw_demand *demand,
                    enum aw_suit suit);

/* CPUS and GPUS, which are free or of which parts are, are better left to others; or no longer.
 * Suits and take choose others where there are enough. Spares: are there? 0, or -1 with ENOMEM.
 */
int aw_pool_spare (struct aw_pool *pool,
                   uint32_t node,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus);
void aw_pool_spare_not (struct aw_pool *pool,
                        uint32_t node,
                        const struct aw_idset *cpus,
                        const struct aw_idset *gpus);
bool aw_pool_spares (const struct aw_pool *pool, uint32_t node, const struct aw_demand *demand);

/* Takes DEMAND from a node that can hold it, as core/resources/place.h chooses. Fills CPUS and GPUS
 * (initialised by the caller, who owns them). Returns 0, or -1 with ENOMEM or ENOSPC and nothing
 * taken.
 */
int aw_pool_take (struct aw_pool *pool,
                  uint32_t node,
                  const struct aw_demand *demand,
                  struct aw_idset *cpus,
                  struct aw_idset *gpus);

/* Takes exactly these ids for a task of DEMAND (replay of a journal). -1 with EBUSY if one is not
 * free or does not exist; then nothing is taken.
 */
int aw_pool_take_ids (struct aw_pool *pool,
                      uint32_t node,
                      const struct aw_demand *demand,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus);

/* Gives back the ids that take or take_ids took for a task of DEMAND. */
void aw_pool_give (struct aw_pool *pool,
                   uint32_t node,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus);

/* A copy of the node's free state, for aw_node_take and aw_node_give; valid until the next call.
 * NULL if the pool has no node.
 */
struct aw_node *aw_pool_try (const struct aw_pool *pool, uint32_t node);

#endif /* AW_CORE_RESOURCES_POOL_H */
