/* SPDX-License-Identifier: Apache-2.0 */
/* Binds a process to its CPUs, and its memory to the NUMA nodes of these. Prepared before the fork,
 * applied in the child by system calls alone. Used for tasks of the pool and for ranks of job
 * steps. The variables that tell a program its CPUs and GPUs are in place_env.h.
 */
#ifndef AW_AGENT_PLACE_BINDING_H
#define AW_AGENT_PLACE_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/idset.h"

/* The CPUs of each NUMA node, by the kernel's numbers. {0} has no nodes; finish frees. */
struct aw_numa {
    struct aw_idset *cpus; /* one per NUMA node; empty if there is no such node, or only memory */
    uint32_t n;
};

/* Reads ROOT/sys/devices/system/node; ROOT is "" except in tests. 0, or -1 with errno and NUMA
 * empty: ENOENT if the kernel lists no nodes, ENOMEM.
 */
int aw_numa_read (struct aw_numa *numa, const char *root);
void aw_numa_finish (struct aw_numa *numa);

/* The cores of CPUS, from ROOT/sys/devices/system/cpu, as core/resources/topology.h writes that
 * level. The caller frees it. NULL with errno: ENOENT if the kernel does not list them, ENOMEM.
 */
char *aw_cores_read (const char *root, const struct aw_idset *cpus);

/* {0} binds to nothing. finish frees. */
struct aw_binding {
    /* Private. */
    void *cpus; /* cpu_set_t */
    size_t cpus_size; /* bytes */
    unsigned long *nodes; /* mask of NUMA nodes */
    size_t n_bits; /* of that mask */
    bool bound;
    bool near; /* memory is bound, too */
};

/* Prepares BINDING for CPUS and the memory next to them. NUMA NULL: the memory policy stays. CPUS
 * NULL or empty: no binding. BINDING can be prepared again. 0, or -1 with ENOMEM.
 */
int aw_binding_prepare (struct aw_binding *binding,
                        const struct aw_numa *numa,
                        const struct aw_idset *cpus);

/* Binds this process (by system calls alone, so it can be called after vfork). Memory is taken from
 * those NUMA nodes while they have some, then from others (MPOL_PREFERRED: with MPOL_BIND the
 * process would be killed). If the kernel rejects that, the memory policy stays. 0, or -1 with
 * sched_setaffinity's errno: EINVAL if none of the CPUs exists or is allowed.
 */
int aw_binding_apply (const struct aw_binding *binding);

void aw_binding_finish (struct aw_binding *binding);

#endif /* AW_AGENT_PLACE_BINDING_H */
