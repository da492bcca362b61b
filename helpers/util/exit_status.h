/* SPDX-License-Identifier: Apache-2.0 */
/* Exit statuses of a run and of every command, as run(1) documents them. */
#ifndef AW_UTIL_EXIT_STATUS_H
#define AW_UTIL_EXIT_STATUS_H

enum aw_exit {
    AW_EXIT_OK = 0, /* all tasks completed */
    AW_EXIT_TASK_FAILED = 1,
    AW_EXIT_INPUT = 2, /* the input is wrong: a file, an option */
    AW_EXIT_STOPPED = 3, /* stopped before the end; the run can be resumed */
    AW_EXIT_POOL = 4, /* agents, nodes or Slurm failed */
};

#endif /* AW_UTIL_EXIT_STATUS_H */
