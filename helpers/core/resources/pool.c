/* SPDX-License-Identifier: Apache-2.0 */
/* For best fit the nodes are sorted by what they have free, one word each. A look-up bisects once
 * for each number of free GPUs. A change moves the words between a node's old and new places.
 */
#include "core/resources/pool.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"
#include "util/array.h"

void aw_pool_init (struct aw_pool *pool)
{
    memset (pool, 0, sizeof (*pool));
}

void aw_pool_finish (struct aw_pool *pool)
{
    int saved = errno;

    for (uint32_t i = 0; i < pool->n_nodes; i++)
        aw_node_clear (&pool->nodes[i]);
    for (uint32_t i = 0; i < pool->n_layouts; i++)
        aw_layout_drop (pool->layouts[i]);
    if (pool->trial)
        aw_node_finish_trial (pool->trial);
    free (pool->trial);
    if (pool->plan) {
        aw_idset_finish (&pool->plan->cpus);
        aw_idset_finish (&pool->plan->gpus);
    }
    free (pool->plan);
    aw_idset_finish (&pool->gpu_counts);
    free (pool->layouts);
    free (pool->nodes);
    free (pool->order);
    aw_place_finish (&pool->scratch);
    aw_pool_init (pool);
    errno = saved;
}

/* Notes what a task of SET needs with each GPU. */
static void add_wants (struct aw_pool *pool, const struct aw_set *set)
{
    struct aw_demand demand = aw_set_demand (set);
    double gpus = aw_demand_gpu_amount (&demand);
    uint32_t each = gpus > 0 ? (uint32_t)ceil (demand.cpus / gpus) : 0;
    uint32_t threads = demand.threads_per_core ? demand.threads_per_core : 1;
    uint32_t *most = demand.threads_per_core ? &pool->wants.cores : &pool->wants.cpus;

    each = (each + threads - 1) / threads;
    *most = each > *most ? each : *most;
}

void aw_pool_set_graph (struct aw_pool *pool, const struct aw_graph *graph)
{
    pool->graph = graph;
    for (uint32_t s = 0; s < graph->n_sets; s++)
        add_wants (pool, &graph->sets[s]);
}

int aw_pool_set_types (struct aw_pool *pool, uint32_t n_types)
{
    for (uint32_t i = 0; i < pool->n_layouts; i++)
        if (pool->layouts[i]->n_types != n_types
            && aw_layout_set_types (pool->layouts[i], pool->graph->gpu_types, n_types) < 0)
            return -1;
    return 0;
}

int aw_pool_grow_graph (struct aw_pool *pool, uint32_t from)
{
    if (aw_pool_set_types (pool, pool->graph->n_gpu_types) < 0)
        return -1;
    for (uint32_t s = from; s < pool->graph->n_sets; s++)
        add_wants (pool, &pool->graph->sets[s]);
    if (pool->plan)
        pool->plan->valid = false; /* another place may be better now */
    return 0;
}

static void demand_add (struct aw_demand *sum, const struct aw_demand *d)
{
    sum->cpus += d->cpus;
    sum->gpus += d->gpus;
    sum->mem += d->mem;
}

static void demand_subtract (struct aw_demand *sum, const struct aw_demand *d)
{
    sum->cpus -= d->cpus;
    sum->gpus -= d->gpus;
    sum->mem -= d->mem;
}

/* Counts are at most AW_IDSET_MAX, numbers below AW_POOL_MAX_NODES: 21, 21 and 22 bits. */
static uint64_t key_of (uint64_t gpus, uint64_t cpus, uint64_t number)
{
    return gpus << 43 | cpus << 22 | number;
}

static uint64_t node_key (const struct aw_pool *pool, uint32_t number)
{
    const struct aw_node *node = &pool->nodes[number];

    return key_of (node->free.gpus, node->free.cpus, number);
}

/* The place of the first of N words that is not below KEY. */
static uint32_t lower_bound (const uint64_t *order, uint32_t n, uint64_t key)
{
    uint32_t low = 0;

    while (n > 0) {
        uint32_t half = n / 2;

        if (order[low + half] < key) {
            low += half + 1;
            n -= half + 1;
        }
        else
            n = half;
    }
    return low;
}

/* Moves a node, whose place was that of OLD, to its new place. */
static void reorder (struct aw_pool *pool, uint32_t number, uint64_t old)
{
    uint64_t *order = pool->order, new = node_key (pool, number);
    uint32_t from = lower_bound (order, pool->n_nodes, old);
    uint32_t to = lower_bound (order, pool->n_nodes, new);

    if (to > from) {
        to--; /* its old place falls away */
        memmove (order + from, order + from + 1, (to - from) * sizeof (*order));
    }
    else
        memmove (order + to + 1, order + to, (from - to) * sizeof (*order));
    order[to] = new;
}

static int make_room (struct aw_pool *pool)
{
    uint32_t room = pool->node_room;

    return aw_array_reserve (&pool->nodes, &room, pool->n_nodes + 1) < 0
                   || aw_array_reserve (&pool->order, &pool->node_room, pool->n_nodes + 1) < 0
               ? -1
               : 0;
}

/* Notes the number of the new layout's GPUs in all, and those of the others in it. 0, or -1 with
 * ENOMEM. */
static int note_gpus (struct aw_pool *pool, struct aw_layout *new)
{
    uint32_t n = new->n_gpus;

    if (n > 0 && !aw_idset_has (&pool->gpu_counts, n)) {
        if (aw_idset_add (&pool->gpu_counts, n, n) < 0)
            return -1;
        for (uint32_t i = 0; i < pool->n_layouts; i++)
            aw_layout_note_gpus (pool->layouts[i], n);
    }
    for (n = aw_idset_next (&pool->gpu_counts, 0); n != AW_IDSET_NONE;
         n = aw_idset_next (&pool->gpu_counts, n + 1))
        aw_layout_note_gpus (new, n);
    return 0;
}

/* Layouts are looked for among the latest, so that a pool of nodes that all differ joins fast. */
enum { LAYOUT_TRIES = 64 };

/* The layout of a node, in use already or new; it stays the pool's. NULL with text. */
static struct aw_layout *find_layout (struct aw_pool *pool,
                                      const struct aw_idset *cpus,
                                      const struct aw_idset *gpus,
                                      const char *topology,
                                      struct aw_error *err)
{
    uint32_t n = pool->n_layouts;
    struct aw_layout *new;

    for (uint32_t i = n; i > 0 && n - i < LAYOUT_TRIES; i--)
        if (aw_layout_is_of (pool->layouts[i - 1], cpus, gpus, topology))
            return pool->layouts[i - 1];
    new = aw_layout_create (cpus, gpus, topology, pool->graph ? pool->graph->gpu_types : NULL,
                            pool->graph ? pool->graph->n_gpu_types : 0, err);
    if (!new)
        return NULL;
    if (aw_array_reserve (&pool->layouts, &pool->layout_room, n + 1) < 0
        || aw_place_reserve (&pool->scratch, new) < 0 || note_gpus (pool, new) < 0) {
        aw_layout_drop (new);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    pool->layouts[pool->n_layouts++] = new;
    return new;
}

/* Appends a node that has been made in its place. 0, or -1 with ENOMEM. */
static int join (struct aw_pool *pool)
{
    struct aw_node *node = &pool->nodes[pool->n_nodes];
    uint32_t place;

    if (!pool->trial)
        pool->trial = calloc (1, sizeof (*pool->trial));
    if (!pool->plan)
        pool->plan = calloc (1, sizeof (*pool->plan));
    if (!pool->plan || !pool->trial || aw_node_reserve (pool->trial, node) < 0)
        return -1;
    pool->knows_topology = pool->knows_topology || !node->layout->flat;
    demand_add (&pool->total, &node->total);
    demand_add (&pool->free, &node->free);
    place = lower_bound (pool->order, pool->n_nodes, node_key (pool, pool->n_nodes));
    memmove (pool->order + place + 1, pool->order + place,
             (pool->n_nodes - place) * sizeof (*pool->order));
    pool->order[place] = node_key (pool, pool->n_nodes);
    pool->n_nodes++;
    return 0;
}

int aw_pool_add_node (struct aw_pool *pool,
                      const char *name,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus,
                      uint64_t mem,
                      const char *topology,
                      struct aw_error *err)
{
    struct aw_layout *layout;

    if (!name || !cpus || !gpus)
        return aw_error_set (err, "a node needs a name, CPUs and GPUs");
    if (pool->n_nodes == AW_POOL_MAX_NODES)
        return aw_error_set (err, "more than %d nodes", AW_POOL_MAX_NODES);
    layout = find_layout (pool, cpus, gpus, topology, err);
    if (!layout)
        return aw_error_prefix (err, name);
    if (make_room (pool) < 0)
        return aw_error_set (err, "out of memory for node %s", name);
    if (aw_node_init (&pool->nodes[pool->n_nodes], name, layout, mem) < 0)
        return aw_error_set (err, "out of memory for node %s", name);
    if (join (pool) < 0) {
        aw_node_clear (&pool->nodes[pool->n_nodes]);
        return aw_error_set (err, "out of memory for node %s", name);
    }
    return (int)pool->n_nodes - 1;
}

/* Layouts are the same for a copy, which need not make them again. */
static int share_layouts (struct aw_pool *pool, const struct aw_pool *from)
{
    if (aw_array_reserve (&pool->layouts, &pool->layout_room, from->n_layouts) < 0
        || aw_idset_copy (&pool->gpu_counts, &from->gpu_counts) < 0)
        return -1;
    for (uint32_t i = 0; i < from->n_layouts; i++) {
        if (aw_place_reserve (&pool->scratch, from->layouts[i]) < 0)
            return -1;
        pool->layouts[pool->n_layouts++] = aw_layout_share (from->layouts[i]);
    }
    return 0;
}

int aw_pool_clone (struct aw_pool *pool, const struct aw_pool *from)
{
    aw_pool_init (pool);
    pool->graph = from->graph;
    pool->wants = from->wants;
    if (share_layouts (pool, from) < 0) {
        aw_pool_finish (pool);
        return -1;
    }
    for (uint32_t i = 0; i < from->n_nodes; i++) {
        const struct aw_node *old = &from->nodes[i];

        if (aw_pool_add_node (pool, old->name, &old->cpus, &old->gpus, old->total.mem,
                              old->layout->text, NULL)
                < 0
            || aw_node_set_free (&pool->nodes[i], old) < 0) {
            aw_pool_finish (pool);
            return -1;
        }
    }
    if (from->n_nodes > 0)
        memcpy (pool->order, from->order, from->n_nodes * sizeof (*pool->order));
    pool->total = from->total;
    pool->free = from->free;
    return 0;
}

void aw_pool_lose_node (struct aw_pool *pool, uint32_t number)
{
    struct aw_node *node = &pool->nodes[number];
    uint64_t old = node_key (pool, number);

    if (node->lost)
        return;
    node->lost = true;
    pool->plan->valid = false;
    demand_subtract (&pool->total, &node->total);
    demand_subtract (&pool->free, &node->free);
    memset (&node->free, 0, sizeof (node->free));
    reorder (pool, number, old);
}

uint32_t aw_pool_next_fit (const struct aw_pool *pool,
                           const struct aw_demand *demand,
                           uint32_t *place)
{
    while (*place < pool->n_nodes) {
        uint64_t gpus = pool->order[*place] >> 43;

        if (gpus < demand->gpus)
            gpus = demand->gpus;
        *place += lower_bound (pool->order + *place, pool->n_nodes - *place,
                               key_of (gpus, demand->cpus, 0));
        while (*place < pool->n_nodes && pool->order[*place] >> 43 == gpus) {
            uint32_t number = (uint32_t)(pool->order[(*place)++] & (AW_POOL_MAX_NODES - 1));

            if (aw_node_can_hold (&pool->nodes[number], demand))
                return number;
        }
    }
    return AW_NO_NODE;
}

enum aw_suit aw_pool_best_suit (const struct aw_pool *pool, const struct aw_demand *demand)
{
    if (demand->gpu_share)
        return AW_SUIT_STARTED;
    return pool->knows_topology && (demand->cpus > 1 || demand->gpus > 0) ? AW_SUIT_GOOD
                                                                          : AW_SUIT_ANY;
}

/* The node as a task of DEMAND should see it: without what is spared there, if the rest is enough.
 */
static const struct aw_node *seen_by (const struct aw_pool *pool,
                                      uint32_t number,
                                      const struct aw_demand *demand)
{
    const struct aw_node *node = &pool->nodes[number];

    if (aw_idset_next (&node->spared_cpus, 0) == AW_IDSET_NONE)
        return node;
    aw_node_try (pool->trial, node);
    aw_node_spare (pool->trial, node);
    return aw_node_can_hold (pool->trial, demand) ? pool->trial : node;
}

bool aw_pool_spares (const struct aw_pool *pool, uint32_t number, const struct aw_demand *demand)
{
    const struct aw_node *node = &pool->nodes[number];

    return aw_idset_next (&node->spared_cpus, 0) == AW_IDSET_NONE
           || seen_by (pool, number, demand) != node;
}

int aw_pool_spare (struct aw_pool *pool,
                   uint32_t number,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus)
{
    struct aw_node *node = &pool->nodes[number];

    pool->plan->valid = false;
    return aw_idset_add_all (&node->spared_cpus, cpus) < 0
                   || aw_idset_add_all (&node->spared_gpus, gpus) < 0
               ? -1
               : 0;
}

void aw_pool_spare_not (struct aw_pool *pool,
                        uint32_t number,
                        const struct aw_idset *cpus,
                        const struct aw_idset *gpus)
{
    struct aw_node *node = &pool->nodes[number];

    pool->plan->valid = false;
    aw_idset_remove_all (&node->spared_cpus, cpus);
    aw_idset_remove_all (&node->spared_gpus, gpus);
}

/* As aw_place_choose; the ids are kept. */
static int make_plan (const struct aw_pool *pool, uint32_t number, const struct aw_demand *demand)
{
    static const struct aw_idset none;
    struct aw_place_scratch scratch = pool->scratch; /* its arrays may be written to */
    struct aw_plan *plan = pool->plan;
    int rc;

    aw_idset_copy (&plan->cpus, &none); /* nothing to be copied: it cannot fail */
    aw_idset_copy (&plan->gpus, &none);
    rc = aw_place_choose (seen_by (pool, number, demand), demand, &pool->wants, &scratch,
                          &plan->cpus, &plan->gpus);
    plan->valid = rc >= 0;
    plan->node = number;
    plan->demand = *demand;
    return rc;
}

bool aw_pool_suits (const struct aw_pool *pool,
                    uint32_t number,
                    const struct aw_demand *demand,
                    enum aw_suit suit)
{
    const struct aw_node *node;

    if (suit == AW_SUIT_ANY)
        return true;
    node = seen_by (pool, number, demand);
    if (suit == AW_SUIT_STARTED && node->largest_part < aw_demand_part (demand))
        return false;
    return node->layout->flat || make_plan (pool, number, demand) == 1;
}

/* Takes or gives on a node and keeps sums and order. */
static void change (struct aw_pool *pool,
                    uint32_t number,
                    const struct aw_demand *demand,
                    const struct aw_idset *cpus,
                    const struct aw_idset *gpus,
                    bool take)
{
    struct aw_node *node = &pool->nodes[number];
    uint64_t old = node_key (pool, number);

    pool->plan->valid = false;
    demand_subtract (&pool->free, &node->free);
    if (take)
        aw_node_take (node, demand, cpus, gpus);
    else
        aw_node_give (node, demand, cpus, gpus);
    demand_add (&pool->free, &node->free);
    reorder (pool, number, old);
}

/* Finds the place, from the plan where it is for this. CPUS and GPUS are emptied first. */
static int find_place (const struct aw_pool *pool,
                       uint32_t number,
                       const struct aw_demand *demand,
                       struct aw_idset *cpus,
                       struct aw_idset *gpus)
{
    static const struct aw_idset none;
    const struct aw_plan *plan = pool->plan;
    struct aw_place_scratch scratch = pool->scratch;

    if (plan->valid && plan->node == number && aw_demand_equal (&plan->demand, demand))
        return aw_idset_copy (cpus, &plan->cpus) < 0 || aw_idset_copy (gpus, &plan->gpus) < 0 ? -1
                                                                                              : 0;
    if (aw_idset_copy (cpus, &none) < 0 || aw_idset_copy (gpus, &none) < 0)
        return -1;
    return aw_place_choose (seen_by (pool, number, demand), demand, &pool->wants, &scratch, cpus,
                            gpus);
}

int aw_pool_take (struct aw_pool *pool,
                  uint32_t number,
                  const struct aw_demand *demand,
                  struct aw_idset *cpus,
                  struct aw_idset *gpus)
{
    if (!aw_node_can_hold (&pool->nodes[number], demand)) {
        errno = ENOSPC;
        return -1;
    }
    if (find_place (pool, number, demand, cpus, gpus) < 0)
        return -1;
    change (pool, number, demand, cpus, gpus, true);
    return 0;
}

int aw_pool_take_ids (struct aw_pool *pool,
                      uint32_t number,
                      const struct aw_demand *demand,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus)
{
    if (!aw_node_has (&pool->nodes[number], demand, cpus, gpus)) {
        errno = EBUSY;
        return -1;
    }
    change (pool, number, demand, cpus, gpus, true);
    return 0;
}

void aw_pool_give (struct aw_pool *pool,
                   uint32_t number,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus)
{
    if (!pool->nodes[number].lost)
        change (pool, number, demand, cpus, gpus, false);
}

struct aw_node *aw_pool_try (const struct aw_pool *pool, uint32_t node)
{
    if (!pool->trial)
        return NULL;
    aw_node_try (pool->trial, &pool->nodes[node]);
    return pool->trial;
}
