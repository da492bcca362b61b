/* SPDX-License-Identifier: Apache-2.0 */
#include "client/receive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Messages that a receiver asks for in advance. In a shared group each message must go to a
 * receiver that waits for it.
 */
enum { CREDIT_OWN = 32, CREDIT_SHARED = 1 };

/* The pool hears of a wait without a time limit when it has lasted this long: most end before. */
static const double QUIET_SECONDS = 1;

int aw_client_check_name (struct aw_connection *aw, const char *name, const char *whose)
{
    if (name && aw_topic_is_good (name, strlen (name)))
        return 0;
    return aw_client_fail (
        aw, EINVAL,
        "the name of a %s has at most %d letters, digits, \"_\", \"-\" and \".\", and "
        "begins with a letter, a digit or \"_\"",
        whose, AW_TOPIC_MAX);
}

int aw_client_acknowledge (struct aw_connection *aw, struct receiver *r)
{
    const struct aw_packet ack = { .kind = AW_PACKET_ACK, .number = r->number, .seq = r->given };

    if (r->given == r->acked)
        return 0;
    r->acked = r->given;
    return aw_client_send_packet (aw, &ack, 0);
}

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
        aw_client_fail (aw, ENOMEM, "out of memory");
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
    return aw_client_send_packet (aw, &packet, 0);
}

/* Tells the pool that nobody waits here: the next message of a shared group goes to another
 * receiver.
 */
static void withdraw (struct aw_connection *aw, struct receiver *r)
{
    const struct aw_packet packet = { .kind = AW_PACKET_RECEIVE,
                                      .number = r->number,
                                      .topic = aw_piece_of (r->topic),
                                      .group = aw_piece_of (r->group) };

    if (r->group[0] && aw_client_send_packet (aw, &packet, 0) == 0)
        r->credit = 0;
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

/* Waits for a packet without a limit. */
static struct queued *wait_for_ever (struct aw_connection *aw,
                                     uint32_t number,
                                     uint64_t seq,
                                     struct aw_packet *packet)
{
    const struct aw_packet waits = { .kind = AW_PACKET_WAIT, .number = number, .seq = seq };
    struct queued *item = aw_client_wait_packet (aw, number, QUIET_SECONDS, packet);

    if (item || errno != ETIMEDOUT || aw_client_send_packet (aw, &waits, 0) < 0)
        return item;
    return aw_client_wait_packet (aw, number, -1, packet);
}

int aw_client_wait_message (struct aw_connection *aw,
                            uint32_t number,
                            uint64_t seq,
                            double timeout,
                            struct aw_message *message)
{
    struct aw_packet packet;
    struct queued *item = timeout < 0 ? wait_for_ever (aw, number, seq, &packet)
                                      : aw_client_wait_packet (aw, number, timeout, &packet);

    if (!item)
        return -1;
    if (packet.flags & AW_PACKET_ERROR) {
        aw_client_fail (aw, packet.flags & AW_PACKET_STUCK ? EDEADLK : EINVAL, "%.*s",
                        (int)packet.data.size, packet.data.text);
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

    if (aw_client_check_name (aw, topic, "topic") < 0
        || (group && aw_client_check_name (aw, group, "group") < 0))
        return -1;
    r = find_receiver (aw, topic, group ? group : "");
    if (!r || aw_client_acknowledge (aw, r) < 0 || ask (aw, r) < 0)
        return -1;
    if (aw_client_wait_message (aw, r->number, r->given, timeout, message) < 0) {
        int saved = errno;

        if (saved == ETIMEDOUT || saved == EDEADLK)
            withdraw (aw, r);
        if (saved == ETIMEDOUT)
            return aw_client_fail (aw, ETIMEDOUT, "timed out");
        errno = saved;
        return -1;
    }
    r->credit -= r->credit > 0;
    r->given++;
    return 0;
}
