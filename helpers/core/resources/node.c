/* SPDX-License-Identifier: Apache-2.0 */
#include "core/resources/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int aw_node_init (struct aw_node *node, const char *name, struct aw_layout *layout, uint64_t mem)
{
    memset (node, 0, sizeof (*node));
    node->layout = aw_layout_share (layout);
    node->name = strdup (name);
    if (layout->n_gpus)
        node->gpu_used = calloc (layout->n_gpus, sizeof (*node->gpu_used));
    if (!layout->flat)
        node->core_free = calloc (layout->n_cores, sizeof (*node->core_free));
    if (!node->name || (layout->n_gpus && !node->gpu_used) || (!layout->flat && !node->core_free)
        || aw_idset_copy (&node->cpus, &layout->all_cpus) < 0
        || aw_idset_copy (&node->gpus, &layout->all_gpus) < 0
        || aw_idset_copy (&node->free_cpus, &layout->all_cpus) < 0
        || aw_idset_copy (&node->free_gpus, &layout->all_gpus) < 0) {
        aw_node_clear (node);
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t c = 0; !layout->flat && c < layout->n_cores; c++)
        node->core_free[c] = layout->cores[c].n;
    memcpy (node->n_idle, layout->n_idle, sizeof (node->n_idle));
    node->total.cpus = layout->n_cpus;
    node->total.gpus = layout->n_gpus;
    node->total.mem = mem;
    node->free = node->total;
    node->counts_mem = mem > 0;
    return 0;
}

void aw_node_clear (struct aw_node *node)
{
    int saved = errno;

    free (node->name);
    free (node->gpu_used);
    free (node->core_free);
    aw_idset_finish (&node->cpus);
    aw_idset_finish (&node->gpus);
    aw_idset_finish (&node->free_cpus);
    aw_idset_finish (&node->free_gpus);
    aw_idset_finish (&node->spared_cpus);
    aw_idset_finish (&node->spared_gpus);
    aw_layout_drop (node->layout);
    memset (node, 0, sizeof (*node));
    errno = saved;
}

/* All except the id sets. There is room. */
static void copy_counts (struct aw_node *node, const struct aw_node *from)
{
    const struct aw_layout *l = from->layout;

    if (l->n_gpus)
        memcpy (node->gpu_used, from->gpu_used, l->n_gpus * sizeof (*node->gpu_used));
    if (!l->flat)
        memcpy (node->core_free, from->core_free, l->n_cores * sizeof (*node->core_free));
    memcpy (node->n_idle, from->n_idle, sizeof (node->n_idle));
    node->total = from->total;
    node->free = from->free;
    node->largest_part = from->largest_part;
    node->n_special = from->n_special;
    node->counts_mem = from->counts_mem;
    node->lost = from->lost;
}

int aw_node_set_free (struct aw_node *node, const struct aw_node *from)
{
    if (aw_idset_copy (&node->free_cpus, &from->free_cpus) < 0
        || aw_idset_copy (&node->free_gpus, &from->free_gpus) < 0
        || aw_idset_copy (&node->spared_cpus, &from->spared_cpus) < 0
        || aw_idset_copy (&node->spared_gpus, &from->spared_gpus) < 0)
        return -1;
    copy_counts (node, from);
    return 0;
}

int aw_node_reserve (struct aw_node *trial, const struct aw_node *like)
{
    const struct aw_layout *l = like->layout;
    uint16_t *gpu_used;
    uint32_t *core_free;

    if (l->n_gpus > trial->total.gpus) {
        gpu_used = realloc (trial->gpu_used, l->n_gpus * sizeof (*gpu_used));
        if (!gpu_used)
            return -1;
        trial->gpu_used = gpu_used;
        trial->total.gpus = l->n_gpus; /* how large it is, while nothing is tried */
    }
    if (!l->flat && l->n_cores > trial->total.cpus) {
        core_free = realloc (trial->core_free, l->n_cores * sizeof (*core_free));
        if (!core_free)
            return -1;
        trial->core_free = core_free;
        trial->total.cpus = l->n_cores;
    }
    return aw_idset_copy (&trial->free_cpus, &like->cpus) < 0
                   || aw_idset_copy (&trial->free_gpus, &like->gpus) < 0
               ? -1
               : 0;
}

void aw_node_try (struct aw_node *trial, const struct aw_node *from)
{
    struct aw_demand room = trial->total;

    trial->layout = from->layout;
    aw_idset_copy (&trial->free_cpus, &from->free_cpus); /* there is room: it cannot fail */
    aw_idset_copy (&trial->free_gpus, &from->free_gpus);
    copy_counts (trial, from);
    trial->total = room;
}

void aw_node_finish_trial (struct aw_node *trial)
{
    trial->layout = NULL; /* borrowed */
    aw_node_clear (trial);
}

static uint32_t least (uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The CPUs that a task can use of N_IDLE cores if it uses THREADS of each. */
static uint32_t usable (const uint32_t n_idle[AW_THREADS + 1], uint32_t threads)
{
    uint32_t n = 0;

    for (uint32_t size = 1; size <= AW_THREADS; size++)
        n += n_idle[size] * least (size, threads);
    return n;
}

static bool has_cpus (const struct aw_node *node,
                      const struct aw_demand *demand,
                      uint32_t cpus,
                      const uint32_t n_idle[AW_THREADS + 1])
{
    if (demand->cpus > cpus)
        return false;
    return !aw_layout_holds_cores (node->layout, demand)
           || demand->cpus <= usable (n_idle, demand->threads_per_core);
}

/* Counts the GPUs that it may use on each of which PART thousandths are free, up to the N wanted.
 */
static bool has_parts (const struct aw_node *node,
                       const struct aw_demand *demand,
                       bool ever,
                       uint32_t n,
                       uint32_t part)
{
    for (uint32_t g = 0; n > 0 && g < node->layout->n_gpus; g++)
        n -= (ever || node->gpu_used[g] + part <= AW_GPU_WHOLE)
             && aw_layout_may_use (node->layout, g, demand);
    return n == 0;
}

static bool has_gpus (const struct aw_node *node, const struct aw_demand *demand, bool ever)
{
    uint32_t n = aw_demand_gpus (demand), part = aw_demand_part (demand);
    uint32_t whole = ever ? node->total.gpus : node->free.gpus;
    bool all;

    if (n == 0)
        return true;
    all = aw_layout_may_use_all (node->layout, demand);
    if (all && n <= whole)
        return true;
    if (part == AW_GPU_WHOLE && n > whole)
        return false;
    if (all && n == 1)
        return !ever && part <= node->largest_part;
    return has_parts (node, demand, ever, n, part);
}

static bool has_mem (const struct aw_node *node, const struct aw_demand *demand, uint64_t mem)
{
    return !node->counts_mem || demand->mem <= mem;
}

bool aw_node_could_hold_special (const struct aw_node *node, const struct aw_demand *demand)
{
    return !node->lost && has_cpus (node, demand, node->total.cpus, node->layout->n_idle)
           && has_mem (node, demand, node->total.mem) && has_gpus (node, demand, true);
}

bool aw_node_can_hold_special (const struct aw_node *node, const struct aw_demand *demand)
{
    return !node->lost && has_cpus (node, demand, node->free.cpus, node->n_idle)
           && has_mem (node, demand, node->free.mem) && has_gpus (node, demand, false);
}

static bool is_special (const struct aw_node *node, const struct aw_demand *demand)
{
    return demand->gpu_share || aw_layout_holds_cores (node->layout, demand);
}

bool aw_node_counts_do_special (const struct aw_node *node, const struct aw_demand *demand)
{
    return node->n_special == 0 && aw_layout_may_use_all (node->layout, demand)
           && !is_special (node, demand);
}

uint32_t aw_node_capacity (const struct aw_node *node, const struct aw_demand *demand)
{
    const struct aw_layout *l = node->layout;
    uint32_t cpus = node->total.cpus, gpus = 0, n;

    if (aw_layout_holds_cores (l, demand))
        cpus = usable (l->n_idle, demand->threads_per_core);
    n = cpus / (demand->cpus ? demand->cpus : 1);
    for (uint32_t g = 0; g < l->n_gpus; g++)
        gpus += aw_layout_may_use (l, g, demand);
    if (aw_demand_gpus (demand) > 0)
        n = least (n, gpus / aw_demand_gpus (demand) * (AW_GPU_WHOLE / aw_demand_part (demand)));
    if (demand->mem && node->counts_mem && node->total.mem / demand->mem < n)
        n = (uint32_t)(node->total.mem / demand->mem);
    return n;
}

uint32_t aw_node_free_gpus (const struct aw_node *node, const struct aw_demand *demand)
{
    uint32_t n = 0;

    if (aw_layout_may_use_all (node->layout, demand))
        return node->free.gpus;
    for (uint32_t g = 0; g < node->layout->n_gpus; g++)
        n += node->gpu_used[g] == 0 && aw_layout_may_use (node->layout, g, demand);
    return n;
}

uint32_t aw_node_idle_cores (const struct aw_node *node)
{
    uint32_t n = 0;

    for (uint32_t size = 1; size <= AW_THREADS; size++)
        n += node->n_idle[size];
    return n;
}

static bool contains (const struct aw_idset *set, const struct aw_idset *part)
{
    for (uint32_t w = 0; w < part->n_words; w++)
        if (part->words[w] & ~(w < set->n_words ? set->words[w] : 0))
            return false;
    return true;
}

bool aw_node_has (const struct aw_node *node,
                  const struct aw_demand *demand,
                  const struct aw_idset *cpus,
                  const struct aw_idset *gpus)
{
    const struct aw_layout *l = node->layout;
    uint32_t part = aw_demand_part (demand);

    if (node->lost || !has_mem (node, demand, node->free.mem) || !contains (&node->free_cpus, cpus)
        || !contains (&node->gpus, gpus))
        return false;
    for (uint32_t id = aw_idset_next (gpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (gpus, id + 1))
        if (node->gpu_used[aw_layout_gpu (l, id)] + part > AW_GPU_WHOLE)
            return false;
    if (!aw_layout_holds_cores (l, demand))
        return true;
    for (uint32_t id = aw_idset_next (cpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (cpus, id + 1))
        if (node->core_free[l->core_of[id]] < l->cores[l->core_of[id]].n)
            return false;
    return true;
}

/* CPU id becomes busy or free. */
static void set_cpu (struct aw_node *node, uint32_t id, bool is_free)
{
    const struct aw_core *core = &node->layout->cores[node->layout->core_of[id]];
    uint32_t *n = &node->core_free[node->layout->core_of[id]];
    uint32_t *n_idle = &node->n_idle[least (core->n, AW_THREADS)];
    bool was = *n == core->n;

    *n += is_free ? 1 : UINT32_MAX;
    *n_idle += (uint32_t)(*n == core->n) - (uint32_t)was;
    node->free_cpus.words[id / 64] ^= UINT64_C (1) << (id % 64);
}

/* Counts the CPUs that are taken or given, with the others of their cores if DEMAND holds those. */
static uint32_t set_cpus (struct aw_node *node,
                          const struct aw_demand *demand,
                          const struct aw_idset *cpus,
                          bool is_free)
{
    const struct aw_layout *l = node->layout;
    bool cores = aw_layout_holds_cores (l, demand);
    uint32_t n = 0;

    if (l->flat) {
        for (uint32_t w = 0; w < cpus->n_words && w < node->free_cpus.n_words; w++)
            node->free_cpus.words[w] ^= cpus->words[w];
        return aw_idset_count (cpus);
    }
    for (uint32_t id = aw_idset_next (cpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (cpus, id + 1)) {
        const struct aw_core *core = &l->cores[l->core_of[id]];

        if (aw_idset_has (&node->free_cpus, id) == is_free)
            continue; /* done with its core */
        for (uint32_t i = 0; i < (cores ? core->n : 1); i++, n++)
            set_cpu (node, cores ? l->cpus[core->first + i] : id, is_free);
    }
    return n;
}

static void find_largest_part (struct aw_node *node)
{
    node->largest_part = 0;
    for (uint32_t g = 0; g < node->layout->n_gpus; g++) {
        uint32_t room = (uint32_t)AW_GPU_WHOLE - node->gpu_used[g];

        if (room < AW_GPU_WHOLE && room > node->largest_part)
            node->largest_part = room;
    }
}

/* A GPU has PART thousandths less, or more. */
static void set_gpu (struct aw_node *node, uint32_t id, uint32_t part, bool is_free)
{
    uint16_t *used = &node->gpu_used[aw_layout_gpu (node->layout, id)];
    bool was = *used == 0;

    *used = (uint16_t)(is_free ? *used - part : *used + part);
    if (was == (*used == 0))
        return;
    node->free_gpus.words[id / 64] ^= UINT64_C (1) << (id % 64);
    node->free.gpus += was ? UINT32_MAX : 1;
}

static void change (struct aw_node *node,
                    const struct aw_demand *demand,
                    const struct aw_idset *cpus,
                    const struct aw_idset *gpus,
                    bool is_free)
{
    uint32_t n_cpus = set_cpus (node, demand, cpus, is_free), part = aw_demand_part (demand);

    node->free.cpus += is_free ? n_cpus : -n_cpus;
    for (uint32_t id = aw_idset_next (gpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (gpus, id + 1))
        set_gpu (node, id, part, is_free);
    if (part < AW_GPU_WHOLE)
        find_largest_part (node);
    if (node->counts_mem)
        node->free.mem += is_free ? demand->mem : -demand->mem;
    if (is_special (node, demand))
        node->n_special += is_free ? UINT32_MAX : 1;
}

void aw_node_take (struct aw_node *node,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus)
{
    change (node, demand, cpus, gpus, false);
}

void aw_node_give (struct aw_node *node,
                   const struct aw_demand *demand,
                   const struct aw_idset *cpus,
                   const struct aw_idset *gpus)
{
    change (node, demand, cpus, gpus, true);
}

void aw_node_spare (struct aw_node *trial, const struct aw_node *from)
{
    static const struct aw_demand threads;

    trial->free.cpus -= set_cpus (trial, &threads, &from->spared_cpus, false);
    for (uint32_t id = aw_idset_next (&from->spared_gpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (&from->spared_gpus, id + 1)) {
        uint32_t used = trial->gpu_used[aw_layout_gpu (trial->layout, id)];

        set_gpu (trial, id, (uint32_t)AW_GPU_WHOLE - used, false);
    }
    find_largest_part (trial);
}
