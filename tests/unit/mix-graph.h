/* SPDX-License-Identifier: Apache-2.0 */
/* Random graphs with all that a set may have. Each SEED is a state of graphs_below. */
#ifndef AW_TESTS_MIX_GRAPH_H
#define AW_TESTS_MIX_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"

enum {
    MIX_GOAL = 7, /* the exit code that ends the iterations */
    MIX_PARTS = 3, /* at most this many nodes for a task */
    MIX_TOPICS = 3,
};

extern const char *const mix_topics[MIX_TOPICS];

/* A finalized graph. */
struct aw_graph *mix_graph (uint64_t *seed);

/* Adds a set after all others; LARGE: the graph has many sets, so this one has few tasks and edges.
 */
void mix_set (uint64_t *seed, struct aw_graph *g, bool large, enum aw_phase phase);

/* Adds a single task that is submitted: after the ends, or the successes, of others that were. */
void mix_submission (uint64_t *seed, struct aw_graph *g);

#endif /* AW_TESTS_MIX_GRAPH_H */
