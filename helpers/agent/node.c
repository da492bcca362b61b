/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/node.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/place/gpus.h"
#include "agent/place/memory.h"
#include "agent/place/nvml.h"
#include "agent/place/topology.h"
#include "util/strings.h"

/* The CPUs that this process may run on. The kernel rejects a mask that is too small for the
 * machine.
 */
static int allowed_cpus (struct aw_idset *set, struct aw_error *err)
{
    for (int n = 1024; n <= AW_IDSET_MAX; n *= 4) {
        size_t size = CPU_ALLOC_SIZE (n);
        cpu_set_t *mask = CPU_ALLOC (n);
        int rc;

        if (!mask)
            return aw_error_set (err, "out of memory");
        rc = sched_getaffinity (0, size, mask);
        if (rc < 0 && errno == EINVAL) {
            CPU_FREE (mask);
            continue;
        }
        for (int i = 0; rc == 0 && i < n; i++)
            if (CPU_ISSET_S (i, size, mask) && aw_idset_add (set, (uint32_t)i, (uint32_t)i) < 0)
                rc = -1;
        CPU_FREE (mask);
        return rc < 0 ? aw_error_set (err, "cannot read the allowed CPUs: %s", strerror (errno))
                      : 0;
    }
    return aw_error_set (err, "cannot read the allowed CPUs: there are too many");
}

static void note (struct aw_agent_config *config, const char *why)
{
    free ((char *)config->note);
    config->note = strdup (why); /* without memory there is no remark */
}

/* Are all of CPUS allowed? Then tasks are bound to theirs. */
static void decide_binding (struct aw_agent_config *config, const struct aw_idset *allowed)
{
    struct aw_idset missing = { 0 };
    char list[64];
    char text[256];

    config->bind = false;
    if (aw_idset_copy (&missing, &config->cpus) < 0)
        return;
    aw_idset_remove_all (&missing, allowed);
    config->bind = aw_idset_count (&missing) == 0;
    if (!config->bind) {
        aw_idset_format (&missing, list, sizeof (list));
        snprintf (text, sizeof (text),
                  "CPUs %s do not exist or are not allowed here: tasks run unbound, and CPUs in "
                  "the journal "
                  "are only planned",
                  list);
        note (config, text);
    }
    aw_idset_finish (&missing);
}

/* A number in the environment, or 0. */
static uint64_t number (char *const *env, const char *name)
{
    const char *value = aw_env_get (env, name);
    char *end;
    unsigned long long n;

    if (!value || *value < '0' || *value > '9')
        return 0;
    errno = 0;
    n = strtoull (value, &end, 10);
    return errno || *end ? 0 : n;
}

/* Takes the CPUs of a machine that HWLOC_XMLFILE or HWLOC_SYNTHETIC describes, if it can be the
 * node that Slurm's configuration declares, with COUNT CPUs for this step. False: it cannot.
 */
static bool take_declared (struct aw_agent_config *config,
                           const struct aw_machine *machine,
                           uint64_t count)
{
    const struct aw_topology *topology = &machine->topology;
    struct aw_idset cpus = { 0 };

    for (uint32_t i = 0; i < topology->n_groups[AW_LEVEL_CORE]; i++)
        if (aw_idset_add_all (&cpus, &topology->groups[AW_LEVEL_CORE][i]) < 0)
            break;
    if (aw_idset_count (&cpus) < count || aw_idset_count (&cpus) == 0) {
        aw_idset_finish (&cpus);
        return false;
    }
    config->cpus = cpus;
    config->bind = false;
    note (config, "HWLOC_XMLFILE or HWLOC_SYNTHETIC describes another machine: tasks run unbound, "
                  "and CPUs in "
                  "the journal are only planned");
    return true;
}

/* Slurm says how many CPUs of this node the step has, but not which. They are the allowed ones if
 * the step is confined to that number; else the coordinator knows them.
 */
static int take_cpus (struct aw_agent_config *config,
                      const struct aw_idset *allowed,
                      uint64_t count,
                      struct aw_error *err)
{
    uint32_t n_allowed = aw_idset_count (allowed);

    if (count <= n_allowed) {
        if (aw_idset_copy (&config->cpus, allowed) < 0)
            return aw_error_set (err, "out of memory");
        config->bind = true;
        return 0;
    }
    if (count > AW_IDSET_MAX || aw_idset_add (&config->cpus, 0, (uint32_t)count - 1) < 0)
        return aw_error_set (err, "SLURM_CPUS_ON_NODE: %llu is not a possible number of CPUs",
                             (unsigned long long)count);
    decide_binding (config, allowed);
    return 0;
}

/* The smallest limit by Slurm and the cgroup, or 0. The step's own --mem=0 arrives as 0: it means
 * all memory of the job, which the coordinator knows.
 */
static uint64_t job_memory (char *const *env, uint64_t cpus, uint64_t gpus)
{
    uint64_t limit = aw_memory_limit ("");
    uint64_t mb = number (env, "SLURM_MEM_PER_NODE");

    if (mb == 0)
        mb = number (env, "SLURM_MEM_PER_CPU") * cpus;
    if (mb == 0)
        mb = number (env, "SLURM_MEM_PER_GPU") * gpus;
    if (mb == 0 || mb >= UINT64_MAX >> 20)
        return limit;
    return limit == 0 || mb << 20 < limit ? mb << 20 : limit;
}

/* Reads the machine. A topology that cannot be read is a remark, not an error: tasks run without,
 * but are not placed close to each other.
 */
static void read_machine (struct aw_agent_config *config,
                          char *const *env,
                          struct aw_machine *machine)
{
    struct aw_gpus *gpus = aw_gpus_create (env, &config->gpus, NULL);
    struct aw_error err = { "out of memory" };

    memset (machine, 0, sizeof (*machine));
    if (aw_idset_next (&config->gpus, 0) != AW_IDSET_NONE)
        config->nvml = aw_nvml_open ();
    if (!gpus || aw_machine_read (machine, gpus, &config->gpus, config->nvml, &err) < 0) {
        machine->is_here = true;
        note (config, err.text);
    }
    aw_gpus_destroy (gpus);
}

/* Sets the topology of CONFIG: for its CPUs alone, or for the WHOLE machine if the coordinator has
 * to find the job's CPUs in it. CPUs that exist only in Slurm's configuration have none; GPUs have
 * their types.
 */
static int set_topology (struct aw_agent_config *config,
                         struct aw_machine *machine,
                         bool whole,
                         struct aw_error *err)
{
    const struct aw_idset none = { 0 };
    bool unlike = machine->is_here && !config->bind;

    for (uint32_t i = 0; unlike && i < machine->topology.n_gpus; i++)
        aw_idset_finish (&machine->topology.gpus[i].cpus);
    if ((unlike || !whole)
        && aw_topology_restrict (&machine->topology, unlike ? &none : &config->cpus) < 0)
        return aw_error_set (err, "out of memory");
    config->topology = aw_topology_format (&machine->topology);
    if (!config->topology)
        return aw_error_set (err, "out of memory");
    if (config->topology[0] == '\0') {
        free ((char *)config->topology);
        config->topology = NULL;
    }
    return 0;
}

int aw_node_gpus (struct aw_idset *ids, char *const *env, struct aw_error *err)
{
    static const char *const lists[] = { "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                         "ZE_AFFINITY_MASK", "SLURM_STEP_GPUS" };
    const char *gpus = NULL;

    for (size_t i = 0; i < sizeof (lists) / sizeof (lists[0]) && !gpus; i++)
        gpus = aw_env_get (env, lists[i]);
    if (gpus && strcmp (gpus, "NoDevFiles") == 0) /* "none" in some releases of Slurm */
        gpus = NULL;
    return aw_gpus_ids (gpus, ids) < 0 ? aw_error_set (err, "out of memory") : 0;
}

static int discover (struct aw_agent_config *config,
                     char *const *env,
                     struct aw_machine *machine,
                     struct aw_error *err)
{
    uint64_t count = number (env, "SLURM_CPUS_ON_NODE");
    struct aw_idset allowed = { 0 };
    bool declared;
    int rc = allowed_cpus (&allowed, err);

    declared = rc == 0 && !machine->is_here && take_declared (config, machine, count);
    if (rc == 0 && !declared)
        rc = take_cpus (config, &allowed, count, err);
    aw_idset_finish (&allowed);
    if (rc == 0)
        rc = set_topology (config, machine, true, err);
    config->mem = job_memory (env, count ? count : aw_idset_count (&config->cpus),
                              aw_idset_count (&config->gpus));
    if (config->mem == 0 && config->bind)
        config->mem = machine->mem;
    return rc;
}

int aw_node_discover (struct aw_agent_config *config, char *const *env, struct aw_error *err)
{
    struct aw_machine machine;
    int rc = aw_node_gpus (&config->gpus, env, err);

    if (rc == 0) {
        read_machine (config, env, &machine);
        rc = discover (config, env, &machine, err);
        aw_machine_finish (&machine);
    }
    if (rc < 0)
        aw_node_finish (config);
    return rc;
}

int aw_node_local (struct aw_agent_config *config,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus,
                   struct aw_error *err)
{
    struct aw_idset allowed = { 0 };
    struct aw_machine machine = { .is_here = true };
    uint64_t limit = aw_memory_limit ("");
    int rc = allowed_cpus (&allowed, err);

    if (rc == 0 && aw_idset_copy (&config->gpus, gpus) < 0)
        rc = aw_error_set (err, "out of memory");
    if (rc == 0) {
        read_machine (config, environ, &machine);
        if (!machine.is_here && aw_idset_count (cpus) == 0) {
            if (!take_declared (config, &machine, 0))
                rc = aw_error_set (
                    err, "HWLOC_XMLFILE or HWLOC_SYNTHETIC describes a machine without CPUs");
        }
        else {
            if (aw_idset_copy (&config->cpus, aw_idset_count (cpus) ? cpus : &allowed) < 0)
                rc = aw_error_set (err, "out of memory");
            decide_binding (config, &allowed);
        }
    }
    if (rc == 0)
        rc = set_topology (config, &machine, false, err);
    aw_idset_finish (&allowed);
    config->mem = limit && (limit < machine.mem || !machine.mem) ? limit : machine.mem;
    aw_machine_finish (&machine);
    if (rc < 0)
        aw_node_finish (config);
    return rc;
}

void aw_node_finish (struct aw_agent_config *config)
{
    aw_idset_finish (&config->cpus);
    aw_idset_finish (&config->gpus);
    free ((char *)config->note);
    config->note = NULL;
    free (config->scratch.path);
    config->scratch.path = NULL;
    free ((char *)config->topology);
    config->topology = NULL;
    aw_nvml_close (config->nvml);
    config->nvml = NULL;
}
