/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/wire/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "util/clock.h"

enum { READ_SIZE = 16384, CHECK_SECONDS = 1 };

struct aw_link {
    struct aw_link_callbacks callbacks;
    int fd;
    size_t max_line;
    bool edges; /* the events of the socket are edge-triggered: see expect_more */
    bool ended; /* the loop has seen the end; data may be left before it */
    struct event *readable;
    struct event *again; /* a timer that reads; only with edges */
    struct event *writable; /* pending only while the peer does not read */
    struct event *flush; /* made active by send: runs later in the same turn of the loop. A timer
                            while frames wait */
    char *in;
    size_t in_size;
    size_t in_capacity;
    struct aw_textbuf out;
    size_t sent; /* of out */
    bool lacks; /* a frame could not be appended */
    bool over; /* closed was called */
    bool *gone; /* set by destroy, for a callback's caller to see */
};

static void stop_events (struct aw_link *link)
{
    event_del (link->readable);
    event_del (link->again);
    event_del (link->writable);
    event_del (link->flush);
}

static void closed (struct aw_link *link, const char *reason)
{
    if (link->over)
        return;
    link->over = true;
    stop_events (link);
    link->callbacks.closed (link->callbacks.arg, reason);
}

/* Writes what it can. 0: all is out; 1: the peer does not read now; -1 with errno. */
static int write_out (struct aw_link *link)
{
    while (link->sent < link->out.len) {
        ssize_t n = send (link->fd, link->out.data + link->sent, link->out.len - link->sent,
                          MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            link->sent += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 1;
        else if (errno != EINTR)
            return -1;
    }
    link->sent = 0;
    link->out.len = 0;
    return 0;
}

static void on_writable (evutil_socket_t fd, short what, void *arg)
{
    struct aw_link *link = arg;
    int rc;

    (void)fd;
    (void)what;
    rc = write_out (link);
    if (link->lacks)
        closed (link, "out of memory for a frame");
    else if (rc > 0 && event_add (link->writable, NULL) < 0)
        closed (link, "out of memory");
    else if (rc < 0)
        closed (link, strerror (errno));
}

/* Hands out all complete lines. False where the link is gone or over. */
static bool hand_out (struct aw_link *link, size_t scanned)
{
    size_t start = 0;
    bool gone = false;
    char *end;

    while ((end = memchr (link->in + scanned, '\n', link->in_size - scanned))) {
        size_t size = (size_t)(end - (link->in + start));

        if (size > link->max_line)
            break;
        link->gone = &gone;
        link->callbacks.line (link->callbacks.arg, link->in + start, size);
        if (gone)
            return false;
        link->gone = NULL;
        start += size + 1;
        scanned = start;
        if (link->over)
            return false;
    }
    memmove (link->in, link->in + start, link->in_size - start);
    link->in_size -= start;
    if (link->in_size <= link->max_line)
        return true;
    closed (link, "a frame that is too long");
    return false;
}

static int make_room (struct aw_link *link)
{
    size_t capacity = link->in_capacity ? link->in_capacity : READ_SIZE;
    char *in;

    if (link->in_capacity - link->in_size >= READ_SIZE / 2)
        return 0;
    while (capacity - link->in_size < READ_SIZE / 2)
        capacity *= 2;
    in = realloc (link->in, capacity);
    if (!in)
        return -1;
    link->in = in;
    link->in_capacity = capacity;
    return 0;
}

/* After a read. With edges the loop reports what comes, once, and not what was left: so the link
 * reads again in the next turn if MORE may be left, or if the end is known to be there. An end that
 * came before the read, together with the data, has no report of its own. The loop mostly names
 * it, but not a reset: so the link also reads once when a second has passed.
 */
static void expect_more (struct aw_link *link, bool more)
{
    const struct timeval at_once = { 0 }, check = { .tv_sec = CHECK_SECONDS };
    int rc = 0;

    if (!link->edges)
        return;
    if (more || link->ended)
        rc = event_add (link->again, &at_once);
    else if (!event_pending (link->again, EV_TIMEOUT, NULL))
        rc = event_add (link->again, &check);
    if (rc < 0)
        closed (link, "out of memory");
}

/* One read per turn, so that no peer delays the others. So what a turn has read is handled before
 * an end that follows it.
 */
static void on_readable (evutil_socket_t fd, short what, void *arg)
{
    struct aw_link *link = arg;
    size_t scanned = link->in_size, asked;
    ssize_t n;

    (void)fd;
    link->ended |= (what & EV_CLOSED) != 0;
    if (make_room (link) < 0) {
        closed (link, "out of memory");
        return;
    }
    asked = link->in_capacity - link->in_size;
    n = recv (link->fd, link->in + link->in_size, asked, MSG_DONTWAIT);
    if (n > 0) {
        link->in_size += (size_t)n;
        if (hand_out (link, scanned))
            expect_more (link, (size_t)n == asked);
    }
    else if (n == 0)
        closed (link, NULL);
    else if (errno == EINTR)
        expect_more (link, true);
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
        closed (link, strerror (errno));
}

static bool has_edges (struct event_base *base)
{
    const int needed = EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE;

    return (event_base_get_features (base) & needed) == needed;
}

struct aw_link *aw_link_create (struct event_base *base,
                                int fd,
                                size_t max_line,
                                bool many,
                                const struct aw_link_callbacks *callbacks,
                                struct aw_error *err)
{
    struct aw_link *link = calloc (1, sizeof (*link));
    short edge, end;

    if (!link) {
        close (fd);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    link->fd = fd;
    link->callbacks = *callbacks;
    link->max_line = max_line;
    evutil_make_socket_nonblocking (fd);
    link->edges = many && has_edges (base);
    edge = link->edges ? EV_ET : 0;
    end = link->edges ? EV_CLOSED : 0;
    link->readable = event_new (base, fd, EV_READ | EV_PERSIST | edge | end, on_readable, link);
    link->again = event_new (base, -1, 0, on_readable, link);
    link->writable = event_new (base, fd, EV_WRITE | edge, on_writable, link);
    link->flush = event_new (base, -1, 0, on_writable, link);
    if (!link->readable || !link->again || !link->writable || !link->flush
        || event_add (link->readable, NULL) < 0) {
        aw_link_destroy (link);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    event_priority_set (link->flush, 0); /* if BASE has priorities: before more is read */
    return link;
}

struct aw_textbuf *aw_link_out (struct aw_link *link)
{
    return &link->out;
}

void aw_link_send (struct aw_link *link, int appended)
{
    link->lacks |= appended < 0;
    if (!link->over && (link->lacks || !event_pending (link->writable, EV_WRITE, NULL)))
        event_active (link->flush, 0, 0);
}

void aw_link_send_late (struct aw_link *link, int appended, int milliseconds)
{
    const struct timeval delay = { milliseconds / 1000, milliseconds % 1000 * 1000 };

    if (appended < 0
        || (!link->over && !event_pending (link->flush, EV_TIMEOUT, NULL)
            && event_add (link->flush, &delay) < 0))
        aw_link_send (link, appended);
}

/* Waits for EVENTS until the time LIMIT. */
static bool wait_for (struct aw_link *link, short events, double limit)
{
    struct pollfd pfd = { .fd = link->fd, .events = events };
    double left = limit - aw_clock_monotonic ();

    return left > 0 && (poll (&pfd, 1, (int)(left * 1000) + 1) > 0 || errno == EINTR);
}

void aw_link_drain (struct aw_link *link, double seconds)
{
    double limit = aw_clock_monotonic () + seconds;
    char rest[4096];
    int rc;

    if (link->over)
        return;
    link->over = true;
    stop_events (link);
    while ((rc = write_out (link)) > 0)
        if (!wait_for (link, POLLOUT, limit))
            return;
    if (rc < 0 || shutdown (link->fd, SHUT_WR) < 0)
        return;
    for (;;) {
        ssize_t n = recv (link->fd, rest, sizeof (rest), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return;
        if (n < 0 && !wait_for (link, POLLIN, limit))
            return;
    }
}

static void free_event (struct event *event)
{
    if (event)
        event_free (event);
}

void aw_link_destroy (struct aw_link *link)
{
    int saved = errno;

    if (link) {
        if (!link->over)
            write_out (link);
        if (link->gone)
            *link->gone = true;
        free_event (link->readable);
        free_event (link->again);
        free_event (link->writable);
        free_event (link->flush);
        close (link->fd);
        free (link->in);
        aw_textbuf_finish (&link->out);
        free (link);
    }
    errno = saved;
}

/* Failures are ignored: a socket works without these options. */
static void watch_tcp (int fd, int seconds)
{
    /* A third of the time in silence, then four probes. */
    int idle = seconds / 3, interval = seconds / 6;
    const struct {
        int level, name, value;
    } options[] = {
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, idle > 0 ? idle : 1 },
        { IPPROTO_TCP, TCP_KEEPINTVL, interval > 0 ? interval : 1 },
        { IPPROTO_TCP, TCP_KEEPCNT, 4 },
        { IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000 }, /* for data without acknowledgement */
    };

    for (size_t i = 0; i < sizeof (options) / sizeof (options[0]); i++)
        (void)setsockopt (fd, options[i].level, options[i].name, &options[i].value,
                          sizeof (options[i].value));
}

void aw_link_tune_tcp (int fd)
{
    const int yes = 1;

    (void)setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof (yes));
    watch_tcp (fd, 120);
}

void aw_link_set_timeout (struct aw_link *link, double seconds)
{
    if (seconds >= 1 && seconds <= 86400)
        watch_tcp (link->fd, (int)seconds);
}
