/* SPDX-License-Identifier: Apache-2.0 */
/* The topology of a node, as placement needs it: which CPUs share a core, a cache, a NUMA node, a
 * package, and which CPUs are local to which GPU. The agent reads it with hwloc; hello frame and
 * journal carry it as one text:
 *
 *   core 0,4|1,5|2,6|3,7;cache 0-1,4-5|2-3,6-7;numa 0-7;package 0-7;gpu 0=0-1,4-5:a100|1=2-3,6-7
 *
 * Levels from the smallest, separated by ";"; the groups of a level by "|", each a list of CPUs as
 * Slurm writes it, ids of the operating system. A CPU is in at most one group of a level; a level
 * may be left out. The cache is the largest that not all CPUs of a NUMA node share; if there is
 * none, the last level. A GPU has its id (as in the hello frame's "gpus"), its local CPUs (empty:
 * not known) and, after ":", its type.
 */
#ifndef AW_CORE_RESOURCES_TOPOLOGY_H
#define AW_CORE_RESOURCES_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

#include "core/idset.h"
#include "util/error.h"

enum aw_level { AW_LEVEL_CORE, AW_LEVEL_CACHE, AW_LEVEL_NUMA, AW_LEVEL_PACKAGE, AW_LEVELS };

enum { AW_GPU_TYPE_SIZE = 64 };

struct aw_topology_gpu {
    uint32_t id;
    struct aw_idset cpus; /* local to it; empty: not known */
    char type[AW_GPU_TYPE_SIZE]; /* "": not known */
};

/* Owns all its members. {0} is an unknown topology. */
struct aw_topology {
    struct aw_idset *groups[AW_LEVELS]; /* in the order of their lowest CPUs */
    uint32_t n_groups[AW_LEVELS];
    struct aw_topology_gpu *gpus;
    uint32_t n_gpus;
};

void aw_topology_finish (struct aw_topology *topology);

/* Reads TEXT into TOPOLOGY ({0} before). 0, or -1 with text and TOPOLOGY empty. */
int aw_topology_parse (struct aw_topology *topology, const char *text, struct aw_error *err);

/* Writes it as text, for the caller to free. NULL with ENOMEM. */
char *aw_topology_format (const struct aw_topology *topology);

/* Removes all CPUs except CPUS from the levels, and levels that become empty. Local CPUs of GPUs
 * stay. 0, or -1 with ENOMEM.
 */
int aw_topology_restrict (struct aw_topology *topology, const struct aw_idset *cpus);

#endif /* AW_CORE_RESOURCES_TOPOLOGY_H */
