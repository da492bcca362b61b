/* SPDX-License-Identifier: Apache-2.0 */
/* Starts that wait for messages: what the scheduler makes of MESSAGE events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "model/simulate.h"

static struct aw_graph *graph;
static struct aw_sched *sched;
static char did[1 << 14]; /* what was decided since it was last looked at */

static uint32_t add (const char *name, uint32_t count)
{
    struct aw_set *set = aw_graph_add_set (graph, name);

    assert_non_null (set);
    set->count = count;
    return graph->n_sets - 1;
}

static void begin (enum aw_mode mode, uint32_t cpus)
{
    const struct aw_sched_config config = { AW_POLICY_FIFO, mode, 0 };
    struct aw_error err = { "" };

    graph->iterated = graph->iterations > 1;
    if (aw_graph_finalize (graph, &err) < 0 || !(sched = aw_sched_create (graph, &config, &err))
        || aw_simulate_add_nodes (sched, 1, cpus, 0, 0, &err) < 0)
        fail_msg ("%s", err.text);
    did[0] = '\0';
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

/* Decides; READY is left out. */
static void decided (const char *what)
{
    struct aw_event action;
    char name[64];

    while (aw_sched_next (sched, &action)) {
        size_t n = strlen (did);

        if (action.type == AW_EVENT_READY)
            continue;
        name[0] = '\0';
        if (action.type == AW_EVENT_END)
            snprintf (name, sizeof (name), "%d", action.code);
        else
            aw_graph_task_name (graph, action.task, name, sizeof (name));
        snprintf (did + n, sizeof (did) - n, "%s%s %s", n ? ", " : "",
                  aw_event_type_name (action.type), name);
    }
    assert_string_equal (did, what);
    did[0] = '\0';
}

static void come (const char *topic, uint64_t count)
{
    const struct aw_event ev = {
        .type = AW_EVENT_MESSAGE, .t = aw_sched_now (sched) + 1, .name = topic, .count = count
    };
    struct aw_error err = { "" };

    if (aw_sched_handle (sched, &ev, &err) < 0)
        fail_msg ("%s", err.text);
}

static void finish (const char *task, enum aw_status status)
{
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .t = aw_sched_now (sched) + 1,
        .task = aw_graph_task_parse (graph, task),
        .status = status,
        .code = status == AW_STATUS_FAILED,
        .seconds = 1,
    };
    struct aw_error err = { "" };

    if (aw_sched_handle (sched, &ev, &err) < 0)
        fail_msg ("%s: %s", task, err.text);
}

static void wrong_message_dependencies_are_rejected (void **state)
{
    (void)state;
    add ("a", 1);
    assert_int_equal (aw_graph_add_message_dependency (graph, 1, "t", 1, false), -1);
    assert_int_equal (aw_graph_add_message_dependency (graph, 0, NULL, 1, false), -1);
    assert_int_equal (aw_graph_add_message_dependency (graph, 0, "t", 0, false), -1);
    assert_int_equal (aw_graph_add_message_dependency (graph, 0, "t", 2, false), 0);
    assert_int_equal (aw_graph_find_topic (graph, "t"), 0);
    assert_int_equal (aw_graph_find_topic (graph, "u"), AW_NONE);
    begin (AW_MODE_ASYNC, 4);
    come ("u", 9); /* nobody waits for those */
    assert_true (aw_sched_next_message (sched, "t") == 2);
    assert_true (aw_sched_next_message (sched, "u") == UINT64_MAX);
}

static void a_task_waits_for_a_number_of_messages (void **state)
{
    (void)state;
    add ("send", 1);
    assert_int_equal (aw_graph_add_message_dependency (graph, add ("train", 2), "frames", 8, false),
                      0);
    begin (AW_MODE_ASYNC, 4);
    decided ("start send[0]");
    come ("frames", 7);
    decided ("");
    come ("frames", 8);
    decided ("start train[0], start train[1]");
    come ("frames", 3); /* a smaller number changes nothing */
    come ("frames", 100);
    decided ("");
    assert_true (aw_sched_next_message (sched, "frames") == UINT64_MAX);
    finish ("train[0]", AW_STATUS_COMPLETED);
    finish ("train[1]", AW_STATUS_COMPLETED);
    finish ("send[0]", AW_STATUS_COMPLETED);
    decided ("end 0");
}

static void a_task_waits_for_predecessors_and_messages (void **state)
{
    struct aw_edge edge = { .set = 0 };
    uint32_t train;

    (void)state;
    add ("send", 1);
    train = add ("train", 1);
    assert_int_equal (aw_graph_add_edge (graph, train, edge), 0);
    assert_int_equal (aw_graph_add_message_dependency (graph, train, "frames", 1, false), 0);
    assert_int_equal (aw_graph_add_message_dependency (graph, train, "weights", 2, false), 0);
    begin (AW_MODE_ASYNC, 4);
    decided ("start send[0]");
    come ("frames", 5);
    finish ("send[0]", AW_STATUS_COMPLETED);
    come ("weights", 2);
    decided ("start train[0]");
}

static void each_iteration_waits_for_its_own_messages (void **state)
{
    (void)state;
    graph->iterations = 3;
    add ("send", 1);
    assert_int_equal (
        aw_graph_add_message_dependency (graph, add ("train", 1), "frames", 10, false), 0);
    begin (AW_MODE_ASYNC, 9);
    decided ("start send@0[0], start send@1[0], start send@2[0]");
    come ("frames", 19);
    decided ("start train@0[0]");
    assert_true (aw_sched_next_message (sched, "frames") == 20);
    come ("frames", 30);
    decided ("start train@1[0], start train@2[0]");
}

static void one_task_starts_for_every_n_messages (void **state)
{
    struct aw_edge each = { .set = 1, .by = AW_BY_INDEX }, whole = { .set = 1 };
    uint32_t infer, report;

    (void)state;
    add ("send", 1);
    assert_int_equal (aw_graph_add_message_dependency (graph, add ("train", 4), "frames", 8, true),
                      0);
    infer = add ("infer", 4);
    assert_int_equal (aw_graph_add_edge (graph, infer, each), 0);
    report = add ("report", 1);
    assert_int_equal (aw_graph_add_edge (graph, report, whole), 0);
    begin (AW_MODE_ASYNC, 9);
    decided ("start send[0]");
    come ("frames", 9);
    decided ("start train[0]");
    come ("frames", 16);
    decided ("start train[1]");
    finish ("train[0]", AW_STATUS_COMPLETED);
    finish ("train[1]", AW_STATUS_COMPLETED);
    decided ("start infer[0], start infer[1]");
    finish ("infer[0]", AW_STATUS_COMPLETED);
    finish ("infer[1]", AW_STATUS_COMPLETED);
    decided ("");
    /* The last sender has ended: 2 trainings were not needed. What waits for all of them goes on.
     */
    finish ("send[0]", AW_STATUS_COMPLETED);
    decided ("skip train[2], skip infer[2], skip train[3], skip infer[3], start report[0]");
    finish ("report[0]", AW_STATUS_COMPLETED);
    decided ("end 0");
}

static void a_task_is_skipped_when_too_few_messages_came (void **state)
{
    struct aw_edge whole = { .set = 1 };

    (void)state;
    add ("send", 1);
    assert_int_equal (aw_graph_add_message_dependency (graph, add ("train", 1), "frames", 8, false),
                      0);
    assert_int_equal (aw_graph_add_edge (graph, add ("infer", 1), whole), 0);
    begin (AW_MODE_ASYNC, 9);
    decided ("start send[0]");
    come ("frames", 7);
    finish ("send[0]", AW_STATUS_COMPLETED);
    decided ("skip train[0], skip infer[0], end 1");
}

static void stages_wait_for_messages_too (void **state)
{
    struct aw_edge after = { .set = 0 };
    uint32_t train;

    (void)state;
    graph->iterations = 2;
    add ("send", 1);
    train = add ("train", 1);
    assert_int_equal (aw_graph_add_edge (graph, train, after), 0);
    assert_int_equal (aw_graph_add_message_dependency (graph, train, "frames", 8, true), 0);
    begin (AW_MODE_SEQUENTIAL, 9);
    decided ("start send@0[0]");
    come ("frames", 8);
    decided ("");
    finish ("send@0[0]", AW_STATUS_COMPLETED);
    decided ("start train@0[0]");
    finish ("train@0[0]", AW_STATUS_COMPLETED);
    decided ("start send@1[0]");
    finish ("send@1[0]", AW_STATUS_COMPLETED);
    decided ("skip train@1[0], end 0");
}

static void a_stop_skips_nothing (void **state)
{
    struct aw_event stop = { .type = AW_EVENT_STOP, .reason = "Ctrl-C" };
    struct aw_error err;

    (void)state;
    add ("send", 1);
    assert_int_equal (aw_graph_add_message_dependency (graph, add ("train", 3), "frames", 8, true),
                      0);
    begin (AW_MODE_ASYNC, 9);
    decided ("start send[0]");
    stop.t = aw_sched_now (sched);
    assert_int_equal (aw_sched_handle (sched, &stop, &err), 0);
    finish ("send[0]", AW_STATUS_COMPLETED);
    decided ("end 3");
}

/* In the simulator all messages are there from the start. */
static void the_simulator_has_all_messages_from_the_start (void **state)
{
    struct aw_simulated result;
    struct aw_error err;

    (void)state;
    graph->iterations = 2;
    add ("send", 1);
    assert_int_equal (aw_graph_add_message_dependency (graph, add ("train", 2), "frames", 8, true),
                      0);
    graph->sets[0].duration = 10;
    graph->sets[1].duration = 5;
    begin (AW_MODE_ASYNC, 9);
    assert_int_equal (aw_simulate (sched, NULL, &result, &err), 0);
    assert_int_equal (result.code, 0);
    assert_true (result.end == 10);
}

static void cancel (const char *task, uint64_t count, int release)
{
    const struct aw_event ev = {
        .type = AW_EVENT_CANCEL,
        .t = aw_sched_now (sched) + 1,
        .task = aw_graph_task_parse (graph, task),
        .count = count,
        .code = release,
    };
    struct aw_error err = { "" };

    if (aw_sched_handle (sched, &ev, &err) < 0)
        fail_msg ("%s", err.text);
}

/* What waits, for resources or others, is skipped; what runs is told to end, and its end is no
 * failure; what waits for those is skipped too, or goes on. */
static void a_cancelled_set_ends_and_its_successors_are_skipped_or_released (void **state)
{
    struct aw_edge after = { .set = 0 };
    struct aw_error err;
    struct aw_event ev = { .type = AW_EVENT_CANCEL, .task = 2, .count = 99 };

    (void)state;
    for (int release = 0; release < 2; release++) {
        add ("a", 3);
        graph->sets[0].retry.count = 5;
        assert_int_equal (aw_graph_add_edge (graph, add ("b", 1), after), 0);
        add ("c", 1);
        begin (AW_MODE_ASYNC, 2);
        decided ("start a[0], start a[1]");
        finish ("a[0]", AW_STATUS_FAILED);
        decided ("start a[2]"); /* a[0] waits for resources, to be tried again */
        assert_int_equal (aw_sched_handle (sched, &ev, &err), -1); /* so many there are not */
        cancel ("a[0]", 3, release);
        decided (release ? "kill a[2], kill a[1]" : "skip b[0], kill a[2], kill a[1]");
        finish ("a[1]", AW_STATUS_CANCELLED);
        decided ("start c[0]");
        finish ("a[2]", AW_STATUS_FAILED); /* as it likes */
        decided (release ? "start b[0]" : "");
        finish ("c[0]", AW_STATUS_COMPLETED);
        if (release)
            finish ("b[0]", AW_STATUS_COMPLETED);
        decided ("end 0");
        tear_down (NULL);
        set_up (NULL);
    }
}

/* One that ends well before it is told to end has ended well. */
static void a_task_that_ends_well_before_it_is_cancelled_has_completed (void **state)
{
    struct aw_edge after = { .set = 0 };

    (void)state;
    add ("a", 1);
    assert_int_equal (aw_graph_add_edge (graph, add ("b", 1), after), 0);
    begin (AW_MODE_ASYNC, 2);
    decided ("start a[0]");
    cancel ("a[0]", 1, 0);
    finish ("a[0]", AW_STATUS_COMPLETED);
    decided ("start b[0]");
    cancel ("a[0]", 1, 0);
    finish ("b[0]", AW_STATUS_COMPLETED);
    decided ("end 0");
}

static void finish_with (const char *task, int code)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH,
                           .t = aw_sched_now (sched) + 1,
                           .task = aw_graph_task_parse (graph, task),
                           .status = AW_STATUS_COMPLETED,
                           .code = code };
    struct aw_error err = { "" };

    if (aw_sched_handle (sched, &ev, &err) < 0)
        fail_msg ("%s: %s", task, err.text);
}

/* The goal is reached in iteration 1, while iteration 2 has begun: that is told to end. */
static void an_exit_code_ends_the_iterations (void **state)
{
    struct aw_edge in_turn = { .set = 0, .back = 1 }, after = { .set = 0 };

    (void)state;
    graph->iterations = 5;
    add ("work", 1);
    assert_int_equal (aw_graph_add_edge (graph, 0, in_turn), 0);
    assert_int_equal (aw_graph_add_edge (graph, add ("check", 1), after), 0);
    graph->until = 1;
    graph->until_code = 3;
    begin (AW_MODE_ASYNC, 9);
    decided ("start work@0[0]");
    finish ("work@0[0]", AW_STATUS_COMPLETED);
    decided ("start work@1[0], start check@0[0]");
    finish_with ("check@0[0]", 0);
    finish ("work@1[0]", AW_STATUS_COMPLETED);
    decided ("start work@2[0], start check@1[0]");
    finish_with ("check@1[0]", 3);
    decided ("skip check@2[0], skip work@3[0], skip check@3[0], skip work@4[0], skip check@4[0], "
             "kill work@2[0]");
    finish ("work@2[0]", AW_STATUS_CANCELLED);
    decided ("end 0");
}

static void a_message_ends_the_iterations (void **state)
{
    struct aw_edge in_turn = { .set = 0, .back = 1 };

    (void)state;
    graph->iterations = 5;
    add ("work", 1);
    assert_int_equal (aw_graph_add_edge (graph, 0, in_turn), 0);
    assert_int_equal (aw_graph_set_until_topic (graph, "goal"), 0);
    begin (AW_MODE_ASYNC, 9);
    assert_true (aw_sched_next_message (sched, "goal") == 1);
    decided ("start work@0[0]");
    finish ("work@0[0]", AW_STATUS_COMPLETED);
    decided ("start work@1[0]");
    come ("goal", 1);
    decided ("skip work@2[0], skip work@3[0], skip work@4[0]");
    assert_true (aw_sched_next_message (sched, "goal") == UINT64_MAX);
    finish ("work@1[0]", AW_STATUS_COMPLETED);
    decided ("end 0");
}

/* Random numbers in random steps: as many tasks have started as the numbers say, in each copy too.
 */
static void as_many_tasks_start_as_random_numbers_of_messages_allow (void **state)
{
    unsigned seed = (unsigned)time (NULL);

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    for (int round = 0; round < 200; round++) {
        uint32_t count = 1 + (uint32_t)rand () % 20, n = 1 + (uint32_t)rand () % 9;
        uint64_t total = 0;

        graph = aw_graph_create ();
        graph->iterations = 1 + (uint32_t)rand () % 3;
        add ("send", 1);
        assert_int_equal (
            aw_graph_add_message_dependency (graph, add ("train", count), "t", n, true), 0);
        assert_int_equal (aw_graph_add_message_dependency (graph, add ("once", 2), "t", n, false),
                          0);
        begin (AW_MODE_ASYNC, 2000);
        while (total < 2 * (uint64_t)count * graph->iterations * n) {
            uint64_t expected = total / n, once = total / n;
            struct aw_event action;
            struct aw_sched *copy;

            if (expected > count * graph->iterations)
                expected = (uint64_t)count * graph->iterations;
            if (once > graph->iterations)
                once = graph->iterations;
            copy = aw_sched_clone (sched);
            while (aw_sched_next (sched, &action))
                ;
            while (aw_sched_next (copy, &action))
                ;
            assert_int_equal (aw_sched_counts (sched, 1).running, expected);
            assert_int_equal (aw_sched_counts (copy, 1).running, expected);
            assert_int_equal (aw_sched_counts (sched, 2).running, 2 * once);
            assert_true (aw_sched_next_message (copy, "t") == aw_sched_next_message (sched, "t"));
            aw_sched_destroy (copy);
            total += 1 + (uint64_t)(rand () % 30);
            come ("t", total);
        }
        tear_down (NULL);
    }
    graph = NULL;
}

int main (void)
{
#define NEED_TEST(f) cmocka_unit_test_setup_teardown (f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        NEED_TEST (wrong_message_dependencies_are_rejected),
        NEED_TEST (a_task_waits_for_a_number_of_messages),
        NEED_TEST (a_task_waits_for_predecessors_and_messages),
        NEED_TEST (each_iteration_waits_for_its_own_messages),
        NEED_TEST (one_task_starts_for_every_n_messages),
        NEED_TEST (a_task_is_skipped_when_too_few_messages_came),
        NEED_TEST (stages_wait_for_messages_too),
        NEED_TEST (the_simulator_has_all_messages_from_the_start),
        NEED_TEST (a_stop_skips_nothing),
        NEED_TEST (a_cancelled_set_ends_and_its_successors_are_skipped_or_released),
        NEED_TEST (a_task_that_ends_well_before_it_is_cancelled_has_completed),
        NEED_TEST (an_exit_code_ends_the_iterations),
        NEED_TEST (a_message_ends_the_iterations),
        cmocka_unit_test (as_many_tasks_start_as_random_numbers_of_messages_allow),
    };

    return cmocka_run_group_tests_name ("need", tests, NULL, NULL);
}
