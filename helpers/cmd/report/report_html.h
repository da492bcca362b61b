/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the HTML page. Everything that comes from outside goes through aw_html_text (in the
 * page) or aw_html_json (in its script).
 */
#ifndef AW_CMD_REPORT_REPORT_HTML_H
#define AW_CMD_REPORT_REPORT_HTML_H

#include "cmd/report/report_chart.h"

enum { AW_HTML_NAME = 128 }; /* bytes of a task's name */

struct aw_html {
    const struct aw_report *report;
    struct aw_textbuf *out;
    struct aw_chart_bands bands;
    struct aw_chart_groups groups;
    struct aw_slice *slices; /* aw_chart_slices */
    size_t n_slices;
    uint32_t *order; /* the slices in the order of their starts */
    uint32_t *position; /* of each attempt's first slice in that order */
    size_t tail_bytes; /* of log tails that the page may still take */
};

/* The page's style and script, from page.css and page_*.js. */
extern const char aw_html_style[];
extern const char aw_html_script[];

/* TEXT as character data or attribute value; what could deceive a reader becomes "?". */
void aw_html_text (struct aw_textbuf *out, const char *text);

/* TEXT as a JSON string inside a <script>, where it can end neither. */
void aw_html_json (struct aw_textbuf *out, const char *text);

/* The opening tag of a cell in a table, then TEXT escaped, then the closing one. */
void aw_html_cell (struct aw_textbuf *out, const char *tag, const char *text);

/* A button that shows the attempt in the chart, with its task's name. */
void aw_html_task (const struct aw_html *page, uint32_t attempt);

/* The end of the attempt's stderr, as far as the page has room for it. NULL: nothing. Caller
 * finishes TAIL. */
const char *aw_html_tail (struct aw_html *page, uint32_t attempt, struct aw_tail *tail);

/* Failed tasks: by cause, then the first ones with their logs. FAILED: their N attempts. */
enum { AW_HTML_FAILURES = 50 }; /* that are shown one by one */
void aw_html_failures (struct aw_html *page, const uint32_t *failed, size_t n);

/* The chart's data: <script type="application/json">. */
void aw_html_data (struct aw_html *page, const uint32_t *failed, size_t n);

#endif /* AW_CMD_REPORT_REPORT_HTML_H */
