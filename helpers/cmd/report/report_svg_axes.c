/* SPDX-License-Identifier: Apache-2.0 */
/* What surrounds the data: title, legend, grid, axes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report/report_svg.h"
#include "util/units.h"

#define GREY "fill=\"#666\""
#define HAIR "stroke=\"#888\" stroke-width=\"0.6\" fill=\"none\""
#define GRID "stroke=\"#e2e2e2\" stroke-width=\"0.6\" fill=\"none\""

enum { MAX_TICKS = 12, LABEL = 32 };

/* A unit of time for the axis, and round steps between ticks. */
struct unit {
    double up_to; /* seconds of the span */
    double seconds;
    const char *name;
    const double *steps; /* in the unit, ending in 0; NULL: 1, 2, 5 times a power of 10 */
};

static double time_step (double span, const struct unit **unit)
{
    static const double minutes[] = { 1, 2, 5, 10, 15, 30, 60, 0 };
    static const double hours[] = { 0.5, 1, 2, 3, 6, 12, 24, 0 };
    static const struct unit units[] = {
        { 3000, 1, "s", NULL },
        { 5 * 3600., 60, "min", minutes },
        { 5 * 86400., 3600, "h", hours },
        { INFINITY, 86400, "days", NULL },
    };
    double ideal, power;
    int i = 0;

    while (span > units[i].up_to)
        i++;
    *unit = &units[i];
    ideal = span / units[i].seconds / (MAX_TICKS - 2);
    if (units[i].steps)
        for (const double *step = units[i].steps; *step; step++)
            if (*step >= ideal)
                return *step;
    power = pow (10, floor (log10 (ideal)));
    return power * (ideal <= power ? 1 : ideal <= 2 * power ? 2 : ideal <= 5 * power ? 5 : 10);
}

static double bottom_of (const struct aw_svg *svg)
{
    const struct aw_box *last = svg->gpus.height > 0 ? &svg->gpus : &svg->cpus;

    return last->y + last->height;
}

static void put_vertical (struct aw_svg *svg, double x, const struct aw_box *box)
{
    aw_textbuf_printf (svg->out, "M%.1f %.1fV%.1f", x, box->y, box->y + box->height);
}

/* A box over all panels for each time between interruption and resume, with its length. */
static void put_gaps (struct aw_svg *svg)
{
    char text[64], time[32], style[128];

    for (uint32_t i = 0; i < svg->report->history.n_gaps; i++) {
        double from, length = aw_svg_gap (svg, i, &from), x = aw_svg_x (svg, from);
        double width = aw_svg_x (svg, from + length) - x, y = svg->tasks.y + svg->tasks.height / 2;

        if (length <= 0)
            continue;
        snprintf (text, sizeof (text), "interrupted for %s",
                  aw_format_seconds (time, sizeof (time), length));
        aw_textbuf_printf (svg->out,
                           "<rect class=\"gap\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                           "height=\"%.1f\" fill=\"#ddd\"><title>%s</title></rect>\n",
                           x, svg->tasks.y, width, bottom_of (svg) - svg->tasks.y, text);
        x += width / 2 + 3;
        snprintf (style, sizeof (style), "font-size=\"9\" transform=\"rotate(-90 %.1f %.1f)\"", x,
                  y);
        if (width > 9 && svg->tasks.height > 110)
            aw_svg_text (svg, x, y, "middle", style, text);
    }
}

/* The axis is broken where a gap is shorter on it than it was. */
static void put_breaks (struct aw_svg *svg)
{
    for (uint32_t i = 0; i < svg->report->history.n_gaps; i++) {
        double from, length = aw_svg_gap (svg, i, &from);
        double x = (aw_svg_x (svg, from) + aw_svg_x (svg, from + length)) / 2;

        if (length > svg->largest_gap)
            aw_textbuf_printf (svg->out,
                               "<path class=\"break\" stroke=\"#222\" fill=\"none\" "
                               "d=\"M%.1f %.1fl3 -8m3 0l-3 8\"/>\n",
                               x - 3, bottom_of (svg) + 4);
    }
}

void aw_svg_grid (struct aw_svg *svg)
{
    const struct unit *unit;
    double step = time_step (svg->active, &unit) * unit->seconds;

    aw_textbuf_puts (svg->out, "<path class=\"grid\" " GRID " d=\"");
    for (int i = 1; i * step < svg->active; i++) {
        double x = aw_svg_active_x (svg, i * step);
        put_vertical (svg, x, &svg->tasks);
        put_vertical (svg, x, &svg->cpus);
        if (svg->gpus.height > 0)
            put_vertical (svg, x, &svg->gpus);
    }
    aw_textbuf_puts (svg->out, "M0 0\"/>\n");
    put_gaps (svg);
}

static void put_time_axis (struct aw_svg *svg)
{
    const struct unit *unit;
    double step = time_step (svg->active, &unit);
    double y = bottom_of (svg);
    char label[96];

    aw_textbuf_puts (svg->out, "<path class=\"axis\" " HAIR " d=\"");
    for (int i = 0; i * step * unit->seconds <= svg->active * (1 + 1e-9); i++)
        aw_textbuf_printf (svg->out, "M%.1f %.1fv4",
                           aw_svg_active_x (svg, i * step * unit->seconds), y);
    aw_textbuf_puts (svg->out, "\"/>\n");
    for (int i = 0; i * step * unit->seconds <= svg->active * (1 + 1e-9); i++) {
        snprintf (label, sizeof (label), "%.6g", i * step);
        aw_svg_text (svg, aw_svg_active_x (svg, i * step * unit->seconds), y + 16, "middle", "",
                     label);
    }
    put_breaks (svg);
    snprintf (label, sizeof (label), "time since the first start%s (%s)",
              svg->active < svg->span ? ", interruptions not counted" : "", unit->name);
    aw_svg_text (svg, svg->tasks.x + svg->tasks.width / 2, y + 34, "middle", "", label);
}

static void put_frame (struct aw_svg *svg, const struct aw_box *box)
{
    aw_textbuf_printf (svg->out, "<path class=\"axis\" " HAIR " d=\"M%.1f %.1fV%.1fH%.1f\"/>\n",
                       box->x, box->y, box->y + box->height, box->x + box->width);
}

static void put_side_title (struct aw_svg *svg, const struct aw_box *box, const char *text)
{
    char style[96];
    double x = 16, y = box->y + box->height / 2;

    snprintf (style, sizeof (style), "transform=\"rotate(-90 %.1f %.1f)\"", x, y);
    aw_svg_text (svg, x, y, "middle", style, text);
}

/* The name of a row: its node, or the first of its nodes; the end of a long one, which is what
 * differs. */
static void put_row_label (struct aw_svg *svg, uint32_t row, double y)
{
    const struct aw_history *history = &svg->report->history;
    const char *name = history->nodes[svg->bands.first[row * svg->bands_per_row]].name;
    size_t len = strlen (name);
    char label[LABEL];

    if (len > 12)
        snprintf (label, sizeof (label), "\xe2\x80\xa6%s", name + len - 11);
    else
        snprintf (label, sizeof (label), "%s", name);
    aw_svg_text (svg, svg->tasks.x - 6, y + 3.5, "end", "font-size=\"9.5\"", label);
}

static void put_rows (struct aw_svg *svg)
{
    double height = svg->tasks.height / svg->rows;
    uint32_t every = (uint32_t)ceil (11.5 / height);
    char title[48] = "nodes";

    if (!svg->report->history.n_nodes)
        return;
    if (height > 12) {
        aw_textbuf_puts (
            svg->out,
            "<path class=\"grid\" stroke=\"#bbb\" stroke-width=\"0.5\" fill=\"none\" d=\"");
        for (uint32_t i = 1; i < svg->rows; i++)
            aw_textbuf_printf (svg->out, "M%.1f %.2fh%.1f", svg->tasks.x, svg->tasks.y + i * height,
                               svg->tasks.width);
        aw_textbuf_puts (svg->out, "M0 0\"/>\n");
    }
    for (uint32_t i = 0; i < svg->rows; i += every)
        put_row_label (svg, i, svg->tasks.y + (every == 1 ? (i + 0.5) * height : i * height + 4));
    if (svg->bands_per_row > 1)
        snprintf (title, sizeof (title), "nodes, %u a row", svg->bands_per_row);
    put_side_title (svg, &svg->tasks, title);
}

/* 0 and all at the left, the mean as a line with its share at the right. */
static void put_load_axis (
    struct aw_svg *svg, const struct aw_box *box, const char *what, uint32_t all, double share)
{
    char label[LABEL];
    double y = box->y + box->height * (1 - share);

    aw_textbuf_printf (svg->out, "<path class=\"grid\" " GRID " d=\"M%.1f %.1fh%.1f\"/>\n", box->x,
                       box->y, box->width);
    put_frame (svg, box);
    aw_svg_text (svg, box->x - 6, box->y + box->height, "end", "", "0");
    snprintf (label, sizeof (label), "%u", all);
    aw_svg_text (svg, box->x - 6, box->y + 8, "end", "", label);
    snprintf (label, sizeof (label), "busy %s", what);
    put_side_title (svg, box, label);
    if (isnan (share))
        return;
    aw_textbuf_printf (svg->out,
                       "<path class=\"mean\" stroke=\"#000\" stroke-width=\"0.8\" "
                       "stroke-dasharray=\"5 3\" fill=\"none\" "
                       "d=\"M%.1f %.1fh%.1f\"/>\n",
                       box->x, y, box->width);
    snprintf (label, sizeof (label), "%.0f %%", 100 * share);
    aw_svg_text (svg, box->x + box->width + 6,
                 fmin (fmax (y + 4, box->y + 8), box->y + box->height), "start", "", label);
}

void aw_svg_axes (struct aw_svg *svg)
{
    const struct aw_summary *sum = &svg->report->summary;

    put_frame (svg, &svg->tasks);
    put_rows (svg);
    put_load_axis (svg, &svg->cpus, "CPUs", sum->cpus, sum->cpu_share);
    if (svg->gpus.height > 0)
        put_load_axis (svg, &svg->gpus, "GPUs", sum->gpus, sum->gpu_share);
    put_time_axis (svg);
}

void aw_svg_title (struct aw_svg *svg)
{
    const struct aw_report *report = svg->report;
    const struct aw_summary *sum = &report->summary;
    static const char dot[] = "  \xc2\xb7  ";
    char text[320], time[32];
    int n;

    aw_svg_text (svg, svg->tasks.x, 24, "start", "font-size=\"16\" font-weight=\"bold\"",
                 report->workflow->name);
    n = snprintf (text, sizeof (text), "%u task%s on %u node%s%smakespan %s",
                  report->workflow->graph->n_tasks,
                  report->workflow->graph->n_tasks == 1 ? "" : "s", sum->n_nodes,
                  sum->n_nodes == 1 ? "" : "s", dot,
                  aw_format_seconds (time, sizeof (time), sum->makespan));
    if (!isnan (sum->cpu_share))
        n += snprintf (text + n, sizeof (text) - (size_t)n, "%sCPUs %.0f %% busy", dot,
                       100 * sum->cpu_share);
    if (!isnan (sum->gpu_share))
        n += snprintf (text + n, sizeof (text) - (size_t)n, "%sGPUs %.0f %% busy", dot,
                       100 * sum->gpu_share);
    if (report->header.mode && report->header.policy)
        snprintf (text + n, sizeof (text) - (size_t)n, "%s%.32s, %.32s", dot, report->header.mode,
                  report->header.policy);
    aw_svg_text (svg, svg->tasks.x, 42, "start", GREY, text);
}

/* Where the next item of the legend goes. */
struct place {
    double x, y;
};

/* Begins an item of WIDTH, in the next line if this one has no room. */
static void next_item (const struct aw_svg *svg, struct place *at, double width)
{
    if (at->x > svg->tasks.x && at->x + width > svg->tasks.x + svg->tasks.width) {
        at->x = svg->tasks.x;
        at->y += 17;
    }
}

static void put_swatches (struct aw_svg *svg, uint32_t group, const struct place *at)
{
    char colour[8];

    for (uint32_t tone = 0; tone < aw_svg_tones (svg); tone++)
        aw_textbuf_printf (svg->out,
                           "<path class=\"legend\" fill=\"%s\" d=\"M%.1f %.1fh10v10h-10z\"/>\n",
                           aw_svg_colour (svg, group, tone, colour), at->x + 10 * tone, at->y);
}

/* The meaning of the hatching in this chart; NULL: there is none. */
static const char *hatched (const struct aw_history *history)
{
    bool failed = false, cancelled = false;

    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];

        if (isnan (a->finish))
            continue;
        cancelled = cancelled || a->status == AW_STATUS_CANCELLED;
        failed = failed || (a->status != AW_STATUS_CANCELLED && a->status != AW_STATUS_COMPLETED);
    }
    if (failed)
        return cancelled ? "failed or cancelled" : "failed attempt";
    return cancelled ? "cancelled" : NULL;
}

static void put_failed_item (struct aw_svg *svg, struct place *at, bool draw)
{
    const char *what = hatched (&svg->report->history);
    double width;

    if (!what)
        return;
    width = 6.2 * (double)strlen (what) + 23;
    next_item (svg, at, width);
    if (draw) {
        aw_textbuf_printf (
            svg->out,
            "<path class=\"legend\" fill=\"url(#failed)\" stroke=\"#000\" stroke-width=\"0.5\" "
            "d=\"M%.1f %.1fh10v10h-10z\"/>\n",
            at->x, at->y);
        aw_svg_text (svg, at->x + 15, at->y + 9, "start", "", what);
    }
    at->x += width;
}

/* The thin bars of staging. */
static void put_move_items (struct aw_svg *svg, struct place *at, bool draw)
{
    for (enum aw_chart_phase what = AW_STAGE_IN; svg->each && what <= AW_STAGE_OUT; what++) {
        const char *name = aw_chart_phase_name (what);
        double width = 6.2 * (double)strlen (name) + 33;
        bool any = false;

        for (size_t i = 0; i < svg->n_moves && !any; i++)
            any = svg->moves[i].what == what;
        if (!any)
            continue;
        next_item (svg, at, width);
        if (draw) {
            aw_textbuf_puts (svg->out, "<path class=\"legend\" stroke-width=\"0.8\"");
            aw_svg_move_style (svg, what, "#555");
            aw_textbuf_printf (svg->out, " d=\"M%.1f %.1fh14v4h-14z\"/>\n", at->x, at->y + 3);
            aw_svg_text (svg, at->x + 19, at->y + 9, "start", "", name);
        }
        at->x += width;
    }
}

double aw_svg_legend (struct aw_svg *svg, double y, bool draw)
{
    const struct aw_graph *graph = svg->report->workflow->graph;
    struct place at = { svg->tasks.x, y };
    double swatches = 10. * aw_svg_tones (svg) + 5;

    for (uint32_t i = 0; i < svg->groups.n; i++) {
        uint32_t set = svg->groups.set[i];
        char name[64], label[AW_SET_NAME_SIZE];
        double width;

        if (set == AW_NONE)
            snprintf (name, sizeof (name), "%u other sets", svg->groups.n_others);
        else
            snprintf (name, sizeof (name), "%.50s", aw_report_set_name (graph, set, label));
        width = swatches + 6.2 * (double)strlen (name) + 18;
        next_item (svg, &at, width);
        if (draw) {
            put_swatches (svg, i, &at);
            aw_svg_text (svg, at.x + swatches, at.y + 9, "start", "", name);
        }
        at.x += width;
    }
    if (graph->iterations > 1) {
        const char *tones = graph->iterations > AW_CHART_TONES
                                ? "tones: iterations 0, 1, 2, then again"
                            : graph->iterations == 2 ? "tones: iterations 0, 1"
                                                     : "tones: iterations 0, 1, 2";
        next_item (svg, &at, 6. * (double)strlen (tones));
        if (draw)
            aw_svg_text (svg, at.x, at.y + 9, "start", GREY, tones);
        at.x += 6. * (double)strlen (tones) + 18;
    }
    put_failed_item (svg, &at, draw);
    put_move_items (svg, &at, draw);
    return at.y - y + 26;
}
