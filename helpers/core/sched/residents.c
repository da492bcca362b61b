/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/residents.h"

#include <stdlib.h>
#include <string.h>

#include "util/array.h"

void aw_residents_finish (struct aw_residents *residents)
{
    for (uint32_t i = 0; i < residents->room; i++) {
        aw_idset_finish (&residents->list[i].cpus);
        aw_idset_finish (&residents->list[i].gpus);
    }
    free (residents->list);
    memset (residents, 0, sizeof (*residents));
}

/* A further entry, whose sets have memory perhaps. NULL with ENOMEM. */
static struct aw_resident *append (struct aw_residents *residents)
{
    uint32_t old = residents->room;

    if (aw_array_reserve (&residents->list, &residents->room, residents->n + 1) < 0)
        return NULL;
    memset (residents->list + old, 0, (residents->room - old) * sizeof (*residents->list));
    return &residents->list[residents->n];
}

static int add (struct aw_residents *residents, const struct aw_resident *like)
{
    struct aw_resident *resident = append (residents);

    if (!resident || aw_idset_copy (&resident->cpus, &like->cpus) < 0
        || aw_idset_copy (&resident->gpus, &like->gpus) < 0)
        return -1;
    resident->set = like->set;
    resident->share = like->share;
    resident->node = like->node;
    residents->n++;
    return 0;
}

int aw_residents_add (struct aw_residents *residents,
                      struct aw_pool *pool,
                      const struct aw_resident *resident)
{
    return add (residents, resident) < 0
                   || aw_pool_spare (pool, resident->node, &resident->cpus, &resident->gpus) < 0
               ? -1
               : 0;
}

int aw_residents_clone (struct aw_residents *residents, const struct aw_residents *from)
{
    memset (residents, 0, sizeof (*residents));
    for (uint32_t i = 0; i < from->n; i++)
        if (add (residents, &from->list[i]) < 0) {
            aw_residents_finish (residents);
            return -1;
        }
    return 0;
}

/* The last entry takes the place of entry I, whose memory stays. */
static void remove_at (struct aw_residents *residents, uint32_t i)
{
    struct aw_resident gone = residents->list[i];

    residents->list[i] = residents->list[--residents->n];
    residents->list[residents->n] = gone;
}

/* Workers that stay may share a GPU with one that is gone. */
static void spare_again (const struct aw_residents *residents, struct aw_pool *pool, uint32_t node)
{
    for (uint32_t i = 0; i < residents->n; i++)
        if (residents->list[i].node == node)
            aw_pool_spare (pool, node, &residents->list[i].cpus, &residents->list[i].gpus);
}

bool aw_residents_take (struct aw_residents *residents,
                        struct aw_pool *pool,
                        uint32_t set,
                        uint32_t left,
                        uint32_t node,
                        const struct aw_idset *cpus,
                        const struct aw_idset *gpus)
{
    bool exact = false, gone = false, stays = false;

    for (uint32_t i = residents->n; i-- > 0;) {
        const struct aw_resident *r = &residents->list[i];
        bool cpus_too = aw_idset_intersects (&r->cpus, cpus);
        bool gpus_too = aw_idset_intersects (&r->gpus, gpus);

        if (r->node != node)
            continue;
        if (!cpus_too && (!gpus_too || (r->share && r->share <= left))) {
            left -= gpus_too ? r->share : 0;
            stays = stays || aw_idset_next (&r->gpus, 0) != AW_IDSET_NONE;
            continue;
        }
        exact = exact
                || (r->set == set && aw_idset_equal (&r->cpus, cpus)
                    && aw_idset_equal (&r->gpus, gpus));
        aw_pool_spare_not (pool, node, &r->cpus, &r->gpus);
        remove_at (residents, i);
        gone = true;
    }
    if (gone && stays)
        spare_again (residents, pool, node);
    return exact;
}
