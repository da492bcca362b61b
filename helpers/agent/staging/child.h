/* SPDX-License-Identifier: Apache-2.0 */
/* A process that the agent forks, without exec, for what must not make it wait. */
#ifndef AW_AGENT_STAGING_CHILD_H
#define AW_AGENT_STAGING_CHILD_H

#include <sys/types.h>

/* To be called first in the child of PARENT. Sets default signal dispositions, because the agent
 * handles and blocks some signals, except that SIGTERM calls ON_TERM (NULL: the default); it comes
 * also when the agent dies. A file at its limit is an error of write.
 */
void aw_child_begin (pid_t parent, void (*on_term) (int number));

#endif /* AW_AGENT_STAGING_CHILD_H */
