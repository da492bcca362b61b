/* SPDX-License-Identifier: Apache-2.0 */
/* Which node copies from which other: data that many nodes stage in is read once from the shared
 * file system, and passed on along a tree, as it arrives. A node's place in the tree is the order
 * in which nodes were asked to make the copy. So a node never waits for one that was asked after
 * it. Each node knows a second one that it can ask if the first fails. What neither gives in time
 * comes from the shared file system.
 */
#ifndef AW_COORD_AGENTS_BROADCAST_H
#define AW_COORD_AGENTS_BROADCAST_H

#include <stdint.h>

#include "coord/agents/agent_link.h"
#include "util/names.h"
#include "util/strings.h"

enum {
    AW_BROADCAST_CHILDREN = 2, /* nodes that take a copy from one node, at the same time: each more
                                  shares its network */
    AW_BROADCAST_GIVERS = 33, /* of a node, at most: the levels of the tree, and one */
    AW_BROADCASTS = 256, /* that are known at a time; older ones are forgotten */
};

struct aw_broadcast {
    uint32_t n_nodes;
    struct aw_names names; /* "INSTANCE FROM" to the place in trees */
    struct aw_broadcast_tree {
        char *name; /* NULL: free */
        uint32_t *order; /* nodes as they were asked */
        uint32_t *places; /* by node: its place in `order`, from 1; 0: not asked yet */
        uint32_t n;
    } trees[AW_BROADCASTS];
    uint32_t next; /* the tree to be made next */
};

/* {0} with n_nodes is empty. Frees what it holds. */
void aw_broadcast_finish (struct aw_broadcast *broadcast);

/* The nodes from which NODE may take the copy of FROM for INSTANCE, the best first: its giver in
 * the tree, the giver of that, and so on; then one that was asked shortly before NODE. How many; 0:
 * it is the first, or memory is short.
 */
uint32_t aw_broadcast_givers (struct aw_broadcast *broadcast,
                              uint32_t instance,
                              const char *from,
                              uint32_t node,
                              uint32_t givers[AW_BROADCAST_GIVERS]);

/* The peers of LAUNCH, which is about to be sent to NODE, as a launch has them. AGENTS are those of
 * the nodes, NULL for a lost one. Borrowed from TEXTS, which the caller frees. NULL: no copy of it
 * is shared.
 */
char **aw_broadcast_peers (struct aw_broadcast *broadcast,
                           struct aw_agent_link *const *agents,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_strings *texts);

#endif /* AW_COORD_AGENTS_BROADCAST_H */
