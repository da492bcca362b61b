/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/resume_state.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/history/history.h"
#include "core/history/history_parts.h"
#include "util/array.h"

enum { MAX_ATTEMPTS = 60000 }; /* the scheduler counts in 16 bits */

/* A RESUME lets failed tasks run again, unless their on_failure is continue or they are submitted.
 */
static enum aw_resume_done how_done (const struct aw_history *history, uint32_t task)
{
    enum aw_history_task state = aw_history_state (history, task);
    struct aw_task at = aw_graph_task (history->graph, task);

    if (history->graph->sets[at.set].service)
        return AW_RESUME_OPEN;
    if (state == AW_HISTORY_COMPLETED)
        return AW_RESUME_COMPLETED;
    if (state != AW_HISTORY_FAILED)
        return AW_RESUME_OPEN;
    return history->graph->sets[at.set].submitted ? AW_RESUME_FAILED : AW_RESUME_IGNORED;
}

static int fill_tasks (struct aw_resume_state *e,
                       const struct aw_history *history,
                       struct aw_error *err)
{
    char name[160];

    for (uint32_t task = 0; task < history->graph->n_tasks; task++) {
        e->done[task] = (uint8_t)how_done (history, task);
        e->n_done += e->done[task] != AW_RESUME_OPEN;
        e->n_ignored += e->done[task] == AW_RESUME_IGNORED;
        e->attempts[task] = aw_history_next_attempt (history, task);
        if (e->attempts[task] <= MAX_ATTEMPTS)
            continue;
        aw_graph_task_name (history->graph, task, name, sizeof (name));
        return aw_error_set (err, "%s has had %u attempts: more cannot be counted", name,
                             e->attempts[task]);
    }
    return 0;
}

/* Is the task not wanted, and has not ended: by the RESUME, or submitted and cancelled? */
static bool is_dropped (const struct aw_resume_state *e,
                        const struct aw_history *history,
                        uint32_t task)
{
    struct aw_task at = aw_graph_task (history->graph, task);

    return e->done[task] == AW_RESUME_OPEN
           && (history->marks[task] & AW_MARK_DROPPED
               || (history->marks[task] & AW_MARK_CANCELLED
                   && history->graph->sets[at.set].submitted));
}

/* Do successors of the dropped task run as if it had succeeded? Not those of a submitted one. */
static bool releases (const struct aw_history *history, uint32_t task)
{
    return !history->graph->sets[aw_graph_task (history->graph, task).set].submitted;
}

/* Cancels the dropped tasks, each run of them. 0, or -1 with ENOMEM. */
static int fill_dropped (struct aw_resume_state *e, const struct aw_history *history)
{
    uint32_t room = e->n_cancelled, n = history->graph->n_tasks;

    for (uint32_t task = 0; task < n; task++) {
        struct aw_cancel *last = e->n_cancelled ? &e->cancelled[e->n_cancelled - 1] : NULL;

        if (!is_dropped (e, history, task))
            continue;
        e->n_dropped++;
        if (last && task > 0 && is_dropped (e, history, task - 1)
            && releases (history, task - 1) == releases (history, task)) {
            last->count++;
            continue;
        }
        if (aw_array_reserve (&e->cancelled, &room, e->n_cancelled + (size_t)1) < 0)
            return -1;
        e->cancelled[e->n_cancelled++] = (struct aw_cancel){ task, 1, releases (history, task) };
    }
    return 0;
}

int aw_resume_state_init (struct aw_resume_state *e,
                          const struct aw_history *history,
                          struct aw_error *err)
{
    const struct aw_graph *graph = history->graph;
    size_t n_tasks = graph->n_tasks + (size_t)1;

    memset (e, 0, sizeof (*e));
    e->t = history->now;
    e->last_iteration = aw_history_last_iteration (history);
    e->done = calloc (n_tasks, sizeof (*e->done));
    e->attempts = calloc (n_tasks, sizeof (*e->attempts));
    e->ends = calloc (history->n_attempts + (size_t)1, sizeof (*e->ends));
    e->cancelled = calloc (history->n_cancelled + (size_t)1, sizeof (*e->cancelled));
    if (e->cancelled)
        for (; e->n_cancelled < history->n_cancelled; e->n_cancelled++)
            e->cancelled[e->n_cancelled] = history->cancelled[e->n_cancelled];
    e->plan = history->plan ? strdup (history->plan) : NULL;
    if (!e->plan != !history->plan || !e->cancelled || !e->done || !e->attempts || !e->ends) {
        aw_resume_state_finish (e);
        return aw_error_set (err, "out of memory for %u tasks", graph->n_tasks);
    }
    if (fill_tasks (e, history, err) < 0) {
        aw_resume_state_finish (e);
        return -1;
    }
    if (fill_dropped (e, history) < 0) {
        aw_resume_state_finish (e);
        return aw_error_set (err, "out of memory");
    }
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        struct aw_task at = aw_graph_task (graph, a->task);

        if (!isnan (a->serving))
            e->ends[e->n_ends++] = (struct aw_resume_end){ at.set, a->startup };
        else if (aw_attempt_teaches (a) && !graph->sets[at.set].service)
            e->ends[e->n_ends++] = (struct aw_resume_end){ at.set, a->seconds };
    }
    return 0;
}

void aw_resume_state_finish (struct aw_resume_state *e)
{
    int saved = errno;

    free (e->done);
    free (e->attempts);
    free (e->ends);
    free (e->cancelled);
    free (e->plan);
    memset (e, 0, sizeof (*e));
    errno = saved;
}
