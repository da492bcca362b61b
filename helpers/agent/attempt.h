/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt of a task on this node, from the coordinator's first frame about it to its FINISH.
 *
 * States, and what changes them:
 *
 * - new -> staging in: STAGE, or START of an attempt with stage_in
 * - new -> running: START of an attempt without stage_in
 * - new -> assigned: ASSIGN
 * - assigned -> waiting: an attempt of the same place has succeeded: this one has its CPUs and
 * GPUs, and the FINISH of that one names it; its process is started later in this turn of the loop
 * - new, staging in, staged -> waiting: an idle worker has to end first (agent/workers.h)
 * - waiting -> running: it has, or there is none
 * - staging in -> staged: STAGE alone: all is copied, STAGED is sent
 * - staged -> running: START: its copies stay in use
 * - staged -> staging in: START, where its copies had to make room: they are made again
 * - staging in -> running: START: all is copied
 * - running -> ending: KILL, the time limit, or the end of the agent
 * - running, ending -> logging: its process has ended, or its worker has answered; its output is
 *   being written to the store
 * - running, logging -> disputed: a SIGTERM from elsewhere has ended its process
 * - running, ending, logging -> staging out: its process has succeeded, and there is stage_out
 * - any state -> ended: FINISH is sent, or will be with the next frame (end.c); after this nobody
 *   finds the attempt
 *
 * Ending is SIGTERM, later SIGKILL. Until then the other processes of its group may go on where the
 * first one has ended, as under a shell. If the agent gets a SIGTERM too within 0.1 s, a disputed
 * attempt is cancelled; else it has failed.
 *
 * An ended attempt is memory for the next one: its pointer stays valid, its contents do not matter.
 */
#ifndef AW_AGENT_ATTEMPT_H
#define AW_AGENT_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/place/gpu_usage.h"
#include "core/event.h"
#include "io/wire/launch.h"
#include "util/table.h"

struct aw_agent;
struct aw_stager_job;
struct aw_worker;
struct event;

enum aw_attempt_state {
    AW_ATTEMPT_ENDED,
    AW_ATTEMPT_ASSIGNED,
    AW_ATTEMPT_STAGING_IN,
    AW_ATTEMPT_STAGED,
    AW_ATTEMPT_WAITING,
    AW_ATTEMPT_RUNNING,
    AW_ATTEMPT_ENDING,
    AW_ATTEMPT_LOGGING,
    AW_ATTEMPT_DISPUTED,
    AW_ATTEMPT_STAGING_OUT,
};

struct aw_agent_attempt {
    struct aw_agent_attempt *next, **link; /* in the list of all */
    struct aw_agent_attempt *next_assigned, **link_assigned; /* the same of those in that state */
    struct aw_agent *agent; /* borrowed */
    uint32_t task, attempt;
    enum aw_attempt_state state;

    uint64_t mark; /* of its processes (util/processes.h) */

    bool started; /* START has come, or it follows another attempt */
    double begun; /* since STAGE, then since START; monotonic */
    struct aw_launch launch; /* a copy, owned, where it is needed later; else empty */
    struct aw_stager_job *in, *out; /* copies, in use until the end; NULL: none */

    pid_t pid; /* its first process, the leader of its session; 0: none, or it was reaped, and it
                  does not linger */
    double spawned; /* monotonic */
    struct event *timer; /* time limit, then grace; NULL: not needed so far */
    double limit_grace; /* seconds between SIGTERM and SIGKILL at the time limit */
    double grace; /* the same, once its end was requested */
    bool killed; /* SIGKILL was sent, or is due */
    bool lingers; /* ending: its process was reaped, others of its process group have not ended */
    int signal_due; /* to be sent to its session in this turn of the loop; 0: none */
    struct event *notice; /* timer: the signal before the time limit; NULL: none */
    int notice_signal;
    bool notice_cancels;
    bool noticed; /* it was sent */
    struct aw_codes success; /* as in its launch */
    struct aw_gpu_usage gpu_usage;

    struct aw_worker *worker; /* that has its call; NULL: none has */
    int log_to[2]; /* a call's pipes to the store; 0: none */
    uint32_t mem; /* MiB, as in its launch */
    uint32_t gpu, gpu_share; /* as in its launch; share 0: no part of a GPU */
    char *error; /* why its call has failed; owned, or NULL */

    struct aw_serving {
        struct event *timer; /* the next look; NULL: it is no service, or is ready */
        uint32_t port; /* that it is to listen on; 0: none */
        char *topic; /* that it is to publish on; NULL: none. Owned */
        double until; /* monotonic: when it must be ready */
        double wait; /* seconds between the last two looks */
        bool foreign; /* at the last one, somebody listened on the port */
    } serving;
    bool service; /* it is one */
    bool sends; /* ... that has sent a message besides that of its readiness */
    const char *unready; /* why it was ended: it was not ready in time; NULL: it was not */
    bool logged; /* its output goes to the log store */
    char *why_lost; /* some of its output is lost: it has failed. Owned; NULL: none is */
    char *tidy[2]; /* stdout, stderr: files to be removed if they are empty; owned, or NULL */

    enum aw_status ended_as; /* TIMEOUT or CANCELLED once told to end, COMPLETED before */
    struct aw_event finish; /* lingers, logging, disputed, staging out: how its process ended */
};

/* All attempts of the node; {0} is none. */
struct aw_attempts {
    struct aw_agent_attempt *first;
    struct aw_agent_attempt *first_assigned, **last_assigned; /* private: in the order of ASSIGN */
    uint32_t n_assigned, filled_to; /* how many there are; there were when the last one came */
    struct aw_table by_number, by_pid; /* private */
    struct aw_agent_attempt *untidy; /* ended, with files that may be empty, for tidy below */
    struct aw_agent_attempt *ended; /* private: memory to be used again */
    uint64_t n; /* private: attempts so far */
};

/* A new attempt, in state ENDED until the caller sets another; NULL with ENOMEM. */
struct aw_agent_attempt *aw_attempts_add (struct aw_attempts *attempts,
                                          uint32_t task,
                                          uint32_t attempt);

/* The attempt that is not ended; NULL: there is none. */
struct aw_agent_attempt *aw_attempts_find (const struct aw_attempts *attempts,
                                           uint32_t task,
                                           uint32_t attempt);
struct aw_agent_attempt *aw_attempts_by_pid (const struct aw_attempts *attempts, pid_t pid);

/* Is MARK that of an attempt of this agent? ATTEMPT: set to it, NULL if it has ended. */
bool aw_attempts_by_mark (const struct aw_attempts *attempts,
                          uint64_t mark,
                          struct aw_agent_attempt **attempt);

/* ATTEMPT, in no list of assigned ones, becomes the last of them. */
void aw_attempts_assign (struct aw_attempts *attempts, struct aw_agent_attempt *attempt);

/* ATTEMPT is in state ENDED until the caller sets another, if it was an assigned one. */
void aw_attempts_unassign (struct aw_attempts *attempts, struct aw_agent_attempt *attempt);

/* The assigned attempt that came first of those with the launch's PLACE; NULL: there is none. */
struct aw_agent_attempt *aw_attempts_assigned (const struct aw_attempts *attempts, uint32_t place);

/* ATTEMPT has the process PID now. 0, or -1 with ENOMEM. */
int aw_attempts_set_pid (struct aw_attempts *attempts, struct aw_agent_attempt *attempt, pid_t pid);

/* The process of ATTEMPT, if it has one, is reaped: ends its timers too. */
void aw_attempts_drop_pid (struct aw_attempts *attempts, struct aw_agent_attempt *attempt);

/* Ends the copies of ATTEMPT that are under way; what was staged in for it may go. */
void aw_attempt_release_copies (struct aw_agent_attempt *attempt);

/* What a call prints has all been passed on. */
void aw_attempt_close_log (struct aw_agent_attempt *attempt);

/* Ends ATTEMPT, its copies and its timers. */
void aw_attempts_remove (struct aw_attempts *attempts, struct aw_agent_attempt *attempt);

/* Removes the empty output files of attempts that were removed. That is done a little later than
 * their FINISH, because successors wait for it.
 */
void aw_attempts_tidy (struct aw_attempts *attempts);

/* Removes all and frees them. Files of those that have not ended stay. */
void aw_attempts_finish (struct aw_attempts *attempts);

#endif /* AW_AGENT_ATTEMPT_H */
