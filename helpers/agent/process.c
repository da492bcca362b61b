/* SPDX-License-Identifier: Apache-2.0 */
/* A process for an attempt, with its environment. */
#include "config.h"

#include <errno.h>

#include "agent/agent_state.h"
#include "util/clock.h"

pid_t aw_attempt_spawn (struct aw_agent_attempt *attempt,
                        const struct aw_launch *launch,
                        struct aw_spawn *spawn)
{
    struct aw_agent *agent = attempt->agent;
    struct aw_error err;
    pid_t pid = -1;

    spawn->argv = launch->argv;
    spawn->directory = launch->directory;
    spawn->cpus = agent->config->bind && !launch->unbound && aw_idset_count (&launch->cpus)
                      ? &launch->cpus
                      : NULL;
    spawn->env = aw_environment_make (agent->environment, launch, spawn->cpus != NULL, &err);
    if (!spawn->env) {
        aw_error_prefix (&err, "cannot be started");
        aw_attempt_give_up (attempt, 0, AW_CANNOT_RUN, err.text);
        return -1;
    }
    attempt->spawned = aw_clock_monotonic ();
    pid = aw_spawn (agent->spawner, spawn, &err);
    if (pid < 0)
        aw_attempt_give_up (attempt, 0, errno == ENOENT ? AW_NOT_FOUND : AW_CANNOT_RUN, err.text);
    return pid;
}
