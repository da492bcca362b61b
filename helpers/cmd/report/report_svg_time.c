/* SPDX-License-Identifier: Apache-2.0 */
/* The horizontal axis. Between interruption and resume nothing runs, often for hours or days: such
 * a gap is folded to a small width, and the axis counts the time without gaps.
 */
#include <math.h>

#include "cmd/report/report_svg.h"

/* Parts of the axis: the largest that one gap may take, and that all together may. */
static const double gap_share = 0.025, gaps_share = 0.2;

double aw_svg_gap (const struct aw_svg *svg, uint32_t i, double *from)
{
    const struct aw_history_gap *gap = &svg->report->history.gaps[i];

    *from = fmax (gap->from, svg->from);
    return fmax (fmin (gap->to, svg->from + svg->span) - *from, 0);
}

/* Seconds from the left edge to T, where a gap counts for at most LARGEST. */
static double seconds_to (const struct aw_svg *svg, double t, double largest)
{
    double seconds = fmin (fmax (t - svg->from, 0), svg->span);

    for (uint32_t i = 0; i < svg->report->history.n_gaps; i++) {
        double from, length = aw_svg_gap (svg, i, &from);

        if (length > largest && t > from)
            seconds -= fmin (t - from, length) * (1 - largest / length);
    }
    return seconds;
}

/* The moment SECONDS from the left edge, counted in the same way. */
static double time_at (const struct aw_svg *svg, double seconds, double largest)
{
    double t = svg->from;

    for (uint32_t i = 0; i < svg->report->history.n_gaps; i++) {
        double from, length = aw_svg_gap (svg, i, &from), drawn = fmin (length, largest);

        if (length <= 0 || t + seconds <= from)
            continue;
        seconds -= from - t;
        t = from;
        if (seconds <= drawn && drawn > 0)
            return t + seconds * length / drawn;
        seconds -= drawn;
        t += length;
    }
    return t + seconds;
}

void aw_svg_fold (struct aw_svg *svg)
{
    double end = svg->from + svg->span, from;
    uint32_t n = 0;

    svg->active = seconds_to (svg, end, 0);
    for (uint32_t i = 0; i < svg->report->history.n_gaps; i++)
        n += aw_svg_gap (svg, i, &from) > 0;
    svg->largest_gap = n ? svg->active * fmin (gap_share, gaps_share / n) : 0;
    svg->drawn = seconds_to (svg, end, svg->largest_gap);
    if (!(svg->drawn > 0)) /* nothing but a gap */
        svg->drawn = svg->active = 1;
}

double aw_svg_x (const struct aw_svg *svg, double t)
{
    double share = seconds_to (svg, t, svg->largest_gap) / svg->drawn;

    return svg->tasks.x + fmin (fmax (share, 0), 1) * svg->tasks.width;
}

double aw_svg_active_x (const struct aw_svg *svg, double seconds)
{
    return aw_svg_x (svg, time_at (svg, seconds, 0));
}

void aw_svg_edges (const struct aw_svg *svg, double *edge, uint32_t n)
{
    for (uint32_t i = 0; i <= n; i++)
        edge[i] = time_at (svg, svg->drawn * i / n, svg->largest_gap);
}
