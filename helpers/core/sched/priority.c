/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/priority.h"

#include <math.h>
#include <string.h>

#include "core/graph/peers.h"

static double stand_in (const struct aw_graph *graph, const double *seconds)
{
    double sum = 0;
    uint32_t known = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        if (isnan (seconds[s]))
            continue;
        sum += seconds[s];
        known++;
    }
    return known && sum > 0 ? sum / known : 1.0;
}

/* From the predecessors of AT along EDGE the way takes at least SECONDS more. */
static void raise_predecessors (const struct aw_graph *graph,
                                const struct aw_edge *edge,
                                const struct aw_task *at,
                                double seconds,
                                double *remaining)
{
    struct aw_span span = aw_span_before (graph, edge, at->set, at->iteration);

    for (uint32_t k = 0; k < span.n; k++) {
        double *before = &remaining[aw_graph_instance (graph, span.first + k, edge->set)];

        if (*before < seconds)
            *before = seconds;
    }
}

void aw_priority_remaining (const struct aw_graph *graph, const double *seconds, double *remaining)
{
    double unknown = stand_in (graph, seconds);
    uint32_t n = aw_graph_n_instances (graph);

    memset (remaining, 0, n * sizeof (*remaining));
    /* Successors come later in the order: going backwards, an instance is final when reached. */
    while (n-- > 0) {
        struct aw_task at = aw_graph_ordered (graph, n);
        const struct aw_set *set = &graph->sets[at.set];
        double *mine = &remaining[aw_graph_instance (graph, at.iteration, at.set)];

        *mine += isnan (seconds[at.set]) ? unknown : seconds[at.set];
        for (uint32_t e = 0; e < set->n_after; e++)
            raise_predecessors (graph, &set->after[e], &at, *mine, remaining);
    }
}
