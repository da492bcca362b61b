/* SPDX-License-Identifier: Apache-2.0 */
/* The backend "agents": one async-workflow-agent a node, each with one authenticated TCP connection
 * to the coordinator, or one forked on this machine with a socketpair (local mode). */
#ifndef AW_COORD_AGENTS_EXEC_AGENTS_H
#define AW_COORD_AGENTS_EXEC_AGENTS_H

#include "coord/exec.h"

struct aw_slurm_job;

struct aw_exec_agents_config {
    const char *job; /* its id, which agents must name; "": none. Borrowed */
    uint32_t n_nodes; /* an agent of each is to come */
    uint32_t min_nodes; /* the pool begins with this many; 0: with all */
    double deadline; /* these must come within these seconds, else `broken`; others will not join
                        later */
    uint16_t port_first,
        port_last; /* the TCP ports to choose from, Slurm's SrunPortRange; 0, 0: any */
};

/* Listens on all addresses. BASE is borrowed. NULL with text. */
struct aw_exec *aw_exec_agents_create (struct event_base *base,
                                       const struct aw_exec_callbacks *callbacks,
                                       const struct aw_exec_agents_config *config,
                                       struct aw_error *err);

/* The CPUs, GPUs and memory that JOB holds on a node override what its agent sees. Borrowed until
 * all nodes have joined. */
void aw_exec_agents_set_job (struct aw_exec *exec, const struct aw_slurm_job *job);

/* LAST holds the last line that the agents' step has printed: where agents do not come, it is part
 * of the reason. Borrowed. */
void aw_exec_agents_set_line (struct aw_exec *exec, const struct aw_error *last);

/* The port that agents are to connect to. */
uint16_t aw_exec_agents_port (const struct aw_exec *exec);

/* Local mode: forks an agent on this machine, connected by a socketpair, without munge and Slurm.
 * SERVE is what the child runs: the agent with its end of the connection and ARG (coordinator and
 * agent do not know each other; the command knows both). Its result is the child's exit status.
 * KEEP: a descriptor that the agent holds until it has ended; -1: none. NULL with text.
 */
struct aw_exec *aw_exec_local_create (struct event_base *base,
                                      const struct aw_exec_callbacks *callbacks,
                                      int (*serve) (int fd, void *arg),
                                      void *arg,
                                      int keep,
                                      struct aw_error *err);

/* From now on a node of which nothing is heard for SECONDS is lost: its agent or it has stopped, or
 * the network is cut. Each is asked for a sign every sixth of that. Time in which this process
 * itself did not run does not count. 0: no node is lost for its silence. 0, or -1 with text.
 */
int aw_exec_agents_set_timeout (struct aw_exec *exec, double seconds, struct aw_error *err);

/* Are the CPUs of NODE, which has joined, a plan alone? */
bool aw_exec_agents_unbound (struct aw_exec *exec, uint32_t node);

/* Where processes of NODE connect to exchange messages; borrowed. NULL: nowhere, or it is lost. */
const char *aw_exec_agents_socket (struct aw_exec *exec, uint32_t node);

#endif /* AW_COORD_AGENTS_EXEC_AGENTS_H */
