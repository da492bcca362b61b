/* SPDX-License-Identifier: Apache-2.0 */
/* The library: packets to the agent of this node and back (util/packet.h). What comes while
 * something else is waited for is kept.
 */
#include "client/async-workflow.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/packet.h"

/* An own group takes several messages at once; in a shared one each goes to who asks for it. */
enum { CREDIT_OWN = 32, CREDIT_SHARED = 1 };

static const double open_seconds = 30;

struct receiver {
    uint32_t number;
    uint64_t given; /* messages that the caller has got, all told */
    uint64_t acked;
    uint64_t credit; /* asked for and not come yet */
    struct receiver *next;
    size_t topic_size;
    char topic[AW_TOPIC_MAX + 1];
    char group[AW_TOPIC_MAX + 1];
};

/* A packet that came while another was waited for. */
struct kept {
    struct kept *next;
    size_t size;
    char bytes[];
};

struct aw_connection {
    int fd;
    uint32_t last_number;
    struct receiver *receivers;
    struct kept *first, **last;
    struct kept *shown; /* what the caller's message lies in */
    char *packet; /* room for the largest */
    char names[AW_TOPIC_MAX + AW_SENDER_MAX + 2]; /* of the caller's message */
    char error[1024];
    char *told; /* what the pool said of an error; NULL: `error` tells */
};

static char open_error[1024];

__attribute__ ((format (printf, 3, 4))) static int fail (struct aw_connection *aw,
                                                         int error,
                                                         const char *fmt,
                                                         ...)
{
    va_list ap;

    if (aw) {
        free (aw->told);
        aw->told = NULL;
    }
    va_start (ap, fmt);
    vsnprintf (aw ? aw->error : open_error, sizeof (open_error), fmt, ap);
    va_end (ap);
    errno = error;
    return -1;
}

const char *aw_error_text (const struct aw_connection *aw)
{
    if (!aw)
        return open_error;
    return aw->told ? aw->told : aw->error;
}

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static double limit_of (double timeout)
{
    return timeout < 0 ? INFINITY : now () + timeout;
}

/* Waits for EVENTS until LIMIT. 0, or -1 with ETIMEDOUT. */
static int wait_for (struct aw_connection *aw, short events, double limit)
{
    struct pollfd pfd = { .fd = aw->fd, .events = events };

    for (;;) {
        double left = isinf (limit) ? 3600 : limit - now ();
        int rc = poll (&pfd, 1, left > 3600 ? 3600000 : left > 0 ? (int)(left * 1000) + 1 : 0);

        if (rc > 0)
            return 0;
        if (rc < 0 && errno != EINTR)
            return fail (aw, errno, "poll: %s", strerror (errno));
        if (!isinf (limit) && now () >= limit)
            return fail (aw, ETIMEDOUT, "timed out");
    }
}

/* The pool has closed, or what it said last. */
static int broken (struct aw_connection *aw, int error)
{
    if (error == 0 || error == EPIPE || error == ECONNRESET)
        return fail (aw, EPIPE, "the pool has closed the connection");
    return fail (aw, error, "%s", strerror (error));
}

static int send_packet (struct aw_connection *aw, const struct aw_packet *packet, int flags)
{
    char head[AW_PACKET_MAX - AW_MESSAGE_MAX];
    struct iovec parts[2] = { { head, aw_packet_put_head (packet, head) },
                              { (void *)(uintptr_t)packet->data.text, packet->data.size } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = packet->data.size ? 2 : 1 };

    if (!parts[0].iov_len)
        return fail (aw, EMSGSIZE, "too long");
    for (;;) {
        if (sendmsg (aw->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EAGAIN && flags & AW_NOWAIT)
            return fail (aw, EAGAIN, "the pool takes no more for now");
        if (errno == EAGAIN && wait_for (aw, POLLOUT, INFINITY) < 0)
            return -1;
        if (errno != EAGAIN && errno != EINTR)
            return broken (aw, errno);
    }
}

/* The next packet, kept ones not counted, by LIMIT; NULL with errno. The caller frees it. */
static struct kept *read_packet (struct aw_connection *aw, double limit)
{
    for (;;) {
        ssize_t size = recv (aw->fd, aw->packet, AW_PACKET_MAX, MSG_DONTWAIT);
        struct kept *kept;

        if (size > 0) {
            kept = malloc (sizeof (*kept) + (size_t)size);
            if (!kept) {
                fail (aw, ENOMEM, "out of memory");
                return NULL;
            }
            kept->next = NULL;
            kept->size = (size_t)size;
            memcpy (kept->bytes, aw->packet, (size_t)size);
            return kept;
        }
        if (size < 0 && errno == EINTR)
            continue;
        if (size == 0 || errno != EAGAIN) {
            broken (aw, size ? errno : 0);
            return NULL;
        }
        if (wait_for (aw, POLLIN, limit) < 0)
            return NULL;
    }
}

/* Is it for whoever waits for NUMBER? An error with number 0 is for everybody. */
static bool is_for (const struct kept *kept, uint32_t number, struct aw_packet *packet)
{
    return aw_packet_read (packet, kept->bytes, kept->size) == 0
           && (packet->number == number
               || (packet->number == 0 && packet->flags & AW_PACKET_ERROR));
}

/* The first packet for NUMBER, by LIMIT; NULL with errno. PACKET lies in it. The caller frees it.
 */
static struct kept *wait_packet (struct aw_connection *aw,
                                 uint32_t number,
                                 double limit,
                                 struct aw_packet *packet)
{
    struct kept *kept;

    for (struct kept **at = &aw->first; (kept = *at); at = &kept->next) {
        if (!is_for (kept, number, packet))
            continue;
        *at = kept->next;
        if (!*at)
            aw->last = at;
        return kept;
    }
    while ((kept = read_packet (aw, limit))) {
        if (is_for (kept, number, packet))
            return kept;
        if (packet->kind != AW_PACKET_MESSAGE) {
            free (kept); /* an answer for which nobody waits any more */
            continue;
        }
        *aw->last = kept;
        aw->last = &kept->next;
    }
    return NULL;
}

/* Waits for DONE. */
static int wait_done (struct aw_connection *aw, uint32_t number, double timeout)
{
    struct aw_packet packet;
    struct kept *kept = wait_packet (aw, number, limit_of (timeout), &packet);
    int rc = 0;

    if (!kept)
        return -1;
    if (packet.flags & AW_PACKET_ERROR) {
        rc = fail (aw, EINVAL, "%.*s", (int)packet.data.size, packet.data.text);
        aw->told = strndup (packet.data.text, packet.data.size); /* it may be long */
        errno = EINVAL;
    }
    free (kept);
    return rc;
}

/*
 * Opening
 */

/* "17.0", as the agent has it in the environment of its tasks. */
static int find_task (uint32_t *task, uint32_t *attempt)
{
    const char *mark = getenv (AW_PACKET_LAUNCH);

    if (!mark || sscanf (mark, "%u.%u", task, attempt) != 2)
        return fail (NULL, ENOTCONN,
                     "this is no task of a workflow that runs: " AW_PACKET_LAUNCH " is not set");
    return 0;
}

static int connect_to (struct aw_connection *aw, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen (path) >= sizeof (address.sun_path))
        return fail (NULL, ENOTCONN, "%s: the path is too long", path);
    strcpy (address.sun_path, path);
    aw->fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (aw->fd < 0
        || (connect (aw->fd, (struct sockaddr *)&address, sizeof (address)) < 0 && errno != EINTR))
        return fail (NULL, errno == EACCES ? EACCES : ENOTCONN, "%s: %s", path, strerror (errno));
    return 0;
}

static int say_hello (struct aw_connection *aw, const char *token)
{
    struct aw_packet hello = { .kind = AW_PACKET_HELLO, .data = aw_piece_of (token) };

    if (find_task (&hello.number, &hello.attempt) < 0)
        return -1;
    if (send_packet (aw, &hello, 0) < 0 || wait_done (aw, 0, open_seconds) < 0)
        return fail (NULL, errno == EINVAL ? EACCES : errno, "%s", aw->error);
    return 0;
}

struct aw_connection *aw_open (void)
{
    const char *path = getenv (AW_PACKET_SOCKET), *token = getenv (AW_PACKET_TOKEN);
    struct aw_connection *aw;
    int saved;

    if (!path || !*path || !token) {
        fail (NULL, ENOTCONN,
              "this is no task of a workflow that runs: " AW_PACKET_SOCKET " is not set");
        return NULL;
    }
    aw = calloc (1, sizeof (*aw));
    if (!aw || !(aw->packet = malloc (AW_PACKET_MAX))) {
        free (aw);
        fail (NULL, ENOMEM, "out of memory");
        return NULL;
    }
    aw->fd = -1;
    aw->last = &aw->first;
    if (connect_to (aw, path) == 0 && say_hello (aw, token) == 0)
        return aw;
    saved = errno;
    aw_close (aw);
    errno = saved;
    return NULL;
}

static int acknowledge (struct aw_connection *aw, struct receiver *r)
{
    const struct aw_packet ack = { .kind = AW_PACKET_ACK, .number = r->number, .seq = r->given };

    if (r->given == r->acked)
        return 0;
    r->acked = r->given;
    return send_packet (aw, &ack, 0);
}

void aw_close (struct aw_connection *aw)
{
    int saved = errno;

    if (!aw)
        return;
    while (aw->receivers) {
        struct receiver *r = aw->receivers;

        if (aw->fd >= 0)
            acknowledge (aw, r);
        aw->receivers = r->next;
        free (r);
    }
    while (aw->first) {
        struct kept *kept = aw->first;

        aw->first = kept->next;
        free (kept);
    }
    if (aw->fd >= 0)
        close (aw->fd);
    free (aw->shown);
    free (aw->packet);
    free (aw->told);
    free (aw);
    errno = saved;
}

/*
 * Sending
 */

/* Is NAME one of a topic, or of a group (WHOSE)? */
static int check_name (struct aw_connection *aw, const char *name, const char *whose)
{
    if (name && aw_topic_is_good (name, strlen (name)))
        return 0;
    return fail (aw, EINVAL,
                 "a %s's name is made of at most %d letters, digits, \"_\", \"-\" and "
                 "\".\", the first a letter, a digit or \"_\"",
                 whose, AW_TOPIC_MAX);
}

static int check (struct aw_connection *aw, const char *topic, size_t size)
{
    if (check_name (aw, topic, "topic") < 0)
        return -1;
    if (size > AW_MESSAGE_MAX)
        return fail (aw, EMSGSIZE, "%zu bytes: a message has at most %d", size, AW_MESSAGE_MAX);
    return 0;
}

int aw_publish (
    struct aw_connection *aw, const char *topic, const void *data, size_t size, int flags)
{
    const struct aw_packet packet = { .kind = AW_PACKET_PUBLISH,
                                      .topic = aw_piece_of (topic),
                                      .data = { data, size } };

    return check (aw, topic, size) < 0 ? -1 : send_packet (aw, &packet, flags);
}

int aw_flush (struct aw_connection *aw, double timeout)
{
    const struct aw_packet packet = { .kind = AW_PACKET_SYNC, .number = ++aw->last_number };

    return send_packet (aw, &packet, 0) < 0 ? -1 : wait_done (aw, packet.number, timeout);
}

/*
 * Receiving
 */

static struct receiver *find_receiver (struct aw_connection *aw,
                                       const char *topic,
                                       const char *group)
{
    struct receiver *r;

    for (r = aw->receivers; r; r = r->next)
        if (!strcmp (r->topic, topic) && !strcmp (r->group, group))
            return r;
    r = calloc (1, sizeof (*r));
    if (!r) {
        fail (aw, ENOMEM, "out of memory");
        return NULL;
    }
    strcpy (r->topic, topic);
    strcpy (r->group, group);
    r->number = ++aw->last_number;
    r->next = aw->receivers;
    aw->receivers = r;
    return r;
}

/* Asks for more, where nothing more would come. */
static int ask (struct aw_connection *aw, struct receiver *r)
{
    uint64_t credit = r->group[0] ? CREDIT_SHARED : CREDIT_OWN;
    struct aw_packet packet = {
        .kind = AW_PACKET_RECEIVE,
        .number = r->number,
        .topic = aw_piece_of (r->topic),
        .group = aw_piece_of (r->group),
        .seq = credit - r->credit,
    };

    if (r->credit > credit / 2)
        return 0;
    r->credit = credit;
    return send_packet (aw, &packet, 0);
}

/* Nobody waits here for now: the next message of a shared group is for another. Returns -1 with
 * ETIMEDOUT. */
static int withdraw (struct aw_connection *aw, struct receiver *r)
{
    const struct aw_packet packet = { .kind = AW_PACKET_RECEIVE,
                                      .number = r->number,
                                      .topic = aw_piece_of (r->topic),
                                      .group = aw_piece_of (r->group) };

    if (r->group[0] && send_packet (aw, &packet, 0) == 0)
        r->credit = 0;
    return fail (aw, ETIMEDOUT, "timed out");
}

/* Shows the caller what came, which lies in KEPT. */
static void show (struct aw_connection *aw,
                  struct kept *kept,
                  const struct aw_packet *packet,
                  struct aw_message *message)
{
    char *sender = aw->names + packet->topic.size + 1;

    free (aw->shown);
    aw->shown = kept;
    if (packet->topic.size)
        memcpy (aw->names, packet->topic.text, packet->topic.size);
    aw->names[packet->topic.size] = '\0';
    if (packet->sender.size)
        memcpy (sender, packet->sender.text, packet->sender.size);
    sender[packet->sender.size] = '\0';
    *message = (struct aw_message){
        .topic = aw->names,
        .sender = sender,
        .attempt = packet->attempt,
        .number = packet->seq,
        .request = packet->reply,
        .data = packet->data.text,
        .size = packet->data.size,
    };
}

int aw_receive (struct aw_connection *aw,
                const char *topic,
                const char *group,
                double timeout,
                struct aw_message *message)
{
    struct aw_packet packet;
    struct receiver *r;
    struct kept *kept;

    if (check_name (aw, topic, "topic") < 0 || (group && check_name (aw, group, "group") < 0))
        return -1;
    r = find_receiver (aw, topic, group ? group : "");
    if (!r || acknowledge (aw, r) < 0 || ask (aw, r) < 0)
        return -1;
    kept = wait_packet (aw, r->number, limit_of (timeout), &packet);
    if (!kept)
        return errno == ETIMEDOUT ? withdraw (aw, r) : -1;
    if (packet.flags & AW_PACKET_ERROR) {
        fail (aw, EINVAL, "%.*s", (int)packet.data.size, packet.data.text);
        free (kept);
        return -1;
    }
    r->credit -= r->credit > 0;
    r->given++;
    show (aw, kept, &packet, message);
    return 0;
}

/*
 * Requests
 */

int aw_request (struct aw_connection *aw,
                const char *topic,
                const void *data,
                size_t size,
                double timeout,
                struct aw_message *answer)
{
    struct aw_packet packet = { .kind = AW_PACKET_REQUEST,
                                .topic = aw_piece_of (topic),
                                .data = { data, size } };
    struct kept *kept;

    if (check (aw, topic, size) < 0)
        return -1;
    packet.number = ++aw->last_number;
    if (send_packet (aw, &packet, 0) < 0)
        return -1;
    kept = wait_packet (aw, packet.number, limit_of (timeout), &packet);
    if (!kept)
        return -1;
    if (packet.flags & AW_PACKET_ERROR) {
        fail (aw, EINVAL, "%.*s", (int)packet.data.size, packet.data.text);
        free (kept);
        return -1;
    }
    show (aw, kept, &packet, answer);
    return 0;
}

int aw_reply (struct aw_connection *aw,
              const struct aw_message *request,
              const void *data,
              size_t size)
{
    const struct aw_packet packet = { .kind = AW_PACKET_REPLY,
                                      .reply = request->request,
                                      .data = { data, size } };

    if (!request->request)
        return fail (aw, EINVAL, "nobody waits for an answer to this message");
    if (size > AW_MESSAGE_MAX)
        return fail (aw, EMSGSIZE, "%zu bytes: a message has at most %d", size, AW_MESSAGE_MAX);
    return send_packet (aw, &packet, 0);
}

/*
 * The workflow itself
 */

int aw_add (struct aw_connection *aw, const char *text, size_t size, double timeout)
{
    struct aw_packet packet = { .kind = AW_PACKET_ADD, .number = ++aw->last_number };

    if (size > AW_ADD_MAX)
        return fail (aw, EMSGSIZE, "%zu bytes: at most %d can be added at once", size, AW_ADD_MAX);
    do {
        size_t part = size < AW_MESSAGE_MAX ? size : AW_MESSAGE_MAX;

        packet.data = (struct aw_piece){ text, part };
        packet.flags = part < size ? AW_PACKET_MORE : 0;
        if (send_packet (aw, &packet, 0) < 0)
            return -1;
        text += part;
        size -= part;
    } while (size > 0);
    return wait_done (aw, packet.number, timeout);
}

int aw_cancel (struct aw_connection *aw, const char *tasks, int flags, double timeout)
{
    const struct aw_packet packet = {
        .kind = AW_PACKET_CANCEL,
        .number = ++aw->last_number,
        .flags = flags & AW_RELEASE ? AW_PACKET_RELEASE : 0,
        .data = aw_piece_of (tasks),
    };

    if (packet.data.size > AW_SENDER_MAX)
        return fail (aw, EMSGSIZE, "the name of a task is not that long");
    return send_packet (aw, &packet, 0) < 0 ? -1 : wait_done (aw, packet.number, timeout);
}
