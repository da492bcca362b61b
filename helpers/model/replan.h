/* SPDX-License-Identifier: Apache-2.0 */
/* Planning again: the rest of a run that is under way, simulated from its present state with the
 * durations that it has shown so far, and a search for an order that ends earlier.
 */
#ifndef AW_MODEL_REPLAN_H
#define AW_MODEL_REPLAN_H

#include "model/plan_search.h"
#include "model/spread.h"

struct aw_replan {
    struct aw_found_plan plan; /* better than the present order; else it says nothing. Owned */
    double end; /* t at which the run is expected to end, in the order that it has or gets */
    double gain; /* seconds that the plan saves, in the mean; 0: there is none */
};

/* The t at which the run of STATE (a scheduler, whose mode is asynchronous) is expected to end in
 * its present order; NAN: the duration of a task to come is not known, or it will not end by
 * itself. 0, or -1 with text; errno is ECANCELED if CONDITIONS->go_on stopped it. CONDITIONS have
 * the state and the spread of the learned durations.
 */
int aw_replan_look (double *end, const struct aw_conditions *conditions, struct aw_error *err);

/* Has a run departed from its plan: is its end expected at END, by a twentieth of the remaining
 * time earlier or later than PROMISED (NAN: nothing was)? NOW: the present t.
 */
bool aw_replan_departed (double end, double promised, double now);

/* How far a search may go. */
struct aw_replan_limits {
    uint32_t evaluations; /* simulations of the search */
    /* Is less than PART (0 to 1) of the time over? NULL: there is no limit. */
    bool (*search_on) (void *arg, double part);
    void *arg;
};

/* Searches among the policies' orders and beyond, within LIMITS. A plan must end earlier in the
 * mean of simulations with durations that vary: by half a percent of the remaining time, and by
 * more than chance explains. CONDITIONS as of look, which found END. 0, or -1 with text; finish
 * takes a zeroed value.
 */
int aw_replan (struct aw_replan *replan,
               const struct aw_conditions *conditions,
               double end,
               const struct aw_replan_limits *limits,
               struct aw_error *err);
void aw_replan_finish (struct aw_replan *replan);

#endif /* AW_MODEL_REPLAN_H */
