/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in a run: the events folded into one record an attempt, for status, report and charts. */
#ifndef AW_CORE_HISTORY_H
#define AW_CORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/graph.h"
#include "util/error.h"

struct aw_attempt {
    uint32_t task;
    uint32_t attempt;
    uint32_t node;
    uint32_t cpus; /* numbers of them */
    uint32_t gpus;
    double ready; /* t; NAN: not seen */
    double start;
    double finish; /* NAN: still running */
    double seconds, cpu_seconds;
    uint64_t max_rss;
    enum aw_status status; /* where finished */
    int code, signal;
};

struct aw_history_node {
    char *name;
    uint32_t cpus, gpus;
    double joined; /* t */
    double lost; /* t; NAN: not lost */
};

struct aw_history {
    const struct aw_graph *graph; /* borrowed */
    struct aw_attempt *attempts; /* in the order of their starts */
    size_t n_attempts;
    struct aw_history_node *nodes;
    uint32_t n_nodes;
    double now; /* t of the last event */
    char *stop_reason; /* NULL: not stopped */
    int exit_code; /* -1: no END seen */
    uint32_t n_skipped;
    uint32_t *last; /* private: index of each task's newest attempt, AW_NONE: none */
    float *ready; /* private */
};

int aw_history_init (struct aw_history *history, const struct aw_graph *graph, struct aw_error *err);
void aw_history_finish (struct aw_history *history);

/* Folds one event in. 0, or -1 with text. */
int aw_history_handle (struct aw_history *history, const struct aw_event *ev, struct aw_error *err);

/* The task's newest attempt, or NULL where it has not started. */
const struct aw_attempt *aw_history_last (const struct aw_history *history, uint32_t task);

/* Figures of the whole run (up to now where it is going on). Seconds; shares between 0 and 1. */
struct aw_summary {
    double first_start, last_finish; /* t; NAN where nothing started or finished */
    double makespan; /* last_finish - first_start */
    double cpu_share, gpu_share; /* held by tasks, of what the pool had between first_start and last_finish; NAN where it had none */
    double cpu_used_share; /* CPU time used by tasks over CPU time held */
    uint32_t completed, failed, skipped, running, unstarted;
    double gap_mean, gap_max; /* between a task's ready and its start where resources were not the cause is not known: plain ready to start */
};
void aw_history_summary (const struct aw_history *history, struct aw_summary *summary);

/* The longest chain: from the task that finished last back through the predecessor that finished last, to a task
 * without predecessors. Fills CHAIN (caller frees) with indexes into attempts, first to last, and N. 0 or -1 with ENOMEM.
 */
int aw_history_chain (const struct aw_history *history, uint32_t **chain, size_t *n);

/* Busy CPUs or GPUs over time: steps of (t, busy), one where it changes. Caller frees STEPS. 0 or -1 with ENOMEM. */
struct aw_step {
    double t;
    uint32_t cpus, gpus;
};
int aw_history_load (const struct aw_history *history, struct aw_step **steps, size_t *n);

#endif /* AW_CORE_HISTORY_H */
