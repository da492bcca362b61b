/* SPDX-License-Identifier: Apache-2.0 */
/* run --resume: reads what a run directory has of an earlier run, and what remains to be done. */
#ifndef AW_CMD_RUN_RUN_RESUME_H
#define AW_CMD_RUN_RUN_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "coord/messages/submission_list.h"
#include "core/history/history.h"
#include "core/history/resume_state.h"
#include "core/sched/sched.h"
#include "io/journal/journal.h"
#include "io/problems.h"
#include "io/journal/run_lock.h"
#include "io/workflow/workflow.h"
#include "util/run_options.h"

struct aw_run_resume {
    char *dir; /* absolute. All here is owned */
    char *start_dir; /* where the run was started; NULL: not known yet */
    struct aw_run_lock *lock;
    struct aw_workflow *workflow; /* that the run continues with */
    struct aw_resume_state state;
    struct aw_submission_list submissions;
    struct aw_journal_header header; /* mode and policy are those of the last part */
    struct aw_idset rerun; /* sets that a changed workflow makes run again */
    struct aw_indexes *dropped; /* tasks whose values have gone, by set and index */
    uint32_t n_dropped, dropped_room;
    char digest[20]; /* of the changed workflow; "": it is the same */
    bool begun; /* the journal has its first line; else the run starts from the beginning */
    bool whole; /* every task is done, and the journal says so */
    uint32_t n_lost; /* attempts that were running */
    double epoch; /* wall clock at t = 0 */
};

/* What a run directory is loaded for. */
enum aw_resume_use {
    AW_RESUME_RUN, /* to continue it: the directory is locked */
    AW_RESUME_TEST, /* to print what would run again; it is not changed */
    AW_RESUME_ELSEWHERE, /* another process will continue it, and prints that; it is not changed */
};

/* Reads the directory settings->resume and compares its workflow with that in settings->file (NULL:
 * no change), parameters included. Prints on stderr which finished tasks run again, and why, as USE
 * says. Problems go to PROBLEMS. 0, or -1; finish in any case.
 */
int aw_run_resume_load (struct aw_run_resume *resume,
                        const struct aw_run_settings *settings,
                        enum aw_resume_use use,
                        struct aw_problems *problems);
/* Private (run_compare.c): compares the workflow with OLD, the copy in the run directory: which
 * sets run again, and what does that change records. Prints that where PRINT. 0, or -1 with text.
 */
int aw_run_resume_compare (struct aw_run_resume *resume,
                           const struct aw_workflow *old,
                           const struct aw_history *history,
                           bool print,
                           struct aw_error *err);

void aw_run_resume_finish (struct aw_run_resume *resume);

/* Is every task done? */
bool aw_run_resume_complete (const struct aw_run_resume *resume);

/* Prints on stderr what is done and what remains. */
void aw_run_resume_print (const struct aw_run_resume *resume);

/* Opens the journal, cut to complete lines, and writes to disk that the run continues in JOB (NULL:
 * none) with CONFIG. Then a changed workflow replaces the old one. NULL with text; with "" if the
 * run starts from the beginning and the journal is still to be created.
 */
struct aw_journal *aw_run_resume_begin (struct aw_run_resume *resume,
                                        const char *job,
                                        const struct aw_sched_config *config,
                                        struct aw_error *err);

/* The run is complete: adds the missing end to the journal. 0, or -1 with text. */
int aw_run_resume_end (struct aw_run_resume *resume, struct aw_error *err);

#endif /* AW_CMD_RUN_RUN_RESUME_H */
