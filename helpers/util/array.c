/* SPDX-License-Identifier: Apache-2.0 */
#include "util/array.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 };

int aw_array_grow (void *array, size_t size, size_t *room, size_t n)
{
    size_t larger = *room + *room / 2 + FIRST_ROOM;
    void *items;

    if (n <= *room)
        return 0;
    if (larger < n)
        larger = n;
    memcpy (&items, array, sizeof (items));
    items = reallocarray (items, larger, size);
    if (!items)
        return -1;
    memcpy (array, &items, sizeof (items));
    *room = larger;
    return 0;
}
