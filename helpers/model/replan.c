/* SPDX-License-Identifier: Apache-2.0 */
#include "model/replan.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "model/plan_steady.h"
#include "model/trial.h"

enum {
    DRAWS = 20, /* simulations with and without a plan */
    LEAST_DRAWS = 6,
    FIRST_SEED = 100, /* not those by which the plan was chosen */
};

#define DEPARTED 0.05 /* of the remaining time */
#define MARGIN 0.005 /* of the remaining time: less is no gain */
#define ERRORS 2 /* standard errors of the mean that a gain must exceed */

/* The search leaves time to see what deviations do to its plan, and that to measure the gain. */
#define SEARCH_PART 0.6
#define STEADY_PART 0.8

struct watch {
    const struct aw_conditions *given;
    const struct aw_replan_limits *limits;
    double part;
};

static bool in_time (void *arg)
{
    const struct watch *watch = arg;

    return !watch->limits->search_on || watch->limits->search_on (watch->limits->arg, watch->part);
}

static void observe (void *arg, const struct aw_event *ev)
{
    const struct watch *watch = arg;

    watch->given->observe (watch->given->arg, ev);
}

/* Is a task to come of which no duration is known? */
static bool any_unknown (const struct aw_sched *state, const struct aw_spread *spread)
{
    for (uint32_t s = 0; s < aw_sched_graph (state)->n_sets; s++) {
        struct aw_counts counts = aw_sched_counts (state, s);

        if (counts.waiting + counts.ready + counts.running > 0
            && (s >= spread->n_sets || isnan (spread->sets[s].mean)))
            return true;
    }
    return false;
}

/* t of the end in the order of CONFIG (NULL: the present one), with the plan of CONDITIONS. NAN
 * with text: the simulated run did not end.
 */
static double end_in (const struct aw_sched_config *config,
                      const struct aw_conditions *conditions,
                      struct aw_error *err)
{
    struct aw_trial trial;

    return aw_trial_run (aw_sched_graph (conditions->from), NULL, config, conditions, &trial, err)
                   < 0
               ? NAN
               : trial.t;
}

int aw_replan_look (double *end, const struct aw_conditions *conditions, struct aw_error *err)
{
    *end = NAN;
    if (any_unknown (conditions->from, conditions->spread))
        return 0;
    aw_spread_expect (conditions->spread);
    errno = 0;
    *end = end_in (NULL, conditions, err);
    return isnan (*end) && (errno == ECANCELED || errno == ENOMEM) ? -1 : 0;
}

bool aw_replan_departed (double end, double promised, double now)
{
    return !isnan (end) && !(fabs (end - promised) <= DEPARTED * (end - now));
}

/* The policy whose order ends first, by END at the latest; NULL: the present order does. */
static const struct aw_sched_config *best_policy (const struct aw_conditions *conditions,
                                                  double end,
                                                  uint32_t *made)
{
    const struct aw_sched_config *best = NULL;
    struct aw_error err;

    for (uint32_t i = 0; i < aw_n_candidates; i++) {
        const struct aw_sched_config *config = &aw_candidates[i].config;
        double t;

        if (config->mode != AW_MODE_ASYNC || !conditions->go_on (conditions->arg))
            continue;
        t = end_in (config, conditions, &err);
        ++*made;
        if (t < end * (1 - 1e-9)) {
            end = t;
            best = config;
        }
    }
    return best;
}

/* Seconds that PLAN saves in the mean, if that is a gain; 0: it is none, or there was no time to
 * see. */
static double gain_of (const struct aw_found_plan *plan,
                       const struct aw_conditions *conditions,
                       double remaining)
{
    struct aw_conditions with = *conditions;
    double sum = 0, squares = 0, mean, error;
    struct aw_error err;
    uint32_t n = 0;

    with.plan = plan;
    for (; n < DRAWS && conditions->go_on (conditions->arg); n++) {
        double saved;

        aw_spread_seed (conditions->spread, FIRST_SEED + n);
        saved = end_in (NULL, conditions, &err) - end_in (NULL, &with, &err);
        if (isnan (saved))
            break;
        sum += saved;
        squares += saved * saved;
    }
    if (n < LEAST_DRAWS)
        return 0;
    mean = sum / n;
    error = sqrt (fmax (0, squares / n - mean * mean) / (n - 1));
    return mean > fmax (MARGIN * remaining, ERRORS * error) ? mean : 0;
}

static int search_plan (struct aw_replan *r,
                        const struct aw_conditions *given,
                        const struct aw_replan_limits *limits,
                        struct aw_error *err)
{
    const struct aw_graph *graph = aw_sched_graph (given->from);
    struct watch watch = { given, limits, SEARCH_PART };
    struct aw_conditions conditions = *given;
    struct aw_search search = { 0 };
    uint32_t made = 0;

    aw_spread_expect (conditions.spread);
    conditions.observe = given->observe ? observe : NULL;
    conditions.go_on = in_time;
    conditions.arg = &watch;
    search.start = best_policy (&conditions, r->end, &made);
    search.evaluations = limits->evaluations > made ? limits->evaluations - made : 0;
    if (aw_plan_search (&r->plan, graph, NULL, &conditions, &search, err) < 0)
        return -1;
    r->plan.evaluations += made;
    watch.part = STEADY_PART;
    if (aw_plan_steady (&r->plan, graph, NULL, &conditions, NULL, err) < 0)
        return -1;
    watch.part = 1;
    if (aw_plan_is_one (&r->plan))
        r->gain = gain_of (&r->plan, &conditions, r->end - aw_sched_now (given->from));
    return 0;
}

int aw_replan (struct aw_replan *r,
               const struct aw_conditions *conditions,
               double end,
               const struct aw_replan_limits *limits,
               struct aw_error *err)
{
    *r = (struct aw_replan){ .end = end };
    if (isnan (end) || !aw_plan_possible_later (aw_sched_graph (conditions->from)))
        return 0;
    if (search_plan (r, conditions, limits, err) < 0) {
        aw_replan_finish (r);
        return -1;
    }
    if (r->gain > 0)
        r->end = r->plan.t;
    else
        aw_plan_finish (&r->plan);
    return 0;
}

void aw_replan_finish (struct aw_replan *r)
{
    int saved = errno;

    aw_plan_finish (&r->plan);
    memset (r, 0, sizeof (*r));
    errno = saved;
}
