/* SPDX-License-Identifier: Apache-2.0 */
/* Workers: processes that stay and take the tasks of their set one after the other, as calls. A
 * worker is the process of an attempt, and outlives it:
 *
 *   none -> busy        the launch of a call finds no worker of its set in its place
 *   busy -> idle        it has answered: the attempt no longer has it
 *   idle -> busy        the next call of its set in exactly its place
 *   idle -> ending      another task is launched on some of its CPUs, GPUs or memory, or the agent
 *                       ends: its descriptor is closed; later come SIGTERM and SIGKILL
 *   any state -> none   its process has ended. A busy one takes its attempt with it.
 *
 * A launch that needs what an idle worker has waits until that one has ended.
 *
 * Calls and answers are lines of JSON on the worker's descriptor 3. What it prints during a call is
 * passed on to the log store as that attempt's; a call without output costs nothing there.
 */
#ifndef AW_AGENT_WORKERS_H
#define AW_AGENT_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <event2/util.h>

#include "core/event.h"
#include "core/idset.h"
#include "io/textbuf.h"
#include "io/wire/launch.h"

struct aw_agent;
struct aw_agent_attempt;
struct event;

enum { AW_WORKER_STREAMS = 2 };

/* Standard output or error of a worker; private. */
struct aw_worker_stream {
    struct aw_worker *worker;
    int number;
    int from; /* what it prints, to be read; -1: none */
    struct event *readable; /* of FROM; not pending while nothing may be read */
    struct event *writable; /* of the attempt's pipe, while that is full; NULL: it is not */
};

struct aw_worker {
    struct aw_worker *next, **link;
    struct aw_agent *agent; /* borrowed */
    uint32_t set; /* as launches have it */
    struct aw_idset cpus, gpus;
    uint32_t gpu_share;
    uint32_t mem; /* MiB */
    pid_t pid; /* leader of its session */
    uint64_t mark;
    int fd; /* to it; -1: closed */
    struct event *readable; /* of FD */
    struct aw_worker_stream streams[AW_WORKER_STREAMS];
    void (*room) (struct aw_worker *worker); /* see aw_worker_output_open */
    struct aw_textbuf line; /* of its answer so far */
    struct aw_textbuf raw; /* scratch */
    struct aw_agent_attempt *attempt; /* whose call it has; NULL: it is idle */
    uint32_t served; /* calls that it has answered */
    clockid_t clock; /* of its CPU time */
    double cpu_seconds; /* that it had used when it last answered */
    bool unread; /* it has gone without reading its call */
    bool deaf; /* its descriptor is closed at its end: it takes no calls */
    bool answered; /* it has; some of its output is still to be passed on */
    struct aw_event answer; /* how the call ended */
    bool ending;
    struct event *timer; /* of its end */
};

/* All of a node; {0} is none. */
struct aw_workers {
    struct aw_worker *first;
    /* The call of ATTEMPT has been answered as FINISH says: it has no process any more. */
    void (*answered) (struct aw_agent_attempt *attempt, const struct aw_event *finish);
    uint32_t n_idle; /* of them, with those that end */
};

/* workers.c */

/* May LAUNCH, of an attempt that waits, begin now? Else idle workers have been told to end, and it
 * is asked again after the end of each.
 */
bool aw_workers_make_room (struct aw_agent *agent, const struct aw_launch *launch);

/* The idle worker for LAUNCH, a call; NULL: there is none. */
struct aw_worker *aw_workers_find (struct aw_agent *agent, const struct aw_launch *launch);

/* The one with process PID, or NULL. */
struct aw_worker *aw_workers_by_pid (const struct aw_agent *agent, pid_t pid);

/* Is one idle whose processes have MARK, or whose session is SESSION? */
bool aw_workers_keep (const struct aw_agent *agent, pid_t session, uint64_t mark);

/* A worker that has been started for LAUNCH. NULL with ENOMEM. */
struct aw_worker *aw_workers_add (struct aw_agent *agent,
                                  const struct aw_launch *launch,
                                  pid_t pid);

/* WORKER has closed its descriptor during a call. CALLBACK, with WORKER, comes after the time in
 * which it would end by itself. */
void aw_worker_is_deaf (struct aw_worker *worker,
                        void (*callback) (evutil_socket_t fd, short what, void *arg));

/* WORKER, without an attempt, is to end: SIGKILL comes GRACE seconds after SIGTERM, which comes at
 * once if NOW. */
void aw_worker_end (struct aw_worker *worker, double grace, bool now);

/* The same for all that are idle. True: some have not ended yet. */
bool aw_workers_end (struct aw_agent *agent, double grace, bool now);

/* Its process is reaped: frees WORKER. */
void aw_workers_remove (struct aw_worker *worker);

/* Frees all, as the agent's memory goes. */
void aw_workers_finish (struct aw_agent *agent);

/* worker_call.c */

/* Starts the process of ATTEMPT, or passes its call on to an idle worker. */
void aw_worker_launch (struct aw_agent_attempt *attempt, const struct aw_launch *launch);

/* The process of WORKER has ended, and is not reaped yet. An answer that it has sent counts; a call
 * that it has not read, and was not its first, goes to another worker.
 */
void aw_worker_died (struct aw_worker *worker);

/* worker_output.c */

/* Passes on what WORKER has printed. False: some of it has to wait. */
bool aw_worker_output (struct aw_worker *worker);

/* A call begins: its output is passed on from now on. */
void aw_worker_output_resume (struct aw_worker *worker);

/* Prepares the streams, from what is to be read. ROOM is called when something that had to wait may
 * go on. 0, or -1 with ENOMEM and FROM closed or not. */
int aw_worker_output_open (struct aw_worker *worker,
                           const int from[AW_WORKER_STREAMS],
                           void (*room) (struct aw_worker *worker));
void aw_worker_output_close (struct aw_worker *worker);

#endif /* AW_AGENT_WORKERS_H */
