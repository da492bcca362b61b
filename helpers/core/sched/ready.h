/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks that are ready, waiting for resources. The tasks of one set instance queue as runs of
 * ids; instances of equal demand form a shape, a heap by priority; and the shapes stand in two
 * lines, heaps by their first instance: those that may start and those that are blocked. Shapes
 * that can never start, or not in time, are kept apart. So the cost of a decision does not depend
 * on the number of tasks.
 */
#ifndef AW_CORE_SCHED_READY_H
#define AW_CORE_SCHED_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "core/resources/pool.h"
#include "core/ranges.h"
#include "core/sched/sched.h"

/* Why a shape cannot start now. */
enum aw_block {
    AW_BLOCK_ROOM, /* no node has room */
    AW_BLOCK_HELD, /* the reservation holds it back */
    AW_BLOCK_LATE, /* none of its tasks could end in time: no other task waits for it */
    AW_BLOCK_PLANNED, /* the plan holds its place for another task; no other task waits for it */
};

struct aw_shape {
    struct aw_demand demand;
    uint32_t *heap; /* instances with ready tasks, the first in front */
    uint32_t n, room;
    uint32_t n_nodes; /* of the pool that could hold a task of it when empty */
    uint32_t bound; /* 1 + number of the one set whose tasks start where their data is; 0: tasks
                       that start anywhere */
    bool never; /* n_nodes is too small for one task; see aw_ready_set_never */
    bool blocked; /* cannot start now; see aw_ready_block. An empty one is not */
    enum aw_block why; /* if blocked; else AW_BLOCK_ROOM */
    uint32_t later; /* if it is put off (sched_later.c): 1 + the instance that can start; else 0 */
    uint32_t line; /* private, as the next one: its line, and its place there, when not empty */
    uint32_t place;
};

/* Private: a heap of shapes, by number. */
struct aw_line {
    uint32_t *heap;
    uint32_t n;
};

struct aw_ready {
    const struct aw_graph *graph; /* borrowed */
    enum aw_policy policy;
    struct aw_shape *shapes;
    uint32_t n_shapes;
    uint32_t shape_room; /* private */
    uint32_t n_held;
    uint32_t n_later; /* shapes that are put off */
    struct aw_line lines[4]; /* private: open, blocked, late, never */
    uint32_t *chosen; /* private: room for all shapes */
    uint32_t *shape_of; /* by set */
    struct aw_ranges *queues; /* by instance */
    uint32_t *position; /* by instance: in its shape's heap; AW_NONE: not in it */
    uint64_t *turns; /* by set: the number of its last start among the starts of streams */
    uint64_t n_turns;
    double *remaining; /* by instance: what the policy orders by (core/sched/rank.h); written by the
                          scheduler, then aw_ready_reorder */
    struct aw_graph_size room; /* private */
};

/* 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_ready_init (struct aw_ready *ready, const struct aw_graph *graph, enum aw_policy policy);
void aw_ready_finish (struct aw_ready *ready);
int aw_ready_clone (struct aw_ready *ready, const struct aw_ready *from);

/* The graph has grown since it had size OLD. New shapes come after the others and can never start
 * at first. 0, or -1 with ENOMEM.
 */
int aw_ready_grow (struct aw_ready *ready, const struct aw_graph_size *old);

/* Adds tasks FIRST..LAST, ready since T; they may run over several instances. 0, or -1 with ENOMEM.
 */
int aw_ready_push (struct aw_ready *ready, uint32_t first, uint32_t last, double t);

/* Puts TASK, ready since T, in front of those of its instance. 0, or -1 with ENOMEM. */
int aw_ready_push_front (struct aw_ready *ready, uint32_t task, double t);

/* Removes TASK. False: it is not there. */
bool aw_ready_remove (struct aw_ready *ready, uint32_t task);

/* Removes those of tasks FIRST..LAST, all of one instance, for which DROP is true. */
void aw_ready_remove_all (struct aw_ready *ready,
                          uint32_t first,
                          uint32_t last,
                          bool (*drop) (void *arg, uint32_t task),
                          void *arg);

/* Does instance A come before instance B? Both have ready tasks. */
bool aw_ready_before (const struct aw_ready *ready, uint32_t a, uint32_t b);

/* The same by ranks alone, for instances that need not have ready tasks. */
bool aw_ready_ranks_before (const struct aw_ready *ready, uint32_t a, uint32_t b);

/* The first task in an instance's queue, which is not empty. */
uint32_t aw_ready_front (const struct aw_ready *ready, uint32_t instance);

/* When that one became ready. */
double aw_ready_since (const struct aw_ready *ready, uint32_t instance);

/* A task of SET starts. If SET is a stream, other streams start a task before its next one
 * (core/graph/streams.h).
 */
void aw_ready_started (struct aw_ready *ready, uint32_t set);

/* The shape whose first task comes before all others: among the blocked ones (without late ones),
 * or among those not blocked. NULL: there is none.
 */
struct aw_shape *aw_ready_first (const struct aw_ready *ready, bool blocked);

/* Number I of the same shapes: 0 is the first, the others are in no order. NULL: none is left.
 */
struct aw_shape *aw_ready_at (const struct aw_ready *ready, bool blocked, uint32_t i);

/* SHAPE, not empty, cannot start now. */
void aw_ready_block (struct aw_ready *ready, struct aw_shape *shape, enum aw_block why);

/* SHAPE, not empty, is considered again. */
void aw_ready_open (struct aw_ready *ready, struct aw_shape *shape);

/* Could the pool's nodes ever hold SHAPE? At first, without nodes, none can. */
void aw_ready_set_never (struct aw_ready *ready, struct aw_shape *shape, bool never);

/* Blocked shapes are considered again: those that NODE can hold; those that the reservation holds
 * back; those that are late, or whose place is held.
 */
void aw_ready_unblock (struct aw_ready *ready, const struct aw_node *node);
void aw_ready_unhold (struct aw_ready *ready);
void aw_ready_look_again (struct aw_ready *ready);

/* Restores the order after `remaining` has changed. */
void aw_ready_reorder (struct aw_ready *ready);

#endif /* AW_CORE_SCHED_READY_H */
