/* SPDX-License-Identifier: Apache-2.0 */
/* The transitive closure of all set instances (numbered as in core/graph/graph.h), a row of bits
 * for each. An edge by index, "set[i]", counts as an edge between the sets.
 */
#ifndef AW_MODEL_CLOSURE_H
#define AW_MODEL_CLOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/graph/graph.h"

enum { AW_CLOSURE_MAX = 1 << 14 }; /* instances: 32 MiB of bits */

struct aw_closure {
    uint32_t n; /* instances */
    size_t n_words; /* of a row */
    uint64_t *bits; /* private: n rows */
};

/* 0, or -1 with ENOMEM, or E2BIG: more than AW_CLOSURE_MAX instances. finish takes a zeroed value.
 */
int aw_closure_init (struct aw_closure *closure, const struct aw_graph *graph);
void aw_closure_finish (struct aw_closure *closure);

/* The instances that come after I, as bits. */
const uint64_t *aw_closure_row (const struct aw_closure *closure, uint32_t i);

/* Does J come after I? */
bool aw_closure_has (const struct aw_closure *closure, uint32_t i, uint32_t j);

#endif /* AW_MODEL_CLOSURE_H */
