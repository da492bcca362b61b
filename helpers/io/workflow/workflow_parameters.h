/* SPDX-License-Identifier: Apache-2.0 */
/* The key "parameters" of a workflow file. Private to the workflow's reader. */
#ifndef AW_IO_WORKFLOW_WORKFLOW_PARAMETERS_H
#define AW_IO_WORKFLOW_WORKFLOW_PARAMETERS_H

#include "io/workflow/reader.h"

/* Reads OBJECT, the value of the key, or NULL where the file does not have it, into the reader's
 * parameters. Values come from reader->outside first.
 */
void aw_parameters_read (struct aw_reader *reader, struct json_object *object);

#endif /* AW_IO_WORKFLOW_WORKFLOW_PARAMETERS_H */
