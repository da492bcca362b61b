/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes on which task after task fails. The question is whether the node or the tasks are to blame,
 * and what elsewhere becomes of tasks of the same sets answers it: for each failure in a row on a
 * node, the chance that a task of its set fails is taken from all others of the set, (failed + 1/2)
 * / (ended + 1), which is Jeffreys' estimate, and these chances are multiplied. When the product
 * falls below AW_SUSPECT_CHANCE, chance does not explain it any more. A broken task set fails
 * everywhere, and clears the nodes; where nothing is known of others, nothing is concluded.
 */
#ifndef AW_CORE_SUSPECT_H
#define AW_CORE_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

/* Four failures in a row where thirty others of the set have succeeded, six where one in twenty
 * fails, twelve where only one other has ended, and well.
 */
#define AW_SUSPECT_CHANCE 1e-7

enum { AW_SUSPECT_TASKS = 32 }; /* failures in a row that are remembered, one for each task */

struct aw_suspect {
    double chance; /* the product */
    uint32_t tasks[AW_SUSPECT_TASKS]; /* that failed in a row */
    uint32_t sets[AW_SUSPECT_TASKS]; /* theirs */
    uint32_t n;
    bool told; /* it has become one to decide on */
    bool decided; /* for the owner, as the next two */
    bool aside; /* it takes no new tasks */
    bool gone; /* it is lost */
};

struct aw_suspects {
    struct aw_suspect *nodes; /* owned, as the next two */
    uint32_t *completed; /* by set: attempts */
    uint32_t *failed;
    uint32_t n_nodes, n_sets;
    uint32_t room; /* of nodes: they join one by one */
};

/* 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_suspects_init (struct aw_suspects *suspects, uint32_t n_sets);
/* There are N_SETS sets now. 0, or -1 with ENOMEM. */
int aw_suspects_grow (struct aw_suspects *suspects, uint32_t n_sets);
void aw_suspects_finish (struct aw_suspects *suspects);
int aw_suspects_clone (struct aw_suspects *suspects, const struct aw_suspects *from);

/* Makes a place for nodes 0..N-1. 0, or -1 with ENOMEM. */
int aw_suspects_add_nodes (struct aw_suspects *suspects, uint32_t n);

/* A task of SET has completed on NODE. */
void aw_suspects_completed (struct aw_suspects *suspects, uint32_t node, uint32_t set);

/* TASK of SET has failed on NODE by itself. LIVING: attempts of the set that run elsewhere and
 * began no later: they have lived longer, so they count as if they had completed. PROOF: one of
 * them has lived so much longer that it will hardly fail the same way; without, and as long as none
 * of the set has completed, nothing is concluded, for what began together may be about to fail
 * together. True where the node has now become one to decide on, once.
 */
bool aw_suspects_failed (struct aw_suspects *suspects,
                         uint32_t node,
                         uint32_t set,
                         uint32_t task,
                         uint32_t living,
                         bool proof);

#endif /* AW_CORE_SUSPECT_H */
