/* SPDX-License-Identifier: Apache-2.0 */
/* Reading those keys of a task set that say how its tasks are launched. Private to the workflow's
 * reader. */
#ifndef AW_IO_WORKFLOW_RECIPE_H
#define AW_IO_WORKFLOW_RECIPE_H

#include "io/workflow/reader.h"
#include "io/workflow/template.h"
#include "io/workflow/workflow.h"

/* Fills TO, empty, with copies of what FROM, the defaults, has; but of variables that OBJECT, a
 * task set, gives itself. */
bool aw_recipe_inherit (struct aw_reader *reader,
                        const struct aw_recipe *from,
                        struct json_object *object,
                        struct aw_recipe *to);

/* Reports variables in texts of RECIPE that its set, whose values READER has, does not have: they
 * come from the defaults. */
void aw_recipe_check_variables (struct aw_reader *reader, const struct aw_recipe *recipe);

bool aw_recipe_read_command (struct aw_reader *reader,
                             struct json_object *value,
                             struct aw_recipe *recipe);

/* "bash -eu": a shell and its options. */
bool aw_recipe_read_shell (struct aw_reader *reader,
                           struct json_object *value,
                           struct aw_recipe *recipe);

/* Adds variables to those that the recipe has. */
bool aw_recipe_read_environment (struct aw_reader *reader,
                                 struct json_object *value,
                                 struct aw_recipe *recipe);

/* Adds ASYNC_WORKFLOW_VALUE_NAME for each parameter that the script, which has just been compiled,
 * uses. */
bool aw_recipe_add_parameters (struct aw_reader *reader, struct aw_recipe *recipe);

/* Files that sets write as stdout and stderr. {0} is empty; aw_names_finish frees it. */
struct aw_output_files {
    struct aw_names sets; /* by path: the first set that writes it */
};

/* Warns where several tasks, of SET or of sets before it, would write one file. */
void aw_recipe_check_outputs (struct aw_reader *reader,
                              struct aw_output_files *files,
                              const struct aw_graph *graph,
                              uint32_t set,
                              const struct aw_recipe *recipe,
                              bool many,
                              bool iterated);

#endif /* AW_IO_WORKFLOW_RECIPE_H */
