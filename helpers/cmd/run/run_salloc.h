/* SPDX-License-Identifier: Apache-2.0 */
/* A run in a new allocation: this process waits while salloc runs the coordinator. The coordinator
 * reports the end of the run to it, as salloc does not: that ends with 0 if its command was killed.
 */
#ifndef AW_CMD_RUN_RUN_SALLOC_H
#define AW_CMD_RUN_RUN_SALLOC_H

#include "coord/slurm/srun_options.h"
#include "io/problems.h"

/* Runs COMMAND (NULL-terminated, COMMAND[0] absolute) under salloc in a job that is called NAME
 * unless the user named it, passes signals on, and prints on stderr what the coordinator could not.
 * Returns the exit status.
 */
int aw_run_salloc (const struct aw_srun_options *options, const char *name, char *const *command);

/* The coordinator's side. All but print do nothing if no such process waits. */

/* This process has begun. Removes the pipe's variable from the environment. */
void aw_run_salloc_begin (void);

/* Prints PROBLEMS on stderr; warnings alone only if no process waits, for it has printed them. */
void aw_run_salloc_print (const struct aw_problems *problems);

/* The run is in directory DIR from now on. */
void aw_run_salloc_dir (const char *dir);

/* It ends with CODE: the last that it does. */
void aw_run_salloc_end (int code);

#endif /* AW_CMD_RUN_RUN_SALLOC_H */
