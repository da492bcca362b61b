/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes on which task after task fails: is the node to blame, or are the tasks? The other tasks of
 * the same sets answer that. For each failure in a row on a node, the chance that a task of its set
 * fails is estimated from all others of the set, as (failed + 1/2) / (ended + 1) (Jeffreys'
 * estimate). The chances are multiplied. When the product falls below AW_HEALTH_CHANCE, the node is
 * suspect. A broken task set fails on all nodes, so it makes none suspect. If nothing is known of
 * other tasks, nothing is concluded.
 */
#ifndef AW_CORE_SCHED_NODE_HEALTH_H
#define AW_CORE_SCHED_NODE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

/* Four failures in a row if thirty others of the set have completed; six if one in twenty fails;
 * twelve if only one other has ended, and completed.
 */
#define AW_HEALTH_CHANCE 1e-7

enum { AW_HEALTH_TASKS = 32 }; /* failures in a row that are remembered, one for each task */

struct aw_node_health {
    double chance; /* the product */
    uint32_t tasks[AW_HEALTH_TASKS]; /* the tasks that failed in a row */
    uint32_t sets[AW_HEALTH_TASKS]; /* theirs */
    uint32_t n;
    bool suspect; /* it has become suspect */
    bool decided; /* for the owner, as the next two */
    bool drained; /* it takes no new tasks */
    bool gone; /* it is lost */
};

struct aw_health {
    struct aw_node_health *nodes; /* owned, as the next two */
    uint32_t *completed; /* by set: attempts */
    uint32_t *failed;
    uint32_t n_nodes, n_sets;
    uint32_t room; /* of nodes: they join one by one */
};

/* 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_health_init (struct aw_health *health, uint32_t n_sets);
/* Makes room for N_SETS sets. 0, or -1 with ENOMEM. */
int aw_health_grow (struct aw_health *health, uint32_t n_sets);
void aw_health_finish (struct aw_health *health);
int aw_health_clone (struct aw_health *health, const struct aw_health *from);

/* Makes room for nodes 0..N-1. 0, or -1 with ENOMEM. */
int aw_health_add_nodes (struct aw_health *health, uint32_t n);

/* A task of SET has completed on NODE. */
void aw_health_completed (struct aw_health *health, uint32_t node, uint32_t set);

/* TASK of SET has failed on NODE. LIVING: attempts of the set that run on other nodes and began no
 * later; they count as completed, because they have run longer. PROOF: one of them has run so much
 * longer that it will hardly fail the same way. Without proof, and while no task of the set has
 * completed, nothing is concluded: attempts that began together may fail together. Returns true
 * once, when the node becomes suspect.
 */
bool aw_health_failed (struct aw_health *health,
                       uint32_t node,
                       uint32_t set,
                       uint32_t task,
                       uint32_t living,
                       bool proof);

#endif /* AW_CORE_SCHED_NODE_HEALTH_H */
