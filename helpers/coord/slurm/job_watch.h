/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to Slurm about the job while the loop runs: its state and its end, by `scontrol show
 * job`. One question at a time.
 */
#ifndef AW_COORD_SLURM_JOB_WATCH_H
#define AW_COORD_SLURM_JOB_WATCH_H

#include <stdbool.h>

#include "util/error.h"

struct event_base;

enum aw_job_state {
    AW_JOB_UNKNOWN, /* Slurm did not answer */
    AW_JOB_RUNNING,
    AW_JOB_SUSPENDED,
    AW_JOB_ENDING, /* cancelled, requeued, preempted, at its time limit, or gone */
};

struct aw_job_answer {
    enum aw_job_state state;
    char name[32]; /* of the state, as Slurm has it */
    double end_time; /* wall clock, seconds since the epoch; INFINITY: no limit, or unknown */
    bool in_record; /* private: the lines are of our job */
};

/* Takes in LINE of scontrol's output about job ID. ANSWER begins as {0} with end_time INFINITY. */
void aw_job_answer_line (struct aw_job_answer *answer, const char *id, const char *line);

struct aw_job_watch;

/* ANSWERED is called from the loop, once for each question. BASE and ID are borrowed. NULL with
 * text. destroy takes NULL.
 */
struct aw_job_watch *aw_job_watch_create (struct event_base *base,
                                          const char *id,
                                          void (*answered) (void *arg,
                                                            const struct aw_job_answer *answer),
                                          void *arg,
                                          struct aw_error *err);
void aw_job_watch_destroy (struct aw_job_watch *watch);

/* Asks, unless a question is under way. If scontrol cannot be started, or does not answer within
 * 20 s, the answer is UNKNOWN.
 */
void aw_job_watch_ask (struct aw_job_watch *watch);

#endif /* AW_COORD_SLURM_JOB_WATCH_H */
