/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: sets whose tasks start one by one as messages come (needs with "every"), and those that
 * wait for these in the same iteration. Nobody says who sends a topic's messages, so the path
 * behind a stage of a stream is not known, and by length alone the longest stage would always go
 * first: as long as messages come, what its own messages start would never run. So all streams have
 * one rank, the longest that one of them has, and take turns: of those with a ready task the one
 * goes first that has not started a task for longest. A ready task that is the first of its set
 * thus waits for at most one start of each other stream of its demand, beside what outranks them
 * all.
 */
#ifndef AW_CORE_GRAPH_STREAMS_H
#define AW_CORE_GRAPH_STREAMS_H

#include "core/graph/graph.h"

/* Works out `streams` of the sets from FROM on; their order is known. */
void aw_streams_mark (struct aw_graph *graph, uint32_t from);

/* Gives all streams the largest of their RANKS (by instance). */
void aw_streams_raise (const struct aw_graph *graph, double *ranks);

#endif /* AW_CORE_GRAPH_STREAMS_H */
