/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler knows of the places that its plan holds (core/sched/plan.h). All of it follows
 * from the plan, the running tasks and the time, so a replay decides as the run did.
 */
#ifndef AW_CORE_SCHED_HOLDS_H
#define AW_CORE_SCHED_HOLDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/sched/plan.h"

/* The running tasks of an instance. */
struct aw_flow {
    uint32_t running;
    double last_start; /* t of the latest start among all its tasks */
};

enum { AW_HOLDS_AT_ONCE = 16 }; /* further places are not held */

/* An instance that is expected soon. */
struct aw_awaited {
    uint32_t instance;
    double t; /* when it is expected to be ready */
    double until; /* when the hold ends at the latest */
    uint32_t wanted; /* parts of tasks on one node that it will have */
    uint64_t room; /* for such parts, on all nodes, at T */
    uint32_t *fits; /* the same by node */
};

struct aw_holds {
    struct aw_plan_holds plan; /* owned; n 0: nothing is held, and all below is unused */
    struct aw_flow *flows; /* by instance */
    bool fresh; /* the next two are of this moment */
    uint32_t n_awaited;
    struct aw_awaited awaited[AW_HOLDS_AT_ONCE];
    uint32_t *fits; /* owned: all of these, each with room for NODE_ROOM nodes */
    uint32_t node_room;
    double wake; /* when the first of the holds that held a task back ends; INFINITY: none has */
};

#endif /* AW_CORE_SCHED_HOLDS_H */
