/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler remembers between decisions, and when it drops that: which shapes are blocked
 * or fit nowhere, the reservation, and the ranks.
 */
#include <math.h>
#include <string.h>

#include "core/sched/plan.h"
#include "core/sched/rank.h"
#include "core/sched/sched_state.h"

void aw_sched_unblock (struct aw_sched *s, uint32_t node)
{
    aw_ready_unblock (&s->ready, &s->pool.nodes[node]);
}

void aw_sched_fit (struct aw_sched *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->ready.n_shapes; i++) {
        struct aw_shape *shape = &s->ready.shapes[i];

        if (aw_node_could_hold (&s->pool.nodes[node], &shape->demand)
            && ++shape->n_nodes >= aw_demand_nodes (&shape->demand))
            aw_ready_set_never (&s->ready, shape, false);
    }
}

void aw_sched_fit_shape (struct aw_sched *s, struct aw_shape *shape)
{
    for (uint32_t n = 0; n < s->pool.n_nodes; n++)
        shape->n_nodes += aw_node_could_hold (&s->pool.nodes[n], &shape->demand);
    if (shape->n_nodes >= aw_demand_nodes (&shape->demand))
        aw_ready_set_never (&s->ready, shape, false);
}

void aw_sched_fit_all (struct aw_sched *s)
{
    for (uint32_t i = 0; i < s->ready.n_shapes; i++) {
        s->ready.shapes[i].n_nodes = 0;
        aw_ready_set_never (&s->ready, &s->ready.shapes[i], true);
    }
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

void aw_sched_forget (struct aw_sched *s)
{
    s->reservation.active = false;
    aw_ready_unhold (&s->ready);
    aw_ready_look_again (&s->ready);
    s->holds.fresh = false;
    s->holds.wake = INFINITY;
}

void aw_sched_rank_again (struct aw_sched *s)
{
    aw_estimate_take_snapshot (&s->estimate);
    s->n_moves = 0;
    s->ranks_due = true;
}

void aw_sched_apply_plan (struct aw_sched *s)
{
    if (s->plan)
        memcpy (s->ready.remaining, s->plan, aw_plan_size (s->graph) * sizeof (*s->plan));
}

/* By the snapshot of the durations when ranks became due, so ranks do not depend on when this is
 * called.
 */
int aw_sched_refresh_ranks (struct aw_sched *s, const struct aw_graph *graph)
{
    if (!s->ranks_due)
        return 0;
    s->ranks_due = false;
    if (aw_rank (graph, &s->pool, s->config.policy, s->estimate.snapshot, s->ready.remaining) < 0)
        return -1;
    aw_sched_apply_plan (s);
    s->backlog.clear = 0;
    aw_ready_reorder (&s->ready);
    return 0;
}

void aw_sched_pool_changed (struct aw_sched *s)
{
    if (aw_rank_needs_pool (s->config.policy))
        aw_sched_rank_again (s);
}
