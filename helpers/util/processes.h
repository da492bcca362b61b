/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that are not in the agent's table: those of a task's session, and those that a task has
 * left behind. They are found by asking the kernel of every number in /proc; that is for ends,
 * never for starts.
 */
#ifndef AW_UTIL_PROCESSES_H
#define AW_UTIL_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Process ids that were there a moment ago. {0} is empty; finish frees. */
struct aw_processes {
    pid_t *pids;
    size_t n;
    size_t capacity; /* private */
};

/* Reads the list anew, memory is kept. 0, or -1 with errno. */
int aw_processes_read (struct aw_processes *processes);
void aw_processes_finish (struct aw_processes *processes);

/* Is PID a child of this process, dead or alive? It cannot become another one before it is reaped.
 */
bool aw_process_is_child (pid_t pid);

/* Which launch does PID belong to, by the mark in its environment? False where that cannot be seen.
 */
bool aw_process_launch (pid_t pid, uint32_t *task, uint32_t *attempt);

/* Kills all processes of this user that were started with VARIABLE, "NAME=value", in their
 * environment, and what they start meanwhile; whatever their parents are, but for those of another
 * job of Slurm.
 */
void aw_processes_kill_holders (const char *variable);

/* Kills whatever children this process has, and theirs as they come to it, a subreaper, and reaps
 * them, within SECONDS. Blocking. PROCESSES is scratch.
 */
void aw_processes_kill_children (struct aw_processes *processes, double seconds);

#endif /* AW_UTIL_PROCESSES_H */
