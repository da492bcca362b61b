/* SPDX-License-Identifier: Apache-2.0 */
/* Do all tasks of these sets fit into an empty allocation at the same time? This is vector bin
 * packing, which is hard in general. First sums are compared (no), then a few greedy ways are tried
 * (yes), then a search that gives up after a fixed number of steps.
 */
#ifndef AW_MODEL_PACK_H
#define AW_MODEL_PACK_H

#include <stdint.h>

#include "core/graph/graph.h"
#include "model/allocation.h"

enum aw_fit {
    AW_FIT_NO,
    AW_FIT_YES,
    AW_FIT_UNKNOWN, /* the search gave up */
};

enum { AW_PACK_STEPS = 20000 };

/* SETS: N indexes into graph->sets. Without memory the answer is AW_FIT_UNKNOWN. */
enum aw_fit aw_pack (const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const uint32_t *sets,
                     uint32_t n);

#endif /* AW_MODEL_PACK_H */
