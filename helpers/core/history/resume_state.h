/* SPDX-License-Identifier: Apache-2.0 */
/* All that a scheduler needs of the earlier parts of a run to continue it. It follows from the
 * journal alone, so a replay of the same RESUME decides as the run did.
 */
#ifndef AW_CORE_HISTORY_RESUME_STATE_H
#define AW_CORE_HISTORY_RESUME_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "util/error.h"

struct aw_history; /* core/history/history.h */

/* The scheduler learns expected durations from these. */
struct aw_resume_end {
    uint32_t set;
    double seconds;
};

/* How a task ended in an earlier part of the run. */
enum aw_resume_done {
    AW_RESUME_OPEN, /* it has not: it runs */
    AW_RESUME_COMPLETED,
    AW_RESUME_IGNORED, /* it failed, with on_failure continue: it does not run again */
    AW_RESUME_FAILED, /* it failed and was submitted: neither it nor its successors run */
};

/* COUNT tasks from TASK on are cancelled. */
struct aw_cancel {
    uint32_t task;
    uint64_t count;
    bool release; /* their successors run as if they had succeeded */
};

struct aw_resume_state {
    uint8_t *done; /* by task, enum aw_resume_done. Owned, as all arrays here */
    uint32_t *attempts; /* by task: the number of its next attempt */
    struct aw_resume_end *ends; /* attempts that completed, in the order of their starts */
    size_t n_ends;
    uint32_t n_done; /* tasks that do not run again */
    uint32_t n_ignored; /* of these, tasks that failed */
    uint32_t n_dropped; /* other tasks, which are not wanted; they are among the cancelled ones */
    struct aw_cancel *cancelled;
    uint32_t n_cancelled;
    char *plan; /* the order to continue with (core/sched/plan.h); NULL: the policy's. Owned */
    uint32_t last_iteration; /* the first that reached the goal; UINT32_MAX: none has */
    double t; /* of the RESUME */
};

/* Fills STATE from HISTORY, whose last event was the RESUME. 0, or -1 with text. finish takes a
 * zeroed value and frees what it holds.
 */
int aw_resume_state_init (struct aw_resume_state *state,
                          const struct aw_history *history,
                          struct aw_error *err);
void aw_resume_state_finish (struct aw_resume_state *state);

#endif /* AW_CORE_HISTORY_RESUME_STATE_H */
