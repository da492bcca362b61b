/* SPDX-License-Identifier: Apache-2.0 */
#include "model/allocation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/simulate.h"
#include "util/array.h"

void aw_allocation_finish (struct aw_allocation *a)
{
    int saved = errno;

    free (a->shapes);
    memset (a, 0, sizeof (*a));
    errno = saved;
}

static bool alike (const struct aw_node_shape *a, const struct aw_node_shape *b)
{
    return a->cpus == b->cpus && a->gpus == b->gpus && a->mem == b->mem;
}

static void add_up (struct aw_allocation *a)
{
    bool counts_mem = true;

    a->n_nodes = 0;
    a->cpus = a->gpus = a->mem = 0;
    for (uint32_t i = 0; i < a->n_shapes; i++) {
        const struct aw_node_shape *s = &a->shapes[i];

        a->n_nodes += s->nodes;
        a->cpus += (uint64_t)s->nodes * s->cpus;
        a->gpus += (uint64_t)s->nodes * s->gpus;
        a->mem += s->nodes * s->mem;
        counts_mem = counts_mem && s->mem > 0;
    }
    if (!counts_mem)
        a->mem = 0;
}

int aw_allocation_add (struct aw_allocation *a, struct aw_node_shape shape, struct aw_error *err)
{
    if (shape.nodes == 0 || shape.cpus == 0)
        return aw_error_set (err, "an allocation needs nodes, and each node at least one CPU");
    if (shape.nodes > AW_MAX_NODES || a->n_nodes + shape.nodes > AW_MAX_NODES)
        return aw_error_set (err, "more than %d nodes", AW_MAX_NODES);
    if (shape.cpus > AW_IDSET_MAX || shape.gpus > AW_IDSET_MAX)
        return aw_error_set (err, "a node has at most %d CPUs and as many GPUs", AW_IDSET_MAX);
    if (a->n_shapes > 0 && alike (&a->shapes[a->n_shapes - 1], &shape)) {
        a->shapes[a->n_shapes - 1].nodes += shape.nodes;
        add_up (a);
        return 0;
    }
    if (aw_array_reserve (&a->shapes, &a->shape_room, a->n_shapes + 1) < 0)
        return aw_error_set (err, "out of memory");
    a->shapes[a->n_shapes++] = shape;
    add_up (a);
    return 0;
}

int aw_allocation_join (const struct aw_allocation *a, struct aw_sched *sched, struct aw_error *err)
{
    for (uint32_t i = 0; i < a->n_shapes; i++) {
        const struct aw_node_shape *s = &a->shapes[i];

        if (aw_simulate_add_nodes (sched, s->nodes, s->cpus, s->gpus, s->mem, err) < 0)
            return -1;
    }
    return 0;
}

static uint64_t least (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The number of tasks whose part fits on a node of S. */
static uint64_t room (const struct aw_node_shape *s, const struct aw_demand *demand)
{
    uint64_t n = s->cpus / (demand->cpus ? demand->cpus : 1);

    if (aw_demand_gpus (demand) > 0)
        n = least (n, s->gpus / aw_demand_gpus (demand) * (AW_GPU_WHOLE / aw_demand_part (demand)));
    if (demand->mem && s->mem)
        n = least (n, s->mem / demand->mem);
    return n;
}

/* The same over all nodes, of each at most MOST. */
static uint64_t places (const struct aw_allocation *a,
                        const struct aw_demand *demand,
                        uint64_t most)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < a->n_shapes; i++) {
        const struct aw_node_shape *s = &a->shapes[i];
        sum += s->nodes * least (room (s, demand), most);
    }
    return sum;
}

/* A task on k nodes takes a place on k different ones. COUNT tasks fit if and only if there are k *
 * COUNT places, with at most COUNT a node; then fewer tasks fit too.
 */
uint64_t aw_allocation_capacity (const struct aw_allocation *a, const struct aw_set *set)
{
    struct aw_demand demand = aw_set_demand (set);
    uint64_t low = 0, high = places (a, &demand, UINT64_MAX) / demand.nodes;

    if (demand.nodes == 1)
        return high;
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;

        if (places (a, &demand, middle) >= middle * demand.nodes)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

struct aw_demand aw_largest_node (const struct aw_node_shape *shapes, uint32_t n)
{
    struct aw_demand most = { 0 };

    for (uint32_t i = 0; i < n; i++) {
        uint64_t mem = shapes[i].mem ? shapes[i].mem : UINT64_MAX;

        most.cpus = shapes[i].cpus > most.cpus ? shapes[i].cpus : most.cpus;
        most.gpus = shapes[i].gpus > most.gpus ? shapes[i].gpus : most.gpus;
        most.mem = mem > most.mem ? mem : most.mem;
    }
    return most;
}
