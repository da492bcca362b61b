/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of values: a variable for each column, a task for each row. Private to the workflow's
 * reader. */
#ifndef AW_IO_WORKFLOW_VALUE_TABLES_H
#define AW_IO_WORKFLOW_VALUE_TABLES_H

#include <stdbool.h>

#include "io/workflow/reader.h"
#include "io/workflow/values.h"

/* Fills VALUES, which has no variables, from the file at PATH, whose suffix names its format: .csv
 * and .tsv with a header, .jsonl or .ndjson with an object a line. Returns false where it has
 * reported a problem. */
bool aw_values_from_table (struct aw_reader *reader, struct aw_values *values, const char *path);

#endif /* AW_IO_WORKFLOW_VALUE_TABLES_H */
