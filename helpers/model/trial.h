/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated run of a workflow on an allocation, and the ways of running it that are compared.
 */
#ifndef AW_MODEL_TRIAL_H
#define AW_MODEL_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "core/sched/plan.h"
#include "core/sched/sched.h"
#include "model/allocation.h"
#include "model/spread.h"
#include "util/error.h"

/* A way to run: an order for the asynchronous mode, or stage after stage. */
struct aw_candidate {
    const char *name; /* "longest-path", "fifo", "sequential" */
    struct aw_sched_config config;
};

/* All candidates, the default first. */
extern const struct aw_candidate aw_candidates[];
extern const uint32_t aw_n_candidates;

/* A plan (core/sched/plan.h), and what it promises. */
struct aw_found_plan {
    uint32_t *places; /* by instance; NULL: the policy's order. Owned */
    struct aw_plan_holds holds; /* owned */
    double t; /* simulated makespan, seconds */
    uint32_t evaluations; /* simulations made */
};

/* Does PLAN say anything? */
static inline bool aw_plan_is_one (const struct aw_found_plan *plan)
{
    return plan->places || plan->holds.n > 0;
}

struct aw_conditions {
    /* seconds between the end of the last predecessor and the start of a task, as measured in
     * earlier runs; 0: none */
    double latency;
    const struct aw_found_plan *plan; /* that an asynchronous trial follows; NULL: none */
    struct aw_spread *spread; /* NULL: each task takes the duration of its set. Borrowed */
    const struct aw_sched *from; /* the state of a run, with which the simulation begins, in its
                                    mode; NULL: an empty pool */
    void (*observe) (void *arg, const struct aw_event *ev); /* called with each event; NULL: not */
    bool (*go_on) (void *arg); /* called from time to time: false stops the simulation. NULL: it
                                  runs to its end */
    void *arg;
};

struct aw_trial {
    double t; /* seconds from the first start to the last end; from a state: t of the last end */
    /* held by tasks, of all that the allocation has in that time; 0 to 1 */
    double cpu_share, gpu_share;
    double node_hours; /* nodes times t */
    uint64_t decisions; /* starts */
};

/* Seconds that the attempt that START began takes under CONDITIONS. A launch that waited for
 * another task holds its resources while it is under way. SEQUENTIAL: stage after stage.
 */
double aw_trial_seconds (const struct aw_graph *graph,
                         const struct aw_conditions *conditions,
                         bool sequential,
                         const struct aw_event *start);

/* A scheduler as CONDITIONS say: a copy of their state, or new on ALLOCATION; in CONFIG's order
 * (NULL: in that of the state). NULL with text.
 */
struct aw_sched *aw_trial_begin (const struct aw_graph *graph,
                                 const struct aw_allocation *allocation,
                                 const struct aw_sched_config *config,
                                 const struct aw_conditions *conditions,
                                 struct aw_error *err);

/* SCHED follows PLAN, if that says anything (NULL: no plan). 0, or -1 with text. */
int aw_trial_follow (struct aw_sched *sched,
                     const struct aw_found_plan *plan,
                     struct aw_error *err);

/* GRAPH is finalized and knows all durations. CONDITIONS may be NULL. ALLOCATION and CONFIG as
 * aw_trial_begin has them; from a state, t and decisions alone are filled. 0, or -1 with text;
 * errno is ECANCELED if go_on stopped it.
 */
int aw_trial_run (const struct aw_graph *graph,
                  const struct aw_allocation *allocation,
                  const struct aw_sched_config *config,
                  const struct aw_conditions *conditions,
                  struct aw_trial *trial,
                  struct aw_error *err);

#endif /* AW_MODEL_TRIAL_H */
