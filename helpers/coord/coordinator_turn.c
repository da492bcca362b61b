/* SPDX-License-Identifier: Apache-2.0 */
/* A turn of the coordinator's loop: what happened is taken in and journalled, then decided on. */
#include "coord/coordinator_state.h"

#include <math.h>
#include <string.h>

#include "coord/end_summary.h"
#include "util/clock.h"

/* As the journal has it: a replay must not find ends in another order. */
static double whole_microseconds (double seconds)
{
    return floor (seconds * 1e6 + 0.5) / 1e6;
}

double aw_coordinator_now (const struct aw_coordinator *c)
{
    double t = whole_microseconds (aw_clock_monotonic () - c->epoch);
    double last = aw_sched_now (c->sched);

    return t > last ? t : last; /* events carry a time that never falls */
}

void aw_coordinator_want_turn (struct aw_coordinator *c)
{
    event_active (c->turn, EV_TIMEOUT, 0);
}

/* A journal that cannot be written is told once; nothing more is started then. */
static void check_journal (struct aw_coordinator *c, int rc, const struct aw_error *err)
{
    if (rc == 0 || c->journal_broken)
        return;
    c->journal_broken = true;
    aw_display_message (
        c->display, "async-workflow: %s: nothing more is started, what runs may end", err->text);
    aw_coordinator_stop (c, false, "the journal cannot be written");
}

/* Journal and display see every event. */
static void record (struct aw_coordinator *c, const struct aw_event *ev)
{
    struct aw_error err;

    check_journal (c, aw_journal_append (c->journal, ev, &err), &err);
    aw_display_event (c->display, ev);
}

/* What tasks have said stands in its files before what came of it stands in the journal. */
static void flush_talk (struct aw_coordinator *c)
{
    struct aw_error err;

    if (c->talk)
        check_journal (c, aw_task_requests_flush (c->talk, &err), &err);
}

void aw_coordinator_flush_journal (struct aw_coordinator *c)
{
    struct aw_error err;

    check_journal (c, aw_journal_flush (c->journal, &err), &err);
}

/* Something happened outside: the scheduler first, for what it refuses has not happened. When the
 * run is over, what the pool says while it ends is no part of it any more.
 */
int aw_coordinator_handle_event (struct aw_coordinator *c, struct aw_event *ev)
{
    struct aw_error err;
    int rc;

    if (c->exit_code >= 0)
        return -1;
    ev->t = aw_coordinator_now (c);
    ev->seconds = whole_microseconds (ev->seconds);
    rc = aw_sched_handle (c->sched, ev, &err);
    if (rc < 0)
        aw_display_message (c->display, "async-workflow: ignored: %s", err.text);
    else
        record (c, ev);
    if (c->talk)
        aw_task_requests_event (c->talk, ev);
    aw_coordinator_want_turn (c); /* the scheduler may want to stop, for lack of memory */
    return rc;
}

/* TIMER goes off in SECONDS; never where they are infinite. */
void aw_coordinator_arm (struct event *timer, double seconds)
{
    struct timeval tv;

    if (isinf (seconds)) {
        event_del (timer);
        return;
    }
    seconds = fmin (fmax (seconds, 0), 1e9);
    tv.tv_sec = (time_t)seconds;
    tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
    event_add (timer, &tv);
}

void aw_coordinator_arm_redraw (struct aw_coordinator *c)
{
    aw_coordinator_arm (c->redraw, aw_display_next (c->display, aw_coordinator_now (c)));
}

static void arm_wake (struct aw_coordinator *c)
{
    aw_coordinator_arm (c->wake, aw_sched_next_wake (c->sched) - aw_coordinator_now (c));
}

/* Timers may go off a little early: then once more. */
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

/* The job's end as the scheduler is to know it. */
static void set_limit (struct aw_coordinator *c)
{
    struct aw_event ev = { .type = AW_EVENT_LIMIT, .task = AW_NONE, .node = AW_NONE };

    if (!(c->config.end_time > 0) || isinf (c->config.end_time))
        return;
    c->limit_t = whole_microseconds (
        fmax (c->config.end_time - aw_clock_wall () + aw_coordinator_now (c), 1e-6));
    ev.seconds = c->limit_t;
    aw_coordinator_handle_event (c, &ev);
    aw_coordinator_arm (c->limit, c->limit_t - aw_coordinator_now (c));
}

/* The pool is complete: is it what the job holds, and can every task run in it? */
static void check_pool (struct aw_coordinator *c)
{
    struct aw_error err;

    c->complete = true;
    c->note = NULL;
    if (c->config.check_pool
        && c->config.check_pool (c->config.arg, aw_sched_pool (c->sched), &err) < 0)
        aw_coordinator_fail (c, &err);
    else if (aw_sched_check (c->sched, &err) < 0) {
        c->failure = err; /* not the pool's fault: the input asks for too much */
        aw_coordinator_end_run (c, AW_EXIT_INPUT);
    }
    else
        set_limit (c);
}

/* What the run leaves undone, in lines for the user. */
static void tell_remains (struct aw_coordinator *c)
{
    struct aw_textbuf text = { 0 };
    char *rest, *line;

    aw_end_summary (&text, c->sched, c->exit_code, c->limit_t - aw_coordinator_now (c),
                    c->config.run_dir);
    aw_textbuf_putc (&text, '\0');
    for (line = strtok_r (text.data, "\n", &rest); line && !text.failed;
         line = strtok_r (NULL, "\n", &rest))
        aw_display_message (c->display, "%s", line);
    aw_textbuf_finish (&text);
}

/* The scheduler found nothing more to do. */
static void end_as_decided (struct aw_coordinator *c, int code)
{
    struct aw_counts all = aw_sched_counts (c->sched, AW_NONE);

    c->exit_code = code;
    if (code == AW_EXIT_POOL)
        aw_error_set (&c->failure, "%u tasks are left, and no node that could run them",
                      all.waiting + all.ready);
    tell_remains (c);
    event_base_loopbreak (c->base);
}

static void carry_out (struct aw_coordinator *c, const struct aw_event *action)
{
    if (action->type == AW_EVENT_START || action->type == AW_EVENT_STAGE)
        aw_coordinator_prepare_start (c, action);
    else if (action->type == AW_EVENT_KILL)
        c->exec->ops->kill (c->exec, action->node, action->task, action->attempt,
                            c->config.kill_grace);
    else if (action->type == AW_EVENT_FINISH) /* with a node; on its others it may run still */
        c->exec->ops->kill (c->exec, action->node, action->task, action->attempt, 0);
    else if (action->type == AW_EVENT_END)
        end_as_decided (c, action->code);
}

/* The end of a turn of the loop: journal what came in, decide, journal that, let starts go.
 * Completions are written before anything is decided on them: while that fails, no successor
 * starts.
 */
void aw_coordinator_on_turn (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_event action;
    uint32_t n = 0;

    (void)fd;
    (void)what;
    if (c->n_joined == c->config.n_nodes && !c->complete)
        check_pool (c);
    flush_talk (c);
    aw_coordinator_flush_journal (c);
    if (c->talk && !c->journal_broken)
        aw_task_requests_answer (c->talk);
    while (c->complete && c->exit_code < 0 && (c->n_leaving == 0 || c->stopping)
           && aw_sched_next (c->sched, &action)) {
        record (c, &action);
        carry_out (c, &action);
        if (++n % AW_FLUSH_EVERY == 0)
            aw_coordinator_dispatch (c);
    }
    aw_coordinator_dispatch (c);
    aw_coordinator_arm_redraw (c);
    arm_wake (c);
}
