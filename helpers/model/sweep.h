/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow on different numbers of nodes of one shape: the time with each number, and the number
 * from which more nodes do not pay. All numbers are simulated up to a few dozen; of a larger range
 * geometric steps, and each number near the knee.
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
    AW_SWEEP_ROWS = 64, /* at most, with those near the knee */
};

struct aw_sweep_row {
    uint32_t nodes;
    uint32_t candidate; /* index in aw_candidates: the shortest way of running of those allowed */
    struct aw_trial trial;
    double lower; /* seconds that no run on this number of nodes can beat */
};

struct aw_sweep {
    struct aw_sweep_row *rows; /* by nodes, rising; owned */
    uint32_t n_rows; /* at least 1 */
    uint32_t knee; /* indexes of rows: aw_sweep_knee */
    uint32_t fastest; /* the fewest nodes of the shortest time */
    double critical_path; /* seconds; a row with this time ends the sweep: no run is faster */
    bool cut; /* go_on stopped it: rows are missing, or ways of running in the last row */
};

struct aw_sweep_options {
    uint32_t least, most; /* nodes, aw_sweep_least or more; the shape's own number is ignored */
    uint32_t also; /* another number between them to include; 0: none */
    int candidate; /* of aw_candidates; -1: the best of all for each number */
    struct aw_conditions conditions;
};

/* GRAPH is finalized and knows all durations. 0, or -1 with text; errno is ECANCELED if go_on
 * stopped it before the first row. finish takes a zeroed value.
 */
int aw_sweep_init (struct aw_sweep *sweep,
                   const struct aw_graph *graph,
                   const struct aw_node_shape *shape,
                   const struct aw_sweep_options *options,
                   struct aw_error *err);
void aw_sweep_finish (struct aw_sweep *sweep);

/* The knee of the execution time-efficiency profile (Eager, Zahorjan and Lazowska, "Speedup Versus
 * Efficiency in Parallel Systems", IEEE Transactions on Computers 38(3), 1989): the row with the
 * largest efficiency over execution time, that is with the smallest product of node-hours and
 * makespan; of equal rows the fewest nodes. Up to the knee, one percent more nodes gives at least
 * half a percent less time. It does not depend on the end of the sweep. With a perfect speed-up it
 * is the last row, with a flat curve the first. Returns an index into the N (at least 1) ROWS,
 * sorted by nodes.
 */
uint32_t aw_sweep_knee (const struct aw_sweep_row *rows, uint32_t n);

/* The row of that number of nodes, or NULL. */
const struct aw_sweep_row *aw_sweep_find (const struct aw_sweep *sweep, uint32_t nodes);

/* The first set with a task that does not fit on empty nodes of SHAPE; AW_NONE: there is none. */
uint32_t aw_sweep_too_large (const struct aw_graph *graph, const struct aw_node_shape *shape);

/* The first set whose tasks run on the most nodes; and that number of nodes, with which a sweep can
 * begin.
 */
uint32_t aw_sweep_widest (const struct aw_graph *graph);
uint32_t aw_sweep_least (const struct aw_graph *graph);

/* The number of nodes of SHAPE that hold all tasks of all sets and iterations at once, without
 * sharing a node between sets: more nodes are of no use. At most AW_MAX_NODES. Each set fits.
 */
uint32_t aw_sweep_useful (const struct aw_graph *graph, const struct aw_node_shape *shape);

#endif /* AW_MODEL_SWEEP_H */
