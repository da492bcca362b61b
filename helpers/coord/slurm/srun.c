/* SPDX-License-Identifier: Apache-2.0 */
/* srun reports errors as text, so its output is read line by line. SIGCHLD reports its end; what is
 * then still in the pipes is read before the end is reported. */
#include "coord/slurm/srun.h"

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
#define END_SECONDS 2. /* for srun to end its step after SIGTERM, before SIGKILL */

/* One of srun's two outputs. */
struct stream {
    struct aw_srun *srun;
    struct event *event;
    int fd;
    size_t len;
    char line[LINE_SIZE];
};

struct aw_srun {
    struct aw_srun_callbacks callbacks;
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
    if (stream->srun->callbacks.line)
        stream->srun->callbacks.line (stream->srun->callbacks.arg, stream->line);
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
static void drain (struct aw_srun *srun)
{
    for (int i = 0; i < 2; i++) {
        if (srun->streams[i].fd < 0)
            continue;
        (void)read_stream (&srun->streams[i]);
        tell_line (&srun->streams[i]);
        close_stream (&srun->streams[i]);
    }
}

static bool reap (struct aw_srun *srun, int flags)
{
    pid_t pid;

    do
        pid = waitpid (srun->pid, &srun->status, flags);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return false;
    if (pid < 0) /* someone else has reaped it: how it ended is not known */
        srun->status = 0xff00;
    srun->pid = 0;
    return true;
}

static void on_child (evutil_socket_t sig, short what, void *arg)
{
    struct aw_srun *srun = arg;

    (void)sig;
    (void)what;
    if (srun->pid == 0 || !reap (srun, WNOHANG))
        return;
    event_del (srun->child);
    event_active (srun->ended, EV_TIMEOUT, 0);
}

static void on_ended (evutil_socket_t fd, short what, void *arg)
{
    struct aw_srun *srun = arg;
    struct aw_srun_callbacks callbacks = srun->callbacks;
    int status = srun->status;

    (void)fd;
    (void)what;
    drain (srun);
    if (callbacks.ended)
        callbacks.ended (callbacks.arg, status); /* may destroy it */
}

static int start (struct aw_srun *srun, char *const argv[], char *const env[], struct aw_error *err)
{
    int write_end[2] = { -1, -1 };
    int error = 0;

    for (int i = 0; i < 2 && !error; i++) {
        int fd[2];

        if (aw_child_pipe (fd) < 0) {
            error = errno;
            break;
        }
        srun->streams[i].fd = fd[0];
        write_end[i] = fd[1];
        if (fcntl (fd[0], F_SETFL, O_NONBLOCK) < 0)
            error = errno;
    }
    if (!error && aw_child_spawn (&srun->pid, argv, env, write_end[0], write_end[1]) < 0)
        error = errno;
    for (int i = 0; i < 2; i++) {
        if (write_end[i] >= 0)
            close (write_end[i]);
    }
    if (!error)
        return 0;
    srun->pid = 0;
    return aw_error_set (err, "srun cannot be started: %s", strerror (error));
}

/* The SIGCHLD handler is set before the child starts, so that no end is missed. */
static int watch (struct aw_srun *srun)
{
    srun->child = evsignal_new (srun->base, SIGCHLD, on_child, srun);
    srun->ended = event_new (srun->base, -1, 0, on_ended, srun);
    return srun->child && srun->ended && event_add (srun->child, NULL) == 0 ? 0 : -1;
}

static int watch_output (struct aw_srun *srun)
{
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &srun->streams[i];

        stream->event = event_new (srun->base, stream->fd, EV_READ | EV_PERSIST, on_output, stream);
        if (!stream->event || event_add (stream->event, NULL) < 0)
            return -1;
    }
    return 0;
}

struct aw_srun *aw_srun_create (struct event_base *base,
                                char *const argv[],
                                char *const env[],
                                const struct aw_srun_callbacks *callbacks,
                                struct aw_error *err)
{
    struct aw_srun *srun = calloc (1, sizeof (*srun));

    if (!srun) {
        aw_error_set (err, "%s", strerror (errno));
        return NULL;
    }
    srun->base = base;
    srun->callbacks = *callbacks;
    for (int i = 0; i < 2; i++) {
        srun->streams[i].srun = srun;
        srun->streams[i].fd = -1;
    }
    if (watch (srun) < 0) {
        aw_error_set (err, "cannot add a signal to the event loop");
        goto failed;
    }
    if (start (srun, argv, env, err) < 0)
        goto failed;
    if (watch_output (srun) < 0) {
        aw_error_set (err, "cannot add a descriptor to the event loop");
        goto failed;
    }
    return srun;
failed:
    aw_srun_destroy (srun);
    return NULL;
}

int aw_srun_signal (struct aw_srun *srun, int sig)
{
    if (srun->pid == 0) {
        errno = ESRCH;
        return -1;
    }
    return kill (-srun->pid, sig);
}

/* Whether srun has ended within SECONDS: its pipes hang up then. */
static bool wait_end (struct aw_srun *srun, double seconds)
{
    double deadline = aw_clock_monotonic () + seconds;

    while (!reap (srun, WNOHANG)) {
        double left = deadline - aw_clock_monotonic ();
        struct pollfd fds[2];
        char dropped[4096];

        if (left <= 0)
            return false;
        for (int i = 0; i < 2; i++) {
            fds[i].fd = srun->streams[i].fd;
            fds[i].events = POLLIN;
            fds[i].revents = 0;
        }
        (void)poll (fds, 2, (int)(left * 1e3) + 1);
        for (int i = 0; i < 2; i++) {
            /* After the hang-up the exit is near, but waitpid may not report it yet: wait for it.
             */
            if (fds[i].revents && read (fds[i].fd, dropped, sizeof (dropped)) == 0)
                close_stream (&srun->streams[i]);
        }
        if (srun->streams[0].fd < 0 && srun->streams[1].fd < 0)
            (void)poll (NULL, 0, 1);
    }
    return true;
}

void aw_srun_destroy (struct aw_srun *srun)
{
    int saved = errno;

    if (!srun)
        return;
    if (srun->child)
        event_free (srun->child);
    if (srun->ended)
        event_free (srun->ended);
    if (srun->pid > 0) {
        /* It ends its step after SIGTERM; after SIGKILL, Slurm and the agents do that. */
        kill (-srun->pid, SIGTERM);
        kill (-srun->pid, SIGCONT);
        if (!wait_end (srun, END_SECONDS)) {
            kill (-srun->pid, SIGKILL);
            (void)reap (srun, 0);
        }
    }
    close_stream (&srun->streams[0]);
    close_stream (&srun->streams[1]);
    free (srun);
    errno = saved;
}
