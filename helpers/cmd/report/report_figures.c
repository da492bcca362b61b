/* SPDX-License-Identifier: Apache-2.0 */
/* What a report of any format begins with: the outcome in a sentence, and the figures. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/report/report.h"
#include "util/units.h"

enum { MAX_JOBS = 6 };

const char *aw_report_set_name (const struct aw_graph *graph,
                                uint32_t set,
                                char name[AW_SET_NAME_SIZE])
{
    snprintf (name, AW_SET_NAME_SIZE, "%.64s%s", aw_graph_label (graph, set),
              graph->sets[set].service ? " (service)" : "");
    return name;
}

const char *aw_report_seconds (char buf[32], double value)
{
    return isnan (value) ? "-" : aw_format_seconds (buf, 32, value);
}

/* The run completed. Tasks that were not needed, and failures that were ignored, are counted. */
static void put_completed (const struct aw_summary *sum, uint32_t all, struct aw_textbuf *out)
{
    uint32_t unwanted = sum->cancelled + sum->skipped;
    char buf[32];
    const char *time = aw_report_seconds (buf, sum->makespan);

    if (unwanted || sum->failed)
        aw_textbuf_printf (out, ": %u of %u task%s done in %s", sum->completed, all,
                           aw_plural (all), time);
    else
        aw_textbuf_printf (out, ": %s %u task%s done in %s", all == 1 ? "the" : "all", all,
                           all == 1 ? "" : "s", time);
    if (unwanted)
        aw_textbuf_printf (out, "; %u %s not needed", unwanted, unwanted == 1 ? "was" : "were");
    if (sum->failed)
        aw_textbuf_printf (out, "; %u failed and %s ignored", sum->failed,
                           sum->failed == 1 ? "was" : "were");
}

void aw_report_verdict (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_summary *sum = &report->summary;
    uint32_t all = report->workflow->graph->n_tasks;

    aw_textbuf_plain (out, report->workflow->name, strlen (report->workflow->name));
    switch (aw_report_outcome (report)) {
    case AW_OUTCOME_COMPLETED:
        put_completed (sum, all, out);
        break;
    case AW_OUTCOME_FAILED:
        aw_textbuf_printf (out, ": %u of %u task%s failed", sum->failed, all, aw_plural (all));
        if (sum->skipped)
            aw_textbuf_printf (out, ", %u skipped", sum->skipped);
        break;
    case AW_OUTCOME_STOPPED:
        aw_textbuf_printf (out, ": stopped with %u of %u task%s done", sum->completed, all,
                           aw_plural (all));
        break;
    case AW_OUTCOME_RUNNING:
        aw_textbuf_printf (out, ": running, %u of %u task%s done", sum->completed, all,
                           aw_plural (all));
        break;
    case AW_OUTCOME_INTERRUPTED:
        aw_textbuf_printf (out, ": interrupted with %u of %u task%s done", sum->completed, all,
                           aw_plural (all));
        break;
    }
    if (report->history.stop_reason && *report->history.stop_reason) {
        aw_textbuf_puts (out, " (");
        aw_textbuf_plain (out, report->history.stop_reason, strlen (report->history.stop_reason));
        aw_textbuf_putc (out, ')');
    }
}

struct receiver {
    aw_figure_fn *put;
    void *arg;
};

/* "makespan", "12m03s, predicted 11m50s" */
static void put_line (const struct receiver *to, const char *key, const char *fmt, ...)
    __attribute__ ((format (printf, 3, 4)));
static void put_line (const struct receiver *to, const char *key, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    to->put (to->arg, key, text);
}

static void put_share (
    const struct receiver *to, const char *key, double share, uint32_t n, uint32_t nodes)
{
    if (n && !isnan (share))
        put_line (to, key, "%.1f %% busy of %u on %u node%s", 100 * share, n, nodes,
                  nodes == 1 ? "" : "s");
}

/* Tasks that other tasks added. */
static void put_added (const struct aw_report *report, const struct receiver *to)
{
    const struct aw_graph *graph = report->workflow->graph;
    uint32_t sets = report->n_shown - graph->n_base;
    uint32_t tasks = sets ? graph->n_tasks - graph->sets[graph->n_base].first : 0;

    if (sets > 0)
        put_line (to, "added", "%u task%s in %u set%s, by tasks", tasks, tasks == 1 ? "" : "s",
                  sets, sets == 1 ? "" : "s");
}

/* Interruptions of the run: how many, and the last one. */
static void put_resumes (const struct aw_report *report, const struct receiver *to)
{
    const struct aw_history *history = &report->history;
    uint32_t lost = 0, n = history->n_gaps;
    double pause = 0;
    char a[32], b[32];

    for (uint32_t i = 0; i < n; i++) {
        lost += history->gaps[i].lost;
        pause += history->gaps[i].to - history->gaps[i].from;
    }
    if (n == 1)
        put_line (to, "resumed", "at %s, after an interruption of %s; %u attempt%s lost",
                  aw_report_seconds (a, history->gaps[0].to), aw_report_seconds (b, pause), lost,
                  lost == 1 ? "" : "s");
    else if (n > 1)
        put_line (to, "resumed",
                  "%u times, last at %s; interrupted for %s in all; %u attempt%s lost", n,
                  aw_report_seconds (a, history->gaps[n - 1].to), aw_report_seconds (b, pause),
                  lost, lost == 1 ? "" : "s");
}

/* All running tasks wait for messages, or did until that failed or the run was stopped. */
static void put_stall (const struct aw_report *report, const struct receiver *to)
{
    if (report->history.stall)
        put_line (to, "stalled", "%s%s", report->history.stall,
                  report->history.stall_failed ? ": receiving failed" : "");
}

/* " (27.1 s to 31.0 s for 90 % of runs)"; "" where the model gave no interval. */
static const char *interval (char *text, size_t size, const struct aw_outlook *outlook)
{
    char a[32], b[32];

    *text = '\0';
    if (outlook->high > 0)
        snprintf (text, size, " (%s to %s for 90 %% of runs)", aw_report_seconds (a, outlook->low),
                  aw_report_seconds (b, outlook->high));
    return text;
}

static void put_makespan (const struct aw_report *report, const struct receiver *to)
{
    double makespan = report->summary.makespan, predicted = report->predicted;
    const char *key = aw_report_outcome (report) == AW_OUTCOME_RUNNING ? "elapsed" : "makespan";
    char a[32], b[32], c[96];

    interval (c, sizeof (c), &report->header.outlook);
    if (isnan (makespan))
        put_line (to, "makespan", "no task has started");
    else if (isnan (predicted))
        put_line (to, key, "%s", aw_report_seconds (a, makespan));
    else if (aw_report_outcome (report) == AW_OUTCOME_COMPLETED)
        put_line (to, "makespan", "%s; the model predicted %s%s (%+.1f %%)",
                  aw_report_seconds (a, makespan), aw_report_seconds (b, predicted), c,
                  100 * (makespan / predicted - 1));
    else
        put_line (to, key, "%s; the model predicted %s%s", aw_report_seconds (a, makespan),
                  aw_report_seconds (b, predicted), c);
}

static void put_tasks (const struct aw_report *report, const struct receiver *to)
{
    const struct aw_summary *sum = &report->summary;
    const struct {
        uint32_t n;
        const char *what;
    } parts[] = {
        { sum->failed, "failed" },   { sum->cancelled, "cancelled" },   { sum->skipped, "skipped" },
        { sum->running, "running" }, { sum->unstarted, "not started" }, { sum->retried, "retried" },
    };
    char text[256];
    int n = snprintf (text, sizeof (text), "%u of %u done", sum->completed,
                      report->workflow->graph->n_tasks);

    for (size_t i = 0; i < sizeof (parts) / sizeof (parts[0]); i++)
        if (parts[i].n)
            n += snprintf (text + n, sizeof (text) - (size_t)n, ", %u %s", parts[i].n,
                           parts[i].what);
    put_line (to, "tasks", "%s", text);
}

/* The job that the run began in, and those that it was resumed in; of many the last ones. */
static void put_jobs (const struct aw_report *report, const struct receiver *to)
{
    const struct aw_history *history = &report->history;
    const char *jobs[MAX_JOBS], *job = report->header.job;
    char text[MAX_JOBS * 32] = "";
    uint32_t n = 0;
    int len = 0;

    for (uint32_t i = 0; i <= history->n_gaps; i++) {
        if (i > 0)
            job = history->gaps[i - 1].job;
        if (job && (n == 0 || strcmp (job, jobs[(n - 1) % MAX_JOBS]) != 0))
            jobs[n++ % MAX_JOBS] = job;
    }
    for (uint32_t i = n > MAX_JOBS ? n - MAX_JOBS : 0; i < n; i++)
        len += snprintf (text + len, sizeof (text) - (size_t)len, "%s%.28s", len ? ", " : "",
                         jobs[i % MAX_JOBS]);
    if (n > MAX_JOBS)
        put_line (to, "Slurm jobs", "%u, the last %d: %s", n, MAX_JOBS, text);
    else if (n > 0)
        put_line (to, n == 1 ? "Slurm job" : "Slurm jobs", "%s", text);
}

/* "async, waves; a plan, 2.1 % shorter than the best policy, with places held for 3 sets, at most
 * 0.8 % above the optimum". A set counts once an iteration.
 */
static void put_order (const struct aw_report *report, const struct receiver *to)
{
    const struct aw_journal_header *header = &report->header;
    const struct aw_history *history = &report->history;
    const struct aw_outlook *f = &header->outlook;
    uint32_t holds = history->n_plans ? history->plans[0].n_holds : 0;
    char plan[64] = "", held[64] = "", optimum[64] = "";

    if (!header->mode && !header->policy)
        return;
    if (f->order > 0 && f->order < f->rule)
        snprintf (plan, sizeof (plan), "; a plan, %.1f %% shorter than the best policy",
                  100 * (1 - f->order / f->rule));
    if (holds)
        snprintf (held, sizeof (held), "%s places held for %u set%s", *plan ? ", with" : "; with",
                  holds, holds == 1 ? "" : "s");
    if (f->order > 0 && f->bound > 0)
        snprintf (optimum, sizeof (optimum), "%s at most %.1f %% above the optimum",
                  *plan || *held ? "," : ";", 100 * fmax (0, f->order / f->bound - 1));
    put_line (to, "order", "%s%s%s%s%s%s", header->mode ? header->mode : "",
              header->mode && header->policy ? ", " : "", header->policy ? header->policy : "",
              plan, held, optimum);
}

const struct aw_history_plan *aw_report_new_plan (const struct aw_report *report, uint32_t *n)
{
    const struct aw_history_plan *last = NULL;

    *n = 0;
    for (uint32_t i = 0; i < report->history.n_plans; i++)
        if (report->history.plans[i].reason) {
            last = &report->history.plans[i];
            ++*n;
        }
    return last;
}

/* "at 12.5 s: a node joined; ...", "3 times, last at ...". */
static void put_new_plan (const struct aw_report *report, const struct receiver *to)
{
    uint32_t n;
    const struct aw_history_plan *plan = aw_report_new_plan (report, &n);
    char times[32] = "", when[32];

    if (n > 1)
        snprintf (times, sizeof (times), "%u times, last ", n);
    if (plan)
        put_line (to, "planned again", "%sat %s: %s", times, aw_report_seconds (when, plan->t),
                  plan->reason);
}

void aw_report_figures (const struct aw_report *report, aw_figure_fn *put, void *arg)
{
    const struct receiver receiver = { put, arg }, *to = &receiver;
    const struct aw_summary *sum = &report->summary;
    char a[32], b[32];

    put_makespan (report, to);
    put_resumes (report, to);
    put_stall (report, to);
    put_tasks (report, to);
    put_added (report, to);
    put_share (to, "CPUs", sum->cpu_share, sum->cpus, sum->n_nodes);
    put_share (to, "GPUs", sum->gpu_share, sum->gpus, sum->n_nodes);
    if (!isnan (sum->cpu_used_share))
        put_line (to, "CPU time", "tasks used %.1f %% of the CPU time that they held",
                  100 * sum->cpu_used_share);
    if (!isnan (sum->gap_mean))
        put_line (to, "start delay", "%s on average, %s at most",
                  aw_report_seconds (a, sum->gap_mean), aw_report_seconds (b, sum->gap_max));
    if (sum->assigned)
        put_line (to, "assigned", "%u of %u starts, by nodes that had the task in advance",
                  sum->assigned, sum->started);
    put_order (report, to);
    if (report->header.durations.from)
        put_line (to, "durations", "as in %s", report->header.durations.from);
    put_new_plan (report, to);
    put_jobs (report, to);
}
