/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a graph ready for use: its edges are checked, its tasks are numbered and can be found.
 */
#include "core/graph/graph.h"

#include <stdlib.h>

/* Do the sets of the edge have the tasks that its index or key needs? */
static int check_counts (const struct aw_graph *graph,
                         const struct aw_set *set,
                         const struct aw_edge *edge,
                         struct aw_error *err)
{
    const struct aw_set *before = &graph->sets[edge->set];
    const struct aw_edge_key *key;

    if (edge->by == AW_BY_SET || (edge->by == AW_BY_INDEX && before->count == set->count))
        return 0;
    if (edge->by == AW_BY_INDEX)
        return aw_error_set (err, "%s: \"%s[i]\" needs sets of one size, not %u and %u", set->name,
                             before->name, before->count, set->count);
    key = aw_graph_key (graph, edge->by);
    if (key->before.n_tasks != before->count || key->after.n_tasks != set->count)
        return aw_error_set (err, "%s: \"%s[%s]\" needs sets of %u and %u tasks, not %u and %u",
                             set->name, before->name, key->name, key->before.n_tasks,
                             key->after.n_tasks, before->count, set->count);
    return 0;
}

int aw_graph_check_edge (const struct aw_graph *graph,
                         uint32_t set,
                         const struct aw_edge *edge,
                         struct aw_error *err)
{
    const char *name = graph->sets[set].name;

    if (edge->set >= graph->n_sets)
        return aw_error_set (err, "%s: a predecessor does not exist", name);
    if (edge->by >= AW_BY_KEY + graph->n_keys)
        return aw_error_set (err, "%s: a key does not exist", name);
    if (edge->any
        && (edge->by != AW_BY_SET || edge->back || graph->sets[edge->set].count != 1
            || aw_graph_iterations (graph, edge->set) != 1))
        return aw_error_set (err, "%s: only the end of a single task can be waited for", name);
    if (graph->sets[edge->set].service && (edge->by != AW_BY_SET || edge->back || edge->any))
        return aw_error_set (err, "%s: a service is waited for by its name alone", name);
    return check_counts (graph, &graph->sets[set], edge, err);
}

/* Between a set that runs once and one that does not, the edge is to all iterations as a whole. */
static int check_once (const struct aw_graph *graph,
                       const struct aw_set *set,
                       const struct aw_edge *edge,
                       struct aw_error *err)
{
    const struct aw_set *before = &graph->sets[edge->set];

    if (edge->back && (set->once || before->once))
        return aw_error_set (err, "%s: \"%s@-%u\": a once set has no previous iteration", set->name,
                             before->name, edge->back);
    if (edge->by != AW_BY_SET && set->once != before->once)
        return aw_error_set (err, "%s: \"%s[%s]\": only one of them is a once set", set->name,
                             before->name, aw_graph_brackets (graph, edge->by));
    if (before->service && set->once && !before->once && graph->iterations > 1)
        return aw_error_set (err, "%s: %s is a service of each iteration: a once set cannot use it",
                             set->name, before->name);
    return 0;
}

void aw_graph_mark_waited_singly (struct aw_graph *graph, uint32_t from)
{
    for (uint32_t s = from; s < graph->n_sets; s++)
        graph->sets[s].waited_singly = graph->sets[s].submitted || graph->until == s;
    for (uint32_t s = from; s < graph->n_sets; s++)
        for (uint32_t e = 0; e < graph->sets[s].n_after; e++)
            if (graph->sets[s].after[e].by != AW_BY_SET)
                graph->sets[graph->sets[s].after[e].set].waited_singly = true;
}

/* Counts services, and marks the sets that come after them. */
static int mark_services (struct aw_graph *graph, struct aw_error *err)
{
    graph->n_services = 0;
    for (uint32_t i = 0; i < graph->n_sets; i++) {
        struct aw_set *set = &graph->sets[i];

        graph->n_services += set->service;
        set->served = false;
        if (set->service && (set->count != 1 || set->nodes != 1 || set->step))
            return aw_error_set (err, "%s: a service is one task on one node", set->name);
        for (uint32_t e = 0; e < set->n_after; e++)
            set->served = set->served || graph->sets[set->after[e].set].service;
    }
    return 0;
}

static int check_edges (const struct aw_graph *graph, struct aw_error *err)
{
    for (uint32_t i = 0; i < graph->n_sets; i++) {
        const struct aw_set *set = &graph->sets[i];

        if (set->count < 1)
            return aw_error_set (err, "%s: a set needs at least one task", set->name);
        for (uint32_t e = 0; e < set->n_after; e++)
            if (aw_graph_check_edge (graph, i, &set->after[e], err) < 0
                || check_once (graph, set, &set->after[e], err) < 0)
                return -1;
    }
    return 0;
}

/* Counts the sets of each kind: once sets come after the others. */
static int count_sets (struct aw_graph *graph, struct aw_error *err)
{
    uint32_t n = 0;

    while (n < graph->n_sets && !graph->sets[n].once)
        n++;
    for (uint32_t i = n; i < graph->n_sets; i++)
        if (!graph->sets[i].once)
            return aw_error_set (err, "%s: comes after a once set", graph->sets[i].name);
    if (n == 0)
        return aw_error_set (err, "all task sets run once: none is left for the iterations");
    graph->n_iterated = n;
    graph->n_base = graph->n_sets;
    return 0;
}

static int number_tasks (struct aw_graph *graph, struct aw_error *err)
{
    uint64_t n = 0;

    if (graph->iterations < 1)
        return aw_error_set (err, "at least one iteration is needed");
    for (uint32_t i = 0; i <= graph->n_sets && n <= AW_MAX_TASKS; i++) {
        if (i == graph->n_iterated) {
            graph->tasks_per_iteration = (uint32_t)n;
            n *= graph->iterations;
        }
        if (i == graph->n_sets)
            break;
        graph->sets[i].first = (uint32_t)n;
        n += graph->sets[i].count;
    }
    if (n > AW_MAX_TASKS)
        return aw_error_set (err, "more than %u tasks in all", AW_MAX_TASKS);
    graph->n_tasks = (uint32_t)n;
    return 0;
}

/* The set of every AW_GRAPH_BLOCK'th task of an iteration; the last set follows the last block. */
static int index_tasks (struct aw_graph *graph, struct aw_error *err)
{
    uint32_t n_blocks = (graph->tasks_per_iteration - 1) / AW_GRAPH_BLOCK + 1, set = 0;
    uint32_t *blocks = calloc ((size_t)n_blocks + 1, sizeof (*blocks));

    if (!blocks)
        return aw_error_set (err, "out of memory");
    for (uint32_t b = 0; b < n_blocks; b++) {
        while (set + 1 < graph->n_iterated && graph->sets[set + 1].first <= b * AW_GRAPH_BLOCK)
            set++;
        blocks[b] = set;
    }
    blocks[n_blocks] = graph->n_iterated - 1;
    free (graph->blocks);
    graph->blocks = blocks;
    return 0;
}

int aw_graph_finalize (struct aw_graph *graph, struct aw_error *err)
{
    if (!graph->n_sets)
        return aw_error_set (err, "no task sets");
    if (count_sets (graph, err) < 0 || check_edges (graph, err) < 0
        || mark_services (graph, err) < 0 || number_tasks (graph, err) < 0
        || index_tasks (graph, err) < 0)
        return -1;
    aw_graph_mark_waited_singly (graph, 0);
    return aw_graph_order (graph, 0, err);
}
