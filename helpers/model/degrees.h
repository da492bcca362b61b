/* SPDX-License-Identifier: Apache-2.0 */
/* The degrees of asynchronicity of Pascuzzi, Kilic, Turilli and Jha, "Asynchronous Execution of
 * Heterogeneous Tasks in ML-driven HPC Workflows" (arXiv 2208.11069): how many branches of a
 * workflow can run at the same time, by dependencies and by resources. Branches are counted over
 * all iterations (model/branches.h); an edge by index counts as an edge between sets. A degree is
 * one less than the number of branches: a chain has 0.
 */
#ifndef AW_MODEL_DEGREES_H
#define AW_MODEL_DEGREES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "model/allocation.h"
#include "util/error.h"

struct aw_degrees {
    uint64_t branches; /* instances on which nothing depends */
    uint64_t doa_dep; /* by dependencies: branches - 1 */
    /* by resources: the number of model/together.h, - 1; also 0 if no set fits whole */
    uint64_t doa_res;
    uint64_t doa_res_most; /* an upper bound; equal if doa_res is exact */
    bool doa_res_is_bound; /* doa_res is the largest found before the search gave up */
    uint64_t wla; /* workload-level asynchronicity: min (doa_dep, doa_res) */
    uint64_t width; /* the most instances that are pairwise independent */
    bool width_is_bound; /* an upper bound: the graph has more than AW_CLOSURE_MAX instances */
    uint32_t stages; /* ranks in an iteration */
};

/* GRAPH is finalized; ALLOCATION has nodes. 0, or -1 with text. */
int aw_degrees (const struct aw_graph *graph,
                const struct aw_allocation *allocation,
                struct aw_degrees *degrees,
                struct aw_error *err);

#endif /* AW_MODEL_DEGREES_H */
