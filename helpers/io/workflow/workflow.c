/* SPDX-License-Identifier: Apache-2.0 */
/* The file as a whole: its top level, then the sets one by one, then what connects them. Reading
 * continues after a problem, so that all are reported; without problems it makes a workflow.
 */
#include "config.h"

#include "io/workflow/workflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_compat.h"
#include "io/json_tree.h"
#include "io/text_file.h"
#include "io/workflow/outside.h"
#include "io/workflow/task_list.h"
#include "io/workflow/values_file.h"
#include "io/workflow/workflow_sets.h"
#include "util/utf8.h"

void aw_workflow_destroy (struct aw_workflow *workflow)
{
    int saved = errno;

    if (workflow) {
        uint32_t n = workflow->recipes && workflow->graph ? workflow->graph->n_sets : 0;

        for (uint32_t i = 0; i < n; i++)
            aw_recipe_finish (&workflow->recipes[i]);
        free (workflow->recipes);
        for (uint32_t i = 0; i < workflow->n_added; i++)
            free (workflow->added[i].text);
        free (workflow->added);
        aw_names_finish (&workflow->added_names);
        free (workflow->submitted);
        aw_names_finish (&workflow->labels);
        aw_graph_destroy (workflow->graph);
        aw_strings_finish (&workflow->given);
        free (workflow->name);
        free (workflow->text);
        free (workflow);
    }
    errno = saved;
}

/* The base name of the file without ".json", characters that a name cannot have replaced. */
static char *default_name (const char *label)
{
    const char *slash = strrchr (label, '/');
    const char *base = strcmp (label, AW_WORKFLOW_STDIN) == 0 ? "stdin" : slash ? slash + 1 : label;
    size_t length = strlen (base);
    char *name;

    if (length > 5 && !strcmp (base + length - 5, ".json"))
        length -= 5;
    if (length > AW_WORKFLOW_MAX_NAME)
        length = AW_WORKFLOW_MAX_NAME;
    name = length ? strndup (base, length) : strdup ("workflow");
    for (char *c = name; c && *c; c++)
        if (!strchr (AW_NAME_CHARACTERS, *c) || (c == name && (*c == '-' || *c == '.')))
            *c = '_';
    return name;
}

static void read_name (struct aw_loading *l, struct json_object *root, const char *label)
{
    struct aw_reader *reader = &l->reader;
    struct json_object *value;
    const char *name = NULL;

    if (json_object_object_get_ex (root, "name", &value)) {
        size_t mark = aw_reader_enter (reader, "name");

        if (aw_reader_text (reader, value, &name) && !aw_loading_check_name (reader, name))
            name = NULL;
        aw_reader_leave (reader, mark);
    }
    l->workflow->name = name ? strdup (name) : default_name (label);
    if (!l->workflow->name)
        aw_reader_no_memory (reader);
}

static void read_root (struct aw_loading *l, struct json_object *root, const char *label)
{
    struct aw_graph *graph = l->workflow->graph;

    if (!aw_top_read (&l->reader, root, &l->top))
        return;
    graph->iterations = l->top.iterations;
    graph->iterated = l->top.iterated;
    l->workflow->logs = l->top.logs;
    read_name (l, root, label);
    aw_loading_read_sets (l, root);
}

/* The recipes go to the workflow, the rest of the specs is done with. */
static void take_recipes (struct aw_loading *l)
{
    l->workflow->recipes = calloc (l->n_specs + 1, sizeof (*l->workflow->recipes));
    if (!l->workflow->recipes) {
        aw_reader_no_memory (&l->reader);
        return;
    }
    l->workflow->recipe_room = (uint32_t)l->n_specs + 1;
    for (size_t i = 0; i < l->n_specs; i++) {
        l->workflow->recipes[i] = l->specs[i].recipe;
        memset (&l->specs[i].recipe, 0, sizeof (l->specs[i].recipe));
    }
}

static void read_text (struct aw_loading *l, const char *text, size_t size, const char *label)
{
    struct aw_reader *reader = &l->reader;
    struct aw_workflow *workflow = l->workflow;
    struct json_object *root;
    struct aw_error err;

    root = aw_loading_parse (reader, text, size);
    if (!root)
        return;
    read_root (l, root, label);
    if (reader->problems->n_errors == l->n_errors) {
        take_recipes (l);
        aw_loading_warn_unused (reader);
        if (aw_graph_finalize (workflow->graph, &err) < 0)
            aw_reader_error (reader, "%s", err.text);
    }
    json_object_put (root);
}

/* Its name without the suffix. NULL without memory. */
static char *list_name (const char *label)
{
    char *name = default_name (label), *dot = name ? strrchr (name, '.') : NULL;

    if (dot && dot > name)
        *dot = '\0';
    return name;
}

char *aw_workflow_read_name (const char *path)
{
    struct aw_error err;
    size_t size, mark;
    char *text = aw_text_file_read (path, AW_WORKFLOW_MAX_BYTES, &size, &err), *name = NULL;
    struct json_object *root = NULL, *value;

    mark = text ? aw_utf8_mark (text, size) : 0;
    if (text && aw_task_list_is (path, text, size))
        name = list_name (path);
    else if (text)
        root = aw_json_tree_load (text + mark, size - mark, AW_WORKFLOW_MAX_DEPTH + 1, true, &err);
    if (root && json_object_object_get_ex (root, "name", &value)
        && json_object_is_type (value, json_type_string))
        name = strdup (json_object_get_string (value));
    else if (root)
        name = default_name (path);
    json_object_put (root);
    free (text);
    return name;
}

/* The text of the workflow, a list of commands, becomes the JSON that it stands for. NULL: wrong,
 * reported. The caller destroys the list. */
static struct aw_task_list *take_list (struct aw_loading *l, const char *label)
{
    struct aw_workflow *workflow = l->workflow;
    struct aw_task_list *list = aw_task_list_read (&l->reader, workflow->text, workflow->text_size);
    char *name = list_name (label), *path = realpath (label, NULL);
    struct aw_textbuf out = { 0 };

    if (list && name)
        aw_task_list_put (list, path ? path : label, name, &out);
    aw_textbuf_putc (&out, '\0');
    if (list && (!name || out.failed))
        aw_reader_no_memory (&l->reader);
    free (name);
    free (path);
    free (workflow->text);
    workflow->text = out.data;
    workflow->text_size = out.len ? out.len - 1 : 0;
    return list;
}

/* The values file becomes the reader's. False where it is wrong, reported. */
static bool take_kept (struct aw_reader *reader, const struct aw_workflow_input *input)
{
    struct aw_error err;

    reader->directory = input->directory;
    reader->kept_alone = input->values_alone;
    reader->read_again = input->new_values;
    if (!input->values)
        return true;
    reader->kept = aw_kept_values_read (input->values, &err);
    if (!reader->kept)
        aw_problems_add (reader->problems, false, "%s", err.text);
    return reader->kept != NULL;
}

/* The text of the workflow becomes what was read, the SIZE bytes at BASE, with what came from
 * OUTSIDE. */
static void rewrite (struct aw_loading *l,
                     const struct aw_outside *outside,
                     const char *base,
                     size_t size)
{
    struct aw_workflow *workflow = l->workflow;
    char *text = aw_outside_put (outside, base, &size);

    if (!text) {
        aw_reader_no_memory (&l->reader);
        return;
    }
    workflow->rewritten = strcmp (text, workflow->text) != 0;
    free (workflow->text);
    workflow->text = text;
    workflow->text_size = size;
}

/* Reads the workflow's text. Values from outside: from INPUT, or by the record that the text has.
 */
static void read_all (struct aw_loading *l,
                      const char *label,
                      const struct aw_workflow_input *input)
{
    struct aw_workflow *workflow = l->workflow;
    struct aw_outside outside = { 0 };
    size_t size = workflow->text_size;
    bool recorded = aw_outside_is_in (workflow->text), good;
    char *rest = recorded ? aw_outside_take (&outside, &l->reader, workflow->text, &size) : NULL;
    const char *base = recorded ? rest : workflow->text;

    good = base && (!input->start || aw_outside_start (&outside, &l->reader, input));
    l->reader.outside = &outside;
    if (good)
        read_text (l, base, size, label);
    if (input->start && l->reader.problems->n_errors == l->n_errors
        && (recorded || outside.given.n > 0 || outside.from_environment))
        rewrite (l, &outside, base, size);
    workflow->given = outside.given;
    l->reader.outside = NULL;
    aw_strings_finish (&outside.environment);
    free (rest);
}

static void read_list (struct aw_loading *l,
                       const char *label,
                       const struct aw_workflow_input *input)
{
    struct aw_task_list *list = take_list (l, label);
    size_t first = l->reader.problems->n_items;

    l->reader.list = list;
    if (list && l->workflow->text && take_kept (&l->reader, input))
        read_all (l, label, input);
    if (list)
        aw_task_list_place (list, &l->reader, first);
    l->reader.list = NULL;
    aw_task_list_destroy (list);
}

/* TEXT becomes the workflow's, or is freed. */
static struct aw_workflow *parse_owned (char *text,
                                        size_t size,
                                        const char *label,
                                        const struct aw_workflow_input *input,
                                        struct aw_problems *problems)
{
    struct aw_workflow *workflow = calloc (1, sizeof (*workflow));
    struct aw_loading l = { .workflow = workflow, .node = input->node };
    size_t mark = text ? aw_utf8_mark (text, size) : 0;

    aw_loading_init (&l, label, problems);
    if (mark) {
        size -= mark;
        memmove (text, text + mark, size + 1); /* and the NUL */
    }
    if (workflow) {
        workflow->text = text;
        workflow->text_size = size;
        workflow->graph = aw_graph_create ();
    }
    else {
        free (text);
    }
    if (!workflow || !workflow->graph || !text)
        aw_reader_no_memory (&l.reader);
    else if (aw_task_list_is (label, text, size))
        read_list (&l, label, input);
    else if (take_kept (&l.reader, input))
        read_all (&l, label, input);
    aw_kept_values_destroy (l.reader.kept);
    aw_loading_finish (&l);
    if (problems->n_errors > l.n_errors) {
        aw_workflow_destroy (workflow);
        workflow = NULL;
    }
    return workflow;
}

struct aw_workflow *aw_workflow_load_with (const char *path,
                                           const struct aw_workflow_input *input,
                                           struct aw_problems *problems)
{
    struct aw_error err;
    size_t size;
    char *text = input->standard_input
                     ? aw_text_stdin_read (AW_WORKFLOW_MAX_BYTES, &size, &err)
                     : aw_text_file_read (path, AW_WORKFLOW_MAX_BYTES, &size, &err);

    if (!text) {
        aw_problems_add (problems, false, "%s: %s", path, err.text);
        return NULL;
    }
    return parse_owned (text, size, path, input, problems);
}

struct aw_workflow *aw_workflow_load (const char *path, struct aw_problems *problems)
{
    return aw_workflow_load_with (path, &(struct aw_workflow_input){ 0 }, problems);
}

struct aw_workflow *aw_workflow_parse_with (const char *text,
                                            size_t size,
                                            const char *label,
                                            const struct aw_workflow_input *input,
                                            struct aw_problems *problems)
{
    char *copy = malloc (size + 1);

    if (copy) {
        memcpy (copy, text, size);
        copy[size] = '\0';
    }
    return parse_owned (copy, size, label, input, problems);
}

struct aw_workflow *aw_workflow_parse (const char *text,
                                       size_t size,
                                       const char *label,
                                       struct aw_problems *problems)
{
    const struct aw_workflow_input input = { .node = NULL };

    return aw_workflow_parse_with (text, size, label, &input, problems);
}
