/* SPDX-License-Identifier: Apache-2.0 */
/* A node's topology, prepared for placement: only the job's part of the node, with cores sorted so
 * that each package, NUMA node and cache is a run of them. Nodes that are alike share one layout.
 */
#ifndef AW_CORE_RESOURCES_LAYOUT_H
#define AW_CORE_RESOURCES_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/resources/demand.h"
#include "core/idset.h"
#include "core/resources/topology.h"
#include "util/error.h"

/* From the smallest. An unknown level has the domains of the next. */
enum aw_domain_level {
    AW_DOMAIN_CACHE,
    AW_DOMAIN_NUMA,
    AW_DOMAIN_PACKAGE,
    AW_DOMAIN_NODE,
    AW_DOMAINS
};

struct aw_domain {
    uint32_t first, end; /* cores */
    uint32_t first_child, end_child; /* domains of the level below */
};

struct aw_core {
    uint32_t first; /* its CPUs are n from layout->cpus[first] on */
    uint32_t n;
    uint32_t zone;
};

/* Locality is known of the first 64 GPUs of a node. */
enum { AW_NEAR_GPUS = 64, AW_THREADS = 8 };

struct aw_layout_gpu {
    uint32_t id;
    uint32_t home; /* the same for GPUs with equal local CPUs; AW_NO_HOME: not known */
    uint32_t numa, package; /* domain that has all its local cores; AW_NO_HOME: none has */
    char type[AW_GPU_TYPE_SIZE]; /* "": not known */
    uint32_t beyond; /* tasks on several nodes that want at most this number may not use it */
};

#define AW_NO_HOME UINT32_MAX

struct aw_layout {
    uint32_t n_users; /* private */
    char *text; /* private, as the next two: what it was made from; NULL: topology not known */
    struct aw_idset all_cpus, all_gpus;
    bool flat; /* no shared cores, domains or local CPUs of GPUs are known */
    uint32_t *cpus; /* by core */
    uint32_t n_cpus;
    struct aw_core *cores;
    uint32_t n_cores;
    uint32_t n_threads; /* CPUs of the largest core */
    uint32_t n_idle[AW_THREADS + 1]; /* cores by their CPUs, larger ones counted as the last */
    uint32_t *core_of; /* by CPU */
    bool has_caches; /* that several cores share */
    struct aw_domain *domains[AW_DOMAINS];
    uint32_t n_domains[AW_DOMAINS];
    uint64_t *zones; /* the cores that are near the same GPUs: a bit for each */
    uint32_t n_zones;
    struct aw_layout_gpu *gpus; /* by id */
    uint32_t n_gpus;
    bool *of_type; /* for each type that tasks ask for, by GPU: is it of the type? A GPU of unknown
                      type is of all */
    uint32_t n_types;
    uint32_t largest_numa; /* CPUs */
};

/* The layout of a node on which the job has CPUS and GPUS. TOPOLOGY: as core/resources/topology.h
 * has it, or NULL. TYPES: the types of GPUs that tasks ask for. The caller is its first user. NULL
 * with text.
 */
struct aw_layout *aw_layout_create (const struct aw_idset *cpus,
                                    const struct aw_idset *gpus,
                                    const char *topology,
                                    char *const *types,
                                    uint32_t n_types,
                                    struct aw_error *err);

/* Adds a user. Drop removes one, and frees the layout with the last; it takes NULL. */
struct aw_layout *aw_layout_share (struct aw_layout *layout);
void aw_layout_drop (struct aw_layout *layout);

/* Was it made from these? */
bool aw_layout_is_of (const struct aw_layout *layout,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus,
                      const char *topology);

/* The place of GPU ID in gpus, or AW_NO_HOME. */
uint32_t aw_layout_gpu (const struct aw_layout *layout, uint32_t id);

/* May a task of DEMAND use GPU number GPU: is it of the type that it asks for, and, for a task on
 * several nodes, is it among the first ones, as many as each of its nodes has? Slurm gives a step
 * on several nodes the same number of GPUs on each, from the lowest upwards.
 */
bool aw_layout_may_use (const struct aw_layout *layout,
                        uint32_t gpu,
                        const struct aw_demand *demand);

/* May it use all that are free? */
bool aw_layout_may_use_all (const struct aw_layout *layout, const struct aw_demand *demand);

/* Notes that a node of the pool has N GPUs: a task that wants at most N may run on that one, too.
 */
void aw_layout_note_gpus (struct aw_layout *layout, uint32_t n);

/* Do tasks of DEMAND hold whole cores, even if they use only some of their CPUs? */
bool aw_layout_holds_cores (const struct aw_layout *layout, const struct aw_demand *demand);

/* Sets the types of GPUs that tasks ask for: the old ones and more, or fewer (the last ones
 * removed). 0, or -1 with ENOMEM.
 */
int aw_layout_set_types (struct aw_layout *layout, char *const *types, uint32_t n_types);

/* Is a GPU with the name IS of the type WANTED? Case does not matter, and WANTED may be a part of
 * the name, as in Slurm: "a100" is "nvidia_a100-sxm4-80gb".
 */
bool aw_gpu_type_matches (const char *is, const char *wanted);

#endif /* AW_CORE_RESOURCES_LAYOUT_H */
