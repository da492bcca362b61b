/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/steps/exec_steps.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "coord/slurm/libexec.h"
#include "coord/steps/exec_steps_state.h"

static struct aw_exec_steps *backend_of (struct aw_exec *exec)
{
    return (struct aw_exec_steps *)exec; /* the first member */
}

static struct aw_job_step *next_step (const struct aw_exec_steps *backend)
{
    for (struct aw_job_step *step = backend->steps; step; step = step->next)
        if (aw_job_step_can_continue (step))
            return step;
    return NULL;
}

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    struct aw_exec_steps *backend = arg;
    struct aw_job_step *step;

    (void)fd;
    (void)what;
    while ((step = next_step (backend)))
        aw_job_step_continue (step);
}

/*
 * What the pool tells
 */

static void on_pool_message (void *arg, uint32_t node, const struct aw_packet *packet)
{
    struct aw_exec_steps *backend = arg;

    if (packet->kind != AW_PACKET_DONE) {
        if (backend->exec.callbacks.message)
            backend->exec.callbacks.message (backend->exec.callbacks.arg, node, packet);
        return;
    }
    for (struct aw_job_step *step = backend->steps; step; step = step->next)
        if (step->task == packet->task && step->attempt == packet->attempt
            && aw_token_grants_answered (&step->guests, node))
            event_active (backend->turn, EV_TIMEOUT, 0);
}

static void on_pool_node_lost (void *arg, const struct aw_event *ev)
{
    struct aw_exec_steps *backend = arg;

    for (struct aw_job_step *step = backend->steps; step; step = step->next)
        if (aw_token_grants_lost (&step->guests, ev->node))
            event_active (backend->turn, EV_TIMEOUT, 0);
    backend->exec.callbacks.node_lost (backend->exec.callbacks.arg, ev);
}

static void on_pool_node_joined (void *arg, const struct aw_event *ev)
{
    const struct aw_exec_steps *backend = arg;

    backend->exec.callbacks.node_joined (backend->exec.callbacks.arg, ev);
}

static void on_pool_task_finished (void *arg, const struct aw_event *ev)
{
    const struct aw_exec_steps *backend = arg;

    backend->exec.callbacks.task_finished (backend->exec.callbacks.arg, ev);
}

static void on_pool_broken (void *arg, const struct aw_error *why)
{
    const struct aw_exec_steps *backend = arg;

    backend->exec.callbacks.broken (backend->exec.callbacks.arg, why);
}

static void on_pool_note (void *arg, const char *text)
{
    const struct aw_exec_steps *backend = arg;

    if (backend->exec.callbacks.note)
        backend->exec.callbacks.note (backend->exec.callbacks.arg, text);
}

static void on_pool_joining (void *arg, uint32_t n, uint32_t of)
{
    const struct aw_exec_steps *backend = arg;

    if (backend->exec.callbacks.joining)
        backend->exec.callbacks.joining (backend->exec.callbacks.arg, n, of);
}

static void on_pool_node_leaves (void *arg, const struct aw_event *ev)
{
    const struct aw_exec_steps *backend = arg;

    if (backend->exec.callbacks.node_leaves)
        backend->exec.callbacks.node_leaves (backend->exec.callbacks.arg, ev);
}

static void on_pool_awaited (void *arg, uint32_t n)
{
    struct aw_exec_steps *backend = arg;

    if (backend->exec.callbacks.awaited)
        backend->exec.callbacks.awaited (backend->exec.callbacks.arg, n);
}

static bool on_pool_all_silent (void *arg, bool again)
{
    const struct aw_exec_steps *backend = arg;

    return !backend->exec.callbacks.all_silent
           || backend->exec.callbacks.all_silent (backend->exec.callbacks.arg, again);
}

/*
 * The table
 */

static int backend_start (struct aw_exec *exec,
                          uint32_t node,
                          const struct aw_launch *launch,
                          struct aw_error *err)
{
    struct aw_exec_steps *backend = backend_of (exec);
    struct aw_job_step *step, **at = &backend->steps;

    if (!launch->step)
        return backend->pool->ops->start (backend->pool, node, launch, err);
    step = aw_job_step_create (backend, node, launch, err);
    if (!step)
        return -1;
    while (*at)
        at = &(*at)->next;
    *at = step;
    event_active (backend->turn, EV_TIMEOUT, 0);
    return 0;
}

static void backend_kill (
    struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt, double grace)
{
    struct aw_exec_steps *backend = backend_of (exec);

    for (struct aw_job_step *step = backend->steps; step; step = step->next) {
        if (step->task != task || step->attempt != attempt)
            continue;
        aw_job_step_stop (step, AW_STATUS_CANCELLED, grace);
        return;
    }
    backend->pool->ops->kill (backend->pool, node, task, attempt, grace);
}

static void backend_unassign (struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt)
{
    struct aw_exec_steps *backend = backend_of (exec);

    backend->pool->ops->unassign (backend->pool, node, task, attempt);
}

static void backend_message (struct aw_exec *exec,
                             uint32_t node,
                             const struct aw_packet *packet,
                             const char *rest,
                             size_t size)
{
    struct aw_exec_steps *backend = backend_of (exec);

    if (backend->pool->ops->message)
        backend->pool->ops->message (backend->pool, node, packet, rest, size);
}

static void backend_shutdown (struct aw_exec *exec)
{
    struct aw_exec_steps *backend = backend_of (exec);

    backend->pool->ops->shutdown (backend->pool);
}

static void backend_destroy (struct aw_exec *exec)
{
    struct aw_exec_steps *backend = backend_of (exec);
    int saved = errno;

    if (!backend)
        return;
    for (struct aw_job_step *step = backend->steps; step; step = step->next)
        if (step->srun)
            aw_line_process_signal (step->srun, SIGTERM); /* all at once, then wait for each */
    while (backend->steps) {
        struct aw_job_step *step = backend->steps;

        backend->steps = step->next;
        aw_job_step_destroy (step);
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
    struct aw_exec_steps *backend = calloc (1, sizeof (*backend));

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
