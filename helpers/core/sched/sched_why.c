/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "core/graph/peers.h"
#include "core/sched/sched_state.h"
#include "core/sched/why.h"

static uint32_t instance_of (const struct aw_sched *s, const struct aw_task *at)
{
    return aw_graph_instance (s->graph, at->iteration, at->set);
}

/* Does an edge of the task's set have a predecessor in the same run of the graph that has not
 * ended? Edges to earlier iterations than the first wait for nothing.
 */
static bool has_open_edge (const struct aw_sched *s, uint32_t task, const struct aw_task *at)
{
    const struct aw_set *set = &s->graph->sets[at->set];

    if (s->depend.waits && s->depend.waits[task] > 0)
        return true;
    for (uint32_t i = 0; i < set->n_after; i++) {
        const struct aw_edge *edge = &set->after[i];
        struct aw_span span = aw_span_before (s->graph, edge, at->set, at->iteration);

        for (uint32_t k = 0;
             k < span.n && edge->by == AW_BY_SET && !s->graph->sets[edge->set].service; k++)
            if (s->depend.instances[aw_graph_instance (s->graph, span.first + k, edge->set)].left
                > 0)
                return true;
    }
    return false;
}

/* A task that waits for something other than resources. */
static enum aw_why why_waiting (const struct aw_sched *s, uint32_t task, const struct aw_task *at)
{
    const struct aw_depend *d = &s->depend;

    if (has_open_edge (s, task, at))
        return AW_WHY_PREDECESSORS;
    if (s->graph->sets[at->set].service && aw_depend_is_met (d, task))
        return AW_WHY_UNUSED;
    if (d->sequential && at->set < s->graph->n_base
        && aw_graph_stage (s->graph, at->iteration, at->set) > d->gate)
        return AW_WHY_STAGE;
    return AW_WHY_MESSAGES;
}

static uint32_t size_of (const struct aw_ranges *queue, uint32_t before)
{
    const struct aw_range *range;
    uint32_t n = 0;

    for (uint32_t i = 0; (range = aw_ranges_at (queue, i)); i++) {
        if (range->first <= before && before <= range->last)
            return n + (before - range->first);
        n += range->last - range->first + 1;
    }
    return n;
}

/* Ready tasks that come before TASK, of shapes that can start now or later. */
static uint32_t count_before (const struct aw_sched *s, uint32_t task, uint32_t mine)
{
    const struct aw_ready *ready = &s->ready;
    uint32_t n = 0;

    for (uint32_t k = 0; k < ready->n_shapes; k++) {
        const struct aw_shape *shape = &ready->shapes[k];

        for (uint32_t i = 0; !shape->never && i < shape->n; i++) {
            uint32_t other = shape->heap[i];

            if (other == mine)
                n += size_of (&ready->queues[other], task);
            else if (aw_ready_before (ready, other, mine))
                n += size_of (&ready->queues[other], AW_NONE);
        }
    }
    return n;
}

/* What DEMAND needs more of than the node has free, by counts. */
static struct aw_demand lacking (const struct aw_node *node, const struct aw_demand *demand)
{
    uint32_t gpus = aw_demand_gpus (demand), free_gpus = node->free.gpus;
    struct aw_demand lacks = { 0 };

    if (demand->gpu_share && node->largest_part >= aw_demand_part (demand))
        free_gpus = gpus; /* a started GPU has the part */
    if (demand->cpus > node->free.cpus)
        lacks.cpus = demand->cpus - node->free.cpus;
    if (gpus > free_gpus)
        lacks.gpus = gpus - free_gpus;
    if (node->counts_mem && demand->mem > node->free.mem)
        lacks.mem = demand->mem - node->free.mem;
    return lacks;
}

/* When and where the demand will fit, and what it lacks there. */
static void foresee (struct aw_sched *s, uint32_t shape, uint32_t on, struct aw_reason *reason)
{
    const struct aw_demand *demand = &s->ready.shapes[shape].demand;
    struct aw_forecast_query query = { &s->pool, &s->running, shape, demand, s->now };
    struct aw_reservation res = { 0 };
    bool found = on == AW_NO_NODE ? aw_reservation_make (&res, NULL, &query)
                                  : aw_reservation_make_on (&res, &query, on);

    if (found) {
        reason->t = res.t;
        reason->node = res.nodes[0].node;
        for (uint32_t i = 0; i < res.n;
             i++) { /* of several nodes, the first that lacks something */
            reason->node = res.nodes[i].node;
            reason->lacks = lacking (&s->pool.nodes[reason->node], demand);
            if (reason->lacks.cpus || reason->lacks.gpus || reason->lacks.mem)
                break;
        }
    }
    aw_reservation_finish (&res);
}

/* Which task the reservation is for. */
static void name_reservation (const struct aw_sched *s, struct aw_reason *reason)
{
    const struct aw_shape *shape;

    if (!s->reservation.active)
        return;
    shape = &s->ready.shapes[s->reservation.shape];
    if (shape->n > 0)
        reason->reserved_set = aw_graph_instance_set (s->graph, shape->heap[0]);
    reason->reserved_t = s->reservation.t;
}

/* Which task the plan holds a place for. */
static void name_awaited (const struct aw_sched *s, uint32_t instance, struct aw_reason *reason)
{
    const struct aw_awaited *awaited = aw_sched_held_for (s, instance);

    if (!awaited)
        return;
    reason->reserved_set = aw_graph_instance_set (s->graph, awaited->instance);
    reason->reserved_t = awaited->until;
    reason->awaited_t = awaited->t;
}

/* A ready task that waits for CPUs, GPUs or memory; ON: its data is at this node. */
static void why_queued (struct aw_sched *s,
                        uint32_t task,
                        const struct aw_task *at,
                        uint32_t on,
                        struct aw_reason *reason)
{
    uint32_t instance = instance_of (s, at), number = s->ready.shape_of[at->set], missing;
    const struct aw_shape *shape = &s->ready.shapes[number];

    reason->before = count_before (s, task, instance);
    if (shape->never)
        reason->why = AW_WHY_NEVER;
    else if (!aw_sched_in_time (s, instance)) {
        reason->why = AW_WHY_LATE;
        aw_sched_too_late (s, at->set, &reason->needs);
    }
    else if ((missing = aw_sched_missing_service (s, instance)) != AW_NONE) {
        reason->why = AW_WHY_SERVICE;
        reason->service = aw_sched_task_of (s, missing);
    }
    else if (shape->blocked && shape->why == AW_BLOCK_HELD) {
        reason->why = AW_WHY_HELD;
        name_reservation (s, reason);
    }
    else if (shape->blocked && shape->why == AW_BLOCK_PLANNED) {
        reason->why = AW_WHY_PLANNED;
        name_awaited (s, instance, reason);
    }
    else {
        reason->why = AW_WHY_ROOM;
        foresee (s, number, on, reason);
    }
}

static bool is_delayed (const struct aw_sched *s, uint32_t task, double *t)
{
    for (uint32_t i = 0; i < s->delayed.n; i++)
        if (s->delayed.heap[i].task == task) {
            *t = s->delayed.heap[i].t;
            return true;
        }
    return false;
}

/* A task that waits for nothing but resources and data. */
static void why_ready (struct aw_sched *s,
                       uint32_t task,
                       const struct aw_task *at,
                       struct aw_reason *reason)
{
    if (is_delayed (s, task, &reason->t))
        reason->why = AW_WHY_DELAY;
    else if (s->ready.position[instance_of (s, at)] != AW_NONE)
        why_queued (s, task, at, AW_NO_NODE, reason);
    else
        reason->why = AW_WHY_DATA;
}

void aw_sched_why (struct aw_sched *s, uint32_t task, struct aw_reason *reason)
{
    struct aw_task at = aw_graph_task (s->graph, task);
    const struct aw_running *run = aw_running_find (&s->running, task);
    uint8_t state = s->depend.state[task];

    *reason = (struct aw_reason){ .why = AW_WHY_NOT,
                                  .t = INFINITY,
                                  .needs = NAN,
                                  .node = AW_NO_NODE,
                                  .service = AW_NONE,
                                  .reserved_set = AW_NONE,
                                  .reserved_t = INFINITY,
                                  .awaited_t = INFINITY };
    if (run && run->staging && !run->staged) {
        reason->why = run->assigned ? AW_WHY_ASSIGNED : AW_WHY_DATA;
        reason->node = run->node;
    }
    else if (run && run->staging)
        why_queued (s, task, &at, run->node, reason);
    else if (s->stopped && (state == AW_DEPEND_WAITING || state == AW_DEPEND_READY))
        reason->why = AW_WHY_STOPPED;
    else if (state == AW_DEPEND_WAITING)
        reason->why = why_waiting (s, task, &at);
    else if (state == AW_DEPEND_READY)
        why_ready (s, task, &at, reason);
}
