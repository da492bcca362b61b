/* SPDX-License-Identifier: Apache-2.0 */
/* What the model says of a run before it starts. */
#ifndef AW_CMD_RUN_PREDICT_H
#define AW_CMD_RUN_PREDICT_H

#include "coord/slurm_job.h"
#include "io/workflow.h"
#include "model/allocation.h"
#include "util/error.h"

/* The nodes of JOB, into an empty ALLOCATION. 0, or -1 with text. */
int aw_run_allocation (const struct aw_slurm_job *job, struct aw_allocation *allocation, struct aw_error *err);

/* Prints the model's short form to FD, or why there is none (a duration is not known, or the simulation would take more than
 * BUDGET seconds). Returns the predicted makespan under CONFIG in seconds, or 0.
 */
double aw_run_predict (const struct aw_workflow *workflow,
                       const struct aw_allocation *allocation,
                       const struct aw_sched_config *config,
                       double budget,
                       int fd);

#endif /* AW_CMD_RUN_PREDICT_H */
