/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of status, which two programs read: async-workflow answers status --task by
 * itself, and async-workflow-main the rest.
 */
#ifndef AW_CMD_STATUS_TASK_H
#define AW_CMD_STATUS_TASK_H

#include <stdbool.h>

#include "cmd/arguments.h"

struct aw_status_line {
    const char *first; /* a run directory; with --task, an id */
    struct aw_words more; /* with --task: further ids */
    bool json, task, long_words;
};

/* Fills LINE, which is zeroed. Prints and exits as argp does. */
void aw_status_line_parse (struct aw_status_line *line, int argc, char **argv);

/* status --task, in a task: prints a word for each id, what has become of that submitted task:
 * running, success or failed; with --long also waiting, cancelled and skipped. Returns an enum
 * aw_exit.
 */
int aw_status_tasks (const struct aw_status_line *line);

#endif /* AW_CMD_STATUS_TASK_H */
