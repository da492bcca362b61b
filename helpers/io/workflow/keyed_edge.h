/* SPDX-License-Identifier: Apache-2.0 */
/* The key of "after": ["set[sample,chromosome]"], from the variables of both sets. Private to the
 * workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_KEYED_EDGE_H
#define AW_IO_WORKFLOW_KEYED_EDGE_H

#include "core/graph/edge_key.h"
#include "io/workflow/reader.h"
#include "io/workflow/values.h"

/* One of the two sets. Borrowed. */
struct aw_edge_end {
    const char *set; /* its name */
    const struct aw_values *values; /* NULL: it has no variables */
};

/* Fills KEY, for the caller to finish, with the groups of the tasks of BEFORE and AFTER by the
 * variables in BRACKETS. False: reported.
 */
bool aw_keyed_edge_read (struct aw_reader *reader,
                         const char *brackets,
                         const struct aw_edge_end *before,
                         const struct aw_edge_end *after,
                         struct aw_edge_key *key);

#endif /* AW_IO_WORKFLOW_KEYED_EDGE_H */
