/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/steps/exec_steps_state.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "util/clock.h"

extern char **environ;

/* Slurm kills the ranks of a step by a signal to those that exist: one that was about to start
 * continues, and its srun waits for it. So a step that has to end is killed again, this often,
 * before its srun is killed and the step cancelled.
 */
static const double KILL_SECONDS = 2;

/* A step whose ranks srun does not kill has this long to end by itself after a rank has failed, as
 * one does whose only rank it was.
 */
static const double END_SECONDS = 0.1;
enum { MAX_KILLS = 5 };

static int arm (struct event *timer, double seconds)
{
    struct timeval tv = { (time_t)seconds, 0 };

    tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
    return timer ? event_add (timer, &tv) : -1;
}

/* Sends SIG to all ranks; 0: cancels the step. -1 where that cannot be. */
static int signal_ranks (struct aw_job_step *step, int sig)
{
    return aw_step_signal (&step->backend->signals, step->end.id, sig);
}

/* The hard way: Slurm kills the ranks, and srun goes with them. */
static void kill_step (struct aw_job_step *step)
{
    step->timer_for = AW_STEP_TIMER_KILL;
    if (step->kills++ == MAX_KILLS) {
        (void)signal_ranks (step, 0);
        aw_line_process_signal (step->srun, SIGKILL);
        return;
    }
    (void)signal_ranks (step, SIGKILL);
    if (step->told != AW_STATUS_COMPLETED)
        aw_line_process_signal (step->srun, SIGTERM);
    (void)arm (step->timer, KILL_SECONDS);
}

void aw_job_step_stop (struct aw_job_step *step, enum aw_status as, double grace)
{
    bool again = step->told != AW_STATUS_COMPLETED;

    if (!again)
        step->told = as;
    else if (grace >= step->grace)
        return; /* under way already; a shorter grace counts from now */
    step->grace = grace;
    if (step->phase != AW_STEP_RUNNING) {
        step->over = true;
        event_active (step->backend->turn, EV_TIMEOUT, 0);
        return;
    }
    step->timer_for = AW_STEP_TIMER_GRACE;
    if (grace <= 0 || signal_ranks (step, SIGTERM) < 0 || arm (step->timer, grace) < 0)
        kill_step (step);
}

static void on_timer (evutil_socket_t fd, short what, void *arg)
{
    struct aw_job_step *step = arg;

    (void)fd;
    (void)what;
    if (step->timer_for == AW_STEP_TIMER_LIMIT)
        aw_job_step_stop (step, AW_STATUS_TIMEOUT, step->limit_grace);
    else
        kill_step (step);
}

static void on_notice (evutil_socket_t fd, short what, void *arg)
{
    struct aw_job_step *step = arg;

    (void)fd;
    (void)what;
    if (step->end.failed)
        return; /* that was before it */
    step->noticed = true;
    if (step->told == AW_STATUS_COMPLETED)
        (void)signal_ranks (step, step->notice_signal);
}

void aw_job_step_destroy (struct aw_job_step *step)
{
    if (step->timer)
        event_free (step->timer);
    if (step->notice)
        event_free (step->notice);
    aw_line_process_destroy (step->srun);
    aw_token_grants_finish (&step->guests);
    aw_strings_finish (&step->line);
    aw_strings_finish (&step->env);
    aw_step_end_finish (&step->end);
    aw_step_log_finish (&step->log);
    free (step);
}

/* Removes it and reports its end. */
static void tell_end (struct aw_job_step *step)
{
    struct aw_exec_steps *backend = step->backend;
    struct aw_job_step **at = &backend->steps;
    struct aw_event ev = step->finish;
    struct aw_error why = step->why;

    while (*at != step)
        at = &(*at)->next;
    *at = step->next;
    ev.type = AW_EVENT_FINISH;
    ev.node = step->node;
    ev.task = step->task;
    ev.attempt = step->attempt;
    if (ev.reason)
        ev.reason = why.text;
    aw_job_step_destroy (step);
    backend->exec.callbacks.task_finished (backend->exec.callbacks.arg, &ev);
}

/* It ends with EV, which is reported when all messages of its ranks have come. */
static void finish_step (struct aw_job_step *step, const struct aw_event *ev)
{
    bool admitted = step->phase != AW_STEP_WAITING;

    step->finish = *ev;
    if (ev->reason)
        aw_error_set (&step->why, "%s", ev->reason);
    step->phase = AW_STEP_DISMISSING;
    if (step->timer)
        event_del (step->timer);
    if (step->notice)
        event_del (step->notice);
    if (admitted) {
        step->backend->n_started--;
        aw_token_grants_tell (&step->guests, step->backend->pool, AW_PACKET_DISMISS);
    }
    event_active (step->backend->turn, EV_TIMEOUT,
                  0); /* its end may be reported, another may start */
}

static void on_line (void *arg, const char *text)
{
    struct aw_job_step *step = arg;
    bool failed = step->end.failed;
    bool begins = aw_step_end_line (&step->end, text);

    if (step->end.failed && !failed && step->told == AW_STATUS_COMPLETED) {
        step->timer_for = AW_STEP_TIMER_KILL;
        (void)arm (step->timer, step->srun_kills ? KILL_SECONDS : END_SECONDS);
    }
    if (!begins || step->started > 0)
        return;
    step->started = aw_clock_monotonic ();
    if (step->told != AW_STATUS_COMPLETED)
        return;
    step->timer_for = AW_STEP_TIMER_LIMIT;
    if (!isinf (step->time_limit))
        (void)arm (step->timer, step->time_limit);
    if (!isinf (step->notice_after))
        (void)arm (step->notice, step->notice_after);
}

static void on_ended (void *arg, int status)
{
    struct aw_job_step *step = arg;
    struct aw_event ev = { 0 };
    struct aw_error why;

    aw_step_end_event (&step->end, status, &ev, &why);
    if (ev.status == AW_STATUS_FAILED)
        aw_step_log_append (&step->log, &step->end.lines);
    if (ev.status == AW_STATUS_FAILED && step->noticed)
        ev.status = step->notice_cancels ? AW_STATUS_CANCELLED : AW_STATUS_TIMEOUT;
    if (step->told != AW_STATUS_COMPLETED) {
        ev.status = step->told;
        ev.reason = NULL;
    }
    if (step->started > 0)
        ev.seconds = aw_clock_monotonic () - step->started;
    finish_step (step, &ev);
}

/* Its ranks are let in. */
static void start_step (struct aw_job_step *step)
{
    struct aw_line_process_callbacks callbacks = { on_line, on_ended, step };
    struct aw_event ev = { .status = AW_STATUS_FAILED };
    struct aw_error err;

    step->srun =
        aw_line_process_create (step->backend->base, step->line.v, step->env.v, &callbacks, &err);
    if (!step->srun) {
        ev.reason = err.text;
        finish_step (step, &ev);
        return;
    }
    step->phase = AW_STEP_RUNNING;
    aw_strings_finish (&step->line);
    aw_strings_finish (&step->env);
}

bool aw_job_step_can_continue (const struct aw_job_step *step)
{
    const struct aw_exec_steps *backend = step->backend;

    if (step->phase == AW_STEP_WAITING)
        return step->over || backend->n_started < backend->max_steps;
    return step->phase != AW_STEP_RUNNING && step->guests.n_waits == 0;
}

void aw_job_step_continue (struct aw_job_step *step)
{
    const struct aw_event told = { .status = step->told };

    if (step->phase == AW_STEP_DISMISSING)
        tell_end (step);
    else if (step->over)
        finish_step (step, &told);
    else if (step->phase == AW_STEP_ADMITTING)
        start_step (step);
    else {
        step->phase = AW_STEP_ADMITTING;
        step->backend->n_started++;
        aw_token_grants_tell (&step->guests, step->backend->pool, AW_PACKET_ADMIT);
    }
}

static struct aw_job_step *make (struct aw_exec_steps *backend,
                                 uint32_t node,
                                 const struct aw_launch *launch)
{
    struct aw_job_step *step = calloc (1, sizeof (*step));

    if (!step)
        return NULL;
    step->backend = backend;
    step->log.fds[0] = step->log.fds[1] = -1;
    step->node = node;
    step->task = launch->task;
    step->attempt = launch->attempt;
    step->end.success = launch->success;
    step->srun_kills = aw_step_srun_kills (launch);
    step->time_limit = launch->time_limit;
    step->limit_grace = launch->grace;
    step->notice_after = launch->notice;
    step->notice_signal = launch->notice_signal;
    step->notice_cancels = launch->notice_cancels;
    step->timer = evtimer_new (backend->base, on_timer, step);
    step->notice = evtimer_new (backend->base, on_notice, step);
    if (step->timer && step->notice)
        return step;
    aw_job_step_destroy (step);
    return NULL;
}

struct aw_job_step *aw_job_step_create (struct aw_exec_steps *backend,
                                        uint32_t node,
                                        const struct aw_launch *launch,
                                        struct aw_error *err)
{
    struct aw_job_step *step = make (backend, node, launch);
    struct aw_launch line;

    if (!step) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < launch->step->n_parts; i++) {
        struct aw_step_part *part = &launch->step->parts[i];

        part->unbound = backend->unbound && backend->unbound (backend->pool, part->number);
        part->socket = backend->socket ? backend->socket (backend->pool, part->number) : NULL;
    }
    if (aw_token_grants_init (&step->guests, launch, err) < 0
        || aw_step_log_init (&step->log, launch, &line, err) < 0
        || aw_step_line (&step->line, &line, &backend->job, backend->bind, err) < 0
        || aw_step_env (&step->env, launch, environ, err) < 0) {
        aw_job_step_destroy (step);
        return NULL;
    }
    aw_token_grants_env (&step->guests, &step->env);
    return step;
}
