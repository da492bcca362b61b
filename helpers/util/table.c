/* SPDX-License-Identifier: Apache-2.0 */
#include "util/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct aw_table_slot {
    uint64_t key;
    void *value; /* NULL: empty */
};

void aw_table_finish (struct aw_table *table)
{
    int saved = errno;

    free (table->slots);
    memset (table, 0, sizeof (*table));
    errno = saved;
}

/* Multiplicative hashing by 2^64 / golden ratio (Knuth, TAOCP vol. 3, 6.4): keys are often small
 * numbers in a row. */
static size_t place_of (const struct aw_table *table, uint64_t key)
{
    uint64_t hash = key * 0x9e3779b97f4a7c15u;

    return (size_t)(hash >> 20) & (table->n_slots - 1);
}

/* Where KEY stands, or would. Needs slots. */
static size_t find (const struct aw_table *table, uint64_t key)
{
    size_t i = place_of (table, key);

    while (table->slots[i].value && table->slots[i].key != key)
        i = (i + 1) & (table->n_slots - 1);
    return i;
}

void *aw_table_get (const struct aw_table *table, uint64_t key)
{
    return table->n_slots ? table->slots[find (table, key)].value : NULL;
}

static int grow (struct aw_table *table)
{
    struct aw_table larger = { .n_slots = table->n_slots ? 2 * table->n_slots : 16,
                               .n_used = table->n_used };

    larger.slots = calloc (larger.n_slots, sizeof (*larger.slots));
    if (!larger.slots)
        return -1;
    for (size_t i = 0; i < table->n_slots; i++)
        if (table->slots[i].value)
            larger.slots[find (&larger, table->slots[i].key)] = table->slots[i];
    free (table->slots);
    *table = larger;
    return 0;
}

int aw_table_set (struct aw_table *table, uint64_t key, void *value)
{
    struct aw_table_slot *slot;

    if (2 * (table->n_used + 1) > table->n_slots && grow (table) < 0)
        return -1;
    slot = &table->slots[find (table, key)];
    table->n_used += !slot->value;
    *slot = (struct aw_table_slot){ key, value };
    return 0;
}

void *aw_table_remove (struct aw_table *table, uint64_t key)
{
    size_t mask = table->n_slots - 1, hole, i;
    void *value;

    if (!table->n_slots || !table->slots[hole = find (table, key)].value)
        return NULL;
    value = table->slots[hole].value;
    /* What comes behind moves up, unless its own place is between the hole and it. */
    for (i = (hole + 1) & mask; table->slots[i].value; i = (i + 1) & mask) {
        size_t home = place_of (table, table->slots[i].key);

        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        table->slots[hole] = table->slots[i];
        hole = i;
    }
    table->slots[hole].value = NULL;
    table->n_used--;
    return value;
}

void *aw_table_next (const struct aw_table *table, size_t *cursor)
{
    while (*cursor < table->n_slots) {
        void *value = table->slots[(*cursor)++].value;

        if (value)
            return value;
    }
    return NULL;
}
