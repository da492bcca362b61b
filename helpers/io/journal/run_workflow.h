/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow of a run directory: its file, and the values of its variables. */
#ifndef AW_IO_JOURNAL_RUN_WORKFLOW_H
#define AW_IO_JOURNAL_RUN_WORKFLOW_H

#include "io/problems.h"
#include "io/workflow/workflow.h"
#include "util/error.h"

/* Writes WORKFLOW's values, if it has any, then the copy of its file, into the new directory DIR:
 * both are on disk and whole when they have their names. 0, or -1 with text. */
int aw_run_workflow_write (const char *dir,
                           const struct aw_workflow *workflow,
                           struct aw_error *err);

/* Loads it to look at the run: no source of values is read, and the warnings of check, which came
 * before the run, are left out. NULL with PROBLEMS. */
struct aw_workflow *aw_run_workflow_load (const char *dir, struct aw_problems *problems);

#endif /* AW_IO_JOURNAL_RUN_WORKFLOW_H */
