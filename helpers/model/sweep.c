/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sweep.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/bounds.h"
#include "model/predict.h"

/* A difference that rounding can explain is none: fewer nodes win. */
static const double smaller = 1 - 1e-9;

struct sweeper {
    struct aw_sweep *sweep;
    const struct aw_graph *graph;
    struct aw_node_shape shape;
    const struct aw_sweep_options *options;
};

static double cost (const struct aw_sweep_row *row)
{
    return row->nodes * row->trial.t * row->trial.t;
}

uint32_t aw_sweep_knee (const struct aw_sweep_row *rows, uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        if (cost (&rows[i]) < cost (&rows[best]) * smaller)
            best = i;
    return best;
}

static uint32_t fastest (const struct aw_sweep_row *rows, uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        if (rows[i].trial.t < rows[best].trial.t * smaller)
            best = i;
    return best;
}

const struct aw_sweep_row *aw_sweep_find (const struct aw_sweep *sweep, uint32_t nodes)
{
    for (uint32_t i = 0; i < sweep->n_rows; i++)
        if (sweep->rows[i].nodes == nodes)
            return &sweep->rows[i];
    return NULL;
}

static uint32_t nodes_of_task (const struct aw_set *set)
{
    struct aw_demand demand = aw_set_demand (set);

    return aw_demand_nodes (&demand);
}

/* Tasks of SET that the nodes of one task hold. */
static uint64_t on_those_of_one (const struct aw_node_shape *shape, const struct aw_set *set)
{
    struct aw_node_shape those = *shape;
    const struct aw_allocation allocation = { .shapes = &those, .n_shapes = 1 };

    those.nodes = nodes_of_task (set);
    return aw_allocation_capacity (&allocation, set);
}

uint32_t aw_sweep_too_large (const struct aw_graph *graph, const struct aw_node_shape *shape)
{
    for (uint32_t s = 0; s < graph->n_sets; s++)
        if (on_those_of_one (shape, &graph->sets[s]) == 0)
            return s;
    return AW_NONE;
}

uint32_t aw_sweep_widest (const struct aw_graph *graph)
{
    uint32_t widest = 0;

    for (uint32_t s = 1; s < graph->n_sets; s++)
        if (nodes_of_task (&graph->sets[s]) > nodes_of_task (&graph->sets[widest]))
            widest = s;
    return widest;
}

uint32_t aw_sweep_least (const struct aw_graph *graph)
{
    return nodes_of_task (&graph->sets[aw_sweep_widest (graph)]);
}

uint32_t aw_sweep_useful (const struct aw_graph *graph, const struct aw_node_shape *shape)
{
    uint64_t sum = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        const struct aw_set *set = &graph->sets[s];
        uint64_t each = on_those_of_one (shape, set);

        sum += (each ? (set->count + each - 1) / each : set->count) * nodes_of_task (set)
               * aw_graph_iterations (graph, s);
    }
    return sum < AW_MAX_NODES ? (uint32_t)sum : AW_MAX_NODES;
}

/* The shortest allowed way of running. 1: none was simulated to its end. */
static int simulate (struct sweeper *s,
                     const struct aw_allocation *allocation,
                     struct aw_sweep_row *row,
                     struct aw_error *err)
{
    const struct aw_sweep_options *o = s->options;
    struct aw_comparison c;

    if (o->candidate >= 0) {
        row->candidate = (uint32_t)o->candidate;
        errno = 0;
        if (aw_trial_run (s->graph, allocation, &aw_candidates[o->candidate].config, &o->conditions,
                          &row->trial, err)
            == 0)
            return 0;
        return errno == ECANCELED ? 1 : -1;
    }
    if (aw_predict_best (s->graph, allocation, &o->conditions, &c, err) < 0)
        return -1;
    for (uint32_t i = 0; i < aw_n_candidates; i++)
        s->sweep->cut = s->sweep->cut || !c.tried[i];
    row->candidate = c.best;
    row->trial = c.trials[c.best];
    return c.tried[c.best] ? 0 : 1;
}

static int fill (struct sweeper *s, struct aw_sweep_row *row, struct aw_error *err)
{
    struct aw_allocation allocation = { 0 };
    struct aw_bounds bounds = { 0 };
    int rc = -1;

    s->shape.nodes = row->nodes;
    if (aw_allocation_add (&allocation, s->shape, err) == 0
        && aw_bounds_init (&bounds, s->graph, &allocation, s->options->conditions.latency, err)
               == 0) {
        row->lower = bounds.lower;
        s->sweep->critical_path = bounds.critical_path;
        rc = simulate (s, &allocation, row, err);
    }
    aw_bounds_finish (&bounds);
    aw_allocation_finish (&allocation);
    return rc;
}

/* Simulates NODES and inserts the row, unless it exists or the time is over. */
static int add (struct sweeper *s, uint32_t nodes, struct aw_error *err)
{
    struct aw_sweep *sweep = s->sweep;
    struct aw_sweep_row row = { .nodes = nodes };
    uint32_t at = sweep->n_rows;
    int rc;

    if (sweep->cut || aw_sweep_find (sweep, nodes))
        return 0;
    rc = fill (s, &row, err);
    if (rc != 0) {
        sweep->cut = rc > 0;
        return rc < 0 ? -1 : 0;
    }
    while (at > 0 && sweep->rows[at - 1].nodes > nodes)
        at--;
    memmove (&sweep->rows[at + 1], &sweep->rows[at], (sweep->n_rows - at) * sizeof (row));
    sweep->rows[at] = row;
    sweep->n_rows++;
    sweep->knee = aw_sweep_knee (sweep->rows, sweep->n_rows);
    sweep->fastest = fastest (sweep->rows, sweep->n_rows);
    return 0;
}

/* Could another row be faster than row AT? */
static bool can_gain (const struct aw_sweep *sweep, uint32_t at)
{
    return sweep->rows[at].trial.t * smaller > sweep->critical_path;
}

/* Is there a number between row AT and the next that is worth its time? */
static bool is_gap (const struct aw_sweep *sweep, uint32_t at)
{
    return at + 1 < sweep->n_rows && sweep->rows[at].nodes + 1 < sweep->rows[at + 1].nodes
           && can_gain (sweep, at);
}

/* The number in the middle of the gap after row AT, by ratio. */
static uint32_t middle (const struct aw_sweep *sweep, uint32_t at)
{
    uint32_t a = sweep->rows[at].nodes, b = sweep->rows[at + 1].nodes;
    uint32_t between = (uint32_t)lround (sqrt ((double)a * b));

    return between <= a ? a + 1 : between >= b ? b - 1 : between;
}

/* The gap of the largest ratio, so that rows are spread evenly when the time is over. */
static uint32_t widest_gap (const struct aw_sweep *sweep)
{
    uint32_t best = AW_NONE;
    double most = 0;

    for (uint32_t i = 0; i + 1 < sweep->n_rows; i++) {
        double ratio = (double)sweep->rows[i + 1].nodes / sweep->rows[i].nodes;

        if (is_gap (sweep, i) && ratio > most) {
            most = ratio;
            best = i;
        }
    }
    return best;
}

/* The gap next to the knee, else the one before the fastest row: fewer nodes may be as fast. */
static uint32_t gap_that_matters (const struct aw_sweep *sweep)
{
    uint32_t at[] = { sweep->knee - 1, sweep->knee, sweep->fastest - 1 };

    for (size_t i = 0; i < sizeof (at) / sizeof (at[0]); i++)
        if (at[i] != AW_NONE && is_gap (sweep, at[i]))
            return at[i];
    return AW_NONE;
}

static int sweep_all (struct sweeper *s, struct aw_error *err)
{
    const struct aw_sweep_options *o = s->options;
    struct aw_sweep *sweep = s->sweep;

    if (add (s, o->least, err) < 0 || (o->also && add (s, o->also, err) < 0))
        return -1;
    if ((sweep->n_rows == 0 || can_gain (sweep, sweep->n_rows - 1)) && add (s, o->most, err) < 0)
        return -1;
    while (!sweep->cut && sweep->n_rows < AW_SWEEP_ROWS) {
        uint32_t at =
            sweep->n_rows < AW_SWEEP_COARSE ? widest_gap (sweep) : gap_that_matters (sweep);

        if (at == AW_NONE)
            break;
        if (add (s, middle (sweep, at), err) < 0)
            return -1;
    }
    if (sweep->n_rows > 0)
        return 0;
    errno = ECANCELED;
    return aw_error_set (err, "no simulation ended in the time given");
}

static int check (const struct aw_graph *graph,
                  const struct aw_node_shape *shape,
                  const struct aw_sweep_options *o,
                  struct aw_error *err)
{
    uint32_t set;

    if (!graph || graph->n_tasks == 0 || !shape || !o || o->least == 0 || o->most < o->least
        || (o->also && (o->also < o->least || o->also > o->most))
        || o->candidate >= (int)aw_n_candidates) {
        errno = EINVAL;
        return aw_error_set (err, "a sweep needs a finalized graph and numbers of nodes from 1 on");
    }
    set = aw_sweep_widest (graph);
    if (o->least < nodes_of_task (&graph->sets[set])) {
        errno = EINVAL;
        return aw_error_set (err, "tasks.%s: a task needs %u nodes", graph->sets[set].name,
                             nodes_of_task (&graph->sets[set]));
    }
    set = aw_sweep_too_large (graph, shape);
    if (set == AW_NONE)
        return 0;
    errno = EINVAL;
    return aw_error_set (err, "tasks.%s: a task does not fit on a node", graph->sets[set].name);
}

int aw_sweep_init (struct aw_sweep *sweep,
                   const struct aw_graph *graph,
                   const struct aw_node_shape *shape,
                   const struct aw_sweep_options *options,
                   struct aw_error *err)
{
    struct sweeper s;

    memset (sweep, 0, sizeof (*sweep));
    if (check (graph, shape, options, err) < 0)
        return -1;
    s = (struct sweeper){ sweep, graph, *shape, options };
    sweep->rows = calloc (AW_SWEEP_ROWS, sizeof (*sweep->rows));
    if (!sweep->rows)
        return aw_error_set (err, "out of memory for the sweep");
    if (sweep_all (&s, err) < 0) {
        aw_sweep_finish (sweep);
        return -1;
    }
    return 0;
}

void aw_sweep_finish (struct aw_sweep *sweep)
{
    int saved = errno;

    free (sweep->rows);
    memset (sweep, 0, sizeof (*sweep));
    errno = saved;
}
