/* SPDX-License-Identifier: Apache-2.0 */
/* The demand of a task: tasks of equal demand have one shape in the scheduler. Amounts are for one
 * node; a task on several nodes needs the same of each.
 */
#ifndef AW_CORE_RESOURCES_DEMAND_H
#define AW_CORE_RESOURCES_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

struct aw_set;

struct aw_demand {
    uint32_t cpus; /* on a node, all ranks together */
    uint32_t gpus; /* whole ones, on a node, all ranks together */
    uint64_t mem; /* bytes on a node; 0: not counted */
    uint32_t gpu_share; /* thousandths of one GPU, 1 to 999, for each rank; 0: whole GPUs only */
    uint32_t threads_per_core; /* CPUs used of each core; 0: all that it has */
    uint32_t ranks_per_node; /* 0 counts as 1 */
    uint32_t nodes; /* 0 counts as 1 */
    uint32_t gpu_type; /* number of the name in the graph (aw_graph_gpu_type); 0: any */
};

/* Thousandths. */
enum { AW_GPU_WHOLE = 1000 };

/* The demand of a task of SET. */
struct aw_demand aw_set_demand (const struct aw_set *set);

/* What a task of SET takes of the whole pool: all ranks on all nodes, shared GPUs as parts. */
struct aw_whole {
    double cpus, gpus, mem;
};
struct aw_whole aw_set_whole (const struct aw_set *set);

/* The nodes of a task, at least 1. */
static inline uint32_t aw_demand_nodes (const struct aw_demand *demand)
{
    return demand->nodes ? demand->nodes : 1;
}

/* Are its counts of CPUs, whole GPUs and bytes enough to tell whether it fits a node of which
 * these are free? */
static inline bool aw_demand_is_plain (const struct aw_demand *demand)
{
    return (demand->gpu_share | demand->threads_per_core | demand->gpu_type) == 0
           && demand->nodes <= 1;
}

/* The number of GPUs of a node that a task uses, and the part of each, in thousandths. Ranks with
 * shares are put on as few GPUs as hold them. Each GPU counts with the part of the fullest one, so
 * a task's parts follow from its demand and its set of GPUs.
 */
uint32_t aw_demand_gpus (const struct aw_demand *demand);
uint32_t aw_demand_part (const struct aw_demand *demand);

/* CPUs that a task holds at most on a node whose cores have up to N_THREADS CPUs: with the CPUs of
 * its cores that it does not use.
 */
uint32_t aw_demand_most_cpus (const struct aw_demand *demand, uint32_t n_threads);

/* GPUs that it needs on a node, including parts of GPUs. */
double aw_demand_gpu_amount (const struct aw_demand *demand);

bool aw_demand_equal (const struct aw_demand *a, const struct aw_demand *b);

/* An order for sorting; 0 for equal ones. */
int aw_demand_compare (const struct aw_demand *a, const struct aw_demand *b);

#endif /* AW_CORE_RESOURCES_DEMAND_H */
