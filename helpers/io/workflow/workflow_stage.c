/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/workflow_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/workflow/reader_keys.h"
#include "io/workflow/template.h"

/* One entry as it is read. */
struct entry {
    struct aw_copy_recipe copy;
    enum aw_staging_mode mode;
    double seconds;
};

static void read_path (struct aw_reader *reader, struct json_object *value, char **path)
{
    const char *raw;

    if (!aw_reader_text (reader, value, &raw))
        return;
    *path = aw_template_compile (reader, raw, AW_TEMPLATE_TEXT);
    if (*path && !**path)
        aw_reader_error (reader, "empty text: give a path");
}

static void read_from (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct entry *e = object;

    read_path (reader, value, &e->copy.from);
}

/* A directory has no name of its own in such a path, so nothing can be put in its place. */
static bool is_bare_directory (const char *raw)
{
    const char *slash = strrchr (raw, '/'), *last = slash ? slash + 1 : raw;

    return strcmp (last, ".") == 0 || strcmp (last, "..") == 0 || strcmp (raw, "{scratch}") == 0;
}

static void read_to (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct entry *e = object;
    const char *raw;

    if (json_object_is_type (value, json_type_string)
        && is_bare_directory (raw = json_object_get_string (value)))
        aw_reader_error (reader, "\"%s\" is a directory: write \"%s/\" to copy into it", raw, raw);
    read_path (reader, value, &e->copy.to);
}

#define OF(member) .offset = offsetof (struct entry, member)

static const struct aw_key keys[] = {
    { "from", .read = read_from },
    { "to", .read = read_to },
    { "mode", AW_KEY_CHOICE, OF (mode), .min = AW_STAGING_ASYNC, .words = { "async", "sync" } },
    { "duration", AW_KEY_SECONDS, OF (seconds) },
    { "checksum", AW_KEY_FLAG, OF (copy.checksum) },
};
enum { N_KEYS = sizeof (keys) / sizeof (keys[0]) };

/* One object; a plain text is its "from". */
static void read_entry (struct aw_reader *reader, struct json_object *value, struct entry *e)
{
    if (json_object_is_type (value, json_type_string))
        read_path (reader, value, &e->copy.from);
    else if (aw_reader_object (reader, value)) {
        aw_keys_read (reader, keys, N_KEYS, "known keys: from, to, mode, duration, checksum", value,
                      e);
        if (!json_object_object_get_ex (value, "from", NULL))
            aw_reader_error (reader, "\"from\" is missing: give what to copy");
    }
}

/* Where "to" is left out. */
static void add_target (struct aw_reader *reader, bool in, struct aw_copy_recipe *copy)
{
    if (copy->to || !copy->from)
        return;
    if (!in) {
        aw_reader_error (reader, "\"to\" is missing: give the path for the result");
        return;
    }
    copy->to = strdup ("{scratch}/");
    if (!copy->to)
        aw_reader_no_memory (reader);
}

static bool differs (const char *text)
{
    size_t length;

    return text
           && (aw_template_has (text, "index") || aw_template_has (text, "task")
               || aw_template_variable (&text, &length));
}

static void take_entry (struct aw_reader *reader,
                        struct json_object *value,
                        bool in,
                        struct aw_staging_recipe *spec)
{
    struct entry e = { .mode = AW_STAGING_ASYNC };

    read_entry (reader, value, &e);
    add_target (reader, in, &e.copy);
    e.copy.shared = !differs (e.copy.from) && !differs (e.copy.to);
    spec->copies[spec->n++] = e.copy;
    if (spec->mode != AW_STAGING_NONE && spec->mode != e.mode)
        aw_reader_error (reader, "async and sync copies of one task cannot be mixed: give all of "
                                 "them the same \"mode\"");
    spec->mode = e.mode;
    spec->seconds += e.seconds;
    spec->shared = spec->shared && e.copy.shared;
}

void aw_read_staging (struct aw_reader *reader,
                      struct json_object *value,
                      bool in,
                      struct aw_staging_recipe *spec)
{
    bool many = json_object_is_type (value, json_type_array);
    size_t n = many ? json_object_array_length (value) : 1;

    spec->copies = n ? calloc (n, sizeof (*spec->copies)) : NULL;
    if (n && !spec->copies) {
        aw_reader_no_memory (reader);
        return;
    }
    spec->shared = true;
    for (size_t i = 0; i < n; i++) {
        size_t mark;

        if (!many) {
            take_entry (reader, value, in, spec);
            return;
        }
        mark = aw_reader_enter_index (reader, i);
        take_entry (reader, json_object_array_get_idx (value, i), in, spec);
        aw_reader_leave (reader, mark);
    }
}

void aw_staging_finish (struct aw_staging_recipe *spec)
{
    int saved = errno;

    for (size_t i = 0; i < spec->n; i++) {
        free (spec->copies[i].from);
        free (spec->copies[i].to);
    }
    free (spec->copies);
    memset (spec, 0, sizeof (*spec));
    errno = saved;
}

static bool has_scratch (const char *text)
{
    return text && aw_template_has (text, "scratch");
}

bool aw_recipe_uses_scratch (const struct aw_recipe *r)
{
    bool uses = r->stage_in.n > 0 || r->stage_out.n > 0 || has_scratch (r->script)
                || has_scratch (r->input) || has_scratch (r->directory) || has_scratch (r->out)
                || has_scratch (r->err);

    for (char **arg = r->command; arg && *arg; arg++)
        uses = uses || has_scratch (*arg);
    for (size_t i = 0; i < r->n_environment; i++)
        uses = uses || has_scratch (r->environment[i].value);
    return uses;
}

bool aw_workflow_uses_scratch (const struct aw_workflow *workflow)
{
    for (uint32_t i = 0; i < workflow->graph->n_sets; i++)
        if (aw_recipe_uses_scratch (&workflow->recipes[i]))
            return true;
    return false;
}
