/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/idset.h"

static void wrong_arguments_are_refused (void **state)
{
    static const char *const bad[] = { "a",           "1-",        "-1",   "3-1", "1,,2",
                                       "1,",          ",1",        " 1",   "1 ",  "1048576",
                                       "99999999999", "0-1048576", "1-2-3" };
    struct aw_idset set;

    (void)state;
    aw_idset_init (&set);
    assert_int_equal (aw_idset_add (&set, 3, 2), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_idset_add (&set, 0, AW_IDSET_MAX), -1);
    assert_int_equal (aw_idset_parse (&set, "7"), 0);
    assert_int_equal (aw_idset_parse (&set, NULL), -1);
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        errno = 0;
        assert_int_equal (aw_idset_parse (&set, bad[i]), -1);
        assert_int_equal (errno, EINVAL);
        assert_int_equal (aw_idset_count (&set), 1); /* unchanged */
    }
    aw_idset_finish (&set);
    aw_idset_finish (&set);
}

static void text_is_read_and_written_back (void **state)
{
    static const struct {
        const char *in, *out;
        uint32_t count;
    } table[] = {
        { "", "", 0 },
        { "0", "0", 1 },
        { "0-3", "0-3", 4 },
        { "3,2,1,0", "0-3", 4 },
        { "0-3,8", "0-3,8", 5 },
        { "63,64", "63-64", 2 },
        { "0-127,200", "0-127,200", 129 },
        { "1048575", "1048575", 1 },
    };
    char buf[64];

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_idset set = { 0 };
        assert_int_equal (aw_idset_parse (&set, table[i].in), 0);
        assert_int_equal (aw_idset_count (&set), table[i].count);
        assert_int_equal (aw_idset_format (&set, buf, sizeof (buf)), strlen (table[i].out));
        assert_string_equal (buf, table[i].out);
        aw_idset_finish (&set);
    }
}

static void text_that_does_not_fit_is_cut (void **state)
{
    struct aw_idset set = { 0 };
    char buf[6];

    (void)state;
    assert_int_equal (aw_idset_parse (&set, "1,3,5,7"), 0);
    assert_int_equal (aw_idset_format (&set, buf, sizeof (buf)), 7);
    assert_string_equal (buf, "1,3,5");
    assert_int_equal (aw_idset_format (&set, NULL, 0), 7);
    aw_idset_finish (&set);
}

static void sets_are_joined_and_subtracted (void **state)
{
    struct aw_idset a = { 0 }, b = { 0 };

    (void)state;
    assert_int_equal (aw_idset_parse (&a, "0-99"), 0);
    assert_int_equal (aw_idset_parse (&b, "90-300"), 0);
    assert_true (aw_idset_intersects (&a, &b));
    assert_false (aw_idset_equal (&a, &b));
    aw_idset_remove_all (&a, &b);
    assert_int_equal (aw_idset_count (&a), 90);
    assert_false (aw_idset_intersects (&a, &b));
    assert_int_equal (aw_idset_add_all (&a, &b), 0);
    assert_int_equal (aw_idset_count (&a), 301);
    assert_int_equal (aw_idset_copy (&b, &a), 0);
    assert_true (aw_idset_equal (&a, &b));
    assert_int_equal (aw_idset_parse (&b, "1-299"), 0);
    aw_idset_remove_all (&a, &b);
    assert_int_equal (aw_idset_next (&a, 0), 0);
    assert_int_equal (aw_idset_next (&a, 1), 300);
    assert_int_equal (aw_idset_next (&a, 301), AW_IDSET_NONE);
    assert_false (aw_idset_has (&a, 5000));
    assert_int_equal (aw_idset_copy (&b, &a), 0); /* into a wider one: nothing old stays */
    assert_int_equal (aw_idset_count (&b), 2);
    aw_idset_finish (&a);
    aw_idset_finish (&b);
}

static void the_lowest_ids_are_added_or_none (void **state)
{
    struct aw_idset from = { 0 }, to = { 0 };

    (void)state;
    assert_int_equal (aw_idset_parse (&from, "3-5,63-66,130,200-300"), 0);
    for (uint32_t n = 0; n <= 109; n++) {
        uint32_t id = 0;

        assert_int_equal (aw_idset_parse (&to, "1000"), 0);
        assert_int_equal (aw_idset_add_lowest (&to, &from, n), 0);
        assert_int_equal (aw_idset_count (&to), n + 1);
        for (uint32_t i = 0; i < n; i++, id++) {
            id = aw_idset_next (&from, id);
            assert_true (aw_idset_has (&to, id));
        }
    }
    assert_int_equal (aw_idset_parse (&to, "1000"), 0);
    assert_int_equal (aw_idset_add_lowest (&to, &from, 110), -1);
    assert_int_equal (errno, ENOSPC);
    assert_int_equal (aw_idset_count (&to), 1);
    aw_idset_finish (&from);
    aw_idset_finish (&to);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_lowest_ids_are_added_or_none),
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (text_is_read_and_written_back),
        cmocka_unit_test (text_that_does_not_fit_is_cut),
        cmocka_unit_test (sets_are_joined_and_subtracted),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
