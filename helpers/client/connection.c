/* SPDX-License-Identifier: Apache-2.0 */
/* The library: packets to the agent of this node and back (util/packet.h). A message that arrives
 * while the caller waits for another packet is queued.
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

/* Messages that a receiver asks for in advance. In a shared group each message must go to a
 * receiver that waits for it.
 */
enum { CREDIT_OWN = 32, CREDIT_SHARED = 1 };

static const double OPEN_SECONDS = 30;

struct receiver {
    uint32_t number;
    uint64_t given; /* messages that the caller has got */
    uint64_t acked; /* of them */
    uint64_t credit; /* messages that were asked for and have not arrived */
    struct receiver *next;
    size_t topic_size;
    char topic[AW_TOPIC_MAX + 1];
    char group[AW_TOPIC_MAX + 1];
};

/* A packet, which lies in a queue while the caller waits for another. */
struct queued {
    struct queued *next;
    size_t size;
    char bytes[];
};

struct aw_connection {
    int fd;
    uint32_t last_number;
    struct receiver *receivers;
    struct queued *first, **last; /* the queue */
    struct queued *shown; /* the packet with the caller's message */
    char *packet; /* room for the largest */
    char names[AW_TOPIC_MAX + AW_SENDER_MAX + 2]; /* of the caller's message */
    char error[1024];
    char *long_error; /* from the pool, in place of `error`; NULL: there is none */
};

static char open_error[1024];

__attribute__ ((format (printf, 3, 4))) static int fail (struct aw_connection *aw,
                                                         int error,
                                                         const char *fmt,
                                                         ...)
{
    va_list ap;

    if (aw) {
        free (aw->long_error);
        aw->long_error = NULL;
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
    return aw->long_error ? aw->long_error : aw->error;
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

/* The connection cannot be used any more. */
static int broken (struct aw_connection *aw, int error)
{
    if (error == 0 || error == EPIPE || error == ECONNRESET)
        return fail (aw, EPIPE, "the pool has closed the connection");
    return fail (aw, error, "%s", strerror (error));
}

/* The next packet from the socket, by LIMIT; NULL with errno. The caller frees it. */
static struct queued *read_packet (struct aw_connection *aw, double limit)
{
    for (;;) {
        ssize_t size = recv (aw->fd, aw->packet, AW_PACKET_MAX, MSG_DONTWAIT);
        struct queued *item;

        if (size > 0) {
            item = malloc (sizeof (*item) + (size_t)size);
            if (!item) {
                fail (aw, ENOMEM, "out of memory");
                return NULL;
            }
            item->next = NULL;
            item->size = (size_t)size;
            memcpy (item->bytes, aw->packet, (size_t)size);
            return item;
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

/* Does ITEM answer NUMBER? An error with number 0 answers every number. */
static bool is_for (const struct queued *item, uint32_t number, struct aw_packet *packet)
{
    return aw_packet_read (packet, item->bytes, item->size) == 0
           && (packet->number == number
               || (packet->number == 0 && packet->flags & AW_PACKET_ERROR));
}

static void enqueue (struct aw_connection *aw, struct queued *item)
{
    *aw->last = item;
    aw->last = &item->next;
}

/* After a wait in sending: does the pool accept nothing more? Messages that have come are queued.
 * 0, or -1 with EIO. */
static int check_refusal (struct aw_connection *aw)
{
    struct aw_packet packet;
    struct queued *item;

    while ((item = read_packet (aw, 0))) {
        if (is_for (item, 0, &packet) && packet.flags & AW_PACKET_ERROR) {
            fail (aw, EIO, "%.*s", (int)packet.data.size, packet.data.text);
            free (item);
            errno = EIO;
            return -1;
        }
        enqueue (aw, item);
    }
    return errno == ETIMEDOUT ? 0 : -1;
}

static int send_packet (struct aw_connection *aw, const struct aw_packet *packet, int flags)
{
    char head[AW_PACKET_MAX - AW_MESSAGE_MAX];
    struct iovec parts[2] = { { head, aw_packet_put_head (packet, head) },
                              { (void *)(uintptr_t)packet->data.text, packet->data.size } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = packet->data.size ? 2 : 1 };

    if (!parts[0].iov_len)
        return fail (aw, EMSGSIZE, "the packet is too long");
    for (;;) {
        if (sendmsg (aw->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EAGAIN && flags & AW_NOWAIT)
            return fail (aw, EAGAIN, "the pool accepts no more messages at the moment");
        if (errno == EAGAIN) {
            if (wait_for (aw, POLLOUT, INFINITY) < 0 || check_refusal (aw) < 0)
                return -1;
            continue;
        }
        if (errno != EINTR)
            return broken (aw, errno);
    }
}

/* The first packet for NUMBER, queued or new, by LIMIT; NULL with errno. PACKET points into it. The
 * caller frees it.
 */
static struct queued *wait_packet (struct aw_connection *aw,
                                   uint32_t number,
                                   double limit,
                                   struct aw_packet *packet)
{
    struct queued *item;

    for (struct queued **at = &aw->first; (item = *at); at = &item->next) {
        if (!is_for (item, number, packet))
            continue;
        *at = item->next;
        if (!*at)
            aw->last = at;
        return item;
    }
    while ((item = read_packet (aw, limit))) {
        if (is_for (item, number, packet))
            return item;
        if (packet->kind != AW_PACKET_MESSAGE) {
            free (item); /* a late answer: its caller has timed out */
            continue;
        }
        enqueue (aw, item);
    }
    return NULL;
}

/* Waits for DONE. */
static int wait_done (struct aw_connection *aw, uint32_t number, double timeout)
{
    struct aw_packet packet;
    struct queued *item = wait_packet (aw, number, limit_of (timeout), &packet);
    int rc = 0;

    if (!item)
        return -1;
    if (packet.flags & AW_PACKET_ERROR) {
        rc = fail (aw, EINVAL, "%.*s", (int)packet.data.size, packet.data.text);
        aw->long_error = strndup (packet.data.text, packet.data.size);
        errno = EINVAL;
    }
    free (item);
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
                     "this process is not a task of a running workflow: " AW_PACKET_LAUNCH
                     " is not set");
    return 0;
}

static int connect_to (struct aw_connection *aw, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int rc = -1;

    if (strlen (path) >= sizeof (address.sun_path))
        return fail (NULL, ENOTCONN, "%s: this path is too long for a socket", path);
    strcpy (address.sun_path, path);
    aw->fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    while (aw->fd >= 0 && rc < 0
           && (rc = connect (aw->fd, (struct sockaddr *)&address, sizeof (address))) < 0
           && errno == EINTR)
        ;
    if (rc < 0)
        return fail (NULL, errno == EACCES ? EACCES : ENOTCONN, "%s: %s", path, strerror (errno));
    return 0;
}

static int say_hello (struct aw_connection *aw, const char *token)
{
    struct aw_packet hello = { .kind = AW_PACKET_HELLO, .data = aw_piece_of (token) };

    if (find_task (&hello.number, &hello.attempt) < 0)
        return -1;
    if (send_packet (aw, &hello, 0) < 0 || wait_done (aw, 0, OPEN_SECONDS) < 0)
        return fail (NULL, errno == EINVAL ? EACCES : errno, "%s", aw->error);
    return 0;
}

struct aw_connection *aw_open (void)
{
    const char *path = getenv (AW_PACKET_SOCKET), *token = getenv (AW_PACKET_TOKEN);
    struct aw_connection *aw;
    const char *job;
    int saved;

    if (aw_packet_other_job (&job)) {
        fail (NULL, ENOTCONN,
              "this process is in another job than the workflow, job %s: where its job was "
              "submitted, give sbatch --export=NONE",
              job);
        return NULL;
    }
    if (!path || !*path || !token) {
        fail (NULL, ENOTCONN,
              "this process is not a task of a running workflow: " AW_PACKET_SOCKET " is not set");
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
        struct queued *item = aw->first;

        aw->first = item->next;
        free (item);
    }
    if (aw->fd >= 0)
        close (aw->fd);
    free (aw->shown);
    free (aw->packet);
    free (aw->long_error);
    free (aw);
    errno = saved;
}

/*
 * Sending
 */

/* Is NAME valid for a topic, or a group (WHOSE)? */
static int check_name (struct aw_connection *aw, const char *name, const char *whose)
{
    if (name && aw_topic_is_good (name, strlen (name)))
        return 0;
    return fail (aw, EINVAL,
                 "the name of a %s has at most %d letters, digits, \"_\", \"-\" and \".\", and "
                 "begins with a letter, a digit or \"_\"",
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

/* Asks for more messages where few are still to come. */
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

/* Tells the pool that nobody waits here: the next message of a shared group goes to another
 * receiver. Returns -1 with ETIMEDOUT.
 */
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

/* Fills MESSAGE from PACKET, which points into ITEM. */
static void show (struct aw_connection *aw,
                  struct queued *item,
                  const struct aw_packet *packet,
                  struct aw_message *message)
{
    char *sender = aw->names + packet->topic.size + 1;

    free (aw->shown);
    aw->shown = item;
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

/* Waits for a message for NUMBER. 0, or -1 with errno. */
static int wait_message (struct aw_connection *aw,
                         uint32_t number,
                         double timeout,
                         struct aw_message *message)
{
    struct aw_packet packet;
    struct queued *item = wait_packet (aw, number, limit_of (timeout), &packet);

    if (!item)
        return -1;
    if (packet.flags & AW_PACKET_ERROR) {
        fail (aw, EINVAL, "%.*s", (int)packet.data.size, packet.data.text);
        free (item);
        return -1;
    }
    show (aw, item, &packet, message);
    return 0;
}

int aw_receive (struct aw_connection *aw,
                const char *topic,
                const char *group,
                double timeout,
                struct aw_message *message)
{
    struct receiver *r;

    if (check_name (aw, topic, "topic") < 0 || (group && check_name (aw, group, "group") < 0))
        return -1;
    r = find_receiver (aw, topic, group ? group : "");
    if (!r || acknowledge (aw, r) < 0 || ask (aw, r) < 0)
        return -1;
    if (wait_message (aw, r->number, timeout, message) < 0)
        return errno == ETIMEDOUT ? withdraw (aw, r) : -1;
    r->credit -= r->credit > 0;
    r->given++;
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

    if (check (aw, topic, size) < 0)
        return -1;
    packet.number = ++aw->last_number;
    if (send_packet (aw, &packet, 0) < 0)
        return -1;
    return wait_message (aw, packet.number, timeout, answer);
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
        return fail (aw, EINVAL, "the sender of this message does not wait for an answer");
    if (size > AW_MESSAGE_MAX)
        return fail (aw, EMSGSIZE, "%zu bytes: a message has at most %d", size, AW_MESSAGE_MAX);
    return send_packet (aw, &packet, 0);
}

/*
 * Changing the workflow
 */

int aw_add (struct aw_connection *aw, const char *text, size_t size, double timeout)
{
    struct aw_packet packet = { .kind = AW_PACKET_ADD, .number = ++aw->last_number };

    if (size > AW_ADD_MAX)
        return fail (aw, EMSGSIZE, "%zu bytes: an addition has at most %d", size, AW_ADD_MAX);
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

    if (packet.data.size > AW_TASKS_MAX)
        return fail (aw, EMSGSIZE, "%zu characters: the name of tasks has at most %d",
                     packet.data.size, AW_TASKS_MAX);
    return send_packet (aw, &packet, 0) < 0 ? -1 : wait_done (aw, packet.number, timeout);
}
