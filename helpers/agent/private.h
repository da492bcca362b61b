/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent's own files share: agent.c (life, frames), launch.c (starts), reap.c (ends). */
#ifndef AW_AGENT_PRIVATE_H
#define AW_AGENT_PRIVATE_H

#include <signal.h>
#include <stdbool.h>

#include "agent/agent.h"
#include "agent/environment.h"
#include "agent/place/gpu_usage.h"
#include "agent/messages/messages.h"
#include "agent/oom.h"
#include "util/processes.h"
#include "agent/spawn.h"
#include "agent/task.h"
#include "io/wire/frame.h"
#include "io/wire/link.h"

struct aw_stager;
struct aw_staging;
struct event_base;
struct event;

struct aw_agent {
    const struct aw_agent_config *config;
    struct event_base *base;
    struct aw_link *link; /* NULL once the connection is lost */
    struct aw_frame_reader *reader;
    struct aw_spawner *spawner;
    struct aw_environment *environment;
    struct aw_messages *messages; /* NULL: tasks run without */
    struct aw_stager *stager; /* copies of files; NULL once all ends */
    struct aw_staging *staging; /* staging.c: attempts with copies */
    struct aw_agent_tasks tasks;
    struct aw_processes processes; /* scratch */
    struct aw_oom oom;
    int signal_fd;
    struct event *signals; /* readable signal_fd */
    struct event *send_signals; /* made active when some task has a signal due */
    struct event *sweep; /* timer: look for what ended tasks have left behind */
    struct aw_gpu_watch *gpu_watch; /* NULL: the load of GPUs is not known */
    struct event *give_up; /* timer: tasks that even SIGKILL does not end */
    double looked; /* when SIGTERM was last waited for, see reap.c */
    double timeout; /* seconds that the coordinator waits for a sign of life; 0: not told */
    bool quitting; /* nothing more will be started: end when nothing is left */
    bool leaving; /* what runs has been told to end */
    struct aw_error note; /* for the user, where config has none */
    struct aw_error why; /* it did not end in order; "" if it did */
};

/* launch.c: starts one; its failure is reported as its end. */
void aw_agent_launch (struct aw_agent *agent, const struct aw_launch *launch);

/* reap.c: takes in all that has ended, kills what that has left, reports. */
void aw_agent_reap (struct aw_agent *agent);
/* Tells TASK to end: SIGTERM now, SIGKILL after GRACE seconds; it will have ended AS TIMEOUT or
 * CANCELLED.
 */
void aw_agent_end_task (struct aw_agent_task *task, enum aw_status as, double grace);
/* Calls for the time limit of TASK. 0, or -1 with errno. */
int aw_agent_set_limit (struct aw_agent_task *task, double seconds);
/* Calls for the signal before its end, as LAUNCH says. 0, or -1 with errno. */
int aw_agent_set_notice (struct aw_agent_task *task, const struct aw_launch *launch);
/* Callbacks of the events above. */
void aw_agent_on_send_signals (int fd, short what, void *arg);
void aw_agent_on_sweep (int fd, short what, void *arg);
/* Kills whatever children there still are, and their children, within SECONDS. Blocking. */
void aw_agent_kill_rest (struct aw_agent *agent, double seconds);

/* agent.c: sends the end of an attempt, if there is anybody to send it to. */
void aw_agent_report (struct aw_agent *agent, const struct aw_event *finish);
/* SIGTERM came: tells the coordinator, ends all tasks, then the agent. */
void aw_agent_on_terminate (struct aw_agent *agent);
/* Ends the loop if nothing is left to wait for. */
void aw_agent_check_done (struct aw_agent *agent);

#endif /* AW_AGENT_PRIVATE_H */
