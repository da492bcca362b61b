/* SPDX-License-Identifier: Apache-2.0 */
/* Requests become jobs and items. */
#include "config.h"

#include "agent/staging/stager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "agent/staging/scratch.h"
#include "agent/staging/stager_state.h"

/*
 * Requests
 */

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
        aw_stager_set_peer (item, peer);
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

static struct aw_stager_job *new_job (struct aw_stager *s, bool out, aw_stager_fn *done, void *arg)
{
    struct aw_stager_job *job = calloc (1, sizeof (*job));

    if (!job)
        return NULL;
    *job = (struct aw_stager_job){
        .next = s->jobs, .stager = s, .out = out, .done = done, .arg = arg
    };
    s->jobs = job;
    return job;
}

/* JOB, which may be NULL, or NULL where its copies cannot be added. */
static struct aw_stager_job *with_copies (struct aw_stager_job *job,
                                          char *const *copies,
                                          char *const *peers,
                                          uint32_t instance)
{
    if (!job || aw_stager_add_copies (job, copies, peers, instance) == 0)
        return job;
    aw_stager_release (job);
    errno = ENOMEM;
    return NULL;
}

struct aw_stager_job *aw_stager_stage_in (struct aw_stager *s,
                                          char *const *copies,
                                          char *const *peers,
                                          uint32_t instance,
                                          aw_stager_fn *done,
                                          void *arg)
{
    return with_copies (new_job (s, false, done, arg), copies, peers, instance);
}

struct aw_stager_job *aw_stager_stage_out (struct aw_stager *s,
                                           char *const *copies,
                                           aw_stager_fn *done,
                                           void *arg)
{
    return with_copies (new_job (s, true, done, arg), copies, NULL, 0);
}

/*
 * Life
 */

enum { STREAMS = 4 }; /* by default: enough to keep a parallel file system busy */

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    struct aw_stager *s = arg;

    (void)fd;
    (void)what;
    aw_stager_settle (s, NULL, NULL);
    aw_stager_pump (s);
    if (s->moved)
        s->moved (s->moved_arg);
}

struct aw_stager *aw_stager_create (struct event_base *base, const struct aw_scratch *scratch)
{
    struct aw_stager *s = calloc (1, sizeof (*s));

    if (!s)
        return NULL;
    s->base = base;
    s->capacity = scratch->bytes;
    s->memory = scratch->memory;
    s->job = scratch->job;
    s->streams = scratch->streams ? scratch->streams : STREAMS;
    s->scratch = scratch->path ? strdup (scratch->path) : NULL;
    s->turn = event_new (base, -1, 0, on_turn, s);
    if ((scratch->path && !s->scratch) || !s->turn) {
        aw_stager_destroy (s);
        errno = ENOMEM;
        return NULL;
    }
    if (s->scratch)
        (void)aw_stager_make_scratch (
            s, NULL); /* tasks may write there; the first copy reports an error */
    return s;
}

void aw_stager_destroy (struct aw_stager *s)
{
    if (!s)
        return;
    s->ending = true;
    while (s->jobs)
        aw_stager_release (s->jobs);
    while (s->out)
        aw_stager_remove_item (s, s->out);
    while (s->in)
        aw_stager_remove_item (s, s->in);
    aw_stager_end_removals (s);
    if (s->made)
        aw_scratch_remove (s->scratch);
    if (s->turn)
        event_free (s->turn);
    free (s->scratch);
    free (s);
}
