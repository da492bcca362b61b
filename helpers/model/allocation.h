/* SPDX-License-Identifier: Apache-2.0 */
/* An allocation in the model: numbers of nodes by shape. The scheduler treats nodes of one shape
 * alike.
 */
#ifndef AW_MODEL_ALLOCATION_H
#define AW_MODEL_ALLOCATION_H

#include <stdint.h>

#include "core/graph/graph.h"
#include "core/resources/pool.h"
#include "core/sched/sched.h"
#include "util/error.h"

struct aw_node_shape {
    uint32_t nodes; /* at least 1 */
    uint32_t cpus; /* of each, at least 1 */
    uint32_t gpus;
    uint64_t mem; /* bytes; 0: not counted */
};

struct aw_allocation {
    struct aw_node_shape *shapes; /* owned, in the order of the nodes */
    uint32_t n_shapes;
    uint32_t shape_room; /* private */
    uint32_t n_nodes; /* sums over the shapes */
    uint64_t cpus;
    uint64_t gpus;
    uint64_t mem; /* 0: a shape does not count it */
};

enum { AW_MAX_NODES = 1 << 20 };

/* {0} is an empty allocation; finish frees what it holds and leaves it empty. */
void aw_allocation_finish (struct aw_allocation *allocation);

/* Appends nodes. 0, or -1 with text (no node, no CPU, too many). */
int aw_allocation_add (struct aw_allocation *allocation,
                       struct aw_node_shape shape,
                       struct aw_error *err);

/* All nodes join SCHED at time 0, in their order. 0, or -1 with text. */
int aw_allocation_join (const struct aw_allocation *allocation,
                        struct aw_sched *sched,
                        struct aw_error *err);

/* The most of each resource that any node of these N shapes has; memory has no limit if one shape
 * does not count it. A larger demand can run nowhere.
 */
struct aw_demand aw_largest_node (const struct aw_node_shape *shapes, uint32_t n);

/* The number of tasks of SET that fit into the empty allocation at the same time. */
uint64_t aw_allocation_capacity (const struct aw_allocation *allocation, const struct aw_set *set);

#endif /* AW_MODEL_ALLOCATION_H */
