/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that nodes have in advance (core/sched/backlog.h), as they come and go. */
#include <math.h>
#include <stdlib.h>

#include "core/sched/sched_state.h"

static const double UNKNOWN = 1; /* seconds that tasks are assumed to take until one has ended */
static const double SPAWNS = 2500; /* a second, at most, that one node is taken to make */

/* Agents know which exit codes mean success. Of the end of the job, before which a checkpoint
 * signal comes, they know nothing. */
bool aw_sched_is_assignable (const struct aw_sched *s, uint32_t number)
{
    const struct aw_set *set = &s->graph->sets[number];

    return set->nodes <= 1 && set->stage_in == AW_STAGING_NONE && set->stage_out == AW_STAGING_NONE
           && !set->service && !set->served && !set->step && !set->worker && !set->streams
           && !set->checkpoint_signal;
}

double aw_sched_seconds_of (const struct aw_sched *s, uint32_t set)
{
    double seconds = aw_estimate_seconds (&s->estimate, aw_estimate_set (&s->estimate, set));

    return isnan (seconds) ? UNKNOWN : seconds;
}

double aw_sched_end_rate (const struct aw_sched *s, uint32_t set)
{
    const struct aw_set *it = &s->graph->sets[set];

    return fmin (s->pool.total.cpus / (it->cpus * aw_sched_seconds_of (s, set)),
                 SPAWNS * s->pool.n_nodes);
}

uint32_t aw_sched_place (const struct aw_sched *s, uint32_t set)
{
    return aw_sched_is_assignable (s, set) ? s->ready.shape_of[set] + 1 : 0;
}

bool aw_sched_is_assigned (const struct aw_sched *s, uint32_t task)
{
    const struct aw_running *run = aw_running_find (&s->running, task);

    return run && run->assigned;
}

void aw_sched_count_place (struct aw_sched *s, const struct aw_running *run, int by)
{
    if (s->config.backlog > 0 && s->ready.shape_of[run->set] == s->backlog.shape
        && aw_estimate_set (&s->estimate, run->set) == s->backlog.set
        && aw_sched_is_assignable (s, run->set))
        aw_backlog_places (&s->backlog, run->node, by);
}

void aw_sched_take_back (struct aw_sched *s, struct aw_running *run)
{
    if (!run->assigned || run->killed)
        return;
    run->killed = true;
    aw_backlog_assigned (&s->backlog, run->node, -1);
    s->backlog.n_returning++;
}

void aw_sched_leave_backlog (struct aw_sched *s, struct aw_running *run)
{
    if (!run->assigned)
        return;
    if (run->killed)
        s->backlog.n_returning--;
    else
        aw_backlog_assigned (&s->backlog, run->node, -1);
    run->assigned = run->killed = false;
}
