/* SPDX-License-Identifier: Apache-2.0 */
/* The agent reports its node, starts tasks, reaps them, and reports their ends. There is one
 * process per node, with one thread and one libevent loop. When its connection ends, it ends its
 * tasks and returns.
 *
 * A task is a session of its own, and ends when its first process ends. Then the other processes of
 * the session are killed; and within a second those that have left the session (daemons), which the
 * agent inherits as subreaper.
 */
#ifndef AW_AGENT_AGENT_H
#define AW_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/staging/scratch.h"
#include "core/idset.h"
#include "util/error.h"

struct aw_nvml;

struct aw_agent_config {
    int fd; /* connected socket of local mode, taken over; -1: connect to hosts:port and
               authenticate by munge */
    const char *hosts; /* addresses or names of the coordinator, comma-separated, tried in turn */
    uint16_t port;
    double connect_seconds; /* time to reach the coordinator; 0: 30 s */
    const char *job; /* Slurm job id, "" for none */
    const char *node; /* this node's name */
    struct aw_idset cpus; /* that tasks may use; borrowed */
    struct aw_idset gpus;
    uint64_t mem; /* bytes; 0: not known */
    bool bind; /* tasks are bound to their CPUs: all of cpus exist and are allowed */
    const char *topology; /* as core/resources/topology.h writes it; NULL: not known */
    struct aw_scratch scratch; /* for staged data */
    const char *note; /* a remark for the user; NULL: none */
    struct aw_nvml *nvml; /* for the load of GPUs; NULL: it is not known. Borrowed */
};

/* Runs until the coordinator tells it to end, or the connection ends. Returns 0 after an orderly
 * end, or -1 with text. Changes the process: signals, standard input, close-on-exec of open
 * descriptors and their limit, subreaper. The process must have no children, because the agent
 * reaps all.
 */
int aw_agent_run (const struct aw_agent_config *config, struct aw_error *err);

#endif /* AW_AGENT_AGENT_H */
