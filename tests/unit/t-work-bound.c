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
#include "model/bounds.h"
#include "model/plan_search.h"
#include "model/predict.h"
#include "model/work_bound.h"

#define NEAR(value, want) assert_true (fabs ((value) - (want)) < 1e-6)

static struct aw_allocation nodes (uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_allocation a = { 0 };

    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ n, cpus, gpus, 0 }, NULL), 0);
    return a;
}

/* Shares of GPUs, and sets of all tasks at once, are not what these are about: 4 sets by hand. */
static void bounds_by_hand (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_allocation a = nodes (1, 4, 0), two = nodes (2, 4, 0), mixed = nodes (1, 4, 0);

    (void)state;
    /* before 10 s, then 8 tasks of 3 CPUs, of which a node holds one at a time; then 5 s */
    graphs_set (g, "first", 1, 1, 0, 10);
    graphs_set (g, "wide", 4, 3, 0, 6);
    graphs_set (g, "other", 4, 3, 0, 4);
    graphs_set (g, "last", 1, 1, 0, 5);
    graphs_edge (g, "wide", "first", 0, 0);
    graphs_edge (g, "other", "first", 0, 0);
    graphs_edge (g, "last", "wide", 0, 0);
    graphs_edge (g, "last", "other", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    NEAR (aw_work_bound (g, &a, 0), 10 + 40 + 5);
    NEAR (aw_work_bound (g, &two, 0), 10 + 20 + 5);
    NEAR (aw_work_bound (g, &a, 1), 10 + 1 + 40 + 1 + 5);
    /* on nodes that differ CPUs are counted as they are: 120 CPU seconds of 12 CPUs */
    assert_int_equal (aw_allocation_add (&mixed, (struct aw_node_shape){ 1, 8, 0, 0 }, NULL), 0);
    NEAR (aw_work_bound (g, &mixed, 0), 10 + 12 + 5); /* three tasks of "wide" at a time: 2 turns */
    aw_allocation_finish (&a);
    aw_allocation_finish (&two);
    aw_allocation_finish (&mixed);
    aw_graph_destroy (g);
}

/* An edge by index lets the next set begin before all is done. */
static void edges_by_index_do_not_wait_for_the_set (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_allocation a = nodes (1, 2, 0);

    (void)state;
    graphs_set (g, "a", 4, 1, 0, 10);
    graphs_set (g, "b", 4, 1, 0, 1);
    graphs_edge (g, "b", "a", 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    NEAR (aw_work_bound (g, &a, 0), 22); /* 44 CPU seconds */
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

static void large_graphs_have_none (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_allocation a = nodes (16, 168, 6);

    (void)state;
    NEAR (aw_work_bound (g, &a, 0), 1205);
    g->iterations = AW_WORK_MAX_INSTANCES;
    NEAR (aw_work_bound (g, &a, 0), 0);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* The shortest makespan that any policy reaches, or a short search. */
static double shortest (const struct aw_graph *g,
                        const struct aw_allocation *a,
                        double latency,
                        uint32_t evaluations)
{
    struct aw_conditions conditions = { .latency = latency };
    struct aw_found_plan plan = { 0 };
    struct aw_comparison c;
    double t;

    assert_int_equal (aw_predict_best (g, a, &conditions, &c, NULL), 0);
    t = c.trials[c.best].t;
    if (evaluations && aw_candidates[c.best].config.mode == AW_MODE_ASYNC) {
        struct aw_search search = { &aw_candidates[c.best].config, 0, evaluations };

        assert_int_equal (aw_plan_search (&plan, g, a, &conditions, &search, NULL), 0);
        t = fmin (t, plan.t);
    }
    aw_plan_finish (&plan);
    return t;
}

/* Few tasks on few CPUs, so that a search finds the optimum or comes close. */
static struct aw_graph *small_graph (uint64_t *seed, uint32_t cpus, uint32_t gpus)
{
    struct aw_graph *g = aw_graph_create ();
    uint32_t n = 2 + graphs_below (seed, 5);
    char name[16], pred[16];

    g->iterations = 1 + graphs_below (seed, 2);
    g->iterated = g->iterations > 1;
    for (uint32_t s = 0; s < n; s++) {
        snprintf (name, sizeof (name), "s%u", s);
        graphs_set (g, name, 1 + graphs_below (seed, 3), 1 + graphs_below (seed, cpus),
                    gpus ? graphs_below (seed, gpus + 1) : 0, 1 + graphs_below (seed, 20));
        for (uint32_t p = 0; p < s; p++) {
            snprintf (pred, sizeof (pred), "s%u", p);
            if (graphs_below (seed, 3) == 0)
                graphs_edge (g, name, pred, 0,
                             g->sets[p].count == g->sets[s].count && graphs_below (seed, 2));
            else if (graphs_below (seed, 6) == 0)
                graphs_edge (g, name, pred, 1, 0);
        }
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void check (struct aw_graph *g,
                   struct aw_allocation *a,
                   double latency,
                   uint32_t evaluations,
                   double sum[3])
{
    double bound = aw_work_bound (g, a, latency), best = shortest (g, a, latency, evaluations);
    struct aw_bounds b;

    assert_int_equal (aw_bounds_init (&b, g, a, latency, NULL), 0);
    if (bound > best * (1 + 1e-9))
        print_message ("# a bound of %.3f, but a makespan of %.3f\n", bound, best);
    assert_true (bound > 0 && bound <= best * (1 + 1e-9));
    sum[0] += best / b.lower;
    sum[1] += best / fmax (b.lower, bound);
    sum[2]++;
    aw_bounds_finish (&b);
    aw_allocation_finish (a);
    aw_graph_destroy (g);
}

static void no_makespan_is_below_the_bound (void **state)
{
    enum { SMALL = 2000, LAYERED = 300 };
    double small[3] = { 0 }, layered[3] = { 0 };
    uint64_t seed = 99;

    (void)state;
    for (int i = 0; i < SMALL; i++) {
        uint32_t cpus = 1 + graphs_below (&seed, 6), gpus = graphs_below (&seed, 3);
        struct aw_allocation a = nodes (1 + graphs_below (&seed, 3), cpus, gpus);

        if (graphs_below (&seed, 4) == 0)
            assert_int_equal (
                aw_allocation_add (&a, (struct aw_node_shape){ 1, cpus + 2, gpus, 0 }, NULL), 0);
        check (small_graph (&seed, cpus, gpus), &a, i % 3 ? 0 : 0.5, 10, small);
    }
    for (int i = 0; i < LAYERED; i++) {
        uint32_t cpus = 4 + graphs_below (&seed, 60), gpus = graphs_below (&seed, 7);
        struct aw_graph *g = graphs_layered (&seed, cpus, gpus);
        struct aw_allocation a = nodes (1 + graphs_below (&seed, 5), cpus, gpus);

        check (g, &a, 0, 0, layered);
    }
    print_message ("# small graphs: shortest makespan over path and area %.4f, over all %.4f\n",
                   small[0] / small[2], small[1] / small[2]);
    print_message ("# layered graphs: best policy over path and area %.4f, over all %.4f\n",
                   layered[0] / layered[2], layered[1] / layered[2]);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (bounds_by_hand),
        cmocka_unit_test (edges_by_index_do_not_wait_for_the_set),
        cmocka_unit_test (large_graphs_have_none),
        cmocka_unit_test (no_makespan_is_below_the_bound),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
