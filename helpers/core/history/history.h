/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in a run: the events folded into one record an attempt, for status, report and
 * charts. */
#ifndef AW_CORE_HISTORY_HISTORY_H
#define AW_CORE_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/resources/demand.h"
#include "core/history/resume_state.h"
#include "core/event.h"
#include "core/graph/graph.h"
#include "util/error.h"

struct aw_attempt {
    uint32_t task;
    uint32_t attempt;
    uint32_t previous; /* index of the same task's attempt before, AW_NONE: this is the first */
    uint32_t node; /* the first of its nodes */
    uint32_t cpus; /* their number, on all its nodes */
    uint32_t gpu_parts; /* of GPUs, in thousandths (core/resources/demand.h), on all its nodes */
    uint32_t n_more; /* further nodes; see aw_history_held */
    size_t more; /* private: where those begin */
    double ready; /* t; NAN: not seen */
    double staged; /* its data began to come; NAN: none had to */
    double brought; /* all its data was there; NAN: it is not, or none had to come */
    double start; /* as `staged` while it has not started, and where it never did */
    double released; /* it gave its node back, but for what was still being copied; NAN: it has not,
                        or only by its finish */
    double finish; /* NAN: still running */
    uint64_t staged_bytes; /* copied for it */
    bool waits; /* it has not started, and may */
    bool started; /* it had CPUs and GPUs; false for ever where its data did not come */
    double seconds, cpu_seconds;
    uint64_t max_rss;
    double gpu_util; /* share of the time in which its GPUs computed; NAN: not known */
    uint64_t gpu_mem; /* bytes on them at most; 0: none, or not known */
    enum aw_status status; /* where finished */
    int code, signal;
    char *reason; /* owned; NULL: none was given */
};

/* What an attempt holds of one node. */
struct aw_held {
    uint32_t node;
    uint32_t cpus, gpu_parts;
};

struct aw_history_node {
    char *name;
    uint32_t cpus, gpus;
    uint32_t busy_cpus, busy_gpu_parts; /* held by tasks, now */
    double joined; /* t */
    double lost; /* t; NAN: not lost */
};

/* Where a run was interrupted and went on. */
struct aw_history_gap {
    double from, to; /* t: of the last event before, and of the RESUME */
    uint32_t lost; /* attempts that were running */
    char *job; /* that it went on in, owned; NULL: none */
};

struct aw_history {
    const struct aw_graph *graph; /* borrowed */
    struct aw_attempt *attempts; /* in the order of their starts, or of their data's coming: see
                                    aw_history_order */
    size_t n_attempts;
    struct aw_history_node *nodes;
    uint32_t n_nodes;
    uint32_t first_node; /* of the pool since the last RESUME */
    struct aw_history_gap *gaps;
    uint32_t n_gaps;
    double epoch; /* wall clock at t = 0 by the last RESUME; NAN: there was none */
    double now; /* t of the last event; the caller may set it later, to count running tasks up to
                   then */
    char *stop_reason; /* NULL: not stopped */
    int exit_code; /* -1: no END seen */
    uint32_t n_skipped;
    uint64_t *messages; /* by topic of the graph, as far as any came on one: how many */
    uint32_t n_topics;
    struct aw_cancel *cancelled; /* in the order in which they were */
    uint32_t n_cancelled;
    uint32_t *last; /* private: a task's newest attempt + 1; 0: none */
    uint8_t *marks; /* private: of a task: skipped; to be run anew */
    double *ready; /* private: t + 1 of a task's newest READY; 0: none */
    size_t size; /* private: room for attempts */
    struct aw_held *more; /* private: of all attempts over several nodes, but their first */
    size_t n_more, more_size;
    uint32_t node_room, gap_room, cancel_room; /* private */
    struct aw_graph_size room; /* private: of what is there by task */
};

/* An empty history over a finalized GRAPH. 0, or -1 with text. finish frees what it holds. */
int aw_history_init (struct aw_history *history,
                     const struct aw_graph *graph,
                     struct aw_error *err);
void aw_history_finish (struct aw_history *history);

/* Folds one event in. 0, or -1 with text where it contradicts what was before (a task finishes that
 * is not running, a node is given more than it has): the history is unchanged then.
 */
int aw_history_handle (struct aw_history *history, const struct aw_event *ev, struct aw_error *err);

/* The task's newest attempt, or NULL where it has not started. */
const struct aw_attempt *aw_history_last (const struct aw_history *history, uint32_t task);

/* What ATTEMPT holds on the node number I of its own, 0 to n_more. */
struct aw_held aw_history_held (const struct aw_history *history,
                                const struct aw_attempt *attempt,
                                uint32_t i);

/* When the attempt gave its node back, or "now" where it is still running; its start where it has
 * not had CPUs and GPUs: from start to end is what it held them for.
 */
double aw_history_end (const struct aw_history *history, const struct aw_attempt *attempt);

/* When its data stopped coming or waiting (its start, its end without, or "now"), and stopped
 * leaving; the beginnings are `staged` and `released`. NAN where it had none.
 */
double aw_history_came (const struct aw_history *history, const struct aw_attempt *attempt);
double aw_history_left (const struct aw_history *history, const struct aw_attempt *attempt);

/* Indexes of all attempts in the order of their starts, which is not that in which their data
 * began to come; of equal starts the lower first. Caller frees; NULL with ENOMEM.
 */
uint32_t *aw_history_order (const struct aw_history *history);

/* The number that the task's next attempt gets: none is used twice. */
uint32_t aw_history_next_attempt (const struct aw_history *history, uint32_t task);

/* A task's state as it is now. */
enum aw_task_state {
    AW_TASK_UNSTARTED, /* or to be tried again */
    AW_TASK_RUNNING,
    AW_TASK_COMPLETED,
    AW_TASK_FAILED, /* for good: its last attempt failed and no retry is left or the run is over */
    AW_TASK_CANCELLED,
    AW_TASK_SKIPPED,
    AW_TASK_STATES /* their number */
};
enum aw_task_state aw_history_state (const struct aw_history *history, uint32_t task);

/* Figures of the whole run (up to now where it is going on). Seconds; shares between 0 and 1. */
struct aw_summary {
    double first_start, last_finish; /* t; NAN where nothing started or finished */
    double makespan; /* last_finish - first_start, or up to now where something runs; NAN where
                        nothing started */
    double cpu_share, gpu_share; /* held by tasks, of what the pool had over the makespan; NAN where
                                    it had none */
    double cpu_used_share; /* CPU time used by ended tasks over CPU time that they held; NAN where
                              none ended */
    uint32_t completed, failed, cancelled, skipped, running,
        unstarted; /* tasks: these add up to all */
    uint32_t retried; /* attempts beyond the first ones */
    uint32_t n_nodes, cpus, gpus; /* of the pool, lost nodes included */
    double gap_mean, gap_max; /* from ready to start, whatever the cause; NAN where none */
};
void aw_history_summary (const struct aw_history *history, struct aw_summary *summary);

/* The same of one task set. Times are of completed attempts, waits (ready to start) of all. NAN
 * where there are none. */
struct aw_set_summary {
    uint32_t tasks; /* of all iterations */
    uint32_t states[AW_TASK_STATES]; /* how many are in each */
    uint32_t attempts, started_attempts, completed_attempts;
    double mean, min, max; /* seconds */
    double wait_mean, wait_max;
    double busy; /* sum of the time that its attempts held their node */
    double cpu_seconds;
    uint64_t max_rss;
    double gpu_util; /* mean of the attempts of which it is known, by their time; NAN: of none */
    uint64_t gpu_mem; /* the most of one attempt */
    double gpu_seconds; /* of the attempts of which gpu_util is known */
    struct aw_staging_summary {
        uint32_t brought; /* attempts whose data was brought before they had CPUs and GPUs */
        uint32_t shared; /* of these, without a byte copied for them: it was there or on its way */
        uint64_t bytes; /* copied for the others */
        uint32_t left; /* attempts whose results left after they had given these back */
        double coming, waiting, leaving; /* mean seconds: data coming, data there and waiting for
                                            CPUs and GPUs, results leaving; NAN: none */
    } staging;
};

/* Fills SETS, one a set of the graph. */
void aw_history_sets (const struct aw_history *history, struct aw_set_summary *sets);

/* The longest chain: from the attempt that finished last back through what it waited for and what
 * of that finished last (its own attempt before, where it is a retry), to a task that waited for
 * nothing. Fills CHAIN (caller frees) with indexes into attempts, first to last, and N (0 where
 * nothing finished). 0 or -1 with ENOMEM.
 */
int aw_history_chain (const struct aw_history *history, uint32_t **chain, size_t *n);

/* Busy CPUs and GPUs over time: steps of (t, busy), one where it changes, the first at the first
 * start. What runs is counted up to now. Caller frees STEPS. 0 or -1 with ENOMEM.
 */
struct aw_step {
    double t;
    uint32_t cpus, gpu_parts;
};
int aw_history_load (const struct aw_history *history, struct aw_step **steps, size_t *n);

#endif /* AW_CORE_HISTORY_HISTORY_H */
