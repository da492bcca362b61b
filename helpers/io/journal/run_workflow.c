/* SPDX-License-Identifier: Apache-2.0 */
#include "io/journal/run_workflow.h"

#include <stdlib.h>

#include "io/journal/run_dir.h"
#include "io/workflow/values_file.h"

int aw_run_workflow_write (const char *dir,
                           const struct aw_workflow *workflow,
                           struct aw_error *err)
{
    struct aw_textbuf values = { 0 };
    int rc = 0;

    aw_values_file_put (workflow, &values);
    if (values.failed)
        rc = aw_error_set (err, "out of memory");
    else if (values.len > 0)
        rc = aw_run_dir_write_file (dir, AW_RUN_VALUES, 0600, values.data, values.len, err);
    aw_textbuf_finish (&values);
    if (rc == 0)
        rc = aw_run_dir_write_workflow (dir, workflow->text, workflow->text_size, err);
    return rc;
}

struct aw_workflow *aw_run_workflow_load (const char *dir, struct aw_problems *problems)
{
    char *path = aw_run_dir_path (dir, AW_RUN_WORKFLOW);
    char *values = aw_run_dir_path (dir, AW_RUN_VALUES);
    const struct aw_workflow_input input = { .values = values, .values_alone = true };
    struct aw_workflow *workflow = NULL;
    size_t n = problems->n_items, warnings = problems->n_warnings;

    if (path && values)
        workflow = aw_workflow_load_with (path, &input, problems);
    else
        aw_problems_add (problems, false, "%s: out of memory", dir);
    if (workflow) {
        while (problems->n_items > n)
            free (problems->items[--problems->n_items].text);
        problems->n_warnings = warnings;
    }
    free (path);
    free (values);
    return workflow;
}
