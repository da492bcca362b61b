/* SPDX-License-Identifier: Apache-2.0 */
/* All ranks are paths to the end of the workflow, in seconds; streams share the longest of theirs.
 * Some policies count a set that the pool cannot hold whole in waves; some put sets into tiers, and
 * the path decides within a tier: then each tier lies above all paths of the one below.
 */
#include "core/sched/rank.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/sched/priority.h"
#include "core/graph/streams.h"

bool aw_rank_needs_pool (enum aw_policy policy)
{
    return policy != AW_POLICY_LONGEST_PATH && policy != AW_POLICY_FIFO;
}

/* How often the pool must be filled for all tasks of the set; 1 where it holds none. */
static double waves (const struct aw_pool *pool, const struct aw_set *set)
{
    struct aw_demand demand = aw_set_demand (set);
    uint64_t capacity = 0;
    uint32_t each = 0;

    for (uint32_t i = 0; i < pool->n_nodes; i++) {
        const struct aw_node *node = &pool->nodes[i];

        if (i == 0 || !aw_node_alike (node, node - 1))
            each = aw_node_capacity (node, &demand);
        capacity += node->lost ? 0 : each;
    }
    capacity /= demand.nodes; /* the remainder of uneven nodes is ignored */
    return capacity ? ceil ((double)set->count / capacity) : 1;
}

/* The part of the pool that one task takes, of the resource that it takes most of. */
static double share (const struct aw_pool *pool, const struct aw_set *set)
{
    struct aw_whole whole = aw_set_whole (set);
    double part = pool->total.cpus ? whole.cpus / pool->total.cpus : 0;
    double of_gpus = pool->total.gpus ? whole.gpus / pool->total.gpus : 0;

    return part > of_gpus ? part : of_gpus;
}

static int compare (const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;

    return a < b ? -1 : a > b;
}

/* Replaces each of the N values by its place among the different ones, from 0. SORTED is room for
 * as many.
 */
static void number_values (double *values, double *sorted, uint32_t n)
{
    uint32_t n_different = 0;

    for (uint32_t i = 0; i < n; i++)
        sorted[i] = values[i];
    qsort (sorted, n, sizeof (*sorted), compare);
    for (uint32_t i = 0; i < n; i++)
        if (n_different == 0 || sorted[i] != sorted[n_different - 1])
            sorted[n_different++] = sorted[i];
    for (uint32_t i = 0; i < n; i++) {
        const double *found = bsearch (&values[i], sorted, n_different, sizeof (*sorted), compare);
        values[i] = found ? (double)(found - sorted) : 0;
    }
}

static void fill_tiers (const struct aw_graph *g,
                        const struct aw_pool *pool,
                        enum aw_policy policy,
                        double *tiers,
                        double *scratch)
{
    for (uint32_t s = 0; s < g->n_sets; s++)
        tiers[s] = policy == AW_POLICY_GPUS_FIRST ? aw_set_whole (&g->sets[s]).gpus > 0
                                                  : share (pool, &g->sets[s]);
    if (policy == AW_POLICY_WIDEST)
        number_values (tiers, scratch, g->n_sets);
}

static void add_tiers (const struct aw_graph *g, const double *tiers, double *ranks)
{
    size_t n = aw_graph_n_instances (g);
    double longest = 0;

    for (size_t i = 0; i < n; i++)
        longest = ranks[i] > longest ? ranks[i] : longest;
    for (size_t i = 0; i < n; i++)
        ranks[i] += tiers[aw_graph_instance_set (g, (uint32_t)i)] * (longest + 1);
}

int aw_rank (const struct aw_graph *g,
             const struct aw_pool *pool,
             enum aw_policy policy,
             const double *seconds,
             double *ranks)
{
    double *lengths, *scratch;

    if (!aw_rank_needs_pool (policy)) {
        aw_priority_remaining (g, seconds, ranks);
        aw_streams_raise (g, ranks);
        return 0;
    }
    lengths = calloc ((size_t)g->n_sets + 1, sizeof (*lengths));
    scratch = calloc ((size_t)g->n_sets + 1, sizeof (*scratch));
    if (!lengths || !scratch) {
        free (lengths);
        free (scratch);
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t s = 0; s < g->n_sets; s++)
        lengths[s] = seconds[s] * (policy == AW_POLICY_WIDEST ? 1 : waves (pool, &g->sets[s]));
    aw_priority_remaining (g, lengths, ranks);
    aw_streams_raise (g, ranks);
    if (policy == AW_POLICY_WIDEST || policy == AW_POLICY_GPUS_FIRST) {
        fill_tiers (g, pool, policy, lengths, scratch);
        add_tiers (g, lengths, ranks);
    }
    free (lengths);
    free (scratch);
    return 0;
}
