/* SPDX-License-Identifier: Apache-2.0 */
/* The advice for programs: seconds, shares between 0 and 1, counts. */
#include <inttypes.h>

#include "cmd/model/advise.h"
#include "cmd/model/model.h"
#include "io/json_string.h"

static void put_node (const struct aw_node_shape *node, struct aw_textbuf *out)
{
    aw_model_json_key (out, "node");
    aw_textbuf_printf (out, "{ \"cpus\": %" PRIu32 ", \"gpus\": %" PRIu32, node->cpus, node->gpus);
    if (node->mem)
        aw_textbuf_printf (out, ", \"mem\": %" PRIu64, node->mem);
    aw_textbuf_puts (out, " }");
}

static void put_field (struct aw_textbuf *out, const char *name, double value)
{
    aw_textbuf_printf (out, ", \"%s\": ", name);
    aw_textbuf_fixed (out, value, 9);
}

static void put_row (const struct aw_sweep_row *row, struct aw_textbuf *out)
{
    aw_textbuf_printf (out, "{ \"nodes\": %" PRIu32, row->nodes);
    put_field (out, "makespan", row->trial.t);
    put_field (out, "node_hours", row->trial.node_hours);
    put_field (out, "utilisation_cpus", row->trial.cpu_share);
    put_field (out, "utilisation_gpus", row->trial.gpu_share);
    put_field (out, "lower_bound", row->lower);
    aw_textbuf_printf (out, ", \"policy\": \"%s\" }", aw_candidates[row->candidate].name);
}

/* null: the order of the table is the best. */
static void put_plan (const struct aw_advice *advice, struct aw_textbuf *out)
{
    if (!aw_plan_is_one (&advice->plan)) {
        aw_textbuf_puts (out, "null");
        return;
    }
    aw_textbuf_puts (out, "{ \"makespan\": ");
    aw_textbuf_fixed (out, advice->makespan, 9);
    aw_textbuf_printf (out, ", \"evaluations\": %" PRIu32 " }", advice->plan.evaluations);
}

/* Of the makespan on the chosen nodes. */
static void put_interval (const struct aw_advice *advice, struct aw_textbuf *out)
{
    struct aw_interval i = aw_interval_of (advice->runs.t, advice->runs.n);

    aw_textbuf_printf (out, "{ \"seeds\": %" PRIu32, advice->runs.n);
    put_field (out, "p5", i.low);
    put_field (out, "median", i.median);
    put_field (out, "p95", i.high);
    aw_textbuf_puts (out, " }");
}

void aw_advise_json (const struct aw_advice *advice, struct aw_textbuf *out)
{
    const struct aw_sweep *sweep = &advice->sweep;
    const char *partition =
        *advice->offer->partition ? advice->offer->partition : advice->args->partition;

    aw_textbuf_puts (out, "{\n  \"workflow\": ");
    aw_json_put_string (out, advice->workflow->name);
    aw_model_json_count (out, "tasks", advice->workflow->graph->n_tasks);
    aw_model_json_key (out, "partition");
    aw_json_put_string (out, partition);
    put_node (&advice->node, out);
    aw_model_json_number (out, "latency", advice->args->latency);
    aw_model_json_number (out, "critical_path", sweep->critical_path);
    aw_model_json_key (out, "shapes");
    for (uint32_t i = 0; i < sweep->n_rows; i++) {
        aw_textbuf_puts (out, i ? ",\n    " : "[\n    ");
        put_row (&sweep->rows[i], out);
    }
    aw_textbuf_puts (out, "\n  ]");
    aw_model_json_count (out, "knee", sweep->rows[sweep->knee].nodes);
    aw_model_json_count (out, "fastest", sweep->rows[sweep->fastest].nodes);
    aw_model_json_key (out, "cut");
    aw_textbuf_puts (out, sweep->cut ? "true" : "false");
    aw_model_json_count (out, "chosen", advice->chosen->nodes);
    aw_model_json_key (out, "plan");
    put_plan (advice, out);
    aw_model_json_key (out, "interval");
    put_interval (advice, out);
    aw_model_json_number (out, "margin", advice->args->margin);
    aw_model_json_count (out, "time_limit_minutes", advice->minutes);
    aw_model_json_number (out, "fits", aw_advise_fits (advice));
    aw_model_json_key (out, "script");
    aw_json_put_string (out, advice->args->script);
    aw_textbuf_puts (out, "\n}\n");
}
