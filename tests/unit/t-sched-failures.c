/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-driven schedulers: what failed tasks, stops and lost nodes mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"

/* A scheduler with nodes of 2 CPUs. */
static struct aw_sched *make (const struct aw_graph *g, enum aw_policy policy, uint32_t nodes)
{
    struct aw_sched_config config = { policy, AW_MODE_ASYNC, 0 };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, nodes, 2, 0, 0, NULL), 0);
    return s;
}

struct drive {
    struct aw_graph *g;
    struct aw_sched *s;
    uint32_t started, skipped, killed;
    int end;
    uint32_t running[64], n_running, attempt[64], node[64];
};

static void act (struct drive *d)
{
    struct aw_event a;

    while (aw_sched_next (d->s, &a)) {
        if (a.type == AW_EVENT_START) {
            d->started++;
            d->attempt[d->n_running] = a.attempt;
            d->node[d->n_running] = a.node;
            d->running[d->n_running++] = a.task;
        }
        d->skipped += a.type == AW_EVENT_SKIP;
        d->killed += a.type == AW_EVENT_KILL;
        if (a.type == AW_EVENT_END)
            d->end = a.code;
    }
}

static void end (struct drive *d, double t, enum aw_status status)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH, .t = t, .status = status, .seconds = 1 };

    assert_true (d->n_running > 0);
    ev.task = d->running[--d->n_running];
    ev.attempt = d->attempt[d->n_running];
    ev.node = d->node[d->n_running];
    assert_int_equal (aw_sched_handle (d->s, &ev, NULL), 0);
    act (d);
}

static struct drive *drive (enum aw_on_failure how, uint32_t retries)
{
    struct drive *d = calloc (1, sizeof (*d));

    d->end = -1;
    d->g = aw_graph_create ();
    graphs_set (d->g, "a", 2, 1, 0, 1)->on_failure = how;
    d->g->sets[0].retry.count = retries;
    graphs_set (d->g, "each", 2, 1, 0, 1);
    graphs_set (d->g, "all", 3, 1, 0, 1);
    graphs_set (d->g, "other", 1, 1, 0, 1);
    graphs_edge (d->g, "each", "a", 0, 1);
    graphs_edge (d->g, "all", "each", 0, 0);
    graphs_edge (d->g, "other", "a", 0, 0);
    graphs_edge (d->g, "a", "all", 1, 0);
    aw_graph_finalize (d->g, NULL);
    d->s = make (d->g, AW_POLICY_LONGEST_PATH, 1);
    act (d);
    assert_int_equal (d->started, 2);
    return d;
}

static void drive_destroy (struct drive *d)
{
    aw_sched_destroy (d->s);
    aw_graph_destroy (d->g);
    free (d);
}

static void a_failure_stops_the_run_or_skips_what_follows (void **state)
{
    struct drive *d = drive (AW_ON_FAILURE_STOP, 0);

    (void)state;
    end (d, 1, AW_STATUS_FAILED); /* a[1] */
    assert_int_equal (d->started, 2); /* nothing more, though each[0] and a CPU are there */
    assert_true (aw_sched_stopped (d->s));
    end (d, 2, AW_STATUS_COMPLETED);
    assert_int_equal (d->end, 1);
    assert_int_equal (d->started, 2);
    assert_int_equal (d->skipped, 0);
    drive_destroy (d);

    d = drive (AW_ON_FAILURE_SKIP, 0);
    end (d, 1, AW_STATUS_FAILED); /* a[1]: each[1], all, other can never run */
    assert_int_equal (d->skipped, 5);
    end (d, 2, AW_STATUS_COMPLETED); /* a[0]: each[0] can */
    end (d, 3, AW_STATUS_COMPLETED);
    assert_int_equal (d->end, 1);
    assert_int_equal (aw_sched_counts (d->s, AW_NONE).done, 2);
    assert_int_equal (aw_sched_counts (d->s, AW_NONE).failed, 1);
    assert_int_equal (aw_sched_counts (d->s, AW_NONE).skipped, 5);
    drive_destroy (d);

    d = drive (AW_ON_FAILURE_CONTINUE, 0);
    end (d, 1, AW_STATUS_FAILED);
    for (int i = 0; i < 7; i++)
        end (d, 2 + i, AW_STATUS_COMPLETED);
    assert_int_equal (d->end, 0);
    assert_int_equal (d->skipped, 0);
    assert_int_equal (aw_sched_counts (d->s, AW_NONE).done, 7);
    assert_int_equal (aw_sched_counts (d->s, AW_NONE).ignored, 1);
    drive_destroy (d);

    d = drive (AW_ON_FAILURE_STOP, 2);
    end (d, 1, AW_STATUS_FAILED);
    end (d, 2, AW_STATUS_TIMEOUT); /* the same again: it is the last that started */
    end (d, 3, AW_STATUS_NODE_FAIL); /* uses up no retry */
    end (d, 4, AW_STATUS_FAILED); /* the third failure is for good */
    assert_true (aw_sched_stopped (d->s));
    assert_int_equal (d->started, 5);
    end (d, 5, AW_STATUS_COMPLETED);
    assert_int_equal (d->end, 1);
    drive_destroy (d);
}

static void a_stop_starts_nothing_and_a_kill_ends_all (void **state)
{
    struct aw_event stop = { .type = AW_EVENT_STOP, .t = 1, .code = 0, .reason = "Ctrl-C" };
    struct drive *d = drive (AW_ON_FAILURE_STOP, 0);

    (void)state;
    assert_int_equal (aw_sched_handle (d->s, &stop, NULL), 0);
    act (d);
    assert_int_equal (d->killed, 0);
    end (d, 2, AW_STATUS_COMPLETED);
    assert_int_equal (d->started, 2);
    stop.t = 3;
    stop.code = 1;
    assert_int_equal (aw_sched_handle (d->s, &stop, NULL), 0);
    act (d);
    assert_int_equal (d->killed, 1);
    end (d, 4, AW_STATUS_CANCELLED);
    assert_int_equal (d->end, 3);
    assert_int_equal (aw_sched_counts (d->s, AW_NONE).failed, 0); /* to be resumed */
    drive_destroy (d);
}

/* Something has failed for good and the run was stopped with work left: to be resumed. */
static void a_run_that_failed_and_was_stopped_can_be_resumed (void **state)
{
    struct aw_event stop = { .type = AW_EVENT_STOP, .t = 2, .code = 1, .reason = "Ctrl-C" };
    struct drive *d = drive (AW_ON_FAILURE_SKIP, 0);

    (void)state;
    end (d, 1, AW_STATUS_FAILED);
    assert_int_equal (aw_sched_handle (d->s, &stop, NULL), 0);
    end (d, 3, AW_STATUS_CANCELLED);
    assert_int_equal (d->end, 3);
    drive_destroy (d);
    d = drive (AW_ON_FAILURE_SKIP, 0);
    end (d, 1, AW_STATUS_FAILED); /* a[1] */
    end (d, 1, AW_STATUS_COMPLETED); /* a[0] */
    stop.code = 0;
    assert_int_equal (aw_sched_handle (d->s, &stop, NULL), 0);
    end (d, 3, AW_STATUS_COMPLETED); /* each[0], the last that could run: nothing to resume */
    assert_int_equal (d->end, 1);
    drive_destroy (d);
}

static void tasks_of_a_lost_node_run_on_others (void **state)
{
    struct aw_event lost = { .type = AW_EVENT_NODE_LOST, .t = 1, .node = 0, .reason = "gone" };
    struct aw_graph *g = aw_graph_create ();
    struct drive d = { .g = g, .end = -1 };

    (void)state;
    graphs_set (g, "a", 4, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    d.s = make (g, AW_POLICY_FIFO, 2);
    act (&d);
    assert_int_equal (d.started, 4);
    assert_int_equal (aw_sched_handle (d.s, &lost, NULL), 0);
    act (&d); /* two end as node_fail and wait for the other node */
    assert_int_equal (d.started, 4);
    assert_int_equal (aw_sched_counts (d.s, AW_NONE).ready, 2);
    end (&d, 2, AW_STATUS_COMPLETED); /* a[3] on n2: one of the two goes there */
    assert_int_equal (d.started, 5);
    lost.t = 3;
    lost.node = 1;
    assert_int_equal (aw_sched_handle (d.s, &lost, NULL), 0);
    act (&d);
    assert_int_equal (d.end, 4); /* nowhere to go */
    aw_sched_destroy (d.s);
    aw_graph_destroy (g);
}

/* The run does not fail with a submitted task: the one that has submitted it decides. */
static void a_submitted_task_that_fails_is_no_failure_of_the_run (void **state)
{
    (void)state;
    for (uint32_t submitted = 0; submitted < 2; submitted++) {
        struct aw_graph *g = aw_graph_create ();
        struct drive d = { .g = g, .end = -1 };

        graphs_set (g, "a", 1, 1, 0, 1)->on_failure = AW_ON_FAILURE_SKIP;
        graphs_set (g, "b", 1, 1, 0, 1);
        graphs_edge (g, "b", "a", 0, 0);
        if (submitted)
            assert_int_equal (aw_graph_submitted (g, 0, "a", 0), 0);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        d.s = make (g, AW_POLICY_FIFO, 1);
        act (&d);
        end (&d, 1, AW_STATUS_FAILED);
        assert_int_equal (d.skipped, 1);
        assert_int_equal (d.end, submitted ? 0 : 1);
        aw_sched_destroy (d.s);
        aw_graph_destroy (g);
    }
}

/* A restarted task ends, however, and runs again; its failure does not count, nor one that waits.
 */
static void a_restart_is_no_failure (void **state)
{
    struct aw_event again = {
        .type = AW_EVENT_CANCEL, .t = 1, .count = 2, .code = AW_CANCEL_RESTARTS
    };
    struct aw_graph *g = aw_graph_create ();
    struct drive d = { .g = g, .end = -1 };

    (void)state;
    graphs_set (g, "a", 2, 2, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    d.s = make (g, AW_POLICY_FIFO, 1);
    act (&d);
    assert_int_equal (d.started, 1); /* the other waits for the node */
    assert_int_equal (aw_sched_handle (d.s, &again, NULL), 0);
    act (&d);
    assert_int_equal (d.killed, 1);
    end (&d, 2, AW_STATUS_FAILED);
    assert_int_equal (d.started, 2);
    end (&d, 3, AW_STATUS_COMPLETED);
    assert_int_equal (d.started, 3);
    end (&d, 4, AW_STATUS_COMPLETED);
    assert_int_equal (d.end, 0);
    assert_int_equal (aw_sched_counts (d.s, AW_NONE).done, 2);
    aw_sched_destroy (d.s);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_failure_stops_the_run_or_skips_what_follows),
        cmocka_unit_test (a_stop_starts_nothing_and_a_kill_ends_all),
        cmocka_unit_test (a_run_that_failed_and_was_stopped_can_be_resumed),
        cmocka_unit_test (tasks_of_a_lost_node_run_on_others),
        cmocka_unit_test (a_submitted_task_that_fails_is_no_failure_of_the_run),
        cmocka_unit_test (a_restart_is_no_failure),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
