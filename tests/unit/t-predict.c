/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "graphs.h"
#include "model/predict.h"
#include "model/simulate.h"

#define NEAR(value, want) assert_true (fabs ((value) - (want)) < 0.1)
#define CLOSE(value, want) assert_true (fabs ((value) - (want)) < 0.001)

static struct aw_allocation nodes (uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_allocation a = { 0 };

    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ n, cpus, gpus, 0 }, NULL), 0);
    return a;
}

static double time_of (const struct aw_prediction *p, const char *name)
{
    return p->comparison.trials[aw_candidate_find (name)].t;
}

static void wrong_arguments_are_refused (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_allocation none = { 0 }, small = nodes (4, 16, 4);
    struct aw_comparison comparison;
    struct aw_prediction p;
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_candidate_find (NULL), -1);
    assert_int_equal (aw_candidate_find ("lifo"), -1);
    assert_int_equal (aw_prediction_init (&p, NULL, &small, NULL, &err), -1);
    assert_int_equal (aw_prediction_init (&p, g, &none, NULL, &err), -1);
    assert_int_equal (aw_prediction_init (&p, g, &small, NULL, &err), -1);
    assert_non_null (strstr (err.text, "tasks.aggregate: a task needs 32 CPUs"));
    assert_int_equal (aw_predict_best (g, &small, NULL, &comparison, &err), -1);
    g->sets[2].duration = NAN;
    assert_int_equal (aw_prediction_init (&p, g, &small, NULL, &err), -1);
    assert_non_null (strstr (err.text, "tasks.train"));
    aw_prediction_finish (&p);
    aw_allocation_finish (&small);
    aw_graph_destroy (g);
}

static void the_talk_takes_the_time_computed_by_hand (void **state)
{
    struct aw_graph *g = graphs_talk ();
    struct aw_allocation a = nodes (1, 8, 0);
    struct aw_prediction p;

    (void)state;
    assert_int_equal (aw_prediction_init (&p, g, &a, NULL, NULL), 0);
    assert_int_equal (p.degrees.doa_dep, 1);
    assert_int_equal (p.degrees.wla, 1);
    NEAR (p.t_seq, 7500);
    NEAR (p.t_async, 5500);
    CLOSE (p.improvement, 0.267);
    NEAR (p.bounds.serial_sum, 10500);
    NEAR (p.bounds.critical_path, 5500);
    NEAR (time_of (&p, "fifo"), 5500);
    NEAR (time_of (&p, "sequential"), 7500);
    assert_int_equal (p.comparison.best, 0);
    assert_string_equal (aw_candidates[0].name, "longest-path");
    CLOSE (p.comparison.trials[0].node_hours, 5500.0 / 3600);
    CLOSE (p.comparison.trials[0].cpu_share, 10500.0 / 8 / 5500);
    aw_prediction_finish (&p);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* 16 nodes of Summit. */
static void the_paper_takes_the_time_computed_by_hand (void **state)
{
    struct {
        struct aw_graph *g;
        uint64_t doa_dep, doa_res, wla;
        double t_seq, t_async, improvement;
    } rows[] = {
        { graphs_c_dg1 (), 2, 2, 2, 1875.8, 1875.8, 0.000 },
        { graphs_c_dg2 (), 2, 2, 2, 1769.0, 1307.5, 0.261 },
        { graphs_ddmd (0), 2, 1, 1, 1575.0, 1232.5, 0.217 },
        { graphs_ddmd (1), 0, 0, 0, 1575.0, 1575.0, 0.000 },
    };
    struct aw_allocation a = nodes (16, 168, 6);

    (void)state;
    for (size_t i = 0; i < sizeof (rows) / sizeof (rows[0]); i++) {
        struct aw_prediction p;

        assert_int_equal (aw_prediction_init (&p, rows[i].g, &a, NULL, NULL), 0);
        assert_int_equal (p.degrees.doa_dep, rows[i].doa_dep);
        assert_int_equal (p.degrees.doa_res, rows[i].doa_res);
        assert_int_equal (p.degrees.wla, rows[i].wla);
        NEAR (p.t_seq, rows[i].t_seq);
        NEAR (time_of (&p, "longest-path"), rows[i].t_async);
        assert_true (p.t_async <= rows[i].t_async + 0.1);
        NEAR (p.t_async, rows[i].t_async);
        CLOSE (p.improvement, rows[i].improvement);
        aw_prediction_finish (&p);
        aw_graph_destroy (rows[i].g);
    }
    aw_allocation_finish (&a);
}

/* Each dependency on the way costs the latency. */
static void a_latency_adds_to_each_start (void **state)
{
    struct aw_graph *g = graphs_c_dg1 ();
    struct aw_allocation a = nodes (16, 168, 6);
    struct aw_predict_options options = { .conditions.latency = 7 };
    struct aw_prediction p;

    (void)state;
    assert_int_equal (aw_prediction_init (&p, g, &a, &options, NULL), 0);
    NEAR (p.t_seq, 1875.8 + 3 * 7);
    NEAR (p.t_async, 1875.8 + 3 * 7);
    NEAR (p.bounds.critical_path, 1875.8 + 3 * 7);
    aw_prediction_finish (&p);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* On 300 random layered graphs of CPU and GPU sets: the choice is as good as any candidate, and no
 * candidate beats a bound. Prints the makespans over the larger of critical path and area bound.
 */
static void the_best_policy_is_found (void **state)
{
    enum { ROUNDS = 300 };
    double sum[AW_CANDIDATES_MAX + 1] = { 0 }, worst[AW_CANDIDATES_MAX + 1] = { 0 };
    uint64_t seed = 99;

    (void)state;
    assert_in_range (aw_n_candidates, 3, AW_CANDIDATES_MAX);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t cpus = 4 + graphs_below (&seed, 60), gpus = graphs_below (&seed, 7);
        struct aw_graph *g = graphs_layered (&seed, cpus, gpus);
        struct aw_allocation a = nodes (1 + graphs_below (&seed, 5), cpus, gpus);
        struct aw_prediction p;

        assert_int_equal (aw_prediction_init (&p, g, &a, NULL, NULL), 0);
        for (uint32_t i = 0; i <= aw_n_candidates; i++) {
            double t = i < aw_n_candidates ? p.comparison.trials[i].t : p.t_async;
            double ratio = t / fmax (p.bounds.critical_path, p.bounds.area);

            assert_true (i == aw_n_candidates || p.comparison.tried[i]);
            assert_true (p.t_async <= t * (1 + 1e-9));
            assert_true (t >= p.bounds.lower * (1 - 1e-12));
            sum[i] += ratio;
            worst[i] = fmax (worst[i], ratio);
        }
        assert_true (p.improvement >= -1e-9);
        aw_prediction_finish (&p);
        aw_allocation_finish (&a);
        aw_graph_destroy (g);
    }
    for (uint32_t i = 0; i <= aw_n_candidates; i++)
        print_message ("# %-12s makespan over bound: mean %.4f, worst %.3f\n",
                       i < aw_n_candidates ? aw_candidates[i].name : "auto", sum[i] / ROUNDS,
                       worst[i]);
    assert_true (sum[aw_n_candidates] < 0.98 * sum[0]); /* the choice is worth its time */
}

struct patience {
    uint32_t left;
};

static bool while_patient (void *arg)
{
    struct patience *patience = arg;

    return patience->left > 0 && patience->left-- > 0;
}

/* Time runs out between candidates, and within one. */
static void a_prediction_may_be_cut_short (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_allocation a = nodes (2, 8, 0);
    struct patience patience;
    struct aw_conditions conditions = { .go_on = while_patient, .arg = &patience };
    struct aw_comparison c;

    (void)state;
    graphs_set (g, "many", 3 * AW_SIMULATE_STRIDE, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    patience.left = 0;
    assert_int_equal (aw_predict_best (g, &a, &conditions, &c, NULL), 0);
    assert_false (c.tried[0]);
    assert_int_equal (c.best, 0);
    patience.left = 3; /* the default alone: then nothing is left for a second */
    assert_int_equal (aw_predict_best (g, &a, &conditions, &c, NULL), 0);
    assert_true (c.tried[0]);
    assert_false (c.tried[1]);
    patience.left = 5; /* into the second */
    assert_int_equal (aw_predict_best (g, &a, &conditions, &c, NULL), 0);
    assert_true (c.tried[0]);
    assert_false (c.tried[1]);
    patience.left = 1000;
    assert_int_equal (aw_predict_best (g, &a, &conditions, &c, NULL), 0);
    assert_true (c.tried[aw_n_candidates - 1]);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

static void intervals_are_of_the_best_order (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_allocation a = nodes (16, 168, 6);
    struct aw_spread spread;
    struct aw_predict_options options = { .spread = &spread, .seeds = 25 };
    struct aw_prediction p, again;

    (void)state;
    assert_int_equal (aw_spread_init (&spread, g, NULL, 0.1, NULL), 0);
    assert_int_equal (aw_prediction_init (&p, g, &a, &options, NULL), 0);
    assert_int_equal (aw_prediction_init (&again, g, &a, &options, NULL), 0);
    assert_int_equal (p.seeds, 25);
    assert_true (p.t_async_interval.low < p.t_async_interval.median);
    assert_true (p.t_async_interval.median < p.t_async_interval.high);
    /* 96 tasks of which the longest counts, three times */
    assert_true (p.t_async_interval.low > 1205);
    assert_true (p.t_async_interval.high < p.t_seq_interval.low);
    assert_true (p.t_async_interval.low == again.t_async_interval.low);
    assert_true (p.t_async_interval.median == again.t_async_interval.median);
    assert_true (p.t_async_interval.high == again.t_async_interval.high);
    aw_prediction_finish (&again);
    aw_prediction_finish (&p);
    options.seeds = 0; /* as many as the workflow is worth */
    assert_int_equal (aw_prediction_init (&p, g, &a, &options, NULL), 0);
    assert_int_equal (p.seeds, 99);
    aw_prediction_finish (&p);
    aw_spread_finish (&spread);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (the_talk_takes_the_time_computed_by_hand),
        cmocka_unit_test (the_paper_takes_the_time_computed_by_hand),
        cmocka_unit_test (a_latency_adds_to_each_start),
        cmocka_unit_test (the_best_policy_is_found),
        cmocka_unit_test (a_prediction_may_be_cut_short),
        cmocka_unit_test (intervals_are_of_the_best_order),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
