/* SPDX-License-Identifier: Apache-2.0 */
/* SIGCHLD reports the end; what is then still in the pipes is read before it is reported. */
#include "coord/slurm/line_process.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/child.h"
#include "util/clock.h"

#define LINE_SIZE 1024 /* a longer line comes in pieces */
#define END_SECONDS 2. /* for its end after SIGTERM (srun ends its step), before SIGKILL */

/* One of its two outputs. */
struct stream {
    struct aw_line_process *process;
    struct event *event;
    int fd;
    size_t len;
    char line[LINE_SIZE];
};

struct aw_line_process {
    struct aw_line_process_callbacks callbacks;
    struct event_base *base;
    struct event *child; /* SIGCHLD */
    struct event *ended; /* made active once it was reaped */
    struct stream streams[2];
    pid_t pid; /* 0: reaped */
    int status;
};

static void tell_line (struct stream *stream)
{
    size_t len = stream->len;

    stream->len = 0;
    while (len > 0 && (stream->line[len - 1] == '\r' || stream->line[len - 1] == ' '))
        len--;
    if (len == 0)
        return;
    stream->line[len] = '\0';
    if (stream->process->callbacks.line)
        stream->process->callbacks.line (stream->process->callbacks.arg, stream->line);
}

static void take (struct stream *stream, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\n') {
            tell_line (stream);
            continue;
        }
        if (c == '\t')
            c = ' ';
        else if ((c < ' ' && c != '\r') || c == 0x7f)
            c = '?';
        stream->line[stream->len++] = (char)c;
        if (stream->len == LINE_SIZE - 1)
            tell_line (stream);
    }
}

static void close_stream (struct stream *stream)
{
    if (stream->event)
        event_free (stream->event);
    stream->event = NULL;
    if (stream->fd >= 0)
        close (stream->fd);
    stream->fd = -1;
}

/* Reads what is there. Returns false when nothing more will come. */
static bool read_stream (struct stream *stream)
{
    char text[4096];
    ssize_t n;

    while ((n = read (stream->fd, text, sizeof (text))) > 0)
        take (stream, text, (size_t)n);
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void on_output (evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;

    (void)fd;
    (void)what;
    if (!read_stream (stream)) {
        tell_line (stream);
        close_stream (stream);
    }
}

/* Another process may still hold the pipes open: only what is in them now is read. */
static void drain (struct aw_line_process *process)
{
    for (int i = 0; i < 2; i++) {
        if (process->streams[i].fd < 0)
            continue;
        (void)read_stream (&process->streams[i]);
        tell_line (&process->streams[i]);
        close_stream (&process->streams[i]);
    }
}

static bool reap (struct aw_line_process *process, int flags)
{
    pid_t pid;

    do
        pid = waitpid (process->pid, &process->status, flags);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return false;
    if (pid < 0) /* someone else has reaped it: how it ended is not known */
        process->status = 0xff00;
    process->pid = 0;
    return true;
}

static void on_child (evutil_socket_t sig, short what, void *arg)
{
    struct aw_line_process *process = arg;

    (void)sig;
    (void)what;
    if (process->pid == 0 || !reap (process, WNOHANG))
        return;
    event_del (process->child);
    event_active (process->ended, EV_TIMEOUT, 0);
}

static void on_ended (evutil_socket_t fd, short what, void *arg)
{
    struct aw_line_process *process = arg;
    struct aw_line_process_callbacks callbacks = process->callbacks;
    int status = process->status;

    (void)fd;
    (void)what;
    drain (process);
    if (callbacks.ended)
        callbacks.ended (callbacks.arg, status); /* may destroy it */
}

static int start (struct aw_line_process *process,
                  char *const argv[],
                  char *const env[],
                  struct aw_error *err)
{
    int write_end[2] = { -1, -1 };
    int error = 0;

    for (int i = 0; i < 2 && !error; i++) {
        int fd[2];

        if (aw_child_pipe (fd) < 0) {
            error = errno;
            break;
        }
        process->streams[i].fd = fd[0];
        write_end[i] = fd[1];
        if (fcntl (fd[0], F_SETFL, O_NONBLOCK) < 0)
            error = errno;
    }
    if (!error && aw_child_spawn (&process->pid, argv, env, write_end[0], write_end[1]) < 0)
        error = errno;
    for (int i = 0; i < 2; i++) {
        if (write_end[i] >= 0)
            close (write_end[i]);
    }
    if (!error)
        return 0;
    process->pid = 0;
    return aw_error_set (err, "%s cannot be started: %s", argv[0], strerror (error));
}

/* The SIGCHLD handler is set before the child starts, so that no end is missed. */
static int watch (struct aw_line_process *process)
{
    process->child = evsignal_new (process->base, SIGCHLD, on_child, process);
    process->ended = event_new (process->base, -1, 0, on_ended, process);
    return process->child && process->ended && event_add (process->child, NULL) == 0 ? 0 : -1;
}

static int watch_output (struct aw_line_process *process)
{
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &process->streams[i];

        stream->event =
            event_new (process->base, stream->fd, EV_READ | EV_PERSIST, on_output, stream);
        if (!stream->event || event_add (stream->event, NULL) < 0)
            return -1;
    }
    return 0;
}

struct aw_line_process *aw_line_process_create (struct event_base *base,
                                                char *const argv[],
                                                char *const env[],
                                                const struct aw_line_process_callbacks *callbacks,
                                                struct aw_error *err)
{
    struct aw_line_process *process = calloc (1, sizeof (*process));

    if (!process) {
        aw_error_set (err, "%s", strerror (errno));
        return NULL;
    }
    process->base = base;
    process->callbacks = *callbacks;
    for (int i = 0; i < 2; i++) {
        process->streams[i].process = process;
        process->streams[i].fd = -1;
    }
    if (watch (process) < 0) {
        aw_error_set (err, "cannot add a signal to the event loop");
        goto failed;
    }
    if (start (process, argv, env, err) < 0)
        goto failed;
    if (watch_output (process) < 0) {
        aw_error_set (err, "cannot add a descriptor to the event loop");
        goto failed;
    }
    return process;
failed:
    aw_line_process_destroy (process);
    return NULL;
}

int aw_line_process_signal (struct aw_line_process *process, int sig)
{
    if (process->pid == 0) {
        errno = ESRCH;
        return -1;
    }
    return kill (-process->pid, sig);
}

/* Whether it has ended within SECONDS: its pipes hang up then. */
static bool wait_end (struct aw_line_process *process, double seconds)
{
    double deadline = aw_clock_monotonic () + seconds;

    while (!reap (process, WNOHANG)) {
        double left = deadline - aw_clock_monotonic ();
        struct pollfd fds[2];
        char dropped[4096];

        if (left <= 0)
            return false;
        for (int i = 0; i < 2; i++) {
            fds[i].fd = process->streams[i].fd;
            fds[i].events = POLLIN;
            fds[i].revents = 0;
        }
        (void)poll (fds, 2, (int)(left * 1e3) + 1);
        for (int i = 0; i < 2; i++) {
            /* After the hang-up the exit is near, but waitpid may not report it yet: wait for it.
             */
            if (fds[i].revents && read (fds[i].fd, dropped, sizeof (dropped)) == 0)
                close_stream (&process->streams[i]);
        }
        if (process->streams[0].fd < 0 && process->streams[1].fd < 0)
            (void)poll (NULL, 0, 1);
    }
    return true;
}

void aw_line_process_destroy (struct aw_line_process *process)
{
    int saved = errno;

    if (!process)
        return;
    if (process->child)
        event_free (process->child);
    if (process->ended)
        event_free (process->ended);
    if (process->pid > 0) {
        /* An srun ends its step after SIGTERM; after SIGKILL, Slurm and the agents do that. */
        kill (-process->pid, SIGTERM);
        kill (-process->pid, SIGCONT);
        if (!wait_end (process, END_SECONDS)) {
            kill (-process->pid, SIGKILL);
            (void)reap (process, 0);
        }
    }
    close_stream (&process->streams[0]);
    close_stream (&process->streams[1]);
    free (process);
    errno = saved;
}
