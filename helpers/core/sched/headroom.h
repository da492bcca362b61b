/* SPDX-License-Identifier: Apache-2.0 */
/* What a node will have free as its tasks end, one after the other. Counts are enough where no task
 * shares GPUs or holds whole cores; else the ids are computed on the pool's trial node.
 */
#ifndef AW_CORE_SCHED_HEADROOM_H
#define AW_CORE_SCHED_HEADROOM_H

#include "core/resources/pool.h"
#include "core/sched/running.h"

struct aw_headroom {
    const struct aw_node *node;
    struct aw_node *trial; /* the pool's; NULL: counts are enough */
    struct aw_demand counts;
};

/* What NODE has free now, for questions about DEMAND. Valid until the pool changes or the next
 * call.
 */
struct aw_headroom aw_headroom_now (const struct aw_pool *pool,
                                    uint32_t node,
                                    const struct aw_demand *demand);

/* RUN, on that node, ends. Inline, as the next one, because it is called very often. */
static inline void aw_headroom_release (struct aw_headroom *room, const struct aw_running *run)
{
    if (room->trial) {
        aw_node_give (room->trial, &run->demand, &run->cpus, &run->gpus);
        return;
    }
    room->counts.cpus += run->demand.cpus;
    room->counts.gpus += run->demand.gpus;
    room->counts.mem += run->demand.mem;
}

static inline bool aw_headroom_fits (const struct aw_headroom *room, const struct aw_demand *demand)
{
    return room->trial ? aw_node_can_hold (room->trial, demand)
                       : aw_node_fits_counts (room->node, &room->counts, demand);
}

/* The remainder alongside DEMAND, which fits, for tasks that must not delay it: at least these
 * CPUs, whole GPUs and bytes. If DEMAND takes whole cores, CPUs are those of cores that others may
 * share.
 */
struct aw_demand aw_headroom_beside (const struct aw_headroom *room,
                                     const struct aw_demand *demand);

#endif /* AW_CORE_SCHED_HEADROOM_H */
