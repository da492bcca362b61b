/* SPDX-License-Identifier: Apache-2.0 */
/* Are the values of variables safe in a script? Private to the workflow's reader. */
#ifndef AW_IO_WORKFLOW_SCRIPT_VALUES_H
#define AW_IO_WORKFLOW_SCRIPT_VALUES_H

#include "io/workflow/reader.h"

/* SCRIPT is a compiled one of the set that READER reads. Reports variables with a value that cannot
 * be quoted in it: one with a newline, and in another language than the shell's one that needs
 * quotes. Warns of variables within quotes of the shell, where backslashes would stay.
 */
void aw_check_script_values (struct aw_reader *reader, const char *script);

#endif /* AW_IO_WORKFLOW_SCRIPT_VALUES_H */
