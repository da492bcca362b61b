/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of every srun that the coordinator starts. Inside a batch script or salloc,
 * dozens of variables are set that srun reads as options: sbatch's --ntasks-per-node becomes
 * srun's. These are removed; variables that describe the job to a task stay.
 */
#ifndef AW_COORD_SLURM_SRUN_ENV_H
#define AW_COORD_SLURM_SRUN_ENV_H

#include <stdbool.h>

#include "util/error.h"
#include "util/strings.h"

/* Appends to OUT all of ENV ("NAME=value", NULL-terminated) but what must not reach srun. 0, or -1
 * with text.
 */
int aw_srun_env (struct aw_strings *out, char *const *env, struct aw_error *err);

/* Whether VARIABLE ("NAME" or "NAME=value") is left out. */
bool aw_srun_env_removes (const char *variable);

/* Appends to OUT all of ENV, and what srun would read of it as options of an allocation under the
 * names that salloc reads: SLURM_PARTITION replaces SALLOC_PARTITION. 0, or -1
 * with text.
 */
int aw_salloc_env (struct aw_strings *out, char *const *env, struct aw_error *err);

#endif /* AW_COORD_SLURM_SRUN_ENV_H */
