/* SPDX-License-Identifier: Apache-2.0 */
/* Where workers without a call are, as far as events tell: a call that has ended leaves one in its
 * place, and a task that starts on some of that place ends it. A worker that ends by itself is not
 * noticed, which costs no more than a start that was not expected.
 *
 * Workers hold nothing. Their places are preferred for the calls of their set; other tasks get them
 * where there are no other places: the pool spares them.
 */
#ifndef AW_CORE_SCHED_RESIDENTS_H
#define AW_CORE_SCHED_RESIDENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/idset.h"
#include "core/resources/pool.h"

struct aw_resident {
    uint32_t set, node;
    uint32_t share; /* thousandths of its GPU; 0: whole ones, or none */
    struct aw_idset cpus, gpus;
};

/* All of a pool; {0} is none. */
struct aw_residents {
    struct aw_resident *list; /* owned */
    uint32_t n;
    uint32_t room; /* private: entries that own memory, used again */
};

void aw_residents_finish (struct aw_residents *residents);
int aw_residents_clone (struct aw_residents *residents, const struct aw_residents *from);

/* A call has ended: its worker stays there as RESIDENT, which is copied. POOL spares its place.
 * 0, or -1 with ENOMEM.
 */
int aw_residents_add (struct aw_residents *residents,
                      struct aw_pool *pool,
                      const struct aw_resident *resident);

/* A task of SET starts there: others have to go, but those that have parts of its GPU, LEFT
 * thousandths at most. Is a worker of its set in exactly this place?
 */
bool aw_residents_take (struct aw_residents *residents,
                        struct aw_pool *pool,
                        uint32_t set,
                        uint32_t left,
                        uint32_t node,
                        const struct aw_idset *cpus,
                        const struct aw_idset *gpus);

#endif /* AW_CORE_SCHED_RESIDENTS_H */
