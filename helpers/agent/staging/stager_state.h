/* SPDX-License-Identifier: Apache-2.0 */
/* What the stager's files share, and no other file includes. An item is a copy; a job is a request
 * for several. Items that stage in are shared by jobs, items that stage out belong to one job. Both
 * wait for a free stream.
 */
#ifndef AW_AGENT_STAGING_STAGER_STATE_H
#define AW_AGENT_STAGING_STAGER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/staging/copy.h"
#include "agent/staging/stager.h"
#include "util/strings.h"

struct aw_copier;
struct aw_stager_removal;
struct event;

enum { AW_STAGER_TEXTS = 3 }; /* of a copy in a launch */

enum aw_stager_item_state {
    AW_STAGER_ITEM_QUEUED,
    AW_STAGER_ITEM_COPYING,
    AW_STAGER_ITEM_FULL, /* its copier waits for room */
    AW_STAGER_ITEM_THERE,
    AW_STAGER_ITEM_FAILED, /* forgotten when its last user goes */
    AW_STAGER_ITEM_ENDING, /* no job uses it; it is removed when its copier has ended */
};

/* A copy: staged in for all jobs that use it, or staged out for one. */
struct aw_stager_item {
    struct aw_stager_item *next;
    struct aw_stager *stager;
    struct aw_copy copy; /* owned texts */
    char *peers; /* HOST:PORT of nodes that have it, with spaces between them; NULL: none. Owned */
    bool out; /* staged out */
    unsigned unreached; /* number of the peer, from 1, that did not answer, which took long */
    enum aw_stager_item_state state;
    uint32_t instance; /* for which it was last looked at */
    uint64_t stamp, bytes; /* of the source, as it was staged in */
    uint64_t wanted; /* bytes, while it waits for room */
    uint32_t users; /* jobs that wait for it, or use it */
    uint32_t needed; /* of these, those that are not ahead */
    uint64_t used; /* the stager's count of uses when it was last used: the oldest goes first */
    struct aw_copier *copier;
    struct aw_strings made; /* staged in: paths that it has made, which are all it may remove */
};

struct aw_stager_job {
    struct aw_stager_job *next;
    struct aw_stager *stager;
    struct aw_stager_item **items;
    uint32_t n;
    bool ended; /* the callback was called; its items are still used */
    bool out; /* it stages out */
    bool failed;
    bool ahead; /* nobody waits for it yet */
    char **given_up; /* its copies, as a launch has them, that were removed again: it has no items
                        then. NULL: none were. Owned */
    char **given_up_peers; /* of these, likewise */
    uint32_t instance; /* of these */
    struct aw_copied copied;
    char *note; /* for the user; NULL: none. Owned */
    aw_stager_fn *done;
    void *arg;
};

struct aw_stager {
    struct event_base *base;
    struct event *turn; /* runs later in the turn of the loop: ends jobs, starts copies */
    char *scratch;
    const char *job; /* for credentials; NULL: nothing comes from other nodes */
    uint16_t port_first, port_last; /* on which nodes give copies to each other; 0, 0: any */
    double alone_until; /* until then (monotonic clock), nothing is asked of other nodes */
    void (*moved) (void *arg); /* may be NULL */
    void *moved_arg;
    bool made; /* the directory */
    uint64_t capacity, taken; /* bytes */
    uint64_t memory; /* bytes of the job; 0: not known */
    bool in_memory; /* the scratch directory is, and takes from these */
    uint32_t streams, running;
    uint64_t uses; /* counts */
    struct aw_stager_item *in; /* staged in, or on their way; in the order of the requests */
    struct aw_stager_item *out; /* to be staged out */
    struct aw_stager_job *jobs;
    struct aw_stager_removal *removals; /* under way */
    uint32_t n_removals; /* so far, for their names */
    bool ending; /* all that is removed is removed at once */
};

/* stager_items.c */

/* Queues a copy of AW_STAGER_TEXTS (from, to, checksum), OUT or in. NULL with ENOMEM. */
struct aw_stager_item *aw_stager_add_item (struct aw_stager *s, char *const *texts, bool out);

/* The item that was staged in, or will be, by the same AW_STAGER_TEXTS; NULL: there is none. */
struct aw_stager_item *aw_stager_find_item (const struct aw_stager *s, char *const *texts);

/* Frees it, and discards what it has made in the scratch directory, except what another item has
 * made too. drop: where its copy is under way, this happens when the copy has ended. remove: it
 * waits for that, up to 200 ms.
 */
void aw_stager_drop_item (struct aw_stager *s, struct aw_stager_item *item);
void aw_stager_remove_item (struct aw_stager *s, struct aw_stager_item *item);

/* PEERS of ITEM are as a launch has them. Without memory it comes from the file system. */
void aw_stager_set_peers (struct aw_stager_item *item, const char *peers);

/* Is PATH in the scratch directory? Only such files may be removed. */
bool aw_stager_in_scratch (const struct aw_stager *s, const char *path);

/* PATH as it is named in the scratch directory, "" for that itself; NULL: it is elsewhere. */
const char *aw_stager_place (const struct aw_stager *s, const char *path);

bool aw_stager_has_made (const struct aw_stager_item *item, const char *path);

/* An item other than EXCEPT that has made PATH; NULL: there is none. */
const struct aw_stager_item *aw_stager_maker_of (const struct aw_stager *s,
                                                 const char *path,
                                                 const struct aw_stager_item *except);

/* Drops items that no job uses, the oldest first, until BYTES fit or will fit after the removals
 * that are under way. False: they do not fit now.
 */
bool aw_stager_make_room (struct aw_stager *s, uint64_t bytes);

/* stager_removals.c */

/* Removes PATHS, which are in the scratch directory. Their names are free at once; their BYTES of
 * room when a process has removed large files and directories, which leads to another turn.
 */
void aw_stager_discard (struct aw_stager *s, const struct aw_strings *paths, uint64_t bytes);

/* The bytes of room that removals under way will free. */
uint64_t aw_stager_room_to_come (const struct aw_stager *s);

/* Ends the removals: what is left of their files stays in the scratch directory. */
void aw_stager_end_removals (struct aw_stager *s);

/* stager_jobs.c */

/* Does JOB wait for ITEM, or use it? */
bool aw_stager_uses (const struct aw_stager_job *job, const struct aw_stager_item *item);

/* Ends the jobs that wait for nothing any more; or, with ERROR, those that wait for ITEM, whose
 * copy cannot be made. Their callbacks may change the lists.
 */
void aw_stager_settle (struct aw_stager *s, const struct aw_stager_item *item, const char *error);

/* Gives up the copies of the last of those jobs ahead that hold room. False: there is none, or no
 * memory.
 */
bool aw_stager_give_up (struct aw_stager *s);

/* Will room become free? It will when an attempt ends whose copies are all made, when a copy has
 * ended that no attempt uses any more, or after a removal. AHEAD: an attempt may be one that has
 * not started.
 */
bool aw_stager_may_get_room (const struct aw_stager *s, bool ahead);

/* Lets JOB wait for the COPIES, as a launch has them, for INSTANCE; PEERS as there. 0, or -1 with
 * ENOMEM.
 */
int aw_stager_add_copies (struct aw_stager_job *job,
                          char *const *copies,
                          char *const *peers,
                          uint32_t instance);

/* stager_copies.c */

/* Starts copies while there are free streams. Stage-out comes first, because it makes room. */
void aw_stager_pump (struct aw_stager *s);

/* Makes the scratch directory if it is not made yet. 0, or -1 with text. */
int aw_stager_make_scratch (struct aw_stager *s, struct aw_error *err);

#endif /* AW_AGENT_STAGING_STAGER_STATE_H */
