/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays with an item for each set, task, instance, topic or key of a graph, which grow with it
 * (see util/array.h).
 */
#ifndef AW_CORE_GRAPH_GROW_H
#define AW_CORE_GRAPH_GROW_H

#include <stdbool.h>
#include <string.h>

#include "core/graph/graph.h"
#include "util/array.h"

/* Makes ROOM enough for N. False: it is enough. */
static inline bool aw_room_for (uint32_t *room, uint32_t n)
{
    uint32_t old = *room;

    *room = (uint32_t)aw_array_room (old, n);
    return *room != old;
}

/* Makes ROOM enough for a graph of SIZE. False: it is enough. */
static inline bool aw_graph_size_grow (struct aw_graph_size *room, const struct aw_graph_size *size)
{
    bool sets = aw_room_for (&room->n_sets, size->n_sets);
    bool tasks = aw_room_for (&room->n_tasks, size->n_tasks);
    bool instances = aw_room_for (&room->n_instances, size->n_instances);
    bool topics = aw_room_for (&room->n_topics, size->n_topics);
    bool keys = aw_room_for (&room->n_keys, size->n_keys);

    return sets || tasks || instances || topics || keys;
}

/* Gives the array at *ARRAY, of OLD items of SIZE bytes, at least NEW items and one to spare, the
 * new ones filled with the byte FILL. 0, or -1 with ENOMEM and nothing changed. */
static inline int aw_grow (void *array, size_t old, size_t new, size_t size, int fill)
{
    size_t room = old;
    char *items;

    memcpy (&items, array, sizeof (items));
    if (items && new <= old)
        return 0;
    if (aw_array_grow (array, size, &room, new + 1) < 0)
        return -1;
    memcpy (&items, array, sizeof (items));
    memset (items + old * size, fill, (room - old) * size);
    return 0;
}

#endif /* AW_CORE_GRAPH_GROW_H */
