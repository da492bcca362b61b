/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, at most half full; the hash is FNV-1a (Fowler, Noll, Vo; RFC 9923). */
#include "util/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

struct aw_names_slot {
    char *name; /* NULL: free */
    uint32_t value;
};

void aw_names_init (struct aw_names *names)
{
    memset (names, 0, sizeof (*names));
}

void aw_names_finish (struct aw_names *names)
{
    int saved = errno;

    for (uint32_t i = 0; i < names->n_slots; i++)
        free (names->slots[i].name);
    free (names->slots);
    aw_names_init (names);
    errno = saved;
}

/* The slot that has the name, or the free one where it would go. */
static struct aw_names_slot *find (const struct aw_names *names, const char *name, size_t len)
{
    uint32_t mask = names->n_slots - 1;

    for (uint32_t i = aw_hash32 (AW_HASH32_BASIS, name, len) & mask;; i = (i + 1) & mask) {
        struct aw_names_slot *slot = &names->slots[i];
        if (!slot->name || (strncmp (slot->name, name, len) == 0 && slot->name[len] == '\0'))
            return slot;
    }
}

static int grow (struct aw_names *names)
{
    struct aw_names old = *names;
    uint32_t n = old.n_slots ? old.n_slots * 2 : 64;
    struct aw_names_slot *slots = calloc (n, sizeof (*slots));

    if (!slots)
        return -1;
    names->slots = slots;
    names->n_slots = n;
    for (uint32_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].name)
            *find (names, old.slots[i].name, strlen (old.slots[i].name)) = old.slots[i];
    free (old.slots);
    return 0;
}

int aw_names_set (struct aw_names *names, const char *name, uint32_t value)
{
    struct aw_names_slot *slot;

    if (names->n_used >= names->n_slots / 2 && grow (names) < 0)
        return -1;
    slot = find (names, name, strlen (name));
    if (!slot->name) {
        slot->name = strdup (name);
        if (!slot->name)
            return -1;
        names->n_used++;
    }
    slot->value = value;
    return 0;
}

void aw_names_remove (struct aw_names *names, const char *name)
{
    uint32_t mask = names->n_slots - 1, hole, i;

    if (!names->n_slots)
        return;
    hole = (uint32_t)(find (names, name, strlen (name)) - names->slots);
    if (!names->slots[hole].name)
        return;
    free (names->slots[hole].name);
    /* What comes after it moves up, unless its own place is between the hole and it. */
    for (i = (hole + 1) & mask; names->slots[i].name; i = (i + 1) & mask) {
        const char *other = names->slots[i].name;
        uint32_t home = aw_hash32 (AW_HASH32_BASIS, other, strlen (other)) & mask;

        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        names->slots[hole] = names->slots[i];
        hole = i;
    }
    names->slots[hole].name = NULL;
    names->n_used--;
}

uint32_t aw_names_get (const struct aw_names *names, const char *name, size_t len)
{
    const struct aw_names_slot *slot;

    if (!names->n_slots)
        return AW_NAMES_NONE;
    slot = find (names, name, len);
    return slot->name ? slot->value : AW_NAMES_NONE;
}
