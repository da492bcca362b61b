/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses GPUs: those with enough usable local CPUs. For one GPU, the one that leaves the fewest;
 * for several, those that are closest together.
 */
#include "core/resources/place_state.h"

static bool is_chosen (const struct aw_pick *p, uint32_t n, uint32_t gpu)
{
    for (uint32_t i = 0; i < n; i++)
        if (p->s->chosen[i] == gpu)
            return true;
    return false;
}

/* How many types that tasks ask for it is of: tasks that ask for none leave such GPUs alone. */
static uint32_t n_types (const struct aw_layout *l, uint32_t gpu)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->n_types; i++)
        n += l->of_type[i * (size_t)l->n_gpus + gpu];
    return n;
}

/* 0: the same local CPUs; 1: the same NUMA node; 2: the same package; 3: further. */
static uint32_t distance (const struct aw_layout *l, uint32_t a, uint32_t b)
{
    const struct aw_layout_gpu *x = &l->gpus[a], *y = &l->gpus[b];

    if (x->home == y->home)
        return 0;
    if (x->numa != AW_NO_HOME && x->numa == y->numa)
        return 1;
    return x->package != AW_NO_HOME && x->package == y->package ? 2 : 3;
}

/* A choice of GPUs: the smaller in this order the better. */
struct group {
    bool too_few_cpus;
    uint32_t reach; /* the largest distance from the first one */
    uint32_t n_types;
    bool untouched; /* for parts: none of it is taken yet */
    uint32_t room; /* for parts: thousandths that are free */
    uint32_t n_left; /* others as close, that become less useful to wide tasks */
    uint32_t cpus; /* usable, local to it */
};

static bool better (const struct group *a, const struct group *b)
{
    if (a->too_few_cpus != b->too_few_cpus)
        return b->too_few_cpus;
    if (a->reach != b->reach)
        return a->reach < b->reach;
    if (a->n_types != b->n_types)
        return a->n_types < b->n_types;
    if (a->untouched != b->untouched)
        return b->untouched;
    if (a->room != b->room)
        return a->room < b->room;
    if (a->n_left != b->n_left)
        return a->n_left < b->n_left;
    return a->cpus < b->cpus;
}

struct search {
    struct aw_pick *pick;
    const struct aw_node *node;
    const struct aw_demand *demand;
    uint32_t taken, n, cpus, part;
};

static bool is_free (const struct search *s, uint32_t gpu)
{
    return s->node->gpu_used[gpu] + s->part <= AW_GPU_WHOLE
           && aw_layout_may_use (s->pick->layout, gpu, s->demand)
           && !is_chosen (s->pick, s->taken, gpu);
}

/* Takes the GPU into the choice. */
static void add (const struct search *s, uint32_t gpu, uint32_t place, struct group *group)
{
    s->pick->s->chosen[s->taken + place] = gpu;
    group->n_types += n_types (s->pick->layout, gpu);
    group->untouched |= s->demand->gpu_share && s->node->gpu_used[gpu] == 0;
    group->room += (uint32_t)AW_GPU_WHOLE - s->node->gpu_used[gpu];
}

/* The usable CPUs local to the N chosen ones; 0: those of one are not known, or not the job's. */
static uint32_t cpus_beside (const struct search *s, uint32_t n)
{
    uint64_t near = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t gpu = s->pick->s->chosen[s->taken + i];

        if (s->pick->layout->gpus[gpu].home == AW_NO_HOME)
            return 0;
        near |= aw_gpu_bit (gpu);
    }
    return aw_pick_usable (s->pick, near);
}

/* Puts FIRST and the GPUs closest to it, up to N in all, into s->chosen after those taken. Without
 * a topology all are equally close.
 */
static void gather (const struct search *s, uint32_t first, struct group *group)
{
    const struct aw_layout *l = s->pick->layout;
    uint32_t n = 1;

    *group = (struct group){ 0 };
    add (s, first, 0, group);
    for (uint32_t reach = 0; reach < 4 && (n < s->n || (reach == 0 && !l->flat)); reach++)
        for (uint32_t g = 0; g < l->n_gpus && (n < s->n || !l->flat); g++) {
            if (g == first || distance (l, first, g) != reach || !is_free (s, g))
                continue;
            if (n == s->n) {
                group->n_left++;
                continue;
            }
            group->reach = reach;
            add (s, g, n++, group);
        }
    group->cpus = cpus_beside (s, n);
    group->too_few_cpus = group->cpus < s->cpus;
}

void aw_pick_gpus (struct aw_pick *pick,
                   const struct aw_node *node,
                   const struct aw_demand *demand,
                   uint32_t taken,
                   uint32_t n,
                   uint32_t cpus)
{
    struct search s = { pick, node, demand, taken, n, cpus, aw_demand_part (demand) };
    struct group best = { 0 }, group;
    uint32_t first = AW_NO_HOME;

    for (uint32_t g = 0; n > 0 && g < pick->layout->n_gpus; g++) {
        if (!is_free (&s, g))
            continue;
        gather (&s, g, &group);
        if (first != AW_NO_HOME && !better (&group, &best))
            continue;
        first = g;
        best = group;
        if (pick->layout->flat && n > 1)
            break; /* no choice is better than another */
    }
    if (first != AW_NO_HOME)
        gather (&s, first, &group);
}

void aw_pick_near (struct aw_pick *pick, const uint32_t *gpus, uint32_t n)
{
    const struct aw_layout *l = pick->layout;

    pick->near = 0;
    pick->package = AW_NO_HOME;
    for (uint32_t i = 0; i < n; i++) {
        if (l->gpus[gpus[i]].home == AW_NO_HOME) {
            pick->near = 0; /* it may be next to any core */
            return;
        }
        pick->near |= aw_gpu_bit (gpus[i]);
        if (i == 0)
            pick->package = l->gpus[gpus[0]].package;
    }
}
