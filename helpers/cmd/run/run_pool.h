/* SPDX-License-Identifier: Apache-2.0 */
/* A checked workflow, run in a pool: what `run` does once it knows where. run_local.c and run_job.c
 * make the pool; what they share is in run_pool.c.
 */
#ifndef AW_CMD_RUN_RUN_POOL_H
#define AW_CMD_RUN_RUN_POOL_H

#include <stdbool.h>

#include "cmd/run/run_args.h"
#include "cmd/run/run_durations.h"
#include "cmd/run/run_resume.h"
#include "coord/coordinator.h"
#include "coord/slurm/pool_step.h"
#include "coord/slurm/srun_options.h"
#include "io/journal/run_origin.h"
#include "io/workflow/workflow.h"
#include "model/allocation.h"

/* Both run WORKFLOW to its end, print messages, progress and the report, and return the exit
 * status. */

/* On this machine, with one agent and without Slurm. RESUME: what is done already; NULL: a new run.
 * DURATIONS: what earlier runs say; WORKFLOW has it.
 */
int aw_run_local (const struct aw_run_args *args,
                  struct aw_workflow *workflow,
                  struct aw_run_resume *resume,
                  const struct aw_run_durations *durations);

/* Whether a workflow can run there: one rank a task. 0, or -1 with text. */
int aw_run_local_check (const struct aw_run_args *args,
                        const struct aw_workflow *workflow,
                        struct aw_error *err);

/* This machine as the model sees it, into an empty ALLOCATION. 0, or -1 with text. */
int aw_run_local_allocation (const struct aw_run_args *args,
                             struct aw_allocation *allocation,
                             struct aw_error *err);

/* In Slurm job JOB: starts the pool step with SRUN's step options. ORIGIN goes into the run
 * directory. */
int aw_run_in_job (const struct aw_run_args *args,
                   struct aw_workflow *workflow,
                   struct aw_run_resume *resume,
                   const struct aw_run_durations *durations,
                   const struct aw_srun_options *srun,
                   const struct aw_run_origin *origin,
                   const char *job);

/* What a run consists of. All owned but the first five. */
struct aw_pool_run {
    const struct aw_run_args *args; /* borrowed, as the next four */
    const struct aw_run_origin *origin; /* NULL: none is written */
    struct aw_workflow *workflow;
    struct aw_run_resume *resume; /* NULL: it begins */
    const struct aw_run_durations *durations;
    struct aw_run_lock *lock;
    struct event *heartbeat; /* timer: the lock's heartbeats */
    int n_gone; /* heartbeats in a row at which the run directory was gone */
    struct event_base *base;
    struct aw_coordinator *coordinator;
    struct aw_exec *exec;
    struct aw_line_process *step;
    struct aw_slurm_job job;
    double end; /* wall clock: the run ends by then; INFINITY: it has no limit */
    struct aw_job_watch *watch; /* of it */
    double own_end; /* wall clock: by --time-limit; INFINITY: none */
    char *run_dir;
    char *start_dir;
    char *scratch; /* NULL: not needed */
    bool ended; /* the coordinator has ended */
    struct aw_error srun_line; /* the last that the pool's srun or an agent printed; "": none */
    struct aw_error srun_error; /* the first that the pool's srun reported; "": none */
    bool step_ended;
    bool input_is_wrong; /* the pool could not be made because of the input */
    bool made; /* the run directory, and nothing has started yet */
};

/* Event loop, run directory, coordinator: the same for every kind of pool. CONFIG has what differs.
 * 0, or -1 with text. */
int aw_pool_run_prepare (struct aw_pool_run *run,
                         struct aw_coordinator_config *config,
                         struct aw_error *err);

/* Lets the model choose the order on ALLOCATION, unless the options give it, and prints the
 * prediction. 0, or -1 with text. */
int aw_pool_run_plan (struct aw_pool_run *run,
                      const struct aw_allocation *allocation,
                      struct aw_error *err);

/* Runs the coordinator over run->exec to its end, lets the pool end, prints the report. Returns the
 * exit status. */
int aw_pool_run_end (struct aw_pool_run *run);

/* The pool could not be made: prints why. Returns the exit status. */
int aw_pool_run_fail (const struct aw_pool_run *run, const struct aw_error *err);

void aw_pool_run_finish (struct aw_pool_run *run);

#endif /* AW_CMD_RUN_RUN_POOL_H */
