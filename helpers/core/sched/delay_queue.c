/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/delay_queue.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/heap.h"

void aw_delay_queue_finish (struct aw_delay_queue *queue)
{
    int saved = errno;

    free (queue->heap);
    memset (queue, 0, sizeof (*queue));
    errno = saved;
}

int aw_delay_queue_clone (struct aw_delay_queue *queue, const struct aw_delay_queue *from)
{
    memset (queue, 0, sizeof (*queue));
    if (from->n == 0)
        return 0;
    if (aw_array_reserve (&queue->heap, &queue->room, from->n) < 0)
        return -1;
    memcpy (queue->heap, from->heap, from->n * sizeof (*queue->heap));
    queue->n = from->n;
    return 0;
}

static bool sooner (const void *arg, struct aw_delay_item a, struct aw_delay_item b)
{
    (void)arg;
    return a.t != b.t ? a.t < b.t : a.task < b.task;
}

AW_HEAP_DEFINE (items, struct aw_delay_item, const void *, sooner)

int aw_delay_queue_push (struct aw_delay_queue *queue, uint32_t task, double t)
{
    if (aw_array_reserve (&queue->heap, &queue->room, queue->n + 1) < 0)
        return -1;
    items_push (queue->heap, queue->n++, (struct aw_delay_item){ t, task }, NULL);
    return 0;
}

double aw_delay_queue_next (const struct aw_delay_queue *queue)
{
    return queue->n ? queue->heap[0].t : INFINITY;
}

uint32_t aw_delay_queue_pop (struct aw_delay_queue *queue)
{
    return items_remove (queue->heap, queue->n--, 0, NULL).task;
}

bool aw_delay_queue_remove (struct aw_delay_queue *queue, uint32_t task)
{
    for (uint32_t i = 0; i < queue->n; i++) {
        if (queue->heap[i].task == task) {
            items_remove (queue->heap, queue->n--, i, NULL);
            return true;
        }
    }
    return false;
}
