/* SPDX-License-Identifier: Apache-2.0 */
/* Services and their users: the tasks after a service, which start while it serves. What is counted
 * of them, and questions about them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"
#include "core/graph/peers.h"
#include "core/sched/sched_state.h"

enum { EVICTED = 1, HOPELESS = 2 };

uint32_t aw_sched_task_of (const struct aw_sched *s, uint32_t instance)
{
    return aw_graph_task_id (s->graph, aw_graph_instance_place (s->graph, instance));
}

static bool is_service (const struct aw_sched *s, uint32_t set)
{
    return s->graph->sets[set].service;
}

int aw_sched_init_services (struct aw_sched *s)
{
    uint32_t n = aw_graph_n_instances (s->graph), k = n;
    struct aw_services *v = &s->services;

    memset (v, 0, sizeof (*v));
    v->focus = AW_NONE;
    if (!s->graph->n_services)
        return 0;
    v->n_marks = n;
    v->at = calloc (n, sizeof (*v->at));
    v->busy = calloc (n, sizeof (*v->busy));
    v->marks = calloc (n, sizeof (*v->marks));
    if (!v->at || !v->busy || !v->marks) {
        errno = ENOMEM;
        return -1;
    }
    while (k-- > 0) {
        struct aw_task at = aw_graph_ordered (s->graph, k);

        if (is_service (s, at.set))
            v->at[v->n++] = aw_graph_instance (s->graph, at.iteration, at.set);
    }
    return 0;
}

void aw_sched_finish_services (struct aw_sched *s)
{
    free (s->services.at);
    free (s->services.busy);
    free (s->services.marks);
    memset (&s->services, 0, sizeof (s->services));
}

int aw_sched_clone_services (struct aw_sched *s, const struct aw_sched *from)
{
    const struct aw_services *v = &from->services;

    if (aw_sched_init_services (s) < 0)
        return -1;
    s->services.focus = v->focus;
    s->services.phase = v->phase;
    s->services.n_running = v->n_running;
    if (v->n > 0) {
        memcpy (s->services.busy, v->busy, s->services.n_marks * sizeof (*v->busy));
        memcpy (s->services.marks, v->marks, s->services.n_marks * sizeof (*v->marks));
    }
    return 0;
}

int aw_sched_service_room (struct aw_sched *s, uint32_t old, uint32_t n)
{
    struct aw_services *v = &s->services;

    if (!v->n)
        return 0;
    if (aw_grow (&v->busy, old, n, sizeof (*v->busy), 0) < 0
        || aw_grow (&v->marks, old, n, sizeof (*v->marks), 0) < 0)
        return -1;
    v->n_marks = n;
    return 0;
}

void aw_sched_reopen_services (struct aw_sched *s)
{
    for (uint32_t i = 0; i < s->services.n; i++) {
        uint32_t task = aw_sched_task_of (s, s->services.at[i]);

        if (s->depend.state[task] == AW_DEPEND_DONE
            && aw_sched_users_of (s, s->services.at[i]).open)
            aw_depend_reopen (&s->depend, task);
    }
}

static bool is_hopeless (const struct aw_sched *s, uint32_t instance)
{
    return instance < s->services.n_marks && s->services.marks[instance] & HOPELESS;
}

void aw_sched_give_up (struct aw_sched *s, uint32_t instance)
{
    s->services.marks[instance] |= HOPELESS;
}

void aw_sched_hope_again (struct aw_sched *s)
{
    for (uint32_t i = 0; i < s->services.n_marks; i++)
        s->services.marks[i] &= (uint8_t)~HOPELESS;
}

/* Could a ready task of INSTANCE start, once there is room and what it needs? */
bool aw_sched_could_start (const struct aw_sched *s, uint32_t instance)
{
    uint32_t set = aw_graph_instance_set (s->graph, instance);

    return !s->stopped && !s->ready.shapes[s->ready.shape_of[set]].never
           && aw_sched_in_time (s, instance) && !is_hopeless (s, instance);
}

struct aw_users aw_sched_users_of (const struct aw_sched *s, uint32_t instance)
{
    struct aw_task at = aw_graph_instance_place (s->graph, instance);
    const struct aw_depend *d = &s->depend;
    struct aw_users users = { 0 };

    for (uint32_t i = d->first_successor[at.set]; i != AW_NONE; i = d->successors[i].next) {
        const struct aw_successor *succ = &d->successors[i];
        struct aw_span span = aw_span_after (s->graph, at.set, at.iteration, succ->set, succ->back);

        for (uint32_t k = 0; k < span.n; k++) {
            uint32_t user = aw_graph_instance (s->graph, span.first + k, succ->set);

            users.open = users.open || d->instances[user].left > 0;
            users.busy = users.busy || s->services.busy[user] > 0;
            users.wanted = users.wanted || (d->active[user] > 0 && aw_sched_could_start (s, user));
        }
    }
    users.wanted = users.wanted || users.busy;
    return users;
}

/* The instance of the service along EDGE that a task of INSTANCE uses; AW_NONE: it is no service.
 */
static uint32_t service_along (const struct aw_sched *s,
                               const struct aw_edge *edge,
                               uint32_t instance)
{
    struct aw_task at = aw_graph_instance_place (s->graph, instance);

    return is_service (s, edge->set) ? aw_graph_instance (
               s->graph, aw_span_before (s->graph, edge, at.set, at.iteration).first, edge->set)
                                     : AW_NONE;
}

uint32_t aw_sched_service_of (const struct aw_sched *s, uint32_t instance, uint32_t *edge)
{
    const struct aw_set *set = &s->graph->sets[aw_graph_instance_set (s->graph, instance)];
    uint32_t service = AW_NONE;

    while (set->served && service == AW_NONE && *edge < set->n_after)
        service = service_along (s, &set->after[(*edge)++], instance);
    return service;
}

/* Do tasks after the service of INSTANCE start: it serves, or they start without it? */
bool aw_sched_lets_start (const struct aw_sched *s, uint32_t instance)
{
    uint32_t task = aw_sched_task_of (s, instance);
    const struct aw_running *run = aw_running_find (&s->running, task);

    if (run)
        return run->serving && !run->killed;
    return s->depend.state[task] == AW_DEPEND_IGNORED
           || (s->depend.state[task] == AW_DEPEND_SKIPPED && s->depend.released
               && s->depend.released[task]);
}

uint32_t aw_sched_missing_service (const struct aw_sched *s, uint32_t instance)
{
    uint32_t edge = 0, service;

    while ((service = aw_sched_service_of (s, instance, &edge)) != AW_NONE)
        if (!aw_sched_lets_start (s, service))
            return service;
    return AW_NONE;
}

bool aw_sched_startable (const struct aw_sched *s, uint32_t instance)
{
    if (!aw_sched_in_time (s, instance))
        return false;
    return instance >= s->services.n_marks
           || (!(s->services.marks[instance] & EVICTED)
               && aw_sched_missing_service (s, instance) == AW_NONE);
}

bool aw_sched_services_alone (const struct aw_sched *s)
{
    return s->running.n_used == s->services.n_running;
}

bool aw_sched_is_forsaken (const struct aw_sched *s, uint32_t instance)
{
    uint32_t edge = 0, service;

    while ((service = aw_sched_service_of (s, instance, &edge)) != AW_NONE) {
        uint8_t state = s->depend.state[aw_sched_task_of (s, service)];

        if ((state == AW_DEPEND_FAILED || state == AW_DEPEND_SKIPPED)
            && !aw_sched_lets_start (s, service))
            return true;
    }
    return false;
}

uint32_t aw_sched_first_startable (const struct aw_sched *s, const struct aw_shape *shape)
{
    uint32_t best = AW_NONE;

    if (aw_sched_startable (s, shape->heap[0]))
        return shape->heap[0];
    for (uint32_t i = 1; i < shape->n; i++)
        if (aw_sched_startable (s, shape->heap[i])
            && (best == AW_NONE || aw_ready_before (&s->ready, shape->heap[i], best)))
            best = shape->heap[i];
    return best;
}

bool aw_sched_uses (const struct aw_sched *s, uint32_t instance, uint32_t task)
{
    uint32_t edge = 0, service;

    while ((service = aw_sched_service_of (s, instance, &edge)) != AW_NONE)
        if (aw_sched_task_of (s, service) == task || aw_sched_uses (s, service, task))
            return true;
    return false;
}

bool aw_sched_may_evict (const struct aw_sched *s, uint32_t instance, const struct aw_running *run)
{
    struct aw_task at = aw_graph_task (s->graph, run->task);

    if (!is_service (s, run->set))
        return true;
    if (aw_sched_uses (s, instance, run->task)
        || (s->services.focus != AW_NONE && aw_sched_uses (s, s->services.focus, run->task)))
        return false;
    return !is_service (s, aw_graph_instance_set (s->graph, instance))
           || !aw_sched_users_of (s, aw_graph_instance (s->graph, at.iteration, run->set)).wanted;
}

struct aw_running *aw_sched_next_unneeded (const struct aw_sched *s)
{
    for (uint32_t i = 0; i < s->services.n; i++) {
        struct aw_running *run =
            aw_running_find (&s->running, aw_sched_task_of (s, s->services.at[i]));
        struct aw_users users;

        if (!run || run->killed)
            continue;
        users = aw_sched_users_of (s, s->services.at[i]);
        if (!users.busy && (s->stopped || !users.open))
            return run;
    }
    return NULL;
}

static uint32_t instance_of (const struct aw_sched *s, const struct aw_running *run)
{
    struct aw_task at = aw_graph_task (s->graph, run->task);

    return aw_graph_instance (s->graph, at.iteration, at.set);
}

void aw_sched_mark_evicted (struct aw_sched *s, const struct aw_running *run)
{
    if (is_service (s, run->set))
        s->services.marks[instance_of (s, run)] |= EVICTED;
}

bool aw_sched_pardon (struct aw_sched *s, uint32_t instance)
{
    uint32_t edge = 0, service;
    bool any = false;

    while ((service = aw_sched_service_of (s, instance, &edge)) != AW_NONE) {
        any = aw_sched_pardon (s, service) || any || s->services.marks[service] & EVICTED;
        s->services.marks[service] &= (uint8_t)~EVICTED;
    }
    return any;
}

/* Its end may come at once, or is not known. */
void aw_sched_set_idle (struct aw_sched *s, struct aw_running *run, bool idle)
{
    if (run->idle == idle)
        return;
    aw_running_set_idle (&s->running, run, idle);
    aw_running_set_end (&s->running, run, idle ? s->now : INFINITY);
}

/* INSTANCE uses its services now. */
static void use (struct aw_sched *s, uint32_t instance)
{
    uint32_t edge = 0, service;

    s->services.busy[instance]++;
    while ((service = aw_sched_service_of (s, instance, &edge)) != AW_NONE) {
        struct aw_running *run = aw_running_find (&s->running, aw_sched_task_of (s, service));

        if (run)
            aw_sched_set_idle (s, run, false);
    }
}

void aw_sched_begin_service (struct aw_sched *s, const struct aw_running *run)
{
    if (!s->services.n)
        return;
    if (s->graph->sets[run->set].served)
        use (s, instance_of (s, run));
    if (is_service (s, run->set)) {
        s->services.n_running++;
        return;
    }
    for (uint32_t i = 0; i < s->services.n; i++) /* one has its place: others may come back */
        s->services.marks[s->services.at[i]] &= (uint8_t)~EVICTED;
    s->services.focus = AW_NONE;
}

void aw_sched_end_service (struct aw_sched *s, const struct aw_running *run)
{
    s->services.n_running -= is_service (s, run->set);
    if (s->graph->sets[run->set].served)
        s->services.busy[instance_of (s, run)]--;
}
