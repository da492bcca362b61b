/* SPDX-License-Identifier: Apache-2.0 */
/* Are the values of variables safe in a script, and in the names of output files? Private to the
 * workflow's reader. */
#ifndef AW_IO_WORKFLOW_SCRIPT_VALUES_H
#define AW_IO_WORKFLOW_SCRIPT_VALUES_H

#include "io/workflow/reader.h"
#include "io/workflow/values.h"

/* SCRIPT is a compiled one of the set that READER reads. Reports variables with a value that cannot
 * be quoted in it: one with a newline, and in another language than the shell's one that needs
 * quotes. Warns of variables within quotes of the shell, where backslashes would stay.
 */
void aw_check_script_values (struct aw_reader *reader, const char *script);

/* OUTPUT, compiled, names a file for the output of tasks with VALUES (NULL: none). Warns of a
 * variable with a value that has a directory. At the beginning of OUTPUT, where a path may be
 * meant, only ".." is warned of. */
void aw_check_output_values (struct aw_reader *reader,
                             const struct aw_values *values,
                             const char *output);

#endif /* AW_IO_WORKFLOW_SCRIPT_VALUES_H */
