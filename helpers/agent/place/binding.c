/* SPDX-License-Identifier: Apache-2.0 */
/* By default the kernel takes memory near the CPU that touches it first, so a bound process would
 * get near memory without a policy. It is set for two reasons: an inherited policy (numactl,
 * Slurm's
 * --mem-bind) was meant for another place; and on machines whose GPUs or fast memory are NUMA nodes
 * of their own, programs expect memory of the CPUs' nodes.
 */
#include "config.h"

#include "agent/place/binding.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/resources/topology.h"

/* linux/mempolicy.h */
enum { POLICY_DEFAULT = 0, POLICY_PREFERRED = 1, POLICY_PREFERRED_MANY = 5 /* Linux 5.15 */ };

enum { WORD_BITS = sizeof (unsigned long) * CHAR_BIT };

/* The kernel is built for at most 1024 NUMA nodes. */
enum { MOST_NODES = 1024 };

/* Reads SET from a file with one list of ids. 0, or -1 with errno. */
static int read_list (const char *path, struct aw_idset *set)
{
    char text[16384]; /* 8192 CPUs, every other one */
    FILE *file = fopen (path, "re");
    size_t n;

    if (!file)
        return -1;
    n = fread (text, 1, sizeof (text) - 1, file);
    fclose (file);
    text[n] = '\0';
    text[strcspn (text, "\n")] = '\0';
    return aw_idset_parse (set, text);
}

int aw_numa_read (struct aw_numa *numa, const char *root)
{
    struct aw_idset online = { 0 };
    char path[PATH_MAX];
    int rc = 0;

    memset (numa, 0, sizeof (*numa));
    snprintf (path, sizeof (path), "%s/sys/devices/system/node/online", root);
    if (read_list (path, &online) < 0)
        return -1;
    for (uint32_t i = aw_idset_next (&online, 0); i < MOST_NODES;
         i = aw_idset_next (&online, i + 1))
        numa->n = i + 1;
    numa->cpus = calloc (numa->n ? numa->n : 1, sizeof (*numa->cpus));
    if (!numa->cpus)
        rc = -1;
    for (uint32_t i = aw_idset_next (&online, 0); rc == 0 && i < numa->n;
         i = aw_idset_next (&online, i + 1)) {
        snprintf (path, sizeof (path), "%s/sys/devices/system/node/node%u/cpulist", root, i);
        /* A node that was removed in between has no CPUs. */
        if (read_list (path, &numa->cpus[i]) < 0 && errno == ENOMEM)
            rc = -1;
    }
    aw_idset_finish (&online);
    if (rc < 0) {
        aw_numa_finish (numa);
        errno = ENOMEM;
    }
    return rc;
}

void aw_numa_finish (struct aw_numa *numa)
{
    int saved = errno;

    for (uint32_t i = 0; numa->cpus && i < numa->n; i++)
        aw_idset_finish (&numa->cpus[i]);
    free (numa->cpus);
    memset (numa, 0, sizeof (*numa));
    errno = saved;
}

char *aw_cores_read (const char *root, const struct aw_idset *cpus)
{
    struct aw_topology cores = { 0 };
    struct aw_idset seen = { 0 };
    char *text = NULL;
    char path[PATH_MAX];
    int rc = 0;

    cores.groups[AW_LEVEL_CORE] = calloc (aw_idset_count (cpus) + 1, sizeof (struct aw_idset));
    if (!cores.groups[AW_LEVEL_CORE])
        return NULL;
    for (uint32_t id = aw_idset_next (cpus, 0); rc == 0 && id != AW_IDSET_NONE;
         id = aw_idset_next (cpus, id + 1)) {
        struct aw_idset *core = &cores.groups[AW_LEVEL_CORE][cores.n_groups[AW_LEVEL_CORE]];

        if (aw_idset_has (&seen, id))
            continue;
        snprintf (path, sizeof (path), "%s/sys/devices/system/cpu/cpu%u/topology/%s", root, id,
                  "thread_siblings_list");
        rc = read_list (path, core);
        cores.n_groups[AW_LEVEL_CORE]++;
        if (rc == 0)
            rc = aw_idset_add_all (&seen, core);
    }
    if (rc == 0 && aw_topology_restrict (&cores, cpus) == 0)
        text = aw_topology_format (&cores);
    aw_topology_finish (&cores);
    aw_idset_finish (&seen);
    return text;
}

static int fill_cpus (struct aw_binding *binding, const struct aw_idset *cpus)
{
    uint32_t last = 0;
    size_t size;

    for (uint32_t i = aw_idset_next (cpus, 0); i != AW_IDSET_NONE; i = aw_idset_next (cpus, i + 1))
        last = i;
    size = CPU_ALLOC_SIZE (last + 1);
    if (size > binding->cpus_size) {
        void *mask = realloc (binding->cpus, size);

        if (!mask)
            return -1;
        binding->cpus = mask;
        binding->cpus_size = size;
    }
    CPU_ZERO_S (binding->cpus_size, (cpu_set_t *)binding->cpus);
    for (uint32_t i = aw_idset_next (cpus, 0); i != AW_IDSET_NONE; i = aw_idset_next (cpus, i + 1))
        CPU_SET_S (i, binding->cpus_size, (cpu_set_t *)binding->cpus);
    return 0;
}

static int fill_nodes (struct aw_binding *binding,
                       const struct aw_numa *numa,
                       const struct aw_idset *cpus)
{
    size_t n_words = (numa->n + WORD_BITS - 1) / WORD_BITS;

    if (n_words * WORD_BITS > binding->n_bits) {
        unsigned long *nodes = realloc (binding->nodes, n_words * sizeof (*nodes));

        if (!nodes)
            return -1;
        binding->nodes = nodes;
        binding->n_bits = n_words * WORD_BITS;
    }
    memset (binding->nodes, 0, binding->n_bits / CHAR_BIT);
    for (uint32_t i = 0; i < numa->n; i++) {
        if (aw_idset_intersects (&numa->cpus[i], cpus)) {
            binding->nodes[i / WORD_BITS] |= 1UL << (i % WORD_BITS);
            binding->near = true;
        }
    }
    return 0;
}

int aw_binding_prepare (struct aw_binding *binding,
                        const struct aw_numa *numa,
                        const struct aw_idset *cpus)
{
    binding->bound = false;
    binding->near = false;
    if (!cpus || aw_idset_next (cpus, 0) == AW_IDSET_NONE)
        return 0;
    if (fill_cpus (binding, cpus) < 0
        || (numa && numa->n > 0 && fill_nodes (binding, numa, cpus) < 0)) {
        binding->near = false;
        errno = ENOMEM;
        return -1;
    }
    binding->bound = true;
    return 0;
}

/* The kernel reads one bit fewer than the length it gets. Before Linux 5.15 only one node can be
 * preferred; of several nodes the first would be wrong for CPUs of the others, so then the default
 * policy is set: memory near each CPU.
 */
static void place_memory (const struct aw_binding *binding)
{
    const unsigned long bits = binding->n_bits + 1;
    unsigned n = 0;

    if (syscall (SYS_set_mempolicy, POLICY_PREFERRED_MANY, binding->nodes, bits) == 0)
        return;
    for (size_t i = 0; i < binding->n_bits / WORD_BITS; i++)
        n += (unsigned)__builtin_popcountl (binding->nodes[i]);
    if (n == 1)
        syscall (SYS_set_mempolicy, POLICY_PREFERRED, binding->nodes, bits);
    else
        syscall (SYS_set_mempolicy, POLICY_DEFAULT, NULL, 0UL);
}

int aw_binding_apply (const struct aw_binding *binding)
{
    if (!binding->bound)
        return 0;
    if (sched_setaffinity (0, binding->cpus_size, binding->cpus) < 0)
        return -1;
    if (binding->near)
        place_memory (binding);
    return 0;
}

void aw_binding_finish (struct aw_binding *binding)
{
    int saved = errno;

    free (binding->cpus);
    free (binding->nodes);
    memset (binding, 0, sizeof (*binding));
    errno = saved;
}
