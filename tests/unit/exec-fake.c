/* SPDX-License-Identifier: Apache-2.0 */
#include "exec-fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

struct attempt {
    struct fake *fake;
    struct attempt *next;
    struct event *timer;
    uint32_t node;
    uint32_t task;
    uint32_t number;
    struct aw_fake_outcome outcome;
};

/* Something that the test wants to happen in the next turn. */
struct blow {
    struct fake *fake;
    struct blow *next;
    struct event *timer;
    uint32_t node;
    bool all;
    struct aw_error why;
};

struct fake {
    struct aw_exec exec; /* first */
    struct event_base *base;
    struct aw_fake_config config;
    struct event *join;
    struct attempt *attempts;
    struct blow *blows;
    bool *lost; /* by node */
    bool joined;
};

static struct fake *fake_of (struct aw_exec *exec)
{
    return (struct fake *)exec; /* the first member */
}

static struct timeval timeval_of (double seconds)
{
    struct timeval tv = { (time_t)seconds, 0 };

    tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
    return tv;
}

static void tell_node (struct fake *fake, uint32_t node)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .node = node, .mem = fake->config.mem };
    char name[16];

    snprintf (name, sizeof (name), "n%u", node + 1);
    ev.name = name;
    if ((fake->config.cpus == 0 || aw_idset_add (&ev.cpus, 0, fake->config.cpus - 1) == 0)
        && (fake->config.gpus == 0 || aw_idset_add (&ev.gpus, 0, fake->config.gpus - 1) == 0))
        fake->exec.callbacks.node_joined (fake->exec.callbacks.arg, &ev);
    aw_idset_finish (&ev.cpus);
    aw_idset_finish (&ev.gpus);
}

static void on_join (evutil_socket_t fd, short what, void *arg)
{
    struct fake *fake = arg;

    (void)fd;
    (void)what;
    fake->joined = true;
    for (uint32_t i = 0; i < fake->config.n_nodes; i++)
        tell_node (fake, i);
}

static void drop (struct attempt *attempt)
{
    struct attempt **at = &attempt->fake->attempts;

    while (*at != attempt)
        at = &(*at)->next;
    *at = attempt->next;
    event_free (attempt->timer);
    free (attempt);
}

static void on_end (evutil_socket_t fd, short what, void *arg)
{
    struct attempt *attempt = arg;
    struct fake *fake = attempt->fake;
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .task = attempt->task,
        .attempt = attempt->number,
        .node = attempt->node,
        .status = attempt->outcome.status,
        .code = attempt->outcome.code,
        .signal = attempt->outcome.signal,
        .seconds = attempt->outcome.seconds,
        .reason = attempt->outcome.reason,
    };

    (void)fd;
    (void)what;
    drop (attempt);
    fake->exec.callbacks.task_finished (fake->exec.callbacks.arg, &ev);
}

static int fake_start (struct aw_exec *exec,
                       uint32_t node,
                       const struct aw_launch *launch,
                       struct aw_error *err)
{
    struct fake *fake = fake_of (exec);
    struct attempt *attempt;
    struct timeval tv;

    if (!fake->joined || node >= fake->config.n_nodes || fake->lost[node])
        return aw_error_set (err, "node %u is not there", node);
    attempt = calloc (1, sizeof (*attempt));
    if (!attempt)
        return aw_error_set (err, "out of memory");
    attempt->fake = fake;
    attempt->node = node;
    attempt->task = launch->task;
    attempt->number = launch->attempt;
    if (fake->config.plan)
        fake->config.plan (fake->config.arg, node, launch, &attempt->outcome);
    tv = timeval_of (attempt->outcome.seconds);
    attempt->timer = evtimer_new (fake->base, on_end, attempt);
    if (attempt->outcome.refused || !attempt->timer || event_add (attempt->timer, &tv) < 0) {
        if (attempt->timer)
            event_free (attempt->timer);
        free (attempt);
        return aw_error_set (err, "the fake refuses to start this");
    }
    attempt->next = fake->attempts;
    fake->attempts = attempt;
    return 0;
}

static void fake_kill (
    struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t number, double grace)
{
    struct timeval tv;

    for (struct attempt *a = fake_of (exec)->attempts; a; a = a->next) {
        if (a->node != node || a->task != task || a->number != number)
            continue;
        tv = timeval_of (a->outcome.stubborn ? grace : 0);
        a->outcome.status = AW_STATUS_CANCELLED;
        a->outcome.code = 0;
        a->outcome.signal = a->outcome.stubborn ? 9 : 15;
        event_add (a->timer, &tv);
        return;
    }
}

static void drop_of (struct fake *fake, uint32_t node, bool all)
{
    for (struct attempt *a = fake->attempts, *next; a; a = next) {
        next = a->next;
        if (all || a->node == node)
            drop (a);
    }
}

static void on_blow (evutil_socket_t fd, short what, void *arg)
{
    struct blow *blow = arg;
    struct fake *fake = blow->fake;
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST,
                           .node = blow->node,
                           .reason = blow->why.text };

    (void)fd;
    (void)what;
    if (!blow->all && fake->lost[blow->node])
        return;
    drop_of (fake, blow->node, blow->all);
    if (blow->all) {
        fake->exec.callbacks.broken (fake->exec.callbacks.arg, &blow->why);
        return;
    }
    fake->lost[blow->node] = true;
    fake->exec.callbacks.node_lost (fake->exec.callbacks.arg, &ev);
}

static void strike (struct fake *fake, uint32_t node, bool all, const char *reason)
{
    struct timeval now = { 0, 0 };
    struct blow *blow = calloc (1, sizeof (*blow));

    if (!blow)
        return;
    blow->fake = fake;
    blow->node = node;
    blow->all = all;
    aw_error_set (&blow->why, "%s", reason);
    blow->timer = evtimer_new (fake->base, on_blow, blow);
    if (blow->timer)
        event_add (blow->timer, &now);
    blow->next = fake->blows;
    fake->blows = blow;
}

void aw_exec_fake_lose (struct aw_exec *exec, uint32_t node, const char *reason)
{
    if (node < fake_of (exec)->config.n_nodes)
        strike (fake_of (exec), node, false, reason);
}

void aw_exec_fake_break (struct aw_exec *exec, const char *reason)
{
    strike (fake_of (exec), 0, true, reason);
}

uint32_t aw_exec_fake_running (const struct aw_exec *exec)
{
    uint32_t n = 0;

    for (const struct attempt *a = ((const struct fake *)exec)->attempts; a; a = a->next)
        n++;
    return n;
}

static void fake_shutdown (struct aw_exec *exec)
{
    (void)exec; /* nothing is pending but attempts: the loop ends with the last of them */
}

static void fake_destroy (struct aw_exec *exec)
{
    struct fake *fake = fake_of (exec);
    int saved = errno;

    if (fake) {
        drop_of (fake, 0, true);
        while (fake->blows) {
            struct blow *blow = fake->blows;
            fake->blows = blow->next;
            if (blow->timer)
                event_free (blow->timer);
            free (blow);
        }
        if (fake->join)
            event_free (fake->join);
        free (fake->lost);
        free (fake);
    }
    errno = saved;
}

static const struct aw_exec_ops ops = {
    .name = "fake",
    .start = fake_start,
    .kill = fake_kill,
    .shutdown = fake_shutdown,
    .destroy = fake_destroy,
};

struct aw_exec *aw_exec_fake_create (struct event_base *base,
                                     const struct aw_exec_callbacks *callbacks,
                                     const struct aw_fake_config *config,
                                     struct aw_error *err)
{
    struct fake *fake = calloc (1, sizeof (*fake));
    struct timeval now = { 0, 0 };

    if (!fake) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    fake->exec.ops = &ops;
    fake->exec.callbacks = *callbacks;
    fake->base = base;
    fake->config = *config;
    fake->lost = calloc (config->n_nodes ? config->n_nodes : 1, sizeof (bool));
    fake->join = evtimer_new (base, on_join, fake);
    if (!fake->lost || !fake->join || event_add (fake->join, &now) < 0) {
        aw_error_set (err, "out of memory");
        fake_destroy (&fake->exec);
        return NULL;
    }
    return &fake->exec;
}
