/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"

bool aw_stage_concerns (const struct aw_graph *graph, uint32_t set)
{
    return graph->sets[set].stage_in == AW_STAGING_ASYNC;
}

static void fill_none (uint32_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        numbers[i] = AW_NONE;
}

int aw_stage_init (struct aw_stage *stage, const struct aw_graph *graph)
{
    bool any = false;

    memset (stage, 0, sizeof (*stage));
    stage->graph = graph;
    for (uint32_t s = 0; s < graph->n_sets; s++)
        any = any || aw_stage_concerns (graph, s);
    if (!any)
        return 0;
    stage->n_instances = aw_graph_n_instances (graph);
    stage->queues = calloc (stage->n_instances, sizeof (*stage->queues));
    stage->place = malloc (graph->n_tasks * sizeof (*stage->place));
    stage->lightest = calloc (graph->n_sets, sizeof (*stage->lightest));
    if (!stage->queues || !stage->place || !stage->lightest)
        return -1;
    fill_none (stage->place, graph->n_tasks);
    stage->n_tasks = graph->n_tasks;
    return 0;
}

void aw_stage_finish (struct aw_stage *stage)
{
    int saved = errno;

    for (uint32_t i = 0; stage->queues && i < stage->n_instances; i++)
        aw_ranges_finish (&stage->queues[i]);
    free (stage->queues);
    free (stage->place);
    free (stage->load);
    free (stage->last);
    free (stage->lightest);
    memset (stage, 0, sizeof (*stage));
    errno = saved;
}

/* For nodes 0..N-1. */
static int make_room (struct aw_stage *stage, uint32_t n)
{
    uint32_t room = stage->node_room;

    if (!stage->queues)
        return 0;
    if (aw_array_reserve (&stage->load, &room, n) < 0
        || aw_array_reserve (&stage->last, &stage->node_room, n) < 0)
        return -1;
    for (; stage->n_nodes < n; stage->n_nodes++) {
        stage->load[stage->n_nodes] = 0;
        stage->last[stage->n_nodes] = AW_NONE;
    }
    return 0;
}

int aw_stage_clone (struct aw_stage *stage, const struct aw_stage *from)
{
    if (aw_stage_init (stage, from->graph) < 0 || make_room (stage, from->n_nodes) < 0)
        goto fail;
    if (!stage->queues)
        return 0;
    for (uint32_t i = 0; i < stage->n_instances; i++)
        if (aw_ranges_clone (&stage->queues[i], &from->queues[i]) < 0)
            goto fail;
    memcpy (stage->place, from->place, from->graph->n_tasks * sizeof (*stage->place));
    memcpy (stage->lightest, from->lightest, from->graph->n_sets * sizeof (*stage->lightest));
    if (from->n_nodes > 0) {
        memcpy (stage->load, from->load, from->n_nodes * sizeof (*stage->load));
        memcpy (stage->last, from->last, from->n_nodes * sizeof (*stage->last));
    }
    stage->n_queued = from->n_queued;
    return 0;
fail:
    aw_stage_finish (stage);
    errno = ENOMEM;
    return -1;
}

static uint32_t instance_of (const struct aw_stage *stage, uint32_t task)
{
    struct aw_task at = aw_graph_task (stage->graph, task);

    return aw_graph_instance (stage->graph, at.iteration, at.set);
}

int aw_stage_push (struct aw_stage *stage, uint32_t first, uint32_t last, double t)
{
    if (aw_ranges_push (&stage->queues[instance_of (stage, first)], first, last, t) < 0)
        return -1;
    stage->n_queued += last - first + 1;
    return 0;
}

static uint32_t part_of (uint64_t wanted, uint64_t all)
{
    if (all == 0 || wanted >= all)
        return wanted > 0 ? AW_STAGE_FULL : 0;
    return (uint32_t)(wanted * AW_STAGE_FULL / all);
}

static uint32_t larger (uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The part of NODE, empty, that a task of DEMAND takes: that of the scarcest resource. */
static uint32_t weight (const struct aw_node *node, const struct aw_demand *demand)
{
    uint32_t part =
        larger (part_of (demand->cpus, node->total.cpus), part_of (demand->gpus, node->total.gpus));

    if (demand->gpu_share > 0)
        part = larger (part, part_of (demand->gpu_share, 1000ull * node->total.gpus));
    if (node->counts_mem)
        part = larger (part, part_of (demand->mem, node->total.mem));
    return larger (part, 1);
}

/* The sets from FROM on: so that of sets which no node has room for none is asked. */
static void weigh (struct aw_stage *stage, const struct aw_node *node, uint32_t from)
{
    for (uint32_t set = from; set < stage->graph->n_sets; set++) {
        struct aw_demand demand;
        uint32_t load;

        if (!aw_stage_concerns (stage->graph, set))
            continue;
        demand = aw_set_demand (&stage->graph->sets[set]);
        load = aw_node_could_hold (node, &demand) ? weight (node, &demand) : UINT32_MAX;
        if (stage->lightest[set] == 0 || load < stage->lightest[set])
            stage->lightest[set] = load;
    }
}

/* Is NODE as the one before it, which was weighed? */
static bool is_weighed (const struct aw_pool *pool, uint32_t node)
{
    const struct aw_node *it = &pool->nodes[node];

    return node > 0 && !it[-1].lost && aw_node_alike (it, &it[-1]);
}

/* The sets from FROM on, by the nodes from FIRST on. */
static void weigh_all (struct aw_stage *stage,
                       const struct aw_pool *pool,
                       uint32_t first,
                       uint32_t from)
{
    for (uint32_t n = first; n < stage->n_nodes; n++)
        if (!is_weighed (pool, n))
            weigh (stage, &pool->nodes[n], from);
}

int aw_stage_add_nodes (struct aw_stage *stage, const struct aw_pool *pool)
{
    uint32_t known = stage->n_nodes;

    if (make_room (stage, pool->n_nodes) < 0)
        return -1;
    weigh_all (stage, pool, known, 0);
    return 0;
}

int aw_stage_grow (struct aw_stage *stage,
                   const struct aw_pool *pool,
                   const struct aw_graph_size *old)
{
    const struct aw_graph *graph = stage->graph;
    uint32_t n_instances = stage->n_instances, n_tasks = stage->n_tasks;
    bool any = stage->queues != NULL;
    uint32_t from = any ? old->n_sets : 0;

    for (uint32_t s = old->n_sets; s < graph->n_sets; s++)
        any = any || aw_stage_concerns (graph, s);
    if (!any)
        return 0;
    aw_room_for (&n_instances, aw_graph_n_instances (graph));
    aw_room_for (&n_tasks, graph->n_tasks);
    if (aw_grow (&stage->lightest, from, graph->n_sets, sizeof (*stage->lightest), 0) < 0)
        return -1;
    if (aw_grow (&stage->place, stage->n_tasks, n_tasks, sizeof (*stage->place), 0xff) < 0)
        return -1;
    stage->n_tasks = n_tasks;
    if (aw_grow (&stage->queues, stage->n_instances, n_instances, sizeof (*stage->queues), 0) < 0)
        return -1;
    stage->n_instances = n_instances;
    if (make_room (stage, pool->n_nodes) < 0)
        return -1;
    weigh_all (stage, pool, 0, from);
    return 0;
}

/* The part of NODE that is taken now. */
static uint32_t busy (const struct aw_node *node)
{
    return larger (part_of (node->total.cpus - node->free.cpus, node->total.cpus),
                   part_of (node->total.gpus - node->free.gpus, node->total.gpus));
}

static bool goes_before (const struct aw_stage *stage,
                         const double *remaining,
                         uint32_t a,
                         uint32_t b)
{
    double ta, tb;

    if (remaining[a] != remaining[b])
        return remaining[a] > remaining[b];
    ta = aw_ranges_front (&stage->queues[a])->t;
    tb = aw_ranges_front (&stage->queues[b])->t;
    return ta != tb ? ta < tb : a < b;
}

/* Are all nodes lost but one, or none? */
static bool is_alone (const struct aw_pool *pool)
{
    uint32_t found = 0;

    for (uint32_t n = 0; n < pool->n_nodes && found < 2; n++)
        found += !pool->nodes[n].lost;
    return found < 2;
}

/* How full a node may get: twice as long as tasks of WEIGHT that are queued still fill each node,
 * or where it is ALONE.
 */
static uint32_t most_load (const struct aw_stage *stage, bool alone, uint32_t weight)
{
    uint64_t queued = (uint64_t)stage->n_queued * weight;

    return alone || queued > (uint64_t)stage->n_nodes * AW_STAGE_FULL ? 2 * AW_STAGE_FULL
                                                                      : AW_STAGE_FULL;
}

/* May NODE, which could hold a task of DEMAND, get its data? One that has been given nothing may
 * get anything.
 */
static bool may_get (const struct aw_stage *stage,
                     bool alone,
                     const struct aw_node *node,
                     uint32_t load,
                     const struct aw_demand *demand)
{
    uint32_t more = weight (node, demand);

    return load == 0 || load + more <= most_load (stage, alone, more);
}

static uint32_t choose_node (const struct aw_stage *stage,
                             const struct aw_pool *pool,
                             const struct aw_demand *demand,
                             uint32_t instance,
                             uint32_t except)
{
    uint32_t best = AW_NO_NODE, least = UINT32_MAX;
    bool alone = is_alone (pool);

    for (uint32_t n = 0; n < stage->n_nodes; n++) {
        const struct aw_node *node = &pool->nodes[n];
        uint32_t load = stage->load[n];
        uint32_t all;

        if (n == except || !aw_node_could_hold (node, demand)
            || !may_get (stage, alone, node, load, demand))
            continue;
        all = load + busy (node);
        if (best == AW_NO_NODE || all < least
            || (all == least && stage->last[n] == instance && stage->last[best] != instance)) {
            best = n;
            least = all;
        }
    }
    return best;
}

static struct aw_demand demand_of (const struct aw_stage *stage, uint32_t instance)
{
    return aw_set_demand (&stage->graph->sets[aw_graph_instance_set (stage->graph, instance)]);
}

/* What the emptiest node can still be given. A node that is given nothing is given anything. */
static uint32_t most_spare (const struct aw_stage *stage, const struct aw_pool *pool)
{
    uint32_t spare = 0, most = most_load (stage, is_alone (pool), AW_STAGE_FULL);

    for (uint32_t n = 0; n < stage->n_nodes && spare < most; n++)
        if (!pool->nodes[n].lost && stage->load[n] < most)
            spare = larger (spare, most - stage->load[n]);
    return spare;
}

bool aw_stage_next (const struct aw_stage *stage,
                    const struct aw_stage_choice *by,
                    uint32_t *task,
                    uint32_t *node)
{
    uint32_t first = AW_NONE, spare;

    if (stage->n_queued == 0)
        return false;
    spare = most_spare (stage, by->pool);
    for (uint32_t i = 0; i < stage->n_instances; i++) {
        struct aw_demand demand;
        uint32_t avoided, found;

        if (aw_ranges_empty (&stage->queues[i])
            || stage->lightest[aw_graph_instance_set (stage->graph, i)] > spare
            || (first != AW_NONE && !goes_before (stage, by->remaining, i, first))
            || !by->wants (by->arg, i))
            continue;
        demand = demand_of (stage, i);
        avoided = by->avoid ? by->avoid[aw_ranges_front (&stage->queues[i])->first] : AW_NO_NODE;
        found = choose_node (stage, by->pool, &demand, i, avoided);
        if (found == AW_NO_NODE && avoided != AW_NO_NODE)
            found = choose_node (stage, by->pool, &demand, i, AW_NO_NODE);
        if (found == AW_NO_NODE)
            continue;
        first = i;
        *node = found;
    }
    if (first != AW_NONE)
        *task = aw_ranges_front (&stage->queues[first])->first;
    return first != AW_NONE;
}

bool aw_stage_give (struct aw_stage *stage,
                    const struct aw_pool *pool,
                    uint32_t task,
                    uint32_t node)
{
    uint32_t instance = instance_of (stage, task);
    struct aw_demand demand = demand_of (stage, instance);

    if (!aw_ranges_remove (&stage->queues[instance], task))
        return false;
    stage->n_queued--;
    stage->place[task] = node;
    stage->load[node] += weight (&pool->nodes[node], &demand);
    stage->last[node] = instance;
    return true;
}

void aw_stage_started (struct aw_stage *stage, const struct aw_pool *pool, uint32_t task)
{
    uint32_t node = stage->queues ? stage->place[task] : AW_NONE;
    struct aw_demand demand;

    if (node == AW_NONE)
        return;
    demand = demand_of (stage, instance_of (stage, task));
    stage->load[node] -= weight (&pool->nodes[node], &demand);
    stage->place[task] = AW_NONE;
}
