/* SPDX-License-Identifier: Apache-2.0 */
/* One node of the pool: which of its CPUs and GPUs and how much memory is free, and whether a
 * demand fits. A GPU is free, taken whole, or started: parts of it, in thousandths, are taken by
 * tasks that share it.
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
    struct aw_idset cpus; /* the job's CPUs on it */
    struct aw_idset gpus;
    struct aw_idset free_cpus;
    struct aw_idset free_gpus; /* whole ones */
    struct aw_idset spared_cpus; /* free, but others are better: an idle worker is there */
    struct aw_idset spared_gpus; /* the same, or parts of them are free */
    struct aw_demand total; /* counts of the above */
    struct aw_demand free;
    struct aw_layout *layout; /* shared */
    uint16_t *gpu_used; /* thousandths, by GPU of the layout; NULL where there is none */
    uint32_t largest_part; /* the most thousandths free on a started GPU; 0: none */
    uint32_t *core_free; /* free CPUs, by core of the layout; NULL if that is flat, as the next */
    uint32_t n_idle[AW_THREADS + 1]; /* idle cores, by their CPUs, as in the layout */
    uint32_t n_special; /* tasks that hold parts of GPUs or whole cores: then counts alone are not
                           enough */
    bool counts_mem; /* the node's memory is known */
    bool lost;
};

/* A node, all free. Copies NAME, CPUS and GPUS; becomes a user of LAYOUT. 0, or -1 with ENOMEM and
 * nothing to free. clear frees its members.
 */
int aw_node_init (struct aw_node *node, const char *name, struct aw_layout *layout, uint64_t mem);
void aw_node_clear (struct aw_node *node);

/* Makes the same free on NODE as on FROM, which has the same layout. 0, or -1 with ENOMEM. */
int aw_node_set_free (struct aw_node *node, const struct aw_node *from);

/* A trial node, {0} at first. Reserve makes it large enough for LIKE. Try makes it a copy of FROM,
 * without name, cpus and gpus. Finish_trial frees its members. reserve: 0, or -1 with ENOMEM.
 */
int aw_node_reserve (struct aw_node *trial, const struct aw_node *like);
void aw_node_try (struct aw_node *trial, const struct aw_node *from);
void aw_node_finish_trial (struct aw_node *trial);

/* Takes from TRIAL, a copy of FROM, all that is spared there. */
void aw_node_spare (struct aw_node *trial, const struct aw_node *from);

/* Do A and B, of one pool, have the same resources when empty? */
static inline bool aw_node_alike (const struct aw_node *a, const struct aw_node *b)
{
    return a->layout == b->layout && a->total.mem == b->total.mem;
}

/* Does DEMAND fit NODE, of which ROOM is free, by counts alone? For nodes and demands without parts
 * of GPUs and whole cores.
 */
static inline bool aw_node_fits_counts (const struct aw_node *node,
                                        const struct aw_demand *room,
                                        const struct aw_demand *demand)
{
    return demand->cpus <= room->cpus && demand->gpus <= room->gpus
           && (!node->counts_mem || demand->mem <= room->mem);
}

/* Could NODE hold DEMAND when empty; can it now? And are counts of CPUs, whole GPUs and bytes
 * enough to tell, now and later? The scheduler asks very often, mostly for plain demands; private:
 * the answers for others.
 */
bool aw_node_could_hold_special (const struct aw_node *node, const struct aw_demand *demand);
bool aw_node_can_hold_special (const struct aw_node *node, const struct aw_demand *demand);
bool aw_node_counts_do_special (const struct aw_node *node, const struct aw_demand *demand);

static inline bool aw_node_could_hold (const struct aw_node *node, const struct aw_demand *demand)
{
    return aw_demand_is_plain (demand)
               ? !node->lost && aw_node_fits_counts (node, &node->total, demand)
               : aw_node_could_hold_special (node, demand);
}

static inline bool aw_node_can_hold (const struct aw_node *node, const struct aw_demand *demand)
{
    return aw_demand_is_plain (demand)
               ? !node->lost && aw_node_fits_counts (node, &node->free, demand)
               : aw_node_can_hold_special (node, demand);
}

static inline bool aw_node_counts_do (const struct aw_node *node, const struct aw_demand *demand)
{
    return aw_demand_is_plain (demand) ? node->n_special == 0
                                       : aw_node_counts_do_special (node, demand);
}

/* The number of tasks of DEMAND that the node holds when empty. */
uint32_t aw_node_capacity (const struct aw_node *node, const struct aw_demand *demand);

/* Wholly free GPUs that tasks of DEMAND may use; idle cores. */
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
