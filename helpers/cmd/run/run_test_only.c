/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_test_only.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/run/run_directory.h"
#include "cmd/run/run_pool.h"
#include "cmd/run/run_predict.h"
#include "cmd/run/run_remainder.h"
#include "coord/slurm/pool_nodes.h"
#include "coord/slurm/slurm_job.h"
#include "util/capture.h"
#include "util/clock.h"
#include "coord/slurm/slurm_program.h"
#include "util/stdout.h"
#include "util/units.h"

static const double predict_budget = 30; /* seconds: nothing else waits for it */

/* The value of the last "--NAME=value" among the allocation's options; "" for one without; NULL:
 * not given. */
static const char *option (const struct aw_srun_options *srun, const char *name)
{
    size_t len = strlen (name);
    const char *value = NULL;

    for (size_t i = 0; i < srun->allocation.n; i++) {
        const char *word = srun->allocation.v[i];

        if (strncmp (word, "--", 2) != 0 || strncmp (word + 2, name, len) != 0)
            continue;
        if (word[2 + len] == '=')
            value = word + 2 + len + 1;
        else if (!word[2 + len])
            value = "";
    }
    return value;
}

/* The number at the end of "4", "a100:4" or "gpu:a100:4(S:0)"; DEFAULT where there is none. */
static uint32_t number (const char *text, uint32_t none)
{
    const char *colon = text ? strrchr (text, ':') : NULL;
    const char *digits = colon && (colon[1] >= '0' && colon[1] <= '9') ? colon + 1 : text;
    unsigned long n = digits ? strtoul (digits, NULL, 10) : 0;

    return n > 0 && n < UINT32_MAX ? (uint32_t)n : none;
}

/* What a whole node of the partition has, by sinfo. Zeros if it is unknown. */
static struct aw_node_shape whole_node (const struct aw_srun_options *srun)
{
    const char *partition = option (srun, "partition");
    char choose[128],
        *argv[] = { aw_slurm_program ("sinfo"), "--noheader", "--format=%c %G", choose, NULL };
    struct aw_node_shape shape = { 0 };
    struct aw_capture sinfo = { 0 };

    snprintf (choose, sizeof (choose), partition ? "--partition=%s" : "--all", partition);
    if (aw_capture_start (&sinfo, argv, NULL, 1 << 20, NULL) == 0
        && aw_capture_wait (&sinfo, 1, 10, NULL) == 0) {
        char *gpu = strstr (sinfo.out, "gpu:");

        shape.cpus = (uint32_t)strtoul (sinfo.out, NULL, 10);
        if (gpu) {
            gpu[strcspn (gpu, "(,\n")] = '\0';
            shape.gpus = number (gpu, 0);
        }
    }
    aw_capture_finish (&sinfo);
    return shape;
}

static uint32_t share (uint64_t total, uint32_t nodes)
{
    return (uint32_t)((total + nodes - 1) / nodes);
}

static const char *gres_gpus (const struct aw_srun_options *srun)
{
    const char *gres = option (srun, "gres");

    return gres ? strstr (gres, "gpu") : NULL;
}

/* The time of a new job in seconds, of "90" (minutes), "90:30", "2:00:00", "1-12", "1-12:30:00";
 * INFINITY: no limit is given.
 */
static double seconds_of_options (const struct aw_srun_options *srun)
{
    const char *text = option (srun, "time"), *dash = text ? strchr (text, '-') : NULL;
    double days = 0, part[3] = { 0 };
    int n;

    if (!text || (dash && sscanf (text, "%lf-", &days) != 1))
        return INFINITY;
    n = sscanf (dash ? dash + 1 : text, "%lf:%lf:%lf", &part[0], &part[1], &part[2]);
    if (n < 1)
        return INFINITY;
    if (dash || n == 3)
        return 86400 * days + 3600 * part[0] + 60 * part[1] + part[2];
    return 60 * part[0] + part[1];
}

/* What Slurm would give for these options, as far as they say. */
static struct aw_node_shape shape_of_options (const struct aw_srun_options *srun)
{
    struct aw_node_shape shape = { .nodes = number (option (srun, "nodes"), 1) };
    uint32_t per_node = number (option (srun, "ntasks-per-node"), 0);
    uint32_t tasks =
        number (option (srun, "ntasks"), per_node ? per_node * shape.nodes : shape.nodes);

    if (option (srun, "exclusive")) {
        struct aw_node_shape whole = whole_node (srun);
        shape.cpus = whole.cpus;
    }
    else
        shape.cpus =
            share ((uint64_t)tasks * number (option (srun, "cpus-per-task"), 1), shape.nodes);
    if (option (srun, "gpus-per-node"))
        shape.gpus = number (option (srun, "gpus-per-node"), 0);
    else if (gres_gpus (srun))
        shape.gpus = number (gres_gpus (srun), 1);
    else if (option (srun, "gpus"))
        shape.gpus = share (number (option (srun, "gpus"), 0), shape.nodes);
    else if (option (srun, "gpus-per-task"))
        shape.gpus =
            share ((uint64_t)tasks * number (option (srun, "gpus-per-task"), 0), shape.nodes);
    return shape;
}

static int allocation_of_job (const struct aw_run_args *args,
                              struct aw_allocation *allocation,
                              const struct aw_srun_options *srun,
                              const char *id,
                              double *seconds,
                              struct aw_error *err)
{
    struct aw_slurm_job job = { 0 };
    int rc = aw_slurm_job_query (&job, id, err);

    if (rc == 0)
        rc = aw_slurm_job_check (&job, err);
    if (rc == 0)
        rc = aw_pool_nodes_select (&job, srun, err);
    if (rc == 0)
        rc = aw_run_allocation (&job, allocation, err);
    if (job.end_time > 0)
        *seconds = fmin (*seconds, aw_run_end (args, job.end_time) - aw_clock_wall ());
    aw_slurm_job_finish (&job);
    return rc;
}

/* Prints on stderr the sets whose tasks cannot fit into the allocation. Are there any? */
static bool print_too_large (const char *file,
                             const struct aw_graph *graph,
                             const struct aw_allocation *allocation)
{
    bool any = false;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        struct aw_demand demand = aw_set_demand (&graph->sets[s]);
        uint32_t nodes = aw_demand_nodes (&demand);
        double gpus = aw_demand_gpu_amount (&demand);

        if (aw_allocation_capacity (allocation, &graph->sets[s]) > 0)
            continue;
        any = true;
        fprintf (stderr, "async-workflow: %s: tasks.%s: a task needs ", file, graph->sets[s].name);
        if (nodes > 1)
            fprintf (stderr,
                     "%u nodes with %u CPU%s and %g GPU%s each: this allocation has fewer: request "
                     "more nodes, or fewer for the task\n",
                     nodes, demand.cpus, aw_plural (demand.cpus), gpus, gpus == 1 ? "" : "s");
        else
            fprintf (
                stderr,
                "%u CPU%s and %g GPU%s on one node: no node of this allocation has them: request "
                "more (--exclusive, --cpus-per-task, --gpus-per-node) or less for the task\n",
                demand.cpus, aw_plural (demand.cpus), gpus, gpus == 1 ? "" : "s");
    }
    return any;
}

/* The nodes, and the SECONDS that the run may take on them. */
static int find_allocation (const struct aw_run_args *args,
                            struct aw_allocation *allocation,
                            const struct aw_srun_options *srun,
                            const char *job,
                            double *seconds,
                            struct aw_error *err)
{
    if (args->value.local)
        return aw_run_local_allocation (args, allocation, err);
    if (job)
        return allocation_of_job (args, allocation, srun, job, seconds, err);
    *seconds = fmin (*seconds, aw_run_end (args, seconds_of_options (srun)));
    return aw_allocation_add (allocation, shape_of_options (srun), err);
}

/* AW_EXIT_OK if the workflow can run there; says what it takes. */
static int tell (const struct aw_run_args *args,
                 const struct aw_workflow *workflow,
                 const struct aw_allocation *allocation,
                 const struct aw_run_terms *terms)
{
    const struct aw_graph *graph = workflow->graph;
    int code = AW_EXIT_INPUT;

    printf ("%s: ok: %u task set%s, ", args->value.file, graph->n_sets, aw_plural (graph->n_sets));
    if (graph->iterated)
        printf ("%u iteration%s, ", graph->iterations, aw_plural (graph->iterations));
    printf ("%u task%s\n", graph->n_tasks, aw_plural (graph->n_tasks));
    aw_stdout_flush ();
    if (!print_too_large (args->value.file, graph, allocation))
        code = AW_EXIT_OK;
    aw_run_warn_too_long (graph, args->value.file, terms->seconds);
    aw_run_hint_cpus (workflow, args->value.file, allocation);
    if (code == AW_EXIT_OK)
        free (aw_run_predict (args, workflow, allocation, terms, STDOUT_FILENO).order);
    return code;
}

int aw_run_test_only (const struct aw_run_args *args,
                      const struct aw_workflow *workflow,
                      const struct aw_run_resume *resume,
                      const struct aw_srun_options *srun,
                      const char *job,
                      const struct aw_samples *samples)
{
    struct aw_allocation allocation = { 0 };
    struct aw_run_terms terms = { .budget = predict_budget,
                                  .seconds = args->value.time_limit - aw_run_grace (args),
                                  .samples = samples };
    struct aw_error err;
    int code = AW_EXIT_INPUT;

    if (aw_run_directory_check (workflow, srun->directory, resume ? resume->start_dir : NULL,
                                args->value.local, &err)
            < 0
        || find_allocation (args, &allocation, srun, job, &terms.seconds, &err) < 0)
        aw_error_print (&err);
    else if (resume && resume->begun) {
        aw_run_remainder (resume, &args->sched, &allocation, &terms, STDOUT_FILENO);
        code = AW_EXIT_OK;
    }
    else
        code = tell (args, workflow, &allocation, &terms);
    aw_allocation_finish (&allocation);
    return code;
}
