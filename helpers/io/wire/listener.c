/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/wire/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "io/wire/auth_helper.h"
#include "io/wire/auth.h"
#include "io/wire/frame.h"
#include "io/wire/link.h"
#include "util/clock.h"
#include "util/write.h"

enum {
    BACKLOG = 1 << 14, /* all agents connect at once; the kernel cuts it to net.core.somaxconn */
    /* Not yet authenticated at a time; others wait in the kernel's queue. A proof takes about a
       millisecond. */
    MAX_STRANGERS = 128,
    A_TURN = 16, /* connections accepted before the loop serves the agents again */
    STRANGER_SECONDS = 2,
    /* While others wait, a silent connection is closed after this time: 640 strangers a second
       keep no agent waiting. An agent whose node was too busy to answer tries again. */
    CROWDED_MS = 200,
    RETRY_SECONDS = 1, /* after accept failed for lack of descriptors */
};

enum stranger_state {
    STRANGER_FREE, /* the slot is */
    STRANGER_SILENT, /* has not answered the challenge */
    STRANGER_QUEUED, /* its proof waits for the helper */
    STRANGER_ASKED, /* the helper has it */
};

struct stranger {
    struct aw_listener *listener;
    enum stranger_state state;
    int fd;
    struct event *readable;
    struct event *timer;
    double came; /* seconds, monotonic */
    uint64_t order; /* of arrival of its proof */
    char place[AW_PLACE_SIZE];
    char own_nonce[AW_NONCE_SIZE];
    char nonce[AW_NONCE_SIZE]; /* the peer's */
    char in[AW_FRAME_MAX_STRANGER + 1]; /* what it has sent; then its credential */
    size_t in_size;
};

struct aw_listener {
    struct event_base *base;
    aw_listener_accepted accepted;
    void *arg;
    int fd;
    uint16_t port;
    struct event *readable;
    struct event *retry;
    struct event *crowded; /* pending while all places are taken */
    struct aw_auth_helper *helper;
    struct aw_frame_reader *reader;
    struct stranger strangers[MAX_STRANGERS];
    int n_strangers;
    uint64_t order;
    uint32_t refused;
    struct aw_error why;
};

static void ask_next (struct aw_listener *listener);

/* Frees the slot. FD is handed on or closed. */
static void leave (struct stranger *stranger, bool keep_fd)
{
    struct aw_listener *listener = stranger->listener;

    if (stranger->state == STRANGER_ASKED)
        aw_auth_helper_forget (listener->helper, stranger);
    if (stranger->readable)
        event_free (stranger->readable);
    if (stranger->timer)
        event_free (stranger->timer);
    if (!keep_fd)
        close (stranger->fd);
    stranger->readable = stranger->timer = NULL;
    stranger->state = STRANGER_FREE;
    if (listener->n_strangers-- == MAX_STRANGERS) {
        event_del (listener->crowded);
        event_add (listener->readable, NULL);
    }
}

/* The peer gets no reason: it may be anybody. */
static void refuse (struct stranger *stranger, const char *why)
{
    stranger->listener->refused++;
    aw_error_set (&stranger->listener->why, "%s", why);
    leave (stranger, false);
}

static void on_late (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    refuse (arg, "it did not prove who it is in time");
}

static void on_verdict (void *arg, const char *credential, const struct aw_error *why)
{
    struct stranger *stranger = arg;
    struct aw_listener *listener;
    struct aw_textbuf text;
    int fd, rc;

    if (!stranger)
        return;
    listener = stranger->listener;
    stranger->state = STRANGER_QUEUED; /* the helper has forgotten it */
    if (!credential) {
        refuse (stranger, why->text);
        ask_next (listener);
        return;
    }
    aw_textbuf_init (&text);
    fd = stranger->fd;
    rc = aw_frame_put (
        &text, &(struct aw_frame){ .type = AW_FRAME_PROOF, .credential = credential }, NULL);
    if (rc == 0)
        rc = aw_send_all (fd, text.data, text.len);
    aw_textbuf_finish (&text);
    if (rc < 0) {
        refuse (stranger, "it has closed the connection");
        ask_next (listener);
        return;
    }
    leave (stranger, true);
    ask_next (listener);
    listener->accepted (listener->arg, fd);
}

/* Hands the oldest waiting proof to the helper. */
static void ask_next (struct aw_listener *listener)
{
    struct aw_error err;

    while (!aw_auth_helper_busy (listener->helper)) {
        struct stranger *next = NULL;

        for (int i = 0; i < MAX_STRANGERS; i++) {
            struct stranger *s = &listener->strangers[i];
            if (s->state == STRANGER_QUEUED && (!next || s->order < next->order))
                next = s;
        }
        if (!next)
            return;
        if (aw_auth_helper_ask (listener->helper, next->in, next->place, next->own_nonce,
                                next->nonce, next, &err)
            == 0)
            next->state = STRANGER_ASKED;
        else
            refuse (next, err.text);
    }
}

/* A whole line came: is it a proof? */
static void on_proof (struct stranger *stranger, size_t size)
{
    struct aw_listener *listener = stranger->listener;
    struct aw_frame frame;

    if (aw_frame_read (listener->reader, stranger->in, size, &frame, NULL) < 0
        || frame.type != AW_FRAME_PROOF || !frame.nonce
        || strlen (frame.nonce) != AW_NONCE_SIZE - 1) {
        refuse (stranger, "it does not speak the agents' protocol");
        return;
    }
    strcpy (stranger->nonce, frame.nonce);
    memcpy (stranger->in, frame.credential,
            strlen (frame.credential) + 1); /* shorter than its frame */
    stranger->state = STRANGER_QUEUED;
    stranger->order = listener->order++;
    /* From here on the peer waits for munged; what it sends is not read. */
    event_del (stranger->timer);
    event_del (stranger->readable);
    ask_next (listener);
}

static void on_said (evutil_socket_t fd, short what, void *arg)
{
    struct stranger *stranger = arg;
    ssize_t n = recv (fd, stranger->in + stranger->in_size,
                      AW_FRAME_MAX_STRANGER - stranger->in_size, MSG_DONTWAIT);
    char *end;

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        refuse (stranger, "it has closed the connection");
        return;
    }
    end = memchr (stranger->in + stranger->in_size, '\n', (size_t)n);
    stranger->in_size += (size_t)n;
    if (end && end == stranger->in + stranger->in_size - 1)
        on_proof (stranger, (size_t)(end - stranger->in));
    else if (end || stranger->in_size == AW_FRAME_MAX_STRANGER)
        refuse (stranger, "it does not speak the agents' protocol");
}

static int challenge (struct stranger *stranger)
{
    struct timeval limit = { STRANGER_SECONDS, 0 };
    struct event_base *base = stranger->listener->base;
    const struct aw_frame challenge = { .type = AW_FRAME_CHALLENGE, .nonce = stranger->own_nonce };
    struct aw_textbuf text;
    int rc = -1;

    aw_textbuf_init (&text);
    stranger->readable = event_new (base, stranger->fd, EV_READ | EV_PERSIST, on_said, stranger);
    stranger->timer = evtimer_new (base, on_late, stranger);
    if (stranger->readable && stranger->timer && event_add (stranger->readable, NULL) == 0
        && event_add (stranger->timer, &limit) == 0
        && aw_auth_place (stranger->fd, AW_AUTH_ACCEPTED, stranger->place, NULL) == 0
        && aw_auth_nonce (stranger->own_nonce, NULL) == 0
        && aw_frame_put (&text, &challenge, NULL) == 0)
        rc = aw_send_all (stranger->fd, text.data, text.len);
    aw_textbuf_finish (&text);
    return rc;
}

/* The oldest of those that have sent nothing, or NULL. */
static struct stranger *longest_silent (struct aw_listener *listener)
{
    struct stranger *found = NULL;

    for (int i = 0; i < MAX_STRANGERS; i++) {
        struct stranger *s = &listener->strangers[i];

        if (s->state == STRANGER_SILENT && (!found || s->came < found->came))
            found = s;
    }
    return found;
}

/* All places are taken: checks again when the oldest silent connection has had its time. If none is
 * silent, all have sent a proof, and the helper's next answer frees a place. */
static void watch_crowd (struct aw_listener *listener)
{
    const struct stranger *first = longest_silent (listener);
    double left = first ? first->came + CROWDED_MS / 1000.0 - aw_clock_monotonic () : 0;
    struct timeval wait = { 0, left > 0.001 ? (suseconds_t)(left * 1e6) : 1000 };

    if (first && listener->n_strangers == MAX_STRANGERS)
        event_add (listener->crowded, &wait);
}

static bool others_wait (const struct aw_listener *listener)
{
    struct pollfd pfd = { .fd = listener->fd, .events = POLLIN };

    return poll (&pfd, 1, 0) > 0;
}

/* Closes silent connections while others wait. */
static void on_crowded (evutil_socket_t fd, short what, void *arg)
{
    struct aw_listener *listener = arg;
    double limit = aw_clock_monotonic () - CROWDED_MS / 1000.0;
    struct timeval later = { 0, CROWDED_MS * 1000 / 4 };
    struct stranger *first;

    (void)fd;
    (void)what;
    if (!others_wait (listener)) {
        event_add (listener->crowded, &later);
        return;
    }
    while ((first = longest_silent (listener)) && first->came <= limit)
        refuse (first, "it was silent while others waited");
    watch_crowd (listener);
}

static void greet (struct aw_listener *listener, int fd)
{
    struct stranger *stranger = listener->strangers;

    while (stranger->state != STRANGER_FREE)
        stranger++; /* accept is off while there is none */
    memset (stranger, 0, sizeof (*stranger));
    stranger->listener = listener;
    stranger->state = STRANGER_SILENT;
    stranger->fd = fd;
    stranger->came = aw_clock_monotonic ();
    if (++listener->n_strangers == MAX_STRANGERS) {
        event_del (listener->readable);
        watch_crowd (listener);
    }
    aw_link_tune_tcp (fd);
    if (challenge (stranger) < 0)
        refuse (stranger, "it could not be answered");
}

static void on_knock (evutil_socket_t fd, short what, void *arg)
{
    struct aw_listener *listener = arg;
    struct timeval later = { RETRY_SECONDS, 0 };

    (void)what;
    for (int i = 0; i < A_TURN && listener->n_strangers < MAX_STRANGERS; i++) {
        int peer = accept4 (fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (peer >= 0) {
            greet (listener, peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The peer stays in the kernel's queue and the socket readable: look again later
             * instead of spinning.
             */
            aw_error_set (&listener->why, "accept: %s", strerror (errno));
            event_del (listener->readable);
            event_add (listener->retry, &later);
        }
        return; /* nobody there; or one that is gone again */
    }
}

static void on_retry (evutil_socket_t fd, short what, void *arg)
{
    struct aw_listener *listener = arg;

    (void)fd;
    (void)what;
    if (listener->n_strangers < MAX_STRANGERS)
        event_add (listener->readable, NULL);
}

/* A socket for IPv6 and IPv4 together, or for IPv4 where the kernel has no IPv6. */
static int open_socket (int *family)
{
    int off = 0;
    int on = 1;
    int fd = socket (AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *family = AF_INET6;
    if (fd >= 0 && setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof (off)) < 0) {
        close (fd);
        fd = -1;
    }
    if (fd < 0) {
        *family = AF_INET;
        fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (fd >= 0)
        (void)setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on,
                          sizeof (on)); /* past connections must not block a small range */
    return fd;
}

static int bind_port (int fd, int family, uint16_t port)
{
    struct sockaddr_in6 any6 = { .sin6_family = AF_INET6,
                                 .sin6_addr = IN6ADDR_ANY_INIT,
                                 .sin6_port = htons (port) };
    struct sockaddr_in any4 = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl (INADDR_ANY),
                                .sin_port = htons (port) };

    return family == AF_INET6 ? bind (fd, (struct sockaddr *)&any6, sizeof (any6))
                              : bind (fd, (struct sockaddr *)&any4, sizeof (any4));
}

/* A port that is bound but in use is noticed by listen alone, where both ends asked for
 * SO_REUSEADDR: hence a socket a try.
 */
static int listen_in (uint16_t first, uint16_t last, int *family, struct aw_error *err)
{
    uint32_t n, offset;

    if (last < first)
        return aw_error_set (err, "ports %u-%u: the last is below the first", first, last);
    n = (uint32_t)last - first + 1;
    offset = (uint32_t)getpid () % n; /* two coordinators on one host seldom try the same ports */
    for (uint32_t i = 0; i < n; i++) {
        int fd = open_socket (family);

        if (fd < 0)
            return aw_error_set (err, "socket: %s", strerror (errno));
        if (bind_port (fd, *family, (uint16_t)(first + (offset + i) % n)) == 0
            && listen (fd, BACKLOG) == 0)
            return fd;
        aw_error_set (err, "no port among %u-%u can be listened on: %s", first, last,
                      strerror (errno));
        close (fd);
    }
    return -1;
}

static uint16_t port_of (int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof (address);

    if (getsockname (fd, (struct sockaddr *)&address, &size) < 0)
        return 0;
    return ntohs (address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
}

struct aw_listener *aw_listener_create (struct event_base *base,
                                        const char *job,
                                        uint16_t first,
                                        uint16_t last,
                                        aw_listener_accepted accepted,
                                        void *arg,
                                        struct aw_error *err)
{
    struct aw_listener *listener = calloc (1, sizeof (*listener));
    int family;

    if (!listener) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    listener->base = base;
    listener->accepted = accepted;
    listener->arg = arg;
    listener->fd = listen_in (first, last, &family, err);
    if (listener->fd < 0) {
        aw_listener_destroy (listener);
        return NULL;
    }
    listener->port = port_of (listener->fd);
    listener->helper = aw_auth_helper_create (base, job, on_verdict, err);
    if (!listener->helper) {
        aw_listener_destroy (listener);
        return NULL;
    }
    listener->reader = aw_frame_reader_create ();
    listener->readable = event_new (base, listener->fd, EV_READ | EV_PERSIST, on_knock, listener);
    listener->retry = evtimer_new (base, on_retry, listener);
    listener->crowded = evtimer_new (base, on_crowded, listener);
    if (!listener->reader || !listener->readable || !listener->retry || !listener->crowded
        || event_add (listener->readable, NULL) < 0) {
        aw_error_set (err, "out of memory");
        aw_listener_destroy (listener);
        return NULL;
    }
    return listener;
}

uint16_t aw_listener_port (const struct aw_listener *listener)
{
    return listener->port;
}

uint32_t aw_listener_refused (const struct aw_listener *listener, const char **why)
{
    *why = listener->why.text;
    return listener->refused;
}

void aw_listener_destroy (struct aw_listener *listener)
{
    int saved = errno;

    if (listener) {
        for (int i = 0; i < MAX_STRANGERS; i++)
            if (listener->strangers[i].state != STRANGER_FREE)
                leave (&listener->strangers[i], false);
        if (listener->readable)
            event_free (listener->readable);
        if (listener->retry)
            event_free (listener->retry);
        if (listener->crowded)
            event_free (listener->crowded);
        aw_auth_helper_destroy (listener->helper);
        aw_frame_reader_destroy (listener->reader);
        if (listener->fd >= 0)
            close (listener->fd);
        free (listener);
    }
    errno = saved;
}
