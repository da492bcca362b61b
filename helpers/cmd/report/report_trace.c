/* SPDX-License-Identifier: Apache-2.0 */
/* The run in the JSON format of Chrome's trace viewer, which ui.perfetto.dev opens: a process a
 * node, a thread a lane, a slice an attempt, counters for the load, and arrows along the longest
 * chain. The format: "Trace Event Format",
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Times are in
 * microseconds.
 */
#include <math.h>
#include <stdlib.h>

#include "cmd/report/report_chart.h"
#include "io/json_string.h"
#include "io/workflow/task_label.h"

enum { NAME = 128 };

static void put_time (struct aw_textbuf *out, const char *key, double seconds)
{
    aw_textbuf_puts (out, key);
    aw_textbuf_u64 (out, (uint64_t)llround (fmax (seconds, 0) * 1e6));
}

/* What the parts of the trace share. */
struct trace {
    const struct aw_report *report;
    struct aw_chart_bands bands; /* process 0 is the pool, band I is process I + 1 */
    struct aw_slice *slices;
    size_t n_slices;
    uint32_t n_lanes;
    struct aw_textbuf *out;
};

static uint32_t process_of (const struct trace *trace, uint32_t node)
{
    return trace->bands.of_node[node] + 1;
}

static void put_process (struct aw_textbuf *out, uint32_t pid, const char *name)
{
    aw_textbuf_printf (
        out, ",\n{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%u,\"args\":{\"name\":", pid);
    aw_json_put_string (out, name);
    aw_textbuf_printf (out,
                       "}},\n{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":%u,\"args\":{"
                       "\"sort_index\":%u}}",
                       pid, pid);
}

static void put_slice (const struct trace *trace, const struct aw_slice *slice)
{
    const struct aw_history *history = &trace->report->history;
    const struct aw_graph *graph = trace->report->workflow->graph;
    struct aw_textbuf *out = trace->out;
    const struct aw_attempt *a = &history->attempts[slice->attempt];
    char name[NAME];

    aw_graph_task_name (graph, a->task, name, sizeof (name));
    aw_textbuf_puts (out, ",\n{\"ph\":\"X\",\"name\":");
    aw_json_put_string (out, name);
    aw_textbuf_puts (out, ",\"cat\":");
    aw_json_put_string (out, graph->sets[aw_graph_task (graph, a->task).set].name);
    aw_textbuf_printf (out, ",\"pid\":%u,\"tid\":%u", process_of (trace, slice->held.node),
                       slice->lane + 1);
    put_time (out, ",\"ts\":", a->start);
    put_time (out, ",\"dur\":", aw_history_end (history, a) - a->start);
    aw_textbuf_printf (out,
                       ",\"args\":{\"attempt\":%u,\"cpus\":%u,\"gpus\":%g,\"waited\":", a->attempt,
                       slice->held.cpus, (double)slice->held.gpu_parts / AW_GPU_WHOLE);
    aw_textbuf_fixed (out, a->start - a->ready, 6);
    aw_task_put_values (trace->report->workflow, a->task, ",\"values\":", out);
    if (!isnan (a->finish)) {
        aw_textbuf_puts (out, ",\"seconds\":");
        aw_textbuf_fixed (out, aw_attempt_run_seconds (a), 6);
        aw_textbuf_printf (out, ",\"status\":\"%s\",\"code\":%d,\"signal\":%d,\"cpu_seconds\":",
                           aw_status_name (a->status), a->code, a->signal);
        aw_textbuf_fixed (out, a->cpu_seconds, 6);
        aw_textbuf_puts (out, ",\"max_rss\":");
        aw_textbuf_u64 (out, a->max_rss);
        if (!isnan (a->gpu_util)) {
            aw_textbuf_puts (out, ",\"gpu_util\":");
            aw_textbuf_fixed (out, a->gpu_util, 3);
        }
        if (a->gpu_mem > 0) {
            aw_textbuf_puts (out, ",\"gpu_mem\":");
            aw_textbuf_u64 (out, a->gpu_mem);
        }
    }
    aw_textbuf_puts (out, "}}");
}

/* Staging has threads of its own, after those of the tasks. */
static void put_move (const struct trace *trace, const struct aw_chart_move *move)
{
    const struct aw_graph *graph = trace->report->workflow->graph;
    const struct aw_attempt *a = &trace->report->history.attempts[move->attempt];
    struct aw_textbuf *out = trace->out;
    char name[NAME];

    aw_graph_task_name (graph, a->task, name, sizeof (name));
    aw_textbuf_puts (out, ",\n{\"ph\":\"X\",\"name\":");
    aw_json_put_string (out, name);
    aw_textbuf_printf (out, ",\"cat\":\"%s\",\"pid\":%u,\"tid\":%u",
                       aw_chart_phase_name (move->what), process_of (trace, a->node),
                       trace->n_lanes + move->lane + 1);
    put_time (out, ",\"ts\":", move->from);
    put_time (out, ",\"dur\":", move->to - move->from);
    aw_textbuf_printf (out, ",\"args\":{\"attempt\":%u,\"what\":\"%s\"", a->attempt,
                       aw_chart_phase_name (move->what));
    if (move->what == AW_STAGE_IN) {
        aw_textbuf_puts (out, ",\"bytes\":");
        aw_textbuf_u64 (out, a->staged_bytes);
    }
    aw_textbuf_puts (out, "}}");
}

static void put_moves (const struct trace *trace)
{
    uint32_t n_move_lanes;
    size_t n;
    struct aw_chart_move *moves = aw_chart_moves (trace->report, &n, &n_move_lanes);

    if (!moves) {
        trace->out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < trace->bands.n; i++)
        for (uint32_t lane = 0; lane < n_move_lanes; lane++)
            aw_textbuf_printf (trace->out,
                               ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%u,\"tid\":%u,"
                               "\"args\":{\"name\":\"data\"}}",
                               i + 1, trace->n_lanes + lane + 1);
    for (size_t i = 0; i < n; i++)
        put_move (trace, &moves[i]);
    free (moves);
}

/* An arrow between two links of the chain: from the end of one (bound to its slice) to the start of
 * the next. */
static void put_arrow (const struct trace *trace, size_t link)
{
    const struct aw_report *report = trace->report;
    struct aw_textbuf *out = trace->out;
    uint32_t from = report->chain[link], to = report->chain[link + 1];
    const struct aw_attempt *a = &report->history.attempts[from];
    const struct aw_attempt *b = &report->history.attempts[to];

    aw_textbuf_printf (
        out,
        ",\n{\"ph\":\"s\",\"name\":\"chain\",\"cat\":\"chain\",\"id\":%zu,\"pid\":%u,\"tid\":%u",
        link + 1, process_of (trace, a->node), trace->slices[from].lane + 1);
    put_time (out,
              ",\"ts\":", a->start + 0.999 * (aw_history_end (&report->history, a) - a->start));
    aw_textbuf_printf (out,
                       "},\n{\"ph\":\"f\",\"bp\":\"e\",\"name\":\"chain\",\"cat\":\"chain\",\"id\":"
                       "%zu,\"pid\":%u,\"tid\":%u",
                       link + 1, process_of (trace, b->node), trace->slices[to].lane + 1);
    put_time (out, ",\"ts\":", b->start);
    aw_textbuf_putc (out, '}');
}

static void put_load (const struct aw_report *report, struct aw_textbuf *out)
{
    struct aw_step *steps;
    size_t n;

    if (aw_history_load (&report->history, &steps, &n) < 0) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        aw_textbuf_puts (out, ",\n{\"ph\":\"C\",\"name\":\"busy CPUs\",\"pid\":0");
        put_time (out, ",\"ts\":", steps[i].t);
        aw_textbuf_printf (out, ",\"args\":{\"cpus\":%u}}", steps[i].cpus);
        if (!report->summary.gpus)
            continue;
        aw_textbuf_puts (out, ",\n{\"ph\":\"C\",\"name\":\"busy GPUs\",\"pid\":0");
        put_time (out, ",\"ts\":", steps[i].t);
        aw_textbuf_printf (out, ",\"args\":{\"gpus\":%g}}",
                           (double)steps[i].gpu_parts / AW_GPU_WHOLE);
    }
    free (steps);
}

static void put_trace (const struct trace *trace)
{
    const struct aw_history *history = &trace->report->history;
    struct aw_textbuf *out = trace->out;

    aw_textbuf_puts (
        out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
             "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":0,\"args\":{\"name\":\"pool\"}}");
    for (uint32_t i = 0; i < trace->bands.n; i++)
        put_process (out, i + 1, history->nodes[trace->bands.first[i]].name);
    for (size_t i = 0; i < trace->n_slices; i++)
        if (history->attempts[trace->slices[i].attempt].started)
            put_slice (trace, &trace->slices[i]);
    put_moves (trace);
    for (size_t i = 0; i + 1 < trace->report->n_chain; i++)
        put_arrow (trace, i);
    put_load (trace->report, out);
    aw_textbuf_puts (out, "\n]}\n");
}

void aw_report_trace (const struct aw_report *report, struct aw_textbuf *out)
{
    struct trace trace = { .report = report, .out = out };

    trace.slices = aw_chart_slices (report, &trace.n_slices, &trace.n_lanes);
    if (trace.slices && aw_chart_bands_init (&trace.bands, &report->history) == 0)
        put_trace (&trace);
    else
        out->failed = true;
    aw_chart_bands_finish (&trace.bands);
    free (trace.slices);
}
