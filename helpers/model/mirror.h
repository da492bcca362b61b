/* SPDX-License-Identifier: Apache-2.0 */
/* The mirrored graph: time runs backwards in it. */
#ifndef AW_MODEL_MIRROR_H
#define AW_MODEL_MIRROR_H

#include "core/graph/graph.h"

/* A graph like GRAPH, all of its edges turned round: iteration I of it is the last but I of GRAPH.
 * The caller destroys it. NULL: without memory, or the graph has edges by key, which cannot be
 * turned so.
 */
struct aw_graph *aw_mirror (const struct aw_graph *graph);

#endif /* AW_MODEL_MIRROR_H */
