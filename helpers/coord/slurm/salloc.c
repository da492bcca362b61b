/* SPDX-License-Identifier: Apache-2.0 */
/* salloc handles terminal and signals: it puts its command into the foreground; Ctrl-C before the
 * grant withdraws the request and ends salloc. It gets, in addition to the user's options:
 *   --kill-command=TERM  the coordinator gets SIGTERM when the job is cancelled or at its limit; by
 *                        default most builds of salloc send nothing
 *   SLURM_EXIT_ERROR     its own failures end with our status for that
 */
#include "coord/slurm/salloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coord/slurm/srun_env.h"
#include "coord/slurm/slurm_program.h"
#include "util/exit_status.h"

extern char **environ;

/* Variables that srun reads as options of an allocation, and salloc does not. The user's options
 * come after them and override them, as with srun.
 */
static const struct {
    const char *variable;
    const char *option;
} variables[] = {
    { "SLURM_NPROCS", "ntasks" }, /* SLURM_NTASKS prevails */
    { "SLURM_NTASKS", "ntasks" },
    { "SLURM_NNODES", "nodes" },
    { "SLURM_JOB_NUM_NODES", "nodes" },
    { "SLURM_CPUS_PER_TASK", "cpus-per-task" },
    { "SRUN_CPUS_PER_TASK", "cpus-per-task" },
    { "SLURM_NTASKS_PER_NODE", "ntasks-per-node" },
    { "SLURM_NTASKS_PER_CORE", "ntasks-per-core" },
    { "SLURM_NTASKS_PER_SOCKET", "ntasks-per-socket" },
    { "SLURM_NTASKS_PER_GPU", "ntasks-per-gpu" },
    { "SLURM_DEPENDENCY", "dependency" },
    { "SLURM_DISTRIBUTION", "distribution" },
};

static void add_variables (struct aw_strings *line)
{
    for (size_t i = 0; i < sizeof (variables) / sizeof (variables[0]); i++) {
        const char *value = getenv (variables[i].variable);

        if (value && *value)
            aw_strings_addf (line, "--%s=%s", variables[i].option, value);
    }
}

static const char *job_name (const struct aw_srun_options *options, const char *name)
{
    const char *from_environment = getenv ("SLURM_JOB_NAME");

    if (options->name)
        return options->name;
    return from_environment && *from_environment ? from_environment : name;
}

int aw_salloc_line (struct aw_strings *line,
                    const struct aw_srun_options *options,
                    const char *name,
                    char *const *command,
                    struct aw_error *err)
{
    const char *job = job_name (options, name);

    if (!command || !command[0]) {
        errno = EINVAL;
        return aw_error_set (err, "no command");
    }
    aw_strings_add (line, aw_slurm_program ("salloc"));
    if (job)
        aw_strings_addf (line, "--job-name=%s", job);
    aw_strings_add (line, "--kill-command=TERM");
    add_variables (line);
    aw_strings_add_all (line, options->allocation.v);
    aw_strings_add_all (line, command);
    aw_strings_add (line, "--");
    aw_strings_add_all (line, options->step.v);
    return line->failed ? aw_error_set (err, "%s", strerror (ENOMEM)) : 0;
}

int aw_salloc_exec (const struct aw_srun_options *options,
                    const char *name,
                    char *const *command,
                    struct aw_error *err)
{
    struct aw_strings line;
    struct aw_strings env;
    char status[12];
    int rc = -1;

    aw_strings_init (&line);
    aw_strings_init (&env);
    if (aw_salloc_line (&line, options, name, command, err) == 0
        && aw_salloc_env (&env, environ, err) == 0) {
        snprintf (status, sizeof (status), "%d", AW_EXIT_POOL);
        aw_strings_setenv (&env, "SLURM_EXIT_ERROR", status);
        if (env.failed)
            errno = ENOMEM;
        else
            execvpe (line.v[0], line.v, env.v);
        aw_error_set (err, "salloc cannot be started: %s", strerror (errno));
    }
    aw_strings_finish (&line);
    aw_strings_finish (&env);
    return rc;
}
