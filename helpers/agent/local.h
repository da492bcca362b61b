/* SPDX-License-Identifier: Apache-2.0 */
/* The agent of local mode, as the function that aw_exec_local_create calls:
 *
 *     struct aw_agent_local local = { .cpus = &cpus, .gpus = &gpus };
 *     exec = aw_exec_local_create (base, &callbacks, aw_agent_serve_local, &local, &err);
 */
#ifndef AW_AGENT_LOCAL_H
#define AW_AGENT_LOCAL_H

#include "core/idset.h"

struct aw_agent_local {
    const struct aw_idset *cpus; /* empty or NULL: all that this process may use */
    const struct aw_idset *gpus; /* NULL: none */
};

/* Runs the agent on the connected FD; LOCAL is a struct aw_agent_local. Prints errors on stderr.
 * Returns an exit status.
 */
int aw_agent_serve_local (int fd, void *local);

#endif /* AW_AGENT_LOCAL_H */
