/* SPDX-License-Identifier: Apache-2.0 */
/* "input" and what goes with it: the keys of a task set whose tasks are calls to workers. Private
 * to the workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_CALL_INPUT_H
#define AW_IO_WORKFLOW_CALL_INPUT_H

#include "io/workflow/workflow_task.h"

/* Reads VALUE, any JSON, as a template of its text: placeholders may stand in its strings. */
bool aw_read_call_input (struct aw_reader *reader,
                         struct json_object *value,
                         struct aw_recipe *recipe);

/* Reports keys of the set NAME, OBJECT, read to SPEC, that do not go with "worker", and those that
 * do not go without. */
void aw_check_worker (struct aw_reader *reader,
                      const char *name,
                      struct json_object *object,
                      const struct aw_task_spec *spec);

#endif /* AW_IO_WORKFLOW_CALL_INPUT_H */
