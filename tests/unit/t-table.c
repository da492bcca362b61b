/* SPDX-License-Identifier: Apache-2.0 */
/* Tables from numbers to pointers, as walked over while entries are removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util/table.h"

enum { MOST = 200, ROUNDS = 500 };

struct entry {
    uint64_t key;
    unsigned seen;
    bool removed;
};

static struct entry entries[MOST];

/* N entries; keys that are spread, and keys that stand close together. */
static void fill (struct aw_table *table, size_t n)
{
    memset (entries, 0, sizeof (entries));
    for (size_t i = 0; i < n; i++) {
        do
            entries[i].key = rand () % 2 ? (uint64_t)rand () : (uint64_t)(rand () % 4000);
        while (aw_table_get (table, entries[i].key));
        assert_int_equal (aw_table_set (table, entries[i].key, &entries[i]), 0);
    }
}

static void all_are_seen_once (void **state)
{
    (void)state;
    for (size_t n = 0; n < MOST; n++) {
        struct aw_table table = { 0 };
        struct entry *entry;
        size_t cursor = 0;

        fill (&table, n);
        while ((entry = aw_table_next (&table, &cursor)))
            entry->seen++;
        for (size_t i = 0; i < n; i++)
            assert_int_equal (entries[i].seen, 1);
        aw_table_finish (&table);
    }
}

/* Removes some, or all, of those that are returned. */
static void none_is_left_out_while_others_are_removed (void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct aw_table table = { 0 };
        size_t n = (size_t)(rand () % MOST), cursor = 0;
        struct entry *entry;

        fill (&table, n);
        while ((entry = aw_table_next (&table, &cursor))) {
            entry->seen++;
            assert_false (entry->removed);
            if (round % 3 != 0 && rand () % 2)
                continue;
            assert_ptr_equal (aw_table_remove (&table, entry->key), entry);
            entry->removed = true;
            cursor--;
        }
        for (size_t i = 0; i < n; i++) {
            assert_true (entries[i].seen > 0);
            assert_ptr_equal (aw_table_get (&table, entries[i].key),
                              entries[i].removed ? NULL : &entries[i]);
        }
        aw_table_finish (&table);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (all_are_seen_once),
        cmocka_unit_test (none_is_left_out_while_others_are_removed),
    };

    srand (1);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
