/* SPDX-License-Identifier: Apache-2.0 */
#include "machines.h"

#include <stdio.h>
#include <string.h>

#include "graphs.h"

/* Appends "LEVEL a,b|c,d" for the CPUs by their number in OF. */
static void put_level (struct machine *m, const char *name, const uint8_t *of)
{
    size_t len = strlen (m->text);

    len += (size_t)sprintf (m->text + len, "%s%s ", len ? ";" : "", name);
    for (uint32_t group = 0, n = 0; group < MACHINE_NONE; group++)
        for (uint32_t id = 0, k = 0; id < m->end; id++)
            if (of[id] == group)
                len += (size_t)sprintf (m->text + len, "%s%u", k++ ? "," : n++ ? "|" : "", id);
}

static void put_gpus (struct machine *m)
{
    static const char *const names[] = { "", ":nvidia_A100-sxm4", ":v100" };
    size_t len = strlen (m->text);

    for (uint32_t g = 0; g < m->n_gpus; g++) {
        len += (size_t)sprintf (m->text + len, "%s%u=", g ? "|" : len ? ";gpu " : "gpu ", g);
        for (uint32_t id = 0, k = 0; id < m->end; id++)
            if (m->is_local[g][id])
                len += (size_t)sprintf (m->text + len, "%s%u", k++ ? "," : "", id);
        len += (size_t)sprintf (m->text + len, "%s", names[m->type[g]]);
    }
}

void machine_random (struct machine *m, uint64_t *seed)
{
    uint32_t numas = 1 + graphs_below (seed, 4), caches = 1 + graphs_below (seed, 3);
    uint32_t cores = 1 + graphs_below (seed, 4), threads = 1 + graphs_below (seed, 4);
    uint32_t n_cores = numas * caches * cores;
    int siblings_apart = (int)graphs_below (seed, 2), all = (int)graphs_below (seed, 2);
    int tell_cores = graphs_below (seed, 8) > 0, tell_numas = graphs_below (seed, 8) > 0;
    uint8_t cache[MACHINE_CPUS], package[MACHINE_CPUS];
    uint32_t home = graphs_below (seed, 3);

    memset (m, 0, sizeof (*m));
    m->end = n_cores * threads;
    for (uint32_t c = 0; c < n_cores; c++)
        for (uint32_t t = 0; t < threads; t++) {
            uint32_t id = siblings_apart ? t * n_cores + c : c * threads + t;

            m->core[id] = (uint8_t)c;
            cache[id] = (uint8_t)(c / cores);
            m->numa[id] = (uint8_t)(c / cores / caches);
            package[id] = (uint8_t)(m->numa[id] * 2 / numas);
            m->owned[id] = all || graphs_below (seed, 4) > 0;
        }
    m->owned[graphs_below (seed, m->end)] = 1;
    m->n_gpus = graphs_below (seed, 9);
    for (uint32_t g = 0; g < m->n_gpus; g++) {
        uint32_t where = graphs_below (seed, home == 0 ? caches * numas : numas);

        m->type[g] = (uint8_t)graphs_below (seed, 3);
        for (uint32_t id = 0; id < m->end; id++)
            m->is_local[g][id] = home == 0 ? cache[id] == where : home == 1 && m->numa[id] == where;
        (void)aw_idset_add (&m->gpus, g, g);
    }
    for (uint32_t id = 0; id < m->end; id++)
        if (m->owned[id])
            (void)aw_idset_add (&m->cpus, id, id);
    if (tell_cores)
        put_level (m, "core", m->core);
    else
        for (uint32_t id = 0; id < m->end; id++)
            m->core[id] = (uint8_t)id;
    if (tell_numas) {
        if (graphs_below (seed, 4))
            put_level (m, "cache", cache);
        put_level (m, "numa", m->numa);
        if (graphs_below (seed, 4))
            put_level (m, "package", package);
    }
    else
        memset (m->numa, MACHINE_NONE, sizeof (m->numa));
    if (m->n_gpus > 0)
        put_gpus (m);
}

void machine_finish (struct machine *m)
{
    aw_idset_finish (&m->cpus);
    aw_idset_finish (&m->gpus);
}
