/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan_steady.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/peers.h"

enum {
    PLANS = 4, /* that are judged, at most */
    SEEDS = 6,
    LARGE_SEEDS = 40, /* for large deviations, at most */
    SEARCHED = 12, /* simulations of the search for each of these */
};

#define VARIATION 0.01 /* of the durations, at least */
#define SHORT 0.05 /* a short hold, as a part of the predecessor's duration */
#define GAIN 1e-3 /* less is no gain */
#define ERRORS 2 /* standard errors of the mean that a gain must exceed, for large deviations */

struct steady {
    const struct aw_graph *graph;
    const struct aw_allocation *allocation;
    const struct aw_conditions *conditions;
    const struct aw_sched_config *start;
    struct aw_spread spread; /* owned; small deviations, and larger ones where they are known */
    bool large; /* there are larger ones */
    double rule; /* no plan is longer: the makespan without one; INFINITY: from a state */
    uint32_t seeds;
    uint32_t made; /* simulations */
};

/* The durations are as planned (SEED 0), or deviate. */
static struct aw_spread *durations (struct steady *s, uint64_t seed)
{
    struct aw_spread *spread = s->conditions->from ? s->conditions->spread : &s->spread;

    if (seed)
        aw_spread_seed (spread, seed);
    else if (s->conditions->from)
        aw_spread_expect (spread);
    else
        return NULL;
    return spread;
}

/* The makespan with PLAN under those durations. NAN: stopped, or failed. */
static double makespan (struct steady *s,
                        const struct aw_found_plan *plan,
                        uint64_t seed,
                        struct aw_error *err)
{
    struct aw_conditions conditions = *s->conditions;
    struct aw_trial trial;

    if (conditions.go_on && !conditions.go_on (conditions.arg)) {
        errno = ECANCELED;
        return NAN;
    }
    conditions.spread = durations (s, seed);
    conditions.plan = plan;
    s->made++;
    return aw_trial_run (s->graph, s->allocation, s->start, &conditions, &trial, err) < 0 ? NAN
                                                                                          : trial.t;
}

/* What a plan is judged by. */
struct verdict {
    double cost; /* NAN: stopped, or failed */
    double t[LARGE_SEEDS]; /* makespans with deviations, by seed */
};

/* The cost is half the makespan as planned, half the mean of those with small deviations; with
 * large ones, that mean alone. INFINITY: the first is longer than without a plan. Sets the first in
 * PLAN.
 */
static void judge (struct steady *s,
                   struct aw_found_plan *plan,
                   struct verdict *verdict,
                   struct aw_error *err)
{
    double sum = 0;

    verdict->cost = plan->t = makespan (s, plan, 0, err);
    if (isnan (plan->t))
        return;
    if (plan->t > s->rule * (1 + 1e-9)) {
        verdict->cost = INFINITY;
        return;
    }
    for (uint32_t i = 0; i < s->seeds && !isnan (sum); i++)
        sum += verdict->t[i] = makespan (s, plan, i + 1, err);
    verdict->cost = s->large ? sum / s->seeds : (plan->t + sum / s->seeds) / 2;
}

/* Is A better than B, by this part? Large deviations must not explain that by chance. */
static bool beats (const struct steady *s,
                   const struct verdict *a,
                   const struct verdict *b,
                   double part)
{
    double squares = 0, saved = b->cost - a->cost;

    if (!(a->cost < b->cost * (1 - part)) || !s->large)
        return a->cost < b->cost * (1 - part);
    for (uint32_t i = 0; i < s->seeds; i++)
        squares += (b->t[i] - a->t[i] - saved) * (b->t[i] - a->t[i] - saved);
    return saved > ERRORS * sqrt (squares / (s->seeds - 1) / s->seeds);
}

/* A short hold for INSTANCE; 0 seconds: its predecessors are a single task. */
static struct aw_hold short_hold (const struct aw_graph *graph, uint32_t instance)
{
    struct aw_task at = aw_graph_instance_place (graph, instance);
    const struct aw_set *set = &graph->sets[at.set];
    double longest = 0;
    uint32_t n = 0;

    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_set *before = &graph->sets[set->after[e].set];

        struct aw_span span = aw_span_before (graph, &set->after[e], at.set, at.iteration);

        n += span.n * before->count;
        longest = span.n ? fmax (longest, before->duration) : longest;
    }
    return (struct aw_hold){ instance, n > 1 ? SHORT * longest : 0 };
}

static bool is_held (const struct aw_plan_holds *holds, uint32_t instance)
{
    for (uint32_t i = 0; i < holds->n; i++)
        if (holds->at[i].instance == instance)
            return true;
    return false;
}

/* PLAN (NULL: none) and short holds for all other instances. 0, or -1 with ENOMEM; finish it. */
static int add_short (const struct aw_graph *graph,
                      const struct aw_found_plan *plan,
                      struct aw_found_plan *out)
{
    uint32_t n = aw_plan_size (graph);

    *out = (struct aw_found_plan){ .t = plan->t, .holds.at = calloc (n, sizeof (struct aw_hold)) };
    if (!out->holds.at)
        goto fail;
    if (plan->places) {
        out->places = malloc (n * sizeof (*out->places));
        if (!out->places)
            goto fail;
        memcpy (out->places, plan->places, n * sizeof (*out->places));
    }
    if (plan->holds.n > 0)
        memcpy (out->holds.at, plan->holds.at, plan->holds.n * sizeof (*out->holds.at));
    out->holds.n = plan->holds.n;
    for (uint32_t i = 0; i < n; i++) {
        struct aw_hold hold = short_hold (graph, i);

        if (hold.seconds > 0 && aw_plan_holdable (graph, i) && !is_held (&plan->holds, i))
            out->holds.at[out->holds.n++] = hold;
    }
    return 0;
fail:
    aw_plan_finish (out);
    errno = ENOMEM;
    return -1;
}

/* PLAN becomes BETTER, which is empty then. */
static void replace (struct aw_found_plan *plan, struct aw_found_plan *better)
{
    struct aw_found_plan old = *plan;

    old.evaluations = 0;
    better->evaluations = plan->evaluations;
    *plan = *better;
    memset (better, 0, sizeof (*better));
    aw_plan_finish (&old);
}

/* PLAN becomes the better one of itself, judged BEST, and the same with short holds. 0, or -1. */
static int try_short (struct steady *s,
                      struct aw_found_plan *plan,
                      struct verdict *best,
                      struct aw_error *err)
{
    struct verdict with = { .cost = INFINITY };
    struct aw_found_plan held;

    if (add_short (s->graph, plan, &held) < 0)
        return aw_error_set (err, "out of memory");
    if (held.holds.n > plan->holds.n)
        judge (s, &held, &with, err);
    if (beats (s, &with, best, GAIN)) {
        replace (plan, &held);
        *best = with;
    }
    aw_plan_finish (&held);
    return isnan (with.cost) ? -1 : 0;
}

/* PLAN becomes the best of all. 0, or -1 with errno: of those that were judged by then; with large
 * deviations, no plan that was not.
 */
static int improve (struct steady *s, struct aw_found_plan *plan, struct aw_error *err)
{
    struct aw_found_plan none = { .t = plan->t };
    struct verdict without = { 0 }, with = { .cost = INFINITY };
    bool judged;
    int rc;

    judge (s, &none, &without, err);
    if (!s->conditions->from)
        s->rule = none.t;
    rc = isnan (without.cost) ? -1 : try_short (s, &none, &without, err);
    if (rc == 0 && aw_plan_is_one (plan)) {
        judge (s, plan, &with, err);
        rc = isnan (with.cost) ? -1 : try_short (s, plan, &with, err);
    }
    judged = !isnan (without.cost) && (rc == 0 || isfinite (with.cost));
    if (judged ? !beats (s, &with, &without, 0) : s->large)
        replace (plan, &none);
    aw_plan_finish (&none);
    return rc;
}

static bool is_large (const struct aw_spread_set *set)
{
    return set->source != AW_SPREAD_ASSUMED && set->deviation > VARIATION;
}

static bool any_large (const struct aw_spread *spread)
{
    for (uint32_t i = 0; spread && i < spread->n_sets; i++)
        if (is_large (&spread->sets[i]))
            return true;
    return false;
}

uint32_t aw_plan_steady_most (const struct aw_spread *spread)
{
    return PLANS * (1 + (any_large (spread) ? LARGE_SEEDS : SEEDS));
}

/* Small deviations, and the larger ones that are known. 0, or -1 with text. */
static int spread_out (struct steady *s, uint32_t searched, struct aw_error *err)
{
    const struct aw_spread *known = s->conditions->from ? NULL : s->conditions->spread;
    uint32_t seeds = searched / SEARCHED;

    if (aw_spread_init (&s->spread, s->graph, NULL, VARIATION, err) < 0)
        return -1;
    s->large = any_large (known);
    for (uint32_t i = 0; s->large && i < known->n_sets; i++)
        if (is_large (&known->sets[i]))
            s->spread.sets[i] = known->sets[i];
    s->seeds = !s->large || seeds < SEEDS ? SEEDS : seeds < LARGE_SEEDS ? seeds : LARGE_SEEDS;
    return 0;
}

int aw_plan_steady (struct aw_found_plan *plan,
                    const struct aw_graph *graph,
                    const struct aw_allocation *allocation,
                    const struct aw_conditions *conditions,
                    const struct aw_sched_config *start,
                    struct aw_error *err)
{
    struct steady s = { .graph = graph,
                        .allocation = allocation,
                        .conditions = conditions,
                        .start = start,
                        .rule = INFINITY };
    double t = plan->t;
    int rc;

    errno = 0;
    rc = spread_out (&s, plan->evaluations, err);
    if (rc == 0)
        rc = improve (&s, plan, err);
    aw_spread_finish (&s.spread);
    plan->evaluations += s.made;
    if (isnan (plan->t))
        plan->t = t;
    return rc < 0 && errno == ECANCELED ? 0 : rc;
}
