/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_pool.h"

#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/report/report.h"
#include "cmd/run/run_logs.h"
#include "cmd/run/run_salloc.h"
#include "cmd/run/run_predict.h"
#include "cmd/run/run_remainder.h"
#include "cmd/run/run_scratch.h"
#include "coord/exec.h"
#include "io/journal/run_dir.h"
#include "io/journal/run_workflow.h"
#include "util/clock.h"

enum { /* seconds for the pool step to end after its agents got the order to */
       STEP_DEADLINE = 10,
       SCRATCH_DEADLINE = 60, /* if they have scratch directories to clear */
};

/* Seconds that choosing the order may always take: srun takes longer to start. */
static const double plan_budget = 0.05;

void aw_pool_run_finish (struct aw_pool_run *run)
{
    if (run->exec)
        run->exec->ops->destroy (run->exec);
    aw_line_process_destroy (run->step);
    aw_coordinator_destroy (run->coordinator);
    if (run->heartbeat)
        event_free (run->heartbeat);
    aw_run_lock_release (run->lock);
    if (run->made)
        aw_run_dir_discard (run->run_dir);
    aw_job_watch_destroy (run->watch);
    aw_slurm_job_finish (&run->job);
    if (run->base)
        event_base_free (run->base);
    free (run->run_dir);
    free (run->start_dir);
    free (run->scratch);
}

int aw_pool_run_fail (const struct aw_pool_run *run, const struct aw_error *err)
{
    aw_error_print (err);
    return run->input_is_wrong ? AW_EXIT_INPUT : AW_EXIT_POOL;
}

/* A directory that is gone at two heartbeats in a row is gone for good. */
static void watch_directory (struct aw_pool_run *run)
{
    if (run->ended)
        return;
    if (aw_run_lock_is_gone (run->lock) || aw_coordinator_journal_is_gone (run->coordinator))
        run->n_gone++;
    else
        run->n_gone = 0;
    if (run->n_gone == 2)
        aw_coordinator_lose_directory (run->coordinator);
}

/* Heartbeats for a coordinator that would take over the directory. If one has, nothing more may be
 * written there: this process ends as if it had been killed, and the agents end their tasks.
 */
static void on_heartbeat (evutil_socket_t fd, short what, void *arg)
{
    struct aw_pool_run *run = arg;
    struct aw_error err;

    (void)fd;
    (void)what;
    if (aw_run_lock_beat (run->lock, &err) == 0) {
        watch_directory (run);
        return;
    }
    aw_error_print (&err);
    aw_run_salloc_end (AW_EXIT_POOL);
    _exit (AW_EXIT_POOL);
}

static void say (const char *text)
{
    fprintf (stderr, "async-workflow: %s\n", text);
}

/* A new run directory, held by us. 0, or -1 with text. */
static int make_run_dir (struct aw_pool_run *run, const char *job, struct aw_error *err)
{
    run->run_dir = aw_run_dir_create (run->args->value.dir, run->workflow->name, job, err);
    run->input_is_wrong = !run->run_dir; /* it exists, or cannot be created there */
    if (!run->run_dir)
        return -1;
    run->made = true;
    run->lock = aw_run_lock_take (run->run_dir, job, say, err);
    if (!run->lock)
        return -1;
    return aw_run_workflow_write (run->run_dir, run->workflow, err);
}

/* The directory of the run that continues, whose journal is opened. */
static int take_run_dir (struct aw_pool_run *run,
                         struct aw_coordinator_config *config,
                         struct aw_error *err)
{
    struct aw_run_resume *resume = run->resume;
    struct aw_sched_config sched = run->args->sched;

    sched.backlog = run->args->value.backlog;
    run->lock = resume->lock;
    resume->lock = NULL;
    run->run_dir = strdup (resume->dir);
    if (!run->run_dir)
        return aw_error_set (err, "out of memory");
    config->journal = aw_run_resume_begin (resume, config->job, &sched, err);
    if (config->journal)
        config->earlier = &resume->state;
    config->submissions = &resume->submissions;
    return config->journal || !err->text[0] ? 0 : -1;
}

int aw_pool_run_prepare (struct aw_pool_run *run,
                         struct aw_coordinator_config *config,
                         struct aw_error *err)
{
    const struct timeval every = { (time_t)AW_RUN_LOCK_BEAT, 0 };

    run->base = event_base_new ();
    if (!run->start_dir && run->resume && run->resume->header.directory)
        run->start_dir = strdup (run->resume->header.directory);
    else if (!run->start_dir)
        run->start_dir = getcwd (NULL, 0);
    if (!run->base)
        return aw_error_set (err, "cannot create an event loop");
    if (!run->start_dir)
        return aw_error_set (err, "the current directory: %s", strerror (errno));
    if ((run->resume ? take_run_dir (run, config, err) : make_run_dir (run, config->job, err)) < 0)
        return -1;
    if (run->origin && run->origin->job && aw_run_origin_write (run->run_dir, run->origin, err) < 0)
        return -1;
    aw_run_salloc_dir (run->run_dir);
    run->heartbeat = event_new (run->base, -1, EV_PERSIST, on_heartbeat, run);
    if (!run->heartbeat || event_add (run->heartbeat, &every) < 0)
        return aw_error_set (err, "out of memory");
    if (aw_run_scratch (run->args, run->workflow, config->job, &run->scratch, err) < 0)
        return -1;
    config->scratch = run->scratch;
    config->workflow = run->workflow;
    config->sched = run->args->sched;
    config->sched.backlog = run->args->value.backlog;
    config->run_dir = run->run_dir;
    config->store = aw_run_logs_store (run->args, run->workflow, run->resume, run->run_dir);
    config->start_dir = run->start_dir;
    config->display = run->args->display;
    config->durations = run->durations->known;
    config->replans = !run->args->policy_given && run->args->value.plan_time != 0;
    config->plan_seconds = run->args->value.plan_time;
    config->plan_evaluations = run->args->value.plan_evaluations;
    config->kill_grace = aw_run_grace (run->args);
    config->durability = (enum aw_durability)run->args->value.durability;
    run->own_end = aw_clock_wall () + run->args->value.time_limit - config->kill_grace;
    config->end_time = fmin (run->own_end, config->end_time > 0 ? config->end_time : INFINITY);
    run->end = config->end_time;
    aw_run_warn_too_long (run->workflow->graph,
                          run->args->value.file ? run->args->value.file : run->run_dir,
                          config->end_time - aw_clock_wall ());
    run->coordinator = aw_coordinator_create (run->base, config, err);
    return run->coordinator ? 0 : -1;
}

int aw_pool_run_plan (struct aw_pool_run *run,
                      const struct aw_allocation *allocation,
                      struct aw_error *err)
{
    struct aw_run_terms terms = { .budget = plan_budget, .samples = &run->durations->samples };
    struct aw_run_plan plan;
    int rc;

    terms.seconds = run->end - aw_clock_wall ();
    if (run->resume && run->resume->begun)
        aw_run_remainder (run->resume, &run->args->sched, allocation, &terms, STDERR_FILENO);
    if (run->resume)
        return 0; /* the order stays */
    aw_run_hint_cpus (run->workflow, run->args->value.file, allocation);
    plan = aw_run_predict (run->args, run->workflow, allocation, &terms, STDERR_FILENO);
    plan.sched.backlog = run->args->value.backlog;
    rc = aw_coordinator_set_plan (run->coordinator, &plan.sched, &plan.outlook, plan.order, err);
    free (plan.order);
    return rc;
}

/* Ends the agents; then the step ends by itself. */
static void wind_down (struct aw_pool_run *run)
{
    struct timeval deadline = { run->scratch ? SCRATCH_DEADLINE : STEP_DEADLINE, 0 };

    run->ended = true;
    run->exec->ops->shutdown (run->exec);
    if (!run->step || run->step_ended)
        return;
    event_base_loopexit (run->base, &deadline);
    event_base_dispatch (run->base);
}

int aw_pool_run_end (struct aw_pool_run *run)
{
    struct aw_error err;
    int code = aw_coordinator_run (run->coordinator, run->exec, &err);

    if (code == AW_EXIT_INPUT && err.text[0])
        aw_error_prefix (&err, run->args->value.file ? run->args->value.file : run->run_dir);
    if (err.text[0])
        aw_error_print (&err);
    if (code != AW_EXIT_INPUT || aw_coordinator_has_started (run->coordinator))
        run->made = false; /* it can be continued */
    wind_down (run); /* agents may still send to the coordinator, which ignores it */
    aw_coordinator_destroy (run->coordinator); /* the run directory has everything */
    run->coordinator = NULL;
    if (code != AW_EXIT_INPUT && aw_report_print (run->run_dir, STDOUT_FILENO, &err) < 0)
        aw_error_print (&err);
    return code;
}
