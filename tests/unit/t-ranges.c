/* SPDX-License-Identifier: Apache-2.0 */
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

static bool memory_gone; /* no call gets memory */

void *__real_reallocarray (void *old, size_t n, size_t size);
void *__wrap_reallocarray (void *old, size_t n, size_t size);
void *__wrap_reallocarray (void *old, size_t n, size_t size)
{
    return memory_gone ? NULL : __real_reallocarray (old, n, size);
}

static void nothing_is_in_an_empty_set (void **state)
{
    struct aw_ranges r = { 0 }, copy;

    (void)state;
    assert_true (aw_ranges_empty (&r));
    assert_null (aw_ranges_front (&r));
    assert_false (aw_ranges_remove (&r, 3));
    assert_int_equal (aw_ranges_clone (&copy, &r), 0);
    assert_true (aw_ranges_empty (&copy));
    aw_ranges_finish (&r);
    aw_ranges_finish (&r);
}

static void ranges_that_touch_become_one (void **state)
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
static void any_sequence_of_changes_agrees_with_a_plain_list (void **state)
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
            double t = aw_ranges_front (&r)->t + graphs_below (&seed, 2);

            assert_int_equal (aw_ranges_pop (&r), list[0]);
            if (graphs_below (&seed, 2) == 0) {
                assert_int_equal (aw_ranges_push_front (&r, list[0], t), 0);
                continue;
            }
            memmove (list, list + 1, --n * sizeof (*list));
        }
        else if (n > 0) {
            uint32_t i = graphs_below (&seed, n);
            assert_true (aw_ranges_remove (&r, list[i]));
            assert_false (aw_ranges_remove (&r, list[i]));
            memmove (list + i, list + i + 1, (--n - i) * sizeof (*list));
        }
        if (n > 0)
            assert_int_equal (aw_ranges_front (&r)->first, list[0]);
        assert_int_equal (aw_ranges_count (&r), n);
    }
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal (aw_ranges_pop (&r), list[i]);
    assert_true (aw_ranges_empty (&r));
    aw_ranges_finish (&r);
    free (list);
}

/* Removes every second id of runs in some order, then the others, without any memory: from the
 * queue itself, when its front has gone, and from a copy. */
static bool is_marked (void *arg, uint32_t id)
{
    return ((const bool *)arg)[id];
}

/* Against a mark for each id; and without memory. */
static void many_are_removed_in_one_pass (void **state)
{
    enum { MOST = 600 };
    uint64_t seed = 11;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        bool there[MOST] = { false }, marked[MOST];
        uint32_t first = graphs_below (&seed, MOST),
                 last = first + graphs_below (&seed, MOST - first), n_marked = 0, n_left = 0;
        struct aw_ranges r = { 0 };

        for (uint32_t id = graphs_below (&seed, 5); id < MOST; id += 1 + graphs_below (&seed, 2)) {
            assert_int_equal (aw_ranges_push (&r, id, id, graphs_below (&seed, 30) == 0), 0);
            there[id] = true;
        }
        for (uint32_t k = graphs_below (&seed, 20); k > 0; k--)
            there[aw_ranges_pop (&r)] = false;
        for (uint32_t id = 0; id < MOST; id++) {
            marked[id] = there[id] && graphs_below (&seed, 3) > 0;
            if (marked[id] && id >= first && id <= last) {
                there[id] = false;
                n_marked++;
            }
        }
        memory_gone = true;
        assert_int_equal (aw_ranges_remove_all (&r, first, last, is_marked, marked), n_marked);
        assert_int_equal (aw_ranges_remove_all (&r, first, last, is_marked, marked), 0);
        memory_gone = false;
        for (uint32_t id = 0; id < MOST; id++)
            n_left += there[id];
        assert_int_equal (aw_ranges_count (&r), n_left);
        for (uint32_t id = 0; id < MOST; id++)
            if (there[id])
                assert_int_equal (aw_ranges_pop (&r), id);
        assert_true (aw_ranges_empty (&r));
        aw_ranges_finish (&r);
    }
}

static void removal_needs_no_memory (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct aw_ranges r = { 0 }, copy;
        uint64_t random = seed;
        uint32_t n = 0, popped = 0, left = 0;

        for (uint32_t i = 0; i < 1 + seed % 7; i++) {
            uint32_t run = 1 + graphs_below (&random, 30);

            assert_int_equal (aw_ranges_push (&r, n, n + run - 1, graphs_below (&random, 3)), 0);
            n += run;
        }
        for (uint32_t i = graphs_below (&random, n); i > 0; i--)
            assert_int_equal (aw_ranges_pop (&r), popped++);
        for (uint32_t i = popped > 0 ? graphs_below (&random, popped) : 0; i > 0; i--)
            assert_int_equal (aw_ranges_push_front (&r, --popped, graphs_below (&random, 2)), 0);
        assert_int_equal (aw_ranges_clone (&copy, &r), 0);
        memory_gone = true;
        assert_int_equal (aw_ranges_push (&r, 1 << 20, 1 << 21, 9), -1); /* nothing changes */
        for (uint32_t step = 0; step < 2; step++)
            for (uint32_t k = 0, id; k < 64; k++)
                for (id = (k * 37) % 64; id < n; id += 64)
                    if (id >= popped && id % 2 == step) {
                        assert_true (aw_ranges_remove (&r, id));
                        assert_true (aw_ranges_remove (&copy, id));
                        assert_true (r.end <= r.room && copy.end <= copy.room);
                    }
        memory_gone = false;
        while (!aw_ranges_empty (&r))
            left += aw_ranges_pop (&r) < n;
        assert_int_equal (left, 0);
        assert_true (aw_ranges_empty (&copy));
        aw_ranges_finish (&r);
        aw_ranges_finish (&copy);
    }
}

/* Taking ids off the front must not move all that is behind. */
static void taking_ids_off_the_front_does_not_move_the_rest (void **state)
{
    enum { N = 200000 };
    struct aw_ranges r = { 0 };
    clock_t began;

    (void)state;
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal (aw_ranges_push (&r, 2 * i, 2 * i, 0), 0);
    began = clock ();
    for (uint32_t i = 0; i < N; i++)
        assert_true (aw_ranges_remove (&r, 2 * i));
    assert_true ((double)(clock () - began) / CLOCKS_PER_SEC < 2);
    assert_true (aw_ranges_empty (&r));
    aw_ranges_finish (&r);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (nothing_is_in_an_empty_set),
        cmocka_unit_test (ranges_that_touch_become_one),
        cmocka_unit_test (any_sequence_of_changes_agrees_with_a_plain_list),
        cmocka_unit_test (many_are_removed_in_one_pass),
        cmocka_unit_test (removal_needs_no_memory),
        cmocka_unit_test (taking_ids_off_the_front_does_not_move_the_rest),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
