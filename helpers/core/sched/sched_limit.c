/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the job: a task that could not end by then does not start. The caller kills the tasks
 * that still run.
 */
#include <math.h>

#include "core/sched/sched_state.h"

static const double MOMENT = 1e-3; /* seconds: more than what rounding can do */

/* The seconds that a task is assumed to need: its time limit; else the expected seconds with a
 * margin for their spread; 0 if nothing is known. A task that saves its state on request needs only
 * a little time before that. It must have some, or it would be killed and start again until the end
 * of the job.
 */
static double needs (const struct aw_sched *s, uint32_t number)
{
    const struct aw_set *set = &s->graph->sets[number];
    double most = aw_estimate_most (&s->estimate, number);

    if (isfinite (set->time_limit))
        most = set->time_limit;
    if (set->checkpoint_signal)
        return set->checkpoint_seconds + fmin (most, set->checkpoint_seconds); /* most may be NAN */
    return isnan (most) ? 0 : most;
}

bool aw_sched_in_time_from (const struct aw_sched *s, uint32_t instance, double t)
{
    return isinf (s->limit)
           || t + needs (s, aw_graph_instance_set (s->graph, instance)) <= s->limit;
}

bool aw_sched_in_time (const struct aw_sched *s, uint32_t instance)
{
    return aw_sched_in_time_from (s, instance, s->now);
}

bool aw_sched_cut (const struct aw_sched *s)
{
    for (uint32_t set = 0; set < s->graph->n_sets && !isinf (s->limit); set++)
        if (s->depend.counts[set][AW_DEPEND_READY] > 0
            && !s->ready.shapes[s->ready.shape_of[set]].never
            && !aw_sched_in_time (s, aw_graph_instance (s->graph, 0, set)))
            return true;
    return false;
}

double aw_sched_late_from (const struct aw_sched *s, uint32_t instance)
{
    return s->limit - needs (s, aw_graph_instance_set (s->graph, instance)) + MOMENT;
}

void aw_sched_set_limit (struct aw_sched *s, double t)
{
    s->limit = t;
    aw_sched_forget (s); /* tasks that were late may be in time now */
}

bool aw_sched_too_late (const struct aw_sched *s, uint32_t set, double *seconds)
{
    *seconds = needs (s, set);
    return s->now + *seconds > s->limit;
}
