/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs and schedulers that grow while they are in use. */
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
#include "graphs.h"
#include "model/simulate.h"

enum { MAX_SETS = 24 };

static uint32_t add (struct aw_graph *graph, uint32_t count)
{
    char name[16];
    struct aw_set *set;

    snprintf (name, sizeof (name), "s%u", graph->n_sets);
    set = aw_graph_add_set (graph, name);
    assert_non_null (set);
    set->count = count;
    set->duration = 1;
    return graph->n_sets - 1;
}

static void old_tasks_keep_their_numbers (void **state)
{
    struct aw_graph *graph = aw_graph_create ();
    struct aw_graph_size old;
    struct aw_error err;

    (void)state;
    graph->iterations = 3;
    graph->iterated = true;
    add (graph, 4);
    add (graph, 2);
    assert_int_equal (aw_graph_finalize (graph, &err), 0);
    old = aw_graph_size (graph);
    assert_int_equal (old.n_tasks, 18);
    add (graph, 5);
    assert_int_equal (aw_graph_grow (graph, &old, &err), 0);
    old = aw_graph_size (graph);
    add (graph, 1);
    add (graph, 3);
    assert_int_equal (aw_graph_grow (graph, &old, &err), 0);
    assert_int_equal (graph->n_tasks, 27);
    assert_int_equal (aw_graph_n_instances (graph), 9);
    assert_int_equal (graphs_wrong_name (graph, 18), AW_NONE);
    assert_int_equal (aw_graph_task_parse (graph, "s2[4]"), 22);
    assert_int_equal (aw_graph_task_parse (graph, "s2@0[4]"), AW_NONE);
    assert_int_equal (aw_graph_task_parse (graph, "s2[5]"), AW_NONE);
    aw_graph_destroy (graph);
}

static void wrong_growth_is_refused (void **state)
{
    static const struct {
        struct aw_edge edges[2];
        const char *error;
    } table[] = {
        { { { .set = 9 }, { .set = 0 } }, "does not exist" },
        { { { .set = 0, .back = 1 }, { .set = 0 } }, "does not exist" },
        { { { .set = 0, .by = AW_BY_INDEX }, { .set = 0 } }, "several iterations" },
        { { { .set = 2 }, { .set = 1 } }, "cycle" },
        { { { .set = 1 }, { .set = 2, .by = AW_BY_INDEX } }, "cycle" },
    };
    struct aw_error err;

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph *graph = aw_graph_create ();
        struct aw_graph_size old;

        graph->iterations = 2;
        add (graph, 3);
        assert_int_equal (aw_graph_finalize (graph, &err), 0);
        old = aw_graph_size (graph);
        add (graph, 3);
        add (graph, 3);
        assert_int_equal (aw_graph_add_edge (graph, 1, table[i].edges[0]), 0);
        assert_int_equal (aw_graph_add_edge (graph, 2, table[i].edges[1]), 0);
        if (i == 4)
            assert_int_equal (aw_graph_add_edge (graph, 2, (struct aw_edge){ .set = 2 }), 0);
        assert_int_equal (aw_graph_grow (graph, &old, &err), -1);
        assert_non_null (strstr (err.text, table[i].error));
        aw_graph_destroy (graph);
    }
}

/* The same random sets each time for a seed. */
static void add_random (struct aw_graph *graph, unsigned *seed, uint32_t n)
{
    for (; n > 0; n--) {
        uint32_t s = add (graph, 1 + (uint32_t)rand_r (seed) % 4);

        graph->sets[s].cpus = 1 + (uint32_t)rand_r (seed) % 3;
        graph->sets[s].duration = 1 + rand_r (seed) % 5;
        for (uint32_t e = 0; e < s; e++) {
            uint32_t before = graph->sets[e].count, after = graph->sets[s].count;
            struct aw_edge edge = { .set = e };
            uint64_t keys = (uint64_t)rand_r (seed) + 1;

            if (rand_r (seed) % 2 && before == after && graph->iterations == 1)
                edge.by = AW_BY_INDEX;
            if (rand_r (seed) % 4 == 0)
                assert_int_equal (aw_graph_add_edge (graph, s, edge), 0);
            else if (rand_r (seed) % 4 == 0 && graph->iterations == 1)
                graphs_keyed_edge (graph, s, edge,
                                   1 + graphs_below (&keys, before < after ? before : after),
                                   &keys);
        }
    }
}

static char trace[2][1 << 14];
static size_t length[2];
static int which;
static const struct aw_graph *traced;
static uint32_t *done;

/* Each task starts once, after what it waits for. */
static void observe (void *arg, const struct aw_event *ev)
{
    struct aw_task at;

    (void)arg;
    if (ev->type == AW_EVENT_FINISH)
        done[ev->task]++;
    if (ev->type != AW_EVENT_START)
        return;
    length[which] +=
        (size_t)snprintf (trace[which] + length[which], sizeof (trace[0]) - length[which],
                          "%u@%.0f ", ev->task, ev->t);
    assert_int_equal (done[ev->task], 0);
    at = aw_graph_task (traced, ev->task);
    for (uint32_t e = 0; e < traced->sets[at.set].n_after; e++) {
        const struct aw_edge *edge = &traced->sets[at.set].after[e];

        for (uint32_t it = 0; it < aw_graph_iterations (traced, edge->set); it++)
            for (uint32_t i = 0; i < traced->sets[edge->set].count; i++)
                if (graphs_waits (traced, at.set, at.iteration, edge, it)
                    && graphs_are_paired (traced, at.set, edge, at.index, i))
                    assert_int_equal (done[aw_graph_first_task (traced, it, edge->set) + i], 1);
    }
}

static struct aw_sched *begin (const struct aw_graph *graph, enum aw_policy policy)
{
    const struct aw_sched_config config = { policy, AW_MODE_ASYNC, 0 };
    struct aw_error err = { "" };
    struct aw_sched *sched = aw_sched_create (graph, &config, &err);

    assert_non_null (sched);
    assert_int_equal (aw_simulate_add_nodes (sched, 2, 4, 0, 0, &err), 0);
    return sched;
}

static void simulate (struct aw_sched *sched)
{
    const struct aw_simulation sim = { .observe = observe };
    struct aw_simulated result;
    struct aw_error err = { "" };

    if (aw_simulate (sched, &sim, &result, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (result.code, 0);
    for (uint32_t task = 0; task < traced->n_tasks; task++)
        assert_int_equal (done[task], 1);
}

/* Sets that come before anything has started run as if they had been there from the beginning; a
 * copy does the same. */
static void sets_that_come_at_the_beginning_run_as_if_always_there (void **state)
{
    unsigned first = (unsigned)time (NULL);

    (void)state;
    print_message ("# seed %u\n", first);
    for (unsigned round = 0; round < 200; round++) {
        unsigned seed = first + round;
        uint32_t n_base = 1 + round % 5, n_more = 1 + round % 7;
        enum aw_policy policy = round % 2 ? AW_POLICY_FIFO : AW_POLICY_LONGEST_PATH;

        for (which = 0; which < 2; which++) {
            struct aw_graph *graph = aw_graph_create ();
            struct aw_sched *sched, *copy;
            struct aw_graph_size old;
            struct aw_event ready;
            struct aw_error err = { "" };
            unsigned random = seed;

            traced = graph;
            length[which] = 0;
            done = calloc (1000, sizeof (*done));
            add_random (graph, &random, n_base);
            if (which == 0)
                add_random (graph, &random, n_more);
            assert_int_equal (aw_graph_finalize (graph, &err), 0);
            sched = begin (graph, policy);
            ready = (struct aw_event){ .type = AW_EVENT_READY, .task = 0 }; /* it begins */
            assert_int_equal (aw_sched_handle (sched, &ready, &err), 0);
            if (which == 1) {
                old = aw_graph_size (graph);
                add_random (graph, &random, n_more);
                if (aw_graph_grow (graph, &old, &err) < 0 || aw_sched_grow (sched, &err) < 0)
                    fail_msg ("%s", err.text);
            }
            copy = aw_sched_clone (sched);
            assert_non_null (copy);
            simulate (copy);
            aw_sched_destroy (copy);
            memset (done, 0, 1000 * sizeof (*done));
            length[which] = 0;
            simulate (sched);
            aw_sched_destroy (sched);
            aw_graph_destroy (graph);
            free (done);
        }
        assert_string_equal (trace[0], trace[1]);
    }
}

/* Sets that come at any time, several times, behind sets with iterations too. */
static void sets_may_come_at_any_time (void **state)
{
    unsigned first = (unsigned)time (NULL);

    (void)state;
    print_message ("# seed %u\n", first);
    which = 0;
    for (unsigned round = 0; round < 300; round++) {
        unsigned seed = first + round;
        struct aw_graph *graph = aw_graph_create ();
        struct aw_error err = { "" };
        struct aw_sched *sched;
        struct aw_event action, ev;

        traced = graph;
        length[0] = 0;
        done = calloc (1000, sizeof (*done));
        graph->iterations = 1 + round % 3;
        add_random (graph, &seed, 1 + round % 4);
        assert_int_equal (aw_graph_finalize (graph, &err), 0);
        sched = begin (graph, round % 2 ? AW_POLICY_FIFO : AW_POLICY_LONGEST_PATH);
        for (int step = 0; step < 60; step++) {
            uint32_t cursor = 0;
            bool any;

            while (step % 2 == 0 && aw_sched_next (sched, &action)) {
                if (action.type == AW_EVENT_END)
                    goto next; /* all is done before more came */
                observe (NULL, &action);
            }
            any = aw_sched_running (sched, &cursor, &ev);
            if (any) {
                struct aw_event finish = { .type = AW_EVENT_FINISH,
                                           .t = aw_sched_now (sched) + 1,
                                           .task = ev.task,
                                           .attempt = ev.attempt,
                                           .node = ev.node,
                                           .seconds = 1 };

                assert_int_equal (aw_sched_handle (sched, &finish, &err), 0);
                done[ev.task]++;
            }
            if (step % 7 == 3 && step < 40) {
                struct aw_graph_size old = aw_graph_size (graph);

                add_random (graph, &seed, 1 + (uint32_t)rand_r (&seed) % 3);
                if (aw_graph_grow (graph, &old, &err) < 0 || aw_sched_grow (sched, &err) < 0)
                    fail_msg ("%s", err.text);
            }
        }
        simulate (sched);
    next:
        aw_sched_destroy (sched);
        aw_graph_destroy (graph);
        free (done);
    }
}

/* What comes behind the tasks of a set fares as if it had been there: one has failed, one was
 * cancelled and lets go on what waits for it, one runs.
 */
static void a_set_may_come_behind_what_failed_or_was_cancelled (void **state)
{
    struct aw_graph *graph = aw_graph_create ();
    const struct aw_edge edge = { .set = 0, .by = AW_BY_INDEX };
    struct aw_event ev, action;
    struct aw_error err = { "" };
    struct aw_graph_size old;
    struct aw_sched *sched, *copy;

    (void)state;
    add (graph, 3);
    graph->sets[0].on_failure = AW_ON_FAILURE_SKIP;
    assert_int_equal (aw_graph_finalize (graph, &err), 0);
    sched = begin (graph, AW_POLICY_FIFO);
    while (aw_sched_next (sched, &action))
        ;
    ev = (struct aw_event){ .type = AW_EVENT_CANCEL, .task = 1, .count = 1, .code = 1 };
    assert_int_equal (aw_sched_handle (sched, &ev, &err), 0);
    ev = (struct aw_event){ .type = AW_EVENT_FINISH, .task = 1, .status = AW_STATUS_CANCELLED };
    assert_int_equal (aw_sched_handle (sched, &ev, &err), 0);
    ev = (struct aw_event){ .type = AW_EVENT_FINISH, .status = AW_STATUS_FAILED, .code = 1 };
    assert_int_equal (aw_sched_handle (sched, &ev, &err), 0);
    copy = aw_sched_clone (sched);
    assert_non_null (copy);
    old = aw_graph_size (graph);
    add (graph, 3);
    assert_int_equal (aw_graph_add_edge (graph, 1, edge), 0);
    assert_int_equal (aw_graph_grow (graph, &old, &err), 0);
    assert_int_equal (aw_sched_grow (sched, &err), 0);
    for (int i = 0; i < 2; i++) {
        struct aw_counts counts = aw_sched_counts (sched, 1);

        assert_int_equal (counts.skipped, 1); /* behind the failed one */
        assert_int_equal (counts.ready, 1); /* behind the cancelled one */
        assert_int_equal (counts.waiting, 1);
        aw_sched_destroy (sched);
        sched = copy;
        if (i == 0)
            assert_int_equal (aw_sched_grow (sched, &err), 0);
    }
    aw_graph_destroy (graph);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (old_tasks_keep_their_numbers),
        cmocka_unit_test (wrong_growth_is_refused),
        cmocka_unit_test (sets_that_come_at_the_beginning_run_as_if_always_there),
        cmocka_unit_test (sets_may_come_at_any_time),
        cmocka_unit_test (a_set_may_come_behind_what_failed_or_was_cancelled),
    };

    return cmocka_run_group_tests_name ("grow", tests, NULL, NULL);
}
