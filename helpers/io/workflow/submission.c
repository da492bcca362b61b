/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/workflow/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_compat.h"
#include "io/json_string.h"
#include "io/json_tree.h"
#include "io/workflow/json_check.h"
#include "io/workflow/reader.h"
#include "io/workflow/workflow_sets.h"
#include "util/suggest.h"

enum { MAX_DEPTH = 8 };

/* What a submitted task can have: one process of the pool. */
static const char *const keys[] = {
    "name",     "command",       "script",
    "shell",    "directory",     "environment",
    "stdout",   "stderr",        "cpus",
    "gpus",     "gpu_type",      "mem",
    "retries",  "time_limit",    "threads_per_core",
    "duration", "success_codes", "checkpoint_signal",
    "after_ok", "after_any",     "slurm_commands",
    "comment",
};
enum { N_KEYS = sizeof (keys) / sizeof (keys[0]) };

uint64_t aw_submitted_id (const struct aw_workflow *w, uint32_t set)
{
    uint32_t low = 0, high = w->n_submitted;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (w->submitted[middle] < set)
            low = middle + 1;
        else
            high = middle;
    }
    return AW_SUBMITTED_FIRST + low;
}

uint32_t aw_submitted_set (const struct aw_workflow *w, uint64_t id)
{
    uint64_t number = id - AW_SUBMITTED_FIRST;

    return id >= AW_SUBMITTED_FIRST && number < w->n_submitted ? w->submitted[number] : AW_NONE;
}

uint32_t aw_submitted_task (const struct aw_workflow *w, const char *text)
{
    size_t n = strspn (text, "0123456789");
    uint32_t set;

    if (n == 0 || n > 12 || text[n])
        return AW_NONE;
    set = aw_submitted_set (w, strtoull (text, NULL, 10));
    return set == AW_NONE ? AW_NONE : aw_graph_first_task (w->graph, 0, set);
}

/*
 * The text
 */

struct writing {
    struct aw_reader reader;
    const struct aw_workflow *workflow;
    const struct aw_submission *submission;
    struct aw_textbuf *out;
    struct json_object *root;
};

static struct json_object *member (const struct writing *w, const char *key)
{
    struct json_object *value = NULL;

    json_object_object_get_ex (w->root, key, &value);
    return value;
}

/* The name of a task that was given none: of its program. */
static void default_name (const struct writing *w, char name[AW_SUBMITTED_NAME + 1])
{
    struct json_object *command = member (w, "command");
    struct json_object *first = json_object_is_type (command, json_type_array)
                                    ? json_object_array_get_idx (command, 0)
                                    : NULL;
    const char *program =
        json_object_is_type (first, json_type_string) ? json_object_get_string (first) : "script";
    const char *slash = strrchr (program, '/');

    snprintf (name, AW_SUBMITTED_NAME + 1, "%s", slash && slash[1] ? slash + 1 : program);
    for (char *c = name; *c; c++)
        if (!strchr (AW_NAME_CHARACTERS, *c))
            *c = '_';
    if (*name == '-' || *name == '.')
        *name = '_';
    if (!*name)
        snprintf (name, AW_SUBMITTED_NAME + 1, "script");
}

static bool read_name (struct writing *w, char name[AW_SUBMITTED_NAME + 1])
{
    struct json_object *value = member (w, "name");
    const char *text;

    if (!value) {
        default_name (w, name);
        return true;
    }
    if (!json_object_is_type (value, json_type_string))
        return aw_reader_error (&w->reader, "name: must be text, not %s", aw_reader_type (value));
    text = json_object_get_string (value);
    if (!aw_name_is_good (text, (size_t)json_object_get_string_len (value), AW_SUBMITTED_NAME))
        return aw_reader_error (&w->reader,
                                "name: \"%.60s\": a name has at most %d letters, digits, \"_\", "
                                "\"-\" and \".\", and begins with a letter, a digit or \"_\"",
                                text, AW_SUBMITTED_NAME);
    snprintf (name, AW_SUBMITTED_NAME + 1, "%s", text);
    return true;
}

/* The set that element I of the list of ids KEY names; AW_NONE, reported: it names none. */
static uint32_t read_id (struct writing *w, const char *key, struct json_object *list, size_t i)
{
    struct json_object *value = json_object_array_get_idx (list, i);
    uint32_t set = json_object_is_type (value, json_type_int)
                       ? aw_submitted_set (w->workflow, (uint64_t)json_object_get_int64 (value))
                       : AW_NONE;

    if (set == AW_NONE) {
        char shown[AW_SHOWN_SIZE];

        aw_reader_error (&w->reader, "%s: no submitted task has the id %s", key,
                         value ? aw_reader_show (shown, value) : "null");
    }
    return set;
}

/* Appends the tasks in the list of ids KEY, each once: their sets' names, or their ids. */
static bool put_ids (struct writing *w, const char *key, bool names)
{
    struct json_object *list = member (w, key);
    size_t n = 0, before = w->reader.problems->n_errors;
    const char *separator = "";
    uint32_t *sets;

    if (list && !json_object_is_type (list, json_type_array))
        return aw_reader_error (&w->reader, "%s: must be a list of ids", key);
    n = list ? (size_t)json_object_array_length (list) : 0;
    sets = calloc (n + 1, sizeof (*sets));
    if (!sets)
        return aw_reader_no_memory (&w->reader);
    for (size_t i = 0; i < n; i++) {
        bool known = (sets[i] = read_id (w, key, list, i)) == AW_NONE;

        for (size_t k = 0; k < i && !known; k++)
            known = sets[k] == sets[i];
        if (known)
            continue;
        aw_textbuf_puts (w->out, separator);
        separator = ",";
        if (names)
            aw_json_put_string (w->out, w->workflow->graph->sets[sets[i]].name);
        else
            aw_textbuf_u64 (w->out, aw_submitted_id (w->workflow, sets[i]));
    }
    free (sets);
    return w->reader.problems->n_errors == before;
}

/* Keys of the set itself, as they came. */
static bool put_keys (struct writing *w)
{
    size_t before = w->reader.problems->n_errors;
    const char *text;

    json_object_object_foreach (w->root, key, value)
    {
        if (aw_find_name (key, keys, N_KEYS) < 0) {
            aw_reader_unknown (&w->reader, "key", key, keys, N_KEYS,
                               "aw_submit(3) lists all keys of a submitted task");
            continue;
        }
        if (!strcmp (key, "name") || !strcmp (key, "directory") || !strcmp (key, "comment")
            || !strncmp (key, "after_", 6))
            continue;
        aw_json_put_string (w->out, key);
        aw_textbuf_putc (w->out, ':');
        text = value ? aw_json_tree_text (value) : "null";
        aw_textbuf_puts (w->out, text ? text : "null");
        aw_textbuf_putc (w->out, ',');
    }
    return w->reader.problems->n_errors == before;
}

static bool put_comment (struct writing *w)
{
    struct json_object *value = member (w, "comment");
    const char *text;

    if (!value)
        return true;
    if (!json_object_is_type (value, json_type_string))
        return aw_reader_error (&w->reader, "comment: must be text, not %s",
                                aw_reader_type (value));
    text = json_object_get_string (value);
    if (strlen (text) > AW_SUBMITTED_COMMENT || strpbrk (text, "\t\n"))
        return aw_reader_error (&w->reader,
                                "comment: has at most %d bytes, and neither tab nor newline",
                                AW_SUBMITTED_COMMENT);
    aw_textbuf_puts (w->out, ",\"comment\":");
    aw_json_put_string (w->out, text);
    return true;
}

static bool put_directory (struct writing *w)
{
    struct json_object *value = member (w, "directory");
    const char *base = w->submission->directory;
    struct aw_textbuf path = { 0 };

    if (value && !json_object_is_type (value, json_type_string))
        return aw_reader_error (&w->reader, "directory: must be text, not %s",
                                aw_reader_type (value));
    if (!value || json_object_get_string (value)[0] != '/')
        aw_textbuf_printf (&path, "%s%s", base, value ? "/" : "");
    if (value)
        aw_textbuf_puts (&path, json_object_get_string (value));
    aw_textbuf_puts (w->out, "\"directory\":\"");
    aw_json_put_bytes (w->out, path.data ? path.data : "", path.len);
    aw_textbuf_putc (w->out, '"');
    w->out->failed = w->out->failed || path.failed;
    aw_textbuf_finish (&path);
    return true;
}

static bool put_all (struct writing *w)
{
    unsigned long long id = AW_SUBMITTED_FIRST + w->workflow->n_submitted;
    char name[AW_SUBMITTED_NAME + 1];
    bool good;

    if (!json_object_is_type (w->root, json_type_object))
        return aw_reader_error (&w->reader, "a submitted task is an object, {...}");
    if (!read_name (w, name))
        return false;
    aw_textbuf_printf (w->out,
                       "{\"async-workflow\":1,\"submitted\":{\"id\":%llu,\"name\":\"%s\","
                       "\"environment\":\"%s\",\"after_any\":[",
                       id, name, w->submission->environment);
    good = put_ids (w, "after_any", false);
    aw_textbuf_putc (w->out, ']');
    good = put_comment (w) && good;
    aw_textbuf_printf (w->out, "},\"tasks\":{\"%s-%llu\":{", name, id);
    good = put_keys (w) && good;
    aw_textbuf_puts (w->out, "\"after\":[");
    good = put_ids (w, "after_ok", true) && good;
    aw_textbuf_puts (w->out, "],");
    good = put_directory (w) && good;
    aw_textbuf_puts (w->out, "}}}");
    return good && !w->out->failed ? true : good && aw_reader_no_memory (&w->reader);
}

int aw_submission_put (struct aw_textbuf *text,
                       const struct aw_workflow *workflow,
                       const struct aw_submission *submission,
                       struct aw_problems *problems)
{
    struct writing w = { .workflow = workflow, .submission = submission, .out = text };
    struct aw_error err;
    size_t before = problems->n_errors;

    aw_reader_init (&w.reader, AW_SUBMISSION, problems);
    if (aw_json_check (submission->task, submission->size, MAX_DEPTH, AW_SUBMISSION, problems) == 0
        && problems->n_errors == before) {
        w.root = aw_json_tree_load (submission->task, submission->size, MAX_DEPTH + 1, false, &err);
        if (w.root)
            put_all (&w);
        else
            aw_reader_error (&w.reader, "%s", err.text);
    }
    json_object_put (w.root);
    aw_reader_finish (&w.reader);
    return problems->n_errors > before ? -1 : 0;
}
