/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that follow others on a node, alongside workers and messages, and the end of the agent.
 * Started again with an argument, this program is a task that speaks to the agent.
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
#include "client/async-workflow.h"
#include "core/retry.h"

static char *self; /* this program's path */

/* An idle worker has the memory that it needs: it follows, and waits for the end of that one. */
static void what_follows_waits_for_an_idle_worker_to_end (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_call (f, 1, 1);
    agent_frames_until_ends (f, 1);
    agent_frames_expect_success (f, 1, -1);
    agent_frames_start (f, 2, 1, -1, "kill -0 $(cat worker)"); /* it is there */
    f->mem_wanted = f->mem;
    agent_frames_assign (f, 3, 1, "! kill -0 $(cat worker) 2>/dev/null");
    agent_frames_until_ends (f, 3);
    agent_frames_expect_success (f, 2, 3);
    agent_frames_expect_success (f, 3, -1);
}

/* Its memory is in use, as that of any other: a third one makes the idle worker end. */
static void the_memory_of_what_follows_is_in_use (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_call (f, 1, 1);
    agent_frames_until_ends (f, 1);
    agent_frames_start (f, 2, 1, -1, ":");
    f->mem_wanted = f->mem - 1;
    agent_frames_assign (f, 3, 1,
                         "kill -0 $(cat worker) || exit 9; echo x >started; "
                         "while ! [ -e go ]; do sleep 0.01; done");
    rig_until_file (&f->rig, "started");
    f->mem_wanted = 1;
    agent_frames_start (f, 4, 0, -1, "! kill -0 $(cat worker) 2>/dev/null");
    agent_frames_until_ends (f, 3);
    agent_frames_expect_success (f, 4, -1);
    agent_frames_make (f, "go");
    agent_frames_until_ends (f, 4);
    agent_frames_expect_success (f, 3, -1);
}

/* The coordinator needs nothing more: what is assigned is dropped, and nothing follows. */
static void quit_does_not_wait_for_what_is_assigned (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, "echo x >started; while ! [ -e go ]; do sleep 0.01; done");
    agent_frames_assign (f, 2, 1, ":");
    agent_frames_assign (f, 3, 2, ":");
    rig_until_file (&f->rig, "started");
    agent_frames_quit (f, false);
    agent_frames_unassign (f, 3, 0); /* is still answered */
    agent_frames_until_ends (f, 1);
    agent_frames_expect_not_started (f, 3);
    agent_frames_make (f, "go");
    agent_frames_until_closed (f);
    agent_frames_expect_success (f, 1, -1);
    assert_int_equal (f->n_ends, 2);
    assert_string_equal (f->farewell, "");
    assert_false (agent_frames_has (f, "2.out"));
}

static void quit_now_drops_what_is_assigned (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, "trap 'exit 0' TERM; echo x >started; while :; do :; done");
    agent_frames_assign (f, 2, 1, ":");
    rig_until_file (&f->rig, "started");
    agent_frames_quit (f, true);
    agent_frames_until_closed (f);
    assert_false (agent_frames_has (f, "2.out"));
}

/* What is assigned is not reported, as what is staged is not: the node has left. */
static void an_agent_that_leaves_drops_what_is_assigned (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, "echo $PPID >agent; trap 'exit 0' TERM; while :; do :; done");
    agent_frames_assign (f, 2, 1, ":");
    rig_until_file (&f->rig, "agent");
    kill (rig_read_pid (&f->rig, "agent"), SIGTERM);
    agent_frames_until_closed (f);
    assert_non_null (strstr (f->farewell, "SIGTERM"));
    assert_int_equal (f->n_ends, 1);
    assert_int_equal (f->ends[0].event.status, AW_STATUS_CANCELLED);
    assert_false (f->ends[0].event.continued);
    assert_false (agent_frames_has (f, "2.out"));
}

static void nothing_follows_when_the_connection_is_lost (void **state)
{
    struct agent_frames *f = *state;
    pid_t agent;

    agent_frames_start (f, 1, 1, -1, "echo $PPID >agent; trap 'exit 0' TERM; while :; do :; done");
    agent_frames_assign (f, 2, 1, ":");
    rig_until_file (&f->rig, "agent");
    agent = rig_read_pid (&f->rig, "agent");
    aw_link_destroy (f->link);
    f->link = NULL;
    rig_until_gone (&f->rig, agent);
    assert_false (agent_frames_has (f, "2.out"));
}

/* Runs until SIGUSR1 or SIGTERM comes, and then WHAT. */
#define UNTIL_SIGNALLED(what) "trap '" what "' USR1 TERM; while :; do sleep 0.02; done"

/* Exit codes of success are those of an end by itself, also after the notice of its end; not of an
 * end that was enforced. */
static void exit_codes_of_success_are_those_of_an_end_by_itself (void **state)
{
    enum { NONE, NOTICE, CANCELS, LIMIT, BOTH };
    static const struct {
        const char *script;
        int told; /* of its end; by NOTICE and CANCELS not to end */
        enum aw_status status;
    } table[] = {
        { "exit 3", NONE, AW_STATUS_COMPLETED },
        { "exit 0", NONE, AW_STATUS_FAILED },
        { "exit 4", NONE, AW_STATUS_FAILED },
        { "exit 137", NONE, AW_STATUS_COMPLETED }, /* the kernel has not killed a child */
        { "exit 255", NONE, AW_STATUS_COMPLETED },
        { "kill -9 $$", NONE, AW_STATUS_FAILED },
        { "kill -INT $$", NONE, AW_STATUS_FAILED }, /* a shell would say 130 */
        { "exit 4", NOTICE, AW_STATUS_FAILED }, /* before it */
        { UNTIL_SIGNALLED ("exit 3"), NOTICE, AW_STATUS_COMPLETED },
        { UNTIL_SIGNALLED ("exit 3"), CANCELS, AW_STATUS_COMPLETED },
        { UNTIL_SIGNALLED ("exit 4"), NOTICE, AW_STATUS_TIMEOUT },
        { UNTIL_SIGNALLED ("exit 4"), CANCELS, AW_STATUS_CANCELLED },
        { UNTIL_SIGNALLED ("exit 0"), NOTICE, AW_STATUS_TIMEOUT },
        { UNTIL_SIGNALLED ("exit 0"), CANCELS, AW_STATUS_CANCELLED },
        { UNTIL_SIGNALLED ("kill -9 $$"), NOTICE, AW_STATUS_TIMEOUT },
        { "exec sleep 100", CANCELS, AW_STATUS_CANCELLED },
        { UNTIL_SIGNALLED ("exit 3"), LIMIT, AW_STATUS_TIMEOUT },
        { "trap : USR1; trap 'exit 3' TERM; while :; do sleep 0.02; done", BOTH,
          AW_STATUS_TIMEOUT },
    };
    static const int codes[] = { 3, 130, 137, 255 };
    const uint32_t n = sizeof (table) / sizeof (table[0]);
    struct agent_frames *f = *state;
    uint32_t completed = 0;

    for (size_t i = 0; i < sizeof (codes) / sizeof (codes[0]); i++)
        aw_codes_add (&f->success, codes[i]);
    for (uint32_t i = 0; i < n; i++) {
        /* Late enough for all of them to have set their traps. */
        f->notice = table[i].told == NONE || table[i].told == LIMIT ? 0 : 2;
        f->notice_cancels = table[i].told == CANCELS;
        f->limit = table[i].told >= LIMIT ? 3 : 0;
        completed += table[i].status == AW_STATUS_COMPLETED;
        agent_frames_start (f, 2 * i, i + 1, -1, table[i].script);
        f->notice = f->limit = 0;
        agent_frames_assign (f, 2 * i + 1, i + 1, "exit 3");
    }
    agent_frames_until_ends (f, n + completed);
    for (uint32_t i = 0; i < n; i++) {
        const struct aw_event *end = &agent_frames_end_of (f, 2 * i)->event;

        if (end->status != table[i].status)
            fail_msg ("%s: %s", table[i].script, aw_status_name (end->status));
        assert_int_equal (end->continued, table[i].status == AW_STATUS_COMPLETED);
    }
}

static bool has_published (struct rig *rig, void *arg)
{
    const struct agent_frames *f = arg;

    (void)rig;
    return f->published_by != UINT32_MAX;
}

/* It may speak as soon as it runs, and the coordinator knows that it does. */
static void what_follows_may_speak (void **state)
{
    char *const speaks[] = { self, "publish", NULL };
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, ":");
    f->argv = speaks;
    agent_frames_assign (f, 2, 1, NULL);
    rig_until (&f->rig, has_published, f);
    assert_int_equal (f->published_by, 2);
    assert_true (f->ends_before >= 1);
    agent_frames_until_ends (f, 2);
    agent_frames_expect_success (f, 1, 2);
    agent_frames_expect_success (f, 2, -1);
}

static bool is_seen_to_wait (struct rig *rig, void *arg)
{
    struct agent_frames *f = arg;

    (void)rig;
    if (f->n_looks > 0 && !f->only_waits) {
        f->n_looks = 0;
        agent_frames_look (f);
    }
    return f->only_waits;
}

/* What is assigned does nothing: if all that runs waits for messages, the node does, too. */
static void a_node_with_assigned_attempts_may_only_wait (void **state)
{
    char *const waits[] = { self, "wait", NULL };
    struct agent_frames *f = *state;

    f->argv = waits;
    agent_frames_start (f, 1, 1, -1, NULL);
    agent_frames_assign (f, 2, 1, NULL);
    agent_frames_look (f);
    rig_until (&f->rig, is_seen_to_wait, f);
    agent_frames_kill (f, 1, 0);
    agent_frames_until_ends (f, 1);
    assert_int_equal (f->ends[0].event.status, AW_STATUS_CANCELLED);
}

static int be_task (const char *what)
{
    struct aw_connection *aw = aw_open ();
    struct aw_message message;
    int rc;

    if (!aw)
        return 2;
    if (strcmp (what, "publish") == 0)
        rc = aw_publish (aw, "topic", "x", 1, 0);
    else
        rc = aw_receive (aw, "topic", NULL, -1, &message);
    aw_close (aw);
    return rc < 0;
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown (name, agent_frames_set_up, agent_frames_tear_down)

int main (int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST (what_follows_waits_for_an_idle_worker_to_end),
        TEST (the_memory_of_what_follows_is_in_use),
        TEST (quit_does_not_wait_for_what_is_assigned),
        TEST (quit_now_drops_what_is_assigned),
        TEST (an_agent_that_leaves_drops_what_is_assigned),
        TEST (nothing_follows_when_the_connection_is_lost),
        TEST (exit_codes_of_success_are_those_of_an_end_by_itself),
        TEST (what_follows_may_speak),
        TEST (a_node_with_assigned_attempts_may_only_wait),
    };

    int rc;

    if (argc > 1)
        return be_task (argv[1]);
    self = realpath (argv[0], NULL);
    rc = cmocka_run_group_tests (tests, NULL, NULL);
    free (self);
    return rc;
}
