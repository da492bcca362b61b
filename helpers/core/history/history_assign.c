/* SPDX-License-Identifier: Apache-2.0 */
/* Ready tasks that a node has in advance. Such an attempt is none yet: it holds nothing, its task
 * stays ready, and if the node gives it back, nothing remains of it. If the node is lost, or the
 * coordinator, it may have started: then its number is not used again.
 */
#include "core/history/history_parts.h"

#include <math.h>

uint32_t aw_history_assigned_to (const struct aw_history *history, uint32_t task)
{
    uint32_t node = task < history->graph->n_tasks ? history->assigned[task].node : 0;

    return node ? node - 1 : AW_NONE;
}

bool aw_history_unassign (struct aw_history *history, uint32_t task)
{
    if (!history->assigned[task].node)
        return false;
    history->assigned[task].node = 0;
    history->n_assigned--;
    return true;
}

static int check_assign (const struct aw_history *history,
                         const struct aw_event *ev,
                         struct aw_error *err)
{
    const struct aw_attempt *last = aw_history_last (history, ev->task);
    uint32_t node = history->first_node + ev->node;

    if (history->marks[ev->task] & AW_MARK_SKIPPED)
        return aw_history_refuse (history, ev->task, "is assigned to a node after it was skipped",
                                  err);
    if (last && isnan (last->finish))
        return aw_history_refuse (history, ev->task, "is assigned to a node while it runs", err);
    if (aw_history_state (history, ev->task) == AW_HISTORY_COMPLETED)
        return aw_history_refuse (history, ev->task, "is assigned to a node after it has completed",
                                  err);
    if (history->assigned[ev->task].node)
        return aw_history_refuse (history, ev->task, "is assigned to a node twice", err);
    if (ev->attempt < aw_history_next_attempt (history, ev->task))
        return aw_history_refuse (history, ev->task, "is assigned to a node as an earlier attempt",
                                  err);
    if (node >= history->n_nodes)
        return aw_history_refuse (history, ev->task, "is assigned to a node that never joined",
                                  err);
    if (!isnan (history->nodes[node].lost))
        return aw_history_refuse (history, ev->task, "is assigned to a node that was lost", err);
    return 0;
}

int aw_history_handle_assign (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err)
{
    if (check_assign (history, ev, err) < 0)
        return -1;
    history->assigned[ev->task] =
        (struct aw_history_assigned){ .next = ev->attempt + 1,
                                      .node = history->first_node + ev->node + 1 };
    history->n_assigned++;
    return 0;
}

int aw_history_check_assigned (const struct aw_history *history,
                               const struct aw_event *ev,
                               struct aw_error *err)
{
    const struct aw_history_assigned *assigned = &history->assigned[ev->task];

    if (assigned->node
        && (ev->attempt + 1 != assigned->next || ev->n_more > 0 || ev->type == AW_EVENT_STAGE
            || history->first_node + ev->node + 1 != assigned->node))
        return aw_history_refuse (
            history, ev->task,
            "starts with another attempt, node or step than it was assigned with", err);
    if (!assigned->node && ev->attempt < assigned->next)
        return aw_history_refuse (history, ev->task,
                                  "starts as an attempt that may have started before", err);
    return 0;
}

int aw_history_take_back (struct aw_history *history,
                          const struct aw_event *ev,
                          struct aw_error *err)
{
    if (ev->attempt + 1 != history->assigned[ev->task].next)
        return aw_history_refuse (history, ev->task, "ends as another attempt than was assigned",
                                  err);
    if (history->first_node + ev->node + 1 != history->assigned[ev->task].node)
        return aw_history_refuse (history, ev->task, "ends on another node than it was assigned to",
                                  err);
    if (ev->status == AW_STATUS_COMPLETED)
        return aw_history_refuse (history, ev->task, "completes without a start", err);
    if (ev->status != AW_STATUS_CANCELLED && ev->status != AW_STATUS_NODE_FAIL)
        return 1;
    aw_history_unassign (history, ev->task);
    if (ev->status == AW_STATUS_CANCELLED)
        history->assigned[ev->task].next = ev->attempt;
    history->marks[ev->task] |= AW_MARK_RETURNED;
    return 0;
}
