/* SPDX-License-Identifier: Apache-2.0 */
/* All running tasks wait for messages, without a time limit, and nothing can start: the run would
 * hold its nodes until the job ends. The user reads what they wait for. If no process of a task is
 * left that could send, what they wait with ends with an error. Nothing is killed: how the tasks
 * end then is theirs to decide.
 *
 *     none -> looking: the agents look at the processes of tasks
 *     looking -> failed: all of these only wait, and none has sent anything meanwhile
 *             -> reported: one of them may still send; the agents look again from time to time
 *     reported -> over: a message has come, or something else has happened
 *
 * Likewise where all running tasks have submitted tasks, and none of these can start: the tasks
 * that have submitted them hold the CPUs. What they do meanwhile is not known, so that is reported
 * alone.
 */
#include "config.h"

#include "coord/coordinator_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/messages/message_hub.h"

static const double SOON = 1, LATER = 5, AGAIN = 10; /* seconds */

/* A service that has sent nothing may do so for this time, unless the configuration has another. */
static const double SERVICE_SECONDS = 300;

/* Can nothing happen but by what the running tasks do? Their number, and that of services. */
static bool is_at_rest (struct aw_coordinator *c, uint32_t *running, uint32_t *services)
{
    return c->requests && c->exit_code < 0 && aw_coordinator_is_free (c) && c->n_dispatches == 0
           && aw_sched_at_rest (c->sched, running, services);
}

/* Do all running attempts wait, and can nothing else happen? */
static bool is_stalled (struct aw_coordinator *c, struct aw_hub_waits *waits, uint32_t *services)
{
    uint32_t running;

    return is_at_rest (c, &running, services) && aw_task_requests_all_wait (c->requests, waits)
           && waits->n == running;
}

static bool is_service (const struct aw_coordinator *c, uint32_t task)
{
    const struct aw_graph *graph = c->config.workflow->graph;

    return graph->sets[aw_graph_task (graph, task).set].service;
}

/* Has each running attempt submitted a task that has not ended? Services count as nothing. FIRST
 * is empty before; then one of the attempts, and their number. */
static bool is_full (struct aw_coordinator *c, struct aw_event *first)
{
    struct aw_event ev;
    uint32_t running, cursor = 0;

    if (!is_at_rest (c, &running, NULL) || aw_sched_stopped (c->sched) || running == 0)
        return false;
    while (aw_sched_running (c->sched, &cursor, &ev)) {
        if (is_service (c, ev.task))
            continue;
        if (!aw_task_requests_has_open (c->requests, ev.task, ev.attempt))
            return false;
        if (first->count == 0)
            *first = ev;
        first->count = running;
    }
    return true;
}

static void forget_event (struct aw_event *ev)
{
    free ((char *)(uintptr_t)ev->name);
    free ((char *)(uintptr_t)ev->reason);
    *ev = (struct aw_event){ .type = AW_EVENT_STALL };
}

static char *describe_full (const struct aw_coordinator *c, const struct aw_event *first)
{
    char name[AW_SENDER_MAX + 1], *text;
    int n;

    aw_graph_task_name (c->config.workflow->graph, first->task, name, sizeof (name));
    if (first->count == 1)
        n = asprintf (
            &text,
            "what %s has submitted cannot start next to it: give the run more CPUs (GPUs, "
            "memory), or this task fewer",
            name);
    else
        n = asprintf (&text,
                      "what the %u running tasks (%s and others) have submitted cannot start next "
                      "to them: give the run more CPUs (GPUs, memory), or start fewer such tasks",
                      (unsigned)first->count, name);
    return n < 0 ? NULL : text;
}

static char *describe (const struct aw_coordinator *c, const struct aw_hub_waits *waits)
{
    char name[AW_SENDER_MAX + 1], *text;
    int n;

    aw_graph_task_name (c->config.workflow->graph, waits->task, name, sizeof (name));
    if (waits->n == 1)
        n = asprintf (&text,
                      "the only running task, %s, waits for a message on topic %s, and no other "
                      "task can start",
                      name, waits->topic);
    else
        n = asprintf (&text,
                      "all %u running tasks wait for messages (%s on topic %s), and no other task "
                      "can start",
                      waits->n, name, waits->topic);
    return n < 0 ? NULL : text;
}

/* What is waited for, as an event, with TOPIC and REASON, which it takes. False: there is no
 * memory; the next look tries again. */
static bool fill_event (struct aw_coordinator *c,
                        uint32_t task,
                        uint32_t attempt,
                        uint32_t count,
                        const char *topic,
                        char *reason)
{
    struct aw_event *ev = &c->stall.event;

    forget_event (ev);
    ev->task = task;
    ev->attempt = attempt;
    ev->node = AW_NONE;
    ev->count = count;
    ev->name = strdup (topic);
    ev->reason = reason;
    return ev->name && ev->reason;
}

static void record (struct aw_coordinator *c, enum aw_stall code)
{
    struct aw_event ev = c->stall.event;

    ev.code = code;
    aw_coordinator_handle_event (c, &ev);
    c->stall.reported = code == AW_STALL_BEGINS;
    c->stall.since = aw_coordinator_now (c);
}

/* Nobody is left who could send. */
static void fail_waits (struct aw_coordinator *c)
{
    struct aw_error why;

    record (c, AW_STALL_FAILS);
    aw_error_set (&why, "no message can come: %s", c->stall.event.reason);
    aw_task_requests_end_waits (c->requests, why.text);
}

static double service_seconds (const struct aw_coordinator *c)
{
    return c->config.service_stall > 0 ? c->config.service_stall : SERVICE_SECONDS;
}

/* All agents have looked. */
static void settle (struct aw_coordinator *c)
{
    struct aw_hub_waits waits;
    uint32_t services;

    if (aw_task_requests_n_packets (c->requests) != c->stall.n_packets
        || !is_stalled (c, &waits, &services)
        || !fill_event (c, waits.task, waits.attempt, waits.n, waits.topic, describe (c, &waits)))
        aw_coordinator_arm (c->stall.timer, SOON);
    else if (c->stall.only_wait
             && (services == 0
                 || (c->stall.reported
                     && aw_coordinator_now (c) >= c->stall.since + service_seconds (c))))
        fail_waits (c);
    else if (!c->stall.reported)
        record (c, AW_STALL_BEGINS);
}

void aw_coordinator_take_look (struct aw_coordinator *c, const struct aw_packet *packet)
{
    if (packet->number != c->stall.look || c->stall.n_answers == 0)
        return;
    c->stall.only_wait = c->stall.only_wait && packet->seq == 1;
    if (--c->stall.n_answers == 0)
        settle (c);
}

/* Asks the agents of all nodes. A node that is lost meanwhile does not answer, and there is another
 * look. */
static void begin_look (struct aw_coordinator *c)
{
    const struct aw_packet look = { .kind = AW_PACKET_LOOK, .number = ++c->stall.look };
    const struct aw_pool *pool = aw_sched_pool (c->sched);

    c->stall.n_answers = 0;
    c->stall.only_wait = true;
    c->stall.n_packets = aw_task_requests_n_packets (c->requests);
    for (uint32_t n = 0; n < pool->n_nodes; n++) {
        if (aw_sched_is_lost (c->sched, n))
            continue;
        c->stall.n_answers++;
        c->exec->ops->message (c->exec, n, &look, NULL, 0);
    }
}

/* The tasks that have submitted others hold what these need: reports it when it has been so for a
 * while. */
static void watch_full (struct aw_coordinator *c, const struct aw_event *first)
{
    if (!c->stall.full) {
        c->stall.full = true;
        aw_coordinator_arm (c->stall.timer, LATER);
        return;
    }
    if (c->stall.reported)
        return;
    if (fill_event (c, first->task, first->attempt, (uint32_t)first->count, "",
                    describe_full (c, first)))
        record (c, AW_STALL_BEGINS);
}

void aw_coordinator_on_stall (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_hub_waits waits;
    struct aw_event first = { 0 };
    bool full = is_full (c, &first);
    uint32_t services;

    (void)fd;
    (void)what;
    c->stall.soon = false;
    if (!full)
        c->stall.full = false;
    if (is_stalled (c, &waits, &services) && c->exec->ops->message) {
        begin_look (c);
        aw_coordinator_arm (c->stall.timer, fmin (AGAIN, service_seconds (c)));
    }
    else if (full)
        watch_full (c, &first);
    else if (c->stall.reported)
        record (c, AW_STALL_OVER);
}

void aw_coordinator_watch_stall (struct aw_coordinator *c)
{
    if (c->stall.soon || (c->stall.full && !c->stall.reported) || !c->requests || c->exit_code >= 0
        || (aw_task_requests_n_packets (c->requests) == 0
            && !aw_task_requests_has_submitted (c->requests)))
        return;
    c->stall.soon = true;
    aw_coordinator_arm (c->stall.timer, SOON);
}

void aw_coordinator_forget_stall (struct aw_coordinator *c)
{
    forget_event (&c->stall.event);
    if (c->stall.timer)
        event_free (c->stall.timer);
}
