/* SPDX-License-Identifier: Apache-2.0 */
/* How many branches can run at once: the largest number of branches such that one task set of each
 * fits into the allocation together with the others. The sets are whole, pairwise independent and
 * different (iterations of one set count as the same).
 */
#ifndef AW_MODEL_TOGETHER_H
#define AW_MODEL_TOGETHER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "model/allocation.h"
#include "model/branches.h"
#include "model/closure.h"

/* The search gives up after this many visits of instances, sets and nodes: about a second. */
#define AW_TOGETHER_WORK UINT64_C (200000000)

struct aw_together {
    uint64_t n; /* the largest number found; 0: no set fits whole */
    uint64_t most; /* an upper bound */
    /* the search gave up, or a packing was not decided: the number is between N and MOST */
    bool is_bound;
};

/* CLOSURE NULL: the graph is too large for one; then only the ends of branches are tried. LIMIT: a
 * known upper bound (the branches, the width). 0, or -1 with ENOMEM.
 */
int aw_together (const struct aw_graph *graph,
                 const struct aw_closure *closure,
                 const struct aw_branches *branches,
                 const struct aw_allocation *allocation,
                 uint64_t limit,
                 struct aw_together *result);

#endif /* AW_MODEL_TOGETHER_H */
