/* SPDX-License-Identifier: Apache-2.0 */
/* The number by which a policy orders set instances: the larger comes first. */
#ifndef AW_CORE_SCHED_RANK_H
#define AW_CORE_SCHED_RANK_H

#include <stdbool.h>

#include "core/graph/graph.h"
#include "core/resources/pool.h"
#include "core/sched/sched.h"

/* Fills RANKS (iterations * n_sets, by instance) for POLICY from SECONDS (one a set, NAN: not
 * known; see core/sched/priority.h). FIFO gets those of the longest path. 0, or -1 with ENOMEM.
 */
int aw_rank (const struct aw_graph *graph,
             const struct aw_pool *pool,
             enum aw_policy policy,
             const double *seconds,
             double *ranks);

/* Do the policy's ranks change when nodes come or go? */
bool aw_rank_needs_pool (enum aw_policy policy);

#endif /* AW_CORE_SCHED_RANK_H */
