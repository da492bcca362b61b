/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of an edge "set[sample]": which tasks of its two sets belong together. Tasks with the same
 * key are a group, in both sets. Groups have numbers, and the texts of the keys are not kept. A
 * task of the successor waits for all tasks of the predecessor in its group.
 */
#ifndef AW_CORE_GRAPH_EDGE_KEY_H
#define AW_CORE_GRAPH_EDGE_KEY_H

#include <stdint.h>

/* The tasks of one set, by group. */
struct aw_groups {
    uint32_t n_tasks;
    uint32_t *group; /* of each task, by index. Owned, as all arrays here */
    uint32_t *member; /* the indexes of all tasks, group by group, ascending within a group */
    uint32_t *start; /* where each group begins in member; one more: the end */
};

struct aw_edge_key {
    char *name; /* the text in the brackets, "sample" or "sample,chromosome". Owned */
    uint32_t n_groups;
    struct aw_groups before; /* of the predecessor */
    struct aw_groups after; /* of the successor */
};

/* Fills KEY with a copy of NAME and of the groups of the N_BEFORE tasks of the predecessor and the
 * N_AFTER tasks of the successor. 0, or -1 with ENOMEM, or with EINVAL where a number is not below
 * N_GROUPS or a group has no task in one of the sets. finish takes a zeroed value and keeps errno.
 */
int aw_edge_key_init (struct aw_edge_key *key,
                      const char *name,
                      uint32_t n_groups,
                      const uint32_t *before,
                      uint32_t n_before,
                      const uint32_t *after,
                      uint32_t n_after);
void aw_edge_key_finish (struct aw_edge_key *key);

#endif /* AW_CORE_GRAPH_EDGE_KEY_H */
