/* SPDX-License-Identifier: Apache-2.0 */
#include "graphs.h"

#include <stdio.h>
#include <stdlib.h>

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
    struct aw_edge edge = { aw_graph_find (g, pred), back, each != 0 };

    aw_graph_add_edge (g, aw_graph_find (g, set), edge);
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

struct aw_graph *graphs_layered (uint64_t *state, uint32_t cpus, uint32_t gpus)
{
    struct aw_graph *g = aw_graph_create ();
    uint32_t n = 2 + graphs_below (state, 14), layers = 1 + graphs_below (state, 5);

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
        for (uint32_t p = 0; p < s; p++) {
            bool each = g->sets[p].count == g->sets[s].count || graphs_below (state, 8) == 0;

            if (p * layers / n == s * layers / n || graphs_below (state, 3) != 0)
                continue; /* same layer, or no edge */
            if (each)
                g->sets[s].count = g->sets[s].n_after ? g->sets[s].count : g->sets[p].count;
            each = each && g->sets[s].count == g->sets[p].count;
            aw_graph_add_edge (g, s, (struct aw_edge){ p, graphs_below (state, 4) == 0, each });
        }
    }
    for (uint32_t s = 0; s < n;
         s++) /* counts have moved: edges by index between unlike sets become plain */
        for (uint32_t e = 0; e < g->sets[s].n_after; e++)
            if (g->sets[g->sets[s].after[e].set].count != g->sets[s].count)
                g->sets[s].after[e].each = false;
    if (aw_graph_finalize (g, NULL) < 0) {
        aw_graph_destroy (g);
        return NULL;
    }
    return g;
}
