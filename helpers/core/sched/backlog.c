/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/backlog.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"
#include "util/array.h"
#include "util/heap.h"

/* Would a node with ASSIGNED attempts for its PLACES have fewer for each than another with OTHER
 * for OTHERS? Nodes without places have the most. */
static bool fewer (uint64_t assigned, uint64_t places, uint64_t other, uint64_t others)
{
    return places > 0 && (others == 0 || assigned * others < other * places);
}

static uint64_t places_of (const struct aw_backlog_node *node)
{
    return node->closed ? 0 : node->places;
}

/* By what each would have with one more. */
static bool node_before (const struct aw_backlog *b, uint32_t left, uint32_t right)
{
    const struct aw_backlog_node *l = &b->nodes[left], *r = &b->nodes[right];
    uint64_t l_places = places_of (l), r_places = places_of (r);

    if (fewer (l->assigned + (uint64_t)1, l_places, r->assigned + (uint64_t)1, r_places))
        return true;
    if (fewer (r->assigned + (uint64_t)1, r_places, l->assigned + (uint64_t)1, l_places))
        return false;
    return left < right;
}

#define PLACE_NODE(backlog, node, place) ((backlog)->nodes[node].at = (uint32_t)(place))
AW_HEAP_DEFINE_PLACED (nodes, uint32_t, struct aw_backlog *, node_before, PLACE_NODE)

void aw_backlog_finish (struct aw_backlog *b)
{
    int saved = errno;

    free (b->nodes);
    free (b->heap);
    memset (b, 0, sizeof (*b));
    errno = saved;
}

int aw_backlog_clone (struct aw_backlog *b, const struct aw_backlog *from)
{
    *b = *from;
    b->room = b->n_nodes;
    b->nodes = malloc ((b->n_nodes + (size_t)1) * sizeof (*b->nodes));
    b->heap = malloc ((b->n_nodes + (size_t)1) * sizeof (*b->heap));
    if (!b->nodes || !b->heap) {
        aw_backlog_finish (b);
        return -1;
    }
    for (uint32_t i = 0; i < b->n_nodes; i++) {
        b->nodes[i] = from->nodes[i];
        b->heap[i] = from->heap[i];
    }
    return 0;
}

int aw_backlog_add_nodes (struct aw_backlog *b, uint32_t n)
{
    uint32_t room = b->room;

    if (aw_array_reserve (&b->nodes, &room, n) < 0 || aw_array_reserve (&b->heap, &b->room, n) < 0)
        return -1;
    for (; b->n_nodes < n; b->n_nodes++) {
        b->nodes[b->n_nodes] = (struct aw_backlog_node){ 0 };
        nodes_push (b->heap, b->n_nodes, b->n_nodes, b);
    }
    return 0;
}

static bool is_stranded (const struct aw_backlog_node *node)
{
    return node->assigned > 0 && places_of (node) == 0;
}

/* NODE becomes what NEW says. */
static void change (struct aw_backlog *b, uint32_t node, struct aw_backlog_node new)
{
    b->n_stranded += is_stranded (&new);
    b->n_stranded -= is_stranded (&b->nodes[node]);
    b->nodes[node] = new;
    if (new.assigned > 0 && node < b->first)
        b->first = node;
    nodes_moved (b->heap, b->n_nodes, new.at, b);
}

void aw_backlog_count_again (struct aw_backlog *b, uint32_t set, uint32_t shape)
{
    b->set = set;
    b->shape = shape;
    b->n_stranded = 0;
    for (uint32_t i = 0; i < b->n_nodes; i++) {
        b->nodes[i].places = 0;
        b->n_stranded += is_stranded (&b->nodes[i]);
    }
    nodes_order (b->heap, b->n_nodes, b);
}

void aw_backlog_places (struct aw_backlog *b, uint32_t node, int by)
{
    struct aw_backlog_node new = b->nodes[node];

    new.places += (uint32_t)by;
    change (b, node, new);
}

void aw_backlog_assigned (struct aw_backlog *b, uint32_t node, int by)
{
    struct aw_backlog_node new = b->nodes[node];

    new.assigned += (uint32_t)by;
    if (by > 0)
        b->filling = node + 1;
    else if (b->filling == node + 1)
        b->filling = 0;
    b->n += (uint32_t)by;
    change (b, node, new);
}

void aw_backlog_close (struct aw_backlog *b, uint32_t node)
{
    struct aw_backlog_node new = b->nodes[node];

    new.closed = true;
    change (b, node, new);
}

static bool has_room (const struct aw_backlog_node *node, double most)
{
    return node->assigned + 1.0 <= most * (double)places_of (node);
}

uint32_t aw_backlog_next (const struct aw_backlog *b, double most)
{
    const struct aw_backlog_node *first;

    if (b->n_nodes == 0)
        return AW_NONE;
    if (b->filling && has_room (&b->nodes[b->filling - 1], most))
        return b->filling - 1;
    first = &b->nodes[b->heap[0]];
    return has_room (first, most) && 2.0 * first->assigned <= most * (double)places_of (first)
               ? b->heap[0]
               : AW_NONE;
}

uint32_t aw_backlog_first (struct aw_backlog *b)
{
    while (b->first < b->n_nodes && b->nodes[b->first].assigned == 0)
        b->first++;
    return b->first < b->n_nodes ? b->first : AW_NONE;
}

uint32_t aw_backlog_fullest (const struct aw_backlog *b)
{
    uint32_t fullest = AW_NONE;

    for (uint32_t i = 0; i < b->n_nodes; i++)
        if (b->nodes[i].assigned > 0
            && (fullest == AW_NONE
                || fewer (b->nodes[fullest].assigned, places_of (&b->nodes[fullest]),
                          b->nodes[i].assigned, places_of (&b->nodes[i]))))
            fullest = i;
    return fullest;
}
