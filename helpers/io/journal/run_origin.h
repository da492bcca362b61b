/* SPDX-License-Identifier: Apache-2.0 */
/* The file "job" of a run directory: the Slurm job that the run belongs to, how often that job had
 * been requeued, and the parameters of the run as the user gave them. A requeued job finds its runs
 * of before the requeue by it. Its lines:
 *
 *   job 12
 *   restart 0
 *   mode async
 *   ...
 *
 * The lines after the second are the parameters. They are compared as text and not read.
 */
#ifndef AW_IO_JOURNAL_RUN_ORIGIN_H
#define AW_IO_JOURNAL_RUN_ORIGIN_H

#include <stddef.h>

#include "util/error.h"

#define AW_RUN_JOB "job"

struct aw_run_origin {
    const char *job; /* Slurm job id; borrowed, as the next */
    const char *parameters; /* lines, each with its newline */
    unsigned restart; /* SLURM_RESTART_COUNT: how often the job had been requeued */
};

/* Writes the file into run directory DIR, in place of what it held. 0, or -1 with text. */
int aw_run_origin_write (const char *dir, const struct aw_run_origin *origin, struct aw_error *err);

/* What DIR is to a run of ORIGIN with the workflow of SIZE bytes at TEXT. */
enum aw_run_match {
    AW_RUN_ABSENT, /* there is nothing of that name */
    AW_RUN_FOREIGN, /* no run directory of this job, or one that cannot be read */
    AW_RUN_TAKEN, /* a run of this job since its last requeue has it */
    AW_RUN_DIFFERENT, /* of this job before the requeue; workflow or parameters are not the same */
    AW_RUN_SAME, /* of this job before the requeue, with the same workflow and parameters */
};
enum aw_run_match aw_run_origin_match (const char *dir,
                                       const struct aw_run_origin *origin,
                                       const char *text,
                                       size_t size);

#endif /* AW_IO_JOURNAL_RUN_ORIGIN_H */
