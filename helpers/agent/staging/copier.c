/* SPDX-License-Identifier: Apache-2.0 */
/* Over a socketpair the process sends what it has found, reads a one-byte answer, and sends the
 * result. It is forked without exec, and only makes system calls for files, memory and the
 * connection to another agent.
 */
#include "config.h"

#include "agent/staging/copier.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/staging/child.h"

enum {
    PATIENCE_MS = 200, /* for a process to end on SIGTERM */
    WORTH_TAKING = 1 << 20, /* bytes; what is smaller comes faster from the file system */
};

struct report {
    enum { FOUND, UNREACHED, MADE, LAST } kind;
    bool failed;
    uint64_t stamp;
    unsigned peer; /* UNREACHED */
    struct aw_copied copied;
    char text[PATH_MAX]; /* MADE: the path; LAST: the error */
};

struct aw_copier {
    struct aw_copier_callbacks callbacks;
    struct event *event;
    int fd;
    pid_t pid;
};

/*
 * In the process
 */

static void send_report (int fd, const struct report *report)
{
    ssize_t n;

    do
        n = send (fd, report, sizeof (*report), MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n != sizeof (*report))
        _exit (1);
}

static bool is_wanted (int fd)
{
    char answer = 0;
    ssize_t n;

    do
        n = read (fd, &answer, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        _exit (1);
    return answer == 'y';
}

/* The agent must know all paths of a copy, to remove them and nothing else. */
static void report_made (void *arg, const char *path)
{
    const int *fd = arg;
    struct report report = { .kind = MADE };

    if (strlen (path) >= sizeof (report.text))
        return;
    strcpy (report.text, path);
    send_report (*fd, &report);
}

static void work (int fd, struct aw_copy copy, const struct aw_taker_source *source, bool ask)
{
    struct report report = { .kind = FOUND };
    struct aw_error err = { "" };
    bool wanted = true;

    if (ask) {
        report.failed = aw_copy_survey (copy.from, &report.copied, &report.stamp, &err) < 0;
        if (!report.failed) {
            send_report (fd, &report);
            wanted = is_wanted (fd);
        }
    }
    if (!report.failed && wanted && source && report.copied.bytes >= WORTH_TAKING)
        copy.taker = aw_taker_create (source, &report.peer);
    if (report.peer > 0) {
        report.kind = UNREACHED; /* at once: to read the files may take long */
        send_report (fd, &report);
    }
    memset (&report.copied, 0, sizeof (report.copied));
    if (!report.failed && wanted)
        report.failed = aw_copy_reporting (&copy, report_made, &fd, &report.copied, &err) < 0;
    report.kind = LAST;
    memcpy (report.text, err.text, sizeof (err.text));
    send_report (fd, &report);
}

/* SIGTERM comes also when the agent dies: the process removes its half written file. */
static void on_end (int number)
{
    (void)number;
    aw_copy_abandon ();
    _exit (1);
}

/*
 * In the agent
 */

static void on_report (evutil_socket_t fd, short what, void *arg)
{
    struct aw_copier *copier = arg;
    struct report report;
    ssize_t n = read (fd, &report, sizeof (report));
    struct aw_error err;

    (void)what;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n < 0)
        aw_error_set (&err, "the copying process cannot be heard: %s", strerror (errno));
    else
        aw_error_set (&err, "the copying process was killed, perhaps for lack of memory");
    if (n != sizeof (report) || report.kind == LAST)
        copier->pid = -1; /* it ends by itself; another process may get its number */
    if (n != sizeof (report)) {
        event_del (copier->event);
        copier->callbacks.done (copier->callbacks.arg, NULL, err.text);
    }
    else if (report.kind == MADE) {
        if (copier->callbacks.made)
            copier->callbacks.made (copier->callbacks.arg, report.text);
    }
    else if (report.kind == UNREACHED) {
        if (copier->callbacks.unreached)
            copier->callbacks.unreached (copier->callbacks.arg, report.peer);
    }
    else if (report.kind == FOUND)
        copier->callbacks.found (copier->callbacks.arg, report.copied.bytes, report.stamp);
    else {
        event_del (copier->event);
        copier->callbacks.done (copier->callbacks.arg, &report.copied,
                                report.failed ? report.text : NULL);
    }
}

static int begin (struct aw_copier *copier,
                  struct event_base *base,
                  const struct aw_copy *copy,
                  const struct aw_taker_source *source,
                  struct aw_error *err)
{
    pid_t parent = getpid ();
    int fds[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return aw_error_set (err, "a copy cannot be started: %s", strerror (errno));
    copier->pid = fork ();
    if (copier->pid == 0) {
        aw_child_begin (parent, on_end);
        work (fds[1], *copy, source, copier->callbacks.found != NULL);
        _exit (0);
    }
    close (fds[1]);
    copier->fd = fds[0];
    if (copier->pid < 0)
        return aw_error_set (err, "a copy cannot be started: %s", strerror (errno));
    copier->event = event_new (base, copier->fd, EV_READ | EV_PERSIST, on_report, copier);
    if (!copier->event || event_add (copier->event, NULL) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

struct aw_copier *aw_copier_start (struct event_base *base,
                                   const struct aw_copy *copy,
                                   const struct aw_taker_source *source,
                                   const struct aw_copier_callbacks *callbacks,
                                   struct aw_error *err)
{
    struct aw_copier *copier = calloc (1, sizeof (*copier));

    if (!copier) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    copier->callbacks = *callbacks;
    copier->fd = copier->pid = -1;
    if (begin (copier, base, copy, source, err) < 0) {
        aw_copier_destroy (copier);
        return NULL;
    }
    return copier;
}

pid_t aw_copier_pid (const struct aw_copier *copier)
{
    return copier->pid;
}

void aw_copier_answer (struct aw_copier *copier, bool copy)
{
    ssize_t n;

    do
        n = send (copier->fd, copy ? "y" : "n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n != 1 && copier->pid > 0)
        kill (copier->pid, SIGTERM); /* it waits for this byte; on_report hears of its end */
}

bool aw_copier_end (struct aw_copier *copier)
{
    if (copier->pid <= 0)
        return false;
    kill (copier->pid, SIGTERM);
    return true;
}

/* Ends the process, and reads its last reports: it makes nothing after that. It ends at once unless
 * its file system hangs; then it is not waited for.
 */
static void end_process (struct aw_copier *copier)
{
    struct pollfd pollfd = { .fd = copier->fd, .events = POLLIN };
    struct report report;

    kill (copier->pid, SIGTERM);
    while (poll (&pollfd, 1, PATIENCE_MS) > 0
           && recv (copier->fd, &report, sizeof (report), MSG_DONTWAIT) == sizeof (report))
        if (report.kind == MADE && copier->callbacks.made)
            copier->callbacks.made (copier->callbacks.arg, report.text);
}

void aw_copier_destroy (struct aw_copier *copier)
{
    if (!copier)
        return;
    if (copier->event)
        event_free (copier->event);
    if (copier->pid > 0)
        end_process (copier);
    if (copier->fd >= 0)
        close (copier->fd);
    free (copier);
}
