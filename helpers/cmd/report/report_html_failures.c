/* SPDX-License-Identifier: Apache-2.0 */
/* Failed tasks on the page: how many by set and cause, then the first ones with the end of their
 * stderr. All others are in the chart, where pointing at them shows the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report/report_html.h"
#include "util/array.h"
#include "util/names.h"

enum { MAX_CAUSES = 50, N_OPEN = 3, N_LISTED = 5 };

/* Failures of one set with the same words. */
struct cause {
    uint32_t set, first, n; /* FIRST: an attempt */
};

struct causes {
    struct cause *items;
    uint32_t n, room;
    struct aw_names by_key;
};

static const char *words (const struct aw_attempt *a, char *buf, size_t size)
{
    return aw_failure_text (buf, size, a->status, a->code, a->signal, a->reason);
}

/* 0, or -1 without memory. */
static int count (struct causes *causes, const struct aw_report *report, uint32_t attempt)
{
    const struct aw_attempt *a = &report->history.attempts[attempt];
    uint32_t set = aw_graph_task (report->workflow->graph, a->task).set, i;
    char buf[256], key[280];

    snprintf (key, sizeof (key), "%u:%s", set, words (a, buf, sizeof (buf)));
    i = aw_names_get (&causes->by_key, key, strlen (key));
    if (i < causes->n) {
        causes->items[i].n++;
        return 0;
    }
    if (aw_array_reserve (&causes->items, &causes->room, causes->n + (size_t)1) < 0)
        return -1;
    causes->items[causes->n] = (struct cause){ set, attempt, 1 };
    return aw_names_set (&causes->by_key, key, causes->n++);
}

static int compare (const void *a, const void *b)
{
    const struct cause *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

static void put_cause (const struct aw_html *page, const struct cause *cause)
{
    const struct aw_report *report = page->report;
    char buf[256];

    aw_textbuf_puts (page->out, "<tr>");
    aw_html_cell (page->out, "td", report->workflow->graph->sets[cause->set].name);
    aw_html_cell (page->out, "td class=\"text\"",
                  words (&report->history.attempts[cause->first], buf, sizeof (buf)));
    aw_textbuf_printf (page->out, "<td class=\"bad\">%u</td><td class=\"text\">", cause->n);
    aw_html_task (page, cause->first);
    aw_textbuf_puts (page->out, "</td></tr>\n");
}

static void put_causes (const struct aw_html *page, struct causes *causes)
{
    uint32_t others = 0;

    qsort (causes->items, causes->n, sizeof (*causes->items), compare);
    aw_textbuf_puts (page->out,
                     "<div class=\"scroll\"><table id=\"causes\">\n<thead><tr><th>set</th><th "
                     "class=\"text\">cause</th><th>tasks</th><th class=\"text\">the first</th>"
                     "</tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < causes->n && i < MAX_CAUSES; i++)
        put_cause (page, &causes->items[i]);
    for (uint32_t i = MAX_CAUSES; i < causes->n; i++)
        others += causes->items[i].n;
    if (others)
        aw_textbuf_printf (page->out,
                           "<tr><td>%u further causes</td><td></td><td "
                           "class=\"bad\">%u</td><td></td></tr>\n",
                           causes->n - MAX_CAUSES, others);
    aw_textbuf_puts (page->out, "</tbody></table></div>\n");
}

/* Failure number I. */
static void put_failure (const struct aw_html *page, size_t i)
{
    const struct aw_report *report = page->report;
    uint32_t attempt = page->failed[i];
    const struct aw_attempt *a = &report->history.attempts[attempt];
    const struct aw_tail *tail = &page->tails[i];
    const char *where = tail->path ? tail->path : tail->command;
    struct aw_textbuf *out = page->out;
    char name[AW_HTML_NAME], buf[256], time[32];

    aw_graph_task_name (report->workflow->graph, a->task, name, sizeof (name));
    aw_textbuf_printf (out, "<details data-slice=\"%u\"%s><summary><b>", page->position[attempt],
                       i < N_OPEN ? " open" : "");
    aw_html_text (out, name);
    aw_textbuf_puts (out, "</b>: ");
    aw_html_text (out, words (a, buf, sizeof (buf)));
    aw_textbuf_printf (out, " after %s on ", aw_report_seconds (time, a->seconds));
    aw_html_text (out, report->history.nodes[a->node].name);
    if (a->attempt)
        aw_textbuf_printf (out, ", attempt %u", a->attempt + 1);
    aw_textbuf_puts (out, "</summary>\n");
    aw_html_values (page, attempt, "p class=\"soft\"");
    if (tail->text)
        aw_html_cell (out, "pre", tail->text);
    if (where) {
        aw_textbuf_printf (out, "<p class=\"soft\">%s",
                           !tail->text  ? "nothing of stderr is shown: "
                           : tail->path ? (tail->cut ? "the end of " : "all of ")
                                        : "all of it: ");
        aw_html_text (out, where);
        aw_textbuf_puts (out, "</p>\n");
    }
    if (a->started)
        aw_textbuf_printf (out,
                           "<button class=\"link\" data-show=\"%u\">show in the chart</button>\n",
                           page->position[attempt]);
    aw_textbuf_puts (out, "</details>\n");
}

/* The first failures; most of them are folded. */
static void put_first (const struct aw_html *page)
{
    size_t n = page->n_failed < AW_HTML_FAILURES ? page->n_failed : AW_HTML_FAILURES;

    for (size_t i = 0; i < n; i++) {
        if (i == N_LISTED)
            aw_textbuf_printf (page->out, "<details><summary>%zu more</summary>\n", n - N_LISTED);
        put_failure (page, i);
    }
    if (n > N_LISTED)
        aw_textbuf_puts (page->out, "</details>\n");
    if (page->n_failed > n)
        aw_textbuf_printf (page->out,
                           "<p class=\"soft\">and %zu more failed: point at the red marks of the "
                           "chart</p>\n",
                           page->n_failed - n);
}

/* The sets whose tasks did not run because of failures. */
static void put_skipped (const struct aw_html *page)
{
    const struct aw_graph *graph = page->report->workflow->graph;
    uint32_t n = 0, more = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        uint32_t skipped = page->report->sets[s].states[AW_HISTORY_SKIPPED];

        if (skipped == 0)
            continue;
        if (n == N_LISTED) {
            more++;
            continue;
        }
        aw_textbuf_puts (page->out, n++ ? ", " : "<p>Skipped because of failures: ");
        aw_html_text (page->out, graph->sets[s].name);
        aw_textbuf_printf (page->out, " (%u of %u)", skipped, page->report->sets[s].tasks);
    }
    if (more)
        aw_textbuf_printf (page->out, " and tasks of %u more sets", more);
    if (n)
        aw_textbuf_puts (page->out, "</p>\n");
}

void aw_html_failures (struct aw_html *page)
{
    struct causes causes = { 0 };

    if (page->n_failed == 0)
        return;
    for (size_t i = 0; i < page->n_failed; i++)
        if (count (&causes, page->report, page->failed[i]) < 0)
            page->out->failed = true;
    aw_textbuf_puts (page->out, "<section id=\"failures\">\n<h2>Failed tasks</h2>\n");
    if (page->n_failed > 1)
        put_causes (page, &causes);
    put_first (page);
    put_skipped (page);
    aw_textbuf_puts (page->out, "</section>\n");
    free (causes.items);
    aw_names_finish (&causes.by_key);
}
