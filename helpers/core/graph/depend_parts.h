/* SPDX-License-Identifier: Apache-2.0 */
/* What the files depend*.c share. No other file includes it. If not stated otherwise, a function
 * returns 0, or -1 with ENOMEM.
 */
#ifndef AW_CORE_GRAPH_DEPEND_PARTS_H
#define AW_CORE_GRAPH_DEPEND_PARTS_H

#include "core/graph/depend.h"
#include "core/graph/peers.h"

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

/* The count of unfinished tasks in the group that AT, of the predecessor, is in along an edge.
 * NULL: it is alone, because the edge is by index, or each group has one task.
 */
static inline uint32_t *aw_depend_unfinished (const struct aw_depend *d,
                                              uint32_t by,
                                              const struct aw_task *at)
{
    const struct aw_edge_key *key;
    uint32_t *counts;

    if (by < AW_BY_KEY || !(counts = d->unfinished[by - AW_BY_KEY]))
        return NULL;
    key = aw_graph_key (d->graph, by);
    return &counts[(size_t)at->iteration * key->n_groups + key->before.group[at->index]];
}

/* depend.c: what an end means for others. */

/* All predecessors of the instance have ended: its tasks are ready, except those that wait for
 * tasks of their own index or key. */
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

/* The task at AT has ended: settles its successors. NEEDED: else it did not run because it was not
 * needed, and so are the tasks that wait for it by index, or by key for such tasks alone: those are
 * put on the list of work.
 */
int aw_depend_settle_successors (struct aw_depend *depend,
                                 const struct aw_task *at,
                                 bool needed,
                                 double t,
                                 struct aw_released *out);

/* The task at AT, of the predecessor of an edge by index or key, has failed or was skipped, and so
 * its group has failed. False: it had before.
 */
bool aw_depend_break_group (struct aw_depend *depend, uint32_t by, const struct aw_task *at);

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

/* Makes and fills the counts of groups for the edges of the sets from FROM on; or empty counts. */
int aw_depend_make_groups (struct aw_depend *depend, uint32_t from, bool fill);

/* Does a set from FROM on wait for something task by task? */
bool aw_depend_has_each (const struct aw_graph *graph, uint32_t from);

#endif /* AW_CORE_GRAPH_DEPEND_PARTS_H */
