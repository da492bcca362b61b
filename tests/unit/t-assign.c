/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that nodes get in advance: how many, which, and when they are taken back. The test is the
 * nodes: what was assigned first starts in the place of a task that succeeds.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/backlog.h"
#include "core/sched/sched.h"
#include "core/sched/why.h"
#include "graphs.h"
#include "model/simulate.h"

enum { CPUS = 4, MOST = 4000 };

struct part {
    uint32_t task, attempt, node;
    struct aw_idset cpus, gpus; /* owned */
};

struct rig {
    struct aw_graph *g;
    struct aw_sched *s;
    struct part runs[MOST], given[MOST]; /* given: in the order in which they came */
    uint32_t n_runs, n_given;
    uint32_t n_drained; /* nodes */
    uint32_t killed[MOST], n_killed; /* tasks, since `turn` was called last */
    bool ended;
    double t;
};

static void open_rig (struct rig *rig, struct aw_graph *g, uint32_t nodes, double backlog)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, backlog };

    memset (rig, 0, sizeof (*rig));
    rig->g = g;
    rig->s = aw_sched_create (g, &config, NULL);
    assert_non_null (rig->s);
    assert_int_equal (aw_simulate_add_nodes (rig->s, nodes, CPUS, 1, 0, NULL), 0);
}

static void drop (struct part *list, uint32_t *n, uint32_t i)
{
    aw_idset_finish (&list[i].cpus);
    aw_idset_finish (&list[i].gpus);
    memmove (&list[i], &list[i + 1], (--*n - i) * sizeof (*list));
}

static void close_rig (struct rig *rig)
{
    while (rig->n_runs > 0)
        drop (rig->runs, &rig->n_runs, 0);
    aw_sched_destroy (rig->s);
    aw_graph_destroy (rig->g);
}

static struct part *find (struct part *list, uint32_t n, uint32_t task)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i].task == task)
            return &list[i];
    return NULL;
}

static void keep (struct rig *rig, const struct aw_event *ev)
{
    bool start = ev->type == AW_EVENT_START;
    struct part *part = start ? &rig->runs[rig->n_runs++] : &rig->given[rig->n_given++];

    *part = (struct part){ .task = ev->task, .attempt = ev->attempt, .node = ev->node };
    assert_int_equal (aw_idset_copy (&part->cpus, &ev->cpus), 0);
    assert_int_equal (aw_idset_copy (&part->gpus, &ev->gpus), 0);
}

/* All that is decided now. */
static void turn (struct rig *rig)
{
    struct aw_event action;

    rig->n_killed = 0;
    while (aw_sched_next (rig->s, &action)) {
        if (action.type == AW_EVENT_START || action.type == AW_EVENT_ASSIGN)
            keep (rig, &action);
        else if (action.type == AW_EVENT_KILL)
            rig->killed[rig->n_killed++] = action.task;
        else if (action.type == AW_EVENT_NODE_DRAIN)
            rig->n_drained++;
        rig->ended = rig->ended || action.type == AW_EVENT_END;
    }
}

static void handle (struct rig *rig, struct aw_event *ev)
{
    struct aw_error err = { "" };

    ev->t = rig->t;
    if (aw_sched_handle (rig->s, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

/* The node starts the first that it was given, where that is not on its way back. */
static void go_on (struct rig *rig, const struct part *place)
{
    struct aw_event ev = { .type = AW_EVENT_START, .node = place->node };

    for (uint32_t i = 0; i < rig->n_given; i++) {
        if (rig->given[i].node != place->node)
            continue;
        ev.task = rig->given[i].task;
        ev.attempt = rig->given[i].attempt;
        ev.cpus = place->cpus;
        ev.gpus = place->gpus;
        assert_true (aw_sched_is_input (rig->s, &ev));
        handle (rig, &ev);
        drop (rig->given, &rig->n_given, i);
        keep (rig, &ev);
        return;
    }
}

/* The running attempt number I (0: the oldest) ends after SECONDS. */
static void end (struct rig *rig, uint32_t i, enum aw_status status, double seconds)
{
    struct part place = rig->runs[i];
    struct aw_event ev = { .type = AW_EVENT_FINISH,
                           .task = place.task,
                           .attempt = place.attempt,
                           .node = place.node,
                           .status = status,
                           .code = status != AW_STATUS_COMPLETED,
                           .seconds = seconds };

    memset (&rig->runs[i].cpus, 0, sizeof (place.cpus));
    memset (&rig->runs[i].gpus, 0, sizeof (place.gpus));
    drop (rig->runs, &rig->n_runs, i);
    handle (rig, &ev);
    if (status == AW_STATUS_COMPLETED)
        go_on (rig, &place);
    aw_idset_finish (&place.cpus);
    aw_idset_finish (&place.gpus);
}

/* TASK, which was assigned, comes back. */
static void give_back (struct rig *rig, uint32_t task)
{
    struct part *part = find (rig->given, rig->n_given, task);
    struct aw_event ev = { .type = AW_EVENT_FINISH, .status = AW_STATUS_CANCELLED };

    assert_non_null (part);
    ev.task = part->task;
    ev.attempt = part->attempt;
    ev.node = part->node;
    drop (rig->given, &rig->n_given, (uint32_t)(part - rig->given));
    handle (rig, &ev);
}

static void give_back_killed (struct rig *rig)
{
    for (uint32_t i = 0; i < rig->n_killed; i++)
        if (find (rig->given, rig->n_given, rig->killed[i]))
            give_back (rig, rig->killed[i]);
}

static uint32_t given_to (const struct rig *rig, uint32_t node)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rig->n_given; i++)
        n += rig->given[i].node == node;
    return n;
}

/* COUNT tasks of one CPU that take a second. */
static struct aw_graph *bag (uint32_t count)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "t", count, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

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
        struct rig *rig = malloc (sizeof (*rig));

        open_rig (rig, bag (1000), 2, rows[i].backlog);
        turn (rig);
        assert_int_equal (rig->n_runs, 8);
        assert_int_equal (given_to (rig, 0), rows[i].given);
        assert_int_equal (given_to (rig, 1), rows[i].given);
        assert_int_equal (aw_sched_counts (rig->s, 0).running, 8);
        assert_int_equal (aw_sched_counts (rig->s, 0).ready, 992);
        close_rig (rig);
        free (rig);
    }
}

/* Nobody knows how long they take until the first has ended: they are taken to last a second. */
static void tasks_of_unknown_length_are_assigned_as_if_they_took_a_second (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    graphs_set (g, "t", 100, 1, 0, NAN);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    open_rig (rig, g, 1, 0.5);
    turn (rig);
    assert_int_equal (rig->n_given, 2); /* four places, half a second of one */
    rig->t = 5;
    end (rig, 0, AW_STATUS_COMPLETED, 5);
    turn (rig);
    assert_int_equal (rig->n_given, 1); /* none comes after the one that has started */
    assert_int_equal (rig->n_killed, 0);
    close_rig (rig);
    free (rig);
}

/* More stay than are given away, so the last ones start wherever there is a place. */
static void the_last_tasks_are_not_assigned (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));

    (void)state;
    open_rig (rig, bag (8 + 20), 2, 60);
    turn (rig);
    assert_int_equal (rig->n_given, 9); /* 11 stay, 2 nodes */
    while (!rig->ended) {
        rig->t += 0.25;
        end (rig, 0, AW_STATUS_COMPLETED, 1);
        turn (rig);
        assert_int_equal (rig->n_killed, 0);
    }
    assert_int_equal (aw_sched_counts (rig->s, 0).done, 28);
    close_rig (rig);
    free (rig);
}

/*
 * Which
 */

static void only_sets_that_need_nothing_else_are_assigned (void **state)
{
    (void)state;
    for (int row = 0; row < 9; row++) {
        struct rig *rig = malloc (sizeof (*rig));
        struct aw_graph *g = aw_graph_create ();
        struct aw_set *set = graphs_set (g, "t", 1000, 1, 0, 0.1);
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
        open_rig (rig, g, 2, 1);
        turn (rig);
        assert_int_equal (rig->n_given > 0, assignable);
        assert_int_equal (aw_sched_place (rig->s, 0) > 0, assignable);
        close_rig (rig);
        free (rig);
    }
}

/* "first" is before "second", and a task of it may become ready at any time. */
static void a_task_that_would_come_before_keeps_others_from_being_assigned (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    graphs_set (g, "begin", 1, 1, 0, 5);
    graphs_set (g, "first", 8, 1, 0, 100);
    graphs_set (g, "second", 1000, 1, 0, 1);
    graphs_edge (g, "first", "begin", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    open_rig (rig, g, 2, 1);
    turn (rig);
    assert_int_equal (rig->n_runs, 8);
    assert_int_equal (rig->n_given, 0);
    end (rig, 0, AW_STATUS_COMPLETED, 5); /* begin */
    turn (rig);
    assert_int_equal (rig->n_given, 0); /* "first" waits for places, and gets those that come */
    while (aw_sched_counts (rig->s, 1).ready > 0) {
        rig->t += 1;
        for (uint32_t i = 0; i < rig->n_runs; i++)
            if (aw_graph_task (g, rig->runs[i].task).set == 2) {
                end (rig, i, AW_STATUS_COMPLETED, 1);
                break;
            }
        turn (rig);
    }
    assert_int_equal (rig->n_given, 0); /* no place is left to those of "second" */
    close_rig (rig);
    free (rig);
}

/*
 * And back
 */

/* Attempts that started have their end, the others are ready again, without a failure. */
static void a_task_that_comes_back_is_ready_again (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_reason reason;
    uint32_t task;

    (void)state;
    open_rig (rig, bag (1000), 1, 1);
    turn (rig);
    task = rig->given[0].task;
    assert_true (aw_sched_is_assigned (rig->s, task));
    assert_int_equal (aw_sched_task_state (rig->s, task), AW_TASK_READY);
    aw_sched_why (rig->s, task, &reason);
    assert_int_equal (reason.why, AW_WHY_ASSIGNED);
    assert_int_equal (reason.node, 0);
    give_back (rig, task);
    assert_false (aw_sched_is_assigned (rig->s, task));
    assert_false (aw_sched_is_over (rig->s, task, 0)); /* its number is used again */
    assert_int_equal (aw_sched_task_state (rig->s, task), AW_TASK_READY);
    assert_int_equal (aw_sched_counts (rig->s, 0).failed, 0);
    turn (rig);
    for (uint32_t n = 0; aw_sched_task_state (rig->s, task) != AW_TASK_COMPLETED; n++) {
        assert_true (n < 1000);
        rig->t += 0.25;
        end (rig, 0, AW_STATUS_COMPLETED, 1);
        turn (rig);
    }
    close_rig (rig);
    free (rig);
}

static void a_stop_takes_all_back (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_event stop = { .type = AW_EVENT_STOP, .task = AW_NONE, .node = AW_NONE };

    (void)state;
    open_rig (rig, bag (1000), 2, 1);
    turn (rig);
    assert_int_equal (rig->n_given, 8);
    handle (rig, &stop);
    turn (rig);
    assert_int_equal (rig->n_killed, 8); /* of eight that run none */
    give_back_killed (rig);
    turn (rig);
    assert_int_equal (rig->n_runs, 8);
    while (rig->n_runs > 0)
        end (rig, 0, AW_STATUS_COMPLETED, 1);
    turn (rig);
    assert_true (rig->ended);
    assert_int_equal (aw_sched_counts (rig->s, 0).ready, 992);
    close_rig (rig);
    free (rig);
}

/* A node where all others have failed starts nothing by itself. */
static void a_node_without_places_gives_all_back (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_graph *g = aw_graph_create ();
    uint32_t n = 0;

    (void)state;
    graphs_set (g, "wide", 1, CPUS, 0, 1000); /* on the other node, for long */
    graphs_set (g, "t", 100, 1, 0, 1);
    g->sets[1].on_failure = AW_ON_FAILURE_CONTINUE;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    open_rig (rig, g, 2, 1);
    turn (rig);
    assert_int_equal (rig->n_runs, 5);
    assert_int_equal (rig->n_given, 4);
    for (; n < rig->n_runs && rig->runs[n].task == 0; n++)
        ;
    for (uint32_t i = 0; i < CPUS; i++)
        end (rig, n, AW_STATUS_FAILED, 1);
    turn (rig); /* tasks that stayed take the places */
    assert_int_equal (rig->n_killed, 0);
    assert_int_equal (rig->n_runs, 5);
    close_rig (rig);
    free (rig);
}

/* All that is left was given to a node where tasks last; another node has places now. */
static void a_place_elsewhere_takes_a_task_back (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_event node = { .type = AW_EVENT_NODE, .node = 1, .name = "late" };
    uint32_t given;

    (void)state;
    open_rig (rig, bag (4 + 6), 1, 60);
    rig->g->sets[0].on_failure = AW_ON_FAILURE_CONTINUE;
    turn (rig);
    assert_int_equal (rig->n_given, 3);
    while (aw_sched_counts (rig->s, 0).ready > rig->n_given) { /* those that stay start */
        rig->t += 0.1;
        end (rig, 0, AW_STATUS_FAILED, 1);
        turn (rig);
    }
    given = rig->n_given;
    assert_int_equal (given, 3);
    assert_int_equal (rig->n_killed, 0);
    assert_int_equal (aw_idset_add (&node.cpus, 0, 7), 0);
    handle (rig, &node);
    turn (rig);
    assert_true (rig->n_killed >= 1);
    for (int i = 0; i < 3; i++) {
        give_back_killed (rig);
        turn (rig);
    }
    assert_int_equal (rig->n_given, 0);
    assert_int_equal (rig->n_runs, 4 + 3);
    aw_idset_finish (&node.cpus);
    close_rig (rig);
    free (rig);
}

/* It had started when it was to be taken back: that counts, and what was wanted is decided again.
 */
static void a_start_that_crosses_a_cancel_is_killed (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_event cancel = { .type = AW_EVENT_CANCEL, .count = 1, .node = AW_NONE };
    uint32_t task;

    (void)state;
    open_rig (rig, bag (1000), 1, 1);
    turn (rig);
    task = cancel.task = rig->given[0].task;
    handle (rig, &cancel);
    turn (rig);
    assert_int_equal (rig->n_killed, 1);
    assert_int_equal (rig->killed[0], task);
    assert_true (aw_sched_is_assigned (rig->s, task)); /* so it is taken back, not killed */
    end (rig, 0, AW_STATUS_COMPLETED, 1);
    assert_false (aw_sched_is_assigned (rig->s, task));
    turn (rig);
    assert_int_equal (rig->n_killed, 1);
    assert_int_equal (rig->killed[0], task);
    for (uint32_t i = 0; i < rig->n_runs; i++)
        if (rig->runs[i].task == task) {
            end (rig, i, AW_STATUS_CANCELLED, 1);
            break;
        }
    assert_int_equal (aw_sched_task_state (rig->s, task), AW_TASK_CANCELLED);
    close_rig (rig);
    free (rig);
}

/* "later" comes after "first" in the order, wherever there is room. */
static void no_task_that_comes_later_starts_before (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_graph *g = aw_graph_create ();
    uint32_t n = 0;

    (void)state;
    graphs_set (g, "first", 40, 1, 0, 2);
    graphs_set (g, "later", 100, 1, 0, 1);
    g->sets[0].on_failure = AW_ON_FAILURE_CONTINUE;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    open_rig (rig, g, 1, 60);
    turn (rig);
    assert_int_equal (rig->n_given, 16);
    while (aw_sched_counts (rig->s, 0).ready > rig->n_given) { /* nothing follows a failure */
        rig->t += 0.1;
        end (rig, 0, AW_STATUS_FAILED, 1);
        turn (rig);
        assert_int_equal (rig->n_killed, 0);
    }
    while (rig->n_given > 0) {
        rig->t += 0.1;
        end (rig, 0, AW_STATUS_FAILED, 1);
        turn (rig);
        assert_int_equal (rig->n_killed, 1);
        turn (rig);
        assert_int_equal (rig->n_killed, 0); /* one place, one that comes back */
        give_back (rig, rig->killed[0]);
        turn (rig);
        assert_int_equal (rig->n_runs, 4);
        for (uint32_t i = 0; i < rig->n_runs; i++)
            assert_int_equal (aw_graph_task (g, rig->runs[i].task).set, 0);
        n++;
    }
    assert_int_equal (n, 16);
    end (rig, 0, AW_STATUS_FAILED, 1);
    turn (rig);
    assert_int_equal (rig->n_runs, 4);
    assert_int_equal (aw_graph_task (g, rig->runs[3].task).set, 1);
    close_rig (rig);
    free (rig);
}

/* It is the next to start, before those that were behind it. */
static void a_task_that_comes_back_has_its_turn_again (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));

    (void)state;
    open_rig (rig, bag (1000), 1, 1);
    rig->g->sets[0].on_failure = AW_ON_FAILURE_CONTINUE;
    turn (rig);
    assert_int_equal (rig->given[1].task, 5);
    give_back (rig, 5);
    rig->t = 1;
    end (rig, 0, AW_STATUS_FAILED, 1);
    turn (rig);
    assert_int_equal (rig->runs[rig->n_runs - 1].task, 5);
    close_rig (rig);
    free (rig);
}

/* Tasks that have not started are no proof that they live longer elsewhere. */
static void assigned_tasks_are_no_proof_against_a_node (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));

    (void)state;
    open_rig (rig, bag (1000), 2, 60);
    rig->g->sets[0].on_failure = AW_ON_FAILURE_CONTINUE;
    turn (rig);
    assert_true (rig->n_given > 0);
    for (int i = 0; i < 400; i++) {
        rig->t += 0.1;
        end (rig, 0, AW_STATUS_FAILED, 0.1);
        turn (rig);
    }
    assert_true (rig->n_given > 0);
    assert_int_equal (rig->n_drained, 0);
    close_rig (rig);
    free (rig);
}

/* Sets of one name count as one for their durations, also if their tasks need other CPUs. */
static void places_are_those_of_the_same_demand (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_graph *g = aw_graph_create ();
    struct aw_set *wide;

    (void)state;
    graphs_set (g, "small", 4, 1, 0, NAN);
    wide = graphs_set (g, "wide", 100, CPUS, 0, NAN);
    wide->group = 0;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    g->sets[1].group = 0;
    open_rig (rig, g, 1, 60);
    turn (rig);
    assert_int_equal (rig->n_runs, 4); /* of "small": none of "wide" can follow one of these */
    assert_int_equal (rig->n_given, 0);
    close_rig (rig);
    free (rig);
}

static void a_cancelled_task_that_comes_back_does_not_run (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_event cancel = { .type = AW_EVENT_CANCEL, .count = 1, .node = AW_NONE };
    uint32_t task;

    (void)state;
    open_rig (rig, bag (1000), 1, 1);
    turn (rig);
    task = cancel.task = rig->given[0].task;
    handle (rig, &cancel);
    turn (rig);
    give_back_killed (rig);
    turn (rig);
    assert_true (aw_sched_unwanted (rig->s, task));
    close_rig (rig);
    free (rig);
}

static void tasks_of_a_lost_node_start_elsewhere (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_event lost = { .type = AW_EVENT_NODE_LOST, .node = 1, .reason = "gone" };
    uint32_t task = AW_NONE;

    (void)state;
    open_rig (rig, bag (100), 2, 1);
    rig->g->sets[0].retry.count = 0;
    turn (rig);
    for (uint32_t i = 0; task == AW_NONE; i++)
        task = rig->given[i].node == 1 ? rig->given[i].task : AW_NONE;
    handle (rig, &lost);
    turn (rig);
    assert_int_equal (aw_sched_counts (rig->s, 0).running, 4);
    assert_int_equal (aw_sched_counts (rig->s, 0).ready, 96);
    assert_true (aw_sched_is_over (rig->s, task, 0)); /* it may have started */
    close_rig (rig);
    free (rig);
}

/* Its agent may have started it already: that counts, and is no place for another one. */
static void a_task_may_start_on_a_node_that_is_drained (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_event drain = { .type = AW_EVENT_NODE_DRAIN, .node = 1, .reason = "bad" };
    uint32_t i = 0, n;

    (void)state;
    open_rig (rig, bag (100), 2, 1);
    turn (rig);
    handle (rig, &drain);
    while (rig->runs[i].node != 1)
        i++;
    n = rig->n_given;
    end (rig, i, AW_STATUS_COMPLETED, 1);
    assert_int_equal (rig->n_given, n - 1);
    turn (rig);
    assert_int_equal (rig->n_killed, n / 2 - 1); /* the others there */
    give_back_killed (rig);
    turn (rig);
    assert_int_equal (rig->n_runs, 8);
    for (i = 0; i < rig->n_runs; i++)
        if (rig->runs[i].node == 1)
            end (rig, i--, AW_STATUS_COMPLETED, 1);
    assert_int_equal (aw_sched_pool (rig->s)->free.cpus, 0); /* of the other node's */
    turn (rig);
    for (i = 0; i < rig->n_runs; i++)
        assert_int_equal (rig->runs[i].node, 0);
    close_rig (rig);
    free (rig);
}

/* A copy that looks ahead waits for no node. */
static void a_simulation_assigns_none (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_sched *copy;
    struct aw_simulated result;

    (void)state;
    open_rig (rig, bag (100), 2, 1);
    turn (rig);
    assert_int_equal (rig->n_given, 8);
    copy = aw_sched_clone (rig->s);
    assert_non_null (copy);
    assert_int_equal (aw_simulate (copy, NULL, &result, NULL), 0);
    assert_int_equal (result.code, 0);
    assert_true (fabs (result.end - 13) < 1e-9);
    aw_sched_destroy (copy);
    close_rig (rig);
    free (rig);
}

/*
 * Records
 */

static void what_cannot_be_is_refused (void **state)
{
    struct rig *rig = malloc (sizeof (*rig));
    struct aw_event ev = { .type = AW_EVENT_ASSIGN };
    struct aw_error err;

    (void)state;
    open_rig (rig, bag (100), 2, 0);
    turn (rig);
    ev.task = rig->runs[0].task;
    ev.attempt = 1; /* it runs */
    assert_int_equal (aw_sched_handle (rig->s, &ev, &err), -1);
    ev.task = 50;
    assert_int_equal (aw_sched_handle (rig->s, &ev, &err), -1);
    assert_string_equal (err.text, "t[50] attempt 1 cannot be assigned now");
    ev.attempt = 0;
    ev.node = 2;
    assert_int_equal (aw_sched_handle (rig->s, &ev, &err), -1);
    assert_string_equal (err.text, "t[50] is assigned to unknown node 2");
    ev.node = 1;
    assert_int_equal (aw_sched_handle (rig->s, &ev, &err), 0);
    assert_int_equal (aw_sched_handle (rig->s, &ev, &err), 0); /* twice is once */
    assert_true (aw_sched_is_assigned (rig->s, 50));
    ev.type = AW_EVENT_START;
    ev.node = 0;
    assert_int_equal (aw_sched_handle (rig->s, &ev, &err), -1);
    assert_string_equal (err.text, "t[50] starts on another node than it was assigned to");
    close_rig (rig);
    free (rig);
}

/*
 * Nodes and what they have
 */

static void the_node_with_the_fewest_for_each_place_comes_first (void **state)
{
    struct aw_backlog b = { 0 };

    (void)state;
    assert_int_equal (aw_backlog_next (&b, 1), AW_NONE);
    assert_int_equal (aw_backlog_fullest (&b), AW_NONE);
    assert_int_equal (aw_backlog_first (&b), AW_NONE);
    assert_int_equal (aw_backlog_add_nodes (&b, 3), 0);
    assert_int_equal (aw_backlog_next (&b, 100), AW_NONE); /* no places */
    aw_backlog_places (&b, 1, 4);
    aw_backlog_places (&b, 2, 8);
    assert_int_equal (aw_backlog_next (&b, 1), 2);
    assert_int_equal (aw_backlog_next (&b, 0.12), AW_NONE); /* an eighth is more */
    for (int i = 0; i < 8; i++) { /* it is filled */
        assert_int_equal (aw_backlog_next (&b, 1), 2);
        aw_backlog_assigned (&b, 2, 1);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal (aw_backlog_next (&b, 1), 1);
        aw_backlog_assigned (&b, 1, 1);
    }
    for (int i = 0; i < 4; i++) { /* and gets more when half of it has gone */
        assert_int_equal (aw_backlog_next (&b, 1), AW_NONE);
        aw_backlog_assigned (&b, 2, -1);
    }
    assert_int_equal (aw_backlog_next (&b, 1), 2);
    assert_int_equal (aw_backlog_fullest (&b), 1);
    aw_backlog_close (&b, 2);
    assert_int_equal (b.n_stranded, 1);
    assert_int_equal (aw_backlog_fullest (&b), 2);
    assert_int_equal (aw_backlog_next (&b, 1), AW_NONE);
    assert_int_equal (aw_backlog_next (&b, 2.5), 1);
    assert_int_equal (aw_backlog_first (&b), 1);
    aw_backlog_assigned (&b, 1, -4);
    assert_int_equal (aw_backlog_first (&b), 2);
    aw_backlog_assigned (&b, 1, 4);
    assert_int_equal (aw_backlog_first (&b), 1);
    aw_backlog_assigned (&b, 2, -4);
    assert_int_equal (b.n_stranded, 0);
    assert_int_equal (b.n, 4);
    aw_backlog_count_again (&b, 5, 2);
    assert_int_equal (b.n_stranded, 1);
    assert_int_equal (b.set, 5);
    assert_int_equal (aw_backlog_next (&b, 100), AW_NONE);
    aw_backlog_finish (&b);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (nodes_get_what_starts_there_in_that_time),
        cmocka_unit_test (tasks_of_unknown_length_are_assigned_as_if_they_took_a_second),
        cmocka_unit_test (the_last_tasks_are_not_assigned),
        cmocka_unit_test (only_sets_that_need_nothing_else_are_assigned),
        cmocka_unit_test (a_task_that_would_come_before_keeps_others_from_being_assigned),
        cmocka_unit_test (a_task_that_comes_back_is_ready_again),
        cmocka_unit_test (a_stop_takes_all_back),
        cmocka_unit_test (a_node_without_places_gives_all_back),
        cmocka_unit_test (a_place_elsewhere_takes_a_task_back),
        cmocka_unit_test (a_start_that_crosses_a_cancel_is_killed),
        cmocka_unit_test (no_task_that_comes_later_starts_before),
        cmocka_unit_test (a_task_that_comes_back_has_its_turn_again),
        cmocka_unit_test (assigned_tasks_are_no_proof_against_a_node),
        cmocka_unit_test (places_are_those_of_the_same_demand),
        cmocka_unit_test (a_cancelled_task_that_comes_back_does_not_run),
        cmocka_unit_test (tasks_of_a_lost_node_start_elsewhere),
        cmocka_unit_test (a_task_may_start_on_a_node_that_is_drained),
        cmocka_unit_test (a_simulation_assigns_none),
        cmocka_unit_test (what_cannot_be_is_refused),
        cmocka_unit_test (the_node_with_the_fewest_for_each_place_comes_first),
    };

    return cmocka_run_group_tests_name ("assign", tests, NULL, NULL);
}
