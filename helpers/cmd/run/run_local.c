/* SPDX-License-Identifier: Apache-2.0 */
/* --local: one agent on this machine, forked from this process. */
#include <sched.h>

#include "agent/local.h"
#include "cmd/run/run_directory.h"
#include "cmd/run/run_pool.h"
#include "coord/agents/exec_agents.h"

int aw_run_local_allocation (const struct aw_run_args *args,
                             struct aw_allocation *allocation,
                             struct aw_error *err)
{
    struct aw_node_shape shape = { 1, args->value.cpus, args->value.gpus, 0 };
    cpu_set_t mine;

    if (shape.cpus == 0)
        shape.cpus =
            sched_getaffinity (0, sizeof (mine), &mine) == 0 ? (uint32_t)CPU_COUNT (&mine) : 1;
    return aw_allocation_add (allocation, shape, err);
}

static int plan (struct aw_pool_run *run, struct aw_error *err)
{
    struct aw_allocation allocation = { 0 };
    int rc = aw_run_local_allocation (run->args, &allocation, err);

    if (rc == 0)
        rc = aw_pool_run_plan (run, &allocation, err);
    aw_allocation_finish (&allocation);
    return rc;
}

int aw_run_local_check (const struct aw_run_args *args,
                        const struct aw_workflow *workflow,
                        struct aw_error *err)
{
    const struct aw_graph *graph = workflow->graph;

    for (uint32_t i = 0; i < graph->n_sets; i++)
        if (graph->sets[i].nodes != 1 || graph->sets[i].ranks_per_node != 1)
            return aw_error_set (err,
                                 "%s: tasks.%s: several ranks or nodes need srun: run the workflow "
                                 "in an allocation, without --local",
                                 args->value.file ? args->value.file : args->value.resume,
                                 graph->sets[i].name);
    return 0;
}

/* That of a run that continues may be gone. 0, or -1 with text. */
static int check_directory (struct aw_pool_run *run, struct aw_error *err)
{
    const char *earlier = run->resume ? run->resume->start_dir : NULL;

    run->input_is_wrong = aw_run_directory_check (run->workflow, NULL, earlier, true, err) < 0;
    return run->input_is_wrong ? -1 : 0;
}

int aw_run_local (const struct aw_run_args *args,
                  struct aw_workflow *workflow,
                  struct aw_run_resume *resume,
                  const struct aw_run_durations *durations)
{
    struct aw_pool_run run = {
        .args = args, .workflow = workflow, .resume = resume, .durations = durations
    };
    struct aw_coordinator_config config = { .n_nodes = 1, .one_rank = true };
    struct aw_idset cpus = { 0 }, gpus = { 0 };
    struct aw_agent_local local = { &cpus, &gpus };
    struct aw_error err;
    bool ready;
    int code;

    if ((args->value.cpus && aw_idset_add (&cpus, 0, args->value.cpus - 1) < 0)
        || (args->value.gpus && aw_idset_add (&gpus, 0, args->value.gpus - 1) < 0))
        aw_error_set (&err, "out of memory");
    else if (check_directory (&run, &err) == 0 && aw_pool_run_prepare (&run, &config, &err) == 0
             && plan (&run, &err) == 0)
        run.exec =
            aw_exec_local_create (run.base, aw_coordinator_callbacks (run.coordinator),
                                  aw_agent_serve_local, &local, aw_run_lock_fd (run.lock), &err);
    ready = run.exec && aw_exec_agents_set_timeout (run.exec, args->value.node_timeout, &err) == 0;
    code = ready ? aw_pool_run_end (&run) : aw_pool_run_fail (&run, &err);
    aw_idset_finish (&cpus);
    aw_idset_finish (&gpus);
    aw_pool_run_finish (&run);
    return code;
}
