/* SPDX-License-Identifier: Apache-2.0 */
/* A fake libnvidia-ml.so.1, for machines without NVIDIA's: two GPUs and a part of the second. All
 * that they tell is made up. FAKE_NVML names a file of their processes, one a line: GPU, process
 * id, bytes, percent of the time ("-": it is not told); without it nothing is known of processes.
 * FAKE_NVML_BROKEN: the driver does not answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUCCESS, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, DRIVER = 9 };

struct device {
    int index;
    int part;
    const char *uuid, *name;
    unsigned bus, load;
    unsigned long long memory;
};

static struct device devices[] = {
    { 0, 0, "GPU-fake-0", "Fake A100 (no GPU)", 0x40, 50, 1ULL << 30 },
    { 1, 0, "GPU-fake-1", "Fake A100 (no GPU)", 0x20, 100, 3ULL << 30 },
    { 1, 1, "MIG-fake-1", "Fake A100 (no GPU) MIG 1g.5gb", 0, 0, 1ULL << 20 },
};

struct pci {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char text[32];
};

struct process {
    unsigned pid;
    unsigned long long used;
    unsigned instance[2];
};

struct sample {
    unsigned pid;
    unsigned long long time;
    unsigned sm, memory, encoder, decoder;
};

int nvmlInit_v2 (void);
int nvmlShutdown (void);
int nvmlDeviceGetHandleByIndex_v2 (unsigned index, void **device);
int nvmlDeviceGetHandleByUUID (const char *uuid, void **device);
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle (void *part, void **device);
int nvmlDeviceGetName (void *device, char *name, unsigned size);
int nvmlDeviceGetPciInfo_v3 (void *device, struct pci *pci);
int nvmlDeviceGetUtilizationRates (void *device, unsigned *rates);
int nvmlDeviceGetMemoryInfo (void *device, unsigned long long *memory);
int nvmlDeviceGetComputeRunningProcesses_v3 (void *device, unsigned *n, struct process *list);
int nvmlDeviceGetProcessUtilization (void *device,
                                     struct sample *list,
                                     unsigned *n,
                                     unsigned long long since);

int nvmlInit_v2 (void)
{
    return getenv ("FAKE_NVML_BROKEN") ? DRIVER : SUCCESS;
}

int nvmlShutdown (void)
{
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2 (unsigned index, void **device)
{
    if (index > 1)
        return INVALID;
    *device = &devices[index];
    return SUCCESS;
}

int nvmlDeviceGetHandleByUUID (const char *uuid, void **device)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp (devices[i].uuid, uuid) == 0) {
            *device = &devices[i];
            return SUCCESS;
        }
    }
    return NOT_FOUND;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle (void *part, void **device)
{
    const struct device *d = part;

    if (!d->part)
        return INVALID;
    *device = &devices[d->index];
    return SUCCESS;
}

int nvmlDeviceGetName (void *device, char *name, unsigned size)
{
    const struct device *d = device;

    if (strlen (d->name) >= size)
        return TOO_SMALL;
    strcpy (name, d->name);
    return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3 (void *device, struct pci *pci)
{
    const struct device *d = device;

    memset (pci, 0, sizeof (*pci));
    pci->bus = d->bus;
    return d->part ? INVALID : SUCCESS;
}

int nvmlDeviceGetUtilizationRates (void *device, unsigned *rates)
{
    const struct device *d = device;

    rates[0] = d->load;
    rates[1] = 0;
    return d->part ? NOT_SUPPORTED : SUCCESS;
}

int nvmlDeviceGetMemoryInfo (void *device, unsigned long long *memory)
{
    const struct device *d = device;

    memory[0] = 40ULL << 30;
    memory[1] = memory[0] - d->memory;
    memory[2] = d->memory;
    return SUCCESS;
}

/* The next line that is of DEVICE. */
static int next_line (
    FILE *file, const struct device *d, unsigned *pid, unsigned long long *bytes, char load[8])
{
    int index;

    while (fscanf (file, "%d %u %llu %7s", &index, pid, bytes, load) == 4)
        if (index == d->index)
            return 1;
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3 (void *device, unsigned *n, struct process *list)
{
    const char *name = getenv ("FAKE_NVML");
    FILE *file = name ? fopen (name, "r") : NULL;
    unsigned size = *n, pid;
    unsigned long long bytes;
    char load[8];

    *n = 0;
    if (!file)
        return name ? SUCCESS : NOT_SUPPORTED;
    while (*n < size && next_line (file, device, &pid, &bytes, load))
        list[(*n)++] = (struct process){ pid, bytes, { ~0U, ~0U } };
    fclose (file);
    return SUCCESS;
}

int nvmlDeviceGetProcessUtilization (void *device,
                                     struct sample *list,
                                     unsigned *n,
                                     unsigned long long since)
{
    const char *name = getenv ("FAKE_NVML");
    FILE *file = name ? fopen (name, "r") : NULL;
    unsigned size = *n, pid;
    unsigned long long bytes;
    char load[8];

    *n = 0;
    if (!file)
        return NOT_SUPPORTED;
    while (*n + 2 <= size && next_line (file, device, &pid, &bytes, load)) {
        if (strcmp (load, "-") == 0)
            continue;
        /* An older one first, which does not count. */
        list[(*n)++] = (struct sample){ pid, since + 1, 99, 0, 0, 0 };
        list[(*n)++] = (struct sample){ pid, since + 2, (unsigned)atoi (load), 0, 0, 0 };
    }
    fclose (file);
    return *n ? SUCCESS : NOT_FOUND;
}
