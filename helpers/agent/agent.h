/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: reports its node, starts tasks, reaps them, reports their ends. One process a node,
 * one thread, one libevent loop. When its connection ends it ends its tasks and returns.
 *
 * A task is a session of its own. Its end is that of its first process: what is left of its session
 * is killed then, and so is, within a second, what had left the session (daemons), which the agent
 * inherits as subreaper.
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
    const char *hosts; /* the coordinator's addresses or names, comma-separated, tried in turn */
    uint16_t port;
    double connect_seconds; /* how long the coordinator is tried; 0: the default, 30 s */
    const char *job; /* Slurm job id, "" for none */
    const char *node; /* this node's name */
    struct aw_idset cpus; /* that tasks may use; borrowed */
    struct aw_idset gpus;
    uint64_t mem; /* bytes; 0: not known */
    bool bind; /* bind tasks to their CPUs: all of cpus exist and are allowed */
    const char *topology; /* as core/resources/topology.h writes it; NULL: not known */
    struct aw_scratch scratch; /* for staged data */
    const char *note; /* for the user; NULL: none */
    struct aw_nvml *nvml; /* for the load of GPUs; NULL: not known. Borrowed */
};

/* Runs until the coordinator says so or is gone. Returns 0 after an orderly end, or -1 with text.
 * Changes the process: signals, standard input, close-on-exec of what it has open, subreaper. Its
 * children are all reaped, so it must have none before.
 */
int aw_agent_run (const struct aw_agent_config *config, struct aw_error *err);

#endif /* AW_AGENT_AGENT_H */
