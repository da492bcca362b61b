/* SPDX-License-Identifier: Apache-2.0 */
#include "io/message_frame.h"

#include <errno.h>
#include <string.h>

#include "io/json_string.h"

#define BEGIN "{\"message\":\""

static const char *const kinds[AW_PACKET_KINDS] = {
    [AW_PACKET_HELLO] = "hello",     [AW_PACKET_PUBLISH] = "publish",
    [AW_PACKET_REQUEST] = "request", [AW_PACKET_RECEIVE] = "receive",
    [AW_PACKET_ACK] = "ack",         [AW_PACKET_REPLY] = "reply",
    [AW_PACKET_SYNC] = "sync",       [AW_PACKET_ADD] = "add",
    [AW_PACKET_CANCEL] = "cancel",   [AW_PACKET_MESSAGE] = "message",
    [AW_PACKET_ANSWER] = "answer",   [AW_PACKET_DONE] = "done",
    [AW_PACKET_CLOSE] = "close",     [AW_PACKET_ACCEPTED] = "accepted",
    [AW_PACKET_ADMIT] = "admit",     [AW_PACKET_DISMISS] = "dismiss",
    [AW_PACKET_WAIT] = "wait",       [AW_PACKET_LOOK] = "look",
    [AW_PACKET_SUBMIT] = "submit",   [AW_PACKET_STATES] = "states",
    [AW_PACKET_AWAIT] = "await",     [AW_PACKET_RESULT] = "result",
    [AW_PACKET_LIST] = "list",
};

bool aw_message_frame_is (const char *line, size_t size)
{
    return size >= sizeof (BEGIN) - 1 && memcmp (line, BEGIN, sizeof (BEGIN) - 1) == 0;
}

static void put_number (struct aw_textbuf *text, const char *key, uint64_t value)
{
    if (value) {
        aw_textbuf_puts (text, key);
        aw_textbuf_u64 (text, value);
    }
}

static void put_piece (struct aw_textbuf *text, const char *key, const struct aw_piece *piece)
{
    if (piece->size) {
        aw_textbuf_puts (text, key);
        aw_json_put_bytes (text, piece->text, piece->size);
        aw_textbuf_putc (text, '"');
    }
}

/* All up to the receiver's number. */
static void put_route (struct aw_textbuf *text, const struct aw_packet *packet)
{
    aw_textbuf_puts (text, BEGIN);
    aw_textbuf_puts (text, kinds[packet->kind]);
    aw_textbuf_putc (text, '"');
    put_number (text, ",\"flags\":", packet->flags);
    put_number (text, ",\"conn\":", packet->conn);
    put_number (text, ",\"number\":", packet->number);
    put_piece (text, ",\"topic\":\"", &packet->topic);
}

static int end (struct aw_textbuf *text, size_t start)
{
    aw_textbuf_puts (text, "}\n");
    if (!text->failed)
        return 0;
    text->failed = false;
    text->len = start;
    errno = ENOMEM;
    return -1;
}

int aw_message_frame_put (struct aw_textbuf *text, const struct aw_packet *packet, bool escaped)
{
    size_t start = text->len;

    put_route (text, packet);
    put_piece (text, ",\"group\":\"", &packet->group);
    put_piece (text, ",\"sender\":\"", &packet->sender);
    put_number (text, ",\"task\":", packet->task);
    put_number (text, ",\"attempt\":", packet->attempt);
    put_number (text, ",\"seq\":", packet->seq);
    put_number (text, ",\"reply\":", packet->reply);
    if (!escaped)
        put_piece (text, ",\"data\":\"", &packet->data);
    else if (packet->data.size) {
        aw_textbuf_puts (text, ",\"data\":\"");
        aw_textbuf_put (text, packet->data.text, packet->data.size);
        aw_textbuf_putc (text, '"');
    }
    return end (text, start);
}

int aw_message_frame_put_rest (struct aw_textbuf *text,
                               const struct aw_packet *packet,
                               const char *rest,
                               size_t size)
{
    size_t start = text->len;

    put_route (text, packet);
    if (size > 2) {
        aw_textbuf_putc (text, ',');
        aw_textbuf_put (text, rest + 1, size - 2);
    }
    return end (text, start);
}

/* A walk through an object: strings and whole numbers alone. */
struct walk {
    const char *at, *end;
};

static bool take (struct walk *w, char c)
{
    if (w->at == w->end || *w->at != c)
        return false;
    w->at++;
    return true;
}

/* A string as it stands between its quotes. */
static bool take_string (struct walk *w, struct aw_piece *piece)
{
    const char *p;

    if (!take (w, '"'))
        return false;
    for (p = w->at; p < w->end && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return false;
        if (*p == '\\' && ++p == w->end)
            return false;
    }
    if (p == w->end)
        return false;
    *piece = (struct aw_piece){ w->at, (size_t)(p - w->at) };
    w->at = p + 1;
    return true;
}

static bool take_number (struct walk *w, uint64_t *number)
{
    const char *start = w->at;

    *number = 0;
    for (; w->at < w->end && *w->at >= '0' && *w->at <= '9'; w->at++) {
        if (*number > (UINT64_MAX - 9) / 10)
            return false;
        *number = 10 * *number + (uint64_t)(*w->at - '0');
    }
    return w->at > start;
}

enum key { FLAGS, CONN, NUMBER, TOPIC, GROUP, SENDER, TASK, ATTEMPT, SEQ, REPLY, AT, DATA, KEYS };

static const char *const keys[KEYS] = {
    [FLAGS] = "flags", [CONN] = "conn",     [NUMBER] = "number", [TOPIC] = "topic",
    [GROUP] = "group", [SENDER] = "sender", [TASK] = "task",     [ATTEMPT] = "attempt",
    [SEQ] = "seq",     [REPLY] = "reply",   [AT] = "at",         [DATA] = "data",
};

static bool is_key (const struct aw_piece *name, const char *key)
{
    return name->size == strlen (key) && memcmp (name->text, key, name->size) == 0;
}

static int find_key (const struct aw_piece *name)
{
    for (int i = 0; i < KEYS; i++)
        if (is_key (name, keys[i]))
            return i;
    return -1;
}

/* The value of a member behind its colon. False: it is not as it must be. */
static bool read_member (struct walk *w, struct aw_packet *packet, int key)
{
    struct aw_piece *const pieces[KEYS] = {
        [TOPIC] = &packet->topic,
        [GROUP] = &packet->group,
        [SENDER] = &packet->sender,
        [DATA] = &packet->data,
    };
    uint32_t *const numbers[KEYS] = {
        [FLAGS] = &packet->flags, [CONN] = &packet->conn,       [NUMBER] = &packet->number,
        [TASK] = &packet->task,   [ATTEMPT] = &packet->attempt,
    };
    uint64_t value;

    if (pieces[key])
        return take_string (w, pieces[key])
               && (key == DATA || !memchr (pieces[key]->text, '\\', pieces[key]->size));
    if (!take_number (w, &value) || (numbers[key] && value > UINT32_MAX))
        return false;
    if (numbers[key])
        *numbers[key] = (uint32_t)value;
    else if (key == SEQ)
        packet->seq = value;
    else if (key == AT)
        packet->at = value;
    else
        packet->reply = value;
    return true;
}

/* Members up to the brace that ends the object and the line. */
static int read_members (struct walk *w, struct aw_packet *packet, struct aw_error *err)
{
    unsigned seen = 0;

    for (;;) {
        struct aw_piece name;
        int key;

        if (!take_string (w, &name) || !take (w, ':'))
            return aw_error_set (err, "a message frame that is not a JSON object");
        key = find_key (&name);
        if (key < 0 || seen & (1u << key) || !read_member (w, packet, key))
            return aw_error_set (err, "a message frame with a wrong member \"%.*s\"",
                                 name.size < 20 ? (int)name.size : 20, name.text);
        seen |= 1u << key;
        if (!take (w, ','))
            break;
    }
    return 0;
}

static int check (const struct walk *w, const struct aw_packet *packet, struct aw_error *err)
{
    if (w->at != w->end)
        return aw_error_set (err, "a message frame with something after its end");
    if (packet->topic.size > AW_TOPIC_MAX || packet->group.size > AW_TOPIC_MAX
        || packet->sender.size > AW_SENDER_MAX)
        return aw_error_set (err, "a message frame with a name that is too long");
    return 0;
}

int aw_message_frame_read (struct aw_packet *packet,
                           const char *line,
                           size_t size,
                           struct aw_error *err)
{
    struct walk w = { line, line + size };
    struct aw_piece name;

    *packet = (struct aw_packet){ .kind = AW_PACKET_KINDS };
    if (!take (&w, '{') || !take_string (&w, &name) || !is_key (&name, "message") || !take (&w, ':')
        || !take_string (&w, &name))
        return aw_error_set (err, "a message frame without its kind");
    for (int i = AW_PACKET_HELLO; i < AW_PACKET_KINDS; i++)
        if (is_key (&name, kinds[i]))
            packet->kind = (enum aw_packet_kind)i;
    if (packet->kind == AW_PACKET_KINDS)
        return aw_error_set (err, "a message frame of an unknown kind");
    if (take (&w, ',') && read_members (&w, packet, err) < 0)
        return -1;
    if (!take (&w, '}'))
        return aw_error_set (err, "a message frame that does not end");
    return check (&w, packet, err);
}

int aw_message_frame_read_rest (struct aw_packet *packet,
                                const char *text,
                                size_t size,
                                struct aw_error *err)
{
    struct walk w = { text, text + size };

    *packet = (struct aw_packet){ .kind = AW_PACKET_MESSAGE };
    if (!take (&w, '{'))
        return aw_error_set (err, "a message that is not a JSON object");
    if (take (&w, '}'))
        return check (&w, packet, err);
    if (read_members (&w, packet, err) < 0)
        return -1;
    if (!take (&w, '}'))
        return aw_error_set (err, "a message that does not end");
    return check (&w, packet, err);
}
