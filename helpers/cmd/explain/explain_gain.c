/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of an ended run went, and what would have shortened it: the run simulated again
 * with the durations that were measured.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/explain/explain.h"
#include "io/workflow/shell_quote.h"
#include "model/simulate.h"
#include "model/trial.h"
#include "util/clock.h"
#include "util/units.h"

/* A way that the run could have been. */
struct way {
    uint32_t more_nodes; /* copies of the last node */
    bool more_gpus; /* each node has its GPUs twice */
    struct aw_sched_config config;
};

struct measured {
    const struct aw_history *history;
    const struct aw_set_summary *sets;
    double deadline; /* monotonic */
};

/* Seconds that the task took; the mean of its set where it has not completed. */
static double seconds_of (void *arg, const struct aw_event *start)
{
    const struct measured *m = arg;
    const struct aw_attempt *a = aw_history_last (m->history, start->task);
    uint32_t set = aw_graph_task (m->history->graph, start->task).set;

    if (a && a->started && !isnan (a->finish) && a->status == AW_STATUS_COMPLETED)
        return aw_attempt_run_seconds (a);
    return isnan (m->sets[set].mean) ? 0 : m->sets[set].mean;
}

static bool in_time (void *arg)
{
    const struct measured *m = arg;

    return aw_clock_monotonic () < m->deadline;
}

/* GPUS twice: the same numbers again, above the highest one. 0, or -1 with ENOMEM. */
static int twice (struct aw_idset *ids, const struct aw_idset *gpus)
{
    uint32_t n = aw_idset_count (gpus);

    return n == 0 ? 0 : aw_idset_add (ids, 0, 2 * n - 1);
}

static int join (struct aw_sched *sched,
                 const struct aw_replay_node *node,
                 uint32_t number,
                 bool more_gpus,
                 struct aw_error *err)
{
    char name[32];
    struct aw_event ev = { .type = AW_EVENT_NODE,
                           .task = AW_NONE,
                           .node = number,
                           .cpus = node->cpus,
                           .gpus = node->gpus,
                           .mem = node->mem,
                           .name = name,
                           .topology = more_gpus ? NULL : node->topology };
    struct aw_idset gpus = { 0 };
    int rc;

    snprintf (name, sizeof (name), "n%u", number);
    if (more_gpus) {
        if (twice (&gpus, &node->gpus) < 0)
            return aw_error_set (err, "out of memory");
        ev.gpus = gpus;
    }
    rc = aw_sched_handle (sched, &ev, err);
    aw_idset_finish (&gpus);
    return rc;
}

/* Seconds that the run would have taken; NAN: not known. */
static double try_way (struct aw_explain *ex, const struct way *way, struct measured *measured)
{
    const struct aw_replay *replay = &ex->replay;
    struct aw_simulation sim = {
        .seconds = seconds_of, .measured = true, .go_on = in_time, .arg = measured
    };
    struct aw_simulated result = { 0 };
    struct aw_error err;
    struct aw_sched *sched = aw_sched_create (ex->report.workflow->graph, &way->config, &err);
    double t = NAN;

    if (!sched)
        return NAN;
    for (uint32_t i = 0; i < replay->n_nodes + way->more_nodes; i++) {
        uint32_t like = i < replay->n_nodes ? i : replay->n_nodes - 1;

        if (join (sched, &replay->nodes[like], i, way->more_gpus, &err) < 0)
            goto out;
    }
    if (aw_sched_check (sched, &err) == 0 && aw_simulate (sched, &sim, &result, &err) == 0)
        t = result.end;
out:
    aw_sched_destroy (sched);
    return t;
}

static void put_way (struct aw_explain *ex, const char *what, double t, double base)
{
    char time[32];

    aw_textbuf_puts (ex->out, "  ");
    aw_textbuf_cell (ex->out, what, 28);
    if (isnan (t))
        aw_textbuf_puts (ex->out, "         -\n");
    else
        aw_textbuf_printf (ex->out, " %9s %+7.1f %%\n", aw_format_seconds (time, sizeof (time), t),
                           100 * (t / base - 1));
}

/* The other orders, and stage after stage. */
static void put_orders (struct aw_explain *ex, struct measured *measured, double base)
{
    const struct aw_sched_config *mine = &ex->replay.config;

    for (uint32_t i = 0; i < aw_n_candidates; i++) {
        const struct aw_candidate *c = &aw_candidates[i];
        struct way way = { .config = c->config };
        char what[64];

        if (c->config.mode == mine->mode
            && (c->config.policy == mine->policy || mine->mode == AW_MODE_SEQUENTIAL))
            continue;
        snprintf (what, sizeof (what),
                  c->config.mode == AW_MODE_SEQUENTIAL ? "stage after stage" : "order %s", c->name);
        put_way (ex, what, try_way (ex, &way, measured), base);
    }
}

void aw_explain_gain (struct aw_explain *ex)
{
    struct measured measured = { &ex->report.history, ex->report.sets,
                                 aw_clock_monotonic () + AW_EXPLAIN_BUDGET };
    struct way way = { .config = ex->replay.config };
    uint32_t n = ex->replay.n_nodes;
    double base;

    if (n == 0)
        return;
    base = try_way (ex, &way, &measured);
    if (!(base > 0)) {
        aw_textbuf_puts (ex->out,
                         "\nOther ways were not simulated: that would take too long, or the "
                         "nodes that the journal names cannot hold all tasks.\n");
        return;
    }
    aw_textbuf_puts (ex->out, "\nOther ways, simulated with the durations that were measured\n");
    put_way (ex, "as it was", base, base);
    way.more_nodes = 1;
    put_way (ex, "one node more", try_way (ex, &way, &measured), base);
    way.more_nodes = n;
    if (n > 1)
        put_way (ex, "twice the nodes", try_way (ex, &way, &measured), base);
    way.more_nodes = 0;
    way.more_gpus = true;
    if (ex->report.summary.gpus && ex->report.workflow->graph->n_gpu_types == 0)
        put_way (ex, "twice the GPUs on each node", try_way (ex, &way, &measured), base);
    put_orders (ex, &measured, base);
}

/* Seconds of the longest chain. */
struct spent {
    double ran, resources, other;
};

/* What the chain's link number I waited for: resources from when it was ready, else the start of
 * its launch, a failed attempt's delay, or an interruption. */
static struct spent spent_on (const struct aw_report *report, size_t i)
{
    const struct aw_attempt *a = &report->history.attempts[report->chain[i]];
    double before =
        i ? report->history.attempts[report->chain[i - 1]].finish : report->summary.first_start;
    double began = aw_attempt_began (a), wait = fmax (0, began - before);
    double ready = isnan (a->ready) ? 0 : fmin (wait, fmax (0, began - a->ready));

    return (struct spent){ a->finish - began, ready, wait - ready };
}

void aw_explain_time (struct aw_explain *ex)
{
    const struct aw_report *report = &ex->report;
    struct spent all = { 0, 0, 0 };
    char a[32], b[32], c[32];

    if (report->n_chain == 0)
        return;
    for (size_t i = 0; i < report->n_chain; i++) {
        struct spent s = spent_on (report, i);

        all.ran += s.ran;
        all.resources += s.resources;
        all.other += s.other;
    }
    aw_textbuf_printf (
        ex->out,
        "\nWhere the time went: the chain of tasks that took longest has %zu task%s\n"
        "  %9s running\n  %9s ready, waiting for CPUs, GPUs, memory or data\n"
        "  %9s between the end of one and the time when the next was ready\n"
        "The tasks of the chain: async-workflow report ",
        report->n_chain, report->n_chain == 1 ? "" : "s",
        aw_format_seconds (a, sizeof (a), all.ran),
        aw_format_seconds (b, sizeof (b), all.resources),
        aw_format_seconds (c, sizeof (c), all.other));
    aw_shell_quote_shown (ex->out, report->dir);
    aw_textbuf_putc (ex->out, '\n');
}
