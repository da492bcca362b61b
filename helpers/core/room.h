/* SPDX-License-Identifier: Apache-2.0 */
/* What a node will have free as its tasks end, one after the other. Counts do where nobody shares
 * GPUs or holds whole cores; else the very ids are gone through on the pool's trial node.
 */
#ifndef AW_CORE_ROOM_H
#define AW_CORE_ROOM_H

#include "core/pool.h"
#include "core/running.h"

struct aw_room {
    const struct aw_node *node;
    struct aw_node *trial; /* the pool's; NULL: counts do */
    struct aw_demand counts;
};

/* The room on a node now, asked about for DEMAND. Valid while the pool does not change, and until
 * the next call. */
struct aw_room aw_room_now (const struct aw_pool *pool,
                            uint32_t node,
                            const struct aw_demand *demand);

/* RUN, on that node, has ended. */
void aw_room_release (struct aw_room *room, const struct aw_running *run);

bool aw_room_fits (const struct aw_room *room, const struct aw_demand *demand);

/* What is left beside DEMAND, which fits, for others that must not delay it: so many CPUs, whole
 * GPUs and bytes, at least. Where it takes whole cores, CPUs stand for the cores that others may
 * break up.
 */
struct aw_demand aw_room_beside (const struct aw_room *room, const struct aw_demand *demand);

#endif /* AW_CORE_ROOM_H */
