/* SPDX-License-Identifier: Apache-2.0 */
/* One run, simulated many times with durations that differ: what its makespan can become. Each
 * simulation is the live scheduler's, in the order in which the run will be.
 */
#ifndef AW_MODEL_ENSEMBLE_H
#define AW_MODEL_ENSEMBLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "core/sched/sched.h"
#include "model/allocation.h"
#include "model/spread.h"
#include "model/trial.h"
#include "util/error.h"

/* 5%, 50% and 95%. */
struct aw_interval {
    double low, median, high;
};

struct aw_ensemble {
    double *t; /* makespans in seconds, rising; owned */
    uint32_t n; /* 0: there are none */
};

/* How to run. */
struct aw_order {
    struct aw_sched_config config;
    const struct aw_found_plan *plan; /* that it follows; NULL: none. Borrowed */
    double latency; /* as in model/trial.h */
};

/* The number of simulations that a run of MAKESPAN seconds is worth: 99 for usual workflows, so
 * that they take milliseconds; fewer for large ones; below 19, which an interval needs, none: 0.
 * It depends on nothing else.
 */
uint32_t aw_ensemble_size (const struct aw_graph *graph, double makespan);

/* Makespans of N simulations in T, of the seeds from 0 on. SPREAD takes the seeds. GRAPH is
 * finalized and knows all durations. 0, or -1 with text.
 */
int aw_ensemble_run (double *t,
                     uint32_t n,
                     const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_order *order,
                     struct aw_spread *spread,
                     struct aw_error *err);

/* The same, sorted. finish takes a zeroed value. */
int aw_ensemble_init (struct aw_ensemble *ensemble,
                      uint32_t n,
                      const struct aw_graph *graph,
                      const struct aw_allocation *allocation,
                      const struct aw_order *order,
                      struct aw_spread *spread,
                      struct aw_error *err);
void aw_ensemble_finish (struct aw_ensemble *ensemble);

/* The value that one more of N simulated values does not exceed, with probability Q. VALUES are
 * sorted by this. The Q (N + 1)th of them; between two: linear. NAN for none.
 */
double aw_quantile (double *values, size_t n, double q);
struct aw_interval aw_interval_of (double *values, size_t n);

/* The probability that the run takes SECONDS at most. */
double aw_ensemble_within (const struct aw_ensemble *ensemble, double seconds);

#endif /* AW_MODEL_ENSEMBLE_H */
