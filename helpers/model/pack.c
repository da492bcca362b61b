/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pack.h"

#include <stdlib.h>

/* COUNT tasks of a demand, to be packed. */
struct lot {
    struct aw_demand demand; /* on each of its nodes */
    struct aw_whole whole;
    uint32_t count;
    double share; /* of the allocation, the largest over the resources, of one task */
};

struct bin {
    struct aw_demand free;
    bool counts_mem;
};

struct packing {
    struct bin *bins;
    uint32_t n_bins;
    struct lot *lots;
    uint32_t n_lots;
    uint32_t steps;
};

static uint64_t least (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The number of tasks of D that fit into the bin. */
static uint32_t room_for (const struct bin *bin, const struct aw_demand *d)
{
    uint64_t n = bin->free.cpus / (d->cpus ? d->cpus : 1);

    if (aw_demand_gpus (d) > 0)
        n = least (n, bin->free.gpus / aw_demand_gpus (d) * (AW_GPU_WHOLE / aw_demand_part (d)));
    if (d->mem && bin->counts_mem)
        n = least (n, bin->free.mem / d->mem);
    return (uint32_t)n;
}

/* GPUs that N tasks of D use, if they share none with tasks of other sets. */
static uint32_t gpus_of (const struct aw_demand *d, uint32_t n)
{
    uint32_t each = AW_GPU_WHOLE / aw_demand_part (d);

    return (n + each - 1) / each * aw_demand_gpus (d);
}

static void put (struct bin *bin, const struct aw_demand *d, uint32_t n)
{
    bin->free.cpus -= n * d->cpus;
    bin->free.gpus -= gpus_of (d, n);
    if (bin->counts_mem)
        bin->free.mem -= n * d->mem;
}

static void take_back (struct bin *bin, const struct aw_demand *d)
{
    bin->free.cpus += d->cpus;
    bin->free.gpus += gpus_of (d, 1);
    if (bin->counts_mem)
        bin->free.mem += d->mem;
}

static void empty (struct packing *p, const struct aw_allocation *a)
{
    uint32_t b = 0;

    for (uint32_t i = 0; i < a->n_shapes; i++) {
        const struct aw_node_shape *s = &a->shapes[i];

        for (uint32_t k = 0; k < s->nodes; k++)
            p->bins[b++] = (struct bin){
                .free = { .cpus = s->cpus, .gpus = s->gpus, .mem = s->mem },
                .counts_mem = s->mem > 0,
            };
    }
}

static double share (const struct aw_allocation *a, const struct aw_whole *whole)
{
    double share = whole->cpus / a->cpus;

    if (a->gpus && whole->gpus / a->gpus > share)
        share = whole->gpus / a->gpus;
    if (a->mem && whole->mem / (double)a->mem > share)
        share = whole->mem / (double)a->mem;
    return share;
}

/* By sums: more than all nodes have together cannot fit. */
static bool too_much (const struct packing *p, const struct aw_allocation *a)
{
    double cpus = 0, gpus = 0, mem = 0;

    for (uint32_t i = 0; i < p->n_lots; i++) {
        cpus += p->lots[i].count * p->lots[i].whole.cpus;
        gpus += p->lots[i].count * p->lots[i].whole.gpus;
        mem += p->lots[i].count * p->lots[i].whole.mem;
    }
    return cpus > a->cpus || gpus > a->gpus || (a->mem && mem > (double)a->mem);
}

static int by_share (const void *pa, const void *pb)
{
    const struct lot *a = pa, *b = pb;

    return a->share != b->share ? (a->share < b->share ? 1 : -1) : 0;
}

static int by_gpus (const void *pa, const void *pb)
{
    const struct lot *a = pa, *b = pb;

    if (a->demand.gpus != b->demand.gpus)
        return a->demand.gpus < b->demand.gpus ? 1 : -1;
    return a->demand.cpus != b->demand.cpus ? (a->demand.cpus < b->demand.cpus ? 1 : -1) : 0;
}

static int by_cpus (const void *pa, const void *pb)
{
    const struct lot *a = pa, *b = pb;

    if (a->demand.cpus != b->demand.cpus)
        return a->demand.cpus < b->demand.cpus ? 1 : -1;
    return a->demand.gpus != b->demand.gpus ? (a->demand.gpus < b->demand.gpus ? 1 : -1) : 0;
}

/* Puts the lots, in their order, into the bins: filling one after the other, or one task a bin and
 * round. A task on k nodes takes k bins. Tasks of a lot fit if they have that many places, and no
 * bin holds more of them than there are tasks.
 */
static bool greedy (struct packing *p, bool level)
{
    for (uint32_t i = 0; i < p->n_lots; i++) {
        const struct lot *lot = &p->lots[i];
        uint64_t left = (uint64_t)lot->count * lot->demand.nodes;
        uint32_t rounds = level ? lot->count : 1, placed = 1;

        for (uint32_t r = 0; r < rounds && left > 0 && placed > 0; r++) {
            placed = 0;
            for (uint32_t b = 0; left > 0 && b < p->n_bins; b++) {
                uint32_t n = room_for (&p->bins[b], &lot->demand);

                n = (uint32_t)least (n, least (left, level ? 1 : lot->count));
                put (&p->bins[b], &lot->demand, n);
                left -= n;
                placed += n;
            }
        }
        if (left > 0)
            return false;
    }
    return true;
}

static bool is_like (const struct bin *a, const struct bin *b)
{
    return a->counts_mem == b->counts_mem && a->free.cpus == b->free.cpus
           && a->free.gpus == b->free.gpus && a->free.mem == b->free.mem;
}

/* Has an earlier bin from FROM on the same resources free? To try B again would bring nothing new.
 */
static bool seen_before (const struct packing *p, uint32_t from, uint32_t b)
{
    for (uint32_t i = from; i < b; i++)
        if (is_like (&p->bins[i], &p->bins[b]))
            return true;
    return false;
}

/* Places the remainder, LEFT tasks of LOT first, in bins from FROM on: tasks of one lot go in the
 * order of the bins.
 */
static bool search (struct packing *p, uint32_t lot, uint32_t left, uint32_t from)
{
    if (left == 0) {
        if (lot + 1 >= p->n_lots)
            return true;
        return search (p, lot + 1, p->lots[lot + 1].count, 0);
    }
    for (uint32_t b = from; b < p->n_bins && p->steps > 0; b++) {
        const struct aw_demand *d = &p->lots[lot].demand;

        p->steps--;
        if (room_for (&p->bins[b], d) == 0 || seen_before (p, from, b))
            continue;
        put (&p->bins[b], d, 1);
        if (search (p, lot, left - 1, b))
            return true;
        take_back (&p->bins[b], d);
    }
    return false;
}

static enum aw_fit try_all (struct packing *p, const struct aw_allocation *a)
{
    static int (*const orders[]) (const void *, const void *) = { by_cpus, by_gpus, by_share };
    enum { SEARCH_TASKS = 256 }; /* as deep as the search may go */
    uint64_t tasks = 0;
    bool wide = false;

    if (too_much (p, a))
        return AW_FIT_NO;
    for (size_t i = 0; i < sizeof (orders) / sizeof (orders[0]); i++) {
        qsort (p->lots, p->n_lots, sizeof (*p->lots), orders[i]);
        for (int level = 0; level < 2; level++) {
            empty (p, a);
            if (greedy (p, level))
                return AW_FIT_YES;
        }
    }
    for (uint32_t i = 0; i < p->n_lots; i++) {
        tasks += p->lots[i].count;
        wide = wide || p->lots[i].demand.nodes > 1 || p->lots[i].demand.gpu_share;
    }
    if (p->n_lots == 1)
        return AW_FIT_NO; /* tasks of one lot: filling one node after the other is best */
    if (tasks > SEARCH_TASKS || wide) /* the search below only handles whole GPUs on one node */
        return AW_FIT_UNKNOWN;
    empty (p, a);
    p->steps = AW_PACK_STEPS;
    if (search (p, 0, p->lots[0].count, 0))
        return AW_FIT_YES;
    return p->steps > 0 ? AW_FIT_NO : AW_FIT_UNKNOWN;
}

enum aw_fit aw_pack (const struct aw_graph *graph,
                     const struct aw_allocation *a,
                     const uint32_t *sets,
                     uint32_t n)
{
    struct packing p = { .n_bins = a->n_nodes, .n_lots = n };
    enum aw_fit fit = AW_FIT_UNKNOWN;

    if (n == 0)
        return AW_FIT_YES;
    p.bins = calloc ((size_t)a->n_nodes + 1, sizeof (*p.bins));
    p.lots = calloc (n, sizeof (*p.lots));
    if (p.bins && p.lots) {
        for (uint32_t i = 0; i < n; i++) {
            const struct aw_set *set = &graph->sets[sets[i]];

            p.lots[i].demand = aw_set_demand (set);
            p.lots[i].count = set->count;
            p.lots[i].whole = aw_set_whole (set);
            p.lots[i].share = share (a, &p.lots[i].whole);
        }
        fit = try_all (&p, a);
    }
    free (p.bins);
    free (p.lots);
    return fit;
}
