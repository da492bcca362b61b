/* SPDX-License-Identifier: Apache-2.0 */
/* A ready task that finds no room may have the place of an attempt that holds it for nothing now:
 * that one is ended first. The first ready task goes first; others may only take what does not
 * delay it.
 */

#include "core/sched/evict.h"
#include "core/sched/sched_state.h"

/* For which task a place is looked for. */
struct asking {
    const struct aw_sched *s;
    const struct aw_demand *demand;
    uint32_t instance, set;
    uint32_t on; /* on this node alone; AW_NO_NODE: on any */
    bool beside; /* the reservation must allow it */
};

static bool may_take (const void *arg, const struct aw_running *run)
{
    const struct asking *a = arg;

    return run->idle && run->set != a->set && aw_sched_may_evict (a->s, a->instance, run);
}

static bool may_use (const void *arg, uint32_t node)
{
    const struct asking *a = arg;
    const struct aw_sched *s = a->s;

    return (a->on == AW_NO_NODE || a->on == node)
           && (!a->beside
               || aw_reservation_allows (&s->reservation, node, a->demand, s->now,
                                         aw_sched_beside_seconds (s, a->set)));
}

/* Where the first task of INSTANCE, of a bound shape, has its data. */
static uint32_t bound_to (const struct aw_sched *s, const struct aw_shape *shape, uint32_t instance)
{
    return shape->bound ? aw_running_find (&s->running, aw_ready_front (&s->ready, instance))->node
                        : AW_NO_NODE;
}

static bool is_submitted (const struct aw_sched *s, uint32_t instance)
{
    return s->graph->sets[aw_graph_instance_set (s->graph, instance)].submitted;
}

/* The first startable task of SHAPE that was submitted. AW_NONE: there is none. */
static uint32_t first_submitted (const struct aw_sched *s, const struct aw_shape *shape)
{
    uint32_t best = AW_NONE;

    for (uint32_t i = 0; i < shape->n; i++)
        if (is_submitted (s, shape->heap[i]) && aw_sched_startable (s, shape->heap[i])
            && (best == AW_NONE || aw_ready_before (&s->ready, shape->heap[i], best)))
            best = shape->heap[i];
    return best;
}

/* Whose place INSTANCE of SHAPE gets, which FIRST and its instance HEAD come before. */
static struct aw_running *evicted_for (struct aw_sched *s,
                                       const struct aw_shape *shape,
                                       uint32_t instance,
                                       const struct aw_shape *first,
                                       uint32_t head)
{
    struct asking asking = { .s = s,
                             .demand = &shape->demand,
                             .instance = instance,
                             .set = aw_graph_instance_set (s->graph, instance),
                             .on = bound_to (s, shape, instance) };
    struct aw_evict_query query = { &s->pool, &s->running, &shape->demand,
                                    may_take, may_use,     &asking };
    struct aw_running *victim;

    asking.beside = shape != first && aw_sched_reserve_for (s, first, head);
    return aw_evict_next (&query, &victim) == AW_EVICT_END ? victim : NULL;
}

/* The same for the first task of SHAPE, or, if it finds none, its first submitted one: what waits
 * for a place next to its service must not hold back what its CPUs wait for. INSTANCE becomes the
 * one that gets the place.
 */
static struct aw_running *evicted_for_shape (struct aw_sched *s,
                                             const struct aw_shape *shape,
                                             uint32_t *instance,
                                             const struct aw_shape *first,
                                             uint32_t head)
{
    struct aw_running *victim = evicted_for (s, shape, *instance, first, head);

    if (victim || is_submitted (s, *instance))
        return victim;
    *instance = first_submitted (s, shape);
    return *instance != AW_NONE ? evicted_for (s, shape, *instance, first, head) : NULL;
}

struct aw_running *aw_sched_next_evicted (struct aw_sched *s)
{
    struct aw_running *best = NULL;
    struct aw_shape *shape, *first;
    uint32_t head, best_instance = AW_NONE;

    if (s->stopped || s->running.n_idle == 0)
        return NULL;
    first = aw_sched_first_shape (s, true, &head);
    for (uint32_t i = 0; (shape = aw_ready_at (&s->ready, true, i)); i++) {
        uint32_t instance = aw_sched_first_startable (s, shape);
        struct aw_running *victim;

        if (instance == AW_NONE || (best && !aw_ready_before (&s->ready, instance, best_instance)))
            continue;
        victim = evicted_for_shape (s, shape, &instance, first, head);
        if (!victim || (best && !aw_ready_before (&s->ready, instance, best_instance)))
            continue;
        best = victim;
        best_instance = instance;
    }
    return best;
}
