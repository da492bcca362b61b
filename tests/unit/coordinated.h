/* SPDX-License-Identifier: Apache-2.0 */
/* A coordinator over the fake backend, for tests of what it makes of events: a workflow in a run
 * directory of its own, and a few looks into the journal.
 */
#ifndef AW_UNIT_COORDINATED_H
#define AW_UNIT_COORDINATED_H

#include <event2/event.h>

#include "coord/coordinator.h"
#include "exec-fake.h"

struct coordinated {
    /* Filled in by the test. */
    const char *tasks; /* the value of "tasks" */
    uint32_t nodes, cpus;
    aw_fake_plan plan;
    void (*ask_job) (void *arg); /* NULL: there is no job; ARG is this */
    void (*message) (struct aw_exec *exec,
                     uint32_t node,
                     const struct aw_packet *packet,
                     const char *rest,
                     size_t size); /* NULL: none reaches a task */
    /* Made by begin. */
    struct event_base *base;
    struct aw_workflow *workflow;
    struct aw_coordinator *coordinator;
    struct aw_exec *exec;
    struct aw_exec_ops ops;
    const struct aw_exec_callbacks *callbacks; /* of the coordinator */
    char parent[64];
    char *dir, *journal;
    struct aw_error err;
};

/* Makes the run directory and all else; run runs to the end and gives the exit status; finish
 * removes all. A run that takes more than a minute ends the test.
 */
void coordinated_begin (struct coordinated *it);
int coordinated_run (struct coordinated *it);
void coordinated_finish (struct coordinated *it);

/* How many lines of the journal have both texts; B may be NULL. */
int coordinated_lines (const struct coordinated *it, const char *a, const char *b);

/* Calls FN with ARG once, after SECONDS. */
void coordinated_after (struct coordinated *it,
                        double seconds,
                        void (*fn) (evutil_socket_t fd, short what, void *arg),
                        void *arg);

#endif /* AW_UNIT_COORDINATED_H */
