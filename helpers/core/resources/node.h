/* SPDX-License-Identifier: Apache-2.0 */
/* One node of the pool: what of its CPUs, GPUs and memory is free, and whether a demand fits. A GPU
 * is free, taken whole, or started: parts of it, in thousandths, are taken by tasks that share it.
 */
#ifndef AW_CORE_RESOURCES_NODE_H
#define AW_CORE_RESOURCES_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/resources/demand.h"
#include "core/idset.h"
#include "core/resources/layout.h"

struct aw_node {
    char *name; /* owned */
    struct aw_idset cpus; /* all of the job's on it */
    struct aw_idset gpus;
    struct aw_idset free_cpus;
    struct aw_idset free_gpus; /* whole ones */
    struct aw_demand total; /* counts of the above */
    struct aw_demand free;
    struct aw_layout *layout; /* shared */
    uint16_t *gpu_used; /* thousandths, by GPU of the layout; NULL where there is none */
    uint32_t largest_part; /* thousandths free on that started GPU which has most; 0: none */
    uint32_t *core_free; /* CPUs, by core of the layout; NULL where that is flat, as the next */
    uint32_t n_idle[AW_THREADS + 1]; /* cores wholly free, by their CPUs, as in the layout */
    uint32_t n_special; /* holders of parts of GPUs or of whole cores: counts alone tell less */
    bool counts_mem; /* the node's memory is known */
    bool lost;
};

/* A node, all free. Copies NAME, CPUS and GPUS; becomes a user of LAYOUT. 0, or -1 with ENOMEM and
 * nothing held. clear frees what it holds. */
int aw_node_init (struct aw_node *node, const char *name, struct aw_layout *layout, uint64_t mem);
void aw_node_clear (struct aw_node *node);

/* Makes what is free on NODE what is free on FROM, of the same layout. 0, or -1 with ENOMEM. */
int aw_node_set_free (struct aw_node *node, const struct aw_node *from);

/* A node to try things out on, {0} before: reserve makes it large enough to become LIKE, try makes
 * it a copy of FROM, whose name and sets of all ids it lacks, and finish_trial frees what it holds.
 * reserve: 0, or -1 with ENOMEM.
 */
int aw_node_reserve (struct aw_node *trial, const struct aw_node *like);
void aw_node_try (struct aw_node *trial, const struct aw_node *from);
void aw_node_finish_trial (struct aw_node *trial);

/* Do A and B have the same of all, when empty? Of nodes of one pool. */
static inline bool aw_node_alike (const struct aw_node *a, const struct aw_node *b)
{
    return a->layout == b->layout && a->total.mem == b->total.mem;
}

/* Could the node ever (empty), or now, hold DEMAND? */
bool aw_node_could_hold (const struct aw_node *node, const struct aw_demand *demand);
bool aw_node_can_hold (const struct aw_node *node, const struct aw_demand *demand);

/* The same for a node that has ROOM and of which only counts are known (no parts of GPUs, no whole
 * cores are held or asked for). */
static inline bool aw_node_fits_counts (const struct aw_node *node,
                                        const struct aw_demand *room,
                                        const struct aw_demand *demand)
{
    return demand->cpus <= room->cpus && demand->gpus <= room->gpus
           && (!node->counts_mem || demand->mem <= room->mem);
}

/* Do counts of CPUs, whole GPUs and bytes tell whether DEMAND fits the node, now and later? */
bool aw_node_counts_do (const struct aw_node *node, const struct aw_demand *demand);

/* So many tasks of DEMAND could run on the node at the same time if nothing else did. */
uint32_t aw_node_capacity (const struct aw_node *node, const struct aw_demand *demand);

/* GPUs of its type that are wholly free; and cores, where DEMAND takes whole ones. */
uint32_t aw_node_free_gpus (const struct aw_node *node, const struct aw_demand *demand);
uint32_t aw_node_idle_cores (const struct aw_node *node);

/* May a task of DEMAND have exactly these? */
bool aw_node_has (const struct aw_node *node,
                  const struct aw_demand *demand,
                  const struct aw_idset *cpus,
                  const struct aw_idset *gpus);

/* Takes them, or gives them back. Memory that is not counted is neither taken nor given. */
void aw_node_take (struct aw_node *node,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus);
void aw_node_give (struct aw_node *node,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus);

#endif /* AW_CORE_RESOURCES_NODE_H */
