/* SPDX-License-Identifier: Apache-2.0 */
#include "core/demand.h"

#include "core/graph.h"

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

struct aw_whole aw_set_whole (const struct aw_set *set)
{
    struct aw_demand d = aw_set_demand (set);
    double nodes = d.nodes;

    return (struct aw_whole){
        .cpus = nodes * d.cpus,
        .gpus = nodes * (d.gpus + d.ranks_per_node * d.gpu_share / 1000.0),
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
