/* SPDX-License-Identifier: Apache-2.0 */
/* Do the tasks of this node do anything but wait? */
#ifndef AW_AGENT_LOOK_H
#define AW_AGENT_LOOK_H

#include <stdbool.h>

struct aw_agent;

/* Do all processes of all tasks and ranks on this node only wait: in a call of the library, for a
 * child, for a pipe? False also if that is not known. It asks the kernel about every process.
 */
bool aw_agent_only_waits (struct aw_agent *agent);

#endif /* AW_AGENT_LOOK_H */
