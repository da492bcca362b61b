/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPUs and GPUs of a node a task gets. All here is a function of its arguments alone.
 *
 * A task with GPUs gets cores next to them. CPUs of one task are kept within one cache, else within
 * one NUMA node, else within one package. Whole idle cores go before siblings of busy ones. Tasks
 * without GPUs leave the cores near free GPUs alone, as many as the workflow's GPU tasks want,
 * while they find others. Among what is equally good the tightest fit is taken, then the lowest
 * number.
 */
#ifndef AW_CORE_RESOURCES_PLACE_H
#define AW_CORE_RESOURCES_PLACE_H

#include <stdbool.h>

#include "core/resources/demand.h"
#include "core/idset.h"
#include "core/resources/node.h"

/* What the tasks of a workflow want beside one GPU, the most of all sets. */
struct aw_gpu_wants {
    uint32_t cpus; /* by tasks that take CPUs as they come */
    uint32_t cores; /* by tasks that take whole cores */
};

/* Room for working a placement out, to be used again and again. {0} is an empty one; reserve makes
 * it large enough for LAYOUT: 0, or -1 with ENOMEM. finish frees what it holds.
 */
struct aw_place_scratch {
    uint32_t *usable; /* private, as all here: CPUs, by core */
    bool *idle; /* by core: none of its CPUs is busy */
    uint32_t *of_zone; /* usable CPUs */
    uint32_t *surplus; /* by zone: CPUs that GPU tasks will not want */
    uint32_t *chosen; /* GPUs */
    uint32_t n_cores, n_zones, n_gpus;
};
int aw_place_reserve (struct aw_place_scratch *scratch, const struct aw_layout *layout);
void aw_place_finish (struct aw_place_scratch *scratch);

/* Chooses for a task of DEMAND, which NODE can hold. CPUS and GPUS (empty) get the ids; both may be
 * NULL for the answer alone: is the place as good as the node, empty, could give: GPUs with local
 * cores, CPUs not over more NUMA nodes than they need, no core that a GPU task may want? SCRATCH is
 * large enough. -1 with ENOMEM, else 1: it is; 0: not.
 */
int aw_place_choose (const struct aw_node *node,
                     const struct aw_demand *demand,
                     const struct aw_gpu_wants *wants,
                     struct aw_place_scratch *scratch,
                     struct aw_idset *cpus,
                     struct aw_idset *gpus);

/* What one rank of a task gets of what the task holds on a node. */
struct aw_place_rank {
    struct aw_idset cpus;
    struct aw_idset gpus;
};

/* Deals what a task of DEMAND holds on NODE (the CPUs and GPUs of a START, or of one of its `more`
 * parts) out to its ranks there: each gets as many CPUs, near its own GPUs where it has some;
 * ranks with shares of GPUs are dealt to the GPUs evenly. RANKS: DEMAND's ranks_per_node (0: one)
 * of them, each initialised by the caller, who owns them; local rank I gets the one at I. The same
 * arguments give the same answer. 0, or -1 with ENOMEM or EINVAL (CPUs or GPUs are not as many as
 * DEMAND says).
 */
int aw_place_split (const struct aw_node *node,
                    const struct aw_demand *demand,
                    const struct aw_idset *cpus,
                    const struct aw_idset *gpus,
                    struct aw_place_rank *ranks);

#endif /* AW_CORE_RESOURCES_PLACE_H */
