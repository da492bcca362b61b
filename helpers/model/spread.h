/* SPDX-License-Identifier: Apache-2.0 */
/* Durations that differ from task to task. The same seed gives each task the same duration with
 * every policy, so policies are compared on the same tasks.
 */
#ifndef AW_MODEL_SPREAD_H
#define AW_MODEL_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#include "core/graph/graph.h"

/* Durations in earlier runs: seconds of completed tasks, by set. {0} is empty. */
struct aw_samples {
    struct aw_sample_list {
        double *seconds; /* owned */
        uint32_t n, room;
    } * sets; /* owned */
    uint32_t n_sets;
};

/* Adds the seconds of a task of SET. 0, or -1 with ENOMEM. */
int aw_samples_add (struct aw_samples *samples, uint32_t set, double seconds);
void aw_samples_finish (struct aw_samples *samples);

/* Mean of a set's samples; NAN: there is none. */
double aw_samples_mean (const struct aw_samples *samples, uint32_t set);

struct aw_spread {
    double variation; /* standard deviation over mean, of a log-normal distribution; 0: none */
    /* borrowed; a set that has samples draws from these. NULL: none */
    const struct aw_samples *samples;
    uint64_t seed;
};

/* Seconds of TASK: its set's duration, spread. The same for the same seed. */
double aw_spread_seconds (const struct aw_spread *spread,
                          const struct aw_graph *graph,
                          uint32_t task);

/* The Q-quantile (0 to 1) of N values, which are sorted by this. Between values: linear. */
double aw_quantile (double *values, size_t n, double q);

#endif /* AW_MODEL_SPREAD_H */
