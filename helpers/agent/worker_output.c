/* SPDX-License-Identifier: Apache-2.0 */
/* What workers print. Their pipes stay, the attempts come and go: the agent moves what is in a pipe
 * to one of the attempt's own, without looking at it. That one is made with the first output and
 * read by the process that writes logs. While it is full, the worker's own fills up, and the worker
 * waits.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/agent_state.h"

enum { AT_ONCE = 1 << 20 };
static const double LOST_GRACE_SECONDS = 5;

static void drop_event (struct event **event)
{
    if (*event)
        event_free (*event);
    *event = NULL;
}

/* Opens the log of the attempt. 0, or -1: there is none, and the attempt has failed. */
static int open_log (struct aw_agent_attempt *attempt)
{
    struct aw_agent *agent = attempt->agent;
    struct aw_log_pipes pipes;
    struct aw_error err;

    if (attempt->logged)
        return attempt->why_lost ? -1 : 0;
    attempt->logged = true;
    if (aw_task_logs_open (agent->logs, &attempt->launch, &pipes, &err) < 0) {
        attempt->why_lost = strdup (err.text);
        aw_attempt_end (attempt, AW_STATUS_FAILED, LOST_GRACE_SECONDS);
        return -1;
    }
    for (int i = 0; i < AW_WORKER_STREAMS; i++) {
        attempt->log_to[i] = pipes.write[i];
        pipes.write[i] = -1;
    }
    aw_task_logs_begin (agent->logs, &attempt->launch, &pipes);
    return 0;
}

static void discard (int fd)
{
    char data[4096];

    while (read (fd, data, sizeof (data)) > 0)
        ;
}

static void on_writable (evutil_socket_t fd, short what, void *arg)
{
    struct aw_worker_stream *stream = arg;

    (void)fd;
    (void)what;
    drop_event (&stream->writable);
    if (stream->readable)
        event_add (stream->readable, NULL);
    stream->worker->room (stream->worker);
}

/* Its attempt's pipe is full. True: there will be a call when it is not. */
static bool wait_for_room (struct aw_worker_stream *stream, int to)
{
    stream->writable = event_new (stream->worker->agent->base, to, EV_WRITE, on_writable, stream);
    if (!stream->writable || event_add (stream->writable, NULL) < 0) {
        drop_event (&stream->writable);
        return false;
    }
    event_del (stream->readable);
    return true;
}

/* True: all that is there has been moved, or is lost. */
static bool move (struct aw_worker_stream *stream)
{
    struct aw_agent_attempt *attempt = stream->worker->attempt;
    int left = 0;

    if (stream->writable)
        return false;
    while (stream->from >= 0 && ioctl (stream->from, FIONREAD, &left) == 0 && left > 0) {
        ssize_t n = -1;
        int to;

        if (open_log (attempt) < 0) {
            discard (stream->from);
            break;
        }
        to = attempt->log_to[stream->number];
        n = splice (stream->from, NULL, to, NULL, AT_ONCE, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (n > 0 || (n < 0 && errno == EINTR))
            continue;
        if (n < 0 && errno == EAGAIN && wait_for_room (stream, to))
            return false;
        discard (stream->from); /* the process that writes logs has died, which fails it */
        break;
    }
    return true;
}

/* Most calls print nothing: that is known by one look. */
static bool is_quiet (const struct aw_worker *worker)
{
    struct pollfd fds[AW_WORKER_STREAMS];

    for (int i = 0; i < AW_WORKER_STREAMS; i++)
        fds[i] = (struct pollfd){ .fd = worker->streams[i].from, .events = POLLIN };
    return poll (fds, AW_WORKER_STREAMS, 0) == 0;
}

bool aw_worker_output (struct aw_worker *worker)
{
    bool out, err;

    if (is_quiet (worker))
        return true;
    out = move (&worker->streams[0]);
    err = move (&worker->streams[1]);
    return out && err;
}

/* What an idle worker prints belongs to its next call. */
static void on_readable (evutil_socket_t fd, short what, void *arg)
{
    struct aw_worker_stream *stream = arg;
    int left = 0;

    (void)what;
    if (!stream->worker->attempt || ioctl (fd, FIONREAD, &left) < 0 || left == 0)
        event_del (stream->readable); /* or it has closed it */
    else
        move (stream);
}

void aw_worker_output_resume (struct aw_worker *worker)
{
    for (int i = 0; i < AW_WORKER_STREAMS; i++) {
        struct event *readable = worker->streams[i].readable;

        if (readable && !event_pending (readable, EV_READ, NULL))
            event_add (readable, NULL);
    }
}

int aw_worker_output_open (struct aw_worker *worker,
                           const int from[AW_WORKER_STREAMS],
                           void (*room) (struct aw_worker *worker))
{
    worker->room = room;
    for (int i = 0; i < AW_WORKER_STREAMS; i++) {
        struct aw_worker_stream *stream = &worker->streams[i];

        stream->from = from[i];
        fcntl (from[i], F_SETFL, O_NONBLOCK);
        stream->readable =
            event_new (worker->agent->base, from[i], EV_READ | EV_PERSIST, on_readable, stream);
        if (!stream->readable || event_add (stream->readable, NULL) < 0) {
            errno = ENOMEM;
            return -1;
        }
    }
    return 0;
}

void aw_worker_output_close (struct aw_worker *worker)
{
    for (int i = 0; i < AW_WORKER_STREAMS; i++) {
        struct aw_worker_stream *stream = &worker->streams[i];

        drop_event (&stream->readable);
        drop_event (&stream->writable);
        if (stream->from >= 0)
            close (stream->from);
        stream->from = -1;
    }
}
