/* SPDX-License-Identifier: Apache-2.0 */
/* srun reports trouble in words, so its output is taken line by line. Its end is what SIGCHLD
 * tells; what then is still in the pipes is read before the end is told.
 */
#include "coord/pool_step.h"

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

#include "coord/srun_env.h"
#include "util/child.h"
#include "util/clock.h"

#define LINE_SIZE 1024 /* a longer line comes in pieces */
#define END_SECONDS 2. /* for srun to end its step when it is told to, before it is killed */

extern char **environ;

/* One of srun's two outputs. */
struct stream {
    struct aw_pool_step *step;
    struct event *event;
    int fd;
    size_t len;
    char line[LINE_SIZE];
};

struct aw_pool_step {
    struct aw_pool_step_callbacks callbacks;
    struct event_base *base;
    struct event *child; /* SIGCHLD */
    struct event *ended; /* made active once srun was reaped */
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
    if (stream->step->callbacks.line)
        stream->step->callbacks.line (stream->step->callbacks.arg, stream->line);
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

/* Something else may hold the pipes open still: what is in them now is all that is waited for. */
static void drain (struct aw_pool_step *step)
{
    for (int i = 0; i < 2; i++) {
        if (step->streams[i].fd < 0)
            continue;
        (void)read_stream (&step->streams[i]);
        tell_line (&step->streams[i]);
        close_stream (&step->streams[i]);
    }
}

static bool reap (struct aw_pool_step *step, int flags)
{
    pid_t pid;

    do
        pid = waitpid (step->pid, &step->status, flags);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return false;
    if (pid < 0) /* someone else has reaped it: how it ended is not known */
        step->status = 0xff00;
    step->pid = 0;
    return true;
}

static void on_child (evutil_socket_t sig, short what, void *arg)
{
    struct aw_pool_step *step = arg;

    (void)sig;
    (void)what;
    if (step->pid == 0 || !reap (step, WNOHANG))
        return;
    event_del (step->child);
    event_active (step->ended, EV_TIMEOUT, 0);
}

static void on_ended (evutil_socket_t fd, short what, void *arg)
{
    struct aw_pool_step *step = arg;
    struct aw_pool_step_callbacks callbacks = step->callbacks;
    int status = step->status;

    (void)fd;
    (void)what;
    drain (step);
    if (callbacks.ended)
        callbacks.ended (callbacks.arg, status); /* may destroy the step */
}

static int start (struct aw_pool_step *step,
                  const struct aw_pool_step_config *config,
                  struct aw_error *err)
{
    struct aw_strings line;
    struct aw_strings env;
    int write_end[2] = { -1, -1 };
    int rc = -1;

    aw_strings_init (&line);
    aw_strings_init (&env);
    if (aw_pool_step_line (&line, config, err) == 0 && aw_srun_env (&env, environ, err) == 0) {
        int error = 0;

        for (int i = 0; i < 2 && !error; i++) {
            int fd[2];

            if (aw_child_pipe (fd) < 0) {
                error = errno;
                break;
            }
            step->streams[i].fd = fd[0];
            write_end[i] = fd[1];
            if (fcntl (fd[0], F_SETFL, O_NONBLOCK) < 0)
                error = errno;
        }
        if (!error && aw_child_spawn (&step->pid, line.v, env.v, write_end[0], write_end[1]) < 0)
            error = errno;
        if (error) {
            step->pid = 0;
            aw_error_set (err, "srun cannot be started: %s", strerror (error));
        }
        rc = error ? -1 : 0;
    }
    for (int i = 0; i < 2; i++) {
        if (write_end[i] >= 0)
            close (write_end[i]);
    }
    aw_strings_finish (&line);
    aw_strings_finish (&env);
    return rc;
}

/* The SIGCHLD handler stands before the child does, so that no end is missed. */
static int watch (struct aw_pool_step *step)
{
    step->child = evsignal_new (step->base, SIGCHLD, on_child, step);
    step->ended = event_new (step->base, -1, 0, on_ended, step);
    return step->child && step->ended && event_add (step->child, NULL) == 0 ? 0 : -1;
}

static int watch_output (struct aw_pool_step *step)
{
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &step->streams[i];

        stream->event = event_new (step->base, stream->fd, EV_READ | EV_PERSIST, on_output, stream);
        if (!stream->event || event_add (stream->event, NULL) < 0)
            return -1;
    }
    return 0;
}

struct aw_pool_step *aw_pool_step_create (struct event_base *base,
                                          const struct aw_pool_step_config *config,
                                          const struct aw_pool_step_callbacks *callbacks,
                                          struct aw_error *err)
{
    struct aw_pool_step *step = calloc (1, sizeof (*step));

    if (!step) {
        aw_error_set (err, "%s", strerror (errno));
        return NULL;
    }
    step->base = base;
    step->callbacks = *callbacks;
    for (int i = 0; i < 2; i++) {
        step->streams[i].step = step;
        step->streams[i].fd = -1;
    }
    if (watch (step) < 0) {
        aw_error_set (err, "the event loop takes no signal");
        goto failed;
    }
    if (start (step, config, err) < 0)
        goto failed;
    if (watch_output (step) < 0) {
        aw_error_set (err, "the event loop takes no descriptor");
        goto failed;
    }
    return step;
failed:
    aw_pool_step_destroy (step);
    return NULL;
}

int aw_pool_step_signal (struct aw_pool_step *step, int sig)
{
    if (step->pid == 0) {
        errno = ESRCH;
        return -1;
    }
    return kill (-step->pid, sig);
}

/* Whether srun has ended within SECONDS: its pipes hang up then. */
static bool wait_end (struct aw_pool_step *step, double seconds)
{
    double deadline = aw_clock_monotonic () + seconds;

    while (!reap (step, WNOHANG)) {
        double left = deadline - aw_clock_monotonic ();
        struct pollfd fds[2];
        char dropped[4096];

        if (left <= 0)
            return false;
        for (int i = 0; i < 2; i++) {
            fds[i].fd = step->streams[i].fd;
            fds[i].events = POLLIN;
            fds[i].revents = 0;
        }
        (void)poll (fds, 2, (int)(left * 1e3) + 1);
        for (int i = 0; i < 2; i++) {
            /* At the hang-up the exit is near, but waitpid may not know it yet: wait for it. */
            if (fds[i].revents && read (fds[i].fd, dropped, sizeof (dropped)) == 0)
                close_stream (&step->streams[i]);
        }
        if (step->streams[0].fd < 0 && step->streams[1].fd < 0)
            (void)poll (NULL, 0, 1);
    }
    return true;
}

void aw_pool_step_destroy (struct aw_pool_step *step)
{
    int saved = errno;

    if (!step)
        return;
    if (step->child)
        event_free (step->child);
    if (step->ended)
        event_free (step->ended);
    if (step->pid > 0) {
        /* srun ends its step when it is told to; killed, it leaves that to the agents. */
        kill (-step->pid, SIGTERM);
        kill (-step->pid, SIGCONT);
        if (!wait_end (step, END_SECONDS)) {
            kill (-step->pid, SIGKILL);
            (void)reap (step, 0);
        }
    }
    close_stream (&step->streams[0]);
    close_stream (&step->streams[1]);
    free (step);
    errno = saved;
}
