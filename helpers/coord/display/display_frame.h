/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the display: one frame of it as text, made of plain numbers and the terminal's size
 * alone. */
#ifndef AW_COORD_DISPLAY_DISPLAY_FRAME_H
#define AW_COORD_DISPLAY_DISPLAY_FRAME_H

#include "coord/display/display.h"
#include "io/textbuf.h"

struct aw_display_frame_style {
    bool colour;
    bool utf8;
    int columns, rows; /* of the terminal */
};

struct aw_display_frame {
    struct aw_textbuf text; /* lines, each ending in "\x1b[K\n" */
    int *widths; /* columns that each line takes. Owned */
    int n; /* lines */
};

/* Seconds for a clock that is looked at: whole ones. Returns BUF. */
const char *aw_display_frame_seconds (char *buf, size_t size, double seconds);

/* {0} is an empty frame. finish frees what it holds. */
void aw_display_frame_finish (struct aw_display_frame *frame);

/* Draws STATE into FRAME: never wider than the columns less one, nor higher than the rows less one.
 * 0, or -1 with ENOMEM and FRAME empty. */
int aw_display_frame_draw (struct aw_display_frame *frame,
                           const struct aw_graph *graph,
                           const struct aw_display_state *state,
                           const struct aw_display_frame_style *style);

/* Rows that the frame's lines take in a terminal of COLUMNS: more than lines where that has become
 * narrower. */
int aw_display_frame_rows (const struct aw_display_frame *frame, int columns);

#endif /* AW_COORD_DISPLAY_DISPLAY_FRAME_H */
