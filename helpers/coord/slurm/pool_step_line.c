/* SPDX-License-Identifier: Apache-2.0 */
/* The line of the pool's srun. Our options come after the user's, so that they override those on
 * the step's shape. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "coord/slurm/hosts.h"
#include "coord/slurm/libexec.h"
#include "coord/slurm/pool_step.h"
#include "coord/slurm/slurm_program.h"

/* The number of GPUs that each node has; 0: they have none, or not the same number. */
static uint32_t gpus_of_each (const struct aw_slurm_job *job)
{
    for (uint32_t i = 1; i < job->n_nodes; i++)
        if (job->nodes[i].n_gpus != job->nodes[0].n_gpus)
            return 0;
    return job->nodes[0].n_gpus;
}

/* Without a number a step may get fewer than the job holds. Forms by node fail where nodes differ;
 * but of a total a step that overlaps gets one too few on the first of several nodes.
 */
static void add_gpus (struct aw_strings *line, const struct aw_slurm_job *job, bool overlap)
{
    if (overlap && job->n_nodes > 1 && gpus_of_each (job) > 0)
        aw_strings_addf (line, "--gpus-per-node=%" PRIu32, gpus_of_each (job));
    else if (job->n_gpus > 0)
        aw_strings_addf (line, "--gpus=%" PRIu32, job->n_gpus);
    else if (job->has_gres)
        aw_strings_add (line, "--gres=none"); /* else it inherits the job's request */
}

static void add_shape (struct aw_strings *line, const struct aw_slurm_job *job)
{
    static const char *const fixed[] = {
        "--ntasks-per-node=1",
        "--mem=0", /* all of the job's on each node */
        "--cpu-bind=none", /* the agent binds its tasks itself */
        "--mem-bind=none",
        "--mpi=none", /* the agents are no ranks, nor is a task one because of them */
        "--input=none",
        "--kill-on-bad-exit=0", /* an agent that dies takes no other with it */
        "--wait=0",
        "--no-kill", /* nor does a node */
        "--disable-status",
    };

    aw_strings_addf (line, "--jobid=%s", job->id);
    if (job->is_part)
        aw_strings_addf (line, "--nodelist=%s", job->node_list);
    aw_strings_addf (line, "--nodes=%" PRIu32, job->n_nodes);
    aw_strings_addf (line, "--ntasks=%" PRIu32, job->n_nodes);
    for (size_t i = 0; i < sizeof (fixed) / sizeof (fixed[0]); i++)
        aw_strings_add (line, fixed[i]);
}

int aw_pool_step_line (struct aw_strings *line,
                       const struct aw_pool_step_config *config,
                       struct aw_error *err)
{
    char *agent = config->agent ? strdup (config->agent) : aw_libexec (AW_AGENT, err);
    char *hosts = config->hosts ? strdup (config->hosts) : aw_hosts_of_this (err);
    int rc = -1;

    if (agent && hosts) {
        aw_strings_add (line, aw_slurm_program ("srun"));
        aw_strings_add_all (line, config->options);
        add_shape (line, config->job);
        if (config->overlap)
            aw_strings_add (line, "--overlap");
        add_gpus (line, config->job, config->overlap);
        aw_strings_add (line, agent);
        aw_strings_add (line, "--coordinator");
        aw_strings_addf (line, "%s:%u", hosts, (unsigned)config->port);
        if (config->munge_socket)
            aw_strings_addf (line, "--munge-socket=%s", config->munge_socket);
        rc = line->failed ? aw_error_set (err, "%s", strerror (ENOMEM)) : 0;
    }
    else if ((config->agent && !agent) || (config->hosts && !hosts)) {
        aw_error_set (err, "%s", strerror (ENOMEM));
    }
    free (agent);
    free (hosts);
    return rc;
}
