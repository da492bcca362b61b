/* SPDX-License-Identifier: Apache-2.0 */
/* A plan: the order in which the scheduler prefers the set instances of the first file, in place of
 * its policy's. It comes from outside: who makes it simulates what it leads to. An instance that is
 * not ready, or finds no room, still lets later ones start.
 */
#ifndef AW_CORE_SCHED_PLAN_H
#define AW_CORE_SCHED_PLAN_H

#include <stdint.h>

#include "core/graph/graph.h"
#include "core/sched/sched.h"

/* The instances that a plan orders: those of the first file. */
static inline uint32_t aw_plan_size (const struct aw_graph *graph)
{
    return aw_graph_n_base_instances (graph);
}

/* SCHED follows the plan: PLACES has the place of each instance, 0 comes first. 0, or -1 with
 * ENOMEM and no change.
 */
int aw_sched_follow (struct aw_sched *sched, const uint32_t *places);

/* PLACES as the text of a PLAN event: "2 0 1". Caller frees; NULL with ENOMEM. */
char *aw_plan_text (const struct aw_graph *graph, const uint32_t *places);

#endif /* AW_CORE_SCHED_PLAN_H */
