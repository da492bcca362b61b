/* SPDX-License-Identifier: Apache-2.0 */
/* Which data comes to which node next. A ready task of a set with asynchronous stage_in gets a node
 * while others still hold its CPUs and GPUs. It queues for those when its data is there. A node
 * gets no more tasks than would fill it once: so its next tasks have their data, and the others can
 * still go to the node that is free first. While there are tasks enough to fill all nodes after
 * that, it gets as many again: so copies need not wait until a task starts. Where there is one
 * node, it gets as many again for all of its tasks.
 */
#ifndef AW_CORE_SCHED_STAGE_H
#define AW_CORE_SCHED_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "core/resources/pool.h"
#include "core/ranges.h"

/* A node that is filled once, in the units of `load`. */
enum { AW_STAGE_FULL = 1 << 20 };

struct aw_stage {
    const struct aw_graph *graph; /* borrowed */
    struct aw_ranges *queues; /* by instance: ready, without a node; NULL: no set has stage_in */
    uint32_t n_instances, n_tasks; /* room */
    uint32_t n_queued; /* tasks in them */
    uint32_t *place; /* by task: the node that its data comes to; AW_NONE: none */
    uint32_t *load; /* by node: of its tasks that have not started */
    uint32_t *last; /* by node: the instance whose data came there last; AW_NONE: none */
    uint32_t n_nodes, node_room;
    uint32_t *lightest; /* by set: the least load of one of its tasks; 0: not known */
};

/* 0, or -1 with ENOMEM. finish takes a zeroed value; clone makes STAGE, uninitialised before, a
 * copy.
 */
int aw_stage_init (struct aw_stage *stage, const struct aw_graph *graph);
/* The graph has grown since it had size OLD, and POOL knows it. 0, or -1 with ENOMEM. */
int aw_stage_grow (struct aw_stage *stage,
                   const struct aw_pool *pool,
                   const struct aw_graph_size *old);
void aw_stage_finish (struct aw_stage *stage);
int aw_stage_clone (struct aw_stage *stage, const struct aw_stage *from);

/* Does a task of SET wait for its data before it asks for resources? */
bool aw_stage_concerns (const struct aw_graph *graph, uint32_t set);

/* Adds the nodes that POOL has. 0, or -1 with ENOMEM. */
int aw_stage_add_nodes (struct aw_stage *stage, const struct aw_pool *pool);

/* Queues tasks FIRST..LAST of one instance, ready since T. 0, or -1 with ENOMEM. */
int aw_stage_push (struct aw_stage *stage, uint32_t first, uint32_t last, double t);

/* By what the next task is chosen. All borrowed. */
struct aw_stage_choice {
    const struct aw_pool *pool;
    const double *remaining; /* by instance (core/sched/ready.h) */
    const uint32_t *avoid; /* by task: a node to avoid if possible; NULL: none */
    bool (*wants) (void *arg, uint32_t instance); /* may data of INSTANCE come now? */
    void *arg;
};

/* Chooses the next TASK and its NODE. The instance is one that is wanted: the first by remaining
 * time, then by time. The node is one that could hold the task: the one with the least load, then
 * one that has data of the same instance. False: there is none, or all nodes have enough.
 */
bool aw_stage_next (const struct aw_stage *stage,
                    const struct aw_stage_choice *by,
                    uint32_t *task,
                    uint32_t *node);

/* TASK gets NODE and leaves the queue. False: it is not there. Started: it has its CPUs and GPUs,
 * or has ended without, and is no load any more.
 */
bool aw_stage_give (struct aw_stage *stage,
                    const struct aw_pool *pool,
                    uint32_t task,
                    uint32_t node);
void aw_stage_started (struct aw_stage *stage, const struct aw_pool *pool, uint32_t task);

#endif /* AW_CORE_SCHED_STAGE_H */
