/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinator over the fake row: each run has a directory of its own, and what counts is the
 * exit status and the journal. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "coord/time_left.h"
#include "coordinated.h"

static int run (struct coordinated *r)
{
    coordinated_begin (r);
    return coordinated_run (r);
}

static void a_run_ends_well_and_its_journal_replays (void **state)
{
    struct coordinated r = { .tasks = COORDINATED_CHAIN, .nodes = 2, .cpus = 2 };
    struct coordinated_replay p;

    (void)state;
    assert_int_equal (run (&r), 0);
    assert_string_equal (r.err.text, "");
    coordinated_check (&r, 0, &p);
    assert_int_equal (p.n[AW_EVENT_START], 7);
    assert_int_equal (p.n[AW_EVENT_FINISH], 7);
    coordinated_finish (&r);
}

static void fails_once (void *arg,
                        uint32_t node,
                        const struct aw_launch *launch,
                        struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    if (launch->task == 5 && launch->attempt == 0)
        outcome->status = AW_STATUS_FAILED;
    outcome->refused = launch->task == 6 && launch->attempt == 0;
}

static void fails (void *arg,
                   uint32_t node,
                   const struct aw_launch *launch,
                   struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    outcome->refused = launch->task == 1;
}

static void a_failed_task_is_retried_or_fails_the_run (void **state)
{
    struct coordinated again = {
        .tasks = COORDINATED_CHAIN, .nodes = 1, .cpus = 4, .plan = fails_once
    };
    struct coordinated once = { .tasks = COORDINATED_CHAIN, .nodes = 1, .cpus = 1, .plan = fails };
    struct coordinated_replay p;

    (void)state;
    assert_int_equal (run (&again), 0);
    coordinated_check (&again, 0, &p);
    assert_int_equal (p.n[AW_EVENT_START], 9);
    coordinated_finish (&again);
    assert_int_equal (run (&once), 1); /* it could not even be sent */
    coordinated_check (&once, 1, &p);
    coordinated_finish (&once);
}

static void stubborn (void *arg,
                      uint32_t node,
                      const struct aw_launch *launch,
                      struct aw_fake_outcome *outcome)
{
    coordinated_for_ever (arg, node, launch, outcome);
    outcome->stubborn = true;
}

static void a_stopped_run_ends_its_tasks_and_kills_stubborn_ones (void **state)
{
    struct coordinated r = { .tasks = COORDINATED_CHAIN,
                             .nodes = 1,
                             .cpus = 4,
                             .plan = coordinated_for_ever,
                             .what = COORDINATED_INTERRUPT,
                             .at = 2,
                             .grace = 1e5 };
    struct coordinated twice = { .tasks = COORDINATED_CHAIN,
                                 .nodes = 1,
                                 .cpus = 4,
                                 .plan = stubborn,
                                 .what = COORDINATED_INTERRUPT_TWICE,
                                 .at = 2,
                                 .grace = 1e5 };
    struct coordinated told_by_both = { .tasks = COORDINATED_CHAIN,
                                        .nodes = 1,
                                        .cpus = 4,
                                        .plan = coordinated_for_ever,
                                        .what = COORDINATED_NODES_AND_INTERRUPT,
                                        .at = 2,
                                        .grace = 1e5 };
    struct coordinated_replay p;

    (void)state;
    assert_int_equal (run (&told_by_both), 3);
    coordinated_check (&told_by_both, 3, &p);
    assert_int_equal (p.n[AW_EVENT_STOP], 1);
    coordinated_finish (&told_by_both);
    assert_int_equal (run (&r), 3);
    coordinated_check (&r, 3, &p);
    assert_int_equal (p.n[AW_EVENT_KILL], 3);
    coordinated_finish (&r);
    assert_int_equal (run (&twice), 3);
    coordinated_check (&twice, 3, &p);
    coordinated_finish (&twice);
}

static void a_run_survives_a_lost_node_but_not_its_last_one (void **state)
{
    struct coordinated broken = { .tasks = COORDINATED_CHAIN,
                                  .nodes = 1,
                                  .cpus = 4,
                                  .plan = coordinated_for_ever,
                                  .what = COORDINATED_BREAK };
    struct coordinated one = {
        .tasks = COORDINATED_CHAIN, .nodes = 2, .cpus = 2, .what = COORDINATED_LOSE_0
    };
    struct coordinated both = {
        .tasks = COORDINATED_CHAIN, .nodes = 2, .cpus = 2, .what = COORDINATED_LOSE_BOTH
    };
    struct coordinated_replay p;

    (void)state;
    assert_int_equal (run (&broken), 4);
    assert_string_equal (broken.err.text, "the pool is gone");
    coordinated_finish (&broken);
    assert_int_equal (run (&one), 0);
    coordinated_check (&one, 0, &p);
    assert_int_equal (p.n[AW_EVENT_NODE_LOST], 1);
    coordinated_finish (&one);
    assert_int_equal (run (&both), 4);
    coordinated_check (&both, 4, &p);
    assert_non_null (strstr (both.err.text, "no node can run them")); /* and it says why */
    coordinated_finish (&both);
}

/* Task 0 ends, and its node reports that it has started another one in its place. */
static struct aw_event followed = { .type = AW_EVENT_FINISH,
                                    .status = AW_STATUS_COMPLETED,
                                    .continued = true };

static void report_next (evutil_socket_t fd, short what, void *arg)
{
    struct coordinated *r = arg;

    (void)fd;
    (void)what;
    r->callbacks->task_finished (r->callbacks->arg, &followed);
}

static void is_followed (void *arg,
                         uint32_t node,
                         const struct aw_launch *launch,
                         struct aw_fake_outcome *outcome)
{
    outcome->seconds = 0.2;
    if (launch->task == 0) {
        followed.node = node;
        coordinated_after (arg, 0.05, report_next, arg);
    }
}

/* Only what a node was assigned can start there by itself. */
static void a_start_of_what_was_not_assigned_is_ignored (void **state)
{
    static const uint32_t others[] = { 0, 1, 2, 3, 1000000, UINT32_MAX - 1, UINT32_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof (others) / sizeof (others[0]); i++) {
        struct coordinated r = { .tasks = "{ \"a\": { \"count\": 3, \"command\": [\"x\"] } }",
                                 .nodes = 1,
                                 .cpus = 2,
                                 .plan = is_followed };
        struct coordinated_replay p;

        followed.next = others[i];
        assert_int_equal (run (&r), 0);
        coordinated_check (&r, 0, &p);
        assert_int_equal (coordinated_lines (&r, "\"event\":\"start\"", NULL), 3);
        assert_int_equal (r.launches, 3);
        coordinated_finish (&r);
    }
}

static uint32_t batches[8]; /* by task */

static void note_batch (void *arg,
                        uint32_t node,
                        const struct aw_launch *launch,
                        struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    (void)outcome;
    batches[launch->task] = launch->batch;
}

/* The ends of tasks of one instance may be reported together, but not those for which single tasks
 * wait, not those that no others can follow, and not so few that each can be heard of.
 */
static void launches_of_an_instance_are_a_batch (void **state)
{
    struct coordinated r = {
        .tasks = "{ \"a\": { \"count\": 2, \"command\": [\"x\"], \"duration\": \"1ms\" },"
                 "  \"b\": { \"count\": 2, \"command\": [\"x\"], \"after\": [\"a[i]\"],"
                 "         \"duration\": \"1ms\" },"
                 "  \"c\": { \"command\": [\"x\"], \"after\": [\"b\"], \"duration\": \"1ms\" },"
                 "  \"d\": { \"command\": [\"x\"], \"after\": [\"b\"], \"duration\": \"1ms\","
                 "         \"checkpoint_signal\": \"USR1\" },"
                 "  \"e\": { \"command\": [\"x\"], \"after\": [\"b\"], \"duration\": \"10ms\" } }",
        .nodes = 3,
        .cpus = 2,
        .plan = note_batch,
        .backlog = 0.25
    };

    (void)state;
    assert_int_equal (run (&r), 0);
    assert_int_equal (batches[0], 0);
    assert_int_equal (batches[1], 0);
    assert_true (batches[2] > 0);
    assert_int_equal (batches[3], batches[2]);
    assert_true (batches[4] > 0 && batches[4] != batches[2]);
    assert_int_equal (batches[5], 0);
    assert_int_equal (batches[6], 0);
    coordinated_finish (&r);
}

static void a_run_that_the_pool_cannot_start_has_no_launches (void **state)
{
    struct coordinated large = { .tasks = "{ \"a\": { \"cpus\": 5, \"command\": [\"x\"] } }",
                                 .nodes = 2,
                                 .cpus = 4 };
    struct coordinated refused = {
        .tasks = COORDINATED_CHAIN, .nodes = 2, .cpus = 4, .refuse = true
    };

    (void)state;
    assert_int_equal (run (&large), 2);
    assert_non_null (strstr (large.err.text, "tasks.a: a task needs 5 CPUs"));
    assert_int_equal (large.launches, 0);
    coordinated_finish (&large);
    assert_int_equal (run (&refused), 4);
    assert_string_equal (refused.err.text, "not this pool");
    /* The pool may go on talking while it ends. */
    aw_exec_fake_lose (refused.exec, 1, "ended");
    aw_exec_fake_break (refused.exec, "ended");
    event_base_loop (refused.base, EVLOOP_NONBLOCK);
    coordinated_finish (&refused);
}

/* A completion that cannot be written starts nothing. */
static void a_completion_that_cannot_be_written_starts_nothing (void **state)
{
    struct coordinated r = { .tasks =
                                 "{ \"a\": { \"command\": [\"x\"] }, \"b\": { \"after\": [\"a\"], "
                                 "\"command\": [\"x\"] } }",
                             .nodes = 1,
                             .cpus = 1,
                             .plan = coordinated_a_moment,
                             .what = COORDINATED_FILL_DISK };

    (void)state;
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (run (&r), 3);
    assert_int_equal (r.launches, 1);
    coordinated_finish (&r);
}

/* Starts that cannot be written do not leave. */
static void a_start_that_cannot_be_written_is_not_sent (void **state)
{
    struct coordinated r = { .tasks = COORDINATED_CHAIN, .nodes = 1, .cpus = 4, .room = 150 };

    (void)state;
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (run (&r), 3);
    assert_int_equal (r.launches, 0);
    coordinated_finish (&r);
}

/* What becomes ready at once does not pile up in memory before the first start. */
static void many_ready_tasks_do_not_delay_the_first_start (void **state)
{
    struct coordinated r = { .tasks = "{ \"a\": { \"count\": 20000, \"command\": [\"x\"] } }",
                             .nodes = 1,
                             .cpus = 1,
                             .what = COORDINATED_BREAK };

    (void)state;
    assert_int_equal (run (&r), 4);
    assert_true (r.size_at_first > 20000 * 40);
    coordinated_finish (&r);
}

static struct {
    struct event *readable; /* always */
    uint32_t starts, most; /* since it was last called; at most */
} turns;

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    turns.starts = 0;
}

static void counts_starts (void *arg,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_fake_outcome *outcome)
{
    struct coordinated *r = arg;
    int fds[2];

    (void)node;
    (void)launch;
    outcome->seconds = 1; /* all have started by then, or nearly */
    if (!turns.readable) {
        assert_int_equal (pipe (fds), 0);
        close (fds[1]);
        turns.readable = event_new (r->base, fds[0], EV_READ | EV_PERSIST, on_turn, NULL);
        event_add (turns.readable, NULL);
    }
    if (++turns.starts > turns.most)
        turns.most = turns.starts;
}

static void many_starts_do_not_hold_up_the_loop (void **state)
{
    struct coordinated r = { .tasks = "{ \"a\": { \"count\": 4000, \"command\": [\"x\"] } }",
                             .nodes = 2,
                             .cpus = 2000,
                             .plan = counts_starts };

    (void)state;
    assert_int_equal (run (&r), 0);
    assert_int_equal (r.launches, 4000);
    assert_in_range (turns.most, 1, 2000); /* 256 but for ends that come between */
    close (event_get_fd (turns.readable));
    event_free (turns.readable);
    coordinated_finish (&r);
}

/* The loop is not kept waiting by a look ahead at millions of tasks. */
static void an_estimate_for_millions_of_tasks_does_not_hold_up_the_loop (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched_config config = { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 };
    struct aw_event node = { .type = AW_EVENT_NODE, .name = "n1" };
    struct aw_time_left left = { 0 };
    struct aw_sched *s;

    (void)state;
    aw_graph_add_set (g, "a")->count = 1000000;
    g->sets[0].duration = 1;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    aw_idset_add (&node.cpus, 0, 0);
    assert_int_equal (aw_sched_handle (s, &node, NULL), 0);
    aw_idset_finish (&node.cpus);
    assert_true (aw_time_left (&left, s, 0) == 1e6); /* too many to look at: by the work */
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_run_ends_well_and_its_journal_replays),
        cmocka_unit_test (a_failed_task_is_retried_or_fails_the_run),
        cmocka_unit_test (a_stopped_run_ends_its_tasks_and_kills_stubborn_ones),
        cmocka_unit_test (a_run_survives_a_lost_node_but_not_its_last_one),
        cmocka_unit_test (a_start_of_what_was_not_assigned_is_ignored),
        cmocka_unit_test (launches_of_an_instance_are_a_batch),
        cmocka_unit_test (a_run_that_the_pool_cannot_start_has_no_launches),
        cmocka_unit_test (a_completion_that_cannot_be_written_starts_nothing),
        cmocka_unit_test (a_start_that_cannot_be_written_is_not_sent),
        cmocka_unit_test (many_ready_tasks_do_not_delay_the_first_start),
        cmocka_unit_test (many_starts_do_not_hold_up_the_loop),
        cmocka_unit_test (an_estimate_for_millions_of_tasks_does_not_hold_up_the_loop),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
