/* SPDX-License-Identifier: Apache-2.0 */
/* Which instances and tasks an edge connects: one question for edges by set, by index and by key,
 * between iterated sets and those that run once.
 */
#ifndef AW_CORE_GRAPH_PEERS_H
#define AW_CORE_GRAPH_PEERS_H

#include "core/graph/graph.h"

/* Iterations of a set: FIRST and the N - 1 that follow. */
struct aw_span {
    uint32_t first, n;
};

/* Those of the predecessor of EDGE that SET waits for in ITERATION. None where EDGE looks back
 * beyond the first one.
 */
static inline struct aw_span aw_span_before (const struct aw_graph *graph,
                                             const struct aw_edge *edge,
                                             uint32_t set,
                                             uint32_t iteration)
{
    if (set >= graph->n_iterated || edge->set >= graph->n_iterated)
        return (struct aw_span){ 0, aw_graph_iterations (graph, edge->set) };
    return (struct aw_span){ iteration - edge->back, iteration >= edge->back };
}

/* The same from the other end: those of SET that wait, along an edge of BACK, for ITERATION of
 * PREDECESSOR. */
static inline struct aw_span aw_span_after (const struct aw_graph *graph,
                                            uint32_t predecessor,
                                            uint32_t iteration,
                                            uint32_t set,
                                            uint32_t back)
{
    if (set >= graph->n_iterated || predecessor >= graph->n_iterated)
        return (struct aw_span){ 0, aw_graph_iterations (graph, set) };
    return (struct aw_span){ iteration + back, iteration + back < graph->iterations };
}

/* Tasks of one set instance. */
struct aw_peers {
    const uint32_t *indexes; /* N indexes. Borrowed; NULL: the N indexes from FIRST on */
    uint32_t first, n;
};

static inline uint32_t aw_peer (const struct aw_peers *peers, uint32_t i)
{
    return peers->indexes ? peers->indexes[i] : peers->first + i;
}

static inline struct aw_peers aw_peers_of (const struct aw_groups *groups, uint32_t group)
{
    uint32_t start = groups->start[group];

    return (struct aw_peers){ &groups->member[start], 0, groups->start[group + 1] - start };
}

/* Which tasks of SUCCESSOR, a set, wait for the predecessor's task of INDEX? */
static inline struct aw_peers aw_peers_after (const struct aw_graph *graph,
                                              uint32_t by,
                                              uint32_t successor,
                                              uint32_t index)
{
    const struct aw_edge_key *key;

    if (by == AW_BY_SET)
        return (struct aw_peers){ NULL, 0, graph->sets[successor].count };
    if (by == AW_BY_INDEX)
        return (struct aw_peers){ NULL, index, 1 };
    key = aw_graph_key (graph, by);
    return aw_peers_of (&key->after, key->before.group[index]);
}

/* Which tasks of PREDECESSOR, a set, does the successor's task of INDEX wait for? */
static inline struct aw_peers aw_peers_before (const struct aw_graph *graph,
                                               uint32_t by,
                                               uint32_t predecessor,
                                               uint32_t index)
{
    const struct aw_edge_key *key;

    if (by == AW_BY_SET)
        return (struct aw_peers){ NULL, 0, graph->sets[predecessor].count };
    if (by == AW_BY_INDEX)
        return (struct aw_peers){ NULL, index, 1 };
    key = aw_graph_key (graph, by);
    return aw_peers_of (&key->before, key->after.group[index]);
}

#endif /* AW_CORE_GRAPH_PEERS_H */
