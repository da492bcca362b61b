/* SPDX-License-Identifier: Apache-2.0 */
/* The additional members of the launch of a job step of its own. */
#ifndef AW_COORD_TASK_STEP_H
#define AW_COORD_TASK_STEP_H

#include "core/event.h"
#include "core/resources/pool.h"
#include "io/wire/launch.h"
#include "io/workflow/workflow.h"
#include "util/error.h"

/* Adds to LAUNCH, filled by aw_task_launch for the START action, the step that its set asks for;
 * nothing where that is a task of the pool. 0, or -1 with text.
 */
int aw_task_step (struct aw_launch *launch,
                  const struct aw_workflow *workflow,
                  const struct aw_event *start,
                  const struct aw_pool *pool,
                  const char *run_dir,
                  struct aw_error *err);

#endif /* AW_COORD_TASK_STEP_H */
