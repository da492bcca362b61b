/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts, from their start to their end. */
#include "core/history/history_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

static struct aw_attempt *last_attempt (const struct aw_history *history, uint32_t task)
{
    uint32_t last = history->last[task];

    return last ? &history->attempts[last - 1] : NULL;
}

static int check_start (const struct aw_history *history,
                        const struct aw_event *ev,
                        struct aw_error *err)
{
    const struct aw_attempt *last = last_attempt (history, ev->task);

    if (history->marks[ev->task] & AW_MARK_SKIPPED)
        return aw_history_refuse (history, ev->task, "starts after it was skipped", err);
    if (last && isnan (last->finish) && !last->waits)
        return aw_history_refuse (history, ev->task, "starts while it runs", err);
    if (last && last->waits
        && (ev->attempt != last->attempt || ev->n_more > 0 || ev->type == AW_EVENT_STAGE
            || history->first_node + ev->node != last->node))
        return aw_history_refuse (
            history, ev->task,
            "starts with another attempt, node or step than its data was staged for", err);
    if (last && !last->waits && ev->attempt <= last->attempt)
        return aw_history_refuse (history, ev->task, "starts again as an earlier attempt", err);
    if (aw_history_check_assigned (history, ev, err) < 0)
        return -1;
    for (uint32_t i = 0; i <= ev->n_more; i++)
        if (aw_history_check_held (history, ev, i, err) < 0)
            return -1;
    return 0;
}

/* An attempt begins with EV, a START or STAGE; or it ends with EV, a FINISH, before it could start.
 */
static int add_attempt (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    double ready = history->ready[ev->task] > 0 ? history->ready[ev->task] - 1.0 : NAN;
    uint32_t last = history->last[ev->task];
    uint8_t kept;
    bool assigned;

    if (history->n_attempts >= AW_NONE / 2
        || aw_array_reserve (&history->attempts, &history->size, history->n_attempts + 1) < 0
        || aw_array_reserve (&history->more, &history->more_size, history->n_more + ev->n_more) < 0)
        return aw_error_set (err, "out of memory");
    /* A task that was cancelled meanwhile has started before its node knew of that. */
    assigned = aw_history_unassign (history, ev->task);
    kept = assigned ? history->marks[ev->task] & AW_MARK_CANCELLED : 0;
    history->attempts[history->n_attempts++] = (struct aw_attempt){
        .task = ev->task,
        .attempt = ev->attempt,
        .previous = last ? last - 1 : AW_NONE,
        .node = history->first_node + ev->node,
        .ready =
            ready > ev->t ? ev->t : ready, /* kept in single precision, it may come out later */
        .staged = ev->type == AW_EVENT_STAGE ? ev->t : NAN,
        .brought = NAN,
        .serving = NAN,
        .waits = ev->type == AW_EVENT_STAGE,
        .assigned = assigned && ev->type == AW_EVENT_START,
        .started = ev->type == AW_EVENT_START,
        .start = ev->t,
        .released = NAN,
        .finish = NAN,
        .seconds = NAN,
        .gpu_util = NAN,
    };
    history->last[ev->task] = (uint32_t)history->n_attempts;
    history->ready[ev->task] = 0;
    history->marks[ev->task] = kept;
    aw_history_hold (history, &history->attempts[history->n_attempts - 1], ev);
    history->exit_code = -1; /* the run continues */
    return 0;
}

int aw_history_handle_start (struct aw_history *history,
                             const struct aw_event *ev,
                             struct aw_error *err)
{
    struct aw_attempt *last = last_attempt (history, ev->task);

    if (check_start (history, ev, err) < 0)
        return -1;
    if (!last || !last->waits)
        return add_attempt (history, ev, err);
    last->waits = false;
    last->started = true;
    last->start = ev->t;
    aw_history_hold (history, last, ev);
    return 0;
}

int aw_history_handle_finish (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err)
{
    struct aw_attempt *last = last_attempt (history, ev->task);
    bool assigned = history->assigned[ev->task].node > 0;
    int rc = assigned ? aw_history_take_back (history, ev, err) : 1;
    char *reason = NULL;

    if (rc <= 0)
        return rc;
    if (!assigned && (!last || !isnan (last->finish)))
        return aw_history_refuse (history, ev->task, "ends but does not run", err);
    if (!assigned && last->attempt != ev->attempt)
        return aw_history_refuse (history, ev->task, "ends as another attempt than it started",
                                  err);
    if (ev->reason && !(reason = strdup (ev->reason)))
        return aw_error_set (err, "out of memory");
    if (assigned && add_attempt (history, ev, err) < 0) {
        free (reason);
        return -1;
    }
    last = last_attempt (history, ev->task);
    last->finish = ev->t;
    last->seconds = ev->seconds;
    last->first_call = ev->first_call;
    last->cpu_seconds = ev->cpu_seconds;
    last->max_rss = ev->max_rss;
    last->gpu_util = ev->gpu_known && ev->gpu_util >= 0 ? ev->gpu_util : NAN;
    last->gpu_mem = ev->gpu_known ? ev->gpu_mem : 0;
    last->status = ev->status;
    last->code = ev->code;
    last->signal = ev->signal;
    last->reason = reason;
    last->waits = false;
    if (isnan (last->released))
        aw_history_give_back (history, last);
    return 0;
}

int aw_history_handle_staging (struct aw_history *history,
                               const struct aw_event *ev,
                               struct aw_error *err)
{
    struct aw_attempt *last = last_attempt (history, ev->task);

    if (!last || !isnan (last->finish) || last->attempt != ev->attempt)
        return aw_history_refuse (history, ev->task, "has a copy but does not run", err);
    if (ev->type == AW_EVENT_STAGED) {
        if (isnan (last->staged))
            return 0; /* it holds its CPUs meanwhile: only the reason is news */
        last->staged_bytes = ev->bytes;
        last->node_bytes = ev->node_bytes;
        last->brought = isnan (last->brought) ? ev->t : last->brought;
    }
    else if (isnan (last->released) && !last->waits) {
        last->released = ev->t;
        aw_history_give_back (history, last);
    }
    return 0;
}

int aw_history_handle_serving (struct aw_history *history,
                               const struct aw_event *ev,
                               struct aw_error *err)
{
    struct aw_attempt *last = last_attempt (history, ev->task);

    if (!last || !isnan (last->finish) || last->attempt != ev->attempt)
        return aw_history_refuse (history, ev->task, "serves but does not run", err);
    last->serving = ev->t;
    last->startup = ev->seconds;
    last->port = ev->port;
    return 0;
}
