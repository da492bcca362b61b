/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/reserve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/sched/headroom.h"
#include "util/array.h"

/* The spare resources alongside DEMAND on a node at T, if tasks end as expected (overdue ones now).
 */
static struct aw_demand spare_at (const struct aw_pool *pool,
                                  const struct aw_running_table *running,
                                  uint32_t number,
                                  const struct aw_demand *demand,
                                  double t)
{
    const struct aw_running *run = aw_running_first (running, number);
    struct aw_headroom room = aw_headroom_now (pool, number, demand);

    for (; run && !aw_headroom_fits (&room, demand); run = aw_running_next (running, run))
        aw_headroom_release (&room, run);
    for (; run && run->end <= t && !isinf (t); run = aw_running_next (running, run))
        aw_headroom_release (&room, run);
    return aw_headroom_beside (&room, demand);
}

void aw_reservation_finish (struct aw_reservation *res)
{
    int saved = errno;

    free (res->nodes);
    free (res->numbers);
    memset (res, 0, sizeof (*res));
    errno = saved;
}

static int make_room (struct aw_reservation *res, uint32_t n)
{
    uint32_t room = res->room;

    return aw_array_reserve (&res->nodes, &room, n) < 0
                   || aw_array_reserve (&res->numbers, &res->room, n) < 0
               ? -1
               : 0;
}

int aw_reservation_clone (struct aw_reservation *res, const struct aw_reservation *from)
{
    struct aw_reservation copy = *from;

    copy.nodes = NULL;
    copy.numbers = NULL;
    copy.room = 0;
    if (make_room (&copy, from->n) < 0) {
        aw_reservation_finish (&copy);
        memset (res, 0, sizeof (*res));
        errno = ENOMEM;
        return -1;
    }
    if (from->n > 0)
        memcpy (copy.nodes, from->nodes, from->n * sizeof (*copy.nodes));
    *res = copy;
    return 0;
}

static int compare_numbers (const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    return a < b ? -1 : a > b;
}

/* On the first N of RES->numbers. */
static void reserve (struct aw_reservation *res, const struct aw_forecast_query *q, uint32_t n)
{
    qsort (res->numbers, n, sizeof (*res->numbers), compare_numbers);
    res->active = true;
    res->shape = q->shape;
    res->n = n;
    res->t = q->now;
    for (uint32_t i = 0; i < n; i++)
        res->t = fmax (res->t, aw_forecast_time (q->pool, q->running, res->numbers[i], q->demand));
    for (uint32_t i = 0; i < n; i++)
        res->nodes[i] = (struct aw_reserved){
            .node = res->numbers[i],
            .n_threads = q->pool->nodes[res->numbers[i]].layout->n_threads,
            .spare = spare_at (q->pool, q->running, res->numbers[i], q->demand, res->t),
        };
}

bool aw_reservation_make (struct aw_reservation *res,
                          struct aw_forecast *forecast,
                          const struct aw_forecast_query *query)
{
    uint32_t n = aw_demand_nodes (query->demand);

    res->active = false;
    res->n = 0;
    if (n > query->pool->n_nodes || make_room (res, n) < 0)
        return false;
    if (n == 1) {
        res->numbers[0] = aw_forecast_first (forecast, query);
        if (res->numbers[0] == AW_NO_NODE)
            return false;
    }
    else if (aw_forecast_nodes (forecast, query, n, res->numbers) < n)
        return false;
    reserve (res, query, n);
    return true;
}

bool aw_reservation_make_on (struct aw_reservation *res,
                             const struct aw_forecast_query *query,
                             uint32_t node)
{
    res->active = false;
    res->n = 0;
    if (!aw_node_could_hold (&query->pool->nodes[node], query->demand) || make_room (res, 1) < 0)
        return false;
    res->numbers[0] = node;
    reserve (res, query, 1);
    return true;
}

bool aw_reservation_ends_before (double t, double now, double seconds)
{
    /* A task that is due is not delayed any more, not even for one that is declared to take no
     * time. */
    return seconds == -INFINITY
           || (t > now && !isinf (t) && !isnan (seconds) && now + seconds <= t);
}

static int compare_node (const void *key, const void *reserved)
{
    return compare_numbers (key, &((const struct aw_reserved *)reserved)->node);
}

bool aw_reservation_allows (const struct aw_reservation *res,
                            uint32_t node,
                            const struct aw_demand *demand,
                            double now,
                            double seconds)
{
    const struct aw_reserved *mine;

    if (!res->active || aw_reservation_ends_before (res->t, now, seconds))
        return true;
    mine = bsearch (&node, res->nodes, res->n, sizeof (*res->nodes), compare_node);
    return !mine
           || (aw_demand_most_cpus (demand, mine->n_threads) <= mine->spare.cpus
               && aw_demand_gpus (demand) <= mine->spare.gpus && demand->mem <= mine->spare.mem);
}
