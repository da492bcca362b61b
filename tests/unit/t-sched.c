/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: times of the model, starvation, and work in proportion to the graph. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/sched/estimate.h"
#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"
#include "util/exit_status.h"
#include "sched-watch.h"

static double makespan (const struct aw_graph *g, enum aw_policy policy, enum aw_mode mode)
{
    struct aw_sched *s = watch_sched (g, policy, mode, 16, 168, 6);
    struct aw_simulated r;

    assert_int_equal (aw_sched_check (s, NULL), 0);
    assert_int_equal (aw_simulate (s, NULL, &r, NULL), 0);
    assert_int_equal (r.code, 0);
    aw_sched_destroy (s);
    return r.end;
}

static void wrong_arguments_are_refused (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_sched_config config = { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 };
    struct aw_error err;
    struct aw_event ev = { .type = AW_EVENT_FINISH, .t = 1 };
    struct aw_event action;
    struct aw_sched *s;

    (void)state;
    assert_null (aw_sched_create (NULL, &config, &err));
    assert_int_equal (errno, EINVAL);
    assert_null (aw_sched_create (g, NULL, &err));
    s = aw_sched_create (g, &config, &err);
    assert_non_null (s);
    assert_false (aw_sched_next (s, &action)); /* no node yet */
    assert_int_equal (aw_sched_check (s, &err), -1);
    assert_int_equal (aw_sched_handle (s, NULL, &err), -1);
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_non_null (strstr (err.text, "simulate@0[0] attempt 0 ends but has not started"));
    ev.task = g->n_tasks;
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_true (aw_sched_now (s) == 0); /* what is refused has not happened */
    ev.type = AW_EVENT_WAKE;
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    ev = (struct aw_event){ .type = AW_EVENT_NODE, .t = 0.5, .node = 0, .name = "n1" };
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_non_null (strstr (err.text, "time goes backwards"));
    ev.t = 2;
    ev.node = 3;
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    ev.type = AW_EVENT_TYPES;
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    ev = (struct aw_event){ .type = AW_EVENT_NODE_LOST, .t = 2, .node = 9 };
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_int_equal (aw_policy_parse ("lifo"), -1);
    assert_int_equal (aw_mode_parse (NULL), -1);
    assert_int_equal (aw_policy_parse ("fifo"), AW_POLICY_FIFO);
    aw_sched_destroy (s);
    aw_sched_destroy (NULL);
    aw_graph_destroy (g);
}

/* The figures of the model for 16 nodes of Summit, each 168 CPUs and 6 GPUs. */
static void the_paper_runs_take_the_times_of_the_model (void **state)
{
    struct aw_graph *dg1 = graphs_c_dg1 (), *dg2 = graphs_c_dg2 ();
    struct aw_graph *ddmd = graphs_ddmd (0), *ddmd_sequential = graphs_ddmd (1);

    (void)state;
#define NEAR(value, want) assert_true (fabs ((value) - (want)) < 0.1)
    NEAR (makespan (dg1, AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL), 1875.8);
    NEAR (makespan (dg1, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1875.8);
    NEAR (makespan (dg2, AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL), 1769.0);
    NEAR (makespan (dg2, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1307.5);
    NEAR (makespan (ddmd_sequential, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1575.0);
    NEAR (makespan (ddmd, AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL), 1575.0);
    NEAR (makespan (ddmd, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1232.5);
    assert_in_range ((long)(10 * makespan (ddmd, AW_POLICY_FIFO, AW_MODE_ASYNC)), 12675, 13275);
    aw_graph_destroy (dg1);
    aw_graph_destroy (dg2);
    aw_graph_destroy (ddmd);
    aw_graph_destroy (ddmd_sequential);
}

struct starve {
    struct watch *watch;
    double at; /* when the wide task started */
};

static void note_wide (void *arg, const struct aw_event *ev)
{
    struct starve *starve = arg;

    if (ev->type == AW_EVENT_START && ev->task == 0)
        starve->at = ev->t;
}

static double spread_of_starve (void *arg, const struct aw_event *start)
{
    return watch_spread (((struct starve *)arg)->watch, start);
}

/* One task as wide as the node, among a thousand narrow ones that are always ready and go on for
 * 1,000 s or more: it must not wait for the last of them, whether durations are known or not.
 */
static void a_task_of_a_whole_node_is_not_starved (void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct aw_graph *g = aw_graph_create ();
        struct starve starve = { NULL, -1 };
        struct aw_simulation sim = { .seconds = spread_of_starve,
                                     .observe = note_wide,
                                     .arg = &starve };
        struct aw_simulated r;
        struct aw_sched *s;

        graphs_set (g, "wide", 1, 8, 0, known ? 10 : NAN);
        graphs_set (g, "first", 4, 2, 0, known ? 5 : NAN);
        graphs_set (g, "narrow", 1000, 1, 0, known ? 7 : NAN);
        graphs_edge (g, "wide", "first", 0, 0);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        starve.watch = watch_create (g, 1, 8, 0, AW_MODE_ASYNC);
        s = watch_sched (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 1, 8, 0);
        assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
        assert_true (r.end > 900);
        assert_true (starve.at >= 0);
        assert_true (starve.at < 60);
        watch_destroy (starve.watch);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

static void a_task_that_never_fits_is_told (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_sched *s = watch_sched (g, AW_POLICY_FIFO, AW_MODE_ASYNC, 2, 16, 4);
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_sched_check (s, &err), -1);
    assert_non_null (strstr (err.text, "tasks.aggregate: a task needs 32 CPUs"));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* A set that no node can hold any more must not take the reservation away from one that will fit.
 */
static void a_set_that_no_node_holds_reserves_nothing (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_event node = { .type = AW_EVENT_NODE, .name = "small" };
    struct aw_event lost = { .type = AW_EVENT_NODE_LOST, .reason = "gone" };
    struct starve starve = { NULL, -1 };
    struct aw_simulation sim = { .seconds = spread_of_starve,
                                 .observe = note_wide,
                                 .arg = &starve };
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_event start = { .type = AW_EVENT_START, .task = 2 };
    struct aw_simulated r;
    struct aw_sched *s, *copy;

    (void)state;
    graphs_set (g, "wide", 1, 8, 0, 10);
    graphs_set (g, "huge", 1, 16, 0, 1000);
    graphs_set (g, "narrow", 400, 1, 0, 7);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    starve.watch = watch_create (g, 2, 16, 0, AW_MODE_ASYNC);
    s = aw_sched_create (g, &config, NULL);
    for (node.node = 0; node.node < 2; node.node++) {
        aw_idset_add (&node.cpus, 0, node.node == 0 ? 7 : 15);
        assert_int_equal (aw_sched_handle (s, &node, NULL), 0);
    }
    aw_idset_finish (&node.cpus);
    lost.node = 1;
    assert_int_equal (aw_sched_handle (s, &lost, NULL), 0);
    copy = aw_sched_clone (s);
    /* One CPU is taken, so that the wide task has to wait among narrow ones. */
    aw_idset_add (&start.cpus, 0, 0);
    assert_int_equal (aw_sched_handle (copy, &start, NULL), 0);
    aw_idset_finish (&start.cpus);
    assert_int_equal (aw_simulate (copy, &sim, &r, NULL), 0);
    assert_int_equal (r.code, 4); /* the huge one is left over */
    assert_int_equal (aw_sched_counts (copy, AW_NONE).ready, 1);
    assert_true (starve.at >= 0);
    assert_true (starve.at < 60);
    watch_destroy (starve.watch);
    aw_sched_destroy (copy);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static double not_so_short (void *arg, const struct aw_event *start)
{
    (void)arg;
    return start->task < 2 ? 5 : 10;
}

/* Tasks said to take no time, which is not so, fit before every reservation, but for one whose time
 * has come. */
static void tasks_said_to_take_no_time_do_not_pass_a_due_reservation (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct starve starve = { NULL, -1 };
    struct aw_simulation sim = { .seconds = not_so_short, .observe = note_wide, .arg = &starve };
    struct aw_simulated r;
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "wide", 1, 8, 0, 1);
    graphs_set (g, "first", 1, 2, 0, 0);
    graphs_set (g, "narrow", 1000, 1, 0, 0);
    graphs_edge (g, "wide", "first", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = watch_sched (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 1, 8, 0);
    assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
    assert_true (starve.at >= 0);
    assert_true (starve.at < 60);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Processor time that CODE takes at most, in seconds: generous, but far below what a square of the
 * size would take. */
#define WITHIN(limit, code)                                                  \
    do {                                                                     \
        clock_t began = clock ();                                            \
        code;                                                                \
        assert_true ((double)(clock () - began) / CLOCKS_PER_SEC < (limit)); \
    } while (0)

static uint32_t sum_of_counts (const struct aw_sched *s, uint32_t n_sets)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n_sets; i++)
        sum += aw_sched_counts (s, i).waiting;
    return sum;
}

static void many_sets_need_no_square_time (void **state)
{
    enum { SETS = 60000 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;
    char name[32];

    (void)state;
    for (uint32_t i = 0; i < SETS; i++) {
        snprintf (name, sizeof (name), "s%u", i);
        graphs_set (g, name, 2, 1, 0, 1);
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = watch_sched (g, AW_POLICY_FIFO, AW_MODE_ASYNC, 1, 8, 0);
    WITHIN (0.5, assert_int_equal (sum_of_counts (s, SETS), 2 * SETS));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static uint32_t count_actions (struct aw_sched *s, enum aw_event_type type)
{
    struct aw_event action;
    uint32_t n = 0;

    while (aw_sched_next (s, &action))
        n += action.type == type;
    return n;
}

static void many_kills_need_no_square_time (void **state)
{
    enum { NODES = 40, CPUS = 1000 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_event stop = { .type = AW_EVENT_STOP, .t = 1, .code = 1, .reason = "Ctrl-C" };
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "a", NODES * CPUS, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = watch_sched (g, AW_POLICY_FIFO, AW_MODE_ASYNC, NODES, CPUS, 0);
    assert_int_equal (count_actions (s, AW_EVENT_START), NODES * CPUS);
    assert_int_equal (aw_sched_handle (s, &stop, NULL), 0);
    WITHIN (0.3, assert_int_equal (count_actions (s, AW_EVENT_KILL), NODES * CPUS));
    assert_int_equal (count_actions (s, AW_EVENT_KILL), 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* A mean that creeps has moved too, in the end. */
static void a_mean_that_creeps_moves_the_estimate (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_estimate e;
    double told;

    (void)state;
    graphs_set (g, "a", 1, 1, 0, NAN);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_estimate_init (&e, g), 0);
    assert_true (aw_estimate_learn (&e, 0, 1));
    for (int i = 0; i < 99; i++)
        assert_false (aw_estimate_learn (&e, 0, 1));
    told = e.seconds[0];
    for (int i = 0; i < 300; i++) {
        if (aw_estimate_learn (&e, 0, 6))
            told = e.seconds[0];
        assert_true (fabs (e.seconds[0] - told) <= 0.1 * told);
    }
    assert_true (e.seconds[0] > 4);
    aw_estimate_finish (&e);
    aw_graph_destroy (g);
}

/* A task that fits no node waits as long as others may join: it starts there, or the run ends. */
static void a_pool_that_grows_is_waited_for (void **state)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };

    (void)state;
    for (int comes = 0; comes <= 1; comes++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_sched *s;
        struct aw_event action, ev = { .type = AW_EVENT_AWAIT, .t = 1, .count = 1 };
        uint32_t n_running;

        assert_non_null (graphs_set (g, "wide", 1, 8, 0, 1));
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = aw_sched_create (g, &config, NULL);
        assert_non_null (s);
        assert_int_equal (aw_simulate_add_nodes (s, 1, 4, 0, 0, NULL), 0);
        assert_true (aw_sched_is_input (s, &ev));
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        assert_true (aw_sched_next (s, &action));
        assert_int_equal (action.type, AW_EVENT_READY);
        assert_false (aw_sched_next (s, &action));
        assert_false (aw_sched_at_rest (s, &n_running, NULL)); /* it is not stuck */
        if (comes) {
            ev = (struct aw_event){ .type = AW_EVENT_NODE, .t = 2, .node = 1, .name = "n2" };
            assert_int_equal (aw_idset_add (&ev.cpus, 0, 7), 0);
            assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
            aw_idset_finish (&ev.cpus);
            assert_true (aw_sched_next (s, &action));
            assert_int_equal (action.type, AW_EVENT_START);
            assert_int_equal (action.node, 1);
        }
        else {
            ev = (struct aw_event){ .type = AW_EVENT_AWAIT, .t = 2 };
            assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
            assert_true (aw_sched_next (s, &action));
            assert_int_equal (action.type, AW_EVENT_END);
            assert_int_equal (action.code, AW_EXIT_POOL);
        }
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (a_pool_that_grows_is_waited_for),
        cmocka_unit_test (the_paper_runs_take_the_times_of_the_model),
        cmocka_unit_test (a_task_of_a_whole_node_is_not_starved),
        cmocka_unit_test (a_task_that_never_fits_is_told),
        cmocka_unit_test (a_set_that_no_node_holds_reserves_nothing),
        cmocka_unit_test (tasks_said_to_take_no_time_do_not_pass_a_due_reservation),
        cmocka_unit_test (many_sets_need_no_square_time),
        cmocka_unit_test (many_kills_need_no_square_time),
        cmocka_unit_test (a_mean_that_creeps_moves_the_estimate),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
