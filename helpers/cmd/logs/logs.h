/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `logs` share: the run, the tasks to be printed, and the printing. */
#ifndef AW_CMD_LOGS_LOGS_H
#define AW_CMD_LOGS_LOGS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/arguments.h"
#include "cmd/report/report.h"
#include "io/logs/log_store.h"
#include "io/textbuf.h"

/*
 * The run (logs_run.c)
 */

struct aw_logs_run {
    struct aw_report report; /* without history unless `loaded` */
    bool loaded;
    struct aw_log_store *store; /* NULL: all output is in files */
};

/* Opens the run directory DIR. Its journal is read to the end only where HISTORY says so, or the
 * output is in files: it may be long. What is wrong goes to PROBLEMS. 0, or -1; finish in any case.
 */
int aw_logs_run_open (struct aw_logs_run *run,
                      const char *dir,
                      bool history,
                      struct aw_problems *problems);
void aw_logs_run_finish (struct aw_logs_run *run);

/* Reads the journal if that was not done, or again: it may have grown. 0, or -1. */
int aw_logs_run_load (struct aw_logs_run *run, struct aw_problems *problems);

/* Opens the store, or takes in its new files. 0, or -1 with text. */
int aw_logs_run_look_again (struct aw_logs_run *run, struct aw_error *err);

/* The ids of the tasks that WORDS name, without any word of all tasks, in the order of the words
 * and each once; FAILED: those of them that failed for good. 0, or -1 with problems.
 */
struct aw_logs_tasks {
    uint32_t *ids; /* owned by the caller */
    size_t n, room;
};
int aw_logs_select (struct aw_logs_run *run,
                    const struct aw_words *words,
                    bool failed,
                    struct aw_logs_tasks *tasks,
                    struct aw_problems *problems);

/*
 * Printing to standard output (logs_print.c)
 */

struct aw_logs_printer {
    bool plain; /* control characters are shown */
    bool headers; /* a line with the task's name stands before its output */
    bool streams[AW_STREAMS]; /* which are printed */
    const char *last; /* private: the task that was printed last */
    char last_name[AW_LOG_NAME_MAX];
    char part[4]; /* private: the beginning of a character */
    size_t n_part;
    struct aw_textbuf text; /* private */
    int error; /* errno of the output; 0: none */
};

/* Prints SIZE bytes of the task NAME. 0, or -1: `error` says why. */
int aw_logs_print (struct aw_logs_printer *printer,
                   const char *name,
                   const char *data,
                   size_t size);
int aw_logs_flush (struct aw_logs_printer *printer);
void aw_logs_printer_finish (struct aw_logs_printer *printer);

/*
 * Output of single tasks (logs_task.c)
 */

struct aw_logs_task {
    uint32_t id;
    bool stored[AW_STREAMS]; /* where each stream is */
    bool known; /* the attempt has begun */
    uint32_t attempt; /* of files */
    uint64_t at[AW_STREAMS]; /* how much of the files was printed */
    struct aw_log_place place; /* its name, and what the store has */
};

/* Fills TASK with ID, of which ATTEMPT (AW_LOG_LAST: the last) is to be printed. */
void aw_logs_task_init (struct aw_logs_task *task,
                        const struct aw_logs_run *run,
                        uint32_t id,
                        uint32_t attempt);

/* Whether the store has one of its streams. */
bool aw_logs_task_is_stored (const struct aw_logs_task *task);

/* Finds the attempts of N tasks. What was printed of an attempt is forgotten when a later one is
 * found. 0, or -1 with text.
 */
int aw_logs_find (struct aw_logs_run *run,
                  struct aw_logs_task *tasks,
                  size_t n,
                  struct aw_error *err);

/* Prints what there is and was not printed. 0, or -1 with text; "": the printer has failed. */
int aw_logs_task_print (struct aw_logs_run *run,
                        struct aw_logs_task *task,
                        struct aw_logs_printer *printer,
                        struct aw_error *err);

#endif /* AW_CMD_LOGS_LOGS_H */
