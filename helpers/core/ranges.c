/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

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
    if (aw_array_reserve (&ranges->items, &ranges->room, from->most) < 0)
        return -1;
    memcpy (ranges->items, from->items + from->head, n * sizeof (*ranges->items));
    ranges->end = n;
    ranges->n = from->n;
    ranges->most = from->most;
    return 0;
}

bool aw_ranges_empty (const struct aw_ranges *ranges)
{
    return ranges->head == ranges->end;
}

uint32_t aw_ranges_count (const struct aw_ranges *ranges)
{
    return ranges->n;
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
    ranges->head = ranges->end = ranges->n = ranges->most = 0;
}

/* Ids of R. */
static uint32_t size_of (const struct aw_range *r)
{
    return r->last - r->first + 1;
}

/* Runs that R becomes at most: where every second id is removed. */
static uint32_t most_runs (const struct aw_range *r)
{
    return (r->last - r->first) / 2 + 1;
}

/* Moves all to the front of the room. */
static void slide (struct aw_ranges *ranges)
{
    uint32_t n = ranges->end - ranges->head;

    memmove (ranges->items, ranges->items + ranges->head, n * sizeof (*ranges->items));
    ranges->head = 0;
    ranges->end = n;
}

/* Makes room for one more run at the end, and for MOST in all. */
static int make_room (struct aw_ranges *ranges, uint32_t most)
{
    if (ranges->end == ranges->room && ranges->head > ranges->end - ranges->head)
        slide (ranges); /* at least half of it is used up */
    return aw_array_reserve (&ranges->items, &ranges->room,
                             most > ranges->end ? most : ranges->end + 1);
}

int aw_ranges_push (struct aw_ranges *ranges, uint32_t first, uint32_t last, double t)
{
    struct aw_range run = { first, last, t };
    uint32_t most = ranges->most, n = size_of (&run);

    if (!aw_ranges_empty (ranges)) {
        struct aw_range *tail = &ranges->items[ranges->end - 1];

        if (tail->t == t && tail->last + 1 == first) {
            run.first = tail->first;
            most += most_runs (&run) - most_runs (tail);
            if (most > ranges->room && aw_array_reserve (&ranges->items, &ranges->room, most) < 0)
                return -1;
            ranges->items[ranges->end - 1] = run;
            ranges->n += n;
            ranges->most = most;
            return 0;
        }
    }
    most += most_runs (&run);
    if (make_room (ranges, most) < 0)
        return -1;
    ranges->items[ranges->end++] = run;
    ranges->n += n;
    ranges->most = most;
    return 0;
}

int aw_ranges_push_front (struct aw_ranges *ranges, uint32_t id, double t)
{
    struct aw_range run = { id, id, t };
    const struct aw_range *front;
    uint32_t n;

    if (make_room (ranges, ranges->most + most_runs (&run)) < 0)
        return -1;
    front = aw_ranges_front (ranges);
    if (front && front->t == t && front->first == id + 1) {
        run.last = front->last;
        aw_ranges_drop (ranges);
    }
    n = ranges->end - ranges->head;
    if (ranges->head == 0) {
        memmove (ranges->items + 1, ranges->items, n * sizeof (*ranges->items));
        ranges->end++;
    }
    else
        ranges->head--;
    ranges->items[ranges->head] = run;
    ranges->n += size_of (&run);
    ranges->most += most_runs (&run);
    return 0;
}

void aw_ranges_drop (struct aw_ranges *ranges)
{
    ranges->n -= size_of (&ranges->items[ranges->head]);
    ranges->most -= most_runs (&ranges->items[ranges->head]);
    if (++ranges->head == ranges->end)
        aw_ranges_clear (ranges);
}

uint32_t aw_ranges_pop (struct aw_ranges *ranges)
{
    struct aw_range *front = &ranges->items[ranges->head];
    uint32_t id = front->first;

    if (front->first == front->last) {
        aw_ranges_drop (ranges);
        return id;
    }
    ranges->most -= most_runs (front);
    front->first++;
    ranges->n--;
    ranges->most += most_runs (front);
    return id;
}

/* RUN as the last one. There is room. */
static void append (struct aw_ranges *ranges, struct aw_range run)
{
    ranges->items[ranges->end++] = run;
    ranges->n += size_of (&run);
    ranges->most += most_runs (&run);
}

/* Splits run number I, with ids on both sides of ID. */
static void split (struct aw_ranges *ranges, uint32_t i, uint32_t id)
{
    struct aw_range *r;

    if (ranges->end == ranges->room) {
        i -= ranges->head;
        slide (ranges);
    }
    r = &ranges->items[i];
    memmove (r + 2, r + 1, (ranges->end - i - 1) * sizeof (*r));
    r[1] = (struct aw_range){ id + 1, r->last, r->t };
    r->last = id - 1;
    ranges->end++;
    ranges->most += most_runs (r) + most_runs (r + 1);
}

/* Removes ID from run number I. Nothing moves if it is the first of all. */
static void remove_from (struct aw_ranges *ranges, uint32_t i, uint32_t id)
{
    struct aw_range *r = &ranges->items[i];

    if (i == ranges->head && id == r->first) {
        aw_ranges_pop (ranges);
        return;
    }
    ranges->n--;
    ranges->most -= most_runs (r);
    if (r->first == r->last) {
        memmove (r, r + 1, (ranges->end - i - 1) * sizeof (*r));
        ranges->end--;
    }
    else if (id > r->first && id < r->last)
        split (ranges, i, id);
    else {
        r->first += id == r->first;
        r->last -= id == r->last;
        ranges->most += most_runs (r);
    }
}

/* Appends what stays of RUN, and returns how many ids do not. There is room. */
static uint32_t keep_rest (struct aw_ranges *ranges,
                           struct aw_range run,
                           bool (*drop) (void *arg, uint32_t id),
                           void *arg)
{
    uint32_t n_dropped = 0;

    for (uint32_t id = run.first; id <= run.last; id++) {
        struct aw_range rest = { id, id, run.t };

        if (drop (arg, id)) {
            n_dropped++;
            continue;
        }
        while (rest.last < run.last && !drop (arg, rest.last + 1))
            rest.last++;
        append (ranges, rest);
        id = rest.last;
    }
    return n_dropped;
}

/* All runs move to the end of the room, and what stays is written from its beginning on. That never
 * reaches those that are still to be read: `most` counts what they can become.
 */
uint32_t aw_ranges_remove_all (struct aw_ranges *ranges,
                               uint32_t first,
                               uint32_t last,
                               bool (*drop) (void *arg, uint32_t id),
                               void *arg)
{
    uint32_t n = ranges->end - ranges->head, n_dropped = 0, low, high;
    const struct aw_range *from;

    if (n == 0 || first == last)
        return n > 0 && drop (arg, first) && aw_ranges_remove (ranges, first);
    from = ranges->items + (ranges->room - n);
    memmove (ranges->items + (ranges->room - n), ranges->items + ranges->head,
             n * sizeof (*ranges->items));
    aw_ranges_clear (ranges);
    for (uint32_t i = 0; i < n; i++) {
        struct aw_range run = from[i];

        low = run.first > first ? run.first : first;
        high = run.last < last ? run.last : last;
        if (low > high) {
            append (ranges, run);
            continue;
        }
        if (run.first < low)
            append (ranges, (struct aw_range){ run.first, low - 1, run.t });
        n_dropped += keep_rest (ranges, (struct aw_range){ low, high, run.t }, drop, arg);
        if (run.last > high)
            append (ranges, (struct aw_range){ high + 1, run.last, run.t });
    }
    return n_dropped;
}

bool aw_ranges_remove (struct aw_ranges *ranges, uint32_t id)
{
    for (uint32_t i = ranges->head; i < ranges->end; i++)
        if (id >= ranges->items[i].first && id <= ranges->items[i].last) {
            remove_from (ranges, i, id);
            return true;
        }
    return false;
}
