/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPUs and GPUs of a node a task gets. All here is a function of its arguments alone. */
#ifndef AW_CORE_PLACE_H
#define AW_CORE_PLACE_H

#include "core/demand.h"
#include "core/idset.h"
#include "core/pool.h"

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

#endif /* AW_CORE_PLACE_H */
