/* SPDX-License-Identifier: Apache-2.0 */
/* Places that are held for nothing at present: by a service that no task uses, by a worker without
 * a call. A waiting task gets such a place once its holder has ended. This says which holder to end
 * next, from the pool and the running attempts alone. It changes nothing.
 */
#ifndef AW_CORE_SCHED_EVICT_H
#define AW_CORE_SCHED_EVICT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/resources/pool.h"
#include "core/sched/running.h"

/* All borrowed. */
struct aw_evict_query {
    const struct aw_pool *pool;
    const struct aw_running_table *running;
    const struct aw_demand *demand; /* of the waiting task */
    /* May the task have the place of RUN, the first part of an attempt? True also for one that has
     * been asked to end (run->killed) for a waiting task. */
    bool (*idle) (const void *arg, const struct aw_running *run);
    /* May the task use NODE? NULL: every node. */
    bool (*allows) (const void *arg, uint32_t node);
    const void *arg;
};

enum aw_evict {
    AW_EVICT_NOTHING, /* the task fits already, or would not fit if all idle holders ended */
    AW_EVICT_WAIT, /* it will fit when those that have been asked to end have ended */
    AW_EVICT_END, /* *VICTIM (its first part) is to be ended; then ask again */
};

/* Which holder to end for the query's task. The node is the one where the fewest must end; of equal
 * ones the one with the lowest number. A task over several nodes gets them one after the other.
 */
enum aw_evict aw_evict_next (const struct aw_evict_query *query, struct aw_running **victim);

#endif /* AW_CORE_SCHED_EVICT_H */
