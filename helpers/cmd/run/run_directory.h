/* SPDX-License-Identifier: Apache-2.0 */
/* The working directory of tasks, looked at before anything starts. */
#ifndef AW_CMD_RUN_RUN_DIRECTORY_H
#define AW_CMD_RUN_RUN_DIRECTORY_H

#include <stdbool.h>

#include "coord/slurm/slurm_job.h"
#include "io/workflow/workflow.h"
#include "util/error.h"

/* Is this machine one of JOB's nodes? Not where Slurm has not started this process. */
bool aw_run_directory_is_here (const struct aw_slurm_job *job);

/* Can tasks of WORKFLOW run in their directory: GIVEN with --chdir, or else that of a run that
 * continues, EARLIER (both may be NULL)? HERE: tasks run on this machine, so it must be there. Else
 * it may be on the tasks' nodes alone: if it is not here, a warning is printed. 0, or -1 with text.
 */
int aw_run_directory_check (const struct aw_workflow *workflow,
                            const char *given,
                            const char *earlier,
                            bool here,
                            struct aw_error *err);

#endif /* AW_CMD_RUN_RUN_DIRECTORY_H */
