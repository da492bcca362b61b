/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a command whose output we read: what is easy to forget, in one place. */
#ifndef AW_UTIL_CHILD_H
#define AW_UTIL_CHILD_H

#include <sys/types.h>

/* A pipe, close-on-exec, both ends above stderr: in a process with closed standard descriptors a
 * pipe would take their numbers, and the child's dup2 would tread on it. 0, or -1 with errno.
 */
int aw_child_pipe (int fd[2]);

/* Starts ARGV (ARGV[0] is looked up in this process's PATH) with environment ENV, stdin from
 * /dev/null, stdout and stderr on OUT and ERR, nothing else open, all signals at their defaults and
 * none blocked, in a process group of its own, with the limit on descriptors that
 * this process was started with. 0, or -1 with errno, those of exec included.
 */
int aw_child_spawn (pid_t *pid, char *const argv[], char *const env[], int out, int err);

#endif /* AW_UTIL_CHILD_H */
