/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt of one task, ready to be started: what the coordinator sends to an agent. */
#ifndef AW_IO_WIRE_LAUNCH_H
#define AW_IO_WIRE_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/idset.h"
#include "core/retry.h"
#include "io/wire/step.h"
#include "util/error.h"

enum { AW_TIDY_OUT = 1 << 0, AW_TIDY_ERR = 1 << 1 };

/* Milliseconds by which the end of an attempt may be reported late, together with others. By
 * default a node has five times as much in advance (--backlog). */
enum { AW_LATE_MS = 50 };

#define AW_PEER_ANY "?"

/* Owns all that it points to. A vector of strings is one block of memory (aw_strings_vector). */
struct aw_launch {
    uint32_t task; /* id */
    uint32_t attempt;
    char **argv; /* NULL-terminated; argv[0] is looked up in the task's PATH */
    char **env; /* "NAME=value", NULL-terminated: added to the agent's environment, replacing equal
                   names; "NAME" without "=" is removed from it. NULL: nothing */
    char *base; /* absolute: a file with "NAME=value", each with a NUL, which take the place of the
                   agent's environment; NULL: that itself */
    char *directory; /* absolute */
    char *out; /* absolute paths, truncated at start; "/dev/null" is allowed. NULL: to the store */
    char *err; /* may equal out: one description then */
    char *store; /* absolute: the directory of the log store; NULL: OUT and ERR are given */
    bool durable; /* its end is reported when what it wrote to the store is on disk */
    uint32_t tidy; /* AW_TIDY_*: these files are removed at the end if they are empty */
    struct aw_idset cpus; /* planned, ids of the node */
    struct aw_idset gpus;
    uint32_t place; /* attempts of the same number can follow each other on the same CPUs and GPUs;
                       0: this one neither follows another nor is followed */
    uint32_t batch; /* with PLACE: where it is followed by one of the same number, its end may be
                       reported late; 0: somebody waits for this end, or may do so */
    bool assigned; /* it starts when an attempt of its PLACE has succeeded on its node, on the CPUs
                      and GPUs of that one; its own are empty */
    bool slurm_commands; /* our commands that look like Slurm's come first in its PATH */
    bool unbound; /* the task is not bound to these CPUs */
    struct aw_step_plan *step; /* of a job step of its own: CPUS and GPUS are then those of the
                             first node. Not sent to agents. Owned. NULL: a task of the pool */
    uint32_t gpu_share; /* thousandths of the one GPU, 1 to 999; 0: whole GPUs */
    double time_limit; /* seconds; INFINITY: none */
    double grace; /* seconds between SIGTERM and SIGKILL at the time limit */
    double notice; /* seconds after which notice_signal is sent; INFINITY: never */
    int notice_signal;
    /* Copies, three texts each: from, to, and "checksum" or "". NULL-terminated; NULL: none. */
    char **stage_in; /* to the node, before the task starts (START), or without a task (STAGE) */
    /* For each copy of stage_in the node that has it, HOST:PORT; or several with spaces between
     * them, to be asked one after the other until one gives it. AW_PEER_ANY: all tasks of the
     * instance make it, so the backend may name one; where it names none, other nodes may still
     * take the copy from this node. "": the copy is not shared. NULL: no copy is.
     */
    char **peers;
    char **stage_out; /* from the node, after the task has succeeded */
    bool release; /* CPUs and GPUs are free for others before stage-out */
    uint32_t instance; /* tasks with the same number share what is staged in */
    uint32_t worker; /* number of the task set, from 1, whose workers take it; 0: ARGV is its own
                        process, else that of a worker */
    char *call; /* to the worker: a JSON object; NULL where worker is 0 */
    char *name; /* of the task, likewise */
    uint32_t mem; /* MiB that it counts for; 0: it does not, or no set of the workflow has workers
                   */
    struct aw_codes success; /* exit codes that mean success; none: only 0 */
    /* A service: it is ready when its processes listen on PORT, when it publishes on READY_TOPIC,
     * or, where neither is given, at once. */
    bool service;
    uint32_t port; /* 0: none */
    char *ready_topic; /* NULL: none */
    double ready_timeout; /* seconds after which it is ended if it is not ready */
    bool notice_cancels; /* it announces the end of the job: a failure after it counts as CANCELLED,
                            otherwise as TIMEOUT */
};

void aw_launch_init (struct aw_launch *launch); /* nothing set, no time limit, no notice */
/* Makes TO, as init leaves it, a copy of all. 0, or -1 with ENOMEM and TO as finish leaves it. */
int aw_launch_copy (struct aw_launch *to, const struct aw_launch *from);
void aw_launch_finish (
    struct aw_launch *launch); /* frees all members, leaves it as init does; keeps errno */

#endif /* AW_IO_WIRE_LAUNCH_H */
