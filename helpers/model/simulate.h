/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator: the real scheduler under a virtual clock. The simulator supplies the time and ends
 * tasks after their duration; the scheduler makes all decisions.
 */
#ifndef AW_MODEL_SIMULATE_H
#define AW_MODEL_SIMULATE_H

#include "core/sched/sched.h"

enum { AW_SIMULATE_STRIDE = 4096 };

struct aw_simulation {
    /* Seconds that an attempt takes, also one that runs already: START is in the past then. NULL:
     * aw_sched_duration, or 0 if that is NAN. */
    double (*seconds) (void *arg, const struct aw_event *start);
    bool measured; /* they are of a run: the starts of workers are in them */
    /* May change FINISH, the end of an attempt, into a failure. NULL: all complete. */
    void (*ends) (void *arg, struct aw_event *finish);
    /* Called for each event in order, including START and FINISH. NULL: not called. */
    void (*observe) (void *arg, const struct aw_event *ev);
    /* Called after the events of each time, before what is decided on them: may hand further events
     * to SCHED. 0, or -1 with text. NULL: not called. */
    int (*turn) (void *arg, struct aw_sched *sched, struct aw_error *err);
    void *arg;
    /* Called every AW_SIMULATE_STRIDE decisions: false stops the simulation. NULL: it runs to its
     * end. */
    bool (*go_on) (void *arg);
};

struct aw_simulated {
    double end; /* t of the last finish; the scheduler's time if no task ran */
    double cpu_seconds; /* held by tasks, CPUs times seconds */
    double gpu_seconds;
    uint64_t decisions; /* starts */
    int code; /* of the END action; -1: there was none */
};

/* Runs SCHED, whose nodes have joined, to its end. Attempts that run already end after their
 * seconds; now, if that time is past or not known. 0, or -1 with text; errno is ECANCELED if go_on
 * stopped it.
 */
int aw_simulate (struct aw_sched *sched,
                 const struct aw_simulation *simulation,
                 struct aw_simulated *result,
                 struct aw_error *err);

/* The nodes of a pool for the model: N more nodes ("n1", "n2", ...) of CPUS and GPUS each join
 * SCHED now. 0, or -1 with text.
 */
int aw_simulate_add_nodes (struct aw_sched *sched,
                           uint32_t n,
                           uint32_t cpus,
                           uint32_t gpus,
                           uint64_t mem,
                           struct aw_error *err);

#endif /* AW_MODEL_SIMULATE_H */
