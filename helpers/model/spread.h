/* SPDX-License-Identifier: Apache-2.0 */
/* Durations that differ. Two things make them differ: tasks of a set vary around their mean, and
 * the mean itself is not known exactly. The first averages out over many tasks, the second does
 * not. Logarithms of seconds are modelled as normal. The same seed gives each task the same
 * duration with every policy, so policies are compared on the same tasks.
 */
#ifndef AW_MODEL_SPREAD_H
#define AW_MODEL_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "model/samples.h"
#include "util/error.h"

/* What is known of a set's durations. */
enum aw_spread_source {
    /* The mean alone, as somebody declared it: it is assumed to be wrong by a tenth (standard
     * deviation), and tasks to vary as those of the sets that have samples do, else not at all. */
    AW_SPREAD_ASSUMED,
    AW_SPREAD_DECLARED, /* the mean, and how tasks vary around it: both are believed */
    AW_SPREAD_SAMPLED, /* seconds of earlier tasks; a few of them leave mean and variation uncertain
                        */
    AW_SPREAD_SOURCES /* their number */
};

struct aw_spread {
    struct aw_spread_set {
        enum aw_spread_source source;
        double mean, deviation; /* of the logarithm of a task's seconds, plus: */
        double start; /* seconds */
        double error; /* standard deviation of the mean */
        double freedom; /* degrees of freedom of `deviation`; 0: it is exact */
        const struct aw_sample_list *samples; /* enough to take their shape; NULL: normal. Borrowed
                                               */
        double shape; /* the logarithms' deviations are multiplied by this */
        double shift, scale; /* drawn for the seed: of the mean, and of the deviation */
    } * sets; /* owned */
    uint32_t n_sets;
    uint64_t seed;
    bool expects; /* no draws: seconds are what to expect */
};

/* What is known of GRAPH, which is finalized. SAMPLES (NULL: none) come first, those of a set's
 * group where it declares nothing, then what a set declares. Of a set of which nothing is known the
 * seconds are NAN. VARIATION, a standard deviation over the mean, holds for all
 * sets in place of both; NAN: it is not given. The seed is 0. SAMPLES must outlive SPREAD. 0, or -1
 * with text. finish takes a zeroed value.
 */
int aw_spread_init (struct aw_spread *spread,
                    const struct aw_graph *graph,
                    const struct aw_samples *samples,
                    double variation,
                    struct aw_error *err);
void aw_spread_finish (struct aw_spread *spread);

/* From now on durations are those of SEED. */
void aw_spread_seed (struct aw_spread *spread, uint64_t seed);

/* From now on, until the next seed, durations are what to expect: the mean. */
void aw_spread_expect (struct aw_spread *spread);

/* Seconds of TASK, which has run for RAN seconds already (0: it has not started), so that it takes
 * longer. The same for the same seed.
 */
double aw_spread_seconds (const struct aw_spread *spread,
                          const struct aw_graph *graph,
                          uint32_t task,
                          double ran);

/* Standard deviation over the mean of what a task of SET can take, the uncertainty of the mean
 * included. */
double aw_spread_variation (const struct aw_spread *spread, uint32_t set);

/* How many sets are known from SOURCE. */
uint32_t aw_spread_count (const struct aw_spread *spread, enum aw_spread_source source);

#endif /* AW_MODEL_SPREAD_H */
