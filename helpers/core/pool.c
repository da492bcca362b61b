/* SPDX-License-Identifier: Apache-2.0 */
/* For best fit the nodes are kept sorted by what they have free, each as one word: a look-up
 * bisects, once for each number of free GPUs, and a change moves the few words between a node's old
 * and new places.
 */
#include "core/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/topology.h"

void aw_pool_init (struct aw_pool *pool)
{
    memset (pool, 0, sizeof (*pool));
}

static void node_finish (struct aw_node *node)
{
    free (node->name);
    aw_idset_finish (&node->cpus);
    aw_idset_finish (&node->gpus);
    aw_idset_finish (&node->free_cpus);
    aw_idset_finish (&node->free_gpus);
}

void aw_pool_finish (struct aw_pool *pool)
{
    int saved = errno;

    for (uint32_t i = 0; i < pool->n_nodes; i++)
        node_finish (&pool->nodes[i]);
    free (pool->nodes);
    free (pool->order);
    aw_pool_init (pool);
    errno = saved;
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

/* Moves a node, whose place was that of OLD, to where it belongs now. */
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

static int node_init (struct aw_node *node,
                      const char *name,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus,
                      uint64_t mem)
{
    memset (node, 0, sizeof (*node));
    node->name = strdup (name);
    if (!node->name || aw_idset_copy (&node->cpus, cpus) < 0
        || aw_idset_copy (&node->gpus, gpus) < 0 || aw_idset_copy (&node->free_cpus, cpus) < 0
        || aw_idset_copy (&node->free_gpus, gpus) < 0) {
        node_finish (node);
        return -1;
    }
    node->total.cpus = aw_idset_count (cpus);
    node->total.gpus = aw_idset_count (gpus);
    node->total.mem = mem;
    node->free = node->total;
    node->counts_mem = mem > 0;
    return 0;
}

static int make_room (struct aw_pool *pool)
{
    size_t n = pool->n_nodes ? 2 * (size_t)pool->n_nodes : 1;
    struct aw_node *nodes = realloc (pool->nodes, n * sizeof (*nodes));
    uint64_t *order;

    if (!nodes)
        return -1;
    pool->nodes = nodes;
    order = realloc (pool->order, n * sizeof (*order));
    if (!order)
        return -1;
    pool->order = order;
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
    struct aw_topology known = { 0 };
    uint32_t place;

    if (!name || !cpus || !gpus)
        return aw_error_set (err, "a node needs a name, CPUs and GPUs");
    if (topology && aw_topology_parse (&known, topology, err) < 0)
        return aw_error_prefix (err, name);
    aw_topology_finish (&known);
    if (pool->n_nodes == AW_POOL_MAX_NODES)
        return aw_error_set (err, "more than %d nodes", AW_POOL_MAX_NODES);
    if ((pool->n_nodes & (pool->n_nodes - 1)) == 0
        && make_room (pool) < 0) /* full at each power of two */
        return aw_error_set (err, "out of memory for node %s", name);
    if (node_init (&pool->nodes[pool->n_nodes], name, cpus, gpus, mem) < 0)
        return aw_error_set (err, "out of memory for node %s", name);
    demand_add (&pool->total, &pool->nodes[pool->n_nodes].total);
    demand_add (&pool->free, &pool->nodes[pool->n_nodes].free);
    place = lower_bound (pool->order, pool->n_nodes, node_key (pool, pool->n_nodes));
    memmove (pool->order + place + 1, pool->order + place,
             (pool->n_nodes - place) * sizeof (*pool->order));
    pool->order[place] = node_key (pool, pool->n_nodes);
    return (int)pool->n_nodes++;
}

int aw_pool_clone (struct aw_pool *pool, const struct aw_pool *from)
{
    aw_pool_init (pool);
    for (uint32_t i = 0; i < from->n_nodes; i++) {
        const struct aw_node *old = &from->nodes[i];
        struct aw_node *new;

        if (aw_pool_add_node (pool, old->name, &old->cpus, &old->gpus, old->total.mem, NULL, NULL)
                < 0
            || aw_idset_copy (&pool->nodes[i].free_cpus, &old->free_cpus) < 0
            || aw_idset_copy (&pool->nodes[i].free_gpus, &old->free_gpus) < 0) {
            aw_pool_finish (pool);
            return -1;
        }
        new = &pool->nodes[i];
        new->free = old->free;
        new->lost = old->lost;
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
    demand_subtract (&pool->total, &node->total);
    demand_subtract (&pool->free, &node->free);
    memset (&node->free, 0, sizeof (node->free));
    reorder (pool, number, old);
}

static bool holds (const struct aw_node *node,
                   const struct aw_demand *room,
                   const struct aw_demand *demand)
{
    return !node->lost && demand->cpus <= room->cpus && demand->gpus <= room->gpus
           && (!node->counts_mem || demand->mem <= room->mem);
}

bool aw_node_could_hold (const struct aw_node *node, const struct aw_demand *demand)
{
    return holds (node, &node->total, demand);
}

bool aw_node_can_hold (const struct aw_node *node, const struct aw_demand *demand)
{
    return holds (node, &node->free, demand);
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

uint32_t aw_pool_best_fit (const struct aw_pool *pool,
                           const struct aw_demand *demand,
                           uint32_t except)
{
    uint32_t place = 0, node;

    do
        node = aw_pool_next_fit (pool, demand, &place);
    while (node != AW_NO_NODE && node == except);
    return node;
}

/* Moves the N lowest ids of FROM to TO, which is emptied first. */
static int take_lowest (struct aw_idset *from, struct aw_idset *to, uint32_t n)
{
    static const struct aw_idset none;

    if (aw_idset_copy (to, &none) < 0)
        return -1;
    for (uint32_t id = aw_idset_next (from, 0); n > 0; n--, id = aw_idset_next (from, id + 1)) {
        if (id == AW_IDSET_NONE) {
            errno = ENOSPC;
            return -1;
        }
        if (aw_idset_add (to, id, id) < 0)
            return -1;
    }
    return 0;
}

/* Memory that is not counted on this node is neither taken nor given back. */
static struct aw_demand counted (const struct aw_node *node,
                                 uint32_t cpus,
                                 uint32_t gpus,
                                 uint64_t mem)
{
    return (struct aw_demand){ .cpus = cpus, .gpus = gpus, .mem = node->counts_mem ? mem : 0 };
}

static void account_take (struct aw_pool *pool,
                          uint32_t number,
                          uint64_t mem,
                          const struct aw_idset *cpus,
                          const struct aw_idset *gpus)
{
    struct aw_node *node = &pool->nodes[number];
    struct aw_demand taken = counted (node, aw_idset_count (cpus), aw_idset_count (gpus), mem);
    uint64_t old = node_key (pool, number);

    aw_idset_remove_all (&node->free_cpus, cpus);
    aw_idset_remove_all (&node->free_gpus, gpus);
    demand_subtract (&node->free, &taken);
    demand_subtract (&pool->free, &taken);
    reorder (pool, number, old);
}

int aw_pool_take (struct aw_pool *pool,
                  uint32_t number,
                  const struct aw_demand *demand,
                  struct aw_idset *cpus,
                  struct aw_idset *gpus)
{
    struct aw_node *node = &pool->nodes[number];

    if (!aw_node_can_hold (node, demand)) {
        errno = ENOSPC;
        return -1;
    }
    if (take_lowest (&node->free_cpus, cpus, demand->cpus) < 0
        || take_lowest (&node->free_gpus, gpus, demand->gpus) < 0)
        return -1;
    account_take (pool, number, demand->mem, cpus, gpus);
    return 0;
}

static bool contains (const struct aw_idset *set, const struct aw_idset *part)
{
    for (uint32_t id = aw_idset_next (part, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (part, id + 1))
        if (!aw_idset_has (set, id))
            return false;
    return true;
}

int aw_pool_take_ids (struct aw_pool *pool,
                      uint32_t number,
                      const struct aw_demand *demand,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus)
{
    struct aw_node *node = &pool->nodes[number];

    if (node->lost || !contains (&node->free_cpus, cpus) || !contains (&node->free_gpus, gpus)
        || (node->counts_mem && demand->mem > node->free.mem)) {
        errno = EBUSY;
        return -1;
    }
    account_take (pool, number, demand->mem, cpus, gpus);
    return 0;
}

void aw_pool_give (struct aw_pool *pool,
                   uint32_t number,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus)
{
    struct aw_node *node = &pool->nodes[number];
    struct aw_demand given =
        counted (node, aw_idset_count (cpus), aw_idset_count (gpus), demand->mem);
    uint64_t old = node_key (pool, number);

    if (node->lost)
        return;
    /* The words are there already (the ids were in these sets), so this cannot fail. */
    aw_idset_add_all (&node->free_cpus, cpus);
    aw_idset_add_all (&node->free_gpus, gpus);
    demand_add (&node->free, &given);
    demand_add (&pool->free, &given);
    reorder (pool, number, old);
}
