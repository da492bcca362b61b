/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of submitted tasks on a command line. */
#ifndef AW_CMD_TASK_IDS_H
#define AW_CMD_TASK_IDS_H

#include "cmd/arguments.h"

/* FIRST and the words after it as ids: an array of 1 + MORE->n. The caller frees it. NULL: one is
 * none, or there is no memory; that is printed for COMMAND.
 */
unsigned long long *aw_task_ids (const char *command,
                                 const char *first,
                                 const struct aw_words *more);

#endif /* AW_CMD_TASK_IDS_H */
