/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelled tasks, as a resumed run applies them again: to tasks that do not run. Of several
 * CANCELs of such a task the first counts. Of a task that runs, the last one counts, by which its
 * attempt ends: a resumed run applies that one first.
 */
#include <string.h>

#include "core/history/history_parts.h"
#include "util/array.h"

bool aw_history_is_cancelled (const struct aw_history *history, uint32_t task)
{
    return history->marks[task] & AW_MARK_CANCELLED;
}

static bool has_begun (const struct aw_history *history, uint32_t task)
{
    return history->assigned[task].node || aw_history_state (history, task) == AW_HISTORY_RUNNING;
}

/* Is TASK cancelled, and does it still run? */
static bool is_ending (const struct aw_history *history, uint32_t task)
{
    return history->marks[task] & AW_MARK_CANCELLED && has_begun (history, task);
}

/* The next tasks of CANCEL from FIRST on, one after the other, that are cancelled and still run.
 * False: there are none. */
static bool next_ending (const struct aw_history *history,
                         const struct aw_event *cancel,
                         uint32_t first,
                         struct aw_cancel *ending)
{
    uint32_t end = cancel->task + (uint32_t)cancel->count, last;

    while (first < end && !is_ending (history, first))
        first++;
    for (last = first; last < end && is_ending (history, last);)
        last++;
    *ending = (struct aw_cancel){ first, last - first, cancel->code == AW_CANCEL_RELEASES };
    return last > first;
}

/* Puts CANCEL before all others, for those of its tasks that are cancelled and still run: N ranges
 * of them. There is room. */
static void put_first (struct aw_history *history, const struct aw_event *cancel, uint32_t n)
{
    uint32_t first = cancel->task;

    memmove (history->cancelled + n, history->cancelled,
             history->n_cancelled * sizeof (*history->cancelled));
    history->n_cancelled += n;
    for (uint32_t i = 0; i < n; i++) {
        next_ending (history, cancel, first, &history->cancelled[i]);
        first = history->cancelled[i].task + (uint32_t)history->cancelled[i].count;
    }
}

int aw_history_handle_cancel (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err)
{
    struct aw_cancel cancel = { ev->task, ev->count, ev->code == AW_CANCEL_RELEASES }, ending;
    uint32_t n = 0, next = ev->task;

    if (ev->code == AW_CANCEL_RESTARTS)
        return 0;
    if (ev->count > history->graph->n_tasks - ev->task)
        return aw_history_refuse (history, ev->task, "and cancels more tasks than it has", err);
    for (; next_ending (history, ev, next, &ending); n++)
        next = ending.task + (uint32_t)ending.count;
    if (aw_array_reserve (&history->cancelled, &history->cancel_room,
                          (size_t)history->n_cancelled + n + 1)
        < 0)
        return aw_error_set (err, "out of memory");
    history->cancelled[history->n_cancelled++] = cancel;
    if (n > 0)
        put_first (history, ev, n);
    for (uint32_t task = ev->task; task - ev->task < ev->count; task++) {
        if (has_begun (history, task) || aw_history_state (history, task) == AW_HISTORY_UNSTARTED)
            history->marks[task] |= AW_MARK_CANCELLED;
    }
    return 0;
}
