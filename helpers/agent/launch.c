/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the processes of attempts. */
#include "config.h"

#include <errno.h>
#include <signal.h>

#include "agent/agent_state.h"
#include "util/clock.h"

/* Failures to start have a shell's exit codes: 127 where there is no such program, 126 where it
 * cannot be run.
 */
enum { CANNOT_RUN = 126, NOT_FOUND = 127 };

void aw_attempt_launch (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    struct aw_agent *agent = attempt->agent;
    struct aw_spawn spawn = {
        .argv = launch->argv,
        .directory = launch->directory,
        .cpus = agent->config->bind && !launch->unbound && aw_idset_count (&launch->cpus)
                    ? &launch->cpus
                    : NULL,
        .mark = attempt->mark,
    };
    struct aw_log_pipes pipes;
    struct aw_error err;
    pid_t pid;

    spawn.env = aw_environment_make (agent->environment, launch, spawn.cpus != NULL, &err);
    if (!spawn.env) {
        aw_error_prefix (&err, "cannot be started");
        aw_attempt_give_up (attempt, 0, CANNOT_RUN, err.text);
        return;
    }
    if (aw_attempt_output_open (attempt, launch, &spawn, &pipes, &err) < 0) {
        aw_attempt_give_up (attempt, 0, CANNOT_RUN, err.text);
        return;
    }
    attempt->spawned = aw_clock_monotonic ();
    pid = aw_spawn (agent->spawner, &spawn, &err);
    if (pid < 0) {
        aw_log_pipes_close (&pipes);
        aw_attempt_give_up (attempt, 0, errno == ENOENT ? NOT_FOUND : CANNOT_RUN, err.text);
        return;
    }
    if (aw_attempts_set_pid (&agent->attempts, attempt, pid) < 0) {
        aw_log_pipes_close (&pipes);
        kill (-pid, SIGKILL); /* it is reaped as an orphan is */
        aw_attempt_give_up (attempt, 0, CANNOT_RUN, "cannot be started: out of memory");
        return;
    }
    attempt->state = AW_ATTEMPT_RUNNING;
    aw_attempt_output_begin (attempt, launch, &pipes);
    if (aw_gpu_usage_begin (&attempt->gpu_usage, agent->gpu_watch, launch, pid) < 0
        || aw_attempt_set_limits (attempt, launch) < 0)
        aw_attempt_end (attempt, AW_STATUS_CANCELLED, 0); /* it must not run without its limits */
}
