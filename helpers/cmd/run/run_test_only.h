/* SPDX-License-Identifier: Apache-2.0 */
/* srun --async-workflow=F --test-only: check, predict, allocate nothing. */
#ifndef AW_CMD_RUN_RUN_TEST_ONLY_H
#define AW_CMD_RUN_RUN_TEST_ONLY_H

#include "cmd/run/run_args.h"
#include "cmd/run/run_resume.h"
#include "coord/slurm/srun_options.h"
#include "io/workflow/workflow.h"
#include "model/samples.h"

/* Describes the workflow and prints the model's prediction on the allocation: this machine with
 * --local, else that of JOB, else (JOB NULL) the one that SRUN's options would make. Prints demands
 * that it could never meet. SAMPLES are of earlier runs. Of a run that continues (RESUME; NULL: a
 * new one) it prints the prediction of its remainder alone. Returns the exit status.
 */
int aw_run_test_only (const struct aw_run_args *args,
                      const struct aw_workflow *workflow,
                      const struct aw_run_resume *resume,
                      const struct aw_srun_options *srun,
                      const char *job,
                      const struct aw_samples *samples);

#endif /* AW_CMD_RUN_RUN_TEST_ONLY_H */
