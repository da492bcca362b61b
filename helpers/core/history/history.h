/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in a run: the events folded into one record an attempt, for status, report and
 * charts. */
#ifndef AW_CORE_HISTORY_HISTORY_H
#define AW_CORE_HISTORY_HISTORY_H

#include <math.h>
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
    uint32_t gpu_parts; /* thousandths of GPUs (core/resources/demand.h), on all its nodes */
    uint32_t n_more; /* further nodes; see aw_history_held */
    size_t more; /* private: index of the first of those */
    double ready; /* t; NAN: not seen */
    double staged; /* stage-in began; NAN: it has none */
    double brought; /* stage-in ended; NAN: it has not, or there is none */
    double start; /* as `staged` while it has not started, or if it never started */
    double released; /* it gave back its CPUs and GPUs while results were being copied; NAN: it did
                        so by its finish, or not yet */
    double finish; /* NAN: still running */
    double serving; /* it was ready for the tasks after it; NAN: it is no service, or was not */
    double startup; /* ... seconds after its start */
    uint32_t port; /* ... on this port; 0: not known */
    uint64_t staged_bytes; /* copied for it */
    uint64_t node_bytes; /* of these, taken from other nodes */
    bool waits; /* its data is copied, and it has not started yet */
    bool assigned; /* its node had it in advance, and started it by itself */
    bool first_call; /* a worker was started for it */
    bool started; /* it has or had CPUs and GPUs; stays false if stage-in failed */
    double seconds, cpu_seconds;
    uint64_t max_rss;
    double gpu_util; /* share of the time that its GPUs were busy; NAN: not known */
    uint64_t gpu_mem; /* most bytes used on them; 0: none, or not known */
    enum aw_status status; /* if finished */
    int code, signal;
    char *reason; /* owned; NULL: none was given */
};

/* When the tasks after it could start: a service was ready, another attempt finished. */
static inline double aw_attempt_let_go (const struct aw_attempt *a)
{
    return isnan (a->serving) ? a->finish : a->serving;
}

static inline bool aw_attempt_succeeded (const struct aw_attempt *a)
{
    return !isnan (a->finish) && a->status == AW_STATUS_COMPLETED && a->seconds >= 0;
}

/* Do its seconds tell how long a task of its set takes? Not those of a call for which a worker was
 * started.
 */
static inline bool aw_attempt_teaches (const struct aw_attempt *a)
{
    return aw_attempt_succeeded (a) && !a->first_call;
}

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

/* What a task's ASSIGNs say. */
struct aw_history_assigned {
    uint32_t next; /* the number after that of the newest one, unless it has surely not started;
                      0: there was none */
    uint32_t node; /* index + 1 of the node that has it now; 0: none has */
};

/* A gap in a run: it was interrupted and resumed. */
struct aw_history_gap {
    double from, to; /* t: of the last event before, and of the RESUME */
    uint32_t lost; /* attempts that were running */
    char *job; /* Slurm job that resumed it, owned; NULL: none */
};

/* A PLAN: when, for how many set instances it holds places, and why it came in place of the order
 * before it. */
struct aw_history_plan {
    double t;
    uint32_t n_holds;
    char *reason; /* owned; NULL: it was made before the run */
};

struct aw_history {
    const struct aw_graph *graph; /* borrowed */
    struct aw_attempt *attempts; /* in the order in which they began, with stage-in or start; see
                                    aw_history_order */
    size_t n_attempts;
    struct aw_history_node *nodes;
    uint32_t n_nodes;
    uint32_t first_node; /* of the pool since the last RESUME */
    struct aw_history_gap *gaps;
    uint32_t n_gaps;
    double epoch; /* wall clock at t = 0, by the last RESUME; NAN: there was none */
    double now; /* t of the last event; the caller may increase it, to count running tasks up to
                   then */
    char *plan; /* the last one's order; NULL: there was none */
    struct aw_history_plan *plans; /* all of them */
    uint32_t n_plans;
    char *stop_reason; /* NULL: not stopped */
    char *stall; /* what all running tasks wait for, as the last STALL says; NULL: none was seen */
    bool stalled; /* they wait now */
    bool stall_failed; /* nobody was left to send, so their waits failed */
    int exit_code; /* -1: no END seen */
    uint64_t *messages; /* by topic of the graph, for the first n_topics: how many came */
    uint32_t n_topics;
    struct aw_cancel *cancelled; /* in the order in which a resumed run applies them */
    uint32_t n_cancelled;
    uint32_t n_assigned; /* ready tasks that a node has now, and has not started */
    struct aw_history_assigned *assigned; /* private: by task */
    uint32_t *last; /* private: a task's newest attempt + 1; 0: none */
    uint8_t *marks; /* private: by task: AW_MARK_SKIPPED, AW_MARK_AGAIN */
    double *ready; /* private: t + 1 of a task's newest READY; 0: none */
    size_t size; /* private: room for attempts */
    struct aw_held *more; /* private: of attempts on several nodes, all nodes but the first */
    size_t n_more, more_size;
    uint32_t *submitter; /* private: by set: index + 1 of the attempt that has submitted it;
                            AW_NONE: of a removed task; 0: it is not submitted */
    uint32_t n_sets; /* private: those known to it */
    size_t n_before; /* private: attempts before the last RESUME */
    uint32_t node_room, gap_room, cancel_room, plan_room; /* private */
    struct aw_graph_size room; /* private: of the arrays by task */
};

/* An empty history over a finalized GRAPH. 0, or -1 with text. finish frees what it holds. */
int aw_history_init (struct aw_history *history,
                     const struct aw_graph *graph,
                     struct aw_error *err);
void aw_history_finish (struct aw_history *history);

/* Handles one event. 0, or -1 with text if it contradicts earlier events (a task ends that does not
 * run, a node gets more than it has), or without memory; then the history is unchanged.
 */
int aw_history_handle (struct aw_history *history, const struct aw_event *ev, struct aw_error *err);

/* The last attempt of the task, or NULL if it has none. */
const struct aw_attempt *aw_history_last (const struct aw_history *history, uint32_t task);

/* Index of the node to which the task is assigned. It is ready, and starts there in the place of an
 * attempt that succeeds. AW_NONE: it is assigned to none.
 */
uint32_t aw_history_assigned_to (const struct aw_history *history, uint32_t task);

/* What ATTEMPT holds on the node number I of its own, 0 to n_more. */
struct aw_held aw_history_held (const struct aw_history *history,
                                const struct aw_attempt *attempt,
                                uint32_t i);

/* The t at which the attempt gave back its CPUs and GPUs; "now" if it holds them; its start if it
 * never had them. It held them from its start to this.
 */
double aw_history_end (const struct aw_history *history, const struct aw_attempt *attempt);

/* Seconds that it ran, as its node measured them, without an asynchronous copy of its results.
 * Where they are not known: from its start to its finish, or to its release where its node was lost
 * during such a copy; NAN: it has not ended. Not finish - start: the journal has both up to 50 ms
 * late if it or another followed on its node (docs/scale.md, "Starts in advance").
 */
double aw_attempt_run_seconds (const struct aw_attempt *attempt);

/* When it began, as well as is known: its start, or earlier by what it ran longer than the journal
 * has room for; but not before it was ready. Its start where its node was lost.
 */
double aw_attempt_began (const struct aw_attempt *attempt);

/* The ends of stage-in, including the wait for CPUs and GPUs, and of stage-out; they begin at
 * `staged` and `released`. "Now" if one has not ended; NAN if there was none.
 */
double aw_history_came (const struct aw_history *history, const struct aw_attempt *attempt);
double aw_history_left (const struct aw_history *history, const struct aw_attempt *attempt);

/* Indexes of all attempts in the order of their starts (not of stage-in); of equal starts the lower
 * index first. Caller frees; NULL with ENOMEM.
 */
uint32_t *aw_history_order (const struct aw_history *history);

/* The iteration whose "until" task has reached the goal: later ones are not needed. UINT32_MAX:
 * none has.
 */
uint32_t aw_history_last_iteration (const struct aw_history *history);

/* The number of the task's next attempt. An attempt that was assigned, and may have started
 * without a START, has used up its number.
 */
uint32_t aw_history_next_attempt (const struct aw_history *history, uint32_t task);

/* A task's state as it is now. */
enum aw_history_task {
    AW_HISTORY_UNSTARTED, /* or to be retried, or assigned to a node */
    AW_HISTORY_RUNNING,
    AW_HISTORY_COMPLETED,
    AW_HISTORY_FAILED, /* its last attempt failed, and no retry is left or the run has ended */
    AW_HISTORY_CANCELLED,
    AW_HISTORY_SKIPPED,
    AW_HISTORY_STATES /* their number */
};
enum aw_history_task aw_history_state (const struct aw_history *history, uint32_t task);

/* Was the task cancelled before it had ended for good, or else after the last RESUME not needed any
 * more? Not one that had been skipped before.
 */
bool aw_history_is_cancelled (const struct aw_history *history, uint32_t task);

/* Figures of the whole run, up to now if it has not ended. Seconds; shares between 0 and 1. */
struct aw_summary {
    double first_start, last_finish; /* t; NAN: no attempt started or finished */
    double makespan; /* last_finish - first_start, or so far; NAN: nothing has started */
    double cpu_share, gpu_share; /* held by tasks, of all that the pool had during the makespan;
                                    NAN: it had none */
    double cpu_used_share; /* CPU time that ended tasks used, of the CPU time that they held; NAN:
                              none ended */
    uint32_t completed, failed, cancelled, skipped, running,
        unstarted; /* tasks: these add up to all */
    uint32_t retried; /* attempts beyond the first ones */
    uint32_t n_nodes, cpus, gpus; /* of the pool, lost nodes included */
    double gap_mean, gap_max; /* seconds from ready to start; NAN: no attempt started */
    uint32_t started, assigned; /* attempts that started; of these, by their nodes in advance */
};
void aw_history_summary (const struct aw_history *history, struct aw_summary *summary);

/* The same of one task set. Times are of completed attempts (of a service, until it was ready),
 * waits (ready to start) of all. NAN: there are none.
 */
struct aw_set_summary {
    uint32_t tasks; /* of all iterations */
    uint32_t states[AW_HISTORY_STATES]; /* how many are in each */
    uint32_t attempts, started_attempts, completed_attempts;
    double mean, min, max; /* seconds */
    double wait_mean, wait_max;
    double busy; /* sum of the time that its attempts held CPUs and GPUs */
    double cpu_seconds;
    uint64_t max_rss;
    double gpu_util; /* mean over attempts with a known value, weighted by their time; NAN: none */
    uint64_t gpu_mem; /* the most of one attempt */
    double gpu_seconds; /* of attempts with a known gpu_util */
    uint32_t first_calls; /* completed attempts for which a worker was started */
    double first_call_mean, call_mean; /* seconds of these, and of the other completed ones */
    struct aw_staging_summary {
        uint32_t brought; /* attempts whose input was copied before they had CPUs and GPUs */
        uint32_t shared; /* of these, without a byte copied for them: the data was there or being
                            copied */
        uint64_t bytes; /* copied for the others */
        uint64_t from_nodes; /* of these, taken from other nodes */
        uint32_t left; /* attempts whose results were copied after they had given these back */
        double coming, waiting, leaving; /* mean seconds: input copied, then waiting for CPUs and
                                            GPUs, results copied; NAN: none */
    } staging;
};

/* Fills SETS, one a set of the graph; the first of sets that count as one has the figures of all.
 */
void aw_history_sets (const struct aw_history *history, struct aw_set_summary *sets);

/* The longest chain. It leads back from the attempt that finished last, each time to the
 * predecessor that finished last (for a retry: its previous attempt), until a task has none. Fills
 * CHAIN (caller frees) with indexes into attempts, first to last, and N (0: nothing finished). 0 or
 * -1 with ENOMEM.
 */
int aw_history_chain (const struct aw_history *history, uint32_t **chain, size_t *n);

/* Busy CPUs and GPUs over time: steps of (t, busy), one for each change, the first at the first
 * start. Running attempts count up to now. Caller frees STEPS. 0 or -1 with ENOMEM.
 */
struct aw_step {
    double t;
    uint32_t cpus, gpu_parts;
};
int aw_history_load (const struct aw_history *history, struct aw_step **steps, size_t *n);

#endif /* AW_CORE_HISTORY_HISTORY_H */
