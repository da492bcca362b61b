/* SPDX-License-Identifier: Apache-2.0 */
/* --dependency: "afterok:1000000001:1000000002,afterany:1000000003_4". */
#ifndef AW_CMD_SLURM_BATCH_DEPEND_H
#define AW_CMD_SLURM_BATCH_DEPEND_H

#include "io/textbuf.h"

struct aw_connection;

/* Appends "after_ok":[...],"after_any":[...], to OUT for TEXT; after_any is not closed: more ids
 * may follow. 0, or -1, printed. TEXT may be NULL.
 */
int aw_batch_depend (struct aw_connection *aw, const char *text, struct aw_textbuf *out);

#endif /* AW_CMD_SLURM_BATCH_DEPEND_H */
