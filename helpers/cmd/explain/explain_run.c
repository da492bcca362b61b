/* SPDX-License-Identifier: Apache-2.0 */
/* What limits a run now, and the chain of tasks on which its end depends. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/explain/explain.h"
#include "io/workflow/shell_quote.h"
#include "util/units.h"

enum { MAX_SETS = 12 };

/* Ready tasks, by what they lack. */
struct limits {
    uint32_t ready, gpus, cpus, mem, together, held, planned, late, data, delay, assigned;
};

static void count_reason (struct limits *limits, const struct aw_reason *reason, uint32_t tasks)
{
    limits->ready += tasks;
    switch (reason->why) {
    case AW_WHY_ROOM:
        if (reason->lacks.gpus)
            limits->gpus += tasks;
        else if (reason->lacks.cpus)
            limits->cpus += tasks;
        else if (reason->lacks.mem)
            limits->mem += tasks;
        else
            limits->together += tasks;
        break;
    case AW_WHY_HELD:
        limits->held += tasks;
        break;
    case AW_WHY_PLANNED:
        limits->planned += tasks;
        break;
    case AW_WHY_LATE:
        limits->late += tasks;
        break;
    case AW_WHY_ASSIGNED:
        limits->assigned += tasks;
        break;
    case AW_WHY_DATA:
        limits->data += tasks;
        break;
    case AW_WHY_DELAY:
        limits->delay += tasks;
        break;
    default:
        limits->ready -= tasks;
        break;
    }
}

/* The first task of SET that has not started, and that no node has in advance, unless all are with
 * nodes; AW_NONE: there is none. */
static uint32_t first_waiting (const struct aw_explain *ex, uint32_t set)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    uint32_t assigned = AW_NONE;

    for (uint32_t it = 0; it < aw_graph_iterations (graph, set); it++) {
        uint32_t first = aw_graph_first_task (graph, it, set);

        for (uint32_t task = first; task < first + graph->sets[set].count; task++)
            if (aw_history_state (&ex->report.history, task) == AW_HISTORY_UNSTARTED) {
                if (aw_explain_node (ex, task) == AW_NONE)
                    return task;
                assigned = assigned == AW_NONE ? task : assigned;
            }
    }
    return assigned;
}

/* A line for each set that has tasks to start; LIMITS gets its ready ones. */
static void put_sets (struct aw_explain *ex, struct limits *limits)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    uint32_t shown = 0, more = 0;

    for (uint32_t set = 0; set < graph->n_sets; set++) {
        struct aw_counts counts = aw_sched_counts (ex->replay.sched, set);
        uint32_t task = counts.ready + counts.waiting ? first_waiting (ex, set) : AW_NONE;
        struct aw_reason reason;

        if (task == AW_NONE)
            continue;
        aw_explain_why (ex, task, &reason);
        if (counts.ready)
            count_reason (limits, &reason, counts.ready);
        if (shown == MAX_SETS) {
            more++;
            continue;
        }
        if (shown++ == 0)
            aw_textbuf_puts (ex->out, "\nThe next task of each set\n");
        aw_textbuf_puts (ex->out, "  ");
        aw_explain_line (ex, task);
        aw_textbuf_printf (ex->out, " (%u of the set are ready, %u wait for others)\n",
                           counts.ready, counts.waiting);
    }
    if (more)
        aw_textbuf_printf (ex->out, "  and %u more sets\n", more);
}

static void put_limit (struct aw_textbuf *out, uint32_t tasks, const char *what, const char *text)
{
    if (tasks)
        aw_textbuf_printf (out, "  %s: %u ready task%s %s\n", what, tasks,
                           tasks == 1 ? " is" : "s are", text);
}

static void put_limits (struct aw_explain *ex, const struct limits *l)
{
    struct aw_counts all = aw_sched_counts (ex->replay.sched, AW_NONE);
    struct aw_textbuf *out = ex->out;

    aw_textbuf_puts (out, "\nWhat limits the run now\n");
    if (ex->report.history.stalled) {
        aw_textbuf_puts (out, "  stall: ");
        aw_textbuf_plain (out, ex->report.history.stall, strlen (ex->report.history.stall));
        aw_textbuf_putc (out, '\n');
    }
    put_limit (out, l->gpus, "GPUs", "waiting for them");
    put_limit (out, l->cpus, "CPUs", "waiting for them");
    put_limit (out, l->mem, "memory", "waiting for it");
    put_limit (out, l->together, "placement", "waiting for CPUs and GPUs that are free together");
    put_limit (out, l->held, "order", "held back for a task that comes before");
    put_limit (out, l->planned, "the plan", "held back for a task that is expected soon");
    put_limit (out, l->late, "the job's end", "not started, because they could not end by then");
    put_limit (out, l->data, "data", "waiting for their data");
    put_limit (out, l->assigned, "nodes", "assigned to nodes, which start them as others end");
    put_limit (out, l->delay, "retries", "waiting for the delay before another attempt");
    if (aw_sched_stopped (ex->replay.sched))
        aw_textbuf_puts (out, "  the run is stopping: nothing more starts\n");
    else if (l->ready == 0 && all.running > 0)
        aw_textbuf_printf (out,
                           "  dependencies: no task is ready before one of the %u running tasks "
                           "ends\n",
                           all.running);
    else if (l->ready == 0)
        aw_textbuf_puts (out, "  no task is ready, and none runs\n");
}

static void put_now (struct aw_explain *ex)
{
    const struct aw_history *history = &ex->report.history;
    const struct aw_summary *sum = &ex->report.summary;
    uint32_t cpus = 0, n = ex->report.workflow->graph->n_tasks;
    uint32_t assigned = aw_report_assigned (&ex->report);
    double gpus = 0;
    char time[32];

    for (uint32_t i = history->first_node; i < history->n_nodes; i++) {
        cpus += history->nodes[i].busy_cpus;
        gpus += history->nodes[i].busy_gpu_parts;
    }
    aw_textbuf_printf (ex->out, ", %u of %u task%s done after %s.\n%u running, on %u of %u CPU%s",
                       sum->completed, n, aw_plural (n),
                       aw_format_seconds (time, sizeof (time), history->now), sum->running, cpus,
                       sum->cpus, aw_plural (sum->cpus));
    if (sum->gpus)
        aw_textbuf_printf (ex->out, " and %.4g of %u GPU%s", gpus / AW_GPU_WHOLE, sum->gpus,
                           aw_plural (sum->gpus));
    aw_textbuf_puts (ex->out, ".\n");
    if (ex->open && assigned)
        aw_textbuf_printf (ex->out, "%u of the ready tasks %s assigned to nodes in advance.\n",
                           assigned, assigned == 1 ? "is" : "are");
}

static void put_plan (struct aw_explain *ex)
{
    uint32_t n;
    const struct aw_history_plan *plan = aw_report_new_plan (&ex->report, &n);
    char when[32];

    if (!plan)
        return;
    aw_textbuf_printf (ex->out, "Planned again %sat %s: ", n > 1 ? "several times, last " : "",
                       aw_report_seconds (when, plan->t));
    aw_textbuf_plain (ex->out, plan->reason, strlen (plan->reason));
    aw_textbuf_puts (ex->out, ".\n");
}

/* The task that ends last, by the model. */
static uint32_t last_of_all (const struct aw_explain *ex)
{
    uint32_t last = AW_NONE;

    for (uint32_t task = 0; task < ex->report.workflow->graph->n_tasks; task++)
        if (!isnan (ex->ahead.end[task])
            && (last == AW_NONE || ex->ahead.end[task] > ex->ahead.end[last]))
            last = task;
    return last;
}

static void put_end (struct aw_explain *ex)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    uint32_t task = last_of_all (ex);
    char when[64];

    if (ex->ahead.unknown != AW_NONE) {
        aw_textbuf_printf (ex->out,
                           "\nThe end cannot be predicted: no duration is known for %s yet.\n",
                           aw_graph_label (graph, ex->ahead.unknown));
        return;
    }
    if (task == AW_NONE)
        return;
    aw_textbuf_printf (
        ex->out, "\nExpected end: %s. It depends on this chain of tasks, the last one first\n",
        aw_explain_when (ex, ex->ahead.end[task], when, sizeof (when)));
    aw_explain_chain (ex, task);
}

/* The failed tasks, a line each. */
static void put_failures (struct aw_explain *ex)
{
    uint32_t attempts[MAX_SETS];
    size_t n = aw_report_failures (&ex->report, attempts, MAX_SETS);

    if (n == 0)
        return;
    aw_textbuf_puts (ex->out, "\nFailed tasks\n");
    for (size_t i = 0; i < n && i < MAX_SETS; i++) {
        uint32_t task = ex->report.history.attempts[attempts[i]].task;
        uint32_t skipped = aw_explain_count_skipped (ex, task);

        aw_textbuf_puts (ex->out, "  ");
        aw_explain_line (ex, task);
        if (skipped)
            aw_textbuf_printf (ex->out, "; %u skipped because of it", skipped);
        aw_textbuf_putc (ex->out, '\n');
    }
    if (n > MAX_SETS)
        aw_textbuf_printf (ex->out, "  and %zu more\n", n - MAX_SETS);
    aw_textbuf_puts (ex->out, "More on one of them: async-workflow explain ");
    aw_shell_quote_shown (ex->out, ex->report.dir);
    aw_textbuf_puts (ex->out, " TASK\n");
}

void aw_explain_run (struct aw_explain *ex)
{
    const char *name = ex->report.workflow->name;
    struct limits limits = { 0 };

    aw_textbuf_plain (ex->out, name, strlen (name));
    aw_textbuf_printf (ex->out, ": %s", aw_outcome_name (aw_report_outcome (&ex->report)));
    if (ex->report.history.stop_reason && *ex->report.history.stop_reason) {
        aw_textbuf_puts (ex->out, " (");
        aw_textbuf_plain (ex->out, ex->report.history.stop_reason,
                          strlen (ex->report.history.stop_reason));
        aw_textbuf_putc (ex->out, ')');
    }
    put_now (ex);
    put_plan (ex);
    put_failures (ex);
    if (!ex->open) {
        if (ex->closed.text[0])
            aw_textbuf_printf (ex->out, "\n%s\n", ex->closed.text);
        aw_explain_time (ex);
        return;
    }
    put_sets (ex, &limits);
    put_limits (ex, &limits);
    put_end (ex);
}
