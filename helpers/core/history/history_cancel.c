/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelled tasks, as a resumed run applies them again: to tasks that do not run. Of several
 * CANCELs of such a task the first counts. Of a task that runs, the last one counts, by which its
 * attempt ends: a resumed run applies that one first.
 */
#include <string.h>

#include "core/history/history_parts.h"
#include "util/array.h"

static bool has_begun (const struct aw_history *history, uint32_t task)
{
    return history->assigned[task].node || aw_history_state (history, task) == AW_HISTORY_RUNNING;
}

/* Is TASK cancelled, and does it still run? */
static bool is_ending (const struct aw_history *history, uint32_t task)
{
    return history->marks[task] & AW_MARK_CANCELLED && has_begun (history, task);
}

/* Puts CANCEL before all others, for TASK alone. There is room. */
static void put_first (struct aw_history *history, uint32_t task, bool release)
{
    memmove (history->cancelled + 1, history->cancelled,
             history->n_cancelled * sizeof (*history->cancelled));
    history->cancelled[0] = (struct aw_cancel){ task, 1, release };
    history->n_cancelled++;
}

int aw_history_handle_cancel (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err)
{
    struct aw_cancel cancel = { ev->task, ev->count, ev->code == AW_CANCEL_RELEASES };
    uint32_t n = 1;

    if (ev->code == AW_CANCEL_RESTARTS)
        return 0;
    if (ev->count > history->graph->n_tasks - ev->task)
        return aw_history_refuse (history, ev->task, "and cancels more tasks than it has", err);
    for (uint32_t task = ev->task; task - ev->task < ev->count; task++)
        n += is_ending (history, task);
    if (aw_array_reserve (&history->cancelled, &history->cancel_room, history->n_cancelled + n) < 0)
        return aw_error_set (err, "out of memory");
    history->cancelled[history->n_cancelled++] = cancel;
    for (uint32_t task = ev->task; task - ev->task < ev->count; task++) {
        if (is_ending (history, task))
            put_first (history, task, cancel.release);
        if (has_begun (history, task) || aw_history_state (history, task) == AW_HISTORY_UNSTARTED)
            history->marks[task] |= AW_MARK_CANCELLED;
    }
    return 0;
}
