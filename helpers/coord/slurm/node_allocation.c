/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/node_allocation.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A core and its place in the machine: the lowest CPUs of what it is part of. */
struct core {
    const struct aw_idset *cpus;
    uint32_t lowest[AW_LEVELS];
};

static int compare_cores (const void *pa, const void *pb)
{
    const struct core *a = pa, *b = pb;

    for (int level = AW_LEVELS; level-- > 0;)
        if (a->lowest[level] != b->lowest[level])
            return a->lowest[level] < b->lowest[level] ? -1 : 1;
    return 0;
}

/* The lowest CPU of the group that has ID; 0 where the level is not known. */
static uint32_t lowest_around (const struct aw_topology *topology, int level, uint32_t id)
{
    for (uint32_t i = 0; i < topology->n_groups[level]; i++)
        if (aw_idset_has (&topology->groups[level][i], id))
            return aw_idset_next (&topology->groups[level][i], 0);
    return 0;
}

/* hwloc's order, in which slurmd counts: by package, in it by NUMA node, and so on; of things side
 * by side the one with the lowest CPU comes first.
 */
static struct core *sort_cores (const struct aw_topology *topology)
{
    uint32_t n = topology->n_groups[AW_LEVEL_CORE];
    struct core *cores = calloc (n + 1, sizeof (*cores));

    for (uint32_t i = 0; cores && i < n; i++) {
        cores[i].cpus = &topology->groups[AW_LEVEL_CORE][i];
        for (int level = 0; level < AW_LEVELS; level++)
            cores[i].lowest[level] =
                lowest_around (topology, level, aw_idset_next (cores[i].cpus, 0));
    }
    if (cores)
        qsort (cores, n, sizeof (*cores), compare_cores);
    return cores;
}

int aw_node_allocation_translate (struct aw_idset *cpus,
                                  const struct aw_topology *topology,
                                  const struct aw_idset *abstract,
                                  uint32_t threads)
{
    struct core *cores = sort_cores (topology);
    int error = cores ? 0 : ENOMEM;

    for (uint32_t id = aw_idset_next (abstract, 0); !error && id != AW_IDSET_NONE;
         id = aw_idset_next (abstract, id + 1)) {
        uint32_t core = id / threads;
        uint32_t cpu = AW_IDSET_NONE;

        if (core < topology->n_groups[AW_LEVEL_CORE]) {
            cpu = aw_idset_next (cores[core].cpus, 0);
            for (uint32_t thread = id % threads; thread > 0 && cpu != AW_IDSET_NONE; thread--)
                cpu = aw_idset_next (cores[core].cpus, cpu + 1);
        }
        if (cpu == AW_IDSET_NONE)
            error = ERANGE;
        else if (aw_idset_add (cpus, cpu, cpu) < 0)
            error = ENOMEM;
    }
    free (cores);
    if (error) {
        aw_idset_finish (cpus);
        errno = error;
    }
    return error ? -1 : 0;
}

static bool is_within (const struct aw_idset *set, const struct aw_idset *all)
{
    for (uint32_t id = aw_idset_next (set, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (set, id + 1))
        if (!aw_idset_has (all, id))
            return false;
    return true;
}

/* The job's CPUs of those that its agent may use. */
static int find_cpus (struct aw_node_allocation *allocation,
                      const struct aw_topology *topology,
                      const struct aw_slurm_node *slurm)
{
    uint32_t threads = slurm->threads_per_core;

    if (threads == 0 && topology->n_groups[AW_LEVEL_CORE] > 0)
        threads = aw_idset_count (&topology->groups[AW_LEVEL_CORE][0]);
    if (topology->n_groups[AW_LEVEL_CORE] > 0) {
        if (aw_node_allocation_translate (&allocation->cpus, topology, &slurm->cpus, threads)
            == 0) {
            if (is_within (&allocation->cpus, &allocation->node.cpus))
                return 0;
        }
        else if (errno == ENOMEM) {
            return -1;
        }
    }
    if (!allocation->node.unbound)
        allocation->node.reason =
            "the job's CPUs are not known, because slurm.conf describes another machine: tasks "
            "run unbound, and CPUs in the journal are only planned";
    allocation->node.unbound = true;
    return aw_idset_copy (&allocation->cpus, &slurm->cpus);
}

/* Does a cgroup keep others' CPUs from the agent? Then it sees fewer than the machine has. */
static bool is_confined (const struct aw_node_allocation *allocation,
                         const struct aw_topology *topology)
{
    uint32_t all = 0;

    for (uint32_t i = 0; i < topology->n_groups[AW_LEVEL_CORE]; i++)
        all += aw_idset_count (&topology->groups[AW_LEVEL_CORE][i]);
    return !allocation->node.unbound && (all == 0 || aw_idset_count (&allocation->node.cpus) < all);
}

static int narrow_cpus (struct aw_node_allocation *allocation,
                        struct aw_topology *topology,
                        const struct aw_slurm_node *slurm)
{
    uint32_t seen = aw_idset_count (&allocation->node.cpus);
    uint32_t held = aw_idset_count (&slurm->cpus);

    if (held == 0 || seen < held || (seen == held && is_confined (allocation, topology)))
        return 0;
    if (find_cpus (allocation, topology, slurm) < 0)
        return -1;
    allocation->node.cpus = allocation->cpus;
    return 0;
}

/* What Slurm calls the GPUs goes before what the driver does: users ask for types in Slurm's words.
 */
static int name_gpus (struct aw_topology *topology,
                      const struct aw_idset *gpus,
                      const struct aw_slurm_node *slurm)
{
    uint32_t n = aw_idset_count (gpus);
    bool by_index = aw_idset_count (&slurm->gpus) == n;
    uint32_t index = aw_idset_next (&slurm->gpus, 0);
    struct aw_topology_gpu *all;
    uint32_t i = 0;

    if (n == 0 || slurm->n_types == 0 || (!by_index && slurm->types[0].n != n))
        return 0;
    all = calloc (n, sizeof (*all));
    if (!all)
        return -1;
    for (uint32_t id = aw_idset_next (gpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (gpus, id + 1), i++) {
        const char *type =
            slurm->n_types == 1 && slurm->types[0].n == n ? slurm->types[0].type : NULL;

        for (uint32_t k = 0; k < topology->n_gpus; k++) {
            if (topology->gpus[k].id == id) {
                all[i] = topology->gpus[k];
                topology->gpus[k].cpus = (struct aw_idset){ 0 };
            }
        }
        all[i].id = id;
        for (uint32_t k = 0; k < slurm->n_types && by_index && !type; k++)
            if (aw_idset_has (&slurm->types[k].ids, index))
                type = slurm->types[k].type;
        if (type && strlen (type) < sizeof (all[i].type))
            strcpy (all[i].type, type);
        index = aw_idset_next (&slurm->gpus, index + 1);
    }
    free (topology->gpus);
    topology->gpus = all;
    topology->n_gpus = n;
    return 0;
}

int aw_node_allocation_names (const struct aw_slurm_job *job, struct aw_names *names)
{
    for (uint32_t i = 0; i < job->n_nodes; i++)
        if (aw_names_set (names, job->nodes[i].name, i) < 0)
            return -1;
    return 0;
}

int aw_node_allocation_make (struct aw_node_allocation *allocation,
                             const struct aw_event *hello,
                             const struct aw_slurm_node *slurm)
{
    struct aw_topology topology = { 0 };
    int rc;

    memset (allocation, 0, sizeof (*allocation));
    allocation->node = *hello;
    if (!slurm)
        return 0;
    /* One that cannot be read is the scheduler's to complain of. */
    if (hello->topology && aw_topology_parse (&topology, hello->topology, NULL) < 0)
        return errno == ENOMEM ? -1 : 0;
    if (slurm->mem > 0 && (hello->mem == 0 || slurm->mem < hello->mem))
        allocation->node.mem = slurm->mem;
    rc = narrow_cpus (allocation, &topology, slurm);
    if (rc == 0)
        rc = name_gpus (&topology, &hello->gpus, slurm);
    if (rc == 0)
        rc = aw_topology_restrict (&topology, &allocation->node.cpus);
    if (rc == 0)
        allocation->topology = aw_topology_format (&topology);
    aw_topology_finish (&topology);
    if (rc < 0 || !allocation->topology) {
        aw_node_allocation_finish (allocation);
        errno = ENOMEM;
        return -1;
    }
    allocation->node.topology = allocation->topology[0] ? allocation->topology : NULL;
    return 0;
}

void aw_node_allocation_finish (struct aw_node_allocation *allocation)
{
    int saved = errno;

    aw_idset_finish (&allocation->cpus);
    free (allocation->topology);
    memset (allocation, 0, sizeof (*allocation));
    errno = saved;
}

bool aw_node_allocations_note (const struct aw_node_allocation *allocations,
                               uint32_t n,
                               struct aw_error *line)
{
    const struct aw_event *first = NULL;
    uint32_t more = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (first && allocations[i].node.reason)
            more++;
        else if (allocations[i].node.reason)
            first = &allocations[i].node;
    }
    if (first && more > 0)
        aw_error_set (line, "%s: %s (and %u more of %u nodes)", first->name, first->reason, more,
                      n);
    else if (first)
        aw_error_set (line, "%s: %s", first->name, first->reason);
    return first;
}
