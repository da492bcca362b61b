/* SPDX-License-Identifier: Apache-2.0 */
/* What the stager's files share, and nobody else sees. Items are what is brought, each with those
 * that use it; jobs are the attempts that wait for copies. A job's copies are items, shared with
 * others, or fetches, its own. Both wait in one queue for a free stream.
 */
#ifndef AW_AGENT_STAGING_STAGER_STATE_H
#define AW_AGENT_STAGING_STAGER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/staging/copy.h"
#include "agent/staging/stager.h"

struct aw_copier;
struct event;

enum { AW_STAGER_TEXTS = 3 }; /* of a copy in a launch */

enum aw_stager_item_state {
    AW_STAGER_ITEM_QUEUED,
    AW_STAGER_ITEM_COPYING,
    AW_STAGER_ITEM_FULL, /* its copier waits for room */
    AW_STAGER_ITEM_THERE,
    AW_STAGER_ITEM_FAILED, /* and is forgotten when the last user goes */
};

/* A copy: brought for all that use it, or fetched for one job (then `job` is set). */
struct aw_stager_item {
    struct aw_stager_item *next;
    struct aw_stager *stager;
    struct aw_copy copy; /* owned texts */
    struct aw_stager_job *job; /* fetched for it; NULL: brought */
    enum aw_stager_item_state state;
    uint32_t instance; /* for which it was last looked at */
    uint64_t stamp, bytes; /* as it was brought */
    uint64_t wanted; /* bytes, while it waits for room */
    uint32_t users;
    uint64_t used; /* a clock of uses: the oldest goes first */
    struct aw_copier *copier;
    char **made; /* brought: what is there by it, all it may remove */
    size_t n_made;
};

struct aw_stager_job {
    struct aw_stager_job *next;
    uint32_t task, attempt;
    struct aw_stager_item **items;
    uint32_t n;
    bool done; /* told; its items are still used */
    bool fetch;
    bool failed;
    double begun;
    uint64_t bytes;
    aw_stager_fn *tell;
    void *arg;
};

struct aw_stager {
    struct event_base *base;
    struct event *turn; /* finished jobs are told from the loop, when all is settled */
    char *scratch;
    bool made;
    uint64_t capacity, taken;
    uint32_t streams, running;
    uint64_t uses;
    struct aw_stager_item *items; /* brought, or on their way */
    struct aw_stager_item *fetches;
    struct aw_stager_job *jobs;
};

/* stager_items.c */

/* A copy of AW_STAGER_TEXTS (from, to, checksum), for JOB alone or (NULL) to be brought; in no list
 * yet. NULL with ENOMEM.
 */
struct aw_stager_item *aw_stager_new_item (struct aw_stager *s,
                                           char *const *texts,
                                           struct aw_stager_job *job);

/* Appends it: the queue is in the order of the wishes. */
void aw_stager_link_item (struct aw_stager_item **list, struct aw_stager_item *item);

/* What is brought, or on its way, by the same AW_STAGER_TEXTS; NULL: nothing. */
struct aw_stager_item *aw_stager_find_item (const struct aw_stager *s, char *const *texts);

/* Ends its copy, takes it out and frees it, and what it had of the scratch directory: what it
 * brought there, and no other did. */
void aw_stager_drop_item (struct aw_stager *s, struct aw_stager_item *item);

/* Only what is in the scratch directory is ours to remove. */
bool aw_stager_in_scratch (const struct aw_stager *s, const char *path);

bool aw_stager_has_made (const struct aw_stager_item *item, const char *path);

/* The item other than EXCEPT by which PATH is there; NULL: there is none. */
const struct aw_stager_item *aw_stager_maker_of (const struct aw_stager *s,
                                                 const char *path,
                                                 const struct aw_stager_item *except);

/* Removes what nobody uses, the oldest first, until BYTES fit. False: they do not. */
bool aw_stager_make_room (struct aw_stager *s, uint64_t bytes);

/* stager_jobs.c */

/* Does JOB wait for ITEM, or use it? */
bool aw_stager_uses (const struct aw_stager_job *job, const struct aw_stager_item *item);

/* Have all copies of JOB been made? */
bool aw_stager_is_complete (const struct aw_stager_job *job);

/* Calls the job's callback: its copies are made (ERROR NULL), or one of them cannot be. */
void aw_stager_end_job (struct aw_stager_job *job, const char *error);

/* Frees a job, and the items that no other job uses. */
void aw_stager_drop_job (struct aw_stager *s, struct aw_stager_job *job);

/* The copy of ITEM is made, or failed by ERROR: ends the jobs that wait for it and for nothing
 * else, or all that wait for it. The callbacks may change the lists.
 */
void aw_stager_settle (struct aw_stager *s, const struct aw_stager_item *item, const char *error);

/* Will room become free? It will when an attempt ends whose copies are all made. */
bool aw_stager_may_get_room (const struct aw_stager *s);

/* stager_copies.c */

/* Starts what there are streams for: results first, they make room. */
void aw_stager_pump (struct aw_stager *s);

/* Makes the scratch directory where that is yet to be done. 0, or -1 with text. */
int aw_stager_make_scratch (struct aw_stager *s, struct aw_error *err);

#endif /* AW_AGENT_STAGING_STAGER_STATE_H */
