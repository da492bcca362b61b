/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that may start again, but not before a time: a heap by that time, ties by number. */
#ifndef AW_CORE_SCHED_DELAY_QUEUE_H
#define AW_CORE_SCHED_DELAY_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct aw_delay_item {
    double t;
    uint32_t task;
};

/* {0} is empty; finish frees what it holds. */
struct aw_delay_queue {
    struct aw_delay_item *heap;
    uint32_t n, room;
};

void aw_delay_queue_finish (struct aw_delay_queue *queue);
int aw_delay_queue_clone (struct aw_delay_queue *queue, const struct aw_delay_queue *from);

/* TASK, which is not in it, may start from T on. 0, or -1 with ENOMEM. */
int aw_delay_queue_push (struct aw_delay_queue *queue, uint32_t task, double t);

/* The time of the first; INFINITY: there is none. */
double aw_delay_queue_next (const struct aw_delay_queue *queue);

/* Removes the first task and returns it. There must be one. */
uint32_t aw_delay_queue_pop (struct aw_delay_queue *queue);

/* Removes TASK, in linear time. False: it is not there. */
bool aw_delay_queue_remove (struct aw_delay_queue *queue, uint32_t task);

#endif /* AW_CORE_SCHED_DELAY_QUEUE_H */
