/* SPDX-License-Identifier: Apache-2.0 */
/* A coordinator over the fake backend, for tests of what it makes of events: a workflow in a run
 * directory of its own, and a few looks into the journal.
 */
#ifndef AW_UNIT_COORDINATED_H
#define AW_UNIT_COORDINATED_H

#include <event2/event.h>

#include "coord/coordinator.h"
#include "exec-fake.h"

/* A few steps, three of which depend on each other by index. */
#define COORDINATED_CHAIN                                                                         \
    "{ \"a\": { \"count\": 3, \"command\": [\"x\"] }, \"b\": { \"after\": [\"a\"], \"command\": " \
    "[\"x\"] }, "                                                                                 \
    "\"c\": { \"after\": [\"a[i]\"], \"count\": 3, \"retries\": 1, \"command\": [\"x\"] } }"

/* What happens when a task is first launched. */
enum coordinated_what {
    COORDINATED_NOTHING,
    COORDINATED_INTERRUPT,
    COORDINATED_INTERRUPT_TWICE,
    COORDINATED_NODES_AND_INTERRUPT, /* SIGTERM to all nodes, then Ctrl-C */
    COORDINATED_BREAK,
    COORDINATED_LOSE_0,
    COORDINATED_LOSE_BOTH,
    COORDINATED_FILL_DISK,
};

struct coordinated {
    /* Filled in by the test. */
    const char *tasks; /* the value of "tasks" */
    uint32_t nodes, cpus;
    aw_fake_plan plan; /* its ARG is this; may be NULL */
    enum coordinated_what what;
    uint32_t at; /* the task */
    bool refuse; /* check_pool says no */
    off_t room; /* what the disk still takes when the pool is complete; 0: enough */
    double grace, service_stall, backlog;
    enum aw_durability durability;
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
    uint32_t launches;
    off_t size_at_first; /* of the journal, at the first launch */
    bool done; /* WHAT has happened */
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

/* A second scheduler: what came from outside is handed in, what was decided must be decided again.
 */
struct coordinated_replay {
    struct aw_sched *sched;
    uint32_t n[AW_EVENT_TYPES];
    struct aw_event last;
};

/* The journal: its decisions are made again, and it ends with END of CODE. */
void coordinated_check (const struct coordinated *it, int code, struct coordinated_replay *replay);

/* Plans: tasks that do not end by themselves, and such that take a moment. */
void coordinated_for_ever (void *arg,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_fake_outcome *outcome);
void coordinated_a_moment (void *arg,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_fake_outcome *outcome);

#endif /* AW_UNIT_COORDINATED_H */
