/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"
#include "core/sched/stage.h"
#include "util/array.h"
#include "util/heap.h"

enum line { OPEN, BLOCKED, LATE, NEVER, N_LINES };

static int compare_shapes (const void *pa, const void *pb)
{
    const struct aw_shape *a = pa, *b = pb;
    int order = aw_demand_compare (&a->demand, &b->demand);

    if (order == 0)
        order = a->bound < b->bound ? -1 : a->bound > b->bound;
    return order;
}

static struct aw_shape shape_of_set (const struct aw_graph *graph, uint32_t set)
{
    return (struct aw_shape){
        .demand = aw_set_demand (&graph->sets[set]),
        .bound = aw_stage_concerns (graph, set) ? set + 1 : 0,
    };
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
        r->shapes[s] = shape_of_set (g, s);
    qsort (r->shapes, g->n_sets, sizeof (*r->shapes), compare_shapes);
    for (uint32_t s = 0; s < g->n_sets; s++)
        if (n == 0 || compare_shapes (&r->shapes[s], &r->shapes[n - 1]) != 0)
            r->shapes[n++] = r->shapes[s];
    for (uint32_t i = 0; i < n; i++) {
        r->shapes[i].never = true; /* there is no node yet */
        r->shapes[i].line = NEVER;
    }
    r->n_shapes = n;
    r->shape_room = n;
    for (int i = 0; i < N_LINES; i++) {
        r->lines[i].heap = calloc ((size_t)n + 1, sizeof (*r->lines[i].heap));
        if (!r->lines[i].heap)
            return -1;
    }
    r->chosen = calloc ((size_t)n + 1, sizeof (*r->chosen));
    if (!r->chosen)
        return -1;
    for (uint32_t s = 0; s < g->n_sets; s++) {
        struct aw_shape key = shape_of_set (g, s);
        const struct aw_shape *found =
            bsearch (&key, r->shapes, n, sizeof (*r->shapes), compare_shapes);
        r->shape_of[s] = (uint32_t)(found - r->shapes);
    }
    return 0;
}

int aw_ready_init (struct aw_ready *r, const struct aw_graph *graph, enum aw_policy policy)
{
    size_t n = (size_t)aw_graph_n_instances (graph) + 1;

    memset (r, 0, sizeof (*r));
    r->graph = graph;
    r->policy = policy;
    r->room = aw_graph_size (graph);
    r->queues = calloc (n, sizeof (*r->queues));
    r->position = malloc (n * sizeof (*r->position));
    r->remaining = calloc (n, sizeof (*r->remaining));
    r->turns = calloc ((size_t)graph->n_sets + 1, sizeof (*r->turns));
    if (!r->queues || !r->position || !r->remaining || !r->turns || make_shapes (r) < 0) {
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

    for (size_t i = 0; r->queues && i < r->room.n_instances; i++)
        aw_ranges_finish (&r->queues[i]);
    for (uint32_t i = 0; i < r->n_shapes; i++)
        free (r->shapes[i].heap);
    free (r->shapes);
    for (int i = 0; i < N_LINES; i++)
        free (r->lines[i].heap);
    free (r->chosen);
    free (r->shape_of);
    free (r->queues);
    free (r->position);
    free (r->remaining);
    free (r->turns);
    memset (r, 0, sizeof (*r));
    errno = saved;
}

int aw_ready_clone (struct aw_ready *r, const struct aw_ready *from)
{
    size_t n = aw_graph_n_instances (from->graph);

    if (aw_ready_init (r, from->graph, from->policy) < 0)
        return -1;
    memcpy (r->position, from->position, n * sizeof (*r->position));
    memcpy (r->shape_of, from->shape_of, r->graph->n_sets * sizeof (*r->shape_of));
    memcpy (r->remaining, from->remaining, n * sizeof (*r->remaining));
    memcpy (r->turns, from->turns, r->graph->n_sets * sizeof (*r->turns));
    r->n_turns = from->n_turns;
    for (size_t i = 0; i < n; i++)
        if (aw_ranges_clone (&r->queues[i], &from->queues[i]) < 0)
            goto fail;
    for (uint32_t i = 0; i < r->n_shapes; i++) {
        struct aw_shape *shape = &r->shapes[i];

        shape->n_nodes = from->shapes[i].n_nodes;
        shape->demand = from->shapes[i].demand;
        shape->bound = from->shapes[i].bound;
        shape->never = from->shapes[i].never;
        shape->blocked = from->shapes[i].blocked;
        shape->why = from->shapes[i].why;
        shape->line = from->shapes[i].line;
        shape->place = from->shapes[i].place;
        if (from->shapes[i].n == 0)
            continue;
        shape->n = from->shapes[i].n;
        if (aw_array_reserve (&shape->heap, &shape->room, shape->n) < 0)
            goto fail;
        memcpy (shape->heap, from->shapes[i].heap, shape->n * sizeof (*shape->heap));
    }
    for (int i = 0; i < N_LINES; i++) {
        r->lines[i].n = from->lines[i].n;
        memcpy (r->lines[i].heap, from->lines[i].heap,
                from->lines[i].n * sizeof (*r->lines[i].heap));
    }
    r->n_held = from->n_held;
    return 0;
fail:
    aw_ready_finish (r);
    errno = ENOMEM;
    return -1;
}

/* Room for one more shape. */
static int shape_room (struct aw_ready *r)
{
    uint32_t room = r->shape_room;

    aw_room_for (&room, r->n_shapes + 1);
    if (aw_grow (&r->shapes, r->shape_room, room, sizeof (*r->shapes), 0) < 0
        || aw_grow (&r->chosen, r->shape_room, room, sizeof (*r->chosen), 0) < 0)
        return -1;
    for (int i = 0; i < N_LINES; i++)
        if (aw_grow (&r->lines[i].heap, r->shape_room, room, sizeof (*r->lines[i].heap), 0) < 0)
            return -1;
    r->shape_room = room;
    return 0;
}

/* Makes sure that a set that has come has a shape: that of the set before it, another, a new one.
 */
static int find_shape (struct aw_ready *r, uint32_t set)
{
    struct aw_shape shape = shape_of_set (r->graph, set);
    uint32_t i = set > 0 ? r->shape_of[set - 1] : 0;

    if (compare_shapes (&shape, &r->shapes[i]) != 0) /* a bound one is its set's own */
        for (i = shape.bound ? r->n_shapes : 0; i < r->n_shapes; i++)
            if (compare_shapes (&shape, &r->shapes[i]) == 0)
                break;
    r->shape_of[set] = i;
    if (i < r->n_shapes)
        return 0;
    if (shape_room (r) < 0)
        return -1;
    shape.never = true;
    shape.line = NEVER;
    r->shapes[r->n_shapes++] = shape;
    return 0;
}

int aw_ready_grow (struct aw_ready *r, const struct aw_graph_size *old)
{
    struct aw_graph_size size = aw_graph_size (r->graph), room = r->room;
    size_t was = r->room.n_instances;
    uint32_t n_shapes = r->n_shapes;

    if (aw_graph_size_grow (&room, &size)
        && (aw_grow (&r->queues, was, room.n_instances, sizeof (*r->queues), 0) < 0
            || aw_grow (&r->position, was, room.n_instances, sizeof (*r->position), 0xff) < 0
            || aw_grow (&r->remaining, was, room.n_instances, sizeof (*r->remaining), 0) < 0
            || aw_grow (&r->turns, r->room.n_sets, room.n_sets, sizeof (*r->turns), 0) < 0
            || aw_grow (&r->shape_of, r->room.n_sets, room.n_sets, sizeof (*r->shape_of), 0) < 0))
        return -1;
    r->room = room;
    for (uint32_t s = old->n_sets; s < size.n_sets; s++)
        if (find_shape (r, s) < 0) {
            r->n_shapes = n_shapes; /* the new ones have no tasks yet, nor memory */
            return -1;
        }
    return 0;
}

/* Of equal rank: streams come last, and first the one whose last start is the oldest. */
static bool before_in_turn (const struct aw_ready *r, uint32_t a, uint32_t b)
{
    uint32_t set_a = aw_graph_instance_set (r->graph, a);
    uint32_t set_b = aw_graph_instance_set (r->graph, b);
    bool streams = r->graph->sets[set_a].streams;

    if (streams != r->graph->sets[set_b].streams)
        return !streams;
    if (streams && r->turns[set_a] != r->turns[set_b])
        return r->turns[set_a] < r->turns[set_b];
    return a < b; /* earlier iterations first, then the file's order */
}

bool aw_ready_before (const struct aw_ready *r, uint32_t a, uint32_t b)
{
    if (r->policy == AW_POLICY_FIFO) {
        uint32_t set_a = aw_graph_instance_set (r->graph, a);
        uint32_t set_b = aw_graph_instance_set (r->graph, b);
        double ta = aw_ranges_front (&r->queues[a])->t;
        double tb = aw_ranges_front (&r->queues[b])->t;
        if (ta != tb)
            return ta < tb;
        enum aw_phase phase_a = r->graph->sets[set_a].phase;
        enum aw_phase phase_b = r->graph->sets[set_b].phase;
        if (phase_a != phase_b)
            return phase_a < phase_b;
        if (set_a != set_b)
            return set_a < set_b;
        return a < b;
    }
    if (r->remaining[a] != r->remaining[b])
        return r->remaining[a] > r->remaining[b];
    return r->graph->n_topics > 0 ? before_in_turn (r, a, b) : a < b;
}

bool aw_ready_ranks_before (const struct aw_ready *r, uint32_t a, uint32_t b)
{
    return r->remaining[a] != r->remaining[b] ? r->remaining[a] > r->remaining[b] : a < b;
}

uint32_t aw_ready_front (const struct aw_ready *r, uint32_t instance)
{
    return aw_ranges_front (&r->queues[instance])->first;
}

double aw_ready_since (const struct aw_ready *r, uint32_t instance)
{
    return aw_ranges_front (&r->queues[instance])->t;
}

/* The instances of a shape, which know their places. */
#define PLACE_INSTANCE(r, instance, place) ((r)->position[instance] = (uint32_t)(place))
AW_HEAP_DEFINE_PLACED (instances, uint32_t, struct aw_ready *, aw_ready_before, PLACE_INSTANCE)

static struct aw_line *line_of (struct aw_ready *r, const struct aw_shape *shape)
{
    return &r->lines[shape->line];
}

static bool shape_before (const struct aw_ready *r, uint32_t a, uint32_t b)
{
    return aw_ready_before (r, r->shapes[a].heap[0], r->shapes[b].heap[0]);
}

/* The shapes of a line, which know their places. */
#define PLACE_SHAPE(r, number, where) ((r)->shapes[number].place = (uint32_t)(where))
AW_HEAP_DEFINE_PLACED (shapes, uint32_t, struct aw_ready *, shape_before, PLACE_SHAPE)

/* The first instance of the shape may be another, or have another rank. */
static void settle (struct aw_ready *r, const struct aw_shape *shape)
{
    struct aw_line *line = line_of (r, shape);

    shapes_moved (line->heap, line->n, shape->place, r);
}

static void join (struct aw_ready *r, const struct aw_shape *shape)
{
    struct aw_line *line = line_of (r, shape);

    shapes_push (line->heap, line->n++, (uint32_t)(shape - r->shapes), r);
}

static void leave (struct aw_ready *r, const struct aw_shape *shape)
{
    struct aw_line *line = line_of (r, shape);

    shapes_remove (line->heap, line->n--, shape->place, r);
}

struct aw_shape *aw_ready_first (const struct aw_ready *r, bool blocked)
{
    return aw_ready_at (r, blocked, 0);
}

struct aw_shape *aw_ready_at (const struct aw_ready *r, bool blocked, uint32_t i)
{
    const struct aw_line *line = &r->lines[blocked ? BLOCKED : OPEN];

    return i < line->n ? &r->shapes[line->heap[i]] : NULL;
}

/* For a shape that is in no line. */
static void mark (struct aw_ready *r, struct aw_shape *shape, bool blocked, enum aw_block why)
{
    r->n_held += (why == AW_BLOCK_HELD) - (shape->why == AW_BLOCK_HELD);
    r->n_later -= shape->later > 0;
    shape->later = 0;
    shape->blocked = blocked;
    shape->why = why;
    shape->line = shape->never                                      ? NEVER
                  : !blocked                                        ? OPEN
                  : why == AW_BLOCK_LATE || why == AW_BLOCK_PLANNED ? LATE
                                                                    : BLOCKED;
}

static void set_blocked (struct aw_ready *r,
                         struct aw_shape *shape,
                         bool blocked,
                         enum aw_block why)
{
    leave (r, shape);
    mark (r, shape, blocked, why);
    join (r, shape);
}

void aw_ready_block (struct aw_ready *r, struct aw_shape *shape, enum aw_block why)
{
    set_blocked (r, shape, true, why);
}

void aw_ready_open (struct aw_ready *r, struct aw_shape *shape)
{
    set_blocked (r, shape, false, AW_BLOCK_ROOM);
}

void aw_ready_set_never (struct aw_ready *r, struct aw_shape *shape, bool never)
{
    if (shape->never == never)
        return;
    if (shape->n > 0)
        leave (r, shape);
    shape->never = never;
    mark (r, shape, false, AW_BLOCK_ROOM);
    if (shape->n > 0)
        join (r, shape);
}

/* Chosen first, then moved: moving one changes the places of others. */
static void unblock_chosen (struct aw_ready *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        set_blocked (r, &r->shapes[r->chosen[i]], false, AW_BLOCK_ROOM);
}

void aw_ready_unblock (struct aw_ready *r, const struct aw_node *node)
{
    const struct aw_line *blocked = &r->lines[BLOCKED];
    uint32_t n = 0;

    for (uint32_t i = 0; i < blocked->n; i++)
        if (aw_node_can_hold (node, &r->shapes[blocked->heap[i]].demand))
            r->chosen[n++] = blocked->heap[i];
    unblock_chosen (r, n);
}

void aw_ready_unhold (struct aw_ready *r)
{
    const struct aw_line *blocked = &r->lines[BLOCKED];
    uint32_t n = 0;

    for (uint32_t i = 0; i < blocked->n && n < r->n_held; i++)
        if (r->shapes[blocked->heap[i]].why == AW_BLOCK_HELD)
            r->chosen[n++] = blocked->heap[i];
    unblock_chosen (r, n);
}

void aw_ready_look_again (struct aw_ready *r)
{
    const struct aw_line *late = &r->lines[LATE];

    while (late->n > 0)
        set_blocked (r, &r->shapes[late->heap[late->n - 1]], false, AW_BLOCK_ROOM);
}

static struct aw_shape *shape_of_instance (const struct aw_ready *r, uint32_t instance)
{
    return &r->shapes[r->shape_of[aw_graph_instance_set (r->graph, instance)]];
}

/* Puts the instance into its shape. There is room. */
static void insert (struct aw_ready *r, uint32_t instance)
{
    struct aw_shape *shape = shape_of_instance (r, instance);

    instances_push (shape->heap, shape->n++, instance, r);
    if (shape->n == 1)
        join (r, shape);
    else
        settle (r, shape);
}

/* Takes the instance out of its shape. */
static void take_out (struct aw_ready *r, struct aw_shape *shape, uint32_t instance)
{
    uint32_t place = r->position[instance];

    aw_ranges_finish (&r->queues[instance]);
    r->position[instance] = AW_NONE;
    if (shape->n == 1) { /* empty then, so no longer in a line */
        leave (r, shape);
        mark (r, shape, false, AW_BLOCK_ROOM);
    }
    instances_remove (shape->heap, shape->n--, place, r);
}

/* The instance's queue has lost its front or all: move or take it out. */
static void adjust (struct aw_ready *r, uint32_t instance)
{
    struct aw_shape *shape = shape_of_instance (r, instance);

    if (aw_ranges_empty (&r->queues[instance]))
        take_out (r, shape, instance);
    else
        instances_moved (shape->heap, shape->n, r->position[instance], r);
    if (shape->n > 0)
        settle (r, shape);
}

int aw_ready_push (struct aw_ready *r, uint32_t first, uint32_t last, double t)
{
    while (first <= last) {
        struct aw_task at = aw_graph_task (r->graph, first);
        uint32_t instance = aw_graph_instance (r->graph, at.iteration, at.set);
        uint32_t end = first - at.index + r->graph->sets[at.set].count - 1;
        struct aw_shape *shape = &r->shapes[r->shape_of[at.set]];

        if (end > last)
            end = last;
        if (aw_array_reserve (&shape->heap, &shape->room, shape->n + 1) < 0
            || aw_ranges_push (&r->queues[instance], first, end, t) < 0)
            return -1;
        if (r->position[instance] == AW_NONE)
            insert (r, instance);
        first = end + 1;
    }
    return 0;
}

int aw_ready_push_front (struct aw_ready *r, uint32_t task, double t)
{
    struct aw_task at = aw_graph_task (r->graph, task);
    uint32_t instance = aw_graph_instance (r->graph, at.iteration, at.set);
    struct aw_shape *shape = &r->shapes[r->shape_of[at.set]];

    if (aw_array_reserve (&shape->heap, &shape->room, shape->n + 1) < 0
        || aw_ranges_push_front (&r->queues[instance], task, t) < 0)
        return -1;
    if (r->position[instance] == AW_NONE)
        insert (r, instance);
    else
        adjust (r, instance);
    return 0;
}

bool aw_ready_remove (struct aw_ready *r, uint32_t task)
{
    struct aw_task at = aw_graph_task (r->graph, task);
    uint32_t instance = aw_graph_instance (r->graph, at.iteration, at.set);

    if (!aw_ranges_remove (&r->queues[instance], task))
        return false;
    adjust (r, instance);
    return true;
}

void aw_ready_remove_all (struct aw_ready *r,
                          uint32_t first,
                          uint32_t last,
                          bool (*drop) (void *arg, uint32_t task),
                          void *arg)
{
    struct aw_task at = aw_graph_task (r->graph, first);
    uint32_t instance = aw_graph_instance (r->graph, at.iteration, at.set);

    if (r->position[instance] == AW_NONE)
        return;
    aw_ranges_remove_all (&r->queues[instance], first, last, drop, arg);
    adjust (r, instance);
}

void aw_ready_started (struct aw_ready *r, uint32_t set)
{
    struct aw_shape *shape = &r->shapes[r->shape_of[set]];

    if (!r->graph->sets[set].streams)
        return;
    r->turns[set] = ++r->n_turns;
    if (shape->n == 0)
        return;
    instances_order (shape->heap, shape->n, r);
    settle (r, shape);
}

void aw_ready_reorder (struct aw_ready *r)
{
    for (uint32_t i = 0; i < r->n_shapes; i++)
        instances_order (r->shapes[i].heap, r->shapes[i].n, r);
    for (int i = 0; i < N_LINES; i++)
        shapes_order (r->lines[i].heap, r->lines[i].n, r);
}
