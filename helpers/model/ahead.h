/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of a run by the model: when each task that has not ended will start and end. */
#ifndef AW_MODEL_AHEAD_H
#define AW_MODEL_AHEAD_H

#include <stdint.h>

#include "core/sched/sched.h"
#include "util/error.h"

struct aw_ahead {
    double *start; /* by task: t of its start; NAN: it has started, or will not. Owned */
    double *end; /* by task: t of its end; NAN: it has ended, or will not. Owned */
    uint32_t unknown; /* a set with tasks to come whose duration is not known, so that all times are
                         unknown; AW_NONE: there is none */
};

/* Simulates a copy of SCHED, in which all for now has been decided, to its end. 0, or -1 with text.
 * finish frees what it holds.
 */
int aw_ahead_init (struct aw_ahead *ahead, const struct aw_sched *sched, struct aw_error *err);
void aw_ahead_finish (struct aw_ahead *ahead);

#endif /* AW_MODEL_AHEAD_H */
