/* SPDX-License-Identifier: Apache-2.0 */
/* Places that are held for tasks that are expected soon, as the plan says. A place is held only
 * while tasks run on whose ends the hold depends, and each hold has an end: nothing starves.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/peers.h"
#include "core/sched/sched_state.h"

/* The largest deviation of durations, as a part of what was expected, with which places are held.
 */
#define SURE 0.1

/* How long after the expected time a place is held: a part of the predecessor's duration. */
#define GRACE 0.05

void aw_sched_finish_holds (struct aw_sched *s)
{
    free (s->holds.plan.at);
    free (s->holds.flows);
    free (s->holds.fits);
    memset (&s->holds, 0, sizeof (s->holds));
    s->holds.wake = INFINITY;
}

/* The tasks that run now. */
static void count_running (const struct aw_sched *s, struct aw_flow *flows)
{
    const struct aw_running *run;
    uint32_t cursor = 0, n = aw_plan_size (s->graph);

    while ((run = aw_running_each (&s->running, &cursor))) {
        struct aw_task at = aw_graph_task (s->graph, run->task);
        uint32_t instance = aw_graph_instance (s->graph, at.iteration, at.set);

        if (instance >= n || run->assigned)
            continue;
        flows[instance].running++;
        flows[instance].last_start = fmax (flows[instance].last_start, run->start);
    }
}

int aw_sched_set_holds (struct aw_sched *s, const struct aw_plan_holds *holds)
{
    uint32_t n = holds && s->config.mode == AW_MODE_ASYNC ? holds->n : 0;
    struct aw_hold *at = NULL;
    struct aw_flow *flows = NULL;

    if (n > 0) {
        at = malloc (n * sizeof (*at));
        flows = calloc (aw_plan_size (s->graph), sizeof (*flows));
        if (!at || !flows) {
            free (at);
            free (flows);
            errno = ENOMEM;
            return -1;
        }
        memcpy (at, holds->at, n * sizeof (*at));
        count_running (s, flows);
    }
    aw_sched_finish_holds (s);
    s->holds.plan = (struct aw_plan_holds){ at, n };
    s->holds.flows = flows;
    return 0;
}

int aw_sched_clone_holds (struct aw_sched *s, const struct aw_sched *from)
{
    uint32_t n = aw_plan_size (s->graph);

    if (aw_sched_set_holds (s, &from->holds.plan) < 0)
        return -1;
    if (s->holds.plan.n > 0)
        memcpy (s->holds.flows, from->holds.flows, n * sizeof (*s->holds.flows));
    return 0;
}

static struct aw_flow *flow_of (struct aw_sched *s, uint32_t task)
{
    struct aw_task at = aw_graph_task (s->graph, task);
    uint32_t instance = aw_graph_instance (s->graph, at.iteration, at.set);

    return instance < aw_plan_size (s->graph) ? &s->holds.flows[instance] : NULL;
}

/* The predecessors of AT along EDGE have ended, or all run: T becomes no earlier than their
 * expected end, LONGEST no shorter than their duration. False: their end is not known.
 */
static bool ends_along (const struct aw_sched *s,
                        const struct aw_edge *edge,
                        const struct aw_task *at,
                        double *t,
                        double *longest)
{
    struct aw_span span = aw_span_before (s->graph, edge, at->set, at->iteration);
    double seconds = aw_estimate_seconds (&s->estimate, edge->set);

    for (uint32_t k = 0; k < span.n && edge->by == AW_BY_SET && !s->graph->sets[edge->set].service;
         k++) {
        uint32_t before = aw_graph_instance (s->graph, span.first + k, edge->set);
        uint32_t left = s->depend.instances[before].left;

        if (left == 0)
            continue;
        if (s->holds.flows[before].running < left || isnan (seconds)
            || aw_stage_concerns (s->graph, edge->set))
            return false;
        *t = fmax (*t, s->holds.flows[before].last_start + seconds);
        *longest = fmax (*longest, seconds);
    }
    return true;
}

/* When HOLD's instance is expected to be ready, into A; false: that is not known, or not soon. */
static bool is_awaited (const struct aw_sched *s, const struct aw_hold *hold, struct aw_awaited *a)
{
    struct aw_task at = aw_graph_instance_place (s->graph, hold->instance);
    const struct aw_set *set = &s->graph->sets[at.set];
    const struct aw_instance *instance = &s->depend.instances[hold->instance];
    double longest = 0;

    if (instance->pending == 0 || instance->left == 0 || aw_stage_concerns (s->graph, at.set))
        return false;
    a->t = -INFINITY;
    for (uint32_t e = 0; e < set->n_after; e++)
        if (!ends_along (s, &set->after[e], &at, &a->t, &longest))
            return false;
    a->instance = hold->instance;
    a->until = a->t + fmin (hold->seconds, GRACE * longest);
    return s->now >= a->t - hold->seconds && s->now < a->until;
}

/* How many of the awaited parts NODE will hold at the time, alongside BESIDE, which runs then. */
static uint32_t fits_on (const struct aw_sched *s,
                         const struct aw_awaited *a,
                         uint32_t number,
                         const struct aw_demand *beside)
{
    const struct aw_node *node = &s->pool.nodes[number];
    struct aw_demand demand =
        aw_set_demand (&s->graph->sets[aw_graph_instance_set (s->graph, a->instance)]);
    const struct aw_running *run = aw_running_first (&s->running, number);
    uint64_t cpus = node->free.cpus, gpus = node->free.gpus, mem = node->free.mem, n = a->wanted;

    if (!aw_node_could_hold (node, &demand) || !aw_node_counts_do (node, &demand))
        return 0;
    for (; run && run->end <= a->t; run = aw_running_next (&s->running, run)) {
        cpus += run->demand.cpus;
        gpus += run->demand.gpus;
        mem += run->demand.mem;
    }
    if (beside) {
        uint32_t most = aw_demand_most_cpus (beside, node->layout->n_threads);
        uint32_t its_gpus = aw_demand_gpus (beside);

        if (cpus < most || gpus < its_gpus || (node->counts_mem && mem < beside->mem))
            return 0;
        cpus -= most;
        gpus -= its_gpus;
        mem -= node->counts_mem ? beside->mem : 0;
    }
    n = cpus / demand.cpus < n ? cpus / demand.cpus : n;
    if (demand.gpus > 0 && gpus / demand.gpus < n)
        n = gpus / demand.gpus;
    if (node->counts_mem && demand.mem > 0 && mem / demand.mem < n)
        n = mem / demand.mem;
    return (uint32_t)n;
}

static void measure_room (const struct aw_sched *s, struct aw_awaited *a)
{
    const struct aw_set *set = &s->graph->sets[aw_graph_instance_set (s->graph, a->instance)];

    a->wanted = s->depend.instances[a->instance].left * set->nodes;
    a->room = 0;
    for (uint32_t n = 0; n < s->pool.n_nodes; n++)
        a->room += a->fits[n] = fits_on (s, a, n, NULL);
}

/* Makes room for the nodes. Without memory nothing is held. */
static bool make_room (struct aw_holds *holds, uint32_t n_nodes)
{
    uint32_t *fits = holds->fits;

    if (n_nodes > holds->node_room) {
        fits = realloc (fits, (size_t)AW_HOLDS_AT_ONCE * n_nodes * sizeof (*fits));
        if (!fits)
            return false;
        holds->fits = fits;
        holds->node_room = n_nodes;
    }
    return true;
}

/* Finds the instances that are awaited at this moment. */
static void look (struct aw_sched *s)
{
    struct aw_holds *holds = &s->holds;
    const struct aw_estimate *estimate = &s->estimate;

    holds->fresh = true;
    holds->n_awaited = 0;
    if (estimate->off > SURE * estimate->expected || !make_room (holds, s->pool.n_nodes))
        return;
    for (uint32_t i = 0; i < holds->plan.n && holds->n_awaited < AW_HOLDS_AT_ONCE; i++) {
        struct aw_awaited *a = &holds->awaited[holds->n_awaited];

        if (!is_awaited (s, &holds->plan.at[i], a))
            continue;
        a->fits = holds->fits + (size_t)holds->n_awaited * holds->node_room;
        measure_room (s, a);
        holds->n_awaited++;
    }
}

/* Would the task of INSTANCE not end by the limit, if it waited for the end of the hold? */
static bool is_urgent (const struct aw_sched *s, uint32_t instance, const struct aw_awaited *a)
{
    return !aw_sched_in_time_from (s, instance, a->until);
}

static bool takes_place (const struct aw_sched *s,
                         const struct aw_awaited *a,
                         uint32_t node,
                         const struct aw_demand *demand)
{
    uint32_t lost = a->fits[node] - fits_on (s, a, node, demand);

    return lost > 0 && a->room < (uint64_t)a->wanted + lost;
}

bool aw_sched_hold_allows (struct aw_sched *s,
                           uint32_t instance,
                           uint32_t node,
                           const struct aw_demand *demand)
{
    struct aw_holds *holds = &s->holds;
    double seconds;

    if (holds->plan.n == 0)
        return true;
    if (!holds->fresh)
        look (s);
    seconds = aw_estimate_seconds (&s->estimate, aw_graph_instance_set (s->graph, instance));
    for (uint32_t i = 0; i < holds->n_awaited; i++) {
        const struct aw_awaited *a = &holds->awaited[i];

        if (!aw_ready_ranks_before (&s->ready, a->instance, instance) || s->now + seconds <= a->t
            || !takes_place (s, a, node, demand) || is_urgent (s, instance, a))
            continue;
        holds->wake = fmin (holds->wake, a->until);
        return false;
    }
    return true;
}

const struct aw_awaited *aw_sched_held_for (const struct aw_sched *s, uint32_t instance)
{
    const struct aw_holds *holds = &s->holds;

    for (uint32_t i = 0; holds->fresh && i < holds->n_awaited; i++)
        if (aw_ready_ranks_before (&s->ready, holds->awaited[i].instance, instance))
            return &holds->awaited[i];
    return NULL;
}

void aw_sched_hold_begin (struct aw_sched *s, const struct aw_running *run)
{
    struct aw_flow *flow = s->holds.plan.n > 0 ? flow_of (s, run->task) : NULL;

    if (flow) {
        flow->running++;
        flow->last_start = fmax (flow->last_start, run->start);
    }
    aw_sched_hold_measure (s, run);
}

void aw_sched_hold_measure (struct aw_sched *s, const struct aw_running *run)
{
    for (uint32_t i = 0; s->holds.fresh && i < s->holds.n_awaited; i++)
        for (const struct aw_running *part = run; part;
             part = aw_running_more (&s->running, part)) {
            struct aw_awaited *a = &s->holds.awaited[i];
            uint32_t fits = fits_on (s, a, part->node, NULL);

            a->room = a->room - a->fits[part->node] + fits;
            a->fits[part->node] = fits;
        }
}

void aw_sched_hold_end (struct aw_sched *s, const struct aw_running *run)
{
    struct aw_flow *flow = s->holds.plan.n > 0 ? flow_of (s, run->task) : NULL;

    if (flow)
        flow->running--;
}
