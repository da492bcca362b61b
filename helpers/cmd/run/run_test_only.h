/* SPDX-License-Identifier: Apache-2.0 */
/* srun --async-workflow=F --test-only: check, predict, allocate nothing. */
#ifndef AW_CMD_RUN_RUN_TEST_ONLY_H
#define AW_CMD_RUN_RUN_TEST_ONLY_H

#include "cmd/run/run_args.h"
#include "coord/slurm/srun_options.h"
#include "io/workflow/workflow.h"

/* Prints what the workflow is and what the model says of it on the allocation: that of JOB where
 * JOB is not NULL, else the one that SRUN's options would make. A demand that no node of it could
 * meet is told. Returns the exit status.
 */
int aw_run_test_only (const struct aw_run_args *args,
                      const struct aw_workflow *workflow,
                      const struct aw_srun_options *srun,
                      const char *job);

#endif /* AW_CMD_RUN_RUN_TEST_ONLY_H */
