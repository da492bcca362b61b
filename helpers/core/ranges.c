/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void aw_ranges_finish (struct aw_ranges *ranges)
{
    int saved = errno;

    free (ranges->items);
    memset (ranges, 0, sizeof (*ranges));
    errno = saved;
}

int aw_ranges_clone (struct aw_ranges *ranges, const struct aw_ranges *from)
{
    uint32_t n = from->end - from->head;

    memset (ranges, 0, sizeof (*ranges));
    if (n == 0)
        return 0;
    ranges->items = malloc (n * sizeof (*ranges->items));
    if (!ranges->items)
        return -1;
    memcpy (ranges->items, from->items + from->head, n * sizeof (*ranges->items));
    ranges->end = ranges->room = n;
    return 0;
}

bool aw_ranges_empty (const struct aw_ranges *ranges)
{
    return ranges->head == ranges->end;
}

const struct aw_range *aw_ranges_front (const struct aw_ranges *ranges)
{
    return aw_ranges_empty (ranges) ? NULL : &ranges->items[ranges->head];
}

const struct aw_range *aw_ranges_at (const struct aw_ranges *ranges, uint32_t i)
{
    return i < ranges->end - ranges->head ? &ranges->items[ranges->head + i] : NULL;
}

void aw_ranges_clear (struct aw_ranges *ranges)
{
    ranges->head = ranges->end = 0;
}

/* Makes room for one more at the end: slides down when at least half is used up, else grows. */
static int make_room (struct aw_ranges *ranges)
{
    uint32_t n = ranges->end - ranges->head;
    struct aw_range *items;
    uint32_t room;

    if (ranges->end < ranges->room)
        return 0;
    if (ranges->head > n) {
        memmove (ranges->items, ranges->items + ranges->head, n * sizeof (*ranges->items));
        ranges->head = 0;
        ranges->end = n;
        return 0;
    }
    room = ranges->room ? 2 * ranges->room : 1;
    items = realloc (ranges->items, room * sizeof (*items));
    if (!items)
        return -1;
    ranges->items = items;
    ranges->room = room;
    return 0;
}

int aw_ranges_push (struct aw_ranges *ranges, uint32_t first, uint32_t last, double t)
{
    if (!aw_ranges_empty (ranges)) {
        struct aw_range *tail = &ranges->items[ranges->end - 1];
        if (tail->t == t && tail->last + 1 == first) {
            tail->last = last;
            return 0;
        }
    }
    if (make_room (ranges) < 0)
        return -1;
    ranges->items[ranges->end++] = (struct aw_range){ first, last, t };
    return 0;
}

void aw_ranges_drop (struct aw_ranges *ranges)
{
    if (++ranges->head == ranges->end)
        aw_ranges_clear (ranges);
}

uint32_t aw_ranges_pop (struct aw_ranges *ranges)
{
    struct aw_range *front = &ranges->items[ranges->head];
    uint32_t id = front->first;

    if (front->first++ == front->last)
        aw_ranges_drop (ranges);
    return id;
}

/* Takes ID out of the run at I, which holds it; there is room for one more run. Nothing moves where
 * it is the first of all. */
static void split (struct aw_ranges *ranges, uint32_t i, uint32_t id)
{
    struct aw_range *r = &ranges->items[i];
    uint32_t behind = ranges->end - i - 1;

    if (i == ranges->head && id == r->first)
        aw_ranges_pop (ranges);
    else if (r->first == r->last) {
        memmove (r, r + 1, behind * sizeof (*r));
        ranges->end--;
    }
    else if (id == r->first)
        r->first++;
    else if (id == r->last)
        r->last--;
    else {
        memmove (r + 2, r + 1, behind * sizeof (*r));
        r[1] = (struct aw_range){ id + 1, r->last, r->t };
        r->last = id - 1;
        ranges->end++;
    }
}

int aw_ranges_remove (struct aw_ranges *ranges, uint32_t id)
{
    if (make_room (ranges) < 0)
        return -1;
    for (uint32_t i = ranges->head; i < ranges->end; i++) {
        if (id >= ranges->items[i].first && id <= ranges->items[i].last) {
            split (ranges, i, id);
            return 0;
        }
    }
    errno = ENOENT;
    return -1;
}
