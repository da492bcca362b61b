/* SPDX-License-Identifier: Apache-2.0 */
/* slurm_script [OPTION]... SCRIPT [ARGUMENT]...: what a task that sbatch has submitted begins as.
 * It opens the job's files and sets the variables that depend on id and node, and becomes the
 * script:
 *
 *   -o, -e, -i FILE   output, error, input: patterns
 *   -m append         output is appended to files
 *   -A ID             it is in an array; ID of the first element, 0: it is that itself
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/slurm/pattern.h"
#include "cmd/slurm/slurm.h"
#include "util/packet.h"

struct arguments {
    const char *output, *error, *input;
    bool append;
    const char *array; /* NULL: it is in none */
};

static bool read_options (struct arguments *a, int argc, char **argv)
{
    int got;

    while ((got = getopt (argc, argv, "+o:e:i:m:A:")) != -1)
        if (got == 'o')
            a->output = optarg;
        else if (got == 'e')
            a->error = optarg;
        else if (got == 'i')
            a->input = optarg;
        else if (got == 'm')
            a->append = *optarg == 'a';
        else if (got == 'A')
            a->array = optarg;
        else
            return false;
    return optind < argc;
}

/* Variables of the job; those that the agent sets in a job of Slurm are there already. */
static void set_variables (const struct arguments *a, const char *id)
{
    static const char *const zeros[] = { "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID",
                                         "SLURM_GTIDS" };
    static const char *const ones[] = { "SLURM_JOB_NUM_NODES", "SLURM_NNODES",
                                        "SLURM_TASKS_PER_NODE" };
    const char *attempt = getenv ("ASYNC_WORKFLOW_ATTEMPT"), *cpus = getenv ("SLURM_CPUS_ON_NODE");
    char host[256] = "localhost", pid[16];

    setenv ("SLURM_JOB_ID", id, 1);
    setenv ("SLURM_JOBID", id, 1);
    if (a->array)
        setenv ("SLURM_ARRAY_JOB_ID", strcmp (a->array, "0") == 0 ? id : a->array, 1);
    if (attempt && strcmp (attempt, "0") != 0)
        setenv ("SLURM_RESTART_COUNT", attempt, 1);
    for (size_t i = 0; i < sizeof (zeros) / sizeof (zeros[0]); i++)
        setenv (zeros[i], "0", 1);
    for (size_t i = 0; i < sizeof (ones) / sizeof (ones[0]); i++)
        setenv (ones[i], "1", 0);
    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    setenv ("SLURMD_NODENAME", host, 0);
    setenv ("SLURM_JOB_NODELIST", getenv ("SLURMD_NODENAME"), 0);
    setenv ("SLURM_NODELIST", getenv ("SLURM_JOB_NODELIST"), 0);
    if (cpus)
        setenv ("SLURM_JOB_CPUS_PER_NODE", cpus, 1);
    snprintf (pid, sizeof (pid), "%d", (int)getpid ());
    setenv ("SLURM_TASK_PID", pid, 1);
}

int aw_slurm_script (int argc, char **argv)
{
    struct arguments a = { 0 };
    const char *id = getenv (AW_PACKET_ID);

    if (!id || !read_options (&a, argc, argv)) {
        aw_slurm_error ("only sbatch starts it");
        return 1;
    }
    set_variables (&a, id);
    if (aw_pattern_redirect (a.input, a.output, a.error, a.append) < 0)
        return 1;
    execv (argv[optind], argv + optind);
    fprintf (stderr, "slurmstepd: error: execve(): %s: %s\n", argv[optind], strerror (errno));
    return errno == ENOENT ? 127 : 126;
}
