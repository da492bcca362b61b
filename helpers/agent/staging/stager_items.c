/* SPDX-License-Identifier: Apache-2.0 */
/* Items, and the room that they take in the scratch directory. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "agent/staging/copier.h"
#include "agent/staging/scratch.h"
#include "agent/staging/stager_state.h"
#include "io/wire/launch.h"

static void free_item (struct aw_stager_item *item)
{
    aw_copier_destroy (item->copier);
    free ((char *)item->copy.from);
    free ((char *)item->copy.to);
    free (item->peers);
    aw_strings_finish (&item->made);
    free (item);
}

static void unlink_item (struct aw_stager_item **list, const struct aw_stager_item *item)
{
    while (*list && *list != item)
        list = &(*list)->next;
    if (*list)
        *list = item->next;
}

const char *aw_stager_place (const struct aw_stager *s, const char *path)
{
    size_t n = s->scratch ? strlen (s->scratch) : 0;

    return n > 0 && strncmp (path, s->scratch, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

bool aw_stager_in_scratch (const struct aw_stager *s, const char *path)
{
    const char *place = aw_stager_place (s, path);

    return place && *place;
}

bool aw_stager_has_made (const struct aw_stager_item *item, const char *path)
{
    for (size_t i = 0; i < item->made.n; i++)
        if (strcmp (item->made.v[i], path) == 0)
            return true;
    return false;
}

const struct aw_stager_item *aw_stager_maker_of (const struct aw_stager *s,
                                                 const char *path,
                                                 const struct aw_stager_item *except)
{
    for (const struct aw_stager_item *item = s->in; item; item = item->next)
        if (item != except && aw_stager_has_made (item, path))
            return item;
    return NULL;
}

void aw_stager_drop_item (struct aw_stager *s, struct aw_stager_item *item)
{
    if (item->copier && aw_copier_end (item->copier)) {
        s->running--;
        item->state = AW_STAGER_ITEM_ENDING;
        return;
    }
    aw_stager_remove_item (s, item);
}

void aw_stager_remove_item (struct aw_stager *s, struct aw_stager_item *item)
{
    if (item->copier && item->state != AW_STAGER_ITEM_ENDING)
        s->running--;
    aw_copier_destroy (item->copier); /* before what it made goes */
    item->copier = NULL;
    for (size_t i = item->made.n; i-- > 0;)
        if (!aw_stager_in_scratch (s, item->made.v[i])
            || aw_stager_maker_of (s, item->made.v[i], item))
            aw_strings_remove (&item->made, i);
    aw_stager_discard (s, &item->made, item->bytes);
    unlink_item (item->out ? &s->out : &s->in, item);
    free_item (item);
}

struct aw_stager_item *aw_stager_add_item (struct aw_stager *s, char *const *texts, bool out)
{
    struct aw_stager_item **link = out ? &s->out : &s->in;
    struct aw_stager_item *item = calloc (1, sizeof (*item));

    if (!item)
        return NULL;
    item->stager = s;
    item->out = out;
    item->copy.from = strdup (texts[0]);
    item->copy.to = strdup (texts[1]);
    item->copy.checksum = texts[2][0] != '\0';
    item->copy.sync = out;
    item->copy.times = !out;
    if (!item->copy.from || !item->copy.to) {
        free_item (item);
        return NULL;
    }
    while (*link)
        link = &(*link)->next;
    *link = item;
    return item;
}

void aw_stager_set_peers (struct aw_stager_item *item, const char *peers)
{
    free (item->peers);
    item->peers = *peers && strcmp (peers, AW_PEER_ANY) != 0 ? strdup (peers) : NULL;
    if (*peers && item->stager->job)
        item->copy.keep_sum = true;
}

struct aw_stager_item *aw_stager_find_item (const struct aw_stager *s, char *const *texts)
{
    for (struct aw_stager_item *item = s->in; item; item = item->next)
        if (item->state != AW_STAGER_ITEM_FAILED && item->state != AW_STAGER_ITEM_ENDING
            && strcmp (item->copy.to, texts[1]) == 0 && strcmp (item->copy.from, texts[0]) == 0)
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

/* Do BYTES fit after the removals that are under way? */
static bool will_fit (const struct aw_stager *s, uint64_t bytes)
{
    uint64_t now = room (s);

    return bytes <= now || bytes - now <= aw_stager_room_to_come (s);
}

bool aw_stager_make_room (struct aw_stager *s, uint64_t bytes)
{
    while (!will_fit (s, bytes)) {
        struct aw_stager_item *oldest = NULL;

        for (struct aw_stager_item *item = s->in; item; item = item->next)
            if (item->users == 0 && item->state == AW_STAGER_ITEM_THERE
                && (!oldest || item->used < oldest->used))
                oldest = item;
        if (!oldest)
            return false;
        aw_stager_drop_item (s, oldest);
    }
    return bytes <= room (s);
}
