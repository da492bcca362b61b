/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the journal of a workflow that grows. */
#include <string.h>

#include "io/journal/journal_private.h"
#include "io/workflow/workflow.h"

static int add (struct aw_workflow *workflow, const char *text, struct aw_error *err)
{
    const struct aw_addition addition = {
        .text = text, .size = strlen (text), .label = "added workflow", .submitted = true
    };
    struct aw_problems problems;
    int rc;

    aw_problems_init (&problems);
    rc = aw_workflow_add (workflow, &addition, &problems);
    if (rc < 0)
        aw_error_set (err, "%s", problems.n_items ? problems.items[0].text : "out of memory");
    aw_problems_finish (&problems);
    return rc < 0 ? -1 : 0;
}

struct aw_journal_follow *aw_journal_follow (const char *path,
                                             struct aw_workflow *workflow,
                                             struct aw_journal_reading *reading,
                                             struct aw_journal_header *header,
                                             struct aw_error *err)
{
    struct aw_journal_reader reader = { .graph = workflow->graph,
                                        .workflow = workflow,
                                        .add = add };

    return aw_journal_follow_by (&reader, path, reading, header, err);
}

int aw_journal_read_workflow (const char *path,
                              struct aw_workflow *workflow,
                              struct aw_journal_reading *reading,
                              struct aw_journal_header *header,
                              struct aw_error *err)
{
    struct aw_journal_reader reader = { .graph = workflow->graph,
                                        .workflow = workflow,
                                        .add = add };

    return aw_journal_read_by (&reader, path, reading, header, err);
}
