/* SPDX-License-Identifier: Apache-2.0 */
/* A run in an allocation of its own: this process stays while salloc runs the coordinator, and
 * knows from the coordinator itself how the run ended. salloc does not: it ends with 0 where its
 * command was killed.
 */
#ifndef AW_CMD_RUN_RUN_OUTER_H
#define AW_CMD_RUN_RUN_OUTER_H

#include "coord/slurm/srun_options.h"

/* Runs COMMAND (NULL-terminated, COMMAND[0] absolute) under salloc in a job that is called NAME
 * unless the user named it, passes signals on, and tells on stderr what the coordinator could not.
 * Returns the exit status.
 */
int aw_run_outer (const struct aw_srun_options *options, const char *name, char *const *command);

/* The coordinator's side. All do nothing where no such process waits for it. */

/* This process has begun. What leads to the one that waits leaves the environment. */
void aw_run_outer_begin (void);

/* The run is in directory DIR from now on. */
void aw_run_outer_dir (const char *dir);

/* It ends with CODE: the last that it does. */
void aw_run_outer_end (int code);

#endif /* AW_CMD_RUN_RUN_OUTER_H */
