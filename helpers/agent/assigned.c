/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that are given to the node in advance, and taken back. follow.c has what starts them. */
#include "config.h"

#include "agent/agent_state.h"

void aw_agent_assign (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_agent_attempt *attempt = NULL;

    if (!aw_attempts_find (&agent->attempts, launch->task, launch->attempt))
        attempt = aw_attempt_begin (agent, launch);
    if (!attempt)
        return;
    if (aw_launch_copy (&attempt->launch, launch) == 0)
        aw_attempts_assign (&agent->attempts, attempt);
    else
        aw_attempt_give_up (attempt, 0, 0, "cannot be started: out of memory");
}

void aw_agent_unassign (struct aw_agent *agent, uint32_t task, uint32_t attempt)
{
    struct aw_agent_attempt *found = aw_attempts_find (&agent->attempts, task, attempt);

    if (found && found->state == AW_ATTEMPT_ASSIGNED)
        aw_attempt_give_up (found, 0, 0, NULL);
}
