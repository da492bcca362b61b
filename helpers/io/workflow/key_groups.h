/* SPDX-License-Identifier: Apache-2.0 */
/* Which tasks of two sets have the same key: the texts of some variables that both sets have.
 * Private to the workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_KEY_GROUPS_H
#define AW_IO_WORKFLOW_KEY_GROUPS_H

#include <stdint.h>

#include "core/graph/edge_key.h"
#include "io/workflow/values.h"

/* A set, and the variables of its tasks' keys: N of them. All borrowed. */
struct aw_keyed_set {
    const struct aw_values *values;
    const uint32_t *variables;
    uint32_t n;
};

/* Keys of one set that the other set does not have. */
struct aw_missing_keys {
    uint32_t n; /* 0: there are none */
    uint32_t index; /* the first task with such a key */
};

/* Fills KEY, called NAME, with the groups of two sets that have equal numbers of variables. 1; 0:
 * keys are missing, and KEY is zeroed: IN_AFTER are keys of BEFORE that AFTER does not have, and
 * IN_BEFORE the reverse; -1 with ENOMEM.
 */
int aw_key_groups (struct aw_edge_key *key,
                   const char *name,
                   const struct aw_keyed_set *before,
                   const struct aw_keyed_set *after,
                   struct aw_missing_keys *in_after,
                   struct aw_missing_keys *in_before);

#endif /* AW_IO_WORKFLOW_KEY_GROUPS_H */
