/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent's own files share. Each builds on those before it: follow.c finds what starts
 * where another has succeeded, end.c reports ends, signal.c tells processes to end, output.c has
 * their standard output and error, process.c starts processes, launch.c chooses them, workers.c,
 * worker_output.c and worker_call.c have those that stay, staging.c copies before and after them,
 * assigned.c takes them in advance, output_end.c waits for their output, reap.c takes in what has
 * ended, agent.c has the loop and the frames.
 */
#ifndef AW_AGENT_AGENT_STATE_H
#define AW_AGENT_AGENT_STATE_H

#include <stdbool.h>

#include "agent/agent.h"
#include "agent/attempt.h"
#include "agent/environment.h"
#include "agent/logs/task_logs.h"
#include "agent/messages/messages.h"
#include "agent/oom.h"
#include "agent/spawn.h"
#include "agent/staging/giver.h"
#include "agent/workers.h"
#include "io/wire/link.h"
#include "util/processes.h"

struct event;
struct event_base;
struct aw_frame;

struct aw_agent {
    const struct aw_agent_config *config;
    struct event_base *base;
    struct aw_link *link; /* NULL once the connection is lost */
    struct aw_spawner *spawner;
    struct aw_environment *environment;
    struct aw_messages *messages; /* NULL: tasks run without */
    struct aw_stager *stager; /* NULL once the agent ends */
    struct aw_giver *giver; /* gives its copies to other nodes; NULL: it does not */
    char *giver_job; /* for the credentials there; NULL likewise */
    struct aw_task_logs *logs;
    struct aw_gpu_watch *gpu_watch; /* NULL: the load of GPUs is not known */
    struct aw_attempts attempts;
    struct aw_workers workers;
    struct aw_processes processes; /* scratch */
    struct aw_oom oom;
    struct event *send_signals; /* made active when some attempt has a signal due */
    struct event *start_waiting; /* made active when an attempt is to start where another was */
    struct event *sweep; /* timer: look for processes that ended tasks have left behind */
    struct event *tidy; /* timer: remove the empty output files of attempts that have ended */
    size_t n_lingering; /* attempts */
    bool quitting; /* nothing more will be started: the agent ends when nothing is left */
    bool leaving; /* what runs has been told to end */
};

/* follow.c */

/* ATTEMPT starts now, as LAUNCH says. */
void aw_attempt_set_started (struct aw_agent_attempt *attempt, const struct aw_launch *launch);

/* The attempt that follows ATTEMPT, which ends as FINISH says, on its CPUs and GPUs: start_waiting
 * starts it. NULL: none does.
 */
struct aw_agent_attempt *aw_attempt_follow (struct aw_agent_attempt *attempt,
                                            const struct aw_event *finish);

/* end.c */

/* Sends FRAME, if there is a connection. */
void aw_agent_send (struct aw_agent *agent, const struct aw_frame *frame);

/* The same with EV, a STAGED, SERVING, RELEASE or FINISH. */
void aw_agent_report (struct aw_agent *agent, const struct aw_event *ev);

/* Sends FINISH for ATTEMPT, at once or AW_LATE_MS later, and ends it, and the agent if it was the
 * last. If it succeeded, an assigned attempt may follow it.
 */
void aw_attempt_finish (struct aw_agent_attempt *attempt, const struct aw_event *finish);

/* The same for an attempt that did not run to its end: FAILED with CODE for REASON, or CANCELLED
 * where REASON is NULL, SECONDS after it began.
 */
void aw_attempt_give_up (struct aw_agent_attempt *attempt,
                         double seconds,
                         int code,
                         const char *reason);

/* Seconds since START; 0: before it. */
double aw_attempt_seconds (const struct aw_agent_attempt *attempt);

/* Ends the loop if nothing is left to wait for. */
void aw_agent_check_done (struct aw_agent *agent);

/* signal.c */

/* Tells the process of ATTEMPT to end: SIGTERM now, SIGKILL after GRACE seconds. It will have ended
 * AS TIMEOUT or CANCELLED. If this was done before, a shorter grace counts from now.
 */
void aw_attempt_end (struct aw_agent_attempt *attempt, enum aw_status as, double grace);

/* Calls CALLBACK with ATTEMPT after SECONDS, in place of an earlier call. 0, or -1 with ENOMEM. */
int aw_attempt_set_timer (struct aw_agent_attempt *attempt,
                          double seconds,
                          void (*callback) (int fd, short what, void *arg));

/* Sets the time limit, and the signal before it, as LAUNCH says. 0, or -1 with ENOMEM. */
int aw_attempt_set_limits (struct aw_agent_attempt *attempt, const struct aw_launch *launch);

/* Callback of agent->send_signals. */
void aw_agent_on_send_signals (int fd, short what, void *arg);

/* output.c */

/* Prepares where the output of ATTEMPT goes: SPAWN gets the files or pipes that LAUNCH names, and
 * PIPES are to be given to aw_attempt_output_begin, or closed. 0, or -1 with text.
 */
int aw_attempt_output_open (struct aw_agent_attempt *attempt,
                            const struct aw_launch *launch,
                            struct aw_spawn *spawn,
                            struct aw_log_pipes *pipes,
                            struct aw_error *err);

/* Its process has started with PIPES, which are taken over. */
void aw_attempt_output_begin (struct aw_agent_attempt *attempt,
                              const struct aw_launch *launch,
                              struct aw_log_pipes *pipes);

/* process.c */

/* Failures to start have a shell's exit codes: 127 where there is no such program, 126 where it
 * cannot be run.
 */
enum { AW_CANNOT_RUN = 126, AW_NOT_FOUND = 127 };

/* Starts a process of ATTEMPT as LAUNCH says, with the output, the descriptor for calls and the
 * mark that SPAWN has. -1: the attempt has ended.
 */
pid_t aw_attempt_spawn (struct aw_agent_attempt *attempt,
                        const struct aw_launch *launch,
                        struct aw_spawn *spawn);

/* serving.c */

/* The process of ATTEMPT has started: if it is a service, its SERVING is sent when it is ready, and
 * it is ended where LAUNCH's timeout passes before. 0, or -1 with ENOMEM. */
int aw_attempt_serving_begin (struct aw_agent_attempt *attempt, const struct aw_launch *launch);

/* A task has published PACKET. */
void aw_agent_published (struct aw_agent *agent, const struct aw_packet *packet);

/* launch.c */

/* Starts the process of ATTEMPT as LAUNCH says, or has a worker take its call; if that fails, the
 * attempt ends. Where an idle worker has to end first, it waits.
 */
void aw_attempt_launch (struct aw_agent_attempt *attempt, const struct aw_launch *launch);

/* LAUNCH stays with ATTEMPT. 0, or -1 with ENOMEM. */
int aw_attempt_keep (struct aw_agent_attempt *attempt, const struct aw_launch *launch);

/* A worker has ended, or attempts follow others: does the same for those that wait. */
void aw_attempts_launch_waiting (struct aw_agent *agent);

/* staging.c */

/* The attempt of LAUNCH, a new one unless STAGE or ASSIGN came before: it is not assigned any more.
 * NULL: it has started already, or cannot, which is reported.
 */
struct aw_agent_attempt *aw_attempt_begin (struct aw_agent *agent, const struct aw_launch *launch);

/* STAGE: copies the data of LAUNCH to the node; then sends STAGED. */
void aw_agent_stage (struct aw_agent *agent, const struct aw_launch *launch);

/* START: the same where there is data to copy; then starts the process. */
void aw_agent_start (struct aw_agent *agent, const struct aw_launch *launch);

/* The process of ATTEMPT has ended as FINISH says: copies its results if it succeeded and has any,
 * then ends the attempt.
 */
void aw_attempt_stage_out (struct aw_agent_attempt *attempt, const struct aw_event *finish);

/* assigned.c */

/* ASSIGN: keeps LAUNCH for when an attempt of its place succeeds. */
void aw_agent_assign (struct aw_agent *agent, const struct aw_launch *launch);

/* UNASSIGN: cancels the attempt if it is still assigned. */
void aw_agent_unassign (struct aw_agent *agent, uint32_t task, uint32_t attempt);

/* output_end.c */

/* Its process has ended as FINISH says: when its output is written, its results are copied, and the
 * attempt ends.
 */
void aw_attempt_output_end (struct aw_agent_attempt *attempt, const struct aw_event *finish);

/* Waits at most SECONDS more for that. */
void aw_attempt_output_hurry (struct aw_agent_attempt *attempt, double seconds);

/* For aw_task_logs_create. */
struct aw_task_logs_callbacks aw_agent_logs_callbacks (struct aw_agent *agent);

/* reap.c */

/* Takes in all processes that have ended, and kills what those of tasks have left behind. 0, or -1
 * with errno: the ends of processes cannot be seen.
 */
int aw_agent_reap (struct aw_agent *agent);

/* Callback of agent->sweep: ends what lingers and need not any more, too. */
void aw_agent_on_sweep (int fd, short what, void *arg);

#endif /* AW_AGENT_AGENT_STATE_H */
