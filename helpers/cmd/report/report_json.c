/* SPDX-License-Identifier: Apache-2.0 */
/* The report for programs: everything that the text has, uncut. Unknown values are null.
 * async-workflow-report(1) lists the members.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report/report_json.h"
#include "io/json_string.h"
#include "io/workflow/task_label.h"

enum { NAME = 128, BINS = 200, MAX_TAILS = 100 };

static void put_summary (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_summary *sum = &report->summary;
    struct aw_outlook outlook = report->header.outlook;

    aw_report_json_number (out, "first_start", sum->first_start);
    aw_report_json_number (out, "last_finish", sum->last_finish);
    aw_report_json_number (out, "makespan", sum->makespan);
    for (size_t i = 0; i < AW_OUTLOOK_MEMBERS; i++) {
        double seconds = *aw_outlook_member (&outlook, i);

        aw_report_json_number (out, aw_outlook_names[i], seconds > 0 ? seconds : NAN);
    }
    aw_report_json_string (out, "durations_from", report->header.durations.from);
    aw_report_json_number (out, "cpu_share", sum->cpu_share);
    aw_report_json_number (out, "gpu_share", sum->gpu_share);
    aw_report_json_number (out, "cpu_used_share", sum->cpu_used_share);
    aw_report_json_number (out, "wait_mean", sum->gap_mean);
    aw_report_json_number (out, "wait_max", sum->gap_max);
    aw_report_json_count (out, "starts", sum->started);
    aw_report_json_count (out, "assigned_starts", sum->assigned);
    aw_report_json_plans (report, out);
    aw_report_json_tasks (report, out);
}

static void put_resumes (const struct aw_report *report, struct aw_textbuf *out)
{
    aw_report_json_open (out, "resumes", '[');
    for (uint32_t i = 0; i < report->history.n_gaps; i++) {
        const struct aw_history_gap *gap = &report->history.gaps[i];
        aw_report_json_open (out, NULL, '{');
        aw_report_json_number (out, "from", gap->from);
        aw_report_json_number (out, "to", gap->to);
        aw_report_json_count (out, "lost", gap->lost);
        aw_report_json_string (out, "job", gap->job);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_putc (out, ']');
}

static void put_pool (const struct aw_report *report, struct aw_textbuf *out)
{
    aw_report_json_open (out, "pool", '{');
    aw_report_json_count (out, "cpus", report->summary.cpus);
    aw_report_json_count (out, "gpus", report->summary.gpus);
    aw_report_json_key (out, "nodes");
    aw_textbuf_putc (out, '[');
    for (uint32_t i = 0; i < report->history.n_nodes; i++) {
        const struct aw_history_node *node = &report->history.nodes[i];
        aw_report_json_open (out, NULL, '{');
        aw_report_json_string (out, "node", node->name);
        aw_report_json_count (out, "cpus", node->cpus);
        aw_report_json_count (out, "gpus", node->gpus);
        aw_report_json_number (out, "joined", node->joined);
        aw_report_json_number (out, "lost", node->lost);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_puts (out, "]}");
}

/* Only where data was staged asynchronously. */
static void put_staging (const struct aw_staging_summary *sum, struct aw_textbuf *out)
{
    if (sum->brought == 0 && sum->left == 0)
        return;
    aw_report_json_open (out, "staging", '{');
    aw_report_json_count (out, "brought", sum->brought);
    aw_report_json_count (out, "shared", sum->shared);
    aw_report_json_count (out, "bytes", sum->bytes);
    if (sum->from_nodes > 0)
        aw_report_json_count (out, "from_nodes", sum->from_nodes);
    aw_report_json_number (out, "coming_mean", sum->coming);
    aw_report_json_number (out, "waiting_mean", sum->waiting);
    aw_report_json_count (out, "left", sum->left);
    aw_report_json_number (out, "leaving_mean", sum->leaving);
    aw_textbuf_putc (out, '}');
}

static void put_sets (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;

    aw_report_json_open (out, "sets", '[');
    for (uint32_t i = 0; i < report->n_shown; i++) {
        const struct aw_set_summary *sum = &report->sets[report->shown[i]];
        aw_report_json_open (out, NULL, '{');
        aw_report_json_set (aw_graph_label (graph, report->shown[i]), sum, out);
        if (graph->sets[report->shown[i]].service)
            aw_textbuf_puts (out, ",\"service\":true");
        aw_report_json_count (out, "attempts", sum->attempts);
        aw_report_json_number (out, "mean", sum->mean);
        aw_report_json_number (out, "min", sum->min);
        aw_report_json_number (out, "max", sum->max);
        aw_report_json_number (out, "wait_mean", sum->wait_mean);
        aw_report_json_number (out, "wait_max", sum->wait_max);
        aw_report_json_number (out, "cpu_seconds", sum->cpu_seconds);
        aw_report_json_count (out, "max_rss", sum->max_rss);
        aw_report_json_number (out, "gpu_util", sum->gpu_util);
        aw_report_json_count (out, "gpu_mem", sum->gpu_mem);
        if (sum->first_calls) {
            aw_report_json_count (out, "worker_starts", sum->first_calls);
            aw_report_json_number (out, "first_call_mean", sum->first_call_mean);
            aw_report_json_number (out, "call_mean", sum->call_mean);
        }
        put_staging (&sum->staging, out);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_putc (out, ']');
}

static void put_attempt (const struct aw_report *report,
                         const struct aw_attempt *a,
                         struct aw_textbuf *out)
{
    char name[NAME];

    aw_graph_task_name (report->workflow->graph, a->task, name, sizeof (name));
    aw_report_json_string (out, "task", name);
    aw_task_put_values (report->workflow, a->task, ",\"values\":", out);
    aw_report_json_count (out, "attempt", a->attempt);
    aw_report_json_string (out, "node", report->history.nodes[a->node].name);
    if (a->n_more > 0)
        aw_report_json_open (out, "more", '[');
    for (uint32_t i = 1; i <= a->n_more; i++) {
        struct aw_held held = aw_history_held (&report->history, a, i);

        if (i > 1)
            aw_textbuf_putc (out, ',');
        aw_json_put_string (out, report->history.nodes[held.node].name);
    }
    if (a->n_more > 0)
        aw_textbuf_putc (out, ']');
    aw_report_json_number (out, "ready", a->ready);
    if (!isnan (a->staged)) {
        aw_report_json_number (out, "staged", a->staged);
        aw_report_json_number (out, "brought", a->brought);
        aw_report_json_count (out, "staged_bytes", a->staged_bytes);
    }
    aw_report_json_number (out, "start", a->started ? a->start : NAN);
    if (!isnan (a->serving)) {
        aw_report_json_number (out, "serving", a->serving);
        aw_report_json_count (out, "port", a->port);
    }
    if (!isnan (a->released))
        aw_report_json_number (out, "released", a->released);
    aw_report_json_number (out, "finish", a->finish);
    aw_report_json_number (out, "seconds", a->seconds);
}

static void put_chain (const struct aw_report *report, struct aw_textbuf *out)
{
    double end = NAN;

    aw_report_json_open (out, "chain", '[');
    for (size_t i = 0; i < report->n_chain; i++) {
        const struct aw_attempt *a = &report->history.attempts[report->chain[i]];
        aw_report_json_open (out, NULL, '{');
        put_attempt (report, a, out);
        aw_report_json_number (out, "waited",
                               aw_attempt_began (a) - (isnan (end) ? a->ready : end));
        aw_textbuf_putc (out, '}');
        end = aw_attempt_let_go (a);
    }
    aw_textbuf_putc (out, ']');
}

static void put_failure (const struct aw_report *report,
                         const struct aw_attempt *a,
                         bool with_tail,
                         struct aw_textbuf *out)
{
    struct aw_tail tail = { 0 };
    char buf[256];

    aw_report_json_open (out, NULL, '{');
    put_attempt (report, a, out);
    aw_report_json_string (out, "status", aw_status_name (a->status));
    aw_report_json_key (out, "code");
    aw_textbuf_printf (out, "%d", a->code);
    aw_report_json_key (out, "signal");
    aw_textbuf_printf (out, "%d", a->signal);
    aw_report_json_string (out, "signal_name",
                           a->signal ? aw_signal_name (buf, sizeof (buf), a->signal) : NULL);
    aw_report_json_string (out, "reason", a->reason);
    aw_report_json_string (
        out, "text", aw_failure_text (buf, sizeof (buf), a->status, a->code, a->signal, a->reason));
    if (with_tail)
        aw_tail_load (report, a, AW_TAIL_LINES, &tail);
    aw_report_json_string (out, "stderr", tail.path);
    if (report->store)
        aw_report_json_string (out, "stderr_command", tail.command);
    aw_report_json_string (out, "stderr_tail", tail.text);
    aw_tail_finish (&tail);
    aw_textbuf_putc (out, '}');
}

static void put_failures (const struct aw_report *report, struct aw_textbuf *out)
{
    size_t n = aw_report_failures (report, NULL, 0);
    uint32_t *attempts = malloc ((n + 1) * sizeof (*attempts));

    if (!attempts) {
        out->failed = true;
        return;
    }
    aw_report_failures (report, attempts, n);
    aw_report_json_open (out, "failures", '[');
    for (size_t i = 0; i < n; i++)
        put_failure (report, &report->history.attempts[attempts[i]], i < MAX_TAILS, out);
    aw_textbuf_putc (out, ']');
    free (attempts);
}

/* Adds VALUE x time between FROM and TO to the bins of width WIDTH that they touch. */
static void add_to_bins (double *bins, double width, double from, double to, double value)
{
    for (int b = (int)(from / width); b < BINS && b * width < to; b++) {
        double begin = fmax (from, b * width), end = fmin (to, (b + 1) * width);
        if (end > begin)
            bins[b] += value * (end - begin) / width;
    }
}

static void put_bins (struct aw_textbuf *out, const char *key, const double *bins)
{
    aw_report_json_key (out, key);
    aw_textbuf_putc (out, '[');
    for (int b = 0; b < BINS; b++) {
        if (b)
            aw_textbuf_putc (out, ',');
        aw_textbuf_fixed (out, bins[b], 3);
    }
    aw_textbuf_putc (out, ']');
}

/* Mean busy CPUs and GPUs in equal parts of the makespan. */
static void put_utilization (const struct aw_report *report, struct aw_textbuf *out)
{
    double cpus[BINS] = { 0 }, gpus[BINS] = { 0 };
    double from = report->summary.first_start, width = report->summary.makespan / BINS;
    struct aw_step *steps;
    size_t n;

    if (!(width > 0))
        return;
    if (aw_history_load (&report->history, &steps, &n) < 0) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i + 1 < n; i++) {
        add_to_bins (cpus, width, steps[i].t - from, steps[i + 1].t - from, steps[i].cpus);
        add_to_bins (gpus, width, steps[i].t - from, steps[i + 1].t - from,
                     (double)steps[i].gpu_parts / AW_GPU_WHOLE);
    }
    free (steps);
    aw_report_json_open (out, "utilization", '{');
    aw_report_json_number (out, "from", from);
    aw_report_json_number (out, "step", width);
    put_bins (out, "cpus", cpus);
    put_bins (out, "gpus", gpus);
    aw_textbuf_putc (out, '}');
}

void aw_report_json (const struct aw_report *report, struct aw_textbuf *out)
{
    aw_report_json_run (report, "async-workflow-report", out);
    put_summary (report, out);
    put_resumes (report, out);
    put_pool (report, out);
    put_sets (report, out);
    put_chain (report, out);
    put_failures (report, out);
    put_utilization (report, out);
    aw_textbuf_puts (out, "\n}\n");
}
