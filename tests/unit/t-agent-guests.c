/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks of steps at the agent's socket: who is admitted, and what a step leaves behind. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "agent/messages/messages.h"
#include "client/async-workflow.h"
#include "io/textbuf.h"
#include "util/processes.h"
#include "agent-socket.h"

/* The token of a job step, which this agent has not started: task 99, attempt 1. It is of this
 * process alone: processes are found and ended by it, and the test may run twice at a time.
 */
static char guest_token[33];

static void say_of_guest (enum aw_packet_kind kind, const char *token)
{
    const struct aw_packet packet = {
        .kind = kind, .task = 99, .attempt = 1, .data = aw_piece_of (token)
    };
    size_t before = agent_socket_n_heard;

    aw_messages_take (agent_socket_messages, &packet);
    if (kind == AW_PACKET_ADMIT)
        assert_int_equal (agent_socket_n_heard, before + 1); /* it is told that it is done */
}

static void be_guest (const char *token)
{
    setenv ("ASYNC_WORKFLOW_LAUNCH", "99.1", 1);
    setenv ("ASYNC_WORKFLOW_TOKEN", token, 1);
}

static int not_let_in (void)
{
    struct aw_connection *aw;

    be_guest (guest_token);
    aw = aw_open ();
    return aw || errno != EACCES || !strstr (aw_error_text (NULL), "token");
}

/* What is not admitted has no token, and what is has its own, which is no other's. */
static int other_tokens (void)
{
    be_guest (aw_messages_token (agent_socket_messages));
    if (aw_open () || errno != EACCES || !strstr (aw_error_text (NULL), "token"))
        return 1;
    be_guest (guest_token);
    setenv ("ASYNC_WORKFLOW_LAUNCH", "99.2", 1);
    if (aw_open () || errno != EACCES)
        return 2;
    setenv ("ASYNC_WORKFLOW_LAUNCH", "17.2", 1);
    return aw_open () || errno != EACCES ? 3 : 0;
}

static int guest_sends (void)
{
    be_guest (guest_token);
    return agent_socket_send ();
}

/* A process that stays, with TOKEN in its environment, of JOB; NULL: it has emptied its
 * environment, and has the mark alone.
 */
static pid_t hold (const char *token, const char *job)
{
    char variable[64], of_job[64], *const env[] = { job ? variable : NULL, of_job, NULL };
    int ready[2];
    char byte;
    pid_t pid;

    snprintf (variable, sizeof (variable), AW_PACKET_TOKEN "=%s", token);
    snprintf (of_job, sizeof (of_job), "SLURM_JOB_ID=%s", job ? job : "");
    assert_int_equal (pipe2 (ready, O_CLOEXEC), 0);
    pid = fork ();
    if (pid == 0) {
        if (!job)
            aw_process_mark_set (aw_process_mark_for (token));
        execle ("/bin/sleep", "sleep", "1000", NULL, env);
        _exit (1);
    }
    close (ready[1]);
    assert_int_equal (read (ready[0], &byte, 1), 0); /* it is sleep by now */
    close (ready[0]);
    return pid;
}

static void end_process (pid_t pid)
{
    int status;

    assert_int_equal (waitpid (pid, &status, WNOHANG), 0);
    kill (pid, SIGKILL);
    assert_int_equal (waitpid (pid, &status, 0), pid);
}

/* What a step has left behind ends with it, and nothing else: no job that it submitted either. */
static void what_a_step_leaves_behind_is_killed (void **state)
{
    pid_t mine, bare, other, submitted;
    int status;

    (void)state;
    setenv ("SLURM_JOB_ID", "7", 1);
    say_of_guest (AW_PACKET_ADMIT, guest_token);
    mine = hold (guest_token, "7");
    bare = hold (guest_token, NULL);
    other = hold ("fedcba98765432100123456789abcdef", "7");
    submitted = hold (guest_token, "8");
    say_of_guest (AW_PACKET_DISMISS, NULL);
    assert_int_equal (waitpid (mine, &status, 0), mine);
    assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    assert_int_equal (waitpid (bare, &status, 0), bare);
    assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    end_process (other);
    end_process (submitted);
    unsetenv ("SLURM_JOB_ID");
}

static void ranks_of_an_admitted_step_exchange_messages (void **state)
{
    size_t before;
    pid_t pid;
    int status;

    (void)state;
    agent_socket_until_ended (agent_socket_start (not_let_in));
    say_of_guest (AW_PACKET_ADMIT, "short");
    agent_socket_until_ended (agent_socket_start (not_let_in));
    say_of_guest (AW_PACKET_ADMIT, guest_token);
    assert_true (strstr (agent_socket_heard.data, "\"done\",\"task\":99,\"attempt\":1"));
    agent_socket_until_ended (agent_socket_start (other_tokens));
    before = agent_socket_n_heard;
    pid = agent_socket_start (guest_sends);
    while (agent_socket_n_heard == before)
        event_base_loop (agent_socket_base, EVLOOP_ONCE);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (WEXITSTATUS (status), 0);
    say_of_guest (AW_PACKET_DISMISS, NULL);
    assert_int_equal (agent_socket_n_heard,
                      before + 102); /* all it has said, its close, and "done" behind */
    aw_textbuf_putc (&agent_socket_heard, '\0');
    assert_true (strstr (strstr (agent_socket_heard.data, "\"close\""), "\"done\""));
    agent_socket_until_ended (agent_socket_start (not_let_in));
}

/* The answer to a look comes after all that was sent before it, even by tasks that have ended. */
static void a_look_is_answered_after_all_that_was_sent (void **state)
{
    const struct aw_packet look = { .kind = AW_PACKET_LOOK, .number = 3 };
    const char *end, *seen;
    pid_t pid;
    int status;

    (void)state;
    say_of_guest (AW_PACKET_ADMIT, guest_token);
    pid = agent_socket_start (guest_sends);
    agent_socket_until_heard (2);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    agent_socket_only_wait = true;
    aw_messages_take (agent_socket_messages, &look);
    agent_socket_only_wait = false;
    aw_messages_take (agent_socket_messages, &look);
    aw_textbuf_putc (&agent_socket_heard, '\0');
    end = strstr (agent_socket_heard.data, "\"close\"");
    seen = strstr (agent_socket_heard.data, "{\"message\":\"look\",\"number\":3,\"seq\":1}\n"
                                            "{\"message\":\"look\",\"number\":3}\n");
    assert_true (end && seen && end < seen);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define SOCKET_TEST(f) \
    cmocka_unit_test_setup_teardown (f, agent_socket_set_up, agent_socket_tear_down)
        SOCKET_TEST (ranks_of_an_admitted_step_exchange_messages),
        SOCKET_TEST (what_a_step_leaves_behind_is_killed),
        SOCKET_TEST (a_look_is_answered_after_all_that_was_sent),
    };

    snprintf (guest_token, sizeof (guest_token), "%032x", (unsigned)getpid ());
    return cmocka_run_group_tests_name ("agent-guests", tests, NULL, NULL);
}
