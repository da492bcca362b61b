/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that nodes got in advance and do not start: they are taken back, or lost with the node. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "assigning.h"
#include "core/sched/why.h"
#include "graphs.h"

/* Attempts that started have their end, the others are ready again, without a failure. */
static void a_task_that_comes_back_is_ready_again (void **state)
{
    struct assigning *it = assigning_bag (1000, 1, 1);
    struct aw_reason reason;
    uint32_t task;

    (void)state;
    task = it->given[0].task;
    assert_true (aw_sched_is_assigned (it->s, task));
    assert_int_equal (aw_sched_task_state (it->s, task), AW_TASK_READY);
    aw_sched_why (it->s, task, &reason);
    assert_int_equal (reason.why, AW_WHY_ASSIGNED);
    assert_int_equal (reason.node, 0);
    assigning_give_back (it, task);
    assert_false (aw_sched_is_assigned (it->s, task));
    assert_false (aw_sched_is_over (it->s, task, 0)); /* its number is used again */
    assert_int_equal (aw_sched_task_state (it->s, task), AW_TASK_READY);
    assert_int_equal (aw_sched_counts (it->s, 0).failed, 0);
    assigning_turn (it);
    for (uint32_t n = 0; aw_sched_task_state (it->s, task) != AW_TASK_COMPLETED; n++) {
        assert_true (n < 1000);
        it->t += 0.25;
        assigning_end (it, 0, AW_STATUS_COMPLETED, 1);
        assigning_turn (it);
    }
    assigning_close (it);
}

/* It is the next to start, before those that were behind it. */
static void a_task_that_comes_back_has_its_turn_again (void **state)
{
    struct assigning *it = assigning_bag (1000, 1, 1);

    (void)state;
    assert_int_equal (it->given[1].task, 5);
    assigning_give_back (it, 5);
    it->t = 1;
    assigning_end (it, 0, AW_STATUS_FAILED, 1);
    assigning_turn (it);
    assert_int_equal (it->runs[it->n_runs - 1].task, 5);
    assigning_close (it);
}

static void a_stop_takes_all_back (void **state)
{
    struct assigning *it = assigning_bag (1000, 2, 1);
    struct aw_event stop = { .type = AW_EVENT_STOP, .task = AW_NONE, .node = AW_NONE };

    (void)state;
    assert_int_equal (it->n_given, 8);
    assigning_handle (it, &stop);
    assigning_turn (it);
    assert_int_equal (it->n_killed, 8); /* of eight that run none */
    assigning_give_back_killed (it);
    assigning_turn (it);
    assert_int_equal (it->n_runs, 8);
    while (it->n_runs > 0)
        assigning_end (it, 0, AW_STATUS_COMPLETED, 1);
    assigning_turn (it);
    assert_true (it->ended);
    assert_int_equal (aw_sched_counts (it->s, 0).ready, 992);
    assigning_close (it);
}

/* Nothing else happens until then: the nodes would start them when it is too late. */
static void tasks_that_could_not_end_by_the_limit_come_back (void **state)
{
    struct assigning *it = assigning_bag (1000, 2, 1);
    struct aw_event limit = { .type = AW_EVENT_LIMIT, .task = AW_NONE, .seconds = 10 };
    struct aw_event wake = { .type = AW_EVENT_WAKE, .task = AW_NONE, .node = AW_NONE };

    (void)state;
    assigning_handle (it, &limit);
    assigning_turn (it);
    assert_int_equal (it->n_given, 8);
    assert_int_equal (it->n_killed, 0);
    it->t = aw_sched_next_wake (it->s);
    assert_true (it->t > 9 && it->t < 9.01); /* each takes a second */
    assigning_handle (it, &wake);
    assert_true (isinf (aw_sched_next_wake (it->s))); /* once is enough */
    assigning_turn (it);
    assert_int_equal (it->n_killed, 8);
    assert_true (isinf (aw_sched_next_wake (it->s)));
    assigning_close (it);
}

/* The node starts nothing after a failure: it keeps what it has. */
static void tasks_that_stayed_take_the_places_of_failed_ones (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct assigning *it;
    uint32_t n = 0;

    (void)state;
    graphs_set (g, "wide", 1, ASSIGNING_CPUS, 0, 1000); /* on the other node, for long */
    graphs_set (g, "t", 100, 1, 0, 1);
    g->sets[1].on_failure = AW_ON_FAILURE_CONTINUE;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    it = assigning_open (g, 2, 1);
    assert_int_equal (it->n_runs, 5);
    assert_int_equal (it->n_given, 4);
    for (; n < it->n_runs && it->runs[n].task == 0; n++)
        ;
    for (uint32_t i = 0; i < ASSIGNING_CPUS; i++)
        assigning_end (it, n, AW_STATUS_FAILED, 1);
    assigning_turn (it);
    assert_int_equal (it->n_killed, 0);
    assert_int_equal (it->n_runs, 5);
    assigning_close (it);
}

/* All that is left was given to a node where tasks last; another node has places now. */
static void a_place_elsewhere_takes_a_task_back (void **state)
{
    struct assigning *it = assigning_bag (4 + 6, 1, 60);
    struct aw_event node = { .type = AW_EVENT_NODE, .node = 1, .name = "late" };

    (void)state;
    assert_int_equal (it->n_given, 3);
    assigning_fail_all_others (it);
    assert_int_equal (it->n_given, 3);
    assert_int_equal (aw_idset_add (&node.cpus, 0, 7), 0);
    assigning_handle (it, &node);
    assigning_turn (it);
    assert_true (it->n_killed >= 1);
    for (int i = 0; i < 3; i++) {
        assigning_give_back_killed (it);
        assigning_turn (it);
    }
    assert_int_equal (it->n_given, 0);
    assert_int_equal (it->n_runs, 4 + 3);
    aw_idset_finish (&node.cpus);
    assigning_close (it);
}

/* "later" comes after "first" in the order, wherever there is room. */
static void no_task_that_comes_later_starts_before (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct assigning *it;
    uint32_t n = 0;

    (void)state;
    graphs_set (g, "first", 40, 1, 0, 2);
    graphs_set (g, "later", 100, 1, 0, 1);
    g->sets[0].on_failure = AW_ON_FAILURE_CONTINUE;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    it = assigning_open (g, 1, 60);
    assert_int_equal (it->n_given, 16);
    assigning_fail_all_others (it);
    while (it->n_given > 0) {
        it->t += 0.1;
        assigning_end (it, 0, AW_STATUS_FAILED, 1);
        assigning_turn (it);
        assert_int_equal (it->n_killed, 1);
        assigning_turn (it);
        assert_int_equal (it->n_killed, 0); /* one place, one that comes back */
        assigning_give_back (it, it->killed[0]);
        assigning_turn (it);
        assert_int_equal (it->n_runs, 4);
        for (uint32_t i = 0; i < it->n_runs; i++)
            assert_int_equal (aw_graph_task (g, it->runs[i].task).set, 0);
        n++;
    }
    assert_int_equal (n, 16);
    assigning_end (it, 0, AW_STATUS_FAILED, 1);
    assigning_turn (it);
    assert_int_equal (it->n_runs, 4);
    assert_int_equal (aw_graph_task (g, it->runs[3].task).set, 1);
    assigning_close (it);
}

/* Has some node a task of ITERATION that has not started? */
static bool is_given (const struct assigning *it, uint32_t iteration)
{
    for (uint32_t i = 0; i < it->n_given; i++)
        if (aw_graph_task (it->g, it->given[i].task).iteration == iteration)
            return true;
    return false;
}

/* The tasks that run on the first node do not end. What it has in advance is started by the other
 * one, before anything of the next iteration.
 */
static void no_later_iteration_starts_before (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct assigning *it;
    uint32_t last = 0, n = 0;

    (void)state;
    graphs_set (g, "a", 40, 1, 0, 1);
    g->iterations = 3;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    it = assigning_open (g, 2, 60);
    assert_true (assigning_given_to (it, 0) > 0);
    while (last < 2) {
        uint32_t i = 0;

        assert_true (n++ < 1000);
        while (it->runs[i].node == 0)
            i++;
        it->t += 0.1;
        assigning_end (it, i, AW_STATUS_COMPLETED, 1);
        for (bool more = true; more; more = it->n_killed > 0) {
            assigning_turn (it);
            assigning_give_back_killed (it);
        }
        last = aw_graph_task (g, it->runs[it->n_runs - 1].task).iteration;
        for (uint32_t k = 0; k < last; k++)
            assert_false (is_given (it, k));
    }
    assigning_close (it);
}

/* Cancels the first task that was assigned, and returns it. */
static uint32_t cancel_first_given (struct assigning *it)
{
    struct aw_event cancel = {
        .type = AW_EVENT_CANCEL, .task = it->given[0].task, .count = 1, .node = AW_NONE
    };

    assigning_handle (it, &cancel);
    assigning_turn (it);
    return cancel.task;
}

/* Otherwise all that nodes have would go back and forth for each of many that come first. */
static void nothing_is_assigned_for_a_while_where_others_came_first (void **state)
{
    struct aw_event wake = { .type = AW_EVENT_WAKE, .task = AW_NONE, .node = AW_NONE };
    struct aw_graph *g = aw_graph_create ();
    struct assigning *it;

    (void)state;
    graphs_set (g, "first", 1, 1, 0, 100)->retry = (struct aw_retry){ .count = 1, .delay = 1 };
    graphs_set (g, "later", 1000, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    it = assigning_open (g, 1, 2);
    assigning_end (it, 0, AW_STATUS_FAILED, 1);
    assigning_turn (it);
    assert_int_equal (it->n_given, 8);
    it->t = aw_sched_next_wake (it->s);
    assigning_handle (it, &wake);
    assigning_turn (it);
    assert_int_equal (it->n_killed, 8);
    assigning_give_back_killed (it);
    for (int i = 0; i < 2; i++) {
        assigning_end (it, 0, AW_STATUS_COMPLETED, 1);
        assigning_turn (it);
        assert_int_equal (it->n_given, i * 6); /* "first" has one of four places */
        assert_int_equal (it->n_runs, 4);
        it->t += 1.1;
    }
    assigning_close (it);
}

/* It had started when it was to be taken back: that counts, and what was wanted is decided again.
 */
static void a_start_that_crosses_a_cancel_is_killed (void **state)
{
    struct assigning *it = assigning_bag (1000, 1, 1);
    uint32_t task = cancel_first_given (it);

    (void)state;
    assert_int_equal (it->n_killed, 1);
    assert_int_equal (it->killed[0], task);
    assert_true (aw_sched_is_assigned (it->s, task)); /* so it is taken back, not killed */
    assigning_end (it, 0, AW_STATUS_COMPLETED, 1);
    assert_false (aw_sched_is_assigned (it->s, task));
    assigning_turn (it);
    assert_int_equal (it->n_killed, 1);
    assert_int_equal (it->killed[0], task);
    for (uint32_t i = 0; i < it->n_runs; i++)
        if (it->runs[i].task == task) {
            assigning_end (it, i, AW_STATUS_CANCELLED, 1);
            break;
        }
    assert_int_equal (aw_sched_task_state (it->s, task), AW_TASK_CANCELLED);
    assigning_close (it);
}

static void a_cancelled_task_that_comes_back_does_not_run (void **state)
{
    struct assigning *it = assigning_bag (1000, 1, 1);
    uint32_t task = cancel_first_given (it);

    (void)state;
    assigning_give_back_killed (it);
    assigning_turn (it);
    assert_true (aw_sched_unwanted (it->s, task));
    assigning_close (it);
}

static void tasks_of_a_lost_node_start_elsewhere (void **state)
{
    struct assigning *it = assigning_bag (100, 2, 1);
    struct aw_event lost = { .type = AW_EVENT_NODE_LOST, .node = 1, .reason = "gone" };
    uint32_t task = AW_NONE;

    (void)state;
    for (uint32_t i = 0; task == AW_NONE; i++)
        task = it->given[i].node == 1 ? it->given[i].task : AW_NONE;
    assigning_handle (it, &lost);
    assigning_turn (it);
    assert_int_equal (aw_sched_counts (it->s, 0).running, 4);
    assert_int_equal (aw_sched_counts (it->s, 0).ready, 96);
    assert_true (aw_sched_is_over (it->s, task, 0)); /* it may have started */
    assigning_close (it);
}

/* Its agent may have started it already: that counts, and is no place for another one. */
static void a_task_may_start_on_a_node_that_is_drained (void **state)
{
    struct assigning *it = assigning_bag (100, 2, 1);
    struct aw_event drain = { .type = AW_EVENT_NODE_DRAIN, .node = 1, .reason = "bad" };
    uint32_t i = 0, n;

    (void)state;
    assigning_handle (it, &drain);
    while (it->runs[i].node != 1)
        i++;
    n = it->n_given;
    assigning_end (it, i, AW_STATUS_COMPLETED, 1);
    assert_int_equal (it->n_given, n - 1);
    assigning_turn (it);
    assert_int_equal (it->n_killed, n / 2 - 1); /* the others there */
    assigning_give_back_killed (it);
    assigning_turn (it);
    assert_int_equal (it->n_runs, 8);
    for (i = 0; i < it->n_runs; i++)
        if (it->runs[i].node == 1)
            assigning_end (it, i--, AW_STATUS_COMPLETED, 1);
    assert_int_equal (aw_sched_pool (it->s)->free.cpus, 0); /* of the other node's */
    assigning_turn (it);
    for (i = 0; i < it->n_runs; i++)
        assert_int_equal (it->runs[i].node, 0);
    assigning_close (it);
}

/* Tasks that have not started are no proof that they live longer elsewhere. */
static void assigned_tasks_are_no_proof_against_a_node (void **state)
{
    struct assigning *it = assigning_bag (1000, 2, 60);

    (void)state;
    assert_true (it->n_given > 0);
    for (int i = 0; i < 400; i++) {
        it->t += 0.1;
        assigning_end (it, 0, AW_STATUS_FAILED, 0.1);
        assigning_turn (it);
    }
    assert_true (it->n_given > 0);
    assert_int_equal (it->n_drained, 0);
    assigning_close (it);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_task_that_comes_back_is_ready_again),
        cmocka_unit_test (a_task_that_comes_back_has_its_turn_again),
        cmocka_unit_test (a_stop_takes_all_back),
        cmocka_unit_test (tasks_that_could_not_end_by_the_limit_come_back),
        cmocka_unit_test (tasks_that_stayed_take_the_places_of_failed_ones),
        cmocka_unit_test (a_place_elsewhere_takes_a_task_back),
        cmocka_unit_test (no_task_that_comes_later_starts_before),
        cmocka_unit_test (nothing_is_assigned_for_a_while_where_others_came_first),
        cmocka_unit_test (no_later_iteration_starts_before),
        cmocka_unit_test (a_start_that_crosses_a_cancel_is_killed),
        cmocka_unit_test (a_cancelled_task_that_comes_back_does_not_run),
        cmocka_unit_test (tasks_of_a_lost_node_start_elsewhere),
        cmocka_unit_test (a_task_may_start_on_a_node_that_is_drained),
        cmocka_unit_test (assigned_tasks_are_no_proof_against_a_node),
    };

    return cmocka_run_group_tests_name ("assign-back", tests, NULL, NULL);
}
