/* SPDX-License-Identifier: Apache-2.0 */
/* --export: the environment of a job. */
#ifndef AW_CMD_SLURM_BATCH_EXPORT_H
#define AW_CMD_SLURM_BATCH_EXPORT_H

#include "util/strings.h"

/* Fills ENVIRONMENT, zeroed, for TEXT ("ALL", "NONE", "A,B=2", "ALL,B=2"; NULL: "ALL"), without
 * what describes the job of this process. */
void aw_batch_export (const char *text, struct aw_strings *environment);

/* The same for srun, whose command stays in its task: what describes that is kept. */
void aw_srun_export (const char *text, struct aw_strings *environment);

#endif /* AW_CMD_SLURM_BATCH_EXPORT_H */
