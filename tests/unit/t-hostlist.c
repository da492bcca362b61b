/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of hosts, there and back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coord/slurm/hostlist.h"

static void what_is_no_host_list_is_refused (void **state)
{
    static const char *const table[] = { "", ",", "n[2-1]", "n[a-b]", "n[1-2", "n[1-" };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_strings names = { 0 };
        struct aw_error err = { "" };

        errno = 0;
        assert_int_equal (aw_hostlist_expand (&names, table[i], &err), -1);
        assert_int_equal (errno, EINVAL);
        assert_non_null (strstr (err.text, "not a list of nodes"));
        aw_strings_finish (&names);
    }
}

static void a_list_expands_to_names_and_back (void **state)
{
    static const struct {
        const char *list;
        const char *names[8];
        const char *joined;
    } table[] = {
        { "n1", { "n1" }, "n1" },
        { "n1,n2,n3", { "n1", "n2", "n3" }, "n[1-3]" },
        { "n[08-11]", { "n08", "n09", "n10", "n11" }, "n[08-11]" },
        { "big,n[3-4],n1", { "big", "n3", "n4", "n1" }, "big,n[3-4,1]" },
        { "r[1-2]n[1-2]", { "r1n1", "r1n2", "r2n1", "r2n2" }, "r1n[1-2],r2n[1-2]" },
        { "a.b-c,login", { "a.b-c", "login" }, "a.b-c,login" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_strings names = { 0 };
        struct aw_error err = { "" };
        size_t n = 0;
        char *joined;

        aw_strings_add (&names, "before");
        assert_int_equal (aw_hostlist_expand (&names, table[i].list, &err), 0);
        aw_strings_remove (&names, 0);
        while (table[i].names[n])
            n++;
        assert_int_equal (names.n, n);
        for (size_t k = 0; k < n; k++)
            assert_string_equal (names.v[k], table[i].names[k]);
        joined = aw_hostlist_join (&names, &err);
        assert_non_null (joined);
        assert_string_equal (joined, table[i].joined);
        free (joined);
        aw_strings_finish (&names);
    }
}

static void no_host_and_many_hosts_are_lists_as_well (void **state)
{
    struct aw_strings names = { 0 };
    struct aw_strings again = { 0 };
    struct aw_error err = { "" };
    char *joined = aw_hostlist_join (&names, &err);

    (void)state;
    assert_non_null (joined);
    assert_string_equal (joined, "");
    free (joined);
    /* Nothing to shorten: names that go down by two, each in a range of its own. */
    for (int i = 10000; i > 0; i -= 2)
        aw_strings_addf (&names, "node-%d", i);
    joined = aw_hostlist_join (&names, &err);
    assert_non_null (joined);
    assert_int_equal (aw_hostlist_expand (&again, joined, &err), 0);
    assert_int_equal (again.n, names.n);
    for (size_t i = 0; i < names.n; i++)
        assert_string_equal (again.v[i], names.v[i]);
    free (joined);
    aw_strings_finish (&names);
    aw_strings_finish (&again);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_no_host_list_is_refused),
        cmocka_unit_test (a_list_expands_to_names_and_back),
        cmocka_unit_test (no_host_and_many_hosts_are_lists_as_well),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
