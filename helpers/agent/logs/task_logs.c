/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/logs/task_logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "util/child.h"
#include "util/clock.h"
#include "util/strings.h"

/* Attempts that end within this time need one request, and no watch of their pipes. */
static const struct timeval YOUNG = { 0, 10000 };

/* For the process to write what it has, and to close its files. */
static const double CLOSE_SECONDS = 5;

/* A request that is not sent yet. */
struct waiting {
    struct waiting *next;
    struct aw_log_request request;
    int fds[AW_LOG_STREAMS];
};

struct aw_task_logs {
    struct event_base *base;
    const char *node;
    struct aw_task_logs_callbacks callbacks;
    pid_t pid; /* 0: there is no process */
    int fd;
    struct event *answers, *room; /* readable, writable */
    struct waiting *first, **last; /* the socket has not taken them */
    struct waiting *young; /* BEGIN of attempts that have just started */
    struct event *aged; /* timer: these are sent */
};

struct aw_task_logs *aw_task_logs_create (struct event_base *base,
                                          const char *node,
                                          const struct aw_task_logs_callbacks *callbacks)
{
    struct aw_task_logs *logs = calloc (1, sizeof (*logs));

    if (!logs)
        return NULL;
    logs->base = base;
    logs->node = node;
    logs->callbacks = *callbacks;
    logs->fd = -1;
    logs->last = &logs->first;
    return logs;
}

static void free_event (struct event **event)
{
    if (*event)
        event_free (*event);
    *event = NULL;
}

static void close_fds (int *fds)
{
    int saved = errno;

    for (int i = 0; i < AW_LOG_STREAMS; i++) {
        if (fds[i] >= 0)
            close (fds[i]);
        fds[i] = -1;
    }
    errno = saved;
}

static void free_all (struct waiting **list)
{
    struct waiting *waiting;

    while ((waiting = *list)) {
        *list = waiting->next;
        close_fds (waiting->fds);
        free (waiting);
    }
}

/* Without the process: what it was sent is lost. */
static void leave_process (struct aw_task_logs *logs)
{
    free_event (&logs->answers);
    free_event (&logs->room);
    free_event (&logs->aged);
    if (logs->fd >= 0)
        close (logs->fd);
    logs->fd = -1;
    logs->pid = 0;
    free_all (&logs->first);
    free_all (&logs->young);
    logs->last = &logs->first;
}

/* Until the process has closed its files: on NFS, others see what is in them only then. */
static void end_process (const struct aw_task_logs *logs)
{
    double until = aw_clock_monotonic () + CLOSE_SECONDS, left = CLOSE_SECONDS;
    struct pollfd pfd = { .fd = logs->fd, .events = POLLIN };
    char answers[1024];
    ssize_t n = 1;

    if (logs->fd < 0 || shutdown (logs->fd, SHUT_WR) < 0)
        return;
    while (left > 0 && (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))) {
        (void)poll (&pfd, 1, (int)(left * 1000) + 1);
        n = recv (logs->fd, answers, sizeof (answers), MSG_DONTWAIT);
        left = until - aw_clock_monotonic ();
    }
}

void aw_task_logs_destroy (struct aw_task_logs *logs)
{
    if (!logs)
        return;
    end_process (logs);
    leave_process (logs);
    free (logs);
}

pid_t aw_task_logs_pid (const struct aw_task_logs *logs)
{
    return logs ? logs->pid : 0;
}

static void lose_process (struct aw_task_logs *logs, const char *why)
{
    leave_process (logs);
    logs->callbacks.died (logs->callbacks.arg, why);
}

/* 1; 0: there is no room now; -1 with errno. */
static int send_request (int fd, const struct aw_log_request *request, const int *fds)
{
    struct iovec iov = { (void *)(uintptr_t)request, sizeof (*request) };
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE (AW_LOG_STREAMS * sizeof (int))];
    } control;
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    int sent[AW_LOG_STREAMS], n = 0;

    for (int i = 0; i < AW_LOG_STREAMS; i++)
        if (fds[i] >= 0)
            sent[n++] = fds[i];
    if (n > 0) {
        memset (&control, 0, sizeof (control));
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE ((size_t)n * sizeof (int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN ((size_t)n * sizeof (int));
        memcpy (CMSG_DATA (&control.head), sent, (size_t)n * sizeof (int));
    }
    while (sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        /* Descriptors under way count against a limit: they are fewer when some have arrived. */
        if (errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS)
            return 0;
        if (errno != EINTR)
            return -1;
    }
    return 1;
}

static void on_room (evutil_socket_t fd, short what, void *arg)
{
    const struct timeval soon = { 0, 10000 };
    struct aw_task_logs *logs = arg;

    (void)what;
    while (logs->first) {
        struct waiting *waiting = logs->first;
        int rc = send_request (fd, &waiting->request, waiting->fds);

        if (rc < 0)
            return; /* on_answers hears of its end */
        if (rc == 0) {
            event_add (logs->room, &soon);
            return;
        }
        logs->first = waiting->next;
        if (!logs->first)
            logs->last = &logs->first;
        close_fds (waiting->fds);
        free (waiting);
    }
}

static void on_answers (evutil_socket_t fd, short what, void *arg)
{
    struct aw_task_logs *logs = arg;
    struct aw_log_answer answer;
    ssize_t n = 1;

    (void)what;
    while (logs->fd == fd && (n = recv (fd, &answer, sizeof (answer), MSG_DONTWAIT)) > 0)
        logs->callbacks.written (logs->callbacks.arg, answer.task, answer.attempt,
                                 answer.why.text[0] ? answer.why.text : NULL);
    if (logs->fd == fd && (n == 0 || (errno != EAGAIN && errno != EINTR)))
        lose_process (logs, "its output is lost: the process that writes logs was killed, perhaps "
                            "for lack of memory");
}

/* Sends REQUEST, with FDS (closed then), after those that wait. */
static void put (struct aw_task_logs *logs, const struct aw_log_request *request, int *fds)
{
    struct waiting *waiting;

    if (logs->fd < 0 || (!logs->first && send_request (logs->fd, request, fds) != 0)) {
        close_fds (fds); /* sent; or the process is gone, of which on_answers hears */
        return;
    }
    waiting = malloc (sizeof (*waiting));
    if (!waiting) {
        close_fds (fds);
        lose_process (logs, "its output is lost: out of memory");
        return;
    }
    *waiting = (struct waiting){ .request = *request };
    memcpy (waiting->fds, fds, sizeof (waiting->fds));
    *logs->last = waiting;
    logs->last = &waiting->next;
    event_add (logs->room, NULL);
}

static void on_aged (evutil_socket_t fd, short what, void *arg)
{
    struct aw_task_logs *logs = arg;
    struct waiting *waiting;

    (void)fd;
    (void)what;
    while ((waiting = logs->young)) {
        logs->young = waiting->next;
        put (logs, &waiting->request, waiting->fds);
        free (waiting);
    }
}

static int watch (struct aw_task_logs *logs)
{
    logs->answers = event_new (logs->base, logs->fd, EV_READ | EV_PERSIST, on_answers, logs);
    logs->room = event_new (logs->base, logs->fd, EV_WRITE, on_room, logs);
    logs->aged = event_new (logs->base, -1, 0, on_aged, logs);
    return logs->answers && logs->room && logs->aged && event_add (logs->answers, NULL) == 0 ? 0
                                                                                             : -1;
}

/* 0, or -1 with text. */
static int start_process (struct aw_task_logs *logs, const char *dir, struct aw_error *err)
{
    int fds[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return aw_error_set (err, "the process that writes logs: %s", strerror (errno));
    logs->pid = fork ();
    if (logs->pid == 0) {
        close (fds[0]);
        aw_log_process_serve (fds[1], dir, logs->node);
        _exit (0);
    }
    close (fds[1]);
    logs->fd = fds[0];
    if (logs->pid > 0 && watch (logs) == 0)
        return 0;
    aw_error_set (err, "the process that writes logs: %s", strerror (errno));
    leave_process (logs);
    return -1;
}

void aw_log_pipes_close (struct aw_log_pipes *pipes)
{
    close_fds (pipes->read);
    close_fds (pipes->write);
}

/* The reading end does not block: its process has others to read. */
static int make_pipe (struct aw_log_pipes *pipes, int i)
{
    int fds[2];

    if (aw_child_pipe (fds) < 0)
        return -1;
    pipes->read[i] = fds[0];
    pipes->write[i] = fds[1];
    return fcntl (fds[0], F_SETFL, O_NONBLOCK);
}

int aw_task_logs_open (struct aw_task_logs *logs,
                       const struct aw_launch *launch,
                       struct aw_log_pipes *pipes,
                       struct aw_error *err)
{
    const char *paths[AW_LOG_STREAMS] = { launch->out, launch->err };

    for (int i = 0; i < AW_LOG_STREAMS; i++)
        pipes->read[i] = pipes->write[i] = -1;
    if (paths[0] && paths[1])
        return 0;
    if (!launch->store)
        return aw_error_set (err, "cannot be started: its output goes nowhere");
    if (!logs->pid && start_process (logs, launch->store, err) < 0)
        return -1;
    for (int i = 0; i < AW_LOG_STREAMS; i++)
        if (!paths[i] && make_pipe (pipes, i) < 0) {
            aw_error_set (err, "cannot be started: no pipe for its output: %s", strerror (errno));
            aw_log_pipes_close (pipes);
            return -1;
        }
    return 0;
}

void aw_task_logs_begin (struct aw_task_logs *logs,
                         const struct aw_launch *launch,
                         struct aw_log_pipes *pipes)
{
    struct waiting *young = calloc (1, sizeof (*young)), **last = &logs->young;
    const char *name =
        launch->name ? launch->name : aw_env_get (launch->env, "ASYNC_WORKFLOW_TASK");

    close_fds (pipes->write);
    if (!young) {
        close_fds (pipes->read);
        lose_process (logs, "its output is lost: out of memory");
        return;
    }
    young->request = (struct aw_log_request){
        .begins = true, .durable = launch->durable, .task = launch->task, .attempt = launch->attempt
    };
    for (int i = 0; i < AW_LOG_STREAMS; i++)
        young->request.streams[i] = pipes->read[i] >= 0;
    memcpy (young->fds, pipes->read, sizeof (young->fds));
    snprintf (young->request.name, sizeof (young->request.name), "%s", name ? name : "");
    if (!logs->young && logs->aged)
        event_add (logs->aged, &YOUNG);
    while (*last)
        last = &(*last)->next;
    *last = young;
}

/* The BEGIN of an attempt that is not sent yet, taken out of the list; NULL: it was sent. */
static struct waiting *take_young (struct aw_task_logs *logs, uint32_t task, uint32_t attempt)
{
    for (struct waiting **at = &logs->young; *at; at = &(*at)->next) {
        struct waiting *young = *at;

        if (young->request.task != task || young->request.attempt != attempt)
            continue;
        *at = young->next;
        return young;
    }
    return NULL;
}

void aw_task_logs_end (struct aw_task_logs *logs, uint32_t task, uint32_t attempt)
{
    struct waiting *young = take_young (logs, task, attempt), none = { .fds = { -1, -1 } };
    struct waiting *last = young ? young : &none;

    last->request.ended = true;
    last->request.task = task;
    last->request.attempt = attempt;
    put (logs, &last->request, last->fds);
    free (young);
}
