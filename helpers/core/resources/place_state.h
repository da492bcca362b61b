/* SPDX-License-Identifier: Apache-2.0 */
/* A placement that is being computed. Only place.c, place_cpus.c and place_gpus.c include it. */
#ifndef AW_CORE_RESOURCES_PLACE_STATE_H
#define AW_CORE_RESOURCES_PLACE_STATE_H

#include "core/resources/place.h"

struct aw_pick {
    const struct aw_layout *layout;
    struct aw_place_scratch *s; /* usable, idle and of_zone: the remainder while CPUs are picked */
    const struct aw_idset *free; /* CPUs to pick from */
    bool spares; /* s->surplus is filled: cores that GPU tasks may want are not good ones */
    struct aw_idset *cpus; /* gets the ids; NULL: not needed */
    uint64_t near; /* GPUs: a bit each; cores next to one of them */
    uint32_t package; /* of these GPUs, or AW_NO_HOME */
    bool only_near; /* private: others are not taken */
    bool only_idle; /* private */
    bool good; /* so far; see aw_place_choose */
};

static inline uint64_t aw_gpu_bit (uint32_t gpu)
{
    return gpu < AW_NEAR_GPUS ? UINT64_C (1) << gpu : 0;
}

/* Usable CPUs next to one of the GPUs of NEAR; 0: of all cores. */
uint32_t aw_pick_usable (const struct aw_pick *pick, uint64_t near);

/* Picks N CPUs, no more than are usable. MOST: what a task of that demand holds at most. 0, or -1
 * with ENOMEM. */
int aw_pick_cpus (struct aw_pick *pick, uint32_t n, uint32_t most);

/* Chooses N GPUs of NODE and appends them to s->chosen after the first TAKEN, without choosing one
 * of these again. Each has the part free that DEMAND needs; GPUs with CPUS usable local CPUs are
 * preferred. The node has enough.
 */
void aw_pick_gpus (struct aw_pick *pick,
                   const struct aw_node *node,
                   const struct aw_demand *demand,
                   uint32_t taken,
                   uint32_t n,
                   uint32_t cpus);

/* Sets near and package for those N GPUs (numbers in the layout). */
void aw_pick_near (struct aw_pick *pick, const uint32_t *gpus, uint32_t n);

#endif /* AW_CORE_RESOURCES_PLACE_STATE_H */
