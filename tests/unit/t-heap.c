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

struct placed {
    size_t place[100]; /* by item */
    int key[100]; /* by item */
};

static bool smaller (const struct placed *p, int a, int b)
{
    return p->key[a] < p->key[b];
}

#define REMEMBER(p, item, where) ((p)->place[item] = (where))
AW_HEAP_DEFINE_PLACED (items, int, struct placed *, smaller, REMEMBER)

static void check_heap (const struct placed *p, const int *heap, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal (p->place[heap[i]], i);
        assert_true (i == 0 || !smaller (p, heap[i], heap[(i - 1) / 2]));
    }
}

static void items_know_their_places (void **state)
{
    struct placed p = { 0 };
    unsigned seed = 3;
    int heap[100] = { 0 };

    (void)state;
    for (size_t n = 0; n <= 100; n++) {
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            p.key[i] = (int)(seed >> 16) % 50;
            items_push (heap, i, (int)i, &p);
        }
        check_heap (&p, heap, n);
        for (size_t i = 0; i < n; i++)
            p.key[i] = 50 - p.key[i];
        items_order (heap, n, &p);
        check_heap (&p, heap, n);
        for (size_t i = 0; i < n; i += 3) {
            p.key[i] = (int)(seed >> (i % 16)) % 50;
            items_moved (heap, n, p.place[i], &p);
            check_heap (&p, heap, n);
        }
        for (size_t i = 0; i < n; i++) {
            assert_int_equal (items_remove (heap, n - i, p.place[i], &p), i);
            check_heap (&p, heap, n - i - 1);
        }
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_refused_reservation_changes_nothing),
        cmocka_unit_test (an_array_keeps_its_items_while_it_grows),
        cmocka_unit_test (items_come_out_in_order),
        cmocka_unit_test (items_know_their_places),
    };

    cmocka_set_message_output (CM_OUTPUT_TAP);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
