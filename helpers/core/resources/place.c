/* SPDX-License-Identifier: Apache-2.0 */
#include "core/resources/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/resources/place_state.h"

static int grow (void *array, uint32_t n, uint32_t old, size_t size)
{
    void **at = array, *bigger;

    if (*at && n <= old)
        return 0;
    bigger = realloc (*at, ((size_t)n + 1) * size);
    if (!bigger)
        return -1;
    *at = bigger;
    return 0;
}

int aw_place_reserve (struct aw_place_scratch *s, const struct aw_layout *l)
{
    if (grow (&s->usable, l->n_cores, s->n_cores, sizeof (*s->usable)) < 0
        || grow (&s->idle, l->n_cores, s->n_cores, sizeof (*s->idle)) < 0
        || grow (&s->of_zone, l->n_zones, s->n_zones, sizeof (*s->of_zone)) < 0
        || grow (&s->surplus, l->n_zones, s->n_zones, sizeof (*s->surplus)) < 0
        || grow (&s->chosen, l->n_gpus, s->n_gpus, sizeof (*s->chosen)) < 0) {
        errno = ENOMEM;
        return -1;
    }
    s->n_cores = l->n_cores > s->n_cores ? l->n_cores : s->n_cores;
    s->n_zones = l->n_zones > s->n_zones ? l->n_zones : s->n_zones;
    s->n_gpus = l->n_gpus > s->n_gpus ? l->n_gpus : s->n_gpus;
    return 0;
}

void aw_place_finish (struct aw_place_scratch *s)
{
    int saved = errno;

    free (s->usable);
    free (s->idle);
    free (s->of_zone);
    free (s->surplus);
    free (s->chosen);
    memset (s, 0, sizeof (*s));
    errno = saved;
}

/* What a task of DEMAND may use of each core. */
static void load (struct aw_pick *p, const struct aw_node *node, const struct aw_demand *demand)
{
    const struct aw_layout *l = node->layout;
    bool cores = aw_layout_holds_cores (l, demand);
    uint32_t threads = cores ? demand->threads_per_core : UINT32_MAX;

    memset (p->s->of_zone, 0, l->n_zones * sizeof (*p->s->of_zone));
    for (uint32_t c = 0; c < l->n_cores; c++) {
        uint32_t n = node->core_free[c];

        p->s->idle[c] = n == l->cores[c].n;
        if (cores)
            n = !p->s->idle[c] ? 0 : n < threads ? n : threads;
        p->s->usable[c] = n;
        p->s->of_zone[l->cores[c].zone] += n;
    }
}

/* The surplus of each zone over what tasks on its GPUs' free parts will need. */
static void find_surplus (struct aw_pick *p,
                          const struct aw_node *node,
                          const struct aw_demand *demand,
                          const struct aw_gpu_wants *wants)
{
    const struct aw_layout *l = node->layout;
    uint64_t each = (uint64_t)wants->cores * l->n_threads;

    each = wants->cpus > each ? wants->cpus : each;
    if (aw_layout_holds_cores (l, demand)) /* usable CPUs are fewer than those held */
        each = (each * demand->threads_per_core + l->n_threads - 1) / l->n_threads;
    for (uint32_t z = 0; z < l->n_zones; z++) {
        uint64_t room = 0, wanted;

        for (uint32_t g = 0; g < l->n_gpus && g < AW_NEAR_GPUS; g++)
            if (l->zones[z] & aw_gpu_bit (g))
                room += (uint64_t)AW_GPU_WHOLE - node->gpu_used[g];
        wanted = (room * each + AW_GPU_WHOLE - 1) / AW_GPU_WHOLE;
        p->s->surplus[z] = p->s->of_zone[z] > wanted ? p->s->of_zone[z] - (uint32_t)wanted : 0;
    }
    p->spares = true;
}

static int add_chosen (const struct aw_pick *p, uint32_t n, struct aw_idset *gpus)
{
    for (uint32_t i = 0; gpus && i < n; i++) {
        uint32_t id = p->layout->gpus[p->s->chosen[i]].id;

        if (aw_idset_add (gpus, id, id) < 0)
            return -1;
    }
    return 0;
}

/* Places ranks one after the other, each near GPUs of its own. */
static uint32_t placed_ranks (const struct aw_demand *demand)
{
    uint32_t n = demand->ranks_per_node;

    if (n < 2 || demand->cpus % n != 0 || (!demand->gpu_share && demand->gpus % n != 0)
        || aw_demand_gpus (demand) == 0)
        return 1;
    return n;
}

/* The number, of N GPUs, that rank I of RANKS shares. */
static uint32_t dealt (uint32_t i, uint32_t ranks, uint32_t n)
{
    return (uint32_t)((uint64_t)i * n / ranks);
}

static int place_ranks (struct aw_pick *p,
                        const struct aw_node *node,
                        const struct aw_demand *demand)
{
    uint32_t ranks = placed_ranks (demand), n = aw_demand_gpus (demand);
    uint32_t cpus = demand->cpus / ranks, taken = 0;
    uint32_t most = aw_demand_most_cpus (demand, node->layout->n_threads) / ranks;

    if (demand->gpu_share)
        aw_pick_gpus (p, node, demand, 0, n, demand->cpus);
    for (uint32_t i = 0; i < ranks; i++) {
        if (demand->gpu_share)
            aw_pick_near (p, p->s->chosen + dealt (i, ranks, n), 1);
        else {
            aw_pick_gpus (p, node, demand, taken, n / ranks, cpus);
            aw_pick_near (p, p->s->chosen + taken, n / ranks);
            taken += n / ranks;
        }
        if (aw_pick_cpus (p, cpus, most) < 0)
            return -1;
    }
    return 0;
}

/* Nothing is known and nothing shared: one is as good as another. */
static int place_lowest (const struct aw_node *node,
                         const struct aw_demand *demand,
                         struct aw_idset *cpus,
                         struct aw_idset *gpus)
{
    if (cpus && aw_idset_add_lowest (cpus, &node->free_cpus, demand->cpus) < 0)
        return -1;
    return gpus && aw_idset_add_lowest (gpus, &node->free_gpus, demand->gpus) < 0 ? -1 : 1;
}

int aw_place_choose (const struct aw_node *node,
                     const struct aw_demand *demand,
                     const struct aw_gpu_wants *wants,
                     struct aw_place_scratch *scratch,
                     struct aw_idset *cpus,
                     struct aw_idset *gpus)
{
    struct aw_pick pick = { .layout = node->layout,
                            .s = scratch,
                            .free = &node->free_cpus,
                            .cpus = cpus,
                            .package = AW_NO_HOME,
                            .good = true };
    uint32_t n_gpus = aw_demand_gpus (demand);

    if (node->layout->flat) {
        if (demand->gpus && !node->layout->n_types)
            return place_lowest (node, demand, cpus, gpus);
        scratch->of_zone[0] = node->free.cpus;
        aw_pick_gpus (&pick, node, demand, 0, n_gpus, 0);
        if (cpus && aw_idset_add_lowest (cpus, &node->free_cpus, demand->cpus) < 0)
            return -1;
    }
    else {
        load (&pick, node, demand);
        if (n_gpus == 0 && (wants->cpus || wants->cores))
            find_surplus (&pick, node, demand, wants);
        if (place_ranks (&pick, node, demand) < 0)
            return -1;
    }
    return add_chosen (&pick, n_gpus, gpus) < 0 ? -1 : pick.good;
}

/* Fills s->chosen with the GPUs of SET, close ones next to each other. */
static uint32_t list_gpus (struct aw_pick *p, const struct aw_idset *set)
{
    const struct aw_layout *l = p->layout;
    uint32_t n = 0;

    for (uint32_t id = aw_idset_next (set, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (set, id + 1)) {
        uint32_t g = aw_layout_gpu (l, id), at;

        if (g == AW_NO_HOME)
            continue;
        for (at = n++; at > 0; at--) {
            const struct aw_layout_gpu *a = &l->gpus[p->s->chosen[at - 1]], *b = &l->gpus[g];

            if (a->package < b->package
                || (a->package == b->package
                    && (a->numa < b->numa || (a->numa == b->numa && a->home <= b->home))))
                break;
            p->s->chosen[at] = p->s->chosen[at - 1];
        }
        p->s->chosen[at] = g;
    }
    return n;
}

/* Each core counts as idle until a rank has a part of it: so ranks share no core unless they must.
 */
static void load_part (struct aw_pick *p, const struct aw_idset *cpus)
{
    const struct aw_layout *l = p->layout;

    memset (p->s->of_zone, 0, l->n_zones * sizeof (*p->s->of_zone));
    for (uint32_t c = 0; c < l->n_cores; c++) {
        p->s->usable[c] = 0;
        p->s->idle[c] = true;
        for (uint32_t i = 0; i < l->cores[c].n; i++)
            p->s->usable[c] += aw_idset_has (cpus, l->cpus[l->cores[c].first + i]);
        p->s->of_zone[l->cores[c].zone] += p->s->usable[c];
    }
}

/* Picks one rank's CPUs and removes them from LEFT. */
static int split_cpus (struct aw_pick *p,
                       uint32_t n,
                       struct aw_idset *left,
                       struct aw_place_rank *rank)
{
    int rc;

    p->cpus = &rank->cpus;
    rc = p->layout->flat ? aw_idset_add_lowest (&rank->cpus, left, n) : aw_pick_cpus (p, n, n);
    aw_idset_remove_all (left, &rank->cpus);
    return rc;
}

static int split (struct aw_pick *p,
                  const struct aw_demand *demand,
                  const struct aw_idset *gpus,
                  uint32_t n_cpus,
                  struct aw_idset *left,
                  struct aw_place_rank *ranks)
{
    uint32_t n = demand->ranks_per_node ? demand->ranks_per_node : 1;
    uint32_t n_gpus = list_gpus (p, gpus), each = demand->gpu_share ? n_gpus > 0 : n_gpus / n;

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t *mine = p->s->chosen + (demand->gpu_share ? dealt (i, n, n_gpus) : i * each);

        aw_idset_finish (&ranks[i].cpus);
        aw_idset_finish (&ranks[i].gpus);
        for (uint32_t g = 0; g < each; g++) {
            uint32_t id = p->layout->gpus[mine[g]].id;

            if (aw_idset_add (&ranks[i].gpus, id, id) < 0)
                return -1;
        }
        aw_pick_near (p, mine, each);
        if (split_cpus (p, n_cpus / n, left, &ranks[i]) < 0)
            return -1;
    }
    return 0;
}

int aw_place_split (const struct aw_node *node,
                    const struct aw_demand *demand,
                    const struct aw_idset *cpus,
                    const struct aw_idset *gpus,
                    struct aw_place_rank *ranks)
{
    struct aw_place_scratch scratch = { 0 };
    struct aw_idset left = { 0 };
    struct aw_pick pick = { .layout = node->layout, .s = &scratch, .free = &left };
    int rc = -1;

    if (aw_idset_count (cpus) != demand->cpus || aw_idset_count (gpus) != aw_demand_gpus (demand)) {
        errno = EINVAL;
        return -1;
    }
    if (aw_place_reserve (&scratch, node->layout) == 0 && aw_idset_copy (&left, cpus) == 0) {
        load_part (&pick, cpus);
        rc = split (&pick, demand, gpus, demand->cpus, &left, ranks);
    }
    aw_place_finish (&scratch);
    aw_idset_finish (&left);
    return rc;
}
