/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator: the live scheduler under a virtual clock. It supplies the time and ends tasks when
 * their duration is over; every decision is the scheduler's own.
 */
#ifndef AW_MODEL_SIMULATE_H
#define AW_MODEL_SIMULATE_H

#include "core/sched/sched.h"

enum { AW_SIMULATE_STRIDE = 4096 };

struct aw_simulation {
    /* Seconds that an attempt will take. NULL: what the scheduler expects (aw_sched_duration), 0
     * where that is NAN.
     */
    double (*seconds) (void *arg, const struct aw_event *start);
    /* May turn the end of an attempt, FINISH, into another one (a failure). NULL: all complete. */
    void (*ends) (void *arg, struct aw_event *finish);
    /* Sees every event in its order, START and FINISH among them. NULL: nobody does. */
    void (*observe) (void *arg, const struct aw_event *ev);
    void *arg;
    /* Asked every AW_SIMULATE_STRIDE decisions: false ends the simulation. NULL: it goes to its
     * end.
     */
    bool (*go_on) (void *arg);
};

struct aw_simulated {
    double end; /* t of the last finish; the scheduler's time where nothing ran */
    double cpu_seconds; /* held by tasks, CPUs times seconds */
    double gpu_seconds;
    uint64_t decisions; /* starts */
    int code; /* of the END action; -1: it did not come */
};

/* Runs SCHED, whose nodes have joined, to its end; what runs already is taken to end as expected
 * (at once where that is over or not known). 0, or -1 with text; errno is ECANCELED where go_on
 * ended it.
 */
int aw_simulate (struct aw_sched *sched,
                 const struct aw_simulation *simulation,
                 struct aw_simulated *result,
                 struct aw_error *err);

/* The nodes of a pool for the model: N more nodes ("n1", "n2", ...) of CPUS and GPUS each join
 * SCHED at time 0. 0, or -1 with text.
 */
int aw_simulate_add_nodes (struct aw_sched *sched,
                           uint32_t n,
                           uint32_t cpus,
                           uint32_t gpus,
                           uint64_t mem,
                           struct aw_error *err);

#endif /* AW_MODEL_SIMULATE_H */
