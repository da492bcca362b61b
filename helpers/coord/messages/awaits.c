/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/messages/awaits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BY_TASK, BY_CONNECTION };

struct link {
    struct await *next, *previous;
};

struct await {
    struct link links[2]; /* among those that wait for tasks[at]; among those of its connection */
    struct aw_asker asker;
    uint32_t n, at; /* those before AT have ended */
    uint32_t tasks[];
};

void aw_awaits_init (struct aw_awaits *awaits, const struct aw_awaits_user *user)
{
    *awaits = (struct aw_awaits){ .user = *user };
}

static uint64_t connection_of (const struct aw_asker *asker)
{
    return (uint64_t)asker->node << 32 | asker->conn;
}

static uint64_t key_of (const struct await *await, int list)
{
    return list == BY_TASK ? await->tasks[await->at] : connection_of (&await->asker);
}

/* 0, or -1 with ENOMEM. */
static int link_to (struct aw_awaits *awaits, struct await *await, int list)
{
    struct await *first = aw_table_get (&awaits->first[list], key_of (await, list));

    if (aw_table_set (&awaits->first[list], key_of (await, list), await) < 0)
        return -1;
    await->links[list] = (struct link){ first, NULL };
    if (first)
        first->links[list].previous = await;
    return 0;
}

static void unlink_from (struct aw_awaits *awaits, struct await *await, int list)
{
    const struct link *link = &await->links[list];

    if (link->next)
        link->next->links[list].previous = link->previous;
    if (link->previous)
        link->previous->links[list].next = link->next;
    else if (link->next) /* instead of another one: that needs no memory */
        (void)aw_table_set (&awaits->first[list], key_of (await, list), link->next);
    else
        aw_table_remove (&awaits->first[list], key_of (await, list));
}

/* Takes all waits out of the lists of tasks, as one list. */
static struct await *take_all (struct aw_awaits *awaits)
{
    struct await *all = NULL, *list;
    size_t cursor = 0;

    while ((list = aw_table_next (&awaits->first[BY_TASK], &cursor))) {
        struct await *last = list;

        while (last->links[BY_TASK].next)
            last = last->links[BY_TASK].next;
        last->links[BY_TASK].next = all;
        all = list;
    }
    aw_table_finish (&awaits->first[BY_TASK]);
    memset (&awaits->first[BY_TASK], 0, sizeof (awaits->first[BY_TASK]));
    return all;
}

void aw_awaits_finish (struct aw_awaits *awaits)
{
    struct await *all = take_all (awaits);

    while (all) {
        struct await *next = all->links[BY_TASK].next;

        free (all);
        all = next;
    }
    aw_table_finish (&awaits->first[BY_CONNECTION]);
}

/* Passes over the tasks of AWAIT that have ended. False: all have. */
static bool still_waits (struct aw_awaits *awaits, struct await *await)
{
    while (await->at < await->n
           && awaits->user.has_ended (awaits->user.arg, await->tasks[await->at]))
        await->at++;
    return await->at < await->n;
}

/* LIST is in no list of a task. Without memory a wait is over too early: the program that waits
 * sees what has not ended. */
static void place_all (struct aw_awaits *awaits, struct await *list)
{
    while (list) {
        struct await *next = list->links[BY_TASK].next, *await = list;
        bool waits = still_waits (awaits, await);

        if (!waits || link_to (awaits, await, BY_TASK) < 0) {
            unlink_from (awaits, await, BY_CONNECTION);
            awaits->user.over (awaits->user.arg, &await->asker, await->tasks, waits ? 0 : await->n);
            free (await);
        }
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
    await->asker = *asker;
    await->n = n;
    await->at = 0;
    memcpy (await->tasks, tasks, n * sizeof (*tasks));
    if (!still_waits (awaits, await)) {
        awaits->user.over (awaits->user.arg, asker, tasks, n);
        free (await);
        return 0;
    }
    if (link_to (awaits, await, BY_CONNECTION) == 0) {
        if (link_to (awaits, await, BY_TASK) == 0)
            return 0;
        unlink_from (awaits, await, BY_CONNECTION);
    }
    free (await);
    errno = ENOMEM;
    return -1;
}

void aw_awaits_ended (struct aw_awaits *awaits, uint32_t task)
{
    if (aw_table_get (&awaits->first[BY_TASK], task)
        && awaits->user.has_ended (awaits->user.arg, task))
        place_all (awaits, aw_table_remove (&awaits->first[BY_TASK], task));
}

void aw_awaits_look (struct aw_awaits *awaits)
{
    place_all (awaits, take_all (awaits));
}

/* Removes the waits of LIST, which is of one connection, that have NUMBER; 0: all. True: some. */
static bool remove_from (struct aw_awaits *awaits, struct await *list, uint32_t number)
{
    bool any = false;

    while (list) {
        struct await *next = list->links[BY_CONNECTION].next;

        if (!number || list->asker.number == number) {
            unlink_from (awaits, list, BY_TASK);
            unlink_from (awaits, list, BY_CONNECTION);
            free (list);
            any = true;
        }
        list = next;
    }
    return any;
}

void aw_awaits_remove (struct aw_awaits *awaits, const struct aw_asker *asker)
{
    struct aw_table *all = &awaits->first[BY_CONNECTION];
    struct await *list;
    size_t cursor = 0;

    if (asker->conn)
        remove_from (awaits, aw_table_get (all, connection_of (asker)), asker->number);
    else
        while ((list = aw_table_next (all, &cursor)))
            if (list->asker.node == asker->node && remove_from (awaits, list, 0))
                cursor--;
}
