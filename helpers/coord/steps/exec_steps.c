/* SPDX-License-Identifier: Apache-2.0 */
/* The backend "steps". The states of a step:
 *
 *   waiting -> admitting   it is its turn: the agents of its nodes let its ranks in
 *   admitting -> running   all agents have answered: its srun starts
 *   running -> dismissing  it has ended: the agents pass on the last messages of its ranks
 *   dismissing -> told     all agents have answered: its end is reported
 *
 * A step that has not come to running ends in the next state that does not wait.
 */
#include "coord/steps/exec_steps.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "coord/slurm/libexec.h"
#include "coord/slurm/line_process.h"
#include "coord/steps/step_end.h"
#include "coord/steps/token_grants.h"
#include "coord/steps/step_line.h"
#include "coord/steps/step_log.h"
#include "coord/steps/step_signal.h"
#include "util/clock.h"

extern char **environ;

/* Slurm kills the ranks of a step by a signal to those that exist: one that was about to start
 * continues, and its srun waits for it. So a step that has to end is killed again, this often,
 * before its srun is killed and the step cancelled.
 */
static const double KILL_SECONDS = 2;
enum { MAX_KILLS = 5 };

/* What the timer is set for. */
enum stage { STAGE_LIMIT, STAGE_GRACE, STAGE_KILL };

enum phase { WAITING, ADMITTING, RUNNING, DISMISSING };

struct step {
    struct exec_steps *backend;
    enum phase phase;
    struct aw_token_grants guests;
    struct step *next; /* in the order of the launches */
    uint32_t node, task, attempt;
    struct aw_strings line, env; /* until it is started */
    struct aw_line_process *srun; /* NULL before RUNNING */
    struct aw_step_end end;
    struct aw_step_log log;
    struct aw_event finish; /* DISMISSING: its end, to be reported */
    struct aw_error why; /* its reason */
    struct event *timer, *notice;
    enum stage stage;
    double time_limit, limit_grace, notice_after, grace;
    int notice_signal;
    bool notice_cancels, noticed;
    double started;
    enum aw_status told; /* to end as; COMPLETED: it was not */
    bool over; /* before it was started */
    int kills; /* how often it was killed */
};

struct exec_steps {
    struct aw_exec exec; /* first */
    struct event_base *base;
    struct aw_exec *pool;
    bool (*unbound) (struct aw_exec *pool, uint32_t node);
    const char *(*socket) (struct aw_exec *pool, uint32_t node);
    struct aw_step_job job; /* its id is owned */
    char *bind;
    uint32_t max_steps;
    uint32_t n_started; /* steps from ADMITTING on to the end of their srun */
    struct step *steps;
    struct aw_step_signals signals;
    struct event *turn; /* made active when there is something to report or start */
};

static struct exec_steps *backend_of (struct aw_exec *exec)
{
    return (struct exec_steps *)exec; /* the first member */
}

static int arm (struct event *timer, double seconds)
{
    struct timeval tv = { (time_t)seconds, 0 };

    tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
    return timer ? event_add (timer, &tv) : -1;
}

/*
 * Telling a step to end
 */

/* Sends SIG to all ranks; 0: cancels the step. -1 where that cannot be. */
static int signal_ranks (struct step *step, int sig)
{
    return aw_step_signal (&step->backend->signals, step->end.id, sig);
}

/* The hard way: Slurm kills the ranks, and srun goes with them. */
static void kill_step (struct step *step)
{
    step->stage = STAGE_KILL;
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

static void end_step (struct step *step, enum aw_status as, double grace)
{
    bool again = step->told != AW_STATUS_COMPLETED;

    if (!again)
        step->told = as;
    else if (grace >= step->grace)
        return; /* under way already; a shorter grace counts from now */
    step->grace = grace;
    if (step->phase != RUNNING) {
        step->over = true;
        event_active (step->backend->turn, EV_TIMEOUT, 0);
        return;
    }
    step->stage = STAGE_GRACE;
    if (grace <= 0 || signal_ranks (step, SIGTERM) < 0 || arm (step->timer, grace) < 0)
        kill_step (step);
}

static void on_timer (evutil_socket_t fd, short what, void *arg)
{
    struct step *step = arg;

    (void)fd;
    (void)what;
    if (step->stage == STAGE_LIMIT)
        end_step (step, AW_STATUS_TIMEOUT, step->limit_grace);
    else
        kill_step (step);
}

static void on_notice (evutil_socket_t fd, short what, void *arg)
{
    struct step *step = arg;

    (void)fd;
    (void)what;
    step->noticed = true;
    if (step->told == AW_STATUS_COMPLETED)
        (void)signal_ranks (step, step->notice_signal);
}

/*
 * Its life
 */

static void destroy_step (struct step *step)
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
static void tell_end (struct step *step)
{
    struct exec_steps *backend = step->backend;
    struct step **at = &backend->steps;
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
    destroy_step (step);
    backend->exec.callbacks.task_finished (backend->exec.callbacks.arg, &ev);
}

/* It ends with EV, which is reported when all messages of its ranks have come. */
static void finish_step (struct step *step, const struct aw_event *ev)
{
    bool admitted = step->phase != WAITING;

    step->finish = *ev;
    if (ev->reason)
        aw_error_set (&step->why, "%s", ev->reason);
    step->phase = DISMISSING;
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
    struct step *step = arg;
    bool failed = step->end.failed;
    bool begins = aw_step_end_line (&step->end, text);

    if (step->end.failed && !failed && step->told == AW_STATUS_COMPLETED) {
        step->stage = STAGE_KILL; /* by srun, for a start */
        (void)arm (step->timer, KILL_SECONDS);
    }
    if (!begins || step->started > 0)
        return;
    step->started = aw_clock_monotonic ();
    if (step->told != AW_STATUS_COMPLETED)
        return;
    step->stage = STAGE_LIMIT;
    if (!isinf (step->time_limit))
        (void)arm (step->timer, step->time_limit);
    if (!isinf (step->notice_after))
        (void)arm (step->notice, step->notice_after);
}

static void on_ended (void *arg, int status)
{
    struct step *step = arg;
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
static void start_step (struct step *step)
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
    step->phase = RUNNING;
    aw_strings_finish (&step->line);
    aw_strings_finish (&step->env);
}

static bool can_go_on (const struct step *step)
{
    const struct exec_steps *backend = step->backend;

    if (step->phase == WAITING)
        return step->over || backend->n_started < backend->max_steps;
    return step->phase != RUNNING && step->guests.n_waits == 0;
}

/* Takes it to the next phase. */
static void go_on (struct step *step)
{
    const struct aw_event told = { .status = step->told };

    if (step->phase == DISMISSING)
        tell_end (step);
    else if (step->over)
        finish_step (step, &told);
    else if (step->phase == ADMITTING)
        start_step (step);
    else {
        step->phase = ADMITTING;
        step->backend->n_started++;
        aw_token_grants_tell (&step->guests, step->backend->pool, AW_PACKET_ADMIT);
    }
}

static struct step *next_step (const struct exec_steps *backend)
{
    for (struct step *step = backend->steps; step; step = step->next)
        if (can_go_on (step))
            return step;
    return NULL;
}

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    struct exec_steps *backend = arg;
    struct step *step;

    (void)fd;
    (void)what;
    while ((step = next_step (backend)))
        go_on (step);
}

/*
 * What the pool tells
 */

static void on_pool_message (void *arg, uint32_t node, const struct aw_packet *packet)
{
    struct exec_steps *backend = arg;

    if (packet->kind != AW_PACKET_DONE) {
        if (backend->exec.callbacks.message)
            backend->exec.callbacks.message (backend->exec.callbacks.arg, node, packet);
        return;
    }
    for (struct step *step = backend->steps; step; step = step->next)
        if (step->task == packet->task && step->attempt == packet->attempt
            && aw_token_grants_answered (&step->guests, node))
            event_active (backend->turn, EV_TIMEOUT, 0);
}

static void on_pool_node_lost (void *arg, const struct aw_event *ev)
{
    struct exec_steps *backend = arg;

    for (struct step *step = backend->steps; step; step = step->next)
        if (aw_token_grants_lost (&step->guests, ev->node))
            event_active (backend->turn, EV_TIMEOUT, 0);
    backend->exec.callbacks.node_lost (backend->exec.callbacks.arg, ev);
}

static void on_pool_node_joined (void *arg, const struct aw_event *ev)
{
    const struct exec_steps *backend = arg;

    backend->exec.callbacks.node_joined (backend->exec.callbacks.arg, ev);
}

static void on_pool_task_finished (void *arg, const struct aw_event *ev)
{
    const struct exec_steps *backend = arg;

    backend->exec.callbacks.task_finished (backend->exec.callbacks.arg, ev);
}

static void on_pool_broken (void *arg, const struct aw_error *why)
{
    const struct exec_steps *backend = arg;

    backend->exec.callbacks.broken (backend->exec.callbacks.arg, why);
}

static void on_pool_note (void *arg, const char *text)
{
    const struct exec_steps *backend = arg;

    if (backend->exec.callbacks.note)
        backend->exec.callbacks.note (backend->exec.callbacks.arg, text);
}

static void on_pool_joining (void *arg, uint32_t n, uint32_t of)
{
    const struct exec_steps *backend = arg;

    if (backend->exec.callbacks.joining)
        backend->exec.callbacks.joining (backend->exec.callbacks.arg, n, of);
}

static void on_pool_node_leaves (void *arg, const struct aw_event *ev)
{
    const struct exec_steps *backend = arg;

    if (backend->exec.callbacks.node_leaves)
        backend->exec.callbacks.node_leaves (backend->exec.callbacks.arg, ev);
}

static void on_pool_awaited (void *arg, uint32_t n)
{
    struct exec_steps *backend = arg;

    if (backend->exec.callbacks.awaited)
        backend->exec.callbacks.awaited (backend->exec.callbacks.arg, n);
}

static bool on_pool_all_silent (void *arg, bool again)
{
    const struct exec_steps *backend = arg;

    return !backend->exec.callbacks.all_silent
           || backend->exec.callbacks.all_silent (backend->exec.callbacks.arg, again);
}

/*
 * The table
 */

static struct step *make_step (struct exec_steps *backend,
                               uint32_t node,
                               const struct aw_launch *launch)
{
    struct step *step = calloc (1, sizeof (*step));

    if (!step)
        return NULL;
    step->backend = backend;
    step->log.fds[0] = step->log.fds[1] = -1;
    step->node = node;
    step->task = launch->task;
    step->attempt = launch->attempt;
    step->time_limit = launch->time_limit;
    step->limit_grace = launch->grace;
    step->notice_after = launch->notice;
    step->notice_signal = launch->notice_signal;
    step->notice_cancels = launch->notice_cancels;
    step->timer = evtimer_new (backend->base, on_timer, step);
    step->notice = evtimer_new (backend->base, on_notice, step);
    if (step->timer && step->notice)
        return step;
    destroy_step (step);
    return NULL;
}

static int backend_start (struct aw_exec *exec,
                          uint32_t node,
                          const struct aw_launch *launch,
                          struct aw_error *err)
{
    struct exec_steps *backend = backend_of (exec);
    struct step *step, **at = &backend->steps;
    struct aw_launch line;

    if (!launch->step)
        return backend->pool->ops->start (backend->pool, node, launch, err);
    step = make_step (backend, node, launch);
    if (!step)
        return aw_error_set (err, "out of memory");
    for (uint32_t i = 0; i < launch->step->n_parts; i++) {
        struct aw_step_part *part = &launch->step->parts[i];

        part->unbound = backend->unbound && backend->unbound (backend->pool, part->number);
        part->socket = backend->socket ? backend->socket (backend->pool, part->number) : NULL;
    }
    if (aw_token_grants_init (&step->guests, launch, err) < 0
        || aw_step_log_init (&step->log, launch, &line, err) < 0
        || aw_step_line (&step->line, &line, &backend->job, backend->bind, err) < 0
        || aw_step_env (&step->env, launch, environ, err) < 0) {
        destroy_step (step);
        return -1;
    }
    aw_token_grants_env (&step->guests, &step->env);
    while (*at)
        at = &(*at)->next;
    *at = step;
    event_active (backend->turn, EV_TIMEOUT, 0);
    return 0;
}

static void backend_kill (
    struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt, double grace)
{
    struct exec_steps *backend = backend_of (exec);

    for (struct step *step = backend->steps; step; step = step->next) {
        if (step->task != task || step->attempt != attempt)
            continue;
        end_step (step, AW_STATUS_CANCELLED, grace);
        return;
    }
    backend->pool->ops->kill (backend->pool, node, task, attempt, grace);
}

static void backend_unassign (struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt)
{
    struct exec_steps *backend = backend_of (exec);

    backend->pool->ops->unassign (backend->pool, node, task, attempt);
}

static void backend_message (struct aw_exec *exec,
                             uint32_t node,
                             const struct aw_packet *packet,
                             const char *rest,
                             size_t size)
{
    struct exec_steps *backend = backend_of (exec);

    if (backend->pool->ops->message)
        backend->pool->ops->message (backend->pool, node, packet, rest, size);
}

static void backend_shutdown (struct aw_exec *exec)
{
    struct exec_steps *backend = backend_of (exec);

    backend->pool->ops->shutdown (backend->pool);
}

static void backend_destroy (struct aw_exec *exec)
{
    struct exec_steps *backend = backend_of (exec);
    int saved = errno;

    if (!backend)
        return;
    for (struct step *step = backend->steps; step; step = step->next)
        if (step->srun)
            aw_line_process_signal (step->srun, SIGTERM); /* all at once, then wait for each */
    while (backend->steps) {
        struct step *step = backend->steps;

        backend->steps = step->next;
        destroy_step (step);
    }
    aw_step_signals_finish (&backend->signals);
    if (backend->turn)
        event_free (backend->turn);
    if (backend->pool)
        backend->pool->ops->destroy (backend->pool);
    free ((char *)backend->job.id);
    free (backend->bind);
    free (backend);
    errno = saved;
}

static const struct aw_exec_ops ops = {
    .name = "steps",
    .start = backend_start,
    .kill = backend_kill,
    .unassign = backend_unassign,
    .message = backend_message,
    .shutdown = backend_shutdown,
    .destroy = backend_destroy,
};

struct aw_exec *aw_exec_steps_create (struct event_base *base,
                                      const struct aw_exec_callbacks *callbacks,
                                      const struct aw_exec_steps_config *config,
                                      struct aw_error *err)
{
    struct exec_steps *backend = calloc (1, sizeof (*backend));

    if (!backend) {
        config->pool->ops->destroy (config->pool);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    backend->exec.ops = &ops;
    backend->exec.callbacks = *callbacks;
    backend->base = base;
    backend->signals.base = base;
    backend->pool = config->pool;
    backend->unbound = config->unbound;
    backend->socket = config->socket;
    backend->pool->callbacks = (struct aw_exec_callbacks){
        .node_joined = on_pool_node_joined,
        .node_lost = on_pool_node_lost,
        .task_finished = on_pool_task_finished,
        .broken = on_pool_broken,
        .note = on_pool_note,
        .node_leaves = on_pool_node_leaves,
        .message = on_pool_message,
        .joining = on_pool_joining,
        .awaited = on_pool_awaited,
        .all_silent = on_pool_all_silent,
        .arg = backend,
    };
    backend->max_steps = config->max_steps ? config->max_steps : AW_MAX_STEPS;
    backend->job = config->job;
    backend->job.id = strdup (config->job.id);
    backend->turn = event_new (base, -1, 0, on_turn, backend);
    backend->bind = aw_libexec (AW_BIND, err);
    if (backend->bind && backend->job.id && backend->turn)
        return &backend->exec;
    if (backend->bind)
        aw_error_set (err, "out of memory");
    backend_destroy (&backend->exec);
    return NULL;
}
