/* SPDX-License-Identifier: Apache-2.0 */
/* What this node offers to tasks. The place for placement by hwloc: so far CPUs and GPUs are
 * counted and named.
 */
#ifndef AW_AGENT_NODE_H
#define AW_AGENT_NODE_H

#include "agent/agent.h"

/* Fills cpus, gpus, mem, bind and note of CONFIG (for finish to free) from the step's environment
 * ENV and this process's CPU affinity. 0, or -1 with text.
 */
int aw_node_discover (struct aw_agent_config *config, char *const *env, struct aw_error *err);

/* The same without Slurm: CPUS, or all that this process may use where empty; GPUS; the machine's
 * memory.
 */
int aw_node_local (struct aw_agent_config *config,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus,
                   struct aw_error *err);

void aw_node_finish (struct aw_agent_config *config);

#endif /* AW_AGENT_NODE_H */
