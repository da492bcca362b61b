/* SPDX-License-Identifier: Apache-2.0 */
/* The model's figures for people: each with what it means, and at the end what they say together.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd/model/model.h"
#include "util/units.h"

enum { SHOWN_ON_PATH = 12 };

/* "16 nodes of 168 CPUs and 6 GPUs, 2 of 64 CPUs". */
static void put_nodes (const struct aw_allocation *a, struct aw_textbuf *out)
{
    char buf[32];

    for (uint32_t i = 0; i < a->n_shapes; i++) {
        const struct aw_node_shape *s = &a->shapes[i];

        aw_textbuf_printf (out, "%s%" PRIu32 "%s of %" PRIu32 " CPU%s", i ? ", " : "", s->nodes,
                           i               ? ""
                           : s->nodes == 1 ? " node"
                                           : " nodes",
                           s->cpus, aw_plural (s->cpus));
        if (s->gpus)
            aw_textbuf_printf (out, " and %" PRIu32 " GPU%s", s->gpus, aw_plural (s->gpus));
        if (s->mem)
            aw_textbuf_printf (out, " with %s", aw_format_bytes (buf, sizeof (buf), s->mem));
    }
}

static void heading (struct aw_textbuf *out, const char *text)
{
    aw_textbuf_printf (out, "\n%s\n", text);
}

/* One figure a line; MARK is "<=" or ">=" where it is a bound. */
static void count (
    struct aw_textbuf *out, const char *name, const char *mark, uint64_t value, const char *meaning)
{
    char number[32];

    snprintf (number, sizeof (number), "%s%s%" PRIu64, mark, *mark ? " " : "", value);
    aw_textbuf_printf (out, "  %-20s %11s    %s\n", name, number, meaning);
}

static void seconds (struct aw_textbuf *out, const char *name, double value)
{
    aw_textbuf_printf (out, "  %-20s %9.1f s    ", name, value);
}

static void put_head (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_graph *g = page->workflow->graph;
    char buf[32];

    aw_textbuf_puts (out, page->workflow->name);
    aw_textbuf_printf (out, ": %" PRIu32 " task set%s, ", g->n_sets, aw_plural (g->n_sets));
    if (g->iterated)
        aw_textbuf_printf (out, "%" PRIu32 " iteration%s, ", g->iterations,
                           aw_plural (g->iterations));
    aw_textbuf_printf (out, "%" PRIu32 " task%s\non ", g->n_tasks, aw_plural (g->n_tasks));
    put_nodes (page->allocation, out);
    aw_textbuf_putc (out, '\n');
    if (page->durations->n > 0) {
        aw_textbuf_printf (out, "with the durations of the run%s in ",
                           aw_plural (page->durations->n));
        aw_model_put_names (page->durations, out);
        aw_textbuf_putc (out, '\n');
    }
    if (page->latency > 0)
        aw_textbuf_printf (out, "with %s added to each wait for other tasks\n",
                           aw_format_seconds (buf, sizeof (buf), page->latency));
}

static void put_degrees (const struct aw_degrees *d, struct aw_textbuf *out)
{
    heading (out, "What can run at the same time");
    count (out, "branches", "", d->branches, "ends of the workflow: sets without successors");
    count (out, "DOA_dep", "", d->doa_dep,
           "degree of asynchronicity by dependencies: branches - 1");
    count (out, "DOA_res", d->doa_res_is_bound ? ">=" : "", d->doa_res,
           "by resources: branches that can run a whole set each at the same time, - 1");
    count (out, "WLA", d->doa_res_is_bound && d->wla < d->doa_dep ? ">=" : "", d->wla,
           "of the workload on this allocation: the smaller of the two");
    count (out, "width - 1", d->width_is_bound ? "<=" : "", d->width - 1,
           "upper limit: the most sets of which none waits for another, - 1");
}

static void put_path (const struct aw_graph *g, const struct aw_bounds *b, struct aw_textbuf *out)
{
    struct aw_task at;

    for (uint32_t i = 0; i < b->n_path; i++) {
        if (b->n_path > SHOWN_ON_PATH && i == SHOWN_ON_PATH / 2) {
            aw_textbuf_printf (out, " > ... %" PRIu32 " more ...", b->n_path - SHOWN_ON_PATH);
            i = b->n_path - SHOWN_ON_PATH / 2;
        }
        at = aw_graph_instance_place (g, b->path[i]);
        aw_textbuf_printf (out, "%s%s", i ? " > " : "", g->sets[at.set].name);
        if (aw_graph_names_iteration (g, at.set))
            aw_textbuf_printf (out, "@%" PRIu32, at.iteration);
    }
    aw_textbuf_putc (out, '\n');
}

static void put_bounds (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_bounds *b = &page->prediction->bounds;

    heading (out, "Lower bounds of the makespan");
    seconds (out, "critical path", b->critical_path);
    put_path (page->workflow->graph, b, out);
    if (b->wave_path > b->critical_path * (1 + 1e-9)) {
        seconds (out, "in waves", b->wave_path);
        aw_textbuf_puts (out, "the longest path if sets larger than the allocation run in waves\n");
    }
    seconds (out, "CPUs", b->area_cpus);
    aw_textbuf_puts (out, "CPU time of all tasks divided by the CPUs\n");
    if (page->allocation->gpus) {
        seconds (out, "GPUs", b->area_gpus);
        aw_textbuf_puts (out, "the same for GPUs\n");
    }
    if (b->area_mem > 0) {
        seconds (out, "memory", b->area_mem);
        aw_textbuf_puts (out, "the same for memory\n");
    }
    if (b->work > 0) {
        seconds (out, "work in between", b->work);
        aw_textbuf_puts (out, "paths and work together: sets after and before others\n");
    }
}

static void put_trial (const struct aw_model_page *page,
                       uint32_t candidate,
                       const char *name,
                       struct aw_textbuf *out)
{
    const struct aw_trial *t = &page->prediction->comparison.trials[candidate];

    seconds (out, name, t->t);
    aw_textbuf_printf (out, "CPUs %3.0f%%", 100 * t->cpu_share);
    if (page->allocation->gpus)
        aw_textbuf_printf (out, ", GPUs %3.0f%%", 100 * t->gpu_share);
    aw_textbuf_printf (out, " busy, %.3g node-hours%s\n", t->node_hours,
                       candidate == page->prediction->comparison.best
                               && !aw_plan_is_one (&page->prediction->plan)
                           ? "  <- best"
                           : "");
}

static void put_interval (const char *name, const struct aw_interval *i, struct aw_textbuf *out)
{
    seconds (out, name, i->median);
    aw_textbuf_printf (out, "%.1f to %.1f s\n", i->low, i->high);
}

/* "an order found by search, 3 places held, 2500 simulations  <- best" */
static void put_plan (const struct aw_found_plan *plan, const char *policy, struct aw_textbuf *out)
{
    if (plan->places)
        aw_textbuf_puts (out, "an order found by search");
    else
        aw_textbuf_puts (out, policy);
    if (plan->holds.n > 0)
        aw_textbuf_printf (out, ", holding places for %" PRIu32 " set instance%s", plan->holds.n,
                           aw_plural (plan->holds.n));
    aw_textbuf_printf (out, ", %" PRIu32 " simulation%s  <- best\n", plan->evaluations,
                       aw_plural (plan->evaluations));
}

static void put_times (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_prediction *p = page->prediction;
    uint32_t sequential = (uint32_t)aw_candidate_find ("sequential");

    heading (out, "Makespan by order");
    seconds (out, "one task at a time", p->bounds.serial_sum);
    aw_textbuf_puts (out, "the sum over all tasks\n");
    put_trial (page, sequential, "stage after stage", out);
    for (uint32_t i = 0; i < aw_n_candidates; i++)
        if (i != sequential && p->comparison.tried[i])
            put_trial (page, i, aw_candidates[i].name, out);
    if (aw_plan_is_one (&p->plan)) {
        seconds (out, "plan", p->plan.t);
        put_plan (&p->plan, aw_candidates[p->comparison.best].name, out);
    }
}

/* How far all this can be off. */
static void put_intervals (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_prediction *p = page->prediction;

    if (!page->spread)
        return;
    heading (out, "With varied durations: the median, and what holds 90% of runs");
    if (p->seeds == 0) {
        aw_textbuf_puts (
            out, "  The workflow is too large to simulate it often enough: give --seeds.\n");
        return;
    }
    put_interval ("stage after stage", &p->t_seq_interval, out);
    put_interval (aw_plan_is_one (&p->plan) ? "plan" : aw_candidates[p->comparison.best].name,
                  &p->t_async_interval, out);
    aw_textbuf_printf (out, "  %-20s %11.3f    %.3f to %.3f\n", "I", p->improvement_interval.median,
                       p->improvement_interval.low, p->improvement_interval.high);
    aw_textbuf_printf (out, "  %" PRIu32 " simulation%s; ", p->seeds, aw_plural (p->seeds));
    aw_model_put_basis (page->spread, page->durations, out);
    aw_textbuf_puts (out, ".\n");
}

void aw_model_put_basis (const struct aw_spread *spread,
                         const struct aw_strings *durations,
                         struct aw_textbuf *out)
{
    uint32_t unknown = aw_spread_count (spread, AW_SPREAD_ASSUMED);

    if (unknown > 0) {
        aw_textbuf_printf (out,
                           "the spread of %" PRIu32 " of %" PRIu32
                           " sets is not known: their durations are assumed right within 10%%",
                           unknown, spread->n_sets);
        return;
    }
    aw_textbuf_puts (out, "durations vary as ");
    if (aw_spread_count (spread, AW_SPREAD_SAMPLED) == 0 || !durations) {
        aw_textbuf_puts (out, "given");
        return;
    }
    aw_textbuf_puts (out, "in ");
    aw_model_put_names (durations, out);
}

/* If copies have a duration: what they cost by each way to make them. */
static void put_staging (const struct aw_staging_gain *gain, struct aw_textbuf *out)
{
    if (!gain->known)
        return;
    heading (out, "Makespan by staging, in the best order");
    seconds (out, "no copies", gain->none);
    aw_textbuf_puts (out, "all data is already in place\n");
    seconds (out, "asynchronous", gain->async);
    aw_textbuf_puts (out, "copies while other tasks compute\n");
    seconds (out, "synchronous", gain->sync);
    aw_textbuf_puts (out, "copies while the task holds its CPUs and GPUs\n");
    if (isnan (gain->hidden))
        aw_textbuf_puts (out, "  Synchronous copies add no time that could be hidden.\n");
    else
        aw_textbuf_printf (out,
                           "  Asynchronous staging hides %.1f%% of the %.1f s that synchronous "
                           "copies add.\n",
                           100 * gain->hidden, gain->sync - gain->none);
}

/* From when to when services are needed, and what they hold. */
static void put_services (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_graph *g = page->workflow->graph;
    char from[32], to[32], held[32], idle[32];

    if (!page->services)
        return;
    heading (out, "Services, in the best order");
    for (uint32_t s = 0; s < g->n_sets; s++) {
        const struct aw_service_times *t = &page->services[s];

        if (g->sets[s].service && t->n_starts > 0)
            aw_textbuf_printf (out, "  %-20s needed from %s to %s, %s held, %s of it idle\n",
                               g->sets[s].name, aw_format_seconds (from, sizeof (from), t->from),
                               aw_format_seconds (to, sizeof (to), t->to),
                               aw_format_seconds (held, sizeof (held), t->startup + t->served),
                               aw_format_seconds (idle, sizeof (idle), t->idle));
    }
}

/* Which bound is the largest, in words. */
static const char *limit (const struct aw_bounds *b)
{
    if (b->critical_path >= b->lower * (1 - 1e-9))
        return "the critical path: shorten a set on it";
    if (b->wave_path >= b->lower * (1 - 1e-9))
        return "waves of large sets: more nodes shorten it";
    if (b->area_gpus >= b->lower * (1 - 1e-9))
        return "the GPUs: more of them shorten it";
    if (b->area_cpus >= b->lower * (1 - 1e-9))
        return "the CPUs: more of them shorten it";
    if (b->area_mem >= b->lower * (1 - 1e-9))
        return "the memory: more of it shortens it";
    return "work between what comes before and after it: more nodes shorten it";
}

static void put_conclusion (const struct aw_prediction *p, struct aw_textbuf *out)
{
    double over = p->bounds.lower > 0 ? p->t_async / p->bounds.lower - 1 : 0;

    heading (out, "Gain of asynchronous execution");
    aw_textbuf_printf (out, "  I = 1 - t_async / t_seq = 1 - %.1f / %.1f = %.3f\n", p->t_async,
                       p->t_seq, p->improvement);
    if (p->comparison.best == (uint32_t)aw_candidate_find ("sequential"))
        aw_textbuf_puts (out, "  No order is shorter than stage after stage.\n");
    else if (p->improvement < 0.001)
        aw_textbuf_puts (
            out, "  Stage after stage is as short: no stage waits while another could run.\n");
    if (p->plan.places)
        aw_textbuf_printf (out, "  The plan is %.1f%% shorter than the best policy, %s.\n",
                           100 * (1 - p->plan.t / p->comparison.trials[p->comparison.best].t),
                           aw_candidates[p->comparison.best].name);
    aw_textbuf_printf (out, "  The best order is within %.1f%% of the largest lower bound, %s.\n",
                       100 * over, limit (&p->bounds));
}

void aw_model_text (const struct aw_model_page *page, struct aw_textbuf *out)
{
    put_head (page, out);
    put_degrees (&page->prediction->degrees, out);
    put_bounds (page, out);
    put_times (page, out);
    put_intervals (page, out);
    put_services (page, out);
    put_staging (&page->prediction->staging, out);
    put_conclusion (page->prediction, out);
}

void aw_model_brief (const struct aw_model_page *page, struct aw_textbuf *out)
{
    const struct aw_prediction *p = page->prediction;
    char async[32], seq[32], least[32];

    if (isnan (p->t_async) || isnan (p->t_seq)) {
        aw_textbuf_printf (out, "model: too many tasks to simulate all of them; lower bound %s\n",
                           aw_format_seconds (least, sizeof (least), p->bounds.lower));
        return;
    }
    aw_textbuf_printf (out, "model: %s by %s, stage after stage %s: I = %.3f; lower bound %s\n",
                       aw_format_seconds (async, sizeof (async), p->t_async),
                       aw_plan_is_one (&p->plan) ? "a plan"
                                                 : aw_candidates[p->comparison.best].name,
                       aw_format_seconds (seq, sizeof (seq), p->t_seq), p->improvement,
                       aw_format_seconds (least, sizeof (least), p->bounds.lower));
    if (p->staging.known)
        aw_textbuf_printf (out, "model: staging: asynchronous %s, synchronous %s, no copies %s\n",
                           aw_format_seconds (async, sizeof (async), p->staging.async),
                           aw_format_seconds (seq, sizeof (seq), p->staging.sync),
                           aw_format_seconds (least, sizeof (least), p->staging.none));
    aw_textbuf_printf (out,
                       "model: WLA %" PRIu64 " (DOA_dep %" PRIu64 ", DOA_res %s%" PRIu64 ") on ",
                       p->degrees.wla, p->degrees.doa_dep,
                       p->degrees.doa_res_is_bound ? "at least " : "", p->degrees.doa_res);
    put_nodes (page->allocation, out);
    aw_textbuf_putc (out, '\n');
}
