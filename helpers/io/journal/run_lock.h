/* SPDX-License-Identifier: Apache-2.0 */
/* One coordinator a run directory. The file "coordinator" in it is held by a lock, and says who
 * holds it. Where locks work (local file systems; NFS, between its clients too) they decide. They
 * do not everywhere, so a coordinator writes a new number into the file every few seconds, too: one
 * on another node waits to see whether that continues before it takes the directory over. Neither
 * needs clocks that agree, nor Slurm.
 */
#ifndef AW_IO_JOURNAL_RUN_LOCK_H
#define AW_IO_JOURNAL_RUN_LOCK_H

#include <stdbool.h>

#include "util/error.h"

#define AW_RUN_COORDINATOR "coordinator"

#define AW_RUN_LOCK_BEAT 5.0 /* seconds between two numbers */
#define AW_RUN_LOCK_WATCH 15.0 /* seconds without a new number after which its writer has ended */
#define AW_RUN_LOCK_FRESH                                                  \
    30.0 /* seconds: a number that is this new, by the clock, has a writer \
          */
#define AW_RUN_LOCK_WAIT                                                     \
    20.0 /* for what a dead coordinator of this node left, its agent, to end \
          */

struct aw_run_lock;

/* Takes DIR. JOB: Slurm job id or NULL. SAY (may be NULL) is called with a line for the user before
 * it has to wait, at most about 20 s. NULL with text if another coordinator runs, or the
 * file cannot be made.
 */
struct aw_run_lock *aw_run_lock_take (const char *dir,
                                      const char *job,
                                      void (*say) (const char *text),
                                      struct aw_error *err);

/* A sign of life, every AW_RUN_LOCK_BEAT. -1 with text where the directory is another's now: then
 * nothing may be written in it any more. A file that cannot be reached for now is no reason.
 */
int aw_run_lock_beat (struct aw_run_lock *lock, struct aw_error *err);

/* Has the file been removed, with its directory perhaps, or the directory been moved? As
 * aw_run_dir_file_is_gone. */
bool aw_run_lock_is_gone (const struct aw_run_lock *lock);

/* The descriptor that holds the lock: who inherits it holds it as well. */
int aw_run_lock_fd (const struct aw_run_lock *lock);

/* Is a coordinator of JOB the last that held DIR? */
bool aw_run_lock_of_job (const char *dir, const char *job);

/* Does a coordinator have DIR, as far as this can be known without waiting? One of this node has it
 * while its process lives. One of another node has it while its last number is younger than
 * AW_RUN_LOCK_FRESH: within one system clocks do agree that far. For status; take waits instead.
 */
bool aw_run_lock_is_held (const char *dir);

/* Gives the directory free. Takes NULL, keeps errno. */
void aw_run_lock_release (struct aw_run_lock *lock);

#endif /* AW_IO_JOURNAL_RUN_LOCK_H */
