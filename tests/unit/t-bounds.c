/* SPDX-License-Identifier: Apache-2.0 */
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
#include "model/bounds.h"
#include "model/trial.h"

#define NEAR(value, want) assert_true (fabs ((value) - (want)) < 0.1)

static struct aw_allocation nodes (uint32_t n, uint32_t cpus, uint32_t gpus, uint64_t mem)
{
    struct aw_allocation a = { 0 };

    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ n, cpus, gpus, mem }, NULL),
                      0);
    return a;
}

static void wrong_arguments_are_refused (void **state)
{
    struct aw_graph *g = graphs_talk ();
    struct aw_allocation none = { 0 }, a = nodes (1, 4, 0, 0);
    struct aw_bounds b;
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_bounds_init (&b, NULL, &a, 0, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_bounds_init (&b, g, &none, 0, &err), -1);
    g->sets[3].duration = NAN;
    assert_int_equal (aw_bounds_init (&b, g, &a, 0, &err), -1);
    assert_string_equal (err.text, "tasks.T3: unknown duration");
    aw_bounds_finish (&b);
    aw_bounds_finish (&b);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* "T0 T2 T5", with iterations "simulate@0 ...". */
static void check_path (const struct aw_graph *g, const struct aw_bounds *b, const char *want)
{
    char text[256] = "";

    for (uint32_t i = 0; i < b->n_path; i++) {
        size_t length = strlen (text);

        snprintf (text + length, sizeof (text) - length, g->iterated ? "%s%s@%u" : "%s%s",
                  i ? " " : "", g->sets[b->path[i] % g->n_sets].name, b->path[i] / g->n_sets);
    }
    assert_string_equal (text, want);
}

static void the_bounds_of_the_talk_are_those_computed_by_hand (void **state)
{
    struct aw_graph *g = graphs_talk ();
    struct aw_allocation a = nodes (1, 2, 0, 0);
    struct aw_bounds b;

    (void)state;
    assert_int_equal (aw_bounds_init (&b, g, &a, 0, NULL), 0);
    NEAR (b.critical_path, 5500);
    check_path (g, &b, "T0 T1 T3 T4");
    NEAR (b.wave_path, 5500);
    NEAR (b.serial_sum, 10500);
    NEAR (b.t_seq_formula, 7500);
    NEAR (b.area, 5250);
    NEAR (b.area_gpus, 0);
    NEAR (b.lower, 5500);
    aw_bounds_finish (&b);
    assert_int_equal (aw_bounds_init (&b, g, &a, 10, NULL), 0);
    NEAR (b.critical_path, 5530);
    NEAR (b.t_seq_formula, 7530);
    aw_bounds_finish (&b);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

static void the_bounds_of_the_paper_are_those_computed_by_hand (void **state)
{
    struct {
        struct aw_graph *g;
        double path, area_gpus, t_seq;
        const char *sets;
    } rows[] = {
        { graphs_c_dg1 (), 766.4 + 235.0 + 152.6 + 721.8, 766.4 + 721.8, 1875.8, "T0 T2 T5 T7" },
        { graphs_c_dg2 (), 384.5 + 153.8 + 769.2, 384.5 + 769.2, 1769.0, "T0 T1 T3" },
        { graphs_ddmd (0), 1205.0, 1134.45, 1575.0,
          "simulate@0 simulate@1 simulate@2 aggregate@2 train@2 infer@2" },
        { graphs_ddmd (1), 1575.0, 1134.45, 1575.0,
          "simulate@0 aggregate@0 train@0 infer@0 simulate@1 aggregate@1 train@1 infer@1 "
          "simulate@2 aggregate@2 train@2 infer@2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (rows) / sizeof (rows[0]); i++) {
        struct aw_allocation a = nodes (16, 168, 6, 0);
        struct aw_bounds b;

        assert_int_equal (aw_bounds_init (&b, rows[i].g, &a, 0, NULL), 0);
        NEAR (b.critical_path, rows[i].path);
        NEAR (b.wave_path, rows[i].path);
        NEAR (b.area_gpus, rows[i].area_gpus);
        NEAR (b.area, rows[i].area_gpus);
        NEAR (b.t_seq_formula, rows[i].t_seq);
        check_path (rows[i].g, &b, rows[i].sets);
        aw_bounds_finish (&b);
        aw_allocation_finish (&a);
        aw_graph_destroy (rows[i].g);
    }
}

/* Where not all tasks of a set fit at once it counts in waves; memory is counted where it is known.
 */
static void memory_limits_how_many_tasks_run_at_once (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_allocation a = nodes (2, 8, 0, 0), with_memory = nodes (2, 8, 0, 1000);
    struct aw_bounds b;

    (void)state;
    graphs_set (g, "wide", 5, 5, 0, 10)->mem = 600;
    graphs_set (g, "narrow", 4, 2, 0, 1)->mem = 600;
    graphs_edge (g, "narrow", "wide", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_bounds_init (&b, g, &a, 0, NULL), 0);
    NEAR (b.critical_path, 11);
    NEAR (b.wave_path, 31); /* two at a time: three waves; four at once: one */
    NEAR (b.t_seq_formula, 31);
    NEAR (b.area_cpus, (5 * 5 * 10 + 4 * 2 * 1) / 16.0);
    NEAR (b.area_mem, 0);
    aw_bounds_finish (&b);
    assert_int_equal (aw_bounds_init (&b, g, &with_memory, 0, NULL), 0);
    NEAR (b.wave_path, 32);
    NEAR (b.area_mem, (5 * 600 * 10 + 4 * 600) / 2000.0);
    aw_bounds_finish (&b);
    aw_allocation_finish (&a);
    aw_allocation_finish (&with_memory);
    aw_graph_destroy (g);
}

/* No simulated run is shorter than a bound; one task at a time is never shorter than stage after
 * stage; a graph of which all fits at once takes the formulas' times.
 */
static void no_simulated_run_is_shorter_than_its_bound (void **state)
{
    uint64_t seed = 4711;

    (void)state;
    for (int round = 0; round < 300; round++) {
        uint32_t cpus = 4 + graphs_below (&seed, 60), gpus = graphs_below (&seed, 7);
        struct aw_graph *g = graphs_layered (&seed, cpus, gpus);
        bool ample = round % 5 == 0;
        struct aw_allocation a = nodes (ample ? 5000 : 1 + graphs_below (&seed, 5), cpus, gpus, 0);
        double latency = round % 3 ? 0 : 2.5, t_seq = 0, t_async = 0;
        struct aw_conditions conditions = { .latency = latency };
        struct aw_bounds b;

        assert_int_equal (aw_bounds_init (&b, g, &a, latency, NULL), 0);
        for (uint32_t c = 0; c < aw_n_candidates; c++) {
            struct aw_trial o;

            assert_int_equal (aw_trial_run (g, &a, &aw_candidates[c].config, &conditions, &o, NULL),
                              0);
            assert_true (o.t >= b.lower * (1 - 1e-12));
            assert_true (latency > 0 || o.t <= b.serial_sum * (1 + 1e-12));
            assert_true (o.cpu_share <= 1 + 1e-12 && o.gpu_share <= 1 + 1e-12);
            assert_true (latency > 0
                         || fabs (o.cpu_share * o.t * a.cpus - b.cpu_seconds)
                                < 1e-6 * b.cpu_seconds);
            if (aw_candidates[c].config.mode == AW_MODE_SEQUENTIAL)
                t_seq = o.t;
            else if (c == 0)
                t_async = o.t;
        }
        assert_true (b.critical_path <= b.wave_path * (1 + 1e-12));
        assert_true (t_seq >= b.t_seq_formula * (1 - 1e-12));
        if (ample) {
            NEAR (t_seq, b.t_seq_formula);
            NEAR (t_async, b.critical_path);
        }
        aw_bounds_finish (&b);
        aw_allocation_finish (&a);
        aw_graph_destroy (g);
    }
}

/* A part of a GPU counts as such: in the area, and as often as it goes into one. */
static void parts_of_gpus_count_as_parts (void **state)
{
    static const struct {
        uint32_t share, ranks;
        uint64_t capacity; /* of 2 nodes with 4 GPUs each */
        double gpus; /* of a task */
    } table[] = {
        { 250, 1, 32, 0.25 }, { 300, 1, 24, 0.3 }, /* three to a GPU */
        { 501, 1, 8, 0.501 }, { 250, 4, 8, 1 },
        { 300, 4, 4, 1.2 }, /* two to a GPU, on two GPUs */
        { 999, 3, 2, 2.997 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_set *set = graphs_set (g, "a", 48, 1, 0, 10);
        struct aw_allocation a = nodes (2, 64, 4, 0);
        struct aw_sched_config config = { 0 };
        struct aw_bounds b;
        struct aw_trial trial;

        set->gpu_share = table[i].share;
        set->ranks_per_node = table[i].ranks;
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        assert_int_equal (aw_allocation_capacity (&a, set), table[i].capacity);
        assert_int_equal (aw_bounds_init (&b, g, &a, 0, NULL), 0);
        NEAR (b.area_gpus, 48 * 10 * table[i].gpus / 8);
        assert_int_equal (aw_trial_run (g, &a, &config, NULL, &trial, NULL), 0);
        NEAR (trial.t, 10 * ceil (48. / (double)table[i].capacity));
        aw_bounds_finish (&b);
        aw_allocation_finish (&a);
        aw_graph_destroy (g);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (the_bounds_of_the_talk_are_those_computed_by_hand),
        cmocka_unit_test (the_bounds_of_the_paper_are_those_computed_by_hand),
        cmocka_unit_test (memory_limits_how_many_tasks_run_at_once),
        cmocka_unit_test (parts_of_gpus_count_as_parts),
        cmocka_unit_test (no_simulated_run_is_shorter_than_its_bound),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
