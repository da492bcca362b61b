/* SPDX-License-Identifier: Apache-2.0 */
/* Data staging on a node: the data that tasks read is staged in to the node's scratch directory,
 * one copy for all tasks that read it, and results are staged out from there. A few copies run at a
 * time, the others wait in a queue. Data that no job uses stays for later tasks until its room is
 * needed.
 */
#ifndef AW_AGENT_STAGING_STAGER_H
#define AW_AGENT_STAGING_STAGER_H

#include <stdint.h>

#include "agent/staging/copy.h"
#include "agent/staging/scratch.h"

struct aw_stager;
struct aw_stager_job; /* copies that somebody asked for */
struct event_base;

struct aw_take;

/* All copies of a job are made: COPIED for it. Or one cannot be made, and ERROR says why. Called
 * once, from the event loop alone; it may release the job.
 */
typedef void aw_stager_fn (void *arg, const struct aw_copied *copied, const char *error);

/* Makes the directory of SCRATCH (copied), or tries again when it is first needed. NULL with
 * ENOMEM. destroy releases all jobs and removes the directory; takes NULL.
 */
struct aw_stager *aw_stager_create (struct event_base *base, const struct aw_scratch *scratch);
void aw_stager_destroy (struct aw_stager *stager);

/* Makes the copies that COPIES and PEERS list as a launch does (NULL: none), then calls DONE. A
 * copy that was made for the same INSTANCE is not made again; for another INSTANCE it is if its
 * source has changed. The copies are in use until the job is released. NULL with ENOMEM.
 */
struct aw_stager_job *aw_stager_stage_in (struct aw_stager *stager,
                                          char *const *copies,
                                          char *const *peers,
                                          uint32_t instance,
                                          aw_stager_fn *done,
                                          void *arg);

/* ahead: nobody waits for the copies of JOB yet. Until use is called they may be removed again, if
 * a job that is not ahead would get no room otherwise. use: somebody does. 1: they are all there;
 * 0: DONE will be called, perhaps again, when they are; -1 with ENOMEM.
 */
void aw_stager_ahead (struct aw_stager_job *job);
int aw_stager_use (struct aw_stager_job *job);

/* Makes the copies, removes their sources from the scratch directory, then calls DONE. */
struct aw_stager_job *aw_stager_stage_out (struct aw_stager *stager,
                                           char *const *copies,
                                           aw_stager_fn *done,
                                           void *arg);

/* What the user is to know of the copies of JOB, in one line; NULL: nothing. Borrowed from JOB,
 * which may be NULL.
 */
const char *aw_stager_note (const struct aw_stager_job *job);

/* Ends the copies of JOB that are under way for it alone, without calling DONE; those that are made
 * may go when no other job uses them. Takes NULL.
 */
void aw_stager_release (struct aw_stager_job *job);

/*
 * For other nodes
 */

/* MOVED is called from the event loop after copies have come or gone. NULL: no more. */
void aw_stager_watch (struct aw_stager *stager, void (*moved) (void *arg), void *arg);

enum aw_gives {
    AW_GIVES_NOT,
    AW_GIVES_LATER, /* its copy has not begun */
    AW_GIVES_NOW, /* it has it, or is copying it */
};

/* Is the file that TAKE names in a copy that was staged in? */
enum aw_gives aw_stager_gives (const struct aw_stager *stager, const struct aw_take *take);

/* Opens the file that TAKE names as the other node sees it at its source, and nothing that ".." or
 * a link leads to; while it is copied, what there is of it. -1: there is nothing of it yet.
 */
int aw_stager_open (const struct aw_stager *stager, const struct aw_take *take);

enum aw_has {
    AW_HAS_NOT,
    AW_HAS_PART, /* it is being copied */
    AW_HAS_ALL, /* its sum was right, and it is as the other node sees it at its source */
};

/* How much of the file of TAKE has FD, which is open on it, or -1? */
enum aw_has aw_stager_has (const struct aw_stager *stager, const struct aw_take *take, int fd);

#endif /* AW_AGENT_STAGING_STAGER_H */
