/* SPDX-License-Identifier: Apache-2.0 */
/* Does a task fit next to the services that it uses? They are placed in the empty pool in the order
 * in which they start, as the pool packs them (sched_stuck.c relies on that).
 */
#include "core/sched/sched_state.h"

static bool uses_set (const struct aw_graph *g, uint32_t set, uint32_t service)
{
    for (uint32_t e = 0; e < g->sets[set].n_after; e++) {
        uint32_t before = g->sets[set].after[e].set;

        if (g->sets[before].service && (before == service || uses_set (g, before, service)))
            return true;
    }
    return false;
}

/* Takes what a task of SET needs from POOL. 1; 0: there is no room; -1: ENOMEM. */
static int place (struct aw_pool *pool, const struct aw_set *set)
{
    struct aw_demand demand = aw_set_demand (set);
    uint32_t wanted = aw_demand_nodes (&demand), n = 0, at = 0, node;

    while (n < wanted && (node = aw_pool_next_fit (pool, &demand, &at)) != AW_NO_NODE) {
        struct aw_idset cpus = { 0 }, gpus = { 0 };
        int rc = aw_pool_take (pool, node, &demand, &cpus, &gpus);

        aw_idset_finish (&cpus);
        aw_idset_finish (&gpus);
        if (rc < 0)
            return -1;
        n++;
    }
    return n == wanted;
}

bool aw_sched_fits_together (const struct aw_sched *s, uint32_t set, struct aw_error *err)
{
    const struct aw_graph *g = s->graph;
    struct aw_pool pool = { 0 };
    int rc = 1;

    if (!g->sets[set].served)
        return true;
    if (aw_pool_clone (&pool, &s->pool) < 0)
        rc = -1;
    for (uint32_t i = 0; rc == 1 && i < g->n_base; i++)
        if (g->sets[g->order[i]].service && uses_set (g, set, g->order[i]))
            rc = place (&pool, &g->sets[g->order[i]]);
    if (rc == 1)
        rc = place (&pool, &g->sets[set]);
    aw_pool_finish (&pool);
    if (rc < 0)
        aw_error_set (err, "out of memory");
    else if (rc == 0)
        aw_error_set (err,
                      "tasks.%s: a task and the services that it uses do not fit into the pool "
                      "together: request more nodes, or less for them",
                      g->sets[set].name);
    return rc == 1;
}
