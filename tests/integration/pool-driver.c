/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the pool step alone: stands where the coordinator would. Inside an allocation,
 *     pool-driver AGENT [SRUN OPTION]...
 * prints what the job holds ("job n1 CPUS MEM GPUS"), starts the pool step with AGENT and prints
 * its lines ("line TEXT") and its end ("ended STATUS"). Ctrl-C ends it by destroying the step.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "coord/slurm/pool_nodes.h"
#include "coord/slurm/pool_step.h"
#include "coord/slurm/slurm_job.h"
#include "coord/slurm/srun_options.h"

static struct event_base *base;
static int has_ended;

static void on_line (void *arg, const char *text)
{
    (void)arg;
    printf ("line %s\n", text);
    fflush (stdout);
}

static void on_ended (void *arg, int status)
{
    (void)arg;
    has_ended = 1;
    printf ("ended %d\n", status);
    event_base_loopbreak (base);
}

static void on_interrupt (evutil_socket_t sig, short what, void *arg)
{
    (void)sig;
    (void)what;
    (void)arg;
    event_base_loopbreak (base);
}

static int fail (const struct aw_error *err)
{
    fprintf (stderr, "pool-driver: %s\n", err->text);
    return 4;
}

static void print_job (const struct aw_slurm_job *job)
{
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        const struct aw_slurm_node *node = &job->nodes[i];

        printf ("job %s %" PRIu32 " %" PRIu64 " %" PRIu32 "\n", node->name,
                aw_idset_count (&node->cpus), node->mem >> 20, node->n_gpus);
    }
    fflush (stdout);
}

int main (int argc, char **argv)
{
    struct aw_line_process_callbacks callbacks = { on_line, on_ended, NULL };
    struct aw_srun_options options = { 0 };
    struct aw_slurm_job job = { 0 };
    struct aw_pool_step_config config = { .job = &job, .port = 1 };
    struct aw_line_process *step = NULL;
    struct event *interrupt;
    struct aw_error err;

    if (argc < 2)
        return 2;
    base = event_base_new ();
    interrupt = evsignal_new (base, SIGINT, on_interrupt, NULL);
    event_add (interrupt, NULL);
    if (aw_srun_options_sort (&options, argv + 2, true, &err) < 0
        || aw_slurm_job_query (&job, options.job ? options.job : aw_slurm_job_id (), &err) < 0
        || aw_pool_nodes_select (&job, &options, &err) < 0)
        return fail (&err);
    print_job (&job);
    config.agent = argv[1];
    config.options = options.step.v;
    step = aw_pool_step_create (base, &config, &callbacks, &err);
    if (!step)
        return fail (&err);
    event_base_dispatch (base);
    aw_line_process_destroy (step);
    aw_slurm_job_finish (&job);
    aw_srun_options_finish (&options);
    event_free (interrupt);
    event_base_free (base);
    return has_ended ? 0 : 3;
}
