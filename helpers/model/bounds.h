/* SPDX-License-Identifier: Apache-2.0 */
/* Lower bounds that no schedule can beat, and closed formulas. Tasks take the durations of their
 * sets. All times are in seconds.
 */
#ifndef AW_MODEL_BOUNDS_H
#define AW_MODEL_BOUNDS_H

#include <stdint.h>

#include "core/graph/graph.h"
#include "model/allocation.h"
#include "util/error.h"

struct aw_bounds {
    double critical_path; /* the longest chain of sets: time with resources without limit */
    uint32_t *path; /* its set instances, first to last; owned */
    uint32_t n_path;
    /* The same, but a set whose tasks do not all fit at once counts in waves: ceil (count /
     * capacity) times its duration. A lower bound too, as tasks of one set take equally long: of
     * those that run at any one moment, capacity at most run, and every task runs at one of the
     * moments t, t + d, t + 2d, ... */
    double wave_path;
    double area_cpus; /* CPU seconds of all tasks over the CPUs of the allocation */
    double area_gpus; /* the same of GPUs; 0 without any */
    double area_mem; /* and of memory, where it is counted */
    double area; /* the largest of these */
    double work; /* aw_work_bound, where a prediction has computed it; else 0 */
    double lower; /* the largest of all bounds above */
    /* stage after stage: the sum over the stages of the longest set in each, counted in waves */
    double t_seq_formula;
    double serial_sum; /* one task at a time: the sum over all tasks */
    double cpu_seconds, gpu_seconds; /* of all tasks */
};

/* GRAPH is finalized and knows all durations; every set fits somewhere into ALLOCATION. LATENCY:
 * seconds that each dependency costs on the way (0: none). 0, or -1 with text. finish takes a
 * zeroed value.
 */
int aw_bounds_init (struct aw_bounds *bounds,
                    const struct aw_graph *graph,
                    const struct aw_allocation *allocation,
                    double latency,
                    struct aw_error *err);
void aw_bounds_finish (struct aw_bounds *bounds);

#endif /* AW_MODEL_BOUNDS_H */
