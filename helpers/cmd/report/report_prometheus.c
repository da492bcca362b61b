/* SPDX-License-Identifier: Apache-2.0 */
/* The run as metrics in Prometheus' text format, for the textfile collector of a node exporter. */
#include <math.h>
#include <string.h>

#include "cmd/report/report.h"

/* A value of a set. */
typedef double set_fn (const struct aw_set_summary *sum);

struct metrics {
    const struct aw_report *report;
    struct aw_textbuf *out;
};

/* name="TEXT": quotes and backslashes are escaped, and control characters do not get here. */
static void put_label (struct aw_textbuf *out, const char *name, const char *text)
{
    struct aw_textbuf plain = { 0 };

    aw_textbuf_plain (&plain, text, strlen (text));
    out->failed |= plain.failed;
    aw_textbuf_printf (out, "%s=\"", name);
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.data[i] == '\n') {
            aw_textbuf_puts (out, "\\n");
            continue;
        }
        if (plain.data[i] == '"' || plain.data[i] == '\\')
            aw_textbuf_putc (out, '\\');
        aw_textbuf_putc (out, plain.data[i]);
    }
    aw_textbuf_putc (out, '"');
    aw_textbuf_finish (&plain);
}

/* The name of a metric, and the labels that tell runs apart: the "}" is still missing. */
static void put_name (const struct metrics *m, const char *name)
{
    const struct aw_report *report = m->report;

    aw_textbuf_printf (m->out, "async_workflow_%s{", name);
    put_label (m->out, "workflow", report->workflow->name);
    aw_textbuf_putc (m->out, ',');
    put_label (m->out, "run", report->absolute ? report->absolute : report->dir);
}

static void put_value (const struct metrics *m, double value)
{
    aw_textbuf_puts (m->out, "} ");
    aw_textbuf_fixed (m->out, value, 6);
    aw_textbuf_putc (m->out, '\n');
}

static void put_help (const struct metrics *m, const char *name, const char *type, const char *help)
{
    aw_textbuf_printf (m->out, "# HELP async_workflow_%s %s\n# TYPE async_workflow_%s %s\n", name,
                       help, name, type);
}

/* One value of the whole run; nothing where it is not known. */
static void put_gauge (const struct metrics *m, const char *name, const char *help, double value)
{
    if (isnan (value))
        return;
    put_help (m, name, "gauge", help);
    put_name (m, name);
    put_value (m, value);
}

/* One value for each set. */
static void put_sets (
    const struct metrics *m, const char *name, const char *type, const char *help, set_fn *value)
{
    const struct aw_graph *graph = m->report->workflow->graph;

    put_help (m, name, type, help);
    for (uint32_t i = 0; i < m->report->n_shown; i++) {
        put_name (m, name);
        aw_textbuf_putc (m->out, ',');
        put_label (m->out, "set", aw_graph_label (graph, m->report->shown[i]));
        put_value (m, value (&m->report->sets[m->report->shown[i]]));
    }
}

/* A sum and its count for each set. */
static void put_summary (
    const struct metrics *m, const char *name, const char *help, set_fn *sum, set_fn *count)
{
    const struct aw_graph *graph = m->report->workflow->graph;
    static const char *const ends[] = { "_sum", "_count" };
    set_fn *const values[] = { sum, count };
    char buf[96];

    put_help (m, name, "summary", help);
    for (uint32_t i = 0; i < m->report->n_shown; i++) {
        for (int k = 0; k < 2; k++) {
            snprintf (buf, sizeof (buf), "%s%s", name, ends[k]);
            put_name (m, buf);
            aw_textbuf_putc (m->out, ',');
            put_label (m->out, "set", aw_graph_label (graph, m->report->shown[i]));
            put_value (m, values[k](&m->report->sets[m->report->shown[i]]));
        }
    }
}

static void put_states (const struct metrics *m)
{
    static const char *const names[AW_HISTORY_STATES] = {
        [AW_HISTORY_UNSTARTED] = "unstarted", [AW_HISTORY_RUNNING] = "running",
        [AW_HISTORY_COMPLETED] = "completed", [AW_HISTORY_FAILED] = "failed",
        [AW_HISTORY_CANCELLED] = "cancelled", [AW_HISTORY_SKIPPED] = "skipped",
    };
    const struct aw_graph *graph = m->report->workflow->graph;

    put_help (m, "tasks", "gauge", "Tasks of a set in each state.");
    for (uint32_t i = 0; i < m->report->n_shown; i++) {
        for (int state = 0; state < AW_HISTORY_STATES; state++) {
            put_name (m, "tasks");
            aw_textbuf_putc (m->out, ',');
            put_label (m->out, "set", aw_graph_label (graph, m->report->shown[i]));
            aw_textbuf_printf (m->out, ",state=\"%s\"", names[state]);
            put_value (m, m->report->sets[m->report->shown[i]].states[state]);
        }
    }
}

/* Which state the run is in: 1 there, 0 elsewhere. */
static void put_run_state (const struct metrics *m)
{
    enum aw_outcome now = aw_report_outcome (m->report);

    put_help (m, "run_state", "gauge", "1 for the state that the run is in, 0 for the others.");
    for (enum aw_outcome o = AW_OUTCOME_COMPLETED; o <= AW_OUTCOME_INTERRUPTED; o++) {
        put_name (m, "run_state");
        aw_textbuf_printf (m->out, ",state=\"%s\"", aw_outcome_name (o));
        put_value (m, o == now);
    }
}

static void put_run_info (const struct metrics *m)
{
    const struct aw_journal_header *header = &m->report->header;

    put_help (m, "run_info", "gauge", "The run: its Slurm job, mode and order.");
    put_name (m, "run_info");
    aw_textbuf_putc (m->out, ',');
    put_label (m->out, "job", header->job ? header->job : "");
    aw_textbuf_putc (m->out, ',');
    put_label (m->out, "mode", header->mode ? header->mode : "");
    aw_textbuf_putc (m->out, ',');
    put_label (m->out, "policy", header->policy ? header->policy : "");
    put_value (m, 1);
}

static void put_pool (const struct metrics *m)
{
    const struct aw_history *history = &m->report->history;
    const struct aw_summary *sum = &m->report->summary;
    double cpus = 0, gpus = 0;

    for (uint32_t i = 0; i < history->n_nodes; i++) {
        cpus += history->nodes[i].busy_cpus;
        gpus += (double)history->nodes[i].busy_gpu_parts / AW_GPU_WHOLE;
    }
    put_gauge (m, "pool_nodes", "Nodes of the pool.", sum->n_nodes);
    put_gauge (m, "pool_cpus", "CPUs of the pool.", sum->cpus);
    put_gauge (m, "pool_busy_cpus", "CPUs that tasks hold now.", cpus);
    put_gauge (m, "pool_gpus", "GPUs of the pool.", sum->gpus);
    put_gauge (m, "pool_busy_gpus", "GPUs that tasks hold now, parts included.", gpus);
}

static double attempts_of (const struct aw_set_summary *sum)
{
    return sum->attempts;
}
static double cpu_seconds_of (const struct aw_set_summary *sum)
{
    return sum->cpu_seconds;
}
static double held_seconds_of (const struct aw_set_summary *sum)
{
    return sum->busy;
}
static double completed_of (const struct aw_set_summary *sum)
{
    return sum->completed_attempts;
}
static double duration_of (const struct aw_set_summary *sum)
{
    return isnan (sum->mean) ? 0 : sum->mean * sum->completed_attempts;
}
static double started_of (const struct aw_set_summary *sum)
{
    return sum->started_attempts;
}
static double wait_of (const struct aw_set_summary *sum)
{
    return isnan (sum->wait_mean) ? 0 : sum->wait_mean * sum->started_attempts;
}
static double memory_of (const struct aw_set_summary *sum)
{
    return (double)sum->max_rss;
}

void aw_report_prometheus (const struct aw_report *report, struct aw_textbuf *out)
{
    struct metrics m = { report, out };
    double epoch = report->header.epoch;

    put_run_info (&m);
    put_run_state (&m);
    put_gauge (&m, "run_start_time_seconds", "When the run began, in seconds since 1970.",
               epoch > 0 ? epoch : NAN);
    put_gauge (&m, "run_makespan_seconds",
               "From the first start of a task to the last finish, or to now.",
               report->summary.makespan);
    put_gauge (&m, "run_predicted_makespan_seconds", "What the model predicted.",
               report->predicted);
    put_gauge (&m, "run_resumes", "How often the run was resumed.", report->history.n_gaps);
    put_pool (&m);
    put_states (&m);
    put_sets (&m, "attempts_total", "counter", "Attempts of a set's tasks.", attempts_of);
    put_sets (&m, "cpu_seconds_total", "counter", "CPU time that ended attempts used.",
              cpu_seconds_of);
    put_sets (&m, "held_seconds_total", "counter", "Time that attempts held their CPUs and GPUs.",
              held_seconds_of);
    put_sets (&m, "max_memory_bytes", "gauge", "Most memory that an attempt used.", memory_of);
    put_summary (&m, "task_duration_seconds", "Durations of completed attempts.", duration_of,
                 completed_of);
    put_summary (&m, "task_wait_seconds", "Times from ready to start.", wait_of, started_of);
}
