/* SPDX-License-Identifier: Apache-2.0 */
/* What the files depend*.c share. No other file includes it. If not stated otherwise, a function
 * returns 0, or -1 with ENOMEM.
 */
#ifndef AW_CORE_GRAPH_DEPEND_PARTS_H
#define AW_CORE_GRAPH_DEPEND_PARTS_H

#include "core/graph/depend.h"

static inline uint32_t aw_depend_instance (const struct aw_depend *d,
                                           uint32_t iteration,
                                           uint32_t set)
{
    return aw_graph_instance (d->graph, iteration, set);
}

static inline uint32_t aw_depend_first_task (const struct aw_depend *d,
                                             uint32_t iteration,
                                             uint32_t set)
{
    return aw_graph_first_task (d->graph, iteration, set);
}

/* depend.c: what an end means for others. */

/* All predecessors of the instance have ended: its tasks are ready, except those that wait for a
 * task of their own index. */
int aw_depend_release (
    struct aw_depend *depend, uint32_t iteration, uint32_t set, double t, struct aw_released *out);

/* An instance, or a task, waits for one predecessor less. */
int aw_depend_settle (
    struct aw_depend *depend, uint32_t iteration, uint32_t set, double t, struct aw_released *out);
int aw_depend_settle_task (struct aw_depend *depend,
                           const struct aw_task *at,
                           double t,
                           struct aw_released *out);

/* TASK, at AT, ends in STATE: its instance and its stage have one unfinished task less. */
void aw_depend_count_end (struct aw_depend *depend,
                          const struct aw_task *at,
                          uint32_t task,
                          enum aw_depend_state state);

/* The task at AT has ended: settles its successors. TWINS: also those of its own index. */
int aw_depend_settle_successors (struct aw_depend *depend,
                                 const struct aw_task *at,
                                 bool twins,
                                 double t,
                                 struct aw_released *out);

/* Opens the gates of the next stages, while the open one has no unfinished task. */
int aw_depend_advance_gate (struct aw_depend *depend, double t, struct aw_released *out);

/* depend_message.c: computes next_message of all topics; or takes SET's counts into it. */
void aw_depend_count_messages (struct aw_depend *depend);
void aw_depend_count_messages_of (struct aw_depend *depend, uint32_t set);

/* depend_init.c: the structure. */

/* Edges of the sets from FROM on. */
uint64_t aw_depend_count_edges (const struct aw_graph *graph, uint32_t from);

/* Room for N more successors. */
int aw_depend_successor_room (struct aw_depend *depend, uint64_t n);

/* SET becomes the last successor of each of its predecessors. There is room. */
void aw_depend_add_successor (struct aw_depend *depend, uint32_t set);

/* Does a set from FROM on wait for something task by task? */
bool aw_depend_has_each (const struct aw_graph *graph, uint32_t from);

#endif /* AW_CORE_GRAPH_DEPEND_PARTS_H */
