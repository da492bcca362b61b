/* SPDX-License-Identifier: Apache-2.0 */
/* The life of dependencies, and their structure: lists of successors, counts of predecessors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/depend_parts.h"
#include "core/graph/grow.h"

/* Room for N more successors. */
int aw_depend_successor_room (struct aw_depend *d, uint64_t n)
{
    if (n >= UINT32_MAX - d->n_successors)
        return -1;
    return aw_array_reserve (&d->successors, &d->successor_room, d->n_successors + (size_t)n);
}

/* SET becomes the last successor of each of its predecessors. There is room. */
void aw_depend_add_successor (struct aw_depend *d, uint32_t set)
{
    const struct aw_set *s = &d->graph->sets[set];

    for (uint32_t e = 0; e < s->n_after; e++) {
        const struct aw_edge *edge = &s->after[e];
        uint32_t *last = &d->last_successor[edge->set];
        uint32_t number = d->n_successors++;

        d->successors[number] =
            (struct aw_successor){ set, edge->back, edge->by, edge->any, AW_NONE };
        *(*last == AW_NONE ? &d->first_successor[edge->set] : &d->successors[*last].next) = number;
        *last = number;
    }
}

/* Edges of the sets from FROM on. */
uint64_t aw_depend_count_edges (const struct aw_graph *g, uint32_t from)
{
    uint64_t n = 0;

    for (uint32_t s = from; s < g->n_sets; s++)
        n += g->sets[s].n_after;
    return n;
}

static int fill_successors (struct aw_depend *d)
{
    const struct aw_graph *g = d->graph;

    if (aw_grow (&d->first_successor, 0, g->n_sets, sizeof (*d->first_successor), 0xff) < 0
        || aw_grow (&d->last_successor, 0, g->n_sets, sizeof (*d->last_successor), 0xff) < 0)
        return -1;
    if (aw_depend_successor_room (d, aw_depend_count_edges (g, 0) + 1) < 0)
        return -1;
    for (uint32_t s = 0; s < g->n_sets; s++)
        aw_depend_add_successor (d, s);
    return 0;
}

/* Does a set from FROM on wait for something task by task? */
bool aw_depend_has_each (const struct aw_graph *g, uint32_t from)
{
    for (uint32_t s = from; s < g->n_sets; s++)
        for (uint32_t e = 0; e < g->sets[s].n_after; e++)
            if (g->sets[s].after[e].by != AW_BY_SET)
                return true;
    for (uint32_t s = from; s < g->n_sets; s++)
        for (uint32_t n = 0; n < g->sets[s].n_message_dependencies; n++)
            if (g->sets[s].message_dependencies[n].every)
                return true;
    return false;
}

/* Counts for an edge by KEY: none where each group has one task. */
static int make_counts (uint32_t **counts,
                        const struct aw_edge_key *key,
                        uint32_t iterations,
                        bool fill)
{
    const uint32_t *start = key->before.start;
    uint32_t n = key->n_groups;

    free (*counts); /* of a set that could not be added */
    *counts = NULL;
    if (key->before.n_tasks == n)
        return 0;
    *counts = calloc ((size_t)iterations * n, sizeof (**counts));
    for (uint32_t it = 0; *counts && fill && it < iterations; it++)
        for (uint32_t g = 0; g < n; g++)
            (*counts)[(size_t)it * n + g] = start[g + 1] - start[g];
    return *counts ? 0 : -1;
}

int aw_depend_make_groups (struct aw_depend *d, uint32_t from, bool fill)
{
    const struct aw_graph *g = d->graph;

    for (uint32_t s = from; s < g->n_sets; s++)
        for (uint32_t e = 0; e < g->sets[s].n_after; e++) {
            const struct aw_edge *edge = &g->sets[s].after[e];

            if (edge->by >= AW_BY_KEY
                && make_counts (&d->unfinished[edge->by - AW_BY_KEY], aw_graph_key (g, edge->by),
                                aw_graph_iterations (g, edge->set), fill)
                       < 0)
                return -1;
        }
    return 0;
}

/* Counts the predecessors of the instance of SET in ITERATION. */
static void count_predecessors (struct aw_depend *d, uint32_t iteration, uint32_t s)
{
    const struct aw_set *set = &d->graph->sets[s];
    struct aw_instance *inst = &d->instances[aw_depend_instance (d, iteration, s)];
    uint32_t each = 0;

    inst->left = set->count;
    inst->pending = d->sequential && s < d->graph->n_base; /* the gate */
    for (uint32_t e = 0; e < set->n_after; e++) {
        uint32_t n = aw_span_before (d->graph, &set->after[e], s, iteration).n;

        if (d->graph->sets[set->after[e].set].service)
            continue;
        *(set->after[e].by == AW_BY_SET ? &inst->pending : &each) += n;
    }
    for (uint32_t n = 0; n < set->n_message_dependencies; n++) {
        if (set->message_dependencies[n].every)
            each++;
        else
            inst->pending++;
    }
    for (uint32_t i = 0; each && i < set->count; i++)
        d->waits[aw_depend_first_task (d, iteration, s) + i] = each;
}

int aw_depend_init (struct aw_depend *d, const struct aw_graph *graph, bool sequential)
{
    memset (d, 0, sizeof (*d));
    d->graph = graph;
    d->sequential = sequential;
    d->room = aw_graph_size (graph);
    d->instances = calloc ((size_t)aw_graph_n_instances (graph) + 1, sizeof (*d->instances));
    d->state = calloc ((size_t)graph->n_tasks + 1, sizeof (*d->state));
    d->messages = calloc ((size_t)graph->n_topics + 1, sizeof (*d->messages));
    d->next_message = calloc ((size_t)graph->n_topics + 1, sizeof (*d->next_message));
    d->counts = calloc ((size_t)graph->n_sets + 1, sizeof (*d->counts));
    if (aw_depend_has_each (graph, 0))
        d->waits = calloc ((size_t)graph->n_tasks + 1, sizeof (*d->waits));
    if (graph->n_services)
        d->active = calloc ((size_t)aw_graph_n_instances (graph) + 1, sizeof (*d->active));
    if (graph->n_keys)
        d->unfinished = calloc (graph->n_keys, sizeof (*d->unfinished));
    if (!d->instances || !d->state || !d->counts || !d->messages || !d->next_message
        || (aw_depend_has_each (graph, 0) && !d->waits) || (graph->n_services && !d->active)
        || (graph->n_keys && !d->unfinished) || aw_depend_make_groups (d, 0, true) < 0
        || fill_successors (d) < 0) {
        aw_depend_finish (d);
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        d->counts[s][AW_DEPEND_WAITING] = graph->sets[s].count * aw_graph_iterations (graph, s);
        for (uint32_t it = 0; it < aw_graph_iterations (graph, s); it++)
            count_predecessors (d, it, s);
    }
    aw_depend_count_messages (d);
    return 0;
}

void aw_depend_finish (struct aw_depend *d)
{
    int saved = errno;

    free (d->successors);
    free (d->first_successor);
    free (d->last_successor);
    free (d->instances);
    free (d->state);
    free (d->waits);
    for (uint32_t k = 0; d->unfinished && k < d->room.n_keys; k++)
        free (d->unfinished[k]);
    free (d->unfinished);
    free (d->counts);
    free (d->messages);
    free (d->next_message);
    free (d->released);
    free (d->active);
    aw_ranges_finish (&d->work);
    memset (d, 0, sizeof (*d));
    errno = saved;
}

static void copy_groups (struct aw_depend *d, const struct aw_depend *from)
{
    const struct aw_graph *g = d->graph;

    for (uint32_t s = 0; g->n_keys && s < g->n_sets; s++)
        for (uint32_t e = 0; e < g->sets[s].n_after; e++) {
            const struct aw_edge *edge = &g->sets[s].after[e];
            uint32_t k = edge->by - AW_BY_KEY;

            if (edge->by >= AW_BY_KEY && d->unfinished[k])
                memcpy (d->unfinished[k], from->unfinished[k],
                        (size_t)aw_graph_iterations (g, edge->set) * g->keys[k].n_groups
                            * sizeof (*d->unfinished[k]));
        }
}

int aw_depend_clone (struct aw_depend *d, const struct aw_depend *from)
{
    const struct aw_graph *g = from->graph;

    if (aw_depend_init (d, g, from->sequential) < 0)
        return -1;
    if (from->released && aw_grow (&d->released, 0, g->n_tasks, sizeof (*d->released), 0) < 0) {
        aw_depend_finish (d);
        return -1;
    }
    if (d->released)
        memcpy (d->released, from->released, g->n_tasks * sizeof (*d->released));
    memcpy (d->instances, from->instances, aw_graph_n_instances (g) * sizeof (*d->instances));
    memcpy (d->state, from->state, g->n_tasks * sizeof (*d->state));
    memcpy (d->counts, from->counts, g->n_sets * sizeof (*d->counts));
    if (d->active)
        memcpy (d->active, from->active, aw_graph_n_instances (g) * sizeof (*d->active));
    if (d->waits)
        memcpy (d->waits, from->waits, g->n_tasks * sizeof (*d->waits));
    copy_groups (d, from);
    memcpy (d->messages, from->messages, g->n_topics * sizeof (*d->messages));
    aw_depend_count_messages (d);
    d->gate = from->gate;
    d->gate_left = from->gate_left;
    return 0;
}
