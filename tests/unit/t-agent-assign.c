/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that are assigned to an agent in advance: what follows what, where, and what does not.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent-frames.h"
#include "io/logs/log_store.h"

static void what_is_not_assigned_is_not_taken_back (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_unassign (f, 77, 0);
    agent_frames_start (f, 1, 0, -1, ":"); /* nothing can follow it */
    agent_frames_assign (f, 2, 5, ":");
    agent_frames_assign (f, 2, 5, ":");
    agent_frames_until_ends (f, 1);
    agent_frames_expect_success (f, 1, -1);
    agent_frames_unassign (f, 2, 1); /* another attempt */
    agent_frames_unassign (f, 1, 0);
    agent_frames_unassign (f, 2, 0);
    agent_frames_unassign (f, 2, 0);
    agent_frames_start (f, 3, 5, -1, ":");
    agent_frames_until_ends (f, 3);
    agent_frames_expect_not_started (f, 2);
    agent_frames_expect_success (f, 3, -1);
    assert_int_equal (f->n_ends, 3);
}

/* Task 0 follows task 1, on its CPU and its GPU, and is followed itself. */
static void an_assigned_attempt_follows_a_success (void **state)
{
    static const char script[] = "echo \"$CUDA_VISIBLE_DEVICES $ASYNC_WORKFLOW_LAUNCH\"; "
                                 "sed -n 's/^Cpus_allowed_list:[^0-9]*/cpu /p' /proc/self/status";
    struct agent_frames *f = *state;
    char expected[64], *text;

    agent_frames_start (f, 1, 3, 2, script);
    agent_frames_assign (f, 0, 3, script);
    agent_frames_assign (f, 7, 3, script);
    agent_frames_until_ends (f, 3);
    agent_frames_expect_success (f, 1, 0);
    agent_frames_expect_success (f, 0, 7);
    agent_frames_expect_success (f, 7, -1);
    assert_int_equal (f->ends[0].event.task, 1);
    assert_int_equal (f->ends[1].event.task, 0);
    text = rig_read (&f->rig, "1.out");
    snprintf (expected, sizeof (expected), "2 1.0\ncpu %u\n", f->cpu);
    assert_string_equal (text, expected);
    free (text);
    text = rig_read (&f->rig, "7.out");
    snprintf (expected, sizeof (expected), "2 7.0\ncpu %u\n", f->cpu);
    assert_string_equal (text, expected);
    free (text);
}

static void attempts_follow_in_their_order_each_in_its_place (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, 0, "while ! [ -e go ]; do sleep 0.01; done");
    agent_frames_start (f, 2, 2, 1, "while ! [ -e go ]; do sleep 0.01; done");
    agent_frames_assign (f, 10, 2, "echo $CUDA_VISIBLE_DEVICES");
    agent_frames_assign (f, 11, 1, "echo $CUDA_VISIBLE_DEVICES");
    agent_frames_assign (f, 12, 1, "echo $CUDA_VISIBLE_DEVICES");
    agent_frames_assign (f, 13, 2, "echo $CUDA_VISIBLE_DEVICES");
    agent_frames_assign (f, 14, 3, ":"); /* nothing of its place is here */
    agent_frames_make (f, "go");
    agent_frames_until_ends (f, 6);
    agent_frames_expect_success (f, 1, 11);
    agent_frames_expect_success (f, 11, 12);
    agent_frames_expect_success (f, 12, -1);
    agent_frames_expect_success (f, 2, 10);
    agent_frames_expect_success (f, 10, 13);
    agent_frames_expect_success (f, 13, -1);
    for (uint32_t task = 10; task < 14; task++) {
        char name[16], *text;

        snprintf (name, sizeof (name), "%u.out", task);
        text = rig_read (&f->rig, name);
        assert_string_equal (text, task == 11 || task == 12 ? "0\n" : "1\n");
        free (text);
    }
    agent_frames_unassign (f, 14, 0);
    agent_frames_until_ends (f, 7);
    agent_frames_expect_not_started (f, 14);
}

/* A chain that is filled while it runs, as a coordinator fills it. */
static void a_long_chain_ends_in_order (void **state)
{
    enum { N = 200 };
    struct agent_frames *f = *state;

    agent_frames_start (f, 0, 1, -1, ":");
    for (uint32_t task = 1; task < N; task++)
        agent_frames_assign (f, task, 1, ":");
    agent_frames_until_ends (f, N);
    for (uint32_t task = 0; task < N; task++) {
        assert_int_equal (f->ends[task].event.task, task);
        agent_frames_expect_success (f, task, task + 1 < N ? (int)task + 1 : -1);
    }
}

static void nothing_follows_another_end (void **state)
{
    static const struct {
        const char *script;
        enum aw_status status;
        double limit;
    } table[] = {
        { "exit 3", AW_STATUS_FAILED, 0 },
        { "kill -9 $$", AW_STATUS_FAILED, 0 },
        { "kill -TERM $$; sleep 1000", AW_STATUS_FAILED, 0 }, /* disputed first */
        { "sleep 1000", AW_STATUS_TIMEOUT, 0.1 },
        { "trap 'exit 0' TERM; while :; do sleep 0.02; done", AW_STATUS_TIMEOUT, 0.1 },
    };
    const uint32_t n = sizeof (table) / sizeof (table[0]);
    struct agent_frames *f = *state;

    agent_frames_assign (f, 50, 1, ":");
    for (uint32_t i = 0; i < n; i++) {
        f->limit = table[i].limit;
        agent_frames_start (f, i, 1, -1, table[i].script);
    }
    f->limit = 0;
    agent_frames_start (f, n, 1, -1, "echo x >started; sleep 1000");
    rig_until_file (&f->rig, "started");
    agent_frames_kill (f, n, RIG_GRACE);
    agent_frames_until_ends (f, n + 1);
    for (uint32_t i = 0; i <= n; i++) {
        const struct aw_event *ev = &agent_frames_end_of (f, i)->event;

        assert_int_equal (ev->status, i < n ? table[i].status : AW_STATUS_CANCELLED);
        assert_false (ev->continued);
    }
    agent_frames_unassign (f, 50, 0);
    agent_frames_until_ends (f, n + 2);
    agent_frames_expect_not_started (f, 50);
}

/* The workflow says which exit codes mean success. */
static void exit_codes_of_success_are_those_of_the_set (void **state)
{
    struct agent_frames *f = *state;

    aw_codes_add (&f->success, 3);
    agent_frames_start (f, 1, 1, -1, "exit 0"); /* it has failed */
    agent_frames_until_ends (f, 1);
    agent_frames_start (f, 2, 1, -1, "exit 3");
    agent_frames_assign (f, 3, 1, "exit 3");
    agent_frames_assign (f, 4, 1, "exit 0");
    agent_frames_assign (f, 5, 1, "exit 3");
    agent_frames_until_ends (f, 4);
    assert_false (agent_frames_end_of (f, 1)->event.continued);
    assert_int_equal (agent_frames_end_of (f, 2)->event.next, 3);
    assert_int_equal (agent_frames_end_of (f, 3)->event.next, 4);
    assert_int_equal (agent_frames_end_of (f, 3)->event.code, 3);
    assert_false (agent_frames_end_of (f, 4)->event.continued);
    agent_frames_unassign (f, 5, 0);
    agent_frames_until_ends (f, 5);
    agent_frames_expect_not_started (f, 5);
}

/* What waits is taken back or killed; what has started is not taken back, but may be killed. */
static void what_has_not_started_is_taken_back (void **state)
{
    static const char waits[] = "echo x >started; while ! [ -e go ]; do sleep 0.01; done";
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, ":");
    agent_frames_assign (f, 2, 1, waits);
    for (uint32_t task = 3; task < 8; task++)
        agent_frames_assign (f, task, 1, ":");
    rig_until_file (&f->rig, "started");
    agent_frames_unassign (f, 2, 0); /* it has started */
    agent_frames_unassign (f, 7, 0); /* the last, one between, the first */
    agent_frames_unassign (f, 5, 0);
    agent_frames_kill (f, 3, 5);
    agent_frames_until_ends (f, 4);
    agent_frames_expect_not_started (f, 3);
    agent_frames_expect_not_started (f, 5);
    agent_frames_expect_not_started (f, 7);
    agent_frames_assign (f, 8, 1, "echo x >last; sleep 1000");
    agent_frames_make (f, "go");
    agent_frames_until_ends (f, 7);
    rig_until_file (&f->rig, "last");
    agent_frames_expect_success (f, 2, 4);
    agent_frames_expect_success (f, 4, 6);
    agent_frames_expect_success (f, 6, 8);
    agent_frames_unassign (f, 8, 0);
    agent_frames_kill (f, 8, RIG_GRACE);
    agent_frames_until_ends (f, 8);
    assert_int_equal (agent_frames_end_of (f, 8)->event.status, AW_STATUS_CANCELLED);
    assert_int_equal (agent_frames_end_of (f, 8)->event.signal, SIGTERM);
    assert_int_equal (f->n_ends, 8);
}

/* It has followed, as was reported; then it has failed, so that nothing follows it. */
static void what_cannot_start_ends_the_chain (void **state)
{
    char *const none[] = { "/no/such/program", NULL };
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, ":");
    f->argv = none;
    agent_frames_assign (f, 2, 1, NULL);
    f->argv = NULL;
    agent_frames_assign (f, 3, 1, ":");
    agent_frames_until_ends (f, 2);
    agent_frames_expect_success (f, 1, 2);
    assert_int_equal (f->ends[1].event.task, 2);
    assert_int_equal (f->ends[1].event.status, AW_STATUS_FAILED);
    assert_int_equal (f->ends[1].event.code, 127);
    assert_false (f->ends[1].event.continued);
    assert_string_equal (f->ends[1].reason,
                         "cannot start /no/such/program: No such file or directory");
    agent_frames_start (f, 4, 1, -1, ":"); /* what waits follows the next success */
    agent_frames_until_ends (f, 4);
    agent_frames_expect_success (f, 4, 3);
    agent_frames_expect_success (f, 3, -1);
}

/* START instead: the coordinator has found a place. */
static void what_is_started_is_not_assigned_any_more (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_assign (f, 1, 1, "exit 9");
    agent_frames_assign (f, 2, 1, ":");
    agent_frames_start (f, 1, 1, -1, ":");
    agent_frames_until_ends (f, 2);
    agent_frames_expect_success (f, 1, 2);
    agent_frames_expect_success (f, 2, -1);
    assert_int_equal (f->n_ends, 2);
}

static void a_time_limit_counts_from_its_own_start (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, "sleep 1.2");
    f->limit = 1;
    agent_frames_assign (f, 2, 1, "sleep 0.1");
    f->limit = 0.2;
    agent_frames_assign (f, 3, 1, "sleep 1000");
    f->limit = 0;
    agent_frames_assign (f, 4, 1, ":");
    agent_frames_until_ends (f, 3);
    agent_frames_expect_success (f, 1, 2);
    agent_frames_expect_success (f, 2, 3);
    assert_true (agent_frames_end_of (f, 2)->event.seconds < 1.2);
    assert_int_equal (agent_frames_end_of (f, 3)->event.status, AW_STATUS_TIMEOUT);
    assert_true (agent_frames_end_of (f, 3)->event.seconds >= 0.18);
    agent_frames_unassign (f, 4, 0);
    agent_frames_until_ends (f, 4);
    agent_frames_expect_not_started (f, 4);
}

static int keep_piece (void *arg, enum aw_log_kind kind, const char *data, size_t size)
{
    char *text = arg;

    assert_true (kind == AW_LOG_STDOUT || kind == AW_LOG_STDERR);
    assert_true (strlen (text) + size < 64);
    strncat (text, data, size);
    return 0;
}

/* Each task's is in the store when its end is reported, and before what follows has started. */
static void output_is_that_of_the_right_task (void **state)
{
    struct agent_frames *f = *state;
    struct aw_error err = { "" };
    struct aw_log_store *store;

    f->store = true;
    agent_frames_start (f, 0, 1, -1, "echo this is 0");
    for (uint32_t task = 1; task < 20; task++) {
        char script[64];

        snprintf (script, sizeof (script), "echo this is %u", task);
        agent_frames_assign (f, task, 1, script);
    }
    agent_frames_until_ends (f, 20);
    store = aw_log_store_open (f->rig.dir, &err);
    if (!store)
        fail_msg ("%s", err.text);
    for (uint32_t task = 0; task < 20; task++) {
        struct aw_log_place place = { .wanted = AW_LOG_LAST };
        char text[64] = "", expected[64];

        agent_frames_expect_success (f, task, task < 19 ? (int)task + 1 : -1);
        snprintf (place.name, sizeof (place.name), "set[%u]", task);
        snprintf (expected, sizeof (expected), "this is %u\n", task);
        if (aw_log_store_find (store, &place, 1, &err) < 0
            || aw_log_store_read (store, &place, keep_piece, text, &err) < 0)
            fail_msg ("%s", err.text);
        assert_true (place.found && place.whole);
        assert_string_equal (text, expected);
    }
    aw_log_store_close (store);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown (name, agent_frames_set_up, agent_frames_tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (what_is_not_assigned_is_not_taken_back),
        TEST (an_assigned_attempt_follows_a_success),
        TEST (attempts_follow_in_their_order_each_in_its_place),
        TEST (a_long_chain_ends_in_order),
        TEST (nothing_follows_another_end),
        TEST (exit_codes_of_success_are_those_of_the_set),
        TEST (what_has_not_started_is_taken_back),
        TEST (what_cannot_start_ends_the_chain),
        TEST (what_is_started_is_not_assigned_any_more),
        TEST (a_time_limit_counts_from_its_own_start),
        TEST (output_is_that_of_the_right_task),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
