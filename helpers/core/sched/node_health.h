/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes on which task after task fails. The question is whether the node or the tasks are to blame,
 * and what elsewhere becomes of tasks of the same sets answers it: for each failure in a row on a
 * node, the chance that a task of its set fails is taken from all others of the set, (failed + 1/2)
 * / (ended + 1), which is Jeffreys' estimate, and these chances are multiplied. When the product
 * falls below AW_HEALTH_CHANCE, chance does not explain it any more. A broken task set fails
 * everywhere, and clears the nodes; where nothing is known of others, nothing is concluded.
 */
#ifndef AW_CORE_SCHED_NODE_HEALTH_H
#define AW_CORE_SCHED_NODE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

/* Four failures in a row where thirty others of the set have succeeded, six where one in twenty
 * fails, twelve where only one other has ended, and well.
 */
#define AW_HEALTH_CHANCE 1e-7

enum { AW_HEALTH_TASKS = 32 }; /* failures in a row that are remembered, one for each task */

struct aw_node_health {
    double chance; /* the product */
    uint32_t tasks[AW_HEALTH_TASKS]; /* that failed in a row */
    uint32_t sets[AW_HEALTH_TASKS]; /* theirs */
    uint32_t n;
    bool suspect; /* it has become one to decide on */
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
/* There are N_SETS sets now. 0, or -1 with ENOMEM. */
int aw_health_grow (struct aw_health *health, uint32_t n_sets);
void aw_health_finish (struct aw_health *health);
int aw_health_clone (struct aw_health *health, const struct aw_health *from);

/* Makes a place for nodes 0..N-1. 0, or -1 with ENOMEM. */
int aw_health_add_nodes (struct aw_health *health, uint32_t n);

/* A task of SET has completed on NODE. */
void aw_health_completed (struct aw_health *health, uint32_t node, uint32_t set);

/* TASK of SET has failed on NODE by itself. LIVING: attempts of the set that run elsewhere and
 * began no later: they have lived longer, so they count as if they had completed. PROOF: one of
 * them has lived so much longer that it will hardly fail the same way; without, and as long as none
 * of the set has completed, nothing is concluded, for what began together may be about to fail
 * together. True where the node has now become one to decide on, once.
 */
bool aw_health_failed (struct aw_health *health,
                       uint32_t node,
                       uint32_t set,
                       uint32_t task,
                       uint32_t living,
                       bool proof);

#endif /* AW_CORE_SCHED_NODE_HEALTH_H */
