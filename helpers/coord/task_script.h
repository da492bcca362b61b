/* SPDX-License-Identifier: Apache-2.0 */
/* What runs a task's script: /bin/sh, or the interpreter that its first line names. */
#ifndef AW_COORD_TASK_SCRIPT_H
#define AW_COORD_TASK_SCRIPT_H

#include "io/wire/launch.h"
#include "util/error.h"

/* Fills LAUNCH->argv for the script TEXT. If its first line is "#!", an absolute path and at most
 * one argument, as for the kernel, the script is written to PATH (mode 0700), which the interpreter
 * gets as its last argument. Otherwise, and for plain /bin/sh, it is an argument of /bin/sh -c. 0,
 * or -1 with text.
 */
int aw_task_script (struct aw_launch *launch,
                    const char *text,
                    const char *path,
                    struct aw_error *err);

#endif /* AW_COORD_TASK_SCRIPT_H */
