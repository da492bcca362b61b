/* SPDX-License-Identifier: Apache-2.0 */
/* The primitives that all parts of the picture are drawn with: colours, places, text.
 *
 * Colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008). People with any of the
 * common kinds of colour vision can tell them apart.
 */
#include <math.h>
#include <stdio.h>

#include "cmd/report/report_svg.h"

static const uint8_t palette[AW_CHART_GROUPS][3] = {
    { 0x00, 0x72, 0xb2 }, { 0xe6, 0x9f, 0x00 }, { 0x00, 0x9e, 0x73 }, { 0xcc, 0x79, 0xa7 },
    { 0x56, 0xb4, 0xe9 }, { 0xd5, 0x5e, 0x00 }, { 0xf0, 0xe4, 0x42 }, { 0x99, 0x99, 0x99 },
};

uint32_t aw_svg_tones (const struct aw_svg *svg)
{
    uint32_t iterations = svg->report->workflow->graph->iterations;

    return iterations < AW_CHART_TONES ? iterations : AW_CHART_TONES;
}

/* The three parts of a colour, 0 to 255. */
static void mix (const struct aw_svg *svg, uint32_t group, uint32_t iteration, double rgb[3])
{
    static const double white[AW_CHART_TONES] = { 0, 0.3, 0.55 }; /* part mixed in */
    double w = white[iteration % aw_svg_tones (svg)];

    if (svg->groups.set[group] == AW_NONE)
        group = AW_CHART_GROUPS - 1;
    for (int i = 0; i < 3; i++)
        rgb[i] = palette[group][i] + w * (255 - palette[group][i]);
}

const char *aw_svg_colour (const struct aw_svg *svg,
                           uint32_t group,
                           uint32_t iteration,
                           char buf[8])
{
    double rgb[3];

    mix (svg, group, iteration, rgb);
    snprintf (buf, 8, "#%02x%02x%02x", (unsigned)lround (rgb[0]), (unsigned)lround (rgb[1]),
              (unsigned)lround (rgb[2]));
    return buf;
}

void aw_svg_move_style (struct aw_svg *svg, enum aw_chart_phase what, const char *colour)
{
    if (what == AW_STAGE_OUT)
        aw_textbuf_printf (svg->out, " fill=\"#fff\" stroke=\"%s\"", colour);
    else
        aw_textbuf_printf (svg->out, " fill=\"%s\"%s", colour,
                           what == AW_STAGED_IN ? " fill-opacity=\"0.3\"" : "");
}

/* Luma of ITU-R BT.601. */
bool aw_svg_is_dark (const struct aw_svg *svg, uint32_t group, uint32_t iteration)
{
    double rgb[3];

    mix (svg, group, iteration, rgb);
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 140;
}

void aw_svg_text (
    struct aw_svg *svg, double x, double y, const char *anchor, const char *style, const char *text)
{
    struct aw_textbuf *out = svg->out;

    aw_textbuf_puts (out, "<text x=\"");
    aw_textbuf_fixed (out, x, 1);
    aw_textbuf_puts (out, "\" y=\"");
    aw_textbuf_fixed (out, y, 1);
    aw_textbuf_printf (out, "\" text-anchor=\"%s\"%s%s>", anchor, *style ? " " : "", style);
    aw_textbuf_xml (out, text);
    aw_textbuf_puts (out, "</text>\n");
}

double aw_svg_lanes (const struct aw_svg *svg)
{
    return svg->n_lanes + AW_SVG_THIN * (svg->each ? svg->n_move_lanes : 0);
}
