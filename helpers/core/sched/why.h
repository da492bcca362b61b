/* SPDX-License-Identifier: Apache-2.0 */
/* Why a task has not started. To be asked of a scheduler that has no action left for now
 * (aw_sched_next has returned false).
 */
#ifndef AW_CORE_SCHED_WHY_H
#define AW_CORE_SCHED_WHY_H

#include <stdint.h>

#include "core/resources/demand.h"
#include "core/sched/sched.h"

enum aw_why {
    AW_WHY_NOT, /* it does not wait: it runs, has ended, or will never run */
    AW_WHY_STOPPED, /* nothing more starts */
    AW_WHY_PREDECESSORS,
    AW_WHY_STAGE, /* stage after stage: an earlier one has not ended */
    AW_WHY_MESSAGES,
    AW_WHY_DELAY, /* its last attempt failed, and the next one may start at `t` */
    AW_WHY_SERVICE, /* the service `service` is not ready */
    AW_WHY_UNUSED, /* it is a service, and no task that uses it is ready */
    AW_WHY_DATA, /* its data comes to `node`, or waits for its turn (AW_NO_NODE) */
    AW_WHY_ASSIGNED, /* `node` has it, and starts it in the next place there */
    AW_WHY_NEVER, /* no node of the pool could hold it */
    AW_WHY_LATE, /* it could not end by the limit: it is assumed to need `needs` */
    AW_WHY_HELD, /* it would fit, but would delay a task of `reserved_set`, which comes before it */
    AW_WHY_PLANNED, /* it would fit, but the plan holds its place for a task of `reserved_set` */
    AW_WHY_ROOM, /* too little is free */
};

struct aw_reason {
    enum aw_why why;
    uint32_t before; /* ready tasks that come before it in the order */
    double t; /* DELAY; ROOM: when running tasks are expected to leave it room. INFINITY: not known
               */
    double needs; /* LATE: seconds */
    uint32_t node; /* DATA, ASSIGNED; ROOM: the first node on which it will fit. AW_NO_NODE: none is
                      known */
    struct aw_demand lacks; /* ROOM: what `node` has too little of now, by counts; all 0: it has
                               enough, but not together (NUMA, whole cores, parts of GPUs), or on
                               too few nodes */
    uint32_t service; /* SERVICE: its task */
    uint32_t reserved_set; /* HELD, PLANNED */
    double reserved_t; /* HELD: when that task is expected to start; INFINITY: not known. PLANNED:
                          when the hold ends at the latest */
    double awaited_t; /* PLANNED: when tasks of reserved_set are expected to be ready */
};

/* Fills REASON for TASK, below the graph's n_tasks. SCHED decides as before. */
void aw_sched_why (struct aw_sched *sched, uint32_t task, struct aw_reason *reason);

#endif /* AW_CORE_SCHED_WHY_H */
