/* SPDX-License-Identifier: Apache-2.0 */
#include "model/mirror.h"

/* A set of its name that asks for the same; its edges come later. */
static int add_set (struct aw_graph *mirror, const struct aw_graph *graph, uint32_t number)
{
    const struct aw_set *from = &graph->sets[number];
    struct aw_set *set = aw_graph_add_set (mirror, from->name), fresh;

    if (!set)
        return -1;
    fresh = *set;
    *set = *from;
    set->name = fresh.name;
    set->label = NULL;
    set->group = fresh.group;
    set->members = fresh.members;
    set->after = NULL;
    set->n_after = set->after_room = 0;
    set->message_dependencies = NULL;
    set->n_message_dependencies = set->message_dependency_room = 0;
    return 0;
}

/* The edge by key EDGE of SET of GRAPH: its groups are turned round too. */
static int turn_keyed (struct aw_graph *mirror,
                       const struct aw_graph *graph,
                       uint32_t set,
                       const struct aw_edge *edge)
{
    const struct aw_edge_key *key = aw_graph_key (graph, edge->by);
    struct aw_edge back = { .set = set, .back = edge->back };
    struct aw_edge_key turned = { 0 };
    int rc = aw_edge_key_init (&turned, key->name, key->n_groups, key->after.group,
                               key->after.n_tasks, key->before.group, key->before.n_tasks);

    if (rc == 0)
        rc = aw_graph_add_keyed_edge (mirror, edge->set, back, &turned);
    aw_edge_key_finish (&turned);
    return rc;
}

static int turn_edges (struct aw_graph *mirror, const struct aw_graph *graph)
{
    for (uint32_t s = 0; s < graph->n_sets; s++)
        for (uint32_t e = 0; e < graph->sets[s].n_after; e++) {
            const struct aw_edge *edge = &graph->sets[s].after[e];
            struct aw_edge turned = { .set = s, .back = edge->back, .by = edge->by };
            int rc = edge->by >= AW_BY_KEY ? turn_keyed (mirror, graph, s, edge)
                                           : aw_graph_add_edge (mirror, edge->set, turned);

            if (rc < 0)
                return -1;
        }
    return 0;
}

struct aw_graph *aw_mirror (const struct aw_graph *graph)
{
    struct aw_graph *mirror = aw_graph_create ();
    int rc = mirror ? 0 : -1;

    for (uint32_t t = 0; rc == 0 && t < graph->n_gpu_types; t++)
        rc = aw_graph_gpu_type (mirror, graph->gpu_types[t]) ? 0 : -1;
    for (uint32_t s = 0; rc == 0 && s < graph->n_sets; s++)
        rc = add_set (mirror, graph, s);
    if (rc == 0) {
        mirror->iterations = graph->iterations;
        mirror->iterated = graph->iterated;
        rc = turn_edges (mirror, graph);
    }
    if (rc == 0)
        rc = aw_graph_finalize (mirror, NULL);
    if (rc < 0) {
        aw_graph_destroy (mirror);
        return NULL;
    }
    return mirror;
}
