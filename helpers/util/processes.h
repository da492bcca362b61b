/* SPDX-License-Identifier: Apache-2.0 */
/* Finds processes that nobody keeps a list of: those of a task's session, and those that a task has
 * left behind. Most searches ask the kernel about every process in /proc, so they are for ends of
 * tasks, never for starts.
 */
#ifndef AW_UTIL_PROCESSES_H
#define AW_UTIL_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Process ids; some of the processes may have ended since they were read. {0} is empty; finish
 * frees.
 */
struct aw_processes {
    pid_t *pids;
    size_t n;
    size_t capacity; /* private */
};

/* Replaces the list by that of all processes. 0, or -1 with errno. */
int aw_processes_read (struct aw_processes *processes);
void aw_processes_finish (struct aw_processes *processes);

/* Replaces the list by that of the children of this process, running or not yet reaped. No other
 * process gets the number of a child before it is reaped. One may be missing while others end. 0,
 * or -1 with errno.
 */
int aw_processes_read_children (struct aw_processes *processes);

/* Makes the kernel kill this process and its descendants before others when memory runs out. Only
 * system calls, so it is safe between vfork and exec.
 */
void aw_process_offer_to_oom (void);

/* The same for children of this process, which itself stays as it is. A child inherits what this
 * process has when it is forked. So this process has it from begin to end; both are one system
 * call, and the child may make the second one. A child that raised its own score would need three
 * and a file of its own in /proc, which costs a tenth of a short start.
 *
 * init always succeeds: where the score cannot be written, or is as high already, begin and end do
 * nothing.
 */
struct aw_oom_offer {
    int fd; /* private; -1: none */
    char own[16]; /* private: the score of this process */
};
void aw_oom_offer_init (struct aw_oom_offer *offer);
void aw_oom_offer_begin (const struct aw_oom_offer *offer);
void aw_oom_offer_end (const struct aw_oom_offer *offer);
void aw_oom_offer_finish (struct aw_oom_offer *offer);

/* A mark is a number that a process passes to all its descendants. They keep it when they
 * change their environment, session or parents. 0 is none. It is the soft limit RLIMIT_LOCKS, which
 * has had no effect since Linux 2.4.25.
 *
 * set: marks this process, unless an administrator has limited RLIMIT_LOCKS. It only makes system
 * calls, so it is safe between vfork and exec. of: the mark of PID; 0: it has none, or it cannot be
 * read.
 */
void aw_process_mark_set (uint64_t mark);
uint64_t aw_process_mark_of (pid_t pid);

/* The mark that stands for TOKEN, hexadecimal digits. Marks below 2^63 never stand for a token. */
uint64_t aw_process_mark_for (const char *token);

/* The value of the environment variable NAME, as PID had it when it was started, cut at SIZE.
 * False: it has none, or it cannot be read.
 */
bool aw_process_variable (pid_t pid, const char *name, char *value, size_t size);

/* Has PID this variable with this value, or may it: a program is being started in it, whose
 * environment cannot be seen yet?
 */
bool aw_process_may_have (pid_t pid, const char *name, const char *value);

/* The launch that PID belongs to, by AW_PACKET_LAUNCH in its environment. False: it has none, or it
 * cannot be read.
 */
bool aw_process_launch (pid_t pid, uint32_t *task, uint32_t *attempt);

/* Kills all processes of this user that were started with VARIABLE, "NAME=value", in their
 * environment, but not those of another Slurm job; and all with MARK. Also those that they start
 * meanwhile.
 */
void aw_processes_kill_holders (const char *variable, uint64_t mark);

/* Kills and reaps all children of this process, a subreaper, and all orphans that it inherits from
 * them, for at most SECONDS. Blocking. PROCESSES is scratch.
 */
void aw_processes_kill_children (struct aw_processes *processes, double seconds);

#endif /* AW_UTIL_PROCESSES_H */
