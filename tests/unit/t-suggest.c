/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "util/suggest.h"

static const char *const keys[] = {
    "after",       "command", "count",  "cpus",       "directory",
    "environment", "gpus",    "script", "time_limit", "on_failure"
};
enum { N_KEYS = sizeof (keys) / sizeof (keys[0]) };

static void a_word_that_is_there_is_suggested (void **state)
{
    (void)state;
    assert_int_equal (aw_find_name ("after", keys, N_KEYS), 0);
    assert_int_equal (aw_find_name ("on_failure", keys, N_KEYS), N_KEYS - 1);
    assert_int_equal (aw_find_name ("on_failure", keys, N_KEYS - 1), -1);
    assert_int_equal (aw_find_name ("After", keys, N_KEYS), -1);
    assert_int_equal (aw_find_name ("", keys, N_KEYS), -1);
    assert_int_equal (aw_find_name (NULL, keys, N_KEYS), -1);
}

static void nothing_is_suggested_where_nothing_is_near (void **state)
{
    static const char *const bad[] = { "", "x", "zz", "priority", "unrelated-word", "a" };
    char huge[100000];

    (void)state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        assert_null (aw_suggest (bad[i], keys, N_KEYS));
    assert_null (aw_suggest ("cpus", keys, 0));
    memset (huge, 'c', sizeof (huge) - 1);
    huge[sizeof (huge) - 1] = '\0';
    assert_null (aw_suggest (huge, keys, N_KEYS));
    huge[64] = '\0'; /* the longest that is compared at all */
    assert_null (aw_suggest (huge, keys, N_KEYS));
    huge[64] = 'c';
    assert_null (aw_suggest ("command", (const char *const[]){ huge }, 1));
}

static void the_nearest_word_is_suggested (void **state)
{
    static const struct {
        const char *word;
        const char *name;
    } table[] = {
        { "comand", "command" },
        { "commnad", "command" }, /* a swap */
        { "Command", "command" },
        { "CPUS", "cpus" },
        { "cpu", "cpus" },
        { "gpu", "gpus" },
        { "pgus", "gpus" },
        { "enviroment", "environment" },
        { "environnement", "environment" },
        { "onfailure", "on_failure" },
        { "timelimit", "time_limit" },
        { "time-limit", "time_limit" },
        { "cnt", "count" },
        { "dirctry", "directory" },
        { "command", "command" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const char *name = aw_suggest (table[i].word, keys, N_KEYS);

        assert_non_null (name);
        assert_string_equal (name, table[i].name);
    }
}

static void of_equally_near_words_the_first_is_suggested (void **state)
{
    static const char *const names[] = { "sim1", "sim2", "sim" };

    (void)state;
    assert_string_equal (aw_suggest ("sim3", names, 2), "sim1");
    assert_string_equal (aw_suggest ("sim", names, 3), "sim");
    assert_ptr_equal (aw_suggest ("sim2", names, 3), names[1]); /* borrowed */
    /* A swap counts one, not two: of these the second is nearer. */
    assert_string_equal (aw_suggest ("abcd", (const char *const[]){ "abxy", "abdc" }, 2), "abdc");
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_word_that_is_there_is_suggested),
        cmocka_unit_test (nothing_is_suggested_where_nothing_is_near),
        cmocka_unit_test (the_nearest_word_is_suggested),
        cmocka_unit_test (of_equally_near_words_the_first_is_suggested),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
