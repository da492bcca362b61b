/* SPDX-License-Identifier: Apache-2.0 */
/* status D: the progress of a run, from the journal in its directory alone. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/report/status_json.h"
#include "cmd/status_task.h"
#include "io/workflow/shell_quote.h"
#include "util/units.h"

enum { MAX_SETS = 200 };

static void put_staging (const struct aw_history *history, struct aw_textbuf *out)
{
    struct aw_staging_now now = aw_status_staging (history);

    if (now.coming + now.waiting + now.leaving > 0)
        aw_textbuf_printf (
            out,
            "\nstaging: data of %u task%s coming in, of %u staged in and waiting for CPUs and "
            "GPUs, of %u going out",
            now.coming, now.coming == 1 ? "" : "s", now.waiting, now.leaving);
}

static void put_plan (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_history *history = &report->history;
    uint32_t n, held = history->n_plans ? history->plans[history->n_plans - 1].n_holds : 0;
    const struct aw_history_plan *plan = aw_report_new_plan (report, &n);
    char when[32];

    if (held)
        aw_textbuf_printf (out, "\nthe plan holds places for %u set%s", held, held == 1 ? "" : "s");
    if (!plan)
        return;
    aw_textbuf_printf (out, "\nplanned again at %s: ", aw_report_seconds (when, plan->t));
    aw_textbuf_plain (out, plan->reason, strlen (plan->reason));
    if (n > 1)
        aw_textbuf_printf (out, " (%u times in all)", n);
}

static void put_head (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_summary *sum = &report->summary;
    const struct aw_history *history = &report->history;
    uint32_t cpus = 0, assigned = aw_report_assigned (report);
    double gpus = 0;
    char time[32];

    for (uint32_t i = 0; i < history->n_nodes; i++) {
        cpus += history->nodes[i].busy_cpus;
        gpus += history->nodes[i].busy_gpu_parts;
    }
    aw_textbuf_plain (out, report->workflow->name, strlen (report->workflow->name));
    aw_textbuf_printf (out, ": %s, %u of %u task%s done, %s",
                       aw_outcome_name (aw_report_outcome (report)), sum->completed,
                       report->workflow->graph->n_tasks,
                       aw_plural (report->workflow->graph->n_tasks),
                       aw_format_seconds (time, sizeof (time), history->now));
    if (!isnan (report->predicted))
        aw_textbuf_printf (out, " of %s predicted by the model",
                           aw_format_seconds (time, sizeof (time), report->predicted));
    if (history->n_gaps)
        aw_textbuf_printf (out, "; resumed %u time%s", history->n_gaps,
                           history->n_gaps == 1 ? "" : "s");
    if (aw_report_outcome (report) == AW_OUTCOME_RUNNING) {
        aw_textbuf_printf (out, "\n%u node%s, %u of %u CPUs busy", sum->n_nodes,
                           sum->n_nodes == 1 ? "" : "s", cpus, sum->cpus);
        if (sum->gpus)
            aw_textbuf_printf (out, ", %.4g of %u GPUs busy", gpus / AW_GPU_WHOLE, sum->gpus);
    }
    if (aw_report_outcome (report) == AW_OUTCOME_INTERRUPTED) {
        aw_textbuf_puts (out, "\nno coordinator is running: continue the run with --resume=");
        aw_shell_quote_shown (out, report->dir);
    }
    put_plan (report, out);
    put_staging (history, out);
    if (assigned)
        aw_textbuf_printf (out, "\n%u ready task%s assigned to nodes in advance", assigned,
                           assigned == 1 ? " is" : "s are");
    if (history->stalled) {
        aw_textbuf_putc (out, '\n');
        aw_textbuf_plain (out, history->stall, strlen (history->stall));
    }
    aw_textbuf_puts (out, "\n\n");
}

static void put_sets (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;

    aw_textbuf_printf (out, "%-24s %9s %9s %9s %9s %9s\n", "task set", "tasks", "done", "running",
                       "failed", "other");
    for (uint32_t i = 0; i < report->n_shown && i < MAX_SETS; i++) {
        const struct aw_set_summary *sum = &report->sets[report->shown[i]];
        const uint32_t *states = sum->states;
        const char *name = aw_graph_label (graph, report->shown[i]);
        size_t from = out->len;

        aw_textbuf_plain (out, name, strlen (name));
        aw_textbuf_printf (out, "%*s %9u %9u %9u %9u %9u\n",
                           out->len - from < 24 ? (int)(24 - (out->len - from)) : 0, "", sum->tasks,
                           states[AW_HISTORY_COMPLETED], states[AW_HISTORY_RUNNING],
                           states[AW_HISTORY_FAILED],
                           states[AW_HISTORY_UNSTARTED] + states[AW_HISTORY_CANCELLED]
                               + states[AW_HISTORY_SKIPPED]);
    }
    if (report->n_shown > MAX_SETS)
        aw_textbuf_printf (out, "and %u more\n", report->n_shown - MAX_SETS);
}

/* Topics for whose messages sets wait. */
static void put_messages (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;

    for (uint32_t i = 0; i < graph->n_topics && i < MAX_SETS; i++) {
        uint64_t n = i < report->history.n_topics ? report->history.messages[i] : 0;

        aw_textbuf_printf (out, "%smessages on %s: %llu\n", i ? "" : "\n", graph->topics[i],
                           (unsigned long long)n);
    }
}

static int run (int argc, char **argv)
{
    struct aw_status_line line = { 0 };
    struct aw_textbuf text = { 0 };
    struct aw_problems problems;
    struct aw_report report;
    int rc;

    aw_status_line_parse (&line, argc, argv);
    if (line.task)
        return aw_status_tasks (&line);
    aw_problems_init (&problems);
    rc = aw_report_load (&report, line.first, &problems);
    if (rc == 0) {
        if (line.json)
            aw_status_json (&report, &text);
        else {
            put_head (&report, &text);
            put_sets (&report, &text);
            put_messages (&report, &text);
        }
        aw_report_finish (&report);
        rc = aw_report_write_out (&text, &problems);
    }
    if (rc < 0)
        aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    return rc < 0 ? AW_EXIT_INPUT : AW_EXIT_OK;
}

const struct aw_command aw_command_status = { "status", "show the progress of a run", run };
