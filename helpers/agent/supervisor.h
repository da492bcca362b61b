/* SPDX-License-Identifier: Apache-2.0 */
/* A process that outlives the agent. If the agent is killed, the supervisor ends its processes: the
 * kernel gives orphans to the nearest subreaper above them, which is then the supervisor.
 */
#ifndef AW_AGENT_SUPERVISOR_H
#define AW_AGENT_SUPERVISOR_H

#include "util/error.h"

/* Forks. Returns 0 in the child, which becomes the agent and is killed if the supervisor is; or -1
 * with text and no child.
 *
 * This process becomes the supervisor, for which the call does not return. It passes SIGTERM,
 * SIGUSR1 and SIGUSR2 on, blocks all other signals, and waits for the child. Then it kills the
 * child's descendants and exits as the child did, with 128 + n after signal n. If a signal ended
 * the child, it removes SCRATCH (NULL: none) too.
 */
int aw_supervisor_start (const char *scratch, struct aw_error *err);

#endif /* AW_AGENT_SUPERVISOR_H */
