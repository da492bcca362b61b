/* SPDX-License-Identifier: Apache-2.0 */
/* The line and the environment of the srun of one task that is a job step of its own. */
#ifndef AW_COORD_STEPS_STEP_LINE_H
#define AW_COORD_STEPS_STEP_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "io/wire/launch.h"
#include "util/error.h"
#include "util/strings.h"

/* The job of a step. */
struct aw_step_job {
    const char *id;
    bool has_gres; /* a step without GPUs must say so: else it inherits the job's request */
    uint32_t release; /* Slurm's, as 2411 for 24.11.5; 0: not known */
};

/* Appends to LINE the srun for LAUNCH, which has a step, in JOB. async-workflow-bind (its path:
 * BIND) comes before it and ends it with this process. 0, or -1 with text. */
int aw_step_line (struct aw_strings *line,
                  const struct aw_launch *launch,
                  const struct aw_step_job *job,
                  const char *bind,
                  struct aw_error *err);

/* Does that srun kill all ranks when one ends with an exit code other than 0? Not if such a code
 * may mean success: then the caller kills them when it must. */
bool aw_step_srun_kills (const struct aw_launch *launch);

/* Appends to ENV what that srun and its ranks get of FROM, and what LAUNCH adds. 0, or -1 with
 * text. */
int aw_step_env (struct aw_strings *env,
                 const struct aw_launch *launch,
                 char *const *from,
                 struct aw_error *err);

#endif /* AW_COORD_STEPS_STEP_LINE_H */
