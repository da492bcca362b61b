/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm's variables in a task of the pool: those that describe the job, with the task's node, CPUs
 * and GPUs as if they were the whole job. So a task sees what the batch script of
 * `sbatch -N1 -n1 -c CPUS --gpus=N` sees, without the variables that make it a rank of a step
 * (SLURM_PROCID, SLURM_NTASKS).
 */
#ifndef AW_AGENT_JOB_VARIABLES_H
#define AW_AGENT_JOB_VARIABLES_H

#include "io/textbuf.h"
#include "io/wire/launch.h"
#include "util/error.h"

struct aw_job_variables;

/* Reads ENV, the agent's environment; GPUS: all of the node. NULL with text. destroy takes NULL. */
struct aw_job_variables *aw_job_variables_create (char *const *env,
                                                  const struct aw_idset *gpus,
                                                  struct aw_error *err);
void aw_job_variables_destroy (struct aw_job_variables *variables);

/* Appends the variables for LAUNCH, as "NAME=value" with NUL; none outside a job. */
void aw_job_variables_put (const struct aw_job_variables *variables,
                           const struct aw_launch *launch,
                           struct aw_textbuf *text);

#endif /* AW_AGENT_JOB_VARIABLES_H */
