/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: attempts that wait for copies, and use them. */
#include "config.h"

#include <stdlib.h>

#include "agent/staging/stager_state.h"
#include "util/clock.h"

void aw_stager_end_job (struct aw_stager_job *job, const char *error)
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

bool aw_stager_is_complete (const struct aw_stager_job *job)
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

void aw_stager_drop_job (struct aw_stager *s, struct aw_stager_job *job)
{
    struct aw_stager_job **link = &s->jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    for (uint32_t i = 0; i < job->n; i++) {
        struct aw_stager_item *item = job->items[i];

        item->users--;
        item->used = ++s->uses;
        if (item->users == 0 && item->state != AW_STAGER_ITEM_THERE)
            aw_stager_drop_item (s, item);
        else if (item->job)
            aw_stager_drop_item (s, item);
    }
    free (job->items);
    free (job);
}

static void remove_source (void *arg, const char *path)
{
    const struct aw_stager *s = arg;

    if (aw_stager_in_scratch (s, path) && !aw_stager_maker_of (s, path, NULL))
        aw_copy_remove (path);
}

/* All that JOB fetched has left the node. What was brought there stays for others; what is
 * elsewhere is not ours.
 */
static void remove_sources (struct aw_stager *s, const struct aw_stager_job *job)
{
    for (uint32_t i = 0; i < job->n; i++)
        aw_copy_sources (job->items[i]->copy.from, remove_source, s);
}

void aw_stager_settle (struct aw_stager *s, const struct aw_stager_item *item, const char *error)
{
    bool again = true;

    while (again) {
        again = false;
        for (struct aw_stager_job *job = s->jobs; job && !again; job = job->next) {
            if (job->done || !aw_stager_uses (job, item)
                || (!error && !aw_stager_is_complete (job)))
                continue;
            if (job->fetch && !error)
                remove_sources (s, job);
            aw_stager_end_job (job, error);
            again = true;
        }
    }
}

bool aw_stager_may_get_room (const struct aw_stager *s)
{
    for (const struct aw_stager_job *job = s->jobs; job; job = job->next)
        if (job->done && !job->failed && job->n > 0 && !job->fetch)
            return true;
    return false;
}
