/* SPDX-License-Identifier: Apache-2.0 */
/* Items are what is brought, each with those that use it; jobs are the attempts that wait for
 * copies. A job's copies are items, shared with others, or fetches, its own. Both wait in one queue
 * for a free stream.
 */
#include "config.h"

#include "agent/stager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "agent/copier.h"
#include "agent/scratch.h"
#include "util/clock.h"

enum { TEXTS = 3 }; /* of a copy in a launch */

enum item_state {
    ITEM_QUEUED,
    ITEM_COPYING,
    ITEM_FULL, /* its copier waits for room */
    ITEM_THERE,
    ITEM_FAILED, /* and is forgotten when the last user goes */
};

/* A copy: brought for all that use it, or fetched for one job (then `job` is set). */
struct item {
    struct item *next;
    struct aw_stager *stager;
    struct aw_copy copy; /* owned texts */
    struct job *job; /* fetched for it; NULL: brought */
    enum item_state state;
    uint32_t instance; /* for which it was last looked at */
    uint64_t stamp, bytes; /* as it was brought */
    uint64_t wanted; /* bytes, while it waits for room */
    uint32_t users;
    uint64_t used; /* a clock of uses: the oldest goes first */
    struct aw_copier *copier;
    char **made; /* brought: what is there by it, all it may remove */
    size_t n_made;
};

struct job {
    struct job *next;
    uint32_t task, attempt;
    struct item **items;
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
    struct item *items; /* brought, or on their way */
    struct item *fetches;
    struct job *jobs;
};

static void pump (struct aw_stager *s);

/*
 * Items
 */

static void free_item (struct item *item)
{
    aw_copier_destroy (item->copier);
    free ((char *)item->copy.from);
    free ((char *)item->copy.to);
    for (size_t i = 0; i < item->n_made; i++)
        free (item->made[i]);
    free (item->made);
    free (item);
}

static void unlink_item (struct item **list, const struct item *item)
{
    while (*list && *list != item)
        list = &(*list)->next;
    if (*list)
        *list = item->next;
}

/* Only what is in the scratch directory is ours to remove. */
static bool in_scratch (const struct aw_stager *s, const char *path)
{
    size_t n = s->scratch ? strlen (s->scratch) : 0;

    return n > 0 && strncmp (path, s->scratch, n) == 0 && path[n] == '/' && path[n + 1];
}

static bool has_made (const struct item *item, const char *path)
{
    for (size_t i = 0; i < item->n_made; i++)
        if (strcmp (item->made[i], path) == 0)
            return true;
    return false;
}

/* The item other than EXCEPT by which PATH is there; NULL: there is none. */
static const struct item *maker_of (const struct aw_stager *s,
                                    const char *path,
                                    const struct item *except)
{
    for (const struct item *item = s->items; item; item = item->next)
        if (item != except && has_made (item, path))
            return item;
    return NULL;
}

/* Takes what it had of the scratch directory back: what it brought there, and no other did. */
static void drop_item (struct aw_stager *s, struct item *item)
{
    if (item->copier)
        s->running--;
    aw_copier_destroy (item->copier); /* before what it made goes */
    item->copier = NULL;
    for (size_t i = 0; i < item->n_made; i++)
        if (in_scratch (s, item->made[i]) && !maker_of (s, item->made[i], item))
            aw_copy_remove (item->made[i]);
    s->taken -= item->bytes;
    unlink_item (item->job ? &s->fetches : &s->items, item);
    free_item (item);
}

static struct item *new_item (struct aw_stager *s, char *const *texts, struct job *job)
{
    struct item *item = calloc (1, sizeof (*item));

    if (!item)
        return NULL;
    item->stager = s;
    item->job = job;
    item->copy.from = strdup (texts[0]);
    item->copy.to = strdup (texts[1]);
    item->copy.checksum = texts[2][0] != '\0';
    item->copy.sync = job != NULL;
    if (!item->copy.from || !item->copy.to) {
        free_item (item);
        return NULL;
    }
    return item;
}

/* Appends it: the queue is in the order of the wishes. */
static void link_item (struct item **list, struct item *item)
{
    while (*list)
        list = &(*list)->next;
    *list = item;
}

static struct item *find_item (const struct aw_stager *s, char *const *texts)
{
    for (struct item *item = s->items; item; item = item->next)
        if (item->state != ITEM_FAILED && strcmp (item->copy.to, texts[1]) == 0
            && strcmp (item->copy.from, texts[0]) == 0)
            return item;
    return NULL;
}

/*
 * Room
 */

static uint64_t room (const struct aw_stager *s)
{
    uint64_t left = s->taken < s->capacity ? s->capacity - s->taken : 0;
    uint64_t free_now = aw_scratch_free (s->scratch);

    return left < free_now ? left : free_now;
}

/* Removes what nobody uses, the oldest first, until BYTES fit. */
static bool make_room (struct aw_stager *s, uint64_t bytes)
{
    while (bytes > room (s)) {
        struct item *oldest = NULL;

        for (struct item *item = s->items; item; item = item->next)
            if (item->users == 0 && item->state == ITEM_THERE
                && (!oldest || item->used < oldest->used))
                oldest = item;
        if (!oldest)
            return false;
        drop_item (s, oldest);
    }
    return true;
}

/* Will anybody give up room? Tasks that have all they asked for will, when they end. */
static bool may_get_room (const struct aw_stager *s)
{
    for (const struct job *job = s->jobs; job; job = job->next)
        if (job->done && !job->failed && job->n > 0 && !job->fetch)
            return true;
    return false;
}

/*
 * Jobs
 */

static void end_job (struct job *job, const char *error)
{
    const struct aw_event ev = {
        .type = AW_EVENT_STAGED,
        .task = job->task,
        .attempt = job->attempt,
        .seconds = aw_clock_monotonic () - job->begun,
        .bytes = job->bytes,
    };

    job->done = true;
    job->failed = error != NULL;
    job->tell (job->arg, &ev, error);
}

static bool is_complete (const struct job *job)
{
    for (uint32_t i = 0; i < job->n; i++)
        if (job->items[i]->state != ITEM_THERE)
            return false;
    return true;
}

static bool uses (const struct job *job, const struct item *item)
{
    for (uint32_t i = 0; i < job->n; i++)
        if (job->items[i] == item)
            return true;
    return false;
}

/* Frees a job, and what it alone was waiting for. */
static void drop_job (struct aw_stager *s, struct job *job)
{
    struct job **link = &s->jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    for (uint32_t i = 0; i < job->n; i++) {
        struct item *item = job->items[i];

        item->users--;
        item->used = ++s->uses;
        if (item->users == 0 && item->state != ITEM_THERE)
            drop_item (s, item);
        else if (item->job)
            drop_item (s, item);
    }
    free (job->items);
    free (job);
}

static void remove_source (void *arg, const char *path)
{
    const struct aw_stager *s = arg;

    if (in_scratch (s, path) && !maker_of (s, path, NULL))
        aw_copy_remove (path);
}

/* All that JOB fetched has left the node. What was brought there stays for others; what is
 * elsewhere is not ours.
 */
static void remove_sources (struct aw_stager *s, const struct job *job)
{
    for (uint32_t i = 0; i < job->n; i++)
        aw_copy_sources (job->items[i]->copy.from, remove_source, s);
}

/* The copy of ITEM has ended: all that wait for it go on, or fail. Telling may change the list. */
static void settle (struct aw_stager *s, const struct item *item, const char *error)
{
    bool again = true;

    while (again) {
        again = false;
        for (struct job *job = s->jobs; job && !again; job = job->next) {
            if (job->done || !uses (job, item) || (!error && !is_complete (job)))
                continue;
            if (job->fetch && !error)
                remove_sources (s, job);
            end_job (job, error);
            again = true;
        }
    }
}

static void finish_item (struct item *item, uint64_t bytes, const char *error)
{
    struct aw_stager *s = item->stager;
    char text[sizeof (((struct aw_error *)0)->text)];

    aw_copier_destroy (item->copier);
    item->copier = NULL;
    s->running--;
    item->state = error ? ITEM_FAILED : ITEM_THERE;
    if (bytes > 0) /* for the one that asked first */
        for (struct job *job = s->jobs; job; job = job->next)
            if (!job->done && uses (job, item)) {
                job->bytes += bytes;
                break;
            }
    if (error) {
        s->taken -= item->bytes;
        item->bytes = 0;
        snprintf (text, sizeof (text), "%s: %s", item->job ? "stage_out" : "stage_in", error);
    }
    settle (s, item, error ? text : NULL);
    event_active (s->turn, EV_TIMEOUT, 0);
}

/* The source is as it was when it was brought, or it is brought anew. */
static void admit (struct item *item)
{
    struct aw_stager *s = item->stager;

    if (make_room (s, item->wanted)) {
        item->state = ITEM_COPYING;
        s->taken += item->wanted;
        item->bytes = item->wanted;
        aw_copier_answer (item->copier, true);
    }
    else if (may_get_room (s))
        item->state = ITEM_FULL;
    else {
        struct aw_error err;

        aw_error_set (&err, "%s: %llu bytes do not fit into the scratch directory %s",
                      item->copy.from, (unsigned long long)item->wanted, s->scratch);
        finish_item (item, 0, err.text);
    }
}

static void on_found (void *arg, uint64_t bytes, uint64_t stamp)
{
    struct item *item = arg;

    if (item->bytes > 0 && stamp == item->stamp) {
        aw_copier_answer (item->copier, false); /* what is there is what is wanted */
        return;
    }
    item->stager->taken -= item->bytes;
    item->bytes = 0;
    item->stamp = stamp;
    item->wanted = bytes;
    admit (item);
}

static void on_made (void *arg, const char *path)
{
    struct item *item = arg;
    char **grown;

    if (has_made (item, path))
        return;
    grown = realloc (item->made, (item->n_made + 1) * sizeof (*grown));
    if (!grown)
        return; /* it stays until the end of the run */
    item->made = grown;
    item->made[item->n_made] = strdup (path);
    if (item->made[item->n_made])
        item->n_made++;
}

static void on_done (void *arg, const struct aw_copied *copied, const char *error)
{
    struct item *item = arg;

    finish_item (item, copied ? copied->bytes : 0, error);
}

static int make_scratch (struct aw_stager *s, struct aw_error *err)
{
    uint64_t free_now;

    if (s->made)
        return 0;
    if (!s->scratch)
        return aw_error_set (err, "there is no scratch directory");
    if (aw_scratch_make (s->scratch, err) < 0)
        return -1;
    s->made = true;
    free_now = aw_scratch_free (s->scratch);
    if (s->capacity == 0)
        s->capacity = free_now == UINT64_MAX ? free_now : free_now - free_now / 10;
    return 0;
}

static void begin_copy (struct aw_stager *s, struct item *item)
{
    const struct aw_copier_callbacks callbacks = { item->job ? NULL : on_found,
                                                   item->job ? NULL : on_made, on_done, item };
    struct aw_error err;

    s->running++;
    item->state = ITEM_COPYING;
    if (make_scratch (s, &err) == 0)
        item->copier = aw_copier_start (s->base, &item->copy, &callbacks, &err);
    if (!item->copier)
        finish_item (item, 0, err.text);
}

static struct item *first_queued (struct item *list)
{
    while (list && list->state != ITEM_QUEUED)
        list = list->next;
    return list;
}

/* Starts what there are streams for: results first, they make room. */
static void pump (struct aw_stager *s)
{
    for (;;) {
        struct item *item = first_queued (s->fetches);

        if (!item)
            item = first_queued (s->items);
        if (!item || s->running >= s->streams)
            break;
        begin_copy (s, item);
    }
    for (struct item *item = s->items; item; item = item->next)
        if (item->state == ITEM_FULL) {
            admit (item);
            break; /* that may have changed the list; there is another turn */
        }
}

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pump (arg);
}

/*
 * Wishes
 */

static uint32_t count_copies (char *const *copies)
{
    uint32_t n = 0;

    while (copies && copies[n])
        n++;
    return n / TEXTS;
}

static struct job *new_job (struct aw_stager *s, uint32_t task, uint32_t attempt, uint32_t n)
{
    struct job *job = calloc (1, sizeof (*job));

    if (!job)
        return NULL;
    job->items = calloc (n + (size_t)1, sizeof (struct item *));
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
static struct item *want_item (struct aw_stager *s, char *const *texts, uint32_t instance)
{
    struct item *item = find_item (s, texts);

    if (!item) {
        item = new_item (s, texts, NULL);
        if (item)
            link_item (&s->items, item);
    }
    else if (item->state == ITEM_THERE && item->instance != instance)
        item->state = ITEM_QUEUED; /* its source may have changed: it is looked at */
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
    struct job *job = new_job (s, launch->task, launch->attempt, n);

    for (uint32_t i = 0; job && i < n; i++) {
        struct item *item = want_item (s, launch->bring + (size_t)i * TEXTS, launch->instance);

        if (!item) {
            drop_job (s, job);
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
    if (is_complete (job))
        end_job (job, NULL);
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
    struct job *job = new_job (s, task, attempt, n);

    for (uint32_t i = 0; job && i < n; i++) {
        struct item *item = new_item (s, copies + (size_t)i * TEXTS, job);

        if (!item) {
            drop_job (s, job);
            job = NULL;
            break;
        }
        item->users = 1;
        link_item (&s->fetches, item);
        job->items[job->n++] = item;
    }
    if (!job) {
        fail_at_once (task, attempt, done, arg);
        return;
    }
    job->fetch = true;
    job->tell = done;
    job->arg = arg;
    if (is_complete (job))
        end_job (job, NULL);
    else
        event_active (s->turn, EV_TIMEOUT, 0);
}

static struct job *find_job (const struct aw_stager *s, uint32_t task, uint32_t attempt)
{
    for (struct job *job = s->jobs; job; job = job->next)
        if (job->task == task && job->attempt == attempt)
            return job;
    return NULL;
}

bool aw_stager_forget (struct aw_stager *s, uint32_t task, uint32_t attempt)
{
    struct job *job;
    bool any = false;

    while ((job = find_job (s, task, attempt))) {
        drop_job (s, job);
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

    for (const struct job *job = s->jobs; job; job = job->next)
        n += !job->done;
    return n;
}

/*
 * Life
 */

struct aw_stager *aw_stager_create (struct event_base *base, const struct aw_stager_config *config)
{
    struct aw_stager *s = calloc (1, sizeof (*s));

    if (!s)
        return NULL;
    s->base = base;
    s->capacity = config->capacity;
    s->streams = config->streams ? config->streams : 1;
    s->scratch = config->scratch ? strdup (config->scratch) : NULL;
    s->turn = event_new (base, -1, 0, on_turn, s);
    if ((config->scratch && !s->scratch) || !s->turn) {
        aw_stager_destroy (s);
        errno = ENOMEM;
        return NULL;
    }
    if (s->scratch)
        make_scratch (s, NULL); /* tasks may write there; what is wrong is told by the first copy */
    return s;
}

void aw_stager_destroy (struct aw_stager *s)
{
    if (!s)
        return;
    while (s->jobs)
        drop_job (s, s->jobs);
    while (s->items)
        drop_item (s, s->items);
    if (s->made)
        aw_scratch_remove (s->scratch);
    if (s->turn)
        event_free (s->turn);
    free (s->scratch);
    free (s);
}
