/* SPDX-License-Identifier: Apache-2.0 */
/* A process that makes one copy: so that the agent never waits for a file system, and a copy can be
 * given up at any time.
 */
#ifndef AW_AGENT_STAGING_COPIER_H
#define AW_AGENT_STAGING_COPIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/staging/copy.h"

struct event_base;
struct aw_copier;

/* What it has to say. Called from the event loop. */
struct aw_copier_callbacks {
    /* What is to be copied is BYTES now, with that STAMP (agent/staging/copy.h): aw_copier_answer
     * is waited for. NULL: it begins at once.
     */
    void (*found) (void *arg, uint64_t bytes, uint64_t stamp);
    /* This is going to be made: it is the copy's, whatever becomes of it. NULL: nobody is told. */
    void (*made) (void *arg, const char *path);
    /* It is over: ERROR is NULL, or says why not. The copier is the callback's to destroy. */
    void (*done) (void *arg, const struct aw_copied *copied, const char *error);
    void *arg;
};

/* Starts it. COPY is taken over by the process. NULL with text. */
struct aw_copier *aw_copier_start (struct event_base *base,
                                   const struct aw_copy *copy,
                                   const struct aw_copier_callbacks *callbacks,
                                   struct aw_error *err);

/* Copy, or end without. */
void aw_copier_answer (struct aw_copier *copier, bool copy);

/* Ends the process if it still runs, which removes what it has half written; `made` may be called
 * for the last time. Takes NULL. It is reaped with all other children of the agent.
 */
void aw_copier_destroy (struct aw_copier *copier);

#endif /* AW_AGENT_STAGING_COPIER_H */
