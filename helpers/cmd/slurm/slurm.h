/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that look like Slurm's, for workflow tools in a task of the pool: each is a translation
 * onto submit, wait, status and cancel. One program has them all, by the name that it is called by;
 * outside a task of a pool it becomes the real command.
 */
#ifndef AW_CMD_SLURM_SLURM_H
#define AW_CMD_SLURM_SLURM_H

#include <stdbool.h>

struct aw_connection;

/* argv[0] is the command's name. Each returns an exit status as Slurm's command does. */
int aw_slurm_sbatch (int argc, char **argv);
int aw_slurm_srun (int argc, char **argv);
int aw_slurm_squeue (int argc, char **argv);
int aw_slurm_sacct (int argc, char **argv);
int aw_slurm_scancel (int argc, char **argv);
int aw_slurm_scontrol (int argc, char **argv);
int aw_slurm_sinfo (int argc, char **argv);

/* In a task that sbatch has submitted: becomes its script (cmd/slurm/slurm_script.c). */
int aw_slurm_script (int argc, char **argv);

/* Is this process in a task of a pool? */
bool aw_slurm_inside (void);

/* Becomes the real command argv[0]; returns 127, with a message, where there is none. */
int aw_slurm_real (char **argv);

/* Prints "sbatch: error: ...". Returns -1. */
__attribute__ ((format (printf, 1, 2))) int aw_slurm_error (const char *fmt, ...);

/* Prints "sbatch: ..." the first time that it is called with this KEY in the run. */
__attribute__ ((format (printf, 2, 3))) void aw_slurm_note (const char *key, const char *fmt, ...);

/* A connection to the pool, or NULL, printed. */
struct aw_connection *aw_slurm_open (void);

/* Flushes standard output. STATUS, or 1, printed, where that fails. */
int aw_slurm_end (int status);

/* The name of this process's user. Valid until the process ends. */
const char *aw_slurm_user (void);

#endif /* AW_CMD_SLURM_SLURM_H */
