/* SPDX-License-Identifier: Apache-2.0 */
#include "core/running.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    free (table->log);
    memset (table, 0, sizeof (*table));
    errno = saved;
}

int aw_running_add_nodes (struct aw_running_table *table, uint32_t n)
{
    uint32_t *first, *last;

    if (n <= table->n_nodes)
        return 0;
    first = realloc (table->first, n * sizeof (*first));
    if (first)
        table->first = first;
    last = realloc (table->last, n * sizeof (*last));
    if (last)
        table->last = last;
    if (!first || !last)
        return -1;
    for (; table->n_nodes < n; table->n_nodes++)
        first[table->n_nodes] = last[table->n_nodes] = AW_NO_SLOT;
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

struct aw_running *aw_running_new (struct aw_running_table *table)
{
    struct aw_running *run = at (table, table->free_slot);

    if (run)
        return run; /* taken off the free list by link */
    if (table->n_slots == table->room) {
        uint32_t room = table->room ? 2 * table->room : 64;
        struct aw_running *slots = realloc (table->slots, room * sizeof (*slots));
        if (!slots)
            return NULL;
        table->slots = slots;
        table->room = room;
    }
    run = &table->slots[table->n_slots++];
    memset (run, 0, sizeof (*run));
    run->next = AW_NO_SLOT;
    table->free_slot = slot_number (table, run);
    return run;
}

/* Ends mostly rise, so the place is looked for from behind; equal ends stay in the order of the
 * starts. */
static void insert_by_end (struct aw_running_table *table, struct aw_running *run)
{
    uint32_t me = slot_number (table, run);
    uint32_t before = table->last[run->node];

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
}

static void remove_from_node (struct aw_running_table *table, struct aw_running *run)
{
    aw_running_touch (table, run->node);
    if (run->prev == AW_NO_SLOT)
        table->first[run->node] = run->next;
    else
        table->slots[run->prev].next = run->next;
    if (run->next == AW_NO_SLOT)
        table->last[run->node] = run->prev;
    else
        table->slots[run->next].prev = run->prev;
}

void aw_running_link (struct aw_running_table *table, struct aw_running *run)
{
    table->free_slot = run->next;
    run->used = true;
    table->n_used++;
    table->slot_of[run->task] = slot_number (table, run);
    insert_by_end (table, run);
}

void aw_running_free (struct aw_running_table *table, struct aw_running *run)
{
    remove_from_node (table, run);
    table->slot_of[run->task] = AW_NO_SLOT;
    run->used = false;
    table->n_used--;
    run->next = table->free_slot;
    table->free_slot = slot_number (table, run);
}

void aw_running_set_end (struct aw_running_table *table, struct aw_running *run, double end)
{
    remove_from_node (table, run);
    run->end = end;
    insert_by_end (table, run);
}

struct aw_running *aw_running_find (const struct aw_running_table *table, uint32_t task)
{
    return task < table->n_tasks ? at (table, table->slot_of[task]) : NULL;
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

int aw_running_clone (struct aw_running_table *table, const struct aw_running_table *from)
{
    if (aw_running_init (table, from->n_tasks) < 0)
        return -1;
    if (aw_running_add_nodes (table, from->n_nodes) < 0)
        goto fail;
    for (uint32_t node = 0; node < from->n_nodes; node++) {
        const struct aw_running *old;

        for (old = aw_running_first (from, node); old; old = aw_running_next (from, old)) {
            struct aw_running *run = aw_running_new (table);
            struct aw_running kept;

            if (!run || aw_idset_copy (&run->cpus, &old->cpus) < 0
                || aw_idset_copy (&run->gpus, &old->gpus) < 0)
                goto fail;
            kept = *run;
            *run = *old;
            run->cpus = kept.cpus;
            run->gpus = kept.gpus;
            run->next = kept.next;
            aw_running_link (table, run);
        }
    }
    return 0;
fail:
    aw_running_finish (table);
    errno = ENOMEM;
    return -1;
}
