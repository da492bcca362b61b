/* SPDX-License-Identifier: Apache-2.0 */
/* Events become attempts. A journal may come from anywhere, so an event that contradicts earlier
 * ones is rejected: charts and sums can rely on the others (nothing over 100 %, no end before its
 * start). Arrays by task are allocated zeroed, so they use no memory before they are used.
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

static struct aw_attempt *last_attempt (const struct aw_history *history, uint32_t task)
{
    uint32_t last = history->last[task];

    return last ? &history->attempts[last - 1] : NULL;
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

/* Handles a START, or a STAGE, with which the attempt holds nothing yet. */
static int handle_start (struct aw_history *history,
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

static int handle_finish (struct aw_history *history,
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

static int handle_staging (struct aw_history *history,
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

static int handle_serving (struct aw_history *history,
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

static int handle_resume (struct aw_history *history,
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
    if (ev->task != AW_NONE && !last_attempt (history, ev->task))
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
        return handle_staging (history, ev, err);
    case AW_EVENT_SERVING:
        return handle_serving (history, ev, err);
    case AW_EVENT_STAGE:
    case AW_EVENT_START:
        return handle_start (history, ev, err);
    case AW_EVENT_FINISH:
        return handle_finish (history, ev, err);
    case AW_EVENT_SKIP:
        return handle_skip (history, ev, err);
    case AW_EVENT_STOP:
        return handle_stop (history, ev, err);
    case AW_EVENT_END:
        return handle_end (history, ev);
    case AW_EVENT_STALL:
        return handle_stall (history, ev, err);
    case AW_EVENT_RESUME:
        return handle_resume (history, ev, err);
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
