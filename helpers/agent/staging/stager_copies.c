/* SPDX-License-Identifier: Apache-2.0 */
/* Copies under way: which begin, whether there is room for what they find, and their end. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "agent/staging/copier.h"
#include "agent/staging/scratch.h"
#include "agent/staging/stager_state.h"

static void finish_item (struct aw_stager_item *item, uint64_t bytes, const char *error)
{
    struct aw_stager *s = item->stager;
    char text[sizeof (((struct aw_error *)0)->text)];

    aw_copier_destroy (item->copier);
    item->copier = NULL;
    s->running--;
    item->state = error ? AW_STAGER_ITEM_FAILED : AW_STAGER_ITEM_THERE;
    if (bytes > 0) /* for the one that asked first */
        for (struct aw_stager_job *job = s->jobs; job; job = job->next)
            if (!job->done && aw_stager_uses (job, item)) {
                job->bytes += bytes;
                break;
            }
    if (error) {
        s->taken -= item->bytes;
        item->bytes = 0;
        snprintf (text, sizeof (text), "%s: %s", item->job ? "stage_out" : "stage_in", error);
    }
    aw_stager_settle (s, item, error ? text : NULL);
    event_active (s->turn, EV_TIMEOUT, 0);
}

/* The source is as it was when it was brought, or it is brought anew. */
static void admit (struct aw_stager_item *item)
{
    struct aw_stager *s = item->stager;

    if (aw_stager_make_room (s, item->wanted)) {
        item->state = AW_STAGER_ITEM_COPYING;
        s->taken += item->wanted;
        item->bytes = item->wanted;
        aw_copier_answer (item->copier, true);
    }
    else if (aw_stager_may_get_room (s))
        item->state = AW_STAGER_ITEM_FULL;
    else {
        struct aw_error err;

        aw_error_set (&err, "%s: %llu bytes do not fit into the scratch directory %s",
                      item->copy.from, (unsigned long long)item->wanted, s->scratch);
        finish_item (item, 0, err.text);
    }
}

static void on_found (void *arg, uint64_t bytes, uint64_t stamp)
{
    struct aw_stager_item *item = arg;

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
    struct aw_stager_item *item = arg;
    char **grown;

    if (aw_stager_has_made (item, path))
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
    struct aw_stager_item *item = arg;

    finish_item (item, copied ? copied->bytes : 0, error);
}

int aw_stager_make_scratch (struct aw_stager *s, struct aw_error *err)
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

static void begin_copy (struct aw_stager *s, struct aw_stager_item *item)
{
    const struct aw_copier_callbacks callbacks = { item->job ? NULL : on_found,
                                                   item->job ? NULL : on_made, on_done, item };
    struct aw_error err;

    s->running++;
    item->state = AW_STAGER_ITEM_COPYING;
    if (aw_stager_make_scratch (s, &err) == 0)
        item->copier = aw_copier_start (s->base, &item->copy, &callbacks, &err);
    if (!item->copier)
        finish_item (item, 0, err.text);
}

static struct aw_stager_item *first_queued (struct aw_stager_item *list)
{
    while (list && list->state != AW_STAGER_ITEM_QUEUED)
        list = list->next;
    return list;
}

void aw_stager_pump (struct aw_stager *s)
{
    for (;;) {
        struct aw_stager_item *item = first_queued (s->fetches);

        if (!item)
            item = first_queued (s->items);
        if (!item || s->running >= s->streams)
            break;
        begin_copy (s, item);
    }
    for (struct aw_stager_item *item = s->items; item; item = item->next)
        if (item->state == AW_STAGER_ITEM_FULL) {
            admit (item);
            break; /* that may have changed the list; there is another turn */
        }
}
