/* SPDX-License-Identifier: Apache-2.0 */
#include "util/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As it goes over the socket. */
struct head {
    uint8_t kind;
    uint8_t flags;
    uint16_t topic, group, sender; /* sizes */
    uint32_t number;
    uint32_t attempt;
    uint32_t size; /* of the data */
    uint32_t none; /* 0 */
    uint64_t seq;
    uint64_t reply;
};

_Static_assert(sizeof (struct head) == AW_PACKET_HEAD, "the head has no holes");

struct aw_piece aw_piece_of (const char *text)
{
    return (struct aw_piece){ text, text ? strlen (text) : 0 };
}

bool aw_topic_is_results (const char *text, size_t size)
{
    const size_t length = sizeof (AW_TOPIC_RESULTS) - 1;

    return size > length && memcmp (text + size - length, AW_TOPIC_RESULTS, length) == 0;
}

bool aw_topic_is_good (const char *text, size_t size)
{
    if (size == 0 || size > AW_TOPIC_MAX || text[0] == '-' || text[0] == '.')
        return false;
    if (aw_topic_is_results (text, size))
        size -= sizeof (AW_TOPIC_RESULTS) - 1;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
              || c == '-' || c == '.'))
            return false;
    }
    return true;
}

static char *put (char *to, const struct aw_piece *piece)
{
    if (piece->size)
        memcpy (to, piece->text, piece->size);
    return to + piece->size;
}

size_t aw_packet_put_head (const struct aw_packet *packet, char *buf)
{
    struct head head = {
        .kind = (uint8_t)packet->kind,
        .flags = (uint8_t)packet->flags,
        .topic = (uint16_t)packet->topic.size,
        .group = (uint16_t)packet->group.size,
        .sender = (uint16_t)packet->sender.size,
        .number = packet->number,
        .attempt = packet->attempt,
        .size = (uint32_t)packet->data.size,
        .seq = packet->seq,
        .reply = packet->reply,
    };
    char *end;

    if (packet->topic.size > AW_TOPIC_MAX || packet->group.size > AW_TOPIC_MAX
        || packet->sender.size > AW_SENDER_MAX || packet->data.size > AW_MESSAGE_MAX)
        return 0;
    memcpy (buf, &head, sizeof (head));
    end = put (buf + sizeof (head), &packet->topic);
    end = put (end, &packet->group);
    end = put (end, &packet->sender);
    return (size_t)(end - buf);
}

int aw_packet_read (struct aw_packet *packet, const char *buf, size_t size)
{
    struct head head;
    const char *text = buf + sizeof (head);

    errno = EPROTO;
    if (size < sizeof (head))
        return -1;
    memcpy (&head, buf, sizeof (head));
    if (head.kind < AW_PACKET_HELLO || head.kind >= AW_PACKET_KINDS || head.topic > AW_TOPIC_MAX
        || head.group > AW_TOPIC_MAX || head.sender > AW_SENDER_MAX || head.size > AW_MESSAGE_MAX
        || size != sizeof (head) + head.topic + head.group + head.sender + head.size)
        return -1;
    *packet = (struct aw_packet){
        .kind = (enum aw_packet_kind)head.kind,
        .flags = head.flags,
        .attempt = head.attempt,
        .number = head.number,
        .seq = head.seq,
        .reply = head.reply,
        .topic = { text, head.topic },
        .group = { text + head.topic, head.group },
        .sender = { text + head.topic + head.group, head.sender },
        .data = { text + head.topic + head.group + head.sender, head.size },
    };
    return 0;
}

bool aw_packet_other_job (const char **job)
{
    const char *own = getenv ("SLURM_JOB_ID"), *id = getenv (AW_PACKET_ID);

    *job = getenv (AW_PACKET_JOB);
    return *job && own && strcmp (*job, own) != 0 && !(id && strcmp (id, own) == 0);
}
