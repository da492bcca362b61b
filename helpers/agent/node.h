/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of this node: CPUs, GPUs, memory and topology, and whether tasks can be bound to
 * CPUs.
 */
#ifndef AW_AGENT_NODE_H
#define AW_AGENT_NODE_H

#include "agent/agent.h"

/* Fills cpus, gpus, mem, bind, topology, nvml and note of CONFIG (finish frees them) from the
 * step's environment ENV, the CPU affinity of this process, and the machine. If the step may use
 * more CPUs than the job has, cpus are all of those: the coordinator knows which the job has. 0, or
 * -1 with text.
 */
int aw_node_discover (struct aw_agent_config *config, char *const *env, struct aw_error *err);

/* The same without Slurm: CPUS, or if empty all that this process may use; GPUS; and the memory of
 * the machine, or the limit of this process.
 */
int aw_node_local (struct aw_agent_config *config,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus,
                   struct aw_error *err);

/* Sets GPUS to the ids of the GPUs that a step has on this node by its environment ENV. 0, or -1
 * with text.
 */
int aw_node_gpus (struct aw_idset *gpus, char *const *env, struct aw_error *err);

void aw_node_finish (struct aw_agent_config *config);

#endif /* AW_AGENT_NODE_H */
