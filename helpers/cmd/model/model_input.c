/* SPDX-License-Identifier: Apache-2.0 */
/* What the model is asked about: the allocation, and durations where the file does not have them.
 */
#include <math.h>
#include <stdlib.h>

#include "cmd/model/model.h"
#include "cmd/report/report.h"
#include "coord/slurm/slurm_job.h"
#include "io/workflow/shapes.h"

static int add (struct aw_allocation *allocation,
                struct aw_node_shape shape,
                const char *source,
                struct aw_problems *problems)
{
    struct aw_error err;

    if (aw_allocation_add (allocation, shape, &err) == 0)
        return 0;
    aw_problems_add (problems, false, "%s: %s", source, err.text);
    return -1;
}

static int from_file (struct aw_allocation *allocation,
                      const char *path,
                      struct aw_problems *problems)
{
    size_t n = 0;
    struct aw_shape_entry *entries = aw_shapes_load (path, &n, problems);
    int rc = entries ? 0 : -1;

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add (allocation,
                  (struct aw_node_shape){ entries[i].nodes, entries[i].node.cpus,
                                          entries[i].node.gpus, entries[i].node.mem },
                  path, problems);
    free (entries);
    return rc;
}

static int from_job (struct aw_allocation *allocation, const char *id, struct aw_problems *problems)
{
    struct aw_slurm_job job;
    struct aw_error err;
    int rc = 0;

    if (aw_slurm_job_query (&job, id, &err) < 0) {
        aw_problems_add (problems, false, "job %s: %s", id, err.text);
        return -1;
    }
    for (uint32_t i = 0; rc == 0 && i < job.n_nodes; i++) {
        const struct aw_slurm_node *node = &job.nodes[i];

        rc =
            add (allocation,
                 (struct aw_node_shape){ 1, aw_idset_count (&node->cpus), node->n_gpus, node->mem },
                 node->name, problems);
    }
    aw_slurm_job_finish (&job);
    return rc;
}

int aw_model_allocation (const struct aw_model_args *args,
                         struct aw_allocation *allocation,
                         struct aw_problems *problems)
{
    const char *id = aw_slurm_job_id ();

    *allocation = (struct aw_allocation){ 0 };
    if (args->shape)
        return from_file (allocation, args->shape, problems);
    if (args->node.cpus)
        return add (allocation, args->node, "--nodes, --cpus", problems);
    if (id)
        return from_job (allocation, id, problems);
    aw_problems_add (problems, false,
                     "the allocation is unknown: give --nodes, --cpus and --gpus, or --shape, or "
                     "call it in a Slurm job");
    return -1;
}

/* The finished tasks of one run, by the names of their sets; FIRST: calls for which a worker was
 * started. */
static int add_samples (const struct aw_graph *graph,
                        const char *dir,
                        struct aw_samples *samples,
                        struct aw_samples *first,
                        struct aw_problems *problems)
{
    struct aw_report report;
    bool any = false;
    int rc = 0;

    if (aw_report_load (&report, dir, problems) < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < report.history.n_attempts; i++) {
        const struct aw_attempt *attempt = &report.history.attempts[i];
        const struct aw_graph *theirs = report.workflow->graph;
        uint32_t set =
            aw_graph_find (graph, theirs->sets[aw_graph_task (theirs, attempt->task).set].name);

        if (set == AW_NONE || !aw_attempt_succeeded (attempt))
            continue;
        rc = aw_samples_add (attempt->first_call ? first : samples, set, attempt->seconds);
        any = true;
    }
    aw_report_finish (&report);
    if (rc < 0)
        aw_problems_add (problems, false, "%s: out of memory", dir);
    else if (!any)
        aw_problems_add (
            problems, true,
            "%s: no completed task of a set with a name of this workflow: no duration is "
            "taken from it",
            dir);
    return rc;
}

/* MEAN and FIRST are of calls without and with the start of a worker, or NAN. */
static void learn (struct aw_set *set, double mean, double first)
{
    if (!isnan (mean))
        set->duration = mean;
    else if (isnan (set->duration) && !isnan (first))
        set->duration = fmax (0, first - set->startup);
    if (!isnan (first))
        set->startup = fmax (0, first - set->duration);
}

int aw_model_durations (struct aw_graph *graph,
                        const struct aw_strings *dirs,
                        struct aw_samples *samples,
                        struct aw_problems *problems)
{
    struct aw_samples first = { 0 };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < dirs->n; i++)
        rc = add_samples (graph, dirs->v[i], samples, &first, problems);
    for (uint32_t s = 0; rc == 0 && s < graph->n_sets; s++)
        learn (&graph->sets[s], aw_samples_mean (samples, s), aw_samples_mean (&first, s));
    aw_samples_finish (&first);
    return rc;
}

void aw_model_put_names (const struct aw_strings *dirs, struct aw_textbuf *out)
{
    for (size_t i = 0; i < dirs->n; i++)
        aw_textbuf_printf (out, "%s%s", i ? ", " : "", dirs->v[i]);
}

int aw_model_missing (const struct aw_graph *graph, const char *file, struct aw_problems *problems)
{
    int rc = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        if (!isnan (graph->sets[s].duration))
            continue;
        aw_problems_add (
            problems, false,
            "%s: tasks.%s: unknown duration: add \"duration\", or give an earlier run's directory "
            "with --durations",
            file, graph->sets[s].name);
        rc = -1;
    }
    return rc;
}
