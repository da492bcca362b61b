/* SPDX-License-Identifier: Apache-2.0 */
/* A checked workflow, run in a pool: what `run` does once it knows where. */
#ifndef AW_CMD_RUN_POOL_H
#define AW_CMD_RUN_POOL_H

#include "cmd/run_args.h"
#include "coord/srun_options.h"
#include "io/workflow.h"

/* Both run WORKFLOW to its end, print messages, progress and the report, and return the exit status. */

/* On this machine, with one agent and without Slurm. */
int aw_run_local (const struct aw_run_args *args, const struct aw_workflow *workflow);

/* In Slurm job JOB: starts the pool step with SRUN's step options. */
int aw_run_in_job (const struct aw_run_args *args,
                   const struct aw_workflow *workflow,
                   const struct aw_srun_options *srun,
                   const char *job);

#endif /* AW_CMD_RUN_POOL_H */
