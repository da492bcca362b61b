/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow on more and more nodes of one shape: what each number of nodes would take, and where
 * more of them cease to pay. All numbers up to a few dozen; of a large range geometric steps, and
 * every number around the knee.
 */
#ifndef AW_MODEL_SWEEP_H
#define AW_MODEL_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "model/allocation.h"
#include "model/trial.h"
#include "util/error.h"

enum {
    AW_SWEEP_COARSE = 24, /* rows by equal ratios, ends included */
    AW_SWEEP_ROWS = 64, /* at most, with those around the knee */
};

struct aw_sweep_row {
    uint32_t nodes;
    uint32_t candidate; /* the way of running, of aw_candidates: the shortest of those allowed */
    struct aw_trial trial;
    double lower; /* seconds that no run on so many nodes can beat */
};

struct aw_sweep {
    struct aw_sweep_row *rows; /* by nodes, rising; owned */
    uint32_t n_rows; /* at least 1 */
    uint32_t knee; /* indexes of rows: aw_sweep_knee */
    uint32_t fastest; /* the fewest nodes of the shortest time */
    double critical_path; /* seconds; a row that takes no more ends the sweep: nothing is faster */
    bool cut; /* go_on ended it: rows are missing, or ways of running in the last one */
};

struct aw_sweep_options {
    uint32_t least, most; /* nodes, aw_sweep_least or more; shape's own number is not looked at */
    uint32_t also; /* this number too, between them; 0: none */
    int candidate; /* of aw_candidates; -1: the best of all for each number */
    struct aw_conditions conditions;
};

/* GRAPH is finalized and knows all durations. 0, or -1 with text; errno is ECANCELED where go_on
 * ended it before the first row. finish takes a zeroed value.
 */
int aw_sweep_init (struct aw_sweep *sweep,
                   const struct aw_graph *graph,
                   const struct aw_node_shape *shape,
                   const struct aw_sweep_options *options,
                   struct aw_error *err);
void aw_sweep_finish (struct aw_sweep *sweep);

/* The knee of the execution time-efficiency profile (Eager, Zahorjan and Lazowska, "Speedup Versus
 * Efficiency in Parallel Systems", IEEE Transactions on Computers 38(3), 1989): where efficiency
 * over execution time is largest, which is where node-hours times makespan are smallest; of equal
 * ones the fewest nodes. Up to there one percent more nodes pay with half a percent less time, or
 * more. It does not depend on how far the sweep goes, is the last row of a perfect speed-up and the
 * first of a flat curve. Index into ROWS, of which there are N, at least 1, with rising nodes.
 */
uint32_t aw_sweep_knee (const struct aw_sweep_row *rows, uint32_t n);

/* The row of so many nodes, or NULL. */
const struct aw_sweep_row *aw_sweep_find (const struct aw_sweep *sweep, uint32_t nodes);

/* The first set of which nodes of SHAPE, as many as a task runs on, could not even hold one task;
 * AW_NONE: they hold all.
 */
uint32_t aw_sweep_too_large (const struct aw_graph *graph, const struct aw_node_shape *shape);

/* The first set whose tasks run on the most nodes at once; and how many these are, the least that
 * a sweep can begin with.
 */
uint32_t aw_sweep_widest (const struct aw_graph *graph);
uint32_t aw_sweep_least (const struct aw_graph *graph);

/* So many nodes of SHAPE have room for all tasks of all sets and iterations at once, none of them
 * sharing a node with another set: more are of no use. At most AW_MAX_NODES. Each set fits.
 */
uint32_t aw_sweep_useful (const struct aw_graph *graph, const struct aw_node_shape *shape);

#endif /* AW_MODEL_SWEEP_H */
