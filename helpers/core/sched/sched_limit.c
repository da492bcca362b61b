/* SPDX-License-Identifier: Apache-2.0 */
/* The job's end: what could not end by then is not started. What runs beyond it all the same is for
 * the caller to stop.
 */
#include <math.h>

#include "core/sched/sched_state.h"

/* What a task is taken to need: its time limit, for then it has ended whatever happens; else what
 * it is expected to take and a margin for its spread; nothing where nothing is known. One that
 * saves its state when it is told so may be cut: a little time before that is enough, but there
 * must be some, or it would be cut, and start again, until the end.
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

bool aw_sched_in_time (const struct aw_sched *s, uint32_t instance)
{
    return isinf (s->limit)
           || s->now + needs (s, aw_graph_instance_set (s->graph, instance)) <= s->limit;
}

uint32_t aw_sched_first_in_time (const struct aw_sched *s, const struct aw_shape *shape)
{
    uint32_t best = AW_NONE;

    if (aw_sched_in_time (s, shape->heap[0]))
        return shape->heap[0];
    for (uint32_t i = 1; i < shape->n; i++)
        if (aw_sched_in_time (s, shape->heap[i])
            && (best == AW_NONE || aw_ready_before (&s->ready, shape->heap[i], best)))
            best = shape->heap[i];
    return best;
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

void aw_sched_set_limit (struct aw_sched *s, double t)
{
    s->limit = t;
}

bool aw_sched_too_late (const struct aw_sched *s, uint32_t set, double *seconds)
{
    *seconds = needs (s, set);
    return s->now + *seconds > s->limit;
}
