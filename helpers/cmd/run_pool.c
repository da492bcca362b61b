/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_pool.h"

#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/report.h"
#include "cmd/run_predict.h"
#include "coord/exec.h"
#include "io/run_dir.h"
#include "util/clock.h"

enum {
    STEP_DEADLINE = 10
}; /* seconds for the pool step to end when its agents have been told to */

/* Seconds for choosing the order at least: hidden behind srun's own start. */
static const double plan_budget = 0.05;

void aw_pool_run_finish (struct aw_pool_run *run)
{
    if (run->exec)
        run->exec->ops->destroy (run->exec);
    aw_pool_step_destroy (run->step);
    aw_coordinator_destroy (run->coordinator);
    aw_slurm_job_finish (&run->job);
    if (run->base)
        event_base_free (run->base);
    free (run->run_dir);
    free (run->start_dir);
}

int aw_pool_run_fail (const struct aw_pool_run *run, const struct aw_error *err)
{
    aw_error_print (err);
    return run->input_is_wrong ? AW_EXIT_INPUT : AW_EXIT_POOL;
}

int aw_pool_run_prepare (struct aw_pool_run *run,
                         struct aw_coordinator_config *config,
                         struct aw_error *err)
{
    run->base = event_base_new ();
    if (!run->start_dir)
        run->start_dir = getcwd (NULL, 0);
    if (!run->base)
        return aw_error_set (err, "cannot make an event loop");
    if (!run->start_dir)
        return aw_error_set (err, "the working directory is gone");
    run->run_dir = aw_run_dir_create (run->args->dir, run->workflow->name, config->job, err);
    run->input_is_wrong =
        !run->run_dir; /* it is there already, or cannot be made where it was asked for */
    if (!run->run_dir
        || aw_run_dir_write_workflow (run->run_dir, run->workflow->text, run->workflow->text_size,
                                      err)
               < 0)
        return -1;
    config->workflow = run->workflow;
    config->sched = run->args->sched;
    config->run_dir = run->run_dir;
    config->start_dir = run->start_dir;
    config->display = run->args->display;
    config->kill_grace = run->args->grace;
    config->end_time = fmin (aw_clock_wall () + run->args->time_limit,
                             config->end_time > 0 ? config->end_time : INFINITY);
    run->coordinator = aw_coordinator_create (run->base, config, err);
    return run->coordinator ? 0 : -1;
}

int aw_pool_run_plan (struct aw_pool_run *run,
                      const struct aw_allocation *allocation,
                      struct aw_error *err)
{
    struct aw_run_plan plan =
        aw_run_predict (run->args, run->workflow, allocation, plan_budget, STDERR_FILENO);

    return aw_coordinator_set_plan (run->coordinator, &plan.sched, plan.predicted, err);
}

/* Lets the agents end; then the step ends by itself. */
static void wind_down (struct aw_pool_run *run)
{
    struct timeval deadline = { STEP_DEADLINE, 0 };

    run->over = true;
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

    if (err.text[0])
        aw_error_print (&err);
    wind_down (run); /* agents may still talk to the coordinator, which does not listen any more */
    aw_coordinator_destroy (run->coordinator); /* all that it knew is in the run directory */
    run->coordinator = NULL;
    if (aw_report_print (run->run_dir, STDOUT_FILENO, &err) < 0)
        aw_error_print (&err);
    return code;
}
