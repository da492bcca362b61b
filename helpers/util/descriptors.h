/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that a process inherits, or lacks. And the limit on descriptors: coordinator and
 * agent need one per node, per task that exchanges messages, and more per step, so the usual soft
 * limit of 1,024 is too low for them. Programs that they start get the limit back, because some use
 * select(2), and some close all possible descriptors one by one.
 */
#ifndef AW_UTIL_DESCRIPTORS_H
#define AW_UTIL_DESCRIPTORS_H

#include <stdbool.h>

/* Opens those of stdin, stdout and stderr that are closed, or that exec would close, on /dev/null:
 * else the next file or pipe gets their number, and what is printed. 0, or -1 with errno.
 */
int aw_open_standard (void);

/* The next two may be called in a child of vfork. */

/* Closes all from FIRST up. 0, or -1 with errno. */
int aw_close_from (int first);

/* Sets close-on-exec on all from FIRST up. 0, or -1 with errno. */
int aw_cloexec_from (int first);

/* Raises this process's soft limit on open descriptors to the hard one, and its children's with it.
 * If that fails, the limit stays.
 */
void aw_descriptors_raise (void);

/* Restores the soft limit as it was before the first aw_descriptors_raise, for a program that is
 * started next. False: it was never raised. One system call, so it is safe between vfork and exec.
 */
bool aw_descriptors_restore (void);

#endif /* AW_UTIL_DESCRIPTORS_H */
