/* SPDX-License-Identifier: Apache-2.0 */
/* The model's prediction for a workflow on an allocation: degrees, bounds, and the time of each way
 * of running it. The command `model`, the start of a run and srun's --test-only show the same
 * figures.
 */
#ifndef AW_MODEL_PREDICT_H
#define AW_MODEL_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "model/allocation.h"
#include "model/bounds.h"
#include "model/degrees.h"
#include "model/ensemble.h"
#include "model/plan_search.h"
#include "model/staging.h"
#include "model/trial.h"
#include "util/error.h"

enum { AW_CANDIDATES_MAX = 16 };

/* Simulated ways of running, by the same index as aw_candidates. */
struct aw_comparison {
    struct aw_trial trials[AW_CANDIDATES_MAX];
    bool tried[AW_CANDIDATES_MAX]; /* false: the time for the search was over */
    uint32_t best; /* shortest of those tried; the default if it is as short */
};

struct aw_prediction {
    struct aw_degrees degrees;
    struct aw_bounds bounds;
    struct aw_comparison comparison;
    struct aw_found_plan
        plan; /* an order that is better than those of all policies, if one was found */
    double t_seq; /* simulated stage after stage */
    double t_async; /* the best of those tried, the plan included */
    double improvement; /* I = 1 - t_async / t_seq */
    struct aw_staging_gain staging; /* in the best order */
    uint32_t seeds; /* simulations behind the intervals; 0: there are none */
    struct aw_interval t_seq_interval, t_async_interval, improvement_interval;
};

struct aw_predict_options {
    struct aw_conditions conditions; /* their spread: that a plan must bear; takes seeds */
    struct aw_spread *spread; /* for the intervals; takes their seeds. NULL: there are none */
    uint32_t seeds; /* simulations with durations spread; 0: as aw_ensemble_size says */
    uint32_t evaluations; /* of the search for a plan; 0: there is none */
    /* Is less than PART (0 to 1) of the search's time over? NULL: it ends when all evaluations are
     * made. */
    bool (*search_on) (void *arg, double part);
    void *search_arg;
};

/* The index of NAME in aw_candidates, or -1. */
int aw_candidate_find (const char *name);

/* Simulates the candidates, the default first, until conditions->go_on returns false, and chooses
 * the best. If not even the default was simulated to its end, it is the choice. The choice is never
 * worse than fifo or stage after stage, if those were tried. CONDITIONS may be NULL. 0, or -1 with
 * text.
 */
int aw_predict_best (const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_conditions *conditions,
                     struct aw_comparison *comparison,
                     struct aw_error *err);

/* A way to run, simulated. */
struct aw_way {
    const struct aw_sched_config *config;
    double t; /* seconds that it takes; NAN: unknown */
    double lower; /* no way takes less */
};

/* Searches for a plan from the way START on: as many evaluations and as long as OPTIONS say. A
 * sequential way has nothing to gain, nor one that takes the least. 0, or -1 with text; the caller
 * finishes PLAN in any case.
 */
int aw_predict_plan (struct aw_found_plan *plan,
                     const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_predict_options *options,
                     const struct aw_way *start,
                     struct aw_error *err);

/* Computes all members. GRAPH is finalized and knows all durations. OPTIONS may be NULL. 0, or -1
 * with text. finish takes a zeroed value.
 */
int aw_prediction_init (struct aw_prediction *prediction,
                        const struct aw_graph *graph,
                        const struct aw_allocation *allocation,
                        const struct aw_predict_options *options,
                        struct aw_error *err);
void aw_prediction_finish (struct aw_prediction *prediction);

#endif /* AW_MODEL_PREDICT_H */
