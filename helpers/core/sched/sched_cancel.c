/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelled tasks: those that a user or a task cancels, and those of iterations after the one that
 * has reached the goal. Waiting tasks are skipped, running ones are killed.
 */
#include "core/sched/sched_state.h"

/* Does TASK wait in a queue, and is it to be cancelled? */
static bool is_queued (void *arg, uint32_t task)
{
    const struct aw_sched *s = arg;

    return s->depend.state[task] == AW_DEPEND_READY && !aw_running_find (&s->running, task)
           && !(s->done && s->done[task]);
}

/* All at once: one by one each would be searched for. */
void aw_sched_leave_queues (struct aw_sched *s, uint32_t first, uint32_t last)
{
    struct aw_task at = aw_graph_task (s->graph, first);
    uint32_t instance = aw_graph_instance (s->graph, at.iteration, at.set);

    aw_ranges_remove_all (&s->news.ready, first, last, is_queued, s);
    for (uint32_t task = first; s->delayed.n > 0 && task <= last; task++)
        if (is_queued (s, task))
            aw_delay_queue_remove (&s->delayed, task);
    if (s->stage.queues)
        s->stage.n_queued -=
            aw_ranges_remove_all (&s->stage.queues[instance], first, last, is_queued, s);
    aw_ready_remove_all (&s->ready, first, last, is_queued, s);
}

static int cancel_task (struct aw_sched *s, uint32_t task, bool release, struct aw_released *out)
{
    enum aw_depend_state state = (enum aw_depend_state)s->depend.state[task];
    struct aw_tries *tries = &s->tries[task];

    if (s->done && s->done[task])
        return 0;
    if (aw_running_find (&s->running, task)) {
        tries->cancelled = true;
        tries->released = release;
        s->cancels = true;
        s->cancel_from = 0;
        return 0;
    }
    if (state != AW_DEPEND_WAITING && state != AW_DEPEND_READY)
        return 0;
    if (state == AW_DEPEND_READY)
        aw_ranges_remove (&out->ready, task); /* by this cancellation, as at a gate */
    tries->cancelled = true;
    return aw_depend_drop (&s->depend, task, release, s->now, out);
}

static bool has_run (void *arg, uint32_t task)
{
    const struct aw_sched *s = arg;

    return s->tries[task].attempts > 0;
}

/* Those of the COUNT dropped tasks from FIRST on that have run before, and were to be retried, are
 * not published as skipped: they have an end. Tasks that wait for them are, even if they have begun
 * in an earlier part of the run.
 */
static int release (
    struct aw_sched *s, int rc, struct aw_released *out, uint32_t first, uint64_t count)
{
    if (count > 0)
        aw_ranges_remove_all (&out->skipped, first, (uint32_t)(first + count - 1), has_run, s);
    return aw_sched_release (s, rc, out);
}

int aw_sched_drop_queued (struct aw_sched *s, uint32_t first, uint32_t count)
{
    struct aw_released out = { 0 };
    int rc = 0;

    aw_sched_leave_queues (s, first, first + count - 1);
    for (uint32_t task = first; rc == 0 && task < first + count; task++)
        if (is_queued (s, task))
            rc = aw_depend_drop (&s->depend, task, false, s->now, &out);
    return release (s, rc, &out, first, count);
}

int aw_sched_cancel_range (struct aw_sched *s, uint32_t first, uint64_t count, bool releases)
{
    struct aw_released out = { 0 };
    int rc = 0;

    for (uint64_t i = 0, n; i < count; i += n) {
        uint32_t from = first + (uint32_t)i;
        struct aw_task at = aw_graph_task (s->graph, from);

        n = s->graph->sets[at.set].count - at.index;
        n = n < count - i ? n : count - i;
        aw_sched_leave_queues (s, from, from + (uint32_t)n - 1);
    }
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = cancel_task (s, first + (uint32_t)i, releases, &out);
    return release (s, rc, &out, first, count);
}

static void restart (struct aw_sched *s, uint32_t task)
{
    if (!aw_running_find (&s->running, task))
        return;
    s->tries[task].restarted = s->cancels = true;
    s->cancel_from = 0;
}

int aw_sched_handle_cancel (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    if (ev->count > s->graph->n_tasks - ev->task)
        return aw_error_set (err, "there are fewer tasks to cancel");
    if (ev->code == AW_CANCEL_RESTARTS)
        for (uint64_t i = 0; i < ev->count; i++)
            restart (s, ev->task + (uint32_t)i);
    else if (aw_sched_cancel_range (s, ev->task, ev->count, ev->code == AW_CANCEL_RELEASES) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

/* Nothing behind iteration LAST is needed. Added sets no longer wait for these sets.
 */
int aw_sched_end_iterations (struct aw_sched *s, uint32_t last)
{
    if (last >= s->last_iteration || last + 1 >= s->graph->iterations)
        return 0;
    s->last_iteration = last;
    return aw_sched_cancel_range (
        s, (last + 1) * s->graph->tasks_per_iteration,
        (uint64_t)(s->graph->iterations - last - 1) * s->graph->tasks_per_iteration, true);
}

int aw_sched_until (struct aw_sched *s, uint32_t task, const struct aw_event *ev)
{
    struct aw_task at;

    if (s->graph->until == AW_NONE)
        return 0;
    at = aw_graph_task (s->graph, task);
    return at.set == s->graph->until && ev->code == s->graph->until_code
               ? aw_sched_end_iterations (s, at.iteration)
               : 0;
}

/* Also earlier in a resumed run, or if it will be retried. */
static bool has_started (const struct aw_sched *s, uint32_t task)
{
    return (s->depend.state[task] != AW_DEPEND_WAITING && s->depend.state[task] != AW_DEPEND_READY)
           || s->tries[task].attempts > 0 || (s->done && s->done[task]);
}

int aw_sched_until_message (struct aw_sched *s)
{
    uint32_t last = 0;

    if (s->graph->until_topic == AW_NONE || s->depend.messages[s->graph->until_topic] == 0)
        return 0;
    for (uint32_t task = 0; task < s->graph->tasks_per_iteration * s->graph->iterations; task++)
        if (has_started (s, task))
            last = task / s->graph->tasks_per_iteration;
    return aw_sched_end_iterations (s, last);
}

int aw_sched_end_cancelled (struct aw_sched *s, uint32_t task)
{
    struct aw_released out = { 0 };

    return release (s, aw_depend_drop (&s->depend, task, s->tries[task].released, s->now, &out),
                    &out, task, 1);
}

struct aw_running *aw_sched_next_cancelled (struct aw_sched *s)
{
    struct aw_running *run;

    while (s->cancels && (run = aw_running_each (&s->running, &s->cancel_from)))
        if ((s->tries[run->task].cancelled || s->tries[run->task].restarted) && !run->killed)
            return run;
    s->cancels = false;
    return NULL;
}
