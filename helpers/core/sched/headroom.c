/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/headroom.h"

struct aw_headroom aw_headroom_now (const struct aw_pool *pool,
                                    uint32_t number,
                                    const struct aw_demand *demand)
{
    const struct aw_node *node = &pool->nodes[number];

    return (struct aw_headroom){
        .node = node,
        .trial = aw_node_counts_do (node, demand) ? NULL : aw_pool_try (pool, number),
        .counts = node->free,
    };
}

static uint32_t less (uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

struct aw_demand aw_headroom_beside (const struct aw_headroom *room, const struct aw_demand *demand)
{
    const struct aw_demand *counts = room->trial ? &room->trial->free : &room->counts;
    struct aw_demand left = {
        .cpus = less (counts->cpus, demand->cpus),
        .gpus = UINT32_MAX, /* it needs none */
        .mem = room->node->counts_mem ? counts->mem - demand->mem : UINT64_MAX,
    };
    uint32_t gpus = aw_demand_gpus (demand);

    if (gpus > 0)
        left.gpus =
            less (room->trial ? aw_node_free_gpus (room->trial, demand) : counts->gpus, gpus);
    if (room->trial && aw_layout_holds_cores (room->node->layout, demand))
        left.cpus = less (aw_node_idle_cores (room->trial),
                          (demand->cpus + demand->threads_per_core - 1) / demand->threads_per_core);
    return left;
}
