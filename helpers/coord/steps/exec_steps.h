/* SPDX-License-Identifier: Apache-2.0 */
/* Execution of tasks that are a job step of their own: an srun each, alongside the pool. It wraps
 * the pool's backend: other tasks are passed on to that, and its callbacks pass through. */
#ifndef AW_COORD_STEPS_EXEC_STEPS_H
#define AW_COORD_STEPS_EXEC_STEPS_H

#include "coord/exec.h"
#include "coord/steps/step_line.h"

enum { AW_MAX_STEPS = 16 }; /* sruns at once, by default: each is a client of slurmctld */

struct aw_exec_steps_config {
    struct aw_exec *pool; /* owned from here on, failure included */
    bool (*unbound) (struct aw_exec *pool, uint32_t node); /* are CPUs of NODE a plan alone? */
    /* Where processes of NODE connect to exchange messages, borrowed; NULL: nowhere. */
    const char *(*socket) (struct aw_exec *pool, uint32_t node);
    struct aw_step_job job; /* copied */
    uint32_t max_steps; /* sruns at once; further launches wait for one to end. 0: AW_MAX_STEPS */
};

/* CALLBACKS are those of the pool's backend, copied; that gets this backend's own. NULL with text.
 */
struct aw_exec *aw_exec_steps_create (struct event_base *base,
                                      const struct aw_exec_callbacks *callbacks,
                                      const struct aw_exec_steps_config *config,
                                      struct aw_error *err);

#endif /* AW_COORD_STEPS_EXEC_STEPS_H */
