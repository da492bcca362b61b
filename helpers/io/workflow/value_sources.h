/* SPDX-License-Identifier: Apache-2.0 */
/* What the values of a variable are read from: lines of a file, names of files, whole numbers.
 * Private to the workflow's reader. Functions of sources append to VARIABLE of VALUES, and returns
 * false where it has reported a problem.
 */
#ifndef AW_IO_WORKFLOW_VALUE_SOURCES_H
#define AW_IO_WORKFLOW_VALUE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/workflow/reader.h"
#include "io/workflow/values.h"

enum {
    AW_VALUES_MAX_BYTES = 1 << 30, /* of a file with values */
    AW_VALUES_MAX_VARIABLES = 256, /* of a set */
};

/* Adds the variable NAME. Its variable in the environment must not be that of another. PATH and
 * WHERE in it are for messages; NULL: it stands in no file. */
bool aw_value_variable (struct aw_reader *reader,
                        struct aw_values *values,
                        const char *name,
                        const char *path,
                        const char *where);

/* Appends a value, the LENGTH bytes at TEXT, after checking it. LINE is where it stands in the file
 * PATH (NULL: in no file). */
bool aw_value_add (struct aw_reader *reader,
                   struct aw_values *values,
                   uint32_t variable,
                   const char *text,
                   size_t length,
                   const char *path,
                   size_t line);

/* Reads the file at PATH, relative to the directory where the run starts. Returns its text for the
 * caller to free, with SIZE bytes and a NUL behind them; BEGIN is behind a byte order mark. NULL:
 * reported. */
char *aw_value_file (struct aw_reader *reader, const char *path, size_t *begin, size_t *size);

/* Each line of the file at PATH but empty ones; lines end in LF or CRLF. */
bool aw_values_from_lines (struct aw_reader *reader,
                           struct aw_values *values,
                           uint32_t variable,
                           const char *path);

/* Each name that PATTERN matches, in the order of its bytes. */
bool aw_values_from_glob (struct aw_reader *reader,
                          struct aw_values *values,
                          uint32_t variable,
                          const char *pattern);

/* FIRST, FIRST + STEP and so on, up to LAST or, with a negative STEP, down to it. */
bool aw_values_from_range (struct aw_reader *reader,
                           struct aw_values *values,
                           uint32_t variable,
                           int64_t first,
                           int64_t last,
                           int64_t step);

#endif /* AW_IO_WORKFLOW_VALUE_SOURCES_H */
