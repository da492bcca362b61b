/* SPDX-License-Identifier: Apache-2.0 */
#include "graphs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERED_SETS = 16, LAYERED_EDGES = LAYERED_SETS * LAYERED_SETS };

struct aw_set *graphs_set (struct aw_graph *g,
                           const char *name,
                           uint32_t count,
                           uint32_t cpus,
                           uint32_t gpus,
                           double seconds)
{
    struct aw_set *set = aw_graph_add_set (g, name);

    set->count = count;
    set->cpus = cpus;
    set->gpus = gpus;
    set->duration = seconds;
    return set;
}

void graphs_edge (struct aw_graph *g, const char *set, const char *pred, uint32_t back, int each)
{
    struct aw_edge edge = { .set = aw_graph_find (g, pred),
                            .back = back,
                            .by = each ? AW_BY_INDEX : AW_BY_SET };

    aw_graph_add_edge (g, aw_graph_find (g, set), edge);
}

/* The key of a task by a rule: modulo N, or N runs of tasks. */
static uint32_t key_of (char rule, uint32_t n, uint32_t index, uint32_t count)
{
    return rule == 'm' ? index % n : (uint32_t)((uint64_t)index * n / count);
}

static uint32_t *groups_of (char rule, uint32_t n, uint32_t count, uint32_t turn)
{
    uint32_t *groups = calloc (count, sizeof (*groups));

    for (uint32_t i = 0; i < count; i++)
        groups[i] = (key_of (rule, n, i, count) + turn) % n;
    return groups;
}

void graphs_keyed_edge (
    struct aw_graph *g, uint32_t set, struct aw_edge edge, uint32_t n, uint64_t *state)
{
    char before = graphs_below (state, 2) ? 'm' : 'r', after = graphs_below (state, 2) ? 'm' : 'r';
    uint32_t n_before = g->sets[edge.set].count, n_after = g->sets[set].count;
    uint32_t turn = graphs_below (state, n); /* the numbers of groups are no keys */
    uint32_t *x = groups_of (before, n, n_before, turn), *y = groups_of (after, n, n_after, turn);
    struct aw_edge_key key;
    char name[16];

    snprintf (name, sizeof (name), "%c%c%u", before, after, n);
    if (aw_edge_key_init (&key, name, n, x, n_before, y, n_after) < 0
        || aw_graph_add_keyed_edge (g, set, edge, &key) < 0)
        abort ();
    free (x);
    free (y);
}

bool graphs_are_paired (const struct aw_graph *g,
                        uint32_t set,
                        const struct aw_edge *edge,
                        uint32_t index,
                        uint32_t before)
{
    const char *name = aw_graph_brackets (g, edge->by);
    uint32_t n;

    if (!name || name[0] == 'i')
        return !name || index == before;
    n = (uint32_t)atoi (name + 2);
    return key_of (name[0], n, before, g->sets[edge->set].count)
           == key_of (name[1], n, index, g->sets[set].count);
}

static bool runs_once (const struct aw_graph *g, uint32_t set)
{
    return g->sets[set].once || set >= g->n_base;
}

bool graphs_waits (const struct aw_graph *g,
                   uint32_t set,
                   uint32_t iteration,
                   const struct aw_edge *edge,
                   uint32_t before)
{
    return runs_once (g, set) || runs_once (g, edge->set) || before + edge->back == iteration;
}

struct aw_graph *graphs_talk (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "T0", 1, 1, 0, 500);
    graphs_set (g, "T1", 1, 1, 0, 1000);
    graphs_set (g, "T2", 1, 1, 0, 1000);
    graphs_set (g, "T3", 1, 1, 0, 2000);
    graphs_set (g, "T4", 1, 1, 0, 2000);
    graphs_set (g, "T5", 1, 1, 0, 4000);
    graphs_edge (g, "T1", "T0", 0, 0);
    graphs_edge (g, "T2", "T0", 0, 0);
    graphs_edge (g, "T3", "T1", 0, 0);
    graphs_edge (g, "T4", "T3", 0, 0);
    graphs_edge (g, "T5", "T2", 0, 0);
    aw_graph_finalize (g, NULL);
    return g;
}

static void c_dg_edges (struct aw_graph *g)
{
    static const char *const edges[][2] = {
        { "T1", "T0" }, { "T2", "T0" }, { "T3", "T1" }, { "T4", "T1" },
        { "T5", "T2" }, { "T6", "T2" }, { "T7", "T4" }, { "T7", "T5" },
    };

    for (size_t i = 0; i < sizeof (edges) / sizeof (edges[0]); i++)
        graphs_edge (g, edges[i][0], edges[i][1], 0, 0);
    aw_graph_finalize (g, NULL);
}

struct aw_graph *graphs_c_dg1 (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "T0", 96, 16, 1, 766.4);
    graphs_set (g, "T1", 16, 40, 0, 234.9);
    graphs_set (g, "T2", 16, 40, 0, 235.0);
    graphs_set (g, "T3", 8, 4, 0, 124.7);
    graphs_set (g, "T4", 8, 4, 0, 152.4);
    graphs_set (g, "T5", 8, 4, 0, 152.6);
    graphs_set (g, "T6", 8, 4, 0, 124.3);
    graphs_set (g, "T7", 96, 4, 1, 721.8);
    c_dg_edges (g);
    return g;
}

struct aw_graph *graphs_c_dg2 (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "T0", 96, 16, 1, 384.5);
    graphs_set (g, "T1", 16, 40, 0, 153.8);
    graphs_set (g, "T2", 16, 40, 0, 153.8);
    graphs_set (g, "T3", 48, 4, 1, 769.2);
    graphs_set (g, "T4", 8, 4, 0, 230.7);
    graphs_set (g, "T5", 8, 4, 0, 230.7);
    graphs_set (g, "T6", 48, 4, 1, 769.2);
    graphs_set (g, "T7", 16, 4, 0, 461.5);
    c_dg_edges (g);
    return g;
}

struct aw_graph *graphs_ddmd (int sequential_edges)
{
    struct aw_graph *g = aw_graph_create ();

    g->iterations = 3;
    g->iterated = true;
    graphs_set (g, "simulate", 96, 4, 1, 340);
    graphs_set (g, "aggregate", 16, 32, 0, 85);
    graphs_set (g, "train", 1, 4, 1, 62.5);
    graphs_set (g, "infer", 96, 16, 1, 37.5);
    graphs_edge (g, "simulate", sequential_edges ? "infer" : "simulate", 1, 0);
    graphs_edge (g, "aggregate", "simulate", 0, 0);
    graphs_edge (g, "train", "aggregate", 0, 0);
    graphs_edge (g, "infer", "train", 0, 0);
    aw_graph_finalize (g, NULL);
    return g;
}

uint64_t graphs_random (uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C (2685821657736338717);
}

uint32_t graphs_below (uint64_t *state, uint32_t n)
{
    return (uint32_t)((graphs_random (state) >> 32) % n);
}

/* An edge of some kind to the sets' counts. */
static void random_edge (struct aw_graph *g, uint32_t set, struct aw_edge edge, uint64_t *state)
{
    uint32_t before = g->sets[edge.set].count, after = g->sets[set].count;

    if (edge.by == AW_BY_INDEX && before != after)
        edge.by = AW_BY_SET; /* counts have moved */
    if (graphs_below (state, 3) == 0)
        graphs_keyed_edge (g, set, edge, 1 + graphs_below (state, before < after ? before : after),
                           state);
    else
        aw_graph_add_edge (g, set, edge);
}

struct aw_graph *graphs_layered (uint64_t *state, uint32_t cpus, uint32_t gpus)
{
    struct aw_graph *g = aw_graph_create ();
    uint32_t n = 2 + graphs_below (state, LAYERED_SETS - 2), layers = 1 + graphs_below (state, 5);
    uint32_t sets[LAYERED_EDGES], n_edges = 0;
    struct aw_edge edges[LAYERED_EDGES];

    g->iterations = 1 + graphs_below (state, 3);
    g->iterated = g->iterations > 1;
    for (uint32_t s = 0; s < n; s++) {
        bool on_gpu = gpus && graphs_below (state, 2);
        char name[16];

        snprintf (name, sizeof (name), "s%u", s);
        graphs_set (g, name, 1 + graphs_below (state, 24), 1 + graphs_below (state, cpus),
                    on_gpu ? 1 + graphs_below (state, gpus) : 0, 1 + graphs_below (state, 100));
    }
    for (uint32_t s = 1; s < n; s++) {
        uint32_t n_before = n_edges;

        for (uint32_t p = 0; p < s; p++) {
            bool each = g->sets[p].count == g->sets[s].count || graphs_below (state, 8) == 0;

            if (p * layers / n == s * layers / n || graphs_below (state, 3) != 0)
                continue; /* same layer, or no edge */
            if (each && n_edges == n_before)
                g->sets[s].count = g->sets[p].count;
            each = each && g->sets[s].count == g->sets[p].count;
            sets[n_edges] = s;
            edges[n_edges++] = (struct aw_edge){ .set = p,
                                                 .back = graphs_below (state, 4) == 0,
                                                 .by = each ? AW_BY_INDEX : AW_BY_SET };
        }
    }
    for (uint32_t e = 0; e < n_edges; e++)
        random_edge (g, sets[e], edges[e], state);
    if (aw_graph_finalize (g, NULL) < 0) {
        aw_graph_destroy (g);
        return NULL;
    }
    return g;
}

uint32_t graphs_wrong_name (const struct aw_graph *g, uint32_t n_iterated)
{
    char name[64];

    for (uint32_t id = 0; id < g->n_tasks; id++) {
        struct aw_task at = aw_graph_task (g, id);
        uint32_t instance = aw_graph_instance (g, at.iteration, at.set);

        aw_graph_task_name (g, id, name, sizeof (name));
        if (aw_graph_task_id (g, at) != id || aw_graph_task_parse (g, name) != id
            || (strchr (name, '@') != NULL) != (id < n_iterated)
            || aw_graph_instance_set (g, instance) != at.set
            || aw_graph_instance_place (g, instance).iteration != at.iteration)
            return id;
    }
    return AW_NONE;
}
