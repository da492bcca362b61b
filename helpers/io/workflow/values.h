/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a task set's variables ("foreach"): which texts each of its tasks has. Tasks have
 * values by their index, the same ones in each iteration. Equal texts of a variable are stored once
 * and have one number, so that comparing numbers compares texts. Besides the texts, a task takes 4
 * bytes a variable, and a text 8.
 */
#ifndef AW_IO_WORKFLOW_VALUES_H
#define AW_IO_WORKFLOW_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aw_values;

/* No such variable. */
#define AW_VALUES_NONE UINT32_MAX

/* An empty table without variables. NULL with ENOMEM. destroy takes NULL, keeps errno. */
struct aw_values *aw_values_create (void);
void aw_values_destroy (struct aw_values *values);

/* Tasks that have values, and their variables. */
uint32_t aw_values_count (const struct aw_values *values);
uint32_t aw_values_n_variables (const struct aw_values *values);

/* The name of variable number VARIABLE. Borrowed. */
const char *aw_values_name (const struct aw_values *values, uint32_t variable);

/* The number of the variable whose name is the LENGTH bytes at NAME, or AW_VALUES_NONE. VALUES may
 * be NULL: it has none. */
uint32_t aw_values_find (const struct aw_values *values, const char *name, size_t length);

/* Values that are lines of a task list: what their source begins with, and their variables. */
#define AW_LIST_SOURCE "list-"
#define AW_LIST_LINE "line" /* the number of the line in the file */
#define AW_LIST_REMOVED "removed" /* in place of the number: the file no longer has the line */
#define AW_LIST_COMMAND "command"
bool aw_values_is_list (const struct aw_values *values);

/* The variable of a task's environment that has the text of VARIABLE: ASYNC_WORKFLOW_VALUE_x, or
 * ASYNC_WORKFLOW_LINE for the number of a line. Returns BUF. */
#define AW_VALUES_ENVIRONMENT "ASYNC_WORKFLOW_VALUE_"
enum { AW_VALUES_NAME_SIZE = 96 };
const char *aw_values_environment (const struct aw_values *values,
                                   uint32_t variable,
                                   char buf[AW_VALUES_NAME_SIZE]);

/* What the task of INDEX has: the text of VARIABLE, borrowed, and its number, below
 * aw_values_n_texts. */
const char *aw_values_text (const struct aw_values *values, uint32_t index, uint32_t variable);
uint32_t aw_values_number (const struct aw_values *values, uint32_t index, uint32_t variable);

/* Is the task no longer wanted: have its values gone from their sources since the run began? */
bool aw_values_is_missing (const struct aw_values *values, uint32_t index);

/* The different texts of VARIABLE, in the order of their first tasks: how many, and that of
 * NUMBER, borrowed. */
uint32_t aw_values_n_texts (const struct aw_values *values, uint32_t variable);
const char *aw_values_nth_text (const struct aw_values *values, uint32_t variable, uint32_t number);

/* Building a table: add all variables, append the texts of each, then call combine or align. */

/* Adds a variable; NAME is copied. 0, or -1 with ENOMEM. */
int aw_values_add_variable (struct aw_values *values, const char *name);

/* Appends the LENGTH bytes at TEXT, without a NUL, to what VARIABLE goes through. 0, or -1 with
 * ENOMEM. */
int aw_values_append (struct aw_values *values, uint32_t variable, const char *text, size_t length);

/* The text that was appended last to VARIABLE has a newline, and stands in LINE of its source.
 * newline_at returns that of the first one; 0: it is not known. */
void aw_values_note_newline (struct aw_values *values, uint32_t variable, size_t line);
size_t aw_values_newline_at (const struct aw_values *values, uint32_t variable);

/* How many texts were appended to VARIABLE, equal ones included. */
size_t aw_values_appended (const struct aw_values *values, uint32_t variable);

/* One task for each combination, the last variable fastest. Their number is at most MAX: 0, or -1
 * with ERANGE, or ENOMEM. Nothing can be appended afterwards. */
int aw_values_combine (struct aw_values *values, uint32_t max);

/* One task for each row: every variable has the same number of texts (else -1 with EINVAL). At most
 * MAX, as combine. Nothing can be appended afterwards. */
int aw_values_align (struct aw_values *values, uint32_t max);

/* VALUES are those of a run, and NEW what its sources have now: values that are in both keep their
 * task, NEW ones get tasks behind all others, and tasks with values that are not in NEW become
 * missing. Of equal values, the first task stays first. 1; 0 with nothing changed where the two
 * have other variables; -1 with ENOMEM: then VALUES can only be destroyed. NOTE, a variable of
 * VALUES, is not compared: tasks get its new text, missing ones AW_LIST_REMOVED. AW_VALUES_NONE:
 * all are compared.
 */
int aw_values_merge (struct aw_values *values, const struct aw_values *new, uint32_t note);

/* The task of INDEX is missing. 0, or -1 with ENOMEM. */
int aw_values_set_missing (struct aw_values *values, uint32_t index);

/* What the values were read from, as text, for a resume to see whether it has changed: copied. 0,
 * or -1 with ENOMEM. The text is borrowed; NULL: not set. */
int aw_values_set_source (struct aw_values *values, const char *source);
const char *aw_values_source (const struct aw_values *values);

#endif /* AW_IO_WORKFLOW_VALUES_H */
