/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "graphs.h"
#include "model/predict.h"
#include "model/simulate.h"
#include "model/sweep.h"

static const struct aw_node_shape summit = { 0, 168, 6, 0 };

static void wrong_arguments_are_refused (void **state)
{
    struct aw_graph *g = graphs_ddmd (0), *empty = aw_graph_create ();
    struct aw_node_shape small = { 0, 16, 4, 0 };
    struct aw_sweep_options good = { .least = 1, .most = 2, .candidate = -1 };
    struct aw_sweep_options wrong[] = {
        { .least = 0, .most = 2, .candidate = -1 },
        { .least = 3, .most = 2, .candidate = -1 },
        { .least = 1, .most = 2, .also = 3, .candidate = -1 },
        { .least = 2, .most = 3, .also = 1, .candidate = -1 },
        { .least = 1, .most = 2, .candidate = (int)aw_n_candidates },
        { .least = AW_MAX_NODES + 1u, .most = AW_MAX_NODES + 2u, .candidate = -1 },
    };
    struct aw_sweep sweep;
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_sweep_init (&sweep, NULL, &summit, &good, &err), -1);
    assert_int_equal (aw_sweep_init (&sweep, empty, &summit, &good, &err), -1);
    assert_int_equal (aw_sweep_init (&sweep, g, NULL, &good, &err), -1);
    assert_int_equal (aw_sweep_init (&sweep, g, &summit, NULL, &err), -1);
    for (size_t i = 0; i < sizeof (wrong) / sizeof (wrong[0]); i++) {
        err.text[0] = '\0';
        assert_int_equal (aw_sweep_init (&sweep, g, &summit, &wrong[i], &err), -1);
        assert_true (err.text[0]);
    }
    assert_int_equal (aw_sweep_too_large (g, &small), 1);
    assert_int_equal (aw_sweep_init (&sweep, g, &small, &good, &err), -1);
    assert_non_null (strstr (err.text, "tasks.aggregate"));
    g->sets[2].duration = NAN;
    assert_int_equal (aw_sweep_init (&sweep, g, &summit, &good, &err), -1);
    assert_non_null (strstr (err.text, "tasks.train"));
    assert_null (sweep.rows);
    aw_sweep_finish (&sweep);
    aw_graph_destroy (empty);
    aw_graph_destroy (g);
}

enum { CURVE = 100 };

/* Nodes at the knee of a curve over 1 to LAST nodes. */
static uint32_t knee_of (double (*seconds) (double nodes), uint32_t last)
{
    struct aw_sweep_row rows[CURVE] = { 0 };

    for (uint32_t i = 0; i < last; i++) {
        rows[i].nodes = i + 1;
        rows[i].trial.t = seconds (i + 1);
    }
    return rows[aw_sweep_knee (rows, last)].nodes;
}

static double flat (double n)
{
    return 100 + 0 * n;
}
static double nothing (double n)
{
    return 0 * n;
}
static double perfect (double n)
{
    return 5000 / n;
}
static double poor (double n)
{
    return 1000 * pow (n, -0.1);
}
static double until_20 (double n)
{
    return fmax (2000 / n, 100);
}
static double with_serial_part (double n)
{
    return 10 + 160 / n;
}
static double in_waves (double n)
{
    return 60 * ceil (16 / n);
}
static double worse (double n)
{
    return 100 + n;
}

static void the_knee_of_known_curves_is_found (void **state)
{
    (void)state;
    assert_int_equal (knee_of (flat, CURVE), 1);
    assert_int_equal (knee_of (nothing, CURVE), 1);
    assert_int_equal (knee_of (worse, CURVE), 1);
    assert_int_equal (knee_of (poor, CURVE), 1);
    assert_int_equal (knee_of (perfect, CURVE), CURVE); /* of a steady gain all of it */
    assert_int_equal (knee_of (perfect, 7), 7);
    assert_int_equal (knee_of (until_20, CURVE), 20);
    /* s + p / n: the derivative of n t^2 is 0 at n = p / s, by however far one goes */
    assert_int_equal (knee_of (with_serial_part, CURVE), 16);
    assert_int_equal (knee_of (with_serial_part, 30), 16);
    assert_int_equal (knee_of (with_serial_part, 9), 9);
    assert_int_equal (knee_of (in_waves, CURVE), 16);
    assert_int_equal (knee_of (in_waves, 15), 8);
    assert_int_equal (knee_of (flat, 1), 1);
}

static struct aw_sweep sweep_of (const struct aw_graph *g,
                                 const struct aw_node_shape *shape,
                                 uint32_t most)
{
    struct aw_sweep_options options = { .least = 1, .most = most, .candidate = -1 };
    struct aw_sweep sweep;
    struct aw_error err;

    if (aw_sweep_init (&sweep, g, shape, &options, &err) < 0)
        fail_msg ("%s", err.text);
    return sweep;
}

/* Three iterations of 96 simulations on 6 GPUs a node: all at once from 16 nodes on. */
static void the_sweep_of_deepdrivemd_is_that_computed_by_hand (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_sweep sweep = sweep_of (g, &summit, aw_sweep_useful (g, &summit));
    const struct aw_sweep_row *row = aw_sweep_find (&sweep, 16);

    (void)state;
    assert_int_equal (aw_sweep_useful (g, &summit), 3 * (16 + 4 + 1 + 16));
    assert_non_null (row);
    assert_true (fabs (row->trial.t - 1232.5) < 0.1);
    assert_true (fabs (row->trial.node_hours - 16 * 1232.5 / 3600) < 0.001);
    assert_true (fabs (row->lower - 1205) < 0.1);
    assert_int_equal (sweep.rows[sweep.knee].nodes, 16);
    assert_int_equal (sweep.rows[sweep.fastest].nodes, 17);
    assert_true (fabs (sweep.rows[sweep.fastest].trial.t - sweep.critical_path) < 0.1);
    assert_false (sweep.cut);
    assert_null (aw_sweep_find (&sweep, 0));
    aw_sweep_finish (&sweep);
    aw_graph_destroy (g);
}

/* One policy alone, and a number asked for. */
static void one_policy_alone_may_be_swept (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_sweep_options options = { .least = 2, .most = 1000, .also = 333 };
    struct aw_sweep sweep;

    (void)state;
    options.candidate = aw_candidate_find ("fifo");
    assert_int_equal (aw_sweep_init (&sweep, g, &summit, &options, NULL), 0);
    assert_non_null (aw_sweep_find (&sweep, 333));
    assert_int_equal (sweep.rows[0].nodes, 2);
    for (uint32_t i = 0; i < sweep.n_rows; i++)
        assert_string_equal (aw_candidates[sweep.rows[i].candidate].name, "fifo");
    aw_sweep_finish (&sweep);
    aw_graph_destroy (g);
}

/* A chain gains nothing: one row. So does nothing of what exceeds the tasks. */
static void where_nothing_is_gained_one_node_is_best (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sweep sweep;

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 10);
    graphs_set (g, "b", 1, 1, 0, 10);
    graphs_edge (g, "b", "a", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    sweep = sweep_of (g, &summit, 1000);
    assert_int_equal (sweep.n_rows, 1);
    assert_int_equal (sweep.rows[0].nodes, 1);
    assert_int_equal (sweep.knee, 0);
    assert_int_equal (sweep.fastest, 0);
    aw_sweep_finish (&sweep);
    aw_graph_destroy (g);
}

/* 500 waves on one node, one on 500: few rows, and yet each number beside the knee. */
static void a_large_range_is_swept_in_few_steps (void **state)
{
    struct aw_node_shape shape = { 0, 4, 0, 0 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_sweep sweep;

    (void)state;
    graphs_set (g, "many", 2000, 1, 0, 10);
    graphs_set (g, "one", 1, 1, 0, 100);
    graphs_edge (g, "one", "many", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    sweep = sweep_of (g, &shape, 1 << 14);
    assert_true (sweep.n_rows > AW_SWEEP_COARSE / 2 && sweep.n_rows <= AW_SWEEP_ROWS);
    assert_int_equal (sweep.rows[sweep.fastest].nodes, 500);
    assert_int_equal (sweep.rows[sweep.fastest - 1].nodes, 499);
    /* 10 ceil (500 / n) + 100: by trying all, n t^2 is least at 50 */
    assert_int_equal (sweep.rows[sweep.knee].nodes, 50);
    assert_int_equal (sweep.rows[sweep.knee - 1].nodes, 49);
    assert_int_equal (sweep.rows[sweep.knee + 1].nodes, 51);
    aw_sweep_finish (&sweep);
    aw_graph_destroy (g);
}

struct patience {
    uint32_t left;
};

static bool while_patient (void *arg)
{
    struct patience *patience = arg;

    return patience->left > 0 && patience->left-- > 0;
}

static void a_sweep_may_be_cut_short (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct patience patience = { 0 };
    struct aw_node_shape shape = { 0, 8, 0, 0 };
    struct aw_sweep_options options = { .least = 1,
                                        .most = 64,
                                        .candidate = -1,
                                        .conditions = { .go_on = while_patient,
                                                        .arg = &patience } };
    struct aw_sweep sweep;
    struct aw_error err;

    (void)state;
    graphs_set (g, "many", 2 * AW_SIMULATE_STRIDE, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_sweep_init (&sweep, g, &shape, &options, &err), -1);
    assert_int_equal (errno, ECANCELED);
    assert_null (sweep.rows);
    options.candidate = 0;
    assert_int_equal (aw_sweep_init (&sweep, g, &shape, &options, &err), -1);
    assert_int_equal (errno, ECANCELED);
    patience.left = 5; /* two rows of one policy, and a part of the third */
    assert_int_equal (aw_sweep_init (&sweep, g, &shape, &options, &err), 0);
    assert_true (sweep.cut);
    assert_int_equal (sweep.n_rows, 2);
    assert_int_equal (sweep.rows[1].nodes, 64);
    aw_sweep_finish (&sweep);
    options.candidate = -1;
    patience.left = 4; /* the first row, not all ways of running */
    assert_int_equal (aw_sweep_init (&sweep, g, &shape, &options, &err), 0);
    assert_true (sweep.cut);
    assert_int_equal (sweep.n_rows, 1);
    aw_sweep_finish (&sweep);
    aw_graph_destroy (g);
}

static double cost (const struct aw_sweep_row *row)
{
    return row->nodes * row->trial.t * row->trial.t;
}

static void check_rows (const struct aw_sweep *sweep)
{
    const struct aw_sweep_row *rows = sweep->rows;

    for (uint32_t i = 0; i < sweep->n_rows; i++) {
        assert_true (rows[i].trial.t >= rows[i].lower * (1 - 1e-12));
        assert_true (rows[i].trial.t >= rows[sweep->fastest].trial.t * (1 - 1e-8));
        assert_true (cost (&rows[i]) >= cost (&rows[sweep->knee]) * (1 - 1e-8));
        assert_true (rows[i].trial.cpu_share <= 1 + 1e-9 && rows[i].trial.gpu_share <= 1 + 1e-9);
        if (i == 0)
            continue;
        assert_true (rows[i].nodes > rows[i - 1].nodes);
        /* more nodes never make the bound worse */
        assert_true (rows[i].lower <= rows[i - 1].lower * (1 + 1e-12));
    }
}

/* On 40 random layered graphs. How good is the knee of a sweep in steps, against all numbers? */
static void sweeps_of_random_graphs_break_no_rule (void **state)
{
    enum { ROUNDS = 40 };
    uint64_t seed = 7;
    double worst = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t cpus = 4 + graphs_below (&seed, 28), gpus = graphs_below (&seed, 5);
        struct aw_node_shape shape = { 0, cpus, gpus, 0 };
        struct aw_graph *g = graphs_layered (&seed, cpus, gpus);
        uint32_t useful = aw_sweep_useful (g, &shape), most = useful < 80 ? useful : 80;
        struct aw_sweep sweep = sweep_of (g, &shape, most), again = sweep_of (g, &shape, most);
        double least = INFINITY;

        check_rows (&sweep);
        assert_int_equal (sweep.n_rows, again.n_rows);
        assert_memory_equal (sweep.rows, again.rows, sweep.n_rows * sizeof (*sweep.rows));
        for (uint32_t n = 1; n <= most && round < 8; n++) {
            struct aw_sweep_options options = { .least = n, .most = n, .candidate = -1 };
            struct aw_sweep one;

            assert_int_equal (aw_sweep_init (&one, g, &shape, &options, NULL), 0);
            least = fmin (least, cost (&one.rows[0]));
            aw_sweep_finish (&one);
        }
        if (least < INFINITY)
            worst = fmax (worst, cost (&sweep.rows[sweep.knee]) / least);
        aw_sweep_finish (&again);
        aw_sweep_finish (&sweep);
        aw_graph_destroy (g);
    }
    print_message (
        "# node-hours times makespan at the knee, over the least of all: at worst %.4f\n", worst);
    assert_true (worst < 1.1);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (the_knee_of_known_curves_is_found),
        cmocka_unit_test (the_sweep_of_deepdrivemd_is_that_computed_by_hand),
        cmocka_unit_test (one_policy_alone_may_be_swept),
        cmocka_unit_test (where_nothing_is_gained_one_node_is_best),
        cmocka_unit_test (a_large_range_is_swept_in_few_steps),
        cmocka_unit_test (a_sweep_may_be_cut_short),
        cmocka_unit_test (sweeps_of_random_graphs_break_no_rule),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
