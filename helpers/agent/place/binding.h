/* SPDX-License-Identifier: Apache-2.0 */
/* Where a process runs: its CPUs, and the NUMA nodes of these as the place for its memory. Prepared
 * before the fork, applied in the child by system calls alone. For the tasks of the pool and for
 * the ranks of steps of their own. What tells a program its CPUs and GPUs is in place_env.h.
 */
#ifndef AW_AGENT_PLACE_BINDING_H
#define AW_AGENT_PLACE_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/idset.h"

/* Which CPUs are next to which memory, by the kernel's numbers. {0} knows of none; finish frees. */
struct aw_numa {
    struct aw_idset *cpus; /* one a NUMA node; empty where there is no such node, or only memory */
    uint32_t n;
};

/* Reads ROOT/sys/devices/system/node; ROOT is "" but in tests. 0, or -1 with errno, NUMA empty:
 * ENOENT where the kernel knows of none, ENOMEM.
 */
int aw_numa_read (struct aw_numa *numa, const char *root);
void aw_numa_finish (struct aw_numa *numa);

/* Which of CPUS are threads of one core, from ROOT/sys/devices/system/cpu, as
 * core/resources/topology.h writes that level: for those who need no more of the topology. Free it.
 * NULL with errno: ENOENT where the kernel does not tell, ENOMEM.
 */
char *aw_cores_read (const char *root, const struct aw_idset *cpus);

/* {0} binds to nothing. finish frees. */
struct aw_binding {
    /* Private. */
    void *cpus; /* cpu_set_t */
    size_t cpus_size; /* bytes */
    unsigned long *nodes; /* mask of NUMA nodes */
    size_t n_bits; /* of that mask, all that the kernel is told of */
    bool bound;
    bool near; /* memory, too */
};

/* Makes BINDING one to CPUS and the memory beside them; NUMA may be NULL: memory is left alone.
 * CPUS NULL or empty: to nothing. Keeps its memory for the next. 0, or -1 with ENOMEM.
 */
int aw_binding_prepare (struct aw_binding *binding,
                        const struct aw_numa *numa,
                        const struct aw_idset *cpus);

/* Binds this process (system calls alone: may stand after vfork). Memory is taken from those NUMA
 * nodes as long as they have some, then from elsewhere (preferred: a bound process would be killed
 * instead); where the kernel does not allow that, it is left as it was. 0, or -1 with
 * sched_setaffinity's errno: EINVAL where none of the CPUs exists or may be used.
 */
int aw_binding_apply (const struct aw_binding *binding);

void aw_binding_finish (struct aw_binding *binding);

#endif /* AW_AGENT_PLACE_BINDING_H */
