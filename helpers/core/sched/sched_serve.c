/* SPDX-License-Identifier: Apache-2.0 */
/* Services, as events go by. The one task of a service waits until its predecessors have ended and
 * a task after it is ready: then it is ready too. Once it serves (SERVING), these may start. When
 * it has been ended, because nothing needs it now or for another task's place, it waits again; when
 * nothing will need it, it is done.
 *
 *     waiting <-> ready -> running -> waiting; waiting, ready -> done
 */

#include "core/graph/peers.h"
#include "core/sched/sched_state.h"

/* The tasks after a service that has failed, or was skipped, do not run. */
static int drop_users (struct aw_sched *s, uint32_t instance)
{
    struct aw_task at = aw_graph_instance_place (s->graph, instance);
    const struct aw_depend *d = &s->depend;
    int rc = 0;

    for (uint32_t i = d->first_successor[at.set]; i != AW_NONE; i = d->successors[i].next) {
        const struct aw_successor *succ = &d->successors[i];
        struct aw_span span = aw_span_after (s->graph, at.set, at.iteration, succ->set, succ->back);

        for (uint32_t k = 0; rc == 0 && k < span.n; k++)
            if (d->active[aw_graph_instance (s->graph, span.first + k, succ->set)] > 0)
                rc = aw_sched_drop_queued (
                    s, aw_graph_first_task (s->graph, span.first + k, succ->set),
                    s->graph->sets[succ->set].count);
    }
    return rc;
}

/* A service that does not run becomes what its users make of it. */
static int settle_service (struct aw_sched *s,
                           uint32_t task,
                           const struct aw_users *users,
                           struct aw_released *out)
{
    bool ready = s->depend.state[task] == AW_DEPEND_READY;
    bool wanted = users->wanted && aw_depend_is_met (&s->depend, task);

    if (ready && !wanted) {
        aw_sched_leave_queues (s, task, task);
        aw_depend_set_state (&s->depend, task, AW_DEPEND_WAITING);
    }
    if (!users->open)
        return aw_depend_done (&s->depend, task, s->now, out);
    if (ready || !wanted)
        return 0;
    aw_depend_set_state (&s->depend, task, AW_DEPEND_READY);
    return aw_ranges_push (&out->ready, task, task, s->now);
}

static int serve (struct aw_sched *s, uint32_t instance, struct aw_released *out)
{
    uint32_t task = aw_sched_task_of (s, instance);
    struct aw_running *run = aw_running_find (&s->running, task);
    struct aw_users users;

    if (s->depend.state[task] > AW_DEPEND_RUNNING)
        return 0;
    users = aw_sched_users_of (s, instance);
    if (!run)
        return settle_service (s, task, &users, out);
    aw_sched_set_idle (s, run, !users.busy);
    return 0;
}

static int drop_users_of_lost (struct aw_sched *s, uint32_t instance)
{
    uint8_t state = s->depend.state[aw_sched_task_of (s, instance)];

    return (state == AW_DEPEND_FAILED || state == AW_DEPEND_SKIPPED) && !s->stopped
                   && !aw_sched_lets_start (s, instance)
               ? drop_users (s, instance)
               : 0;
}

/* First, users without a service are dropped, those before what comes after them; then it is known
 * which services are needed. */
int aw_sched_serve (struct aw_sched *s)
{
    struct aw_released out = { 0 };
    int rc = 0;

    if (!s->services.n || !s->begun)
        return 0;
    for (uint32_t i = s->services.n; rc == 0 && i-- > 0;)
        rc = drop_users_of_lost (s, s->services.at[i]);
    for (uint32_t i = 0; rc == 0 && i < s->services.n; i++)
        rc = serve (s, s->services.at[i], &out);
    return aw_sched_release (s, rc, &out);
}

int aw_sched_handle_serving (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    char name[128];

    if (ev->attempt < s->tries[ev->task].attempts)
        return 0; /* long over */
    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (!s->graph->sets[aw_graph_task (s->graph, ev->task).set].service)
        return aw_error_set (err, "%s serves, but is no service", name);
    if (!run || run->attempt != ev->attempt)
        return aw_error_set (err, "%s attempt %u serves but has not started", name, ev->attempt);
    if (run->serving)
        return 0;
    run->serving = true;
    run->port = ev->port;
    aw_sched_learn (s, run->set, ev->seconds);
    return 0;
}

bool aw_sched_service_at (const struct aw_sched *s, uint32_t task, uint32_t *node, uint32_t *port)
{
    const struct aw_running *run = aw_running_find (&s->running, task);

    if (!run || !run->serving)
        return false;
    *node = run->node;
    *port = run->port;
    return true;
}

void aw_sched_judge (const struct aw_sched *s, struct aw_event *ev)
{
    const struct aw_running *run = aw_running_find (&s->running, ev->task);

    if (!run || run->attempt != ev->attempt || !s->graph->sets[run->set].service
        || ev->status == AW_STATUS_NODE_FAIL)
        return;
    if (run->killed && !s->stop_kills && !s->tries[ev->task].cancelled)
        ev->status = AW_STATUS_COMPLETED;
    else if (!run->killed && ev->status == AW_STATUS_COMPLETED) {
        ev->status = AW_STATUS_FAILED;
        ev->reason = "it ended by itself; a service must stay until it is ended";
    }
}
