/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/ranges.h"
#include "graphs.h"

static void empty (void **state)
{
    struct aw_ranges r = { 0 }, copy;

    (void)state;
    assert_true (aw_ranges_empty (&r));
    assert_null (aw_ranges_front (&r));
    assert_int_equal (aw_ranges_remove (&r, 3), -1);
    assert_int_equal (errno, ENOENT);
    assert_int_equal (aw_ranges_clone (&copy, &r), 0);
    assert_true (aw_ranges_empty (&copy));
    aw_ranges_finish (&r);
    aw_ranges_finish (&r);
}

static void joins (void **state)
{
    struct aw_ranges r = { 0 };

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal (aw_ranges_push (&r, i, i, 1.5), 0);
    assert_int_equal (aw_ranges_front (&r)->last, 999); /* one run */
    assert_int_equal (aw_ranges_push (&r, 1000, 1001, 2.5), 0); /* another time: another run */
    assert_int_equal (aw_ranges_front (&r)->last, 999);
    aw_ranges_drop (&r);
    assert_int_equal (aw_ranges_front (&r)->first, 1000);
    assert_int_equal (aw_ranges_pop (&r), 1000);
    assert_int_equal (aw_ranges_pop (&r), 1001);
    assert_true (aw_ranges_empty (&r));
    aw_ranges_finish (&r);
}

/* Against a plain list of ids. */
static void random_use (void **state)
{
    enum { MOST = 4000 };
    uint32_t *list = calloc (MOST, sizeof (*list)), n = 0, next = 0;
    struct aw_ranges r = { 0 };
    uint64_t seed = 5;

    (void)state;
    for (int round = 0; round < 30000; round++) {
        uint32_t what = graphs_below (&seed, 4);

        if (what < 2 && n + 8 < MOST) {
            uint32_t run = 1 + graphs_below (&seed, 6);
            next += graphs_below (&seed, 2);
            assert_int_equal (aw_ranges_push (&r, next, next + run - 1, graphs_below (&seed, 2)),
                              0);
            for (uint32_t i = 0; i < run; i++)
                list[n++] = next++;
        }
        else if (what == 2 && n > 0) {
            assert_int_equal (aw_ranges_pop (&r), list[0]);
            memmove (list, list + 1, --n * sizeof (*list));
        }
        else if (n > 0) {
            uint32_t i = graphs_below (&seed, n);
            assert_int_equal (aw_ranges_remove (&r, list[i]), 0);
            assert_int_equal (aw_ranges_remove (&r, list[i]), -1);
            memmove (list + i, list + i + 1, (--n - i) * sizeof (*list));
        }
        if (n > 0)
            assert_int_equal (aw_ranges_front (&r)->first, list[0]);
    }
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal (aw_ranges_pop (&r), list[i]);
    assert_true (aw_ranges_empty (&r));
    aw_ranges_finish (&r);
    free (list);
}

/* Taking ids off the front must not move all that is behind. */
static void long_queue (void **state)
{
    enum { N = 200000 };
    struct aw_ranges r = { 0 };
    clock_t began;

    (void)state;
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal (aw_ranges_push (&r, 2 * i, 2 * i, 0), 0);
    began = clock ();
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal (aw_ranges_remove (&r, 2 * i), 0);
    assert_true ((double)(clock () - began) / CLOCKS_PER_SEC < 2);
    assert_true (aw_ranges_empty (&r));
    aw_ranges_finish (&r);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (empty),
        cmocka_unit_test (joins),
        cmocka_unit_test (random_use),
        cmocka_unit_test (long_queue),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
