/* SPDX-License-Identifier: Apache-2.0 */
#include "util/capture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/child.h"
#include "util/clock.h"

extern char **environ;

static void close_fd (int *fd)
{
    if (*fd >= 0)
        close (*fd);
    *fd = -1;
}

int aw_capture_start (struct aw_capture *capture,
                      char *const argv[],
                      char *const env[],
                      size_t limit,
                      struct aw_error *err)
{
    int out[2] = { -1, -1 };
    int complaint[2] = { -1, -1 };
    int rc;

    memset (capture, 0, sizeof (*capture));
    capture->out_fd = -1;
    capture->err_fd = -1;
    if (!argv || !argv[0]) {
        errno = EINVAL;
        return aw_error_set (err, "no command");
    }
    rc = aw_child_pipe (out) < 0 || aw_child_pipe (complaint) < 0
                 || aw_child_spawn (&capture->pid, argv, env ? env : environ, out[1], complaint[1])
                        < 0
             ? errno
             : 0;
    close_fd (&out[1]);
    close_fd (&complaint[1]);
    if (rc != 0) {
        close_fd (&out[0]);
        close_fd (&complaint[0]);
        capture->pid = 0;
        errno = rc;
        return aw_error_set (err, "%s: cannot be started: %s", argv[0], strerror (rc));
    }
    capture->name = argv[0];
    capture->limit = limit;
    capture->out_fd = out[0];
    capture->err_fd = complaint[0];
    return 0;
}

static int read_out (struct aw_capture *capture)
{
    ssize_t n;

    if (capture->size - capture->len < 4096) {
        size_t size = capture->size ? 2 * capture->size : 16384;
        char *out = realloc (capture->out, size);

        if (!out)
            return -1;
        capture->out = out;
        capture->size = size;
    }
    n = read (capture->out_fd, capture->out + capture->len, capture->size - capture->len - 1);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -1;
    capture->len += (size_t)n;
    capture->out[capture->len] = '\0';
    if (capture->len > capture->limit) {
        capture->too_long = 1;
        close_fd (&capture->out_fd); /* SIGPIPE ends the command */
    }
    if (n == 0)
        close_fd (&capture->out_fd);
    return 0;
}

/* Lines are put together until one is complete that is not empty; the rest is read and dropped. */
static void take_complaint (char *complaint, size_t size, const char *text, size_t len)
{
    size_t have = strlen (complaint);

    for (size_t i = 0; i < len; i++) {
        if (have > 0 && complaint[have - 1] == '\n')
            return;
        if (text[i] == '\n' ? have == 0 : (have == 0 && text[i] == ' '))
            continue;
        if (text[i] == '\0' || have + 2 > size - (text[i] == '\n' ? 0 : 1))
            continue;
        complaint[have++] = text[i];
        complaint[have] = '\0';
    }
}

static void read_err (struct aw_capture *capture)
{
    char text[4096];
    ssize_t n = read (capture->err_fd, text, sizeof (text));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0)
        take_complaint (capture->complaint, sizeof (capture->complaint), text, (size_t)n);
    else
        close_fd (&capture->err_fd);
}

/* One round of reading. Returns how many descriptors were open, or -1 with errno. */
static int read_round (struct aw_capture *captures, size_t n, int timeout_ms)
{
    struct pollfd fds[2 * AW_CAPTURE_MOST];
    nfds_t open = 0;

    for (size_t i = 0; i < 2 * n; i++) {
        fds[i].fd = i % 2 ? captures[i / 2].err_fd : captures[i / 2].out_fd;
        fds[i].events = POLLIN;
        fds[i].revents = 0;
        open += fds[i].fd >= 0;
    }
    if (open == 0)
        return 0;
    if (poll (fds, 2 * n, timeout_ms) < 0)
        return errno == EINTR ? (int)open : -1;
    for (size_t i = 0; i < 2 * n; i++) {
        if (!fds[i].revents)
            continue;
        if (i % 2)
            read_err (&captures[i / 2]);
        else if (read_out (&captures[i / 2]) < 0)
            return -1;
    }
    return (int)open;
}

static void reap (struct aw_capture *capture)
{
    if (capture->pid <= 0)
        return;
    do
        capture->unknown = waitpid (capture->pid, &capture->status, 0) < 0 ? errno : 0;
    while (capture->unknown == EINTR);
    capture->pid = 0;
}

static void kill_one (struct aw_capture *capture)
{
    if (capture->pid > 0)
        kill (-capture->pid, SIGKILL);
}

static int judge (const struct aw_capture *capture, struct aw_error *err)
{
    const char *said = capture->complaint;

    if (capture->too_long)
        return aw_error_set (err, "%s: wrote more than %zu bytes", capture->name, capture->limit);
    if (capture->unknown)
        return aw_error_set (err, "%s: its exit status is unknown: %s", capture->name,
                             strerror (capture->unknown));
    if (WIFSIGNALED (capture->status))
        return aw_error_set (err, "%s: ended by signal %d%s%s", capture->name,
                             WTERMSIG (capture->status), *said ? ": " : "", said);
    if (WEXITSTATUS (capture->status) != 0)
        return aw_error_set (err, "%s: exit status %d%s%s", capture->name,
                             WEXITSTATUS (capture->status), *said ? ": " : "", said);
    return 0;
}

int aw_capture_wait (struct aw_capture *captures, size_t n, double seconds, struct aw_error *err)
{
    double deadline = aw_clock_monotonic () + seconds;
    size_t late = n;
    int failure = 0;
    int open;

    if (n == 0 || n > AW_CAPTURE_MOST) {
        errno = EINVAL;
        return aw_error_set (err, "%zu commands at once", n);
    }
    do {
        double left = deadline - aw_clock_monotonic ();

        if (left <= 0)
            break;
        open = read_round (captures, n, left > 1e6 ? -1 : (int)(left * 1e3) + 1);
        failure = open < 0 ? errno : 0;
    } while (open > 0);

    for (size_t i = 0; i < n; i++) {
        size_t end = strcspn (captures[i].complaint, "\n");

        captures[i].complaint[end] = '\0';
        if (late == n && (captures[i].out_fd >= 0 || captures[i].err_fd >= 0))
            late = i;
        if (captures[i].out_fd >= 0 || captures[i].err_fd >= 0)
            kill_one (&captures[i]);
        close_fd (&captures[i].out_fd);
        close_fd (&captures[i].err_fd);
        reap (&captures[i]);
        if (!captures[i].out && !(captures[i].out = calloc (1, 1)))
            failure = ENOMEM;
    }
    if (failure) {
        errno = failure;
        return aw_error_set (err, "%s: %s", captures[0].name, strerror (failure));
    }
    if (late < n) {
        errno = ETIMEDOUT;
        return aw_error_set (err, "%s: no answer within %g s", captures[late].name, seconds);
    }
    for (size_t i = 0; i < n; i++) {
        if (judge (&captures[i], err) < 0)
            return -1;
    }
    return 0;
}

void aw_capture_finish (struct aw_capture *capture)
{
    int saved = errno;

    if (capture->pid > 0) {
        kill_one (capture);
        close_fd (&capture->out_fd);
        close_fd (&capture->err_fd);
        reap (capture);
    }
    free (capture->out);
    memset (capture, 0, sizeof (*capture));
    capture->out_fd = -1;
    capture->err_fd = -1;
    errno = saved;
}
