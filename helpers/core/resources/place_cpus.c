/* SPDX-License-Identifier: Apache-2.0 */
/* The CPUs of one rank: the best domain is found first, then filled from its larger parts to its
 * cores. What makes a domain better is packed into one word, the weightiest in front.
 */
#include <errno.h>

#include "core/resources/place_state.h"

static bool is_near (const struct aw_pick *p, uint32_t core)
{
    return p->layout->zones[p->layout->cores[core].zone] & p->near;
}

/* CPUs of the core that may be taken. */
static uint32_t usable (const struct aw_pick *p, uint32_t core)
{
    if ((p->only_idle && !p->s->idle[core]) || (p->only_near && !is_near (p, core)))
        return 0;
    return p->s->usable[core];
}

uint32_t aw_pick_usable (const struct aw_pick *p, uint64_t near)
{
    uint32_t n = 0;

    for (uint32_t z = 0; z < p->layout->n_zones; z++)
        if (!near || p->layout->zones[z] & near)
            n += p->s->of_zone[z];
    return n;
}

struct sums {
    uint32_t all;
    uint32_t idle; /* in cores wholly free */
    uint32_t spare; /* without those that GPU tasks may need */
    bool near;
};

static uint32_t least (uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The same where all cores may be used, and GPUs do not matter: most tasks of a run are like that.
 */
static struct sums add_up_all (const struct aw_place_scratch *s, const struct aw_domain *domain)
{
    struct sums sums = { 0 };

    for (uint32_t c = domain->first; c < domain->end; c++) {
        sums.all += s->usable[c];
        sums.idle += s->idle[c] * s->usable[c];
    }
    sums.spare = sums.all;
    return sums;
}

static struct sums add_up (const struct aw_pick *p, const struct aw_domain *domain)
{
    struct sums sums = { 0 };
    uint32_t zone = p->layout->cores[domain->first].zone, of_zone = 0;

    if (!p->only_idle && !p->only_near && !p->spares && !p->near)
        return add_up_all (p->s, domain);
    for (uint32_t c = domain->first; c < domain->end; c++) {
        uint32_t n = usable (p, c);

        sums.all += n;
        sums.idle += p->s->idle[c] ? n : 0;
        if (!p->spares)
            continue;
        if (p->layout->cores[c].zone != zone) {
            sums.spare += least (of_zone, p->s->surplus[zone]);
            zone = p->layout->cores[c].zone;
            of_zone = 0;
        }
        of_zone += n;
    }
    sums.spare = p->spares ? sums.spare + least (of_zone, p->s->surplus[zone]) : sums.all;
    for (uint32_t c = domain->first; p->near && !p->only_near && !sums.near && c < domain->end; c++)
        sums.near = is_near (p, c);
    return sums;
}

/* The smaller the better: near the GPUs; without harm to GPU tasks; in idle cores; in a smaller
 * domain; in one that is left with less.
 */
static uint64_t grade (const struct aw_pick *p,
                       const struct sums *sums,
                       enum aw_domain_level level,
                       uint32_t domain,
                       uint32_t n)
{
    const struct aw_layout *l = p->layout;
    uint64_t far = 0;

    if (p->near && !p->only_near && !sums->near) {
        uint32_t first = l->domains[level][domain].first;

        far = p->package == AW_NO_HOME || first < l->domains[AW_DOMAIN_PACKAGE][p->package].first
                      || first >= l->domains[AW_DOMAIN_PACKAGE][p->package].end
                  ? 2
                  : 1;
    }
    return far << 62 | (uint64_t)(sums->spare < n) << 61 | (uint64_t)(sums->idle < n) << 60
           | (uint64_t)level << 57 | (uint64_t)least (sums->all, (1 << 28) - 1) << 28
           | least (domain, (1 << 28) - 1);
}

/* The best domain of levels FROM..TO that has N CPUs; false: none. */
static bool find_domain (const struct aw_pick *p,
                         enum aw_domain_level from,
                         enum aw_domain_level to,
                         uint32_t n,
                         enum aw_domain_level *level,
                         uint32_t *domain,
                         uint64_t *best)
{
    const struct aw_layout *l = p->layout;

    *best = UINT64_MAX;
    for (int i = from; i <= (int)to; i++) {
        if (i < (int)to && l->n_domains[i] == l->n_domains[i + 1])
            continue; /* the same ones */
        for (uint32_t d = 0; d < l->n_domains[i]; d++) {
            struct sums sums = add_up (p, &l->domains[i][d]);
            uint64_t mark;

            if (sums.all < n)
                continue;
            mark = grade (p, &sums, (enum aw_domain_level)i, d, n);
            if (mark >= *best)
                continue;
            *best = mark;
            *level = (enum aw_domain_level)i;
            *domain = d;
        }
    }
    return *best != UINT64_MAX;
}

/* Takes N usable CPUs of the core, the lowest ids. */
static int take (struct aw_pick *p, uint32_t number, uint32_t n)
{
    const struct aw_core *core = &p->layout->cores[number];

    p->s->usable[number] -= n;
    p->s->of_zone[core->zone] -= n;
    p->s->idle[number] = false;
    for (uint32_t i = 0; p->cpus && i < core->n && n > 0; i++) {
        uint32_t id = p->layout->cpus[core->first + i];

        if (!aw_idset_has (p->free, id) || aw_idset_has (p->cpus, id))
            continue;
        if (aw_idset_add (p->cpus, id, id) < 0)
            return -1;
        n--;
    }
    return 0;
}

/* Takes the cores of the domain of which all usable CPUs, SIZE of them (0: any number), are needed.
 */
static int take_whole (
    struct aw_pick *p, const struct aw_domain *domain, bool idle, uint32_t size, uint32_t *n)
{
    for (uint32_t c = domain->first; *n > 0 && c < domain->end; c++) {
        uint32_t have = p->s->idle[c] == idle ? usable (p, c) : 0;

        if (have == 0 || have > *n || (size && have != size))
            continue;
        if (take (p, c, have) < 0)
            return -1;
        *n -= have;
    }
    return 0;
}

/* The rest, less than any core has: of an idle core where there is one, else of the tightest. */
static int take_rest (struct aw_pick *p, const struct aw_domain *domain, uint32_t n)
{
    uint32_t best = AW_NO_HOME;

    for (uint32_t c = domain->first; c < domain->end; c++) {
        if (usable (p, c) < n)
            continue;
        if (best == AW_NO_HOME || p->s->idle[c] > p->s->idle[best]
            || (p->s->idle[c] == p->s->idle[best] && usable (p, c) < usable (p, best)))
            best = c;
    }
    return take (p, best, n);
}

static int fill_cores (struct aw_pick *p, const struct aw_domain *domain, uint32_t n)
{
    if (take_whole (p, domain, true, 0, &n) < 0)
        return -1;
    for (uint32_t size = least (n, p->layout->n_threads); size > 0 && n > 0 && !p->only_idle;
         size--)
        if (take_whole (p, domain, false, size, &n) < 0)
            return -1;
    return n > 0 ? take_rest (p, domain, n) : 0;
}

/* The child that holds all of N most tightly, else the one that has most. Those near the GPUs go
 * before others. */
static uint32_t find_child (const struct aw_pick *p,
                            enum aw_domain_level level,
                            const struct aw_domain *domain,
                            uint32_t n,
                            uint32_t *have)
{
    uint32_t best = AW_NO_HOME;
    bool best_near = false;

    *have = 0;
    for (uint32_t d = domain->first_child; d < domain->end_child; d++) {
        struct sums sums = add_up (p, &p->layout->domains[level - 1][d]);
        bool better;

        if (sums.all == 0)
            continue;
        if (sums.near != best_near)
            better = sums.near;
        else if ((sums.all >= n) != (*have >= n))
            better = sums.all >= n;
        else
            better = sums.all >= n ? sums.all < *have : sums.all > *have;
        if (best != AW_NO_HOME && !better)
            continue;
        best = d;
        best_near = sums.near;
        *have = sums.all;
    }
    return best;
}

/* Has the domain more or less than N CPUs, or is it further from the GPUs than others may be? */
static bool has_other (const struct aw_pick *p,
                       enum aw_domain_level level,
                       uint32_t domain,
                       uint32_t n)
{
    struct sums sums = add_up (p, &p->layout->domains[level][domain]);

    return sums.all != n || (p->near && !p->only_near);
}

static int fill (struct aw_pick *p, enum aw_domain_level level, uint32_t domain, uint32_t n)
{
    const struct aw_domain *d = &p->layout->domains[level][domain];

    if (level == AW_DOMAIN_CACHE || d->end_child - d->first_child == 1)
        return level == AW_DOMAIN_CACHE ? fill_cores (p, d, n)
                                        : fill (p, level - 1, d->first_child, n);
    while (n > 0) {
        uint32_t have, child = find_child (p, level, d, n, &have);

        if (child == AW_NO_HOME) {
            errno = ENOSPC;
            return -1;
        }
        do { /* later ones with as many would come next */
            if (fill (p, level - 1, child, least (n, have)) < 0)
                return -1;
            n -= least (n, have);
            do
                child++;
            while (child < d->end_child && has_other (p, level - 1, child, have));
        } while (n >= have && n > 0 && child < d->end_child);
    }
    return 0;
}

int aw_pick_cpus (struct aw_pick *p, uint32_t n, uint32_t most)
{
    enum aw_domain_level level = AW_DOMAIN_NODE;
    uint32_t domain = 0;
    uint64_t mark;

    if (n == 0)
        return 0;
    p->only_idle = false;
    p->only_near = p->near && aw_pick_usable (p, p->near) >= n;
    if (!find_domain (p, AW_DOMAIN_CACHE, AW_DOMAIN_NUMA, n, &level, &domain, &mark)) {
        p->good = p->good && most > p->layout->largest_numa;
        if (!find_domain (p, AW_DOMAIN_PACKAGE, AW_DOMAIN_NODE, n, &level, &domain, &mark)) {
            errno = ENOSPC;
            return -1;
        }
    }
    p->good = p->good && (p->only_near || !p->near) && !(mark >> 61 & 1);
    p->only_idle = !(mark >> 60 & 1);
    return fill (p, level, domain, n);
}
