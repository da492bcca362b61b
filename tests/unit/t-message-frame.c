/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as packets (task and agent) and as frames (agent and coordinator). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "io/json_string.h"
#include "io/message_frame.h"
#include "util/packet.h"

static void wrong_frames_are_refused (void **state)
{
    static const char *const table[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"message\":\"publish\"",
        "{\"message\":\"boo\"}",
        "{\"message\":3}",
        "{\"messages\":\"publish\"}",
        "{\"message\":\"publish\"}}",
        "{\"message\":\"publish\"} ",
        "{\"message\":\"publish\",}",
        "{\"message\":\"publish\",\"conn\":}",
        "{\"message\":\"publish\",\"conn\":\"1\"}",
        "{\"message\":\"publish\",\"conn\":-1}",
        "{\"message\":\"publish\",\"conn\":4294967296}",
        "{\"message\":\"publish\",\"seq\":99999999999999999999}",
        "{\"message\":\"publish\",\"conn\":1,\"conn\":2}",
        "{\"message\":\"publish\",\"boo\":1}",
        "{\"message\":\"publish\",\"topic\":1}",
        "{\"message\":\"publish\",\"topic\":\"a}",
        "{\"message\":\"publish\",\"topic\":\"a\\u0062\"}",
        "{\"message\":\"publish\",\"data\":\"a\nb\"}",
        "{\"message\":\"publish\",\"data\":\"a\\\"}",
        "{\"message\":\"publish\" \"data\":\"a\"}",
        "{\"message\":\"publish\",\"data\":\"a\"",
        ("{\"message\":\"publish\",\"topic\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "a\"}"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        size_t size = strlen (table[i]);
        char *line = malloc (size + 1); /* of its own size, for the sanitizer to watch */
        struct aw_packet packet;
        struct aw_error err = { "" };

        memcpy (line, table[i], size);
        if (aw_message_frame_read (&packet, line, size, &err) == 0)
            fail_msg ("taken: %s", table[i]);
        assert_true (strstr (err.text, "message frame"));
        free (line);
    }
}

static struct aw_piece random_name (char *buf, size_t most)
{
    size_t n = (size_t)rand () % most;

    for (size_t i = 0; i < n; i++)
        buf[i] = "abcXYZ019_-."[(i == 0 ? rand () % 10 : rand () % 12)];
    return (struct aw_piece){ buf, n };
}

static void assert_pieces (const struct aw_piece *a, const struct aw_piece *b)
{
    assert_int_equal (a->size, b->size);
    if (a->size)
        assert_memory_equal (a->text, b->text, a->size);
}

static struct aw_packet random_packet (char names[3][200], char *data)
{
    struct aw_packet packet = {
        .kind =
            (enum aw_packet_kind) (AW_PACKET_HELLO + rand () % (AW_PACKET_KINDS - AW_PACKET_HELLO)),
        .flags = (unsigned)rand () % 8,
        .attempt = (uint32_t)rand () % 3,
        .number = (uint32_t)rand (),
        .seq = rand () % 2 ? (uint64_t)rand () << 32 : 0,
        .reply = rand () % 2 ? UINT64_MAX / 16 : 0,
        .topic = random_name (names[0], AW_TOPIC_MAX + 1),
        .group = random_name (names[1], AW_TOPIC_MAX + 1),
        .sender = random_name (names[2], AW_SENDER_MAX + 1),
        .data = { data, (size_t)rand () % 300 },
    };

    for (size_t i = 0; i < packet.data.size; i++)
        data[i] = (char)rand ();
    return packet;
}

/* What is written is read back, as a frame and as a packet. */
static void what_is_written_is_read_back (void **state)
{
    struct aw_textbuf text = { 0 }, plain = { 0 };
    unsigned seed = (unsigned)time (NULL);
    char names[3][200], data[300], buf[AW_PACKET_MAX];

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    for (int i = 0; i < 2000; i++) {
        struct aw_packet packet = random_packet (names, data), back;
        struct aw_error err = { "" };
        size_t size;

        text.len = 0;
        packet.conn = (uint32_t)rand () % 2;
        packet.task = (uint32_t)rand () % 2;
        assert_int_equal (aw_message_frame_put (&text, &packet, false), 0);
        assert_true (aw_message_frame_is (text.data, text.len));
        assert_ptr_equal (memchr (text.data, '\n', text.len), text.data + text.len - 1);
        if (aw_message_frame_read (&back, text.data, text.len - 1, &err) < 0)
            fail_msg ("%s: %.*s", err.text, (int)text.len, text.data);
        assert_int_equal (aw_json_get_bytes (&plain, back.data.text, back.data.size), 0);
        back.data = (struct aw_piece){ plain.data, plain.len };
        for (int way = 0; way < 2; way++) {
            assert_int_equal (back.kind, packet.kind);
            assert_int_equal (back.flags, packet.flags);
            assert_int_equal (back.conn, packet.conn);
            assert_int_equal (back.task, packet.task);
            assert_int_equal (back.attempt, packet.attempt);
            assert_int_equal (back.number, packet.number);
            assert_true (back.seq == packet.seq && back.reply == packet.reply);
            assert_pieces (&back.topic, &packet.topic);
            assert_pieces (&back.group, &packet.group);
            assert_pieces (&back.sender, &packet.sender);
            assert_pieces (&back.data, &packet.data);
            packet.conn = packet.task = 0; /* they do not go over the socket */
            size = aw_packet_put_head (&packet, buf);
            assert_true (size >= AW_PACKET_HEAD);
            memcpy (buf + size, data, packet.data.size);
            assert_int_equal (aw_packet_read (&back, buf, size + packet.data.size), 0);
        }
    }
    aw_textbuf_finish (&text);
    aw_textbuf_finish (&plain);
}

/* Whatever is changed in a packet or cut off, nothing beyond it is read. */
static void nothing_beyond_a_damaged_packet_is_read (void **state)
{
    char names[3][200], data[300], buf[AW_PACKET_MAX];
    unsigned seed = (unsigned)time (NULL);
    struct aw_packet back;

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    for (int i = 0; i < 5000; i++) {
        struct aw_packet packet = random_packet (names, data);
        size_t size = aw_packet_put_head (&packet, buf), n;
        char *copy;

        memcpy (buf + size, data, packet.data.size);
        size += packet.data.size;
        n = rand () % 2 ? (size_t)rand () % size : size;
        copy = malloc (n + 1);
        memcpy (copy, buf, n);
        if (n == size)
            copy[(size_t)rand () % (n < 40 ? n : 40)] ^= (char)(1 << rand () % 8);
        if (aw_packet_read (&back, copy, n) == 0) {
            assert_int_equal (n, size);
            assert_ptr_equal (back.data.text + back.data.size, copy + n);
        }
        free (copy);
    }
}

static void what_does_not_fit_is_refused (void **state)
{
    static char data[AW_MESSAGE_MAX + 1];
    struct aw_packet packet = { .kind = AW_PACKET_PUBLISH, .data = { data, AW_MESSAGE_MAX } };
    char buf[AW_PACKET_MAX];

    (void)state;
    assert_int_equal (aw_packet_put_head (&packet, buf), AW_PACKET_HEAD);
    packet.data.size++;
    assert_int_equal (aw_packet_put_head (&packet, buf), 0);
    packet.data.size = 0;
    packet.topic = (struct aw_piece){ data, AW_TOPIC_MAX + 1 };
    assert_int_equal (aw_packet_put_head (&packet, buf), 0);
}

static void names_of_topics_are_checked (void **state)
{
    static const struct {
        const char *name;
        bool good;
    } table[] = {
        { "frames", true },    { "a", true },    { "A-b_c.9", true }, { "_x", true },
        { "0", true },         { "", false },    { "-a", false },     { ".a", false },
        { "a/b", false },      { "a b", false }, { "a\n", false },    { "a\"", false },
        { "\xc3\xa4", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        assert_int_equal (aw_topic_is_good (table[i].name, strlen (table[i].name)), table[i].good);
}

/* Lines of logs: the members behind the receiver's are taken over as they stand. */
static void members_behind_the_receiver_are_taken_over (void **state)
{
    static const char line[] =
        "{\"sender\":\"a[0]\",\"attempt\":1,\"seq\":7,\"at\":5,\"data\":\"x\\u0022\"}";
    struct aw_packet packet = { .kind = AW_PACKET_MESSAGE, .conn = 3, .number = 2 }, back;
    struct aw_textbuf text = { 0 };
    struct aw_error err;

    (void)state;
    packet.topic = aw_piece_of ("t");
    assert_int_equal (aw_message_frame_put_rest (&text, &packet, line, sizeof (line) - 1), 0);
    assert_int_equal (aw_message_frame_read (&back, text.data, text.len - 1, &err), 0);
    assert_int_equal (back.conn, 3);
    assert_int_equal (back.number, 2);
    assert_int_equal (back.seq, 7);
    assert_int_equal (back.at, 5);
    assert_int_equal (back.data.size, 7);
    assert_int_equal (aw_message_frame_read_rest (&back, line, sizeof (line) - 1, &err), 0);
    assert_int_equal (back.attempt, 1);
    assert_int_equal (aw_message_frame_read_rest (&back, line, sizeof (line) - 2, &err), -1);
    assert_int_equal (aw_json_get_bytes (&text, "\\u00", 4), -1);
    assert_int_equal (aw_json_get_bytes (&text, "\\n", 2), -1);
    aw_textbuf_finish (&text);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_frames_are_refused),
        cmocka_unit_test (what_does_not_fit_is_refused),
        cmocka_unit_test (names_of_topics_are_checked),
        cmocka_unit_test (what_is_written_is_read_back),
        cmocka_unit_test (nothing_beyond_a_damaged_packet_is_read),
        cmocka_unit_test (members_behind_the_receiver_are_taken_over),
    };

    return cmocka_run_group_tests_name ("message-frame", tests, NULL, NULL);
}
