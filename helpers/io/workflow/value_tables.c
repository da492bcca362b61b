/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/value_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/graph/graph.h"
#include "io/scan.h"
#include "io/workflow/csv.h"
#include "io/workflow/value_sources.h"

struct table {
    struct aw_reader *reader;
    struct aw_values *values;
    const char *path;
    char *text;
    size_t size;
};

/* The first row names the columns. */
static bool read_header (struct table *t, const struct aw_csv *csv)
{
    for (size_t i = 0; i < csv->n_fields; i++) {
        const struct aw_csv_field *field = &csv->fields[i];
        char *name = strndup (field->text, field->length);
        char where[64];
        bool good = name || aw_reader_no_memory (t->reader);

        snprintf (where, sizeof (where), "line %zu, column %zu", csv->line, i + 1);
        good = good && aw_value_variable (t->reader, t->values, name, t->path, where);
        free (name);
        if (!good)
            return false;
    }
    return true;
}

static bool read_row (struct table *t, const struct aw_csv *csv)
{
    uint32_t n = aw_values_n_variables (t->values);

    if (csv->n_fields != n)
        return aw_reader_error (t->reader, "%s: line %zu: has %zu field%s, the header has %u",
                                t->path, csv->line, csv->n_fields, csv->n_fields == 1 ? "" : "s",
                                n);
    for (uint32_t i = 0; i < n; i++)
        if (!aw_value_add (t->reader, t->values, i, csv->fields[i].text, csv->fields[i].length,
                           t->path, csv->line))
            return false;
    return true;
}

static bool read_csv (struct table *t, bool tab)
{
    struct aw_csv csv = { .text = t->text, .end = t->text + t->size, .tab = tab };
    struct aw_error err;
    bool good = true;
    int rc = aw_csv_next (&csv, &err);

    if (rc > 0)
        good = read_header (t, &csv);
    while (good && rc > 0 && (rc = aw_csv_next (&csv, &err)) > 0)
        good = read_row (t, &csv);
    if (rc < 0)
        good = aw_reader_error (t->reader, "%s: %s", t->path, err.text);
    aw_csv_finish (&csv);
    return good;
}

static bool read_tsv_table (struct table *t)
{
    return read_csv (t, true);
}

static bool read_csv_table (struct table *t)
{
    return read_csv (t, false);
}

static bool wrong_line (struct table *t, size_t line, const char *what)
{
    return aw_reader_error (t->reader, "%s: line %zu: %s", t->path, line, what);
}

/* The variable of KEY; the first line adds it. */
static bool find_variable (
    struct table *t, const char *key, size_t line, bool first, uint32_t *variable)
{
    char where[64];

    *variable = aw_values_find (t->values, key, strlen (key));
    if (*variable == AW_VALUES_NONE && first) {
        *variable = aw_values_n_variables (t->values);
        snprintf (where, sizeof (where), "line %zu", line);
        return aw_value_variable (t->reader, t->values, key, t->path, where);
    }
    if (*variable == AW_VALUES_NONE)
        return aw_reader_error (t->reader, "%s: line %zu: the first line has no \"%.64s\"", t->path,
                                line, key);
    return true;
}

/* "key": value, at *P in row number ROW. */
static bool read_member (struct table *t, char **p, size_t line, size_t row)
{
    char *key, *text;
    uint32_t variable;
    size_t length;
    double number;
    bool quoted;

    if (aw_scan_string (p, &key) < 0 || aw_scan_char (p, ':') < 0)
        return wrong_line (t, line, "not a JSON object");
    if (!find_variable (t, key, line, row == 0, &variable))
        return false;
    if (aw_values_appended (t->values, variable) > row)
        return aw_reader_error (t->reader, "%s: line %zu: \"%.64s\" is given twice", t->path, line,
                                key);
    aw_scan_space (p);
    text = *p;
    quoted = *text == '"';
    if (quoted && aw_scan_string (p, &text) < 0)
        return aw_reader_error (t->reader,
                                "%s: line %zu: \"%.64s\": its text has no end, a wrong escape or "
                                "\\u0000",
                                t->path, line, key);
    if (!quoted && aw_scan_number (p, &number) < 0)
        return aw_reader_error (t->reader, "%s: line %zu: \"%.64s\" must be text or a number",
                                t->path, line, key);
    length = quoted ? strlen (text) : (size_t)(*p - text);
    return aw_value_add (t->reader, t->values, variable, text, length, t->path, line);
}

/* One object: row number ROW. */
static bool read_object (struct table *t, char *p, size_t line, size_t row)
{
    if (aw_scan_char (&p, '{') < 0)
        return wrong_line (t, line, "not a JSON object");
    do
        if (!read_member (t, &p, line, row))
            return false;
    while (aw_scan_char (&p, ',') == 0);
    if (aw_scan_char (&p, '}') < 0 || (aw_scan_space (&p), *p))
        return wrong_line (t, line, "not a JSON object");
    for (uint32_t i = 0; i < aw_values_n_variables (t->values); i++)
        if (aw_values_appended (t->values, i) != row + 1)
            return aw_reader_error (t->reader, "%s: line %zu: has no \"%s\"", t->path, line,
                                    aw_values_name (t->values, i));
    return true;
}

static bool read_json_lines (struct table *t)
{
    char *next, *end = t->text + t->size;
    size_t line = 0, row = 0;

    for (char *p = t->text; p < end; p = next) {
        char *newline = memchr (p, '\n', (size_t)(end - p));

        next = newline ? newline + 1 : end;
        line++;
        if (memchr (p, '\0', (size_t)((newline ? newline : end) - p)))
            return wrong_line (t, line, "has a NUL byte, which programs cannot receive: remove it");
        if (newline)
            *newline = '\0'; /* behind the text there is one */
        if (!p[strspn (p, " \t\r")])
            continue;
        if (!read_object (t, p, line, row++))
            return false;
    }
    return true;
}

typedef bool read_fn (struct table *t);

static read_fn *format_of (const char *path)
{
    static const struct {
        const char *suffix;
        read_fn *read;
    } formats[] = {
        { ".csv", read_csv_table },
        { ".tsv", read_tsv_table },
        { ".jsonl", read_json_lines },
        { ".ndjson", read_json_lines },
    };
    const char *suffix = strrchr (path, '.');

    for (size_t i = 0; suffix && i < sizeof (formats) / sizeof (formats[0]); i++)
        if (strcasecmp (suffix, formats[i].suffix) == 0)
            return formats[i].read;
    return NULL;
}

bool aw_values_from_table (struct aw_reader *reader, struct aw_values *values, const char *path)
{
    struct table t = { .reader = reader, .values = values, .path = path };
    read_fn *read = format_of (path);
    size_t begin, size;
    char *text;
    bool good;

    if (!read)
        return aw_reader_error (
            reader, "%s: unknown format: its name must end in .csv, .tsv or .jsonl", path);
    text = aw_value_file (reader, path, &begin, &size);
    if (!text)
        return false;
    t.text = text + begin;
    t.size = size - begin;
    good = read (&t);
    if (good && (aw_values_n_variables (values) == 0 || aw_values_appended (values, 0) == 0))
        good = aw_reader_error (reader, "%s: has no row: a task set has at least one task", path);
    free (text);
    return good;
}
