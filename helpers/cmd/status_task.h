/* SPDX-License-Identifier: Apache-2.0 */
/* status --task ID...: what has become of submitted tasks, asked in a task. */
#ifndef AW_CMD_STATUS_TASK_H
#define AW_CMD_STATUS_TASK_H

#include <stdbool.h>

#include "cmd/arguments.h"

/* Prints a word a line, for FIRST and the ids in MORE: running, success or failed; LONG_WORDS: also
 * waiting, cancelled and skipped. Returns an enum aw_exit.
 */
int aw_status_tasks (const char *first, const struct aw_words *more, bool long_words);

#endif /* AW_CMD_STATUS_TASK_H */
