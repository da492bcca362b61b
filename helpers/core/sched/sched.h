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
 * they are. Handling a recorded START (replay, resume) has the same effect as having been given it
 * by aw_sched_next; handling what is known already changes nothing.
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

/* Goes on where EARLIER (read, not kept) ended: before any event. What is done does not run again,
 * attempts are numbered on from there, retries are granted anew. 0, or -1 with text.
 */
int aw_sched_resume (struct aw_sched *sched,
                     const struct aw_resume_state *state,
                     struct aw_error *err);

/* The graph, which it was created over, may have grown (aw_graph_grow): takes the new sets up, as
 * it does by itself with an ADD. 0, or -1 with text: the graph is to be shrunk to what it was.
 */
int aw_sched_grow (struct aw_sched *sched, struct aw_error *err);

/* A copy in the same state, over the same graph: to look ahead. NULL with ENOMEM. */
struct aw_sched *aw_sched_clone (const struct aw_sched *sched);

/* "Never": is there a set that no node of the pool could hold even empty? Returns 0, or -1 with
 * text
 * ("train needs 8 GPUs; the largest node has 4"). Call when all nodes have joined, before the first
 * next.
 */
int aw_sched_check (struct aw_sched *sched, struct aw_error *err);

/* The same of one SET, which may have come with the graph and not be taken up yet. */
int aw_sched_check_set (struct aw_sched *sched, uint32_t set, struct aw_error *err);

/* Takes in what happened. EV stays the caller's. The scheduler's time becomes ev->t. Returns 0, or
 * -1 with text where the event makes no sense (unknown task, node or attempt; CPUs that are not
 * free): the state is unchanged then.
 */
int aw_sched_handle (struct aw_sched *sched, const struct aw_event *ev, struct aw_error *err);

/* The next thing to do at the time of the last event; false: nothing for now. ACTION's sets are the
 * scheduler's: valid until the next call. Out of memory stops the run: a STOP action with the
 * reason.
 */
bool aw_sched_next (struct aw_sched *sched, struct aw_event *action);

/* When to hand in a WAKE event: the scheduler has something to do at that time though nothing may
 * happen before (a delay before another attempt is over). INFINITY: no need. A WAKE that comes too
 * early changes nothing. Ask anew after each turn of handle and next.
 */
double aw_sched_next_wake (const struct aw_sched *sched);

/* In a recorded run, did EV come from outside, to be handled, rather than out of aw_sched_next?
 * SCHED stands where the run stood before it.
 */
bool aw_sched_is_input (const struct aw_sched *sched, const struct aw_event *ev);

/* Why are tasks of SET that are ready not started any more: could they not end by the limit? Then
 * NEEDS is the seconds that they are taken to need.
 */
bool aw_sched_too_late (const struct aw_sched *sched, uint32_t set, double *needs);

/* Is NODE lost? In the pool one that is set aside counts as lost, too, for it takes no more tasks.
 */
bool aw_sched_is_lost (const struct aw_sched *sched, uint32_t node);

/* Counts, over all or of one set (all its iterations; SET AW_NONE: all sets). The six add up to the
 * tasks. */
struct aw_counts {
    uint32_t waiting; /* for predecessors */
    uint32_t ready; /* for resources, or for the delay before another attempt */
    uint32_t running;
    uint32_t done; /* completed; or failed with on_failure continue */
    uint32_t failed; /* for good */
    uint32_t skipped;
};
struct aw_counts aw_sched_counts (const struct aw_sched *sched, uint32_t set);

/* Does TASK not run because it was cancelled, itself or as one of an iteration that is not needed?
 */
bool aw_sched_unwanted (const struct aw_sched *sched, uint32_t task);

/* What it was created over. Borrowed. */
const struct aw_graph *aw_sched_graph (const struct aw_sched *sched);

/* The pool as it is now. Borrowed. */
const struct aw_pool *aw_sched_pool (const struct aw_sched *sched);

/* Seconds that a task of SET is expected to take: declared, else learned from finished siblings
 * (mean), else as told by aw_sched_expect, else NAN.
 */
double aw_sched_duration (const struct aw_sched *sched, uint32_t set);

/* The same by TASK's set. */
double aw_sched_expected (const struct aw_sched *sched, uint32_t task);

/* The next number of messages on the topic of that NAME that lets something start; UINT64_MAX: none
 * does. Only then a MESSAGE need be handed in.
 */
uint64_t aw_sched_next_message (const struct aw_sched *sched, const char *topic);

/* Time of the last event. */
double aw_sched_now (const struct aw_sched *sched);

/* Walks over what runs: EV becomes its START (t of its start; sets borrowed until the next call of
 * handle or next). Begin with *CURSOR 0; false at the end. The order is not that of the starts.
 */
bool aw_sched_running (const struct aw_sched *sched, uint32_t *cursor, struct aw_event *ev);

/* Has that attempt of TASK ended, as far as was told? */
bool aw_sched_is_over (const struct aw_sched *sched, uint32_t task, uint32_t attempt);

/* What an earlier journal said of a set's tasks: used where the workflow declares nothing and no
 * sibling has finished. */
void aw_sched_expect (struct aw_sched *sched, uint32_t set, double seconds);

/* Over: an END action has been given out. Stopped: a STOP was handled or on_failure stop struck. */
bool aw_sched_ended (const struct aw_sched *sched);
bool aw_sched_stopped (const struct aw_sched *sched);

#endif /* AW_CORE_SCHED_SCHED_H */
