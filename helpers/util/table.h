/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers to pointers: a hash table with linear probing, at most half full. */
#ifndef AW_UTIL_TABLE_H
#define AW_UTIL_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct aw_table {
    struct aw_table_slot *slots; /* private, as all; {0} is an empty table */
    size_t n_slots;
    size_t n_used;
};

void aw_table_finish (struct aw_table *table); /* what it points to is not its own */

void *aw_table_get (const struct aw_table *table, uint64_t key); /* NULL: not there */

/* VALUE, not NULL, instead of an older one. 0, or -1 with ENOMEM and nothing changed. */
int aw_table_set (struct aw_table *table, uint64_t key, void *value);

/* Takes it out and returns it, or NULL. */
void *aw_table_remove (struct aw_table *table, uint64_t key);

/* Walks over all, in no order: begin with *CURSOR 0; NULL at the end. Nothing may be set meanwhile.
 * What was just returned may be removed if *CURSOR is then decremented: another one may have moved
 * to its place. Then some may be shown twice, but none is left out.
 */
void *aw_table_next (const struct aw_table *table, size_t *cursor);

#endif /* AW_UTIL_TABLE_H */
