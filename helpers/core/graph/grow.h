/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow with the graph: with room to spare, so that growing by one set a thousand times
 * costs little more than by a thousand at once.
 */
#ifndef AW_CORE_GRAPH_GROW_H
#define AW_CORE_GRAPH_GROW_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"

/* Half as much again as there is, where that does not do. */
static inline void aw_room_for (uint32_t *room, uint32_t n)
{
    uint32_t more = *room + *room / 2 + 8;

    if (n > *room)
        *room = n > more ? n : more;
}

/* ROOM becomes enough for a graph of SIZE. False: it is already. */
static inline bool aw_graph_size_grow (struct aw_graph_size *room, const struct aw_graph_size *size)
{
    struct aw_graph_size was = *room;

    aw_room_for (&room->n_sets, size->n_sets);
    aw_room_for (&room->n_tasks, size->n_tasks);
    aw_room_for (&room->n_instances, size->n_instances);
    aw_room_for (&room->n_topics, size->n_topics);
    return memcmp (&was, room, sizeof (was)) != 0;
}

/* *ARRAY, of OLD items of SIZE bytes and perhaps more, becomes one of NEW and one to spare, those
 * behind the old ones filled with the byte FILL. 0, or -1 with ENOMEM and nothing lost. */
static inline int aw_grow (void *array, size_t old, size_t new, size_t size, int fill)
{
    void **pointer = array;
    char *grown;

    if (*pointer && new <= old)
        return 0;
    grown = reallocarray (*pointer, new + 1, size);
    if (!grown)
        return -1;
    *pointer = grown;
    memset (grown + old * size, fill, (new + 1 - old) * size);
    return 0;
}

#endif /* AW_CORE_GRAPH_GROW_H */
