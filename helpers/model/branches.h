/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, counted by their ends. Iterations are unrolled into set instances (one set in one
 * iteration). An instance on which no other depends, in its iteration or a later one, is the end of
 * a branch. So the last set of an iteration ends a branch in each iteration if the next one does
 * not wait for it; else only in the last.
 */
#ifndef AW_MODEL_BRANCHES_H
#define AW_MODEL_BRANCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"

struct aw_branches {
    uint64_t n;
    /* by set: iterations from it to its nearest successor; AW_NONE: it has none */
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
