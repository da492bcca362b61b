/* SPDX-License-Identifier: Apache-2.0 */
#include "model/work_bound.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/peers.h"
#include "core/resources/demand.h"
#include "model/mirror.h"

enum {
    WAYS = 48, /* of counting work, at most */
    PARTS = 4, /* a node is divided into up to that many equal parts */
    TAILS = 64, /* different tails that are tried */
    WORD = 64,
};

/* One way of counting: what a task of each set takes, of CAPACITY of the pool. */
struct way {
    double *use; /* by set; borrowed */
    double capacity;
};

struct work {
    const struct aw_graph *graph;
    uint32_t n; /* instances */
    size_t n_words; /* of a row of bits */
    double latency;
    struct way ways[WAYS];
    uint32_t n_ways;
    double *uses; /* owned: of all ways */
    double *waves; /* by set: seconds of the whole set alone. Owned */
    double *head; /* by instance: none of its tasks begins before. Owned, as the rest */
    double *tail; /* after the end of each of its tasks that must pass */
    uint64_t *before; /* rows of bits: some of an instance's tasks are before some of this one's */
    uint64_t *done; /* all tasks of an instance are done before any of this one begins */
    uint32_t *sorted; /* instances */
};

static double *use_of (struct work *w, double capacity)
{
    struct way *way = &w->ways[w->n_ways];

    if (w->n_ways == WAYS || !(capacity > 0))
        return NULL;
    *way = (struct way){ w->uses + (size_t)w->n_ways * w->graph->n_sets, capacity };
    w->n_ways++;
    return way->use;
}

static bool waits_for_all (const struct aw_graph *g, const struct aw_edge *edge)
{
    return edge->by == AW_BY_SET
           || (edge->by >= AW_BY_KEY && aw_graph_key (g, edge->by)->n_groups <= 1);
}

/* What a task takes of one node: CPUs, GPUs or memory. */
enum resource { CPUS, GPUS, MEM, RESOURCES };

static double amount (const struct aw_set *set, enum resource r)
{
    struct aw_whole whole = aw_set_whole (set);
    double all = r == CPUS ? whole.cpus : r == GPUS ? whole.gpus : whole.mem;

    return all / (set->nodes ? set->nodes : 1);
}

/* Demands above CAPACITY - SMALL count as the whole node, those below SMALL as nothing. */
static double by_limit (double x, double capacity, double small)
{
    return x > capacity - small ? capacity : x < small ? 0 : x;
}

/* How many of K + 1 equal parts of the node a demand passes, of K. */
static double by_parts (double x, double capacity, uint32_t k)
{
    double parts = (k + 1) * x / capacity;

    return fabs (parts - round (parts)) < 1e-9 ? x : floor (parts) * capacity / k;
}

static void count_on_like_nodes (struct work *w, enum resource r, double capacity, uint32_t nodes)
{
    const struct aw_graph *g = w->graph;

    for (uint32_t k = 1; k <= PARTS; k++) {
        double *use = use_of (w, capacity * nodes);

        for (uint32_t s = 0; use && s < g->n_sets; s++)
            use[s] = g->sets[s].nodes * by_parts (amount (&g->sets[s], r), capacity, k);
    }
    for (uint32_t i = 0; i < g->n_sets && w->n_ways < (r + 1) * WAYS / RESOURCES; i++) {
        double small = amount (&g->sets[i], r);
        double *use = small > 0 && small <= capacity / 2 ? use_of (w, capacity * nodes) : NULL;

        for (uint32_t s = 0; use && s < g->n_sets; s++)
            use[s] = g->sets[s].nodes * by_limit (amount (&g->sets[s], r), capacity, small);
    }
}

static void find_ways (struct work *w, const struct aw_allocation *a)
{
    const double whole[RESOURCES] = { (double)a->cpus, (double)a->gpus, (double)a->mem };
    const struct aw_node_shape *shape = &a->shapes[0];
    const double each[RESOURCES] = { shape->cpus, shape->gpus, (double)shape->mem };

    for (enum resource r = CPUS; r < RESOURCES; r++) {
        double *use = use_of (w, whole[r]);

        for (uint32_t s = 0; use && s < w->graph->n_sets; s++)
            use[s] = w->graph->sets[s].nodes * amount (&w->graph->sets[s], r);
        if (use && a->n_shapes == 1)
            count_on_like_nodes (w, r, each[r], shape->nodes);
    }
}

static double work_of (const struct work *w, const struct way *way, uint32_t instance)
{
    uint32_t s = aw_graph_instance_set (w->graph, instance);
    const struct aw_set *set = &w->graph->sets[s];

    return way->use[s] * set->count * set->duration;
}

static void join (const struct work *w, uint64_t *row, const uint64_t *other)
{
    for (size_t i = 0; i < w->n_words; i++)
        row[i] |= other[i];
}

/* INSTANCE comes after FROM by EDGE. */
static void follow_edge (struct work *w,
                         uint32_t instance,
                         const struct aw_edge *edge,
                         uint32_t from)
{
    uint64_t *before = w->before + instance * w->n_words, *done = w->done + instance * w->n_words;
    bool all = waits_for_all (w->graph, edge);
    double seconds = all ? w->waves[edge->set] : w->graph->sets[edge->set].duration;

    join (w, before, w->before + from * w->n_words);
    join (w, done, (all ? w->before : w->done) + from * w->n_words);
    before[from / WORD] |= UINT64_C (1) << from % WORD;
    if (all)
        done[from / WORD] |= UINT64_C (1) << from % WORD;
    w->head[instance] = fmax (w->head[instance], w->head[from] + seconds + w->latency);
}

/* What paths say: fills the head and the rows of bits of the instance AT from its predecessors'. */
static void follow_edges (struct work *w, const struct aw_task *at)
{
    const struct aw_set *set = &w->graph->sets[at->set];
    uint32_t instance = aw_graph_instance (w->graph, at->iteration, at->set);

    for (uint32_t e = 0; e < set->n_after; e++) {
        struct aw_span span = aw_span_before (w->graph, &set->after[e], at->set, at->iteration);

        for (uint32_t k = 0; k < span.n; k++)
            follow_edge (w, instance, &set->after[e],
                         aw_graph_instance (w->graph, span.first + k, set->after[e].set));
    }
}

/* What the work of all that is done before says. The first N_KNOWN of SORTED have heads, the
 * latest first.
 */
static void count_before (struct work *w, uint32_t instance, uint32_t n_known)
{
    const uint64_t *done = w->done + instance * w->n_words;

    for (uint32_t v = 0; v < w->n_ways; v++) {
        double sum = 0;

        for (uint32_t k = 0; k < n_known; k++) {
            uint32_t i = w->sorted[k];

            if (!(done[i / WORD] & UINT64_C (1) << i % WORD))
                continue;
            sum += work_of (w, &w->ways[v], i);
            w->head[instance] =
                fmax (w->head[instance], w->head[i] + sum / w->ways[v].capacity + w->latency);
        }
    }
}

/* Fills head. */
static void find_heads (struct work *w)
{
    for (uint32_t k = 0; k < w->n; k++) {
        struct aw_task at = aw_graph_ordered (w->graph, k);
        uint32_t instance = aw_graph_instance (w->graph, at.iteration, at.set), place = k;

        follow_edges (w, &at);
        count_before (w, instance, k);
        for (; place > 0 && w->head[w->sorted[place - 1]] < w->head[instance]; place--)
            w->sorted[place] = w->sorted[place - 1];
        w->sorted[place] = instance;
    }
}

/* The largest bound by WAY of those that have at least TAIL after them. */
static double bound_of (const struct work *w, const struct way *way, double tail)
{
    double sum = 0, bound = 0;

    for (uint32_t k = 0; k < w->n; k++) {
        uint32_t i = w->sorted[k];

        if (w->tail[i] < tail)
            continue;
        sum += work_of (w, way, i);
        bound = fmax (bound, w->head[i] + sum / way->capacity + tail);
    }
    return bound;
}

static double bound_of_all (const struct work *w)
{
    uint32_t step = w->n / TAILS + 1;
    double bound = 0;

    for (uint32_t i = 0; i < w->n; i++) { /* the whole path through an instance */
        const struct aw_set *set = &w->graph->sets[aw_graph_instance_set (w->graph, i)];

        bound = fmax (bound, w->head[i] + w->waves[set - w->graph->sets] + w->tail[i]);
    }
    for (uint32_t v = 0; v < w->n_ways; v++) {
        bound = fmax (bound, bound_of (w, &w->ways[v], 0));
        for (uint32_t i = 0; i < w->n; i += step)
            bound = fmax (bound, bound_of (w, &w->ways[v], w->tail[w->sorted[i]]));
    }
    return bound;
}

static void finish (struct work *w)
{
    free (w->uses);
    free (w->waves);
    free (w->head);
    free (w->tail);
    free (w->before);
    free (w->done);
    free (w->sorted);
}

/* Prepares W, and finds the heads. 0, or -1 with ENOMEM; finish in any case. */
static int init (struct work *w,
                 const struct aw_graph *g,
                 const struct aw_allocation *a,
                 double latency)
{
    *w = (struct work){ .graph = g, .n = aw_graph_n_instances (g), .latency = latency };
    w->n_words = w->n / WORD + 1;
    w->uses = calloc ((size_t)WAYS * g->n_sets, sizeof (*w->uses));
    w->waves = calloc (g->n_sets, sizeof (*w->waves));
    w->head = calloc (w->n, sizeof (*w->head));
    w->tail = calloc (w->n, sizeof (*w->tail));
    w->before = calloc (w->n * w->n_words, sizeof (*w->before));
    w->done = calloc (w->n * w->n_words, sizeof (*w->done));
    w->sorted = calloc (w->n, sizeof (*w->sorted));
    if (!w->uses || !w->waves || !w->head || !w->tail || !w->before || !w->done || !w->sorted)
        return -1;
    for (uint32_t s = 0; s < g->n_sets; s++) {
        uint64_t capacity = aw_allocation_capacity (a, &g->sets[s]);
        double turns = capacity ? ceil ((double)g->sets[s].count / (double)capacity) : 1;

        w->waves[s] = turns * g->sets[s].duration;
    }
    find_ways (w, a);
    find_heads (w);
    return 0;
}

/* What is before an instance in the mirrored graph is after it here. */
static int take_tails (struct work *w, const struct aw_allocation *a)
{
    const struct aw_graph *g = w->graph;
    struct aw_graph *mirror = aw_mirror (g);
    struct work back = { 0 };
    int rc = mirror ? init (&back, mirror, a, w->latency) : -1;

    for (uint32_t i = 0; rc == 0 && i < w->n; i++) {
        struct aw_task at = aw_graph_instance_place (g, i);

        w->tail[i] = back.head[aw_graph_instance (
            mirror, aw_graph_iterations (g, at.set) - 1 - at.iteration, at.set)];
    }
    finish (&back);
    aw_graph_destroy (mirror);
    return rc;
}

double aw_work_bound (const struct aw_graph *graph,
                      const struct aw_allocation *allocation,
                      double latency)
{
    struct work work = { 0 };
    double bound = 0;
    int saved = errno;

    if (graph->n_sets != graph->n_base || aw_graph_n_instances (graph) > AW_WORK_MAX_INSTANCES)
        return 0;
    if (init (&work, graph, allocation, latency) == 0 && take_tails (&work, allocation) == 0)
        bound = bound_of_all (&work);
    finish (&work);
    errno = saved;
    return bound;
}
