/* SPDX-License-Identifier: Apache-2.0 */
/* How texts from outside get into the page: nothing in them is markup or script. */
#include <string.h>

#include "cmd/report/report_html.h"
#include "config.h"
#include "io/json_string.h"
#include "io/workflow/values.h"

void aw_html_text (struct aw_textbuf *out, const char *text)
{
    struct aw_textbuf plain = { 0 };

    aw_textbuf_plain (&plain, text, strlen (text));
    aw_textbuf_putc (&plain, '\0');
    if (plain.failed)
        out->failed = true;
    else
        aw_textbuf_xml (out, plain.data);
    aw_textbuf_finish (&plain);
}

void aw_html_json (struct aw_textbuf *out, const char *text)
{
    struct aw_textbuf json = { 0 };

    aw_json_put_string (&json, text);
    out->failed |= json.failed;
    for (size_t i = 0; i < json.len; i++) {
        if (json.data[i] == '<')
            aw_textbuf_puts (out, "\\u003c");
        else
            aw_textbuf_putc (out, json.data[i]);
    }
    aw_textbuf_finish (&json);
}

void aw_html_cell (struct aw_textbuf *out, const char *tag, const char *text)
{
    aw_textbuf_printf (out, "<%s>", tag);
    aw_html_text (out, text);
    aw_textbuf_printf (out, "</%.*s>", (int)strcspn (tag, " "), tag);
}

void aw_html_task (const struct aw_html *page, uint32_t attempt)
{
    const struct aw_attempt *a = &page->report->history.attempts[attempt];
    char name[AW_HTML_NAME];

    aw_graph_task_name (page->report->workflow->graph, a->task, name, sizeof (name));
    if (a->started)
        aw_textbuf_printf (page->out, "<button class=\"link\" data-show=\"%u\">",
                           page->position[attempt]);
    aw_html_text (page->out, name);
    if (a->started)
        aw_textbuf_puts (page->out, "</button>");
}

void aw_html_values (const struct aw_html *page, uint32_t attempt, const char *tag)
{
    const struct aw_report *report = page->report;
    struct aw_task at =
        aw_graph_task (report->workflow->graph, report->history.attempts[attempt].task);
    const struct aw_values *values = report->workflow->recipes[at.set].values;

    if (!values)
        return;
    aw_textbuf_printf (page->out, "<%s>", tag);
    for (uint32_t i = 0; i < aw_values_n_variables (values); i++) {
        aw_textbuf_puts (page->out, i ? ", " : "");
        aw_html_text (page->out, aw_values_name (values, i));
        aw_textbuf_putc (page->out, '=');
        aw_html_text (page->out, aw_values_text (values, at.index, i));
    }
    aw_textbuf_printf (page->out, "</%.*s>", (int)strcspn (tag, " "), tag);
}

void aw_html_head (struct aw_textbuf *out, const char *title)
{
    aw_textbuf_puts (out,
                     "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width\">\n"
                     "<meta name=\"generator\" content=\"async-workflow " PACKAGE_VERSION "\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n");
    aw_html_cell (out, "title", title);
    aw_textbuf_puts (out, "\n<style>\n");
    aw_textbuf_puts (out, aw_html_style);
    aw_textbuf_puts (out, "</style>\n</head>\n<body>\n<main>\n");
}
