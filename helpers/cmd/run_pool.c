/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_pool.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"
#include "coord/coordinator.h"
#include "coord/exec_agents.h"
#include "coord/pool_step.h"
#include "coord/slurm_job.h"
#include "io/run_dir.h"

enum {
    JOIN_DEADLINE = 60, /* seconds for all agents to join */
    STEP_DEADLINE = 10, /* seconds for the pool step to end when its agents have been told to */
};

/* What a run needs beside the coordinator. All owned. */
struct run {
    const struct aw_run_args *args; /* borrowed, as the next */
    const struct aw_workflow *workflow;
    struct event_base *base;
    struct aw_coordinator *coordinator;
    struct aw_exec *exec;
    struct aw_pool_step *step;
    struct aw_slurm_job job;
    char *run_dir;
    char *start_dir;
    bool over; /* the coordinator has done its part */
    bool step_ended;
};

static void finish (struct run *run)
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

static int fail (const struct aw_error *err, int code)
{
    aw_error_print (err);
    return code;
}

/* Run directory, event loop, coordinator: the same for every kind of pool. 0, or -1 with text. */
static int prepare (struct run *run, struct aw_coordinator_config *config, struct aw_error *err)
{
    run->start_dir = getcwd (NULL, 0);
    if (!run->start_dir)
        return aw_error_set (err, "the working directory is gone");
    run->run_dir = aw_run_dir_create (run->args->dir, run->workflow->name, config->job, err);
    if (!run->run_dir
        || aw_run_dir_write_workflow (run->run_dir, run->workflow->text, run->workflow->text_size, err) < 0)
        return -1;
    config->workflow = run->workflow;
    config->sched = run->args->sched;
    config->run_dir = run->run_dir;
    config->start_dir = run->start_dir;
    config->display = run->args->display;
    config->kill_grace = run->args->grace;
    run->coordinator = aw_coordinator_create (run->base, config, err);
    return run->coordinator ? 0 : -1;
}

/* Lets the agents end; then the step ends by itself. */
static void wind_down (struct run *run)
{
    struct timeval deadline = { STEP_DEADLINE, 0 };

    run->over = true;
    run->exec->ops->shutdown (run->exec);
    if (!run->step || run->step_ended)
        return;
    event_base_loopexit (run->base, &deadline);
    event_base_dispatch (run->base);
}

static int run_to_the_end (struct run *run)
{
    struct aw_error err;
    int code = aw_coordinator_run (run->coordinator, run->exec, &err);

    if (err.text[0])
        aw_error_print (&err);
    aw_run_report (run->run_dir, aw_coordinator_history (run->coordinator));
    wind_down (run);
    return code;
}

int aw_run_local (const struct aw_run_args *args, const struct aw_workflow *workflow)
{
    struct run run = { .args = args, .workflow = workflow };
    struct aw_coordinator_config config = { .n_nodes = 1 };
    struct aw_idset cpus = { 0 }, gpus = { 0 };
    struct aw_error err;
    int code = AW_EXIT_POOL;

    run.base = event_base_new ();
    if (!run.base || (args->cpus && aw_idset_add (&cpus, 0, args->cpus - 1) < 0)
        || (args->gpus && aw_idset_add (&gpus, 0, args->gpus - 1) < 0))
        aw_error_set (&err, "out of memory");
    else if (prepare (&run, &config, &err) == 0)
        run.exec = aw_exec_local_create (run.base, aw_coordinator_callbacks (run.coordinator), &cpus, &gpus, &err);
    code = run.exec ? run_to_the_end (&run) : fail (&err, AW_EXIT_POOL);
    aw_idset_finish (&cpus);
    aw_idset_finish (&gpus);
    finish (&run);
    return code;
}

/* Is all that the job holds in the pool? A step that got less would waste the rest without a word. */
static int check_pool (void *arg, const struct aw_pool *pool, struct aw_error *err)
{
    const struct run *run = arg;
    uint32_t cpus = 0, gpus = 0;

    for (uint32_t n = 0; n < pool->n_nodes; n++) {
        for (uint32_t i = 0; i < run->job.n_nodes; i++) {
            if (strcmp (run->job.nodes[i].name, pool->nodes[n].name) != 0)
                continue;
            cpus += aw_idset_count (&run->job.nodes[i].cpus);
            gpus += run->job.nodes[i].n_gpus;
        }
    }
    if (pool->total.gpus != gpus)
        return aw_error_set (err, "job %s holds %u GPUs on these nodes, but Slurm gave %u to the pool step: ask for GPUs "
                                  "with --gpus-per-node", run->job.id, gpus, pool->total.gpus);
    if (pool->total.cpus != cpus)
        return aw_error_set (err, "job %s holds %u CPUs on these nodes, but Slurm gave %u to the pool step", run->job.id,
                             cpus, pool->total.cpus);
    return 0;
}

static void on_line (void *arg, const char *text)
{
    struct run *run = arg;

    if (run->over)
        fprintf (stderr, "%s\n", text);
    else
        aw_coordinator_message (run->coordinator, text);
}

static void on_step_ended (void *arg, int status)
{
    struct run *run = arg;
    struct aw_error why;

    run->step_ended = true;
    if (run->over) {
        event_base_loopbreak (run->base);
        return;
    }
    if (WIFSIGNALED (status))
        aw_error_set (&why, "the pool's srun was killed by %s", strsignal (WTERMSIG (status)));
    else
        aw_error_set (&why, "the pool's srun ended with status %d before the workflow did", WEXITSTATUS (status));
    aw_coordinator_fail (run->coordinator, &why);
}

/* The listening socket first, then the step whose agents connect to it. 0, or -1 with text. */
static int start_pool (struct run *run, const struct aw_srun_options *srun, struct aw_error *err)
{
    struct aw_pool_step_callbacks callbacks = { on_line, on_step_ended, run };
    struct aw_pool_step_config step = { .job = &run->job, .options = srun->step.v };

    run->exec = aw_exec_agents_create (run->base, aw_coordinator_callbacks (run->coordinator), run->job.id,
                                       run->job.n_nodes, run->job.port_first, run->job.port_last, JOIN_DEADLINE, err);
    if (!run->exec)
        return -1;
    step.port = aw_exec_agents_port (run->exec);
    run->step = aw_pool_step_create (run->base, &step, &callbacks, err);
    return run->step ? 0 : -1;
}

static void tell_unused (const struct aw_srun_options *srun)
{
    for (size_t i = 0; !srun->quiet && i < srun->unused.n; i++)
        fprintf (stderr, "%s%s", i == 0 ? "async-workflow: inside an allocation the pool is what the job holds; not used: "
                                        : ", ", srun->unused.v[i]);
    if (!srun->quiet && srun->unused.n > 0)
        fprintf (stderr, "\n");
}

int aw_run_in_job (const struct aw_run_args *args,
                   const struct aw_workflow *workflow,
                   const struct aw_srun_options *srun,
                   const char *job)
{
    struct run run = { .args = args, .workflow = workflow };
    struct aw_coordinator_config config = { .check_pool = check_pool, .arg = &run };
    struct aw_error err;
    int code;

    tell_unused (srun);
    run.base = event_base_new ();
    if (!run.base)
        aw_error_set (&err, "cannot make an event loop");
    else if (aw_slurm_job_query (&run.job, job, &err) == 0) {
        config.job = run.job.id;
        config.n_nodes = run.job.n_nodes;
        if (prepare (&run, &config, &err) == 0)
            start_pool (&run, srun, &err);
    }
    code = run.step ? run_to_the_end (&run) : fail (&err, AW_EXIT_POOL);
    finish (&run);
    return code;
}
