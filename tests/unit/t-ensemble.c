/* SPDX-License-Identifier: Apache-2.0 */
/* Spread durations, and the intervals that come from them. The last tests are of calibration: how
 * many of 200 simulated runs lie in the interval that was predicted for 90% of them. t-ensemble
 * 1000 does it with more.
 */
#include <errno.h>
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
#include "model/ensemble.h"
#include "model/predict.h"
#include "model/simulate.h"

#define NEAR(value, want) assert_true (fabs ((value) - (want)) < 0.1)

static struct aw_allocation nodes (uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_allocation a = { 0 };

    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ n, cpus, gpus, 0 }, NULL), 0);
    return a;
}

/* Mean and standard deviation of the seconds of TASK over its mean, by seed. */
static void moments (
    struct aw_spread *s, const struct aw_graph *g, uint32_t task, double *mean, double *deviation)
{
    enum { N = 20000 };
    double sum = 0, squares = 0;

    for (uint32_t i = 0; i < N; i++) {
        double x = (aw_spread_seed (s, i), aw_spread_seconds (s, g, task, 0));

        sum += x;
        squares += x * x;
    }
    *mean = sum / N;
    *deviation = sqrt (squares / N - pow (sum / N, 2)) / *mean;
}

static void wrong_arguments_are_refused (void **state)
{
    struct aw_graph *g = graphs_talk ();
    struct aw_allocation none = { 0 }, a = nodes (1, 4, 0);
    struct aw_order order = { { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 }, NULL, 0 };
    struct aw_ensemble e = { 0 };
    struct aw_spread s;
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_spread_init (&s, g, NULL, NAN, &err), 0);
    assert_int_equal (aw_ensemble_init (&e, 5, g, &none, &order, &s, &err), -1);
    assert_null (e.t);
    assert_int_equal (aw_ensemble_init (&e, 0, g, &a, &order, &s, &err), 0);
    assert_true (isnan (aw_interval_of (e.t, e.n).median));
    assert_true (isnan (aw_ensemble_within (&e, 1)));
    aw_ensemble_finish (&e);
    aw_ensemble_finish (&e);
    aw_spread_finish (&s);
    aw_spread_finish (&s);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

static void quantiles_are_those_of_one_more_value (void **state)
{
    double four[] = { 4, 1, 3, 2 }, nineteen[19];
    struct aw_ensemble e = { four, 4 };

    (void)state;
    NEAR (aw_quantile (four, 4, 0), 1);
    NEAR (aw_quantile (four, 4, 0.5), 2.5);
    NEAR (aw_quantile (four, 4, 0.4), 2);
    NEAR (aw_quantile (four, 4, 1), 4);
    assert_true (isnan (aw_quantile (four, 0, 0.5)));
    for (int i = 0; i < 19; i++)
        nineteen[i] = 19 - i;
    NEAR (aw_interval_of (nineteen, 19).low, 1);
    NEAR (aw_interval_of (nineteen, 19).median, 10);
    NEAR (aw_interval_of (nineteen, 19).high, 19);
    NEAR (aw_ensemble_within (&e, 0.9), 0);
    NEAR (aw_ensemble_within (&e, 3), 0.75);
    NEAR (aw_ensemble_within (&e, 5), 1);
}

/* The number of simulations depends on the workflow alone. */
static void large_workflows_are_simulated_less_often (void **state)
{
    struct aw_graph *g = graphs_talk ();

    (void)state;
    assert_int_equal (aw_ensemble_size (g, 1), 99);
    g->n_tasks = 1000;
    assert_int_equal (aw_ensemble_size (g, 1), 20);
    assert_int_equal (aw_ensemble_size (g, 1e6), 99);
    g->n_tasks = 1200;
    assert_int_equal (aw_ensemble_size (g, 1), 0);
    g->n_tasks = 20000;
    assert_int_equal (aw_ensemble_size (g, 1e6), 20);
    g->n_tasks = 30000;
    assert_int_equal (aw_ensemble_size (g, 1e6), 0);
    aw_graph_destroy (g);
}

static void declared_means_and_spreads_are_met (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_spread s;
    double mean, deviation;

    (void)state;
    g->sets[0].spread = 0.3;
    g->sets[1].spread = 0;
    assert_int_equal (aw_spread_init (&s, g, NULL, NAN, NULL), 0);
    assert_int_equal (aw_spread_count (&s, AW_SPREAD_DECLARED), 2);
    assert_int_equal (aw_spread_count (&s, AW_SPREAD_ASSUMED), 2);
    moments (&s, g, 0, &mean, &deviation);
    assert_true (fabs (mean / 340 - 1) < 0.01);
    assert_true (fabs (deviation - 0.3) < 0.02);
    NEAR (aw_spread_seconds (&s, g, 96, 0), 85);
    /* of the others, tasks do not vary among each other, but their mean is uncertain */
    moments (&s, g, 113, &mean, &deviation);
    assert_true (fabs (mean / 37.5 - 1) < 0.005);
    assert_true (fabs (deviation - 0.1) < 0.005);
    assert_true (aw_spread_seconds (&s, g, 113, 0) == aw_spread_seconds (&s, g, 114, 0));
    aw_spread_finish (&s);
    /* one number for all */
    assert_int_equal (aw_spread_init (&s, g, NULL, 0.1, NULL), 0);
    assert_int_equal (aw_spread_count (&s, AW_SPREAD_DECLARED), 4);
    moments (&s, g, 0, &mean, &deviation);
    assert_true (fabs (deviation - 0.1) < 0.005);
    aw_spread_finish (&s);
    aw_graph_destroy (g);
}

/* Many samples keep their shape and their mean; few leave the mean uncertain; a set without samples
 * varies as the others do.
 */
static void samples_say_what_they_know (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_samples samples = { 0 };
    struct aw_spread s;
    double mean, many, few;
    uint32_t low = 0;

    (void)state;
    assert_true (isnan (aw_samples_mean (&samples, 0)));
    for (int i = 0; i < 100; i++)
        assert_int_equal (aw_samples_add (&samples, 0, i % 2 ? 100 : 200), 0);
    NEAR (aw_samples_mean (&samples, 0), 150);
    assert_true (isnan (aw_samples_mean (&samples, 3)));
    assert_int_equal (aw_samples_add (&samples, 2, 60), 0);
    assert_int_equal (aw_spread_init (&s, g, &samples, NAN, NULL), 0);
    assert_int_equal (aw_spread_count (&s, AW_SPREAD_SAMPLED), 2);
    moments (&s, g, 0, &mean, &many);
    assert_true (fabs (mean / 150 - 1) < 0.02);
    for (uint32_t i = 0; i < 96; i++) { /* two humps, nothing between */
        double seconds = aw_spread_seconds (&s, g, i, 0);

        low += seconds < 120;
        assert_true (seconds < 130 || seconds > 160);
    }
    assert_in_range (low, 30, 66);
    moments (&s, g, 112, &mean, &few); /* one sample of 60 s: both unknowns count */
    assert_true (few > many * 1.3);
    moments (&s, g, 113, &mean, &few);
    assert_true (fabs (mean / 37.5 - 1) < 0.02);
    assert_true (few > 0.3 && few < 0.45);
    aw_spread_finish (&s);
    aw_samples_finish (&samples);
    aw_graph_destroy (g);
}

/* Milliseconds say how starts vary: sets of longer tasks are not taken as wild for that. */
static void short_tasks_say_nothing_of_others (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_samples samples = { 0 };
    struct aw_spread s;
    double mean, deviation;

    (void)state;
    for (int i = 0; i < 60; i++) {
        assert_int_equal (aw_samples_add (&samples, 0, i % 2 ? 0.001 : 0.03), 0);
        assert_int_equal (aw_samples_add (&samples, 1, i % 2 ? 90 : 110), 0);
    }
    assert_int_equal (aw_samples_add (&samples, 2, 60), 0);
    assert_int_equal (aw_spread_init (&s, g, &samples, NAN, NULL), 0);
    assert_true (s.sets[2].deviation < 0.11);
    moments (&s, g, 113, &mean, &deviation);
    assert_true (deviation < 0.2);
    NEAR (aw_spread_variation (&s, 3), deviation);
    aw_spread_finish (&s);
    aw_samples_finish (&samples);
    aw_graph_destroy (g);
}

/* The truth that predictions are compared with has numbers of its own. */
struct truth {
    const struct aw_graph *graph;
    const double *mean, *variation; /* by set */
    uint64_t random;
};

static double draw (struct truth *t, uint32_t set)
{
    double u = (graphs_below (&t->random, 1 << 24) + 1.0) / (1 << 24);
    double v = (graphs_below (&t->random, 1 << 24) + 1.0) / (1 << 24);
    double variance = log1p (t->variation[set] * t->variation[set]);

    return t->mean[set]
           * exp (sqrt (variance) * sqrt (-2 * log (u)) * cos (2 * M_PI * v) - variance / 2);
}

static double true_seconds (void *arg, const struct aw_event *start)
{
    struct truth *t = arg;

    return draw (t, aw_graph_task (t->graph, start->task).set);
}

static double run (struct truth *t, const struct aw_allocation *a, const struct aw_order *order)
{
    struct aw_sched *sched = aw_sched_create (t->graph, &order->config, NULL);
    struct aw_simulation sim = { .seconds = true_seconds, .arg = t };
    struct aw_simulated result;

    assert_int_equal (aw_allocation_join (a, sched, NULL), 0);
    assert_int_equal (aw_sched_check (sched, NULL), 0);
    assert_int_equal (aw_trial_follow (sched, order->plan, NULL), 0);
    assert_int_equal (aw_simulate (sched, &sim, &result, NULL), 0);
    aw_sched_destroy (sched);
    return result.end;
}

enum { SETS = 64 };

/* What a calibration predicts with. */
enum knowledge {
    DECLARED, /* the workflow's spread */
    EARLIER, /* an earlier run of the same sets, of another length */
    PLANNED, /* the same, in the order of a plan that was made with its means */
};

/* A plan for what is known. */
static void search (struct aw_found_plan *plan,
                    const struct aw_graph *g,
                    const struct aw_allocation *a,
                    const struct aw_order *order)
{
    const struct aw_predict_options options = { .evaluations = 20 };
    struct aw_way way = { .config = &order->config };
    struct aw_trial trial;

    assert_int_equal (aw_trial_run (g, a, &order->config, NULL, &trial, NULL), 0);
    way.t = trial.t;
    assert_int_equal (aw_predict_plan (plan, g, a, &options, &way, NULL), 0);
}

/* Does the interval that is predicted for 90% of the runs of a random workflow contain one? */
static int contains (uint64_t *seed, enum knowledge known)
{
    bool earlier = known != DECLARED;

    enum { SEEDS = 19 }; /* their extremes enclose 90% */
    uint32_t cpus = 4 + graphs_below (seed, 60), gpus = graphs_below (seed, 7);
    struct aw_graph *g = graphs_layered (seed, cpus, gpus);
    struct aw_allocation a = nodes (1 + graphs_below (seed, 5), cpus, gpus);
    struct aw_found_plan plan = { 0 };
    struct aw_order order = { { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 }, &plan, 0 };
    struct aw_samples samples = { 0 };
    double mean[SETS], variation[SETS], made;
    struct truth truth = { g, mean, variation, graphs_random (seed) };
    struct aw_ensemble e;
    struct aw_spread s;
    struct aw_interval i;

    assert_in_range (g->n_sets, 1, SETS);
    for (uint32_t set = 0; set < g->n_sets; set++) {
        mean[set] = g->sets[set].duration;
        variation[set] = 0.05 + 0.01 * graphs_below (seed, 50);
        if (!earlier)
            g->sets[set].spread = variation[set];
        for (uint32_t n = earlier ? 1 + graphs_below (seed, 2 * g->sets[set].count) : 0; n > 0; n--)
            assert_int_equal (aw_samples_add (&samples, set, draw (&truth, set)), 0);
        if (earlier)
            g->sets[set].duration = aw_samples_mean (&samples, set);
    }
    if (known == PLANNED)
        search (&plan, g, &a, &order);
    assert_int_equal (aw_spread_init (&s, g, earlier ? &samples : NULL, NAN, NULL), 0);
    assert_int_equal (aw_ensemble_init (&e, SEEDS, g, &a, &order, &s, NULL), 0);
    i = aw_interval_of (e.t, e.n);
    made = run (&truth, &a, &order);
    aw_ensemble_finish (&e);
    aw_plan_finish (&plan);
    aw_spread_finish (&s);
    aw_samples_finish (&samples);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
    return made >= i.low && made <= i.high;
}

static uint32_t runs = 200; /* of each calibration; the command line can give more */

static void check_calibration (enum knowledge known, uint32_t n)
{
    uint64_t seed = known == DECLARED ? 3 : 5;
    uint32_t inside = 0;

    for (uint32_t i = 0; i < n; i++)
        inside += (uint32_t)contains (&seed, known);
    print_message ("# %u of %u runs lie in the interval predicted for 90%%\n", inside, n);
    assert_in_range (inside, 0.85 * n, (n < 1000 ? 0.97 : 0.95) * n);
}

static void intervals_from_declared_spreads_hold_90_percent (void **state)
{
    (void)state;
    check_calibration (DECLARED, runs);
}

static void intervals_from_earlier_runs_hold_90_percent (void **state)
{
    (void)state;
    check_calibration (EARLIER, runs);
}

static void intervals_of_plans_hold_90_percent (void **state)
{
    (void)state;
    check_calibration (PLANNED, runs >= 1000 ? runs : runs / 2);
}

int main (int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (quantiles_are_those_of_one_more_value),
        cmocka_unit_test (large_workflows_are_simulated_less_often),
        cmocka_unit_test (declared_means_and_spreads_are_met),
        cmocka_unit_test (samples_say_what_they_know),
        cmocka_unit_test (short_tasks_say_nothing_of_others),
        cmocka_unit_test (intervals_from_declared_spreads_hold_90_percent),
        cmocka_unit_test (intervals_from_earlier_runs_hold_90_percent),
        cmocka_unit_test (intervals_of_plans_hold_90_percent),
    };

    if (argc > 1)
        runs = (uint32_t)strtoul (argv[1], NULL, 10);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
