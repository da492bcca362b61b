/* SPDX-License-Identifier: Apache-2.0 */
/* A run continues after its coordinator has ended: attempts that were running have ended with it,
 * and what did not end well is to run again.
 */
#include "core/history/history_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

static bool is_open (const struct aw_attempt *a)
{
    return isnan (a->finish);
}

/* Gives the first N attempts, where they are open, no reason. */
static void drop_reasons (struct aw_history *history, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_open (&history->attempts[i])) {
            free (history->attempts[i].reason);
            history->attempts[i].reason = NULL;
        }
}

/* Gives all open attempts the reason for which a RESUME ends them. 0, or -1 and none has one. */
static int give_reasons (struct aw_history *history)
{
    for (size_t i = 0; i < history->n_attempts; i++) {
        struct aw_attempt *a = &history->attempts[i];

        if (is_open (a) && !(a->reason = strdup ("the run was interrupted"))) {
            drop_reasons (history, i);
            return -1;
        }
    }
    return 0;
}

/* Has TASK lost its submitter: does it belong to an attempt that did not end well? */
static bool is_orphan (const struct aw_history *history, uint32_t set)
{
    uint32_t by = history->submitter[set];

    return by == AW_NONE || (by && history->attempts[by - 1].status != AW_STATUS_COMPLETED);
}

/* The attempt was running when its coordinator went away. */
static void lose_attempt (struct aw_history *history, struct aw_attempt *a)
{
    a->finish = fmax (history->now, a->start);
    a->seconds = a->finish - a->start;
    a->status = AW_STATUS_NODE_FAIL;
    a->waits = false;
    history->marks[a->task] |= AW_MARK_AGAIN; /* it has not failed, even with on_failure stop */
    if (isnan (a->released))
        aw_history_give_back (history, a);
}

/* What did not end well is to run again, and so are all tasks of the sets in AGAIN; but not what
 * was cancelled, nor iterations after the last one.
 */
static void renew_tasks (struct aw_history *history, const struct aw_idset *again)
{
    uint32_t last_iteration = aw_history_last_iteration (history);

    for (uint32_t task = 0; task < history->graph->n_tasks; task++) {
        struct aw_task at = aw_graph_task (history->graph, task);
        uint32_t set = at.set;
        uint8_t kept = history->marks[task] & (AW_MARK_CANCELLED | AW_MARK_RETURNED);
        enum aw_history_task state = aw_history_state (history, task);
        const struct aw_set *s = &history->graph->sets[set];
        bool passed = (state == AW_HISTORY_COMPLETED && !s->service)
                      || (state == AW_HISTORY_FAILED
                          && (s->on_failure == AW_ON_FAILURE_CONTINUE || s->submitted));

        if (!passed && (is_orphan (history, set) || (s->submitted && state == AW_HISTORY_SKIPPED)))
            kept = AW_MARK_CANCELLED;
        if (at.iteration > last_iteration && !passed)
            kept = AW_MARK_CANCELLED;
        history->marks[task] = kept | (passed && !aw_idset_has (again, set) ? 0 : AW_MARK_AGAIN);
        history->ready[task] = 0;
        aw_history_unassign (history, task);
    }
}

/* Marks the tasks that are not wanted from now on. */
static void drop_tasks (struct aw_history *history, const struct aw_resume *resume)
{
    const struct aw_graph *graph = history->graph;

    for (uint32_t i = 0; i < resume->n_dropped; i++) {
        const struct aw_indexes *dropped = &resume->dropped[i];
        uint32_t count = dropped->set < graph->n_sets ? graph->sets[dropped->set].count : 0;

        for (uint32_t it = 0; count > 0 && it < aw_graph_iterations (graph, dropped->set); it++) {
            uint32_t first = aw_graph_first_task (graph, it, dropped->set);

            for (uint32_t k = dropped->first; k <= dropped->last && k < count; k++)
                history->marks[first + k] |= AW_MARK_DROPPED;
        }
    }
}

int aw_history_handle_resume (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err)
{
    static const struct aw_resume nothing = { .epoch = NAN };
    const struct aw_resume *resume = ev->resume ? ev->resume : &nothing;
    struct aw_history_gap gap = { .from = history->now, .to = ev->t };

    if (aw_array_reserve (&history->gaps, &history->gap_room, history->n_gaps + 1) < 0
        || (resume->job && !(gap.job = strdup (resume->job))) || give_reasons (history) < 0) {
        free (gap.job);
        return aw_error_set (err, "out of memory");
    }
    for (size_t i = 0; i < history->n_attempts; i++)
        if (is_open (&history->attempts[i])) {
            lose_attempt (history, &history->attempts[i]);
            gap.lost++;
        }
    history->gaps[history->n_gaps++] = gap;
    for (uint32_t n = history->first_node; n < history->n_nodes; n++)
        if (isnan (history->nodes[n].lost))
            history->nodes[n].lost = history->now;
    renew_tasks (history, &resume->again);
    history->n_before = history->n_attempts;
    drop_tasks (history, resume);
    free (history->stop_reason);
    free (history->stall);
    history->stop_reason = history->stall = NULL;
    history->stalled = history->stall_failed = false;
    history->exit_code = -1;
    history->first_node = history->n_nodes;
    history->epoch = resume->epoch;
    return 0;
}
