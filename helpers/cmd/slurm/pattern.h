/* SPDX-License-Identifier: Apache-2.0 */
/* Names of a job's files: "slurm-%j.out". */
#ifndef AW_CMD_SLURM_PATTERN_H
#define AW_CMD_SLURM_PATTERN_H

#include <stdbool.h>

/* Opens the files as standard input, output and error; NULL: it stays as it is, but the error goes
 * where the output goes. 0, or -1, printed.
 */
int aw_pattern_redirect (const char *input, const char *output, const char *error, bool append);

#endif /* AW_CMD_SLURM_PATTERN_H */
