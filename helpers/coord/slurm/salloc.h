/* SPDX-License-Identifier: Apache-2.0 */
/* Outside an allocation the coordinator runs itself under salloc: a process becomes salloc, which
 * gets the allocation and runs the coordinator again inside it.
 */
#ifndef AW_COORD_SLURM_SALLOC_H
#define AW_COORD_SLURM_SALLOC_H

#include "coord/slurm/srun_options.h"
#include "util/error.h"
#include "util/strings.h"

/* Fills LINE: salloc, OPTIONS' allocation options, --job-name=NAME unless the user named the job
 * (NAME may be NULL), then COMMAND (NULL-terminated: the coordinator's own line up to its "--"),
 * "--" and the options of the step. 0, or -1 with text.
 */
int aw_salloc_line (struct aw_strings *line,
                    const struct aw_srun_options *options,
                    const char *name,
                    char *const *command,
                    struct aw_error *err);

/* Becomes salloc. Returns only on failure, -1 with text. COMMAND[0] should be an absolute path. */
int aw_salloc_exec (const struct aw_srun_options *options,
                    const char *name,
                    char *const *command,
                    struct aw_error *err);

#endif /* AW_COORD_SLURM_SALLOC_H */
