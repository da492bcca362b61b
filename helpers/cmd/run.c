/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow run: check the file, get a pool (this machine's, this allocation's, or a new
 * allocation's through salloc), run the workflow in it, tell how it went.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/run_args.h"
#include "cmd/run_pool.h"
#include "cmd/run_test_only.h"
#include "coord/salloc.h"
#include "coord/slurm_job.h"
#include "coord/srun_options.h"
#include "io/workflow.h"

static int fail (const struct aw_error *err, int code)
{
    aw_error_print (err);
    return code;
}

/* NULL: it was wrong, and all that is wrong has been told. */
static struct aw_workflow *load (const char *file)
{
    struct aw_problems problems;
    struct aw_workflow *workflow;

    aw_problems_init (&problems);
    workflow = aw_workflow_load (file, &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    return workflow;
}

/* Runs this command anew under salloc. Returns only on failure. */
static int become_salloc (const struct aw_run_args *args,
                          const struct aw_workflow *workflow,
                          const struct aw_srun_options *srun,
                          struct aw_error *err)
{
    struct aw_strings command = { 0 };
    char *file = realpath (args->file, NULL); /* --chdir may lead elsewhere */
    char self[4096];
    ssize_t n = readlink ("/proc/self/exe", self, sizeof (self) - 1);
    int rc = -1;

    if (!file || n < 0)
        aw_error_set (err, "%s: %s", file ? "/proc/self/exe" : args->file, strerror (errno));
    else {
        self[n] = '\0';
        aw_strings_add (&command, self);
        aw_strings_add (&command, "run");
        for (size_t i = 1; args->own[i]; i++)
            aw_strings_add (&command, args->own[i] == args->file ? file : args->own[i]);
        rc = command.failed ? aw_error_set (err, "out of memory")
                            : aw_salloc_exec (srun, workflow->name, command.v, err);
    }
    aw_strings_finish (&command);
    free (file);
    return rc;
}

static int run_in_slurm (const struct aw_run_args *args, const struct aw_workflow *workflow)
{
    struct aw_srun_options srun = { 0 };
    struct aw_error err;
    const char *job = aw_slurm_job_id ();
    int code = AW_EXIT_INPUT;

    if (!job && !args->from_srun && !args->test_only) {
        aw_error_set (&err,
                      "run: there is no Slurm allocation here: use srun --async-workflow=%s, or "
                      "--local to run on "
                      "this machine",
                      args->file);
        return fail (&err, AW_EXIT_INPUT);
    }
    if (aw_srun_options_sort (&srun, args->srun_options, job != NULL, &err) < 0)
        aw_error_print (&err);
    else if (args->test_only || srun.test_only)
        code = aw_run_test_only (args, workflow, &srun, srun.job ? srun.job : job);
    else if (!job && !srun.job) {
        become_salloc (args, workflow, &srun, &err);
        code = fail (&err, AW_EXIT_POOL);
    }
    else
        code = aw_run_in_job (args, workflow, &srun, srun.job ? srun.job : job);
    aw_srun_options_finish (&srun);
    return code;
}

static int run (int argc, char **argv)
{
    struct aw_workflow *workflow = NULL;
    struct aw_run_args args;
    struct aw_error err;
    int code = AW_EXIT_INPUT;

    if (aw_run_args_parse (&args, argc, argv, &err) < 0)
        aw_error_print (&err);
    else if ((workflow = load (args.file))) {
        if (args.local)
            code = aw_run_local (&args, workflow);
        else
            code = run_in_slurm (&args, workflow);
    }
    aw_workflow_destroy (workflow);
    aw_run_args_finish (&args);
    return code;
}

const struct aw_command aw_command_run = {
    "run", "run a workflow: in this allocation, or with --local on this machine", run
};
