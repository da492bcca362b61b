/* SPDX-License-Identifier: Apache-2.0 */
#include "core/resources/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/resources/topology.h"

/* A core while the order of all is being found: the groups that it is in, the largest first, then
 * its lowest CPU. */
struct place {
    uint32_t package, numa, cache, lowest;
    uint32_t core; /* number in the topology, or n_groups + a CPU that is in none */
};

static char fold (char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins (const char *text, const char *with)
{
    while (*with && fold (*text) == fold (*with)) {
        text++;
        with++;
    }
    return !*with;
}

bool aw_gpu_type_matches (const char *is, const char *wanted)
{
    for (; *is; is++)
        if (begins (is, wanted))
            return true;
    return false;
}

/* The group of LEVEL that CPU is in; n_groups where it is in none. */
static void fill_group_of (const struct aw_topology *t, enum aw_level level, uint32_t *of)
{
    for (uint32_t g = 0; g < t->n_groups[level]; g++) {
        const struct aw_idset *set = &t->groups[level][g];

        for (uint32_t id = aw_idset_next (set, 0); id != AW_IDSET_NONE;
             id = aw_idset_next (set, id + 1))
            of[id] = g;
    }
}

static int compare_places (const void *pa, const void *pb)
{
    const struct place *a = pa, *b = pb;

    if (a->package != b->package)
        return a->package < b->package ? -1 : 1;
    if (a->numa != b->numa)
        return a->numa < b->numa ? -1 : 1;
    if (a->cache != b->cache)
        return a->cache < b->cache ? -1 : 1;
    if (a->lowest != b->lowest)
        return a->lowest < b->lowest ? -1 : 1;
    return 0;
}

/* Fills PLACES, which has room for all CPUs, with the cores of the job's CPUs. OF has room for four
 * levels of END ids. Returns their number.
 */
static uint32_t find_places (const struct aw_layout *l,
                             const struct aw_topology *t,
                             uint32_t *of,
                             uint32_t end,
                             struct place *places)
{
    uint32_t *seen = of + 4 * (size_t)end, n = 0; /* by core: its place, from 1 */

    for (int level = 0; level < AW_LEVELS; level++) {
        for (uint32_t id = 0; id < end; id++)
            of[level * (size_t)end + id] = t->n_groups[level];
        fill_group_of (t, (enum aw_level)level, of + level * (size_t)end);
    }
    for (uint32_t id = aw_idset_next (&l->all_cpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (&l->all_cpus, id + 1)) {
        uint32_t core = of[AW_LEVEL_CORE * (size_t)end + id];
        bool alone = core == t->n_groups[AW_LEVEL_CORE];

        if (!alone && seen[core])
            continue;
        if (!alone)
            seen[core] = 1;
        places[n++] = (struct place){
            .package = of[AW_LEVEL_PACKAGE * (size_t)end + id],
            .numa = of[AW_LEVEL_NUMA * (size_t)end + id],
            .cache = of[AW_LEVEL_CACHE * (size_t)end + id],
            .lowest = id,
            .core = alone ? AW_NO_HOME : core,
        };
    }
    qsort (places, n, sizeof (*places), compare_places);
    return n;
}

static void add_core (struct aw_layout *l, const struct aw_topology *t, const struct place *place)
{
    struct aw_core *core = &l->cores[l->n_cores];
    const struct aw_idset *set =
        place->core == AW_NO_HOME ? NULL : &t->groups[AW_LEVEL_CORE][place->core];

    core->first = l->n_cpus;
    for (uint32_t id = place->lowest; id != AW_IDSET_NONE;
         id = set ? aw_idset_next (set, id + 1) : AW_IDSET_NONE)
        if (aw_idset_has (&l->all_cpus, id)) {
            l->core_of[id] = l->n_cores;
            l->cpus[l->n_cpus++] = id;
        }
    core->n = l->n_cpus - core->first;
    l->n_threads = core->n > l->n_threads ? core->n : l->n_threads;
    l->n_idle[core->n < AW_THREADS ? core->n : AW_THREADS]++;
    l->n_cores++;
}

/* Whether the cores of two neighbours are in the same domain of LEVEL. */
static bool together (const struct aw_layout *l,
                      const struct place *a,
                      const struct place *b,
                      enum aw_domain_level level)
{
    if (level == AW_DOMAIN_NODE)
        return true;
    if (a->package != b->package)
        return false;
    if (level == AW_DOMAIN_PACKAGE)
        return true;
    return a->numa == b->numa
           && (level == AW_DOMAIN_NUMA || !l->has_caches || a->cache == b->cache);
}

/* A cache that each core has for itself makes no domains. */
static bool share_caches (const struct place *places, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (places[i - 1].package == places[i].package && places[i - 1].numa == places[i].numa
            && places[i - 1].cache == places[i].cache)
            return true;
    return false;
}

static int add_domains (struct aw_layout *l, const struct place *places, enum aw_domain_level level)
{
    struct aw_domain *domains = calloc ((size_t)l->n_cores + 1, sizeof (*domains));
    uint32_t n = 0, child = 0;

    l->domains[level] = domains;
    if (!domains)
        return -1;
    for (uint32_t c = 0; c < l->n_cores; c++) {
        if (c == 0 || !together (l, &places[c - 1], &places[c], level))
            domains[n++].first = c;
        domains[n - 1].end = c + 1;
    }
    for (uint32_t d = 0; level > 0 && d < n; d++) {
        domains[d].first_child = child;
        while (child < l->n_domains[level - 1]
               && l->domains[level - 1][child].first < domains[d].end)
            child++;
        domains[d].end_child = child;
    }
    l->n_domains[level] = n;
    return 0;
}

/* Is a CPU of the core in SET? */
static bool touches (const struct aw_layout *l,
                     const struct aw_core *core,
                     const struct aw_idset *set)
{
    for (uint32_t i = 0; i < core->n; i++)
        if (aw_idset_has (set, l->cpus[core->first + i]))
            return true;
    return false;
}

/* The domain of LEVEL that has all cores near GPU. */
static uint32_t domain_of_gpu (const struct aw_layout *l, enum aw_domain_level level, uint32_t gpu)
{
    uint32_t found = AW_NO_HOME, d = 0;

    for (uint32_t c = 0; c < l->n_cores; c++) {
        if (!(l->zones[l->cores[c].zone] >> gpu & 1))
            continue;
        while (l->domains[level][d].end <= c)
            d++;
        if (found != AW_NO_HOME && found != d)
            return AW_NO_HOME;
        found = d;
    }
    return found;
}

static void add_zone (struct aw_layout *l, struct aw_core *core, uint64_t near)
{
    for (core->zone = 0; core->zone < l->n_zones; core->zone++)
        if (l->zones[core->zone] == near)
            return;
    l->zones[l->n_zones++] = near;
}

/* NEAR, by GPU: its local CPUs in the topology, NULL where they are not known. */
static void find_zones (struct aw_layout *l, const struct aw_idset *const *near)
{
    uint32_t n = l->n_gpus < AW_NEAR_GPUS ? l->n_gpus : AW_NEAR_GPUS;

    for (uint32_t c = 0; c < l->n_cores; c++) {
        uint64_t mask = 0;

        for (uint32_t g = 0; g < n; g++)
            if (near[g] && touches (l, &l->cores[c], near[g]))
                mask |= UINT64_C (1) << g;
        add_zone (l, &l->cores[c], mask);
    }
    for (uint32_t g = 0; g < n; g++) {
        uint32_t home = 0;

        if (!near[g] || !aw_idset_intersects (near[g], &l->all_cpus))
            continue;
        l->flat = false;
        while (!near[home] || !aw_idset_equal (near[home], near[g]))
            home++;
        l->gpus[g].home = home;
        l->gpus[g].numa = domain_of_gpu (l, AW_DOMAIN_NUMA, g);
        l->gpus[g].package = domain_of_gpu (l, AW_DOMAIN_PACKAGE, g);
    }
}

static int add_gpus (struct aw_layout *l,
                     const struct aw_topology *t,
                     char *const *types,
                     uint32_t n_types)
{
    size_t n = (size_t)aw_idset_count (&l->all_gpus) + 1;
    const struct aw_idset **near = calloc (n, sizeof (*near));

    l->n_types = n_types;
    l->gpus = calloc (n, sizeof (*l->gpus));
    l->of_type = calloc (n * ((size_t)n_types + 1), sizeof (*l->of_type));
    l->zones = calloc ((size_t)l->n_cores + 1, sizeof (*l->zones));
    if (!near || !l->gpus || !l->of_type || !l->zones) {
        free (near);
        return -1;
    }
    n = aw_idset_count (&l->all_gpus);
    for (uint32_t id = aw_idset_next (&l->all_gpus, 0), at = 0; id != AW_IDSET_NONE;
         id = aw_idset_next (&l->all_gpus, id + 1)) {
        uint32_t g = l->n_gpus++;

        l->gpus[g] = (struct aw_layout_gpu){ id, AW_NO_HOME, AW_NO_HOME, AW_NO_HOME, "", 0 };
        while (at < t->n_gpus && t->gpus[at].id < id)
            at++;
        if (at < t->n_gpus && t->gpus[at].id == id) {
            near[g] = &t->gpus[at].cpus;
            memcpy (l->gpus[g].type, t->gpus[at].type, sizeof (l->gpus[g].type));
        }
        for (uint32_t i = 0; i < n_types; i++)
            l->of_type[i * n + g] =
                !l->gpus[g].type[0] || aw_gpu_type_matches (l->gpus[g].type, types[i]);
    }
    find_zones (l, near);
    free (near);
    return 0;
}

int aw_layout_set_types (struct aw_layout *l, char *const *types, uint32_t n_types)
{
    uint32_t n = l->n_gpus;
    bool *of_type;

    if (n_types > l->n_types) {
        of_type = reallocarray (l->of_type, (n + (size_t)1) * (n_types + (size_t)1), 1);
        if (!of_type)
            return -1;
        l->of_type = of_type;
        for (uint32_t i = l->n_types; i < n_types; i++)
            for (uint32_t g = 0; g < n; g++)
                of_type[i * (size_t)n + g] =
                    !l->gpus[g].type[0] || aw_gpu_type_matches (l->gpus[g].type, types[i]);
    }
    l->n_types = n_types;
    return 0;
}

static void find_largest (struct aw_layout *l)
{
    for (uint32_t d = 0; d < l->n_domains[AW_DOMAIN_NUMA]; d++) {
        const struct aw_domain *numa = &l->domains[AW_DOMAIN_NUMA][d];
        uint32_t n = 0;

        for (uint32_t c = numa->first; c < numa->end; c++)
            n += l->cores[c].n;
        l->largest_numa = n > l->largest_numa ? n : l->largest_numa;
    }
}

/* One beyond the highest id that topology or node has. */
static uint32_t end_of_ids (const struct aw_layout *l, const struct aw_topology *t)
{
    uint32_t words = l->all_cpus.n_words;

    for (int level = 0; level < AW_LEVELS; level++)
        for (uint32_t g = 0; g < t->n_groups[level]; g++)
            words = t->groups[level][g].n_words > words ? t->groups[level][g].n_words : words;
    return 64 * words;
}

static int build (struct aw_layout *l,
                  const struct aw_topology *t,
                  char *const *types,
                  uint32_t n_types)
{
    uint32_t n_cpus = aw_idset_count (&l->all_cpus), end = end_of_ids (l, t), n;
    uint32_t *of = calloc (4 * (size_t)end + t->n_groups[AW_LEVEL_CORE] + 1, sizeof (*of));
    struct place *places = calloc ((size_t)n_cpus + 1, sizeof (*places));
    int rc = -1;

    l->cpus = calloc ((size_t)n_cpus + 1, sizeof (*l->cpus));
    l->core_of = calloc ((size_t)end + 1, sizeof (*l->core_of));
    l->cores = calloc ((size_t)n_cpus + 1, sizeof (*l->cores));
    if (of && places && l->cpus && l->core_of && l->cores) {
        rc = 0;
        n = find_places (l, t, of, end, places);
        for (uint32_t i = 0; i < n; i++)
            add_core (l, t, &places[i]);
        l->has_caches = share_caches (places, n);
        for (int level = 0; rc == 0 && level < AW_DOMAINS; level++)
            rc = add_domains (l, places, (enum aw_domain_level)level);
        l->flat = l->n_threads <= 1 && rc == 0 && l->n_domains[AW_DOMAIN_CACHE] <= 1;
        if (rc == 0)
            rc = add_gpus (l, t, types, n_types);
    }
    find_largest (l);
    free (of);
    free (places);
    return rc;
}

struct aw_layout *aw_layout_create (const struct aw_idset *cpus,
                                    const struct aw_idset *gpus,
                                    const char *topology,
                                    char *const *types,
                                    uint32_t n_types,
                                    struct aw_error *err)
{
    struct aw_topology t = { 0 };
    struct aw_layout *l;

    if (topology && aw_topology_parse (&t, topology, err) < 0)
        return NULL;
    l = calloc (1, sizeof (*l));
    if (l)
        l->n_users = 1;
    if (!l || aw_idset_copy (&l->all_cpus, cpus) < 0 || aw_idset_copy (&l->all_gpus, gpus) < 0
        || (topology && !(l->text = strdup (topology))) || build (l, &t, types, n_types) < 0) {
        aw_layout_drop (l);
        aw_topology_finish (&t);
        aw_error_set (err, "out of memory for a node's topology");
        errno = ENOMEM;
        return NULL;
    }
    aw_topology_finish (&t);
    return l;
}

struct aw_layout *aw_layout_share (struct aw_layout *l)
{
    l->n_users++;
    return l;
}

void aw_layout_drop (struct aw_layout *l)
{
    int saved = errno;

    if (!l || --l->n_users > 0)
        return;
    for (int level = 0; level < AW_DOMAINS; level++)
        free (l->domains[level]);
    aw_idset_finish (&l->all_cpus);
    aw_idset_finish (&l->all_gpus);
    free (l->text);
    free (l->cpus);
    free (l->cores);
    free (l->core_of);
    free (l->zones);
    free (l->gpus);
    free (l->of_type);
    free (l);
    errno = saved;
}

bool aw_layout_is_of (const struct aw_layout *l,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus,
                      const char *topology)
{
    if (!l->text != !topology || (topology && strcmp (l->text, topology) != 0))
        return false;
    return aw_idset_equal (&l->all_cpus, cpus) && aw_idset_equal (&l->all_gpus, gpus);
}

uint32_t aw_layout_gpu (const struct aw_layout *l, uint32_t id)
{
    uint32_t low = 0, n = l->n_gpus;

    if (id < n && l->gpus[id].id == id)
        return id; /* most often they are 0, 1, ... */
    while (n > 0) {
        uint32_t half = n / 2;

        if (l->gpus[low + half].id < id) {
            low += half + 1;
            n -= half + 1;
        }
        else
            n = half;
    }
    return low < l->n_gpus && l->gpus[low].id == id ? low : AW_NO_HOME;
}

static bool is_type (const struct aw_layout *l, uint32_t gpu, const struct aw_demand *demand)
{
    return !demand->gpu_type || l->of_type[(demand->gpu_type - 1) * (size_t)l->n_gpus + gpu];
}

/* Is it out of reach, since another node of the task may have fewer GPUs? */
static bool is_beyond (const struct aw_layout *l, uint32_t gpu, const struct aw_demand *demand)
{
    return aw_demand_nodes (demand) > 1 && aw_demand_gpus (demand) <= l->gpus[gpu].beyond;
}

bool aw_layout_may_use (const struct aw_layout *l, uint32_t gpu, const struct aw_demand *demand)
{
    return is_type (l, gpu, demand) && !is_beyond (l, gpu, demand);
}

bool aw_layout_may_use_all (const struct aw_layout *l, const struct aw_demand *demand)
{
    return !demand->gpu_type && (l->n_gpus == 0 || !is_beyond (l, l->n_gpus - 1, demand));
}

void aw_layout_note_gpus (struct aw_layout *l, uint32_t n)
{
    for (uint32_t g = n; g < l->n_gpus; g++)
        if (l->gpus[g].beyond < n)
            l->gpus[g].beyond = n;
}

bool aw_layout_holds_cores (const struct aw_layout *l, const struct aw_demand *demand)
{
    return demand->threads_per_core > 0 && l->n_threads > 1;
}
