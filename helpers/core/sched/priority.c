/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/priority.h"

#include <math.h>
#include <string.h>

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

void aw_priority_remaining (const struct aw_graph *graph, const double *seconds, double *remaining)
{
    double unknown = stand_in (graph, seconds);

    memset (remaining, 0, aw_graph_n_instances (graph) * sizeof (*remaining));
    /* Added sets wait for older ones, never the other way round. */
    for (uint32_t o = graph->n_sets; o-- > graph->n_base;) {
        uint32_t s = graph->order[o];
        const struct aw_set *set = &graph->sets[s];
        double *mine = &remaining[aw_graph_instance (graph, 0, s)];

        *mine += isnan (seconds[s]) ? unknown : seconds[s];
        for (uint32_t e = 0; e < set->n_after; e++)
            for (uint32_t it = 0; it < aw_graph_iterations (graph, set->after[e].set); it++) {
                double *before = &remaining[aw_graph_instance (graph, it, set->after[e].set)];

                if (*before < *mine)
                    *before = *mine;
            }
    }
    /* Successors come later in the order or in a later iteration: going backwards, an instance is
     * final when reached. */
    for (uint32_t it = graph->iterations; it-- > 0;) {
        for (uint32_t o = graph->n_base; o-- > 0;) {
            uint32_t s = graph->order[o];
            const struct aw_set *set = &graph->sets[s];
            double *mine = &remaining[(size_t)it * graph->n_base + s];

            *mine += isnan (seconds[s]) ? unknown : seconds[s];
            for (uint32_t e = 0; e < set->n_after; e++) {
                const struct aw_edge *edge = &set->after[e];
                double *before;

                if (edge->back > it)
                    continue;
                before = &remaining[(size_t)(it - edge->back) * graph->n_base + edge->set];
                if (*before < *mine)
                    *before = *mine;
            }
        }
    }
}
