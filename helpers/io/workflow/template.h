/* SPDX-License-Identifier: Apache-2.0 */
/* Placeholders. What a user writes is compiled to a template: parameters are put in, {index},
 * {iteration}, {task}, {run}, {scratch}, {cpus}, {gpus} and {mem} stay for each task, and every
 * other brace is doubled, so that no text of a parameter is treated as a placeholder.
 * aw_recipe_expand (io/workflow/workflow.h) makes a task's text of a template.
 *
 * In what a user writes, a name is letters, digits, "_" and "-", not beginning with a digit or "-".
 * "{name}" is replaced; behind the name of a variable (see io/workflow/values.h) ":name", ":stem"
 * or ":dir" may stand. A compiled template has variables as they are written.
 * "{{name}}" means {name} as it stands; "{{{name}}}" a replaced name in braces; all other braces
 * stand for themselves, and so does a name in braces behind "$", which is a shell's variable.
 */
#ifndef AW_IO_WORKFLOW_TEMPLATE_H
#define AW_IO_WORKFLOW_TEMPLATE_H

#include "io/workflow/reader.h"

enum aw_template_kind {
    AW_TEMPLATE_TEXT, /* a name that is not known is an error */
    AW_TEMPLATE_SCRIPT, /* braces are the shell's: unknown names are left alone, near misses warned
                           of */
    AW_TEMPLATE_FIXED, /* no task's placeholders here; the result is the text itself, not a template
                        */
};

/* The placeholders of tasks. A parameter cannot have the name of one of the first ones; it takes
 * the place of one of the others.
 */
extern const char *const aw_task_placeholders[];
enum { AW_RESERVED_PLACEHOLDERS = 5, AW_TASK_PLACEHOLDERS = 8 };

/* Compiles TEXT. Returns a string for the caller to free, or NULL with a problem reported. */
char *aw_template_compile (struct aw_reader *reader, const char *text, enum aw_template_kind kind);

/* The number of the task's placeholder, or of the path form, that is the LENGTH bytes given; -1:
 * none is. */
int aw_task_placeholder (const char *name, size_t length);
int aw_path_form (const char *form, size_t length);

/* The length of the name that TEXT begins with; 0: it begins with none. */
size_t aw_template_name_length (const char *text);

/* Does a compiled template hold {NAME}, or a form of it? */
bool aw_template_has (const char *template, const char *name);

/* The first variable in a compiled template that is given one after the other: begin with *FROM the
 * template. Stores its LENGTH. NULL: there is no other. */
const char *aw_template_variable (const char **from, size_t *length);

/* Is WORD a name that can stand in braces? */
bool aw_template_is_name (const char *word);

#endif /* AW_IO_WORKFLOW_TEMPLATE_H */
