/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_string.h"
#include "io/json_tree.h"
#include "io/textbuf.h"
#include "io/workflow/json_check.h"
#include "util/utf8.h"

#define RECORD " \"$parameters\": "

enum { DEPTH = 3 };

/* Sets NAME=VALUE in LIST. False: no memory, reported. */
static bool set (struct aw_reader *reader,
                 struct aw_strings *list,
                 const char *name,
                 const char *value)
{
    aw_strings_setenv (list, name, value);
    return list->failed ? aw_reader_no_memory (reader) : true;
}

static bool take_values (struct aw_reader *reader,
                         struct json_object *record,
                         const char *key,
                         struct aw_strings *list)
{
    struct json_object *object;
    const char *text;
    bool good = true;

    if (!json_object_object_get_ex (record, key, &object))
        return aw_reader_error (reader, "damaged: remove it, and give --param again");
    if (!aw_reader_object (reader, object))
        return false;
    json_object_object_foreach (object, name, value) good =
        good && aw_reader_text (reader, value, &text) && set (reader, list, name, text);
    return good;
}

/* The SIZE bytes at TEXT are the record's value. */
static bool read_record (struct aw_outside *outside,
                         struct aw_reader *reader,
                         const char *text,
                         size_t size)
{
    struct json_object *record;
    struct aw_error err;
    bool good;

    if (aw_json_check (text, size, DEPTH, reader->label, reader->problems) < 0)
        return false;
    record = aw_json_tree_load (text, size, DEPTH + 1, false, &err);
    if (!record)
        return aw_reader_error (reader, "%s", err.text);
    good = take_values (reader, record, "given", &outside->given)
           && take_values (reader, record, "environment", &outside->environment);
    json_object_put (record);
    return good;
}

static const char *skip_blanks (const char *text)
{
    return text + strspn (text, " \t\r\n");
}

bool aw_outside_is_in (const char *text)
{
    text = skip_blanks (text);
    return *text == '{' && strncmp (text + 1, RECORD, strlen (RECORD)) == 0;
}

char *aw_outside_take (struct aw_outside *outside,
                       struct aw_reader *reader,
                       const char *text,
                       size_t *size)
{
    const char *begin = skip_blanks (text) + 1, *value = begin + strlen (RECORD);
    const char *end = strstr (value, ",\n");
    size_t mark = aw_reader_enter (reader, "$parameters");
    char *rest = NULL, *record = end ? strndup (value, (size_t)(end - value)) : NULL;
    size_t before = (size_t)(begin - text), after = end ? *size - (size_t)(end + 2 - text) : 0;

    if (!end)
        aw_reader_error (reader, "damaged: remove it, and give --param again");
    else if (!record || !(rest = malloc (before + after + 1)))
        aw_reader_no_memory (reader);
    else if (read_record (outside, reader, record, strlen (record))) {
        memcpy (rest, text, before);
        memcpy (rest + before, end + 2, after + 1);
        *size = before + after;
        outside->recorded = true;
    }
    if (!outside->recorded) {
        free (rest);
        rest = NULL;
    }
    free (record);
    aw_reader_leave (reader, mark);
    return rest;
}

/* One "name=value". */
static bool give (struct aw_outside *outside, struct aw_reader *reader, const char *text)
{
    const char *value = strchr (text, '=');
    char name[AW_SHOWN_SIZE];
    size_t length = value ? (size_t)(value - text) : 0;

    if (!length || length >= sizeof (name))
        return aw_reader_error (reader, "\"%.64s\": write name=value", text);
    memcpy (name, text, length);
    name[length] = '\0';
    if (!aw_utf8_is_text (text))
        return aw_reader_error (reader, "%s: the value is not UTF-8", name);
    if (strlen (value + 1) > AW_MAX_TEXT)
        return aw_reader_error (reader, "%s: text of %zu bytes: programs can receive at most %d",
                                name, strlen (value + 1), AW_MAX_TEXT);
    return set (reader, &outside->given, name, value + 1);
}

bool aw_outside_start (struct aw_outside *outside,
                       struct aw_reader *reader,
                       const struct aw_workflow_input *input)
{
    const struct aw_strings *lists[] = { input->kept, input->parameters };
    size_t mark = aw_reader_enter (reader, "--param");
    bool good = true;

    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; lists[l] && i < lists[l]->n; i++)
            good = give (outside, reader, lists[l]->v[i]) && good;
    outside->ordered = input->parameters;
    outside->recorded = false;
    aw_strings_finish (&outside->environment);
    aw_reader_leave (reader, mark);
    return good;
}

/* Is the LENGTH bytes long NAME ordered? */
static bool is_ordered (const struct aw_outside *outside, const char *name, size_t length)
{
    for (size_t i = 0; outside->ordered && i < outside->ordered->n; i++)
        if (strncmp (outside->ordered->v[i], name, length + 1) == 0)
            return true;
    return false;
}

/* Which parameters there are, for a hint. */
static void list_names (const struct aw_reader *reader, char *hint, size_t size)
{
    struct aw_textbuf out = { 0 };

    aw_textbuf_puts (&out, reader->n_parameters ? "the file has the parameters"
                                                : "the file has no parameters");
    for (size_t i = 0; i < reader->n_parameters; i++)
        aw_textbuf_printf (&out, "%s %s", i ? "," : "", reader->parameters[i].name);
    aw_textbuf_putc (&out, '\0');
    snprintf (hint, size, "%s", out.failed ? "" : out.data);
    aw_textbuf_finish (&out);
}

static void report_unknown (struct aw_reader *reader, const char *name)
{
    size_t n = reader->n_parameters;
    const char **names = calloc (n + 1, sizeof (*names));
    char hint[256];

    for (size_t i = 0; names && i < n; i++)
        names[i] = reader->parameters[i].name;
    list_names (reader, hint, sizeof (hint));
    if (names)
        aw_reader_unknown (reader, "parameter", name, names, n, hint);
    else
        aw_reader_no_memory (reader);
    free (names);
}

void aw_outside_check (struct aw_outside *outside, struct aw_reader *reader)
{
    size_t mark = aw_reader_enter (reader, "--param");

    for (size_t i = outside->given.n; i-- > 0;) {
        char *text = outside->given.v[i];
        size_t length = strcspn (text, "=");

        if (aw_names_get (&reader->parameter_numbers, text, length) != AW_NAMES_NONE)
            continue;
        if (is_ordered (outside, text, length)) {
            text[length] = '\0';
            report_unknown (reader, text);
        }
        else {
            aw_reader_warn (reader,
                            "the file does not have the parameter %.*s any more: its value of an "
                            "earlier start is dropped",
                            (int)length, text);
        }
        aw_strings_remove (&outside->given, i);
    }
    aw_reader_leave (reader, mark);
}

static void put_values (struct aw_textbuf *out, const char *key, const struct aw_strings *list)
{
    aw_textbuf_printf (out, "\"%s\": {", key);
    for (size_t i = 0; i < list->n; i++) {
        size_t length = strcspn (list->v[i], "=");

        aw_textbuf_printf (out, "%s\"%.*s\": ", i ? ", " : "", (int)length, list->v[i]);
        aw_json_put_string (out, list->v[i] + length + 1);
    }
    aw_textbuf_putc (out, '}');
}

char *aw_outside_put (const struct aw_outside *outside, const char *text, size_t *size)
{
    size_t before = (size_t)(skip_blanks (text) + 1 - text);
    struct aw_textbuf out = { 0 };

    if (outside->given.n == 0 && !outside->from_environment)
        return strdup (text);
    aw_textbuf_put (&out, text, before);
    aw_textbuf_puts (&out, RECORD "{");
    put_values (&out, "given", &outside->given);
    aw_textbuf_puts (&out, ", ");
    put_values (&out, "environment", &outside->environment);
    aw_textbuf_puts (&out, "},\n");
    aw_textbuf_put (&out, text + before, *size - before + 1);
    if (out.failed)
        aw_textbuf_finish (&out);
    else
        *size = out.len - 1;
    return out.data;
}
