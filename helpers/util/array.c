/* SPDX-License-Identifier: Apache-2.0 */
#include "util/array.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 };

size_t aw_array_room (size_t room, size_t n)
{
    size_t larger = room + room / 2 + FIRST_ROOM;

    if (n <= room)
        return room;
    return larger > n ? larger : n;
}

int aw_array_grow (void *array, size_t size, size_t *room, size_t n)
{
    size_t larger = aw_array_room (*room, n);
    void *items;

    if (larger == *room)
        return 0;
    memcpy (&items, array, sizeof (items));
    items = reallocarray (items, larger, size);
    if (!items)
        return -1;
    memcpy (array, &items, sizeof (items));
    *room = larger;
    return 0;
}
