/* SPDX-License-Identifier: Apache-2.0 */
/* Sets that are added to a graph in use: they come after the others, run once, and renumber
 * nothing.
 */
#include "core/graph/graph.h"

struct aw_graph_size aw_graph_size (const struct aw_graph *graph)
{
    return (
        struct aw_graph_size){ graph->n_sets,   graph->n_tasks,     aw_graph_n_instances (graph),
                               graph->n_topics, graph->n_gpu_types, graph->n_keys };
}

static int check_set (struct aw_graph *g, uint32_t s, struct aw_error *err)
{
    struct aw_set *set = &g->sets[s];

    if (set->count < 1)
        return aw_error_set (err, "%s: a set needs at least one task", set->name);
    if (set->service)
        return aw_error_set (err, "%s: an added set cannot be a service", set->name);
    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];

        if (edge->back)
            return aw_error_set (err, "%s: a predecessor does not exist", set->name);
        if (aw_graph_check_edge (g, s, edge, err) < 0)
            return -1;
        if (g->sets[edge->set].service && aw_graph_iterations (g, edge->set) > 1)
            return aw_error_set (err,
                                 "%s: %s is a service of each iteration: an added set cannot "
                                 "use it",
                                 set->name, g->sets[edge->set].name);
        set->served = set->served || g->sets[edge->set].service;
        if (edge->by != AW_BY_SET && aw_graph_iterations (g, edge->set) > 1)
            return aw_error_set (
                err, "%s: \"%s[%s]\" has several iterations: wait for the whole set", set->name,
                g->sets[edge->set].name, aw_graph_brackets (g, edge->by));
    }
    return 0;
}

int aw_graph_grow (struct aw_graph *g, const struct aw_graph_size *old, struct aw_error *err)
{
    uint64_t n = old->n_tasks;

    for (uint32_t s = old->n_sets; s < g->n_sets; s++) {
        if (check_set (g, s, err) < 0)
            return -1;
        g->sets[s].first = (uint32_t)n;
        n += g->sets[s].count;
        if (n > AW_MAX_TASKS)
            return aw_error_set (err, "more than %u tasks in all", AW_MAX_TASKS);
    }
    aw_graph_mark_waited_singly (g, old->n_sets);
    if (aw_graph_order (g, old->n_sets, err) < 0)
        return -1;
    g->n_tasks = (uint32_t)n;
    return 0;
}
