/* SPDX-License-Identifier: Apache-2.0 */
#include "model/predict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/plan_steady.h"
#include "model/work_bound.h"

int aw_candidate_find (const char *name)
{
    for (uint32_t i = 0; name && i < aw_n_candidates; i++)
        if (strcmp (aw_candidates[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool goes_on (const struct aw_conditions *c)
{
    return !c || !c->go_on || c->go_on (c->arg);
}

/* A gain that rounding can explain is no gain: the earlier candidate stays. */
static bool shorter (double a, double b)
{
    return a < b - 1e-9 * b;
}

int aw_predict_best (const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_conditions *conditions,
                     struct aw_comparison *comparison,
                     struct aw_error *err)
{
    memset (comparison, 0, sizeof (*comparison));
    for (uint32_t i = 0; i < aw_n_candidates && (i == 0 || goes_on (conditions)); i++) {
        struct aw_trial *trial = &comparison->trials[i];

        errno = 0;
        if (aw_trial_run (graph, allocation, &aw_candidates[i].config, conditions, trial, err)
            < 0) {
            if (errno == ECANCELED)
                break;
            return -1;
        }
        comparison->tried[i] = true;
        if (shorter (trial->t, comparison->trials[comparison->best].t))
            comparison->best = i;
    }
    return 0;
}

static double improvement (double t_async, double t_seq)
{
    return t_seq > 0 ? 1 - t_async / t_seq : 0;
}

/* The chosen order and stage after stage, on the same tasks for each seed. */
static int spread_out (struct aw_prediction *p,
                       const struct aw_graph *graph,
                       const struct aw_allocation *a,
                       const struct aw_predict_options *options,
                       uint32_t n,
                       struct aw_error *err)
{
    double latency = options->conditions.latency;
    struct aw_order sequential = { aw_candidates[aw_candidate_find ("sequential")].config, NULL,
                                   latency };
    struct aw_order chosen = { aw_candidates[p->comparison.best].config, &p->plan, latency };
    double *values = calloc ((size_t)3 * n, sizeof (*values));
    double *t_seq = values, *t_async = values + n, *gain = values + 2 * (size_t)n;
    int rc;

    if (!values)
        return aw_error_set (err, "out of memory for %u seeds", n);
    rc = aw_ensemble_run (t_seq, n, graph, a, &sequential, options->spread, err);
    if (rc == 0)
        rc = aw_ensemble_run (t_async, n, graph, a, &chosen, options->spread, err);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        gain[i] = improvement (t_async[i], t_seq[i]);
    if (rc == 0) {
        p->seeds = n;
        p->t_seq_interval = aw_interval_of (t_seq, n);
        p->t_async_interval = aw_interval_of (t_async, n);
        p->improvement_interval = aw_interval_of (gain, n);
    }
    free (values);
    return rc;
}

/* The search leaves time to see what deviations do to its plan. One simulation of that takes up to
 * twice as long as one of the search, for tasks of a set do not end together.
 */
#define LEAST_SEARCH_PART 0.6

struct watch {
    const struct aw_predict_options *options;
    const struct aw_found_plan *plan; /* with the simulations made so far */
    uint32_t steady; /* simulations that follow the search */
    bool searches;
};

static bool in_time (void *arg)
{
    const struct watch *watch = arg;
    const struct aw_predict_options *options = watch->options;
    double made = watch->plan->evaluations, part = 1;

    if (watch->searches)
        part = fmax (LEAST_SEARCH_PART, made / (made + 2.0 * watch->steady));
    return !options->search_on || options->search_on (options->search_arg, part);
}

int aw_predict_plan (struct aw_found_plan *plan,
                     const struct aw_graph *graph,
                     const struct aw_allocation *a,
                     const struct aw_predict_options *options,
                     const struct aw_way *start,
                     struct aw_error *err)
{
    struct watch watch = { options, plan, aw_plan_steady_most (options->conditions.spread), true };
    struct aw_conditions conditions = { .latency = options->conditions.latency,
                                        .go_on = in_time,
                                        .arg = &watch };
    struct aw_search search = { start->config, start->lower, options->evaluations };

    *plan = (struct aw_found_plan){ 0 };
    if (options->evaluations == 0 || isnan (start->t) || start->config->mode != AW_MODE_ASYNC
        || !aw_plan_possible (graph))
        return 0;
    if (start->t > start->lower * (1 + 1e-9)
        && aw_plan_search (plan, graph, a, &conditions, &search, err) < 0)
        return -1;
    watch.searches = false;
    conditions.spread = options->conditions.spread;
    return aw_plan_steady (plan, graph, a, &conditions, start->config, err);
}

static int fill (struct aw_prediction *p,
                 const struct aw_graph *graph,
                 const struct aw_allocation *a,
                 const struct aw_predict_options *options,
                 struct aw_error *err)
{
    struct aw_conditions steady = options->conditions;
    int sequential = aw_candidate_find ("sequential");
    uint32_t best, seeds;
    struct aw_way way;

    steady.spread = NULL;
    if (aw_bounds_init (&p->bounds, graph, a, steady.latency, err) < 0)
        return -1;
    p->bounds.work = aw_work_bound (graph, a, steady.latency);
    p->bounds.lower = fmax (p->bounds.lower, p->bounds.work);
    if (aw_predict_best (graph, a, &steady, &p->comparison, err) < 0
        || aw_degrees (graph, a, &p->degrees, err) < 0)
        return -1;
    best = p->comparison.best;
    p->t_async = p->comparison.tried[best] ? p->comparison.trials[best].t : NAN;
    way = (struct aw_way){ &aw_candidates[best].config, p->t_async, p->bounds.lower };
    if (aw_predict_plan (&p->plan, graph, a, options, &way, err) < 0)
        return -1;
    if (aw_plan_is_one (&p->plan))
        p->t_async = p->plan.t;
    p->t_seq = p->comparison.tried[sequential] ? p->comparison.trials[sequential].t : NAN;
    p->improvement = improvement (p->t_async, p->t_seq);
    if (aw_staging_gain (graph, a, &aw_candidates[best].config, &steady, &p->staging, err) < 0)
        return -1;
    seeds = options->seeds ? options->seeds : aw_ensemble_size (graph, p->t_async);
    if (options->spread && seeds > 0 && !isnan (p->t_async))
        return spread_out (p, graph, a, options, seeds, err);
    return 0;
}

int aw_prediction_init (struct aw_prediction *p,
                        const struct aw_graph *graph,
                        const struct aw_allocation *allocation,
                        const struct aw_predict_options *options,
                        struct aw_error *err)
{
    static const struct aw_predict_options plain;

    memset (p, 0, sizeof (*p));
    if (fill (p, graph, allocation, options ? options : &plain, err) < 0) {
        aw_prediction_finish (p);
        return -1;
    }
    return 0;
}

void aw_prediction_finish (struct aw_prediction *p)
{
    int saved = errno;

    aw_bounds_finish (&p->bounds);
    aw_plan_finish (&p->plan);
    memset (p, 0, sizeof (*p));
    errno = saved;
}
