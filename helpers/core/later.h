/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that may start again, but not before a time: a heap by that time, ties by number. */
#ifndef AW_CORE_LATER_H
#define AW_CORE_LATER_H

#include <stdbool.h>
#include <stdint.h>

struct aw_later_item {
    double t;
    uint32_t task;
};

/* {0} is empty; finish frees what it holds. */
struct aw_later {
    struct aw_later_item *heap;
    uint32_t n, room;
};

void aw_later_finish (struct aw_later *later);
int aw_later_clone (struct aw_later *later, const struct aw_later *from);

/* TASK, which is not in it, may start from T on. 0, or -1 with ENOMEM. */
int aw_later_push (struct aw_later *later, uint32_t task, double t);

/* The time of the first; INFINITY: there is none. */
double aw_later_next (const struct aw_later *later);

/* Takes out the first. There must be one. */
uint32_t aw_later_pop (struct aw_later *later);

/* Takes TASK out, at the cost of a walk. Was it there? */
bool aw_later_remove (struct aw_later *later, uint32_t task);

#endif /* AW_CORE_LATER_H */
