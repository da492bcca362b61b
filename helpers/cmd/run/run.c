/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow run: checks the file, gets a pool (this machine, this allocation, or a new one
 * through salloc), runs the workflow in it, and prints the report.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/report/report.h"
#include "cmd/run/run_directory.h"
#include "cmd/run/run_salloc.h"
#include "cmd/run/run_args.h"
#include "cmd/run/run_pool.h"
#include "cmd/run/run_requeue.h"
#include "cmd/run/run_resume.h"
#include "cmd/run/run_test_only.h"
#include "coord/slurm/slurm_job.h"
#include "coord/slurm/srun_options.h"
#include "io/journal/run_dir.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"
#include "util/descriptors.h"
#include "util/packet.h"
#include "util/stdout.h"

static int fail (const struct aw_error *err, int code)
{
    aw_error_print (err);
    return code;
}

/* What to run: a workflow, or the remainder of one. */
struct task {
    struct aw_workflow *workflow; /* owned unless it is that of resume */
    struct aw_run_resume resume;
    struct aw_run_origin origin; /* in a job */
    struct aw_requeue requeue;
    struct aw_run_durations durations;
    const char *directory; /* where tasks run, by --chdir; NULL: here. Borrowed, as the next */
    const char *job; /* that the run is in; NULL: none */
    struct aw_problems
        problems; /* of a file that has been read with values of before the requeue */
    bool resumed;
    bool test_only;
};

/* The sources of values that have gone are no matter where a requeued job continues its run: reads
 * the file with the values of one of its run directories. */
static struct aw_workflow *load_requeued (const struct aw_run_args *args,
                                          const char *job,
                                          struct aw_workflow_input input)
{
    struct aw_workflow *workflow = NULL;
    struct aw_problems problems;
    char *values;

    for (int i = 0; !workflow && (values = aw_requeue_values (args, job, i)); i++) {
        input.values = values;
        aw_problems_init (&problems);
        workflow = aw_workflow_load_with (args->value.file, &input, &problems);
        aw_problems_finish (&problems);
        free (values);
    }
    return workflow;
}

/* Reads the file. 0, or -1: its problems have been printed. */
static int load_file (struct task *task, const struct aw_run_args *args)
{
    const struct aw_workflow_input input = { .start = true,
                                             .parameters = &args->value.parameters,
                                             .directory = task->directory };

    aw_problems_init (&task->problems);
    task->workflow = aw_workflow_load_with (args->value.file, &input, &task->problems);
    if (!task->workflow && (task->workflow = load_requeued (args, task->job, input)))
        return 0;
    aw_run_salloc_print (&task->problems);
    aw_problems_finish (&task->problems);
    return task->workflow ? 0 : -1;
}

/* USE: of a run directory. 0, or -1: the problems have been printed. */
static int load_task (struct task *task, struct aw_run_args *args, enum aw_resume_use use)
{
    struct aw_problems problems;
    int found;

    if (!args->value.resume)
        return load_file (task, args);
    task->resumed = true;
    aw_problems_init (&problems);
    if (aw_run_resume_load (&task->resume, &args->value, use, &problems) == 0)
        task->workflow = task->resume.workflow;
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    if (!task->workflow)
        return -1;
    found = task->resume.header.mode ? aw_mode_parse (task->resume.header.mode) : -1;
    if (!args->mode_given && found >= 0)
        args->sched.mode = (enum aw_mode)found;
    found = task->resume.header.policy ? aw_policy_parse (task->resume.header.policy) : -1;
    if (!args->policy_given && found >= 0)
        args->sched.policy = (enum aw_policy)found;
    if (use != AW_RESUME_ELSEWHERE)
        aw_run_resume_print (&task->resume);
    return 0;
}

static void finish_task (struct task *task)
{
    if (task->resumed)
        aw_run_resume_finish (&task->resume);
    else
        aw_workflow_destroy (task->workflow);
    aw_problems_finish (&task->problems);
    aw_run_origin_finish (&task->origin);
    aw_requeue_finish (&task->requeue);
    aw_run_durations_finish (&task->durations);
}

/* Every task is done: prints the report alone. */
static int run_nothing (struct task *task)
{
    struct aw_error err;

    if (aw_run_resume_end (&task->resume, &err) < 0
        || (task->origin.job && aw_run_origin_write (task->resume.dir, &task->origin, &err) < 0))
        return fail (&err, AW_EXIT_POOL);
    if (aw_report_print (task->resume.dir, STDOUT_FILENO, &err) < 0)
        aw_error_print (&err);
    return AW_EXIT_OK;
}

/* Runs this command again under salloc. Returns the exit status. */
static int run_under_salloc (const struct aw_run_args *args,
                             struct aw_workflow *workflow,
                             const struct aw_srun_options *srun)
{
    struct aw_strings command = { 0 };
    struct aw_error err;
    int code = AW_EXIT_POOL;
    char self[4096];
    ssize_t n = readlink ("/proc/self/exe", self, sizeof (self) - 1);

    if (n < 0)
        aw_error_set (&err, "/proc/self/exe: %s", strerror (errno));
    else {
        self[n] = '\0';
        aw_strings_add (&command, self);
        aw_strings_add (&command, "run");
        aw_run_args_line (args, &command);
        aw_error_set (&err, "out of memory");
    }
    if (n >= 0 && !command.failed)
        code = aw_run_salloc (srun, workflow->name, command.v);
    else
        aw_error_print (&err);
    aw_strings_finish (&command);
    return code;
}

/* In a requeued job the run of before continues: it becomes the TASK. Returns AW_EXIT_OK, or the
 * exit status where that cannot be.
 */
static int find_requeued (struct aw_run_args *args,
                          struct task *task,
                          const struct aw_srun_options *srun,
                          const char *job,
                          enum aw_resume_use use)
{
    struct aw_error err;

    if (aw_run_origin_of (&task->origin, args, srun->directory, job, &err) < 0)
        return fail (&err, AW_EXIT_POOL);
    if (args->value.resume)
        return AW_EXIT_OK;
    if (aw_requeue_find (&task->requeue, &task->origin, args->value.dir, task->workflow, &err) < 0)
        return fail (&err, AW_EXIT_POOL);
    if (task->requeue.dir)
        args->value.dir = task->requeue.dir;
    if (!task->requeue.resume) {
        aw_problems_print (&task->problems, stderr);
        return task->problems.n_errors ? AW_EXIT_INPUT : AW_EXIT_OK;
    }
    args->value.resume = task->requeue.resume;
    args->value.dir = NULL;
    aw_workflow_destroy (task->workflow);
    task->workflow = NULL;
    return load_task (task, args, use) < 0 ? AW_EXIT_INPUT : AW_EXIT_OK;
}

/* With --local, or in the task's job, or in one that salloc makes. */
static int run_task (struct aw_run_args *args,
                     struct task *task,
                     const struct aw_srun_options *srun)
{
    const char *job = task->job;
    bool test_only = args->value.test_only || srun->test_only, here = args->value.local || job;
    enum aw_resume_use use = test_only ? AW_RESUME_TEST
                             : here    ? AW_RESUME_RUN
                                       : AW_RESUME_ELSEWHERE;
    struct aw_run_resume *resume;
    struct aw_error err;
    int code;

    task->test_only = test_only;
    if (!task->workflow && load_task (task, args, use) < 0)
        return AW_EXIT_INPUT;
    code = job ? find_requeued (args, task, srun, job, use) : AW_EXIT_OK;
    if (code != AW_EXIT_OK)
        return code;
    resume = task->resumed ? &task->resume : NULL;
    if (args->value.local && aw_run_local_check (args, task->workflow, &err) < 0)
        return fail (&err, AW_EXIT_INPUT);
    if ((test_only || !here) && !resume && aw_run_dir_check_new (args->value.dir, &err) < 0)
        return fail (&err, AW_EXIT_INPUT); /* not after hours in the queue */
    if (test_only && resume && (!resume->begun || aw_run_resume_complete (resume)))
        return AW_EXIT_OK; /* what runs again has been printed */
    if (!(resume && resume->begun) /* else the journal has them */
        && aw_run_durations_load (&task->durations, args, task->workflow) < 0)
        return AW_EXIT_INPUT;
    if (test_only)
        return aw_run_test_only (args, task->workflow, resume, srun, job, &task->durations.samples);
    if (resume && aw_run_resume_complete (resume))
        return run_nothing (task);
    if (args->value.local)
        return aw_run_local (args, task->workflow, resume, &task->durations);
    if (job)
        return aw_run_in_job (args, task->workflow, resume, &task->durations, srun, &task->origin,
                              job);
    if (aw_run_directory_check (task->workflow, srun->directory, resume ? resume->start_dir : NULL,
                                false, &err)
        < 0)
        return fail (&err, AW_EXIT_INPUT);
    return run_under_salloc (args, task->workflow, srun);
}

static int run_in_slurm (struct aw_run_args *args, struct task *task)
{
    struct aw_srun_options srun = { 0 };
    struct aw_error err;
    const char *job = aw_slurm_job_id ();
    int code = AW_EXIT_INPUT;

    if (aw_srun_options_sort (&srun, args->srun_options, job != NULL, &err) < 0) {
        aw_error_print (&err);
        aw_srun_options_finish (&srun);
        return AW_EXIT_INPUT;
    }
    task->directory = srun.directory;
    task->job = srun.job ? srun.job : job;
    if (!args->value.resume && load_task (task, args, AW_RESUME_RUN) < 0)
        code = AW_EXIT_INPUT;
    else if (!job && !args->from_srun && !args->value.test_only) {
        aw_error_set (&err,
                      "run: no Slurm allocation here: use srun --async-workflow=%s, or --local to "
                      "run on this machine",
                      args->value.file ? args->value.file : "FILE");
        aw_error_print (&err);
    }
    else
        code = run_task (args, task, &srun);
    aw_srun_options_finish (&srun);
    return code;
}

/* In a task of another run that has "slurm_commands", this run and its tasks find Slurm's commands,
 * not those that look like them. */
static void forget_commands (void)
{
    const char *own = getenv (AW_PACKET_COMMANDS), *path = getenv ("PATH");
    struct aw_textbuf kept = { 0 };

    if (!own || !path)
        return;
    for (size_t n; *path; path += n + (path[n] == ':')) {
        n = strcspn (path, ":");
        if (strlen (own) == n && strncmp (path, own, n) == 0)
            continue;
        if (kept.len)
            aw_textbuf_putc (&kept, ':');
        aw_textbuf_put (&kept, path, n);
    }
    aw_textbuf_putc (&kept, '\0');
    if (!kept.failed)
        setenv ("PATH", kept.data, 1);
    unsetenv (AW_PACKET_COMMANDS);
    aw_textbuf_finish (&kept);
}

static int run (int argc, char **argv)
{
    struct task task = { 0 };
    struct aw_run_args args;
    struct aw_error err;
    int code = AW_EXIT_INPUT;

    aw_descriptors_raise ();
    forget_commands ();
    aw_run_salloc_begin ();
    if (aw_run_args_parse (&args, argc, argv, &err) < 0)
        aw_error_print (&err);
    else
        code = args.value.local ? run_task (&args, &task, &(struct aw_srun_options){ 0 })
                                : run_in_slurm (&args, &task);
    if (!task.test_only)
        aw_stdout_check_at_exit (code); /* the run ends as it has ended, also without its report */
    finish_task (&task);
    aw_run_args_finish (&args);
    aw_run_salloc_end (code);
    return code;
}

const struct aw_command aw_command_run = {
    "run", "run a workflow in this allocation, or with --local on this machine", run
};
