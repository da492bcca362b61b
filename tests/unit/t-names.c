/* SPDX-License-Identifier: Apache-2.0 */
/* Names to numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "util/names.h"

enum { NAMES = 5000 };

static void empty (void **state)
{
    struct aw_names names = { 0 };

    (void)state;
    assert_int_equal (aw_names_get (&names, "a", 1), AW_NAMES_NONE);
    assert_int_equal (aw_names_get (&names, "", 0), AW_NAMES_NONE);
    aw_names_finish (&names);
    aw_names_finish (&names);
}

/* Of a longer text only the given bytes count; a name is not its beginning. */
static void lengths (void **state)
{
    struct aw_names names = { 0 };

    (void)state;
    assert_int_equal (aw_names_set (&names, "node", 1), 0);
    assert_int_equal (aw_names_set (&names, "", 2), 0);
    assert_int_equal (aw_names_get (&names, "node12", 4), 1);
    assert_int_equal (aw_names_get (&names, "node", 3), AW_NAMES_NONE);
    assert_int_equal (aw_names_get (&names, "node1", 5), AW_NAMES_NONE);
    assert_int_equal (aw_names_get (&names, "node", 0), 2);
    assert_int_equal (aw_names_count (&names), 2);
    aw_names_finish (&names);
}

static void as_a_list_has_them (void **state)
{
    static uint32_t numbers[NAMES];
    struct aw_names names = { 0 };
    unsigned seed = (unsigned)time (NULL);
    uint32_t n = 0;
    char text[16];

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    memset (numbers, 0xff, sizeof (numbers));
    for (int i = 0; i < 3 * NAMES; i++) {
        int k = rand () % NAMES;

        snprintf (text, sizeof (text), "n%d", k);
        assert_int_equal (aw_names_get (&names, text, strlen (text)), numbers[k]);
        n += numbers[k] == AW_NAMES_NONE;
        numbers[k] = (uint32_t)rand ();
        assert_int_equal (aw_names_set (&names, text, numbers[k]), 0);
        if (rand () % 4 == 0) {
            aw_names_remove (&names, text);
            aw_names_remove (&names, text); /* not there: nothing happens */
            numbers[k] = AW_NAMES_NONE;
            n--;
        }
        assert_int_equal (aw_names_count (&names), n);
    }
    for (int k = 0; k < NAMES; k++) {
        snprintf (text, sizeof (text), "n%d", k);
        assert_int_equal (aw_names_get (&names, text, strlen (text)), numbers[k]);
    }
    aw_names_finish (&names);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (empty),
        cmocka_unit_test (lengths),
        cmocka_unit_test (as_a_list_has_them),
    };

    return cmocka_run_group_tests_name ("names", tests, NULL, NULL);
}
