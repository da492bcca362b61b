/* SPDX-License-Identifier: Apache-2.0 */
/* sweep-known FILE NODES CPUS GPUS POLICY: how long a workflow takes when the length of each task
 * is known to us, but not to the scheduler, which plans with the durations in FILE as it does in a
 * live run. Reads lines "TASK SECONDS" from standard input; prints t_seq and t_async.
 *
 * What is left between this and a measured time is none of the tasks' lengths.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/workflow/workflow.h"
#include "model/simulate.h"

struct lengths {
    double *seconds; /* by task id; NAN: not told */
    uint32_t n;
};

static double seconds (void *arg, const struct aw_event *start)
{
    const struct lengths *lengths = arg;

    return lengths->seconds[start->task];
}

static int read_lengths (FILE *f,
                         const struct aw_graph *graph,
                         struct lengths *lengths,
                         struct aw_error *err)
{
    char name[256];
    double value;
    uint32_t told = 0;

    lengths->n = graph->n_tasks;
    lengths->seconds = calloc (lengths->n, sizeof (*lengths->seconds));
    if (!lengths->seconds)
        return aw_error_set (err, "out of memory");
    for (uint32_t i = 0; i < lengths->n; i++)
        lengths->seconds[i] = NAN;
    while (fscanf (f, "%255s %lf", name, &value) == 2) {
        uint32_t task = aw_graph_task_parse (graph, name);

        if (task == AW_NONE || !isfinite (value) || value < 0)
            return aw_error_set (err, "\"%s\": no such task, or no length", name);
        told += isnan (lengths->seconds[task]);
        lengths->seconds[task] = value;
    }
    if (told != lengths->n)
        return aw_error_set (err, "lengths of %u tasks, but there are %u", told, lengths->n);
    return 0;
}

static int number (const char *text, uint32_t *value, struct aw_error *err)
{
    char *end;
    unsigned long n = strtoul (text, &end, 10);

    if (end == text || *end || n > 1000000)
        return aw_error_set (err, "not a number: \"%s\"", text);
    *value = (uint32_t)n;
    return 0;
}

/* One run on the nodes of SHAPE (how many, CPUs, GPUs). 0 and its END, or -1 with text. */
static int simulate (const struct aw_graph *graph,
                     const struct aw_sched_config *config,
                     const uint32_t shape[3],
                     struct lengths *lengths,
                     double *end,
                     struct aw_error *err)
{
    struct aw_simulation simulation = { .seconds = seconds, .arg = lengths };
    struct aw_simulated result;
    struct aw_sched *sched = aw_sched_create (graph, config, err);
    int rc = -1;

    if (sched && aw_simulate_add_nodes (sched, shape[0], shape[1], shape[2], 0, err) == 0
        && aw_sched_check (sched, err) == 0
        && aw_simulate (sched, &simulation, &result, err) == 0) {
        *end = result.end;
        rc = 0;
    }
    aw_sched_destroy (sched);
    return rc;
}

static int known (const struct aw_graph *graph, char **argv, struct aw_error *err)
{
    struct aw_sched_config sequential = { .policy = AW_POLICY_LONGEST_PATH,
                                          .mode = AW_MODE_SEQUENTIAL };
    struct aw_sched_config async = { .mode = AW_MODE_ASYNC };
    struct lengths lengths = { 0 };
    double t_seq, t_async;
    uint32_t shape[3];
    int policy = aw_policy_parse (argv[3]);
    int rc = policy < 0 ? aw_error_set (err, "no policy: \"%s\"", argv[3]) : 0;

    async.policy = (enum aw_policy)policy;
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = number (argv[i], &shape[i], err);
    if (rc == 0)
        rc = read_lengths (stdin, graph, &lengths, err);
    if (rc == 0)
        rc = simulate (graph, &sequential, shape, &lengths, &t_seq, err);
    if (rc == 0)
        rc = simulate (graph, &async, shape, &lengths, &t_async, err);
    if (rc == 0)
        printf ("%.6f %.6f\n", t_seq, t_async);
    free (lengths.seconds);
    return rc;
}

int main (int argc, char **argv)
{
    struct aw_workflow *workflow;
    struct aw_error err = { "" };
    struct aw_problems problems;
    int rc = -1;

    if (argc != 6) {
        fprintf (stderr, "Usage: sweep-known FILE NODES CPUS GPUS POLICY <LENGTHS\n");
        return 2;
    }
    aw_problems_init (&problems);
    workflow = aw_workflow_load (argv[1], &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    if (workflow) {
        rc = known (workflow->graph, argv + 2, &err);
        if (rc < 0)
            fprintf (stderr, "sweep-known: %s: %s\n", argv[1], err.text);
    }
    aw_workflow_destroy (workflow);
    return rc == 0 ? 0 : 2;
}
