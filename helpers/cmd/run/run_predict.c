/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_predict.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cmd/model/model.h"
#include "core/sched/plan.h"
#include "cmd/report/report.h"
#include "util/clock.h"
#include "util/units.h"

enum {
    INSTANCES_MAX = 4000
}; /* set instances beyond which the degrees alone would outlast any budget */

int aw_run_allocation (const struct aw_slurm_job *job,
                       struct aw_allocation *allocation,
                       struct aw_error *err)
{
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        const struct aw_slurm_node *node = &job->nodes[i];
        struct aw_node_shape shape = { 1, aw_idset_count (&node->cpus), node->n_gpus, 0 };

        if (aw_allocation_add (allocation, shape, err) < 0)
            return -1;
    }
    return 0;
}

void aw_run_warn_too_long (const struct aw_graph *graph, const char *file, double seconds)
{
    char need[32], left[32];

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        const struct aw_set *set = &graph->sets[s];
        bool limited = isfinite (set->time_limit);
        double t = limited ? set->time_limit : set->duration; /* as the scheduler has it */

        if (!set->checkpoint_signal && t > seconds) /* one with a checkpoint may be cut */
            fprintf (stderr,
                     "async-workflow: warning: %s: tasks.%s: a task takes %s (its %s) and the run "
                     "ends in %s: it will not start\n",
                     file, set->name, aw_format_seconds (need, sizeof (need), t),
                     limited ? "time_limit" : "duration",
                     aw_format_seconds (left, sizeof (left), seconds));
    }
}

void aw_run_hint_cpus (const struct aw_workflow *workflow,
                       const char *file,
                       const struct aw_allocation *allocation)
{
    uint32_t each = UINT32_MAX; /* CPUs for each GPU */

    for (uint32_t i = 0; i < allocation->n_shapes; i++) {
        const struct aw_node_shape *shape = &allocation->shapes[i];

        if (shape->gpus > 0 && shape->cpus / shape->gpus < each)
            each = shape->cpus / shape->gpus;
    }
    for (uint32_t s = 0; each != UINT32_MAX && each > 1 && s < workflow->graph->n_sets; s++) {
        const struct aw_set *set = &workflow->graph->sets[s];

        if (set->gpus == 0 || set->cpus > 1 || workflow->recipes[s].cpus_given)
            continue;
        fprintf (stderr,
                 "async-workflow: hint: %s: tasks.%s: a task with GPUs has 1 CPU by default; the "
                 "nodes have %u for each GPU: give \"cpus\"\n",
                 file, set->name, each);
        return;
    }
}

static bool in_budget (void *arg)
{
    const double *deadline = arg;

    return aw_clock_monotonic () < *deadline;
}

/* "simulate, train": the sets whose duration is not known. How many there are. */
static uint32_t unknown_sets (const struct aw_graph *graph, struct aw_textbuf *out)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        if (!isnan (graph->sets[s].duration))
            continue;
        if (n < 4)
            aw_textbuf_printf (out, "%s%s", n ? ", " : "", graph->sets[s].name);
        n++;
    }
    if (n > 4)
        aw_textbuf_printf (out, " and %" PRIu32 " more", n - 4);
    return n;
}

/* Do the options allow to run like this? */
static bool open_to (const struct aw_run_args *args, const struct aw_sched_config *config)
{
    if (args->mode_given && config->mode != args->sched.mode)
        return false;
    return config->mode == AW_MODE_SEQUENTIAL || !args->policy_given
           || config->policy == args->sched.policy;
}

/* The shortest of the allowed candidates; of equal ones the first. */
static struct aw_run_plan choose (const struct aw_run_args *args,
                                  const struct aw_comparison *comparison)
{
    struct aw_run_plan plan = { .sched = args->sched };

    for (uint32_t i = 0; i < aw_n_candidates; i++) {
        double t = comparison->trials[i].t;

        if (!comparison->tried[i] || !open_to (args, &aw_candidates[i].config)
            || (args->policy_given && !args->mode_given
                && aw_candidates[i].config.mode == AW_MODE_SEQUENTIAL))
            continue;
        if (plan.outlook.rule == 0 || t < plan.outlook.rule * (1 - 1e-9))
            plan = (struct aw_run_plan){ aw_candidates[i].config, { .rule = t }, NULL };
    }
    if (args->policy_given)
        plan.sched.policy =
            args->sched.policy; /* sequential mode is simulated in one order alone */
    plan.outlook.order = plan.outlook.makespan = plan.outlook.rule;
    return plan;
}

/* The plan that was found, where the options leave the order open. */
static void take_order (struct aw_run_plan *plan,
                        const struct aw_run_args *args,
                        const struct aw_graph *graph,
                        const struct aw_found_plan *found)
{
    if (!aw_plan_is_one (found) || args->policy_given || plan->sched.mode != AW_MODE_ASYNC)
        return;
    plan->order =
        aw_plan_text (graph, found->places, &found->holds); /* without memory: the policy's order */
    if (plan->order)
        plan->outlook.order = plan->outlook.makespan = found->t;
}

/* "model: chosen: async, waves; simulated: waves 46.6 s, longest-path 48.0 s, ...". */
static void tell_choice (const struct aw_run_plan *plan,
                         const struct aw_comparison *comparison,
                         struct aw_textbuf *out)
{
    bool first = true;
    char text[32];

    aw_textbuf_printf (out, "model: chosen: %s, %s; simulated:", aw_mode_name (plan->sched.mode),
                       aw_policy_name (plan->sched.policy));
    for (uint32_t i = 0; i < aw_n_candidates; i++) {
        if (!comparison->tried[i])
            continue;
        aw_textbuf_printf (out, "%s %s %s", first ? "" : ",", aw_candidates[i].name,
                           aw_format_seconds (text, sizeof (text), comparison->trials[i].t));
        first = false;
    }
    aw_textbuf_putc (out, '\n');
}

/* What a plan gains over the best of these orders, and how far it, or this order, is from the best.
 */
static void tell_quality (const struct aw_run_plan *plan,
                          const struct aw_found_plan *found,
                          struct aw_textbuf *out)
{
    const struct aw_outlook *o = &plan->outlook;
    char text[32];

    aw_format_seconds (text, sizeof (text), o->order);
    if (plan->order && found->places)
        aw_textbuf_printf (out, "model: a plan is better than these orders: %s, %.1f%% shorter\n",
                           text, 100 * (1 - o->order / o->rule));
    else if (plan->order)
        aw_textbuf_printf (out, "model: a plan holds places for tasks that are expected soon: %s\n",
                           text);
    if (o->bound > 0)
        aw_textbuf_printf (out, "model: at most %.1f%% above the shortest possible order\n",
                           100 * fmax (0, o->order / o->bound - 1));
}

/* Choosing may take a hundredth of the run, 2 s at most: BUDGET, or more where the run is long. */
static double time_to_choose (const struct aw_graph *graph,
                              const struct aw_allocation *allocation,
                              double budget)
{
    struct aw_bounds bounds = { 0 };

    if (aw_bounds_init (&bounds, graph, allocation, 0, NULL) == 0)
        budget = fmax (budget, fmin (2, 0.01 * bounds.lower));
    aw_bounds_finish (&bounds);
    return budget;
}

/* Of the makespans of RUNS. Where the spread is known, the median is what to expect. */
static void take_interval (struct aw_run_plan *plan,
                           struct aw_ensemble *runs,
                           const struct aw_spread *spread,
                           const struct aw_strings *durations,
                           double seconds,
                           struct aw_textbuf *out)
{
    struct aw_interval i = aw_interval_of (runs->t, runs->n);
    char low[32], median[32], high[32];

    plan->outlook.low = i.low;
    plan->outlook.high = i.high;
    if (aw_spread_count (spread, AW_SPREAD_ASSUMED) == 0)
        plan->outlook.makespan = i.median;
    aw_textbuf_printf (out, "model: 90%% of runs take %s to %s, the median is %s: ",
                       aw_format_seconds (low, sizeof (low), i.low),
                       aw_format_seconds (high, sizeof (high), i.high),
                       aw_format_seconds (median, sizeof (median), i.median));
    aw_model_put_basis (spread, durations, out);
    aw_textbuf_putc (out, '\n');
    if (isfinite (seconds))
        aw_textbuf_printf (out,
                           "model: the run fits into the %s that it has with a probability of "
                           "%.0f%%\n",
                           aw_format_seconds (low, sizeof (low), seconds),
                           100 * aw_ensemble_within (runs, seconds));
}

/* "model: 90% of runs take 20m to 24m, ...": simulates the run as it will be, with durations that
 * vary.
 */
static int look_around (struct aw_run_plan *plan,
                        const struct aw_model_page *page,
                        struct aw_spread *spread,
                        double seconds,
                        struct aw_textbuf *out,
                        struct aw_error *err)
{
    const struct aw_graph *graph = page->workflow->graph;
    struct aw_order order = { plan->sched, plan->order ? &page->prediction->plan : NULL, 0 };
    struct aw_ensemble runs = { 0 };
    int rc = aw_ensemble_init (&runs, aw_ensemble_size (graph, plan->outlook.order), graph,
                               page->allocation, &order, spread, err);

    if (rc == 0 && runs.n > 0)
        take_interval (plan, &runs, spread, page->durations, seconds, out);
    else if (rc == 0)
        aw_textbuf_puts (out,
                         "model: no interval: the workflow is too large to simulate it often\n");
    aw_ensemble_finish (&runs);
    return rc;
}

static struct aw_run_plan simulate (const struct aw_run_args *args,
                                    const struct aw_workflow *workflow,
                                    const struct aw_allocation *allocation,
                                    const struct aw_run_terms *terms,
                                    struct aw_textbuf *out)
{
    double allowed = time_to_choose (workflow->graph, allocation, terms->budget);
    double deadline = aw_clock_monotonic () + allowed;
    struct aw_model_watch watch;
    struct aw_spread spread = { 0 };
    struct aw_predict_options options = {
        .conditions = { .spread = &spread, .go_on = in_budget, .arg = &deadline }
    };
    struct aw_run_plan plan = { .sched = args->sched };
    struct aw_prediction prediction = { 0 };
    struct aw_model_page page = { .workflow = workflow,
                                  .allocation = allocation,
                                  .prediction = &prediction,
                                  .durations = &args->value.durations };
    struct aw_error err = { "" };

    aw_model_limit_search (&options, &watch, args->policy_given ? 0 : args->value.plan_time,
                           args->value.plan_evaluations,
                           aw_plan_budget (workflow->graph, allocation));
    if (aw_graph_n_instances (workflow->graph) > INSTANCES_MAX)
        aw_textbuf_puts (
            out, "model: no prediction: the workflow is too large: use async-workflow model\n");
    else if (aw_spread_init (&spread, workflow->graph, terms->samples, NAN, &err) < 0
             || aw_prediction_init (&prediction, workflow->graph, allocation, &options, &err) < 0)
        aw_textbuf_printf (out, "model: no prediction: %s\n", err.text);
    else if (isnan (prediction.t_async) || isnan (prediction.t_seq))
        aw_textbuf_printf (out, "model: no prediction within %.2g s: use async-workflow model\n",
                           allowed);
    else {
        aw_model_brief (&page, out);
        plan = choose (args, &prediction.comparison);
        tell_choice (&plan, &prediction.comparison, out);
        take_order (&plan, args, workflow->graph, &prediction.plan);
        plan.outlook.bound = prediction.bounds.lower;
        tell_quality (&plan, &prediction.plan, out);
        if (look_around (&plan, &page, &spread, terms->seconds, out, &err) < 0)
            aw_textbuf_printf (out, "model: no interval: %s\n", err.text);
    }
    aw_prediction_finish (&prediction);
    aw_spread_finish (&spread);
    return plan;
}

struct aw_run_plan aw_run_predict (const struct aw_run_args *args,
                                   const struct aw_workflow *workflow,
                                   const struct aw_allocation *allocation,
                                   const struct aw_run_terms *terms,
                                   int fd)
{
    struct aw_run_plan plan = { .sched = args->sched };
    struct aw_textbuf names = { 0 }, out = { 0 };

    if (workflow->graph->n_sets > workflow->graph->n_base)
        aw_textbuf_puts (&out,
                         "model: no prediction: the workflow has tasks that other tasks added\n");
    else if (unknown_sets (workflow->graph, &names) > 0)
        aw_textbuf_printf (&out, "model: no prediction: give the duration of %.*s\n",
                           (int)names.len, names.data);
    else
        plan = simulate (args, workflow, allocation, terms, &out);
    if (!out.failed)
        aw_report_write (&out, fd);
    aw_textbuf_finish (&names);
    aw_textbuf_finish (&out);
    return plan;
}
