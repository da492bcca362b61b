/* SPDX-License-Identifier: Apache-2.0 */
/* What starts next, and where. The first ready task by priority goes first. While it finds no room,
 * others may start as far as the reservation for it allows.
 */
#include <errno.h>
#include <math.h>

#include "core/rank.h"
#include "core/sched_state.h"

void aw_sched_unblock (struct aw_sched *s, uint32_t node)
{
    aw_ready_unblock (&s->ready, &s->pool.nodes[node]);
}

void aw_sched_fit (struct aw_sched *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->ready.n_shapes; i++)
        if (aw_node_could_hold (&s->pool.nodes[node], &s->ready.shapes[i].demand))
            aw_ready_set_never (&s->ready, &s->ready.shapes[i], false);
}

void aw_sched_fit_all (struct aw_sched *s)
{
    for (uint32_t i = 0; i < s->ready.n_shapes; i++)
        aw_ready_set_never (&s->ready, &s->ready.shapes[i], true);
    for (uint32_t n = 0; n < s->pool.n_nodes; n++)
        aw_sched_fit (s, n);
}

void aw_sched_drop_reservation (struct aw_sched *s)
{
    if (!s->reservation.active)
        return;
    s->reservation.active = false;
    aw_ready_unhold (&s->ready);
}

/* The best node for a task of DEMAND and SECONDS that must not disturb the reservation; AW_NO_NODE:
 * there is none. */
static uint32_t find_beside_reservation (const struct aw_sched *s,
                                         const struct aw_demand *demand,
                                         double seconds)
{
    uint32_t reserved = s->reservation.node;
    uint32_t found = aw_pool_best_fit (&s->pool, demand, reserved);

    if (!aw_node_can_hold (&s->pool.nodes[reserved], demand)
        || !aw_reservation_allows (&s->reservation, demand, s->now, seconds))
        return found;
    return found == AW_NO_NODE || aw_pool_fits_better (&s->pool, reserved, found) ? reserved
                                                                                  : found;
}

/* Makes sure that the reservation is for SHAPE. False where it needs none, for it could never fit.
 */
static bool reserve_for (struct aw_sched *s, const struct aw_shape *shape)
{
    uint32_t number = (uint32_t)(shape - s->ready.shapes);

    if (s->reservation.active && s->reservation.shape == number)
        return true;
    aw_sched_drop_reservation (s);
    return aw_reservation_make (&s->reservation, &s->forecast, &s->pool, &s->running, number,
                                &shape->demand, s->now);
}

static double seconds_of_instance (const struct aw_sched *s, uint32_t instance)
{
    return s->estimate.seconds[aw_graph_instance_set (s->graph, instance)];
}

/* The shape's first task was held back: another of the same demand may be short enough to end
 * before. */
static uint32_t shorter_instance (const struct aw_sched *s, const struct aw_shape *shape)
{
    uint32_t best = AW_NONE;

    for (uint32_t i = 1; i < shape->n; i++) {
        uint32_t instance = shape->heap[i];

        if (aw_reservation_allows (&s->reservation, &shape->demand, s->now,
                                   seconds_of_instance (s, instance))
            && (best == AW_NONE || aw_ready_before (&s->ready, instance, best)))
            best = instance;
    }
    return best;
}

/* Finds instance and node for a shape. False: it is marked as blocked. */
static bool place (struct aw_sched *s, struct aw_shape *shape, uint32_t *instance, uint32_t *node)
{
    double seconds = seconds_of_instance (s, shape->heap[0]);
    uint32_t found = aw_pool_best_fit (&s->pool, &shape->demand, AW_NO_NODE);
    bool held = false;
    const struct aw_shape *waiting = aw_ready_first (&s->ready, true);

    *instance = shape->heap[0];
    if (found != AW_NO_NODE && waiting
        && aw_ready_before (&s->ready, waiting->heap[0], shape->heap[0])
        && reserve_for (s, waiting)) {
        found = find_beside_reservation (s, &shape->demand, seconds);
        if (found == AW_NO_NODE) {
            *instance = shorter_instance (s, shape);
            found = *instance == AW_NONE ? AW_NO_NODE : s->reservation.node;
        }
        held = found == AW_NO_NODE;
    }
    *node = found;
    if (found == AW_NO_NODE)
        aw_ready_block (&s->ready, shape, held);
    return found != AW_NO_NODE;
}

static int refresh_ranks (struct aw_sched *s)
{
    uint32_t patience =
        s->graph->n_sets / 64 + 1; /* so that large graphs do not do it after each end */

    if (s->n_moves < patience)
        return 0;
    s->n_moves = 0;
    if (aw_rank (s->graph, &s->pool, s->config.policy, s->estimate.seconds, s->ready.remaining) < 0)
        return -1;
    aw_ready_reorder (&s->ready);
    return 0;
}

static int start (struct aw_sched *s, uint32_t instance, uint32_t node, struct aw_running **out)
{
    uint32_t task = aw_ready_front (&s->ready, instance);
    const struct aw_set *set = &s->graph->sets[aw_graph_instance_set (s->graph, instance)];
    struct aw_demand demand = aw_set_demand (set);
    struct aw_running *run = aw_running_new (&s->running);

    if (!run || aw_pool_take (&s->pool, node, &demand, &run->cpus, &run->gpus) < 0
        || aw_ready_remove (&s->ready, task) < 0)
        return -1;
    aw_sched_begin_run (s, run, task, node);
    *out = run;
    return 1;
}

int aw_sched_decide (struct aw_sched *s, struct aw_running **run)
{
    struct aw_shape *shape;

    if (refresh_ranks (s) < 0)
        return -1;
    while ((shape = aw_ready_first (&s->ready, false))) {
        uint32_t instance, node;

        if (place (s, shape, &instance, &node))
            return start (s, instance, node, run);
    }
    return 0;
}
