/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/node_health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/grow.h"
#include "util/array.h"

int aw_health_init (struct aw_health *s, uint32_t n_sets)
{
    memset (s, 0, sizeof (*s));
    s->n_sets = n_sets;
    s->completed = calloc ((size_t)n_sets + 1, sizeof (*s->completed));
    s->failed = calloc ((size_t)n_sets + 1, sizeof (*s->failed));
    if (s->completed && s->failed)
        return 0;
    aw_health_finish (s);
    errno = ENOMEM;
    return -1;
}

int aw_health_grow (struct aw_health *s, uint32_t n_sets)
{
    uint32_t room = s->n_sets;

    aw_room_for (&room, n_sets);
    if (aw_grow (&s->completed, s->n_sets, room, sizeof (*s->completed), 0) < 0
        || aw_grow (&s->failed, s->n_sets, room, sizeof (*s->failed), 0) < 0)
        return -1;
    s->n_sets = room;
    return 0;
}

void aw_health_finish (struct aw_health *s)
{
    int saved = errno;

    free (s->nodes);
    free (s->completed);
    free (s->failed);
    memset (s, 0, sizeof (*s));
    errno = saved;
}

int aw_health_clone (struct aw_health *s, const struct aw_health *from)
{
    if (aw_health_init (s, from->n_sets) < 0)
        return -1;
    if (aw_health_add_nodes (s, from->n_nodes) < 0) {
        aw_health_finish (s);
        return -1;
    }
    if (from->n_nodes)
        memcpy (s->nodes, from->nodes, from->n_nodes * sizeof (*s->nodes));
    memcpy (s->completed, from->completed, from->n_sets * sizeof (*s->completed));
    memcpy (s->failed, from->failed, from->n_sets * sizeof (*s->failed));
    return 0;
}

int aw_health_add_nodes (struct aw_health *s, uint32_t n)
{
    if (aw_array_reserve (&s->nodes, &s->room, n) < 0)
        return -1;
    for (; s->n_nodes < n; s->n_nodes++)
        s->nodes[s->n_nodes] = (struct aw_node_health){ .chance = 1 };
    return 0;
}

void aw_health_completed (struct aw_health *s, uint32_t node, uint32_t set)
{
    s->completed[set]++;
    s->nodes[node].n = 0;
    s->nodes[node].chance = 1;
    s->nodes[node].suspect = s->nodes[node].decided = false;
}

/* How many of the row are of SET; AW_HEALTH_TASKS where TASK is among them already. */
static uint32_t count_row (const struct aw_node_health *node, uint32_t set, uint32_t task)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < node->n; i++) {
        if (node->tasks[i] == task)
            return AW_HEALTH_TASKS;
        n += node->sets[i] == set;
    }
    return n;
}

/* Is NODE, where a task of SET has failed, to be decided on from now on? */
static bool tell (struct aw_health *s, struct aw_node_health *node, uint32_t set, bool proof)
{
    if (node->suspect || node->chance > AW_HEALTH_CHANCE || (!proof && s->completed[set] == 0))
        return false;
    node->suspect = true;
    return true;
}

bool aw_health_failed (
    struct aw_health *s, uint32_t number, uint32_t set, uint32_t task, uint32_t living, bool proof)
{
    struct aw_node_health *node = &s->nodes[number];
    uint32_t row = count_row (node, set, task);
    double failed, others;

    if (row == AW_HEALTH_TASKS || node->n == AW_HEALTH_TASKS)
        return tell (s, node, set, proof); /* a task that fails there again says nothing new */
    s->failed[set]++;
    node->tasks[node->n] = task;
    node->sets[node->n++] = set;
    failed = s->failed[set] > row ? s->failed[set] - row - 1 : 0;
    others = failed + s->completed[set] + living;
    if (others > 0)
        node->chance *= (failed + 0.5) / (others + 1);
    return tell (s, node, set, proof);
}
