/* SPDX-License-Identifier: Apache-2.0 */
/* Heaps and growing arrays (util/heap.h, util/array.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/array.h"
#include "util/heap.h"

static bool before (const int *calls, int a, int b)
{
    (void)calls;
    return a < b;
}

AW_HEAP_DEFINE (numbers, int, const int *, before)

static void a_refused_reservation_changes_nothing (void **state)
{
    int one = 1, *items = &one;
    uint32_t room = 1;

    (void)state;
    assert_int_equal (aw_array_reserve (&items, &room, SIZE_MAX / 2), -1);
    assert_ptr_equal (items, &one);
    assert_int_equal (room, 1);
}

static void an_array_keeps_its_items_while_it_grows (void **state)
{
    int *items = NULL;
    uint32_t room = 0;
    int moves = 0;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t was = room;

        assert_int_equal (aw_array_reserve (&items, &room, i + 1), 0);
        assert_true (room > i);
        moves += room != was;
        items[i] = (int)i;
    }
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal (items[i], i);
    assert_true (moves < 25); /* by half each time, not by one */
    free (items);
}

static void items_come_out_in_order (void **state)
{
    unsigned seed = 7;
    int heap[500];

    (void)state;
    for (int round = 0; round < 200; round++) {
        size_t n = 0;
        int last = -1;

        for (int i = 0; i < 500; i++) {
            seed = seed * 1103515245 + 12345;
            numbers_push (heap, n++, (int)(seed >> 16) % 300, NULL);
        }
        for (int i = 0; i < 100; i++) { /* from anywhere */
            seed = seed * 1103515245 + 12345;
            numbers_remove (heap, n, (seed >> 16) % n, NULL);
            n--;
        }
        for (int i = 0; i < 100; i++) {
            size_t place = (seed = seed * 1103515245 + 12345, (seed >> 16) % n);

            heap[place] = (int)(seed >> 8) % 300;
            if (heap[place] < 0)
                heap[place] = 0;
            numbers_moved (heap, n, place, NULL);
        }
        while (n > 0) {
            int item = numbers_remove (heap, n--, 0, NULL);

            assert_true (item >= last);
            last = item;
        }
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_refused_reservation_changes_nothing),
        cmocka_unit_test (an_array_keeps_its_items_while_it_grows),
        cmocka_unit_test (items_come_out_in_order),
    };

    cmocka_set_message_output (CM_OUTPUT_TAP);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
