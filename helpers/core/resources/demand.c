/* SPDX-License-Identifier: Apache-2.0 */
#include "core/resources/demand.h"

#include "core/graph/graph.h"

struct aw_demand aw_set_demand (const struct aw_set *set)
{
    uint32_t ranks = set->ranks_per_node ? set->ranks_per_node : 1;

    return (struct aw_demand){
        .cpus = set->cpus * ranks,
        .gpus = set->gpus * ranks,
        .mem = set->mem * ranks,
        .gpu_share = set->gpu_share,
        .threads_per_core = set->threads_per_core,
        .ranks_per_node = ranks,
        .nodes = set->nodes ? set->nodes : 1,
        .gpu_type = set->gpu_type,
    };
}

static uint32_t n_ranks (const struct aw_demand *demand)
{
    return demand->ranks_per_node ? demand->ranks_per_node : 1;
}

uint32_t aw_demand_gpus (const struct aw_demand *demand)
{
    uint32_t each;

    if (!demand->gpu_share)
        return demand->gpus;
    each = AW_GPU_WHOLE / demand->gpu_share;
    return (n_ranks (demand) + each - 1) / each;
}

uint32_t aw_demand_part (const struct aw_demand *demand)
{
    uint32_t n;

    if (!demand->gpu_share)
        return AW_GPU_WHOLE;
    n = aw_demand_gpus (demand);
    return (n_ranks (demand) + n - 1) / n * demand->gpu_share;
}

uint32_t aw_demand_most_cpus (const struct aw_demand *demand, uint32_t n_threads)
{
    uint32_t threads = demand->threads_per_core;

    if (threads == 0 || n_threads <= 1)
        return demand->cpus;
    return (demand->cpus + threads - 1) / threads * n_threads;
}

double aw_demand_gpu_amount (const struct aw_demand *demand)
{
    return demand->gpus + (double)n_ranks (demand) * demand->gpu_share / AW_GPU_WHOLE;
}

struct aw_whole aw_set_whole (const struct aw_set *set)
{
    struct aw_demand d = aw_set_demand (set);
    double nodes = d.nodes;

    return (struct aw_whole){
        .cpus = nodes * d.cpus,
        .gpus = nodes * aw_demand_gpu_amount (&d),
        .mem = nodes * (double)d.mem,
    };
}

static int compare_numbers (uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

int aw_demand_compare (const struct aw_demand *a, const struct aw_demand *b)
{
    int order = compare_numbers (a->gpus, b->gpus);

    if (order == 0)
        order = compare_numbers (a->cpus, b->cpus);
    if (order == 0)
        order = compare_numbers (a->mem, b->mem);
    if (order == 0)
        order = compare_numbers (a->gpu_share, b->gpu_share);
    if (order == 0)
        order = compare_numbers (a->threads_per_core, b->threads_per_core);
    if (order == 0)
        order = compare_numbers (a->ranks_per_node, b->ranks_per_node);
    if (order == 0)
        order = compare_numbers (a->nodes, b->nodes);
    if (order == 0)
        order = compare_numbers (a->gpu_type, b->gpu_type);
    return order;
}

bool aw_demand_equal (const struct aw_demand *a, const struct aw_demand *b)
{
    return aw_demand_compare (a, b) == 0;
}
