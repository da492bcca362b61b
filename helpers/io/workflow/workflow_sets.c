/* SPDX-License-Identifier: Apache-2.0 */
/* The task sets of a file, of the first one or of one that is added: one by one, then what connects
 * them.
 */
#include "config.h"

#include "io/workflow/workflow_sets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_tree.h"
#include "io/workflow/json_check.h"
#include "io/workflow/recipe.h"
#include "io/workflow/task_list.h"
#include "io/workflow/workflow_edges.h"
#include "io/workflow/workflow_service.h"
#include "util/units.h"
#include "util/utf8.h"

void aw_loading_init (struct aw_loading *l, const char *label, struct aw_problems *problems)
{
    l->n_errors = problems->n_errors;
    aw_reader_init (&l->reader, label, problems);
    aw_top_init (&l->top);
}

void aw_loading_finish (struct aw_loading *l)
{
    for (size_t i = 0; i < l->n_specs; i++)
        aw_task_spec_finish (&l->specs[i]);
    free (l->specs);
    aw_names_finish (&l->outputs.sets);
    aw_top_finish (&l->top);
    aw_reader_finish (&l->reader);
}

/* The file is no object, nor what can be a list of commands: its first character but blanks is
 * FIRST, 0: it has none. */
static struct json_object *report_neither (struct aw_reader *reader, char first)
{
    bool list = !reader->adding && aw_task_list_has_name (reader->label);

    if (!first && list)
        aw_reader_error (reader,
                         "is empty: write a workflow in JSON, {...}, or a list with a shell "
                         "command in each line: see async-workflow-file(5)");
    else if (!first)
        aw_reader_error (reader,
                         "is empty: a workflow is an object, {...}: see async-workflow-file(5)");
    else if (list)
        aw_reader_error (reader,
                         "begins with %c: a workflow in JSON begins with {; if this is a list of "
                         "commands, put a line with # before its first command",
                         first);
    else
        aw_reader_error (reader, "a workflow is an object, {...}: see async-workflow-file(5)");
    return NULL;
}

struct json_object *aw_loading_parse (struct aw_reader *reader, const char *text, size_t size)
{
    size_t mark = aw_utf8_mark (text, size), before = reader->problems->n_errors, blanks;
    struct json_object *root;
    struct aw_error err;

    text += mark;
    size -= mark;
    blanks = strspn (text, " \t\r\n");
    if (blanks == size)
        return report_neither (reader, 0);
    if (strchr ("[\"", text[blanks]) && !reader->adding && aw_task_list_has_name (reader->label))
        return report_neither (reader, text[blanks]);
    if (aw_json_check (text, size, AW_WORKFLOW_MAX_DEPTH, reader->label, reader->problems) < 0)
        return NULL;
    if (text[blanks] != '{')
        return report_neither (reader, text[blanks]);
    root = aw_json_tree_load (text, size, AW_WORKFLOW_MAX_DEPTH + 1,
                              reader->problems->n_errors > before, &err);
    if (!root)
        aw_reader_error (reader, "%s", err.text);
    return root;
}

bool aw_name_is_good (const char *name, size_t length, size_t max)
{
    return length > 0 && length <= max && strspn (name, AW_NAME_CHARACTERS) == length
           && *name != '-' && *name != '.';
}

bool aw_loading_check_name (struct aw_reader *reader, const char *name)
{
    size_t length = strnlen (name, AW_WORKFLOW_MAX_NAME + 1);

    if (!length)
        return aw_reader_error (reader, "empty name: give it one");
    if (length > AW_WORKFLOW_MAX_NAME)
        return aw_reader_error (reader, "\"%.20s...\": name too long: at most %d characters", name,
                                AW_WORKFLOW_MAX_NAME);
    if (strspn (name, AW_NAME_CHARACTERS) != length)
        return aw_reader_error (
            reader, "\"%s\": a name has only letters, digits, \"_\", \"-\" and \".\"", name);
    if (*name == '-' || *name == '.')
        return aw_reader_error (reader, "\"%s\": a name begins with a letter, a digit or \"_\"",
                                name);
    return true;
}

/* A task of the set in the reader's place needs more of KEY on a node than the largest one has. */
static void report_demand (struct aw_reader *reader,
                           const char *key,
                           const char *needed,
                           const char *had)
{
    size_t mark = aw_reader_enter (reader, key);

    aw_reader_error (
        reader, "a task needs %s, but no node has more than %s: request less, or larger nodes%s",
        needed, had, strcmp (key, "cpus") == 0 ? ", or more of them: srun --exclusive, or -c" : "");
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
                         "a task needs %u nodes, but there are %u: request more nodes, or "
                         "fewer for the task",
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

/* An added set has the name of another. Its other problems are reported too. */
static void read_known (struct aw_loading *l, const char *name, struct json_object *value)
{
    struct aw_task_spec spec = { 0 };

    aw_reader_error (&l->reader,
                     "the workflow already has a task set \"%.64s\": give this one another name",
                     name);
    aw_task_spec_read (&l->reader, name, value, &l->top.defaults, &spec);
    aw_task_spec_finish (&spec);
}

/* Does the set that VALUE describes run once although others are iterated? */
static bool is_once (const struct aw_loading *l, struct json_object *value)
{
    struct json_object *once;

    return l->workflow->graph->iterated && !l->adding
           && json_object_is_type (value, json_type_object)
           && json_object_object_get_ex (value, "once", &once)
           && json_object_is_type (once, json_type_boolean) && json_object_get_boolean (once);
}

static void warn_of_once (struct aw_loading *l)
{
    size_t mark = aw_reader_enter (&l->reader, "once");

    aw_reader_warn (&l->reader, l->adding ? "has no effect: all sets of an added workflow run once"
                                          : "has no effect: the workflow has no \"iterations\"");
    aw_reader_leave (&l->reader, mark);
}

static void read_set (struct aw_loading *l, const char *name, struct json_object *value)
{
    struct aw_reader *reader = &l->reader;
    struct aw_graph *graph = l->workflow->graph;
    struct aw_task_spec *spec = &l->specs[l->n_specs];
    struct aw_error err;
    struct aw_set *set;
    size_t mark;

    aw_loading_check_name (
        reader,
        name); /* a wrong one is taken as it is, so that what refers to it is not wrong as well */
    mark = aw_reader_enter (reader, name);
    set = aw_graph_add_set (graph, name);
    if (!set && errno == EEXIST)
        read_known (l, name, value);
    else if (!set)
        aw_reader_no_memory (reader);
    if (!set) {
        aw_reader_leave (reader, mark);
        return;
    }
    aw_task_spec_read (reader, name, value, &l->top.defaults, spec);
    l->n_specs++;
    name = set->name;
    *set = spec->set;
    graph->workers = graph->workers || set->worker;
    set->once = is_once (l, value);
    if (spec->set.once && !set->once)
        warn_of_once (l);
    set->name = (char *)name;
    set->group = graph->n_sets - 1;
    set->members = 1;
    set->after = NULL;
    set->n_after = 0;
    set->message_dependencies = NULL;
    set->n_message_dependencies = 0;
    if (spec->gpu_type && (set->gpus || set->gpu_share)) {
        set->gpu_type = aw_graph_gpu_type (graph, spec->gpu_type);
        if (!set->gpu_type)
            aw_reader_no_memory (reader);
    }
    aw_recipe_check_outputs (reader, &l->outputs, graph, graph->n_sets - 1, &spec->recipe,
                             set->count > 1, !l->adding && !set->once && graph->iterations > 1);
    if (l->node)
        check_demand (reader, set, l->node);
    if (l->fits && l->fits (l->arg, graph->n_sets - 1, &spec->recipe, &err) < 0)
        aw_problems_add (reader->problems, false, "%s: %s", reader->label, err.text);
    aw_reader_leave (reader, mark);
}

static void check_total (struct aw_loading *l)
{
    const struct aw_graph *graph = l->workflow->graph;
    double n = 0., before = l->adding ? graph->n_tasks : 0.;

    for (size_t i = 0; i < l->n_specs; i++) {
        const struct aw_set *set = &graph->sets[l->first + i];
        double times = l->adding || set->once ? 1 : graph->iterations;

        n += l->specs[i].count_is_known ? times * set->count : 0.;
    }
    if (before + n <= AW_MAX_TASKS)
        return;
    if (l->adding)
        aw_reader_error (&l->reader,
                         "%.0f tasks in addition to %.0f: at most %u are possible in total", n,
                         before, AW_MAX_TASKS);
    else
        aw_reader_error (&l->reader, "%.0f tasks in all iterations: at most %u are possible", n,
                         AW_MAX_TASKS);
}

static void report_cycle (uint32_t set, const char *text, void *arg)
{
    struct aw_loading *l = arg;
    size_t mark = aw_reader_enter (&l->reader, l->workflow->graph->sets[set].name);

    aw_reader_error (&l->reader, "cycle: %s: none of these task sets can start", text);
    aw_reader_leave (&l->reader, mark);
}

/* Reads the sets that run once, or the others. */
static void read_some (struct aw_loading *l, struct json_object *tasks, bool once)
{
    json_object_object_foreach (tasks, name, value)
    {
        if (!l->reader.no_memory && is_once (l, value) == once)
            read_set (l, name, value);
    }
}

static void read_each (struct aw_loading *l, struct json_object *tasks)
{
    read_some (l, tasks, false);
    read_some (l, tasks, true);
    if (l->n_specs > 0 && l->workflow->graph->sets[l->first].once)
        aw_reader_error (&l->reader, "all sets have \"once\": none is left for the iterations: "
                                     "remove it from those that are repeated");
}

void aw_loading_read_sets (struct aw_loading *l, struct json_object *root)
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
            aw_reader_error (reader, "is empty: add a task set");
        l->specs = calloc (n + 1, sizeof (*l->specs));
        if (!l->specs)
            aw_reader_no_memory (reader);
        read_each (l, tasks);
        check_total (l);
    }
    aw_reader_leave (reader, mark);
    if (reader->no_memory)
        return;
    aw_workflow_read_edges (reader, l->specs, l->workflow, l->first);
    if (!l->adding)
        aw_top_read_until (reader, &l->top, l->workflow->graph);
    mark = aw_reader_enter (reader, "tasks");
    if (aw_graph_cycles (l->workflow->graph, l->first, report_cycle, l) < 0)
        aw_reader_no_memory (reader);
    aw_check_services (reader, l->workflow->graph, l->first);
    aw_reader_leave (reader, mark);
}

/* Parameters that nothing names: a sign of a name misspelt where it would have been. */
void aw_loading_warn_unused (struct aw_reader *reader)
{
    for (size_t i = 0; i < reader->n_parameters; i++) {
        size_t mark;

        if (reader->parameters[i].used)
            continue;
        mark = aw_reader_enter (reader, "parameters");
        aw_reader_enter (reader, reader->parameters[i].name);
        aw_reader_warn (reader, "is not used: write {%s} where it belongs",
                        reader->parameters[i].name);
        aw_reader_leave (reader, mark);
    }
}
