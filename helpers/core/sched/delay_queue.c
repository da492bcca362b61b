/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/delay_queue.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void aw_delay_queue_finish (struct aw_delay_queue *later)
{
    int saved = errno;

    free (later->heap);
    memset (later, 0, sizeof (*later));
    errno = saved;
}

int aw_delay_queue_clone (struct aw_delay_queue *later, const struct aw_delay_queue *from)
{
    memset (later, 0, sizeof (*later));
    if (from->n == 0)
        return 0;
    later->heap = malloc (from->n * sizeof (*later->heap));
    if (!later->heap)
        return -1;
    memcpy (later->heap, from->heap, from->n * sizeof (*later->heap));
    later->n = later->room = from->n;
    return 0;
}

static bool sooner (const struct aw_delay_item *a, const struct aw_delay_item *b)
{
    return a->t != b->t ? a->t < b->t : a->task < b->task;
}

/* Puts ITEM at PLACE or above. */
static void rise (struct aw_delay_queue *later, uint32_t place, struct aw_delay_item item)
{
    for (; place > 0 && sooner (&item, &later->heap[(place - 1) / 2]); place = (place - 1) / 2)
        later->heap[place] = later->heap[(place - 1) / 2];
    later->heap[place] = item;
}

/* Puts ITEM at PLACE or below. */
static void sink (struct aw_delay_queue *later, uint32_t place, struct aw_delay_item item)
{
    for (;;) {
        uint32_t child = 2 * place + 1;

        if (child + 1 < later->n && sooner (&later->heap[child + 1], &later->heap[child]))
            child++;
        if (child >= later->n || !sooner (&later->heap[child], &item))
            break;
        later->heap[place] = later->heap[child];
        place = child;
    }
    later->heap[place] = item;
}

int aw_delay_queue_push (struct aw_delay_queue *later, uint32_t task, double t)
{
    if (later->n == later->room) {
        uint32_t room = later->room ? 2 * later->room : 16;
        struct aw_delay_item *heap = realloc (later->heap, room * sizeof (*heap));

        if (!heap)
            return -1;
        later->heap = heap;
        later->room = room;
    }
    rise (later, later->n++, (struct aw_delay_item){ t, task });
    return 0;
}

double aw_delay_queue_next (const struct aw_delay_queue *later)
{
    return later->n ? later->heap[0].t : INFINITY;
}

static void remove_at (struct aw_delay_queue *later, uint32_t place)
{
    struct aw_delay_item last = later->heap[--later->n];

    if (place == later->n)
        return;
    if (place > 0 && sooner (&last, &later->heap[(place - 1) / 2]))
        rise (later, place, last);
    else
        sink (later, place, last);
}

uint32_t aw_delay_queue_pop (struct aw_delay_queue *later)
{
    uint32_t task = later->heap[0].task;

    remove_at (later, 0);
    return task;
}

bool aw_delay_queue_remove (struct aw_delay_queue *later, uint32_t task)
{
    for (uint32_t i = 0; i < later->n; i++) {
        if (later->heap[i].task == task) {
            remove_at (later, i);
            return true;
        }
    }
    return false;
}
