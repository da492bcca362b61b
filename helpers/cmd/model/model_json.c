/* SPDX-License-Identifier: Apache-2.0 */
/* The model's figures for programs: seconds, shares between 0 and 1, counts. */
#include <inttypes.h>
#include <math.h>

#include "cmd/model/model.h"
#include "io/json_string.h"

static void put_value (struct aw_textbuf *out, double value)
{
    if (isfinite (value))
        aw_textbuf_printf (out, "%.12g", value);
    else
        aw_textbuf_puts (out, "null");
}

void aw_model_json_key (struct aw_textbuf *out, const char *name)
{
    aw_textbuf_puts (out, ",\n  ");
    aw_json_put_string (out, name);
    aw_textbuf_puts (out, ": ");
}

void aw_model_json_number (struct aw_textbuf *out, const char *name, double value)
{
    aw_model_json_key (out, name);
    put_value (out, value);
}

void aw_model_json_count (struct aw_textbuf *out, const char *name, uint64_t value)
{
    aw_model_json_key (out, name);
    aw_textbuf_u64 (out, value);
}

/* An object: VALUES by their NAMES, which end with NULL. */
static void put_object (struct aw_textbuf *out, const char *const names[], const double values[])
{
    for (size_t i = 0; names[i]; i++) {
        aw_textbuf_printf (out, "%s\"%s\": ", i ? ", " : "{ ", names[i]);
        put_value (out, values[i]);
    }
    aw_textbuf_puts (out, " }");
}

static void truth (struct aw_textbuf *out, const char *name, bool value)
{
    aw_model_json_key (out, name);
    aw_textbuf_puts (out, value ? "true" : "false");
}

static void put_nodes (const struct aw_allocation *a, struct aw_textbuf *out)
{
    aw_model_json_key (out, "allocation");
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
    aw_model_json_count (out, "branches", d->branches);
    aw_model_json_count (out, "doa_dep", d->doa_dep);
    aw_model_json_count (out, "doa_res", d->doa_res);
    truth (out, "doa_res_is_bound", d->doa_res_is_bound);
    if (d->doa_res_is_bound)
        aw_model_json_count (out, "doa_res_most", d->doa_res_most);
    aw_model_json_count (out, "wla", d->wla);
    aw_model_json_count (out, "width", d->width);
    truth (out, "width_is_bound", d->width_is_bound);
    aw_model_json_count (out, "stages", d->stages);
}

static void put_path (const struct aw_graph *g, const struct aw_bounds *b, struct aw_textbuf *out)
{
    aw_model_json_key (out, "critical_path_sets");
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
    static const char *const names[] = { "cpus", "gpus", "mem", NULL };

    aw_model_json_number (out, "critical_path", b->critical_path);
    aw_model_json_number (out, "wave_path", b->wave_path);
    aw_model_json_number (out, "area_bound", b->area);
    aw_model_json_key (out, "area_bounds");
    put_object (out, names, (double[]){ b->area_cpus, b->area_gpus, b->area_mem });
    aw_model_json_number (out, "work_bound", b->work);
    aw_model_json_number (out, "lower_bound", b->lower);
    aw_model_json_number (out, "t_seq_formula", b->t_seq_formula);
    aw_model_json_number (out, "serial_sum", b->serial_sum);
}

static void put_policies (const struct aw_comparison *c, struct aw_textbuf *out)
{
    const char *separator = "";

    aw_model_json_key (out, "policies");
    aw_textbuf_puts (out, "{");
    for (uint32_t i = 0; i < aw_n_candidates; i++) {
        if (!c->tried[i])
            continue;
        aw_textbuf_printf (out, "%s \"%s\": ", separator, aw_candidates[i].name);
        put_value (out, c->trials[i].t);
        separator = ",";
    }
    aw_textbuf_puts (out, " }");
}

static void put_trial (const char *name, const struct aw_trial *t, struct aw_textbuf *out)
{
    static const char *const names[] = { "cpus", "gpus", NULL };

    aw_model_json_key (out, name);
    put_object (out, names, (double[]){ t->cpu_share, t->gpu_share });
}

static void put_interval (const char *name, const struct aw_interval *i, struct aw_textbuf *out)
{
    static const char *const names[] = { "p5", "median", "p95", NULL };

    aw_model_json_key (out, name);
    put_object (out, names, (double[]){ i->low, i->median, i->high });
}

static void put_times (const struct aw_prediction *p, struct aw_textbuf *out)
{
    const struct aw_trial *best = &p->comparison.trials[p->comparison.best];
    const struct aw_trial *sequential = &p->comparison.trials[aw_candidate_find ("sequential")];

    aw_model_json_number (out, "t_seq", p->t_seq);
    aw_model_json_number (out, "t_async", p->t_async);
    aw_model_json_number (out, "improvement", p->improvement);
    aw_model_json_key (out, "policy");
    aw_json_put_string (out, aw_candidates[p->comparison.best].name);
    aw_model_json_key (out, "plan");
    if (aw_plan_is_one (&p->plan))
        put_value (out, p->plan.t);
    else
        aw_textbuf_puts (out, "null");
    aw_model_json_count (out, "plan_evaluations", p->plan.evaluations);
    put_policies (&p->comparison, out);
    put_trial ("utilisation", best, out);
    put_trial ("utilisation_seq", sequential, out);
    aw_model_json_number (out, "node_hours", best->node_hours);
    aw_model_json_number (out, "node_hours_seq", sequential->node_hours);
    if (p->seeds) {
        aw_model_json_count (out, "seeds", p->seeds);
        put_interval ("t_seq_interval", &p->t_seq_interval, out);
        put_interval ("t_async_interval", &p->t_async_interval, out);
        put_interval ("improvement_interval", &p->improvement_interval, out);
    }
}

static void put_services (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_graph *g = page->workflow->graph;
    const char *separator = "";

    aw_model_json_key (out, "services");
    aw_textbuf_putc (out, '{');
    for (uint32_t s = 0; page->services && s < g->n_sets; s++) {
        const struct aw_service_times *t = &page->services[s];
        const double values[] = { t->from, t->to, t->startup + t->served, t->idle };
        static const char *const names[] = { "from", "to", "held", "idle", NULL };

        if (!g->sets[s].service)
            continue;
        aw_textbuf_puts (out, separator);
        aw_json_put_string (out, g->sets[s].name);
        aw_textbuf_puts (out, ": ");
        put_object (out, names, values);
        separator = ", ";
    }
    aw_textbuf_putc (out, '}');
}

static void put_staging (const struct aw_staging_gain *gain, struct aw_textbuf *out)
{
    static const char *const names[] = { "async", "sync", "none", "hidden", NULL };

    aw_model_json_key (out, "staging");
    if (gain->known)
        put_object (out, names, (double[]){ gain->async, gain->sync, gain->none, gain->hidden });
    else
        aw_textbuf_puts (out, "null");
}

void aw_model_json (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_graph *g = page->workflow->graph;

    aw_textbuf_puts (out, "{\n  \"workflow\": ");
    aw_json_put_string (out, page->workflow->name);
    aw_model_json_count (out, "task_sets", g->n_sets);
    aw_model_json_count (out, "iterations", g->iterations);
    aw_model_json_count (out, "tasks", g->n_tasks);
    put_nodes (page->allocation, out);
    aw_model_json_number (out, "latency", page->latency);
    put_degrees (&page->prediction->degrees, out);
    put_bounds (&page->prediction->bounds, out);
    put_path (g, &page->prediction->bounds, out);
    put_times (page->prediction, out);
    put_services (page, out);
    put_staging (&page->prediction->staging, out);
    aw_textbuf_puts (out, "\n}\n");
}
