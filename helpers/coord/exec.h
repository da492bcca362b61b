/* SPDX-License-Identifier: Apache-2.0 */
/* Execution: how launches reach processes, as a table of functions. The coordinator knows only
 * this table; its backends are the agents of the pool (agents/exec_agents.c), steps of their own
 * (steps/exec_steps.c), and a timer-driven fake of the tests.
 */
#ifndef AW_COORD_EXEC_H
#define AW_COORD_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "io/wire/launch.h"
#include "util/error.h"
#include "util/packet.h"

struct event_base;

/* Callbacks of execution to the coordinator, from the event loop, never from inside a function of
 * the table. The coordinator sets the times: `t` of the events is not filled. A callback may start,
 * kill and shut down, but not destroy.
 */
struct aw_exec_callbacks {
    /* A node has joined: type NODE with node (numbered from 0), name, cpus, gpus, mem. When the
     * last has come (or min_nodes have), all are reported one after the other in the order of their
     * names ("n2" before "n10"): the same in each run. */
    void (*node_joined) (void *arg, const struct aw_event *ev);
    /* Node EV->node is lost (NODE_LOST, reason). Its tasks are not reported any more: the
     * coordinator ends them. */
    void (*node_lost) (void *arg, const struct aw_event *ev);
    /* An attempt ended, or could not be started: type FINISH, with the status that the `success` of
     * its launch makes of an exit code. Or its data has come, STAGED, it is
     * a service that is ready, SERVING, or it no longer needs its CPUs and GPUs, RELEASE.
     */
    void (*task_finished) (void *arg, const struct aw_event *ev);
    /* Execution as a whole is broken: nothing can run any more (the pool step ended, no agent came
     * in time).
     */
    void (*broken) (void *arg, const struct aw_error *why);
    /* A remark that the user should see once ("tasks run unbound on 4 of 4 nodes: ..."). May be
     * NULL.
     */
    void (*note) (void *arg, const char *text);
    /* EV->node (NODE_LOST, reason) got SIGTERM and ends its tasks: they finish as cancelled, and
     * NODE_LOST follows. node is AW_NONE while not all have joined. May be NULL. */
    void (*node_leaves) (void *arg, const struct aw_event *ev);
    /* A task of NODE sent PACKET (util/packet.h), data escaped, borrowed. May be NULL. */
    void (*message) (void *arg, uint32_t node, const struct aw_packet *packet);
    /* Of all OF nodes, N are there; the others are waited for. May be NULL. */
    void (*joining) (void *arg, uint32_t n, uint32_t of);
    /* The pool has begun without all nodes, and N more may join it, each by node_joined; 0: no more
     * will. May be NULL. */
    void (*awaited) (void *arg, uint32_t n);
    /* All nodes have been silent until they would count as lost (AGAIN: as at the last look): are
     * they lost? False: not yet, the job may be suspended; it is asked again. NULL: they may. */
    bool (*all_silent) (void *arg, bool again);
    void *arg;
};

struct aw_exec_ops;

/* Backends embed this as their first member. */
struct aw_exec {
    const struct aw_exec_ops *ops;
    struct aw_exec_callbacks callbacks;
};

struct aw_exec_ops {
    const char *name;
    /* Starts an attempt on NODE. If LAUNCH has no argv, its data is staged in, and STAGED follows.
     * If LAUNCH is assigned, the node keeps it: when an attempt of its place has succeeded, it
     * starts, and the FINISH of that one names it.
     * LAUNCH stays the caller's and may be freed after the call. 0, or -1 with text. If the program
     * cannot be started, that comes later through task_finished. */
    int (*start) (struct aw_exec *exec,
                  uint32_t node,
                  const struct aw_launch *launch,
                  struct aw_error *err);
    /* Tells an attempt to end: SIGTERM to its whole session, after GRACE seconds SIGKILL. Its end
     * comes through task_finished.
     */
    void (*kill) (
        struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt, double grace);
    /* Takes an assigned attempt back: FINISH, cancelled, follows if it has not started; else
     * nothing does. NULL: no attempts can be assigned, so the scheduler must not (its `backlog` is
     * 0). */
    void (*unassign) (struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt);
    /* PACKET goes to a task of NODE, as aw_agent_link_message. NULL: it has no messages. */
    void (*message) (struct aw_exec *exec,
                     uint32_t node,
                     const struct aw_packet *packet,
                     const char *rest,
                     size_t size);
    /* No further launches will come: agents end when they have nothing left, and then the backend
     * has no event in the loop. Callbacks may come until destroy. */
    void (*shutdown) (struct aw_exec *exec);
    void (*destroy) (struct aw_exec *exec); /* ends what is left the hard way; takes NULL */
};

#endif /* AW_COORD_EXEC_H */
