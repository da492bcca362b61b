/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison as a page: the tables of the text, and the busy CPUs and GPUs of all runs on one
 * axis of time. It has no script. */
#include <math.h>
#include <stdlib.h>

#include "cmd/report/report_compare.h"
#include "cmd/report/report_html.h"

enum { BINS = 480, HEIGHT = 60, MAX_SETS = 500 };

/* The longest makespan; 0: nothing has started. */
static double longest (const struct aw_compared *comparison)
{
    double span = 0;

    for (uint32_t run = 0; run < comparison->n; run++)
        span = fmax (span, comparison->reports[run].summary.makespan); /* not a NAN */
    return span;
}

/* The area of busy CPUs, or of GPUs, in SPAN seconds from the first start. */
static void put_area (const struct aw_report *report,
                      double span,
                      bool gpus,
                      struct aw_textbuf *out)
{
    static const struct aw_box box = { 0, 0, BINS, HEIGHT };
    double x[BINS + 1], lower[BINS] = { 0 },
                        whole = gpus ? report->summary.gpus : report->summary.cpus;
    struct aw_step *steps = NULL;
    struct aw_bins bins;
    size_t n = 0;

    if (aw_bins_init (&bins, 1, 1, BINS, report->summary.first_start, span) < 0
        || aw_history_load (&report->history, &steps, &n) < 0) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i + 1 < n; i++)
        aw_bins_add (&bins, 0, 0, steps[i].t, steps[i + 1].t,
                     (gpus ? (double)steps[i].gpu_parts / AW_GPU_WHOLE : steps[i].cpus) / whole);
    for (uint32_t i = 0; i <= BINS; i++)
        x[i] = i;
    aw_textbuf_printf (out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\"><path d=\"",
                       BINS, HEIGHT);
    aw_chart_area (out, &box, x, lower, aw_bins_of (&bins, 0, 0), BINS);
    aw_textbuf_puts (out, "\"/></svg>");
    free (steps);
    aw_bins_finish (&bins);
}

static void put_use (const struct aw_compared *comparison, bool gpus, struct aw_textbuf *out)
{
    double span = longest (comparison);
    char time[32];
    bool any = false;

    for (uint32_t run = 0; run < comparison->n; run++)
        any |= !gpus || comparison->reports[run].summary.gpus > 0;
    if (!(span > 0) || !any)
        return;
    aw_textbuf_printf (
        out,
        "<section>\n<h2>Busy %s</h2>\n<p class=\"soft\">From 0 to %s, of all that a run has.</p>\n",
        gpus ? "GPUs" : "CPUs", aw_report_seconds (time, span));
    for (uint32_t run = 0; run < comparison->n; run++) {
        const struct aw_report *report = &comparison->reports[run];

        aw_textbuf_puts (out, "<figure>");
        aw_html_cell (out, "figcaption", report->dir);
        if (report->summary.makespan > 0 && (gpus ? report->summary.gpus : report->summary.cpus))
            put_area (report, span, gpus, out);
        aw_textbuf_puts (out, "</figure>\n");
    }
    aw_textbuf_puts (out, "</section>\n");
}

static void put_heads (const struct aw_compared *comparison,
                       const char *label,
                       struct aw_textbuf *out)
{
    aw_textbuf_puts (out, "<div class=\"scroll\"><table>\n<thead><tr>");
    aw_html_cell (out, "th", label);
    for (uint32_t run = 0; run < comparison->n; run++)
        aw_html_cell (out, "th", comparison->reports[run].dir);
    aw_textbuf_puts (out, "</tr></thead>\n<tbody>\n");
}

static void put_figures (const struct aw_compared *comparison, struct aw_textbuf *out)
{
    char buf[AW_COMPARE_TEXT];

    put_heads (comparison, "", out);
    for (uint32_t i = 0; i < aw_compare_n_rows; i++) {
        const struct aw_compare_row *row = &aw_compare_rows[i];

        if (!aw_compare_has (comparison, row))
            continue;
        aw_textbuf_puts (out, "<tr>");
        aw_html_cell (out, "td", row->label);
        for (uint32_t run = 0; run < comparison->n; run++)
            aw_html_cell (out, "td", aw_compare_cell (comparison, row, run, buf));
        aw_textbuf_puts (out, "</tr>\n");
    }
    aw_textbuf_puts (out, "</tbody></table></div>\n<p class=\"soft\">I is 1 &#8722; makespan / "
                          "makespan of the first run, as in the model.</p>\n");
}

static void put_sets (const struct aw_compared *comparison,
                      const struct aw_compare_column *column,
                      struct aw_textbuf *out)
{
    char buf[AW_COMPARE_TEXT];

    aw_textbuf_puts (out, "<section>\n");
    put_heads (comparison, column->label, out);
    for (uint32_t i = 0; i < comparison->n_sets && i < MAX_SETS; i++) {
        const char *name = comparison->sets[i];

        aw_textbuf_puts (out, "<tr>");
        aw_html_cell (out, "td", name);
        for (uint32_t run = 0; run < comparison->n; run++)
            aw_html_cell (out, "td", aw_compare_set_cell (comparison, column, run, name, buf));
        aw_textbuf_puts (out, "</tr>\n");
    }
    aw_textbuf_puts (out, "</tbody></table></div>\n");
    if (comparison->n_sets > MAX_SETS)
        aw_textbuf_printf (out, "<p class=\"soft\">and %u more sets</p>\n",
                           comparison->n_sets - MAX_SETS);
    aw_textbuf_puts (out, "</section>\n");
}

void aw_compare_html (const struct aw_compared *comparison, struct aw_textbuf *out)
{
    aw_html_head (out, "Runs compared");
    aw_textbuf_puts (out, "<h1>Runs compared</h1>\n");
    put_figures (comparison, out);
    put_use (comparison, false, out);
    put_use (comparison, true, out);
    aw_textbuf_puts (out, "<h2>Task sets</h2>\n");
    for (uint32_t i = 0; i < aw_compare_n_columns; i++)
        put_sets (comparison, &aw_compare_columns[i], out);
    aw_textbuf_puts (out, "</main>\n</body>\n</html>\n");
}
