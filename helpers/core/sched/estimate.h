/* SPDX-License-Identifier: Apache-2.0 */
/* What a task of each set is expected to take: declared in the workflow, else the mean of its
 * finished siblings, else what an earlier journal said.
 */
#ifndef AW_CORE_SCHED_ESTIMATE_H
#define AW_CORE_SCHED_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"

struct aw_estimate {
    const struct aw_graph *graph; /* borrowed */
    double *seconds; /* by set: the answer; NAN: not known */
    double *published; /* what it was when learn last returned true */
    double *snapshot; /* what was told when aw_estimate_take_snapshot was last called */
    double *sum; /* of finished siblings */
    uint32_t *n;
    double *mean; /* of all finished siblings, declared or not, and their squared deviations */
    double *squares;
    uint32_t *n_ended;
    struct aw_graph_size room; /* private */
};

/* 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_estimate_init (struct aw_estimate *estimate, const struct aw_graph *graph);
/* The graph has grown since it was of size OLD. 0, or -1 with ENOMEM, as all of this name. */
int aw_estimate_grow (struct aw_estimate *estimate, const struct aw_graph_size *old);
void aw_estimate_finish (struct aw_estimate *estimate);
int aw_estimate_clone (struct aw_estimate *estimate, const struct aw_estimate *from);

/* A sibling finished after SECONDS. True where the answer was not known before or has moved by over
 * a tenth since it was last true.
 */
bool aw_estimate_learn (struct aw_estimate *estimate, uint32_t set, double seconds);

/* Keeps what is told now, in `kept`. */
void aw_estimate_take_snapshot (struct aw_estimate *estimate);

/* Seconds that a task of SET will hardly exceed: what it is expected to take, or the mean of
 * finished siblings where that is more, and twice their standard deviation. NAN: not known.
 */
double aw_estimate_most (const struct aw_estimate *estimate, uint32_t set);

/* An earlier journal's figure. */
void aw_estimate_expect (struct aw_estimate *estimate, uint32_t set, double seconds);

#endif /* AW_CORE_SCHED_ESTIMATE_H */
