/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a workflow file, the first one or one that is added. Private to the workflow's reader. */
#ifndef AW_IO_WORKFLOW_WORKFLOW_SETS_H
#define AW_IO_WORKFLOW_WORKFLOW_SETS_H

#include "io/workflow/reader.h"
#include "io/workflow/recipe.h"
#include "io/workflow/workflow.h"
#include "io/workflow/workflow_task.h"
#include "io/workflow/workflow_top.h"

/* What is known while a file is read. */
struct aw_loading {
    struct aw_reader reader;
    struct aw_top top;
    const struct aw_demand *node; /* the largest there is; NULL: not known */
    struct aw_workflow *workflow; /* where its sets go */
    bool adding; /* the workflow has others already */
    aw_workflow_fits_fn *fits; /* asked of each set, with its argument; NULL: nobody is */
    void *arg;
    uint32_t first; /* of its sets in the workflow's graph */
    struct aw_task_spec *specs; /* of its sets, in their order */
    size_t n_specs;
    struct aw_output_files outputs;
    size_t n_errors; /* that the caller's problems had before */
};

/* The rest of it, where workflow, node, adding and first are set and all else is 0. */
void aw_loading_init (struct aw_loading *loading, const char *label, struct aw_problems *problems);
void aw_loading_finish (struct aw_loading *loading);

/* Can the LENGTH bytes at NAME, at most MAX, name a workflow or a set? */
bool aw_name_is_good (const char *name, size_t length, size_t max);

/* Can NAME name a workflow or a set? Else that is reported. */
bool aw_loading_check_name (struct aw_reader *reader, const char *name);

/* The tree of TEXT, NUL-terminated behind SIZE bytes, an object; NULL where it is none, reported.
 */
struct json_object *aw_loading_parse (struct aw_reader *reader, const char *text, size_t size);

/* Adds the sets of "tasks" to the graph, with their edges, and fills the specs. */
void aw_loading_read_sets (struct aw_loading *loading, struct json_object *root);

/* Warns of parameters that nothing names. */
void aw_loading_warn_unused (struct aw_reader *reader);

#endif /* AW_IO_WORKFLOW_WORKFLOW_SETS_H */
