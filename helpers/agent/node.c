/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/node.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/environment.h"
#include "agent/gpus.h"

/* The CPUs that this process may run on. The kernel refuses a mask that is too small for the
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
        return rc < 0 ? aw_error_set (err, "the CPUs that may be used: %s", strerror (errno)) : 0;
    }
    return aw_error_set (err, "the CPUs that may be used: the mask is too large");
}

static void note (struct aw_agent_config *config, const char *why)
{
    free ((char *)config->note);
    config->note = strdup (why); /* a remark: without memory it is not made */
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
        snprintf (
            text, sizeof (text),
            "CPUs %s do not exist or may not be used here: tasks run unbound, the CPUs in the "
            "journal are planned ones",
            list);
        note (config, text);
    }
    aw_idset_finish (&missing);
}

/* A number in the environment, or 0. */
static uint64_t number (char *const *env, const char *name)
{
    const char *value = aw_environment_get (env, name);
    char *end;
    unsigned long long n;

    if (!value || *value < '0' || *value > '9')
        return 0;
    errno = 0;
    n = strtoull (value, &end, 10);
    return errno || *end ? 0 : n;
}

/* Slurm tells how many CPUs of this node are the step's. Which: those that it may use, where it is
 * confined to just so many.
 */
static int take_cpus (struct aw_agent_config *config,
                      const struct aw_idset *allowed,
                      uint64_t count,
                      struct aw_error *err)
{
    uint32_t n_allowed = aw_idset_count (allowed);

    if (count == 0 || count == n_allowed) {
        if (aw_idset_copy (&config->cpus, allowed) < 0)
            return aw_error_set (err, "out of memory");
        config->bind = true;
        return 0;
    }
    if (count > AW_IDSET_MAX || aw_idset_add (&config->cpus, 0, (uint32_t)count - 1) < 0)
        return aw_error_set (err, "SLURM_CPUS_ON_NODE: %llu CPUs cannot be",
                             (unsigned long long)count);
    if (n_allowed > count)
        note (config,
              "which CPUs are the job's is not known here: tasks run unbound, the CPUs in the "
              "journal are planned ones");
    else
        decide_binding (config, allowed);
    return 0;
}

static uint64_t job_memory (char *const *env, uint64_t cpus)
{
    uint64_t mb = number (env, "SLURM_MEM_PER_NODE");

    if (mb == 0)
        mb = number (env, "SLURM_MEM_PER_CPU") * cpus;
    return mb < UINT64_MAX >> 20 ? mb << 20 : 0;
}

int aw_node_discover (struct aw_agent_config *config, char *const *env, struct aw_error *err)
{
    struct aw_idset allowed = { 0 };
    const char *gpus = aw_environment_get (env, "CUDA_VISIBLE_DEVICES");
    int rc;

    if (!gpus)
        gpus = aw_environment_get (env, "ROCR_VISIBLE_DEVICES");
    if (!gpus)
        gpus = aw_environment_get (env, "SLURM_STEP_GPUS");
    if (gpus && strcmp (gpus, "NoDevFiles") == 0) /* Slurm's word for none in some releases */
        gpus = NULL;
    rc = allowed_cpus (&allowed, err);
    if (rc == 0)
        rc = take_cpus (config, &allowed, number (env, "SLURM_CPUS_ON_NODE"), err);
    aw_idset_finish (&allowed);
    if (rc == 0 && aw_gpus_ids (gpus, &config->gpus) < 0)
        rc = aw_error_set (err, "out of memory");
    if (rc == 0)
        config->mem = job_memory (env, aw_idset_count (&config->cpus));
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
    long pages = sysconf (_SC_PHYS_PAGES);
    long page = sysconf (_SC_PAGESIZE);
    int rc = allowed_cpus (&allowed, err);

    if (rc == 0
        && (aw_idset_copy (&config->cpus, aw_idset_count (cpus) ? cpus : &allowed) < 0
            || aw_idset_copy (&config->gpus, gpus) < 0))
        rc = aw_error_set (err, "out of memory");
    if (rc == 0)
        decide_binding (config, &allowed);
    aw_idset_finish (&allowed);
    config->mem = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
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
    free ((char *)config->topology);
    config->topology = NULL;
}
