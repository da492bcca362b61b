/* SPDX-License-Identifier: Apache-2.0 */
/* A turn of the coordinator's loop: events are journalled, then the scheduler decides. */
#include "coord/coordinator_state.h"

#include <string.h>

#include "coord/end_summary.h"

static void arm_wake (struct aw_coordinator *c)
{
    aw_coordinator_arm (c->wake, aw_sched_next_wake (c->sched) - aw_coordinator_now (c));
}

/* Timers may go off a little early: then it is set again. */
void aw_coordinator_on_wake (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_event ev = { .type = AW_EVENT_WAKE, .task = AW_NONE, .node = AW_NONE };

    (void)fd;
    (void)what;
    if (aw_coordinator_now (c) >= aw_sched_next_wake (c->sched))
        aw_coordinator_handle_event (c, &ev);
    else
        arm_wake (c);
}

/* The pool is complete: is it what the job holds, and can every task run in it? */
static void check_pool (struct aw_coordinator *c)
{
    struct aw_error err;

    c->complete = true;
    c->note = c->n_awaited ? c->joining : NULL;
    if (c->config.check_pool
        && c->config.check_pool (c->config.arg, aw_sched_pool (c->sched), &err) < 0)
        aw_coordinator_end_failed (c, &err);
    else if (!c->n_awaited && aw_sched_check (c->sched, &err) < 0) {
        c->failure = err; /* not the pool's fault: the input asks for too much */
        aw_coordinator_end_run (c, AW_EXIT_INPUT, err.text);
    }
    else
        aw_coordinator_begin_limit (c);
}

/* What the run leaves undone, in lines for the user. */
static void print_summary (struct aw_coordinator *c)
{
    struct aw_textbuf text = { 0 };
    char *rest, *line;

    aw_end_summary (&text, c->sched, c->exit_code, c->limit_t - aw_coordinator_now (c),
                    c->directory_lost ? NULL : c->config.run_dir);
    aw_textbuf_putc (&text, '\0');
    if (text.failed)
        aw_display_message (c->display, "out of memory: the tasks that are left cannot be named");
    else
        for (line = strtok_r (text.data, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest))
            aw_display_message (c->display, "%s", line);
    aw_textbuf_finish (&text);
}

/* The scheduler found nothing more to do. */
static void end_as_decided (struct aw_coordinator *c, int code)
{
    struct aw_counts all = aw_sched_counts (c->sched, AW_NONE);

    c->exit_code = code;
    if (code == AW_EXIT_POOL)
        aw_error_set (&c->failure,
                      all.waiting + all.ready == 1 ? "%u task remains, and no node can run it"
                                                   : "%u tasks remain, and no node can run them",
                      all.waiting + all.ready);
    print_summary (c);
    event_base_loopbreak (c->base);
}

static void carry_out (struct aw_coordinator *c, const struct aw_event *action)
{
    bool begins = action->type == AW_EVENT_START || action->type == AW_EVENT_STAGE
                  || action->type == AW_EVENT_ASSIGN;

    c->has_started |= begins;
    if (begins)
        aw_coordinator_prepare_start (c, action);
    else if (action->type == AW_EVENT_KILL)
        aw_coordinator_kill (c, action->node, action->task, action->attempt, c->config.kill_grace);
    else if (action->type == AW_EVENT_FINISH) /* with one node; others may still run it */
        aw_coordinator_kill (c, action->node, action->task, action->attempt, 0);
    else if (action->type == AW_EVENT_END)
        end_as_decided (c, action->code);
}

/* Tasks that wait for what they have submitted learn that it does not start any more. */
static void tell_stop (struct aw_coordinator *c)
{
    if (c->stop_known || !c->requests || !aw_sched_stopped (c->sched))
        return;
    c->stop_known = true;
    aw_task_requests_stopped (c->requests);
}

/* Decides, and journals the decisions: at most AW_TURN_MOST of them. The others come in the next
 * turn. Starts are sent at the end of a turn, so a long one would delay all of them, and agents
 * that get their tasks together report the ends together: the delay would last.
 */
static void decide (struct aw_coordinator *c)
{
    const struct timeval at_once = { 0 };
    struct aw_event action;

    for (uint32_t n = 0; n < AW_TURN_MOST; n++) {
        if (!aw_coordinator_is_free (c) || !aw_sched_next (c->sched, &action))
            return;
        aw_coordinator_record (c, &action);
        carry_out (c, &action);
        if (c->requests && c->exit_code < 0)
            aw_task_requests_event (c->requests, &action);
    }
    event_add (c->turn, &at_once); /* not made active: sockets and timers come first */
}

/* The end of a turn of the loop: decide, journal the decisions behind what came in, commit. */
void aw_coordinator_on_turn (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;

    (void)fd;
    (void)what;
    c->n_wanted = 0;
    if (c->n_joined >= c->config.min_nodes && !c->complete)
        check_pool (c);
    aw_coordinator_flush_requests (c);
    decide (c);
    tell_stop (c);
    aw_coordinator_commit (c); /* completions before the decisions, which leave after it */
    if (!aw_sched_stopped (c->sched) && c->exit_code < 0)
        aw_planner_turn (c->planner, aw_coordinator_now (c));
    aw_coordinator_arm_redraw (c);
    arm_wake (c);
    aw_coordinator_watch_stall (c);
}
