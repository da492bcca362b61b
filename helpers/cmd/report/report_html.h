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
    const uint32_t *failed; /* attempts of tasks that failed for good. Borrowed, as the next */
    size_t n_failed;
    struct aw_tail *tails; /* of the first n_tails of them, as far as the page has room */
    size_t n_tails;
};

/* The page's style and script, from page.css and page_*.js. */
extern const char aw_html_style[];
extern const char aw_html_script[];

/* What a page begins with, up to its first heading. */
void aw_html_head (struct aw_textbuf *out, const char *title);

/* TEXT as character data or attribute value; what could deceive a reader becomes "?". */
void aw_html_text (struct aw_textbuf *out, const char *text);

/* TEXT as a JSON string inside a <script>, where it can end neither. */
void aw_html_json (struct aw_textbuf *out, const char *text);

/* The opening tag of a cell in a table, then TEXT escaped, then the closing one. */
void aw_html_cell (struct aw_textbuf *out, const char *tag, const char *text);

/* A button that shows the attempt in the chart, with its task's name. */
void aw_html_task (const struct aw_html *page, uint32_t attempt);

/* "sample=a, chromosome=1": the values of the attempt's task, in brackets of TAG; nothing where it
 * has none. */
void aw_html_values (const struct aw_html *page, uint32_t attempt, const char *tag);

/* Failed tasks: by cause, then the first ones with the end of their stderr. */
enum { AW_HTML_FAILURES = 50 }; /* that are shown one by one */
void aw_html_failures (struct aw_html *page);

/* The chart's data: <script type="application/json">. */
void aw_html_data (struct aw_html *page);

#endif /* AW_CMD_REPORT_REPORT_HTML_H */
