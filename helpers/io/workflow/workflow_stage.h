/* SPDX-License-Identifier: Apache-2.0 */
/* "stage_in" and "stage_out" of a task set: what is copied to a task's node before it starts, and
 * from there when it has ended. Private to the workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_WORKFLOW_STAGE_H
#define AW_IO_WORKFLOW_WORKFLOW_STAGE_H

#include "io/workflow/reader.h"
#include "io/workflow/workflow.h"

/* An object, or an array of such; IN: of "stage_in". Replaces RECIPE, which the caller has emptied.
 */
void aw_read_staging (struct aw_reader *reader,
                      struct json_object *value,
                      bool in,
                      struct aw_staging_recipe *recipe);

void aw_staging_finish (struct aw_staging_recipe *recipe); /* leaves it {0}; keeps errno */

#endif /* AW_IO_WORKFLOW_WORKFLOW_STAGE_H */
