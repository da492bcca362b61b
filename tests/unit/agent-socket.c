/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "agent/messages/messages.h"
#include "client/async-workflow.h"
#include "io/json_string.h"
#include "io/message_frame.h"
#include "io/textbuf.h"
#include "util/processes.h"
#include "agent-socket.h"

struct event_base *agent_socket_base;

struct aw_messages *agent_socket_messages;

struct aw_textbuf agent_socket_heard;

uint32_t agent_socket_conn;

size_t agent_socket_n_heard;

static void on_forward (void *arg, const struct aw_packet *packet)
{
    (void)arg;
    agent_socket_n_heard++;
    agent_socket_conn = packet->conn;
    if (packet->task != 99 && packet->kind != AW_PACKET_LOOK) { /* a rank of a step */
        assert_int_equal (packet->task, 17);
        assert_int_equal (packet->attempt, 2);
    }
    if (agent_socket_heard.len < 1 << 20)
        assert_int_equal (aw_message_frame_put (&agent_socket_heard, packet, false), 0);
}

static bool on_runs (void *arg, uint32_t task, uint32_t attempt)
{
    (void)arg;
    return task == 17 && attempt == 2;
}

bool agent_socket_only_wait;

static bool on_only_wait (void *arg)
{
    (void)arg;
    return agent_socket_only_wait;
}

int agent_socket_set_up (void **state)
{
    const struct aw_messages_callbacks callbacks = { on_forward, on_runs, on_only_wait, NULL };
    struct aw_error err;

    (void)state;
    agent_socket_base = event_base_new ();
    agent_socket_messages = aw_messages_create (agent_socket_base, &callbacks, &err);
    if (!agent_socket_messages)
        fail_msg ("%s", err.text);
    agent_socket_heard.len = agent_socket_n_heard = 0;
    setenv ("ASYNC_WORKFLOW_SOCKET", aw_messages_socket (agent_socket_messages), 1);
    setenv ("ASYNC_WORKFLOW_TOKEN", aw_messages_token (agent_socket_messages), 1);
    setenv ("ASYNC_WORKFLOW_LAUNCH", "17.2", 1);
    return 0;
}

int agent_socket_tear_down (void **state)
{
    char path[128];

    (void)state;
    strcpy (path, aw_messages_socket (agent_socket_messages));
    aw_messages_destroy (agent_socket_messages);
    assert_int_equal (access (path, F_OK), -1);
    *strrchr (path, '/') = '\0';
    assert_int_equal (access (path, F_OK), -1);
    event_base_free (agent_socket_base);
    aw_textbuf_finish (&agent_socket_heard);
    return 0;
}

pid_t agent_socket_start (int (*body) (void))
{
    pid_t pid = fork ();

    assert_true (pid >= 0);
    if (pid == 0) {
        alarm (60);
        _exit (body ());
    }
    return pid;
}

bool agent_socket_has_ended (pid_t pid, int *status)
{
    return waitpid (pid, status, WNOHANG) == pid;
}

void agent_socket_until_ended (pid_t pid)
{
    const struct timeval tick = { 0, 2000 };
    int status;

    while (!agent_socket_has_ended (pid, &status)) {
        event_base_loopexit (agent_socket_base, &tick);
        event_base_dispatch (agent_socket_base);
    }
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), 0);
}

void agent_socket_until_heard (size_t n)
{
    const struct timeval tick = { 0, 2000 };

    for (int i = 0; agent_socket_n_heard < n && i < 30000; i++) {
        event_base_loopexit (agent_socket_base, &tick);
        event_base_dispatch (agent_socket_base);
    }
    assert_true (agent_socket_n_heard >= n);
}

int agent_socket_send (void)
{
    struct aw_connection *aw = aw_open ();

    for (int i = 0; aw && i < 100; i++)
        if (aw_publish (aw, "frames", &i, sizeof (i), 0) < 0)
            return 1;
    return aw ? 0 : 2; /* and does not even close */
}
