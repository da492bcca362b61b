/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/logs/log_process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/logs/log_writer.h"
#include "util/clock.h"
#include "util/descriptors.h"
#include "util/table.h"

enum { EVENTS = 64, REQUESTS_A_ROUND = 256, SOCKET = STDERR_FILENO + 1 };

/* Output waits this long for more, to be written together. An END is written at once. */
static const double GATHER_SECONDS = 0.05;
static const size_t GATHER_BYTES = 256 << 10;
static const double PUSH_SECONDS = 1; /* until other hosts can see it */
static const size_t PUSH_BYTES = 64 << 20; /* the kernel writes more than this by itself */
static const double ORPHAN_SECONDS = 0.5;

static const enum aw_log_kind kinds[AW_LOG_STREAMS] = { AW_LOG_STDOUT, AW_LOG_STDERR };

struct task;

struct stream {
    struct task *task;
    int fd; /* -1: none, or at its end */
    enum aw_log_kind kind;
};

struct task {
    uint32_t task, attempt;
    struct aw_log_attempt log;
    struct stream streams[AW_LOG_STREAMS];
    struct aw_error why; /* it cannot be written for a reason that is not the writer's */
    bool durable;
    struct task *next; /* of those that have ended */
};

struct process {
    const char *dir, *node;
    struct aw_log_writer *writer; /* NULL: the files are not made yet */
    int epoll;
    bool orphaned;
    double deadline; /* when an orphan ends */
    struct aw_table tasks; /* by number and attempt */
    size_t n_open; /* streams */
    struct task *ended, **last; /* to be answered after the next flush */
    size_t gathered; /* bytes since the last flush */
    double written; /* time of it */
    size_t unpushed; /* bytes written since the last push */
    double pushed; /* time of the last push; INFINITY: nothing was written since */
};

static uint64_t key_of (uint32_t task, uint32_t attempt)
{
    return (uint64_t)task << 32 | attempt;
}

static void close_stream (struct process *p, struct stream *stream)
{
    if (stream->fd < 0)
        return;
    /* A close does not take it out while another process has a copy. */
    (void)epoll_ctl (p->epoll, EPOLL_CTL_DEL, stream->fd, NULL);
    close (stream->fd);
    stream->fd = -1;
    p->n_open--;
}

/*
 * Reading
 */

/* Reads once, at most MAX bytes, into a record. How much was read; 0: no more comes now. */
static size_t read_once (struct process *p, struct stream *stream, size_t max)
{
    struct task *task = stream->task;
    void *room = aw_log_writer_room (p->writer);
    ssize_t n;

    do
        n = read (stream->fd, room, max < AW_LOG_DATA_MAX ? max : AW_LOG_DATA_MAX);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        aw_log_writer_put (p->writer, &task->log, stream->kind, (size_t)n);
        p->gathered += (size_t)n;
    }
    /* A task whose output cannot be written learns of it when it writes more. */
    if (n == 0 || (n < 0 && errno != EAGAIN) || task->log.error)
        close_stream (p, stream);
    return n > 0 && stream->fd >= 0 ? (size_t)n : 0;
}

/* Reads what is left in the pipe now, and no more: a process that the task has left behind may
 * write for ever.
 */
static void drain (struct process *p, struct stream *stream)
{
    int left = 0;
    size_t n;

    if (stream->fd >= 0 && ioctl (stream->fd, FIONREAD, &left) < 0)
        left = 0;
    while (left > 0 && (n = read_once (p, stream, (size_t)left)) > 0)
        left -= (int)n;
    close_stream (p, stream);
}

/* The agent is gone, or cannot be heard: it learns of the end of this process. */
static void be_orphaned (struct process *p)
{
    p->orphaned = true;
    p->deadline = aw_clock_monotonic () + ORPHAN_SECONDS;
    epoll_ctl (p->epoll, EPOLL_CTL_DEL, SOCKET, NULL);
}

static void send_answer (struct process *p, const struct aw_log_answer *answer)
{
    while (!p->orphaned && send (SOCKET, answer, sizeof (*answer), MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            be_orphaned (p);
}

/*
 * Requests
 */

static void fail_task (struct task *task, const char *what, int error)
{
    if (!task->why.text[0])
        aw_error_set (&task->why, "its output cannot be written: %s: %s", what, strerror (error));
}

/* The files are made with the first task. One that cannot have them fails. */
static bool have_writer (struct process *p, struct task *task)
{
    struct aw_error err;

    if (!p->writer)
        p->writer = aw_log_writer_create (p->dir, p->node, &err);
    if (!p->writer)
        aw_error_set (&task->why, "its output cannot be written: %s", err.text);
    return p->writer;
}

/* One that has ENDED is only read once more. */
static void add_stream (struct process *p, struct task *task, int i, int fd, bool ended)
{
    struct stream *stream = &task->streams[i];
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };

    stream->fd = fd;
    p->n_open++;
    if (ended || epoll_ctl (p->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return;
    fail_task (task, "epoll", errno);
    close_stream (p, stream);
}

/* FDS: N_FDS pipes, taken over. */
static void begin (struct process *p,
                   const struct aw_log_request *request,
                   const int *fds,
                   int n_fds)
{
    struct task *task = calloc (1, sizeof (*task));
    int used = 0;

    if (task && aw_table_set (&p->tasks, key_of (request->task, request->attempt), task) < 0) {
        free (task);
        task = NULL;
    }
    for (int i = 0; task && i < AW_LOG_STREAMS; i++)
        task->streams[i] = (struct stream){ task, -1, kinds[i] };
    if (task) {
        task->task = request->task;
        task->attempt = request->attempt;
        task->durable = request->durable;
    }
    if (task && have_writer (p, task)) {
        aw_log_writer_begin (p->writer, &task->log, request->name, request->attempt);
        p->gathered++;
        for (int i = 0; i < AW_LOG_STREAMS; i++)
            if (request->streams[i] && used < n_fds)
                add_stream (p, task, i, fds[used++], request->ended);
            else if (request->streams[i])
                fail_task (task, "pipe", EMFILE);
    }
    for (; used < n_fds; used++)
        close (fds[used]);
}

static void end (struct process *p, const struct aw_log_request *request)
{
    struct task *task = aw_table_remove (&p->tasks, key_of (request->task, request->attempt));
    struct aw_log_answer answer = { .task = request->task, .attempt = request->attempt };

    if (!task) {
        aw_error_set (&answer.why, "its output cannot be written: out of memory");
        send_answer (p, &answer);
        return;
    }
    for (int i = 0; i < AW_LOG_STREAMS; i++)
        drain (p, &task->streams[i]);
    if (p->writer && !task->why.text[0])
        aw_log_writer_end (p->writer, &task->log);
    *p->last = task;
    p->last = &task->next;
}

/* Takes one request. False: there is none now. */
static bool take_request (struct process *p)
{
    struct aw_log_request request;
    struct iovec iov = { &request, sizeof (request) };
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE (AW_LOG_STREAMS * sizeof (int))];
    } control;
    struct msghdr message = { .msg_iov = &iov,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof (control) };
    int fds[AW_LOG_STREAMS], n_fds = 0;
    ssize_t n = recvmsg (SOCKET, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *head;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n != sizeof (request)) {
        be_orphaned (p);
        return false;
    }
    head = CMSG_FIRSTHDR (&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        n_fds = (int)((head->cmsg_len - CMSG_LEN (0)) / sizeof (int));
        memcpy (fds, CMSG_DATA (head), (size_t)n_fds * sizeof (int));
    }
    if (request.begins)
        begin (p, &request, fds, n_fds);
    if (request.ended)
        end (p, &request);
    return true;
}

/*
 * Writing
 */

static void answer (struct process *p, struct task *task)
{
    struct aw_log_answer answer = { task->task, task->attempt, task->why };

    if (!answer.why.text[0] && task->log.error)
        aw_error_set (&answer.why, "its output cannot be written: %s: %s",
                      aw_log_writer_path (p->writer), strerror (task->log.error));
    send_answer (p, &answer);
    free (task);
}

/* One wait for all tasks that have ended: those that end meanwhile share the next. */
static void sync_ended (struct process *p)
{
    bool wanted = false;
    int error;

    for (struct task *task = p->ended; task; task = task->next)
        wanted = wanted || task->durable;
    if (!wanted || !p->writer || aw_log_writer_sync (p->writer) == 0)
        return;
    error = errno;
    for (struct task *task = p->ended; task; task = task->next)
        if (task->durable)
            fail_task (task, aw_log_writer_path (p->writer), error);
}

static void flush (struct process *p)
{
    struct task *task, *next;

    if (p->writer)
        aw_log_writer_flush (p->writer);
    sync_ended (p);
    next = p->ended;
    p->written = aw_clock_monotonic ();
    if (p->gathered > 0 && isinf (p->pushed))
        p->pushed = p->written;
    p->unpushed += p->gathered;
    p->gathered = 0;
    p->ended = NULL;
    p->last = &p->ended;
    while ((task = next)) {
        next = task->next;
        answer (p, task);
    }
}

static void flush_if_due (struct process *p)
{
    double now = aw_clock_monotonic ();

    if (p->ended || p->gathered >= GATHER_BYTES
        || (p->gathered > 0 && now - p->written >= GATHER_SECONDS))
        flush (p);
    if (p->writer && now - p->pushed >= PUSH_SECONDS) {
        if (p->unpushed < PUSH_BYTES)
            aw_log_writer_push (p->writer);
        p->unpushed = 0;
        p->pushed = INFINITY;
    }
}

/*
 * Life
 */

static int milliseconds_to_wait (const struct process *p)
{
    double now = aw_clock_monotonic (), until = INFINITY;

    if (p->gathered > 0)
        until = p->written + GATHER_SECONDS;
    if (!isinf (p->pushed))
        until = fmin (until, p->pushed + PUSH_SECONDS);
    if (p->orphaned)
        until = fmin (until, p->deadline);
    return isinf (until) ? -1 : (int)ceil (1000 * fmax (until - now, 0));
}

static void take_events (struct process *p, const struct epoll_event *events, int n)
{
    bool requests = false;

    for (int i = 0; i < n; i++) {
        struct stream *stream = events[i].data.ptr;

        if (!stream)
            requests = true;
        else if (stream->fd >= 0)
            read_once (p, stream, AW_LOG_DATA_MAX);
    }
    /* After the streams: an END frees the task that they belong to. */
    for (int i = 0; requests && i < REQUESTS_A_ROUND; i++)
        requests = take_request (p);
}

/* What the tasks of an agent that is gone have left in their pipes. */
static void drain_all (struct process *p)
{
    struct task *task;
    size_t at = 0;

    while ((task = aw_table_next (&p->tasks, &at)))
        for (int i = 0; i < AW_LOG_STREAMS; i++)
            drain (p, &task->streams[i]);
    flush (p);
}

static void serve (struct process *p)
{
    struct epoll_event events[EVENTS], socket = { .events = EPOLLIN };

    if (epoll_ctl (p->epoll, EPOLL_CTL_ADD, SOCKET, &socket) < 0)
        return;
    while (!p->orphaned || (p->n_open > 0 && aw_clock_monotonic () < p->deadline)) {
        int n = epoll_wait (p->epoll, events, EVENTS, milliseconds_to_wait (p));

        if (n < 0 && errno != EINTR)
            break;
        take_events (p, events, n);
        flush_if_due (p);
    }
    drain_all (p);
}

static void finish (struct process *p)
{
    struct task *task;
    size_t at = 0;

    while ((task = aw_table_next (&p->tasks, &at)))
        free (task);
    aw_table_finish (&p->tasks);
    aw_log_writer_destroy (p->writer);
}

/* All else is closed: the agent's own connection, and the standard streams, which srun waits for.
 */
static bool keep_socket (int fd)
{
    int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return false;
    for (int i = 0; i < SOCKET; i++)
        if (dup2 (null, i) < 0)
            return false;
    if (fd != SOCKET && dup2 (fd, SOCKET) < 0)
        return false;
    return aw_close_from (SOCKET + 1) == 0;
}

void aw_log_process_serve (int fd, const char *dir, const char *node)
{
    struct process p = { .dir = dir, .node = node, .pushed = INFINITY };
    sigset_t all;

    p.last = &p.ended;
    sigfillset (&all);
    sigprocmask (SIG_SETMASK, &all, NULL);
    prctl (PR_SET_NAME, "aw-log-writer");
    if (!keep_socket (fd) || chdir ("/") < 0)
        return;
    p.epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (p.epoll >= 0)
        serve (&p);
    finish (&p);
}
