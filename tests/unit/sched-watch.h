/* SPDX-License-Identifier: Apache-2.0 */
/* A scheduler whose starts are held against the rules. */
#ifndef AW_TESTS_SCHED_WATCH_H
#define AW_TESTS_SCHED_WATCH_H

#include <stdint.h>

#include "core/sched/sched.h"

/* A scheduler for G with NODES equal nodes. */
struct aw_sched *watch_sched (const struct aw_graph *g,
                              enum aw_policy policy,
                              enum aw_mode mode,
                              uint32_t nodes,
                              uint32_t cpus,
                              uint32_t gpus);

/* Looks over the scheduler's shoulder, with books of its own. */
struct watch {
    const struct aw_graph *g;
    uint32_t nodes, cpus, gpus;
    enum aw_mode mode;
    uint8_t *state; /* 0 waits, 1 runs, 2 done */
    struct aw_idset *busy_cpus, *busy_gpus; /* by node */
    struct aw_idset *task_cpus, *task_gpus; /* by task */
    uint32_t *left; /* by instance */
    uint64_t random;
    uint64_t sum; /* of all that was seen, in its order */
};

/* For the caller to destroy. */
struct watch *watch_create (
    const struct aw_graph *g, uint32_t nodes, uint32_t cpus, uint32_t gpus, enum aw_mode mode);

void watch_destroy (struct watch *w);

/* EV has happened to the watch ARG. Fails the test where it breaks a rule. */
void watch_event (void *arg, const struct aw_event *ev);

/* Half to double of what was declared. */
double watch_spread (void *arg, const struct aw_event *start);

#endif /* AW_TESTS_SCHED_WATCH_H */
