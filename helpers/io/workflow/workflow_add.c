/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow that grows. Sets of a file that is added go straight into the graph, so that
 * everything is found there as for the first file; where something is wrong the graph is shrunk
 * again.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"
#include "io/json_compat.h"
#include "io/workflow/submission.h"
#include "io/workflow/workflow.h"
#include "io/workflow/workflow_sets.h"
#include "util/array.h"
#include "util/hash.h"

/* Tells texts apart but for very few; those are compared. */
static void digest_of (const char *text, size_t size, char digest[48])
{
    snprintf (digest, 48, "%016llx-%zu",
              (unsigned long long)aw_hash64 (AW_HASH64_BASIS, text, size), size);
}

static bool is_known (const struct aw_workflow *w,
                      const char *digest,
                      const char *text,
                      size_t size)
{
    uint32_t number = aw_names_get (&w->added_names, digest, strlen (digest));

    return number < w->n_added && w->added[number].size == size
           && memcmp (w->added[number].text, text, size) == 0;
}

static bool is_wrong (const struct aw_loading *l)
{
    return l->reader.problems->n_errors > l->n_errors;
}

static void read_root (struct aw_loading *l, struct json_object *root)
{
    struct aw_reader *reader = &l->reader;
    struct json_object *value;
    const char *name;
    size_t mark;

    if (!aw_top_read (reader, root, &l->top))
        return;
    if (json_object_object_get_ex (root, "iterations", NULL)) {
        mark = aw_reader_enter (reader, "iterations");
        aw_reader_error (reader, "an added workflow has no iterations: remove it");
        aw_reader_leave (reader, mark);
    }
    if (l->top.logs != AW_LOGS_AUTO) {
        mark = aw_reader_enter (reader, "logs");
        aw_reader_error (reader, "the run has chosen at its start: remove it");
        aw_reader_leave (reader, mark);
    }
    if (json_object_object_get_ex (root, "name", &value)) { /* and passed over */
        mark = aw_reader_enter (reader, "name");
        if (aw_reader_text (reader, value, &name))
            aw_loading_check_name (reader, name);
        aw_reader_leave (reader, mark);
    }
    aw_loading_read_sets (l, root);
}

/* Reads a workflow, or a submitted task. */
static void read_added (struct aw_loading *l, struct json_object *root, bool *submitted)
{
    struct json_object *said = *submitted ? aw_submission_take (root) : NULL;

    *submitted = l->reader.literal = said != NULL;
    read_root (l, root);
    if (said && !is_wrong (l))
        aw_submission_read (l, said);
    json_object_put (said);
}

/* The recipes of the new sets go behind the others. */
static void take_recipes (struct aw_loading *l)
{
    struct aw_workflow *w = l->workflow;

    if (aw_array_reserve (&w->recipes, &w->recipe_room, w->graph->n_sets) < 0) {
        aw_reader_no_memory (&l->reader);
        return;
    }
    for (size_t i = 0; i < l->n_specs; i++) {
        w->recipes[l->first + i] = l->specs[i].recipe;
        memset (&l->specs[i].recipe, 0, sizeof (l->specs[i].recipe));
    }
}

/* The text is remembered; it is there from now on. */
static void remember (struct aw_loading *l,
                      const struct aw_addition *addition,
                      const char *digest,
                      const struct aw_graph_size *before)
{
    struct aw_workflow *w = l->workflow;
    size_t size = addition->size;
    char *copy = malloc (size + 1);

    if (!copy || aw_array_reserve (&w->added, &w->added_room, w->n_added + (size_t)1) < 0
        || aw_names_set (&w->added_names, digest, w->n_added) < 0) {
        free (copy);
        aw_reader_no_memory (&l->reader);
        return;
    }
    memcpy (copy, addition->text, size);
    copy[size] = '\0';
    w->added[w->n_added++] = (struct aw_added){ copy, size, *before };
}

static void shrink (struct aw_workflow *w, const struct aw_graph_size *before, bool recipes)
{
    for (uint32_t s = before->n_sets; recipes && s < w->graph->n_sets; s++)
        aw_recipe_finish (&w->recipes[s]);
    aw_graph_shrink (w->graph, before);
    aw_submission_forget (w, before->n_sets);
}

int aw_workflow_add (struct aw_workflow *w,
                     const struct aw_addition *addition,
                     struct aw_problems *problems)
{
    struct aw_graph_size before = aw_graph_size (w->graph);
    struct aw_loading l = { .workflow = w,
                            .adding = true,
                            .first = before.n_sets,
                            .fits = addition->fits,
                            .arg = addition->arg };
    bool submitted = addition->submitted;
    struct aw_error err;
    struct json_object *root;
    char digest[48];
    bool taken = false;
    int rc;

    digest_of (addition->text, addition->size, digest);
    if (is_known (w, digest, addition->text, addition->size))
        return 0;
    aw_loading_init (&l, addition->label, problems);
    l.reader.adding = true;
    root = aw_loading_parse (&l.reader, addition->text, addition->size);
    if (root)
        read_added (&l, root, &submitted);
    if (!is_wrong (&l)) {
        take_recipes (&l);
        taken = !is_wrong (&l);
        aw_loading_warn_unused (&l.reader);
    }
    if (!is_wrong (&l) && aw_graph_grow (w->graph, &before, &err) < 0)
        aw_reader_error (&l.reader, "%s", err.text);
    if (!is_wrong (&l) && submitted && aw_submission_number (w, before.n_sets) < 0)
        aw_reader_no_memory (&l.reader);
    if (!is_wrong (&l))
        remember (&l, addition, digest, &before);
    if (is_wrong (&l))
        shrink (w, &before, taken);
    rc = is_wrong (&l) ? -1 : 1;
    json_object_put (root);
    aw_loading_finish (&l);
    return rc;
}

void aw_workflow_take_back (struct aw_workflow *w)
{
    struct aw_added *last = &w->added[--w->n_added]; /* its number is above all that count now */

    shrink (w, &last->before, true);
    free (last->text);
}

int aw_workflow_add_all (struct aw_workflow *w,
                         const struct aw_workflow *from,
                         struct aw_problems *problems)
{
    for (uint32_t i = 0; i < from->n_added; i++) {
        const struct aw_addition addition = { .text = from->added[i].text,
                                              .size = from->added[i].size,
                                              .label = "added workflow",
                                              .submitted = true };

        if (aw_workflow_add (w, &addition, problems) < 0)
            return -1;
    }
    return 0;
}
