/* SPDX-License-Identifier: Apache-2.0 */
/* The seconds that a task of each set is expected to take: declared in the workflow, else the mean
 * of its completed tasks, else from an earlier journal. Sets that were submitted with one name
 * learn as one.
 */
#ifndef AW_CORE_SCHED_ESTIMATE_H
#define AW_CORE_SCHED_ESTIMATE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"

struct aw_estimate {
    const struct aw_graph *graph; /* borrowed */
    double *seconds; /* by set: expected; NAN: not known. Read by aw_estimate_seconds */
    double *published; /* by set: expected, when learn last returned true */
    double *snapshot; /* by set: published, when the last snapshot was taken */
    double *sum; /* of completed tasks */
    uint32_t *n;
    double *mean; /* of all completed tasks, declared or not; and the sum of squared deviations */
    double *squares;
    double expected, off; /* sums of completed tasks: the seconds that were expected, and by how
                             many each missed them */
    uint32_t *n_ended;
    struct aw_graph_size room; /* private */
};

/* 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_estimate_init (struct aw_estimate *estimate, const struct aw_graph *graph);
/* The graph has grown since it had size OLD. 0, or -1 with ENOMEM. */
int aw_estimate_grow (struct aw_estimate *estimate, const struct aw_graph_size *old);
void aw_estimate_finish (struct aw_estimate *estimate);
int aw_estimate_clone (struct aw_estimate *estimate, const struct aw_estimate *from);

/* The set whose figures hold for SET. */
static inline uint32_t aw_estimate_set (const struct aw_estimate *estimate, uint32_t set)
{
    const struct aw_set *s = &estimate->graph->sets[set];

    return isnan (s->duration) ? s->group : set;
}

/* What a task of SET is expected to take; NAN: not known. */
static inline double aw_estimate_seconds (const struct aw_estimate *estimate, uint32_t set)
{
    return estimate->seconds[aw_estimate_set (estimate, set)];
}

/* A task of SET completed after SECONDS. True if the expected seconds were not known before, or
 * have changed by over a tenth since this last returned true.
 */
bool aw_estimate_learn (struct aw_estimate *estimate, uint32_t set, double seconds);

/* Copies `published` to `snapshot`. */
void aw_estimate_take_snapshot (struct aw_estimate *estimate);

/* Seconds that a task of SET will hardly exceed: the larger of the expected seconds and the mean of
 * completed tasks, plus twice their standard deviation. NAN: not known.
 */
double aw_estimate_most (const struct aw_estimate *estimate, uint32_t set);

#endif /* AW_CORE_SCHED_ESTIMATE_H */
