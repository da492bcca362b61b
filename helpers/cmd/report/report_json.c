/* SPDX-License-Identifier: Apache-2.0 */
/* The report for programs: everything that the text has, uncut. Unknown values are null.
 * async-workflow-report(1) lists the members.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report/report.h"
#include "io/json_string.h"
#include "io/workflow/task_label.h"

enum { REPORT_VERSION = 1, NAME = 128, BINS = 200, MAX_TAILS = 100 };

static void put_key (struct aw_textbuf *out, const char *key)
{
    if (out->len && out->data[out->len - 1] != '{')
        aw_textbuf_putc (out, ',');
    aw_textbuf_printf (out, "\"%s\":", key);
}

static void put_number (struct aw_textbuf *out, const char *key, double value)
{
    put_key (out, key);
    aw_textbuf_fixed (out, value, 6);
}

static void put_count (struct aw_textbuf *out, const char *key, uint64_t value)
{
    put_key (out, key);
    aw_textbuf_u64 (out, value);
}

static void put_string (struct aw_textbuf *out, const char *key, const char *text)
{
    put_key (out, key);
    aw_json_put_string (out, text);
}

/* "key":{ or "key":[ on a line of its own; KEY NULL: a member of an array. */
static void open_group (struct aw_textbuf *out, const char *key, char bracket)
{
    char last = out->len ? out->data[out->len - 1] : '{';

    if (last != '{' && last != '[')
        aw_textbuf_putc (out, ',');
    aw_textbuf_putc (out, '\n');
    if (key)
        aw_textbuf_printf (out, "\"%s\":", key);
    aw_textbuf_putc (out, bracket);
}

static void put_run (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_journal_header *header = &report->header;

    aw_textbuf_printf (out, "{\"async-workflow-report\":%d", REPORT_VERSION);
    put_string (out, "name", report->workflow->name);
    put_string (out, "directory", report->dir);
    put_string (out, "mode", header->mode);
    put_string (out, "policy", header->policy);
    put_string (out, "job", header->job);
    put_number (out, "epoch", header->epoch);
    put_string (out, "state", aw_outcome_name (aw_report_outcome (report)));
    put_key (out, "exit_status");
    if (report->history.exit_code < 0)
        aw_textbuf_puts (out, "null");
    else
        aw_textbuf_printf (out, "%d", report->history.exit_code);
    put_string (out, "stop_reason", report->history.stop_reason);
}

static void put_summary (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_summary *sum = &report->summary;

    put_number (out, "first_start", sum->first_start);
    put_number (out, "last_finish", sum->last_finish);
    put_number (out, "makespan", sum->makespan);
    put_number (out, "predicted", report->predicted);
    put_number (out, "cpu_share", sum->cpu_share);
    put_number (out, "gpu_share", sum->gpu_share);
    put_number (out, "cpu_used_share", sum->cpu_used_share);
    put_number (out, "wait_mean", sum->gap_mean);
    put_number (out, "wait_max", sum->gap_max);
    open_group (out, "tasks", '{');
    put_count (out, "all", report->workflow->graph->n_tasks);
    put_count (out, "completed", sum->completed);
    put_count (out, "failed", sum->failed);
    put_count (out, "cancelled", sum->cancelled);
    put_count (out, "skipped", sum->skipped);
    put_count (out, "running", sum->running);
    put_count (out, "unstarted", sum->unstarted);
    put_count (out, "retried", sum->retried);
    aw_textbuf_putc (out, '}');
}

static void put_resumes (const struct aw_report *report, struct aw_textbuf *out)
{
    open_group (out, "resumes", '[');
    for (uint32_t i = 0; i < report->history.n_gaps; i++) {
        const struct aw_history_gap *gap = &report->history.gaps[i];
        open_group (out, NULL, '{');
        put_number (out, "from", gap->from);
        put_number (out, "to", gap->to);
        put_count (out, "lost", gap->lost);
        put_string (out, "job", gap->job);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_putc (out, ']');
}

static void put_pool (const struct aw_report *report, struct aw_textbuf *out)
{
    open_group (out, "pool", '{');
    put_count (out, "cpus", report->summary.cpus);
    put_count (out, "gpus", report->summary.gpus);
    put_key (out, "nodes");
    aw_textbuf_putc (out, '[');
    for (uint32_t i = 0; i < report->history.n_nodes; i++) {
        const struct aw_history_node *node = &report->history.nodes[i];
        open_group (out, NULL, '{');
        put_string (out, "node", node->name);
        put_count (out, "cpus", node->cpus);
        put_count (out, "gpus", node->gpus);
        put_number (out, "joined", node->joined);
        put_number (out, "lost", node->lost);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_puts (out, "]}");
}

/* Only where data was staged asynchronously. */
static void put_staging (const struct aw_staging_summary *sum, struct aw_textbuf *out)
{
    if (sum->brought == 0 && sum->left == 0)
        return;
    open_group (out, "staging", '{');
    put_count (out, "brought", sum->brought);
    put_count (out, "shared", sum->shared);
    put_count (out, "bytes", sum->bytes);
    put_number (out, "coming_mean", sum->coming);
    put_number (out, "waiting_mean", sum->waiting);
    put_count (out, "left", sum->left);
    put_number (out, "leaving_mean", sum->leaving);
    aw_textbuf_putc (out, '}');
}

static void put_sets (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;

    open_group (out, "sets", '[');
    for (uint32_t i = 0; i < graph->n_sets; i++) {
        const struct aw_set_summary *sum = &report->sets[i];
        open_group (out, NULL, '{');
        put_string (out, "set", graph->sets[i].name);
        put_count (out, "tasks", sum->tasks);
        put_count (out, "completed", sum->states[AW_HISTORY_COMPLETED]);
        put_count (out, "failed", sum->states[AW_HISTORY_FAILED]);
        put_count (out, "cancelled", sum->states[AW_HISTORY_CANCELLED]);
        put_count (out, "skipped", sum->states[AW_HISTORY_SKIPPED]);
        put_count (out, "running", sum->states[AW_HISTORY_RUNNING]);
        put_count (out, "unstarted", sum->states[AW_HISTORY_UNSTARTED]);
        put_count (out, "attempts", sum->attempts);
        put_number (out, "mean", sum->mean);
        put_number (out, "min", sum->min);
        put_number (out, "max", sum->max);
        put_number (out, "wait_mean", sum->wait_mean);
        put_number (out, "wait_max", sum->wait_max);
        put_number (out, "cpu_seconds", sum->cpu_seconds);
        put_count (out, "max_rss", sum->max_rss);
        put_number (out, "gpu_util", sum->gpu_util);
        put_count (out, "gpu_mem", sum->gpu_mem);
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
    put_string (out, "task", name);
    aw_task_put_values (report->workflow, a->task, ",\"values\":", out);
    put_count (out, "attempt", a->attempt);
    put_string (out, "node", report->history.nodes[a->node].name);
    if (a->n_more > 0)
        open_group (out, "more", '[');
    for (uint32_t i = 1; i <= a->n_more; i++) {
        struct aw_held held = aw_history_held (&report->history, a, i);

        if (i > 1)
            aw_textbuf_putc (out, ',');
        aw_json_put_string (out, report->history.nodes[held.node].name);
    }
    if (a->n_more > 0)
        aw_textbuf_putc (out, ']');
    put_number (out, "ready", a->ready);
    if (!isnan (a->staged)) {
        put_number (out, "staged", a->staged);
        put_number (out, "brought", a->brought);
        put_count (out, "staged_bytes", a->staged_bytes);
    }
    put_number (out, "start", a->started ? a->start : NAN);
    if (!isnan (a->released))
        put_number (out, "released", a->released);
    put_number (out, "finish", a->finish);
    put_number (out, "seconds", a->seconds);
}

static void put_chain (const struct aw_report *report, struct aw_textbuf *out)
{
    double end = NAN;

    open_group (out, "chain", '[');
    for (size_t i = 0; i < report->n_chain; i++) {
        const struct aw_attempt *a = &report->history.attempts[report->chain[i]];
        open_group (out, NULL, '{');
        put_attempt (report, a, out);
        put_number (out, "waited", a->start - (isnan (end) ? a->ready : end));
        aw_textbuf_putc (out, '}');
        end = a->finish;
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

    open_group (out, NULL, '{');
    put_attempt (report, a, out);
    put_string (out, "status", aw_status_name (a->status));
    put_key (out, "code");
    aw_textbuf_printf (out, "%d", a->code);
    put_key (out, "signal");
    aw_textbuf_printf (out, "%d", a->signal);
    put_string (out, "signal_name",
                a->signal ? aw_signal_name (buf, sizeof (buf), a->signal) : NULL);
    put_string (out, "reason", a->reason);
    put_string (out, "text",
                aw_failure_text (buf, sizeof (buf), a->status, a->code, a->signal, a->reason));
    if (with_tail)
        aw_tail_load (report, a, AW_TAIL_LINES, &tail);
    put_string (out, "stderr", tail.path);
    if (report->store)
        put_string (out, "stderr_command", tail.command);
    put_string (out, "stderr_tail", tail.text);
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
    open_group (out, "failures", '[');
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
    put_key (out, key);
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
    open_group (out, "utilization", '{');
    put_number (out, "from", from);
    put_number (out, "step", width);
    put_bins (out, "cpus", cpus);
    put_bins (out, "gpus", gpus);
    aw_textbuf_putc (out, '}');
}

void aw_report_json (const struct aw_report *report, struct aw_textbuf *out)
{
    put_run (report, out);
    put_summary (report, out);
    put_resumes (report, out);
    put_pool (report, out);
    put_sets (report, out);
    put_chain (report, out);
    put_failures (report, out);
    put_utilization (report, out);
    aw_textbuf_puts (out, "\n}\n");
}
