/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/sched/priority.h"
#include "core/sched/reserve.h"
#include "graphs.h"

/* Two nodes of 8 CPUs; what runs on them is given as CPUs and expected end. */
struct place {
    struct aw_pool pool;
    struct aw_running_table running;
    uint32_t n;
};

static void place_init (struct place *p)
{
    struct aw_idset cpus = { 0 }, none = { 0 };

    p->n = 0;
    aw_pool_init (&p->pool);
    assert_int_equal (aw_idset_add (&cpus, 0, 7), 0);
    assert_int_equal (aw_pool_add_node (&p->pool, "n1", &cpus, &none, 0, NULL, NULL), 0);
    assert_int_equal (aw_pool_add_node (&p->pool, "n2", &cpus, &none, 0, NULL, NULL), 1);
    assert_int_equal (aw_running_init (&p->running, 64), 0);
    assert_int_equal (aw_running_add_nodes (&p->running, 2), 0);
    aw_idset_finish (&cpus);
}

static void place_finish (struct place *p)
{
    aw_pool_finish (&p->pool);
    aw_running_finish (&p->running);
}

static void run (struct place *p, uint32_t node, uint32_t cpus, double end)
{
    struct aw_running *r = aw_running_new (&p->running, 1);

    r->task = p->n++;
    r->node = node;
    r->demand = (struct aw_demand){ .cpus = cpus };
    r->end = end;
    assert_int_equal (aw_pool_take (&p->pool, node, &r->demand, &r->cpus, &r->gpus), 0);
    aw_running_link (&p->running, r);
}

static void what_never_fits_is_reserved_nowhere (void **state)
{
    struct aw_demand wide = { .cpus = 9 };
    struct aw_reservation res = { 0 };
    struct place p;

    (void)state;
    place_init (&p);
    assert_false (aw_reservation_make (
        &res, NULL, &(struct aw_forecast_query){ &p.pool, &p.running, 0, &wide, 0 }));
    assert_false (res.active);
    aw_reservation_finish (&res);
    place_finish (&p);
}

static void the_node_that_is_free_first_is_reserved (void **state)
{
    struct aw_demand wide = { .cpus = 6 }, one = { .cpus = 1 }, two = { .cpus = 2 },
                     three = { .cpus = 3 };
    struct aw_reservation res = { 0 };
    struct place p;

    (void)state;
    place_init (&p);
    run (&p, 0, 4, 100);
    run (&p, 0, 4, 50);
    run (&p, 1, 3, 30);
    run (&p, 1, 3, 70);
    run (&p, 1, 2, 10);
    assert_true (aw_reservation_make (
        &res, NULL, &(struct aw_forecast_query){ &p.pool, &p.running, 3, &wide, 5 }));
    /* n1 has 6 at 100; n2 has 2 at 10, 5 at 30, 8 at 70. */
    assert_int_equal (res.nodes[0].node, 1);
    assert_int_equal (res.shape, 3);
    assert_true (res.t == 70);
    assert_int_equal (res.nodes[0].spare.cpus, 2);
    assert_true (aw_reservation_allows (&res, 1, &three, 5, 65)); /* over by then */
    assert_false (aw_reservation_allows (&res, 1, &three, 5, 66));
    assert_false (aw_reservation_allows (&res, 1, &three, 5, NAN));
    assert_true (aw_reservation_allows (&res, 1, &two, 5, NAN)); /* fits beside */
    assert_true (aw_reservation_allows (&res, 1, &one, 5, 1000));
    aw_reservation_finish (&res);
    place_finish (&p);
}

static void unknown_and_overdue_ends_count_as_late (void **state)
{
    struct aw_demand wide = { .cpus = 8 }, one = { .cpus = 1 };
    struct aw_reservation res = { 0 };
    struct place p;

    (void)state;
    place_init (&p);
    run (&p, 0, 2, INFINITY);
    run (&p, 1, 2, INFINITY);
    run (&p, 1, 2, 3);
    assert_true (aw_reservation_make (
        &res, NULL, &(struct aw_forecast_query){ &p.pool, &p.running, 0, &wide, 5 }));
    assert_int_equal (res.nodes[0].node, 0);
    assert_true (isinf (res.t));
    assert_false (
        aw_reservation_allows (&res, 0, &one, 5, 0.001)); /* however short: nobody knows when */
    aw_reservation_finish (&res);
    place_finish (&p);

    place_init (&p);
    run (&p, 0, 2, 3); /* should be over by now */
    run (&p, 1, 2, 9);
    assert_true (aw_reservation_make (
        &res, NULL, &(struct aw_forecast_query){ &p.pool, &p.running, 0, &wide, 5 }));
    assert_int_equal (res.nodes[0].node, 0);
    assert_true (res.t == 5);
    assert_false (aw_reservation_allows (&res, 0, &one, 5, 0.001));
    aw_reservation_finish (&res);
    place_finish (&p);
}

/* The upward rank along the paper's DeepDriveMD, by hand. */
static void the_remaining_path_is_that_computed_by_hand (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    double seconds[4] = { 340, 85, 62.5, 37.5 }, remaining[12];

    (void)state;
    aw_priority_remaining (g, seconds, remaining);
    assert_true (fabs (remaining[0] - (3 * 340 + 85 + 62.5 + 37.5)) < 1e-9);
    assert_true (fabs (remaining[1] - 185) < 1e-9);
    assert_true (fabs (remaining[8] - 525) < 1e-9);
    assert_true (fabs (remaining[11] - 37.5) < 1e-9);
    seconds[1] = NAN; /* the mean of the others: 440 / 3 */
    aw_priority_remaining (g, seconds, remaining);
    assert_true (fabs (remaining[9] - (440.0 / 3 + 100)) < 1e-9);
    seconds[0] = seconds[2] = seconds[3] = NAN; /* counted in tasks */
    aw_priority_remaining (g, seconds, remaining);
    assert_true (fabs (remaining[0] - 6) < 1e-9);
    aw_graph_destroy (g);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_never_fits_is_reserved_nowhere),
        cmocka_unit_test (the_node_that_is_free_first_is_reserved),
        cmocka_unit_test (unknown_and_overdue_ends_count_as_late),
        cmocka_unit_test (the_remaining_path_is_that_computed_by_hand),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
