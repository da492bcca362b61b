/* SPDX-License-Identifier: Apache-2.0 */
/* The data itself: tasks over nodes, and the load. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report_svg.h"
#include "util/units.h"

enum {
    MAX_TOOLTIPS = 2500, /* attempts with a <title> of their own */
    MAX_CELLS = 40000, /* rows x bins of the areas */
    LOAD_BINS = 800,
    NAME = 128,
};

static uint32_t group_of (const struct aw_svg *svg, const struct aw_attempt *a, uint32_t *tone)
{
    struct aw_task task = aw_graph_task (svg->report->workflow->graph, a->task);

    *tone = task.iteration % aw_svg_tones (svg);
    return svg->groups.of_set[task.set];
}

static bool has_failed (const struct aw_attempt *a)
{
    return !isnan (a->finish) && a->status != AW_STATUS_COMPLETED;
}

/* The attempt's rectangle: its lane of its node's band. */
static struct aw_box box_of (const struct aw_svg *svg, size_t index)
{
    const struct aw_attempt *a = &svg->report->history.attempts[index];
    double band = svg->tasks.height / svg->rows;
    double margin = band > 12 ? 1 : 0; /* between bands */
    double lane = (band - 2 * margin) / svg->n_lanes;
    struct aw_box box = { .x = aw_svg_x (svg, a->start), .height = lane };

    box.width = aw_svg_x (svg, aw_history_end (&svg->report->history, a)) - box.x;
    box.y = svg->tasks.y + a->node * band + margin + svg->lanes[index] * lane;
    return box;
}

static void put_rectangle (struct aw_svg *svg, const struct aw_box *box)
{
    struct aw_textbuf *out = svg->out;

    aw_textbuf_puts (out, "<rect x=\"");
    aw_textbuf_fixed (out, box->x, 3);
    aw_textbuf_puts (out, "\" y=\"");
    aw_textbuf_fixed (out, box->y, 3);
    aw_textbuf_puts (out, "\" width=\"");
    aw_textbuf_fixed (out, box->width, 3);
    aw_textbuf_puts (out, "\" height=\"");
    aw_textbuf_fixed (out, box->height, 3);
    aw_textbuf_puts (out, "\"");
}

/* What a viewer shows where the pointer rests. */
static void put_tooltip (struct aw_svg *svg, const struct aw_attempt *a)
{
    const struct aw_report *report = svg->report;
    char name[NAME], time[32], how[256];

    aw_graph_task_name (report->workflow->graph, a->task, name, sizeof (name));
    aw_textbuf_puts (svg->out, "><title>");
    aw_textbuf_xml (svg->out, name);
    aw_textbuf_puts (svg->out, ", ");
    aw_textbuf_xml (svg->out, report->history.nodes[a->node].name);
    aw_textbuf_printf (svg->out, ", %s", aw_format_seconds (time, sizeof (time),
                       aw_history_end (&report->history, a) - a->start));
    if (has_failed (a)) {
        aw_textbuf_puts (svg->out, ", ");
        aw_textbuf_xml (svg->out, aw_failure_text (a, how, sizeof (how)));
    }
    aw_textbuf_puts (svg->out, "</title></rect>\n");
}

/* The rectangles of one colour; those wide enough are set apart by a white hairline. */
static void put_rectangles (struct aw_svg *svg, uint32_t group, uint32_t tone, bool wide)
{
    const struct aw_history *history = &svg->report->history;
    char colour[8];
    bool open = false;

    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        struct aw_box box = box_of (svg, i);
        uint32_t its_tone;

        if (group_of (svg, a, &its_tone) != group || its_tone != tone
            || (box.width > 3 && box.height > 2.5) != wide)
            continue;
        if (!open)
            aw_textbuf_printf (svg->out, "<g class=\"tasks\" fill=\"%s\"%s>\n", aw_svg_colour (svg, group, tone, colour),
                               wide ? " stroke=\"#fff\" stroke-width=\"0.7\"" : "");
        open = true;
        put_rectangle (svg, &box);
        if (history->n_attempts <= MAX_TOOLTIPS)
            put_tooltip (svg, a);
        else
            aw_textbuf_puts (svg->out, "/>\n");
    }
    if (open)
        aw_textbuf_puts (svg->out, "</g>\n");
}

/* Failed attempts are hatched, so that they are seen in black and white too. */
static void put_failed (struct aw_svg *svg)
{
    const struct aw_history *history = &svg->report->history;

    aw_textbuf_puts (svg->out, "<g class=\"failed\" fill=\"url(#failed)\" stroke=\"#000\" stroke-width=\"0.5\" pointer-events=\"none\">\n");
    for (size_t i = 0; i < history->n_attempts; i++) {
        if (has_failed (&history->attempts[i])) {
            struct aw_box box = box_of (svg, i);
            put_rectangle (svg, &box);
            aw_textbuf_puts (svg->out, "/>\n");
        }
    }
    aw_textbuf_puts (svg->out, "</g>\n");
}

/* One panel or row of areas stacked by group; ALL is what fills its height. */
static void put_stack (struct aw_svg *svg, const struct aw_bins *bins, uint32_t row, const struct aw_box *box, double all)
{
    uint32_t n = bins->bins;
    double *lower = calloc (2 * (size_t)n + 1, sizeof (*lower));
    double *upper = lower + n;
    char colour[8];

    if (!lower) {
        svg->out->failed = true;
        return;
    }
    for (uint32_t group = 0; group < bins->groups; group++) {
        const double *amount = aw_bins_of (bins, row, group);
        uint32_t tones = bins->groups / svg->groups.n;
        size_t begin = svg->out->len, empty;

        for (uint32_t i = 0; i < n; i++)
            upper[i] = fmin (lower[i] + amount[i] / all, 1);
        aw_textbuf_printf (svg->out, "<path class=\"area\" fill=\"%s\" d=\"",
                           aw_svg_colour (svg, group / tones, group % tones, colour));
        empty = svg->out->len;
        aw_chart_area (svg->out, box, lower, upper, n);
        if (svg->out->len == empty)
            svg->out->len = begin; /* this group has nothing here */
        else
            aw_textbuf_puts (svg->out, "\"/>\n");
        memcpy (lower, upper, n * sizeof (*lower));
    }
    free (lower);
}

/* Too many to be drawn one by one: a row shows how its lanes are filled, by group and tone. */
static void put_rows (struct aw_svg *svg)
{
    const struct aw_history *history = &svg->report->history;
    uint32_t tones = aw_svg_tones (svg);
    uint32_t n = MAX_CELLS / svg->rows < LOAD_BINS ? MAX_CELLS / svg->rows : LOAD_BINS;
    double band = svg->tasks.height / svg->rows;
    double margin = band > 12 ? 1 : band > 4 ? 0.4 : 0;
    struct aw_bins bins;

    if (aw_bins_init (&bins, svg->rows, svg->groups.n * tones, n, svg->from, svg->span) < 0) {
        svg->out->failed = true;
        return;
    }
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        uint32_t tone, group = group_of (svg, a, &tone);
        aw_bins_add (&bins, a->node / svg->nodes_per_row, group * tones + tone, a->start,
                     aw_history_end (history, a), 1);
    }
    aw_textbuf_puts (svg->out, "<g class=\"rows\">\n");
    for (uint32_t row = 0; row < svg->rows; row++) {
        struct aw_box box = { svg->tasks.x, svg->tasks.y + row * band + margin, svg->tasks.width, band - 2 * margin };
        put_stack (svg, &bins, row, &box, (double)svg->n_lanes * svg->nodes_per_row);
    }
    aw_textbuf_puts (svg->out, "</g>\n");
    aw_bins_finish (&bins);
}

void aw_svg_tasks (struct aw_svg *svg)
{
    if (!svg->each) {
        put_rows (svg);
        return;
    }
    for (uint32_t group = 0; group < svg->groups.n; group++) {
        for (uint32_t tone = 0; tone < aw_svg_tones (svg); tone++) {
            put_rectangles (svg, group, tone, false);
            put_rectangles (svg, group, tone, true);
        }
    }
    put_failed (svg);
}

static void put_load (struct aw_svg *svg, const char *id, const struct aw_box *box, bool gpus)
{
    const struct aw_history *history = &svg->report->history;
    uint32_t all = gpus ? svg->report->summary.gpus : svg->report->summary.cpus;
    uint32_t tones = aw_svg_tones (svg);
    struct aw_bins bins;

    if (!all)
        return;
    if (aw_bins_init (&bins, 1, svg->groups.n * tones, LOAD_BINS, svg->from, svg->span) < 0) {
        svg->out->failed = true;
        return;
    }
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        uint32_t tone, group = group_of (svg, a, &tone);
        aw_bins_add (&bins, 0, group * tones + tone, a->start, aw_history_end (history, a), gpus ? a->gpus : a->cpus);
    }
    aw_textbuf_printf (svg->out, "<g class=\"load\" id=\"%s\">\n", id);
    put_stack (svg, &bins, 0, box, all);
    aw_textbuf_puts (svg->out, "</g>\n");
    aw_bins_finish (&bins);
}

void aw_svg_load (struct aw_svg *svg)
{
    put_load (svg, "cpus", &svg->cpus, false);
    if (svg->gpus.height > 0)
        put_load (svg, "gpus", &svg->gpus, true);
}
