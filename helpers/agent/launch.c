/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the processes of attempts. */
#include "config.h"

#include <signal.h>

#include "agent/agent_state.h"

/* A process of its own. */
static void start (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    struct aw_agent *agent = attempt->agent;
    struct aw_spawn spawn = { .mark = attempt->mark };
    struct aw_log_pipes pipes;
    struct aw_error err;
    pid_t pid;

    if (aw_attempt_output_open (attempt, launch, &spawn, &pipes, &err) < 0) {
        aw_attempt_give_up (attempt, 0, AW_CANNOT_RUN, err.text);
        return;
    }
    pid = aw_attempt_spawn (attempt, launch, &spawn);
    if (pid < 0) {
        aw_log_pipes_close (&pipes);
        return;
    }
    if (aw_attempts_set_pid (&agent->attempts, attempt, pid) < 0) {
        aw_log_pipes_close (&pipes);
        kill (-pid, SIGKILL); /* it is reaped as an orphan is */
        aw_attempt_give_up (attempt, 0, AW_CANNOT_RUN, "cannot be started: out of memory");
        return;
    }
    attempt->state = AW_ATTEMPT_RUNNING;
    aw_attempt_output_begin (attempt, launch, &pipes);
    if (aw_gpu_usage_begin (&attempt->gpu_usage, agent->gpu_watch, launch, pid) < 0
        || aw_attempt_set_limits (attempt, launch) < 0
        || aw_attempt_serving_begin (attempt, launch) < 0)
        aw_attempt_end (attempt, AW_STATUS_CANCELLED, 0); /* it must not run without its limits */
}

/* Calls keep their launch: it may come to another worker. */
int aw_attempt_keep (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    return launch == &attempt->launch || attempt->launch.argv
               ? 0
               : aw_launch_copy (&attempt->launch, launch);
}

void aw_attempt_launch (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    bool room = aw_workers_make_room (attempt->agent, launch);

    if ((launch->worker || !room) && aw_attempt_keep (attempt, launch) < 0)
        aw_attempt_give_up (attempt, 0, AW_CANNOT_RUN, "cannot be started: out of memory");
    else if (!room)
        attempt->state = AW_ATTEMPT_WAITING;
    else if (launch->worker)
        aw_worker_launch (attempt, &attempt->launch);
    else
        start (attempt, launch);
}

void aw_attempts_launch_waiting (struct aw_agent *agent)
{
    struct aw_agent_attempt *attempt, *next;

    for (attempt = agent->attempts.first; attempt && !agent->leaving; attempt = next) {
        next = attempt->next;
        if (attempt->state == AW_ATTEMPT_WAITING)
            aw_attempt_launch (attempt, &attempt->launch);
    }
}
