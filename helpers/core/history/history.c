/* SPDX-License-Identifier: Apache-2.0 */
/* Events, one after the other. A journal may come from anywhere, so an event that contradicts
 * earlier ones is rejected: charts and sums can rely on the others (nothing over 100 %, no end
 * before its start). Arrays by task are allocated zeroed, so they use no memory before they are
 * used.
 */
#include "core/history/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"
#include "core/history/history_parts.h"
#include "util/array.h"

int aw_history_init (struct aw_history *history, const struct aw_graph *graph, struct aw_error *err)
{
    memset (history, 0, sizeof (*history));
    history->graph = graph;
    history->exit_code = -1;
    history->epoch = NAN;
    history->n_sets = graph->n_sets;
    history->room = aw_graph_size (graph);
    history->marks = calloc (graph->n_tasks + (size_t)1, sizeof (*history->marks));
    history->last = calloc (graph->n_tasks + (size_t)1, sizeof (*history->last));
    history->ready = calloc (graph->n_tasks + (size_t)1, sizeof (*history->ready));
    history->submitter = calloc (graph->n_sets + (size_t)1, sizeof (*history->submitter));
    history->assigned = calloc (graph->n_tasks + (size_t)1, sizeof (*history->assigned));
    if (!history->last || !history->ready || !history->marks || !history->submitter
        || !history->assigned) {
        aw_history_finish (history);
        return aw_error_set (err, "out of memory for %u tasks", graph->n_tasks);
    }
    return 0;
}

void aw_history_finish (struct aw_history *history)
{
    int saved = errno;

    for (size_t i = 0; i < history->n_attempts; i++)
        free (history->attempts[i].reason);
    for (uint32_t i = 0; i < history->n_nodes; i++)
        free (history->nodes[i].name);
    for (uint32_t i = 0; i < history->n_gaps; i++)
        free (history->gaps[i].job);
    for (uint32_t i = 0; i < history->n_plans; i++)
        free (history->plans[i].reason);
    free (history->plans);
    free (history->attempts);
    free (history->more);
    free (history->nodes);
    free (history->gaps);
    free (history->marks);
    free (history->plan);
    free (history->stop_reason);
    free (history->stall);
    free (history->messages);
    free (history->cancelled);
    free (history->last);
    free (history->ready);
    free (history->submitter);
    free (history->assigned);
    memset (history, 0, sizeof (*history));
    errno = saved;
}

static int handle_node (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    char *name;

    if (ev->node != history->n_nodes - history->first_node)
        return aw_error_set (err, "node %u joins where number %u comes next", ev->node,
                             history->n_nodes - history->first_node);
    if (aw_array_reserve (&history->nodes, &history->node_room, history->n_nodes + 1) < 0
        || !(name = strdup (ev->name ? ev->name : "")))
        return aw_error_set (err, "out of memory");
    history->nodes[history->n_nodes++] =
        (struct aw_history_node){ .name = name,
                                  .cpus = aw_idset_count (&ev->cpus),
                                  .gpus = aw_idset_count (&ev->gpus),
                                  .joined = ev->t,
                                  .lost = NAN };
    return 0;
}

static int handle_node_lost (struct aw_history *history,
                             const struct aw_event *ev,
                             struct aw_error *err)
{
    if (ev->node >= history->n_nodes - history->first_node)
        return aw_error_set (err, "node %u is lost and never joined", ev->node);
    if (isnan (history->nodes[history->first_node + ev->node].lost))
        history->nodes[history->first_node + ev->node].lost = ev->t;
    return 0;
}

/* A task that a node has given back was ready all the time. */
static void handle_ready (struct aw_history *history, const struct aw_event *ev)
{
    if (history->ready[ev->task] == 0 || !(history->marks[ev->task] & AW_MARK_RETURNED))
        history->ready[ev->task] = ev->t + 1;
}

static int handle_skip (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    if (history->marks[ev->task] & AW_MARK_SKIPPED)
        return 0;
    if (history->assigned[ev->task].node)
        return aw_history_refuse (history, ev->task, "is skipped while it is assigned to a node",
                                  err);
    if (history->last[ev->task] && !(history->marks[ev->task] & AW_MARK_AGAIN)
        && !history->graph->sets[aw_graph_task (history->graph, ev->task).set].service)
        return aw_history_refuse (history, ev->task, "is skipped after it has started", err);
    history->marks[ev->task] |= AW_MARK_SKIPPED;
    return 0;
}

static int handle_stop (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    char *reason;

    if (history->stop_reason)
        return 0; /* the first one counts */
    reason = strdup (ev->reason ? ev->reason : "");
    if (!reason)
        return aw_error_set (err, "out of memory");
    history->stop_reason = reason;
    return 0;
}

static int handle_stall (struct aw_history *history,
                         const struct aw_event *ev,
                         struct aw_error *err)
{
    char *stall = ev->reason ? strdup (ev->reason) : NULL;

    if (ev->reason && !stall)
        return aw_error_set (err, "out of memory");
    free (history->stall);
    history->stall = ev->code == AW_STALL_OVER ? NULL : stall;
    history->stalled = history->stall && ev->code == AW_STALL_BEGINS;
    history->stall_failed = history->stall && ev->code == AW_STALL_FAILS;
    if (ev->code == AW_STALL_OVER)
        free (stall);
    return 0;
}

/* A stall that was only reported was none if all ended well. */
static int handle_end (struct aw_history *history, const struct aw_event *ev)
{
    history->exit_code = ev->code;
    if (history->stalled && ev->code == 0) {
        free (history->stall);
        history->stall = NULL;
    }
    history->stalled = false;
    return 0;
}

/* The new sets that are submitted belong to the attempt of the ADD. */
static void note_submitter (struct aw_history *history, const struct aw_event *ev, uint32_t from)
{
    uint32_t by = ev->task == AW_NONE ? AW_NONE : history->last[ev->task];

    while (by != AW_NONE && by && history->attempts[by - 1].attempt != ev->attempt)
        by = history->attempts[by - 1].previous + 1; /* AW_NONE + 1 is 0 */
    for (uint32_t s = from; s < history->graph->n_sets; s++)
        if (history->graph->sets[s].submitted)
            history->submitter[s] = by ? by : AW_NONE;
}

static int handle_message (struct aw_history *history,
                           const struct aw_event *ev,
                           struct aw_error *err)
{
    uint32_t topic = ev->name ? aw_graph_find_topic (history->graph, ev->name) : AW_NONE;

    if (topic == AW_NONE)
        return 0; /* no set depends on them */
    if (topic >= history->n_topics) {
        uint64_t *messages =
            reallocarray (history->messages, history->graph->n_topics, sizeof (*messages));

        if (!messages)
            return aw_error_set (err, "out of memory");
        history->messages = messages;
        while (history->n_topics < history->graph->n_topics)
            messages[history->n_topics++] = 0;
    }
    history->messages[topic] = ev->count;
    return 0;
}

static int handle_plan (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_history_plan entry = { .t = ev->t };
    char *plan = strdup (ev->text ? ev->text : "");

    entry.reason = ev->reason ? strdup (ev->reason) : NULL;
    if (!plan || !entry.reason != !ev->reason
        || aw_array_reserve (&history->plans, &history->plan_room, history->n_plans + (size_t)1)
               < 0) {
        free (plan);
        free (entry.reason);
        return aw_error_set (err, "out of memory");
    }
    for (const char *p = plan; (p = strchr (p, ':')); p++)
        entry.n_holds++;
    history->plans[history->n_plans++] = entry;
    free (history->plan);
    history->plan = plan;
    return 0;
}

/* The graph has grown. */
static int handle_add (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_graph_size size = aw_graph_size (history->graph), room = history->room;
    size_t was = history->room.n_tasks, sets = history->room.n_sets;

    if (ev->task != AW_NONE && ev->task >= history->room.n_tasks)
        return aw_error_set (err, "no task has number %u", ev->task);
    if (ev->task != AW_NONE && !history->last[ev->task])
        return aw_history_refuse (history, ev->task, "adds tasks but has not started", err);
    if (aw_graph_size_grow (&room, &size)
        && (aw_grow (&history->marks, was, room.n_tasks, sizeof (*history->marks), 0) < 0
            || aw_grow (&history->last, was, room.n_tasks, sizeof (*history->last), 0) < 0
            || aw_grow (&history->ready, was, room.n_tasks, sizeof (*history->ready), 0) < 0
            || aw_grow (&history->assigned, was, room.n_tasks, sizeof (*history->assigned), 0) < 0
            || aw_grow (&history->submitter, sets, room.n_sets, sizeof (*history->submitter), 0)
                   < 0))
        return aw_error_set (err, "out of memory for %u tasks", size.n_tasks);
    history->room = room;
    note_submitter (history, ev, history->n_sets);
    history->n_sets = size.n_sets;
    return 0;
}

static int handle (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    if (aw_event_names_task (ev->type) && ev->task >= history->graph->n_tasks)
        return aw_error_set (err, "no task has number %u", ev->task);
    switch (ev->type) {
    case AW_EVENT_NODE:
        return handle_node (history, ev, err);
    case AW_EVENT_NODE_LOST:
        return handle_node_lost (history, ev, err);
    case AW_EVENT_READY:
        handle_ready (history, ev);
        return 0;
    case AW_EVENT_ASSIGN:
        return aw_history_handle_assign (history, ev, err);
    case AW_EVENT_STAGED:
    case AW_EVENT_RELEASE:
        return aw_history_handle_staging (history, ev, err);
    case AW_EVENT_SERVING:
        return aw_history_handle_serving (history, ev, err);
    case AW_EVENT_STAGE:
    case AW_EVENT_START:
        return aw_history_handle_start (history, ev, err);
    case AW_EVENT_FINISH:
        return aw_history_handle_finish (history, ev, err);
    case AW_EVENT_SKIP:
        return handle_skip (history, ev, err);
    case AW_EVENT_STOP:
        return handle_stop (history, ev, err);
    case AW_EVENT_END:
        return handle_end (history, ev);
    case AW_EVENT_STALL:
        return handle_stall (history, ev, err);
    case AW_EVENT_RESUME:
        return aw_history_handle_resume (history, ev, err);
    case AW_EVENT_MESSAGE:
        return handle_message (history, ev, err);
    case AW_EVENT_CANCEL:
        return aw_history_handle_cancel (history, ev, err);
    case AW_EVENT_ADD:
        return handle_add (history, ev, err);
    case AW_EVENT_PLAN:
        return handle_plan (history, ev, err);
    case AW_EVENT_KILL: /* its FINISH has the result */
    case AW_EVENT_WAKE:
    case AW_EVENT_LIMIT:
    case AW_EVENT_NODE_DRAIN:
    case AW_EVENT_AWAIT:
    case AW_EVENT_TYPES:
        break;
    }
    return 0;
}

int aw_history_handle (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    if (!(ev->t >= history->now))
        return aw_error_set (err, "time goes back from %.6f to %.6f", history->now, ev->t);
    if (handle (history, ev, err) < 0)
        return -1;
    history->now = ev->t;
    return 0;
}
