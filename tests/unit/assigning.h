/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of tasks that nodes get in advance: a scheduler, and the nodes. What was assigned to a
 * node first starts there in the place of a task that completes.
 */
#ifndef AW_TESTS_ASSIGNING_H
#define AW_TESTS_ASSIGNING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/sched/sched.h"

enum {
    ASSIGNING_CPUS = 4, /* of each node */
    ASSIGNING_MOST = 4000, /* attempts at one time */
};

/* An attempt that runs or is assigned; the former has CPUs and GPUs. */
struct assigning_part {
    uint32_t task, attempt, node;
    struct aw_idset cpus, gpus; /* owned */
};

struct assigning {
    struct aw_graph *g;
    struct aw_sched *s;
    struct assigning_part runs[ASSIGNING_MOST];
    struct assigning_part given[ASSIGNING_MOST]; /* assigned, in the order in which they came */
    uint32_t n_runs, n_given;
    uint32_t n_drained; /* nodes */
    uint32_t killed[ASSIGNING_MOST], n_killed; /* tasks, since `assigning_turn` was called last */
    bool ended;
    double t;
};

/* G, whose owner the result is, on NODES nodes, after the first decisions. BACKLOG as in
 * core/sched/sched.h. close frees it.
 */
struct assigning *assigning_open (struct aw_graph *g, uint32_t nodes, double backlog);
void assigning_close (struct assigning *it);

/* The same with COUNT tasks of one CPU, which take a second. A failed one is not run again. */
struct assigning *assigning_bag (uint32_t count, uint32_t nodes, double backlog);

/* All that is decided now. */
void assigning_turn (struct assigning *it);

/* EV happens now. */
void assigning_handle (struct assigning *it, struct aw_event *ev);

/* The running attempt number I (0: the oldest) ends after SECONDS. */
void assigning_end (struct assigning *it, uint32_t i, enum aw_status status, double seconds);

/* Tasks fail until all ready ones are assigned: nothing follows a failure, so the others have
 * started. None is taken back.
 */
void assigning_fail_all_others (struct assigning *it);

/* An assigned TASK comes back; or all that are to be taken back do. */
void assigning_give_back (struct assigning *it, uint32_t task);
void assigning_give_back_killed (struct assigning *it);

/* How many NODE has. */
uint32_t assigning_given_to (const struct assigning *it, uint32_t node);

#endif /* AW_TESTS_ASSIGNING_H */
