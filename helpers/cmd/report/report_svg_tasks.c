/* SPDX-License-Identifier: Apache-2.0 */
/* The data itself: tasks over nodes, and the load. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report/report_svg.h"
#include "io/workflow/task_label.h"
#include "util/units.h"

enum {
    MAX_TOOLTIPS = 2500, /* attempts with a <title> of their own */
    MAX_CELLS = 40000, /* rows x bins of the areas */
    LOAD_BINS = 800,
    MAX_EXACT = 1000, /* attempts whose load is shown without means */
    NAME = AW_TASK_LABEL,
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

/* The slice's rectangle: its lane of its node's band. */
static struct aw_box box_of (const struct aw_svg *svg, const struct aw_slice *slice)
{
    const struct aw_attempt *a = &svg->report->history.attempts[slice->attempt];
    double band = svg->tasks.height / svg->rows;
    double margin = band > 12 ? 1 : 0; /* between bands */
    double lane = (band - 2 * margin) / aw_svg_lanes (svg);
    struct aw_box box = { .x = aw_svg_x (svg, a->start), .height = lane };

    box.width = aw_svg_x (svg, aw_history_end (&svg->report->history, a)) - box.x;
    box.y =
        svg->tasks.y + svg->bands.of_node[slice->held.node] * band + margin + slice->lane * lane;
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
static void put_tooltip (struct aw_svg *svg, const struct aw_slice *slice)
{
    const struct aw_report *report = svg->report;
    const struct aw_attempt *a = &report->history.attempts[slice->attempt];
    char name[NAME], time[32], how[256];

    aw_task_label (report->workflow, a->task, name, sizeof (name));
    aw_textbuf_puts (svg->out, "><title>");
    aw_textbuf_xml (svg->out, name);
    aw_textbuf_puts (svg->out, ", ");
    aw_textbuf_xml (svg->out, report->history.nodes[slice->held.node].name);
    aw_textbuf_printf (svg->out, ", %s",
                       aw_format_seconds (time, sizeof (time),
                                          isnan (a->finish)
                                              ? aw_history_end (&report->history, a) - a->start
                                              : aw_attempt_run_seconds (a)));
    if (has_failed (a)) {
        aw_textbuf_puts (svg->out, ", ");
        aw_textbuf_xml (svg->out, aw_failure_text (how, sizeof (how), a->status, a->code, a->signal,
                                                   a->reason));
    }
    aw_textbuf_puts (svg->out, "</title></rect>\n");
}

/* The rectangles of one colour; those wide enough are set apart by a white hairline. */
static void put_rectangles (struct aw_svg *svg, uint32_t group, uint32_t tone, bool wide)
{
    const struct aw_history *history = &svg->report->history;
    char colour[8];
    bool open = false;

    for (size_t i = 0; i < svg->n_slices; i++) {
        const struct aw_attempt *a = &history->attempts[svg->slices[i].attempt];
        struct aw_box box = box_of (svg, &svg->slices[i]);
        uint32_t its_tone;

        if (!a->started)
            continue;
        if (group_of (svg, a, &its_tone) != group || its_tone != tone
            || (box.width > 3 && box.height > 2.5) != wide)
            continue;
        if (!open)
            aw_textbuf_printf (svg->out, "<g class=\"tasks\" fill=\"%s\"%s>\n",
                               aw_svg_colour (svg, group, tone, colour),
                               wide ? " stroke=\"#fff\" stroke-width=\"0.7\"" : "");
        open = true;
        put_rectangle (svg, &box);
        if (history->n_attempts <= MAX_TOOLTIPS)
            put_tooltip (svg, &svg->slices[i]);
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

    aw_textbuf_puts (svg->out, "<g class=\"failed\" fill=\"url(#failed)\" stroke=\"#000\" "
                               "stroke-width=\"0.5\" pointer-events=\"none\">\n");
    for (size_t i = 0; i < svg->n_slices; i++) {
        const struct aw_attempt *a = &history->attempts[svg->slices[i].attempt];

        if (a->started && has_failed (a)) {
            struct aw_box box = box_of (svg, &svg->slices[i]);
            put_rectangle (svg, &box);
            aw_textbuf_puts (svg->out, "/>\n");
        }
    }
    aw_textbuf_puts (svg->out, "</g>\n");
}

/* Sums of floating point that should be equal are, once rounded to a millionth: so no hairlines
 * appear between them. */
static double tidy (double value)
{
    return round (value * 1e6) / 1e6;
}

/* Areas stacked by group in one panel or row; an amount of 1 fills its height. */
static void put_stack (struct aw_svg *svg,
                       const struct aw_bins *bins,
                       uint32_t row,
                       const struct aw_box *box)
{
    uint32_t n = bins->n, tones = aw_svg_tones (svg);
    double *lower = calloc (3 * (size_t)n + 1, sizeof (*lower));
    double *upper = lower + n, *x = upper + n;
    char colour[8];

    if (!lower) {
        svg->out->failed = true;
        return;
    }
    for (uint32_t i = 0; i <= n; i++)
        x[i] = aw_svg_x (svg, bins->edge[i]);
    for (uint32_t group = 0; group < bins->groups; group++) {
        const double *amount = aw_bins_of (bins, row, group);
        size_t begin = svg->out->len, empty;

        for (uint32_t i = 0; i < n; i++)
            upper[i] = fmin (tidy (lower[i] + amount[i]), 1);
        aw_textbuf_printf (svg->out, "<path class=\"area\" fill=\"%s\" d=\"",
                           aw_svg_colour (svg, group / tones, group % tones, colour));
        empty = svg->out->len;
        aw_chart_area (svg->out, box, x, lower, upper, n);
        if (svg->out->len == empty)
            svg->out->len = begin; /* this group has nothing here */
        else
            aw_textbuf_puts (svg->out, "\"/>\n");
        memcpy (lower, upper, n * sizeof (*lower));
    }
    free (lower);
}

/* What part of its node a slice holds: of CPUs or GPUs, whichever is more. */
static double part_of_node (const struct aw_history *history, const struct aw_held *held)
{
    const struct aw_history_node *node = &history->nodes[held->node];
    double cpus = node->cpus ? (double)held->cpus / node->cpus : 0;
    double gpus = node->gpus ? (double)held->gpu_parts / AW_GPU_WHOLE / node->gpus : 0;

    return fmax (cpus, gpus);
}

/* Sets that live on different resources fill a node more than once together: then each gets its
 * part of the row. */
static void fit (const struct aw_bins *bins, uint32_t row)
{
    for (uint32_t i = 0; i < bins->n; i++) {
        double sum = 0;
        for (uint32_t group = 0; group < bins->groups; group++)
            sum += aw_bins_of (bins, row, group)[i];
        for (uint32_t group = 0; sum > 1 && group < bins->groups; group++)
            aw_bins_of (bins, row, group)[i] /= sum;
    }
}

/* Too many to be drawn one by one: a row shows how full its nodes are, by group and tone. */
static void put_rows (struct aw_svg *svg)
{
    const struct aw_history *history = &svg->report->history;
    uint32_t tones = aw_svg_tones (svg);
    uint32_t n = MAX_CELLS / svg->rows < LOAD_BINS ? MAX_CELLS / svg->rows : LOAD_BINS;
    double band = svg->tasks.height / svg->rows;
    double margin = band > 12 ? 1 : band > 4 ? 0.3 : 0;
    struct aw_bins bins;

    if (aw_bins_init (&bins, svg->rows, svg->groups.n * tones, n, svg->from, svg->span) < 0) {
        svg->out->failed = true;
        return;
    }
    aw_svg_edges (svg, bins.edge, bins.n);
    for (size_t i = 0; i < svg->n_slices; i++) {
        const struct aw_held *held = &svg->slices[i].held;
        const struct aw_attempt *a = &history->attempts[svg->slices[i].attempt];
        uint32_t tone, group = group_of (svg, a, &tone),
                       row = svg->bands.of_node[held->node] / svg->bands_per_row;
        uint32_t left =
            svg->bands.n - row * svg->bands_per_row; /* the last row may have fewer nodes */
        uint32_t nodes = left < svg->bands_per_row ? left : svg->bands_per_row;

        aw_bins_add (&bins, row, group * tones + tone, a->start, aw_history_end (history, a),
                     part_of_node (history, held) / nodes);
    }
    aw_textbuf_puts (svg->out, "<g class=\"rows\">\n");
    for (uint32_t row = 0; row < svg->rows; row++) {
        struct aw_box box = { svg->tasks.x, svg->tasks.y + row * band + margin, svg->tasks.width,
                              band - 2 * margin };
        fit (&bins, row);
        put_stack (svg, &bins, row, &box);
    }
    aw_textbuf_puts (svg->out, "</g>\n");
    aw_bins_finish (&bins);
}

/* Data coming is full, data that waits for its task to start pale, data leaving an outline. */
static void put_moves (struct aw_svg *svg)
{
    const struct aw_report *report = svg->report;
    double band = svg->tasks.height / svg->rows;
    double margin = band > 12 ? 1 : 0;
    double lane = (band - 2 * margin) / aw_svg_lanes (svg), thin = AW_SVG_THIN * lane;

    if (svg->n_moves == 0)
        return;
    aw_textbuf_puts (svg->out, "<g class=\"moves\" stroke-width=\"0.8\">\n");
    for (size_t i = 0; i < svg->n_moves; i++) {
        const struct aw_chart_move *move = &svg->moves[i];
        const struct aw_attempt *a = &report->history.attempts[move->attempt];
        uint32_t tone, group = group_of (svg, a, &tone);
        double x = aw_svg_x (svg, move->from);
        struct aw_box box = { x,
                              svg->tasks.y + svg->bands.of_node[a->node] * band + margin
                                  + svg->n_lanes * lane + (move->lane + 0.15) * thin,
                              aw_svg_x (svg, move->to) - x, 0.7 * thin };
        char name[NAME], time[32], colour[8];

        put_rectangle (svg, &box);
        aw_svg_move_style (svg, move->what, aw_svg_colour (svg, group, tone, colour));
        if (report->history.n_attempts > MAX_TOOLTIPS) {
            aw_textbuf_puts (svg->out, "/>\n");
            continue;
        }
        aw_task_label (report->workflow, a->task, name, sizeof (name));
        aw_textbuf_puts (svg->out, "><title>");
        aw_textbuf_xml (svg->out, name);
        aw_textbuf_printf (svg->out, ", %s, %s</title></rect>\n", aw_chart_phase_name (move->what),
                           aw_format_seconds (time, sizeof (time), move->to - move->from));
    }
    aw_textbuf_puts (svg->out, "</g>\n");
}

/* Names in rectangles that have room for them. */
static void put_names (struct aw_svg *svg)
{
    const struct aw_report *report = svg->report;
    const struct aw_graph *graph = report->workflow->graph;

    for (size_t i = 0; i < svg->n_slices; i++) {
        const struct aw_attempt *a = &report->history.attempts[svg->slices[i].attempt];
        struct aw_box box = box_of (svg, &svg->slices[i]);
        uint32_t tone, group = group_of (svg, a, &tone);
        char name[NAME];

        aw_graph_task_name (graph, a->task, name, sizeof (name));
        if (graph->sets[aw_graph_task (graph, a->task).set].count == 1)
            name[strcspn (name, "[")] = '\0'; /* the only one needs no number */
        if (box.height < 11 || box.width < 6. * (double)strlen (name) + 8 || has_failed (a))
            continue;
        aw_svg_text (svg, box.x + box.width / 2, box.y + box.height / 2 + 3.5, "middle",
                     aw_svg_is_dark (svg, group, tone) ? "font-size=\"10\" fill=\"#fff\""
                                                       : "font-size=\"10\"",
                     name);
    }
}

void aw_svg_tasks (struct aw_svg *svg)
{
    if (!svg->each) {
        if (svg->report->history.n_attempts)
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
    put_moves (svg);
    put_names (svg);
}

/* Few changes are shown as they are, many as means over the width of about a pixel. */
static int init_load (struct aw_svg *svg, struct aw_bins *bins)
{
    uint32_t groups = svg->groups.n * aw_svg_tones (svg);

    if (svg->report->history.n_attempts <= MAX_EXACT)
        return aw_bins_init_exact (bins, 1, groups, &svg->report->history);
    if (aw_bins_init (bins, 1, groups, LOAD_BINS, svg->from, svg->span) < 0)
        return -1;
    aw_svg_edges (svg, bins->edge, bins->n);
    return 0;
}

static void put_load (struct aw_svg *svg, const char *id, const struct aw_box *box, bool gpus)
{
    const struct aw_history *history = &svg->report->history;
    uint32_t all = gpus ? svg->report->summary.gpus : svg->report->summary.cpus;
    uint32_t tones = aw_svg_tones (svg);
    struct aw_bins bins;

    if (!all)
        return;
    if (init_load (svg, &bins) < 0) {
        svg->out->failed = true;
        return;
    }
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        uint32_t tone, group = group_of (svg, a, &tone);
        aw_bins_add (&bins, 0, group * tones + tone, a->start, aw_history_end (history, a),
                     (gpus ? (double)a->gpu_parts / AW_GPU_WHOLE : a->cpus) / all);
    }
    aw_textbuf_printf (svg->out, "<g class=\"load\" id=\"%s\">\n", id);
    put_stack (svg, &bins, 0, box);
    aw_textbuf_puts (svg->out, "</g>\n");
    aw_bins_finish (&bins);
}

void aw_svg_load (struct aw_svg *svg)
{
    put_load (svg, "cpus", &svg->cpus, false);
    if (svg->gpus.height > 0)
        put_load (svg, "gpus", &svg->gpus, true);
}
