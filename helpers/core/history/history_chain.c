/* SPDX-License-Identifier: Apache-2.0 */
/* The longest chain and the load over time. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/graph/peers.h"
#include "core/history/history.h"

static bool is_service (const struct aw_history *history, const struct aw_attempt *a)
{
    return history->graph->sets[aw_graph_task (history->graph, a->task).set].service;
}

/* Of two attempts (indexes, AW_NONE: none) the one that let its successors go last. Where that was
 * reported together, the one that started later: it may have followed the other. */
static uint32_t later (const struct aw_history *history, uint32_t a, uint32_t b)
{
    const struct aw_attempt *x, *y;
    double difference;

    if (a == AW_NONE || b == AW_NONE)
        return a == AW_NONE ? b : a;
    x = &history->attempts[a];
    y = &history->attempts[b];
    difference = aw_attempt_let_go (y) - aw_attempt_let_go (x);
    return difference > 0 || (difference == 0 && y->start > x->start) ? b : a;
}

/* For each set instance the attempt that finished last. Caller frees. */
static uint32_t *last_of_instances (const struct aw_history *history)
{
    const struct aw_graph *graph = history->graph;
    size_t n = aw_graph_n_instances (graph);
    uint32_t *last = malloc ((n + 1) * sizeof (*last));

    if (!last)
        return NULL;
    for (size_t i = 0; i < n; i++)
        last[i] = AW_NONE;
    for (uint32_t i = 0; i < history->n_attempts; i++) {
        struct aw_task task = aw_graph_task (graph, history->attempts[i].task);
        uint32_t instance = aw_graph_instance (graph, task.iteration, task.set);

        if (!isnan (history->attempts[i].finish)
            && (!is_service (history, &history->attempts[i])
                || !isnan (history->attempts[i].serving)))
            last[instance] = later (history, last[instance], i);
    }
    return last;
}

/* The attempt of one task that let its successors start: its newest, if that has ended. */
static uint32_t last_of_task (const struct aw_history *history, struct aw_task task)
{
    const struct aw_attempt *a = aw_history_last (history, aw_graph_task_id (history->graph, task));

    return a && !isnan (a->finish) ? (uint32_t)(a - history->attempts) : AW_NONE;
}

/* The one that finished last of those that the task of INDEX waits for along EDGE, by index or key,
 * in the instance of FROM.
 */
static uint32_t last_of_peers (const struct aw_history *history,
                               const struct aw_edge *edge,
                               struct aw_task from,
                               uint32_t index)
{
    struct aw_peers peers = aw_peers_before (history->graph, edge->by, edge->set, index);
    uint32_t found = AW_NONE;

    for (uint32_t i = 0; i < peers.n; i++) {
        from.index = aw_peer (&peers, i);
        found = later (history, found, last_of_task (history, from));
    }
    return found;
}

/* The predecessor of the attempt that finished last. Never a later one, even in a wrong journal, so
 * that the chain ends.
 */
static uint32_t predecessor (const struct aw_history *history,
                             const uint32_t *instances,
                             uint32_t at)
{
    const struct aw_graph *graph = history->graph;
    const struct aw_attempt *a = &history->attempts[at];
    struct aw_task task = aw_graph_task (graph, a->task);
    const struct aw_set *set = &graph->sets[task.set];
    uint32_t found = AW_NONE;

    if (a->previous != AW_NONE)
        return a->previous;
    for (uint32_t i = 0; i < set->n_after; i++) {
        const struct aw_edge *edge = &set->after[i];
        struct aw_span span = aw_span_before (graph, edge, task.set, task.iteration);

        for (uint32_t k = 0; k < span.n; k++) {
            struct aw_task from = { span.first + k, edge->set, 0 };

            found = later (history, found,
                           edge->by == AW_BY_SET
                               ? instances[aw_graph_instance (graph, from.iteration, from.set)]
                               : last_of_peers (history, edge, from, task.index));
        }
    }
    return found != AW_NONE && found < at ? found : AW_NONE;
}

static uint32_t last_of_all (const struct aw_history *history)
{
    uint32_t last = AW_NONE;

    for (uint32_t i = 0; i < history->n_attempts; i++)
        if (!isnan (history->attempts[i].finish) && !is_service (history, &history->attempts[i]))
            last = later (history, last, i);
    return last;
}

int aw_history_chain (const struct aw_history *history, uint32_t **chain, size_t *n)
{
    uint32_t last = last_of_all (history);
    uint32_t *instances = last_of_instances (history);
    size_t i = 0;

    *chain = NULL;
    *n = 0;
    for (uint32_t at = last; instances && at != AW_NONE; at = predecessor (history, instances, at))
        i++;
    *chain = malloc ((i + 1) * sizeof (**chain));
    if (!instances || !*chain) {
        free (instances);
        free (*chain);
        *chain = NULL;
        errno = ENOMEM;
        return -1;
    }
    *n = i;
    for (uint32_t at = last; i > 0; at = predecessor (history, instances, at))
        (*chain)[--i] = at;
    free (instances);
    return 0;
}

struct begin {
    double t;
    uint32_t index;
};

static int compare_begins (const void *a, const void *b)
{
    const struct begin *x = a, *y = b;

    return x->t != y->t ? (x->t > y->t) - (x->t < y->t)
                        : (x->index > y->index) - (x->index < y->index);
}

uint32_t *aw_history_order (const struct aw_history *history)
{
    size_t n = history->n_attempts;
    struct begin *begins = malloc ((n + 1) * sizeof (*begins));
    uint32_t *order = malloc ((n + 1) * sizeof (*order));

    for (size_t i = 0; begins && i < n; i++)
        begins[i] = (struct begin){ history->attempts[i].start, (uint32_t)i };
    if (begins)
        qsort (begins, n, sizeof (*begins), compare_begins);
    for (size_t i = 0; begins && order && i < n; i++)
        order[i] = begins[i].index;
    if (!begins) {
        free (order);
        order = NULL;
    }
    free (begins);
    if (!order)
        errno = ENOMEM;
    return order;
}

struct end {
    double t;
    uint32_t cpus, gpu_parts;
};

static int compare_ends (const void *a, const void *b)
{
    double x = ((const struct end *)a)->t, y = ((const struct end *)b)->t;

    return (x > y) - (x < y);
}

/* The starts, in ORDER, and the ends, sorted, are merged, ends first. */
static size_t merge (const struct aw_history *history,
                     const uint32_t *order,
                     const struct end *ends,
                     struct aw_step *steps)
{
    size_t n = history->n_attempts, n_steps = 0, s = 0, e = 0;
    struct aw_step now = { 0 };

    while (e < n) {
        double start = s < n ? history->attempts[order[s]].start : INFINITY;
        double t = fmin (start, ends[e].t);

        for (; e < n && ends[e].t <= t; e++) {
            now.cpus -= ends[e].cpus; /* unsigned: what ends at its start is added just below */
            now.gpu_parts -= ends[e].gpu_parts;
        }
        for (; s < n && history->attempts[order[s]].start <= t; s++) {
            now.cpus += history->attempts[order[s]].cpus;
            now.gpu_parts += history->attempts[order[s]].gpu_parts;
        }
        now.t = t;
        if (!n_steps || now.cpus != steps[n_steps - 1].cpus
            || now.gpu_parts != steps[n_steps - 1].gpu_parts)
            steps[n_steps++] = now;
    }
    return n_steps;
}

int aw_history_load (const struct aw_history *history, struct aw_step **steps, size_t *n)
{
    size_t n_attempts = history->n_attempts;
    struct end *ends = malloc ((n_attempts + 1) * sizeof (*ends));
    uint32_t *order = aw_history_order (history);

    *n = 0;
    *steps = malloc ((2 * n_attempts + 1) * sizeof (**steps));
    if (!ends || !*steps || !order) {
        free (ends);
        free (order);
        free (*steps);
        *steps = NULL;
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        ends[i] = (struct end){ .t = aw_history_end (history, a),
                                .cpus = a->cpus,
                                .gpu_parts = a->gpu_parts };
    }
    qsort (ends, n_attempts, sizeof (*ends), compare_ends);
    *n = merge (history, order, ends, *steps);
    free (ends);
    free (order);
    return 0;
}
