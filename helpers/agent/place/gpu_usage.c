/* SPDX-License-Identifier: Apache-2.0 */
/* A whole GPU's load is its task's, whoever of it computes. Of a shared one, load and memory are
 * added up over the task's processes. NVML's process ids may be those of another namespace
 * (containers): then the memory of a whole GPU is its task's, and of a share nothing is known.
 */
#include "config.h"

#include "agent/place/gpu_usage.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/place/gpus.h"
#include "agent/place/nvml.h"
#include "agent/private.h"

enum { MOST_PROCESSES = 256 };

static const struct timeval look_interval = { 1, 0 };

/* Does PID belong to TASK? Its session tells, or the mark in its environment. */
static bool is_of (const struct aw_agent_task *task, pid_t pid)
{
    uint32_t number, attempt;

    if (getsid (pid) == task->pid)
        return true;
    return aw_process_launch (pid, &number, &attempt) && number == task->task
           && attempt == task->attempt;
}

/* What TASK's processes have on a device. */
struct found {
    int n; /* of them; -1: not known */
    bool others; /* there are some of which that cannot be said */
    uint64_t memory;
    double load; /* < 0: not known */
};

static struct found find_processes (const struct aw_agent *agent,
                                    const struct aw_agent_task *task,
                                    void *device)
{
    struct aw_gpu_process processes[MOST_PROCESSES];
    int n = aw_nvml_processes (agent->config->nvml, device, processes, MOST_PROCESSES);
    struct found found = { .n = n < 0 ? -1 : 0 };

    for (int i = 0; i < n; i++) {
        if (!is_of (task, processes[i].pid)) {
            found.others = true;
            continue;
        }
        found.n++;
        found.memory += processes[i].memory;
        found.load = processes[i].load < 0 || found.load < 0 ? -1 : found.load + processes[i].load;
    }
    return found;
}

/* What a look at one task's GPUs adds up. */
struct look {
    double load;
    uint32_t n_loads;
    uint64_t memory;
    bool memory_known;
};

static void look_at_device (const struct aw_agent *agent,
                            const struct aw_agent_task *task,
                            void *device,
                            struct look *look)
{
    const struct aw_nvml *nvml = agent->config->nvml;
    struct found found = find_processes (agent, task, device);
    bool whole = task->gpu_share == 0;
    double load;
    uint64_t memory;

    if (whole ? aw_nvml_load (nvml, device, &load) == 0 : found.n > 0 && found.load >= 0) {
        look->load += whole ? load : found.load;
        look->n_loads++;
    }
    if (found.n > 0 || (found.n == 0 && !found.others)) {
        look->memory += found.memory;
        look->memory_known = true;
    }
    else if (whole && aw_nvml_memory (nvml, device, &memory) == 0) {
        look->memory += memory;
        look->memory_known = true;
    }
}

static void look_at_task (struct aw_agent *agent, struct aw_agent_task *task)
{
    struct aw_gpu_usage *usage = &task->gpu_usage;
    struct look look = { .load = 0 };
    uint32_t place = 0;

    for (uint32_t id = aw_idset_next (&agent->config->gpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (&agent->config->gpus, id + 1), place++)
        if (agent->gpu_devices[place] && aw_idset_has (&task->gpus, id))
            look_at_device (agent, task, agent->gpu_devices[place], &look);
    if (look.n_loads > 0) {
        usage->load += look.load / look.n_loads;
        usage->n_loads++;
    }
    if (look.memory_known) {
        usage->n_looks++;
        if (look.memory > usage->memory)
            usage->memory = look.memory;
    }
}

static void on_look (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent *agent = arg;
    bool any = false;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < agent->tasks.n; i++) {
        if (aw_idset_next (&agent->tasks.items[i]->gpus, 0) == AW_IDSET_NONE)
            continue;
        look_at_task (agent, agent->tasks.items[i]);
        any = true;
    }
    if (any)
        event_add (agent->look, &look_interval);
}

int aw_gpu_usage_prepare (struct aw_agent *agent)
{
    const struct aw_agent_config *config = agent->config;
    uint32_t n = aw_idset_count (&config->gpus), place = 0;
    struct aw_gpus *gpus;

    if (!config->nvml || n == 0)
        return 0;
    gpus = aw_gpus_create (environ, &config->gpus, NULL);
    agent->gpu_devices = calloc (n, sizeof (*agent->gpu_devices));
    agent->look = evtimer_new (agent->base, on_look, agent);
    if (!gpus || !agent->gpu_devices || !agent->look) {
        aw_gpus_destroy (gpus);
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t id = aw_idset_next (&config->gpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (&config->gpus, id + 1))
        agent->gpu_devices[place++] = aw_nvml_gpu (config->nvml, gpus, id);
    aw_gpus_destroy (gpus);
    return 0;
}

void aw_gpu_usage_finish (struct aw_agent *agent)
{
    free (agent->gpu_devices);
    if (agent->look)
        event_free (agent->look);
}

void aw_gpu_usage_watch (struct aw_agent *agent)
{
    if (agent->look && !event_pending (agent->look, EV_TIMEOUT, NULL))
        event_add (agent->look, &look_interval);
}

void aw_gpu_usage_report (const struct aw_agent_task *task, struct aw_event *finish)
{
    const struct aw_gpu_usage *usage = &task->gpu_usage;

    finish->gpu_known = usage->n_loads > 0 || usage->n_looks > 0;
    finish->gpu_util = usage->n_loads > 0 ? usage->load / usage->n_loads : -1;
    finish->gpu_mem = usage->memory;
}
