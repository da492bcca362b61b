/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/slurm/slurm.h"
#include "util/descriptors.h"

static const struct {
    const char *name;
    int (*run) (int argc, char **argv);
} commands[] = {
    { "sbatch", aw_slurm_sbatch },   { "srun", aw_slurm_srun },
    { "squeue", aw_slurm_squeue },   { "sacct", aw_slurm_sacct },
    { "scancel", aw_slurm_scancel }, { "scontrol", aw_slurm_scontrol },
    { "sinfo", aw_slurm_sinfo },     { "slurm_script", aw_slurm_script },
    /* End of commands */
};

int main (int argc, char **argv)
{
    if (argc < 1 || aw_open_standard () < 0)
        return 1;
    argv[0] = program_invocation_short_name;
    for (size_t i = 0; i < sizeof (commands) / sizeof (commands[0]); i++)
        if (strcmp (commands[i].name, argv[0]) == 0)
            return aw_slurm_inside () ? commands[i].run (argc, argv) : aw_slurm_real (argv);
    return aw_slurm_error ("not the name of a command of Slurm");
}
