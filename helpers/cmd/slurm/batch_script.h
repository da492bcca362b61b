/* SPDX-License-Identifier: Apache-2.0 */
/* The script of sbatch: read, its #SBATCH lines, and a copy in the run directory. */
#ifndef AW_CMD_SLURM_BATCH_SCRIPT_H
#define AW_CMD_SLURM_BATCH_SCRIPT_H

#include <stddef.h>

#include "cmd/slurm/options.h"
#include "util/strings.h"

/* The text of the script that PATH names (NULL: standard input), or that runs WRAP; checked as
 * Slurm checks it. The caller frees it. NULL, printed.
 */
char *aw_batch_script_read (const char *path, const char *wrap, size_t *size);

/* Takes the options of TEXT's #SBATCH lines; WORDS, zeroed, owns what their values borrow. 0, or
 * -1, printed. */
int aw_batch_script_options (const char *text,
                             struct aw_slurm_options *options,
                             struct aw_strings *words);

/* Keeps TEXT in the run directory, once for equal texts. Its path, which the caller frees: it is on
 * disk then. NULL, printed.
 */
char *aw_batch_script_keep (const char *text, size_t size);

#endif /* AW_CMD_SLURM_BATCH_SCRIPT_H */
