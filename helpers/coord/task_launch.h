/* SPDX-License-Identifier: Apache-2.0 */
/* From a recipe of the workflow file to one attempt ready to be sent: placeholders filled in, paths
 * made absolute, the task's own environment added.
 */
#ifndef AW_COORD_TASK_LAUNCH_H
#define AW_COORD_TASK_LAUNCH_H

#include "core/event.h"
#include "io/launch.h"
#include "io/workflow.h"
#include "util/error.h"

/* Fills LAUNCH (initialised here, finished by the caller in any case) for the START action. RUN_DIR
 * and START_DIR are absolute: the run directory, and where the user started the run, to which
 * relative directories refer. LEFT: seconds to the end of the job, INFINITY where it has none.
 * Relative stdout and stderr refer to the task's directory. 0, or -1 with text.
 */
int aw_task_launch (struct aw_launch *launch,
                    const struct aw_workflow *workflow,
                    const struct aw_event *start,
                    const char *run_dir,
                    const char *start_dir,
                    double left,
                    struct aw_error *err);

#endif /* AW_COORD_TASK_LAUNCH_H */
