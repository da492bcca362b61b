/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: pure, with no I/O, no clock and no randomness of its own. Events come in, each
 * with its time; actions come out. The live coordinator and the simulator run this same code and
 * differ only in who supplies the time and who carries the actions out.
 *
 *     aw_sched_handle (s, NODE) for each node, then
 *     while (aw_sched_next (s, &action)) carry it out and record it;
 *     aw_sched_handle (s, FINISH) whenever a task has ended, and again next.
 *
 * Actions are events too (READY, START, KILL, SKIP, END): the caller writes them to the journal as
 * they are. Handling a recorded START (replay, resume) has the same effect as getting it from
 * aw_sched_next. Handling an event a second time changes nothing.
 */
#ifndef AW_CORE_SCHED_SCHED_H
#define AW_CORE_SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/graph/graph.h"
#include "core/resources/pool.h"
#include "util/error.h"

enum aw_policy {
    AW_POLICY_LONGEST_PATH, /* longest remaining path first */
    AW_POLICY_FIFO, /* by time ready, ties by the file's order */
    AW_POLICY_WAVES, /* longest path, sets that the pool cannot hold whole counted in waves */
    AW_POLICY_GPUS_FIRST, /* sets that want GPUs, then the others; of each the longest path in waves
                           */
    AW_POLICY_WIDEST, /* tasks that take the largest part of the pool; of equal ones the longest
                         path */
    AW_POLICIES /* their number */
};

enum aw_mode {
    AW_MODE_ASYNC, /* a task starts when its own predecessors are done */
    AW_MODE_SEQUENTIAL, /* stage after stage with a barrier between, iteration after iteration */
};

struct aw_sched_config {
    enum aw_policy policy;
    enum aw_mode mode;
    double backlog; /* seconds: a node gets as many ready tasks in advance as are expected to start
                       there in that time (ASSIGN); 0: none */
};

struct aw_sched;
struct aw_resume_state; /* core/history/resume_state.h */

/* Names as the command line has them: "longest-path", "fifo", "waves", "gpus-first", "widest";
 * "async", "sequential". parse gives -1 for others.
 */
const char *aw_policy_name (enum aw_policy policy);
int aw_policy_parse (const char *name);
const char *aw_mode_name (enum aw_mode mode);
int aw_mode_parse (const char *name);

/* A scheduler over a finalized GRAPH (borrowed, unchanged, must outlive it) with an empty pool.
 * NULL with text. */
struct aw_sched *aw_sched_create (const struct aw_graph *graph,
                                  const struct aw_sched_config *config,
                                  struct aw_error *err);
void aw_sched_destroy (struct aw_sched *sched);

/* Continues where STATE (copied) ended; call it before any event. Completed tasks do not run again,
 * the numbers of attempts continue, and each task gets all its retries again. 0, or -1 with text.
 */
int aw_sched_resume (struct aw_sched *sched,
                     const struct aw_resume_state *state,
                     struct aw_error *err);

/* The graph of the scheduler has grown (aw_graph_grow): takes the new sets into account, as
 * handling an ADD does. 0, or -1 with text: then the caller shrinks the graph to its old size.
 */
int aw_sched_grow (struct aw_sched *sched, struct aw_error *err);

/* A copy in the same state, over the same graph: to look ahead. NULL with ENOMEM. */
struct aw_sched *aw_sched_clone (const struct aw_sched *sched);

/* "Never": is there a set that no node of the pool could hold even empty? Returns 0, or -1 with
 * text
 * ("train needs 8 GPUs; the largest node has 4"). Call when all nodes have joined, before the first
 * next. While others may join (AWAIT) it would say what is not so.
 */
int aw_sched_check (struct aw_sched *sched, struct aw_error *err);

/* The same for one SET, even before aw_sched_grow has taken it into account. */
int aw_sched_check_set (struct aw_sched *sched, uint32_t set, struct aw_error *err);

/* Handles an event. EV stays the caller's. The scheduler's time becomes ev->t. Returns 0, or -1
 * with text if the event makes no sense (unknown task, node or attempt; CPUs that are not free);
 * then nothing has changed.
 */
int aw_sched_handle (struct aw_sched *sched, const struct aw_event *ev, struct aw_error *err);

/* The next action at the time of the last event; false: none for now. ACTION borrows its sets from
 * the scheduler, until the next call. Out of memory stops the run: a STOP action with the reason.
 */
bool aw_sched_next (struct aw_sched *sched, struct aw_event *action);

/* The time at which to handle a WAKE event, even if nothing else happens: the end of a delay before
 * another attempt, or the time from which tasks that nodes have in advance could not end by the
 * limit. INFINITY: not needed. A WAKE that comes too early changes nothing. Ask again after each
 * turn of handle and next.
 */
double aw_sched_next_wake (const struct aw_sched *sched);

/* Is EV, of a recorded run, an input (to be handled), and not an action of aw_sched_next? SCHED is
 * in the state of the run before EV.
 */
bool aw_sched_is_input (const struct aw_sched *sched, const struct aw_event *ev);

/* Do ready tasks of SET not start because they could not end by the limit? NEEDS: the seconds that
 * one is assumed to need.
 */
bool aw_sched_too_late (const struct aw_sched *sched, uint32_t set, double *needs);

/* Is NODE lost? (The pool marks drained nodes as lost too, because they take no more tasks.) */
bool aw_sched_is_lost (const struct aw_sched *sched, uint32_t node);

/* Counts of tasks: of one set in all iterations, or of all sets (SET AW_NONE). The seven add up to
 * the number of tasks.
 */
struct aw_counts {
    uint32_t waiting; /* for predecessors */
    uint32_t ready; /* for resources, or for the delay before another attempt */
    uint32_t running;
    uint32_t done; /* completed */
    uint32_t ignored; /* failed, with on_failure continue */
    uint32_t failed; /* for good */
    uint32_t skipped;
};
struct aw_counts aw_sched_counts (const struct aw_sched *sched, uint32_t set);

/* The same for each set, COUNTS one a set of the graph; the first of sets that count as one has the
 * counts of all of them, the others have none.
 */
void aw_sched_group_counts (const struct aw_sched *sched, struct aw_counts *counts);

/* What has become of TASK. In a run that has been stopped, a task that has not started is
 * cancelled.
 */
enum aw_task_state {
    AW_TASK_WAITING, /* for predecessors */
    AW_TASK_READY, /* for resources, or for the delay before another attempt */
    AW_TASK_RUNNING,
    AW_TASK_COMPLETED,
    AW_TASK_FAILED, /* for good */
    AW_TASK_CANCELLED,
    AW_TASK_SKIPPED, /* a predecessor failed */
};
enum aw_task_state aw_sched_task_state (const struct aw_sched *sched, uint32_t task);

/* Was TASK cancelled before it ran: by a request, or because its iteration is not needed? */
bool aw_sched_unwanted (const struct aw_sched *sched, uint32_t task);

/* Has TASK been started, and not ended for good? It was cancelled with the run, or is to be tried
 * again.
 */
bool aw_sched_unfinished (const struct aw_sched *sched, uint32_t task);

/* Where the service TASK serves: node and port (0: none is known). False: it does not serve now. */
bool aw_sched_service_at (const struct aw_sched *sched,
                          uint32_t task,
                          uint32_t *node,
                          uint32_t *port);

/* Start of TASK's running attempt, as t; NAN: none runs. */
double aw_sched_start_of (const struct aw_sched *sched, uint32_t task);

/* Corrects the status of FINISH, about to be handled, if it is of a service: one that was ended
 * because nothing needs it has completed, one that ended by itself has failed. */
void aw_sched_judge (const struct aw_sched *sched, struct aw_event *finish);

/* The graph of the scheduler. Borrowed. */
const struct aw_graph *aw_sched_graph (const struct aw_sched *sched);

/* The pool as it is now. Borrowed. */
const struct aw_pool *aw_sched_pool (const struct aw_sched *sched);

/* Seconds that a task of SET is expected to take: declared, else the mean of completed tasks of the
 * set, else NAN.
 */
double aw_sched_duration (const struct aw_sched *sched, uint32_t set);

/* The same for the set of TASK. */
double aw_sched_expected (const struct aw_sched *sched, uint32_t task);

/* Seconds that TASK, which runs, takes longer because its worker has to be started; 0: none. */
double aw_sched_startup (const struct aw_sched *sched, uint32_t task);

/* The next count of messages on TOPIC with which a task can start; UINT64_MAX: none. Below that
 * count no MESSAGE need be handled.
 */
uint64_t aw_sched_next_message (const struct aw_sched *sched, const char *topic);

/* Time of the last event. */
double aw_sched_now (const struct aw_sched *sched);

/* Walks over running attempts: EV becomes the START of the next one (sets borrowed until the next
 * call of handle or next). Begin with *CURSOR 0; false at the end. The order is not that of the
 * starts.
 */
bool aw_sched_running (const struct aw_sched *sched, uint32_t *cursor, struct aw_event *ev);

/* The same of the attempt of TASK, if it runs. */
bool aw_sched_attempt (const struct aw_sched *sched, uint32_t task, struct aw_event *ev);

/* The same of all attempts that have begun and go on by themselves: EV is a STAGE while data is on
 * its way, and a RELEASE once CPUs and GPUs are given back; its time is that of the attempt's
 * start. An attempt whose data has come waits as a ready task does, and is left out.
 */
bool aw_sched_each_attempt (const struct aw_sched *sched, uint32_t *cursor, struct aw_event *ev);

/* Has a node TASK in advance, and has not started it as far as is known? */
bool aw_sched_is_assigned (const struct aw_sched *sched, uint32_t task);

/* The number by which attempts of SET may follow each other in their places (io/wire/launch.h). */
uint32_t aw_sched_place (const struct aw_sched *sched, uint32_t set);

/* How many tasks of SET could end in a second if they had all CPUs of the pool: not more than its
 * nodes can start (taken as 2,500 a second each). */
double aw_sched_end_rate (const struct aw_sched *sched, uint32_t set);

/* From now on no task is assigned, and those that are become ready again, as if nodes had given
 * them back: for a simulation, whose nodes wait for no answer. 0, or -1 with ENOMEM. */
int aw_sched_assign_none (struct aw_sched *sched);

/* Is any task running or assigned to a node, or is its data being copied? */
bool aw_sched_any_runs (const struct aw_sched *sched);

/* After aw_sched_next has returned false: does all depend on what the N running attempts do, and on
 * running services (*SERVICES, NULL: not asked for)? That
 * is so unless one of them is to be ended, by a time limit perhaps, or holds no CPUs and GPUs, or a
 * task waits for a delay, or for an end of the job that is too close.
 */
bool aw_sched_at_rest (const struct aw_sched *sched, uint32_t *n, uint32_t *services);

/* Has that attempt of TASK ended, by the events handled? */
bool aw_sched_is_over (const struct aw_sched *sched, uint32_t task, uint32_t attempt);

/* Ended: aw_sched_next has returned END. Stopped: a STOP was handled, or a task of a set with
 * on_failure stop failed.
 */
bool aw_sched_ended (const struct aw_sched *sched);
bool aw_sched_stopped (const struct aw_sched *sched);

#endif /* AW_CORE_SCHED_SCHED_H */
