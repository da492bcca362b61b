/* SPDX-License-Identifier: Apache-2.0 */
/* Where Slurm's programs are: sites often have Slurm in a directory of its own that is not in PATH.
 */
#ifndef AW_COORD_SLURM_SLURM_PROGRAM_H
#define AW_COORD_SLURM_SLURM_PROGRAM_H

/* What to execute for NAME ("srun", "salloc", "scontrol" or "sinfo"): its path under the prefix
 * that --with-slurm gave at configure time where it can be executed there, else NAME itself, which
 * is then looked up in PATH. Constant texts, neither to be freed nor changed: not "const", as
 * argument vectors are not.
 */
char *aw_slurm_program (const char *name);

#endif /* AW_COORD_SLURM_SLURM_PROGRAM_H */
