/* SPDX-License-Identifier: Apache-2.0 */
/* The backend "fake": no processes, only timers. For tests of the coordinator: the test says how
 * long each attempt lasts and how it ends. */
#ifndef AW_UNIT_EXEC_FAKE_H
#define AW_UNIT_EXEC_FAKE_H

#include "coord/exec.h"

/* How an attempt is to end. */
struct aw_fake_outcome {
    double seconds; /* from its start; also in its FINISH */
    enum aw_status status;
    int code;
    int signal;
    const char *reason; /* borrowed until the end; NULL: none */
    bool stubborn; /* does not end on SIGTERM, only after the grace */
    bool refused; /* start returns an error */
};

/* Fills OUTCOME (given as: 0 s, COMPLETED) for LAUNCH on NODE. */
typedef void (*aw_fake_plan) (void *arg,
                              uint32_t node,
                              const struct aw_launch *launch,
                              struct aw_fake_outcome *outcome);

struct aw_fake_config {
    uint32_t n_nodes; /* named n1, n2, ...; all join in the loop's first turn */
    uint32_t cpus; /* a node */
    uint32_t gpus;
    uint64_t mem;
    aw_fake_plan plan; /* NULL: all complete at once */
    void *arg;
};

/* BASE is borrowed. NULL with text. */
struct aw_exec *aw_exec_fake_create (struct event_base *base,
                                     const struct aw_exec_callbacks *callbacks,
                                     const struct aw_fake_config *config,
                                     struct aw_error *err);

/* In the next turn: NODE is lost, its attempts are forgotten; or all is broken. REASON is copied.
 */
void aw_exec_fake_lose (struct aw_exec *exec, uint32_t node, const char *reason);
void aw_exec_fake_break (struct aw_exec *exec, const char *reason);

/* Attempts that run now. */
uint32_t aw_exec_fake_running (const struct aw_exec *exec);

#endif /* AW_UNIT_EXEC_FAKE_H */
