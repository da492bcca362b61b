/* SPDX-License-Identifier: Apache-2.0 */
/* A plan: the order in which the scheduler prefers the set instances of the first file, in place of
 * its policy's, and instances whose places it holds. It comes from outside: who makes it simulates
 * what it leads to. An instance that is not ready, or finds no room, still lets later ones start,
 * unless its place is held.
 */
#ifndef AW_CORE_SCHED_PLAN_H
#define AW_CORE_SCHED_PLAN_H

#include <stdint.h>

#include "core/graph/graph.h"
#include "core/sched/sched.h"

/* When only running tasks keep INSTANCE from being ready, and it is expected to be ready within
 * SECONDS, tasks that come later do not take the room that it needs then. The hold ends when the
 * instance is ready, and at the latest a twentieth of its predecessor's duration, or SECONDS, after
 * the expected time. There are none while durations are far from what was expected.
 */
struct aw_hold {
    uint32_t instance;
    double seconds;
};

struct aw_plan_holds {
    struct aw_hold *at;
    uint32_t n;
};

/* The instances that a plan orders: those of the first file. */
static inline uint32_t aw_plan_size (const struct aw_graph *graph)
{
    return aw_graph_n_base_instances (graph);
}

/* SCHED follows the plan: PLACES has the place of each instance, 0 comes first; NULL: the policy's
 * order. HOLDS (copied) may be NULL: there are none. 0, or -1 with ENOMEM and no change.
 */
int aw_sched_follow (struct aw_sched *sched,
                     const uint32_t *places,
                     const struct aw_plan_holds *holds);

/* SCHED orders by POLICY from now on, without a plan: to see what that leads to. 0, or -1 with
 * ENOMEM.
 */
int aw_sched_set_policy (struct aw_sched *sched, enum aw_policy policy);

/* Both as the text of a PLAN event: "2 0 1 1:0.5" has three places, and instance 1 is held for at
 * most 0.5 seconds. Caller frees; NULL with ENOMEM.
 */
char *aw_plan_text (const struct aw_graph *graph,
                    const uint32_t *places,
                    const struct aw_plan_holds *holds);

#endif /* AW_CORE_SCHED_PLAN_H */
