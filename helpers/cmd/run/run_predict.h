/* SPDX-License-Identifier: Apache-2.0 */
/* What the model says of a run before it starts. */
#ifndef AW_CMD_RUN_RUN_PREDICT_H
#define AW_CMD_RUN_RUN_PREDICT_H

#include "cmd/run/run_args.h"
#include "coord/slurm/slurm_job.h"
#include "io/journal/journal.h"
#include "io/workflow/workflow.h"
#include "model/allocation.h"
#include "model/samples.h"
#include "util/error.h"

/* The nodes of JOB, into an empty ALLOCATION. 0, or -1 with text. */
int aw_run_allocation (const struct aw_slurm_job *job,
                       struct aw_allocation *allocation,
                       struct aw_error *err);

/* What is known of a run before it starts. */
struct aw_run_plan {
    struct aw_sched_config sched; /* as ARGS say, or as the model found best */
    struct aw_outlook outlook; /* what the model says of it */
    char *order; /* an order that is better than the policy's (core/sched/plan.h); NULL: none. Owned
                    by the caller */
};

/* Warns on stderr of sets whose tasks take longer than the SECONDS that the run may take (INFINITY:
 * no limit). They would never start. FILE: where the workflow comes from.
 */
void aw_run_warn_too_long (const struct aw_graph *graph, const char *file, double seconds);

/* Prints a hint on stderr, once, if tasks with GPUs have one CPU by default, and the nodes have
 * several for each GPU. FILE as above.
 */
void aw_run_hint_cpus (const struct aw_workflow *workflow,
                       const char *file,
                       const struct aw_allocation *allocation);

/* What limits a prediction, and what it rests on. */
struct aw_run_terms {
    double budget; /* seconds for the simulations */
    double seconds; /* that the run may take; INFINITY: no limit */
    const struct aw_samples *samples; /* of earlier runs, those of ARGS; NULL: there are none */
};

/* Simulates the ways of running, chooses among those that ARGS leave open, and prints the model's
 * short form to FD, with the probability that the run fits into its time; or why there is none (a
 * duration is not known, or the simulation would take more than the budget: then the default is
 * chosen).
 */
struct aw_run_plan aw_run_predict (const struct aw_run_args *args,
                                   const struct aw_workflow *workflow,
                                   const struct aw_allocation *allocation,
                                   const struct aw_run_terms *terms,
                                   int fd);

#endif /* AW_CMD_RUN_RUN_PREDICT_H */
