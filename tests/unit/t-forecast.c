/* SPDX-License-Identifier: Apache-2.0 */
/* The short ways to a node against the long ones: best fit by the sorted order, first fit in time
 * by the tree.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/forecast.h"
#include "core/resources/pool.h"
#include "core/sched/running.h"
#include "graphs.h"

enum { NODES = 13, CPUS = 12, GPUS = 3, TASKS = 400, SHAPES = AW_FORECAST_ROWS + 5 };

struct world {
    struct aw_pool pool;
    struct aw_running_table running;
    struct aw_forecast forecast;
    struct aw_demand shapes[SHAPES];
    bool runs[TASKS];
    uint64_t random;
    double now;
};

static void add_node (struct world *w)
{
    struct aw_idset cpus = { 0 }, gpus = { 0 };
    char name[16];

    assert_int_equal (aw_idset_add (&cpus, 0, graphs_below (&w->random, CPUS)), 0);
    if (graphs_below (&w->random, 4))
        assert_int_equal (aw_idset_add (&gpus, 0, graphs_below (&w->random, GPUS)), 0);
    snprintf (name, sizeof (name), "n%u", w->pool.n_nodes);
    assert_true (aw_pool_add_node (&w->pool, name, &cpus, &gpus,
                                   graphs_below (&w->random, 2) ? 0 : 1000, NULL, NULL)
                 >= 0);
    assert_int_equal (aw_running_add_nodes (&w->running, w->pool.n_nodes), 0);
    aw_idset_finish (&cpus);
    aw_idset_finish (&gpus);
}

static uint32_t plain_best_fit (const struct aw_pool *pool,
                                const struct aw_demand *d,
                                uint32_t except)
{
    uint32_t best = AW_NO_NODE;

    for (uint32_t n = 0; n < pool->n_nodes; n++) {
        const struct aw_node *node = &pool->nodes[n];

        if (n == except || !aw_node_can_hold (node, d))
            continue;
        if (best == AW_NO_NODE || node->free.gpus < pool->nodes[best].free.gpus
            || (node->free.gpus == pool->nodes[best].free.gpus
                && node->free.cpus < pool->nodes[best].free.cpus))
            best = n;
    }
    return best;
}

/* The first node of best fit but EXCEPT. */
static uint32_t best_fit (const struct aw_pool *pool, const struct aw_demand *d, uint32_t except)
{
    uint32_t place = 0, node;

    do
        node = aw_pool_next_fit (pool, d, &place);
    while (node != AW_NO_NODE && node == except);
    return node;
}

static void start (struct world *w, uint32_t task)
{
    const struct aw_demand *d = &w->shapes[graphs_below (&w->random, SHAPES)];
    uint32_t node = best_fit (&w->pool, d, AW_NO_NODE);
    struct aw_running *run;

    if (node == AW_NO_NODE)
        return;
    run = aw_running_new (&w->running, 1);
    assert_int_equal (aw_pool_take (&w->pool, node, d, &run->cpus, &run->gpus), 0);
    run->task = task;
    run->node = node;
    run->demand = *d;
    run->end = graphs_below (&w->random, 10) ? w->now + graphs_below (&w->random, 50) : INFINITY;
    aw_running_link (&w->running, run);
    w->runs[task] = true;
}

static void finish (struct world *w, uint32_t task)
{
    struct aw_running *run = aw_running_find (&w->running, task);

    aw_pool_give (&w->pool, run->node, &run->demand, &run->cpus, &run->gpus);
    aw_running_free (&w->running, run);
    w->runs[task] = false;
}

static void compare (struct world *w)
{
    for (int i = 0; i < 4; i++) {
        uint32_t shape = graphs_below (&w->random, SHAPES),
                 except = graphs_below (&w->random, NODES + 5);
        const struct aw_demand *d = &w->shapes[shape];
        struct aw_forecast_query query = { &w->pool, &w->running, shape, d, w->now };
        uint32_t fast[NODES], slow[NODES], n, found;

        assert_int_equal (best_fit (&w->pool, d, except), plain_best_fit (&w->pool, d, except));
        assert_int_equal (aw_forecast_first (&w->forecast, &query),
                          aw_forecast_first (NULL, &query));
        n = 1 + graphs_below (&w->random, NODES);
        found = aw_forecast_nodes (NULL, &query, n, slow);
        assert_int_equal (aw_forecast_nodes (&w->forecast, &query, n, fast), found);
        assert_memory_equal (fast, slow, found * sizeof (*fast));
    }
}

static void the_short_ways_agree_with_the_long_one (void **state)
{
    struct world *w = calloc (1, sizeof (*w));

    (void)state;
    w->random = 271828;
    aw_pool_init (&w->pool);
    assert_int_equal (aw_running_init (&w->running, TASKS), 0);
    for (int i = 0; i < SHAPES; i++)
        w->shapes[i] = (struct aw_demand){
            .cpus = 1 + graphs_below (&w->random, CPUS),
            .gpus = graphs_below (&w->random, GPUS),
            .mem = graphs_below (&w->random, 3) ? 0 : graphs_below (&w->random, 600),
        };
    assert_int_equal (best_fit (&w->pool, &w->shapes[0], AW_NO_NODE), AW_NO_NODE);
    assert_int_equal (
        aw_forecast_first (&w->forecast, &(struct aw_forecast_query){ &w->pool, &w->running, 0,
                                                                      &w->shapes[0], 0 }),
        AW_NO_NODE);
    for (int step = 0; step < 40000; step++) {
        uint32_t task = graphs_below (&w->random, TASKS);

        if (w->pool.n_nodes < NODES && graphs_below (&w->random, 300) == 0)
            add_node (w);
        else if (step > 30000 && graphs_below (&w->random, 2000) == 0) {
            uint32_t node = graphs_below (&w->random, w->pool.n_nodes);
            aw_pool_lose_node (&w->pool, node);
            aw_running_touch (&w->running, node);
        }
        else if (w->runs[task])
            finish (w, task);
        else
            start (w, task);
        w->now += graphs_below (&w->random, 3) ? 0 : 1;
        if (step % 10000 < 5000) /* else: more changes than the log holds */
            compare (w);
    }
    assert_int_equal (w->pool.n_nodes, NODES);
    for (uint32_t task = 0; task < TASKS; task++)
        if (w->runs[task])
            finish (w, task);
    aw_forecast_finish (&w->forecast);
    aw_running_finish (&w->running);
    aw_pool_finish (&w->pool);
    free (w);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_short_ways_agree_with_the_long_one),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
