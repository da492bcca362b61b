/* SPDX-License-Identifier: Apache-2.0 */
/* A process that makes one copy, so that the agent does not wait for a file system and a copy can
 * be ended at any time.
 */
#ifndef AW_AGENT_STAGING_COPIER_H
#define AW_AGENT_STAGING_COPIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/staging/copy.h"
#include "agent/staging/taker.h"

struct event_base;
struct aw_copier;

/* Called from the event loop. */
struct aw_copier_callbacks {
    /* The source has BYTES and this STAMP (agent/staging/copy.h); the process waits for
     * aw_copier_answer. NULL: it copies without asking.
     */
    void (*found) (void *arg, uint64_t bytes, uint64_t stamp);
    /* The other node, PEER of the source from 1, did not answer, which took long; the files come
     * from the file system. May be NULL.
     */
    void (*unreached) (void *arg, unsigned peer);
    /* The process is about to make PATH; the file or directory belongs to the copy even if the copy
     * fails. May be NULL.
     */
    void (*made) (void *arg, const char *path);
    /* The copy is made (ERROR NULL) or has failed. The callback destroys the copier. */
    void (*done) (void *arg, const struct aw_copied *copied, const char *error);
    void *arg;
};

/* Starts the process, which has its own memory of COPY and SOURCE. SOURCE: another node that may
 * have the files; NULL: none. NULL with text.
 */
struct aw_copier *aw_copier_start (struct event_base *base,
                                   const struct aw_copy *copy,
                                   const struct aw_taker_source *source,
                                   const struct aw_copier_callbacks *callbacks,
                                   struct aw_error *err);

/* The process, which names the file that it fills (aw_copy_hidden_name). -1: it has ended. */
pid_t aw_copier_pid (const struct aw_copier *copier);

/* Answers `found`: copy, or end without a copy. */
void aw_copier_answer (struct aw_copier *copier, bool copy);

/* Tells the process to end, without waiting. `made` may still be called, then `done`. False: it has
 * ended already, and no callback comes.
 */
bool aw_copier_end (struct aw_copier *copier);

/* Ends the process if it still runs, which removes its half written file; `made` may be called for
 * the last time. The agent reaps the process with its other children. Takes NULL.
 */
void aw_copier_destroy (struct aw_copier *copier);

#endif /* AW_AGENT_STAGING_COPIER_H */
