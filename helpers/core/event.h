/* SPDX-License-Identifier: Apache-2.0 */
/* The one event record: journal, resume, status, report and simulator all speak it. State is a fold
 * over events; every event carries its own time.
 */
#ifndef AW_CORE_EVENT_H
#define AW_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/idset.h"

enum aw_event_type {
    AW_EVENT_NODE, /* a node joined the pool: node, name, cpus, gpus, mem, topology */
    AW_EVENT_NODE_LOST, /* it is gone: node, reason; its running tasks get a FINISH of status
                           NODE_FAIL each */
    AW_EVENT_READY, /* all that a task waits for is done: task, attempt */
    AW_EVENT_START, /* task, attempt, node, cpus, gpus, more */
    AW_EVENT_STAGE, /* the data of a ready task is brought to a node, before the attempt holds any
                       of its CPUs and GPUs: task, attempt, node */
    AW_EVENT_STAGED, /* it is there: task, attempt, node, seconds, bytes */
    AW_EVENT_RELEASE, /* an attempt has computed and needs its CPUs and GPUs no more, what it made
                         is still being copied: task, attempt, node, seconds */
    AW_EVENT_KILL, /* a running task is told to end: task, attempt, reason */
    AW_EVENT_FINISH, /* an attempt ended: task, attempt, node, status, code, signal, seconds, usage,
                        reason */
    AW_EVENT_SKIP, /* task will never run, for a predecessor failed: task */
    AW_EVENT_STOP, /* nothing more is started: reason; code 1: what runs is killed too */
    AW_EVENT_END, /* the run is over: code is the exit status */
    AW_EVENT_WAKE, /* a time has come that the scheduler wanted to be told of, see
                      aw_sched_next_wake */
    AW_EVENT_RESUME, /* another coordinator goes on: `resume`. What still ran is lost, tasks that
                        had failed or were skipped are to run again, the nodes are gone: those that
                        join from now on are numbered from 0 */
    AW_EVENT_LIMIT, /* nothing is started that could not end by then: seconds is a t, 0: no limit;
                       reason */
    AW_EVENT_NODE_DRAIN, /* task after task fails on node: it takes no more of them, but code 1: it
                            stays, for other nodes could not do its work; reason */
    AW_EVENT_MESSAGE, /* so many messages have come on a topic since the run's start: name, count */
    AW_EVENT_CANCEL, /* somebody wants no more of the tasks from `task` on, all of one instance:
                        count, code 1: what waits for them goes on, reason. Those that run are
                        killed */
    AW_EVENT_ADD, /* a task has added a workflow: task (AW_NONE: one that is no more), attempt,
                     text. The graph has grown when this is handled */
    AW_EVENT_TYPES /* their number */
};

/* How an attempt ended, in Slurm's words for job states. */
enum aw_status {
    AW_STATUS_COMPLETED, /* exit code 0, or another of its set's success_codes */
    AW_STATUS_FAILED, /* another exit code, a signal, or it could not be started (reason tells) */
    AW_STATUS_TIMEOUT, /* its time_limit */
    AW_STATUS_CANCELLED, /* told to end by the coordinator */
    AW_STATUS_NODE_FAIL, /* its node or agent is gone */
    AW_STATUS_OUT_OF_MEMORY, /* the kernel ended it for lack of memory */
    AW_STATUSES /* their number */
};

/* What a task holds of one node. */
struct aw_part {
    uint32_t node;
    struct aw_idset cpus;
    struct aw_idset gpus;
};

/* What a RESUME tells. */
struct aw_resume {
    double epoch; /* wall clock at t = 0, by the clock of the machine that goes on */
    const char *job; /* Slurm job id; NULL: a local run. Borrowed, as all texts here */
    const char *mode, *policy; /* from now on; NULL: as before */
    const char *workflow; /* digest of a changed workflow; NULL: it is the same */
    struct aw_idset again; /* sets whose finished tasks do not count any more */
};

struct aw_event {
    enum aw_event_type type;
    double t; /* seconds since the run's start, never falling */
    uint32_t task; /* id (core/graph/graph.h) */
    uint32_t attempt; /* from 0 */
    uint32_t node; /* number of the node in the pool, from 0 */
    struct aw_idset
        cpus; /* START: planned CPUs; NODE: those of the job on it. Owner: as the function says */
    struct aw_idset gpus;
    const struct aw_part *more; /* START: of the other nodes of a task over several. Borrowed */
    uint32_t n_more;
    uint64_t count; /* MESSAGE, CANCEL */
    uint64_t mem; /* NODE: bytes of the job on it; 0: not known */
    uint64_t bytes; /* STAGED: copied for this task, 0 where all was there */
    const char *name; /* NODE: its name; MESSAGE: the topic's. Borrowed */
    const char
        *topology; /* NODE: as core/resources/topology.h writes it; NULL: not known. Borrowed */
    const char
        *socket; /* NODE: path of the one for messages there; NULL: none. Not kept. Borrowed */
    bool unbound; /* NODE: its tasks are not bound to CPUs. Not in the journal */
    enum aw_status status;
    int code; /* exit code, else 0 */
    int signal; /* that ended it, else 0 */
    double seconds; /* FINISH: from the task's start to its end, by the agent's clock */
    double cpu_seconds; /* user and system time, of the task and what it waited for */
    uint64_t max_rss; /* bytes, the largest of its processes */
    bool gpu_known; /* FINISH: something is known of its GPUs: the next two */
    double gpu_util; /* share of the time in which they computed, 0 to 1; < 0: not known */
    uint64_t gpu_mem; /* bytes on all of them together, at most */
    const char *text; /* ADD: the workflow that is added. Borrowed */
    const char *reason; /* text or NULL. Borrowed */
    const struct aw_resume *resume; /* RESUME. Borrowed */
};

/* "start", "finish" and so on, as the journal has them; the reverse gives -1 for an unknown name.
 */
const char *aw_event_type_name (enum aw_event_type type);
int aw_event_type_parse (const char *name);
const char *aw_status_name (enum aw_status status); /* "completed", "node_fail", ... */
int aw_status_parse (const char *name);

#endif /* AW_CORE_EVENT_H */
