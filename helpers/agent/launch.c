/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "agent/private.h"
#include "util/clock.h"

/* As shells have it: 127 for a program that is not there, 126 for one that cannot be run. */
static void report_failure (struct aw_agent *agent,
                            const struct aw_launch *launch,
                            int error,
                            const char *why)
{
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .task = launch->task,
        .attempt = launch->attempt,
        .status = AW_STATUS_FAILED,
        .code = error == ENOENT ? 127 : 126,
        .reason = why,
    };

    aw_agent_report (agent, &ev);
}

void aw_agent_launch (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_spawn spawn = {
        .argv = launch->argv,
        .directory = launch->directory,
        .out = launch->out,
        .err = launch->err,
        .cpus = agent->config->bind && !launch->unbound && aw_idset_count (&launch->cpus)
                    ? &launch->cpus
                    : NULL,
    };
    struct aw_agent_task *task = aw_agent_tasks_add (&agent->tasks);
    struct aw_error err;

    spawn.env = aw_environment_make (agent->environment, launch, spawn.cpus != NULL);
    if (!task || !spawn.env) {
        if (task)
            aw_agent_tasks_remove (&agent->tasks, task);
        report_failure (agent, launch, ENOMEM, "cannot be started: out of memory");
        return;
    }
    task->task = launch->task;
    task->attempt = launch->attempt;
    task->agent = agent;
    task->started = aw_clock_monotonic ();
    task->pid = aw_spawn (agent->spawner, &spawn, &err);
    if (task->pid < 0) {
        report_failure (agent, launch, errno, err.text);
        aw_agent_tasks_remove (&agent->tasks, task);
    }
    else if (aw_gpu_usage_begin (&task->gpu_usage, agent->gpu_watch, launch, task->pid) < 0
             || aw_agent_set_notice (task, launch) < 0
             || (isfinite (launch->time_limit)
                 && aw_agent_set_limit (task, launch->time_limit) < 0))
        aw_agent_end_task (task, AW_STATUS_CANCELLED,
                           0); /* rather not at all than without its limit */
}
