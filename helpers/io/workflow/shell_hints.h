/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings where a user expects a shell, and none reads the text. Private to the workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_SHELL_HINTS_H
#define AW_IO_WORKFLOW_SHELL_HINTS_H

#include "io/workflow/reader.h"

/* Warns of TEXT, as the user wrote it, if it has "~" or "$HOME", which stay as they are. */
void aw_hint_path (struct aw_reader *reader, const char *text);

/* Warns of Slurm's placeholders in the name of an output file: "%j". */
void aw_hint_output (struct aw_reader *reader, const char *text);

/* As aw_hint_path, for the value of the environment variable NAME. */
void aw_hint_variable (struct aw_reader *reader, const char *name, const char *text);

/* Warns of a command, an array of texts, that is written as for a shell. */
void aw_hint_command (struct aw_reader *reader, struct json_object *command);

#endif /* AW_IO_WORKFLOW_SHELL_HINTS_H */
