/* SPDX-License-Identifier: Apache-2.0 */
/* In two passes: first what the file itself says (arrays, ranges, names of sources), which tells
 * whether kept values still apply; then what the sources have.
 */
#include "io/workflow/foreach.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"
#include "io/workflow/task_list.h"
#include "io/workflow/template.h"
#include "io/workflow/value_sources.h"
#include "io/workflow/value_tables.h"
#include "io/workflow/values_file.h"
#include "io/workflow/workflow.h"
#include "util/array.h"
#include "util/hash.h"

typedef bool read_fn (struct aw_reader *reader,
                      struct aw_values *values,
                      uint32_t variable,
                      const char *path);

/* A file or files that a variable's values are read from. */
struct source {
    char *name; /* of the variable. Owned, as path */
    char *path;
    read_fn *read; /* NULL: it is the table that has all variables */
};

struct foreach {
    struct aw_reader *reader;
    struct aw_values *values;
    struct source *sources;
    size_t n_sources, source_room;
    uint64_t part; /* of a list of commands, the one source; 0: there is none */
    uint64_t digest; /* of all that the file itself says */
};

static void digest_text (struct foreach *f, const char *text)
{
    f->digest = aw_hash64 (f->digest, text, strlen (text) + 1);
}

/* TEXT with its parameters; caller frees. */
static char *resolve (struct foreach *f, struct json_object *value)
{
    const char *text;
    char *resolved;

    if (!aw_reader_text (f->reader, value, &text))
        return NULL;
    resolved = aw_template_compile (f->reader, text, AW_TEMPLATE_FIXED);
    if (resolved)
        digest_text (f, resolved);
    return resolved;
}

static bool read_element (struct foreach *f, uint32_t variable, struct json_object *value)
{
    char number[AW_SHOWN_SIZE];
    char *text;
    bool good;

    switch (json_object_get_type (value)) {
    case json_type_int:
    case json_type_double:
        if (!aw_reader_number_text (f->reader, value, number))
            return false;
        digest_text (f, number);
        return aw_value_add (f->reader, f->values, variable, number, strlen (number), NULL, 0);
    case json_type_string:
        text = resolve (f, value);
        good = text && aw_value_add (f->reader, f->values, variable, text, strlen (text), NULL, 0);
        free (text);
        return good;
    default:
        return aw_reader_error (f->reader, "must be text or a number, not %s",
                                aw_reader_type (value));
    }
}

static bool read_array (struct foreach *f, uint32_t variable, struct json_object *array)
{
    size_t n = json_object_array_length (array);
    bool good = true;
    char count[24];

    if (n == 0)
        return aw_reader_error (f->reader, "is empty: a task set has at least one task");
    snprintf (count, sizeof (count), "%zu", n);
    digest_text (f, count);
    for (size_t i = 0; i < n; i++) {
        size_t mark = aw_reader_enter_index (f->reader, i);

        good = read_element (f, variable, json_object_array_get_idx (array, i)) && good;
        aw_reader_leave (f->reader, mark);
    }
    return good;
}

static bool read_whole (struct aw_reader *reader, struct json_object *value, int64_t *whole)
{
    double number;

    if (!aw_reader_number (reader, value, &number))
        return false;
    if (number != floor (number) || fabs (number) > 9007199254740992.) /* 2^53 */
        return aw_reader_error (reader, "%.15g: must be a whole number", number);
    *whole = (int64_t)number;
    return true;
}

/* [first, last] or [first, last, step]. */
static bool read_range (struct foreach *f, uint32_t variable, struct json_object *array)
{
    int64_t numbers[3] = { 0, 0, 1 };
    size_t n;
    bool good = true;
    char text[80];

    if (!aw_reader_array (f->reader, array))
        return false;
    n = json_object_array_length (array);
    if (n < 2 || n > 3)
        return aw_reader_error (f->reader,
                                "has %zu numbers: write [first, last] or "
                                "[first, last, step]; the last one is included",
                                n);
    for (size_t i = 0; i < n; i++) {
        size_t mark = aw_reader_enter_index (f->reader, i);

        good = read_whole (f->reader, json_object_array_get_idx (array, i), &numbers[i]) && good;
        aw_reader_leave (f->reader, mark);
    }
    if (!good)
        return false;
    snprintf (text, sizeof (text), "%" PRId64 " %" PRId64 " %" PRId64, numbers[0], numbers[1],
              numbers[2]);
    digest_text (f, text);
    return aw_values_from_range (f->reader, f->values, variable, numbers[0], numbers[1],
                                 numbers[2]);
}

/* A source that READ reads later. */
static bool note_source (struct foreach *f,
                         const char *name,
                         struct json_object *path,
                         read_fn *read)
{
    struct source source = { .read = read };

    if (f->reader->adding)
        return aw_reader_error (f->reader, "an added workflow has its values in itself: write them "
                                           "as an array");
    if (aw_array_reserve (&f->sources, &f->source_room, f->n_sources + 1) < 0)
        return aw_reader_no_memory (f->reader);
    source.path = resolve (f, path);
    if (!source.path)
        return false;
    if (!*source.path) {
        free (source.path);
        return aw_reader_error (f->reader, "empty text: give a path");
    }
    source.name = strdup (name);
    if (!source.name) {
        free (source.path);
        return aw_reader_no_memory (f->reader);
    }
    f->sources[f->n_sources++] = source;
    return true;
}

/* {"lines": F}, {"glob": P} or {"range": [...]}. */
static bool read_object (struct foreach *f,
                         const char *name,
                         uint32_t variable,
                         struct json_object *object)
{
    static const char *const kinds[] = { "lines", "glob", "range" };
    bool good = false;

    if (json_object_object_length (object) != 1)
        return aw_reader_error (
            f->reader, "give one of \"lines\": FILE, \"glob\": PATTERN, \"range\": [first, last]");
    json_object_object_foreach (object, kind, value)
    {
        size_t mark = aw_reader_enter (f->reader, kind);

        digest_text (f, kind);
        if (!strcmp (kind, "lines"))
            good = note_source (f, name, value, aw_values_from_lines);
        else if (!strcmp (kind, "glob"))
            good = note_source (f, name, value, aw_values_from_glob);
        else if (!strcmp (kind, "range"))
            good = read_range (f, variable, value);
        aw_reader_leave (f->reader, mark);
        if (strcmp (kind, "lines") != 0 && strcmp (kind, "glob") != 0
            && strcmp (kind, "range") != 0)
            aw_reader_unknown (f->reader, "source", kind, kinds, 3,
                               "known sources: lines, glob, range");
    }
    return good;
}

static bool read_variable (struct foreach *f, const char *name, struct json_object *value)
{
    uint32_t variable = aw_values_n_variables (f->values);

    if (!aw_value_variable (f->reader, f->values, name, NULL, NULL))
        return false;
    digest_text (f, name);
    switch (json_object_get_type (value)) {
    case json_type_array:
        return read_array (f, variable, value);
    case json_type_object:
        return read_object (f, name, variable, value);
    default:
        return aw_reader_error (f->reader,
                                "must be an array of values, or {\"lines\": FILE}, {\"glob\": "
                                "PATTERN} or {\"range\": [first, last]}, not %s",
                                aw_reader_type (value));
    }
}

/* {"table": F}. */
static bool read_table (struct foreach *f, struct json_object *object, struct json_object *table)
{
    size_t mark;
    bool good;

    if (json_object_object_length (object) > 1)
        return aw_reader_error (f->reader,
                                "a \"table\" stands alone: its columns are all variables");
    mark = aw_reader_enter (f->reader, "table");
    digest_text (f, "");
    good = note_source (f, "table", table, NULL);
    aw_reader_leave (f->reader, mark);
    return good;
}

/* {"list": F, "part": N}: tasks are found again by their commands; the path of the list is no
 * matter. */
static bool read_list (struct foreach *f, struct json_object *object)
{
    static const char *const keys[] = { "list", "part" };
    struct json_object *list = NULL, *part = NULL;
    char number[24];
    size_t mark;
    bool good = true;

    json_object_object_foreach (object, key, value)
    {
        if (!strcmp (key, "list"))
            list = value;
        else if (!strcmp (key, "part"))
            part = value;
        else
            good = aw_reader_unknown (f->reader, "key", key, keys, 2,
                                      "a \"list\" stands alone, but for \"part\"");
    }
    f->part = 1;
    if (part) {
        mark = aw_reader_enter (f->reader, "part");
        good = aw_reader_integer (f->reader, part, 1, AW_MAX_TASKS, &f->part) && good;
        aw_reader_leave (f->reader, mark);
    }
    mark = aw_reader_enter (f->reader, "list");
    good = note_source (f, "list", list, NULL) && good;
    aw_reader_leave (f->reader, mark);
    snprintf (number, sizeof (number), "%" PRIu64, f->part);
    f->digest = AW_HASH64_BASIS;
    digest_text (f, "list");
    digest_text (f, number);
    return good;
}

static bool read_variables (struct foreach *f, struct json_object *object)
{
    struct json_object *table;
    bool good = true;

    if (!aw_reader_object (f->reader, object))
        return false;
    if (json_object_object_length (object) == 0)
        return aw_reader_error (f->reader, "is empty: add a variable: {\"sample\": {\"lines\": "
                                           "\"samples.txt\"}}");
    if (json_object_object_get_ex (object, "table", &table)
        && json_object_is_type (table, json_type_string))
        return read_table (f, object, table);
    if (json_object_object_get_ex (object, "list", &table)
        && json_object_is_type (table, json_type_string))
        return read_list (f, object);
    json_object_object_foreach (object, name, value)
    {
        size_t mark = aw_reader_enter (f->reader, name);

        good = read_variable (f, name, value) && good;
        aw_reader_leave (f->reader, mark);
    }
    return good;
}

static bool read_sources (struct foreach *f)
{
    bool good = true;

    for (size_t i = 0; i < f->n_sources; i++) {
        struct source *source = &f->sources[i];
        size_t mark = f->reader->place_length;
        uint32_t variable = aw_values_find (f->values, source->name, strlen (source->name));

        aw_reader_enter (f->reader, source->name);
        good = (source->read ? source->read (f->reader, f->values, variable, source->path)
                             : aw_values_from_table (f->reader, f->values, source->path))
               && good;
        aw_reader_leave (f->reader, mark);
    }
    return good;
}

/* The rows of a table, or the combinations of variables. */
static bool combine (struct foreach *f)
{
    bool table = f->n_sources > 0 && !f->sources[0].read;
    double n = 1.;

    if ((table ? aw_values_align : aw_values_combine) (f->values, AW_MAX_TASKS) == 0)
        return true;
    if (errno != ERANGE)
        return aw_reader_no_memory (f->reader);
    for (uint32_t i = 0; i < aw_values_n_variables (f->values); i++)
        n *= (double)aw_values_appended (f->values, i);
    return aw_reader_error (f->reader, "%.0f combinations: at most %u tasks are possible", n,
                            AW_MAX_TASKS);
}

/* Lines of a list: that from which the workflow is made, else the file. */
static bool read_lines (struct foreach *f)
{
    struct aw_task_list *list = NULL;
    size_t begin, size;
    char *text;
    bool good;

    if (f->reader->list)
        return aw_task_list_values (f->reader->list, f->reader, f->part, f->values);
    text = aw_value_file (f->reader, f->sources[0].path, &begin, &size);
    if (text)
        list = aw_task_list_read (f->reader, text + begin, size - begin);
    good = list && aw_task_list_values (list, f->reader, f->part, f->values);
    aw_task_list_destroy (list);
    free (text);
    return good;
}

/* KEPT, those of the run, with what the sources have now. KEPT is destroyed, or becomes the values.
 */
static bool merge (struct foreach *f, struct aw_values *kept)
{
    uint32_t line =
        f->part ? aw_values_find (kept, AW_LIST_LINE, strlen (AW_LIST_LINE)) : AW_VALUES_NONE;
    int rc = aw_values_merge (kept, f->values, line);

    if (rc <= 0) {
        aw_values_destroy (kept);
        return rc == 0 || aw_reader_no_memory (f->reader);
    }
    aw_values_destroy (f->values);
    f->values = kept;
    return aw_values_count (kept) <= AW_MAX_TASKS
           || aw_reader_error (f->reader,
                               "with those of before, %u values: at most %u tasks are possible",
                               aw_values_count (kept), AW_MAX_TASKS);
}

/* The kept values where they are of the same sources, unless these are to be read again; else those
 * of the sources, merged with the kept ones. */
static bool fill (struct foreach *f, const char *set)
{
    struct aw_values *kept = aw_kept_values_take (f->reader->kept, set);
    bool listed = f->part && f->reader->list;
    char digest[32];

    snprintf (digest, sizeof (digest), "%s%016" PRIx64, f->part ? AW_LIST_SOURCE : "", f->digest);
    if (kept && !f->reader->read_again && !listed
        && strcmp (aw_values_source (kept), digest) == 0) {
        aw_values_destroy (f->values);
        f->values = kept;
        return true;
    }
    if (f->reader->kept_alone && f->n_sources > 0 && !listed) {
        aw_values_destroy (kept);
        return aw_reader_error (f->reader, "the run directory has no values of this set");
    }
    if (!(f->part ? read_lines (f) : read_sources (f)) || !combine (f)) {
        aw_values_destroy (kept);
        return false;
    }
    if (kept && !merge (f, kept))
        return false;
    return aw_values_set_source (f->values, digest) == 0 || aw_reader_no_memory (f->reader);
}

struct aw_values *aw_foreach_read (struct aw_reader *reader,
                                   const char *set,
                                   struct json_object *value)
{
    struct foreach f = { .reader = reader,
                         .values = aw_values_create (),
                         .digest = AW_HASH64_BASIS };
    bool good = f.values || aw_reader_no_memory (reader);

    good = good && read_variables (&f, value) && fill (&f, set);
    for (size_t i = 0; i < f.n_sources; i++) {
        free (f.sources[i].name);
        free (f.sources[i].path);
    }
    free (f.sources);
    if (good)
        return f.values;
    aw_values_destroy (f.values);
    return NULL;
}
