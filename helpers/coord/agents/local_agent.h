/* SPDX-License-Identifier: Apache-2.0 */
/* The agent of local mode: a process that is forked on this machine and connected by a socketpair.
 */
#ifndef AW_COORD_AGENTS_LOCAL_AGENT_H
#define AW_COORD_AGENTS_LOCAL_AGENT_H

#include <sys/types.h>

#include "util/error.h"

/* Forks it. SERVE is what the child runs, with its end of the connection and ARG; its result is the
 * exit status. KEEP: a descriptor that the child holds until it has ended; -1: none. Returns its
 * process id and in FD the other end, which the caller closes; or -1 with text.
 */
pid_t aw_local_agent_start (
    int (*serve) (int fd, void *arg), void *arg, int keep, int *fd, struct aw_error *err);

/* Waits for it to end after its connection was closed, and kills it after 30 s. If all children
 * were reaped elsewhere, there is nothing to wait for.
 */
void aw_local_agent_end (pid_t pid);

#endif /* AW_COORD_AGENTS_LOCAL_AGENT_H */
