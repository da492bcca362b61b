/* SPDX-License-Identifier: Apache-2.0 */
/* The pool inside a Slurm job: a listening socket, one srun with an agent a node, and a look at
 * whether the agents have all that the job holds.
 */
#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/run/run_directory.h"
#include "cmd/run/run_pool.h"
#include "cmd/run/run_predict.h"
#include "cmd/run/run_scratch.h"
#include "coord/agents/exec_agents.h"
#include "coord/steps/exec_steps.h"
#include "coord/slurm/node_allocation.h"
#include "coord/slurm/pool_nodes.h"
#include "coord/slurm/slurm_job.h"
#include "core/failure.h"
#include "io/wire/auth.h"
#include "io/journal/run_lock.h"
#include "util/units.h"

/* For a pool that lacks something: another step, this shell, may be the reason. "" if not. */
static const char *step_hint (const struct aw_pool_run *run)
{
    return aw_slurm_step_id (run->job.id)
               ? ": this shell is a step of the job: start from salloc or sbatch"
               : "";
}

/* What JOB has on the nodes of POOL. 0, or -1 with ENOMEM. */
static int count_held (const struct aw_slurm_job *job,
                       const struct aw_pool *pool,
                       uint32_t *cpus,
                       uint32_t *gpus)
{
    struct aw_names names = { 0 };
    int rc = aw_node_allocation_names (job, &names);

    *cpus = *gpus = 0;
    for (uint32_t n = 0; rc == 0 && n < pool->n_nodes; n++) {
        const char *name = pool->nodes[n].name;
        uint32_t i = aw_names_get (&names, name, strlen (name));

        if (i == AW_NAMES_NONE)
            continue;
        *cpus += aw_idset_count (&job->nodes[i].cpus);
        *gpus += job->nodes[i].n_gpus;
    }
    aw_names_finish (&names);
    return rc;
}

/* Compares the pool with what the job has. A step that got less would silently waste the rest.
 * 0, or -1 with text.
 */
static int check_pool (void *arg, const struct aw_pool *pool, struct aw_error *err)
{
    const struct aw_pool_run *run = arg;
    uint32_t cpus, gpus;

    if (count_held (&run->job, pool, &cpus, &gpus) < 0)
        return aw_error_set (err, "out of memory");
    if (pool->total.gpus != gpus)
        return aw_error_set (err, "job %s has %u GPU%s on these nodes, but the pool step got %u%s",
                             run->job.id, gpus, aw_plural (gpus), pool->total.gpus,
                             *step_hint (run) ? step_hint (run)
                                              : ": request GPUs with --gpus-per-node");
    if (pool->total.cpus != cpus)
        return aw_error_set (err, "job %s has %u CPU%s on these nodes, but the pool step got %u%s",
                             run->job.id, cpus, aw_plural (cpus), pool->total.cpus,
                             step_hint (run));
    return 0;
}

static void on_ask (void *arg)
{
    const struct aw_pool_run *run = arg;

    aw_job_watch_ask (run->watch);
}

static void on_answer (void *arg, const struct aw_job_answer *answer)
{
    const struct aw_pool_run *run = arg;
    struct aw_job_answer mine = *answer;

    mine.end_time = fmin (run->own_end, aw_run_end (run->args, answer->end_time));
    if (!run->ended)
        aw_coordinator_job_answer (run->coordinator, &mine);
}

static int watch_job (struct aw_pool_run *run, struct aw_error *err)
{
    run->watch = aw_job_watch_create (run->base, run->job.id, on_answer, run, err);
    return run->watch ? 0 : -1;
}

static void on_line (void *arg, const char *text)
{
    static const char error[] = "srun: error: ";
    struct aw_pool_run *run = arg;

    /* TaskPlugin=task/none: the agents bind tasks, not Slurm. */
    if (strcmp (text, "srun: cluster configuration lacks support for cpu binding") == 0)
        return;
    aw_error_set (&run->srun_line, "%s", text);
    if (!run->srun_error.text[0] && strncmp (text, error, strlen (error)) == 0)
        aw_error_set (&run->srun_error, "%s", text + strlen (error));
    if (run->ended)
        fprintf (stderr, "%s\n", text);
    else
        aw_coordinator_message (run->coordinator, text);
}

/* What the pool's srun ended of, and what to do, as far as that is known. */
static void explain_end (const struct aw_pool_run *run, int status, struct aw_error *why)
{
    const char *reason = run->srun_error.text;
    char name[32];

    if (run->job.is_mixed && run->job.n_gpus > 0 && strstr (reason, "generic resource"))
        aw_error_set (
            why,
            "job %s holds GPUs on some of its nodes only, and Slurm gives no step of it a "
            "GPU: request nodes that all have GPUs",
            run->job.id);
    else if (WIFSIGNALED (status))
        aw_error_set (why, "the pool's srun was killed by %s",
                      aw_signal_name (name, sizeof (name), WTERMSIG (status)));
    else
        aw_error_set (why, "the pool's srun ended with status %d before the workflow%s%s%s",
                      WEXITSTATUS (status), reason[0] ? ": " : "", reason, step_hint (run));
}

static void on_step_ended (void *arg, int status)
{
    struct aw_pool_run *run = arg;
    struct aw_error why;

    run->step_ended = true;
    if (run->ended) {
        event_base_loopbreak (run->base);
        return;
    }
    explain_end (run, status, &why);
    aw_coordinator_fail (run->coordinator, &why);
}

/* Puts the launcher of tasks that are a step of their own before the pool's agents. */
static int start_steps (struct aw_pool_run *run, struct aw_error *err)
{
    struct aw_exec_steps_config config = {
        .pool = run->exec,
        .unbound = aw_exec_agents_unbound,
        .socket = aw_exec_agents_socket,
        .job = { run->job.id, run->job.has_gres, run->job.release },
        .max_steps = run->args->value.max_steps,
    };

    run->exec =
        aw_exec_steps_create (run->base, aw_coordinator_callbacks (run->coordinator), &config, err);
    return run->exec ? 0 : -1;
}

/* Has the user given --overlap? */
static bool overlaps (const struct aw_srun_options *srun)
{
    for (size_t i = 0; i < srun->step.n; i++)
        if (strcmp (srun->step.v[i], "--overlap") == 0)
            return true;
    return false;
}

/* The listening socket first, then the step whose agents connect to it. 0, or -1 with text. */
static int start_pool (struct aw_pool_run *run,
                       const struct aw_srun_options *srun,
                       struct aw_error *err)
{
    struct aw_line_process_callbacks callbacks = { on_line, on_step_ended, run };
    const struct aw_exec_agents_config agents = {
        .job = run->job.id,
        .n_nodes = run->job.n_nodes,
        .min_nodes = run->args->value.min_nodes,
        .deadline = run->args->value.connect_timeout,
        .port_first = run->job.port_first,
        .port_last = run->job.port_last,
    };
    struct aw_pool_step_config step = { .job = &run->job, .options = srun->step.v };

    if (run->job.munge_socket)
        setenv (AW_AUTH_SOCKET, run->job.munge_socket, 0);
    run->exec = aw_exec_agents_create (run->base, aw_coordinator_callbacks (run->coordinator),
                                       &agents, err);
    if (!run->exec || aw_exec_agents_set_timeout (run->exec, run->args->value.node_timeout, err) < 0
        || aw_run_scratch_ports (run->workflow, run->job.n_nodes, run->job.port_first,
                                 run->job.port_last, err)
               < 0)
        return -1;
    aw_exec_agents_set_job (run->exec, &run->job);
    aw_exec_agents_set_line (run->exec, &run->srun_line);
    step.overlap = overlaps (srun) || aw_slurm_step_id (run->job.id);
    step.munge_socket = getenv (AW_AUTH_SOCKET);
    step.port = aw_exec_agents_port (run->exec);
    run->step = aw_pool_step_create (run->base, &step, &callbacks, err);
    return run->step ? start_steps (run, err) : -1;
}

static void print_unused (const struct aw_srun_options *srun)
{
    for (size_t i = 0; !srun->quiet && i < srun->unused.n; i++)
        fprintf (stderr, "%s%s",
                 i == 0 ? "async-workflow: options without effect inside an allocation: " : ", ",
                 srun->unused.v[i]);
    if (!srun->quiet && srun->unused.n > 0)
        fprintf (stderr, "\n");
}

/* The working directory of tasks, by --chdir. It need not exist on this machine, unless that is a
 * node of the pool. 0, or -1 with text. */
static int set_directory (struct aw_pool_run *run, const char *directory, struct aw_error *err)
{
    const char *earlier = run->resume ? run->resume->start_dir : NULL;
    char *here = directory && directory[0] != '/' ? getcwd (NULL, 0) : NULL;

    run->input_is_wrong = aw_run_directory_check (run->workflow, directory, earlier,
                                                  aw_run_directory_is_here (&run->job), err)
                          < 0;
    if (run->input_is_wrong) {
        free (here);
        return -1;
    }
    if (!directory)
        return 0;
    if (directory[0] == '/')
        run->start_dir = strdup (directory);
    else if (here && asprintf (&run->start_dir, "%s/%s", here, directory) < 0)
        run->start_dir = NULL;
    free (here);
    return run->start_dir ? 0 : aw_error_set (err, "--chdir=%s: %s", directory, strerror (errno));
}

/* "Never" is decided by what the job holds, where the pool may begin with less. 0, or -1 with text.
 */
static int check_sets (struct aw_pool_run *run,
                       const struct aw_allocation *allocation,
                       struct aw_error *err)
{
    struct aw_sched *sched = aw_sched_create (run->workflow->graph, &run->args->sched, err);
    int rc = sched ? aw_allocation_join (allocation, sched, err) : -1;

    if (rc == 0) {
        rc = aw_sched_check (sched, err);
        run->input_is_wrong = rc < 0;
    }
    aw_sched_destroy (sched);
    return rc;
}

/* Predicts the run and chooses the order while srun starts the agents. */
static int plan (struct aw_pool_run *run, struct aw_error *err)
{
    struct aw_allocation allocation = { 0 };
    int rc = aw_run_allocation (&run->job, &allocation, err);

    if (rc == 0 && run->args->value.min_nodes > 0)
        rc = check_sets (run, &allocation, err);
    if (rc == 0)
        rc = aw_pool_run_plan (run, &allocation, err);
    aw_allocation_finish (&allocation);
    return rc;
}

/* A task that starts a second run in its own JOB would wait for its own end, as the first pool
 * holds what the second one requests. 0, or -1 with text.
 */
static int check_nesting (const struct aw_srun_options *srun, const char *job, struct aw_error *err)
{
    const char *task = getenv ("ASYNC_WORKFLOW_TASK"), *dir = getenv ("ASYNC_WORKFLOW_RUN");

    if (!task || !dir || !aw_run_lock_of_job (dir, job))
        return 0;
    if (overlaps (srun))
        return 0;
    return aw_error_set (
        err,
        "run: a task of job %s cannot start a second pool in it: use async-workflow add "
        "FILE, run --local, or srun's --overlap",
        job);
}

/* "srun -n4 async-workflow run" in a JOB would run the workflow four times at once; the first
 * process alone does. 0, or -1 with text.
 */
static int check_process (const char *job, struct aw_error *err)
{
    const char *process = getenv ("SLURM_PROCID");

    if (!aw_slurm_step_id (job) || !process || strcmp (process, "0") == 0)
        return 0;
    return aw_error_set (err,
                         "run: this is process %s of a job step, and each would run the workflow: "
                         "start it once, with srun --ntasks=1, or without srun",
                         process);
}

static bool needs_gpus (const struct aw_graph *graph)
{
    for (uint32_t i = 0; i < graph->n_sets; i++)
        if (graph->sets[i].gpus > 0 || graph->sets[i].gpu_share > 0)
            return true;
    return false;
}

/* GPUs that no task needs and no step can get. */
static void leave_out_gpus (struct aw_pool_run *run, const struct aw_srun_options *srun)
{
    const struct aw_slurm_job *job = &run->job;
    bool mixed = job->is_mixed && !needs_gpus (run->workflow->graph);

    if (!srun->quiet && mixed)
        fprintf (stderr,
                 "async-workflow: job %s has nodes with and without GPUs: the pool has no GPUs, "
                 "since no task needs one\n",
                 job->id);
    if (!srun->quiet && job->has_gres && job->n_gpus == 0 && !job->is_mixed)
        fprintf (stderr, "async-workflow: job %s was requested with GPUs, but Slurm gave it none\n",
                 job->id);
    if (mixed)
        aw_slurm_job_drop_gpus (&run->job);
}

/* What Slurm says of job JOB, as far as the run uses it. 0, or -1 with text. */
static int query_job (struct aw_pool_run *run,
                      const struct aw_srun_options *srun,
                      const char *job,
                      struct aw_error *err)
{
    if (aw_slurm_job_query (&run->job, job, err) < 0)
        return -1;
    run->input_is_wrong = aw_slurm_job_check (&run->job, err) < 0;
    if (run->input_is_wrong || aw_pool_nodes_select (&run->job, srun, err) < 0)
        return -1;
    leave_out_gpus (run, srun);
    return 0;
}

int aw_run_in_job (const struct aw_run_args *args,
                   struct aw_workflow *workflow,
                   struct aw_run_resume *resume,
                   const struct aw_run_durations *durations,
                   const struct aw_srun_options *srun,
                   const struct aw_run_origin *origin,
                   const char *job)
{
    struct aw_pool_run run = { .args = args,
                               .origin = origin,
                               .workflow = workflow,
                               .resume = resume,
                               .durations = durations };
    struct aw_coordinator_config config = { .check_pool = check_pool, .arg = &run };
    struct aw_error err;
    bool ready = false;
    int code;

    if (check_nesting (srun, job, &err) < 0 || check_process (job, &err) < 0) {
        aw_error_print (&err);
        return AW_EXIT_INPUT;
    }
    print_unused (srun);
    if (query_job (&run, srun, job, &err) == 0) {
        config.job = run.job.id;
        config.n_nodes = run.job.n_nodes;
        config.min_nodes = args->value.min_nodes;
        config.end_time = aw_run_end (args, run.job.end_time);
        config.ask_job = on_ask;
        if (set_directory (&run, srun->directory, &err) == 0
            && aw_pool_run_prepare (&run, &config, &err) == 0 && watch_job (&run, &err) == 0
            && start_pool (&run, srun, &err) == 0 && plan (&run, &err) == 0)
            ready = true;
    }
    code = ready ? aw_pool_run_end (&run) : aw_pool_run_fail (&run, &err);
    aw_pool_run_finish (&run);
    return code;
}
