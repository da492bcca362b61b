/* SPDX-License-Identifier: Apache-2.0 */
/* The file as a whole: its top level, then the sets one by one, then what connects them. Reading
 * goes on behind a problem, so that all are told; a workflow comes out where there was none.
 */
#include "io/workflow.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_check.h"
#include "io/reader.h"
#include "io/recipe.h"
#include "io/text_file.h"
#include "io/workflow_edges.h"
#include "io/workflow_task.h"
#include "io/workflow_top.h"
#include "util/units.h"

/* What is known while a file is read. */
struct loading {
    struct aw_reader reader;
    struct aw_top top;
    const struct aw_demand *node;
    struct aw_workflow *workflow;
    struct aw_task_spec *specs; /* as graph->sets */
    size_t n_specs;
    size_t n_errors; /* that the caller's problems had before */
};

void aw_workflow_destroy (struct aw_workflow *workflow)
{
    int saved = errno;

    if (workflow) {
        for (uint32_t i = 0; workflow->recipes && i < workflow->graph->n_sets; i++)
            aw_recipe_finish (&workflow->recipes[i]);
        free (workflow->recipes);
        aw_graph_destroy (workflow->graph);
        free (workflow->name);
        free (workflow->text);
        free (workflow);
    }
    errno = saved;
}

/* Names go into file names and task names: letters, digits, "_", "-", ".", the first a letter,
 * digit or "_". */
static bool check_name (struct aw_reader *reader, const char *name)
{
    size_t length = strnlen (name, AW_WORKFLOW_MAX_NAME + 1);

    if (!length)
        return aw_reader_error (reader, "empty name: give it one");
    if (length > AW_WORKFLOW_MAX_NAME)
        return aw_reader_error (reader, "\"%.20s...\": name too long: at most %d characters", name,
                                AW_WORKFLOW_MAX_NAME);
    if (strspn (name, AW_NAME_CHARACTERS) != length)
        return aw_reader_error (
            reader, "\"%s\": a name is made of letters, digits, \"_\", \"-\" and \".\" alone",
            name);
    if (*name == '-' || *name == '.')
        return aw_reader_error (reader, "\"%s\": a name begins with a letter, a digit or \"_\"",
                                name);
    return true;
}

/* The base name of the file without ".json", characters that a name cannot have replaced. */
static char *default_name (const char *label)
{
    const char *slash = strrchr (label, '/');
    const char *base = slash ? slash + 1 : label;
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

static void read_name (struct loading *l, struct json_object *root, const char *label)
{
    struct aw_reader *reader = &l->reader;
    struct json_object *value;
    const char *name = NULL;

    if (json_object_object_get_ex (root, "name", &value)) {
        size_t mark = aw_reader_enter (reader, "name");

        if (aw_reader_text (reader, value, &name) && !check_name (reader, name))
            name = NULL;
        aw_reader_leave (reader, mark);
    }
    l->workflow->name = name ? strdup (name) : default_name (label);
    if (!l->workflow->name)
        aw_reader_no_memory (reader);
}

/* A task of the set in the reader's place needs more of KEY on a node than the largest one has. */
static void report_demand (struct aw_reader *reader,
                           const char *key,
                           const char *needed,
                           const char *had)
{
    size_t mark = aw_reader_enter (reader, key);

    aw_reader_error (
        reader, "a task needs %s and no node has more than %s: ask for less, or for other nodes",
        needed, had);
    aw_reader_leave (reader, mark);
}

static void check_demand (struct aw_reader *reader,
                          const struct aw_set *set,
                          const struct aw_demand *node)
{
    struct aw_demand demand = aw_set_demand (set);
    char needed[32], had[32];

    if (node->nodes > 0 && node->nodes < demand.nodes) {
        size_t mark = aw_reader_enter (reader, "nodes");

        aw_reader_error (reader,
                         "a task needs %u nodes and there are %u: ask for more nodes, or "
                         "for fewer for the task",
                         demand.nodes, node->nodes);
        aw_reader_leave (reader, mark);
    }
    if (node->cpus != UINT32_MAX && demand.cpus > node->cpus) {
        snprintf (needed, sizeof (needed), "%u", demand.cpus);
        snprintf (had, sizeof (had), "%u", node->cpus);
        report_demand (reader, "cpus", needed, had);
    }
    if (node->gpus != UINT32_MAX && aw_demand_gpus (&demand) > node->gpus) {
        snprintf (needed, sizeof (needed), "%.15g", aw_demand_gpu_amount (&demand));
        snprintf (had, sizeof (had), "%u", node->gpus);
        report_demand (reader, "gpus", needed, had);
    }
    if (node->mem != UINT64_MAX && demand.mem > node->mem) {
        aw_format_bytes (needed, sizeof (needed), demand.mem);
        aw_format_bytes (had, sizeof (had), node->mem);
        report_demand (reader, "mem", needed, had);
    }
}

static void read_set (struct loading *l, const char *name, struct json_object *value)
{
    struct aw_reader *reader = &l->reader;
    struct aw_graph *graph = l->workflow->graph;
    struct aw_task_spec *spec = &l->specs[l->n_specs];
    struct aw_set *set;
    size_t mark;

    check_name (
        reader,
        name); /* a wrong one is taken as it is, so that what refers to it is not wrong as well */
    set = aw_graph_add_set (graph, name);
    if (!set) {
        aw_reader_no_memory (reader);
        return;
    }
    mark = aw_reader_enter (reader, name);
    aw_task_spec_read (reader, value, &l->top.defaults, spec);
    l->n_specs++;
    name = set->name;
    *set = spec->set;
    set->name = (char *)name;
    set->after = NULL;
    set->n_after = 0;
    set->needs = NULL;
    set->n_needs = 0;
    if (spec->gpu_type && (set->gpus || set->gpu_share)) {
        set->gpu_type = aw_graph_gpu_type (graph, spec->gpu_type);
        if (!set->gpu_type)
            aw_reader_no_memory (reader);
    }
    aw_recipe_check_outputs (reader, &spec->recipe, set->count > 1, graph->iterations > 1);
    if (l->node)
        check_demand (reader, set, l->node);
    aw_reader_leave (reader, mark);
}

static void check_total (struct loading *l)
{
    const struct aw_graph *graph = l->workflow->graph;
    double n = 0.;

    for (uint32_t i = 0; i < graph->n_sets; i++)
        n += l->specs[i].count_is_known ? graph->sets[i].count : 0.;
    if (n * graph->iterations > AW_MAX_TASKS)
        aw_reader_error (&l->reader, "%.0f tasks in all iterations: at most %u are possible",
                         n * graph->iterations, AW_MAX_TASKS);
}

static void report_cycle (uint32_t set, const char *text, void *arg)
{
    struct loading *l = arg;
    size_t mark = aw_reader_enter (&l->reader, l->workflow->graph->sets[set].name);

    aw_reader_error (&l->reader, "cycle: %s: none of these could ever start", text);
    aw_reader_leave (&l->reader, mark);
}

static void read_sets (struct loading *l, struct json_object *root)
{
    struct aw_reader *reader = &l->reader;
    struct json_object *tasks;
    size_t mark, n;

    if (!json_object_object_get_ex (root, "tasks", &tasks)) {
        aw_reader_error (reader,
                         "\"tasks\" is missing: add \"tasks\": {\"name\": {\"command\": [...]}}");
        return;
    }
    mark = aw_reader_enter (reader, "tasks");
    if (aw_reader_object (reader, tasks)) {
        n = (size_t)json_object_object_length (tasks);
        if (n == 0)
            aw_reader_error (reader, "empty: there is nothing to do");
        l->specs = calloc (n + 1, sizeof (*l->specs));
        if (!l->specs)
            aw_reader_no_memory (reader);
        json_object_object_foreach (tasks, name, value) if (l->specs && !reader->no_memory)
            read_set (l, name, value);
        check_total (l);
    }
    aw_reader_leave (reader, mark);
    if (reader->no_memory)
        return;
    aw_workflow_read_edges (reader, l->specs, l->workflow->graph);
    aw_top_read_until (reader, &l->top, l->workflow->graph);
    mark = aw_reader_enter (reader, "tasks");
    if (aw_graph_cycles (l->workflow->graph, report_cycle, l) < 0)
        aw_reader_no_memory (reader);
    aw_reader_leave (reader, mark);
}

/* Parameters that nothing names: a sign of a name misspelt where it would have been. */
static void warn_unused (struct aw_reader *reader)
{
    for (size_t i = 0; i < reader->n_parameters; i++) {
        size_t mark;

        if (reader->parameters[i].used)
            continue;
        mark = aw_reader_enter (reader, "parameters");
        aw_reader_enter (reader, reader->parameters[i].name);
        aw_reader_warn (reader, "is not used: write {%s} where it should stand",
                        reader->parameters[i].name);
        aw_reader_leave (reader, mark);
    }
}

static void read_root (struct loading *l, struct json_object *root, const char *label)
{
    struct aw_graph *graph = l->workflow->graph;

    if (!aw_top_read (&l->reader, root, &l->top))
        return;
    graph->iterations = l->top.iterations;
    graph->iterated = l->top.iterated;
    read_name (l, root, label);
    read_sets (l, root);
}

/* The recipes go to the workflow, the rest of the specs is done with. */
static void take_recipes (struct loading *l)
{
    l->workflow->recipes = calloc (l->n_specs + 1, sizeof (*l->workflow->recipes));
    if (!l->workflow->recipes) {
        aw_reader_no_memory (&l->reader);
        return;
    }
    for (size_t i = 0; i < l->n_specs; i++) {
        l->workflow->recipes[i] = l->specs[i].recipe;
        memset (&l->specs[i].recipe, 0, sizeof (l->specs[i].recipe));
    }
}

/* The tree of a text that aw_json_check has found good. */
static struct json_object *parse_tree (struct aw_reader *reader, const char *text, size_t size)
{
    struct json_tokener *tokener = json_tokener_new_ex (AW_WORKFLOW_MAX_DEPTH + 1);
    struct json_object *root;
    size_t blanks = strspn (text, " \t\r\n");

    if (text[blanks] != '{') {
        aw_reader_error (reader, "a workflow is an object, {...}: see async-workflow-file(5)");
        json_tokener_free (tokener);
        return NULL;
    }
    if (!tokener) {
        aw_reader_no_memory (reader);
        return NULL;
    }
    json_tokener_set_flags (tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex (tokener, text, (int)size);
    if (!root)
        aw_reader_error (reader, "%s", json_tokener_error_desc (json_tokener_get_error (tokener)));
    json_tokener_free (tokener);
    return root;
}

static void read_text (struct loading *l, const char *label)
{
    struct aw_reader *reader = &l->reader;
    struct aw_workflow *workflow = l->workflow;
    struct json_object *root;
    struct aw_error err;

    if (strspn (workflow->text, " \t\r\n") == workflow->text_size) {
        aw_reader_error (reader,
                         "is empty: a workflow is an object, {...}: see async-workflow-file(5)");
        return;
    }
    if (aw_json_check (workflow->text, workflow->text_size, AW_WORKFLOW_MAX_DEPTH, label,
                       reader->problems)
        < 0)
        return;
    root = parse_tree (reader, workflow->text, workflow->text_size);
    if (!root)
        return;
    read_root (l, root, label);
    if (reader->problems->n_errors == l->n_errors) {
        take_recipes (l);
        warn_unused (reader);
        if (aw_graph_finalize (workflow->graph, &err) < 0)
            aw_reader_error (reader, "%s", err.text);
    }
    json_object_put (root);
}

/* TEXT becomes the workflow's, or is freed. */
static struct aw_workflow *parse_owned (char *text,
                                        size_t size,
                                        const char *label,
                                        const struct aw_demand *node,
                                        struct aw_problems *problems)
{
    struct aw_workflow *workflow = calloc (1, sizeof (*workflow));
    struct loading l = { .workflow = workflow, .node = node, .n_errors = problems->n_errors };

    aw_reader_init (&l.reader, label, problems);
    aw_top_init (&l.top);
    if (workflow) {
        workflow->text = text;
        workflow->text_size = size;
        workflow->graph = aw_graph_create ();
    }
    else {
        free (text);
    }
    if (workflow && workflow->graph && text)
        read_text (&l, label);
    else
        aw_reader_no_memory (&l.reader);
    for (size_t i = 0; i < l.n_specs; i++)
        aw_task_spec_finish (&l.specs[i]);
    free (l.specs);
    aw_top_finish (&l.top);
    aw_reader_finish (&l.reader);
    if (problems->n_errors > l.n_errors) {
        aw_workflow_destroy (workflow);
        workflow = NULL;
    }
    return workflow;
}

struct aw_workflow *aw_workflow_load_for (const char *path,
                                          const struct aw_demand *node,
                                          struct aw_problems *problems)
{
    struct aw_error err;
    size_t size;
    char *text = aw_text_file_read (path, AW_WORKFLOW_MAX_BYTES, &size, &err);

    if (!text) {
        aw_problems_add (problems, false, "%s: %s", path, err.text);
        return NULL;
    }
    return parse_owned (text, size, path, node, problems);
}

struct aw_workflow *aw_workflow_load (const char *path, struct aw_problems *problems)
{
    return aw_workflow_load_for (path, NULL, problems);
}

struct aw_workflow *aw_workflow_parse (const char *text,
                                       size_t size,
                                       const char *label,
                                       struct aw_problems *problems)
{
    char *copy = malloc (size + 1);

    if (copy) {
        memcpy (copy, text, size);
        copy[size] = '\0';
    }
    return parse_owned (copy, size, label, NULL, problems);
}
