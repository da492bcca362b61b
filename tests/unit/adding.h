/* SPDX-License-Identifier: Apache-2.0 */
/* Adds a text to a workflow, as tests do. */
#ifndef AW_TESTS_ADDING_H
#define AW_TESTS_ADDING_H

#include <string.h>

#include "io/journal/journal.h"
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

/* TEXT as "base.json"; it must be right. */
struct aw_workflow *adding_parse (const char *text);

/* As add_text; prints a problem. */
int adding_add (struct aw_workflow *w, const char *text);

/* A journal in a directory of its own. */
struct adding_files {
    char dir[32], path[64];
};

void adding_make_files (struct adding_files *f);
void adding_remove_files (struct adding_files *f);
struct aw_journal *adding_create (const struct adding_files *f, const struct aw_graph *graph);
void adding_append (struct aw_journal *journal, const struct aw_event *ev);

/* Reads the journal, in which W may grow. CHANGED as in struct aw_journal_reading. */
int adding_read (const struct adding_files *f,
                 struct aw_workflow *w,
                 bool changed,
                 aw_journal_fn fn,
                 void *arg,
                 struct aw_error *err);

/* Fails where the graphs differ. */
void adding_assert_same (const struct aw_graph *a, const struct aw_graph *b);

#endif /* AW_TESTS_ADDING_H */
