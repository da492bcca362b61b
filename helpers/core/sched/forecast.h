/* SPDX-License-Identifier: Apache-2.0 */
/* When a demand will fit on each node, by the expected ends of the attempts there, and on which
 * node first. The result for a shape is cached, and only nodes that have changed are computed
 * again. The cache holds several shapes, because shapes come to the head of the queue in turn.
 */
#ifndef AW_CORE_SCHED_FORECAST_H
#define AW_CORE_SCHED_FORECAST_H

#include <stdint.h>

#include "core/resources/pool.h"
#include "core/sched/running.h"

enum { AW_FORECAST_ROWS = 32 };

struct aw_forecast {
    struct aw_forecast_row {
        /* private, as all here: times by node, and above them the minimum of each two */
        double *tree;
        uint32_t n_leaves; /* a power of 2 */
        uint32_t n_nodes;
        uint32_t shape;
        uint64_t seen; /* changes of the running table that it includes */
        /* a new shape gets the least recently used row; 0: unused */
        uint64_t used;
    } rows[AW_FORECAST_ROWS];
    uint64_t uses;
    uint32_t *heap; /* private: see aw_forecast_nodes */
    uint32_t heap_room;
};

/* {0} is an empty one. finish frees what it holds. */
void aw_forecast_finish (struct aw_forecast *forecast);

/* What is asked: when DEMAND, the one of shape number SHAPE, fits, from NOW on. All borrowed. */
struct aw_forecast_query {
    const struct aw_pool *pool;
    const struct aw_running_table *running;
    uint32_t shape;
    const struct aw_demand *demand;
    double now;
};

/* The node on which the demand fits first; of equal ones the lowest number; AW_NO_NODE: it never
 * fits anywhere. FORECAST only saves work: with NULL, or without memory, the answer is the same.
 */
uint32_t aw_forecast_first (struct aw_forecast *forecast, const struct aw_forecast_query *query);

/* The N nodes on which the demand fits first, in that order: those where it fits already, then
 * those where running tasks are overdue, then by time; of equal ones the lowest number. Fills NODES
 * (room for N). Returns how many there are: fewer than N where it can never fit on as many.
 */
uint32_t aw_forecast_nodes (struct aw_forecast *forecast,
                            const struct aw_forecast_query *query,
                            uint32_t n,
                            uint32_t *nodes);

/* The end of the task after which DEMAND fits on NODE; INFINITY: not known; -INFINITY: it fits now;
 * NAN: it never will.
 */
double aw_forecast_time (const struct aw_pool *pool,
                         const struct aw_running_table *running,
                         uint32_t node,
                         const struct aw_demand *demand);

#endif /* AW_CORE_SCHED_FORECAST_H */
