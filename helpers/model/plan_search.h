/* SPDX-License-Identifier: Apache-2.0 */
/* A search for an order of set instances that ends earlier than those of the policies: iterated
 * local search over lists of instances (Lourenco, Martin, Stuetzle, in: Handbook of Metaheuristics,
 * 2003), each list decoded by the live scheduler, that is by parallel schedule generation, with
 * forward-backward improvement (Tormos and Lova, Annals of Operations Research 102, 2001; Valls,
 * Ballestin, Quintanilla, European Journal of Operational Research 165, 2005): the schedule is
 * shifted to its end by scheduling the mirrored workflow, and back. Survey: Kolisch and Hartmann,
 * European Journal of Operational Research 174, 2006.
 */
#ifndef AW_MODEL_PLAN_SEARCH_H
#define AW_MODEL_PLAN_SEARCH_H

#include <stdint.h>

#include "core/graph/graph.h"
#include "core/sched/plan.h"
#include "model/allocation.h"
#include "model/trial.h"
#include "util/error.h"

enum { AW_PLAN_MAX_INSTANCES = 5000 }; /* larger workflows are not searched */

/* Can orders of GRAPH be searched: is it small enough, without messages, "until" and sets that
 * tasks have added? Of a run that is under way such sets do no harm.
 */
bool aw_plan_possible (const struct aw_graph *graph);
bool aw_plan_possible_later (const struct aw_graph *graph);

/* Can the place of INSTANCE be held: does it wait for whole sets alone? */
bool aw_plan_holdable (const struct aw_graph *graph, uint32_t instance);

/* Seconds that a search may take: a hundredth of the makespan's lower bound, 2 at most. */
double aw_plan_budget (const struct aw_graph *graph, const struct aw_allocation *allocation);

/* Where a search begins, and when it ends. */
struct aw_search {
    const struct aw_sched_config *start; /* asynchronous; NULL: that of the conditions' state */
    double bound; /* seconds: no schedule is shorter */
    uint32_t evaluations; /* simulations that it may make */
};

/* Searches until all evaluations are made, CONDITIONS->go_on returns false (which ends a simulation
 * that is under way too), or the makespan is the bound. PLAN->evaluations counts the simulations
 * from the beginning. The result depends on the number of evaluations alone. From a state, the
 * result is better than the order that the state has; ALLOCATION is not used, and there is no
 * improvement backward. GRAPH is finalized and knows all durations. 0, or -1 with text. finish
 * takes a zeroed value.
 */
int aw_plan_search (struct aw_found_plan *plan,
                    const struct aw_graph *graph,
                    const struct aw_allocation *allocation,
                    const struct aw_conditions *conditions,
                    const struct aw_search *search,
                    struct aw_error *err);
void aw_plan_finish (struct aw_found_plan *plan);

#endif /* AW_MODEL_PLAN_SEARCH_H */
