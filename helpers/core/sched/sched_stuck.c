/* SPDX-License-Identifier: Apache-2.0 */
/* When nothing but services runs and nothing can start, the first ready task gets the pool:
 * services that it does not use are ended, and those that it uses may start. If there is still no
 * room for it all services are ended and its own start again, in the order in which the pool packs
 * them; it has been checked that they fit then. When no ready task is left, the services are ended.
 */
#include <math.h>

#include "core/sched/sched_state.h"

/* Do all services that run serve, and is none to end? */
static bool all_serve (const struct aw_sched *s)
{
    const struct aw_running *run;
    uint32_t cursor = 0;

    while ((run = aw_running_each (&s->running, &cursor)))
        if (!run->serving || run->killed)
            return false;
    return true;
}

/* Have the predecessors of the services that INSTANCE uses ended? */
static bool services_are_met (const struct aw_sched *s, uint32_t instance)
{
    uint32_t edge = 0, service;

    while ((service = aw_sched_service_of (s, instance, &edge)) != AW_NONE) {
        if (!aw_depend_is_met (&s->depend, aw_sched_task_of (s, service))
            || !services_are_met (s, service))
            return false;
    }
    return true;
}

/* The first ready task that could start, by its instance; AW_NONE: there is none. */
static uint32_t first_ready (const struct aw_sched *s)
{
    uint32_t best = AW_NONE;

    for (uint32_t k = 0; k < s->ready.n_shapes; k++) {
        const struct aw_shape *shape = &s->ready.shapes[k];

        for (uint32_t i = 0; !shape->never && i < shape->n; i++) {
            uint32_t instance = shape->heap[i];

            if (!s->graph->sets[aw_graph_instance_set (s->graph, instance)].service
                && aw_sched_could_start (s, instance) && services_are_met (s, instance)
                && (best == AW_NONE || aw_ready_before (&s->ready, instance, best)))
                best = instance;
        }
    }
    return best;
}

/* A running service to end: one that INSTANCE does not use, or, with ALL, any. */
static struct aw_running *next_to_end (const struct aw_sched *s, uint32_t instance, bool all)
{
    struct aw_running *run;
    uint32_t cursor = 0;

    while ((run = aw_running_each (&s->running, &cursor)))
        if (!run->killed && (all || !aw_sched_uses (s, instance, run->task)))
            return run;
    return NULL;
}

/* The first ready task, of INSTANCE, does not start, though no other runs. True: *RUN is to end,
 * or, where that is NULL, something has changed.
 */
static bool make_way (struct aw_sched *s, uint32_t instance, struct aw_running **run)
{
    struct aw_services *v = &s->services;

    if (v->focus != instance) {
        v->focus = instance;
        v->phase = AW_STUCK_BEGINS;
    }
    if ((*run = next_to_end (s, instance, false)))
        return true;
    if (aw_sched_pardon (s, instance)) {
        aw_ready_look_again (&s->ready);
        return true;
    }
    if (v->phase == AW_STUCK_BEGINS && s->running.n_used > 0) {
        v->phase = AW_STUCK_EMPTIES;
        *run = next_to_end (s, instance, true);
        return true;
    }
    if (aw_sched_awaits_nodes (s))
        return false;
    aw_sched_give_up (s, instance);
    return aw_sched_serve (s) == 0;
}

/* All services are being ended. False: that is over. */
static bool empties (struct aw_sched *s, struct aw_running **run)
{
    if (s->services.focus == AW_NONE || s->services.phase != AW_STUCK_EMPTIES)
        return false;
    *run = next_to_end (s, AW_NONE, true);
    if (s->running.n_used > 0)
        return true;
    s->services.phase = AW_STUCK_EMPTY;
    return false;
}

enum aw_stuck aw_sched_next_stuck (struct aw_sched *s, struct aw_running **run)
{
    uint32_t instance;

    *run = NULL;
    if (!s->services.n || s->stopped || !aw_sched_services_alone (s))
        return AW_NOT_STUCK;
    if (empties (s, run))
        return *run ? AW_STUCK_END : AW_NOT_STUCK;
    if (!all_serve (s) || !isinf (aw_sched_next_wake (s)))
        return AW_NOT_STUCK;
    instance = first_ready (s);
    if (instance != AW_NONE)
        return !make_way (s, instance, run) ? AW_NOT_STUCK : *run ? AW_STUCK_END : AW_STUCK_AGAIN;
    s->services.focus = AW_NONE;
    *run = next_to_end (s, AW_NONE, true);
    return *run ? AW_STUCK_END : AW_NOT_STUCK;
}
