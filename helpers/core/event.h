/* SPDX-License-Identifier: Apache-2.0 */
/* The one event record, which journal, resume, status, report and simulator share. State is a fold
 * over events; every event carries its own time.
 */
#ifndef AW_CORE_EVENT_H
#define AW_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/idset.h"

enum aw_event_type {
    AW_EVENT_NODE, /* a node joined the pool: node, name, cpus, gpus, mem, topology */
    AW_EVENT_NODE_LOST, /* the node is lost: node, reason. Each task that runs there gets a FINISH
                           with status NODE_FAIL */
    AW_EVENT_READY, /* a task waits for nothing but resources: task, attempt */
    AW_EVENT_START, /* task, attempt, node, cpus, gpus, more */
    AW_EVENT_STAGE, /* the data of a ready task is copied to a node, before the attempt holds CPUs
                       and GPUs there: task, attempt, node */
    AW_EVENT_STAGED, /* the data is on the node: task, attempt, node, seconds, bytes; and
                        reason: what the user is to know of it */
    AW_EVENT_RELEASE, /* an attempt gives back its CPUs and GPUs while its results are being copied:
                         task, attempt, node, seconds */
    AW_EVENT_KILL, /* a running task is asked to end: task, attempt, reason; code 1: it held its
                      place for nothing, and another task wants it */
    AW_EVENT_FINISH, /* an attempt ended: task, attempt, node, status, code, signal, seconds, usage,
                        first_call, reason */
    AW_EVENT_SKIP, /* a task will never run, because a predecessor failed: task */
    AW_EVENT_STOP, /* no more tasks start: reason; code 1: running tasks are killed too */
    AW_EVENT_END, /* the run is over: code is the exit status; reason where it was not decided by
                     the scheduler: the pool failed, for instance */
    AW_EVENT_WAKE, /* the time that aw_sched_next_wake gave has come */
    AW_EVENT_RESUME, /* another coordinator continues the run: `resume`. Running attempts are lost;
                        tasks that failed or were skipped run again. All nodes are gone: nodes that
                        join later are numbered from 0 */
    AW_EVENT_LIMIT, /* no task starts that could not end by then: seconds (a t; 0: no limit), reason
                     */
    AW_EVENT_NODE_DRAIN, /* task after task failed on node, so it takes no more tasks; code 1: it
                            stays, because some tasks could run nowhere else; reason */
    AW_EVENT_MESSAGE, /* messages on a topic since the start of the run: name, count */
    AW_EVENT_CANCEL, /* `count` tasks from `task` on, all of one instance, are cancelled; running
                        ones are killed: count, code (enum aw_cancel_how), reason */
    AW_EVENT_ADD, /* a task has added a workflow: task (AW_NONE: a removed task), attempt, text. The
                     graph has grown before this is handled */
    AW_EVENT_STALL, /* all `count` running attempts wait for messages, and nothing can start: name
                       (a topic) for which task's attempt waits, the first of them; code: enum
                       aw_stall */
    AW_EVENT_PLAN, /* set instances of the first file start in this order, as far as dependencies
                      and resources allow: text (core/sched/plan.h) */
    AW_EVENT_AWAIT, /* `count` more nodes may join. A task that fits none of the pool waits for
                       them; 0: no more will */
    AW_EVENT_SERVING, /* the attempt of a service is ready for the tasks after it: task, attempt,
                         node, seconds since its start, port */
    AW_EVENT_ASSIGN, /* a ready task is given to a node in advance, without CPUs and GPUs: task,
                        attempt, node. Its agent starts it in the place of the next attempt of the
                        same demand that succeeds there, which is a START; or it gives it back,
                        which is a FINISH, cancelled */
    AW_EVENT_TYPES /* their number */
};

/* What an event can have, in the order of a line of the journal. */
enum aw_event_member {
    AW_MEMBER_T,
    AW_MEMBER_EVENT, /* its type's name */
    AW_MEMBER_TASK,
    AW_MEMBER_ATTEMPT,
    AW_MEMBER_NODE,
    AW_MEMBER_CPUS,
    AW_MEMBER_GPUS,
    AW_MEMBER_MORE,
    AW_MEMBER_MEM,
    AW_MEMBER_TOPOLOGY,
    AW_MEMBER_STATUS,
    AW_MEMBER_CODE,
    AW_MEMBER_SIGNAL,
    AW_MEMBER_SECONDS,
    AW_MEMBER_CPU_SECONDS,
    AW_MEMBER_MAX_RSS,
    AW_MEMBER_GPU_UTIL,
    AW_MEMBER_GPU_MEM,
    AW_MEMBER_BYTES,
    AW_MEMBER_NODE_BYTES,
    AW_MEMBER_TOPIC,
    AW_MEMBER_COUNT,
    AW_MEMBER_EPOCH, /* this and the next seven: of `resume` */
    AW_MEMBER_JOB,
    AW_MEMBER_MODE,
    AW_MEMBER_POLICY,
    AW_MEMBER_BACKLOG,
    AW_MEMBER_WORKFLOW, /* ADD: its `text` */
    AW_MEMBER_AGAIN,
    AW_MEMBER_DROPPED,
    AW_MEMBER_ORDER, /* PLAN: its `text` */
    AW_MEMBER_PORT,
    AW_MEMBER_FIRST_CALL,
    AW_MEMBER_REASON,
    AW_MEMBERS /* their number */
};
#define AW_MEMBER_BIT(member) (UINT64_C (1) << (member))
_Static_assert(AW_MEMBERS <= 64, "a set of members has 64 bits");

/* What a CANCEL does, in its code. */
enum aw_cancel_how {
    AW_CANCEL_SKIPS, /* successors do not run either */
    AW_CANCEL_RELEASES, /* successors run as if the tasks had succeeded */
    AW_CANCEL_RESTARTS, /* running tasks start again, which is no failure; others are as before */
};

/* What a STALL is, in its code. */
enum aw_stall {
    AW_STALL_BEGINS,
    AW_STALL_FAILS, /* nobody can send any more, so what the attempts wait with has failed */
    AW_STALL_OVER, /* a message came, or something else happened */
};

/* How an attempt ended, as Slurm names job states. */
enum aw_status {
    AW_STATUS_COMPLETED, /* exit code 0, or another of its set's success_codes */
    AW_STATUS_FAILED, /* another exit code, a signal, or it could not start (see reason) */
    AW_STATUS_TIMEOUT, /* its time_limit */
    AW_STATUS_CANCELLED, /* killed by the coordinator */
    AW_STATUS_NODE_FAIL, /* its node or agent was lost */
    AW_STATUS_OUT_OF_MEMORY, /* the kernel ended it for lack of memory */
    AW_STATUSES /* their number */
};

/* What a task holds of one node. */
struct aw_part {
    uint32_t node;
    struct aw_idset cpus;
    struct aw_idset gpus;
};

/* Tasks of a set, in all iterations: of the indexes FIRST to LAST. */
struct aw_indexes {
    uint32_t set;
    uint32_t first, last;
};

/* The members of a RESUME. */
struct aw_resume {
    double epoch; /* wall clock at t = 0, by the clock of the machine that continues */
    const char *job; /* Slurm job id; NULL: a local run. Borrowed, as all texts here */
    const char *mode, *policy; /* from now on; NULL: as before */
    double backlog; /* seconds, from now on: as in core/sched/sched.h */
    const char *workflow; /* digest of a changed workflow; NULL: it is the same */
    struct aw_idset again; /* sets whose completed tasks run again */
    const struct aw_indexes *dropped; /* tasks that are not wanted, from now to the next RESUME:
                                         they do not run, and what depends on them does not wait. By
                                         set and index. Borrowed */
    uint32_t n_dropped;
};

struct aw_event {
    enum aw_event_type type;
    double t; /* seconds since the run's start, never falling */
    uint32_t task; /* id (core/graph/graph.h) */
    uint32_t attempt; /* from 0 */
    uint32_t node; /* number of the node in the pool, from 0 */
    struct aw_idset cpus; /* START: planned; NODE: those of the job. Owner: as the function says */
    struct aw_idset gpus;
    const struct aw_part *more; /* START: the other nodes of a task on several nodes. Borrowed */
    uint32_t n_more;
    uint64_t count; /* MESSAGE, CANCEL, STALL, AWAIT */
    uint64_t mem; /* NODE: bytes of the job on it; 0: not known */
    uint32_t port; /* SERVING: TCP port on which the service listens; 0: none is known. NODE: that
                      on which its agent gives copies; 0: none, not in the journal */
    uint64_t bytes; /* STAGED: copied for this task; 0: all was there */
    uint64_t node_bytes; /* STAGED: of these, taken from other nodes */
    const char *name; /* NODE: its name; MESSAGE, STALL: the topic's. Borrowed */
    const char *topology; /* NODE: as core/resources/topology.h says; NULL: unknown. Borrowed */
    const char *socket; /* NODE: path of its socket for messages; NULL: none. Not in the journal.
                           Borrowed */
    const char *host; /* NODE: the name of its machine; NULL: not known. Not in the journal.
                         Borrowed */
    bool continued; /* FINISH: in its place, the agent has started the attempt of the next two. Not
                       in the journal, as they: a START follows */
    uint32_t next, next_attempt;
    bool returned; /* FINISH: its node has given back what it was assigned, or is lost: as far as is
                      known, nothing has run. Not in the journal */
    bool unbound; /* NODE: its tasks are not bound to CPUs. Not in the journal */
    enum aw_status status;
    int code; /* exit code, else 0 */
    int signal; /* that ended it, else 0 */
    uint32_t first_call; /* FINISH: 1: of a call for which the agent started a worker */
    double seconds; /* FINISH: from the task's start to its end, by the agent's clock */
    double cpu_seconds; /* user and system time of the task and of children that it waited for */
    uint64_t max_rss; /* bytes, the largest of its processes */
    bool gpu_known; /* FINISH: the next two are known */
    double gpu_util; /* share of the time in which they computed, 0 to 1; < 0: not known */
    uint64_t gpu_mem; /* bytes on all of them together, at most */
    const char *text; /* ADD: the workflow that is added; PLAN: the order. Borrowed */
    const char *reason; /* text or NULL. Borrowed */
    const struct aw_resume *resume; /* RESUME. Borrowed */
};

/* "start", "finish" and so on, as the journal has them; the reverse gives -1 for an unknown name.
 */
const char *aw_event_type_name (enum aw_event_type type);
int aw_event_type_parse (const char *name);

/* The members of events of TYPE, as sets of AW_MEMBER_BITs that do not overlap. */
struct aw_event_members {
    const char *name; /* of the type */
    uint64_t required; /* always there */
    uint64_t usual; /* there, but for journals of earlier versions */
    uint64_t optional; /* there where they say something */
};
struct aw_event_members aw_event_members (enum aw_event_type type);

/* Do events of TYPE have a task that must be one of the graph's? An ADD need not: the workflow may
 * have lost the task that added since.
 */
bool aw_event_names_task (enum aw_event_type type);

const char *aw_status_name (enum aw_status status); /* "completed", "node_fail", ... */
int aw_status_parse (const char *name);

#endif /* AW_CORE_EVENT_H */
