/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reserve.h"

#include <math.h>

static bool fits (const struct aw_node *node,
                  const struct aw_demand *demand,
                  const struct aw_demand *room)
{
    return demand->cpus <= room->cpus && demand->gpus <= room->gpus
           && (!node->counts_mem || demand->mem <= room->mem);
}

static void release (struct aw_demand *room, const struct aw_demand *demand)
{
    room->cpus += demand->cpus;
    room->gpus += demand->gpus;
    room->mem += demand->mem;
}

/* When DEMAND fits on the node if tasks end as expected (what is overdue ends now), and what is
 * spare then. */
static double earliest (const struct aw_pool *pool,
                        const struct aw_running_table *running,
                        uint32_t number,
                        const struct aw_demand *demand,
                        double now,
                        struct aw_demand *spare)
{
    const struct aw_node *node = &pool->nodes[number];
    const struct aw_running *run = aw_running_first (running, number);
    struct aw_demand room = node->free;
    double t = now;

    for (; run && !fits (node, demand, &room); run = aw_running_next (running, run)) {
        release (&room, &run->demand);
        t = run->end > now ? run->end : now;
    }
    for (; run && run->end <= t && !isinf (t); run = aw_running_next (running, run))
        release (&room, &run->demand);
    spare->cpus = room.cpus - demand->cpus;
    spare->gpus = room.gpus - demand->gpus;
    spare->mem = node->counts_mem ? room.mem - demand->mem : UINT64_MAX;
    return t;
}

bool aw_reservation_make (struct aw_reservation *res,
                          struct aw_forecast *forecast,
                          const struct aw_pool *pool,
                          const struct aw_running_table *running,
                          uint32_t shape,
                          const struct aw_demand *demand,
                          double now)
{
    uint32_t best = aw_forecast_first (forecast, pool, running, shape, demand, now);

    *res = (struct aw_reservation){ .active = best != AW_NO_NODE, .shape = shape, .node = best };
    if (res->active)
        res->t = earliest (pool, running, best, demand, now, &res->spare);
    return res->active;
}

bool aw_reservation_allows (const struct aw_reservation *res,
                            const struct aw_demand *demand,
                            double now,
                            double seconds)
{
    /* A task that is due is not put off any more, not even for one that is said to take no time. */
    if (res->t > now && !isinf (res->t) && !isnan (seconds) && now + seconds <= res->t)
        return true;
    return demand->cpus <= res->spare.cpus && demand->gpus <= res->spare.gpus
           && demand->mem <= res->spare.mem;
}
