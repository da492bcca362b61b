/* SPDX-License-Identifier: Apache-2.0 */
/* How a scheduler begins: from nothing, or where an earlier part of the run ended. */
#include <stdlib.h>
#include <string.h>

#include "core/history/resume_state.h"
#include "core/sched/sched_state.h"

int aw_sched_resume (struct aw_sched *s, const struct aw_resume_state *state, struct aw_error *err)
{
    if (s->begun || s->done || s->pool.n_nodes > 0)
        return aw_error_set (err, "a scheduler that has begun cannot be resumed");
    s->done = malloc (s->graph->n_tasks);
    if (!s->done)
        return aw_error_set (err, "out of memory for %u tasks", s->graph->n_tasks);
    memcpy (s->done, state->done, s->graph->n_tasks);
    for (uint32_t task = 0; task < s->graph->n_tasks; task++)
        s->tries[task].attempts = (uint16_t)state->attempts[task];
    for (size_t i = 0; i < state->n_ends; i++)
        aw_estimate_learn (&s->estimate, state->ends[i].set, state->ends[i].seconds);
    s->last_iteration = state->last_iteration;
    s->cancelled = malloc ((state->n_cancelled + (size_t)1) * sizeof (*s->cancelled));
    if (!s->cancelled)
        return aw_error_set (err, "out of memory");
    for (; s->n_cancelled < state->n_cancelled; s->n_cancelled++)
        s->cancelled[s->n_cancelled] = state->cancelled[s->n_cancelled];
    if (state->plan && aw_sched_resume_plan (s, state->plan) < 0)
        return aw_error_set (err, "out of memory");
    aw_sched_rank_again (s);
    s->now = state->t;
    return 0;
}

static int cancel_earlier (struct aw_sched *s)
{
    uint32_t last = s->last_iteration;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < s->n_cancelled; i++)
        rc = aw_sched_cancel_range (s, s->cancelled[i].task, s->cancelled[i].count,
                                    s->cancelled[i].release);
    s->last_iteration = UINT32_MAX;
    return rc < 0 || last == UINT32_MAX ? rc : aw_sched_end_iterations (s, last);
}

int aw_sched_begin (struct aw_sched *s)
{
    struct aw_released out = { 0 };
    int rc;

    if (s->begun)
        return 0;
    s->begun = true;
    rc = aw_sched_release (s, aw_depend_begin (&s->depend, s->now, &out), &out);
    if (rc == 0)
        rc = cancel_earlier (s);
    return rc < 0 ? rc : aw_sched_serve (s);
}
