/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the SVG: its layout, shared by the files that draw it. */
#ifndef AW_CMD_REPORT_REPORT_SVG_H
#define AW_CMD_REPORT_REPORT_SVG_H

#include "cmd/report/report_chart.h"

struct aw_svg {
    const struct aw_report *report;
    struct aw_textbuf *out;
    struct aw_chart_groups groups;
    struct aw_slice *slices; /* aw_chart_slices */
    size_t n_slices;
    uint32_t n_lanes; /* of a node */
    struct aw_chart_move *moves; /* aw_chart_moves */
    size_t n_moves;
    uint32_t n_move_lanes; /* of a node, thin, below the others; 0: nothing was staged */
    struct aw_chart_bands bands;
    uint32_t rows; /* bands, or bundles of bands if there are too many to show each */
    uint32_t bands_per_row;
    bool each; /* every attempt has a rectangle of its own; else areas */
    double from, span; /* time on the horizontal axis: t, seconds */
    double active; /* seconds of it without gaps */
    double largest_gap,
        drawn; /* seconds that a gap takes there at most, and that all of it takes */
    struct aw_box tasks, cpus, gpus; /* the panels; gpus.height 0: no GPUs */
    double width, height; /* of the whole */
};

/* Colour of a group in the tone of an iteration: "#0072b2". Returns BUF. */
const char *aw_svg_colour (const struct aw_svg *svg,
                           uint32_t group,
                           uint32_t iteration,
                           char buf[8]);

/* Adds attributes that distinguish the kinds of staging, in black and white too. */
void aw_svg_move_style (struct aw_svg *svg, enum aw_chart_phase what, const char *colour);

/* Is white text on it easier to read than black? */
bool aw_svg_is_dark (const struct aw_svg *svg, uint32_t group, uint32_t iteration);

/* Heights, in lanes of tasks: a thin one, and all of a node. */
#define AW_SVG_THIN 0.4
double aw_svg_lanes (const struct aw_svg *svg);

/* The number of tones that distinguish iterations. */
uint32_t aw_svg_tones (const struct aw_svg *svg);

/* The panel of tasks: rectangles or areas. */
void aw_svg_tasks (struct aw_svg *svg);

/* Busy CPUs and GPUs, stacked by group. */
void aw_svg_load (struct aw_svg *svg);

/* Axes, grid (call it before what is drawn over it), labels, title, legend. */
void aw_svg_grid (struct aw_svg *svg);
void aw_svg_axes (struct aw_svg *svg);
void aw_svg_title (struct aw_svg *svg);
double aw_svg_legend (struct aw_svg *svg, double y, bool draw); /* returns its height */

/* Sets how the axis is folded, from `from` and `span`. */
void aw_svg_fold (struct aw_svg *svg);

/* Horizontal place of time T, within the panels; and of the moment when SECONDS have passed since
 * the first start, gaps not counted. */
double aw_svg_x (const struct aw_svg *svg, double t);
double aw_svg_active_x (const struct aw_svg *svg, double seconds);

/* The length of gap number I on the axis, in seconds; 0: it is not there. FROM: where it begins. */
double aw_svg_gap (const struct aw_svg *svg, uint32_t i, double *from);

/* N + 1 times at equal distances on the axis. */
void aw_svg_edges (const struct aw_svg *svg, double *edge, uint32_t n);

/* <text> at X, Y; ANCHOR "start", "middle" or "end"; STYLE further attributes or "". */
void aw_svg_text (struct aw_svg *svg,
                  double x,
                  double y,
                  const char *anchor,
                  const char *style,
                  const char *text);

#endif /* AW_CMD_REPORT_REPORT_SVG_H */
