/* SPDX-License-Identifier: Apache-2.0 */
/* The submitted tasks of the run, as jobs. */
#ifndef AW_CMD_SLURM_JOB_LIST_H
#define AW_CMD_SLURM_JOB_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AW_JOB_FIRST UINT64_C (1000000000) /* id of the first submitted task */

struct aw_connection;

struct aw_job {
    uint64_t id;
    uint64_t array; /* id of the array's first element; 0: it is in none */
    uint32_t index; /* in the array */
    char state; /* enum aw_state */
    bool no_requeue; /* it may not be requeued */
    const struct aw_job_word *words;
    int code, signal;
    uint32_t attempt, cpus;
    double gpus;
    uint64_t mem; /* bytes; 0: not given */
    uint64_t limit; /* seconds; 0: none */
    uint32_t submitted, started, ended; /* seconds since 1970; 0: not known */
    /* All borrowed from the list. */
    const char *node; /* "": none yet */
    const char *name, *comment, *directory;
};

/* A state as Slurm names it. */
struct aw_job_word {
    char state; /* enum aw_state */
    const char *status; /* of its last attempt, where that makes a difference; NULL: any */
    const char *word, *compact;
};

struct aw_job_list {
    struct aw_job *jobs; /* by id */
    size_t n, room;
    char **texts; /* private: the answers, which jobs borrow from */
    size_t n_texts, texts_room;
};

enum {
    AW_JOBS_ENDED = 1, /* those that have ended too */
    AW_JOBS_DETAILS = 2, /* with comment and directory */
};

/* Loads jobs with ids from FIRST to LAST. 0, or -1, printed. finish takes a zeroed value, and what
 * a failed load leaves. */
int aw_job_list_load (
    struct aw_job_list *list, struct aw_connection *aw, int flags, uint64_t first, uint64_t last);
void aw_job_list_finish (struct aw_job_list *list);

/* Is TEXT ("pd", "PENDING") the name of a state of Slurm? */
bool aw_job_state_is_known (const char *text);

/* The first word of the comment that a submission has: '!' if it may not be requeued, array, and
 * the name where it cannot be that of a task set. FIRST 0: it is the array's first element itself.
 * Caller frees; NULL without memory.
 */
char *aw_job_mark (
    bool no_requeue, bool in_array, uint64_t first, uint32_t index, const char *name);

#endif /* AW_CMD_SLURM_JOB_LIST_H */
