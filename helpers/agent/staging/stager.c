/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent asks of the stager becomes jobs and items. */
#include "config.h"

#include "agent/staging/stager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "agent/staging/scratch.h"
#include "agent/staging/stager_state.h"
#include "util/clock.h"

/*
 * Wishes
 */

static uint32_t count_copies (char *const *copies)
{
    uint32_t n = 0;

    while (copies && copies[n])
        n++;
    return n / AW_STAGER_TEXTS;
}

static struct aw_stager_job *new_job (struct aw_stager *s,
                                      uint32_t task,
                                      uint32_t attempt,
                                      uint32_t n)
{
    struct aw_stager_job *job = calloc (1, sizeof (*job));

    if (!job)
        return NULL;
    job->items = calloc (n + (size_t)1, sizeof (struct aw_stager_item *));
    if (!job->items) {
        free (job);
        return NULL;
    }
    job->task = task;
    job->attempt = attempt;
    job->begun = aw_clock_monotonic ();
    job->next = s->jobs;
    s->jobs = job;
    return job;
}

/* The item that brings it for INSTANCE: one that is there or on its way, or a new one. */
static struct aw_stager_item *want_item (struct aw_stager *s, char *const *texts, uint32_t instance)
{
    struct aw_stager_item *item = aw_stager_find_item (s, texts);

    if (!item) {
        item = aw_stager_new_item (s, texts, NULL);
        if (item)
            aw_stager_link_item (&s->items, item);
    }
    else if (item->state == AW_STAGER_ITEM_THERE && item->instance != instance)
        item->state = AW_STAGER_ITEM_QUEUED; /* its source may have changed: it is looked at */
    if (item)
        item->instance = instance;
    return item;
}

static void fail_at_once (uint32_t task, uint32_t attempt, aw_stager_fn *done, void *arg)
{
    const struct aw_event ev = { .type = AW_EVENT_STAGED, .task = task, .attempt = attempt };

    done (arg, &ev, "staging: out of memory");
}

void aw_stager_bring (struct aw_stager *s,
                      const struct aw_launch *launch,
                      aw_stager_fn *done,
                      void *arg)
{
    uint32_t n = count_copies (launch->bring);
    struct aw_stager_job *job = new_job (s, launch->task, launch->attempt, n);

    for (uint32_t i = 0; job && i < n; i++) {
        struct aw_stager_item *item =
            want_item (s, launch->bring + (size_t)i * AW_STAGER_TEXTS, launch->instance);

        if (!item) {
            aw_stager_drop_job (s, job);
            job = NULL;
            break;
        }
        item->users++;
        job->items[job->n++] = item;
    }
    if (!job) {
        fail_at_once (launch->task, launch->attempt, done, arg);
        return;
    }
    job->tell = done;
    job->arg = arg;
    if (aw_stager_is_complete (job))
        aw_stager_end_job (job, NULL);
    else
        event_active (s->turn, EV_TIMEOUT, 0);
}

void aw_stager_fetch (struct aw_stager *s,
                      uint32_t task,
                      uint32_t attempt,
                      char *const *copies,
                      aw_stager_fn *done,
                      void *arg)
{
    uint32_t n = count_copies (copies);
    struct aw_stager_job *job = new_job (s, task, attempt, n);

    for (uint32_t i = 0; job && i < n; i++) {
        struct aw_stager_item *item =
            aw_stager_new_item (s, copies + (size_t)i * AW_STAGER_TEXTS, job);

        if (!item) {
            aw_stager_drop_job (s, job);
            job = NULL;
            break;
        }
        item->users = 1;
        aw_stager_link_item (&s->fetches, item);
        job->items[job->n++] = item;
    }
    if (!job) {
        fail_at_once (task, attempt, done, arg);
        return;
    }
    job->fetch = true;
    job->tell = done;
    job->arg = arg;
    if (aw_stager_is_complete (job))
        aw_stager_end_job (job, NULL);
    else
        event_active (s->turn, EV_TIMEOUT, 0);
}

static struct aw_stager_job *find_job (const struct aw_stager *s, uint32_t task, uint32_t attempt)
{
    for (struct aw_stager_job *job = s->jobs; job; job = job->next)
        if (job->task == task && job->attempt == attempt)
            return job;
    return NULL;
}

bool aw_stager_forget (struct aw_stager *s, uint32_t task, uint32_t attempt)
{
    struct aw_stager_job *job;
    bool any = false;

    while ((job = find_job (s, task, attempt))) {
        aw_stager_drop_job (s, job);
        any = true;
    }
    if (!any)
        return false;
    event_active (s->turn, EV_TIMEOUT, 0);
    return true;
}

uint32_t aw_stager_busy (const struct aw_stager *s)
{
    uint32_t n = 0;

    for (const struct aw_stager_job *job = s->jobs; job; job = job->next)
        n += !job->done;
    return n;
}

/*
 * Life
 */

enum { STREAMS = 4 }; /* by default: enough to keep a parallel file system busy */

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    aw_stager_pump (arg);
}

struct aw_stager *aw_stager_create (struct event_base *base, const struct aw_scratch *scratch)
{
    struct aw_stager *s = calloc (1, sizeof (*s));

    if (!s)
        return NULL;
    s->base = base;
    s->capacity = scratch->bytes;
    s->streams = scratch->streams ? scratch->streams : STREAMS;
    s->scratch = scratch->path ? strdup (scratch->path) : NULL;
    s->turn = event_new (base, -1, 0, on_turn, s);
    if ((scratch->path && !s->scratch) || !s->turn) {
        aw_stager_destroy (s);
        errno = ENOMEM;
        return NULL;
    }
    if (s->scratch)
        (void)aw_stager_make_scratch (s, NULL); /* tasks may write there; the first copy tells */
    return s;
}

void aw_stager_destroy (struct aw_stager *s)
{
    if (!s)
        return;
    while (s->jobs)
        aw_stager_drop_job (s, s->jobs);
    while (s->items)
        aw_stager_drop_item (s, s->items);
    if (s->made)
        aw_scratch_remove (s->scratch);
    if (s->turn)
        event_free (s->turn);
    free (s->scratch);
    free (s);
}
