/* SPDX-License-Identifier: Apache-2.0 */
/* Sets that come while the graph is in use: they stand behind those of the first file, are gone
 * through once, and renumber nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph.h"
#include "core/streams.h"

struct aw_graph_size aw_graph_size (const struct aw_graph *graph)
{
    return (struct aw_graph_size){ graph->n_sets, graph->n_tasks, aw_graph_n_instances (graph),
                                   graph->n_topics };
}

static int check_set (const struct aw_graph *g, uint32_t s, struct aw_error *err)
{
    const struct aw_set *set = &g->sets[s];

    if (set->count < 1)
        return aw_error_set (err, "%s: a set needs at least one task", set->name);
    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];

        if (edge->set >= g->n_sets || edge->back)
            return aw_error_set (err, "%s: a predecessor does not exist", set->name);
        if (edge->each && aw_graph_iterations (g, edge->set) > 1)
            return aw_error_set (err,
                                 "%s: \"%s[i]\" has several iterations: wait for the whole set",
                                 set->name, g->sets[edge->set].name);
        if (edge->each && g->sets[edge->set].count != set->count)
            return aw_error_set (err, "%s: \"%s[i]\" needs sets of one size, not %u and %u",
                                 set->name, g->sets[edge->set].name, g->sets[edge->set].count,
                                 set->count);
    }
    return 0;
}

/* Appends to the order those of the new sets whose predecessors stand there, until none is left.
 * Each round takes one rank; where a round takes none there is a cycle.
 */
static int order_sets (struct aw_graph *g, uint32_t from, struct aw_error *err)
{
    uint32_t n = from;
    bool *placed = calloc (g->n_sets - from + (size_t)1, sizeof (*placed));
    uint32_t *order = reallocarray (g->order, g->n_sets + (size_t)1, sizeof (*order));

    if (order)
        g->order = order;
    if (!placed || !order) {
        free (placed);
        return aw_error_set (err, "out of memory");
    }
    for (uint32_t rank = 0; n < g->n_sets; rank++) {
        uint32_t begin = n;

        for (uint32_t s = from; s < g->n_sets; s++) {
            const struct aw_set *set = &g->sets[s];
            bool free_to_go = !placed[s - from];

            for (uint32_t e = 0; e < set->n_after && free_to_go; e++)
                free_to_go = set->after[e].set < from || placed[set->after[e].set - from];
            if (free_to_go)
                order[n++] = s;
        }
        for (uint32_t i = begin; i < n; i++) {
            placed[order[i] - from] = true;
            g->sets[order[i]].rank = rank;
        }
        if (n == begin)
            break;
    }
    free (placed);
    return n == g->n_sets ? 0 : aw_error_set (err, "a cycle: some of the sets could never start");
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
    if (order_sets (g, old->n_sets, err) < 0)
        return -1;
    g->n_tasks = (uint32_t)n;
    aw_streams_mark (g);
    return 0;
}
