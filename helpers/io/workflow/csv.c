/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/csv.h"

#include <stdlib.h>
#include <string.h>

#include "io/text_file.h"
#include "util/array.h"

void aw_csv_finish (struct aw_csv *csv)
{
    free (csv->fields);
    csv->fields = NULL;
    csv->room = csv->n_fields = 0;
}

static int fail (const struct aw_csv *csv, size_t line, const char *what, struct aw_error *err)
{
    return aw_error_set (err, "line %zu: field %zu: %s", line, csv->n_fields + 1, what);
}

/* The length of the end of line at P: 0 where none is. */
static size_t end_of_line (const struct aw_csv *csv, const char *p)
{
    if (*p == '\n')
        return 1;
    if (*p != '\r')
        return 0;
    return p + 1 == csv->end ? 1 : p[1] == '\n' ? 2 : 0;
}

/* Reads a field without quotes. */
static int read_plain (struct aw_csv *csv, struct aw_csv_field *field, struct aw_error *err)
{
    char separator = csv->tab ? '\t' : ',';
    char *p = csv->text;

    while (p < csv->end && *p != separator && !end_of_line (csv, p)) {
        if (!csv->tab && *p == '"')
            return fail (csv, csv->n_lines,
                         "a quote within a field without quotes: put the field "
                         "in quotes, and write \"\" for the quote",
                         err);
        if (*p == '\r')
            return fail (csv, csv->n_lines, AW_TEXT_OLD_LINE_END, err);
        p++;
    }
    field->text = csv->text;
    field->length = (size_t)(p - csv->text);
    csv->text = p;
    return 0;
}

/* Reads a field that begins with a quote: it may have line ends and separators, and "" for a quote.
 */
static int read_quoted (struct aw_csv *csv, struct aw_csv_field *field, struct aw_error *err)
{
    size_t line = csv->n_lines;
    char *p = csv->text + 1, *to = p;

    field->text = p;
    for (;; p++) {
        if (p >= csv->end)
            return fail (csv, line, "its quote is never closed", err);
        if (*p == '"' && (p + 1 >= csv->end || p[1] != '"'))
            break;
        p += *p == '"';
        csv->n_lines += *p == '\n';
        *to++ = *p;
    }
    field->length = (size_t)(to - field->text);
    csv->text = ++p;
    if (p < csv->end && *p != ',' && !end_of_line (csv, p))
        return fail (csv, csv->n_lines,
                     *p == '\r'
                         ? AW_TEXT_OLD_LINE_END
                         : "text after the closing quote: write \"\" for a quote within quotes",
                     err);
    return 0;
}

/* Reads the fields up to the end of the line, and this. */
static int read_row (struct aw_csv *csv, struct aw_error *err)
{
    for (bool more = true; more;) {
        struct aw_csv_field *field;

        if (aw_array_reserve (&csv->fields, &csv->room, csv->n_fields + 1) < 0)
            return aw_error_set (err, "out of memory");
        field = &csv->fields[csv->n_fields];
        if ((!csv->tab && csv->text < csv->end && *csv->text == '"' ? read_quoted
                                                                    : read_plain) (csv, field, err)
            < 0)
            return -1;
        csv->n_fields++;
        more = csv->text < csv->end && !end_of_line (csv, csv->text);
        csv->text += more; /* the separator */
    }
    if (csv->text < csv->end)
        csv->text += end_of_line (csv, csv->text);
    return 1;
}

int aw_csv_next (struct aw_csv *csv, struct aw_error *err)
{
    size_t length;

    csv->n_fields = 0;
    csv->n_lines++;
    while (csv->text < csv->end && (length = end_of_line (csv, csv->text)) > 0) {
        csv->text += length;
        csv->n_lines++;
    }
    csv->line = csv->n_lines;
    return csv->text < csv->end ? read_row (csv, err) : 0;
}
