/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's management library, if the machine has it: names, PCI places and load of GPUs. It is
 * opened at run time. What its version does not offer is not known.
 */
#ifndef AW_AGENT_PLACE_NVML_H
#define AW_AGENT_PLACE_NVML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/place/gpus.h"

struct aw_nvml;

/* NULL if there is none or it does not work. close takes NULL. */
struct aw_nvml *aw_nvml_open (void);
void aw_nvml_close (struct aw_nvml *nvml);

/* The device of an ENTRY of CUDA_VISIBLE_DEVICES: an index, "GPU-..." or "MIG-...". NULL: there is
 * none. Valid until close.
 */
void *aw_nvml_device (const struct aw_nvml *nvml, const char *entry);

/* The same for GPU ID of GPUS. */
void *aw_nvml_gpu (const struct aw_nvml *nvml, const struct aw_gpus *gpus, uint32_t id);

/* Its name in lower case with "_" for blanks ("nvidia_a100-sxm4-40gb"), as Slurm's types are. 0, or
 * -1: not known.
 */
int aw_nvml_name (const struct aw_nvml *nvml, void *device, char *buf, size_t size);

/* Its place on the PCI bus; for a part of a GPU (MIG), that of the GPU. 0, or -1: not known. */
struct aw_pci_place {
    unsigned domain, bus, device;
};
int aw_nvml_place (const struct aw_nvml *nvml, void *device, struct aw_pci_place *place);

/* The share of the last second (0 to 1) in which it computed, for any process. 0, or -1: not known.
 */
int aw_nvml_load (const struct aw_nvml *nvml, void *device, double *load);

/* Bytes in use on it, by all processes. 0, or -1: not known. */
int aw_nvml_memory (const struct aw_nvml *nvml, void *device, uint64_t *used);

/* The usage of a device by one process. */
struct aw_gpu_process {
    pid_t pid;
    uint64_t memory; /* bytes */
    double load; /* 0 to 1; < 0: not known */
};

/* Fills PROCESSES with the processes that use it, at most N. Returns their number, or -1: not
 * known.
 */
int aw_nvml_processes (const struct aw_nvml *nvml,
                       void *device,
                       struct aw_gpu_process *processes,
                       size_t n);

#endif /* AW_AGENT_PLACE_NVML_H */
