/* SPDX-License-Identifier: Apache-2.0 */
/* A plan against deviations of the durations. Small ones: tasks that should end together end one
 * after the other, and what starts in between can delay what they are awaited for. Large ones: the
 * order that is the best for exact durations need not be the best for others.
 */
#ifndef AW_MODEL_PLAN_STEADY_H
#define AW_MODEL_PLAN_STEADY_H

#include "model/plan_search.h"

/* Simulations that aw_plan_steady makes at most, where SPREAD is known (NULL: nothing is). */
uint32_t aw_plan_steady_most (const struct aw_spread *spread);

/* Simulates the workflow as planned, and some times with durations that deviate: by a hundredth, or
 * by more where CONDITIONS->spread (NULL: nothing is known) says so. With PLAN, and in the order of
 * START without one, each alone and with short holds for all instances that wait for whole sets.
 * Those that are longer as planned than START without a plan are dropped. PLAN becomes what is
 * shortest of the others (half the first, half the mean of those with deviations; that mean alone
 * where they are large): without places and holds there is none. From a state (START NULL), none is
 * dropped, the durations are those of CONDITIONS->spread, and no plan is the order that the state
 * has. Each simulation counts as an evaluation. Where CONDITIONS->go_on returns false before PLAN
 * was judged, it stays as it was; with large deviations there is none then. 0, or -1 with text.
 */
int aw_plan_steady (struct aw_found_plan *plan,
                    const struct aw_graph *graph,
                    const struct aw_allocation *allocation,
                    const struct aw_conditions *conditions,
                    const struct aw_sched_config *start,
                    struct aw_error *err);

#endif /* AW_MODEL_PLAN_STEADY_H */
