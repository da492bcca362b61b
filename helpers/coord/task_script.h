/* SPDX-License-Identifier: Apache-2.0 */
/* What runs a task's script: the interpreter that its first line names, else the shell of its set,
 * else /bin/sh. */
#ifndef AW_COORD_TASK_SCRIPT_H
#define AW_COORD_TASK_SCRIPT_H

#include "io/wire/launch.h"
#include "util/error.h"

/* Fills LAUNCH->argv for the script TEXT. If its first line is "#!", an absolute path and at most
 * one argument, as for the kernel, the script is written to PATH (mode 0700), which the interpreter
 * gets as its last argument. Otherwise it is an argument of OTHER_SHELL, a program with options
 * (NULL-terminated), and -c; OTHER_SHELL NULL, and for plain #!/bin/sh: of /bin/sh -c. 0, or -1
 * with text.
 */
int aw_task_script (struct aw_launch *launch,
                    const char *text,
                    const char *path,
                    char *const *other_shell,
                    struct aw_error *err);

#endif /* AW_COORD_TASK_SCRIPT_H */
