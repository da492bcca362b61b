/* SPDX-License-Identifier: Apache-2.0 */
#include "client/packets.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static char open_error[1024];

__attribute__ ((format (printf, 3, 4))) int aw_client_fail (struct aw_connection *aw,
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
            return aw_client_fail (aw, errno, "poll: %s", strerror (errno));
        if (!isinf (limit) && now () >= limit)
            return aw_client_fail (aw, ETIMEDOUT, "timed out");
    }
}

/* The connection cannot be used any more. */
static int broken (struct aw_connection *aw, int error)
{
    if (error == 0 || error == EPIPE || error == ECONNRESET)
        return aw_client_fail (aw, EPIPE, "the pool has closed the connection");
    return aw_client_fail (aw, error, "%s", strerror (error));
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
                aw_client_fail (aw, ENOMEM, "out of memory");
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
            aw_client_fail (aw, EIO, "%.*s", (int)packet.data.size, packet.data.text);
            free (item);
            errno = EIO;
            return -1;
        }
        enqueue (aw, item);
    }
    return errno == ETIMEDOUT ? 0 : -1;
}

int aw_client_send_packet (struct aw_connection *aw, const struct aw_packet *packet, int flags)
{
    char head[AW_PACKET_MAX - AW_MESSAGE_MAX];
    struct iovec parts[2] = { { head, aw_packet_put_head (packet, head) },
                              { (void *)(uintptr_t)packet->data.text, packet->data.size } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = packet->data.size ? 2 : 1 };

    if (!parts[0].iov_len)
        return aw_client_fail (aw, EMSGSIZE, "the packet is too long");
    for (;;) {
        if (sendmsg (aw->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EAGAIN && flags & AW_NOWAIT)
            return aw_client_fail (aw, EAGAIN, "the pool accepts no more messages at the moment");
        if (errno == EAGAIN) {
            if (wait_for (aw, POLLOUT, INFINITY) < 0 || check_refusal (aw) < 0)
                return -1;
            continue;
        }
        if (errno != EINTR)
            return broken (aw, errno);
    }
}

int aw_client_send_parts (struct aw_connection *aw,
                          const struct aw_packet *packet,
                          const char *text,
                          size_t size)
{
    struct aw_packet part = *packet;

    do {
        size_t n = size < AW_MESSAGE_MAX ? size : AW_MESSAGE_MAX;

        part.data = (struct aw_piece){ text, n };
        part.flags = n < size ? AW_PACKET_MORE : 0;
        if (aw_client_send_packet (aw, &part, 0) < 0)
            return -1;
        text += n;
        size -= n;
    } while (size > 0);
    return 0;
}

struct queued *aw_client_wait_packet (struct aw_connection *aw,
                                      uint32_t number,
                                      double timeout,
                                      struct aw_packet *packet)
{
    const double limit = limit_of (timeout);
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

struct queued *aw_client_wait_answer (struct aw_connection *aw,
                                      uint32_t number,
                                      double timeout,
                                      struct aw_packet *packet)
{
    struct queued *item = aw_client_wait_packet (aw, number, timeout, packet);

    if (!item || !(packet->flags & AW_PACKET_ERROR))
        return item;
    aw_client_fail (aw, EINVAL, "%.*s", (int)packet->data.size, packet->data.text);
    aw->long_error = strndup (packet->data.text, packet->data.size);
    free (item);
    errno = EINVAL;
    return NULL;
}

int aw_client_wait_done (struct aw_connection *aw, uint32_t number, double timeout)
{
    struct aw_packet packet;
    struct queued *item = aw_client_wait_answer (aw, number, timeout, &packet);

    free (item);
    return item ? 0 : -1;
}
