/* SPDX-License-Identifier: Apache-2.0 */
/* Depth first: set by set, the smallest first, with one of its instances or without it. A choice
 * continues while it can be packed and each chosen instance has a branch of its own: a matching
 * that grows by one augmenting path for each choice and shrinks with it. The remaining resources
 * bound the size that a choice can reach.
 */
#include "model/together.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/pack.h"

/* A task set that fits whole, and its demand in all. */
struct kind {
    uint32_t set;
    double cpus, gpus, share;
};

struct seek {
    const struct aw_graph *graph;
    const struct aw_closure *closure;
    const struct aw_branches *branches;
    const struct aw_allocation *allocation;
    struct kind *kinds; /* by share */
    uint32_t n_kinds;
    uint32_t *by_cpus, *by_gpus; /* indexes into kinds */
    uint32_t *sets, *instances; /* chosen */
    uint32_t n;
    uint32_t *owner; /* by instance that is an end: which choice has the branch; AW_NONE: none */
    uint64_t *tried; /* ends: by the search for a path */
    uint64_t **open; /* by depth: instances that are independent of all chosen ones */
    uint64_t work; /* left */
    bool undecided; /* a packing was */
    bool no_memory;
    struct aw_together *result;
};

static double larger (double a, double b)
{
    return a > b ? a : b;
}

static int compare_kinds (const void *pa, const void *pb)
{
    const struct kind *a = pa, *b = pb;

    if (a->share != b->share)
        return a->share < b->share ? -1 : 1;
    return a->set < b->set ? -1 : a->set > b->set;
}

static void find_kinds (struct seek *s)
{
    for (uint32_t i = 0; i < s->graph->n_sets; i++) {
        const struct aw_set *set = &s->graph->sets[i];
        struct kind *kind = &s->kinds[s->n_kinds];

        if (aw_allocation_capacity (s->allocation, set) < set->count)
            continue;
        kind->set = i;
        kind->cpus = set->count * aw_set_whole (set).cpus;
        kind->gpus = set->count * aw_set_whole (set).gpus;
        kind->share = larger (kind->cpus / s->allocation->cpus,
                              s->allocation->gpus ? kind->gpus / s->allocation->gpus : 0);
        s->n_kinds++;
    }
    qsort (s->kinds, s->n_kinds, sizeof (*s->kinds), compare_kinds);
}

static int compare_cpus (const void *pa, const void *pb, void *arg)
{
    const struct kind *kinds = arg;
    double a = kinds[*(const uint32_t *)pa].cpus, b = kinds[*(const uint32_t *)pb].cpus;

    return a < b ? -1 : a > b;
}

static int compare_gpus (const void *pa, const void *pb, void *arg)
{
    const struct kind *kinds = arg;
    double a = kinds[*(const uint32_t *)pa].gpus, b = kinds[*(const uint32_t *)pb].gpus;

    return a < b ? -1 : a > b;
}

/* An upper bound by sums: the kinds from FROM on that fit alongside the chosen ones. */
static uint64_t bound (struct seek *s, uint32_t from)
{
    double cpus = s->allocation->cpus, gpus = s->allocation->gpus;
    uint64_t by_cpus = 0, by_gpus = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        const struct aw_set *set = &s->graph->sets[s->sets[i]];

        cpus -= set->count * aw_set_whole (set).cpus;
        gpus -= set->count * aw_set_whole (set).gpus;
    }
    for (uint32_t i = 0; i < s->n_kinds; i++)
        if (s->by_cpus[i] >= from && (cpus -= s->kinds[s->by_cpus[i]].cpus) >= 0)
            by_cpus++;
    for (uint32_t i = 0; i < s->n_kinds; i++)
        if (s->by_gpus[i] >= from && (gpus -= s->kinds[s->by_gpus[i]].gpus) >= 0)
            by_gpus++;
    return by_cpus < by_gpus ? by_cpus : by_gpus;
}

static bool get_bit (const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static void clear_bit (uint64_t *bits, uint32_t i)
{
    bits[i / 64] &= ~(UINT64_C (1) << (i % 64));
}

/* Is I in the branch that ends in END? */
static bool in_branch (const struct seek *s, uint32_t i, uint32_t end)
{
    return i == end || aw_closure_has (s->closure, i, end);
}

static bool is_end (const struct seek *s, uint32_t i)
{
    struct aw_task at = aw_graph_instance_place (s->graph, i);

    return aw_branches_is_end (s->branches, s->graph, at.iteration, at.set);
}

/* Finds a branch for choice C, moving others if need be. */
static bool match (struct seek *s, uint32_t c)
{
    for (uint32_t end = 0; end < s->closure->n; end++) {
        if (get_bit (s->tried, end) || !in_branch (s, s->instances[c], end) || !is_end (s, end))
            continue;
        s->tried[end / 64] |= UINT64_C (1) << (end % 64);
        if (s->owner[end] == AW_NONE || match (s, s->owner[end])) {
            s->owner[end] = c;
            return true;
        }
    }
    return false;
}

static void spend (struct seek *s, uint64_t work)
{
    s->work = work < s->work ? s->work - work : 0;
}

/* Adds an instance of SET to the choice, if it fits alongside the others and gets a branch. */
static bool choose (struct seek *s, uint32_t set, uint32_t instance)
{
    enum aw_fit fit;

    s->sets[s->n] = set;
    s->instances[s->n] = instance;
    fit = aw_pack (s->graph, s->allocation, s->sets, s->n + 1);
    spend (s, (uint64_t)(s->n + 1) * s->allocation->n_nodes);
    if (fit == AW_FIT_UNKNOWN)
        spend (s, AW_PACK_STEPS);
    s->undecided |= fit == AW_FIT_UNKNOWN;
    if (fit != AW_FIT_YES)
        return false;
    memset (s->tried, 0, s->closure->n_words * sizeof (*s->tried));
    spend (s, s->closure->n);
    if (!match (s, s->n))
        return false;
    s->n++;
    return true;
}

static void give_up_choice (struct seek *s)
{
    s->n--;
    for (uint32_t end = 0; end < s->closure->n; end++)
        if (s->owner[end] == s->n)
            s->owner[end] = AW_NONE;
}

/* The instances that are possible after the newest choice, for the next depth. */
static int narrow (struct seek *s)
{
    const struct aw_closure *c = s->closure;
    uint32_t chosen = s->instances[s->n - 1];
    const uint64_t *now = s->open[s->n - 1];
    uint64_t *next = s->open[s->n];

    if (!next)
        next = s->open[s->n] = malloc (c->n_words * sizeof (*next));
    if (!next)
        return -1;
    for (size_t w = 0; w < c->n_words; w++)
        next[w] = now[w] & ~aw_closure_row (c, chosen)[w];
    for (uint32_t i = 0; i < c->n; i++)
        if (get_bit (next, i) && (i == chosen || aw_closure_has (c, i, chosen)))
            clear_bit (next, i);
    spend (s, c->n);
    return 0;
}

static bool finished (const struct seek *s)
{
    return s->result->n >= s->result->most || s->work == 0 || s->no_memory;
}

static void search (struct seek *s, uint32_t from)
{
    if (s->n > s->result->n)
        s->result->n = s->n;
    for (uint32_t k = from; k < s->n_kinds && !finished (s); k++) {
        uint32_t set = s->kinds[k].set;

        spend (s, s->n_kinds);
        if (s->n + bound (s, k) <= s->result->n)
            return;
        for (uint32_t it = 0; it < aw_graph_iterations (s->graph, set) && !finished (s); it++) {
            uint32_t instance = aw_graph_instance (s->graph, it, set);

            spend (s, 1);
            if (!get_bit (s->open[s->n], instance) || !choose (s, set, instance))
                continue;
            if (narrow (s) < 0)
                s->no_memory = true;
            else
                search (s, k + 1);
            give_up_choice (s);
        }
    }
}

/* Without a closure: the ends of the branches are independent and each has its own; the smallest
 * first.
 */
static void try_ends (struct seek *s)
{
    for (uint32_t k = 0; k < s->n_kinds && s->result->n < s->result->most && s->work > 0; k++) {
        if (s->branches->nearest[s->kinds[k].set] == 0)
            continue; /* no end in any iteration */
        s->sets[s->n] = s->kinds[k].set;
        spend (s, (uint64_t)(s->n + 1) * s->allocation->n_nodes);
        if (aw_pack (s->graph, s->allocation, s->sets, s->n + 1) == AW_FIT_YES)
            s->result->n = ++s->n;
    }
}

static int prepare (struct seek *s)
{
    size_t n = (size_t)s->graph->n_sets + 2;
    size_t n_instances = (size_t)(s->closure ? s->closure->n : 0) + 1;
    size_t n_words = (s->closure ? s->closure->n_words : 0) + 1;

    s->kinds = calloc (n, sizeof (*s->kinds));
    s->by_cpus = calloc (n, sizeof (*s->by_cpus));
    s->by_gpus = calloc (n, sizeof (*s->by_gpus));
    s->sets = calloc (n, sizeof (*s->sets));
    s->instances = calloc (n, sizeof (*s->instances));
    s->open = calloc (n, sizeof (*s->open));
    s->owner = malloc (n_instances * sizeof (*s->owner));
    s->tried = calloc (n_words, sizeof (*s->tried));
    if (!s->kinds || !s->by_cpus || !s->by_gpus || !s->sets || !s->instances || !s->open
        || !s->owner || !s->tried || !(s->open[0] = malloc (n_words * sizeof (**s->open))))
        return -1;
    memset (s->owner, 0xff, n_instances * sizeof (*s->owner));
    memset (s->open[0], 0xff, n_words * sizeof (**s->open));
    find_kinds (s);
    for (uint32_t k = 0; k < s->n_kinds; k++)
        s->by_cpus[k] = s->by_gpus[k] = k;
    qsort_r (s->by_cpus, s->n_kinds, sizeof (*s->by_cpus), compare_cpus, s->kinds);
    qsort_r (s->by_gpus, s->n_kinds, sizeof (*s->by_gpus), compare_gpus, s->kinds);
    return 0;
}

static void clean_up (struct seek *s)
{
    for (uint32_t i = 0; s->open && i < s->graph->n_sets + 2; i++)
        free (s->open[i]);
    free (s->open);
    free (s->kinds);
    free (s->by_cpus);
    free (s->by_gpus);
    free (s->sets);
    free (s->instances);
    free (s->owner);
    free (s->tried);
}

int aw_together (const struct aw_graph *graph,
                 const struct aw_closure *closure,
                 const struct aw_branches *branches,
                 const struct aw_allocation *allocation,
                 uint64_t limit,
                 struct aw_together *result)
{
    struct seek s = { .graph = graph,
                      .closure = closure,
                      .branches = branches,
                      .allocation = allocation,
                      .work = AW_TOGETHER_WORK,
                      .result = result };

    memset (result, 0, sizeof (*result));
    s.no_memory = prepare (&s) < 0;
    if (!s.no_memory) {
        result->most = bound (&s, 0);
        if (limit < result->most)
            result->most = limit;
        if (closure)
            search (&s, 0);
        else
            try_ends (&s);
        result->is_bound = result->n < result->most && (!closure || s.work == 0 || s.undecided);
        if (!result->is_bound)
            result->most = result->n;
    }
    clean_up (&s);
    if (s.no_memory) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}
