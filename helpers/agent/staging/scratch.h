/* SPDX-License-Identifier: Apache-2.0 */
/* The node's scratch directory: private to the user, removed when the agent ends. It may lie in a
 * directory that everybody may write to (/tmp), where another user may have made a file of that
 * name before.
 */
#ifndef AW_AGENT_STAGING_SCRATCH_H
#define AW_AGENT_STAGING_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* How the coordinator tells the agents, in their environment: the directory above those of the
 * nodes, and the two numbers.
 */
#define AW_SCRATCH_DIR "ASYNC_WORKFLOW_SCRATCH_DIR"
#define AW_SCRATCH_BYTES "ASYNC_WORKFLOW_SCRATCH_BYTES"
#define AW_SCRATCH_STREAMS "ASYNC_WORKFLOW_SCRATCH_STREAMS"
/* "FIRST-LAST": agents give copies to each other, on a port of these. */
#define AW_SCRATCH_PORTS "ASYNC_WORKFLOW_SCRATCH_PORTS"

struct aw_scratch {
    char *path; /* absolute; NULL: there is none, staging fails */
    uint64_t bytes; /* that staged data may take there; 0: 90% of what is free, and not more than
                       half of the memory if the files are in memory */
    uint32_t streams; /* copies at a time; 0: 4 */
    uint64_t memory; /* bytes that the job may use on this node; 0: not known */
    const char *job; /* for the credentials of agents that give copies to each other. Borrowed;
                        NULL: they do not */
    bool gives; /* this agent does, on one port of the following (0, 0: any) */
    uint16_t port_first, port_last;
};

/* Fills SCRATCH for NODE from this process's environment and removes the variables: tasks have no
 * use for them. The caller frees the path. 0, or -1 with text.
 */
int aw_scratch_configure (struct aw_scratch *scratch, const char *node, struct aw_error *err);

/* Makes PATH, BASE/RUN/NODE, where the absolute BASE exists. RUN and NODE get mode 0700. They may
 * exist already if they are private directories of this user, not symbolic links. 0, or -1 with
 * text.
 */
int aw_scratch_make (const char *path, struct aw_error *err);

/* Free bytes there; UINT64_MAX if that is not known. */
uint64_t aw_scratch_free (const char *path);

/* Is PATH in a file system in memory (tmpfs)? Then its files count as memory of the job. */
bool aw_scratch_in_memory (const char *path);

/* Removes PATH with all its contents, and RUN if it is empty then. */
void aw_scratch_remove (const char *path);

#endif /* AW_AGENT_STAGING_SCRATCH_H */
