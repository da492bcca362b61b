/* SPDX-License-Identifier: Apache-2.0 */
/* What a job holds of a node: what its agent found there, less what Slurm has given to others. An
 * agent in a cgroup sees just its own. Where none confines it (shared nodes without task/cgroup, or
 * declared nodes that do not exist) only Slurm knows, in numbers of its own, which are turned here
 * into those of the machine.
 */
#ifndef AW_COORD_SLURM_NODE_ALLOCATION_H
#define AW_COORD_SLURM_NODE_ALLOCATION_H

#include <stdbool.h>

#include "coord/slurm/slurm_job.h"
#include "core/event.h"
#include "core/resources/topology.h"
#include "util/error.h"
#include "util/names.h"

struct aw_node_allocation {
    struct aw_event node; /* the NODE event: parts of it are below, the rest is the agent's */
    struct aw_idset cpus;
    char *topology;
};

/* Gives each node's name its place in JOB's nodes, in NAMES (empty before), which the caller
 * finishes in any case. 0, or -1 with ENOMEM.
 */
int aw_node_allocation_names (const struct aw_slurm_job *job, struct aw_names *names);

/* Fills ALLOCATION from the agent's HELLO (borrowed as long as ALLOCATION is used) and from SLURM's
 * description of that node, which may be NULL. If the job's CPUs cannot be identified, node.unbound
 * is set, with the cause in node.reason: then node.cpus are a plan alone, as many as the job has.
 * 0, or -1 with ENOMEM.
 */
int aw_node_allocation_make (struct aw_node_allocation *allocation,
                             const struct aw_event *hello,
                             const struct aw_slurm_node *slurm);
void aw_node_allocation_finish (struct aw_node_allocation *allocation);

/* The remarks on N nodes, in one line. False: there is none. */
bool aw_node_allocations_note (const struct aw_node_allocation *allocations,
                               uint32_t n,
                               struct aw_error *line);

/* Slurm numbers CPUs by socket, core and thread, all threads of a core after each other, THREADS a
 * core as slurm.conf declares it; machines often otherwise. Fills CPUS (empty before) with those of
 * the machine that ABSTRACT means on TOPOLOGY. A core with more threads than declared gives its
 * first ones. 0; or -1 with ENOMEM, or ERANGE: the machine has no such cores.
 */
int aw_node_allocation_translate (struct aw_idset *cpus,
                                  const struct aw_topology *topology,
                                  const struct aw_idset *abstract,
                                  uint32_t threads);

#endif /* AW_COORD_SLURM_NODE_ALLOCATION_H */
