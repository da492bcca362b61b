/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/messages/messages.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/messages/step_tokens.h"
#include "io/json_string.h"
#include "io/textbuf.h"
#include "util/table.h"
#include "util/token.h"

enum {
    READ_AT_ONCE = 64, /* packets of one connection in a turn, so that others need not wait */
    OUT_MAX = 64 << 20, /* bytes that a task has not read: more than it can have asked for */
    READ_AT_END = 4096, /* packets; more than a socket holds, so the sender is not the task */
    BACKLOG = 512,
    RESERVE = 24, /* descriptors for starting tasks and reading files */
};

/* Before the next try, where there are no descriptors or no memory for another connection. */
static const struct timeval ACCEPT_PAUSE = { 0, 100000 };

struct connection {
    struct aw_messages *messages;
    uint32_t id;
    int fd;
    bool known; /* has said hello */
    bool paused; /* its window is full */
    bool waits; /* it has sent WAIT, and nothing since; nor has it got anything */
    pid_t pid; /* that opened it */
    uint32_t task, attempt;
    struct event *readable;
    struct event *writable; /* pending while the task does not read */
    struct aw_textbuf out; /* packets, each behind its size */
    size_t sent; /* of out */
    struct aw_textbuf add; /* the parts of a workflow or a submission so far */
    uint32_t *sizes; /* a ring: bytes of the messages that are not accepted yet */
    uint32_t first, n_unaccepted;
    size_t unaccepted; /* bytes */
};

struct aw_messages {
    struct aw_messages_callbacks callbacks;
    struct event_base *base; /* borrowed */
    char directory[80];
    char path[100];
    char token[AW_PACKET_TOKEN_SIZE + 1]; /* of the agent's own tasks */
    struct aw_step_tokens step_tokens;
    int fd;
    struct event *acceptable; /* not pending while resume is */
    struct event *resume; /* timer: accept again */
    struct aw_table connections; /* by id */
    size_t room; /* connections at most: then tasks wait in the kernel's queue */
    uint32_t last_id;
    char *packet; /* room for the largest */
    struct aw_textbuf data; /* scratch */
};

static void close_connection (struct connection *c)
{
    const struct aw_packet gone = {
        .kind = AW_PACKET_CLOSE, .conn = c->id, .task = c->task, .attempt = c->attempt
    };
    struct aw_messages *m = c->messages;

    if (c->known)
        m->callbacks.forward (m->callbacks.arg, &gone);
    aw_table_remove (&m->connections, c->id);
    if (c->readable)
        event_free (c->readable);
    if (c->writable)
        event_free (c->writable);
    close (c->fd);
    aw_textbuf_finish (&c->out);
    aw_textbuf_finish (&c->add);
    free (c->sizes);
    free (c);
}

/*
 * To the task
 */

/* Sends waiting packets. -1: the connection is broken. */
static int send_out (struct connection *c)
{
    while (c->sent < c->out.len) {
        uint32_t size;

        memcpy (&size, c->out.data + c->sent, sizeof (size));
        if (send (c->fd, c->out.data + c->sent + sizeof (size), size, MSG_NOSIGNAL | MSG_DONTWAIT)
            < 0)
            return errno == EAGAIN || errno == EINTR ? event_add (c->writable, NULL) : -1;
        c->sent += sizeof (size) + size;
    }
    c->sent = c->out.len = 0;
    return 0;
}

static void on_writable (evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;

    (void)fd;
    (void)what;
    if (send_out (c) < 0)
        close_connection (c);
}

/* -1: the connection is broken, and still there. */
static int send_packet (struct connection *c, const struct aw_packet *packet)
{
    char *buf = c->messages->packet;
    size_t size = aw_packet_put_head (packet, buf);
    uint32_t whole;

    if (size == 0)
        return -1;
    if (packet->data.size)
        memcpy (buf + size, packet->data.text, packet->data.size);
    size += packet->data.size;
    if (c->out.len == 0) {
        if (send (c->fd, buf, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno != EAGAIN && errno != EINTR)
            return -1;
    }
    whole = (uint32_t)size;
    aw_textbuf_put (&c->out, (const char *)&whole, sizeof (whole));
    aw_textbuf_put (&c->out, buf, size);
    if (c->out.failed || c->out.len > OUT_MAX)
        return -1;
    return event_add (c->writable, NULL);
}

static int send_done (struct connection *c, uint32_t number, const char *error)
{
    const struct aw_packet packet = {
        .kind = AW_PACKET_DONE,
        .flags = error ? AW_PACKET_ERROR : 0,
        .number = number,
        .data = aw_piece_of (error),
    };

    return send_packet (c, &packet);
}

/*
 * From the task
 */

/* The first packet. -1: the connection is rejected. */
static int take_hello (struct connection *c, const struct aw_packet *packet)
{
    struct aw_messages *m = c->messages;
    const char *of_rank = aw_step_tokens_token (&m->step_tokens, packet->number, packet->attempt);
    const char *token = of_rank ? of_rank : m->token;
    unsigned different = 0;

    if (packet->kind != AW_PACKET_HELLO || packet->data.size != AW_PACKET_TOKEN_SIZE)
        return -1;
    for (size_t i = 0; i < AW_PACKET_TOKEN_SIZE; i++) /* in constant time */
        different |= (unsigned char)(packet->data.text[i] ^ token[i]);
    if (different) {
        send_done (c, 0, "the token is wrong: " AW_PACKET_TOKEN " belongs to another run");
        return -1;
    }
    if (!of_rank && !m->callbacks.runs (m->callbacks.arg, packet->number, packet->attempt)) {
        send_done (c, 0, "the task has ended");
        return -1;
    }
    c->sizes = malloc (AW_MESSAGES_WINDOW * sizeof (*c->sizes));
    if (!c->sizes)
        return -1;
    c->task = packet->number;
    c->attempt = packet->attempt;
    c->known = true;
    return send_done (c, 0, NULL);
}

/* Counts a message that is not accepted yet. */
static void count_message (struct connection *c, size_t size)
{
    if (c->n_unaccepted < AW_MESSAGES_WINDOW)
        c->sizes[(c->first + c->n_unaccepted++) % AW_MESSAGES_WINDOW] = (uint32_t)size;
    c->unaccepted += size;
    if (!c->paused
        && (c->n_unaccepted == AW_MESSAGES_WINDOW || c->unaccepted >= AW_MESSAGES_WINDOW_BYTES)) {
        c->paused = true;
        event_del (c->readable);
    }
}

static void take_accepted (struct connection *c, uint32_t n)
{
    for (; n > 0 && c->n_unaccepted > 0; n--) {
        c->unaccepted -= c->sizes[c->first];
        c->first = (c->first + 1) % AW_MESSAGES_WINDOW;
        c->n_unaccepted--;
    }
    if (c->n_unaccepted == 0)
        c->unaccepted = 0;
    if (c->paused && c->n_unaccepted <= AW_MESSAGES_WINDOW / 2
        && c->unaccepted <= AW_MESSAGES_WINDOW_BYTES / 2 && event_add (c->readable, NULL) == 0)
        c->paused = false;
}

/* A part of a workflow or a submission; the last part sends all of it. -1: too long. */
static int take_add (struct connection *c, struct aw_packet *packet)
{
    if (c->add.len + packet->data.size > AW_ADD_MAX) {
        c->add.len = 0;
        return -1;
    }
    aw_textbuf_put (&c->add, packet->data.text, packet->data.size);
    if (c->add.failed)
        return -1;
    if (packet->flags & AW_PACKET_MORE)
        return 0;
    packet->data = (struct aw_piece){ c->add.data, c->add.len };
    c->messages->callbacks.forward (c->messages->callbacks.arg, packet);
    c->add.len = 0;
    return 0;
}

/* -1: the connection must be closed. */
static int take_packet (struct connection *c, const char *buf, size_t size)
{
    struct aw_messages *m = c->messages;
    struct aw_packet packet;

    if (size > AW_PACKET_MAX || aw_packet_read (&packet, buf, size) < 0)
        return -1;
    if (!c->known)
        return take_hello (c, &packet);
    packet.conn = c->id;
    packet.task = c->task;
    packet.attempt = c->attempt;
    packet.sender.size = 0; /* the coordinator knows it */
    c->waits = packet.kind == AW_PACKET_WAIT;
    switch (packet.kind) {
    case AW_PACKET_PUBLISH:
    case AW_PACKET_REQUEST:
        count_message (c, size);
        break;
    case AW_PACKET_RECEIVE:
    case AW_PACKET_ACK:
    case AW_PACKET_REPLY:
    case AW_PACKET_SYNC:
    case AW_PACKET_CANCEL:
    case AW_PACKET_WAIT:
    case AW_PACKET_STATES:
    case AW_PACKET_AWAIT:
    case AW_PACKET_LIST:
        break;
    case AW_PACKET_ADD:
    case AW_PACKET_SUBMIT:
        return take_add (c, &packet);
    default:
        return -1;
    }
    m->callbacks.forward (m->callbacks.arg, &packet);
    return 0;
}

/* Reads up to N packets, beyond the window if ALL is true. False: the connection is closed. */
static bool read_packets (struct connection *c, int n, bool all)
{
    char *buf = c->messages->packet;

    while (n-- > 0 && (all || !c->paused)) {
        ssize_t size = recv (c->fd, buf, AW_PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC);

        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN)
            return true;
        if (size > 0 && take_packet (c, buf, (size_t)size) == 0)
            continue;
        close_connection (c);
        return false;
    }
    return true;
}

static void on_readable (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    read_packets (arg, READ_AT_ONCE, false);
}

/*
 * Connections
 */

static void add_connection (struct aw_messages *m, int fd)
{
    struct connection *c = calloc (1, sizeof (*c));
    struct ucred peer;
    socklen_t size = sizeof (peer);

    if (c)
        *c = (struct connection){ .messages = m, .fd = fd, .id = ++m->last_id };
    if (!c || getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != geteuid ()
        || m->connections.n_used >= AW_MESSAGES_CONNECTIONS
        || aw_table_set (&m->connections, c->id, c) < 0) {
        free (c);
        close (fd);
        return;
    }
    c->pid = peer.pid;
    c->readable = event_new (m->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new (m->base, fd, EV_WRITE, on_writable, c);
    if (!c->readable || !c->writable || event_add (c->readable, NULL) < 0)
        close_connection (c);
}

/* The socket stays readable, so the loop would spin. */
static void pause_accepting (struct aw_messages *m)
{
    event_del (m->acceptable);
    event_add (m->resume, &ACCEPT_PAUSE);
}

static void accept_all (struct aw_messages *m)
{
    int fd = -1;

    do {
        if (m->connections.n_used >= m->room) {
            pause_accepting (m);
            return;
        }
        fd = accept4 (m->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            add_connection (m, fd);
    } while (fd >= 0 || errno == EINTR || errno == ECONNABORTED);
    if (errno != EAGAIN)
        pause_accepting (m);
}

/* A task may have connected and ended since the loop last looked. Asking costs a tenth of what an
 * accept in vain does.
 */
static void accept_waiting (struct aw_messages *m)
{
    struct pollfd pfd = { .fd = m->fd, .events = POLLIN };

    if (poll (&pfd, 1, 0) != 0)
        accept_all (m);
}

static void on_resume (evutil_socket_t fd, short what, void *arg)
{
    struct aw_messages *m = arg;

    (void)fd;
    (void)what;
    event_add (m->acceptable, NULL);
}

static void on_acceptable (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    accept_all (arg);
}

void aw_messages_task_ended (struct aw_messages *m, uint32_t task, uint32_t attempt)
{
    struct connection *c;
    size_t cursor = 0;

    if (!m)
        return;
    accept_waiting (m);
    while ((c = aw_table_next (&m->connections, &cursor))) {
        if (c->known && (c->task != task || c->attempt != attempt))
            continue;
        if (read_packets (c, READ_AT_END, true)) {
            if (!c->known || c->task != task || c->attempt != attempt)
                continue;
            close_connection (c);
        }
        cursor--;
    }
}

/*
 * From the coordinator
 */

/* Without memory the token is not set, and the ranks of the step are rejected. */
static void take_step_token (struct aw_messages *m, const struct aw_packet *packet)
{
    const struct aw_packet done = { .kind = AW_PACKET_DONE,
                                    .task = packet->task,
                                    .attempt = packet->attempt };

    if (packet->kind == AW_PACKET_ADMIT)
        (void)aw_step_tokens_admit (&m->step_tokens, packet->task, packet->attempt, &packet->data);
    else {
        aw_messages_task_ended (m, packet->task, packet->attempt);
        aw_step_tokens_dismiss (&m->step_tokens, packet->task, packet->attempt);
    }
    m->callbacks.forward (m->callbacks.arg, &done);
}

/* The answer follows all that processes which have ended by now have sent. */
static void answer_look (struct aw_messages *m, uint32_t number)
{
    const struct aw_packet seen = { .kind = AW_PACKET_LOOK,
                                    .number = number,
                                    .seq = m->callbacks.only_wait (m->callbacks.arg) };
    struct connection *c;
    size_t cursor = 0;

    accept_waiting (m);
    while ((c = aw_table_next (&m->connections, &cursor)))
        if (!read_packets (c, READ_AT_END, true))
            cursor--;
    m->callbacks.forward (m->callbacks.arg, &seen);
}

unsigned aw_messages_waiting (const struct aw_messages *m, pid_t pid)
{
    const struct connection *c;
    size_t cursor = 0;
    unsigned n = 0;

    while ((c = aw_table_next (&m->connections, &cursor)))
        n += c->waits && c->pid == pid;
    return n;
}

uint64_t aw_messages_next_step (const struct aw_messages *m, size_t *cursor)
{
    return aw_step_tokens_next (&m->step_tokens, cursor);
}

void aw_messages_take (struct aw_messages *m, const struct aw_packet *packet)
{
    struct connection *c = m ? aw_table_get (&m->connections, packet->conn) : NULL;
    struct aw_packet plain = *packet;

    if (m && (packet->kind == AW_PACKET_ADMIT || packet->kind == AW_PACKET_DISMISS)) {
        take_step_token (m, packet);
        return;
    }
    if (m && packet->kind == AW_PACKET_LOOK) {
        answer_look (m, packet->number);
        return;
    }
    if (!c)
        return; /* it was closed in the meantime */
    if (packet->kind == AW_PACKET_ACCEPTED) {
        take_accepted (c, packet->number);
        return;
    }
    if (aw_json_get_bytes (&m->data, packet->data.text, packet->data.size) < 0
        || m->data.len > AW_MESSAGE_MAX) {
        close_connection (c);
        return;
    }
    plain.data = (struct aw_piece){ m->data.data, m->data.len };
    c->waits = false;
    if (send_packet (c, &plain) < 0)
        close_connection (c);
}

/*
 * Life
 */

/* Connections for which there are descriptors. FD: the latest one; most below it are in use. */
static size_t room_after (int fd)
{
    struct rlimit limit;

    if (getrlimit (RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur > (rlim_t)fd + RESERVE + 1 ? limit.rlim_cur - (rlim_t)fd - RESERVE : 1;
}

/* In TMPDIR if its name is short enough for a socket's path, else in /tmp. */
static int make_directory (struct aw_messages *m, struct aw_error *err)
{
    const char *tmp = getenv ("TMPDIR");
    int n = tmp && *tmp == '/'
                ? snprintf (m->directory, sizeof (m->directory),
                            "%s/" AW_MESSAGES_PREFIX "%ld.XXXXXX", tmp, (long)getpid ())
                : -1;

    if (n < 0 || (size_t)n >= sizeof (m->directory) || !mkdtemp (m->directory)) {
        snprintf (m->directory, sizeof (m->directory), "/tmp/" AW_MESSAGES_PREFIX "%ld.XXXXXX",
                  (long)getpid ());
        if (!mkdtemp (m->directory)) { /* mode 0700 */
            m->directory[0] = '\0';
            return aw_error_set (err, "/tmp: %s", strerror (errno));
        }
    }
    snprintf (m->path, sizeof (m->path), "%s/messages", m->directory);
    return 0;
}

static int listen_on (struct aw_messages *m, struct aw_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    memcpy (address.sun_path, m->path, strlen (m->path) + 1);
    m->fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (m->fd < 0 || bind (m->fd, (struct sockaddr *)&address, sizeof (address)) < 0
        || chmod (m->path, 0600) < 0 || listen (m->fd, BACKLOG) < 0)
        return aw_error_set (err, "%s: %s", m->path, strerror (errno));
    m->room = room_after (m->fd);
    m->acceptable = event_new (m->base, m->fd, EV_READ | EV_PERSIST, on_acceptable, m);
    m->resume = evtimer_new (m->base, on_resume, m);
    if (!m->acceptable || !m->resume || event_add (m->acceptable, NULL) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

struct aw_messages *aw_messages_create (struct event_base *base,
                                        const struct aw_messages_callbacks *callbacks,
                                        struct aw_error *err)
{
    struct aw_messages *m = calloc (1, sizeof (*m));

    if (!m || !(m->packet = malloc (AW_PACKET_MAX))) {
        free (m);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    aw_messages_clean (0);
    m->fd = -1;
    m->base = base;
    m->callbacks = *callbacks;
    if (aw_token_make (m->token, err) == 0 && make_directory (m, err) == 0
        && listen_on (m, err) == 0)
        return m;
    aw_messages_destroy (m);
    return NULL;
}

void aw_messages_destroy (struct aw_messages *m)
{
    int saved = errno;
    struct connection *c;
    size_t cursor = 0;

    if (!m)
        return;
    while ((c = aw_table_next (&m->connections, &cursor))) {
        c->known = false; /* the coordinator need not know */
        close_connection (c);
        cursor--;
    }
    aw_table_finish (&m->connections);
    if (m->acceptable)
        event_free (m->acceptable);
    if (m->resume)
        event_free (m->resume);
    if (m->fd >= 0)
        close (m->fd);
    if (m->directory[0]) {
        unlink (m->path);
        rmdir (m->directory);
    }
    aw_step_tokens_finish (&m->step_tokens);
    aw_textbuf_finish (&m->data);
    free (m->packet);
    free (m);
    errno = saved;
}

const char *aw_messages_socket (const struct aw_messages *m)
{
    return m->path;
}

const char *aw_messages_token (const struct aw_messages *m)
{
    return m->token;
}
