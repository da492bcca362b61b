/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of execution: a scratch directory, an event loop with deadlines, a record of what a row
 * has told, a munged of the test's own. Whatever goes wrong in here fails the test.
 */
#ifndef AW_TESTS_RIG_H
#define AW_TESTS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "coord/exec.h"

struct rig_end {
    uint32_t node, task, attempt;
    enum aw_status status;
    int code, signal;
    double seconds, cpu_seconds;
    uint64_t max_rss;
    char reason[512]; /* "" for none */
};

struct rig {
    struct event_base *base;
    struct aw_exec *exec; /* destroyed by rig_finish */
    struct aw_exec_callbacks callbacks; /* those that record */
    char dir[64];
    char nodes[16][64]; /* names, by number */
    uint32_t node_cpus[16];
    uint32_t n_nodes;
    struct rig_end *ends;
    size_t n_ends;
    uint32_t lost[16];
    uint32_t n_lost;
    char lost_reason[512]; /* the last one's */
    uint32_t n_awaited; /* as reported last; UINT32_MAX: it was not */
    uint32_t n_broken;
    char broken[512];
    char note[512];
    /* For the next tasks: */
    double grace; /* instead of RIG_GRACE; 0: RIG_GRACE */
    uint32_t tidy; /* as in a launch */
    bool store; /* output goes to the log store in dir */
};

#define RIG_GRACE 10.0 /* seconds between SIGTERM and SIGKILL at a time limit */

/* When a wait gives up; generous, for slow machines and valgrind. */
#define RIG_SECONDS 60.0

void rig_init (struct rig *rig);
void rig_finish (struct rig *rig);

/* Set-up and tear-down of cmocka: a rig with an agent in local mode, which has not joined yet. In
 * the end no process may be left.
 */
int rig_local_set_up (void **state);
int rig_local_tear_down (void **state);

/* Runs the loop until CONDITION holds; fails the test when the deadline has passed. */
void rig_until (struct rig *rig, bool (*condition) (struct rig *rig, void *arg), void *arg);
void rig_until_nodes (struct rig *rig, uint32_t n);
void rig_until_ends (struct rig *rig, size_t n);
void rig_until_lost (struct rig *rig, uint32_t n);
void rig_until_broken (struct rig *rig);
void rig_until_file (struct rig *rig, const char *name); /* exists in rig->dir, not empty */
void rig_until_gone (struct rig *rig, pid_t pid); /* no such process, or a zombie */
/* Runs the loop until it has no events left. */
void rig_until_idle (struct rig *rig);

/* Starts /bin/sh -c SCRIPT as TASK in rig->dir, with output in TASK.out and TASK.err. Fails the
 * test if that fails.
 */
void rig_start (struct rig *rig, uint32_t node, uint32_t task, const char *script);
/* The same with a time limit. */
void rig_start_limited (
    struct rig *rig, uint32_t node, uint32_t task, const char *script, double limit);

/* The end of TASK; fails the test where there is none. */
const struct rig_end *rig_end_of (const struct rig *rig, uint32_t task);

/* What a file of rig->dir holds. For the caller to free. */
char *rig_read (const struct rig *rig, const char *name);
/* A process id out of such a file. */
pid_t rig_read_pid (const struct rig *rig, const char *name);
bool rig_alive (pid_t pid);

/* Starts a munged in rig->dir and sets ASYNC_WORKFLOW_MUNGE_SOCKET; false where there is none to
 * start.
 */
bool rig_munged_start (struct rig *rig);
void rig_munged_stop (void);
/* Sends it a signal. */
void rig_munged_signal (int number);

#endif /* AW_TESTS_RIG_H */
