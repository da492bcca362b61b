/* SPDX-License-Identifier: Apache-2.0 */
/* Strings in JSON: what is written can be read, by us and by json-c, and bytes come back as they
 * were.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "io/json_string.h"
#include "io/scan.h"
#include "util/utf8.h"

static void seed_random (void)
{
    unsigned seed = (unsigned)time (NULL);

    print_message ("# seed %u\n", seed);
    srand (seed);
}

/* Bytes, with those that need an escape more often than by chance. */
static size_t random_bytes (char *data, size_t most)
{
    static const char special[] = "\"\\\n\t\r\b\f/u0\x7f\x1f\x80\xc3\xa9\xed\xa0\xf4\x90\xff";
    size_t n = (size_t)rand () % (most + 1);

    for (size_t i = 0; i < n; i++)
        data[i] = rand () % 3 ? (char)rand () : special[(size_t)rand () % sizeof (special)];
    return n;
}

static void bytes_come_back (void **state)
{
    struct aw_textbuf text = { 0 }, back = { 0 };
    char data[300];

    (void)state;
    seed_random ();
    for (int i = 0; i < 20000; i++) {
        size_t n = random_bytes (data, sizeof (data));

        aw_textbuf_clear (&text);
        aw_json_put_bytes (&text, data, n);
        for (size_t k = 0; k < text.len; k++)
            assert_true ((unsigned char)text.data[k] >= 0x20 && text.data[k] != '"');
        assert_int_equal (aw_json_get_bytes (&back, text.data, text.len), 0);
        assert_int_equal (back.len, n);
        assert_true (n == 0 || memcmp (back.data, data, n) == 0);
    }
    aw_textbuf_finish (&text);
    aw_textbuf_finish (&back);
}

/* Of the codes 0 to 255 those that need it are escaped, in the one form that agents read. */
static void bytes_have_one_form (void **state)
{
    struct aw_textbuf text = { 0 };

    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c, expected[8] = { byte };

        if (c < 0x20 || c == '"' || c == '\\')
            snprintf (expected, sizeof (expected), "\\u%04x", (unsigned)c);
        aw_textbuf_clear (&text);
        aw_json_put_bytes (&text, &byte, 1);
        assert_int_equal (text.len, strlen (expected));
        assert_memory_equal (text.data, expected, text.len);
    }
    aw_textbuf_finish (&text);
}

/* One byte of each kind at each place of texts of each length: they are looked at in groups. */
static void a_byte_is_escaped_wherever_it_stands (void **state)
{
    static const unsigned char bytes[] = { 0,   1,    0x1f, ' ',  '!',  '"',  '#',
                                           '[', '\\', ']',  0x7e, 0x7f, 0x80, 0xff };
    struct aw_textbuf text = { 0 };

    (void)state;
    for (size_t size = 1; size <= 40; size++)
        for (size_t at = 0; at < size; at++)
            for (size_t b = 0; b < sizeof (bytes); b++) {
                bool escaped = bytes[b] < 0x20 || bytes[b] == '"' || bytes[b] == '\\';
                char data[40];

                memset (data, at % 2 ? 'a' : '#', sizeof (data));
                data[at] = (char)bytes[b];
                aw_textbuf_clear (&text);
                aw_json_put_bytes (&text, data, size);
                assert_int_equal (text.len, size + (escaped ? 5 : 0));
                assert_memory_equal (text.data, data, at);
                assert_int_equal (text.data[at], escaped ? '\\' : (char)bytes[b]);
                assert_memory_equal (text.data + at + (escaped ? 6 : 1), data + at + 1,
                                     size - at - 1);
            }
    aw_textbuf_finish (&text);
}

static void wrong_bytes (void **state)
{
    static const char *const table[] = { "\\",      "\\n",      "\\u00",
                                         "\\u00g0", "a\\u0100", "\\ud83d\\ude00",
                                         "ab\\x41" };
    struct aw_textbuf text = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        errno = 0;
        assert_int_equal (aw_json_get_bytes (&text, table[i], strlen (table[i])), -1);
        assert_int_equal (errno, EINVAL);
        assert_int_equal (text.len, 0); /* nothing half read */
    }
    aw_textbuf_finish (&text);
}

/* DATA with each byte that is not UTF-8 replaced. */
static size_t repair (const char *data, size_t size, char *out)
{
    size_t written = 0;

    for (size_t i = 0; i < size;) {
        size_t n = aw_utf8_length (data + i, size - i);

        memcpy (out + written, n ? data + i : "\xef\xbf\xbd", n ? n : 3);
        written += n ? n : 3;
        i += n ? n : 1;
    }
    out[written] = '\0';
    return written;
}

static void text_is_read_by_all (void **state)
{
    struct aw_textbuf text = { 0 };
    char data[201], repaired[700], decoded[1400];

    (void)state;
    seed_random ();
    for (int i = 0; i < 20000; i++) {
        size_t n = random_bytes (data, sizeof (data) - 1), size;
        struct json_object *value;
        char *p, *scanned;

        for (size_t k = 0; k < n; k++)
            if (!data[k])
                data[k] = 'x';
        data[n] = '\0';
        size = repair (data, n, repaired);
        aw_textbuf_clear (&text);
        aw_json_put_string (&text, data);
        aw_textbuf_putc (&text, '\0');
        assert_false (text.failed);
        value = json_tokener_parse (text.data);
        assert_string_equal (json_object_get_string (value), repaired);
        json_object_put (value);
        assert_int_equal (aw_json_unescape (text.data + 1, text.len - 3, decoded), size);
        assert_memory_equal (decoded, repaired, size);
        p = text.data;
        assert_int_equal (aw_scan_string (&p, &scanned), 0);
        assert_string_equal (scanned, repaired);
    }
    aw_textbuf_finish (&text);
}

static void all_characters (void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char escape[16], out[12], plain[4];
        uint32_t read;
        size_t size, n;

        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        if (c < 0x10000)
            size = (size_t)snprintf (escape, sizeof (escape), "\\u%04X", c);
        else
            size = (size_t)snprintf (escape, sizeof (escape), "\\u%04x\\u%04x",
                                     0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
        assert_int_equal (aw_json_read_escape (escape, size, &read), size);
        assert_int_equal (read, c);
        n = aw_utf8_put (c, plain);
        assert_int_equal (aw_utf8_length (plain, n), n);
        assert_int_equal (aw_json_unescape (escape, size, out), n);
        assert_memory_equal (out, plain, n);
        for (size_t cut = 0; cut < size; cut++)
            if (aw_json_read_escape (escape, cut, &read))
                fail_msg ("%.*s is an escape", (int)cut, escape);
    }
}

static void escapes (void **state)
{
    static const struct {
        const char *text;
        size_t length;
        uint32_t character;
    } table[] = {
        { "\\\"", 2, '"' },
        { "\\\\", 2, '\\' },
        { "\\/", 2, '/' },
        { "\\b", 2, '\b' },
        { "\\f", 2, '\f' },
        { "\\n", 2, '\n' },
        { "\\r", 2, '\r' },
        { "\\t", 2, '\t' },
        { "\\u00e9", 6, 0xe9 },
        { "\\ud83d", 0, 0 },
        { "\\ude00", 0, 0 },
        { "\\ud83d\\u0041", 0, 0 },
        { "\\ud83dabcdef", 0, 0 },
        { "\\a", 0, 0 },
        { "\\", 0, 0 },
        { "\\u12", 0, 0 },
        { "\\u 123", 0, 0 },
        { "\\U0041", 0, 0 },
        { "n", 0, 0 },
        { "", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        uint32_t character = 0;

        /* the NUL at its end is enough to stop it */
        assert_int_equal (aw_json_read_escape (table[i].text, AW_JSON_ESCAPE_MAX, &character),
                          table[i].length);
        assert_int_equal (character, table[i].length ? table[i].character : 0);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_bytes),
        cmocka_unit_test (bytes_come_back),
        cmocka_unit_test (bytes_have_one_form),
        cmocka_unit_test (a_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test (text_is_read_by_all),
        cmocka_unit_test (all_characters),
        cmocka_unit_test (escapes),
    };

    return cmocka_run_group_tests_name ("json-string", tests, NULL, NULL);
}
