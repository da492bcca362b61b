/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/estimate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"

int aw_estimate_init (struct aw_estimate *e, const struct aw_graph *graph)
{
    size_t n = (size_t)graph->n_sets + 1;

    memset (e, 0, sizeof (*e));
    e->graph = graph;
    e->room = aw_graph_size (graph);
    e->seconds = calloc (n, sizeof (*e->seconds));
    e->published = calloc (n, sizeof (*e->published));
    e->snapshot = calloc (n, sizeof (*e->snapshot));
    e->sum = calloc (n, sizeof (*e->sum));
    e->n = calloc (n, sizeof (*e->n));
    e->mean = calloc (n, sizeof (*e->mean));
    e->squares = calloc (n, sizeof (*e->squares));
    e->n_ended = calloc (n, sizeof (*e->n_ended));
    if (!e->seconds || !e->published || !e->snapshot || !e->sum || !e->n || !e->mean || !e->squares
        || !e->n_ended) {
        aw_estimate_finish (e);
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t s = 0; s < graph->n_sets; s++)
        e->seconds[s] = e->published[s] = e->snapshot[s] = graph->sets[s].duration;
    return 0;
}

int aw_estimate_grow (struct aw_estimate *e, const struct aw_graph_size *old)
{
    struct aw_graph_size size = aw_graph_size (e->graph), room = e->room;
    size_t was = e->room.n_sets, n;

    aw_graph_size_grow (&room, &size);
    n = room.n_sets;
    if (aw_grow (&e->seconds, was, n, sizeof (*e->seconds), 0) < 0
        || aw_grow (&e->published, was, n, sizeof (*e->published), 0) < 0
        || aw_grow (&e->snapshot, was, n, sizeof (*e->snapshot), 0) < 0
        || aw_grow (&e->sum, was, n, sizeof (*e->sum), 0) < 0
        || aw_grow (&e->n, was, n, sizeof (*e->n), 0) < 0
        || aw_grow (&e->mean, was, n, sizeof (*e->mean), 0) < 0
        || aw_grow (&e->squares, was, n, sizeof (*e->squares), 0) < 0
        || aw_grow (&e->n_ended, was, n, sizeof (*e->n_ended), 0) < 0)
        return -1;
    e->room = room;
    for (uint32_t s = old->n_sets; s < size.n_sets; s++)
        e->seconds[s] = e->published[s] = e->snapshot[s] = e->graph->sets[s].duration;
    return 0;
}

void aw_estimate_finish (struct aw_estimate *e)
{
    int saved = errno;

    free (e->seconds);
    free (e->published);
    free (e->snapshot);
    free (e->sum);
    free (e->n);
    free (e->mean);
    free (e->squares);
    free (e->n_ended);
    memset (e, 0, sizeof (*e));
    errno = saved;
}

int aw_estimate_clone (struct aw_estimate *e, const struct aw_estimate *from)
{
    size_t n = from->graph->n_sets;

    if (aw_estimate_init (e, from->graph) < 0)
        return -1;
    memcpy (e->seconds, from->seconds, n * sizeof (*e->seconds));
    memcpy (e->published, from->published, n * sizeof (*e->published));
    memcpy (e->snapshot, from->snapshot, n * sizeof (*e->snapshot));
    memcpy (e->sum, from->sum, n * sizeof (*e->sum));
    memcpy (e->n, from->n, n * sizeof (*e->n));
    memcpy (e->mean, from->mean, n * sizeof (*e->mean));
    memcpy (e->squares, from->squares, n * sizeof (*e->squares));
    memcpy (e->n_ended, from->n_ended, n * sizeof (*e->n_ended));
    e->expected = from->expected;
    e->off = from->off;
    return 0;
}

void aw_estimate_take_snapshot (struct aw_estimate *e)
{
    for (uint32_t s = 0; s < e->graph->n_sets; s++)
        e->snapshot[s] = e->published[aw_estimate_set (e, s)];
}

/* Welford's method (Technometrics 4(3), 1962). */
static void spread (struct aw_estimate *e, uint32_t set, double seconds)
{
    double off = seconds - e->mean[set];

    e->n_ended[set]++;
    e->mean[set] += off / e->n_ended[set];
    e->squares[set] += off * (seconds - e->mean[set]);
}

double aw_estimate_most (const struct aw_estimate *e, uint32_t set)
{
    uint32_t n;

    set = aw_estimate_set (e, set);
    n = e->n_ended[set];
    if (n < 2)
        return e->seconds[set];
    return fmax (e->seconds[set], e->mean[set]) + 2 * sqrt (e->squares[set] / (n - 1));
}

bool aw_estimate_learn (struct aw_estimate *e, uint32_t set, double seconds)
{
    double published;

    set = aw_estimate_set (e, set);
    published = e->published[set];
    if (!isnan (e->seconds[set])) {
        e->expected += e->seconds[set];
        e->off += fabs (seconds - e->seconds[set]);
    }
    spread (e, set, seconds);
    if (!isnan (e->graph->sets[set].duration))
        return false;
    e->sum[set] += seconds;
    e->n[set]++;
    e->seconds[set] = e->sum[set] / e->n[set];
    if (fabs (e->seconds[set] - published) <= 0.1 * published)
        return false;
    e->published[set] = e->seconds[set];
    return true;
}
