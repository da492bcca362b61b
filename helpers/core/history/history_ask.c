/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about tasks and attempts. */
#include "core/history/history.h"

#include <math.h>

#include "core/history/history_parts.h"

const struct aw_attempt *aw_history_last (const struct aw_history *history, uint32_t task)
{
    uint32_t last = task < history->graph->n_tasks ? history->last[task] : 0;

    return last ? &history->attempts[last - 1] : NULL;
}

uint32_t aw_history_next_attempt (const struct aw_history *history, uint32_t task)
{
    const struct aw_attempt *last = aw_history_last (history, task);
    uint32_t assigned = task < history->graph->n_tasks ? history->assigned[task].next : 0;

    return last && last->attempt + 1 > assigned ? last->attempt + 1 : assigned;
}

double aw_history_end (const struct aw_history *history, const struct aw_attempt *attempt)
{
    if (!attempt->started)
        return attempt->start;
    if (!isnan (attempt->released))
        return attempt->released;
    return isnan (attempt->finish) ? fmax (history->now, attempt->start) : attempt->finish;
}

double aw_attempt_run_seconds (const struct aw_attempt *attempt)
{
    if (attempt->status == AW_STATUS_NODE_FAIL && !isnan (attempt->released))
        return attempt->released - attempt->start; /* no node has measured it */
    return attempt->seconds > 0 ? attempt->seconds : attempt->finish - attempt->start;
}

double aw_attempt_began (const struct aw_attempt *attempt)
{
    double end = isnan (attempt->released) ? attempt->finish : attempt->released;
    double began = end - aw_attempt_run_seconds (attempt);

    if (attempt->status == AW_STATUS_NODE_FAIL)
        return attempt->start;
    return fmin (attempt->start, fmax (began, attempt->ready)); /* NAN: passed over */
}

double aw_history_came (const struct aw_history *history, const struct aw_attempt *attempt)
{
    if (isnan (attempt->staged) || attempt->started)
        return isnan (attempt->staged) ? NAN : attempt->start;
    return isnan (attempt->finish) ? fmax (history->now, attempt->staged) : attempt->finish;
}

double aw_history_left (const struct aw_history *history, const struct aw_attempt *attempt)
{
    if (isnan (attempt->released))
        return NAN;
    return isnan (attempt->finish) ? fmax (history->now, attempt->released) : attempt->finish;
}

uint32_t aw_history_last_iteration (const struct aw_history *history)
{
    const struct aw_graph *graph = history->graph;
    uint32_t last = UINT32_MAX;

    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        struct aw_task at = aw_graph_task (graph, a->task);

        if (!isnan (a->finish) && a->status == AW_STATUS_COMPLETED && at.set == graph->until
            && a->code == graph->until_code && at.iteration < last)
            last = at.iteration;
    }
    return last;
}

/* Attempts of LAST's task since the last RESUME, which grants all retries again. */
static uint32_t attempts_here (const struct aw_history *history, const struct aw_attempt *last)
{
    uint32_t n = 1;

    for (; last->previous != AW_NONE && last->previous >= history->n_before; n++)
        last = &history->attempts[last->previous];
    return n;
}

/* Will there be another attempt after LAST? The next lines of the journal will say; until then the
 * rule of the set does, with each attempt counted as a failure.
 */
static bool is_retried (const struct aw_history *history, const struct aw_attempt *last)
{
    const struct aw_set *set =
        &history->graph->sets[aw_graph_task (history->graph, last->task).set];
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH, .status = last->status, .code = last->code, .signal = last->signal
    };

    return aw_retry_allows (&set->retry, attempts_here (history, last), &ev);
}

enum aw_history_task aw_history_state (const struct aw_history *history, uint32_t task)
{
    const struct aw_attempt *last = aw_history_last (history, task);

    if (history->marks[task] & AW_MARK_SKIPPED)
        return AW_HISTORY_SKIPPED;
    if (last && isnan (last->finish))
        return AW_HISTORY_RUNNING;
    if (last && last->status == AW_STATUS_COMPLETED && !(history->marks[task] & AW_MARK_AGAIN))
        return AW_HISTORY_COMPLETED;
    if (history->marks[task] & AW_MARK_DROPPED)
        return AW_HISTORY_SKIPPED;
    if (history->marks[task] & AW_MARK_CANCELLED
        && (last || history->marks[task] & AW_MARK_RETURNED))
        return AW_HISTORY_CANCELLED;
    if (!last)
        return AW_HISTORY_UNSTARTED;
    if (history->marks[task] & AW_MARK_AGAIN)
        return AW_HISTORY_UNSTARTED;
    if (last->status == AW_STATUS_CANCELLED)
        return AW_HISTORY_CANCELLED;
    if (last < history->attempts + history->n_before)
        return AW_HISTORY_FAILED; /* for good, or the last RESUME would have renewed it */
    if (history->ready[task] > 0 && history->exit_code < 0)
        return AW_HISTORY_UNSTARTED; /* it will be retried */
    if (is_retried (history, last) && history->exit_code < 0 && !history->stop_reason)
        return AW_HISTORY_UNSTARTED;
    return AW_HISTORY_FAILED;
}
