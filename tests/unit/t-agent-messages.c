/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's socket and the library, over a real connection: the task is a child, the coordinator
 * a record of what would go to it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "agent/messages/messages.h"
#include "client/async-workflow.h"
#include "io/json_string.h"
#include "io/message_frame.h"
#include "io/textbuf.h"
#include "agent-socket.h"

/* The coordinator's word, data escaped. */
static void agent_socket_say (enum aw_packet_kind kind, uint32_t number, const char *data)
{
    struct aw_packet packet = {
        .kind = kind,
        .conn = agent_socket_conn,
        .number = number,
        .seq = 4,
        .topic = aw_piece_of (kind == AW_PACKET_MESSAGE ? "frames" : NULL),
        .sender = aw_piece_of ("s[1]"),
        .data = aw_piece_of (data),
    };

    aw_messages_take (agent_socket_messages, &packet);
}

static int wrong_tasks (void)
{
    setenv ("ASYNC_WORKFLOW_TOKEN", "00000000000000000000000000000000", 1);
    if (aw_open () || errno != EACCES || !strstr (aw_error_text (NULL), "token"))
        return 1;
    setenv ("ASYNC_WORKFLOW_TOKEN", "", 1);
    if (aw_open ())
        return 2;
    setenv ("ASYNC_WORKFLOW_TOKEN", aw_messages_token (agent_socket_messages), 1);
    setenv ("ASYNC_WORKFLOW_LAUNCH", "17.1", 1);
    if (aw_open () || errno != EACCES || !strstr (aw_error_text (NULL), "ended"))
        return 3;
    setenv ("ASYNC_WORKFLOW_LAUNCH", "boo", 1);
    if (aw_open () || errno != ENOTCONN)
        return 4;
    setenv ("ASYNC_WORKFLOW_SOCKET", "/nowhere/socket", 1);
    setenv ("ASYNC_WORKFLOW_LAUNCH", "17.2", 1);
    if (aw_open () || errno != ENOTCONN)
        return 5;
    unsetenv ("ASYNC_WORKFLOW_SOCKET");
    return aw_open () || errno != ENOTCONN ? 6 : 0;
}

static void a_process_without_token_is_rejected (void **state)
{
    struct stat st;
    char path[128];

    (void)state;
    strcpy (path, aw_messages_socket (agent_socket_messages));
    assert_int_equal (stat (path, &st), 0);
    assert_int_equal (st.st_mode & 0777, 0600);
    *strrchr (path, '/') = '\0';
    assert_int_equal (stat (path, &st), 0);
    assert_int_equal (st.st_mode & 0777, 0700);
    agent_socket_until_ended (agent_socket_start (wrong_tasks));
    assert_int_equal (agent_socket_n_heard, 0);
}

/* Another user who came past the directory's mode is closed upon. */
static int other_user (void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_SEQPACKET, 0);
    char byte;

    strcpy (address.sun_path, aw_messages_socket (agent_socket_messages));
    if (setuid (65534) < 0 || connect (fd, (struct sockaddr *)&address, sizeof (address)) < 0)
        return 1;
    return recv (fd, &byte, 1, 0) > 0 ? 2 : 0;
}

static void another_user_is_rejected (void **state)
{
    char path[128];

    (void)state;
    if (geteuid () != 0)
        skip ();
    strcpy (path, aw_messages_socket (agent_socket_messages));
    assert_int_equal (chmod (path, 0666), 0);
    *strrchr (path, '/') = '\0';
    assert_int_equal (chmod (path, 0755), 0);
    agent_socket_until_ended (agent_socket_start (other_user));
}

static int wrong_calls (void)
{
    struct aw_connection *aw = aw_open ();
    static char large[AW_MAX_MESSAGE + 1];
    struct aw_message message = { .request = 0 };

    if (!aw)
        return 1;
    if (aw_publish (aw, "", "x", 1, 0) == 0 || errno != EINVAL)
        return 2;
    if (aw_publish (aw, NULL, "x", 1, 0) == 0 || errno != EINVAL)
        return 3;
    if (aw_publish (aw, "a", large, sizeof (large), 0) == 0 || errno != EMSGSIZE)
        return 4;
    if (aw_receive (aw, "a/b", NULL, 0, &message) == 0 || errno != EINVAL)
        return 5;
    if (aw_receive (aw, "a", "a b", 0, &message) == 0 || errno != EINVAL)
        return 6;
    if (aw_reply (aw, &message, "x", 1) == 0 || errno != EINVAL)
        return 7;
    if (aw_receive (aw, "a", NULL, 0.01, &message) == 0 || errno != ETIMEDOUT)
        return 8;
    if (aw_request (aw, "a", "x", 1, 0.01, &message) == 0 || errno != ETIMEDOUT)
        return 9;
    if (aw_publish (aw, "a", large, AW_MAX_MESSAGE, 0) < 0)
        return 10;
    aw_close (aw);
    aw_close (NULL);
    return 0;
}

static void wrong_arguments_are_rejected (void **state)
{
    (void)state;
    agent_socket_until_ended (agent_socket_start (wrong_calls));
    agent_socket_until_heard (4); /* receive, request, publish, close */
}

/* What a task has sent goes on before its end is reported, although the loop has not run since. */
static void messages_of_a_task_are_passed_on_before_its_end (void **state)
{
    pid_t pid = agent_socket_start (agent_socket_send);
    struct aw_packet packet;
    struct aw_error err;
    const char *line;
    int status, n = 0;

    (void)state;
    while (agent_socket_n_heard == 0) /* the hello must be answered */
        event_base_loop (agent_socket_base, EVLOOP_ONCE);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (WEXITSTATUS (status), 0);
    aw_messages_task_ended (agent_socket_messages, 17, 2);
    assert_int_equal (agent_socket_n_heard, 101);
    line = agent_socket_heard.data;
    for (; n < 100; n++) {
        const char *end = memchr (line, '\n', agent_socket_heard.len);
        struct aw_textbuf data = { 0 };
        int number;

        assert_int_equal (aw_message_frame_read (&packet, line, (size_t)(end - line), &err), 0);
        assert_int_equal (packet.kind, AW_PACKET_PUBLISH);
        assert_int_equal (aw_json_get_bytes (&data, packet.data.text, packet.data.size), 0);
        memcpy (&number, data.data, sizeof (number));
        assert_int_equal (number, n);
        aw_textbuf_finish (&data);
        line = end + 1;
    }
    assert_true (strstr (line, "\"close\""));
}

/* Pipes: the task is told that the agent takes no more, and says that there is no room left on the
 * way to it. */
static int is_told[2], is_full[2];

static int fills_window (void)
{
    struct aw_connection *aw = aw_open ();
    struct pollfd told = { .fd = is_told[0], .events = POLLIN };
    int n = 0;

    for (bool last = false; aw && !last;) {
        last = poll (&told, 1, 1) == 1;
        while (aw_publish (aw, "frames", "x", 1, AW_NOWAIT) == 0)
            n++;
        if (errno != EAGAIN)
            return 1;
    }
    if (n < AW_MESSAGES_WINDOW || write (is_full[1], "", 1) != 1)
        return 2;
    if (aw_publish (aw, "frames", "last", 4, 0) < 0) /* waits */
        return 3;
    aw_close (aw);
    return 0;
}

/* Runs the loop until the task sleeps. */
static void until_asleep (pid_t pid)
{
    const struct timeval tick = { 0, 2000 };
    char path[64], state = '\0';

    snprintf (path, sizeof (path), "/proc/%d/stat", (int)pid);
    for (int i = 0; state != 'S' && i < 30000; i++) {
        FILE *file = fopen (path, "r");

        assert_non_null (file);
        assert_int_equal (fscanf (file, "%*d (%*[^)]) %c", &state), 1);
        fclose (file);
        event_base_loopexit (agent_socket_base, &tick);
        event_base_dispatch (agent_socket_base);
    }
    assert_int_equal (state, 'S');
}

/* What is not accepted stops at the window; then the sender waits. */
static void a_sender_waits_at_the_window (void **state)
{
    int status;
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal (pipe (is_told) | pipe (is_full), 0);
    pid = agent_socket_start (fills_window);
    close (is_full[1]);
    agent_socket_until_heard (AW_MESSAGES_WINDOW);
    assert_int_equal (write (is_told[1], "", 1), 1);
    assert_int_equal (read (is_full[0], &byte, 1), 1);
    until_asleep (pid); /* nothing else does it wait for now */
    assert_int_equal (agent_socket_n_heard, AW_MESSAGES_WINDOW);
    assert_false (agent_socket_has_ended (pid, &status));
    agent_socket_say (AW_PACKET_ACCEPTED, AW_MESSAGES_WINDOW, NULL);
    agent_socket_until_ended (pid);
    agent_socket_until_heard (AW_MESSAGES_WINDOW + 2);
    close (is_full[0]);
    close (is_told[0]);
    close (is_told[1]);
}

static int receives (void)
{
    struct aw_connection *aw = aw_open ();
    struct aw_message a, b;

    if (!aw || aw_request (aw, "ask", "?", 1, 30, &a) < 0 || a.size != 3
        || memcmp (a.data, "a\"b", 3) != 0)
        return 1;
    if (aw_receive (aw, "frames", "g", 30, &b) < 0 || strcmp (b.topic, "frames") != 0
        || strcmp (b.sender, "s[1]") != 0 || b.number != 4 || b.size != 2)
        return 2;
    if (aw_flush (aw, 30) == 0 || !strstr (aw_error_text (aw), "no space"))
        return 3;
    if (aw_cancel (aw, "simulate", AW_RELEASE, 30) < 0)
        return 4;
    if (aw_add (aw, "{}", 2, 30) < 0)
        return 5;
    if (aw_receive (aw, "frames", "g", 30, &b) == 0 || errno != EPIPE)
        return 6;
    aw_close (aw);
    return 0;
}

/* Answers come to who asked, messages are kept while something else is waited for. */
static void answers_go_to_the_one_who_asked (void **state)
{
    pid_t pid = agent_socket_start (receives);

    (void)state;
    agent_socket_until_heard (1);
    assert_non_null (strstr (agent_socket_heard.data, "\"request\""));
    agent_socket_say (AW_PACKET_MESSAGE, 2, "m1"); /* too early: nobody has asked for it */
    agent_socket_say (AW_PACKET_ANSWER, 1, "a\\u0022b");
    agent_socket_until_heard (2);
    agent_socket_until_heard (3);
    agent_socket_say (AW_PACKET_DONE, 99, NULL);
    {
        const struct aw_packet error = { .kind = AW_PACKET_DONE,
                                         .flags = AW_PACKET_ERROR,
                                         .conn = agent_socket_conn,
                                         .number = 3,
                                         .data = aw_piece_of ("no space") };
        aw_messages_take (agent_socket_messages, &error);
    }
    agent_socket_until_heard (4);
    agent_socket_say (AW_PACKET_DONE, 4, NULL);
    agent_socket_until_heard (5);
    agent_socket_say (AW_PACKET_DONE, 5, NULL);
    agent_socket_until_heard (7); /* the message is done with, the next is asked for */
    aw_messages_task_ended (agent_socket_messages, 17, 2);
    agent_socket_until_ended (pid);
}

/* Packets that no library sends. */
static int sends_garbage (void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char bytes[200];

    strcpy (address.sun_path, aw_messages_socket (agent_socket_messages));
    srand ((unsigned)time (NULL));
    for (int i = 0; i < 200; i++) {
        int fd = socket (AF_UNIX, SOCK_SEQPACKET, 0);
        size_t n = (size_t)rand () % sizeof (bytes);

        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)(rand () % 3 ? 0 : rand ());
        if (connect (fd, (struct sockaddr *)&address, sizeof (address)) < 0)
            return 1;
        send (fd, bytes, n, MSG_NOSIGNAL);
        if (i % 2 && recv (fd, bytes, 1, 0) > 0)
            return 2;
        close (fd);
    }
    return 0;
}

static void garbage_ends_the_connection (void **state)
{
    (void)state;
    agent_socket_until_ended (agent_socket_start (sends_garbage));
    assert_int_equal (agent_socket_n_heard, 0);
}

static int waits_in_vain (void)
{
    struct aw_connection *aw = aw_open ();
    struct aw_message message;

    return !aw || aw_publish (aw, "end", "x", 1, 0) < 0
           || aw_receive (aw, "end", "g", -1, &message) == 0 || errno != EDEADLK
           || strcmp (aw_error_text (aw), "nobody is left") != 0
           || aw_publish (aw, "end", "y", 1, 0) < 0 /* it is still of use */
           || aw_request (aw, "end", "z", 1, -1, &message) == 0 || errno != EDEADLK;
}

static void tell_stuck (const char *number)
{
    struct aw_packet stuck = { .kind = AW_PACKET_DONE,
                               .flags = AW_PACKET_ERROR | AW_PACKET_STUCK,
                               .conn = agent_socket_conn,
                               .data = aw_piece_of ("nobody is left") };

    stuck.number = (uint32_t)atoi (number);
    aw_messages_take (agent_socket_messages, &stuck);
}

/* A wait without a time limit is reported after a while; it may end with an error of its own. */
static void a_wait_that_nobody_can_end_fails (void **state)
{
    pid_t pid = agent_socket_start (waits_in_vain);

    (void)state;
    agent_socket_until_heard (3);
    aw_textbuf_putc (&agent_socket_heard, '\0');
    assert_non_null (
        strstr (agent_socket_heard.data, "\"message\":\"wait\",\"conn\":1,\"number\":1"));
    assert_int_equal (aw_messages_waiting (agent_socket_messages, pid), 1);
    assert_int_equal (aw_messages_waiting (agent_socket_messages, getpid ()), 0);
    tell_stuck ("1");
    assert_int_equal (aw_messages_waiting (agent_socket_messages, pid), 0);
    agent_socket_until_heard (7); /* it withdraws, publishes, requests, waits */
    assert_int_equal (aw_messages_waiting (agent_socket_messages, pid), 1);
    tell_stuck ("2");
    agent_socket_until_ended (pid);
}

static int holds_connection (void)
{
    struct aw_connection *aw = aw_open ();
    struct aw_message message;

    return !aw || aw_receive (aw, "end", NULL, -1, &message) < 0;
}

/* More tasks than there are descriptors for: they wait, which costs nothing, until others end. */
static void tasks_wait_for_a_descriptor (void **state)
{
    enum { N = 6, ROOM = 3 };
    const struct timeval half = { 0, 500000 };
    struct rlimit before, low;
    pid_t pids[N];
    clock_t cpu;
    int fd = dup (STDIN_FILENO);

    close (fd);
    assert_int_equal (getrlimit (RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)fd - 1 + 24 + ROOM; /* the socket has FD - 1; 24 are kept for tasks */
    agent_socket_tear_down (state);
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &low), 0);
    agent_socket_set_up (state);
    for (int i = 0; i < N; i++)
        pids[i] = agent_socket_start (holds_connection);
    agent_socket_until_heard (ROOM);
    cpu = clock ();
    event_base_loopexit (agent_socket_base, &half);
    event_base_dispatch (agent_socket_base);
    assert_true ((double)(clock () - cpu) / CLOCKS_PER_SEC < 0.2);
    assert_int_equal (agent_socket_n_heard, ROOM);
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < N; i++)
        kill (pids[i], SIGKILL);
    for (int i = 0; i < N; i++)
        waitpid (pids[i], NULL, 0);
}

/* A directory that an agent has made SECONDS ago, in /tmp, with a socket or without. */
static void make_directory (char *path, time_t seconds, int *fd)
{
    const struct timespec times[2] = { { time (NULL) - seconds, 0 }, { time (NULL) - seconds, 0 } };
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strcpy (path, "/tmp/" AW_MESSAGES_PREFIX "4194303.XXXXXX");
    assert_non_null (mkdtemp (path));
    if (fd) {
        snprintf (address.sun_path, sizeof (address.sun_path), "%s/messages", path);
        *fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_int_equal (bind (*fd, (struct sockaddr *)&address, sizeof (address)), 0);
        assert_int_equal (listen (*fd, 5), 0);
    }
    assert_int_equal (utimensat (AT_FDCWD, path, times, 0), 0);
}

/* An agent that was killed together with its supervisor has left its directory; the next one on the
 * node removes it.
 */
static void what_killed_agents_leave_is_removed (void **state)
{
    char dead[64], empty[64], alive[64], young[64], other[] = "/tmp/async-workflow.mine.XXXXXX";
    char path[128];
    int dead_fd, alive_fd;

    make_directory (dead, 100, &dead_fd);
    make_directory (empty, 100, NULL);
    make_directory (alive, 100, &alive_fd);
    make_directory (young, 0, NULL);
    assert_non_null (mkdtemp (other));
    close (dead_fd);
    agent_socket_tear_down (state);
    agent_socket_set_up (state);
    assert_int_equal (access (dead, F_OK), -1);
    assert_int_equal (access (empty, F_OK), -1);
    assert_int_equal (access (alive, F_OK), 0);
    assert_int_equal (access (young, F_OK), 0);
    assert_int_equal (access (other, F_OK), 0);
    close (alive_fd);
    snprintf (path, sizeof (path), "%s/messages", alive);
    unlink (path);
    assert_int_equal (rmdir (alive) + rmdir (young) + rmdir (other), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define SOCKET_TEST(f) \
    cmocka_unit_test_setup_teardown (f, agent_socket_set_up, agent_socket_tear_down)
        SOCKET_TEST (a_process_without_token_is_rejected),
        SOCKET_TEST (another_user_is_rejected),
        SOCKET_TEST (garbage_ends_the_connection),
        SOCKET_TEST (wrong_arguments_are_rejected),
        SOCKET_TEST (messages_of_a_task_are_passed_on_before_its_end),
        SOCKET_TEST (a_sender_waits_at_the_window),
        SOCKET_TEST (answers_go_to_the_one_who_asked),
        SOCKET_TEST (tasks_wait_for_a_descriptor),
        SOCKET_TEST (a_wait_that_nobody_can_end_fails),
        SOCKET_TEST (what_killed_agents_leave_is_removed),
    };

    return cmocka_run_group_tests_name ("agent-messages", tests, NULL, NULL);
}
