/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: sets whose tasks start one by one as messages come (message dependencies with "every"),
 * and their successors in the same iteration. A workflow does not say which set sends a topic's
 * messages, so the path after a stage of a stream is not known. By length alone, the longest stage
 * would always come first, and the tasks that its own messages start would never run while messages
 * come. So all streams have one rank, the largest of theirs, and take turns: the stream whose last
 * start is the oldest comes first. The first ready task of a stream therefore waits for at most one
 * start of each other stream of its demand, and for sets of higher rank.
 */
#ifndef AW_CORE_GRAPH_STREAMS_H
#define AW_CORE_GRAPH_STREAMS_H

#include "core/graph/graph.h"

/* Sets `streams` of the sets from FROM on; their order is known. */
void aw_streams_mark (struct aw_graph *graph, uint32_t from);

/* Gives all streams the largest of their RANKS (by instance). */
void aw_streams_raise (const struct aw_graph *graph, double *ranks);

#endif /* AW_CORE_GRAPH_STREAMS_H */
