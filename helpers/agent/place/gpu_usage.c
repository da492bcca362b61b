/* SPDX-License-Identifier: Apache-2.0 */
/* The load of a whole GPU is that of its task, whichever process computes. On a shared GPU, load
 * and memory are summed over the task's processes. NVML's process ids may be those of another
 * namespace (containers): then the memory of a whole GPU is that of its task, and the usage of a
 * share is not known.
 */
#include "config.h"

#include "agent/place/gpu_usage.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/place/gpus.h"
#include "agent/place/nvml.h"
#include "util/processes.h"

enum { MOST_PROCESSES = 256 };

static const struct timeval interval = { 1, 0 };

struct aw_gpu_watch {
    const struct aw_nvml *nvml;
    struct aw_idset ids;
    void **devices; /* NVML's, in the order of ids; NULL: not known */
    struct event *timer; /* pending while there are usages */
    struct aw_gpu_usage *usages;
};

/* Does PID belong to the attempt? Its session tells, or the launch in its environment. */
static bool is_of (const struct aw_gpu_usage *usage, pid_t pid)
{
    uint32_t task, attempt;

    if (getsid (pid) == usage->session)
        return true;
    return aw_process_launch (pid, &task, &attempt) && task == usage->task
           && attempt == usage->attempt;
}

/* The attempt's processes on a device. */
struct found {
    int n; /* -1: not known */
    bool others; /* there are processes that may not be the attempt's */
    uint64_t memory;
    double load; /* < 0: not known */
};

static struct found find_processes (const struct aw_nvml *nvml,
                                    const struct aw_gpu_usage *usage,
                                    void *device)
{
    struct aw_gpu_process processes[MOST_PROCESSES];
    int n = aw_nvml_processes (nvml, device, processes, MOST_PROCESSES);
    struct found found = { .n = n < 0 ? -1 : 0 };

    for (int i = 0; i < n; i++) {
        if (!is_of (usage, processes[i].pid)) {
            found.others = true;
            continue;
        }
        found.n++;
        found.memory += processes[i].memory;
        found.load = processes[i].load < 0 || found.load < 0 ? -1 : found.load + processes[i].load;
    }
    return found;
}

/* The sum over one attempt's GPUs. */
struct sample {
    double load;
    uint32_t n_loads;
    uint64_t memory;
    bool memory_known;
};

static void sample_device (const struct aw_nvml *nvml,
                           const struct aw_gpu_usage *usage,
                           void *device,
                           struct sample *sample)
{
    struct found found = find_processes (nvml, usage, device);
    bool whole = usage->share == 0;
    double load;
    uint64_t memory;

    if (whole ? aw_nvml_load (nvml, device, &load) == 0 : found.n > 0 && found.load >= 0) {
        sample->load += whole ? load : found.load;
        sample->n_loads++;
    }
    if (found.n > 0 || (found.n == 0 && !found.others)) {
        sample->memory += found.memory;
        sample->memory_known = true;
    }
    else if (whole && aw_nvml_memory (nvml, device, &memory) == 0) {
        sample->memory += memory;
        sample->memory_known = true;
    }
}

static void sample_usage (const struct aw_gpu_watch *watch, struct aw_gpu_usage *usage)
{
    struct sample sample = { .load = 0 };
    uint32_t place = 0;

    for (uint32_t id = aw_idset_next (&watch->ids, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (&watch->ids, id + 1), place++)
        if (watch->devices[place] && aw_idset_has (&usage->gpus, id))
            sample_device (watch->nvml, usage, watch->devices[place], &sample);
    if (sample.n_loads > 0) {
        usage->load += sample.load / sample.n_loads;
        usage->n_loads++;
    }
    if (sample.memory_known) {
        usage->n_memory++;
        if (sample.memory > usage->memory)
            usage->memory = sample.memory;
    }
}

static void on_timer (evutil_socket_t fd, short what, void *arg)
{
    struct aw_gpu_watch *watch = arg;

    (void)fd;
    (void)what;
    for (struct aw_gpu_usage *usage = watch->usages; usage; usage = usage->next)
        sample_usage (watch, usage);
    if (watch->usages)
        event_add (watch->timer, &interval);
}

struct aw_gpu_watch *aw_gpu_watch_create (struct event_base *base,
                                          const struct aw_nvml *nvml,
                                          const struct aw_idset *ids)
{
    struct aw_gpu_watch *watch = calloc (1, sizeof (*watch));
    struct aw_gpus *gpus = aw_gpus_create (environ, ids, NULL);
    uint32_t place = 0;

    if (watch) {
        watch->nvml = nvml;
        watch->devices = calloc (aw_idset_count (ids) + (size_t)1, sizeof (*watch->devices));
        watch->timer = evtimer_new (base, on_timer, watch);
    }
    if (!watch || !gpus || !watch->devices || !watch->timer
        || aw_idset_copy (&watch->ids, ids) < 0) {
        aw_gpus_destroy (gpus);
        aw_gpu_watch_destroy (watch);
        errno = ENOMEM;
        return NULL;
    }
    for (uint32_t id = aw_idset_next (ids, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (ids, id + 1))
        watch->devices[place++] = aw_nvml_gpu (nvml, gpus, id);
    aw_gpus_destroy (gpus);
    return watch;
}

void aw_gpu_watch_destroy (struct aw_gpu_watch *watch)
{
    if (!watch)
        return;
    if (watch->timer)
        event_free (watch->timer);
    aw_idset_finish (&watch->ids);
    free (watch->devices);
    free (watch);
}

int aw_gpu_usage_begin (struct aw_gpu_usage *usage,
                        struct aw_gpu_watch *watch,
                        const struct aw_launch *launch,
                        pid_t session)
{
    if (!watch || aw_idset_next (&launch->gpus, 0) == AW_IDSET_NONE)
        return 0;
    if (aw_idset_copy (&usage->gpus, &launch->gpus) < 0)
        return -1;
    usage->task = launch->task;
    usage->attempt = launch->attempt;
    usage->session = session;
    usage->share = launch->gpu_share;
    usage->next = watch->usages;
    usage->link = &watch->usages;
    if (usage->next)
        usage->next->link = &usage->next;
    watch->usages = usage;
    if (!event_pending (watch->timer, EV_TIMEOUT, NULL))
        event_add (watch->timer, &interval);
    return 0;
}

void aw_gpu_usage_end (struct aw_gpu_usage *usage)
{
    if (usage->link) {
        *usage->link = usage->next;
        if (usage->next)
            usage->next->link = usage->link;
    }
    usage->link = NULL;
    aw_idset_finish (&usage->gpus);
}

void aw_gpu_usage_report (const struct aw_gpu_usage *usage, struct aw_event *finish)
{
    finish->gpu_known = usage->n_loads > 0 || usage->n_memory > 0;
    finish->gpu_util = usage->n_loads > 0 ? usage->load / usage->n_loads : -1;
    finish->gpu_mem = usage->memory;
}
