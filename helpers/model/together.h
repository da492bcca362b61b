/* SPDX-License-Identifier: Apache-2.0 */
/* How many branches can be served at once: the largest number of branches from each of which one
 * task set can be taken (distinct, pairwise independent, each whole, and of different kinds: the
 * iterations of one set are one kind) so that together they fit into the allocation.
 */
#ifndef AW_MODEL_TOGETHER_H
#define AW_MODEL_TOGETHER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "model/allocation.h"
#include "model/branches.h"
#include "model/closure.h"

/* The search gives up after so much work: looks at an instance, a set or a node. About a second. */
#define AW_TOGETHER_WORK UINT64_C (200000000)

struct aw_together {
    uint64_t n; /* the largest number found; 0: no set fits whole */
    uint64_t most; /* an upper bound */
    /* the search gave up, or a packing was not decided: there may be more than N, up to MOST */
    bool is_bound;
};

/* CLOSURE NULL: the graph is too large for one; then only the ends of the branches are tried.
 * LIMIT: a number that is known not to be exceeded (the branches, the width). 0, or -1 with ENOMEM.
 */
int aw_together (const struct aw_graph *graph,
                 const struct aw_closure *closure,
                 const struct aw_branches *branches,
                 const struct aw_allocation *allocation,
                 uint64_t limit,
                 struct aw_together *result);

#endif /* AW_MODEL_TOGETHER_H */
