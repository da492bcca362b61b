/* SPDX-License-Identifier: Apache-2.0 */
/* Events in: the state is a fold over them. */
#include <math.h>

#include "core/sched/sched_state.h"

static int handle_node (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    if (ev->node < s->pool.n_nodes)
        return 0; /* known */
    if (ev->node != s->pool.n_nodes)
        return aw_error_set (err, "node %u joins out of order: %u was expected", ev->node,
                             s->pool.n_nodes);
    if (aw_pool_add_node (&s->pool, ev->name, &ev->cpus, &ev->gpus, ev->mem, ev->topology, err) < 0)
        return -1;
    if (aw_running_add_nodes (&s->running, s->pool.n_nodes) < 0
        || aw_health_add_nodes (&s->health, s->pool.n_nodes) < 0
        || aw_stage_add_nodes (&s->stage, &s->pool) < 0
        || aw_backlog_add_nodes (&s->backlog, s->pool.n_nodes) < 0)
        return aw_error_set (err, "out of memory for node %s", ev->name);
    aw_sched_fit (s, ev->node);
    aw_sched_unblock (s, ev->node);
    aw_sched_pool_changed (s);
    aw_sched_hope_again (s);
    return 0;
}

static int handle_node_lost (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    if (ev->node >= s->pool.n_nodes)
        return aw_error_set (err, "unknown node %u is lost", ev->node);
    if (!s->health.nodes[ev->node].gone) {
        s->health.nodes[ev->node].gone = true;
        aw_pool_lose_node (&s->pool, ev->node);
        aw_running_touch (&s->running, ev->node);
        aw_backlog_close (&s->backlog, ev->node);
        aw_sched_fit_all (s);
        s->n_lost++;
        aw_sched_pool_changed (s);
    }
    return 0;
}

/* The end of an attempt names one of its nodes: the lost one, if one is lost. */
static bool runs_on (const struct aw_sched *s, const struct aw_running *run, uint32_t node)
{
    while (run && run->node != node)
        run = aw_running_more (&s->running, run);
    return run != NULL;
}

static int handle_finish (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    char name[128];

    if (run && run->attempt == ev->attempt && runs_on (s, run, ev->node)) {
        if (aw_sched_finish_run (s, run, ev) == 0)
            return 0;
        s->out_of_memory = true;
        return aw_error_set (err, "out of memory");
    }
    if (ev->attempt < s->tries[ev->task].attempts)
        return 0; /* known */
    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (run && run->attempt == ev->attempt)
        return aw_error_set (err, "%s attempt %u ends on a node where it does not run", name,
                             ev->attempt);
    return aw_error_set (err, "%s attempt %u ends but has not started", name, ev->attempt);
}

/* A recorded READY, SKIP or KILL need not be given out again. */
static void forget_news (struct aw_sched *s, const struct aw_event *ev)
{
    struct aw_running *run = NULL;

    /* A task that still waits was released for want of messages, which no event records. */
    if ((ev->type == AW_EVENT_READY || ev->type == AW_EVENT_SKIP)
        && s->depend.state[ev->task] == AW_DEPEND_WAITING)
        aw_sched_starve (s);
    if (ev->type == AW_EVENT_READY)
        aw_ranges_remove (&s->news.ready, ev->task);
    else if (ev->type == AW_EVENT_SKIP)
        aw_ranges_remove (&s->news.skipped, ev->task);
    else if ((run = aw_running_find (&s->running, ev->task)) && run->attempt == ev->attempt) {
        aw_sched_take_back (s, run);
        run->killed = true;
    }
    if (ev->type == AW_EVENT_KILL && ev->code == 1 && run)
        aw_sched_mark_evicted (s, run);
}

static void handle_stop (struct aw_sched *s, const struct aw_event *ev)
{
    s->stopped = s->interrupted = true;
    if (ev->code != 0)
        s->stop_kills = true;
}

static int handle (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    switch (ev->type) {
    case AW_EVENT_NODE:
        return handle_node (s, ev, err);
    case AW_EVENT_NODE_LOST:
        return handle_node_lost (s, ev, err);
    case AW_EVENT_START:
        return aw_sched_handle_start (s, ev, err);
    case AW_EVENT_FINISH:
        return handle_finish (s, ev, err);
    case AW_EVENT_STAGE:
        return aw_sched_handle_stage (s, ev, err);
    case AW_EVENT_STAGED:
        return aw_sched_handle_staged (s, ev, err);
    case AW_EVENT_RELEASE:
        return aw_sched_handle_release (s, ev, err);
    case AW_EVENT_SERVING:
        return aw_sched_handle_serving (s, ev, err);
    case AW_EVENT_READY:
    case AW_EVENT_SKIP:
    case AW_EVENT_KILL:
        forget_news (s, ev);
        return 0;
    case AW_EVENT_STOP:
        handle_stop (s, ev);
        return 0;
    case AW_EVENT_END:
        if (aw_sched_begin (s) < 0) /* where earlier parts of the run had done all */
            return aw_error_set (err, "out of memory");
        s->ended = true;
        return 0;
    case AW_EVENT_MESSAGE:
        return aw_sched_handle_message (s, ev, err);
    case AW_EVENT_CANCEL:
        return aw_sched_handle_cancel (s, ev, err);
    case AW_EVENT_ADD:
        return aw_sched_grow (s, err);
    case AW_EVENT_AWAIT:
        s->n_awaited = ev->count;
        return 0;
    case AW_EVENT_STALL: /* for those who look on */
        return 0;
    case AW_EVENT_NODE_DRAIN:
        return aw_sched_handle_drain (s, ev, err);
    case AW_EVENT_LIMIT:
        aw_sched_set_limit (s, ev->seconds > 0 ? ev->seconds : INFINITY);
        return 0;
    case AW_EVENT_ASSIGN:
        return aw_sched_handle_assign (s, ev, err);
    case AW_EVENT_WAKE:
        if (aw_sched_wake (s) == 0)
            return 0;
        s->out_of_memory = true;
        return aw_error_set (err, "out of memory");
    case AW_EVENT_PLAN:
        return aw_sched_handle_plan (s, ev, err);
    case AW_EVENT_RESUME:
        return aw_error_set (err, "a resumed run continues in a new scheduler");
    case AW_EVENT_TYPES:
        break;
    }
    return aw_error_set (err, "unknown kind of event: %d", (int)ev->type);
}

int aw_sched_handle (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    double before;

    if (!s || !ev)
        return aw_error_set (err, "no scheduler or no event");
    if (!(ev->t >= s->now))
        return aw_error_set (err, "time goes backwards: %.6f after %.6f", ev->t, s->now);
    if (aw_event_names_task (ev->type)) {
        if (ev->task >= s->graph->n_tasks)
            return aw_error_set (err, "unknown task %u", ev->task);
        if (aw_sched_begin (s) < 0)
            return aw_error_set (err, "out of memory");
    }
    before = s->now;
    s->now = ev->t;
    aw_sched_forget (s);
    if (handle (s, ev, err) == 0) {
        if (s->services.n && aw_sched_serve (s) < 0)
            s->out_of_memory = true;
        return 0;
    }
    s->now = before; /* the event is not in the journal */
    return -1;
}
