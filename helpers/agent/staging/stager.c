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
    s->port_first = scratch->port_first;
    s->port_last = scratch->port_last;
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
