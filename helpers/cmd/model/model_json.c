/* SPDX-License-Identifier: Apache-2.0 */
/* The model's figures for programs: seconds, shares between 0 and 1, counts. */
#include <inttypes.h>
#include <math.h>

#include "cmd/model/model.h"
#include "io/json_string.h"

static void put_number (struct aw_textbuf *out, double value)
{
    if (isfinite (value))
        aw_textbuf_printf (out, "%.12g", value);
    else
        aw_textbuf_puts (out, "null");
}

static void key (struct aw_textbuf *out, const char *name)
{
    aw_textbuf_puts (out, ",\n  ");
    aw_json_put_string (out, name);
    aw_textbuf_puts (out, ": ");
}

static void number (struct aw_textbuf *out, const char *name, double value)
{
    key (out, name);
    put_number (out, value);
}

static void count (struct aw_textbuf *out, const char *name, uint64_t value)
{
    key (out, name);
    aw_textbuf_u64 (out, value);
}

static void truth (struct aw_textbuf *out, const char *name, bool value)
{
    key (out, name);
    aw_textbuf_puts (out, value ? "true" : "false");
}

static void put_nodes (const struct aw_allocation *a, struct aw_textbuf *out)
{
    key (out, "allocation");
    aw_textbuf_printf (out,
                       "{ \"nodes\": %" PRIu32 ", \"cpus\": %" PRIu64 ", \"gpus\": %" PRIu64
                       ", \"shapes\": [",
                       a->n_nodes, a->cpus, a->gpus);
    for (uint32_t i = 0; i < a->n_shapes; i++) {
        const struct aw_node_shape *s = &a->shapes[i];

        aw_textbuf_printf (out,
                           "%s{ \"nodes\": %" PRIu32 ", \"cpus\": %" PRIu32 ", \"gpus\": %" PRIu32,
                           i ? ", " : "", s->nodes, s->cpus, s->gpus);
        if (s->mem)
            aw_textbuf_printf (out, ", \"mem\": %" PRIu64, s->mem);
        aw_textbuf_puts (out, " }");
    }
    aw_textbuf_puts (out, "] }");
}

static void put_degrees (const struct aw_degrees *d, struct aw_textbuf *out)
{
    count (out, "branches", d->branches);
    count (out, "doa_dep", d->doa_dep);
    count (out, "doa_res", d->doa_res);
    truth (out, "doa_res_is_bound", d->doa_res_is_bound);
    if (d->doa_res_is_bound)
        count (out, "doa_res_most", d->doa_res_most);
    count (out, "wla", d->wla);
    count (out, "width", d->width);
    truth (out, "width_is_bound", d->width_is_bound);
    count (out, "stages", d->stages);
}

static void put_path (const struct aw_graph *g, const struct aw_bounds *b, struct aw_textbuf *out)
{
    key (out, "critical_path_sets");
    aw_textbuf_putc (out, '[');
    for (uint32_t i = 0; i < b->n_path; i++) {
        struct aw_task at = aw_graph_instance_place (g, b->path[i]);

        aw_textbuf_puts (out, i ? ", \"" : "\"");
        aw_json_put_text (out, g->sets[at.set].name);
        if (aw_graph_names_iteration (g, at.set))
            aw_textbuf_printf (out, "@%" PRIu32, at.iteration);
        aw_textbuf_putc (out, '"');
    }
    aw_textbuf_putc (out, ']');
}

static void put_bounds (const struct aw_bounds *b, struct aw_textbuf *out)
{
    number (out, "critical_path", b->critical_path);
    number (out, "wave_path", b->wave_path);
    number (out, "area_bound", b->area);
    key (out, "area_bounds");
    aw_textbuf_puts (out, "{ \"cpus\": ");
    put_number (out, b->area_cpus);
    aw_textbuf_puts (out, ", \"gpus\": ");
    put_number (out, b->area_gpus);
    aw_textbuf_puts (out, ", \"mem\": ");
    put_number (out, b->area_mem);
    aw_textbuf_puts (out, " }");
    number (out, "work_bound", b->work);
    number (out, "lower_bound", b->lower);
    number (out, "t_seq_formula", b->t_seq_formula);
    number (out, "serial_sum", b->serial_sum);
}

static void put_policies (const struct aw_comparison *c, struct aw_textbuf *out)
{
    const char *separator = "";

    key (out, "policies");
    aw_textbuf_puts (out, "{");
    for (uint32_t i = 0; i < aw_n_candidates; i++) {
        if (!c->tried[i])
            continue;
        aw_textbuf_printf (out, "%s \"%s\": ", separator, aw_candidates[i].name);
        put_number (out, c->trials[i].t);
        separator = ",";
    }
    aw_textbuf_puts (out, " }");
}

static void put_trial (const char *name, const struct aw_trial *t, struct aw_textbuf *out)
{
    key (out, name);
    aw_textbuf_puts (out, "{ \"cpus\": ");
    put_number (out, t->cpu_share);
    aw_textbuf_puts (out, ", \"gpus\": ");
    put_number (out, t->gpu_share);
    aw_textbuf_puts (out, " }");
}

static void put_interval (const char *name, const struct aw_interval *i, struct aw_textbuf *out)
{
    key (out, name);
    aw_textbuf_puts (out, "{ \"p5\": ");
    put_number (out, i->low);
    aw_textbuf_puts (out, ", \"median\": ");
    put_number (out, i->median);
    aw_textbuf_puts (out, ", \"p95\": ");
    put_number (out, i->high);
    aw_textbuf_puts (out, " }");
}

static void put_times (const struct aw_prediction *p, struct aw_textbuf *out)
{
    const struct aw_trial *best = &p->comparison.trials[p->comparison.best];
    const struct aw_trial *sequential = &p->comparison.trials[aw_candidate_find ("sequential")];

    number (out, "t_seq", p->t_seq);
    number (out, "t_async", p->t_async);
    number (out, "improvement", p->improvement);
    key (out, "policy");
    aw_json_put_string (out, aw_candidates[p->comparison.best].name);
    key (out, "plan");
    if (aw_plan_is_one (&p->plan))
        put_number (out, p->plan.t);
    else
        aw_textbuf_puts (out, "null");
    count (out, "plan_evaluations", p->plan.evaluations);
    put_policies (&p->comparison, out);
    put_trial ("utilisation", best, out);
    put_trial ("utilisation_seq", sequential, out);
    number (out, "node_hours", best->node_hours);
    number (out, "node_hours_seq", sequential->node_hours);
    if (p->seeds) {
        count (out, "seeds", p->seeds);
        put_interval ("t_seq_interval", &p->t_seq_interval, out);
        put_interval ("t_async_interval", &p->t_async_interval, out);
        put_interval ("improvement_interval", &p->improvement_interval, out);
    }
}

static void put_staging (const struct aw_staging_gain *gain, struct aw_textbuf *out)
{
    key (out, "staging");
    if (!gain->known) {
        aw_textbuf_puts (out, "null");
        return;
    }
    aw_textbuf_puts (out, "{ \"async\": ");
    put_number (out, gain->async);
    aw_textbuf_puts (out, ", \"sync\": ");
    put_number (out, gain->sync);
    aw_textbuf_puts (out, ", \"none\": ");
    put_number (out, gain->none);
    aw_textbuf_puts (out, ", \"hidden\": ");
    put_number (out, gain->hidden);
    aw_textbuf_puts (out, " }");
}

void aw_model_json (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_graph *g = page->workflow->graph;

    aw_textbuf_puts (out, "{\n  \"workflow\": ");
    aw_json_put_string (out, page->workflow->name);
    count (out, "task_sets", g->n_sets);
    count (out, "iterations", g->iterations);
    count (out, "tasks", g->n_tasks);
    put_nodes (page->allocation, out);
    number (out, "latency", page->latency);
    put_degrees (&page->prediction->degrees, out);
    put_bounds (&page->prediction->bounds, out);
    put_path (g, &page->prediction->bounds, out);
    put_times (page->prediction, out);
    put_staging (&page->prediction->staging, out);
    aw_textbuf_puts (out, "\n}\n");
}
