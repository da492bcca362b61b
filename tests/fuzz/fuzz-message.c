/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: packets from a task, frames from an agent. The first byte says which the rest is. What
 * is understood is written as what is understood again, with the same data.
 */
#include <string.h>

#include "fuzz.h"
#include "io/json_string.h"
#include "io/message_frame.h"
#include "util/packet.h"

/* A new kind does not build until it is added here, with an example in the corpus. */
static bool is_known (enum aw_packet_kind kind)
{
    switch (kind) {
    case AW_PACKET_HELLO:
    case AW_PACKET_PUBLISH:
    case AW_PACKET_REQUEST:
    case AW_PACKET_RECEIVE:
    case AW_PACKET_ACK:
    case AW_PACKET_REPLY:
    case AW_PACKET_SYNC:
    case AW_PACKET_ADD:
    case AW_PACKET_CANCEL:
    case AW_PACKET_MESSAGE:
    case AW_PACKET_ANSWER:
    case AW_PACKET_DONE:
    case AW_PACKET_CLOSE:
    case AW_PACKET_ACCEPTED:
    case AW_PACKET_ADMIT:
    case AW_PACKET_DISMISS:
    case AW_PACKET_WAIT:
    case AW_PACKET_LOOK:
    case AW_PACKET_SUBMIT:
    case AW_PACKET_STATES:
    case AW_PACKET_AWAIT:
    case AW_PACKET_RESULT:
    case AW_PACKET_LIST:
        return true;
    case AW_PACKET_KINDS:
        break;
    }
    return false;
}

static void check_names (const struct aw_packet *packet)
{
    RULE (is_known (packet->kind));
    RULE (packet->topic.size <= AW_TOPIC_MAX && packet->group.size <= AW_TOPIC_MAX);
}

static void check_packet (const char *buf, size_t size)
{
    static char again[AW_PACKET_MAX];
    struct aw_packet packet, second;
    size_t head;

    if (aw_packet_read (&packet, buf, size) < 0)
        return;
    check_names (&packet);
    if (packet.data.size > AW_MESSAGE_MAX || !(head = aw_packet_put_head (&packet, again)))
        return;
    RULE (head + packet.data.size <= sizeof (again));
    if (packet.data.size)
        memcpy (again + head, packet.data.text, packet.data.size);
    RULE (aw_packet_read (&second, again, head + packet.data.size) == 0);
    RULE (second.kind == packet.kind && second.number == packet.number && second.seq == packet.seq
          && second.data.size == packet.data.size);
}

static void check_frame (const char *line, size_t size)
{
    struct aw_textbuf data = { 0 }, again = { 0 }, once = { 0 };
    struct aw_error err = { "" };
    struct aw_packet packet, second;

    (void)aw_message_frame_is (line, size);
    if (aw_message_frame_read (&packet, line, size, &err) < 0) {
        RULE (err.text[0]);
        return;
    }
    check_names (&packet);
    if (aw_json_get_bytes (&data, packet.data.text, packet.data.size) == 0) {
        RULE (aw_message_frame_put (&again, &packet, true) == 0);
        RULE (again.len > 0 && again.data[again.len - 1] == '\n');
        RULE (aw_message_frame_is (again.data, again.len - 1));
        if (aw_message_frame_read (&second, again.data, again.len - 1, &err) == 0) {
            RULE (aw_json_get_bytes (&once, second.data.text, second.data.size) == 0);
            RULE (once.len == data.len && (!data.len || !memcmp (once.data, data.data, data.len)));
        }
    }
    aw_textbuf_finish (&data);
    aw_textbuf_finish (&again);
    aw_textbuf_finish (&once);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *own;

    if (size < 1)
        return 0;
    own = malloc (size); /* of its own size, so that reading beyond it is seen */
    RULE (own);
    memcpy (own, data + 1, size - 1);
    own = realloc (own, size > 1 ? size - 1 : 1);
    if (data[0] & 1)
        check_packet (own, size - 1);
    else
        check_frame (own, size - 1);
    free (own);
    return 0;
}
