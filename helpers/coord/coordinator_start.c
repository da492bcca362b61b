/* SPDX-License-Identifier: Apache-2.0 */
/* Launches: made when the scheduler decides, sent when the journal holds the decision. */
#include "coord/coordinator_state.h"

#include <string.h>

#include "coord/task_launch.h"
#include "coord/task_step.h"
#include "util/array.h"

enum { MAX_SERVICES = 64 }; /* whose addresses one task gets */

/* Ends a second that a coordinator hears of one by one with a seventh of a core (docs/scale.md).
 * Where there can be more, nodes report them together. */
static const double MANY_ENDS = 5000;

/* Ends an attempt that was not sent: as failed, or as cancelled if nothing is wrong with it. */
static void end_unsent (struct aw_coordinator *c,
                        const struct aw_launch *launch,
                        uint32_t node,
                        enum aw_status status,
                        const char *reason)
{
    struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .task = launch->task,
        .attempt = launch->attempt,
        .node = node,
        .status = status,
        .reason = reason,
    };

    aw_coordinator_handle_event (c, &ev);
}

/* May another attempt follow on the node, and the end of this one be reported late then? */
static void set_place (const struct aw_coordinator *c, struct aw_launch *launch)
{
    const struct aw_graph *graph = c->config.workflow->graph;
    struct aw_task at = aw_graph_task (graph, launch->task);

    if (c->config.sched.backlog > 0)
        launch->place = aw_sched_place (c->sched, at.set);
    if (launch->place && !graph->sets[at.set].waited_singly
        && aw_sched_end_rate (c->sched, at.set) > MANY_ENDS)
        launch->batch = aw_graph_instance (graph, at.iteration, at.set) + 1;
}

/* Makes D's launch, and makes room for D. 0, or -1 with text. */
static int make_launch (struct aw_coordinator *c,
                        const struct aw_event *start,
                        struct aw_dispatch *d,
                        struct aw_error *err)
{
    struct aw_task_service services[MAX_SERVICES];
    const struct aw_task_places places = {
        .run_dir = c->config.run_dir,
        .store = c->config.store,
        .durable = c->config.durability == AW_DURABILITY_NODE,
        .start_dir = c->config.start_dir,
        .scratch = c->config.scratch,
        .node = aw_sched_pool (c->sched)->nodes[start->node].name,
        .port = aw_coordinator_service_port (c, start),
        .services = services,
        .n_services = aw_coordinator_services (c, start, services, MAX_SERVICES),
    };
    const struct aw_task_times times = { .left = c->limit_t - aw_coordinator_now (c),
                                         .grace = c->config.kill_grace };

    if (aw_task_launch (&d->launch, c->config.workflow, start, &places, &times, err) < 0)
        return -1;
    if (aw_task_step (&d->launch, c->config.workflow, start, aw_sched_pool (c->sched),
                      c->config.run_dir, err)
        < 0)
        return -1;
    d->launch.assigned = start->type == AW_EVENT_ASSIGN;
    set_place (c, &d->launch);
    return aw_array_reserve (&c->dispatches, &c->dispatch_room, c->n_dispatches + 1) < 0
               ? aw_error_set (err, "out of memory")
               : 0;
}

void aw_coordinator_prepare_start (struct aw_coordinator *c, const struct aw_event *start)
{
    struct aw_dispatch d = { .node = start->node };
    struct aw_error err;

    if (make_launch (c, start, &d, &err) == 0) {
        c->dispatches[c->n_dispatches++] = d;
        return;
    }
    end_unsent (c, &d.launch, d.node, AW_STATUS_FAILED, err.text);
    aw_launch_finish (&d.launch);
}

/* Ends an attempt that was sent. An assigned one is taken back: if it has started meanwhile, the
 * scheduler hears that first, and decides again. */
static void kill_sent (
    struct aw_coordinator *c, uint32_t node, uint32_t task, uint32_t attempt, double grace)
{
    if (aw_sched_is_assigned (c->sched, task))
        c->exec->ops->unassign (c->exec, node, task, attempt);
    else
        c->exec->ops->kill (c->exec, node, task, attempt, grace);
}

static void send_start (struct aw_coordinator *c, const struct aw_dispatch *d)
{
    const struct aw_launch *launch = &d->launch;
    struct aw_error err;

    if (aw_sched_is_over (c->sched, launch->task, launch->attempt))
        return; /* its node was lost before it was sent */
    if (c->journal_broken)
        end_unsent (c, launch, d->node, AW_STATUS_CANCELLED,
                    "not started: the journal cannot be written");
    else if (c->exec->ops->start (c->exec, d->node, launch, &err) < 0)
        end_unsent (c, launch, d->node, AW_STATUS_FAILED, err.text);
    else if (d->kill)
        kill_sent (c, d->node, launch->task, launch->attempt, d->grace);
}

void aw_coordinator_send_starts (struct aw_coordinator *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        send_start (c, &c->dispatches[i]);
        aw_launch_finish (&c->dispatches[i].launch);
    }
    c->n_dispatches -= n;
    if (n > 0)
        memmove (c->dispatches, c->dispatches + n, c->n_dispatches * sizeof (*c->dispatches));
}

void aw_coordinator_kill (
    struct aw_coordinator *c, uint32_t node, uint32_t task, uint32_t attempt, double grace)
{
    for (size_t i = 0; i < c->n_dispatches; i++) {
        struct aw_dispatch *d = &c->dispatches[i];

        if (d->launch.task != task || d->launch.attempt != attempt)
            continue;
        d->kill = true;
        d->grace = grace;
        return;
    }
    kill_sent (c, node, task, attempt, grace);
}
