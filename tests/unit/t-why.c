/* SPDX-License-Identifier: Apache-2.0 */
/* Why tasks wait, and when they are expected to start. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/sched/why.h"
#include "graphs.h"
#include "model/ahead.h"
#include "model/simulate.h"

static struct aw_sched *make (struct aw_graph *g, enum aw_mode mode, uint32_t cpus, uint32_t gpus)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, mode, 0 };
    struct aw_sched *s;

    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, 1, cpus, gpus, 0, NULL), 0);
    return s;
}

static void decide (struct aw_sched *s)
{
    struct aw_event action;

    while (aw_sched_next (s, &action))
        ;
}

static struct aw_reason ask (struct aw_sched *s, const char *task)
{
    const struct aw_graph *g = aw_sched_graph (s);
    struct aw_reason reason;

    aw_sched_why (s, aw_graph_task_parse (g, task), &reason);
    return reason;
}

static void handle (struct aw_sched *s, struct aw_event ev)
{
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    decide (s);
}

static void end (struct aw_sched *s, double t, const char *task, enum aw_status status)
{
    handle (s, (struct aw_event){ .type = AW_EVENT_FINISH,
                                  .t = t,
                                  .task = aw_graph_task_parse (aw_sched_graph (s), task),
                                  .status = status,
                                  .code = status == AW_STATUS_FAILED,
                                  .seconds = t });
}

/* Four CPUs: two of the five tasks of wide run, each with two of them. */
static struct aw_graph *five (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "wide", 5, 2, 0, 10);
    graphs_set (g, "next", 5, 1, 0, 1);
    graphs_edge (g, "next", "wide", 0, 1);
    graphs_set (g, "last", 1, 1, 0, 1);
    graphs_edge (g, "last", "next", 0, 0);
    return g;
}

static void a_task_waits_for_predecessors_or_for_room (void **state)
{
    struct aw_graph *g = five ();
    struct aw_sched *s = make (g, AW_MODE_ASYNC, 4, 1);
    struct aw_reason r;

    (void)state;
    decide (s);
    assert_int_equal (ask (s, "wide[0]").why, AW_WHY_NOT);
    assert_int_equal (ask (s, "next[0]").why, AW_WHY_PREDECESSORS);
    assert_int_equal (ask (s, "last[0]").why, AW_WHY_PREDECESSORS);
    r = ask (s, "wide[2]");
    assert_int_equal (r.why, AW_WHY_ROOM);
    assert_int_equal (r.before, 0);
    assert_int_equal (r.node, 0);
    assert_int_equal (r.lacks.cpus, 2);
    assert_int_equal (r.lacks.gpus, 0);
    assert_true (r.t == 10);
    assert_int_equal (ask (s, "wide[4]").before, 2);
    end (s, 4, "wide[1]", AW_STATUS_COMPLETED);
    assert_int_equal (ask (s, "wide[1]").why, AW_WHY_NOT);
    assert_int_equal (ask (s, "wide[2]").why, AW_WHY_NOT);
    assert_int_equal (ask (s, "wide[3]").why, AW_WHY_ROOM);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void what_is_missing_is_named (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;
    struct aw_reason r;

    (void)state;
    graphs_set (g, "a", 1, 1, 1, 100);
    graphs_set (g, "b", 1, 1, 1, 50);
    graphs_set (g, "c", 1, 9, 0, 1);
    s = make (g, AW_MODE_ASYNC, 4, 1);
    decide (s);
    r = ask (s, "b[0]");
    assert_int_equal (r.why, AW_WHY_ROOM);
    assert_int_equal (r.lacks.gpus, 1);
    assert_int_equal (r.lacks.cpus, 0);
    assert_true (r.t == 100);
    assert_int_equal (ask (s, "c[0]").why, AW_WHY_NEVER);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void a_task_is_held_for_another_that_comes_first (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;
    struct aw_reason r;

    (void)state;
    graphs_set (g, "runs", 1, 2, 0, 1000);
    graphs_set (g, "whole", 1, 4, 0, 500);
    graphs_set (g, "small", 1, 2, 0, 400);
    s = make (g, AW_MODE_ASYNC, 4, 0);
    decide (s); /* small ends before whole can start: it runs */
    assert_int_equal (ask (s, "small[0]").why, AW_WHY_NOT);
    r = ask (s, "whole[0]");
    assert_int_equal (r.why, AW_WHY_ROOM);
    assert_true (r.t == 1000);
    aw_sched_destroy (s);
    aw_graph_destroy (g);

    g = aw_graph_create ();
    graphs_set (g, "runs", 1, 2, 0, 100);
    graphs_set (g, "whole", 1, 4, 0, 90);
    graphs_set (g, "small", 1, 2, 0, 200);
    graphs_set (g, "later", 1, 1, 0, 6000); /* makes runs, then whole come first */
    graphs_set (g, "last", 1, 1, 0, 5000);
    graphs_edge (g, "later", "runs", 0, 0);
    graphs_edge (g, "last", "whole", 0, 0);
    s = make (g, AW_MODE_ASYNC, 4, 0);
    decide (s);
    r = ask (s, "small[0]");
    assert_int_equal (r.why, AW_WHY_HELD);
    assert_int_equal (r.reserved_set, 1);
    assert_true (r.reserved_t == 100);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void stages_delays_limits_messages_and_stops_are_told (void **state)
{
    struct aw_graph *g = five ();
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "free", 1, 1, 0, 1);
    g->sets[0].retry.count = 1;
    g->sets[0].retry.delay = 7;
    assert_int_equal (aw_graph_add_message_dependency (g, 3, "go", 1, false), 0);
    s = make (g, AW_MODE_ASYNC, 4, 0);
    decide (s);
    assert_int_equal (ask (s, "free[0]").why, AW_WHY_MESSAGES);
    end (s, 1, "wide[0]", AW_STATUS_FAILED);
    assert_int_equal (ask (s, "wide[0]").why, AW_WHY_DELAY);
    assert_true (ask (s, "wide[0]").t == 8);
    handle (s, (struct aw_event){ .type = AW_EVENT_LIMIT, .t = 2, .seconds = 5 });
    assert_int_equal (ask (s, "wide[4]").why, AW_WHY_LATE);
    assert_true (ask (s, "wide[4]").needs >= 10);
    handle (s, (struct aw_event){ .type = AW_EVENT_STOP, .t = 3, .reason = "" });
    assert_int_equal (ask (s, "wide[4]").why, AW_WHY_STOPPED);
    assert_int_equal (ask (s, "last[0]").why, AW_WHY_STOPPED);
    aw_sched_destroy (s);
    aw_graph_destroy (g);

    g = aw_graph_create ();
    graphs_set (g, "a", 1, 1, 0, 1);
    graphs_set (g, "b", 1, 1, 0, 1);
    graphs_set (g, "c", 1, 1, 0, 1);
    graphs_edge (g, "b", "a", 0, 0);
    graphs_edge (g, "c", "a", 1, 0);
    g->iterations = 2;
    g->iterated = true;
    s = make (g, AW_MODE_SEQUENTIAL, 4, 0);
    decide (s);
    end (s, 1, "a@0[0]", AW_STATUS_COMPLETED);
    assert_int_equal (ask (s, "b@0[0]").why, AW_WHY_STAGE);
    assert_int_equal (ask (s, "c@1[0]").why, AW_WHY_STAGE);
    assert_int_equal (ask (s, "b@1[0]").why, AW_WHY_PREDECESSORS);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* In any state of a run, each task that has not started has a reason, is not expected to start in
 * the past, and waits for predecessors if one has not ended.
 */
static void check_all (struct aw_sched *s)
{
    const struct aw_graph *g = aw_sched_graph (s);
    struct aw_counts counts = aw_sched_counts (s, AW_NONE);
    uint32_t waiting = 0;
    struct aw_ahead ahead;

    assert_int_equal (aw_ahead_init (&ahead, s, NULL), 0);
    assert_int_equal (ahead.unknown, AW_NONE);
    for (uint32_t task = 0; task < g->n_tasks; task++) {
        struct aw_reason r;

        aw_sched_why (s, task, &r);
        if (r.why == AW_WHY_NOT)
            continue;
        waiting++;
        assert_true (r.why == AW_WHY_PREDECESSORS || r.why == AW_WHY_ROOM || r.why == AW_WHY_HELD);
        assert_true (r.before < counts.ready + counts.waiting);
        assert_true (ahead.start[task] >= aw_sched_now (s));
        assert_true (ahead.end[task] >= ahead.start[task]);
        if (r.why == AW_WHY_ROOM) {
            assert_true (r.t >= aw_sched_now (s));
            assert_true (r.node != AW_NO_NODE);
        }
    }
    assert_int_equal (waiting, counts.ready + counts.waiting);
    aw_ahead_finish (&ahead);
}

static void every_waiting_task_of_random_runs_has_a_reason (void **state)
{
    uint64_t random = 20261129;

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct aw_graph *g = graphs_layered (&random, 8, 2);
        struct aw_sched *s = make (g, AW_MODE_ASYNC, 8, 2);
        uint32_t ends = graphs_below (&random, g->n_tasks), cursor;
        struct aw_event ev;

        decide (s);
        for (uint32_t i = 0; i < ends; i++) {
            struct aw_event first = { .t = INFINITY };

            for (cursor = 0; aw_sched_running (s, &cursor, &ev);)
                if (ev.t + aw_sched_expected (s, ev.task) < first.t)
                    first = (struct aw_event){ .type = AW_EVENT_FINISH,
                                               .t = ev.t + aw_sched_expected (s, ev.task),
                                               .task = ev.task,
                                               .node = ev.node };
            first.seconds = aw_sched_expected (s, first.task);
            handle (s, first);
        }
        check_all (s);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

/* The expected starts are those that the run has if all takes as long as expected. */
static void expected_starts_are_those_of_the_run (void **state)
{
    struct aw_graph *g = five ();
    struct aw_sched *s = make (g, AW_MODE_ASYNC, 4, 0);
    struct aw_ahead ahead;

    (void)state;
    decide (s);
    assert_int_equal (aw_ahead_init (&ahead, s, NULL), 0);
    assert_true (isnan (ahead.start[0]) && ahead.end[0] == 10);
    assert_true (ahead.start[2] == 10 && ahead.end[2] == 20);
    assert_true (ahead.start[4] == 20 && ahead.end[4] == 30);
    assert_true (ahead.start[aw_graph_task_parse (g, "last[0]")] == 31);
    aw_ahead_finish (&ahead);
    aw_sched_destroy (s);
    aw_graph_destroy (g);

    g = aw_graph_create ();
    graphs_set (g, "a", 1, 1, 0, 1);
    graphs_set (g, "b", 1, 1, 0, NAN);
    s = make (g, AW_MODE_ASYNC, 4, 0);
    decide (s);
    assert_int_equal (aw_ahead_init (&ahead, s, NULL), 0);
    assert_int_equal (ahead.unknown, 1);
    assert_true (isnan (ahead.end[0]));
    aw_ahead_finish (&ahead);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_task_waits_for_predecessors_or_for_room),
        cmocka_unit_test (what_is_missing_is_named),
        cmocka_unit_test (a_task_is_held_for_another_that_comes_first),
        cmocka_unit_test (stages_delays_limits_messages_and_stops_are_told),
        cmocka_unit_test (every_waiting_task_of_random_runs_has_a_reason),
        cmocka_unit_test (expected_starts_are_those_of_the_run),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
