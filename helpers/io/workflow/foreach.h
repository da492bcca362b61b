/* SPDX-License-Identifier: Apache-2.0 */
/* Reading "foreach" of a task set: its variables, and the values of each task. Private to the
 * workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_FOREACH_H
#define AW_IO_WORKFLOW_FOREACH_H

#include "io/workflow/reader.h"
#include "io/workflow/values.h"

/* Reads VALUE, the "foreach" of the task set SET: from its sources, or where READER has kept values
 * of a set of this name with unchanged sources, takes those. Returns the values for the caller to
 * destroy, or NULL where it has reported a problem.
 */
struct aw_values *aw_foreach_read (struct aw_reader *reader,
                                   const char *set,
                                   struct json_object *value);

#endif /* AW_IO_WORKFLOW_FOREACH_H */
