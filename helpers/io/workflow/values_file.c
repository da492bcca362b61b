/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/values_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/graph/graph.h"
#include "io/json_string.h"
#include "io/scan.h"
#include "io/text_file.h"
#include "io/workflow/workflow.h"
#include "util/array.h"

#define MAX_BYTES (SIZE_MAX / 2)

enum { VERSION = 1 };

struct aw_kept_values {
    struct kept_set {
        const char *name; /* borrowed from text */
        struct aw_values *values; /* NULL: taken */
    } * sets;
    size_t n, room;
    char *text;
};

static void put_row (const struct aw_values *values, uint32_t index, struct aw_textbuf *out)
{
    bool missing = aw_values_is_missing (values, index);

    if (missing)
        aw_textbuf_puts (out, "{\"missing\":");
    for (uint32_t v = 0; v < aw_values_n_variables (values); v++) {
        aw_textbuf_putc (out, v ? ',' : '[');
        aw_json_put_string (out, aw_values_text (values, index, v));
    }
    aw_textbuf_puts (out, missing ? "]}\n" : "]\n");
}

static void put_set (const char *name, const struct aw_values *values, struct aw_textbuf *out)
{
    const char *source = aw_values_source (values);

    aw_textbuf_puts (out, "{\"set\":");
    aw_json_put_string (out, name);
    aw_textbuf_puts (out, ",\"source\":");
    aw_json_put_string (out, source ? source : "");
    aw_textbuf_puts (out, ",\"variables\":[");
    for (uint32_t v = 0; v < aw_values_n_variables (values); v++) {
        if (v)
            aw_textbuf_putc (out, ',');
        aw_json_put_string (out, aw_values_name (values, v));
    }
    aw_textbuf_printf (out, "],\"tasks\":%u}\n", aw_values_count (values));
    for (uint32_t i = 0; i < aw_values_count (values); i++)
        put_row (values, i, out);
}

void aw_values_file_put (const struct aw_workflow *workflow, struct aw_textbuf *out)
{
    const struct aw_graph *graph = workflow->graph;
    uint64_t lines = 0;

    for (uint32_t s = 0; s < graph->n_base; s++)
        if (workflow->recipes[s].values)
            lines += 1 + (uint64_t)aw_values_count (workflow->recipes[s].values);
    if (lines == 0)
        return;
    aw_textbuf_printf (out, "{\"async-workflow-values\":%d,\"lines\":%llu}\n", VERSION,
                       (unsigned long long)lines);
    for (uint32_t s = 0; s < graph->n_base; s++)
        if (workflow->recipes[s].values)
            put_set (graph->sets[s].name, workflow->recipes[s].values, out);
}

void aw_kept_values_destroy (struct aw_kept_values *kept)
{
    int saved = errno;

    if (kept) {
        for (size_t i = 0; i < kept->n; i++)
            aw_values_destroy (kept->sets[i].values);
        free (kept->sets);
        free (kept->text);
        free (kept);
    }
    errno = saved;
}

/* The lines of the file. */
struct lines {
    char *next;
    char *end;
    size_t number; /* of the last one returned */
    struct aw_error *err;
};

/* The next line, a NUL in place of its newline; NULL: there is no other whole one. */
static char *next_line (struct lines *lines)
{
    char *line = lines->next;
    char *newline = line < lines->end ? memchr (line, '\n', (size_t)(lines->end - line)) : NULL;

    if (!newline)
        return NULL;
    *newline = '\0';
    lines->next = newline + 1;
    lines->number++;
    return line;
}

static int wrong_line (struct lines *lines, const char *what)
{
    return aw_error_set (lines->err, "line %zu: %s", lines->number, what);
}

/* The member KEY, ":" behind it. */
static int scan_key (char **p, const char *key)
{
    char *found;

    return aw_scan_string (p, &found) == 0 && strcmp (found, key) == 0 ? aw_scan_char (p, ':') : -1;
}

static int scan_number (char **p, double max, double *number)
{
    return aw_scan_number (p, number) == 0 && *number >= 0 && *number <= max ? 0 : -1;
}

/* ["a","b"]: calls TAKE with each string. */
static int scan_strings (char **p,
                         int (*take) (struct aw_values *values, uint32_t i, const char *text),
                         struct aw_values *values,
                         uint32_t *n)
{
    char *text;

    *n = 0;
    if (aw_scan_char (p, '[') < 0)
        return -1;
    do
        if (aw_scan_string (p, &text) < 0 || take (values, (*n)++, text) < 0)
            return -1;
    while (aw_scan_char (p, ',') == 0);
    return aw_scan_char (p, ']');
}

static int take_name (struct aw_values *values, uint32_t i, const char *text)
{
    (void)i;
    if (aw_values_find (values, text, strlen (text)) != AW_VALUES_NONE)
        return -1; /* two of one name: which is meant? */
    return aw_values_add_variable (values, text);
}

static int take_value (struct aw_values *values, uint32_t i, const char *text)
{
    return i < aw_values_n_variables (values) ? aw_values_append (values, i, text, strlen (text))
                                              : -1;
}

/* The values of one task, at P. Are they MISSING? 0, or -1. */
static int read_row (char *p, struct aw_values *values, bool *missing)
{
    uint32_t n;

    *missing = *p == '{';
    if (*missing && (p++, scan_key (&p, "missing") < 0))
        return -1;
    if (scan_strings (&p, take_value, values, &n) < 0 || n != aw_values_n_variables (values)
        || (*missing && aw_scan_char (&p, '}') < 0))
        return -1;
    return *p ? -1 : 0;
}

/* The numbers of missing tasks. */
struct missing {
    uint32_t *indexes;
    uint32_t n, room;
};

static int read_rows (struct lines *lines,
                      struct aw_values *values,
                      uint32_t count,
                      struct missing *missing)
{
    for (uint32_t i = 0; i < count; i++) {
        char *p = next_line (lines);
        bool is_missing;

        if (!p)
            return aw_error_set (lines->err, "it is cut off");
        errno = 0;
        if (read_row (p, values, &is_missing) < 0)
            return wrong_line (lines, errno == ENOMEM ? "out of memory" : "not a task's values");
        if (!is_missing)
            continue;
        if (aw_array_reserve (&missing->indexes, &missing->room, missing->n + (size_t)1) < 0)
            return wrong_line (lines, "out of memory");
        missing->indexes[missing->n++] = i;
    }
    if (aw_values_align (values, AW_MAX_TASKS) < 0)
        return wrong_line (lines, "out of memory");
    for (uint32_t i = 0; i < missing->n; i++)
        if (aw_values_set_missing (values, missing->indexes[i]) < 0)
            return wrong_line (lines, "out of memory");
    return 0;
}

/* The line P begins a set. */
static int read_set (struct aw_kept_values *kept, struct lines *lines, char *p)
{
    struct aw_values *values = aw_values_create ();
    double count = 0;
    uint32_t n;
    struct missing missing = { 0 };
    char *name, *source;
    int rc;

    if (!values || aw_array_reserve (&kept->sets, &kept->room, kept->n + 1) < 0) {
        aw_values_destroy (values);
        return wrong_line (lines, "out of memory");
    }
    kept->sets[kept->n++] = (struct kept_set){ "", values };
    if (aw_scan_char (&p, '{') < 0 || scan_key (&p, "set") < 0 || aw_scan_string (&p, &name) < 0
        || aw_scan_char (&p, ',') < 0 || scan_key (&p, "source") < 0
        || aw_scan_string (&p, &source) < 0 || aw_scan_char (&p, ',') < 0
        || scan_key (&p, "variables") < 0 || scan_strings (&p, take_name, values, &n) < 0
        || aw_scan_char (&p, ',') < 0 || scan_key (&p, "tasks") < 0
        || scan_number (&p, AW_MAX_TASKS, &count) < 0 || aw_scan_char (&p, '}') < 0 || *p
        || aw_values_set_source (values, source) < 0)
        return wrong_line (lines, "not the head of a set's values");
    kept->sets[kept->n - 1].name = name;
    rc = read_rows (lines, values, (uint32_t)count, &missing);
    free (missing.indexes);
    return rc;
}

static int read_all (struct aw_kept_values *kept, struct lines *lines)
{
    char *p = next_line (lines);
    double version = 0, n = 0;

    if (!p || aw_scan_char (&p, '{') < 0 || scan_key (&p, "async-workflow-values") < 0
        || scan_number (&p, 1e6, &version) < 0 || aw_scan_char (&p, ',') < 0
        || scan_key (&p, "lines") < 0 || scan_number (&p, 1e15, &n) < 0
        || aw_scan_char (&p, '}') < 0)
        return aw_error_set (lines->err, "not a values file of async-workflow");
    if (version != VERSION)
        return aw_error_set (lines->err,
                             "version %.0f is not known to this version of "
                             "async-workflow",
                             version);
    while ((p = next_line (lines)))
        if (read_set (kept, lines, p) < 0)
            return -1;
    if ((double)(lines->number - 1) != n || lines->next < lines->end)
        return aw_error_set (lines->err, "it is cut off: it has %zu lines, not %.0f", lines->number,
                             n + 1);
    return 0;
}

struct aw_kept_values *aw_kept_values_read (const char *path, struct aw_error *err)
{
    struct aw_kept_values *kept = calloc (1, sizeof (*kept));
    struct lines lines = { .err = err };
    size_t size = 0;

    if (!kept) {
        aw_error_set (err, "%s: out of memory", path);
        return NULL;
    }
    if (access (path, F_OK) < 0 && errno == ENOENT)
        return kept;
    kept->text = aw_text_file_read (path, MAX_BYTES, &size, err);
    if (kept->text) {
        lines.next = kept->text;
        lines.end = kept->text + size;
    }
    if (kept->text && (size == 0 || read_all (kept, &lines) == 0))
        return kept;
    aw_error_prefix (err, path);
    aw_kept_values_destroy (kept);
    return NULL;
}

struct aw_values *aw_kept_values_take (struct aw_kept_values *kept, const char *name)
{
    for (size_t i = 0; kept && i < kept->n; i++) {
        struct aw_values *values = kept->sets[i].values;

        if (!values || strcmp (kept->sets[i].name, name) != 0)
            continue;
        kept->sets[i].values = NULL;
        return values;
    }
    return NULL;
}
