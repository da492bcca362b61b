/* SPDX-License-Identifier: Apache-2.0 */
/* The further part of the launch of a job step of its own: the CPUs and GPUs of each rank on each
 * node, and the text that tells them to async-workflow-bind.
 */
#ifndef AW_IO_WIRE_STEP_H
#define AW_IO_WIRE_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/resources/place.h"
#include "util/error.h"

/* One node's part. */
struct aw_step_part {
    char *node; /* its name. Owned */
    uint32_t number; /* of the node in the pool */
    uint32_t n_gpus; /* of the pool on it, free or not */
    bool unbound; /* its ranks are not bound to CPUs */
    const char *socket; /* for messages there. Borrowed; NULL: none */
    struct aw_place_rank *ranks; /* by local rank. Owned */
};

struct aw_step_plan {
    uint32_t n_parts;
    uint32_t ranks_per_node;
    struct aw_step_part *parts; /* owned */
    char **srun; /* options, NULL-terminated. Owned */
};

/* All of N_PARTS parts, without names and with empty ranks. NULL with ENOMEM. destroy takes NULL,
 * keeps errno.
 */
struct aw_step_plan *aw_step_plan_create (uint32_t n_parts, uint32_t ranks_per_node);
void aw_step_plan_destroy (struct aw_step_plan *step);

/* Part I as text, "NODE:CPUS+GPUS/CPUS+GPUS/...", one entry per local rank; a "~" after the colon
 * says that nothing is bound. The caller frees it. NULL with ENOMEM.
 */
char *aw_step_part_text (const struct aw_step_plan *step, uint32_t i);

/* Is TEXT the part of NODE? */
bool aw_step_part_is_of (const char *text, const char *node);

/* The CPUs and GPUs of the local rank RANK in TEXT. Fills MINE, which the caller has initialised
 * and owns, and UNBOUND. 0, or -1 with text.
 */
int aw_step_part_find (const char *text,
                       uint32_t rank,
                       struct aw_place_rank *mine,
                       bool *unbound,
                       struct aw_error *err);

#endif /* AW_IO_WIRE_STEP_H */
