/* SPDX-License-Identifier: Apache-2.0 */
/* Sets that start by messages take turns: none starves, however long the others' tasks are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/rank.h"
#include "core/sched/sched.h"
#include "model/simulate.h"

enum { MAX_SETS = 8, MAX_RUNNING = 64 };

static struct aw_graph *graph;
static struct aw_sched *sched;
static double now;

static uint32_t add (const char *name, uint32_t count, double seconds)
{
    struct aw_set *set = aw_graph_add_set (graph, name);

    assert_non_null (set);
    set->count = count;
    set->duration = seconds;
    return graph->n_sets - 1;
}

static void every (uint32_t set, const char *topic, uint32_t count)
{
    assert_int_equal (aw_graph_add_message_dependency (graph, set, topic, count, true), 0);
}

static void begin (enum aw_policy policy, uint32_t cpus)
{
    const struct aw_sched_config config = { policy, AW_MODE_ASYNC, 0 };
    struct aw_error err = { "" };

    graph->iterated = graph->iterations > 1;
    if (aw_graph_finalize (graph, &err) < 0 || !(sched = aw_sched_create (graph, &config, &err))
        || aw_simulate_add_nodes (sched, 1, cpus, 0, 0, &err) < 0)
        fail_msg ("%s", err.text);
    now = aw_sched_now (sched);
}

static int set_up (void **state)
{
    (void)state;
    graph = aw_graph_create ();
    return 0;
}

static int tear_down (void **state)
{
    (void)state;
    aw_sched_destroy (sched);
    aw_graph_destroy (graph);
    sched = NULL;
    return 0;
}

static void handle (struct aw_event *ev)
{
    struct aw_error err = { "" };

    ev->t = now;
    if (aw_sched_handle (sched, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

static void come (const char *topic, uint64_t count)
{
    struct aw_event ev = { .type = AW_EVENT_MESSAGE, .name = topic, .count = count };

    handle (&ev);
}

static void finish (uint32_t task)
{
    struct aw_event ev = {
        .type = AW_EVENT_FINISH, .task = task, .status = AW_STATUS_COMPLETED, .seconds = 1
    };

    handle (&ev);
}

/* The next task that starts; AW_NONE: none. */
static uint32_t next_start (void)
{
    struct aw_event action;

    while (aw_sched_next (sched, &action))
        if (action.type == AW_EVENT_START)
            return action.task;
    return AW_NONE;
}

/* One place; trainings wait in a row, each starts an inference, and each inference a picture: both
 * come at once, although a training is the longest of all. */
static void pipeline (enum aw_policy policy, const char *wanted)
{
    uint32_t train, infer, draw, task;
    struct aw_edge each = { .by = AW_BY_INDEX };
    char did[64] = "";
    uint64_t trained = 0;

    train = add ("train", 50, 100);
    every (train, "frames", 1);
    infer = add ("infer", 50, 1);
    every (infer, "trained", 1);
    draw = add ("draw", 50, 0.5); /* waits for a task of a stream alone */
    each.set = infer;
    assert_int_equal (aw_graph_add_edge (graph, draw, each), 0);
    begin (policy, 1);
    assert_true (graph->sets[draw].streams);
    come ("frames", 40);
    for (int i = 0; i < 12; i++) {
        task = next_start ();
        assert_true (task != AW_NONE);
        strncat (did, graph->sets[aw_graph_task (graph, task).set].name, 1);
        now += 1;
        finish (task);
        if (aw_graph_task (graph, task).set == train)
            come ("trained", ++trained);
    }
    assert_string_equal (did, wanted);
}

static void what_a_stream_starts_comes_at_once (void **state)
{
    (void)state;
    pipeline (AW_POLICY_LONGEST_PATH, "tidtidtidtid");
}

static void streams_work_with_other_policies (void **state)
{
    (void)state;
    pipeline (AW_POLICY_WAVES, "tidtidtidtid");
}

/* Random streams, one demand, some places: no ready stream is passed more than once by another.
 * Returns a number that all decisions have gone into. */
static uint64_t passed_once (unsigned seed)
{
    static const char *const topics[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    uint32_t n_sets = 2 + seed % 6, running[MAX_RUNNING], n_running = 0;
    uint32_t passed[MAX_SETS][MAX_SETS] = { 0 }, ready[MAX_SETS] = { 0 };
    uint64_t came[MAX_SETS] = { 0 }, sum = 0;

    srand (seed);
    graph->iterations = 1 + seed % 3;
    for (uint32_t s = 0; s < n_sets; s++)
        every (add (topics[s], 100, 1 + rand () % 1000), topics[s], 1 + s % 2);
    begin (AW_POLICY_LONGEST_PATH, 1 + seed % 4);
    for (int step = 0; step < 600; step++) {
        uint32_t s = (uint32_t)rand () % n_sets, task;
        uint64_t before = came[s] / (1 + s % 2);

        now += 1;
        if (rand () % 3) {
            came[s] += (uint64_t)rand () % 4;
            if (came[s] / (1 + s % 2) > 100 * graph->iterations)
                continue;
            come (topics[s], came[s]);
            ready[s] += (uint32_t)(came[s] / (1 + s % 2) - before);
        }
        else if (n_running > 0) {
            uint32_t i = (uint32_t)rand () % n_running;

            finish (running[i]);
            running[i] = running[--n_running];
        }
        while ((task = next_start ()) != AW_NONE) {
            uint32_t mine = aw_graph_task (graph, task).set;

            sum = sum * 31 + task;
            running[n_running++] = task;
            assert_true (ready[mine]-- > 0);
            for (uint32_t other = 0; other < n_sets; other++) {
                passed[mine][other] = 0;
                if (other != mine && ready[other] > 0)
                    assert_true (++passed[other][mine] <= 1);
                else if (other != mine)
                    passed[other][mine] = 0;
            }
        }
    }
    return sum;
}

static void no_task_waits_for_more_than_a_turn (void **state)
{
    for (unsigned seed = 0; seed < 60; seed++) {
        uint64_t once = passed_once (seed);

        tear_down (state);
        set_up (state);
        assert_true (once == passed_once (seed)); /* and it is decided so again */
        tear_down (state);
        set_up (state);
    }
}

/* What is no stream goes by its path as before; streams have the longest of theirs. */
static void streams_run_beside_others (void **state)
{
    double ranks[4], seconds[] = { 5, 3, 20, 1 };
    struct aw_edge edge = { .set = 0 };

    (void)state;
    add ("long", 1, 5);
    add ("short", 1, 3);
    every (add ("train", 1, 20), "frames", 1);
    every (add ("infer", 1, 1), "trained", 1);
    assert_int_equal (aw_graph_add_message_dependency (graph, 1, "frames", 1, false),
                      0); /* starts as a set */
    assert_int_equal (aw_graph_add_edge (graph, 1, edge), 0);
    begin (AW_POLICY_LONGEST_PATH, 1);
    assert_false (graph->sets[0].streams || graph->sets[1].streams);
    assert_true (graph->sets[2].streams && graph->sets[3].streams);
    assert_int_equal (aw_rank (graph, NULL, AW_POLICY_LONGEST_PATH, seconds, ranks), 0);
    assert_true (ranks[0] == 8 && ranks[1] == 3 && ranks[2] == 20 && ranks[3] == 20);
    come ("frames", 1);
    come ("trained", 1);
    assert_int_equal (next_start (), 2);
    finish (2);
    assert_int_equal (next_start (), 3);
    finish (3);
    assert_int_equal (next_start (), 0);
    finish (0);
    assert_int_equal (next_start (), 1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define STREAM_TEST(f) cmocka_unit_test_setup_teardown (f, set_up, tear_down)
        STREAM_TEST (what_a_stream_starts_comes_at_once),
        STREAM_TEST (streams_work_with_other_policies),
        STREAM_TEST (no_task_waits_for_more_than_a_turn),
        STREAM_TEST (streams_run_beside_others),
    };

    return cmocka_run_group_tests_name ("streams", tests, NULL, NULL);
}
