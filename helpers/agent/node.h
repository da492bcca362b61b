/* SPDX-License-Identifier: Apache-2.0 */
/* What this node offers to tasks: its CPUs, GPUs and memory, how it is built, and whether tasks can
 * be bound to what they are given.
 */
#ifndef AW_AGENT_NODE_H
#define AW_AGENT_NODE_H

#include "agent/agent.h"

/* Fills cpus, gpus, mem, bind, topology, nvml and note of CONFIG (for finish to free) from the
 * step's environment ENV, this process's CPU affinity and the machine. Where the step may use more
 * CPUs than Slurm says are the job's, cpus are all that it may use: the coordinator knows which are
 * the job's. 0, or -1 with text.
 */
int aw_node_discover (struct aw_agent_config *config, char *const *env, struct aw_error *err);

/* The same without Slurm: CPUS, or all that this process may use where empty; GPUS; the memory that
 * the machine has, or that this process may take.
 */
int aw_node_local (struct aw_agent_config *config,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus,
                   struct aw_error *err);

/* The ids of the GPUs that a step has here, by its environment ENV. Replaces GPUS. 0, or -1 with
 * text. */
int aw_node_gpus (struct aw_idset *gpus, char *const *env, struct aw_error *err);

void aw_node_finish (struct aw_agent_config *config);

#endif /* AW_AGENT_NODE_H */
