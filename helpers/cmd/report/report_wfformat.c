/* SPDX-License-Identifier: Apache-2.0 */
/* A finished run as an instance of WfFormat 1.5 (wfcommons.org), for simulators and studies of
 * workflows. Tasks are named after their sets, submitted ones after their own names, and have the
 * id SET_ID0000017 with their number; parents and children are listed for each task, as the format
 * wants it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/report/report.h"
#include "config.h"
#include "core/graph/peers.h"
#include "io/json_string.h"

enum { MAX_PAIRS = 10000000 }; /* of a parent and a child */

struct instance {
    const struct aw_report *report;
    const struct aw_graph *graph;
    struct aw_textbuf *out;
};

static void put_id (const struct instance *in, uint32_t task)
{
    aw_textbuf_printf (in->out, "\"%s_ID%07u\"",
                       in->graph->sets[aw_graph_task (in->graph, task).set].name, task);
}

/* The ids of PEERS, tasks of SET in the iterations of SPAN. */
static void put_peers (const struct instance *in,
                       const struct aw_peers *peers,
                       uint32_t set,
                       const struct aw_span *span,
                       const char **comma)
{
    for (uint32_t k = 0; k < span->n; k++) {
        for (uint32_t i = 0; i < peers->n; i++) {
            struct aw_task at = { span->first + k, set, aw_peer (peers, i) };

            aw_textbuf_puts (in->out, *comma);
            put_id (in, aw_graph_task_id (in->graph, at));
            *comma = ",";
        }
    }
}

static void put_parents (const struct instance *in, const struct aw_task *at)
{
    const struct aw_set *set = &in->graph->sets[at->set];
    const char *comma = "";

    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];
        struct aw_peers peers = aw_peers_before (in->graph, edge->by, edge->set, at->index);
        struct aw_span span = aw_span_before (in->graph, edge, at->set, at->iteration);

        put_peers (in, &peers, edge->set, &span, &comma);
    }
}

static void put_children (const struct instance *in, const struct aw_task *at)
{
    const char *comma = "";

    for (uint32_t s = 0; s < in->graph->n_sets; s++) {
        const struct aw_set *set = &in->graph->sets[s];

        for (uint32_t e = 0; e < set->n_after; e++) {
            const struct aw_edge *edge = &set->after[e];
            struct aw_peers peers;
            struct aw_span span;

            if (edge->set != at->set)
                continue;
            peers = aw_peers_after (in->graph, edge->by, s, at->index);
            span = aw_span_after (in->graph, at->set, at->iteration, s, edge->back);
            put_peers (in, &peers, s, &span, &comma);
        }
    }
}

static void put_specification (const struct instance *in)
{
    struct aw_textbuf *out = in->out;

    aw_textbuf_puts (out, "\"specification\":{\"tasks\":[");
    for (uint32_t task = 0; task < in->graph->n_tasks; task++) {
        struct aw_task at = aw_graph_task (in->graph, task);

        aw_textbuf_puts (out, task ? ",\n{\"name\":" : "\n{\"name\":");
        aw_json_put_string (out, aw_graph_label (in->graph, at.set));
        aw_textbuf_puts (out, ",\"id\":");
        put_id (in, task);
        aw_textbuf_puts (out, ",\"parents\":[");
        put_parents (in, &at);
        aw_textbuf_puts (out, "],\"children\":[");
        put_children (in, &at);
        aw_textbuf_puts (out, "]}");
    }
    aw_textbuf_puts (out, "]}");
}

/* A moment of the run as RFC 3339 has it, in UTC. */
static void put_moment (const struct instance *in, const char *key, double t)
{
    time_t seconds = (time_t)floor (in->report->header.epoch + t);
    char text[64] = "1970-01-01T00:00:00Z";
    struct tm tm;

    if (gmtime_r (&seconds, &tm))
        strftime (text, sizeof (text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    aw_textbuf_printf (in->out, ",\"%s\":\"%s\"", key, text);
}

/* ,"KEY":"TEXT" of a template of TASK; the format has no empty texts. */
static void put_template (const struct instance *in,
                          const char *before,
                          const char *template,
                          uint32_t task)
{
    const struct aw_report *report = in->report;
    char *text = aw_recipe_expand (template, report->workflow, task,
                                   report->absolute ? report->absolute : report->dir);

    aw_textbuf_puts (in->out, before);
    aw_json_put_string (in->out, text && *text ? text : " ");
    in->out->failed |= !text;
    free (text);
}

static void put_command (const struct instance *in, uint32_t task)
{
    const struct aw_recipe *recipe =
        &in->report->workflow->recipes[aw_graph_task (in->graph, task).set];

    if (recipe->script)
        put_template (in, ",\"command\":{\"program\":\"/bin/sh\",\"arguments\":[\"-c\",",
                      recipe->script, task);
    else if (recipe->command) {
        put_template (in, ",\"command\":{\"program\":", recipe->command[0], task);
        aw_textbuf_puts (in->out, ",\"arguments\":[");
        for (char **argument = recipe->command + 1; *argument; argument++)
            put_template (in, argument > recipe->command + 1 ? "," : "", *argument, task);
    }
    if (recipe->script || recipe->command)
        aw_textbuf_puts (in->out, "]}");
}

/* The machines of an attempt. */
static void put_machines (const struct instance *in, const struct aw_attempt *a)
{
    const struct aw_history *history = &in->report->history;

    aw_textbuf_puts (in->out, ",\"machines\":[");
    for (uint32_t i = 0; i <= a->n_more; i++) {
        aw_textbuf_puts (in->out, i ? "," : "");
        aw_json_put_string (in->out, history->nodes[aw_history_held (history, a, i).node].name);
    }
    aw_textbuf_putc (in->out, ']');
}

/* The last attempt of TASK, if it has ended. */
static const struct aw_attempt *ended (const struct aw_report *report, uint32_t task)
{
    const struct aw_attempt *a = aw_history_last (&report->history, task);

    return a && a->started && !isnan (a->finish) ? a : NULL;
}

static void put_execution_of (const struct instance *in, const struct aw_attempt *a)
{
    double seconds = aw_attempt_run_seconds (a);

    put_id (in, a->task);
    aw_textbuf_puts (in->out, ",\"runtimeInSeconds\":");
    aw_textbuf_fixed (in->out, seconds, 6);
    put_moment (in, "executedAt", a->start);
    put_command (in, a->task);
    aw_textbuf_printf (in->out, ",\"coreCount\":%u", a->cpus ? a->cpus : 1);
    if (seconds > 0) {
        aw_textbuf_puts (in->out, ",\"avgCPU\":");
        aw_textbuf_fixed (in->out, 100 * a->cpu_seconds / seconds, 3);
    }
    if (a->max_rss) {
        aw_textbuf_puts (in->out, ",\"memoryInBytes\":");
        aw_textbuf_u64 (in->out, a->max_rss);
    }
    put_machines (in, a);
    aw_textbuf_putc (in->out, '}');
}

static void put_execution (const struct instance *in)
{
    const struct aw_history *history = &in->report->history;
    const char *before = "\n{\"id\":";

    aw_textbuf_puts (in->out, ",\n\"execution\":{\"makespanInSeconds\":");
    aw_textbuf_fixed (in->out, in->report->summary.makespan, 6);
    put_moment (in, "executedAt", in->report->summary.first_start);
    aw_textbuf_puts (in->out, ",\"tasks\":[");
    for (uint32_t task = 0; task < in->graph->n_tasks; task++) {
        if (!ended (in->report, task))
            continue;
        aw_textbuf_puts (in->out, before);
        put_execution_of (in, ended (in->report, task));
        before = ",\n{\"id\":";
    }
    aw_textbuf_puts (in->out, "],\n\"machines\":[");
    for (uint32_t i = history->first_node; i < history->n_nodes; i++) {
        aw_textbuf_puts (in->out,
                         i > history->first_node ? ",\n{\"nodeName\":" : "\n{\"nodeName\":");
        aw_json_put_string (in->out, history->nodes[i].name);
        aw_textbuf_printf (in->out, ",\"system\":\"linux\",\"cpu\":{\"coreCount\":%u}}",
                           history->nodes[i].cpus ? history->nodes[i].cpus : 1);
    }
    aw_textbuf_puts (in->out, "]}");
}

/* Pairs of a parent and a child in the whole graph, at most those of MAX_PAIRS and one set more. */
static uint64_t count_pairs (const struct aw_graph *graph)
{
    uint64_t pairs = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        const struct aw_set *set = &graph->sets[s];

        for (uint32_t e = 0; e < set->n_after; e++)
            for (uint32_t k = 0; k < aw_graph_iterations (graph, s) && pairs <= MAX_PAIRS; k++) {
                uint32_t n = aw_span_before (graph, &set->after[e], s, k).n;

                for (uint32_t i = 0; i < set->count && pairs <= MAX_PAIRS; i++)
                    pairs += (uint64_t)n
                             * aw_peers_before (graph, set->after[e].by, set->after[e].set, i).n;
            }
    }
    return pairs;
}

int aw_report_wfformat_check (const struct aw_report *report, struct aw_error *err)
{
    bool any = false;

    if (report->history.exit_code < 0)
        return aw_error_set (err, "%s: --format=wfformat: the run has not ended", report->dir);
    for (uint32_t task = 0; task < report->workflow->graph->n_tasks && !any; task++)
        any = ended (report, task) != NULL;
    if (!any)
        return aw_error_set (err, "%s: --format=wfformat: no task has run", report->dir);
    if (count_pairs (report->workflow->graph) > MAX_PAIRS)
        return aw_error_set (err,
                             "%s: --format=wfformat: over %d pairs of a task and its predecessor, "
                             "each of which the format lists: use another format",
                             report->dir, MAX_PAIRS);
    return 0;
}

void aw_report_wfformat (const struct aw_report *report, struct aw_textbuf *out)
{
    struct instance in = { report, report->workflow->graph, out };

    aw_textbuf_puts (out, "{\"name\":");
    aw_json_put_string (out, report->workflow->name);
    aw_textbuf_puts (out, ",\"description\":\"A run of async-workflow\",\"schemaVersion\":\"1.5\"");
    put_moment (&in, "createdAt", report->summary.last_finish);
    aw_textbuf_puts (
        out, ",\"runtimeSystem\":{\"name\":\"async-workflow\",\"version\":\"" PACKAGE_VERSION
             "\"},\n\"workflow\":{");
    put_specification (&in);
    put_execution (&in);
    aw_textbuf_puts (out, "}}\n");
}
