/* SPDX-License-Identifier: Apache-2.0 */
/* A resumed run gets another workflow, or other values. Both are written next to the old ones, then
 * the journal records the change, then they replace the old ones. So a coordinator that dies in
 * between leaves a run directory that is either as before or as after the change.
 */
#ifndef AW_CMD_RUN_RUN_CHANGE_H
#define AW_CMD_RUN_RUN_CHANGE_H

#include "io/workflow/workflow.h"
#include "util/error.h"

/* What the journal records of a change: distinguishes WORKFLOW and its values from others. 0, or -1
 * with text. */
int aw_run_change_digest (const struct aw_workflow *workflow,
                          char digest[20],
                          struct aw_error *err);

/* Writes WORKFLOW and its values next to those in DIR. 0, or -1 with text. */
int aw_run_change_write (const char *dir, const struct aw_workflow *workflow, struct aw_error *err);

/* What was written replaces the old ones. 0, or -1 with text. */
int aw_run_change_place (const char *dir, struct aw_error *err);

/* Ends what a coordinator that died has left in DIR: a change that JOURNAL has as its last one is
 * put in place, another one is removed. 0, or -1 with text. */
int aw_run_change_finish (const char *dir, const char *journal, struct aw_error *err);

#endif /* AW_CMD_RUN_RUN_CHANGE_H */
