/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that fail task after task, and tasks that fail on any node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "core/sched/node_health.h"
#include "graphs.h"
#include "model/simulate.h"

/* So many others of the set have completed, and failed: which failure in a row is the decisive one?
 */
static void failures_in_a_row_count (void **state)
{
    static const struct {
        uint32_t completed, failed, living, row; /* 0: none of 32 */
    } cases[] = {
        { 0, 0, 0, 0 },    { 1, 0, 0, 12 },  { 30, 0, 0, 4 },     { 0, 0, 30, 4 },
        { 950, 50, 0, 6 }, { 0, 100, 0, 0 }, { 100, 100, 0, 24 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++) {
        struct aw_health s, copy;
        uint32_t row = 0;

        assert_int_equal (aw_health_init (&s, 1), 0);
        assert_int_equal (aw_health_add_nodes (&s, 2), 0);
        for (uint32_t n = 0; n < cases[i].failed; n++) {
            aw_health_failed (&s, 1, 0, n, 0, true);
            aw_health_completed (&s, 1, 0); /* the other node is in no row */
            s.completed[0]--;
        }
        for (uint32_t n = 0; n < cases[i].completed; n++)
            aw_health_completed (&s, 1, 0);
        assert_int_equal (aw_health_clone (&copy, &s), 0);
        for (uint32_t n = 1; n <= 40 && !row; n++) {
            assert_false (n > 1
                          && aw_health_failed (&s, 0, 0, 1000, 0, true)); /* one task, again */
            if (aw_health_failed (&s, 0, 0, 999 + n, cases[i].living, true))
                row = n;
        }
        if (cases[i].failed == 0)
            assert_int_equal (row, cases[i].row);
        else
            assert_true (row >= cases[i].row && (row == 0) == (cases[i].row == 0));
        for (uint32_t n = 0; n < 40; n++) /* a success between */
            assert_false (n % 3 == 2 ? (aw_health_completed (&copy, 0, 0), false)
                                     : aw_health_failed (&copy, 0, 0, n, 0, true));
        aw_health_finish (&copy);
        aw_health_finish (&s);
    }
}

/* Nothing is concluded before one of the others has lived much longer, or completed; then at once,
 * also where more have failed than are remembered.
 */
static void a_success_proves_a_node_good (void **state)
{
    struct aw_health s;

    (void)state;
    for (int completed = 0; completed < 2; completed++) {
        assert_int_equal (aw_health_init (&s, 1), 0);
        assert_int_equal (aw_health_add_nodes (&s, 2), 0);
        for (uint32_t n = 0; n < 50; n++)
            assert_false (aw_health_failed (&s, 0, 0, n, 30, false));
        if (completed)
            aw_health_completed (&s, 1, 0);
        assert_true (aw_health_failed (&s, 0, 0, 50, 30, !completed));
        assert_false (aw_health_failed (&s, 0, 0, 51, 30, true)); /* once */
        aw_health_finish (&s);
    }
}

/* A virtual pool in which some nodes, or some tasks, fail. */
struct world {
    const struct aw_graph *g;
    uint32_t bad_nodes; /* numbers below it fail all at once */
    uint32_t bad_set; /* fails everywhere */
    double rate; /* of any attempt to fail */
    double least; /* seconds that a task on a good node takes at least, and half as many more */
    double slower; /* as many times, on all nodes but the first */
    uint64_t random;
    uint32_t n_drained, n_kept, n_failed;
    bool wrong; /* a good node was set aside */
};

static double draw (struct world *w)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(w->random >> 40) / (1 << 24);
}

static double seconds_of (void *arg, const struct aw_event *start)
{
    struct world *w = arg;

    if (w->least > 0)
        return w->least * (1 + 0.5 * draw (w)) * (start->node > 0 ? w->slower : 1);
    return start->node < w->bad_nodes ? 0.1 : 50 + 50 * draw (w);
}

static void ends (void *arg, struct aw_event *ev)
{
    struct world *w = arg;
    uint32_t set = aw_graph_task (w->g, ev->task).set;

    if (ev->node >= w->bad_nodes && set != w->bad_set && draw (w) >= w->rate)
        return;
    ev->status = AW_STATUS_FAILED;
    ev->code = 1;
    w->n_failed++;
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct world *w = arg;

    if (ev->type != AW_EVENT_NODE_DRAIN)
        return;
    assert_non_null (ev->reason);
    w->n_drained += ev->code == 0;
    w->n_kept += ev->code == 1;
    w->wrong |= ev->code == 0 && ev->node >= w->bad_nodes;
}

static struct aw_simulated run (struct world *w, uint32_t nodes, uint32_t cpus)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_simulation sim = {
        .seconds = seconds_of, .ends = ends, .observe = observe, .arg = w
    };
    struct aw_sched *s = aw_sched_create (w->g, &config, NULL);
    struct aw_simulated r;

    assert_int_equal (aw_simulate_add_nodes (s, nodes, cpus, 0, 0, NULL), 0);
    assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
    aw_sched_destroy (s);
    return r;
}

static struct aw_graph *graph (uint32_t count, uint32_t cpus, uint32_t retries)
{
    struct aw_graph *g = aw_graph_create ();

    for (int i = 0; i < 2; i++) {
        struct aw_set *set = graphs_set (g, i ? "b" : "a", count, cpus, 0, 100);
        set->retry.count = retries;
        set->on_failure = AW_ON_FAILURE_SKIP;
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void a_node_that_fails_all_is_set_aside (void **state)
{
    unsigned seed = 1; /* the bounds hold with high probability, not always */

    (void)state;
    print_message ("# seed %u\n", seed);
    for (uint32_t i = 0; i < 40; i++) {
        struct aw_graph *g = graph (500, 1, 3);
        struct world w = { .g = g, .bad_nodes = 1, .bad_set = 9, .rate = 0.01 * (i % 6) };

        w.random = seed + i;
        assert_int_equal (run (&w, 8 + i, 6).code, 0);
        assert_int_equal (w.n_drained, 1);
        assert_false (w.wrong);
        assert_true (w.n_failed < 30 + 1000 * 2 * w.rate);
        aw_graph_destroy (g);
    }
}

/* Some of the nodes are broken, and nothing has completed yet: they do not shield each other. */
static void several_nodes_that_fail_all_are_set_aside (void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct aw_graph *g = graph (1000, 1, 3);
        struct world w = { .g = g, .bad_nodes = 2 + i % 3, .bad_set = 9, .random = 1 + i };

        assert_int_equal (run (&w, 10 + i, 4).code, 0);
        assert_int_equal (w.n_drained, w.bad_nodes);
        assert_false (w.wrong);
        assert_true (w.n_failed < 32 * w.bad_nodes);
        aw_graph_destroy (g);
    }
}

/* Failures that have nothing to do with the node set none aside. */
static void a_task_that_fails_everywhere_is_no_fault_of_a_node (void **state)
{
    unsigned seed = 1; /* the bounds hold with high probability, not always */

    (void)state;
    print_message ("# seed %u\n", seed);
    for (uint32_t i = 0; i < 10; i++) {
        struct aw_graph *g = graph (10000, 1, 9);
        struct world w = { .g = g, .bad_set = 9, .rate = i == 0 ? 0.05 : 0.1 * (i % 4) };

        w.random = seed + i;
        run (&w, 4 + i, 4);
        assert_int_equal (w.n_drained + w.n_kept, 0);
        w = (struct world){ .g = g, .bad_set = 0, .rate = 0.02, .random = seed + i };
        run (&w, 4 + i, 4);
        assert_int_equal (w.n_drained + w.n_kept, 0);
        aw_graph_destroy (g);
    }
}

/* All tasks fail, sooner than anybody could have seen that others do not. */
static void where_all_nodes_fail_none_is_set_aside (void **state)
{
    unsigned seed = 1; /* the bounds hold with high probability, not always */

    (void)state;
    print_message ("# seed %u\n", seed);
    for (uint32_t i = 0; i < 60; i++) {
        struct aw_graph *g = graph (20 + i * 5, 1, i % 3);
        struct world w = { .g = g, .bad_set = 9, .rate = 1, .least = 0.003, .random = seed + i };

        w.slower = i < 30 ? 1 : 20; /* the others may be busy */
        run (&w, 2 + i % 7, 4 + 8 * (i % 4));
        assert_int_equal (w.n_drained + w.n_kept, 0);
        aw_graph_destroy (g);
    }
}

/* All nodes but one are bad, and that one is not large enough for all: the last bad one that is
 * stays, and that is reported.
 */
static void the_last_node_is_never_set_aside (void **state)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_graph *g = aw_graph_create ();
    struct world w = { .g = g, .bad_nodes = 1, .bad_set = 9, .random = 1 };
    struct aw_simulation sim = {
        .seconds = seconds_of, .ends = ends, .observe = observe, .arg = &w
    };
    struct aw_simulated r;
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "narrow", 200, 1, 0, 100)->retry.count = 50;
    graphs_set (g, "wide", 1, 4, 0, 1)->retry.count = 3;
    for (int i = 0; i < 2; i++)
        g->sets[i].on_failure = AW_ON_FAILURE_SKIP;
    graphs_edge (g, "wide", "narrow", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    assert_int_equal (aw_simulate_add_nodes (s, 1, 4, 0, 0, NULL), 0);
    assert_int_equal (aw_simulate_add_nodes (s, 20, 2, 0, 0, NULL), 0);
    assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
    assert_int_equal (w.n_drained, 0);
    assert_int_equal (w.n_kept, 1);
    assert_int_equal (r.code, 1); /* wide fails there */
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Performs what S wants to do at T. Returns how many nodes are drained. */
static uint32_t perform (struct aw_sched *s)
{
    struct aw_event action;
    uint32_t n = 0;

    while (aw_sched_next (s, &action))
        n += action.type == AW_EVENT_NODE_DRAIN && action.code == 0;
    return n;
}

static void join (struct aw_sched *s, uint32_t node, uint32_t cpus, double t)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .t = t, .node = node };

    ev.name = node ? "n1" : "n0";
    assert_int_equal (aw_idset_add (&ev.cpus, 0, cpus - 1), 0);
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    aw_idset_finish (&ev.cpus);
}

/* On the first node all began at 0.9 s. Those of the second one are known since 1.05 s, and fail at
 * 1.06 s after SECONDS. Is the node drained? */
static bool drained (double seconds)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s, *copy;
    uint32_t n = 0;

    graphs_set (g, "a", 100, 1, 0, 100)->on_failure = AW_ON_FAILURE_SKIP;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    join (s, 0, 40, 0.9);
    perform (s);
    join (s, 1, 4, 1.05);
    perform (s);
    copy = aw_sched_clone (s);
    for (uint32_t task = 40; task < 44; task++) {
        struct aw_event ev = { .type = AW_EVENT_FINISH, .t = 1.06, .task = task, .node = 1 };

        ev.status = AW_STATUS_FAILED;
        ev.code = 1;
        ev.seconds = seconds;
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        assert_int_equal (aw_sched_handle (copy, &ev, NULL), 0);
    }
    n = perform (s);
    assert_int_equal (perform (copy), n);
    aw_sched_destroy (copy);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
    return n > 0;
}

/* It would fail elsewhere as well, after as long. */
static void a_start_that_was_reported_late_is_no_short_life (void **state)
{
    (void)state;
    assert_true (drained (0.01));
    assert_true (drained (0)); /* not known: as the starts say */
    assert_false (drained (0.06));
    assert_false (drained (0.05)); /* the others have lived for three times as long */
    assert_true (drained (0.0105)); /* as exact as clocks are */
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (failures_in_a_row_count),
        cmocka_unit_test (a_success_proves_a_node_good),
        cmocka_unit_test (a_node_that_fails_all_is_set_aside),
        cmocka_unit_test (several_nodes_that_fail_all_are_set_aside),
        cmocka_unit_test (a_task_that_fails_everywhere_is_no_fault_of_a_node),
        cmocka_unit_test (where_all_nodes_fail_none_is_set_aside),
        cmocka_unit_test (the_last_node_is_never_set_aside),
        cmocka_unit_test (a_start_that_was_reported_late_is_no_short_life),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
