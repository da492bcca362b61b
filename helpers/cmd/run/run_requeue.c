/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_requeue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coord/slurm/slurm_job.h"
#include "core/sched/sched.h"
#include "io/journal/run_dir.h"

/* SLURM_RESTART_COUNT, which is set in the script of a requeued job alone. */
static unsigned restart_count (void)
{
    const char *text = getenv ("SLURM_RESTART_COUNT");
    unsigned long n;
    char *end;

    if (!text || *text < '0' || *text > '9')
        return 0;
    n = strtoul (text, &end, 10);
    return *end || n > UINT32_MAX ? 0 : (unsigned)n;
}

int aw_run_origin_of (struct aw_run_origin *origin,
                      const struct aw_run_args *args,
                      const char *directory,
                      const char *job,
                      struct aw_error *err)
{
    const char *own = aw_slurm_job_id ();
    bool absolute = directory && directory[0] == '/';
    char *here = absolute ? strdup ("") : getcwd (NULL, 0);
    char *text = NULL;

    memset (origin, 0, sizeof (*origin));
    if (!here)
        return aw_error_set (err, "the working directory: %s", strerror (errno));
    if (asprintf (&text, "mode %s\npolicy %s\ndirectory %s%s%s\n", aw_mode_name (args->sched.mode),
                  args->policy_given ? aw_policy_name (args->sched.policy) : "auto", here,
                  directory && !absolute ? "/" : "", directory ? directory : "")
        < 0)
        text = NULL;
    free (here);
    if (!text)
        return aw_error_set (err, "out of memory");
    origin->parameters = text;
    if (own && job && strcmp (own, job) == 0)
        origin->job = own;
    origin->restart = restart_count ();
    return 0;
}

void aw_run_origin_finish (struct aw_run_origin *origin)
{
    free ((char *)origin->parameters);
    memset (origin, 0, sizeof (*origin));
}

/* The directory of number I that a new run would try. NULL without memory. */
static char *candidate (const char *dir, const char *name, const char *job, int i)
{
    char *base = dir && *dir ? strdup (dir) : aw_run_dir_name (name, job);
    char *path = NULL;

    if (!base || i == 0)
        return base;
    if (asprintf (&path, "%s.%d", base, i) < 0)
        path = NULL;
    free (base);
    return path;
}

static void tell_same (const struct aw_run_origin *origin, const char *dir)
{
    fprintf (stderr, "async-workflow: job %s was requeued: continuing its run in %s\n", origin->job,
             dir);
}

static void tell_different (const struct aw_run_origin *origin, const char *old, const char *new)
{
    fprintf (stderr,
             "async-workflow: job %s was requeued, but the run in %s has another workflow or other "
             "parameters: making a new run directory%s%s\n",
             origin->job, old, new ? ": " : "", new ? new : "");
}

int aw_requeue_find (struct aw_requeue *requeue,
                     const struct aw_run_origin *origin,
                     const char *dir,
                     const struct aw_workflow *workflow,
                     struct aw_error *err)
{
    enum aw_run_match match = AW_RUN_ABSENT;
    char *path = NULL, *different = NULL;
    bool wanted = true;

    memset (requeue, 0, sizeof (*requeue));
    if (!origin->job || origin->restart == 0)
        return 0;
    for (int i = 0; wanted; i++) {
        free (path);
        path = candidate (dir, workflow->name, origin->job, i);
        if (!path)
            break;
        match = aw_run_origin_match (path, origin, workflow->text, workflow->text_size);
        if (match == AW_RUN_DIFFERENT && !different)
            different = strdup (path);
        wanted = match != AW_RUN_ABSENT && match != AW_RUN_SAME;
        if (i == 0 && dir && match != AW_RUN_DIFFERENT)
            wanted = false; /* a directory of somebody else's is an error, as always */
    }
    if (path && match == AW_RUN_SAME) {
        tell_same (origin, path);
        requeue->resume = path;
        path = NULL;
    }
    else if (path && different) {
        tell_different (origin, different, dir ? path : NULL);
        if (dir) {
            requeue->dir = path;
            path = NULL;
        }
    }
    free (different);
    free (path);
    return wanted ? aw_error_set (err, "out of memory") : 0;
}

char *aw_requeue_values (const struct aw_run_args *args, const char *job, int number)
{
    char *name = NULL, *dir = NULL, *path = NULL;

    if (!job || restart_count () == 0)
        return NULL;
    if (args->value.dir || (name = aw_workflow_read_name (args->value.file)))
        dir = candidate (args->value.dir, name, job, number);
    if (dir && access (dir, F_OK) == 0)
        path = aw_run_dir_path (dir, AW_RUN_VALUES);
    free (dir);
    free (name);
    return path;
}

void aw_requeue_finish (struct aw_requeue *requeue)
{
    free (requeue->resume);
    free (requeue->dir);
    memset (requeue, 0, sizeof (*requeue));
}
