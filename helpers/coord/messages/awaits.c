/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/messages/awaits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct await {
    struct await *next; /* in the list of tasks[at] */
    struct aw_asker asker;
    uint32_t n, at; /* those before AT have ended */
    uint32_t tasks[];
};

void aw_awaits_init (struct aw_awaits *awaits, const struct aw_awaits_user *user)
{
    *awaits = (struct aw_awaits){ .user = *user };
}

/* Takes all waits out, as one list. */
static struct await *take_all (struct aw_awaits *awaits)
{
    struct await *all = NULL, *list;
    size_t cursor = 0;

    while ((list = aw_table_next (&awaits->first, &cursor))) {
        struct await *last = list;

        while (last->next)
            last = last->next;
        last->next = all;
        all = list;
    }
    aw_table_finish (&awaits->first);
    memset (&awaits->first, 0, sizeof (awaits->first));
    return all;
}

void aw_awaits_finish (struct aw_awaits *awaits)
{
    struct await *all = take_all (awaits);

    while (all) {
        struct await *next = all->next;

        free (all);
        all = next;
    }
}

/* Puts AWAIT, which then is the list's or freed, where it belongs. 0, or -1 with ENOMEM. */
static int place (struct aw_awaits *awaits, struct await *await)
{
    while (await->at < await->n
           && awaits->user.has_ended (awaits->user.arg, await->tasks[await->at]))
        await->at++;
    if (await->at == await->n) {
        awaits->user.over (awaits->user.arg, &await->asker, await->tasks, await->n);
        free (await);
        return 0;
    }
    await->next = aw_table_get (&awaits->first, await->tasks[await->at]);
    if (aw_table_set (&awaits->first, await->tasks[await->at], await) == 0)
        return 0;
    free (await);
    errno = ENOMEM;
    return -1;
}

/* Without memory a wait is over too early: the program that waits sees what has not ended. */
static void place_all (struct aw_awaits *awaits, struct await *list)
{
    while (list) {
        struct await *next = list->next, *await = list;
        const struct aw_asker asker = await->asker;

        if (place (awaits, await) < 0)
            awaits->user.over (awaits->user.arg, &asker, NULL, 0);
        list = next;
    }
}

int aw_awaits_add (struct aw_awaits *awaits,
                   const struct aw_asker *asker,
                   const uint32_t *tasks,
                   uint32_t n)
{
    struct await *await = malloc (sizeof (*await) + n * sizeof (*tasks));

    if (!await)
        return -1;
    await->next = NULL;
    await->asker = *asker;
    await->n = n;
    await->at = 0;
    memcpy (await->tasks, tasks, n * sizeof (*tasks));
    return place (awaits, await);
}

void aw_awaits_ended (struct aw_awaits *awaits, uint32_t task)
{
    if (aw_table_get (&awaits->first, task) && awaits->user.has_ended (awaits->user.arg, task))
        place_all (awaits, aw_table_remove (&awaits->first, task));
}

void aw_awaits_look (struct aw_awaits *awaits)
{
    place_all (awaits, take_all (awaits));
}

static bool is_of (const struct aw_asker *asker, const struct aw_asker *pattern)
{
    return asker->node == pattern->node && (!pattern->conn || asker->conn == pattern->conn)
           && (!pattern->number || asker->number == pattern->number);
}

void aw_awaits_remove (struct aw_awaits *awaits, const struct aw_asker *asker)
{
    struct await *list = awaits->first.n_used ? take_all (awaits) : NULL, *kept = NULL;

    while (list) {
        struct await *next = list->next;

        if (is_of (&list->asker, asker))
            free (list);
        else {
            list->next = kept;
            kept = list;
        }
        list = next;
    }
    place_all (awaits, kept);
}
