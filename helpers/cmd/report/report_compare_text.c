/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison as text and as JSON. */
#include <string.h>

#include "cmd/report/report_compare.h"
#include "io/json_string.h"

enum { VERSION = 1, LABEL = 22, WIDTH = 20, MAX_SETS = 40 };

/* A column of a run: to the right, for figures; what is too long is cut in the middle. */
static void put_cell (struct aw_textbuf *out, const char *text)
{
    size_t len = strlen (text);

    aw_textbuf_putc (out, ' ');
    if (len < WIDTH)
        aw_textbuf_printf (out, "%*s", WIDTH - (int)len, "");
    aw_textbuf_cell (out, text, len < WIDTH ? (int)len : WIDTH);
}

static void put_heads (const struct aw_compared *comparison,
                       const char *label,
                       struct aw_textbuf *out)
{
    aw_textbuf_cell (out, label, LABEL);
    for (uint32_t run = 0; run < comparison->n; run++)
        put_cell (out, comparison->reports[run].dir);
    aw_textbuf_putc (out, '\n');
}

static void put_sets (const struct aw_compared *comparison,
                      const struct aw_compare_column *column,
                      struct aw_textbuf *out)
{
    char buf[AW_COMPARE_TEXT];

    aw_textbuf_putc (out, '\n');
    put_heads (comparison, column->label, out);
    for (uint32_t i = 0; i < comparison->n_sets && i < MAX_SETS; i++) {
        const char *name = comparison->sets[i];

        aw_textbuf_puts (out, "  ");
        aw_textbuf_cell (out, name, LABEL - 2);
        for (uint32_t run = 0; run < comparison->n; run++)
            put_cell (out, aw_compare_set_cell (comparison, column, run, name, buf));
        aw_textbuf_putc (out, '\n');
    }
    if (comparison->n_sets > MAX_SETS)
        aw_textbuf_printf (out, "  and %u more\n", comparison->n_sets - MAX_SETS);
}

void aw_compare_text (const struct aw_compared *comparison, struct aw_textbuf *out)
{
    char buf[AW_COMPARE_TEXT];

    put_heads (comparison, "", out);
    for (uint32_t i = 0; i < aw_compare_n_rows; i++) {
        const struct aw_compare_row *row = &aw_compare_rows[i];

        if (!aw_compare_has (comparison, row))
            continue;
        aw_textbuf_cell (out, row->label, LABEL);
        for (uint32_t run = 0; run < comparison->n; run++)
            put_cell (out, aw_compare_cell (comparison, row, run, buf));
        aw_textbuf_putc (out, '\n');
    }
    for (uint32_t i = 0; i < aw_compare_n_columns; i++)
        put_sets (comparison, &aw_compare_columns[i], out);
}

static void put_number (struct aw_textbuf *out, const char *key, double value)
{
    aw_textbuf_printf (out, ",\"%s\":", key);
    aw_textbuf_fixed (out, value, 6);
}

static void put_run (const struct aw_compared *comparison, uint32_t run, struct aw_textbuf *out)
{
    const struct aw_report *report = &comparison->reports[run];

    aw_textbuf_puts (out, run ? ",\n{\"name\":" : "\n{\"name\":");
    aw_json_put_string (out, report->workflow->name);
    aw_textbuf_puts (out, ",\"directory\":");
    aw_json_put_string (out, report->dir);
    for (uint32_t i = 0; i < aw_compare_n_rows; i++) {
        const struct aw_compare_row *row = &aw_compare_rows[i];

        if (row->number)
            put_number (out, row->key, row->number (comparison, run));
        else {
            aw_textbuf_printf (out, ",\"%s\":", row->key);
            aw_json_put_string (out, row->text (report));
        }
    }
    aw_textbuf_putc (out, '}');
}

static void put_set_of (const struct aw_set_summary *sum, struct aw_textbuf *out)
{
    if (!sum) {
        aw_textbuf_puts (out, "null");
        return;
    }
    aw_textbuf_printf (out, "{\"tasks\":%u,\"completed\":%u,\"failed\":%u", sum->tasks,
                       sum->states[AW_HISTORY_COMPLETED], sum->states[AW_HISTORY_FAILED]);
    put_number (out, "mean", sum->mean);
    put_number (out, "min", sum->min);
    put_number (out, "max", sum->max);
    put_number (out, "wait_mean", sum->wait_mean);
    put_number (out, "wait_max", sum->wait_max);
    aw_textbuf_putc (out, '}');
}

void aw_compare_json (const struct aw_compared *comparison, struct aw_textbuf *out)
{
    aw_textbuf_printf (out, "{\"async-workflow-comparison\":%d,\n\"runs\":[", VERSION);
    for (uint32_t run = 0; run < comparison->n; run++)
        put_run (comparison, run, out);
    aw_textbuf_puts (out, "],\n\"sets\":[");
    for (uint32_t i = 0; i < comparison->n_sets; i++) {
        aw_textbuf_puts (out, i ? ",\n{\"set\":" : "\n{\"set\":");
        aw_json_put_string (out, comparison->sets[i]);
        aw_textbuf_puts (out, ",\"runs\":[");
        for (uint32_t run = 0; run < comparison->n; run++) {
            aw_textbuf_puts (out, run ? "," : "");
            put_set_of (aw_compare_set (comparison, run, comparison->sets[i]), out);
        }
        aw_textbuf_puts (out, "]}");
    }
    aw_textbuf_puts (out, "]\n}\n");
}
