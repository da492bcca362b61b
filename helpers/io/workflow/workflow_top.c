/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/workflow_top.h"

#include <string.h>

#include "io/workflow/workflow_edges.h"
#include "io/workflow/workflow_parameters.h"
#include "util/packet.h"

const char *const aw_top_keys[AW_TOP_KEYS] = {
    "$schema", "async-workflow", "name", "parameters", "iterations", "logs", "defaults", "tasks",
};

void aw_top_init (struct aw_top *top)
{
    memset (top, 0, sizeof (*top));
    top->iterations = 1;
    aw_task_spec_init (&top->defaults);
}

void aw_top_finish (struct aw_top *top)
{
    aw_task_spec_finish (&top->defaults);
}

static bool read_version (struct aw_reader *reader, struct json_object *root)
{
    struct json_object *value;
    char buf[AW_SHOWN_SIZE];
    size_t mark;
    bool good;

    if (!json_object_object_get_ex (root, "async-workflow", &value)) {
        aw_reader_error (reader, "the format's version is missing: add \"async-workflow\": %d",
                         AW_WORKFLOW_VERSION);
        return true;
    }
    mark = aw_reader_enter (reader, "async-workflow");
    good =
        json_object_is_type (value, json_type_int) || json_object_is_type (value, json_type_double);
    if (!good)
        aw_reader_error (reader, "must be the format's version, a number, not %s: write %d",
                         aw_reader_type (value), AW_WORKFLOW_VERSION);
    else if (json_object_get_double (value) != AW_WORKFLOW_VERSION) {
        good = aw_reader_error (reader, "version %s is not known: this release reads version %d",
                                aw_reader_show (buf, value), AW_WORKFLOW_VERSION);
    }
    aw_reader_leave (reader, mark);
    return good;
}

/* An editor's, not ours; but text it is. */
static void read_schema (struct aw_reader *reader, struct json_object *root)
{
    struct json_object *value;
    const char *text;
    size_t mark;

    if (!json_object_object_get_ex (root, "$schema", &value))
        return;
    mark = aw_reader_enter (reader, "$schema");
    aw_reader_text (reader, value, &text);
    aw_reader_leave (reader, mark);
}

static void find_unknown (struct aw_reader *reader, struct json_object *root)
{
    json_object_object_foreach (root, name, value)
    {
        size_t i = 0;

        (void)value;
        while (i < AW_TOP_KEYS && strcmp (aw_top_keys[i], name) != 0)
            i++;
        if (i < AW_TOP_KEYS)
            continue;
        for (i = 0; i < aw_task_keys (); i++)
            if (!strcmp (aw_task_key (i, NULL), name))
                break;
        if (i < aw_task_keys ())
            aw_reader_error (reader,
                             "key \"%s\" belongs to a task set: write it there, or in \"defaults\"",
                             name);
        else
            aw_reader_unknown (reader, "key", name, aw_top_keys, AW_TOP_KEYS,
                               "async-workflow-file(5) lists all keys");
    }
}

static void read_logs (struct aw_reader *reader, struct json_object *root, struct aw_top *top)
{
    static const char *const words[] = { AW_LOGS_FILES_NAME, AW_LOGS_STORE_NAME };
    struct json_object *value;
    size_t mark, index;

    if (!json_object_object_get_ex (root, "logs", &value))
        return;
    mark = aw_reader_enter (reader, "logs");
    if (aw_reader_choice (reader, value, words, 2, &index))
        top->logs = index == 0 ? AW_LOGS_FILES : AW_LOGS_STORE;
    aw_reader_leave (reader, mark);
}

/* {"max": N, "until": ...}. */
static void read_iterations (struct aw_reader *reader,
                             struct json_object *object,
                             struct aw_top *top)
{
    static const char *const keys[] = { "max", "until" };
    struct json_object *max = NULL;
    uint64_t iterations;
    size_t mark;

    json_object_object_foreach (object, key, value)
    {
        if (!strcmp (key, "max"))
            max = value;
        else if (!strcmp (key, "until"))
            top->until = value;
        else
            aw_reader_unknown (reader, "key", key, keys, 2, "known keys: max, until");
    }
    if (!max) {
        aw_reader_error (reader, "\"max\", the largest number of iterations, is missing");
        return;
    }
    mark = aw_reader_enter (reader, "max");
    if (aw_reader_integer (reader, max, 1, AW_MAX_TASKS, &iterations))
        top->iterations = (uint32_t)iterations;
    aw_reader_leave (reader, mark);
}

/* The set of that NAME ends the iterations by exit code CODE. One that does not is as good: 0, or
 * where 0 ends them, 1. */
static void set_until (struct aw_reader *reader, struct aw_graph *graph, const char *name, int code)
{
    uint32_t set = aw_graph_find (graph, name);

    if (set == AW_NONE) {
        aw_workflow_unknown_set (reader, graph, name);
        return;
    }
    if (graph->sets[set].once) {
        aw_reader_error (reader, "%s runs once: give a set that iterations repeat", name);
        return;
    }
    if (graph->sets[set].service) {
        aw_reader_error (reader, "%s is a service, which does not end by itself: give another set",
                         name);
        return;
    }
    aw_codes_add (&graph->sets[set].success, 0);
    aw_codes_add (&graph->sets[set].success, code ? code : 1);
    graph->until = set;
    graph->until_code = code;
}

static void read_until_object (struct aw_reader *reader,
                               struct json_object *object,
                               struct aw_graph *graph)
{
    static const char *const keys[] = { "set", "code", "message" };
    struct json_object *set = NULL, *code = NULL, *message = NULL;
    const char *text;
    uint64_t number = 0;

    json_object_object_foreach (object, key, value)
    {
        if (!strcmp (key, "set"))
            set = value;
        else if (!strcmp (key, "code"))
            code = value;
        else if (!strcmp (key, "message"))
            message = value;
        else
            aw_reader_unknown (reader, "key", key, keys, 3,
                               "give \"set\" and \"code\", or \"message\"");
    }
    if (!set == !message || (message && code))
        aw_reader_error (reader, "give \"set\" and \"code\", or \"message\"");
    else if (message) {
        if (!aw_reader_text (reader, message, &text))
            return;
        if (!aw_topic_is_good (text, strlen (text)))
            aw_reader_error (reader, "\"%.64s\" cannot name a topic", text);
        else if (aw_graph_set_until_topic (graph, text) < 0)
            aw_reader_no_memory (reader);
    }
    else if (aw_reader_text (reader, set, &text)
             && (!code || aw_reader_integer (reader, code, 0, 255, &number)))
        set_until (reader, graph, text, (int)number);
}

void aw_top_read_until (struct aw_reader *reader, const struct aw_top *top, struct aw_graph *graph)
{
    size_t mark = aw_reader_enter (reader, "iterations");
    const char *text;

    aw_reader_enter (reader, "until");
    if (top->until && json_object_is_type (top->until, json_type_object))
        read_until_object (reader, top->until, graph);
    else if (top->until && aw_reader_text (reader, top->until, &text))
        set_until (reader, graph, text, 0);
    aw_reader_leave (reader, mark);
}

/* Has any task set variables? */
static bool has_variables (struct json_object *root)
{
    struct json_object *tasks;

    if (!json_object_object_get_ex (root, "tasks", &tasks)
        || !json_object_is_type (tasks, json_type_object))
        return false;
    json_object_object_foreach (tasks, name, set)
    {
        (void)name;
        if (json_object_is_type (set, json_type_object)
            && json_object_object_get_ex (set, "foreach", NULL))
            return true;
    }
    return false;
}

bool aw_top_read (struct aw_reader *reader, struct json_object *root, struct aw_top *top)
{
    struct json_object *value = NULL;
    uint64_t iterations;
    size_t mark;

    if (!read_version (reader, root))
        return false;
    find_unknown (reader, root);
    read_schema (reader, root);
    read_logs (reader, root, top);
    json_object_object_get_ex (root, "parameters", &value);
    aw_parameters_read (reader, value);
    if (json_object_object_get_ex (root, "iterations", &value)) {
        mark = aw_reader_enter (reader, "iterations");
        top->iterated = true;
        if (json_object_is_type (value, json_type_object))
            read_iterations (reader, value, top);
        else if (aw_reader_integer (reader, value, 1, AW_MAX_TASKS, &iterations))
            top->iterations = (uint32_t)iterations;
        aw_reader_leave (reader, mark);
    }
    if (json_object_object_get_ex (root, "defaults", &value)) {
        mark = aw_reader_enter (reader, "defaults");
        reader->in_defaults = has_variables (root);
        aw_task_spec_read_defaults (reader, value, &top->defaults);
        reader->in_defaults = false;
        aw_reader_leave (reader, mark);
    }
    return true;
}
