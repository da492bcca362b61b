/* SPDX-License-Identifier: Apache-2.0 */
/* Where the output of a run's tasks goes: to files of their own, or to the log store. */
#ifndef AW_CMD_RUN_RUN_LOGS_H
#define AW_CMD_RUN_RUN_LOGS_H

#include <stdbool.h>

#include "cmd/run/run_args.h"
#include "cmd/run/run_resume.h"
#include "io/workflow/workflow.h"

/* True: to the store. A run that goes on (RESUME; NULL: a new one) keeps its choice; else the
 * option decides, then the workflow file, then the number of tasks. What a user may not expect is
 * printed; RUN_DIR is for that.
 */
bool aw_run_logs_store (const struct aw_run_args *args,
                        const struct aw_workflow *workflow,
                        const struct aw_run_resume *resume,
                        const char *run_dir);

#endif /* AW_CMD_RUN_RUN_LOGS_H */
