/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of runs of task ids, each with the time at which it came: thousands of tasks that become
 * ready together cost one entry. Runs that touch and came at the same time are joined.
 */
#ifndef AW_CORE_RANGES_H
#define AW_CORE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aw_range {
    uint32_t first, last;
    double t;
};

struct aw_ranges {
    struct aw_range *items; /* private, as all; {0} is an empty queue */
    uint32_t head; /* index of the first run */
    uint32_t end; /* index after the last */
    uint32_t room;
    uint32_t n; /* ids */
    uint32_t most; /* runs that removals can make of these by splitting them; never above ROOM */
};

void aw_ranges_finish (struct aw_ranges *ranges);

/* Makes RANGES, uninitialised before, a copy of FROM. 0, or -1 with ENOMEM and RANGES empty. */
int aw_ranges_clone (struct aw_ranges *ranges, const struct aw_ranges *from);

bool aw_ranges_empty (const struct aw_ranges *ranges);

/* How many ids there are. */
uint32_t aw_ranges_count (const struct aw_ranges *ranges);

/* The first run, or NULL. Valid until the next change. */
const struct aw_range *aw_ranges_front (const struct aw_ranges *ranges);

/* Run number I (0: the first), or NULL. Valid until the next change. */
const struct aw_range *aw_ranges_at (const struct aw_ranges *ranges, uint32_t i);

/* Appends FIRST..LAST. 0, or -1 with ENOMEM. */
int aw_ranges_push (struct aw_ranges *ranges, uint32_t first, uint32_t last, double t);

/* Puts ID in front of all, as if it had come at T. 0, or -1 with ENOMEM. */
int aw_ranges_push_front (struct aw_ranges *ranges, uint32_t id, double t);

/* Removes the first id and returns it. The queue must not be empty. */
uint32_t aw_ranges_pop (struct aw_ranges *ranges);

/* Removes the first run. The queue must not be empty. */
void aw_ranges_drop (struct aw_ranges *ranges);

/* Removes ID. False: it is not there. Needs no memory: push has reserved the room
 * that splitting a run takes. */
bool aw_ranges_remove (struct aw_ranges *ranges, uint32_t id);

/* Removes those of FIRST..LAST for which DROP is true, in one pass, and returns their number. Needs
 * no memory either. DROP may be asked twice. */
uint32_t aw_ranges_remove_all (struct aw_ranges *ranges,
                               uint32_t first,
                               uint32_t last,
                               bool (*drop) (void *arg, uint32_t id),
                               void *arg);

/* Removes all, keeps the memory. */
void aw_ranges_clear (struct aw_ranges *ranges);

#endif /* AW_CORE_RANGES_H */
