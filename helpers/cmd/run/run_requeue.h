/* SPDX-License-Identifier: Apache-2.0 */
/* A requeued job starts its script again from the top. Each run of the script continues the run
 * directory that the same run had before the requeue.
 *
 * The directories are those that a new run tries: NAME-JOBID, NAME-JOBID.1, ...; with --dir=D they
 * are D, D.1, ... The first one is taken that has the same workflow and parameters, and that no run
 * has continued since the requeue. So in a script with a loop the k-th run continues the k-th.
 */
#ifndef AW_CMD_RUN_RUN_REQUEUE_H
#define AW_CMD_RUN_RUN_REQUEUE_H

#include "cmd/run/run_args.h"
#include "io/journal/run_origin.h"
#include "io/workflow/workflow.h"

/* Where a run comes from, as it stands in its run directory. Tasks run in DIRECTORY (--chdir; NULL:
 * the working directory). origin->job is NULL in a job that is not that of the environment: then
 * there is nothing to find or to write. 0, or -1 with text. Finish it in either case.
 */
int aw_run_origin_of (struct aw_run_origin *origin,
                      const struct aw_run_args *args,
                      const char *directory,
                      const char *job,
                      struct aw_error *err);
void aw_run_origin_finish (struct aw_run_origin *origin);

/* What a new run in a requeued job does. All owned; NULL: as in any other job. */
struct aw_requeue {
    char *resume; /* the run directory to continue */
    char *dir; /* the run directory to make, as that of before is another run's */
};

/* Looks for the run directory of before the requeue, and reports on stderr what it found. 0, or -1
 * with text. Finish it in either case.
 */
int aw_requeue_find (struct aw_requeue *requeue,
                     const struct aw_run_origin *origin,
                     const char *dir,
                     const struct aw_workflow *workflow,
                     struct aw_error *err);

/* In a requeued job JOB: the values file of run directory NUMBER, from 0, that a run with ARGS had
 * before the requeue, for the caller to free. The file may be missing. NULL: there is no such
 * directory, or no memory. */
char *aw_requeue_values (const struct aw_run_args *args, const char *job, int number);

void aw_requeue_finish (struct aw_requeue *requeue);

#endif /* AW_CMD_RUN_RUN_REQUEUE_H */
