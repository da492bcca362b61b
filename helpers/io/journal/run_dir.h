/* SPDX-License-Identifier: Apache-2.0 */
/* The run directory: workflow.json, values.jsonl, journal.jsonl, logs/. All names in it are given
 * here. */
#ifndef AW_IO_JOURNAL_RUN_DIR_H
#define AW_IO_JOURNAL_RUN_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/graph/graph.h"
#include "util/error.h"

#define AW_RUN_WORKFLOW "workflow.json"
#define AW_RUN_NEXT_WORKFLOW "workflow.next.json" /* on its way to be that */
#define AW_RUN_VALUES \
    "values.jsonl" /* of variables, if there are any (io/workflow/values_file.h) */
#define AW_RUN_NEXT_VALUES "values.next.jsonl" /* on its way to be that */
#define AW_RUN_JOURNAL "journal.jsonl"
#define AW_RUN_LOGS "logs"
#define AW_RUN_MESSAGES "messages" /* made with the first one */
#define AW_RUN_SUBMITTED "submitted" /* environments and scripts of submitted tasks, by digest */

/* Makes a run directory with logs/ in it, mode 0700, and returns its absolute path (caller frees),
 * or NULL with text. It never takes one that is there already. DIR: that one; its parent must be
 * there. DIR NULL: NAME-JOB in the working directory, or NAME-JOB.1, .2, ... where others are
 * there; JOB NULL or "": "local".
 */
char *aw_run_dir_create (const char *dir, const char *name, const char *job, struct aw_error *err);

/* Removes a directory that aw_run_dir_create has made, and the files of a run that has not begun.
 * All stays where logs/ has something, and the directory where it has something else.
 */
void aw_run_dir_discard (const char *dir);

/* "NAME-JOB" of the above, as one component of a path; caller frees; NULL without memory. */
char *aw_run_dir_name (const char *name, const char *job);

/* Could DIR be made, as far as this is known before: it does not exist, and its parent does and can
 * be written. DIR NULL: one in the working directory. 0, or -1 with text.
 */
int aw_run_dir_check_new (const char *dir, struct aw_error *err);

/* Is DIR a run directory of this user alone, as it must be because its files decide what is
 * executed: directory, workflow file, values and journal are ours, regular, no symbolic links, and
 * nobody else can write to them. A file that is not there is nobody's. 0, or -1 with text.
 */
int aw_run_dir_check_own (const char *dir, struct aw_error *err);

/* Can the run in DIR continue: can journal, logs and the other files be written? 0, or -1 with
 * text. It is only a look: a full disk is noticed when something is written.
 */
int aw_run_dir_check_writable (const char *dir, struct aw_error *err);

/* Does the process have access to the files that it makes? 0, or -1 with text. */
int aw_run_dir_check_umask (struct aw_error *err);

/* What to do about the errno ERROR of something in a run directory: ": free some space there", or
 * "".
 */
const char *aw_run_dir_hint (int error);

/* Has DIR something by the name FILE? 1 or 0; -1 with text: this cannot be found out. */
int aw_run_dir_has (const char *dir, const char *file, struct aw_error *err);

/* Has DIR a workflow file? 0, or -1 with text: it is missing, or this cannot be found out. */
int aw_run_dir_check_workflow (const char *dir, struct aw_error *err);

/* Writes the copy of the workflow file, unless DIR has one. 0, or -1 with text. */
int aw_run_dir_write_workflow (const char *dir,
                               const char *text,
                               size_t size,
                               struct aw_error *err);

/* Writes SIZE bytes at TEXT into FILE of DIR, with MODE, instead of what it held; they are on disk
 * and whole when it has its name. Several processes may do so at a time. 0, or -1 with text.
 */
int aw_run_dir_write_file (const char *dir,
                           const char *file,
                           mode_t mode,
                           const char *text,
                           size_t size,
                           struct aw_error *err);

/* Returns when the names in DIR, and its own name in its parent, are on disk. 0, or -1 with text.
 */
int aw_run_dir_sync (const char *dir, struct aw_error *err);

/* Has PATH, open at FD, been removed, or been replaced by another file? An error of the file
 * system, such as ESTALE, is no answer: false.
 */
bool aw_run_dir_file_is_gone (int fd, const char *path);

/* "DIR/FILE"; caller frees; NULL with ENOMEM. */
char *aw_run_dir_path (const char *dir, const char *file);

/* Where a task's output goes unless its recipe says otherwise: "DIR/logs/SET@ITER.INDEX.out",
 * without "@ITER" where the workflow has no iterations; of a later attempt
 * "DIR/logs/SET@ITER.INDEX.retry1.out". SUFFIX is "out" or "err". Caller frees; NULL with ENOMEM.
 */
char *aw_run_dir_log (const char *dir,
                      const struct aw_graph *graph,
                      uint32_t task,
                      uint32_t attempt,
                      const char *suffix);

#endif /* AW_IO_JOURNAL_RUN_DIR_H */
