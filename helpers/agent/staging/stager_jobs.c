/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: attempts that wait for copies, and use them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "agent/staging/stager_state.h"
#include "io/textbuf.h"
#include "io/wire/launch.h"

static bool is_complete (const struct aw_stager_job *job)
{
    for (uint32_t i = 0; i < job->n; i++)
        if (job->items[i]->state != AW_STAGER_ITEM_THERE)
            return false;
    return true;
}

bool aw_stager_uses (const struct aw_stager_job *job, const struct aw_stager_item *item)
{
    for (uint32_t i = 0; i < job->n; i++)
        if (job->items[i] == item)
            return true;
    return false;
}

static uint32_t count_copies (char *const *copies)
{
    uint32_t n = 0;

    while (copies && copies[n])
        n++;
    return n / AW_STAGER_TEXTS;
}

/* The item that stages TEXTS in for INSTANCE: one that is there or on its way, or a new one. PEER
 * NULL: where it comes from stays as it is.
 */
static struct aw_stager_item *item_in (struct aw_stager *s,
                                       char *const *texts,
                                       const char *peer,
                                       uint32_t instance)
{
    struct aw_stager_item *item = aw_stager_find_item (s, texts);

    if (!item)
        item = aw_stager_add_item (s, texts, false);
    else if (item->state == AW_STAGER_ITEM_THERE && item->instance != instance)
        item->state = AW_STAGER_ITEM_QUEUED; /* its source may have changed: it is looked at */
    if (item)
        item->instance = instance;
    if (item && peer && item->state == AW_STAGER_ITEM_QUEUED)
        aw_stager_set_peers (item, peer);
    return item;
}

int aw_stager_add_copies (struct aw_stager_job *job,
                          char *const *copies,
                          char *const *peers,
                          uint32_t instance)
{
    struct aw_stager *s = job->stager;
    uint32_t n = count_copies (copies);

    job->items = calloc (n + (size_t)1, sizeof (struct aw_stager_item *));
    for (uint32_t i = 0; job->items && i < n; i++) {
        char *const *texts = copies + (size_t)i * AW_STAGER_TEXTS;
        const char *peer = !peers ? NULL : *peers ? *peers++ : "";
        struct aw_stager_item *item =
            job->out ? aw_stager_add_item (s, texts, true) : item_in (s, texts, peer, instance);

        if (!item)
            return -1;
        item->users++;
        item->needed += !job->ahead;
        job->items[job->n++] = item;
    }
    event_active (s->turn, EV_TIMEOUT, 0);
    return job->items ? 0 : -1;
}

static void release_items (struct aw_stager_job *job)
{
    struct aw_stager *s = job->stager;

    for (uint32_t i = 0; i < job->n; i++) {
        struct aw_stager_item *item = job->items[i];

        item->users--;
        item->needed -= !job->ahead;
        item->used = ++s->uses;
        if (item->out || (item->users == 0 && item->state != AW_STAGER_ITEM_THERE))
            aw_stager_drop_item (s, item);
    }
    free (job->items);
    job->items = NULL;
    job->n = 0;
}

void aw_stager_release (struct aw_stager_job *job)
{
    struct aw_stager *s = job ? job->stager : NULL;
    struct aw_stager_job **link = s ? &s->jobs : NULL;

    if (!job)
        return;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    release_items (job);
    free (job->given_up);
    free (job->given_up_peers);
    free (job->note);
    free (job);
    event_active (s->turn, EV_TIMEOUT, 0);
}

const char *aw_stager_note (const struct aw_stager_job *job)
{
    return job ? job->note : NULL;
}

struct sources {
    const struct aw_stager *stager;
    struct aw_strings paths;
};

static void add_source (void *arg, const char *path)
{
    struct sources *sources = arg;
    const struct aw_stager *s = sources->stager;

    if (aw_stager_in_scratch (s, path) && !aw_stager_maker_of (s, path, NULL))
        aw_strings_add (&sources->paths, path); /* without memory it stays until the end */
}

/* All that JOB stages out has left the node. Data that was staged in stays for others; files
 * elsewhere are not ours.
 */
static void remove_sources (struct aw_stager *s, const struct aw_stager_job *job)
{
    struct sources sources = { .stager = s };

    for (uint32_t i = 0; i < job->n; i++)
        aw_copy_sources (job->items[i]->copy.from, add_source, &sources);
    aw_stager_discard (s, &sources.paths, 0);
    aw_strings_finish (&sources.paths);
}

static void end_job (struct aw_stager_job *job, const char *error)
{
    job->ended = true;
    job->failed = error != NULL;
    if (job->out && !error)
        remove_sources (job->stager, job);
    job->done (job->arg, &job->copied, error);
}

void aw_stager_settle (struct aw_stager *s, const struct aw_stager_item *item, const char *error)
{
    struct aw_stager_job *job = s->jobs;

    while (job)
        if (!job->ended && (error ? aw_stager_uses (job, item) : is_complete (job))) {
            end_job (job, error);
            job = s->jobs; /* the list may have changed */
        }
        else
            job = job->next;
}

bool aw_stager_may_get_room (const struct aw_stager *s, bool ahead)
{
    if (s->removals)
        return true;
    for (const struct aw_stager_item *item = s->in; item; item = item->next)
        if ((item->state == AW_STAGER_ITEM_ENDING || item->state == AW_STAGER_ITEM_COPYING)
            && item->bytes > 0)
            return true;
    for (const struct aw_stager_job *job = s->jobs; job; job = job->next)
        if (job->ended && !job->failed && job->n > 0 && !job->out && (ahead || !job->ahead))
            return true;
    return false;
}

/*
 * Ahead
 */

void aw_stager_ahead (struct aw_stager_job *job)
{
    job->ahead = true;
    for (uint32_t i = 0; i < job->n; i++)
        job->items[i]->needed--;
}

/* The copies of JOB as a launch has them. NULL: out of memory. */
static char **copies_of (const struct aw_stager_job *job)
{
    struct aw_textbuf texts = { 0 };

    for (uint32_t i = 0; i < job->n; i++) {
        const struct aw_copy *copy = &job->items[i]->copy;
        const char *how = copy->checksum ? "checksum" : "";

        aw_textbuf_put (&texts, copy->from, strlen (copy->from) + 1);
        aw_textbuf_put (&texts, copy->to, strlen (copy->to) + 1);
        aw_textbuf_put (&texts, how, strlen (how) + 1);
    }
    return aw_textbuf_vector (&texts);
}

/* Likewise, where they come from. */
static char **peers_of (const struct aw_stager_job *job)
{
    struct aw_textbuf texts = { 0 };

    for (uint32_t i = 0; i < job->n; i++) {
        const struct aw_stager_item *item = job->items[i];
        const char *none = item->copy.keep_sum ? AW_PEER_ANY : "";
        const char *peer = item->peers ? item->peers : none;

        aw_textbuf_put (&texts, peer, strlen (peer) + 1);
    }
    return aw_textbuf_vector (&texts);
}

/* Has it room that may become free with it? */
static bool holds_room (const struct aw_stager_job *job)
{
    for (uint32_t i = 0; i < job->n; i++)
        if (job->items[i]->bytes > 0 && !job->items[i]->needed)
            return true;
    return false;
}

/* One that still waited for copies waits for nothing then, and counts as staged like the others. */
bool aw_stager_give_up (struct aw_stager *s)
{
    struct aw_stager_job *job = s->jobs; /* the last one comes first */

    while (job && !(job->ahead && !job->failed && holds_room (job)))
        job = job->next;
    if (!job || !(job->given_up = copies_of (job)))
        return false;
    free (job->given_up_peers);
    job->given_up_peers = peers_of (job); /* NULL, without memory: from the file system */
    job->instance = job->items[0]->instance;
    release_items (job);
    return true;
}

int aw_stager_use (struct aw_stager_job *job)
{
    char **copies = job->given_up;
    int rc = 0;

    if (!job->ahead)
        return job->ended;
    job->ahead = false;
    for (uint32_t i = 0; i < job->n; i++)
        job->items[i]->needed++;
    event_active (job->stager->turn, EV_TIMEOUT, 0); /* it may get room now */
    if (!copies)
        return job->ended;
    job->given_up = NULL;
    job->ended = false;
    free (job->note); /* it is reported already */
    job->note = NULL;
    rc = aw_stager_add_copies (job, copies, job->given_up_peers, job->instance);
    free (copies);
    return rc;
}
