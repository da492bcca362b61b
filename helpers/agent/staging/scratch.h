/* SPDX-License-Identifier: Apache-2.0 */
/* The node's scratch directory: made when it is first needed, private to the user, removed at the
 * agent's end. It may lie in a directory that all may write to (/tmp), where others may have put
 * something of that name before.
 */
#ifndef AW_AGENT_STAGING_SCRATCH_H
#define AW_AGENT_STAGING_SCRATCH_H

#include <stdint.h>

#include "util/error.h"

/* How the coordinator tells the agents, in their environment: the directory above those of the
 * nodes, and the two numbers.
 */
#define AW_SCRATCH_DIR "ASYNC_WORKFLOW_SCRATCH_DIR"
#define AW_SCRATCH_BYTES "ASYNC_WORKFLOW_SCRATCH_BYTES"
#define AW_SCRATCH_STREAMS "ASYNC_WORKFLOW_SCRATCH_STREAMS"

struct aw_scratch {
    char *path; /* absolute; NULL: there is none, staging fails */
    uint64_t bytes; /* that staged data may take there; 0: 90% of what is free */
    uint32_t streams; /* copies at a time; 0: 4 */
};

/* Fills SCRATCH for NODE from this process's environment and removes the variables: tasks have no
 * use for them. The caller frees the path. 0, or -1 with text.
 */
int aw_scratch_configure (struct aw_scratch *scratch, const char *node, struct aw_error *err);

/* Makes PATH, absolute, BASE/RUN/NODE where BASE is there: RUN and NODE, mode 0700, ours, no
 * symbolic links. Both may be there already, if they are so. 0, or -1 with text.
 */
int aw_scratch_make (const char *path, struct aw_error *err);

/* Bytes that are free there now; UINT64_MAX where that is not known. */
uint64_t aw_scratch_free (const char *path);

/* Removes it with all that is in it, and RUN if that is empty then. */
void aw_scratch_remove (const char *path);

#endif /* AW_AGENT_STAGING_SCRATCH_H */
