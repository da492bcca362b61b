/* SPDX-License-Identifier: Apache-2.0 */
/* How long a job on the chosen number of nodes should be allowed to take. */
#include <math.h>

#include "cmd/model/advise.h"
#include "cmd/model/model.h"
#include "model/predict.h"

/* The quantile of the makespan that the time limit is, unless it is given. */
static const double quantile = 0.99;

static const double fallback_margin = 0.25; /* without an interval */
static const double start_and_end = 30; /* seconds of a job in which no task runs */

/* Seconds that the job is allowed. */
static double limit (const struct aw_advice *advice)
{
    const struct aw_advise_args *args = advice->args;

    if (!isnan (args->time))
        return args->time;
    if (!isnan (args->margin))
        return advice->makespan * (1 + args->margin);
    if (advice->runs.n == 0)
        return advice->makespan * (1 + fallback_margin);
    return aw_quantile (advice->runs.t, advice->runs.n, quantile) + start_and_end;
}

/* The order that a run on ALLOCATION would choose: no plan where the policy is given. 0, or -1 with
 * text. */
static int find_plan (struct aw_advice *advice,
                      const struct aw_allocation *allocation,
                      struct aw_error *err)
{
    const struct aw_advise_args *args = advice->args;
    const struct aw_graph *graph = advice->workflow->graph;
    const struct aw_sweep_row *row = advice->chosen;
    struct aw_predict_options options = { .conditions = { .latency = args->latency,
                                                          .spread = &advice->spread } };
    struct aw_way way = { &aw_candidates[row->candidate].config, row->trial.t, row->lower };
    struct aw_model_watch watch;

    advice->makespan = row->trial.t;
    aw_model_limit_search (&options, &watch, args->policy ? 0 : args->plan_time,
                           args->plan_evaluations, aw_plan_budget (graph, allocation));
    if (aw_predict_plan (&advice->plan, graph, allocation, &options, &way, err) < 0)
        return -1;
    if (aw_plan_is_one (&advice->plan))
        advice->makespan = advice->plan.t;
    return 0;
}

/* The runs that the chosen order can become. 0, or -1 with text. */
static int simulate (struct aw_advice *advice,
                     const struct aw_allocation *allocation,
                     const struct aw_samples *samples,
                     struct aw_error *err)
{
    const struct aw_graph *graph = advice->workflow->graph;
    struct aw_order order = { aw_candidates[advice->chosen->candidate].config, &advice->plan,
                              advice->args->latency };

    if (aw_spread_init (&advice->spread, graph, samples, advice->args->spread, err) < 0
        || find_plan (advice, allocation, err) < 0)
        return -1;
    return aw_ensemble_init (&advice->runs, aw_ensemble_size (graph, advice->makespan), graph,
                             allocation, &order, &advice->spread, err);
}

int aw_advise_limit (struct aw_advice *advice,
                     const struct aw_samples *samples,
                     struct aw_error *err)
{
    struct aw_allocation allocation = { 0 };
    struct aw_node_shape shape = advice->node;
    double minutes;
    int rc;

    shape.nodes = advice->chosen->nodes;
    rc = aw_allocation_add (&allocation, shape, err);
    if (rc == 0)
        rc = simulate (advice, &allocation, samples, err);
    aw_allocation_finish (&allocation);
    if (rc < 0)
        return -1;
    minutes = ceil (limit (advice) / 60 - 1e-9);
    advice->minutes = minutes < 1 ? 1 : minutes < UINT32_MAX ? (uint32_t)minutes : UINT32_MAX;
    return 0;
}

const char *aw_advise_order (const struct aw_advice *advice)
{
    return aw_plan_is_one (&advice->plan) ? "a plan"
                                          : aw_candidates[advice->chosen->candidate].name;
}

void aw_advise_put_limit (const struct aw_advice *advice, struct aw_textbuf *out)
{
    const struct aw_advise_args *args = advice->args;
    double margin = isnan (args->margin) ? fallback_margin : args->margin;

    if (!isnan (args->time))
        aw_textbuf_puts (out, "as given");
    else if (isnan (args->margin) && advice->runs.n > 0)
        aw_textbuf_printf (out, "what holds %g%% of runs, and %g s", 100 * quantile, start_and_end);
    else
        aw_textbuf_printf (out, "%g%% more", 100 * margin);
}

double aw_advise_fits (const struct aw_advice *advice)
{
    return aw_ensemble_within (&advice->runs, advice->minutes * 60.0 - start_and_end);
}
