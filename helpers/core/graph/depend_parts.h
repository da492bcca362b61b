/* SPDX-License-Identifier: Apache-2.0 */
/* What depend.c and depend_grow.c share, and nobody else sees. */
#ifndef AW_CORE_GRAPH_DEPEND_PARTS_H
#define AW_CORE_GRAPH_DEPEND_PARTS_H

#include "core/graph/depend.h"

/* Edges of the sets from FROM on. */
uint64_t aw_depend_count_edges (const struct aw_graph *graph, uint32_t from);

/* Room for N more successors. 0, or -1 with ENOMEM. */
int aw_depend_successor_room (struct aw_depend *depend, uint64_t n);

/* SET is a successor of those that it waits for: the last one of each. There is room. */
void aw_depend_add_successor (struct aw_depend *depend, uint32_t set);

/* Does a set from FROM on wait for something task by task? */
bool aw_depend_has_each (const struct aw_graph *graph, uint32_t from);

/* Nothing of the whole instance is waited for any more: its tasks are ready but those that wait for
 * their own index. 0, or -1 with ENOMEM. */
int aw_depend_release (
    struct aw_depend *depend, uint32_t iteration, uint32_t set, double t, struct aw_released *out);

#endif /* AW_CORE_GRAPH_DEPEND_PARTS_H */
