/* SPDX-License-Identifier: Apache-2.0 */
/* Planning again: what a run has shown so far, its expected end, a better order for the rest of it,
 * and the planner's answer.
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

#include "graphs.h"
#include "io/plan_answer.h"
#include "model/learn.h"
#include "model/replan.h"
#include "model/simulate.h"

static const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };

#define NEAR(a, b) assert_true (fabs ((a) - (b)) < 1e-6)

/*
 * The answer
 */

static struct aw_plan_answer take (const char *text)
{
    struct aw_plan_answer answer = { 0 };
    char copy[256], *rest, *line;

    snprintf (copy, sizeof (copy), "%s", text);
    for (line = strtok_r (copy, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest))
        aw_plan_answer_take (&answer, line);
    return answer;
}

static void an_answer_that_is_not_whole_is_not_used (void **state)
{
    static const char *const bad[] = {
        "", /* killed at once */
        "end 12\n", /* killed */
        "end 12\ngain 1\norder 0 1\n",
        "end 12\norder 0 1\ncpu 1\n", /* an order that saves nothing */
        "end 12\ngain 0\norder 0 1\ncpu 1\n",
        "end 12\ngain 1\ncpu 1\n", /* no order */
        "end -1\ncpu 1\n",
        "end nan\ncpu 1\n",
        "end 12x\ncpu 1\n",
        "end\ncpu 1\n",
        "async-workflow: no memory\ncpu 1\n",
        "cpu 1\nend 12\n",
        "cpu 1\ncpu 1\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        struct aw_plan_answer answer = take (bad[i]);

        assert_false (aw_plan_answer_is_good (&answer));
        aw_plan_answer_finish (&answer);
    }
}

static void answers_come_through (void **state)
{
    static const char *const good[] = { "cpu 0.100000\n", "end 12.500000\ncpu 0.100000\n",
                                        "end 12.500000\ngain 0.000000\ncpu 0.100000\n",
                                        ("end 12.500000\ngain 2.000000\norder 1 0 1:0.5\n"
                                         "cpu 0.100000\n") };

    (void)state;
    for (size_t i = 0; i < sizeof (good) / sizeof (good[0]); i++) {
        struct aw_plan_answer answer = take (good[i]);
        struct aw_textbuf out = { 0 };

        assert_true (aw_plan_answer_is_good (&answer));
        assert_int_equal (answer.searched, i >= 2);
        aw_plan_answer_put (&answer, &out);
        aw_textbuf_putc (&out, '\0');
        assert_string_equal (out.data, good[i]);
        aw_textbuf_finish (&out);
        aw_plan_answer_finish (&answer);
    }
}

/* Lines are short, for the reader's are. */
static void a_long_order_comes_through (void **state)
{
    struct aw_plan_answer answer = { .end = 1, .gain = 1, .searched = true, .cpu = 1 },
                          back = { 0 };
    struct aw_textbuf order = { 0 }, out = { 0 };
    char *rest, *line;

    (void)state;
    for (int i = 0; i < 5000; i++)
        aw_textbuf_printf (&order, i ? " %d" : "%d", 4999 - i);
    aw_textbuf_putc (&order, '\0');
    answer.order = order.data;
    aw_plan_answer_put (&answer, &out);
    aw_textbuf_putc (&out, '\0');
    for (line = strtok_r (out.data, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest)) {
        assert_true (strlen (line) < 1000);
        aw_plan_answer_take (&back, line);
    }
    assert_true (aw_plan_answer_is_good (&back));
    assert_string_equal (back.order, order.data);
    aw_plan_answer_finish (&back);
    aw_textbuf_finish (&order);
    aw_textbuf_finish (&out);
}

/*
 * What the run has shown
 */

static void a_task_that_has_run_for_long_takes_longer (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_spread spread;
    double before = 0, ran = 0;

    (void)state;
    graphs_set (g, "a", 50, 1, 0, 10);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_spread_init (&spread, g, NULL, 0.3, NULL), 0);
    for (int i = 0; i < 10; i++) { /* up to 511 s */
        double t;

        aw_spread_expect (&spread);
        t = aw_spread_seconds (&spread, g, 0, ran);
        assert_true (t > ran && t >= before && isfinite (t));
        before = t;
        for (uint32_t task = 0; task < 50; task++) {
            aw_spread_seed (&spread, 7);
            assert_true (aw_spread_seconds (&spread, g, task, ran) > ran);
        }
        ran = 2 * ran + 1;
    }
    aw_spread_expect (&spread);
    NEAR (aw_spread_seconds (&spread, g, 0, 0), 10);
    aw_spread_finish (&spread);
    aw_graph_destroy (g);
}

static void handle (struct aw_history *history, struct aw_event ev)
{
    assert_int_equal (aw_history_handle (history, &ev, NULL), 0);
}

static void long_tasks_count_before_they_end (void **state)
{
    struct aw_event start = { .type = AW_EVENT_START }, finish = { .type = AW_EVENT_FINISH };
    struct aw_graph *g = aw_graph_create ();
    struct aw_samples samples = { 0 };
    struct aw_history history;

    (void)state;
    graphs_set (g, "a", 5, 1, 0, 10);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_history_init (&history, g, NULL), 0);
    start.cpus = finish.cpus = (struct aw_idset){ 0 };
    handle (&history, (struct aw_event){ .type = AW_EVENT_NODE, .name = "n" });
    for (start.task = 0; start.task < 4; start.task++)
        handle (&history, start);
    finish.t = finish.seconds = 6;
    finish.task = 0;
    handle (&history, finish);
    finish.task = 1;
    finish.status = AW_STATUS_FAILED; /* says nothing */
    handle (&history, finish);
    assert_int_equal (aw_learn (&samples, &history), 0);
    NEAR (aw_samples_mean (&samples, 0), (6 + 3 * 10) / 4.);
    aw_samples_finish (&samples);
    history.now = 30; /* two tasks still run */
    assert_int_equal (aw_learn (&samples, &history), 0);
    NEAR (aw_samples_mean (&samples, 0), (6 + 3 * 10 + 2 * 30) / 6.);
    aw_samples_finish (&samples);
    aw_history_finish (&history);
    aw_graph_destroy (g);
}

/*
 * The rest of a run
 */

/* One task runs for 1 s. Of what comes after it, the long one should be first. */
static struct aw_graph *rest (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "first", 1, 2, 0, 1);
    graphs_set (g, "y", 1, 1, 0, 2);
    graphs_set (g, "z", 1, 1, 0, 2);
    graphs_set (g, "x", 1, 1, 0, 3);
    graphs_edge (g, "y", "first", 0, 0);
    graphs_edge (g, "z", "first", 0, 0);
    graphs_edge (g, "x", "first", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

/* A run of G that follows PLAN on nodes of 2 CPUs, and in which all has started that can. */
static struct aw_sched *begin (const struct aw_graph *g, const char *plan, uint32_t nodes)
{
    struct aw_event ev = { .type = AW_EVENT_PLAN, .text = plan, .task = AW_NONE, .node = AW_NONE };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);
    struct aw_event action;

    assert_int_equal (aw_simulate_add_nodes (s, nodes, 2, 0, 0, NULL), 0);
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    while (aw_sched_next (s, &action))
        ;
    return s;
}

static void happen (struct aw_sched *s, struct aw_event ev)
{
    struct aw_event action;

    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    while (aw_sched_next (s, &action))
        ;
}

static struct aw_replan plan (const struct aw_sched *s, double variation, uint32_t evaluations)
{
    struct aw_spread spread;
    struct aw_conditions conditions = { .spread = &spread, .from = s };
    struct aw_replan_limits limits = { .evaluations = evaluations };
    struct aw_replan r;
    double end;

    assert_int_equal (aw_spread_init (&spread, aw_sched_graph (s), NULL, variation, NULL), 0);
    assert_int_equal (aw_replan_look (&end, &conditions, NULL), 0);
    assert_int_equal (aw_replan (&r, &conditions, end, &limits, NULL), 0);
    aw_spread_finish (&spread);
    return r;
}

static void a_bad_order_is_replaced_and_a_good_one_stays (void **state)
{
    static const struct {
        const char *order;
        bool good;
    } table[] = { { "0 1 2 3", false }, { "0 2 3 1", true } };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct aw_graph *g = rest ();
        struct aw_sched *s = begin (g, table[i].order, 1);
        struct aw_replan r = plan (s, 0.02, 40);

        NEAR (r.end, 5);
        assert_int_equal (aw_plan_is_one (&r.plan), !table[i].good);
        assert_true (table[i].good ? r.gain == 0 : fabs (r.gain - 1) < 0.2);
        if (!table[i].good)
            assert_true (r.plan.places[3] < r.plan.places[1]
                         || r.plan.places[3] < r.plan.places[2]);
        aw_replan_finish (&r);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

/* The long one first saves 0.15 of 51 s. */
static void a_small_gain_is_none (void **state)
{
    struct aw_graph *g = rest ();
    struct aw_sched *s;
    struct aw_replan r;

    (void)state;
    g->sets[1].duration = g->sets[2].duration = 0.15;
    g->sets[3].duration = 50;
    s = begin (g, "0 1 2 3", 1);
    r = plan (s, 0.001, 40);
    assert_true (r.gain == 0 && !aw_plan_is_one (&r.plan));
    aw_replan_finish (&r);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* On two nodes the order does not matter; on the one that is left it does. */
static void the_loss_of_a_node_is_a_reason (void **state)
{
    struct aw_graph *g = rest ();
    struct aw_sched *s = begin (g, "0 1 2 3", 2);
    struct aw_replan r = plan (s, 0.02, 40);

    (void)state;
    assert_false (aw_plan_is_one (&r.plan));
    NEAR (r.end, 4);
    aw_replan_finish (&r);
    happen (s, (struct aw_event){ .type = AW_EVENT_NODE_LOST, .t = 0.5, .node = 1 });
    r = plan (s, 0.02, 40);
    assert_true (aw_plan_is_one (&r.plan));
    NEAR (r.end, 5);
    aw_replan_finish (&r);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Its first task should have ended at 1 s. */
static void the_expected_end_moves_with_a_late_task (void **state)
{
    struct aw_graph *g = rest ();
    struct aw_sched *s = begin (g, "0 2 3 1", 1);
    struct aw_spread spread;
    struct aw_conditions conditions = { .spread = &spread, .from = s };
    double end;

    (void)state;
    assert_int_equal (aw_spread_init (&spread, g, NULL, 0.3, NULL), 0);
    happen (s, (struct aw_event){ .type = AW_EVENT_WAKE, .t = 10, .task = AW_NONE });
    assert_int_equal (aw_replan_look (&end, &conditions, NULL), 0);
    assert_true (end > 14 && end < 20);
    assert_true (aw_replan_departed (end, 5, 10) && aw_replan_departed (end, NAN, 10));
    assert_false (aw_replan_departed (end, end + 0.1, 10) || aw_replan_departed (NAN, 5, 10));
    aw_spread_finish (&spread);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void without_durations_there_is_no_end (void **state)
{
    struct aw_graph *g = rest ();
    struct aw_sched *s;
    struct aw_replan r;

    (void)state;
    g->sets[2].duration = NAN;
    s = begin (g, "0 1 2 3", 1);
    r = plan (s, NAN, 40);
    assert_true (isnan (r.end) && r.gain == 0 && !aw_plan_is_one (&r.plan));
    aw_replan_finish (&r);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static int halfway (void *arg, struct aw_sched *sched, struct aw_error *err)
{
    struct aw_sched **copy = arg;
    struct aw_counts counts = aw_sched_counts (sched, AW_NONE);

    (void)err;
    if (!*copy && 2 * counts.done >= aw_sched_graph (sched)->n_tasks)
        *copy = aw_sched_clone (sched);
    return 0;
}

/* From the middle of random runs in a bad order: the new order ends when the planner says, and it
 * ends earlier than the old one.
 */
static void the_planner_tells_the_truth (void **state)
{
    uint64_t random = 3463;
    int better = 0;

    (void)state;
    for (int round = 0; round < 25; round++) {
        struct aw_graph *g = graphs_layered (&random, 8, 2);
        const struct aw_sched_config fifo = { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 };
        struct aw_sched *s = aw_sched_create (g, &fifo, NULL), *middle = NULL;
        struct aw_simulation sim = { .turn = halfway, .arg = &middle };
        struct aw_simulated old, new;
        struct aw_replan r;

        assert_int_equal (aw_simulate_add_nodes (s, 1, 8, 2, 0, NULL), 0);
        assert_int_equal (aw_simulate (s, &sim, &old, NULL), 0);
        assert_non_null (middle);
        r = plan (middle, 0, 60);
        assert_true (r.end <= old.end * (1 + 1e-9));
        if (aw_plan_is_one (&r.plan)) {
            better++;
            assert_true (r.end < old.end && r.gain > 0);
            assert_int_equal (aw_sched_follow (middle, r.plan.places, &r.plan.holds), 0);
        }
        assert_int_equal (aw_simulate (middle, NULL, &new, NULL), 0);
        assert_true (fabs (new.end - r.end) < 1e-6 * new.end);
        aw_replan_finish (&r);
        aw_sched_destroy (middle);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
    assert_true (better >= 5);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (an_answer_that_is_not_whole_is_not_used),
        cmocka_unit_test (answers_come_through),
        cmocka_unit_test (a_long_order_comes_through),
        cmocka_unit_test (a_task_that_has_run_for_long_takes_longer),
        cmocka_unit_test (long_tasks_count_before_they_end),
        cmocka_unit_test (a_bad_order_is_replaced_and_a_good_one_stays),
        cmocka_unit_test (a_small_gain_is_none),
        cmocka_unit_test (the_loss_of_a_node_is_a_reason),
        cmocka_unit_test (the_expected_end_moves_with_a_late_task),
        cmocka_unit_test (without_durations_there_is_no_end),
        cmocka_unit_test (the_planner_tells_the_truth),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
