/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/forecast.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/sched/headroom.h"
#include "util/array.h"
#include "util/heap.h"

void aw_forecast_finish (struct aw_forecast *f)
{
    int saved = errno;

    for (int i = 0; i < AW_FORECAST_ROWS; i++)
        free (f->rows[i].tree);
    free (f->heap);
    memset (f, 0, sizeof (*f));
    errno = saved;
}

double aw_forecast_time (const struct aw_pool *pool,
                         const struct aw_running_table *running,
                         uint32_t number,
                         const struct aw_demand *demand)
{
    const struct aw_running *run = aw_running_first (running, number);
    struct aw_headroom room;
    double t = -INFINITY;

    if (!aw_node_could_hold (&pool->nodes[number], demand))
        return NAN;
    room = aw_headroom_now (pool, number, demand);
    for (; run && !aw_headroom_fits (&room, demand); run = aw_running_next (running, run)) {
        aw_headroom_release (&room, run);
        t = run->end;
    }
    return t;
}

/* NAN, never, comes after all others. */
static double sooner (double a, double b)
{
    return a <= b || isnan (b) ? a : b;
}

static void set_time (struct aw_forecast_row *row, uint32_t node, double t)
{
    uint32_t place = row->n_leaves + node;

    row->tree[place] = t;
    for (place /= 2; place > 0; place /= 2)
        row->tree[place] = sooner (row->tree[2 * place], row->tree[2 * place + 1]);
}

/* Works out all nodes. */
static int fill (struct aw_forecast_row *row, const struct aw_forecast_query *q)
{
    uint32_t n = 1;

    while (n < q->pool->n_nodes)
        n *= 2;
    if (n != row->n_leaves) {
        double *tree = realloc (row->tree, 2 * (size_t)n * sizeof (*tree));

        if (!tree)
            return -1;
        row->tree = tree;
        row->n_leaves = n;
    }
    for (uint32_t i = 0; i < n; i++)
        row->tree[n + i] =
            i < q->pool->n_nodes ? aw_forecast_time (q->pool, q->running, i, q->demand) : NAN;
    for (uint32_t place = n - 1; place > 0; place--)
        row->tree[place] = sooner (row->tree[2 * place], row->tree[2 * place + 1]);
    row->n_nodes = q->pool->n_nodes;
    return 0;
}

static struct aw_forecast_row *find_row (struct aw_forecast *f, uint32_t shape)
{
    struct aw_forecast_row *oldest = &f->rows[0];

    for (int i = 0; i < AW_FORECAST_ROWS; i++) {
        if (f->rows[i].used > 0 && f->rows[i].shape == shape)
            return &f->rows[i];
        if (f->rows[i].used < oldest->used)
            oldest = &f->rows[i];
    }
    oldest->shape = shape;
    oldest->n_nodes = 0; /* out of date */
    return oldest;
}

/* Brings the row of SHAPE up to date. NULL with ENOMEM. */
static struct aw_forecast_row *update (struct aw_forecast *f, const struct aw_forecast_query *q)
{
    struct aw_forecast_row *row = find_row (f, q->shape);

    if (row->n_nodes != q->pool->n_nodes || q->running->n_changes - row->seen > AW_RUNNING_LOG) {
        if (fill (row, q) < 0) {
            row->used = 0;
            return NULL;
        }
    }
    else {
        for (; row->seen < q->running->n_changes; row->seen++) {
            uint32_t node = q->running->log[row->seen % AW_RUNNING_LOG];
            set_time (row, node, aw_forecast_time (q->pool, q->running, node, q->demand));
        }
    }
    row->seen = q->running->n_changes;
    row->used = ++f->uses;
    return row;
}

static uint32_t first_without_row (const struct aw_forecast_query *q)
{
    uint32_t best = AW_NO_NODE;
    double best_t = INFINITY;

    for (uint32_t n = 0; n < q->pool->n_nodes; n++) {
        double t = aw_forecast_time (q->pool, q->running, n, q->demand);

        if (isnan (t))
            continue;
        if (t < q->now)
            t = q->now;
        if (best != AW_NO_NODE && t >= best_t)
            continue;
        best = n;
        best_t = t;
    }
    return best;
}

uint32_t aw_forecast_first (struct aw_forecast *f, const struct aw_forecast_query *q)
{
    struct aw_forecast_row *row = f ? update (f, q) : NULL;
    uint32_t place = 1;
    double limit;

    if (!row)
        return first_without_row (q);
    if (q->pool->n_nodes == 0 || isnan (row->tree[1]))
        return AW_NO_NODE;
    /* an overdue task ends now: all nodes up to that are equal */
    limit = row->tree[1] > q->now ? row->tree[1] : q->now;
    while (place < row->n_leaves)
        place = row->tree[2 * place] <= limit ? 2 * place : 2 * place + 1;
    return place - row->n_leaves;
}

/* From here on: the first N. The tree's places are taken from a heap by time and first node below
 * them; a leaf that comes out is the next node, any other place is replaced by the two below it.
 */

/* What is overdue ends now. What fits already, -INFINITY, stays before that: nodes that are free
 * for a reserved task are kept for it, not given up for others that are only due.
 */
static double due (double t, double now)
{
    return t > -INFINITY && t < now ? now : t;
}

static uint32_t first_leaf (const struct aw_forecast_row *row, uint32_t place)
{
    while (place < row->n_leaves)
        place *= 2;
    return place;
}

/* What the order of a heap of places depends on. */
struct order {
    const struct aw_forecast_row *row;
    double now;
};

static bool comes_before (const struct order *o, uint32_t a, uint32_t b)
{
    double ta = due (o->row->tree[a], o->now), tb = due (o->row->tree[b], o->now);

    return ta != tb ? ta < tb : first_leaf (o->row, a) < first_leaf (o->row, b);
}

AW_HEAP_DEFINE (places, uint32_t, const struct order *, comes_before)

static bool listed (const uint32_t *nodes, uint32_t n, uint32_t node)
{
    for (uint32_t i = 0; i < n; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

static uint32_t nodes_without_row (const struct aw_forecast_query *q, uint32_t n, uint32_t *nodes)
{
    for (uint32_t found = 0; found < n; found++) {
        uint32_t best = AW_NO_NODE;
        double best_t = INFINITY;

        for (uint32_t i = 0; i < q->pool->n_nodes; i++) {
            double t = due (aw_forecast_time (q->pool, q->running, i, q->demand), q->now);

            if (isnan (t) || listed (nodes, found, i) || (best != AW_NO_NODE && t >= best_t))
                continue;
            best = i;
            best_t = t;
        }
        if (best == AW_NO_NODE)
            return found;
        nodes[found] = best;
    }
    return n;
}

uint32_t aw_forecast_nodes (struct aw_forecast *f,
                            const struct aw_forecast_query *q,
                            uint32_t n,
                            uint32_t *nodes)
{
    struct aw_forecast_row *row = f ? update (f, q) : NULL;
    const struct order order = { row, q->now };
    uint32_t n_heap = 0, found = 0;

    /* each place that comes out leaves at most two in its stead: twice the leaves are enough */
    if (!row || aw_array_reserve (&f->heap, &f->heap_room, 2 * row->n_leaves) < 0)
        return nodes_without_row (q, n, nodes);
    if (q->pool->n_nodes > 0 && !isnan (row->tree[1]))
        places_push (f->heap, n_heap++, 1, &order);
    while (found < n && n_heap > 0) {
        uint32_t place = places_remove (f->heap, n_heap--, 0, &order);

        if (place >= row->n_leaves) {
            nodes[found++] = place - row->n_leaves;
            continue;
        }
        for (uint32_t below = 2 * place; below <= 2 * place + 1; below++)
            if (!isnan (row->tree[below]))
                places_push (f->heap, n_heap++, below, &order);
    }
    return found;
}
