/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/report/status_json.h"

#include <math.h>

#include "cmd/report/report_json.h"
#include "io/json_string.h"

struct aw_staging_now aw_status_staging (const struct aw_history *history)
{
    struct aw_staging_now now = { 0 };

    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];

        now.coming += a->waits && isnan (a->brought);
        now.waiting += a->waits && !isnan (a->brought);
        now.leaving += !isnan (a->released) && isnan (a->finish);
    }
    return now;
}

static void put_pool (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_history *history = &report->history;
    uint32_t cpus = 0, gpu_parts = 0;

    for (uint32_t i = 0; i < history->n_nodes; i++) {
        cpus += history->nodes[i].busy_cpus;
        gpu_parts += history->nodes[i].busy_gpu_parts;
    }
    aw_report_json_open (out, "pool", '{');
    aw_report_json_count (out, "nodes", report->summary.n_nodes);
    aw_report_json_count (out, "cpus", report->summary.cpus);
    aw_report_json_count (out, "busy_cpus", cpus);
    aw_report_json_count (out, "gpus", report->summary.gpus);
    aw_report_json_number (out, "busy_gpus", (double)gpu_parts / AW_GPU_WHOLE);
    aw_textbuf_putc (out, '}');
}

static void put_staging (const struct aw_report *report, struct aw_textbuf *out)
{
    struct aw_staging_now now = aw_status_staging (&report->history);

    aw_report_json_open (out, "staging", '{');
    aw_report_json_count (out, "coming", now.coming);
    aw_report_json_count (out, "waiting", now.waiting);
    aw_report_json_count (out, "leaving", now.leaving);
    aw_textbuf_putc (out, '}');
}

static void put_sets (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;

    aw_report_json_open (out, "sets", '[');
    for (uint32_t i = 0; i < report->n_shown; i++) {
        uint32_t set = report->shown[i];

        aw_report_json_open (out, NULL, '{');
        aw_report_json_set (aw_graph_label (graph, set), &report->sets[set], out);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_putc (out, ']');
}

static void put_messages (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;

    aw_report_json_open (out, "messages", '{');
    for (uint32_t i = 0; i < graph->n_topics; i++) {
        aw_textbuf_puts (out, i ? "," : "");
        aw_json_put_string (out, graph->topics[i]);
        aw_textbuf_putc (out, ':');
        aw_textbuf_u64 (out, i < report->history.n_topics ? report->history.messages[i] : 0);
    }
    aw_textbuf_putc (out, '}');
}

void aw_status_json (const struct aw_report *report, struct aw_textbuf *out)
{
    aw_report_json_run (report, "async-workflow-status", out);
    aw_report_json_number (out, "now", report->history.now);
    aw_report_json_number (out, "predicted", report->predicted);
    aw_report_json_count (out, "resumed", report->history.n_gaps);
    aw_report_json_plans (report, out);
    aw_report_json_tasks (report, out);
    put_pool (report, out);
    put_staging (report, out);
    aw_report_json_count (out, "assigned", aw_report_assigned (report));
    put_sets (report, out);
    put_messages (report, out);
    aw_textbuf_puts (out, "\n}\n");
}
