/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/running.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"
#include "util/array.h"

int aw_running_init (struct aw_running_table *table, uint32_t n_tasks)
{
    memset (table, 0, sizeof (*table));
    table->free_slot = AW_NO_SLOT;
    table->slot_of = malloc (((size_t)n_tasks + 1) * sizeof (*table->slot_of));
    table->log = malloc (AW_RUNNING_LOG * sizeof (*table->log));
    if (!table->slot_of || !table->log) {
        aw_running_finish (table);
        errno = ENOMEM;
        return -1;
    }
    memset (table->slot_of, 0xff, ((size_t)n_tasks + 1) * sizeof (*table->slot_of));
    table->n_tasks = n_tasks;
    return 0;
}

int aw_running_grow (struct aw_running_table *table, uint32_t n_tasks)
{
    uint32_t room = table->n_tasks;

    aw_room_for (&room, n_tasks);
    if (aw_grow (&table->slot_of, table->n_tasks, room, sizeof (*table->slot_of), 0xff) < 0)
        return -1;
    table->n_tasks = room;
    return 0;
}

void aw_running_finish (struct aw_running_table *table)
{
    int saved = errno;

    for (uint32_t i = 0; i < table->n_slots; i++) {
        aw_idset_finish (&table->slots[i].cpus);
        aw_idset_finish (&table->slots[i].gpus);
    }
    free (table->slots);
    free (table->slot_of);
    free (table->first);
    free (table->last);
    free (table->endless);
    free (table->log);
    memset (table, 0, sizeof (*table));
    errno = saved;
}

int aw_running_add_nodes (struct aw_running_table *table, uint32_t n)
{
    uint32_t room[] = { table->node_room, table->node_room };

    if (aw_array_reserve (&table->first, &room[0], n) < 0
        || aw_array_reserve (&table->last, &room[1], n) < 0
        || aw_array_reserve (&table->endless, &table->node_room, n) < 0)
        return -1;
    for (; table->n_nodes < n; table->n_nodes++)
        table->first[table->n_nodes] = table->last[table->n_nodes] =
            table->endless[table->n_nodes] = AW_NO_SLOT;
    return 0;
}

void aw_running_touch (struct aw_running_table *table, uint32_t node)
{
    table->log[table->n_changes++ % AW_RUNNING_LOG] = node;
}

static struct aw_running *at (const struct aw_running_table *table, uint32_t slot)
{
    return slot == AW_NO_SLOT ? NULL : &table->slots[slot];
}

static uint32_t slot_number (const struct aw_running_table *table, const struct aw_running *run)
{
    return (uint32_t)(run - table->slots);
}

static int add_slot (struct aw_running_table *table)
{
    struct aw_running *run;

    if (aw_array_reserve (&table->slots, &table->room, table->n_slots + 1) < 0)
        return -1;
    run = &table->slots[table->n_slots];
    memset (run, 0, sizeof (*run));
    run->next = table->free_slot;
    table->free_slot = table->n_slots++;
    return 0;
}

/* They stay on the free list, as its first N, until link takes them off. */
struct aw_running *aw_running_new (struct aw_running_table *table, uint32_t n)
{
    uint32_t have = 0, slot;

    for (slot = table->free_slot; slot != AW_NO_SLOT && have < n; slot = table->slots[slot].next)
        have++;
    for (; have < n; have++)
        if (add_slot (table) < 0)
            return NULL;
    slot = table->free_slot;
    for (uint32_t i = 1; i <= n; i++) {
        struct aw_running *part = &table->slots[slot];

        part->lead = table->free_slot;
        part->more = i < n ? part->next : AW_NO_SLOT;
        slot = part->next;
    }
    return at (table, table->free_slot);
}

struct aw_running *aw_running_more (const struct aw_running_table *table,
                                    const struct aw_running *run)
{
    return at (table, run->more);
}

struct aw_running *aw_running_lead (const struct aw_running_table *table,
                                    const struct aw_running *run)
{
    return at (table, run->lead);
}

/* Ends mostly rise, so the search begins at the last one; equal ends stay in the order of the
 * starts. Those that have no end are all behind the others, and passed at once.
 */
static void insert_by_end (struct aw_running_table *table, struct aw_running *run)
{
    uint32_t me = slot_number (table, run);
    uint32_t endless = table->endless[run->node];
    uint32_t before = endless == AW_NO_SLOT || isinf (run->end) ? table->last[run->node]
                                                                : table->slots[endless].prev;

    aw_running_touch (table, run->node);
    while (before != AW_NO_SLOT && table->slots[before].end > run->end)
        before = table->slots[before].prev;
    run->prev = before;
    run->next = before == AW_NO_SLOT ? table->first[run->node] : table->slots[before].next;
    if (run->prev == AW_NO_SLOT)
        table->first[run->node] = me;
    else
        table->slots[run->prev].next = me;
    if (run->next == AW_NO_SLOT)
        table->last[run->node] = me;
    else
        table->slots[run->next].prev = me;
    if (isinf (run->end) && endless == AW_NO_SLOT)
        table->endless[run->node] = me;
}

static void remove_from_node (struct aw_running_table *table, struct aw_running *run)
{
    aw_running_touch (table, run->node);
    if (table->endless[run->node] == slot_number (table, run))
        table->endless[run->node] = run->next;
    if (run->prev == AW_NO_SLOT)
        table->first[run->node] = run->next;
    else
        table->slots[run->prev].next = run->next;
    if (run->next == AW_NO_SLOT)
        table->last[run->node] = run->prev;
    else
        table->slots[run->next].prev = run->prev;
}

/* What all parts of an attempt have in common. */
static void fill_part (struct aw_running *part, const struct aw_running *lead)
{
    part->task = lead->task;
    part->set = lead->set;
    part->attempt = lead->attempt;
    part->demand = lead->demand;
    part->start = lead->start;
    part->end = lead->end;
    part->killed = lead->killed;
}

void aw_running_link (struct aw_running_table *table, struct aw_running *run)
{
    table->n_used++;
    run->idle = false;
    table->slot_of[run->task] = slot_number (table, run);
    for (struct aw_running *part = run; part; part = aw_running_more (table, part)) {
        table->free_slot = part->next;
        if (part != run)
            fill_part (part, run);
        part->used = true;
        insert_by_end (table, part);
    }
}

void aw_running_free (struct aw_running_table *table, struct aw_running *run)
{
    table->n_used--;
    table->n_idle -= run->idle;
    table->slot_of[run->task] = AW_NO_SLOT;
    for (struct aw_running *part = run; part; part = aw_running_more (table, part)) {
        remove_from_node (table, part);
        part->used = false;
        part->next = table->free_slot;
        table->free_slot = slot_number (table, part);
    }
}

void aw_running_set_idle (struct aw_running_table *table, struct aw_running *run, bool idle)
{
    table->n_idle += idle;
    table->n_idle -= run->idle;
    run->idle = idle;
}

void aw_running_set_end (struct aw_running_table *table, struct aw_running *run, double end)
{
    for (struct aw_running *part = run; part; part = aw_running_more (table, part)) {
        remove_from_node (table, part);
        part->end = end;
        insert_by_end (table, part);
    }
}

struct aw_running *aw_running_find (const struct aw_running_table *table, uint32_t task)
{
    return task < table->n_tasks ? at (table, table->slot_of[task]) : NULL;
}

struct aw_running *aw_running_each (const struct aw_running_table *table, uint32_t *cursor)
{
    while (*cursor < table->n_slots) {
        struct aw_running *run = &table->slots[(*cursor)++];

        if (run->used && run->lead == *cursor - 1)
            return run;
    }
    return NULL;
}

struct aw_running *aw_running_first (const struct aw_running_table *table, uint32_t node)
{
    return at (table, table->first[node]);
}

struct aw_running *aw_running_next (const struct aw_running_table *table,
                                    const struct aw_running *run)
{
    return at (table, run->next);
}

struct aw_running *aw_running_last (const struct aw_running_table *table, uint32_t node)
{
    return at (table, table->last[node]);
}

struct aw_running *aw_running_previous (const struct aw_running_table *table,
                                        const struct aw_running *run)
{
    return at (table, run->prev);
}

int aw_running_clone (struct aw_running_table *table, const struct aw_running_table *from)
{
    if (aw_running_init (table, from->n_tasks) < 0)
        return -1;
    if (aw_running_add_nodes (table, from->n_nodes) < 0)
        goto fail;
    if (from->n_slots > 0) {
        table->slots = malloc (from->n_slots * sizeof (*table->slots));
        if (!table->slots)
            goto fail;
        table->room = from->n_slots;
    }
    for (; table->n_slots < from->n_slots; table->n_slots++) {
        const struct aw_running *old = &from->slots[table->n_slots];
        struct aw_running *run = &table->slots[table->n_slots];

        *run = *old;
        memset (&run->cpus, 0, sizeof (run->cpus));
        memset (&run->gpus, 0, sizeof (run->gpus));
        if (old->used
            && (aw_idset_copy (&run->cpus, &old->cpus) < 0
                || aw_idset_copy (&run->gpus, &old->gpus) < 0)) {
            table->n_slots++;
            goto fail;
        }
    }
    table->n_used = from->n_used;
    table->n_idle = from->n_idle;
    table->free_slot = from->free_slot;
    memcpy (table->slot_of, from->slot_of, from->n_tasks * sizeof (*table->slot_of));
    if (from->n_nodes > 0) {
        memcpy (table->first, from->first, from->n_nodes * sizeof (*table->first));
        memcpy (table->last, from->last, from->n_nodes * sizeof (*table->last));
        memcpy (table->endless, from->endless, from->n_nodes * sizeof (*table->endless));
    }
    return 0;
fail:
    aw_running_finish (table);
    errno = ENOMEM;
    return -1;
}
