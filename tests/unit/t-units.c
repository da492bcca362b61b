/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "util/units.h"

#define LENGTH(table) (sizeof (table) / sizeof ((table)[0]))

static void what_is_no_time_is_refused (void **state)
{
    static const char *const bad[] = { "",        " ",   "h",      "1x",   "1h30", "30m1h", "1m1m",
                                       "1.5h30m", "1.",  ".5",     "1e3",  "0x10", "nan",   "inf",
                                       " 1",      "1 ",  "1 h",    "1H",   "+1",   "--1",   "1-2",
                                       "-",       "1,5", "1h 30m", "1s1s", "1ms1s" };
    static const char *const far[] = { "-1",         "-1h",
                                       "1000000001", "99999999999999999999999",
                                       "12000d",     "99999999999999999999999ms",
                                       "-0.5" };
    double seconds = 7.;

    (void)state;
    assert_int_equal (aw_parse_seconds (NULL, &seconds), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_parse_seconds ("1", NULL), -1);
    for (size_t i = 0; i < LENGTH (bad); i++) {
        errno = 0;
        assert_int_equal (aw_parse_seconds (bad[i], &seconds), -1);
        assert_int_equal (errno, EINVAL);
    }
    for (size_t i = 0; i < LENGTH (far); i++) {
        errno = 0;
        assert_int_equal (aw_parse_seconds (far[i], &seconds), -1);
        assert_int_equal (errno, ERANGE);
    }
    assert_true (seconds == 7.); /* untouched */
}

static void times_are_read_to_the_last_bit (void **state)
{
    static const struct {
        const char *text;
        double seconds;
    } table[] = {
        { "0", 0. },
        { "90", 90. },
        { "0.5", 0.5 },
        { "0.1", 0.1 },
        { "007", 7. },
        { "1h30m", 5400. },
        { "1m30.5s", 90.5 },
        { "1500ms", 1.5 },
        { "1s500ms", 1.5 },
        { "2d", 172800. },
        { "1d2h3m4s5ms", 93784.005 },
        { "1.5h", 5400. },
        { "1d1s", 86401. },
        { "5m", 300. },
        { "5ms", 0.005 },
        { "1000000000", 1e9 },
        { "0.1234567890123456789", 0.123456789012345 },
    };
    double seconds;

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        assert_int_equal (aw_parse_seconds (table[i].text, &seconds), 0);
        assert_true (fabs (seconds - table[i].seconds) <= 1e-14 * table[i].seconds);
    }
    assert_int_equal (aw_parse_seconds ("0.1", &seconds), 0);
    assert_true (seconds == 0.1); /* to the last bit */
    assert_int_equal (aw_parse_seconds ("340ms", &seconds), 0);
    assert_true (seconds == 0.34);
}

static void what_is_no_size_is_refused (void **state)
{
    static const char *const bad[] = { "",    "G",   "4X",  "4GG", "4 G",  "4Bi", "4GBB",
                                       "1.5", "4B",  "1e9", " 4",  "+4",   "4.G", ".5G",
                                       "0x4", "4Gb", "4E",  "--4", "4GiBs" };
    static const char *const far[] = { "-1", "-4G", "18446744073709551616", "16384P",
                                       "99999999999999999999G" };
    uint64_t bytes = 7;

    (void)state;
    assert_int_equal (aw_parse_bytes (NULL, &bytes), -1);
    assert_int_equal (aw_parse_bytes ("1", NULL), -1);
    for (size_t i = 0; i < LENGTH (bad); i++) {
        errno = 0;
        assert_int_equal (aw_parse_bytes (bad[i], &bytes), -1);
        assert_int_equal (errno, EINVAL);
    }
    for (size_t i = 0; i < LENGTH (far); i++) {
        errno = 0;
        assert_int_equal (aw_parse_bytes (far[i], &bytes), -1);
        assert_int_equal (errno, ERANGE);
    }
    assert_true (bytes == 7);
}

static void sizes_are_read_with_their_units (void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } table[] = {
        { "0", 0 },
        { "1048576", 1048576 },
        { "18446744073709551615", UINT64_MAX },
        { "1K", 1024 },
        { "1k", 1024 },
        { "4G", UINT64_C (4) << 30 },
        { "4GB", UINT64_C (4) << 30 },
        { "4GiB", UINT64_C (4) << 30 },
        { "1.5M", 1572864 },
        { "0.3K", 307 },
        { "2T", UINT64_C (2) << 40 },
        { "3P", UINT64_C (3) << 50 },
        { "16383.5P", UINT64_C (32767) << 49 },
        { "0.00000000000000000000001P", 0 },
    };
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        assert_int_equal (aw_parse_bytes (table[i].text, &bytes), 0);
        assert_true (bytes == table[i].bytes);
    }
}

static void times_are_written_as_people_read_them (void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } table[] = {
        { 0., "0.00 s" },     { 0.42, "0.42 s" },
        { 9.994, "9.99 s" },  { 9.996, "10.0 s" },
        { 12.34, "12.3 s" },  { 59.94, "59.9 s" },
        { 59.96, "1m00s" },   { 205., "3m25s" },
        { 3599.4, "59m59s" }, { 3599.6, "1h00m" },
        { 3720., "1h02m" },   { 86399., "1d00h" },
        { 183600., "2d03h" }, { 86400. * 1000., "1000d00h" },
        { NAN, "unknown" },   { INFINITY, "unlimited" },
        { -0.5, "-0.50 s" },
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++)
        assert_string_equal (aw_format_seconds (buf, sizeof (buf), table[i].seconds),
                             table[i].text);
    assert_string_equal (aw_format_seconds (buf, 3, 205.), "3m");
}

static void sizes_are_written_as_people_read_them (void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } table[] = {
        { 0, "0 B" },
        { 512, "512 B" },
        { 1023, "1023 B" },
        { 1024, "1.0 KiB" },
        { 1048575, "1.0 MiB" }, /* not 1024.0 KiB */
        { UINT64_C (3650722201), "3.4 GiB" },
        { UINT64_C (1) << 50, "1.0 PiB" },
        { UINT64_MAX, "16.0 EiB" },
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++)
        assert_string_equal (aw_format_bytes (buf, sizeof (buf), table[i].bytes), table[i].text);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_no_time_is_refused),
        cmocka_unit_test (times_are_read_to_the_last_bit),
        cmocka_unit_test (what_is_no_size_is_refused),
        cmocka_unit_test (sizes_are_read_with_their_units),
        cmocka_unit_test (times_are_written_as_people_read_them),
        cmocka_unit_test (sizes_are_written_as_people_read_them),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
