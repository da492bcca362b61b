/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPUs and GPUs of a node a task gets. All functions here depend on their arguments alone.
 *
 * A task with GPUs gets cores next to them. CPUs of one task are kept within one cache, else within
 * one NUMA node, else within one package. Whole idle cores come before siblings of busy ones. Tasks
 * without GPUs avoid the cores near free GPUs, as many as the workflow's GPU tasks need, while
 * there are others. Of equally good places the tightest fit is chosen, then the lowest number.
 */
#ifndef AW_CORE_RESOURCES_PLACE_H
#define AW_CORE_RESOURCES_PLACE_H

#include <stdbool.h>

#include "core/resources/demand.h"
#include "core/idset.h"
#include "core/resources/node.h"

/* What tasks of a workflow need with each GPU, the most of all sets. */
struct aw_gpu_wants {
    uint32_t cpus; /* by tasks that take CPUs as they come */
    uint32_t cores; /* by tasks that take whole cores */
};

/* Memory for computing placements, used again for each. {0} is an empty one; reserve makes it large
 * enough for LAYOUT: 0, or -1 with ENOMEM. finish frees its members.
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

/* Chooses the place of a task of DEMAND, which NODE can hold. CPUS and GPUS (empty) get the ids;
 * both may be NULL. SCRATCH is large enough. Returns 1 if the place is as good as on the empty
 * node: local cores for the GPUs, no more NUMA nodes than needed, no core that a GPU task may need.
 * Returns 0 if it is not, -1 with ENOMEM.
 */
int aw_place_choose (const struct aw_node *node,
                     const struct aw_demand *demand,
                     const struct aw_gpu_wants *wants,
                     struct aw_place_scratch *scratch,
                     struct aw_idset *cpus,
                     struct aw_idset *gpus);

/* One rank's part of the CPUs and GPUs that its task holds on a node. */
struct aw_place_rank {
    struct aw_idset cpus;
    struct aw_idset gpus;
};

/* Divides the CPUs and GPUs that a task of DEMAND holds on NODE (of a START, or of one of its
 * `more` parts) among its ranks there. Each rank gets the same number of CPUs, near its own GPUs if
 * it has some. Ranks with shares are spread over the GPUs evenly. RANKS: DEMAND's ranks_per_node
 * (0: one) of them, each initialised by the caller, who owns them; local rank I gets the one at I.
 * The same arguments give the same answer. 0, or -1 with ENOMEM or EINVAL (CPUs or GPUs are not as
 * many as DEMAND has).
 */
int aw_place_split (const struct aw_node *node,
                    const struct aw_demand *demand,
                    const struct aw_idset *cpus,
                    const struct aw_idset *gpus,
                    struct aw_place_rank *ranks);

#endif /* AW_CORE_RESOURCES_PLACE_H */
