/* SPDX-License-Identifier: Apache-2.0 */
/* The node's topology by hwloc, in the form of core/resources/topology.h. HWLOC_XMLFILE and
 * HWLOC_SYNTHETIC replace the machine: for tests, and for private clusters whose nodes exist only
 * in Slurm's configuration.
 */
#ifndef AW_AGENT_PLACE_TOPOLOGY_H
#define AW_AGENT_PLACE_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/place/gpus.h"
#include "core/resources/topology.h"
#include "util/error.h"

struct aw_nvml;

struct aw_machine {
    struct aw_topology topology; /* CPUs, and GPUs whose place or type is known */
    bool is_here; /* it is this machine; false: HWLOC_XMLFILE or HWLOC_SYNTHETIC */
    uint64_t mem; /* bytes; 0: not known */
};

/* Reads all CPUs of the machine, including those that this process may not use, and which of them
 * are next to each of GPU_IDS. NVML, for names and places of GPUs, may be NULL. 0, or -1 with text
 * and MACHINE empty.
 */
int aw_machine_read (struct aw_machine *machine,
                     const struct aw_gpus *gpus,
                     const struct aw_idset *gpu_ids,
                     const struct aw_nvml *nvml,
                     struct aw_error *err);
void aw_machine_finish (struct aw_machine *machine);

#endif /* AW_AGENT_PLACE_TOPOLOGY_H */
