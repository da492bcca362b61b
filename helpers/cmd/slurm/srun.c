/* SPDX-License-Identifier: Apache-2.0 */
/* srun of one process becomes its command in place, with the CPUs and GPUs of the task: a real one
 * would land on CPUs that the scheduler does not know.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/slurm/batch_export.h"
#include "cmd/slurm/batch_options.h"
#include "cmd/slurm/pattern.h"
#include "cmd/slurm/slurm.h"

/* Variables of a step. */
static void set_variables (struct aw_strings *environment)
{
    static const char *const names[][2] = {
        { "SLURM_PROCID", "0" }, { "SLURM_LOCALID", "0" },        { "SLURM_NODEID", "0" },
        { "SLURM_NTASKS", "1" }, { "SLURM_NPROCS", "1" },         { "SLURM_STEP_ID", "0" },
        { "SLURM_STEPID", "0" }, { "SLURM_STEP_NUM_TASKS", "1" }, { "SLURM_STEP_NUM_NODES", "1" },
        { "SLURM_GTIDS", "0" },
    };

    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
        aw_strings_setenv (environment, names[i][0], names[i][1]);
}

/* Is it one process? 0, or -1, printed. */
static int check_one (const struct aw_slurm_options *o)
{
    struct aw_batch_request r;
    const char *ntasks = getenv ("SLURM_NTASKS");

    if (aw_batch_request (o, &r) < 0)
        return -1;
    if (!r.ntasks_given && ntasks)
        r.ntasks = (uint32_t)strtoul (ntasks, NULL, 10);
    return r.ntasks <= 1
               ? 0
               : aw_slurm_error ("%u processes: srun in a submitted task starts one: for several "
                                 "give a task set of the workflow file \"ranks\"",
                                 r.ntasks);
}

/* srun searches its own PATH. */
static void become (char **argv, struct aw_strings *environment)
{
    execvpe (argv[0], argv, environment->v);
    fprintf (stderr, "slurmstepd: error: execve(): %s: %s\n", argv[0], strerror (errno));
}

static const char *file_of (const char *name)
{
    return name && strcmp (name, "none") == 0  ? "/dev/null"
           : name && strcmp (name, "all") == 0 ? NULL
                                               : name;
}

int aw_slurm_srun (int argc, char **argv)
{
    struct aw_slurm_options o = aw_batch_options (AW_SRUN);
    struct aw_strings environment = { 0 };
    int first = aw_slurm_parse (&o, argc, argv, false);
    const char *const *values = o.values;

    if (values[AW_BATCH_HELP] || values[AW_BATCH_USAGE] || values[AW_BATCH_VERSION])
        return aw_slurm_real (argv);
    if (first == argc) {
        aw_slurm_error ("No command given to execute.");
        return 1;
    }
    if (aw_slurm_check (&o) < 0 || check_one (&o) < 0)
        return 1;
    if (values[AW_BATCH_CHDIR] && chdir (values[AW_BATCH_CHDIR]) < 0) {
        aw_slurm_error ("%s: %s", values[AW_BATCH_CHDIR], strerror (errno));
        return 1;
    }
    setenv ("SLURM_STEP_ID", "0", 1);
    if (aw_pattern_redirect (file_of (values[AW_BATCH_INPUT]), file_of (values[AW_BATCH_OUTPUT]),
                             file_of (values[AW_BATCH_ERROR]),
                             values[AW_BATCH_OPEN_MODE] && *values[AW_BATCH_OPEN_MODE] == 'a')
        < 0)
        return 1;
    aw_srun_export (values[AW_BATCH_EXPORT], &environment);
    set_variables (&environment);
    if (environment.failed)
        aw_slurm_error ("out of memory");
    else
        become (argv + first, &environment);
    aw_strings_finish (&environment);
    return errno == ENOENT ? 127 : 126;
}
