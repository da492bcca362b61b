/* SPDX-License-Identifier: Apache-2.0 */
#include "core/graph/streams.h"

static bool is_stream (const struct aw_graph *graph, const struct aw_set *set)
{
    for (uint32_t i = 0; i < set->n_message_dependencies; i++)
        if (set->message_dependencies[i].every)
            return true;
    for (uint32_t e = 0; e < set->n_after; e++)
        if (set->after[e].back == 0 && graph->sets[set->after[e].set].streams)
            return true;
    return false;
}

void aw_streams_mark (struct aw_graph *graph, uint32_t from)
{
    for (uint32_t o = from; o < graph->n_sets; o++) {
        struct aw_set *set = &graph->sets[graph->order[o]];

        set->streams = is_stream (graph, set);
    }
}

void aw_streams_raise (const struct aw_graph *graph, double *ranks)
{
    uint32_t n = aw_graph_n_instances (graph);
    double most = 0;

    if (graph->n_topics == 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        if (graph->sets[aw_graph_instance_set (graph, i)].streams && ranks[i] > most)
            most = ranks[i];
    for (uint32_t i = 0; i < n; i++)
        if (graph->sets[aw_graph_instance_set (graph, i)].streams)
            ranks[i] = most;
}
