/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan_search.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/peers.h"
#include "model/bounds.h"
#include "model/mirror.h"
#include "model/simulate.h"

/* A graph and its empty pool: each evaluation begins with a copy of SCHED. */
struct side {
    const struct aw_graph *graph;
    struct aw_sched *sched; /* owned */
};

/* An order of instances, and what it leads to. */
struct list {
    uint32_t *at; /* the instances, the first in front. Owned */
    uint32_t *tried; /* the order that led to the times below; AT has been sorted since. Owned */
    bool *held; /* by instance: its place is held. Owned */
    double cost; /* makespan, and a little of the instances' ends */
    double t; /* makespan */
};

struct search {
    const struct aw_conditions *conditions;
    struct side forward, backward;
    struct aw_graph *mirror; /* owned */
    uint32_t n; /* instances */
    uint32_t open; /* instances of which a task is still to start: those in front of a list */
    uint32_t *places; /* scratch, as the next three */
    double *begin, *last,
        *end; /* by instance: first and last start, last end of the last evaluation */
    uint32_t *holdable; /* instances whose place can be held */
    uint32_t n_holdable;
    struct aw_plan_holds holds; /* scratch, with room for these */
    struct key *keys;
    const struct side *side; /* of the evaluation that is under way */
    uint32_t *made, most; /* evaluations; the first is borrowed */
    bool whole; /* the next simulation runs to its end, however long it takes */
    uint64_t random;
};

struct key {
    double key;
    uint32_t place, instance;
};

/* xorshift64* (Vigna, ACM TOMS 42(4), 2016): the same numbers everywhere. */
static uint32_t below (struct search *s, uint32_t n)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (uint32_t)(((s->random * UINT64_C (2685821657736338717)) >> 32) * n >> 32);
}

static double seconds (void *arg, const struct aw_event *start)
{
    const struct search *s = arg;

    return aw_trial_seconds (s->side->graph, s->conditions, false, start);
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct search *s = arg;
    struct aw_task at;
    uint32_t instance;

    if (ev->type != AW_EVENT_START && ev->type != AW_EVENT_FINISH)
        return;
    at = aw_graph_task (s->side->graph, ev->task);
    instance = aw_graph_instance (s->side->graph, at.iteration, at.set);
    if (instance >= s->n)
        return;
    if (ev->type == AW_EVENT_START) {
        s->begin[instance] = fmin (s->begin[instance], ev->t);
        s->last[instance] = ev->t;
    }
    else
        s->end[instance] = fmax (s->end[instance], ev->t);
}

static bool in_time (void *arg)
{
    const struct search *s = arg;

    return !s->conditions->go_on || s->conditions->go_on (s->conditions->arg);
}

static bool goes_on (struct search *s)
{
    return *s->made < s->most && in_time (s);
}

/* The places that HELD (NULL: none) says, held for as long as it takes. */
static const struct aw_plan_holds *holds_of (struct search *s, const bool *held)
{
    s->holds.n = 0;
    for (uint32_t i = 0; held && i < s->n_holdable; i++)
        if (held[s->holdable[i]])
            s->holds.at[s->holds.n++] = (struct aw_hold){ s->holdable[i], 1e9 };
    return &s->holds;
}

/* Did a simulation end well? From a state, tasks may have failed before. */
static bool ended_well (const struct search *s, const struct aw_simulated *result)
{
    return result->code == 0 || (s->conditions->from && result->code == 1);
}

/* Simulates SIDE with PLACES (NULL: in the order that it has) and the places of HELD, into begin,
 * last and end. The makespan, or NAN with errno: ECANCELED if the time was over first.
 */
static double play (struct search *s,
                    const struct side *side,
                    const uint32_t *places,
                    const struct aw_plan_holds *holds)
{
    struct aw_simulation sim = {
        .seconds = seconds, .observe = observe, .arg = s, .go_on = s->whole ? NULL : in_time
    };
    struct aw_sched *copy = aw_sched_clone (side->sched);
    struct aw_simulated result = { 0 };
    int rc = copy ? 0 : -1;

    for (uint32_t i = 0; i < s->n; i++) {
        s->begin[i] = INFINITY;
        s->last[i] = s->end[i] = 0;
    }
    s->side = side;
    ++*s->made;
    if (rc == 0 && places)
        rc = aw_sched_follow (copy, places, holds);
    if (rc == 0)
        rc = aw_simulate (copy, &sim, &result, NULL);
    aw_sched_destroy (copy);
    s->side = NULL;
    return rc == 0 && ended_well (s, &result) ? result.end : NAN;
}

/* The same in the order of AT, with the places of HELD (NULL: none). */
static double evaluate (struct search *s,
                        const struct side *side,
                        const uint32_t *at,
                        const bool *held)
{
    for (uint32_t i = 0; i < s->n; i++)
        s->places[at[i]] = i;
    return play (s, side, s->places, holds_of (s, held));
}

/* Of two orders with equal makespans the one whose instances end earlier leaves more room; of equal
 * ones the one that holds fewer places is better.
 */
static double cost_of (const struct search *s, double t)
{
    double sum = 0;

    for (uint32_t i = 0; i < s->n; i++)
        sum += s->end[i];
    return t + 1e-3 * sum / s->n + 1e-6 * t * s->holds.n;
}

static int compare_keys (const void *pa, const void *pb)
{
    const struct key *a = pa, *b = pb;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* Orders AT by KEYS (by instance), of equal ones as it was. */
static void order_by (struct search *s, uint32_t *at, const double *keys)
{
    for (uint32_t i = 0; i < s->n; i++)
        s->keys[i] = (struct key){ keys[at[i]], i, at[i] };
    qsort (s->keys, s->n, sizeof (*s->keys), compare_keys);
    for (uint32_t i = 0; i < s->n; i++)
        at[i] = s->keys[i].instance;
}

/* Evaluates LIST, and orders it by the starts that it led to: then each move changes something. */
static int try_list (struct search *s, struct list *list)
{
    list->t = evaluate (s, &s->forward, list->at, list->held);
    if (isnan (list->t))
        return -1;
    list->cost = cost_of (s, list->t);
    memcpy (list->tried, list->at, s->n * sizeof (*list->tried));
    order_by (s, list->at, s->begin);
    return 0;
}

/* The same instance in the mirrored graph, and back. */
static uint32_t mirrored (const struct search *s, uint32_t instance)
{
    const struct aw_graph *g = s->forward.graph;
    struct aw_task at = aw_graph_instance_place (g, instance);

    return aw_graph_instance (g, aw_graph_iterations (g, at.set) - 1 - at.iteration, at.set);
}

/* Forward-backward improvement of LIST, which was the last to be evaluated; NEXT becomes the
 * result. 0, or -1 with errno.
 */
static int justify (struct search *s, const struct list *list, struct list *next)
{
    memcpy (next->at, list->at, s->n * sizeof (*next->at));
    memcpy (next->held, list->held, s->n * sizeof (*next->held));
    for (uint32_t i = 0; i < s->n; i++) /* the last end first */
        s->end[i] = -s->end[i];
    order_by (s, next->at, s->end);
    for (uint32_t i = 0; i < s->n; i++)
        next->at[i] = mirrored (s, next->at[i]);
    if (isnan (evaluate (s, &s->backward, next->at, NULL)))
        return -1;
    for (uint32_t i = 0; i < s->n; i++) /* what ends last there begins first here */
        s->end[i] = -s->end[i];
    order_by (s, next->at, s->end);
    for (uint32_t i = 0; i < s->n; i++)
        next->at[i] = mirrored (s, next->at[i]);
    return try_list (s, next);
}

/* Moves the instance at place FROM to place TO. */
static void move (uint32_t *at, uint32_t from, uint32_t to)
{
    uint32_t instance = at[from];

    if (from < to)
        memmove (at + from, at + from + 1, (to - from) * sizeof (*at));
    else
        memmove (at + to + 1, at + to, (from - to) * sizeof (*at));
    at[to] = instance;
}

/* A few instances move, each not far. */
static void disturb (struct search *s, uint32_t *at, uint32_t moves)
{
    uint32_t n = s->open, reach = n / 6 < 4 ? 4 : n / 6;

    for (uint32_t i = 0; i < moves; i++) {
        uint32_t from = below (s, n), step = 1 + below (s, reach);
        bool up = below (s, 2);
        uint32_t to =
            up ? (from + step < n ? from + step : n - 1) : (from > step ? from - step : 0);

        move (at, from, to);
    }
}

static void copy_list (const struct search *s, struct list *to, const struct list *from)
{
    memcpy (to->at, from->at, s->n * sizeof (*to->at));
    memcpy (to->tried, from->tried, s->n * sizeof (*to->tried));
    memcpy (to->held, from->held, s->n * sizeof (*to->held));
    to->cost = from->cost;
    to->t = from->t;
}

/* One step: a neighbour of NOW, improved; it is kept if it is no worse. NEW and OTHER are scratch.
 * 0, or -1 with errno.
 */
static int step (struct search *s, struct list *now, struct list *new, struct list *other)
{
    copy_list (s, new, now);
    if (s->n_holdable > 0 && below (s, 4) == 0) {
        uint32_t instance = s->holdable[below (s, s->n_holdable)];

        new->held[instance] = !new->held[instance];
        if (below (s, 2))
            disturb (s, new->at, 1);
    }
    else
        disturb (s, new->at, 1 + below (s, 3));
    if (try_list (s, new) < 0)
        return -1;
    if (s->backward.sched && new->t <= now->t * 1.02 && goes_on (s)) {
        if (justify (s, new, other) < 0)
            return -1;
        if (other->cost < new->cost)
            copy_list (s, new, other);
    }
    if (new->cost <= now->cost)
        copy_list (s, now, new);
    return 0;
}

/* Lists: the best, the one that steps begin from, and scratch. */
enum { BEST, NOW, NEW, OTHER, LISTS };

static int look_around (struct search *s, struct list lists[LISTS], double bound)
{
    uint32_t idle = 0, patience = 50 + s->open;

    while (goes_on (s) && s->open > 1 && lists[BEST].t > bound * (1 + 1e-9)) {
        double before = lists[NOW].cost;

        if (step (s, &lists[NOW], &lists[NEW], &lists[OTHER]) < 0)
            return -1;
        idle = lists[NOW].cost < before - 1e-12 ? 0 : idle + 1;
        if (lists[NOW].cost < lists[BEST].cost)
            copy_list (s, &lists[BEST], &lists[NOW]);
        if (idle < patience)
            continue;
        idle = 0; /* from the best, but some way off */
        copy_list (s, &lists[NOW], &lists[BEST]);
        disturb (s, lists[NOW].at, 2 + s->open / 10);
        if (try_list (s, &lists[NOW]) < 0)
            return -1;
    }
    return 0;
}

bool aw_plan_possible_later (const struct aw_graph *graph)
{
    return graph->n_topics == 0 && graph->until == AW_NONE
           && aw_plan_size (graph) <= AW_PLAN_MAX_INSTANCES;
}

bool aw_plan_possible (const struct aw_graph *graph)
{
    return aw_plan_possible_later (graph) && graph->n_sets == graph->n_base;
}

bool aw_plan_holdable (const struct aw_graph *graph, uint32_t instance)
{
    struct aw_task at = aw_graph_instance_place (graph, instance);
    const struct aw_set *set = &graph->sets[at.set];
    uint32_t n = 0;

    for (uint32_t e = 0; e < set->n_after; e++) {
        if (set->after[e].by != AW_BY_SET)
            return false;
        n += aw_span_before (graph, &set->after[e], at.set, at.iteration).n;
    }
    return n > 0 && !set->gpu_share && !set->threads_per_core && set->stage_in != AW_STAGING_ASYNC;
}

double aw_plan_budget (const struct aw_graph *graph, const struct aw_allocation *allocation)
{
    struct aw_bounds bounds = { 0 };
    double budget = 0;

    if (aw_bounds_init (&bounds, graph, allocation, 0, NULL) == 0)
        budget = fmin (2, 0.01 * bounds.lower);
    aw_bounds_finish (&bounds);
    return budget;
}

static int search_init (struct search *s,
                        struct list lists[LISTS],
                        const struct aw_graph *graph,
                        const struct aw_allocation *allocation,
                        struct aw_error *err)
{
    static const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    bool room = true;

    s->n = aw_plan_size (graph);
    s->random = UINT64_C (0x9e3779b97f4a7c15);
    s->places = calloc (s->n, sizeof (*s->places));
    s->begin = calloc (s->n, sizeof (*s->begin));
    s->end = calloc (s->n, sizeof (*s->end));
    s->last = calloc (s->n, sizeof (*s->last));
    s->holdable = calloc (s->n, sizeof (*s->holdable));
    s->holds.at = calloc (s->n, sizeof (*s->holds.at));
    s->keys = calloc (s->n, sizeof (*s->keys));
    for (int i = 0; i < LISTS; i++)
        room &= (lists[i].at = calloc (s->n, sizeof (*lists[i].at))) != NULL
                && (lists[i].tried = calloc (s->n, sizeof (*lists[i].tried))) != NULL
                && (lists[i].held = calloc (s->n, sizeof (*lists[i].held))) != NULL;
    if (!room || !s->last || !s->holdable || !s->holds.at || !s->places || !s->begin || !s->end
        || !s->keys)
        return aw_error_set (err, "out of memory");
    for (uint32_t i = 0; i < s->n; i++)
        if (aw_plan_holdable (graph, i))
            s->holdable[s->n_holdable++] = i;
    s->forward = (struct side){ graph, aw_trial_begin (graph, allocation,
                                                       s->conditions->from ? NULL : &config,
                                                       s->conditions, err) };
    if (!s->forward.sched)
        return -1;
    if (s->conditions->from)
        return 0;
    s->mirror = aw_mirror (graph);
    if (!s->mirror)
        return aw_error_set (err, "out of memory");
    s->backward = (struct side){ s->mirror, aw_trial_begin (s->mirror, allocation, &config,
                                                            s->conditions, err) };
    return s->backward.sched ? 0 : -1;
}

static void search_finish (struct search *s, struct list lists[LISTS])
{
    int saved = errno;

    aw_sched_destroy (s->forward.sched);
    aw_sched_destroy (s->backward.sched);
    aw_graph_destroy (s->mirror);
    free (s->places);
    free (s->begin);
    free (s->end);
    free (s->last);
    free (s->holdable);
    free (s->holds.at);
    free (s->keys);
    for (int i = 0; i < LISTS; i++) {
        free (lists[i].at);
        free (lists[i].tried);
        free (lists[i].held);
    }
    errno = saved;
}

/* After a simulation: the instances of which a task has started in it. The others have nothing left
 * to be ordered.
 */
static void find_open (struct search *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n; i++)
        s->open += isfinite (s->begin[i]);
    for (uint32_t i = 0; i < s->n_holdable; i++)
        if (isfinite (s->begin[s->holdable[i]]))
            s->holdable[n++] = s->holdable[i];
    s->n_holdable = n;
}

/* The first list: the starts of START's own schedule. T: its makespan; from a state, that of the
 * order that the state has. 0, or -1 with errno.
 */
static int begin (struct search *s,
                  struct list lists[LISTS],
                  const struct aw_allocation *allocation,
                  const struct aw_sched_config *start,
                  double *t)
{
    const struct aw_graph *graph = s->forward.graph;
    struct side side = { graph, aw_trial_begin (graph, allocation, start, s->conditions, NULL) };
    double own;

    *t = s->conditions->from ? play (s, &s->forward, NULL, NULL) : 0;
    own = side.sched && !isnan (*t) ? play (s, &side, NULL, NULL) : NAN;
    aw_sched_destroy (side.sched);
    if (isnan (own))
        return -1;
    if (!s->conditions->from)
        *t = own;
    find_open (s);
    for (uint32_t i = 0; i < s->n; i++)
        lists[NOW].at[i] = i;
    order_by (s, lists[NOW].at, s->begin);
    if (try_list (s, &lists[NOW]) < 0)
        return -1;
    copy_list (s, &lists[BEST], &lists[NOW]);
    return 0;
}

/* From the last start that INSTANCE waits for to its own time. */
static double time_to_hold (const struct search *s, uint32_t instance)
{
    const struct aw_graph *graph = s->forward.graph;
    struct aw_task at = aw_graph_instance_place (graph, instance);
    const struct aw_set *set = &graph->sets[at.set];
    double from = 0, ready = 0;

    for (uint32_t e = 0; e < set->n_after; e++) {
        struct aw_span span = aw_span_before (graph, &set->after[e], at.set, at.iteration);

        for (uint32_t k = 0; k < span.n; k++) {
            uint32_t before = aw_graph_instance (graph, span.first + k, set->after[e].set);

            from = fmax (from, s->last[before]);
            ready = fmax (ready, s->end[before]);
        }
    }
    return (ready - from) * 1.001; /* the text of a plan rounds */
}

/* The holds of BEST, no longer than needed. */
static int take_holds (struct search *s, const struct list *best, struct aw_found_plan *plan)
{
    const struct aw_plan_holds *holds = holds_of (s, best->held);

    if (holds->n == 0)
        return 0;
    s->whole = true; /* the order is of no use without it */
    if (isnan (play (s, &s->forward, plan->places, holds)))
        return -1;
    plan->holds.at = calloc (holds->n, sizeof (*plan->holds.at));
    if (!plan->holds.at)
        return -1;
    for (uint32_t i = 0; i < holds->n; i++) {
        struct aw_hold hold = { holds->at[i].instance, time_to_hold (s, holds->at[i].instance) };

        if (hold.seconds > 0)
            plan->holds.at[plan->holds.n++] = hold;
    }
    return 0;
}

int aw_plan_search (struct aw_found_plan *plan,
                    const struct aw_graph *graph,
                    const struct aw_allocation *allocation,
                    const struct aw_conditions *conditions,
                    const struct aw_search *search,
                    struct aw_error *err)
{
    static const struct aw_conditions plain;
    struct search s = { .conditions = conditions ? conditions : &plain,
                        .made = &plan->evaluations,
                        .most = search->evaluations };
    struct list lists[LISTS] = { [BEST] = { .t = INFINITY } };
    int rc;

    *plan = (struct aw_found_plan){ .t = NAN };
    rc = search_init (&s, lists, graph, allocation, err);
    errno = 0;
    if (rc == 0
        && (begin (&s, lists, allocation, search->start, &plan->t) < 0
            || look_around (&s, lists, search->bound) < 0)
        && errno != ECANCELED)
        rc = aw_error_set (err, "a simulation failed in the search of a plan");
    if (rc == 0 && lists[BEST].t < plan->t * (1 - 1e-9)) {
        plan->t = lists[BEST].t;
        for (uint32_t i = 0; i < s.n; i++)
            s.places[lists[BEST].tried[i]] = i;
        plan->places = s.places;
        s.places = NULL;
        rc = take_holds (&s, &lists[BEST], plan);
    }
    search_finish (&s, lists);
    return rc;
}

void aw_plan_finish (struct aw_found_plan *plan)
{
    int saved = errno;

    free (plan->places);
    free (plan->holds.at);
    memset (plan, 0, sizeof (*plan));
    errno = saved;
}
