/* SPDX-License-Identifier: Apache-2.0 */
/* Has the kernel killed a process of ours for lack of memory? It counts that for each cgroup; what
 * a task's end alone shows is SIGKILL, from whomever.
 */
#ifndef AW_AGENT_OOM_H
#define AW_AGENT_OOM_H

#include <stdbool.h>
#include <stdint.h>

struct aw_oom {
    char *path; /* the file with the count; NULL: there is none to read. Owned */
    uint64_t seen; /* kills that have been put down to a task, or were before */
};

/* Finds the count of this process's cgroup, version 2 or 1. CGROUPS is /proc/self/cgroup, ROOT
 * where the hierarchies are, /sys/fs/cgroup. Where there is none, or it cannot be read, nothing is
 * ever found. finish takes a zeroed value.
 */
void aw_oom_init (struct aw_oom *oom, const char *cgroups, const char *root);
void aw_oom_finish (struct aw_oom *oom);

/* Has there been a kill that was not put down to a task yet? Then it is now. */
bool aw_oom_take (struct aw_oom *oom);

#endif /* AW_AGENT_OOM_H */
