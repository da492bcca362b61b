/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes of a job take part, where the user asks for some of them alone: `srun -N2`, `-w`,
 * `-x`, `-r` inside an allocation. They are chosen here and not by Slurm, so that it is known
 * beforehand what the pool will hold.
 */
#ifndef AW_COORD_SLURM_POOL_NODES_H
#define AW_COORD_SLURM_POOL_NODES_H

#include "coord/slurm/slurm_job.h"
#include "coord/slurm/srun_options.h"
#include "util/error.h"

/* Removes from JOB the nodes that OPTIONS leave out, and updates its totals and node_list. 0, or -1
 * with text, if OPTIONS ask for more nodes than there are, name other nodes, or leave none; JOB is
 * then to be finished.
 */
int aw_pool_nodes_select (struct aw_slurm_job *job,
                          const struct aw_srun_options *options,
                          struct aw_error *err);

#endif /* AW_COORD_SLURM_POOL_NODES_H */
