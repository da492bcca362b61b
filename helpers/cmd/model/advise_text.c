/* SPDX-License-Identifier: Apache-2.0 */
/* The advice for people: a line for each number of nodes, then what to take and why. */
#include <inttypes.h>
#include <math.h>

#include "cmd/model/advise.h"
#include "cmd/model/model.h"
#include "util/units.h"

static void put_head (const struct aw_advice *advice, struct aw_textbuf *out)
{
    const struct aw_graph *g = advice->workflow->graph;
    const struct aw_node_shape *node = &advice->node;
    char buf[32];

    aw_textbuf_printf (out, "%s: %" PRIu32 " task set%s, %" PRIu32 " task%s\n",
                       advice->workflow->name, g->n_sets, aw_plural (g->n_sets), g->n_tasks,
                       aw_plural (g->n_tasks));
    aw_textbuf_printf (out, "on nodes of %" PRIu32 " CPU%s", node->cpus, aw_plural (node->cpus));
    if (node->gpus)
        aw_textbuf_printf (out, " and %" PRIu32 " GPU%s", node->gpus, aw_plural (node->gpus));
    if (node->mem)
        aw_textbuf_printf (out, " with %s", aw_format_bytes (buf, sizeof (buf), node->mem));
    if (*advice->offer->partition)
        aw_textbuf_printf (out, "; partition %s has %" PRIu32 " in service%s",
                           advice->offer->partition, node->nodes,
                           advice->offer->n_kinds > 1 ? "; its other kinds are not used" : "");
    aw_textbuf_putc (out, '\n');
    if (advice->args->durations.n > 0) {
        aw_textbuf_printf (out, "with the durations of the run%s in ",
                           aw_plural (advice->args->durations.n));
        aw_model_put_names (&advice->args->durations, out);
        aw_textbuf_putc (out, '\n');
    }
    if (advice->args->latency > 0)
        aw_textbuf_printf (out, "with %s added to each wait for other tasks\n",
                           aw_format_seconds (buf, sizeof (buf), advice->args->latency));
}

static void put_row (const struct aw_advice *advice, uint32_t i, struct aw_textbuf *out)
{
    const struct aw_sweep *sweep = &advice->sweep;
    const struct aw_sweep_row *row = &sweep->rows[i];

    aw_textbuf_printf (out, "%8" PRIu32 " %10.1f s %12.4g %6.0f%%", row->nodes, row->trial.t,
                       row->trial.node_hours, 100 * row->trial.cpu_share);
    if (advice->node.gpus)
        aw_textbuf_printf (out, " %5.0f%%", 100 * row->trial.gpu_share);
    aw_textbuf_printf (out, " %10.1f s  %-12s", row->lower, aw_candidates[row->candidate].name);
    if (i == sweep->knee)
        aw_textbuf_puts (out, "  <- knee");
    if (i == sweep->fastest)
        aw_textbuf_puts (out, i == sweep->knee ? ", fastest" : "  <- fastest");
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->len--;
    aw_textbuf_putc (out, '\n');
}

static void put_table (const struct aw_advice *advice, struct aw_textbuf *out)
{
    aw_textbuf_printf (out, "\n%8s %12s %12s %7s%s %12s  %s\n", "nodes", "makespan", "node-hours",
                       "CPUs", advice->node.gpus ? "   GPUs" : "", "lower bound", "order");
    for (uint32_t i = 0; i < advice->sweep.n_rows; i++)
        put_row (advice, i, out);
}

/* Why the table ends where it does. */
static void put_end (const struct aw_advice *advice, struct aw_textbuf *out)
{
    const struct aw_sweep *sweep = &advice->sweep;
    const struct aw_sweep_row *fastest = &sweep->rows[sweep->fastest];
    char buf[32];

    if (fastest->trial.t <= sweep->critical_path * (1 + 1e-9))
        aw_textbuf_printf (
            out,
            "%" PRIu32 " node%s %s as long as the critical path: more nodes cannot be faster.\n",
            fastest->nodes, aw_plural (fastest->nodes), fastest->nodes == 1 ? "takes" : "take");
    if (sweep->cut)
        aw_textbuf_printf (
            out, "Stopped after %s, before all numbers of nodes: give more time with --budget.\n",
            aw_format_seconds (buf, sizeof (buf), advice->args->budget));
}

static void put_choice (const struct aw_advice *advice, struct aw_textbuf *out)
{
    const struct aw_sweep *sweep = &advice->sweep;
    const struct aw_sweep_row *knee = &sweep->rows[sweep->knee],
                              *fastest = &sweep->rows[sweep->fastest];

    aw_textbuf_printf (out,
                       "\nRecommended: %" PRIu32
                       " node%s, the knee: node-hours times makespan is smallest.\n",
                       knee->nodes, aw_plural (knee->nodes));
    if (sweep->fastest > sweep->knee)
        aw_textbuf_printf (out,
                           "The fastest, %" PRIu32
                           " nodes, saves %.1f%% of the time for %.0f%% more node-hours.\n",
                           fastest->nodes, 100 * (1 - fastest->trial.t / knee->trial.t),
                           100 * (fastest->trial.node_hours / knee->trial.node_hours - 1));
}

/* What the order of the table gains by a plan. */
static void put_plan (const struct aw_advice *advice, struct aw_textbuf *out)
{
    const struct aw_sweep_row *row = advice->chosen;

    if (!aw_plan_is_one (&advice->plan))
        return;
    aw_textbuf_printf (out, "A run searches for a plan; on %" PRIu32 " node%s one takes %.1f s",
                       row->nodes, aw_plural (row->nodes), advice->makespan);
    if (advice->plan.places)
        aw_textbuf_printf (out, ", %.1f%% less than %s",
                           100 * (1 - advice->makespan / row->trial.t),
                           aw_candidates[row->candidate].name);
    aw_textbuf_puts (out, advice->plan.holds.n > 0
                              ? " and holds places for tasks that are expected soon.\n"
                              : ".\n");
}

/* How far the makespan can be off, and whether the job's time is enough. */
static void put_interval (const struct aw_advice *advice, struct aw_textbuf *out)
{
    struct aw_interval i = aw_interval_of (advice->runs.t, advice->runs.n);
    if (advice->runs.n == 0) {
        aw_textbuf_puts (out, "The workflow is too large to simulate it often: no interval.\n");
        return;
    }
    aw_textbuf_printf (out,
                       "90%% of runs on %" PRIu32 " node%s take %.1f to %.1f s, the median is %.1f "
                       "s: ",
                       advice->chosen->nodes, aw_plural (advice->chosen->nodes), i.low, i.high,
                       i.median);
    aw_model_put_basis (&advice->spread, &advice->args->durations, out);
    aw_textbuf_printf (
        out, ".\nA run fits into a job of %" PRIu32 " min with a probability of %.0f%%.\n",
        advice->minutes, 100 * aw_advise_fits (advice));
}

static void put_limit (const struct aw_advice *advice, struct aw_textbuf *out)
{
    char buf[32];

    if (advice->args->script) {
        aw_textbuf_printf (
            out, "%s: for %" PRIu32 " node%s, with a time limit of %" PRIu32 " min (%.1f s, ",
            advice->args->script, advice->chosen->nodes, aw_plural (advice->chosen->nodes),
            advice->minutes, advice->makespan);
        aw_advise_put_limit (advice, out);
        aw_textbuf_printf (out, "): sbatch %s\n", advice->args->script);
    }
    if (advice->minutes * 60.0 > advice->offer->job_seconds)
        aw_textbuf_printf (
            out, "Partition %s has a time limit of %s: a job of %" PRIu32 " min would not start.\n",
            advice->offer->partition,
            aw_format_seconds (buf, sizeof (buf), advice->offer->job_seconds), advice->minutes);
}

void aw_advise_text (const struct aw_advice *advice, struct aw_textbuf *out)
{
    put_head (advice, out);
    put_table (advice, out);
    put_choice (advice, out);
    put_end (advice, out);
    put_plan (advice, out);
    put_interval (advice, out);
    put_limit (advice, out);
}
