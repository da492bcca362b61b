/* SPDX-License-Identifier: Apache-2.0 */
/* Types and numbers are those of NVML's interface, which does not change them: a function with new
 * arguments gets a new name, which ends in a version.
 */
#include "config.h"

#include "agent/place/nvml.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

enum { DONE = 0 }; /* NVML_SUCCESS */

enum { MOST_SAMPLES = 1024 };

/* Samples of processes' load may be this old. NVML keeps those of some seconds. */
static const double SAMPLE_SECONDS = 1.5;

struct pci_info {
    char legacy_id[16];
    unsigned domain, bus, device;
    unsigned device_id, subsystem_id;
    char id[32];
};

struct utilization {
    unsigned gpu, memory; /* percent of the last sixth of a second to second */
};

struct memory {
    unsigned long long total, free, used;
};

struct process_1 {
    unsigned pid;
    unsigned long long used;
};

struct process_2 { /* of versions 2 and 3 */
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
};

struct sample {
    unsigned pid;
    unsigned long long time; /* microseconds since the epoch */
    unsigned sm, memory, encoder, decoder; /* percent */
};

struct aw_nvml {
    void *library;
    int (*init) (void);
    int (*shutdown) (void);
    int (*by_index) (unsigned index, void **device);
    int (*by_name) (const char *uuid, void **device);
    int (*whole) (void *part, void **device);
    int (*name) (void *device, char *buf, unsigned size);
    int (*pci) (void *device, struct pci_info *info);
    int (*utilization) (void *device, struct utilization *utilization);
    int (*memory) (void *device, struct memory *memory);
    int (*processes_1) (void *device, unsigned *n, struct process_1 *processes);
    int (*processes_2) (void *device, unsigned *n, struct process_2 *processes);
    int (*samples) (void *device, struct sample *samples, unsigned *n, unsigned long long since);
};

/* dlsym gives an object's pointer for a function: POSIX's own way to take it over. */
static void look_up (void *library, const char *name, void *function)
{
    void *found = dlsym (library, name);

    memcpy (function, &found, sizeof (found));
}

static void look_up_all (struct aw_nvml *nvml)
{
    void *library = nvml->library;

    look_up (library, "nvmlInit_v2", &nvml->init);
    look_up (library, "nvmlShutdown", &nvml->shutdown);
    look_up (library, "nvmlDeviceGetHandleByIndex_v2", &nvml->by_index);
    look_up (library, "nvmlDeviceGetHandleByUUID", &nvml->by_name);
    look_up (library, "nvmlDeviceGetDeviceHandleFromMigDeviceHandle", &nvml->whole);
    look_up (library, "nvmlDeviceGetName", &nvml->name);
    look_up (library, "nvmlDeviceGetPciInfo_v3", &nvml->pci);
    look_up (library, "nvmlDeviceGetUtilizationRates", &nvml->utilization);
    look_up (library, "nvmlDeviceGetMemoryInfo", &nvml->memory);
    look_up (library, "nvmlDeviceGetComputeRunningProcesses", &nvml->processes_1);
    look_up (library, "nvmlDeviceGetComputeRunningProcesses_v3", &nvml->processes_2);
    if (!nvml->processes_2)
        look_up (library, "nvmlDeviceGetComputeRunningProcesses_v2", &nvml->processes_2);
    look_up (library, "nvmlDeviceGetProcessUtilization", &nvml->samples);
}

struct aw_nvml *aw_nvml_open (void)
{
    void *library = dlopen ("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    struct aw_nvml *nvml = library ? calloc (1, sizeof (*nvml)) : NULL;

    if (!nvml) {
        if (library)
            dlclose (library);
        return NULL;
    }
    nvml->library = library;
    look_up_all (nvml);
    if (!nvml->init || !nvml->shutdown || nvml->init () != DONE) {
        dlclose (library);
        free (nvml);
        return NULL;
    }
    return nvml;
}

void aw_nvml_close (struct aw_nvml *nvml)
{
    if (nvml) {
        nvml->shutdown ();
        dlclose (nvml->library);
        free (nvml);
    }
}

void *aw_nvml_device (const struct aw_nvml *nvml, const char *entry)
{
    bool number = *entry && strspn (entry, "0123456789") == strlen (entry);
    void *device = NULL;

    if (number ? !nvml->by_index : !nvml->by_name)
        return NULL;
    if (number)
        return nvml->by_index ((unsigned)strtoul (entry, NULL, 10), &device) == DONE ? device
                                                                                     : NULL;
    return nvml->by_name (entry, &device) == DONE ? device : NULL;
}

void *aw_nvml_gpu (const struct aw_nvml *nvml, const struct aw_gpus *gpus, uint32_t id)
{
    const char *entry = aw_gpus_entry (gpus, id);
    char number[16];

    snprintf (number, sizeof (number), "%u", id);
    return aw_nvml_device (nvml, entry ? entry : number);
}

int aw_nvml_name (const struct aw_nvml *nvml, void *device, char *buf, size_t size)
{
    char name[96] = ""; /* NVML_DEVICE_NAME_V2_BUFFER_SIZE */
    size_t n;

    if (!nvml->name || nvml->name (device, name, sizeof (name)) != DONE)
        return -1;
    name[sizeof (name) - 1] = '\0';
    n = strlen (name);
    if (n == 0 || n >= size)
        return -1;
    for (size_t i = 0; i <= n; i++) {
        unsigned char c = (unsigned char)name[i];

        buf[i] = (char)(c == '\0' || isalnum (c) || strchr (".+-", c) ? tolower (c) : '_');
    }
    return 0;
}

int aw_nvml_place (const struct aw_nvml *nvml, void *device, struct aw_pci_place *place)
{
    struct pci_info info = { .domain = 0 };
    void *whole;

    if (nvml->whole && nvml->whole (device, &whole) == DONE)
        device = whole;
    if (!nvml->pci || nvml->pci (device, &info) != DONE)
        return -1;
    *place = (struct aw_pci_place){ info.domain, info.bus, info.device };
    return 0;
}

int aw_nvml_load (const struct aw_nvml *nvml, void *device, double *load)
{
    struct utilization utilization;

    if (!nvml->utilization || nvml->utilization (device, &utilization) != DONE
        || utilization.gpu > 100)
        return -1;
    *load = utilization.gpu / 100.;
    return 0;
}

int aw_nvml_memory (const struct aw_nvml *nvml, void *device, uint64_t *used)
{
    struct memory memory;

    if (!nvml->memory || nvml->memory (device, &memory) != DONE)
        return -1;
    *used = memory.used;
    return 0;
}

static int list_processes (const struct aw_nvml *nvml,
                           void *device,
                           struct aw_gpu_process *processes,
                           size_t n)
{
    struct process_2 list[256];
    struct process_1 *old = (struct process_1 *)list; /* a shorter one */
    unsigned count = 256;

    if (nvml->processes_2 ? nvml->processes_2 (device, &count, list) != DONE
                          : !nvml->processes_1 || nvml->processes_1 (device, &count, old) != DONE)
        return -1;
    for (unsigned i = 0; i < count && i < n; i++) {
        unsigned long long used = nvml->processes_2 ? list[i].used : old[i].used;

        processes[i].pid = (pid_t)(nvml->processes_2 ? list[i].pid : old[i].pid);
        processes[i].memory = used == ~0ULL ? 0 : used; /* not available */
        processes[i].load = -1;
    }
    return (int)(count < n ? count : n);
}

/* Of several samples of a process the newest counts. */
static void add_samples (const struct aw_nvml *nvml,
                         void *device,
                         struct aw_gpu_process *processes,
                         int n)
{
    struct sample *samples;
    unsigned count = MOST_SAMPLES;

    if (!nvml->samples || n <= 0)
        return;
    samples = calloc (MOST_SAMPLES, sizeof (*samples));
    if (samples
        && nvml->samples (device, samples, &count,
                          (unsigned long long)((aw_clock_wall () - SAMPLE_SECONDS) * 1e6))
               == DONE) {
        for (int p = 0; p < n; p++) {
            unsigned long long newest = 0;

            processes[p].load = 0; /* one that computed nothing has no sample */
            for (unsigned i = 0; i < count && i < MOST_SAMPLES; i++) {
                if ((pid_t)samples[i].pid == processes[p].pid && samples[i].time >= newest
                    && samples[i].sm <= 100) {
                    newest = samples[i].time;
                    processes[p].load = samples[i].sm / 100.;
                }
            }
        }
    }
    free (samples);
}

int aw_nvml_processes (const struct aw_nvml *nvml,
                       void *device,
                       struct aw_gpu_process *processes,
                       size_t n)
{
    int count = list_processes (nvml, device, processes, n);

    add_samples (nvml, device, processes, count);
    return count;
}
