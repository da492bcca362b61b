/* SPDX-License-Identifier: Apache-2.0 */
/* A process that outlives the agent, to end what the agent cannot end any more when it is killed
 * itself: orphans come to the nearest subreaper above, and with the agent gone that is the
 * guardian.
 */
#ifndef AW_AGENT_SUPERVISOR_H
#define AW_AGENT_SUPERVISOR_H

#include "util/error.h"

/* Forks. This process becomes the guardian and does not return: it passes SIGTERM, SIGUSR1 and
 * SIGUSR2 on and takes no other signal, waits for the child, ends what is left of the child's
 * descendants, removes SCRATCH (NULL: none), which the child may have made, where a signal ended
 * the child, and exits as the child did, with 128 + n where signal n ended that. The call returns
 * in the child: 0, which is killed should the guardian be. -1 with text where there was no fork.
 */
int aw_supervisor_start (const char *scratch, struct aw_error *err);

#endif /* AW_AGENT_SUPERVISOR_H */
