/* SPDX-License-Identifier: Apache-2.0 */
/* An assigned attempt starts when an attempt of the same place has succeeded, on its CPUs and GPUs,
 * without asking the coordinator. The FINISH of that one names the attempt that follows. After a
 * failure nothing follows: the coordinator decides what starts there.
 */
#include "config.h"

#include <event2/event.h>

#include "agent/agent_state.h"
#include "util/clock.h"

void aw_attempt_set_started (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    attempt->started = true;
    attempt->begun = aw_clock_monotonic ();
    attempt->mem = launch->mem;
    attempt->gpu = aw_idset_next (&launch->gpus, 0);
    attempt->gpu_share = launch->gpu_share;
    attempt->success = launch->success;
}

/* NEXT gets the CPUs and GPUs that ATTEMPT had. */
static void take_over (struct aw_agent_attempt *next, struct aw_agent_attempt *attempt)
{
    struct aw_launch *to = &next->launch, *from = &attempt->launch;

    aw_idset_finish (&to->cpus);
    aw_idset_finish (&to->gpus);
    to->cpus = from->cpus;
    to->gpus = from->gpus;
    aw_idset_init (&from->cpus);
    aw_idset_init (&from->gpus);
}

struct aw_agent_attempt *aw_attempt_follow (struct aw_agent_attempt *attempt,
                                            const struct aw_event *finish)
{
    struct aw_agent *agent = attempt->agent;
    uint32_t place = attempt->started ? attempt->launch.place : 0;
    struct aw_agent_attempt *next = NULL;

    if (place && !agent->quitting && !agent->leaving && finish->status == AW_STATUS_COMPLETED)
        next = aw_attempts_assigned (&agent->attempts, place);
    if (!next)
        return NULL;
    aw_attempts_unassign (&agent->attempts, next);
    take_over (next, attempt);
    aw_attempt_set_started (next, &next->launch);
    next->state = AW_ATTEMPT_WAITING;
    /* Later in the same turn of the loop: the FINISH that names it is in the connection's buffer by
     * then, before all that the new process may send. */
    event_active (agent->start_waiting, 0, 0);
    return next;
}
