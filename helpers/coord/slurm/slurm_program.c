/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "coord/slurm/slurm_program.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

char *aw_slurm_program (const char *name)
{
#ifdef AW_SLURM_BINDIR
    static const char *const paths[] = {
        AW_SLURM_BINDIR "/srun",
        AW_SLURM_BINDIR "/salloc",
        AW_SLURM_BINDIR "/scontrol",
        AW_SLURM_BINDIR "/sinfo",
    };

    for (size_t i = 0; i < sizeof (paths) / sizeof (*paths); i++)
        if (strcmp (paths[i] + sizeof (AW_SLURM_BINDIR), name) == 0 && access (paths[i], X_OK) == 0)
            return (char *)paths[i];
#endif
    return (char *)name;
}
