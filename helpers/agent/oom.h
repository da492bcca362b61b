/* SPDX-License-Identifier: Apache-2.0 */
/* Has the kernel killed a process of ours for lack of memory? The end of a task shows only that it
 * got SIGKILL. But the kernel counts such kills for each cgroup.
 */
#ifndef AW_AGENT_OOM_H
#define AW_AGENT_OOM_H

#include <stdbool.h>
#include <stdint.h>

struct aw_oom {
    char *path; /* the file with the count, owned; NULL: there is none */
    uint64_t seen; /* kills that were assigned to a task, or happened before */
};

/* Finds the count of this process's cgroup, version 2 or 1. CGROUPS is /proc/self/cgroup, ROOT is
 * /sys/fs/cgroup. If the count cannot be read, aw_oom_take never finds a kill. finish takes a
 * zeroed value.
 */
void aw_oom_init (struct aw_oom *oom, const char *cgroups, const char *root);
void aw_oom_finish (struct aw_oom *oom);

/* Is there a kill that was not assigned to a task yet? Then it is assigned now. */
bool aw_oom_take (struct aw_oom *oom);

#endif /* AW_AGENT_OOM_H */
