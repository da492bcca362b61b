/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that nodes get in advance: how many, and which. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "assigning.h"
#include "graphs.h"
#include "model/simulate.h"

/*
 * How many
 */

static void nodes_get_what_starts_there_in_that_time (void **state)
{
    static const struct {
        double backlog;
        uint32_t given; /* to each of two nodes of four places, tasks of 1 s */
    } rows[] = { { 0, 0 },   { 0.24, 0 }, { 0.25, 1 }, { 0.49, 1 },
                 { 0.5, 2 }, { 2.3, 9 },  { 4, 16 },   { 60, 16 } };

    (void)state;
    for (size_t i = 0; i < sizeof (rows) / sizeof (rows[0]); i++) {
        struct assigning *it = assigning_bag (1000, 2, rows[i].backlog);

        assert_int_equal (it->n_runs, 8);
        assert_int_equal (assigning_given_to (it, 0), rows[i].given);
        assert_int_equal (assigning_given_to (it, 1), rows[i].given);
        assert_int_equal (aw_sched_counts (it->s, 0).running, 8);
        assert_int_equal (aw_sched_counts (it->s, 0).ready, 992);
        assigning_close (it);
    }
}

/* Nobody knows how long they take until the first has ended: they are taken to last a second. */
static void tasks_of_unknown_length_are_assigned_as_if_they_took_a_second (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct assigning *it;

    (void)state;
    graphs_set (g, "t", 100, 1, 0, NAN);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    it = assigning_open (g, 1, 0.5);
    assert_int_equal (it->n_given, 2); /* four places, half a second of one */
    it->t = 5;
    assigning_end (it, 0, AW_STATUS_COMPLETED, 5);
    assigning_turn (it);
    assert_int_equal (it->n_given, 1); /* none comes after the one that has started */
    assert_int_equal (it->n_killed, 0);
    assigning_close (it);
}

/* More stay than are given away, so the last ones start wherever there is a place. */
static void the_last_tasks_are_not_assigned (void **state)
{
    struct assigning *it = assigning_bag (8 + 20, 2, 60);

    (void)state;
    assert_int_equal (it->n_given, 9); /* 11 stay, 2 nodes */
    while (!it->ended) {
        it->t += 0.25;
        assigning_end (it, 0, AW_STATUS_COMPLETED, 1);
        assigning_turn (it);
        assert_int_equal (it->n_killed, 0);
    }
    assert_int_equal (aw_sched_counts (it->s, 0).done, 28);
    assigning_close (it);
}

/* A copy that looks ahead waits for no node. */
static void a_simulation_assigns_none (void **state)
{
    struct assigning *it = assigning_bag (100, 2, 1);
    struct aw_sched *copy;
    struct aw_simulated result;

    (void)state;
    assert_int_equal (it->n_given, 8);
    copy = aw_sched_clone (it->s);
    assert_non_null (copy);
    assert_int_equal (aw_simulate (copy, NULL, &result, NULL), 0);
    assert_int_equal (result.code, 0);
    assert_true (fabs (result.end - 13) < 1e-9);
    aw_sched_destroy (copy);
    assigning_close (it);
}

/*
 * Which
 */

static void only_sets_that_need_nothing_else_are_assigned (void **state)
{
    (void)state;
    for (int row = 0; row < 9; row++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_set *set = graphs_set (g, "t", 1000, 1, 0, 0.1);
        struct assigning *it;
        bool assignable = row < 2;

        switch (row) {
        case 1:
            aw_codes_add (&set->success, 3);
            break;
        case 2:
            set->stage_in = AW_STAGING_SYNC;
            break;
        case 3:
            set->stage_out = AW_STAGING_ASYNC;
            break;
        case 4:
            set->step = true;
            break;
        case 5:
            set->worker = true;
            break;
        case 6:
            set->checkpoint_signal = 10;
            break;
        case 7:
            set->nodes = 2;
            break;
        case 8:
            set->stage_in = AW_STAGING_ASYNC;
            break;
        default:
            break;
        }
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        it = assigning_open (g, 2, 1);
        assert_int_equal (it->n_given > 0, assignable);
        assert_int_equal (aw_sched_place (it->s, 0) > 0, assignable);
        assigning_close (it);
    }
}

/* "first" is before "second", and a task of it may become ready at any time. */
static void a_task_that_would_come_before_keeps_others_from_being_assigned (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct assigning *it;

    (void)state;
    graphs_set (g, "begin", 1, 1, 0, 5);
    graphs_set (g, "first", 8, 1, 0, 100);
    graphs_set (g, "second", 1000, 1, 0, 1);
    graphs_edge (g, "first", "begin", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    it = assigning_open (g, 2, 1);
    assert_int_equal (it->n_runs, 8);
    assert_int_equal (it->n_given, 0);
    assigning_end (it, 0, AW_STATUS_COMPLETED, 5); /* begin */
    assigning_turn (it);
    assert_int_equal (it->n_given, 0); /* "first" waits for places, and gets those that come */
    while (aw_sched_counts (it->s, 1).ready > 0) {
        it->t += 1;
        for (uint32_t i = 0; i < it->n_runs; i++)
            if (aw_graph_task (g, it->runs[i].task).set == 2) {
                assigning_end (it, i, AW_STATUS_COMPLETED, 1);
                break;
            }
        assigning_turn (it);
    }
    assert_int_equal (it->n_given, 0); /* no place is left to those of "second" */
    assigning_close (it);
}

/* Sets of one name count as one for their durations, also if their tasks need other CPUs. */
static void places_are_those_of_the_same_demand (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct assigning *it;
    struct aw_set *wide;

    (void)state;
    graphs_set (g, "small", 4, 1, 0, NAN);
    wide = graphs_set (g, "wide", 100, ASSIGNING_CPUS, 0, NAN);
    wide->group = 0;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    g->sets[1].group = 0;
    it = assigning_open (g, 1, 60);
    assert_int_equal (it->n_runs, 4); /* of "small": none of "wide" can follow one of these */
    assert_int_equal (it->n_given, 0);
    assigning_close (it);
}

/*
 * Records
 */

static void what_cannot_be_is_refused (void **state)
{
    struct assigning *it = assigning_bag (100, 2, 0);
    struct aw_event ev = { .type = AW_EVENT_ASSIGN };
    struct aw_error err;

    (void)state;
    ev.task = it->runs[0].task;
    ev.attempt = 1; /* it runs */
    assert_int_equal (aw_sched_handle (it->s, &ev, &err), -1);
    ev.task = 50;
    assert_int_equal (aw_sched_handle (it->s, &ev, &err), -1);
    assert_string_equal (err.text, "t[50] attempt 1 cannot be assigned now");
    ev.attempt = 0;
    ev.node = 2;
    assert_int_equal (aw_sched_handle (it->s, &ev, &err), -1);
    assert_string_equal (err.text, "t[50] is assigned to unknown node 2");
    ev.node = 1;
    assert_int_equal (aw_sched_handle (it->s, &ev, &err), 0);
    assert_int_equal (aw_sched_handle (it->s, &ev, &err), 0); /* twice is once */
    assert_true (aw_sched_is_assigned (it->s, 50));
    ev.type = AW_EVENT_START;
    ev.node = 0;
    assert_int_equal (aw_sched_handle (it->s, &ev, &err), -1);
    assert_string_equal (err.text, "t[50] starts on another node than it was assigned to");
    assigning_close (it);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (nodes_get_what_starts_there_in_that_time),
        cmocka_unit_test (tasks_of_unknown_length_are_assigned_as_if_they_took_a_second),
        cmocka_unit_test (the_last_tasks_are_not_assigned),
        cmocka_unit_test (a_simulation_assigns_none),
        cmocka_unit_test (only_sets_that_need_nothing_else_are_assigned),
        cmocka_unit_test (a_task_that_would_come_before_keeps_others_from_being_assigned),
        cmocka_unit_test (places_are_those_of_the_same_demand),
        cmocka_unit_test (what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests_name ("assign", tests, NULL, NULL);
}
