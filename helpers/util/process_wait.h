/* SPDX-License-Identifier: Apache-2.0 */
/* Does a process only wait? The kernel tells in which system call each thread sleeps. */
#ifndef AW_UTIL_PROCESS_WAIT_H
#define AW_UTIL_PROCESS_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Does each thread of PID sleep, without a time limit, until a child ends, another thread wakes it,
 * or something comes through a pipe without a name? Up to POLLERS of its threads may sleep in
 * poll(2) as well. Then it does nothing unless another process does something. True if it has
 * ended; false where the kernel does not tell. *SWITCHES grows by how often its threads have left
 * their CPUs (0 if it has ended): if two calls add the same, it has not run in between.
 */
bool aw_process_only_waits (pid_t pid, unsigned pollers, uint64_t *switches);

#endif /* AW_UTIL_PROCESS_WAIT_H */
