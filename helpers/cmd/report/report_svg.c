/* SPDX-License-Identifier: Apache-2.0 */
/* The Gantt chart: a band a node with a lane for each task that runs at the same time, and below
 * it, on the same axis of time, the busy CPUs and GPUs. Where tasks or nodes are too many to be
 * seen one by one, a band shows the share of its lanes that each set fills. In both cases ink is
 * proportional to the time that tasks held their nodes; data on its way, which holds nothing, has
 * thin lanes of its own where tasks are seen one by one.
 */
#include "cmd/report/report_svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 960,
    RIGHT = 56,
    TOP = 58, /* title and subtitle */
    BOTTOM = 46,
    GAP = 16, /* between panels */
    LOAD_HEIGHT = 78,
    MIN_TASKS_HEIGHT = 120,
    MAX_TASKS_HEIGHT = 520,
    MAX_ROWS = 104, /* beyond, nodes are bundled */
    MAX_RECTANGLES = 8000,
};

/* Room for the names of nodes and the numbers at the left. */
static double left_margin (const struct aw_report *report)
{
    char number[16];
    size_t longest = (size_t)snprintf (number, sizeof (number), "%u", report->summary.cpus);

    for (uint32_t i = 0; i < report->history.n_nodes; i++)
        if (strlen (report->history.nodes[i].name) > longest)
            longest = strlen (report->history.nodes[i].name);
    return 36 + 6.2 * (double)(longest > 12 ? 12 : longest < 3 ? 3 : longest);
}

static void choose_rows (struct aw_svg *svg)
{
    uint32_t bands = svg->bands.n ? svg->bands.n : 1;

    svg->bands_per_row = (bands + MAX_ROWS - 1) / MAX_ROWS;
    svg->rows = (bands + svg->bands_per_row - 1) / svg->bands_per_row;
    svg->each = svg->bands_per_row == 1 && (uint64_t)bands * svg->n_lanes <= MAX_TASKS_HEIGHT / 2
                && svg->report->history.n_attempts <= MAX_RECTANGLES;
}

/* Lanes between hairlines and 22 pixels high. */
static double tasks_height (const struct aw_svg *svg)
{
    double lanes = svg->rows * aw_svg_lanes (svg);

    if (svg->each)
        return fmin (fmax (8 * lanes, fmin (22 * lanes, MIN_TASKS_HEIGHT)) + 20, MAX_TASKS_HEIGHT);
    return fmin (fmax (24. * svg->rows, MIN_TASKS_HEIGHT), MAX_TASKS_HEIGHT);
}

static void lay_out (struct aw_svg *svg)
{
    const struct aw_report *report = svg->report;
    bool any = report->history.n_attempts > 0;
    double left = left_margin (report);
    double y = TOP;

    svg->width = WIDTH;
    svg->from = any ? report->summary.first_start : 0;
    svg->span = any ? report->summary.makespan : 1;
    if (!(svg->span > 0))
        svg->span = 1;
    aw_svg_fold (svg);
    svg->tasks =
        (struct aw_box){ .x = left, .width = WIDTH - left - RIGHT, .height = tasks_height (svg) };
    y += aw_svg_legend (svg, y, false);
    svg->tasks.y = y;
    y += svg->tasks.height + GAP;
    svg->cpus = (struct aw_box){ left, y, svg->tasks.width, LOAD_HEIGHT };
    y += LOAD_HEIGHT;
    svg->gpus = (struct aw_box){ left, y + GAP, svg->tasks.width, 0 };
    if (report->summary.gpus) {
        svg->gpus.height = LOAD_HEIGHT;
        y += GAP + LOAD_HEIGHT;
    }
    svg->height = y + BOTTOM;
}

static void put_begin (struct aw_svg *svg)
{
    aw_textbuf_puts (svg->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    aw_textbuf_printf (
        svg->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
        "viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica, Arial, 'Liberation Sans', "
        "'DejaVu Sans', sans-serif\" font-size=\"11\" fill=\"#222\">\n",
        svg->width, svg->height, svg->width, svg->height);
    aw_textbuf_puts (svg->out, "<title>");
    aw_textbuf_xml (svg->out, svg->report->workflow->name);
    aw_textbuf_puts (
        svg->out,
        "</title>\n"
        "<defs><pattern id=\"failed\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><path d=\"M1 0V4\" stroke=\"#000\" stroke-width=\"1.2\"/>"
        "</pattern></defs>\n");
    aw_textbuf_printf (svg->out, "<path id=\"paper\" d=\"M0 0H%.0fV%.0fH0Z\" fill=\"#fff\"/>\n",
                       svg->width, svg->height);
}

static void draw (struct aw_svg *svg)
{
    choose_rows (svg);
    lay_out (svg);
    put_begin (svg);
    aw_svg_title (svg);
    aw_svg_legend (svg, TOP, true);
    aw_svg_grid (svg);
    aw_svg_tasks (svg);
    aw_svg_load (svg);
    aw_svg_axes (svg);
    aw_textbuf_puts (svg->out, "</svg>\n");
}

void aw_report_svg (const struct aw_report *report, struct aw_textbuf *out)
{
    struct aw_svg svg = { .report = report, .out = out };

    svg.slices = aw_chart_slices (report, &svg.n_slices, &svg.n_lanes);
    svg.moves = aw_chart_moves (report, &svg.n_moves, &svg.n_move_lanes);
    if (svg.slices && svg.moves && aw_chart_bands_init (&svg.bands, &report->history) == 0
        && aw_chart_groups_init (&svg.groups, report) == 0)
        draw (&svg);
    else
        out->failed = true;
    aw_chart_groups_finish (&svg.groups);
    aw_chart_bands_finish (&svg.bands);
    free (svg.slices);
    free (svg.moves);
}
