/* SPDX-License-Identifier: Apache-2.0 */
/* Actions out: what is to be done now. The scheduler has handled an action when it returns it. */
#include <math.h>
#include <string.h>

#include "core/sched/sched_state.h"
#include "util/exit_status.h"

static void make_action (struct aw_sched *s,
                         struct aw_event *action,
                         enum aw_event_type type,
                         uint32_t task)
{
    memset (action, 0, sizeof (*action));
    action->type = type;
    action->t = s->now;
    action->task = task;
    action->node = AW_NONE;
    if (task != AW_NONE)
        action->attempt = s->tries[task].attempts;
}

/* Ends, one at a time, the attempts on lost nodes. */
static bool next_of_lost_node (struct aw_sched *s, struct aw_event *action)
{
    for (uint32_t n = 0; s->n_lost > 0 && n < s->pool.n_nodes; n++) {
        struct aw_running *run = s->health.nodes[n].gone ? aw_running_first (&s->running, n) : NULL;

        if (!run)
            continue;
        run = aw_running_lead (&s->running, run); /* a task over several nodes ends on all */
        make_action (s, action, AW_EVENT_FINISH, run->task);
        action->attempt = run->attempt;
        action->node = n;
        action->status = AW_STATUS_NODE_FAIL;
        action->seconds = run->assigned ? 0 : s->now - run->start;
        action->reason = "node lost";
        action->returned = run->assigned;
        if (aw_sched_finish_run (s, run, action) < 0 || aw_sched_serve (s) < 0)
            s->out_of_memory = true;
        return true;
    }
    s->n_lost = 0;
    return false;
}

static bool next_news (struct aw_sched *s, struct aw_event *action)
{
    if (!aw_ranges_empty (&s->news.ready))
        make_action (s, action, AW_EVENT_READY, aw_ranges_pop (&s->news.ready));
    else if (!aw_ranges_empty (&s->news.skipped))
        make_action (s, action, AW_EVENT_SKIP, aw_ranges_pop (&s->news.skipped));
    else
        return false;
    return true;
}

static bool kill_attempt (struct aw_sched *s,
                          struct aw_event *action,
                          struct aw_running *run,
                          const char *reason)
{
    aw_sched_take_back (s, run);
    run->killed = true;
    make_action (s, action, AW_EVENT_KILL, run->task);
    action->attempt = run->attempt;
    action->node = run->node;
    action->reason = reason;
    return true;
}

static bool next_kill (struct aw_sched *s, struct aw_event *action)
{
    struct aw_running *run;

    if ((run = aw_sched_next_cancelled (s)))
        return kill_attempt (s, action, run,
                             s->tries[run->task].cancelled ? "cancelled" : "to start again");
    if (s->services.n && (run = aw_sched_next_unneeded (s)))
        return kill_attempt (s, action, run, "not needed any more");
    if ((run = aw_sched_stranded (s)))
        return kill_attempt (s, action, run, "not started");
    while (s->stop_kills && (run = aw_running_each (&s->running, &s->kill_from)))
        if (!run->killed)
            return kill_attempt (s, action, run, "stopped");
    return false;
}

static bool evict (struct aw_sched *s, struct aw_event *action, struct aw_running *run)
{
    kill_attempt (s, action, run, "its place is needed");
    action->code = 1;
    aw_sched_mark_evicted (s, run);
    return true;
}

/* A ready task wants the place of an idle attempt. */
static bool next_evicted (struct aw_sched *s, struct aw_event *action)
{
    struct aw_running *run = aw_sched_next_evicted (s);

    if (!run)
        return false;
    return evict (s, action, run);
}

static bool next_stage (struct aw_sched *s, struct aw_event *action)
{
    uint32_t task, node;

    if (!aw_sched_next_stage (s, &task, &node))
        return false;
    make_action (s, action, AW_EVENT_STAGE, task);
    action->node = node;
    return true;
}

/* Tasks go to nodes in advance, or come back. */
static bool next_assign (struct aw_sched *s, struct aw_event *action)
{
    uint32_t task, node;
    struct aw_running *run;

    if (aw_sched_next_assign (s, &task, &node)) {
        make_action (s, action, AW_EVENT_ASSIGN, task);
        action->node = node;
        return true;
    }
    run = aw_sched_next_returned (s);
    return run && kill_attempt (s, action, run, "taken back");
}

static bool next_start (struct aw_sched *s, struct aw_event *action)
{
    struct aw_running *run;
    int rc = s->stopped ? 0 : aw_sched_decide (s, &run);

    if (rc < 0)
        s->out_of_memory = true;
    if (rc <= 0)
        return false;
    make_action (s, action, AW_EVENT_START, run->task);
    action->attempt = run->attempt;
    aw_sched_fill_parts (s, run, action);
    return true;
}

/* The exit status when nothing runs and nothing can start. */
static int end_code (const struct aw_sched *s)
{
    struct aw_counts all = aw_sched_counts (s, AW_NONE);
    bool cut = !s->stopped && (s->delayed.n > 0 || aw_sched_cut (s));

    if ((s->interrupted || cut) && !s->out_of_memory && all.waiting + all.ready > 0)
        return AW_EXIT_STOPPED; /* even where a task failed: there is something to resume */
    if (s->failed)
        return AW_EXIT_TASK_FAILED;
    /* A task whose end found no memory may still be in state running, though nothing runs. */
    return all.waiting + all.ready + all.running == 0 ? AW_EXIT_OK : AW_EXIT_POOL;
}

bool aw_sched_next (struct aw_sched *s, struct aw_event *action)
{
    struct aw_running *run;

    if (s->ended || s->pool.n_nodes == 0)
        return false;
    if (aw_sched_begin (s) < 0)
        s->out_of_memory = true;
    if (next_of_lost_node (s, action) || aw_sched_next_drain (s, action) || next_news (s, action))
        return true;
    if (s->out_of_memory && !s->stopped) {
        make_action (s, action, AW_EVENT_STOP, AW_NONE);
        action->reason = "out of memory";
        s->stopped = true;
        return true;
    }
    if (next_kill (s, action) || next_start (s, action) || next_stage (s, action)
        || next_assign (s, action) || next_evicted (s, action))
        return true;
    if (s->out_of_memory && !s->stopped)
        return aw_sched_next (s, action);
    switch (aw_sched_next_stuck (s, &run)) {
    case AW_STUCK_AGAIN:
        return aw_sched_next (s, action);
    case AW_STUCK_END:
        return s->services.focus != AW_NONE ? evict (s, action, run)
                                            : kill_attempt (s, action, run, "nothing can use it");
    default:
        break;
    }
    if (s->running.n_used > 0 || !isinf (aw_sched_next_wake (s)) || aw_sched_awaits_nodes (s))
        return false;
    if (aw_sched_starve (s))
        return aw_sched_next (s, action);
    make_action (s, action, AW_EVENT_END, AW_NONE);
    action->code = end_code (s);
    s->ended = true;
    return true;
}
