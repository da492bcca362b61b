/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool equal_demand (const struct aw_demand *a, const struct aw_demand *b)
{
    return a->cpus == b->cpus && a->gpus == b->gpus && a->mem == b->mem;
}

static struct aw_demand demand_of (const struct aw_set *set)
{
    return (struct aw_demand){ set->cpus, set->gpus, set->mem };
}

static int compare_demands (const void *pa, const void *pb)
{
    const struct aw_shape *a = pa, *b = pb;

#define COMPARE(member) \
    if (a->demand.member != b->demand.member) \
        return a->demand.member < b->demand.member ? -1 : 1
    COMPARE (gpus);
    COMPARE (cpus);
    COMPARE (mem);
#undef COMPARE
    return 0;
}

/* One shape for each different demand, sorted; then the shape of each set by bisection. */
static int make_shapes (struct aw_ready *r)
{
    const struct aw_graph *g = r->graph;
    uint32_t n = 0;

    r->shapes = calloc ((size_t)g->n_sets + 1, sizeof (*r->shapes));
    r->shape_of = calloc ((size_t)g->n_sets + 1, sizeof (*r->shape_of));
    if (!r->shapes || !r->shape_of)
        return -1;
    for (uint32_t s = 0; s < g->n_sets; s++)
        r->shapes[s].demand = demand_of (&g->sets[s]);
    qsort (r->shapes, g->n_sets, sizeof (*r->shapes), compare_demands);
    for (uint32_t s = 0; s < g->n_sets; s++)
        if (n == 0 || !equal_demand (&r->shapes[s].demand, &r->shapes[n - 1].demand))
            r->shapes[n++] = r->shapes[s];
    for (uint32_t i = 0; i < n; i++)
        r->shapes[i].never = true; /* there is no node yet */
    r->n_shapes = n;
    for (uint32_t s = 0; s < g->n_sets; s++) {
        struct aw_shape key = { .demand = demand_of (&g->sets[s]) };
        const struct aw_shape *found =
            bsearch (&key, r->shapes, n, sizeof (*r->shapes), compare_demands);
        r->shape_of[s] = (uint32_t)(found - r->shapes);
    }
    return 0;
}

static size_t n_instances (const struct aw_graph *g)
{
    return (size_t)g->iterations * g->n_sets;
}

int aw_ready_init (struct aw_ready *r, const struct aw_graph *graph, enum aw_policy policy)
{
    size_t n = n_instances (graph) + 1;

    memset (r, 0, sizeof (*r));
    r->graph = graph;
    r->policy = policy;
    r->queues = calloc (n, sizeof (*r->queues));
    r->position = malloc (n * sizeof (*r->position));
    r->remaining = calloc (n, sizeof (*r->remaining));
    if (!r->queues || !r->position || !r->remaining || make_shapes (r) < 0) {
        aw_ready_finish (r);
        errno = ENOMEM;
        return -1;
    }
    memset (r->position, 0xff, n * sizeof (*r->position));
    return 0;
}

void aw_ready_finish (struct aw_ready *r)
{
    int saved = errno;

    for (size_t i = 0; r->queues && i < n_instances (r->graph); i++)
        aw_ranges_finish (&r->queues[i]);
    for (uint32_t i = 0; i < r->n_shapes; i++)
        free (r->shapes[i].heap);
    free (r->shapes);
    free (r->shape_of);
    free (r->queues);
    free (r->position);
    free (r->remaining);
    memset (r, 0, sizeof (*r));
    errno = saved;
}

int aw_ready_clone (struct aw_ready *r, const struct aw_ready *from)
{
    size_t n = n_instances (from->graph);

    if (aw_ready_init (r, from->graph, from->policy) < 0)
        return -1;
    memcpy (r->position, from->position, n * sizeof (*r->position));
    memcpy (r->remaining, from->remaining, n * sizeof (*r->remaining));
    for (size_t i = 0; i < n; i++)
        if (aw_ranges_clone (&r->queues[i], &from->queues[i]) < 0)
            goto fail;
    for (uint32_t i = 0; i < r->n_shapes; i++) {
        struct aw_shape *shape = &r->shapes[i];

        shape->never = from->shapes[i].never;
        shape->blocked = from->shapes[i].blocked;
        shape->held = from->shapes[i].held;
        if (from->shapes[i].n == 0)
            continue;
        shape->n = shape->room = from->shapes[i].n;
        shape->heap = malloc (shape->n * sizeof (*shape->heap));
        if (!shape->heap)
            goto fail;
        memcpy (shape->heap, from->shapes[i].heap, shape->n * sizeof (*shape->heap));
    }
    return 0;
fail:
    aw_ready_finish (r);
    errno = ENOMEM;
    return -1;
}

bool aw_ready_before (const struct aw_ready *r, uint32_t a, uint32_t b)
{
    uint32_t n = r->graph->n_sets;

    if (r->policy == AW_POLICY_FIFO) {
        double ta = aw_ranges_front (&r->queues[a])->t;
        double tb = aw_ranges_front (&r->queues[b])->t;
        if (ta != tb)
            return ta < tb;
        if (a % n != b % n)
            return a % n < b % n;
        return a < b;
    }
    if (r->remaining[a] != r->remaining[b])
        return r->remaining[a] > r->remaining[b];
    return a < b; /* earlier iterations first, then the file's order */
}

uint32_t aw_ready_front (const struct aw_ready *r, uint32_t instance)
{
    return aw_ranges_front (&r->queues[instance])->first;
}

static void put (struct aw_ready *r, struct aw_shape *shape, uint32_t place, uint32_t instance)
{
    shape->heap[place] = instance;
    r->position[instance] = place;
}

static void sift_up (struct aw_ready *r, struct aw_shape *shape, uint32_t place)
{
    uint32_t instance = shape->heap[place];

    while (place > 0 && aw_ready_before (r, instance, shape->heap[(place - 1) / 2])) {
        put (r, shape, place, shape->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put (r, shape, place, instance);
}

static void sift_down (struct aw_ready *r, struct aw_shape *shape, uint32_t place)
{
    uint32_t instance = shape->heap[place];

    for (;;) {
        uint32_t child = 2 * place + 1;

        if (child + 1 < shape->n && aw_ready_before (r, shape->heap[child + 1], shape->heap[child]))
            child++;
        if (child >= shape->n || !aw_ready_before (r, shape->heap[child], instance))
            break;
        put (r, shape, place, shape->heap[child]);
        place = child;
    }
    put (r, shape, place, instance);
}

static struct aw_shape *shape_of_instance (const struct aw_ready *r, uint32_t instance)
{
    return &r->shapes[r->shape_of[instance % r->graph->n_sets]];
}

static int insert (struct aw_ready *r, uint32_t instance)
{
    struct aw_shape *shape = shape_of_instance (r, instance);

    if (shape->n == shape->room) {
        uint32_t room = shape->room ? 2 * shape->room : 8;
        uint32_t *heap = realloc (shape->heap, room * sizeof (*heap));
        if (!heap)
            return -1;
        shape->heap = heap;
        shape->room = room;
    }
    put (r, shape, shape->n, instance);
    sift_up (r, shape, shape->n++);
    return 0;
}

/* The instance's queue has lost its front or all: move or take it out. */
static void adjust (struct aw_ready *r, uint32_t instance)
{
    struct aw_shape *shape = shape_of_instance (r, instance);
    uint32_t place = r->position[instance];
    uint32_t moved = instance;

    if (aw_ranges_empty (&r->queues[instance])) {
        aw_ranges_finish (&r->queues[instance]);
        r->position[instance] = AW_NONE;
        moved = shape->heap[--shape->n];
        if (moved == instance)
            return;
        put (r, shape, place, moved);
    }
    sift_up (r, shape, place);
    sift_down (r, shape, r->position[moved]);
}

int aw_ready_push (struct aw_ready *r, uint32_t first, uint32_t last, double t)
{
    while (first <= last) {
        struct aw_task at = aw_graph_task (r->graph, first);
        uint32_t instance = at.iteration * r->graph->n_sets + at.set;
        uint32_t end = first - at.index + r->graph->sets[at.set].count - 1;
        bool was_empty = r->position[instance] == AW_NONE;

        if (end > last)
            end = last;
        if (aw_ranges_push (&r->queues[instance], first, end, t) < 0
            || (was_empty && insert (r, instance) < 0))
            return -1;
        first = end + 1;
    }
    return 0;
}

int aw_ready_remove (struct aw_ready *r, uint32_t task)
{
    struct aw_task at = aw_graph_task (r->graph, task);
    uint32_t instance = at.iteration * r->graph->n_sets + at.set;

    if (aw_ranges_remove (&r->queues[instance], task) < 0)
        return -1;
    adjust (r, instance);
    return 0;
}

void aw_ready_reorder (struct aw_ready *r)
{
    for (uint32_t i = 0; i < r->n_shapes; i++)
        for (uint32_t place = r->shapes[i].n / 2; place-- > 0;)
            sift_down (r, &r->shapes[i], place);
}
