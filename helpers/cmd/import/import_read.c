/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an instance: its tasks, their parents, and the files by which one needs another. */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/import/import.h"
#include "io/json_tree.h"
#include "io/text_file.h"
#include "io/workflow/json_check.h"
#include "io/workflow/workflow.h"
#include "util/array.h"
#include "util/names.h"
#include "util/utf8.h"

enum { MAX_BYTES = 1 << 30, MAX_DEPTH = 64, MAX_CPUS = 1 << 20 };

/* What reading needs besides its result. */
struct reading {
    struct aw_import *import;
    struct aw_names by_id; /* of tasks */
    struct aw_names sets;
    struct aw_names producers; /* of files: the task that writes it */
    const char *path;
    struct aw_problems *problems;
};

static int fail (struct reading *r, const char *place, const char *what)
{
    aw_problems_add (r->problems, false, "%s: %s: %s", r->path, place, what);
    return -1;
}

static int no_memory (struct reading *r)
{
    aw_problems_add (r->problems, false, "%s: out of memory", r->path);
    return -1;
}

/* The member KEY of OBJECT, if it is of TYPE; else NULL. */
static json_object *member (json_object *object, const char *key, json_type type)
{
    json_object *value;

    return object && json_object_is_type (object, json_type_object)
                   && json_object_object_get_ex (object, key, &value)
                   && json_object_is_type (value, type)
               ? value
               : NULL;
}

static const char *text_of (json_object *object, const char *key)
{
    json_object *value = member (object, key, json_type_string);

    return value ? json_object_get_string (value) : NULL;
}

/* A number, whole or not; NAN: there is none. */
static double number_of (json_object *object, const char *key)
{
    json_object *value = member (object, key, json_type_double);

    if (!value)
        value = member (object, key, json_type_int);
    return value ? json_object_get_double (value) : NAN;
}

/* The number of elements of the list KEY, and its element I. */
static size_t length_of (json_object *object, const char *key)
{
    json_object *list = member (object, key, json_type_array);

    return list ? (size_t)json_object_array_length (list) : 0;
}

static json_object *element (json_object *object, const char *key, size_t i)
{
    return json_object_array_get_idx (member (object, key, json_type_array), (int)i);
}

/* A name that task sets may have, made of TEXT: of other characters it becomes "_". */
static void make_name (const char *text, char name[AW_WORKFLOW_MAX_NAME + 1])
{
    size_t n = 0;

    for (; *text && n < AW_WORKFLOW_MAX_NAME; text++)
        name[n++] = strchr (AW_NAME_CHARACTERS, *text) ? *text : '_';
    if (n == 0 || strchr ("-.", name[0]))
        name[0] = '_';
    name[n ? n : 1] = '\0';
}

/* The name of the set of task number I: its id, with a number where another one has that name. */
static int name_set (struct reading *r, uint32_t i)
{
    struct aw_import_task *task = &r->import->tasks[i];
    char name[AW_WORKFLOW_MAX_NAME + 1], number[16];
    int length;

    make_name (task->id, name);
    if (aw_names_get (&r->sets, name, strlen (name)) != AW_NAMES_NONE) {
        length = snprintf (number, sizeof (number), "_%u", i);
        if (strlen (name) + (size_t)length > AW_WORKFLOW_MAX_NAME)
            name[AW_WORKFLOW_MAX_NAME - length] = '\0';
        strcat (name, number);
        if (aw_names_get (&r->sets, name, strlen (name)) != AW_NAMES_NONE)
            return fail (r, task->id, "no name for its task set: rename the task");
    }
    task->set = strdup (name);
    return task->set && aw_names_set (&r->sets, name, i) == 0 ? 0 : no_memory (r);
}

/* Adds the tasks of the specification. */
static int read_tasks (struct reading *r, json_object *specification)
{
    size_t n = length_of (specification, "tasks");
    char place[64];

    if (n == 0)
        return fail (r, "workflow.specification.tasks", "expected a list of tasks");
    if (n > AW_MAX_TASKS)
        return fail (r, "workflow.specification.tasks", "too many tasks");
    if (aw_array_reserve (&r->import->tasks, &r->import->task_room, n) < 0)
        return no_memory (r);
    for (uint32_t i = 0; i < n; i++) {
        struct aw_import_task *task = &r->import->tasks[i];
        const char *id = text_of (element (specification, "tasks", i), "id");

        snprintf (place, sizeof (place), "workflow.specification.tasks[%u].id", i);
        if (!id || !*id)
            return fail (r, place, "expected a text");
        if (aw_names_get (&r->by_id, id, strlen (id)) != AW_NAMES_NONE)
            return fail (r, place, "another task has it too");
        memset (task, 0, sizeof (*task));
        r->import->n_tasks++;
        task->cpus = 1;
        task->seconds = NAN;
        task->id = strdup (id);
        if (!task->id || aw_names_set (&r->by_id, id, i) < 0)
            return no_memory (r);
        if (name_set (r, i) < 0)
            return -1;
    }
    return 0;
}

static int compare (const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* AFTER waits for BEFORE. */
static int add_edge (struct reading *r, uint32_t after, uint32_t before)
{
    struct aw_import_task *task = &r->import->tasks[after];

    if (aw_array_reserve (&task->after, &task->after_room, task->n_after + (size_t)1) < 0)
        return no_memory (r);
    task->after[task->n_after++] = before;
    return 0;
}

/* Parents of task I, and children, whose other end is task I. */
static int read_relatives (struct reading *r, json_object *in, uint32_t i, const char *key)
{
    bool parents = strcmp (key, "parents") == 0;

    for (size_t k = 0; k < length_of (in, key); k++) {
        json_object *it = element (in, key, k);
        const char *id =
            json_object_is_type (it, json_type_string) ? json_object_get_string (it) : "";
        uint32_t other = aw_names_get (&r->by_id, id, strlen (id));
        char place[320];

        snprintf (place, sizeof (place), "task \"%.200s\": %s: \"%.60s\"", r->import->tasks[i].id,
                  key, id);
        if (other == AW_NAMES_NONE)
            return fail (r, place, "there is no task with this id");
        if (add_edge (r, parents ? i : other, parents ? other : i) < 0)
            return -1;
    }
    return 0;
}

/* Remembers which task writes each file. */
static int read_outputs (struct reading *r, json_object *in, uint32_t i)
{
    for (size_t k = 0; k < length_of (in, "outputFiles"); k++) {
        json_object *it = element (in, "outputFiles", k);

        if (json_object_is_type (it, json_type_string)
            && aw_names_set (&r->producers, json_object_get_string (it), i) < 0)
            return no_memory (r);
    }
    return 0;
}

/* Waits for the tasks that write its files. */
static int read_inputs (struct reading *r, json_object *in, uint32_t i)
{
    for (size_t k = 0; k < length_of (in, "inputFiles"); k++) {
        json_object *it = element (in, "inputFiles", k);
        const char *file =
            json_object_is_type (it, json_type_string) ? json_object_get_string (it) : "";
        uint32_t before = aw_names_get (&r->producers, file, strlen (file));

        if (before != AW_NAMES_NONE && before != i && add_edge (r, i, before) < 0)
            return -1;
    }
    return 0;
}

/* Each predecessor once. */
static void sort_edges (struct aw_import_task *task)
{
    uint32_t n = 0;

    if (task->n_after > 0)
        qsort (task->after, task->n_after, sizeof (*task->after), compare);
    for (uint32_t i = 0; i < task->n_after; i++)
        if (n == 0 || task->after[i] != task->after[n - 1])
            task->after[n++] = task->after[i];
    task->n_after = n;
}

static int read_edges (struct reading *r, json_object *specification)
{
    for (uint32_t i = 0; i < r->import->n_tasks; i++) {
        json_object *in = element (specification, "tasks", i);

        if (read_relatives (r, in, i, "parents") < 0 || read_relatives (r, in, i, "children") < 0
            || read_outputs (r, in, i) < 0)
            return -1;
    }
    for (uint32_t i = 0; i < r->import->n_tasks; i++)
        if (read_inputs (r, element (specification, "tasks", i), i) < 0)
            return -1;
    for (uint32_t i = 0; i < r->import->n_tasks; i++)
        sort_edges (&r->import->tasks[i]);
    return 0;
}

static void read_command (struct aw_import_task *task, json_object *command)
{
    const char *program = text_of (command, "program");

    if (!program || task->command.n > 0)
        return;
    aw_strings_add (&task->command, program);
    for (size_t i = 0; i < length_of (command, "arguments"); i++) {
        json_object *it = element (command, "arguments", i);

        if (json_object_is_type (it, json_type_string))
            aw_strings_add (&task->command, json_object_get_string (it));
    }
}

/* How long tasks took, on how many cores. An instance need not have it. */
static int read_execution (struct reading *r, json_object *execution)
{
    for (size_t k = 0; k < length_of (execution, "tasks"); k++) {
        json_object *in = element (execution, "tasks", k);
        const char *id = text_of (in, "id");
        uint32_t i = id ? aw_names_get (&r->by_id, id, strlen (id)) : AW_NAMES_NONE;
        double seconds = number_of (in, "runtimeInSeconds"), cores = number_of (in, "coreCount");
        struct aw_import_task *task;
        char place[64];

        snprintf (place, sizeof (place), "workflow.execution.tasks[%zu]", k);
        if (i == AW_NAMES_NONE)
            return fail (r, place, "its id is that of no task");
        if (!(seconds >= 0 && seconds <= 1e9))
            return fail (r, place, "runtimeInSeconds: expected a number from 0 to 1e9");
        if (cores > MAX_CPUS)
            return fail (r, place, "coreCount: too many");
        task = &r->import->tasks[i];
        task->seconds = seconds;
        if (cores > 1)
            task->cpus = (uint32_t)ceil (cores);
        read_command (task, member (in, "command", json_type_object));
        if (task->command.failed)
            return no_memory (r);
    }
    return 0;
}

static int read_instance (struct reading *r, json_object *root)
{
    json_object *workflow = member (root, "workflow", json_type_object);
    const char *version = text_of (root, "schemaVersion"), *name = text_of (root, "name");
    char made[AW_WORKFLOW_MAX_NAME + 1];

    if (!version)
        return fail (r, "schemaVersion", "missing: give an instance of WfFormat 1.4 or 1.5");
    if (strcmp (version, "1.5") != 0 && strcmp (version, "1.4") != 0)
        return fail (r, "schemaVersion", "expected \"1.4\" or \"1.5\"");
    make_name (name ? name : "workflow", made);
    r->import->name = strdup (made);
    if (!r->import->name)
        return no_memory (r);
    if (read_tasks (r, member (workflow, "specification", json_type_object)) < 0
        || read_edges (r, member (workflow, "specification", json_type_object)) < 0)
        return -1;
    return read_execution (r, member (workflow, "execution", json_type_object));
}

int aw_import_read (struct aw_import *import, const char *path, struct aw_problems *problems)
{
    struct reading r = { .import = import, .path = path, .problems = problems };
    struct aw_error err;
    json_object *root = NULL;
    size_t size, mark;
    char *text;
    int rc = -1;

    memset (import, 0, sizeof (*import));
    text = aw_text_file_read (path, MAX_BYTES, &size, &err);
    if (!text)
        aw_problems_add (problems, false, "%s: %s", path, err.text);
    else if (mark = aw_utf8_mark (text, size), size -= mark,
             aw_json_check (text + mark, size, MAX_DEPTH, path, problems) == 0) {
        root = aw_json_tree_load (text + mark, size, MAX_DEPTH, true, &err);
        if (root)
            rc = read_instance (&r, root);
        else
            aw_problems_add (problems, false, "%s: %s", path, err.text);
    }
    json_object_put (root);
    free (text);
    aw_names_finish (&r.by_id);
    aw_names_finish (&r.sets);
    aw_names_finish (&r.producers);
    return rc;
}

void aw_import_finish (struct aw_import *import)
{
    for (uint32_t i = 0; i < import->n_tasks; i++) {
        free (import->tasks[i].id);
        free (import->tasks[i].set);
        free (import->tasks[i].after);
        aw_strings_finish (&import->tasks[i].command);
    }
    free (import->tasks);
    free (import->name);
    memset (import, 0, sizeof (*import));
}
