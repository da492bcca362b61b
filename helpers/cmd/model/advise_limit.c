/* SPDX-License-Identifier: Apache-2.0 */
/* How long a job on the chosen number of nodes should be allowed to take. */
#include <math.h>

#include "cmd/model/advise.h"
#include "model/predict.h"

/* The quantile of the makespan that the time limit is, unless it is given. */
static const double quantile = 0.99;

static const double fallback_margin = 0.25; /* without an interval */
static const double start_and_end = 30; /* seconds of a job in which no task runs */

/* Seconds that the job is allowed. */
static double limit (const struct aw_advice *advice)
{
    const struct aw_advise_args *args = advice->args;
    double t = advice->chosen->trial.t;

    if (!isnan (args->time))
        return args->time;
    if (!isnan (args->margin))
        return t * (1 + args->margin);
    if (advice->runs.n == 0)
        return t * (1 + fallback_margin);
    return aw_quantile (advice->runs.t, advice->runs.n, quantile) + start_and_end;
}

int aw_advise_limit (struct aw_advice *advice,
                     const struct aw_samples *samples,
                     struct aw_error *err)
{
    const struct aw_graph *graph = advice->workflow->graph;
    struct aw_order order = { aw_candidates[advice->chosen->candidate].config, NULL };
    struct aw_allocation allocation = { 0 };
    struct aw_node_shape shape = advice->node;
    uint32_t n = aw_ensemble_size (graph, advice->chosen->trial.t);
    double minutes;
    int rc;

    shape.nodes = advice->chosen->nodes;
    rc = aw_allocation_add (&allocation, shape, err);
    if (rc == 0)
        rc = aw_spread_init (&advice->spread, graph, samples, advice->args->spread, err);
    if (rc == 0)
        rc = aw_ensemble_init (&advice->runs, n, graph, &allocation, &order, advice->args->latency,
                               &advice->spread, err);
    aw_allocation_finish (&allocation);
    if (rc < 0)
        return -1;
    minutes = ceil (limit (advice) / 60 - 1e-9);
    advice->minutes = minutes < 1 ? 1 : minutes < UINT32_MAX ? (uint32_t)minutes : UINT32_MAX;
    return 0;
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
