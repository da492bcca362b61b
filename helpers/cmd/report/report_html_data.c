/* SPDX-License-Identifier: Apache-2.0 */
/* The data of the page's chart: JSON with arrays by column, so that 100,000 tasks take a few
 * megabytes. Times are whole ticks of 0.1 ms; starts are differences; a column whose values are all
 * the same is that value alone. page_data.js reads it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report/report_html.h"
#include "io/workflow/values.h"
#include "util/array.h"
#include "util/names.h"

enum { TICKS = 10000, FIRST_FAILURE = 3, MAX_VALUES = 4000000 /* bytes of texts */ };

/* How attempts ended: numbers of words, each of which is in the page once. */
struct endings {
    uint32_t *of_attempt;
    char **text;
    uint32_t n, room;
    struct aw_names by_text;
};

struct source {
    struct aw_html *page;
    const struct endings *endings;
    const struct aw_chart_move *moves;
};

typedef int64_t value_fn (const struct source *from, size_t i);

struct column {
    const char *name;
    value_fn *value;
};

static int64_t ticks (double seconds)
{
    return isnan (seconds) ? -1 : llround (seconds * TICKS);
}

static void put_integer (struct aw_textbuf *out, int64_t value)
{
    if (value < 0)
        aw_textbuf_putc (out, '-');
    aw_textbuf_u64 (out, (uint64_t)llabs (value));
}

static void put_column (struct aw_textbuf *out,
                        const struct column *column,
                        const struct source *from,
                        size_t n)
{
    int64_t first = n ? column->value (from, 0) : 0;
    size_t same = 1;

    while (same < n && column->value (from, same) == first)
        same++;
    aw_textbuf_printf (out, ",\n\"%s\":", column->name);
    if (same >= n) {
        put_integer (out, first);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        aw_textbuf_putc (out, i ? ',' : '[');
        put_integer (out, column->value (from, i));
    }
    aw_textbuf_putc (out, ']');
}

static void put_table (struct aw_textbuf *out,
                       const char *name,
                       const struct column *columns,
                       size_t n_columns,
                       const struct source *from,
                       size_t n)
{
    aw_textbuf_printf (out, ",\n\"%s\":{\"n\":%zu", name, n);
    for (size_t i = 0; i < n_columns; i++)
        put_column (out, &columns[i], from, n);
    aw_textbuf_putc (out, '}');
}

/* Columns of slices, in the order of their starts. */
static const struct aw_slice *slice_at (const struct source *from, size_t i)
{
    return &from->page->slices[from->page->order[i]];
}
static const struct aw_attempt *attempt_at (const struct source *from, size_t i)
{
    return &from->page->report->history.attempts[slice_at (from, i)->attempt];
}
static struct aw_task task_at (const struct source *from, size_t i)
{
    return aw_graph_task (from->page->report->workflow->graph, attempt_at (from, i)->task);
}
static int64_t start_of (const struct source *from, size_t i)
{
    int64_t before = i ? ticks (attempt_at (from, i - 1)->start) : 0;

    return ticks (attempt_at (from, i)->start) - before;
}
static int64_t length_of (const struct source *from, size_t i)
{
    const struct aw_attempt *a = attempt_at (from, i);

    return ticks (aw_history_end (&from->page->report->history, a)) - ticks (a->start);
}
/* How much longer it ran than its rectangle is wide, which is as the journal has it; see
 * aw_attempt_run_seconds. */
static int64_t more_of (const struct source *from, size_t i)
{
    const struct aw_attempt *a = attempt_at (from, i);

    return !a->started || isnan (a->finish)
               ? 0
               : ticks (aw_attempt_run_seconds (a)) - length_of (from, i);
}
static int64_t wait_of (const struct source *from, size_t i)
{
    const struct aw_attempt *a = attempt_at (from, i);

    return ticks (a->start - a->ready);
}
static int64_t attempt_of (const struct source *from, size_t i)
{
    return attempt_at (from, i)->attempt;
}
static int64_t set_of (const struct source *from, size_t i)
{
    return task_at (from, i).set;
}
static int64_t iteration_of (const struct source *from, size_t i)
{
    return task_at (from, i).iteration;
}
static int64_t index_of (const struct source *from, size_t i)
{
    return task_at (from, i).index;
}
static int64_t band_of (const struct source *from, size_t i)
{
    return from->page->bands.of_node[slice_at (from, i)->held.node];
}
/* -1: it never held anything, and is not drawn. */
static int64_t lane_of (const struct source *from, size_t i)
{
    return attempt_at (from, i)->started ? (int64_t)slice_at (from, i)->lane : -1;
}
static int64_t how_of (const struct source *from, size_t i)
{
    return from->endings->of_attempt[slice_at (from, i)->attempt];
}
static int64_t cpus_of (const struct source *from, size_t i)
{
    return slice_at (from, i)->held.cpus;
}
static int64_t gpus_of (const struct source *from, size_t i)
{
    return (int64_t)slice_at (from, i)->held.gpu_parts * 1000 / AW_GPU_WHOLE;
}

static const struct column slice_columns[] = {
    { "start", start_of }, { "length", length_of },       { "wait", wait_of },
    { "set", set_of },     { "iteration", iteration_of }, { "index", index_of },
    { "band", band_of },   { "attempt", attempt_of },     { "lane", lane_of },
    { "how", how_of },     { "cpus", cpus_of },           { "gpus", gpus_of },
    { "more", more_of },
};

/* Columns of data on its way. */
static int64_t move_slice (const struct source *from, size_t i)
{
    return from->page->position[from->moves[i].attempt];
}
static int64_t move_start (const struct source *from, size_t i)
{
    return ticks (from->moves[i].from);
}
static int64_t move_length (const struct source *from, size_t i)
{
    return ticks (from->moves[i].to - from->moves[i].from);
}
static int64_t move_lane (const struct source *from, size_t i)
{
    return from->moves[i].lane;
}
static int64_t move_what (const struct source *from, size_t i)
{
    return from->moves[i].what;
}

static const struct column move_columns[] = {
    { "slice", move_slice }, { "start", move_start }, { "length", move_length },
    { "lane", move_lane },   { "what", move_what },
};

/* The number of TEXT among the endings; AW_NONE: no memory. */
static uint32_t ending (struct endings *endings, const char *text)
{
    uint32_t i = aw_names_get (&endings->by_text, text, strlen (text));
    char *copy;

    if (i != AW_NAMES_NONE)
        return i;
    copy = strdup (text);
    if (!copy || aw_array_reserve (&endings->text, &endings->room, endings->n + (size_t)1) < 0
        || aw_names_set (&endings->by_text, text, endings->n) < 0) {
        free (copy);
        return AW_NONE;
    }
    endings->text[endings->n] = copy;
    return endings->n++;
}

static uint32_t ending_of (struct endings *endings, const struct aw_attempt *a)
{
    char buf[256];

    if (isnan (a->finish))
        return 0;
    if (a->status == AW_STATUS_COMPLETED)
        return 1;
    if (a->status == AW_STATUS_CANCELLED)
        return 2;
    return ending (endings,
                   aw_failure_text (buf, sizeof (buf), a->status, a->code, a->signal, a->reason));
}

/* 0, or -1 without memory. finish in either case. */
static int find_endings (struct endings *endings, const struct aw_history *history)
{
    static const char *const first[FIRST_FAILURE] = { "running", "completed", "cancelled" };

    memset (endings, 0, sizeof (*endings));
    endings->of_attempt = malloc ((history->n_attempts + 1) * sizeof (*endings->of_attempt));
    for (uint32_t i = 0; i < FIRST_FAILURE; i++)
        if (ending (endings, first[i]) != i)
            return -1;
    for (size_t i = 0; endings->of_attempt && i < history->n_attempts; i++) {
        endings->of_attempt[i] = ending_of (endings, &history->attempts[i]);
        if (endings->of_attempt[i] == AW_NONE)
            return -1;
    }
    return endings->of_attempt ? 0 : -1;
}

static void finish_endings (struct endings *endings)
{
    for (uint32_t i = 0; i < endings->n; i++)
        free (endings->text[i]);
    free (endings->text);
    free (endings->of_attempt);
    aw_names_finish (&endings->by_text);
}

static void put_endings (const struct endings *endings, struct aw_textbuf *out)
{
    aw_textbuf_printf (out, ",\n\"first_failure\":%d,\n\"how\":", FIRST_FAILURE);
    for (uint32_t i = 0; i < endings->n; i++) {
        aw_textbuf_putc (out, i ? ',' : '[');
        aw_html_json (out, endings->text[i]);
    }
    aw_textbuf_putc (out, ']');
}

/* The values of a set's tasks: each text once, by variable, and its number by index. ROOM: bytes of
 * texts that the page may still take; a set without room for all has none. */
static void put_values (const struct aw_values *values, struct aw_textbuf *out, size_t *room)
{
    uint32_t n = values ? aw_values_n_variables (values) : 0;
    size_t size = 0;

    for (uint32_t v = 0; v < n && size <= *room; v++)
        for (uint32_t i = 0; i < aw_values_n_texts (values, v); i++)
            size += strlen (aw_values_nth_text (values, v, i)) + 1;
    if (n == 0 || size > *room)
        return;
    *room -= size;
    aw_textbuf_puts (out, ",\n\"values\":");
    for (uint32_t v = 0; v < n; v++) {
        aw_textbuf_puts (out, v ? ",{\"name\":" : "[{\"name\":");
        aw_html_json (out, aw_values_name (values, v));
        aw_textbuf_puts (out, ",\"texts\":");
        for (uint32_t i = 0; i < aw_values_n_texts (values, v); i++) {
            aw_textbuf_putc (out, i ? ',' : '[');
            aw_html_json (out, aw_values_nth_text (values, v, i));
        }
        aw_textbuf_puts (out, "],\"of\":");
        for (uint32_t i = 0; i < aw_values_count (values); i++) {
            aw_textbuf_putc (out, i ? ',' : '[');
            aw_textbuf_u64 (out, aw_values_number (values, i, v));
        }
        aw_textbuf_puts (out, "]}");
    }
    aw_textbuf_putc (out, ']');
}

/* Nodes, sets, and the colours that they share. */
static void put_names (const struct aw_html *page)
{
    const struct aw_report *report = page->report;
    const struct aw_graph *graph = report->workflow->graph;
    struct aw_textbuf *out = page->out;
    size_t room = MAX_VALUES;

    aw_textbuf_puts (out, ",\n\"nodes\":[");
    for (uint32_t i = 0; i < page->bands.n; i++) {
        aw_textbuf_puts (out, i ? ",{\"name\":" : "{\"name\":");
        aw_html_json (out, report->history.nodes[page->bands.first[i]].name);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_puts (out, "],\n\"sets\":[");
    for (uint32_t i = 0; i < graph->n_sets; i++) {
        aw_textbuf_puts (out, i ? ",{\"name\":" : "{\"name\":");
        aw_html_json (out, graph->sets[i].name);
        aw_textbuf_printf (out, ",\"group\":%u,\"iterated\":%s", page->groups.of_set[i],
                           aw_graph_names_iteration (graph, i) ? "true" : "false");
        put_values (report->workflow->recipes[i].values, out, &room);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_puts (out, "],\n\"groups\":[");
    for (uint32_t i = 0; i < page->groups.n; i++) {
        char name[AW_SET_NAME_SIZE];

        aw_textbuf_puts (out, i ? "," : "");
        if (page->groups.set[i] == AW_NONE)
            aw_textbuf_printf (out, "\"%u others\"", page->groups.n_others);
        else
            aw_html_json (out, aw_report_set_name (graph, page->groups.set[i], name));
    }
    aw_textbuf_putc (out, ']');
}

/* Log tails of failures that have no place in the page itself, by slice. */
static void put_tails (const struct aw_html *page)
{
    const char *comma = "";

    aw_textbuf_puts (page->out, ",\n\"tails\":{");
    for (size_t i = AW_HTML_FAILURES; i < page->n_tails; i++) {
        if (!page->tails[i].text)
            continue;
        aw_textbuf_printf (page->out, "%s\n\"%u\":", comma, page->position[page->failed[i]]);
        aw_html_json (page->out, page->tails[i].text);
        comma = ",";
    }
    aw_textbuf_putc (page->out, '}');
}

static void put_times (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_summary *sum = &report->summary;
    double from = isnan (sum->first_start) ? 0 : sum->first_start;
    double to = isnan (sum->makespan) ? from : from + sum->makespan;

    aw_textbuf_printf (out,
                       "{\"ticks\":%d,\n\"from\":%lld,\n\"to\":%lld,\n\"predicted\":%lld,\n"
                       "\"cpus\":%u,\n\"gpus\":%u,\n\"gaps\":[",
                       TICKS, (long long)ticks (from), (long long)ticks (to),
                       (long long)ticks (report->predicted), sum->cpus ? sum->cpus : 1, sum->gpus);
    for (uint32_t i = 0; i < report->history.n_gaps; i++)
        aw_textbuf_printf (out, "%s[%lld,%lld]", i ? "," : "",
                           (long long)ticks (report->history.gaps[i].from),
                           (long long)ticks (report->history.gaps[i].to));
    aw_textbuf_putc (out, ']');
}

static void put_data (const struct source *from, size_t n_moves)
{
    struct aw_html *page = from->page;

    aw_textbuf_puts (page->out, "<script type=\"application/json\" id=\"run\">\n");
    put_times (page->report, page->out);
    put_names (page);
    put_endings (from->endings, page->out);
    put_table (page->out, "slices", slice_columns,
               sizeof (slice_columns) / sizeof (slice_columns[0]), from, page->n_slices);
    put_table (page->out, "moves", move_columns, sizeof (move_columns) / sizeof (move_columns[0]),
               from, n_moves);
    put_tails (page);
    aw_textbuf_puts (page->out, "}\n</script>\n");
}

void aw_html_data (struct aw_html *page)
{
    size_t n_moves;
    uint32_t lanes;
    struct endings endings;
    struct aw_chart_move *moves = aw_chart_moves (page->report, &n_moves, &lanes);
    struct source from = { page, &endings, moves };

    if (find_endings (&endings, &page->report->history) == 0 && moves)
        put_data (&from, n_moves);
    else
        page->out->failed = true;
    finish_endings (&endings);
    free (moves);
}
