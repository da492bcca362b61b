/* SPDX-License-Identifier: Apache-2.0 */
/* The report as one page for a browser, to be shared: it needs no other file and no network. The
 * tables are plain HTML, and are read without scripts; the chart is drawn by page_*.js.
 */
#include "cmd/report/report_html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MAX_SETS = 500,
    MAX_LINKS = 60, /* of the chain; half of them from each end */
    MAX_TAILS = 2000, /* log tails that are read */
    TAIL_LINES = 20,
    TAIL_BYTES = 1000000, /* of all of them */
};

static void put_seconds (struct aw_textbuf *out, double value)
{
    char buf[32];

    aw_html_cell (out, "td", aw_report_seconds (buf, value));
}

/* Noughts are left out, so that the eye finds the others. */
static void put_count (struct aw_textbuf *out, const char *class, uint64_t n)
{
    if (n > 0 && class)
        aw_textbuf_printf (out, "<td class=\"%s\">", class);
    else
        aw_textbuf_puts (out, "<td>");
    if (n > 0)
        aw_textbuf_u64 (out, n);
    aw_textbuf_puts (out, "</td>");
}

static void put_figure (void *arg, const char *key, const char *text)
{
    struct aw_textbuf *out = arg;

    aw_textbuf_puts (out, "<div>");
    aw_html_cell (out, "dt", key);
    aw_html_cell (out, "dd", text);
    aw_textbuf_puts (out, "</div>\n");
}

/* Where and when: the directory, the host's clock at the start. */
static void put_origin (const struct aw_report *report, struct aw_textbuf *out)
{
    time_t start = (time_t)report->header.epoch;
    char when[64] = "";
    struct tm tm;

    if (start > 0 && localtime_r (&start, &tm))
        strftime (when, sizeof (when), ", started %Y-%m-%d %H:%M:%S %z", &tm);
    aw_textbuf_puts (out, "<p class=\"soft\">");
    aw_html_text (out, report->absolute ? report->absolute : report->dir);
    aw_textbuf_puts (out, when);
    aw_textbuf_puts (out, "</p>\n");
}

static void put_head (const struct aw_report *report, struct aw_textbuf *out)
{
    struct aw_textbuf verdict = { 0 };

    aw_report_verdict (report, &verdict);
    aw_textbuf_putc (&verdict, '\0');
    aw_html_head (out, verdict.failed ? "" : verdict.data);
    aw_textbuf_printf (out, "<h1 class=\"%s\">", aw_outcome_name (aw_report_outcome (report)));
    aw_html_text (out, verdict.failed ? "" : verdict.data);
    aw_textbuf_puts (out, "</h1>\n");
    put_origin (report, out);
    aw_textbuf_puts (out, "<dl class=\"figures\">\n");
    aw_report_figures (report, put_figure, out);
    aw_textbuf_puts (out, "</dl>\n");
    out->failed |= verdict.failed;
    aw_textbuf_finish (&verdict);
}

/* The script shows it once it can draw. */
static void put_chart (struct aw_textbuf *out)
{
    aw_textbuf_puts (
        out,
        "<section id=\"chart\" hidden>\n<h2>Nodes over time</h2>\n"
        "<div id=\"bar\"><button id=\"in\" title=\"zoom in\">+</button>"
        "<button id=\"out\" title=\"zoom out\">&#8722;</button>"
        "<button id=\"back\" title=\"earlier\">&#8592;</button>"
        "<button id=\"forth\" title=\"later\">&#8594;</button>"
        "<button id=\"all\">All</button>"
        "<input id=\"find\" type=\"search\" placeholder=\"Find a task\" aria-label=\"Find a task\">"
        "<span id=\"found\" class=\"soft\" role=\"status\"></span></div>\n"
        "<div id=\"legend\"></div>\n"
        "<div id=\"frame\"><canvas id=\"canvas\" tabindex=\"0\" role=\"img\" "
        "aria-label=\"Chart of the nodes' tasks over time; the tables have its figures\"></canvas>"
        "<div id=\"mark\" hidden></div><div id=\"box\" role=\"status\" hidden></div></div>\n"
        "<p class=\"soft screen\">Point at a task to see it, click to keep it. Drag over a part to "
        "zoom in; so do Ctrl and the mouse wheel, and the keys + and &#8722;. The arrow keys move, "
        "a "
        "double click shows all.</p>\n</section>\n"
        "<noscript><p class=\"soft\">The chart needs JavaScript; all else is here.</p></noscript>"
        "\n");
}

static void put_set (const struct aw_html *page, uint32_t set)
{
    const struct aw_set *in = &page->report->workflow->graph->sets[set];
    const struct aw_set_summary *sum = &page->report->sets[set];
    struct aw_textbuf *out = page->out;
    char name[AW_SET_NAME_SIZE];
    double used = sum->busy > 0 ? 100 * sum->cpu_seconds / (sum->busy * in->cpus) : NAN;

    aw_textbuf_puts (out, "<tr>");
    aw_html_cell (out, "td", aw_report_set_name (page->report->workflow->graph, set, name));
    put_count (out, NULL, sum->tasks);
    put_count (out, NULL, sum->states[AW_HISTORY_COMPLETED]);
    put_count (out, "bad", sum->states[AW_HISTORY_FAILED]);
    put_count (out, NULL, sum->states[AW_HISTORY_SKIPPED] + sum->states[AW_HISTORY_CANCELLED]);
    put_count (out, NULL, sum->states[AW_HISTORY_RUNNING] + sum->states[AW_HISTORY_UNSTARTED]);
    put_seconds (out, in->duration);
    put_seconds (out, sum->mean);
    put_seconds (out, sum->min);
    put_seconds (out, sum->max);
    put_seconds (out, sum->wait_mean);
    if (isnan (used))
        aw_textbuf_puts (out, "<td></td>");
    else
        aw_textbuf_printf (out, "<td>%.0f %%</td>", used);
    if (isnan (sum->gpu_util))
        aw_textbuf_puts (out, "<td></td>");
    else
        aw_textbuf_printf (out, "<td>%.0f %%</td>", 100 * sum->gpu_util);
    aw_textbuf_puts (out, "</tr>\n");
}

/* The sets that have no line of their own, from FIRST on, in one. */
static void put_other_sets (const struct aw_html *page, uint32_t first)
{
    uint64_t tasks = 0, states[AW_HISTORY_STATES] = { 0 };

    for (uint32_t i = first; i < page->report->n_shown; i++) {
        const struct aw_set_summary *sum = &page->report->sets[page->report->shown[i]];

        tasks += sum->tasks;
        for (int s = 0; s < AW_HISTORY_STATES; s++)
            states[s] += sum->states[s];
    }
    aw_textbuf_printf (page->out, "<tr><td>%u further sets</td>", page->report->n_shown - first);
    put_count (page->out, NULL, tasks);
    put_count (page->out, NULL, states[AW_HISTORY_COMPLETED]);
    put_count (page->out, "bad", states[AW_HISTORY_FAILED]);
    put_count (page->out, NULL, states[AW_HISTORY_SKIPPED] + states[AW_HISTORY_CANCELLED]);
    put_count (page->out, NULL, states[AW_HISTORY_RUNNING] + states[AW_HISTORY_UNSTARTED]);
    aw_textbuf_puts (page->out, "<td colspan=\"7\"></td></tr>\n");
}

static void put_sets (const struct aw_html *page)
{
    uint32_t n = page->report->n_shown;

    aw_textbuf_puts (
        page->out,
        "<section>\n<h2>Task sets</h2>\n<div class=\"scroll\"><table id=\"sets\">\n<thead><tr>"
        "<th>set</th><th>tasks</th><th>done</th><th>failed</th><th>skipped</th><th>not ended</th>"
        "<th>expected</th><th>mean</th><th>min</th><th>max</th><th>wait</th>"
        "<th>CPU use</th><th>GPU use</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < n && i < MAX_SETS; i++)
        put_set (page, page->report->shown[i]);
    if (n > MAX_SETS)
        put_other_sets (page, MAX_SETS);
    aw_textbuf_puts (
        page->out,
        "</tbody></table></div>\n<p class=\"soft\">&#8220;expected&#8221; is the duration in the "
        "workflow file, the others are measured; &#8220;wait&#8221; is the mean time from ready to "
        "start. &#8220;skipped&#8221; counts cancelled tasks, too.</p>\n</section>\n");
}

static double wait_of (const struct aw_html *page, size_t link)
{
    const struct aw_attempt *attempts = page->report->history.attempts;
    const uint32_t *chain = page->report->chain;
    const struct aw_attempt *a = &attempts[chain[link]];

    return aw_attempt_began (a)
           - (link ? aw_attempt_let_go (&attempts[chain[link - 1]]) : a->ready);
}

static void put_link (const struct aw_html *page, size_t link)
{
    const struct aw_report *report = page->report;
    const struct aw_attempt *a = &report->history.attempts[report->chain[link]];

    aw_textbuf_puts (page->out, "<tr><td>");
    aw_html_task (page, report->chain[link]);
    aw_textbuf_puts (page->out, "</td>");
    aw_html_cell (page->out, "td class=\"text\"", report->history.nodes[a->node].name);
    put_seconds (page->out, wait_of (page, link));
    put_seconds (page->out, aw_attempt_let_go (a) - aw_attempt_began (a));
    aw_textbuf_puts (page->out, "</tr>\n");
}

/* The links FROM up to TO in one line: LABEL, seconds waited and run. */
static void put_links (const struct aw_html *page, size_t from, size_t to, const char *label)
{
    const struct aw_report *report = page->report;
    double waited = 0, ran = 0;

    for (size_t i = from; i < to; i++) {
        const struct aw_attempt *a = &report->history.attempts[report->chain[i]];
        double wait = wait_of (page, i);

        waited += isnan (wait) ? 0 : wait;
        ran += aw_attempt_let_go (a) - aw_attempt_began (a);
    }
    aw_textbuf_printf (page->out, "<tr><td>%zu %s</td><td></td>", to - from, label);
    put_seconds (page->out, waited);
    put_seconds (page->out, ran);
    aw_textbuf_puts (page->out, "</tr>\n");
}

static void put_chain (const struct aw_html *page)
{
    size_t n = page->report->n_chain, cut = n > MAX_LINKS ? n - MAX_LINKS : 0;

    if (n == 0)
        return;
    aw_textbuf_puts (page->out,
                     "<section>\n<h2>Longest chain</h2>\n"
                     "<p class=\"soft\">The tasks that made the run as long as it "
                     "was.</p>\n<div class=\"scroll\"><table "
                     "id=\"chain\">\n<thead><tr><th>task</th><th class=\"text\">node</th>"
                     "<th>waited</th><th>ran</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < n; i++) {
        if (cut && i == MAX_LINKS / 2) {
            put_links (page, i, i + cut, "further links");
            i += cut;
        }
        put_link (page, i);
    }
    put_links (page, 0, n, n == 1 ? "link" : "links in all");
    aw_textbuf_puts (page->out, "</tbody></table></div>\n</section>\n");
}

static void put_page (struct aw_html *page)
{
    put_head (page->report, page->out);
    aw_html_failures (page);
    put_chart (page->out);
    put_sets (page);
    put_chain (page);
    aw_html_data (page);
    aw_textbuf_puts (page->out, "</main>\n<script>\n(() => {\n'use strict';\n");
    aw_textbuf_puts (page->out, aw_html_script);
    aw_textbuf_puts (page->out, "})();\n</script>\n</body>\n</html>\n");
}

/* Reads log tails, and drops those for which there is no room left. */
static void read_tails (struct aw_html *page)
{
    size_t bytes = 0;

    aw_tails_load (page->report, page->failed, page->n_tails, TAIL_LINES, page->tails);
    for (size_t i = 0; i < page->n_tails; i++) {
        struct aw_tail *tail = &page->tails[i];

        bytes += tail->text ? strlen (tail->text) : 0;
        if (bytes > TAIL_BYTES) {
            free (tail->text);
            tail->text = NULL;
        }
    }
}

/* The page, with its failures and their logs. */
static void put_with_failures (struct aw_html *page)
{
    size_t n = aw_report_failures (page->report, NULL, 0);
    uint32_t *failed = malloc ((n + 1) * sizeof (*failed));

    page->n_failed = n;
    page->n_tails = n < MAX_TAILS ? n : MAX_TAILS;
    page->tails = calloc (page->n_tails + 1, sizeof (*page->tails));
    page->failed = failed;
    if (failed && page->tails) {
        aw_report_failures (page->report, failed, n);
        read_tails (page);
        put_page (page);
        for (size_t i = 0; i < page->n_tails; i++)
            aw_tail_finish (&page->tails[i]);
    }
    else
        page->out->failed = true;
    free (page->tails);
    free (failed);
}

struct moment {
    double t;
    uint32_t slice;
};

static int compare (const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    if (x->t != y->t)
        return x->t > y->t ? 1 : -1;
    return (x->slice > y->slice) - (x->slice < y->slice);
}

/* 0, or -1 without memory. */
static int put_in_order (struct aw_html *page)
{
    const struct aw_history *history = &page->report->history;
    struct moment *moments = malloc ((page->n_slices + 1) * sizeof (*moments));

    page->order = malloc ((page->n_slices + 1) * sizeof (*page->order));
    page->position = malloc ((history->n_attempts + 1) * sizeof (*page->position));
    if (!moments || !page->order || !page->position) {
        free (moments);
        return -1;
    }
    for (uint32_t i = 0; i < page->n_slices; i++)
        moments[i] = (struct moment){ history->attempts[page->slices[i].attempt].start, i };
    qsort (moments, page->n_slices, sizeof (*moments), compare);
    for (uint32_t i = 0; i < page->n_slices; i++) {
        page->order[i] = moments[i].slice;
        if (moments[i].slice < history->n_attempts)
            page->position[moments[i].slice] = i;
    }
    free (moments);
    return 0;
}

void aw_report_html (const struct aw_report *report, struct aw_textbuf *out)
{
    struct aw_html page = { .report = report, .out = out };
    uint32_t lanes;

    page.slices = aw_chart_slices (report, &page.n_slices, &lanes);
    if (page.slices && put_in_order (&page) == 0
        && aw_chart_bands_init (&page.bands, &report->history) == 0
        && aw_chart_groups_init (&page.groups, report) == 0)
        put_with_failures (&page);
    else
        out->failed = true;
    aw_chart_groups_finish (&page.groups);
    aw_chart_bands_finish (&page.bands);
    free (page.slices);
    free (page.order);
    free (page.position);
}
