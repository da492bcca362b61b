/* SPDX-License-Identifier: Apache-2.0 */
/* Values of JSON as scan reads them, and numbers as textbuf writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "io/scan.h"
#include "io/textbuf.h"

static void numbers_are_read_within_their_limits (void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        { "0", 0 },
        { "-0", -0.0 },
        { "1", 1 },
        { "0.151", 0.151 },
        { "1e3", 1000 },
        { "12.5E-1", 1.25 },
        { "1e-400", 0 },
        { "123456789.654321", 123456789.654321 },
        { "9007199254740993", 9007199254740992.0 },
        { "0.1", 0.1 },
        { "1763800000.123456", 1763800000.123456 },
    };
    static const char *const bad[] = { "", "-", ".5", "1.", "1e", "1e+", "00", "+1", "x", "\"1\"" };

    (void)state;
    for (size_t i = 0; i < sizeof (good) / sizeof (good[0]); i++) {
        char buf[64], *p = buf;
        double value;
        strcpy (buf, good[i].text);
        assert_int_equal (aw_scan_number (&p, &value), 0);
        assert_true (value == good[i].value);
        assert_int_equal (*p, '\0');
    }
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        char buf[64], *p = buf;
        double value;
        strcpy (buf, bad[i]);
        assert_int_equal (aw_scan_number (&p, &value), -1);
    }
}

static void strings_are_unescaped (void **state)
{
    static const struct {
        const char *text, *value; /* NULL: an error */
    } table[] = {
        { "\"\"", "" },
        { "\"a\\n\\\"\\\\\\/\\u0041\"", "a\n\"\\/A" },
        { "\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\ud83d\"", NULL },
        { "\"\\ude00\"", NULL },
        { "\"\\ud83d\\u0041\"", NULL },
        { "\"\\u0000\"", NULL },
        { "\"\\x\"", NULL },
        { "\"a", NULL },
        { "\"a\\", NULL },
        { "\"\t\"", NULL },
        { "a", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char buf[64], *p = buf, *value;
        strcpy (buf, table[i].text);
        assert_int_equal (aw_scan_string (&p, &value), table[i].value ? 0 : -1);
        if (table[i].value)
            assert_string_equal (value, table[i].value);
    }
}

static void nesting_has_a_limit (void **state)
{
    char deep[10002], *p = deep;

    (void)state;
    memset (deep, '[', sizeof (deep) - 1);
    deep[sizeof (deep) - 1] = '\0';
    assert_int_equal (aw_scan_skip (&p), -1);
}

static void numbers_are_written_with_the_places_that_matter (void **state)
{
    static const struct {
        double value;
        int places;
        const char *text;
    } table[] = {
        { 0, 6, "0" },         { 0.152, 6, "0.152" },
        { 1.0000004, 6, "1" }, { 1.0000006, 6, "1.000001" },
        { 0.9999999, 6, "1" }, { 123456789.654321, 6, "123456789.654321" },
        { -1.5, 1, "-1.5" },   { -0.01, 1, "0" },
        { 2.25, 0, "2" },      { 1e300, 6, "null" },
        { 3.10, 2, "3.1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_textbuf buf = { 0 };
        aw_textbuf_fixed (&buf, table[i].value, table[i].places);
        aw_textbuf_putc (&buf, '\0');
        assert_string_equal (buf.data, table[i].text);
        aw_textbuf_finish (&buf);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (numbers_are_read_within_their_limits),
        cmocka_unit_test (strings_are_unescaped),
        cmocka_unit_test (nesting_has_a_limit),
        cmocka_unit_test (numbers_are_written_with_the_places_that_matter),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
