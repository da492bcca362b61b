/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinator: asks the scheduler, journals, sends launches, takes exits, shows progress. One
 * libevent loop; a thread waits for the disk, where durability wants that. At the end of a turn of
 * the loop its events are journalled, then the scheduler decides, and then launches leave: the
 * journal has a completion before any successor starts.
 *
 *     exec callbacks --events--> scheduler --actions--> journal, execution, display
 */
#ifndef AW_COORD_COORDINATOR_H
#define AW_COORD_COORDINATOR_H

#include <stdint.h>

#include "coord/display/display.h"
#include "coord/exec.h"
#include "coord/slurm/job_watch.h"
#include "core/history/resume_state.h"
#include "core/sched/sched.h"
#include "io/journal/journal.h"
#include "io/workflow/workflow.h"
#include "util/error.h"

struct event_base;

/* What completions, adds and synced messages survive before anything depends on them. */
enum aw_durability {
    AW_DURABILITY_PROCESS, /* the end of this process: written to the kernel */
    AW_DURABILITY_NODE, /* the loss of its node, too: on disk */
};

struct aw_coordinator_config {
    struct aw_workflow *workflow; /* grows where tasks add some. All borrowed until destroy */
    struct aw_sched_config sched;
    const char *run_dir; /* absolute, made by aw_run_dir_create */
    const char *start_dir; /* absolute */
    bool store; /* output of tasks goes to the log store, else to a file each */
    const char *scratch; /* above the nodes' scratch directories; NULL: there are none */
    const char *job; /* Slurm job id; NULL in local mode */
    struct aw_journal_durations durations; /* of earlier runs, which the workflow has; for the
                                              journal's header */
    bool one_rank; /* there is no srun: no task can have several ranks or nodes */
    uint32_t n_nodes; /* that can join */
    uint32_t min_nodes; /* that must, before anything starts; 0, or more than n_nodes: all */
    enum aw_display_mode display; /* on stderr */
    double end_time; /* wall clock when all must have ended; INFINITY or 0: never. A task that
                        cannot end by then does not start; one that runs then is stopped */
    /* When a run is resumed: what is done, and the journal, which run owns. NULL: the run begins,
     * and so does its journal. */
    const struct aw_resume_state *earlier;
    struct aw_submission_list *submissions; /* of earlier parts; NULL: none. Emptied */
    struct aw_journal *journal;
    enum aw_durability durability;
    bool replans; /* plans again during the run (coord/planner.h): its order is free to change */
    double plan_seconds; /* for a search then; NAN: as the planner sees fit */
    uint32_t plan_evaluations; /* simulations of a search in its place; 0: not given */
    double service_stall; /* seconds that a service which has sent nothing may yet do so, while all
                           * tasks wait for messages; 0: 300 */
    double kill_grace; /* seconds between SIGTERM and SIGKILL when the run is stopped */
    /* Called when min_nodes have joined, before anything starts: is this pool what was asked for?
     * NULL: any pool is. 0, or -1 with text: the run ends as a failure of the pool. */
    int (*check_pool) (void *arg, const struct aw_pool *pool, struct aw_error *err);
    /* Asks Slurm about the job; aw_coordinator_job_answer follows, from the loop, also after an ask
     * that finds a question under way. NULL: there is no job. */
    void (*ask_job) (void *arg);
    void *arg;
};

struct aw_coordinator;

/* Creates scheduler and display; the journal comes with run. BASE is borrowed, and
 * gets two priorities: the first is for what must not wait for the reading of sockets. NULL with
 * text.
 */
struct aw_coordinator *aw_coordinator_create (struct event_base *base,
                                              const struct aw_coordinator_config *config,
                                              struct aw_error *err);

/* Takes NULL, keeps errno. */
void aw_coordinator_destroy (struct aw_coordinator *coordinator);

/* For the creation of the execution backend. Valid as long as the coordinator. */
const struct aw_exec_callbacks *aw_coordinator_callbacks (struct aw_coordinator *coordinator);

/* What the model chose: the order to run in, in place of config.sched, and what it says of it, for
 * the journal's header. ORDER: a plan (core/sched/plan.h) to
 * follow in place of the policy, copied; NULL: none. Before run. 0, or -1 with text and nothing
 * changed.
 */
int aw_coordinator_set_plan (struct aw_coordinator *coordinator,
                             const struct aw_sched_config *sched,
                             const struct aw_outlook *outlook,
                             const char *order,
                             struct aw_error *err);

/* Runs the loop until the workflow has ended and the journal is closed. EXEC is borrowed. Meanwhile
 * SIGINT and SIGTERM stop the run (once: tasks get SIGTERM and kill_grace seconds; twice: SIGKILL),
 * and Ctrl-Z stops this process alone. Returns the exit status (enum aw_exit in
 * util/exit_status.h); text in ERR if the pool or the workflow is the cause, else it is empty.
 */
int aw_coordinator_run (struct aw_coordinator *coordinator,
                        struct aw_exec *exec,
                        struct aw_error *err);

/* Slurm's answer to ask_job; end_time is that of the run, as config.end_time. */
void aw_coordinator_job_answer (struct aw_coordinator *coordinator,
                                const struct aw_job_answer *answer);

/* The pool is broken in a way that the execution backend cannot see: the run ends, unless it has
 * ended; as stopped if the job ends. From the loop. */
void aw_coordinator_fail (struct aw_coordinator *coordinator, const struct aw_error *why);

/* Is the journal no longer where it was, as aw_journal_is_gone? False while none is open. */
bool aw_coordinator_journal_is_gone (const struct aw_coordinator *coordinator);

/* Has a task been started? */
bool aw_coordinator_has_started (const struct aw_coordinator *coordinator);

/* The run directory is gone for good: the running tasks end, and the run with AW_EXIT_STOPPED. From
 * the loop. */
void aw_coordinator_lose_directory (struct aw_coordinator *coordinator);

/* A line for the user above the display, such as what srun says. */
void aw_coordinator_message (struct aw_coordinator *coordinator, const char *text);

#endif /* AW_COORD_COORDINATOR_H */
