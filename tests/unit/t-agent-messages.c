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
#include "util/processes.h"

static struct event_base *base;
static struct aw_messages *messages;
static struct aw_textbuf heard; /* what came for the coordinator, a frame a line */
static uint32_t last_conn;
static size_t n_heard;

static void on_forward (void *arg, const struct aw_packet *packet)
{
    (void)arg;
    n_heard++;
    last_conn = packet->conn;
    if (packet->task != 99 && packet->kind != AW_PACKET_LOOK) { /* a rank of a step */
        assert_int_equal (packet->task, 17);
        assert_int_equal (packet->attempt, 2);
    }
    if (heard.len < 1 << 20)
        assert_int_equal (aw_message_frame_put (&heard, packet, false), 0);
}

static bool on_runs (void *arg, uint32_t task, uint32_t attempt)
{
    (void)arg;
    return task == 17 && attempt == 2;
}

static bool only_wait;

static bool on_only_wait (void *arg)
{
    (void)arg;
    return only_wait;
}

static int set_up (void **state)
{
    const struct aw_messages_callbacks callbacks = { on_forward, on_runs, on_only_wait, NULL };
    struct aw_error err;

    (void)state;
    base = event_base_new ();
    messages = aw_messages_create (base, &callbacks, &err);
    if (!messages)
        fail_msg ("%s", err.text);
    heard.len = n_heard = 0;
    setenv ("ASYNC_WORKFLOW_SOCKET", aw_messages_socket (messages), 1);
    setenv ("ASYNC_WORKFLOW_TOKEN", aw_messages_token (messages), 1);
    setenv ("ASYNC_WORKFLOW_LAUNCH", "17.2", 1);
    return 0;
}

static int tear_down (void **state)
{
    char path[128];

    (void)state;
    strcpy (path, aw_messages_socket (messages));
    aw_messages_destroy (messages);
    assert_int_equal (access (path, F_OK), -1);
    *strrchr (path, '/') = '\0';
    assert_int_equal (access (path, F_OK), -1);
    event_base_free (base);
    aw_textbuf_finish (&heard);
    return 0;
}

/* BODY runs as the task; it returns 0 if all is as it should be. */
static pid_t start (int (*body) (void))
{
    pid_t pid = fork ();

    assert_true (pid >= 0);
    if (pid == 0) {
        alarm (60);
        _exit (body ());
    }
    return pid;
}

static bool has_ended (pid_t pid, int *status)
{
    return waitpid (pid, status, WNOHANG) == pid;
}

/* Runs the loop until the task has ended well. */
static void until_ended (pid_t pid)
{
    const struct timeval tick = { 0, 2000 };
    int status;

    while (!has_ended (pid, &status)) {
        event_base_loopexit (base, &tick);
        event_base_dispatch (base);
    }
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), 0);
}

static void until_heard (size_t n)
{
    const struct timeval tick = { 0, 2000 };

    for (int i = 0; n_heard < n && i < 30000; i++) {
        event_base_loopexit (base, &tick);
        event_base_dispatch (base);
    }
    assert_true (n_heard >= n);
}

/* The coordinator's word, data escaped. */
static void say (enum aw_packet_kind kind, uint32_t number, const char *data)
{
    struct aw_packet packet = {
        .kind = kind,
        .conn = last_conn,
        .number = number,
        .seq = 4,
        .topic = aw_piece_of (kind == AW_PACKET_MESSAGE ? "frames" : NULL),
        .sender = aw_piece_of ("s[1]"),
        .data = aw_piece_of (data),
    };

    aw_messages_take (messages, &packet);
}

static int wrong_tasks (void)
{
    setenv ("ASYNC_WORKFLOW_TOKEN", "00000000000000000000000000000000", 1);
    if (aw_open () || errno != EACCES || !strstr (aw_error_text (NULL), "token"))
        return 1;
    setenv ("ASYNC_WORKFLOW_TOKEN", "", 1);
    if (aw_open ())
        return 2;
    setenv ("ASYNC_WORKFLOW_TOKEN", aw_messages_token (messages), 1);
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
    strcpy (path, aw_messages_socket (messages));
    assert_int_equal (stat (path, &st), 0);
    assert_int_equal (st.st_mode & 0777, 0600);
    *strrchr (path, '/') = '\0';
    assert_int_equal (stat (path, &st), 0);
    assert_int_equal (st.st_mode & 0777, 0700);
    until_ended (start (wrong_tasks));
    assert_int_equal (n_heard, 0);
}

/* Another user who came past the directory's mode is closed upon. */
static int other_user (void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_SEQPACKET, 0);
    char byte;

    strcpy (address.sun_path, aw_messages_socket (messages));
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
    strcpy (path, aw_messages_socket (messages));
    assert_int_equal (chmod (path, 0666), 0);
    *strrchr (path, '/') = '\0';
    assert_int_equal (chmod (path, 0755), 0);
    until_ended (start (other_user));
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
    until_ended (start (wrong_calls));
    until_heard (4); /* receive, request, publish, close */
}

static int sends_and_ends (void)
{
    struct aw_connection *aw = aw_open ();

    for (int i = 0; aw && i < 100; i++)
        if (aw_publish (aw, "frames", &i, sizeof (i), 0) < 0)
            return 1;
    return aw ? 0 : 2; /* and does not even close */
}

/* What a task has sent goes on before its end is reported, although the loop has not run since. */
static void messages_of_a_task_are_passed_on_before_its_end (void **state)
{
    pid_t pid = start (sends_and_ends);
    struct aw_packet packet;
    struct aw_error err;
    const char *line;
    int status, n = 0;

    (void)state;
    while (n_heard == 0) /* the hello must be answered */
        event_base_loop (base, EVLOOP_ONCE);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (WEXITSTATUS (status), 0);
    aw_messages_task_ended (messages, 17, 2);
    assert_int_equal (n_heard, 101);
    line = heard.data;
    for (; n < 100; n++) {
        const char *end = memchr (line, '\n', heard.len);
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
        event_base_loopexit (base, &tick);
        event_base_dispatch (base);
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
    pid = start (fills_window);
    close (is_full[1]);
    until_heard (AW_MESSAGES_WINDOW);
    assert_int_equal (write (is_told[1], "", 1), 1);
    assert_int_equal (read (is_full[0], &byte, 1), 1);
    until_asleep (pid); /* nothing else does it wait for now */
    assert_int_equal (n_heard, AW_MESSAGES_WINDOW);
    assert_false (has_ended (pid, &status));
    say (AW_PACKET_ACCEPTED, AW_MESSAGES_WINDOW, NULL);
    until_ended (pid);
    until_heard (AW_MESSAGES_WINDOW + 2);
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
    pid_t pid = start (receives);

    (void)state;
    until_heard (1);
    assert_non_null (strstr (heard.data, "\"request\""));
    say (AW_PACKET_MESSAGE, 2, "m1"); /* too early: nobody has asked for it */
    say (AW_PACKET_ANSWER, 1, "a\\u0022b");
    until_heard (2);
    until_heard (3);
    say (AW_PACKET_DONE, 99, NULL);
    {
        const struct aw_packet error = { .kind = AW_PACKET_DONE,
                                         .flags = AW_PACKET_ERROR,
                                         .conn = last_conn,
                                         .number = 3,
                                         .data = aw_piece_of ("no space") };
        aw_messages_take (messages, &error);
    }
    until_heard (4);
    say (AW_PACKET_DONE, 4, NULL);
    until_heard (5);
    say (AW_PACKET_DONE, 5, NULL);
    until_heard (7); /* the message is done with, the next is asked for */
    aw_messages_task_ended (messages, 17, 2);
    until_ended (pid);
}

/* Packets that no library sends. */
static int sends_garbage (void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char bytes[200];

    strcpy (address.sun_path, aw_messages_socket (messages));
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
    until_ended (start (sends_garbage));
    assert_int_equal (n_heard, 0);
}

/*
 * Ranks of a job step, which this agent has not started: task 99, attempt 1.
 */

/* Of this process alone: processes are found and ended by it, and the test may run twice at a time.
 */
static char guest_token[33];

static void say_of_guest (enum aw_packet_kind kind, const char *token)
{
    const struct aw_packet packet = {
        .kind = kind, .task = 99, .attempt = 1, .data = aw_piece_of (token)
    };
    size_t before = n_heard;

    aw_messages_take (messages, &packet);
    if (kind == AW_PACKET_ADMIT)
        assert_int_equal (n_heard, before + 1); /* it is told that it is done */
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
    be_guest (aw_messages_token (messages));
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
    return sends_and_ends ();
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

static void end (pid_t pid)
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
    end (other);
    end (submitted);
    unsetenv ("SLURM_JOB_ID");
}

static void ranks_of_an_admitted_step_exchange_messages (void **state)
{
    size_t before;
    pid_t pid;
    int status;

    (void)state;
    until_ended (start (not_let_in));
    say_of_guest (AW_PACKET_ADMIT, "short");
    until_ended (start (not_let_in));
    say_of_guest (AW_PACKET_ADMIT, guest_token);
    assert_true (strstr (heard.data, "\"done\",\"task\":99,\"attempt\":1"));
    until_ended (start (other_tokens));
    before = n_heard;
    pid = start (guest_sends);
    while (n_heard == before)
        event_base_loop (base, EVLOOP_ONCE);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (WEXITSTATUS (status), 0);
    say_of_guest (AW_PACKET_DISMISS, NULL);
    assert_int_equal (n_heard, before + 102); /* all it has said, its close, and "done" behind */
    aw_textbuf_putc (&heard, '\0');
    assert_true (strstr (strstr (heard.data, "\"close\""), "\"done\""));
    until_ended (start (not_let_in));
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
                               .conn = last_conn,
                               .data = aw_piece_of ("nobody is left") };

    stuck.number = (uint32_t)atoi (number);
    aw_messages_take (messages, &stuck);
}

/* A wait without a time limit is reported after a while; it may end with an error of its own. */
static void a_wait_that_nobody_can_end_fails (void **state)
{
    pid_t pid = start (waits_in_vain);

    (void)state;
    until_heard (3);
    aw_textbuf_putc (&heard, '\0');
    assert_non_null (strstr (heard.data, "\"message\":\"wait\",\"conn\":1,\"number\":1"));
    assert_int_equal (aw_messages_waiting (messages, pid), 1);
    assert_int_equal (aw_messages_waiting (messages, getpid ()), 0);
    tell_stuck ("1");
    assert_int_equal (aw_messages_waiting (messages, pid), 0);
    until_heard (7); /* it withdraws, publishes, requests, waits */
    assert_int_equal (aw_messages_waiting (messages, pid), 1);
    tell_stuck ("2");
    until_ended (pid);
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
    pid = start (guest_sends);
    until_heard (2);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    only_wait = true;
    aw_messages_take (messages, &look);
    only_wait = false;
    aw_messages_take (messages, &look);
    aw_textbuf_putc (&heard, '\0');
    end = strstr (heard.data, "\"close\"");
    seen = strstr (heard.data, "{\"message\":\"look\",\"number\":3,\"seq\":1}\n"
                               "{\"message\":\"look\",\"number\":3}\n");
    assert_true (end && seen && end < seen);
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
    tear_down (state);
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &low), 0);
    set_up (state);
    for (int i = 0; i < N; i++)
        pids[i] = start (holds_connection);
    until_heard (ROOM);
    cpu = clock ();
    event_base_loopexit (base, &half);
    event_base_dispatch (base);
    assert_true ((double)(clock () - cpu) / CLOCKS_PER_SEC < 0.2);
    assert_int_equal (n_heard, ROOM);
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
    tear_down (state);
    set_up (state);
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
#define SOCKET_TEST(f) cmocka_unit_test_setup_teardown (f, set_up, tear_down)
        SOCKET_TEST (a_process_without_token_is_rejected),
        SOCKET_TEST (another_user_is_rejected),
        SOCKET_TEST (garbage_ends_the_connection),
        SOCKET_TEST (wrong_arguments_are_rejected),
        SOCKET_TEST (messages_of_a_task_are_passed_on_before_its_end),
        SOCKET_TEST (a_sender_waits_at_the_window),
        SOCKET_TEST (answers_go_to_the_one_who_asked),
        SOCKET_TEST (ranks_of_an_admitted_step_exchange_messages),
        SOCKET_TEST (what_a_step_leaves_behind_is_killed),
        SOCKET_TEST (tasks_wait_for_a_descriptor),
        SOCKET_TEST (a_wait_that_nobody_can_end_fails),
        SOCKET_TEST (a_look_is_answered_after_all_that_was_sent),
        SOCKET_TEST (what_killed_agents_leave_is_removed),
    };

    snprintf (guest_token, sizeof (guest_token), "%032x", (unsigned)getpid ());
    return cmocka_run_group_tests_name ("agent-messages", tests, NULL, NULL);
}
