/* SPDX-License-Identifier: Apache-2.0 */
/* Sets that come while others wait, run and are done. */
#include "core/graph/depend_parts.h"
#include "core/graph/grow.h"

/* Has the task ended such that its successors run? In an instance that is not broken, skipped tasks
 * are such.
 */
static bool lets_go (const struct aw_depend *d, uint32_t instance, uint32_t task)
{
    return d->state[task] == AW_DEPEND_DONE || d->state[task] == AW_DEPEND_IGNORED
           || (d->state[task] == AW_DEPEND_SKIPPED
               && (!d->instances[instance].broken || (d->released && d->released[task])));
}

/* Counts the unfinished tasks that tasks of SET wait for along an edge by index or key. */
static void count_peers (struct aw_depend *d, uint32_t s, const struct aw_edge *edge)
{
    uint32_t first = aw_depend_first_task (d, 0, s);
    struct aw_task at = { 0, edge->set, 0 };

    for (; at.index < d->graph->sets[edge->set].count; at.index++) {
        uint32_t *unfinished = aw_depend_unfinished (d, edge->by, &at);
        struct aw_peers peers;

        if (lets_go (d, aw_depend_instance (d, 0, edge->set), aw_graph_task_id (d->graph, at))
            || (unfinished && (*unfinished == AW_NONE || (*unfinished)++ > 0)))
            continue;
        peers = aw_peers_after (d->graph, edge->by, s, at.index);
        for (uint32_t i = 0; i < peers.n; i++)
            d->waits[first + aw_peer (&peers, i)]++;
    }
}

/* Counts the unfinished predecessors of a new set. */
static void count_new (struct aw_depend *d, uint32_t s, bool *broken)
{
    const struct aw_set *set = &d->graph->sets[s];
    struct aw_instance *inst = &d->instances[aw_depend_instance (d, 0, s)];
    uint32_t first = aw_depend_first_task (d, 0, s);

    inst->left = set->count;
    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];

        if (d->graph->sets[edge->set].service)
            continue;
        if (edge->by != AW_BY_SET) {
            count_peers (d, s, edge);
            continue;
        }
        for (uint32_t it = 0; it < aw_graph_iterations (d->graph, edge->set); it++) {
            const struct aw_instance *before = &d->instances[aw_depend_instance (d, it, edge->set)];

            *broken = *broken || (before->broken && !edge->any);
            inst->pending += before->left > 0 || (before->broken && !edge->any);
        }
    }
    for (uint32_t n = 0; n < set->n_message_dependencies; n++) {
        uint64_t met =
            d->messages[set->message_dependencies[n].topic] / set->message_dependencies[n].count;

        if (!set->message_dependencies[n].every)
            inst->pending += met == 0;
        for (uint32_t i = 0; set->message_dependencies[n].every && i < set->count; i++)
            d->waits[first + i] += i >= met;
    }
}

/* Skips the tasks of a new set that wait for the failed or skipped task at AT. */
static int skip_orphans_of (struct aw_depend *d,
                            uint32_t s,
                            uint32_t by,
                            const struct aw_task *at,
                            double t,
                            struct aw_released *out)
{
    uint32_t first = aw_depend_first_task (d, 0, s);
    struct aw_peers peers = aw_peers_after (d->graph, by, s, at->index);

    if (!aw_depend_break_group (d, by, at))
        return 0;
    for (uint32_t i = 0; i < peers.n; i++) {
        uint32_t task = first + aw_peer (&peers, i);

        if (d->state[task] == AW_DEPEND_WAITING && aw_depend_drop (d, task, false, t, out) < 0)
            return -1;
    }
    return 0;
}

/* Tasks with a failed or skipped predecessor of the same index or key. */
static int skip_orphans (struct aw_depend *d, uint32_t s, double t, struct aw_released *out)
{
    const struct aw_set *set = &d->graph->sets[s];

    for (uint32_t e = 0; e < set->n_after; e++) {
        uint32_t from = set->after[e].set, first = aw_depend_first_task (d, 0, from);
        struct aw_task at = { 0, from, 0 };

        if (set->after[e].by == AW_BY_SET)
            continue;
        for (; at.index < d->graph->sets[from].count; at.index++) {
            uint8_t state = d->state[first + at.index];

            if ((state == AW_DEPEND_FAILED || state == AW_DEPEND_SKIPPED)
                && !lets_go (d, aw_depend_instance (d, 0, from), first + at.index)
                && skip_orphans_of (d, s, set->after[e].by, &at, t, out) < 0)
                return -1;
        }
    }
    return 0;
}

static int make_room (struct aw_depend *d, const struct aw_graph_size *old)
{
    struct aw_graph_size size = aw_graph_size (d->graph), room = d->room, was = d->room;

    if (aw_graph_size_grow (&room, &size)
        && (aw_grow (&d->first_successor, was.n_sets, room.n_sets, sizeof (*d->first_successor),
                     0xff)
                < 0
            || aw_grow (&d->last_successor, was.n_sets, room.n_sets, sizeof (*d->last_successor),
                        0xff)
                   < 0
            || aw_grow (&d->instances, was.n_instances, room.n_instances, sizeof (*d->instances), 0)
                   < 0
            || aw_grow (&d->state, was.n_tasks, room.n_tasks, sizeof (*d->state), 0) < 0
            || aw_grow (&d->counts, was.n_sets, room.n_sets, sizeof (*d->counts), 0) < 0
            || aw_grow (&d->messages, was.n_topics, room.n_topics, sizeof (*d->messages), 0) < 0
            || aw_grow (&d->next_message, was.n_topics, room.n_topics, sizeof (*d->next_message),
                        0xff)
                   < 0
            || (d->active
                && aw_grow (&d->active, was.n_instances, room.n_instances, sizeof (*d->active), 0)
                       < 0)
            || (d->waits
                && aw_grow (&d->waits, was.n_tasks, room.n_tasks, sizeof (*d->waits), 0) < 0)
            || (d->unfinished
                && aw_grow (&d->unfinished, was.n_keys, room.n_keys, sizeof (*d->unfinished), 0)
                       < 0)
            || (d->released
                && aw_grow (&d->released, was.n_tasks, room.n_tasks, sizeof (*d->released), 0)
                       < 0)))
        return -1;
    d->room = room;
    if (!d->unfinished && d->graph->n_keys
        && aw_grow (&d->unfinished, 0, room.n_keys, sizeof (*d->unfinished), 0) < 0)
        return -1;
    if (!d->waits && aw_depend_has_each (d->graph, old->n_sets)
        && aw_grow (&d->waits, 0, room.n_tasks, sizeof (*d->waits), 0) < 0)
        return -1;
    if (aw_depend_make_groups (d, old->n_sets, false) < 0)
        return -1;
    return aw_depend_successor_room (d, aw_depend_count_edges (d->graph, old->n_sets));
}

/* Nobody has waited for these topics before. */
static void begin_topics (struct aw_depend *d, const struct aw_graph_size *old)
{
    for (uint32_t i = old->n_topics; i < d->graph->n_topics; i++) {
        d->messages[i] = 0;
        d->next_message[i] = UINT64_MAX;
    }
}

/* Takes the set into account: what it waits for, and whether it can still run. */
static int take_up (struct aw_depend *d, uint32_t s, double t, struct aw_released *out)
{
    uint32_t first = aw_depend_first_task (d, 0, s);
    bool broken = false;

    count_new (d, s, &broken);
    aw_depend_count_messages_of (d, s);
    if (skip_orphans (d, s, t, out) < 0)
        return -1;
    for (uint32_t i = 0; broken && i < d->graph->sets[s].count; i++)
        if (d->state[first + i] == AW_DEPEND_WAITING
            && aw_depend_drop (d, first + i, false, t, out) < 0)
            return -1;
    return d->instances[aw_depend_instance (d, 0, s)].pending == 0
               ? aw_depend_release (d, 0, s, t, out)
               : 0;
}

int aw_depend_room (struct aw_depend *d, const struct aw_graph_size *old)
{
    if (make_room (d, old) < 0)
        return -1;
    begin_topics (d, old);
    for (uint32_t s = old->n_sets; s < d->graph->n_sets; s++)
        d->counts[s][AW_DEPEND_WAITING] = d->graph->sets[s].count;
    return 0;
}

int aw_depend_grow (struct aw_depend *d,
                    const struct aw_graph_size *old,
                    double t,
                    struct aw_released *out)
{
    for (uint32_t s = old->n_sets; s < d->graph->n_sets; s++)
        aw_depend_add_successor (d, s);
    for (uint32_t o = old->n_sets; o < d->graph->n_sets; o++)
        if (take_up (d, d->graph->order[o], t, out) < 0)
            return -1;
    return 0;
}
