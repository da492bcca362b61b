/* SPDX-License-Identifier: Apache-2.0 */
#include "core/place.h"

#include <errno.h>

/* The N lowest ids of SET from *FROM on, into TO, which is empty. */
static int deal (const struct aw_idset *set, uint32_t *from, uint32_t n, struct aw_idset *to)
{
    for (; n > 0; n--, ++*from) {
        *from = aw_idset_next (set, *from);
        if (aw_idset_add (to, *from, *from) < 0)
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
    uint32_t n = demand->ranks_per_node ? demand->ranks_per_node : 1;
    uint32_t n_cpus = aw_idset_count (cpus), n_gpus = aw_idset_count (gpus);
    uint32_t cpu = 0, gpu = 0;

    (void)node;
    if (n_cpus != demand->cpus || (!demand->gpu_share && n_gpus != demand->gpus)) {
        errno = EINVAL;
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        aw_idset_finish (&ranks[i].cpus);
        aw_idset_finish (&ranks[i].gpus);
        if (demand->gpu_share)
            for (gpu = 0; n_gpus && gpu < (uint64_t)i * n_gpus / n; gpu++)
                gpu = aw_idset_next (gpus, gpu);
        if (deal (cpus, &cpu, n_cpus / n, &ranks[i].cpus) < 0
            || deal (gpus, &gpu, demand->gpu_share ? n_gpus > 0 : n_gpus / n, &ranks[i].gpus) < 0)
            return -1;
    }
    return 0;
}
