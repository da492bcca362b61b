/* SPDX-License-Identifier: Apache-2.0 */
/* Adds a text to a workflow, as tests do. */
#ifndef AW_TESTS_ADDING_H
#define AW_TESTS_ADDING_H

#include <string.h>

#include "io/workflow/workflow.h"

/* What aw_workflow_add returns for TEXT, which problems name "a.json". */
static inline int add_text (struct aw_workflow *w, const char *text, struct aw_problems *problems)
{
    const struct aw_addition addition = { .text = text, .size = strlen (text), .label = "a.json" };

    return aw_workflow_add (w, &addition, problems);
}

/* The same for a text that a task may have submitted. */
static inline int submit_text (struct aw_workflow *w,
                               const char *text,
                               const char *label,
                               struct aw_problems *problems)
{
    const struct aw_addition addition = {
        .text = text, .size = strlen (text), .label = label, .submitted = true
    };

    return aw_workflow_add (w, &addition, problems);
}

#endif /* AW_TESTS_ADDING_H */
