/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, counted by their ends. Iterations are unrolled: what counts is the set instance (one
 * set in one iteration), and an instance on which no other depends, in its iteration or a later
 * one, is the end of a branch. So a set that ends each iteration while the next one does not wait
 * for it ends as many branches as there are iterations; where the next iteration waits for it, only
 * the last one's is an end.
 */
#ifndef AW_MODEL_BRANCHES_H
#define AW_MODEL_BRANCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"

struct aw_branches {
    uint64_t n;
    /* by set: so many iterations ahead is its nearest successor; AW_NONE: it has none */
    uint32_t *nearest;
};

/* 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_branches_init (struct aw_branches *branches, const struct aw_graph *graph);
void aw_branches_finish (struct aw_branches *branches);

/* Does a branch end with SET in ITERATION? */
bool aw_branches_is_end (const struct aw_branches *branches,
                         const struct aw_graph *graph,
                         uint32_t iteration,
                         uint32_t set);

#endif /* AW_MODEL_BRANCHES_H */
