/* SPDX-License-Identifier: Apache-2.0 */
/* A submitted task comes into the workflow: live, or from the journal. */
#include "config.h"

#include <string.h>

#include "io/json_compat.h"
#include "io/workflow/submission.h"
#include "io/workflow/workflow_sets.h"
#include "util/array.h"

struct json_object *aw_submission_take (struct json_object *root)
{
    struct json_object *submitted;

    if (!json_object_object_get_ex (root, AW_SUBMISSION, &submitted))
        return NULL;
    json_object_get (submitted);
    json_object_object_del (root, AW_SUBMISSION);
    return submitted;
}

static const char *text_of (struct json_object *object, const char *key)
{
    struct json_object *value;

    return json_object_object_get_ex (object, key, &value)
                   && json_object_is_type (value, json_type_string)
               ? json_object_get_string (value)
               : NULL;
}

/* The first set that was submitted with LABEL; else SET. */
static uint32_t head_of (const struct aw_workflow *w, const char *label, uint32_t set)
{
    uint32_t head = aw_names_get (&w->labels, label, strlen (label));
    const struct aw_set *s = head < set ? &w->graph->sets[head] : NULL;

    return s && s->label && strcmp (s->label, label) == 0 ? head : set;
}

static bool add_edges (struct aw_loading *l, struct json_object *submitted)
{
    struct aw_workflow *w = l->workflow;
    struct json_object *list;

    if (!json_object_object_get_ex (submitted, "after_any", &list)
        || !json_object_is_type (list, json_type_array))
        return false;
    for (size_t i = 0; i < (size_t)json_object_array_length (list); i++) {
        int64_t id = json_object_get_int64 (json_object_array_get_idx (list, i));
        struct aw_edge edge = { .set = aw_submitted_set (w, (uint64_t)id), .any = true };

        if (edge.set == AW_NONE)
            return false;
        if (aw_graph_add_edge (w->graph, l->first, edge) < 0)
            return aw_reader_no_memory (&l->reader);
    }
    return true;
}

/* 0, or -1 with ENOMEM. */
static int take_names (struct aw_loading *l,
                       const char *name,
                       const char *environment,
                       const char *comment)
{
    struct aw_workflow *w = l->workflow;
    struct aw_recipe *recipe = &l->specs[0].recipe;
    uint32_t head = head_of (w, name, l->first);

    recipe->base = strdup (environment);
    recipe->comment = comment ? strdup (comment) : NULL;
    if (!recipe->base || (comment && !recipe->comment)
        || aw_graph_submitted (w->graph, l->first, name, head) < 0)
        return -1;
    return head == l->first ? aw_names_set (&w->labels, name, head) : 0;
}

bool aw_submission_read (struct aw_loading *l, struct json_object *submitted)
{
    const char *name = text_of (submitted, "name"),
               *environment = text_of (submitted, "environment");
    struct json_object *id = NULL;

    json_object_object_get_ex (submitted, "id", &id);
    if (l->n_specs != 1 || l->workflow->graph->sets[l->first].count != 1 || !name || !environment
        || !aw_name_is_good (name, strlen (name), AW_SUBMITTED_NAME)
        || environment[strspn (environment, "0123456789abcdef-")]
        || json_object_get_int64 (id) != (int64_t)(AW_SUBMITTED_FIRST + l->workflow->n_submitted)
        || !add_edges (l, submitted))
        return aw_reader_error (&l->reader, "\"submitted\" is not as this release writes it");
    return take_names (l, name, environment, text_of (submitted, "comment")) == 0
           || aw_reader_no_memory (&l->reader);
}

int aw_submission_number (struct aw_workflow *w, uint32_t set)
{
    if (aw_array_reserve (&w->submitted, &w->submitted_room, w->n_submitted + (size_t)1) < 0)
        return -1;
    w->submitted[w->n_submitted++] = set;
    return 0;
}

void aw_submission_forget (struct aw_workflow *w, uint32_t from)
{
    while (w->n_submitted && w->submitted[w->n_submitted - 1] >= from)
        w->n_submitted--;
}
