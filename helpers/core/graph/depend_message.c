/* SPDX-License-Identifier: Apache-2.0 */
/* Message dependencies. A set needs COUNT messages for each iteration; or each of its tasks, in the
 * order of iterations and indexes, needs COUNT (EVERY).
 */
#include "core/graph/depend_parts.h"

/* What came from a count of OLD to one of NOW lets these start: the numbers FROM..TO - 1 in a row.
 */
static void crossed (const struct aw_message_dependency *on,
                     uint64_t old,
                     uint64_t now,
                     uint64_t *from,
                     uint64_t *to)
{
    *from = old / on->count;
    *to = now / on->count;
}

static int settle_messages (struct aw_depend *d,
                            uint32_t set,
                            const struct aw_message_dependency *on,
                            uint64_t old,
                            uint64_t now,
                            double t,
                            struct aw_released *out)
{
    uint32_t iterations = aw_graph_iterations (d->graph, set);
    uint32_t count = on->every ? d->graph->sets[set].count : 1;
    uint64_t from, to, n = (uint64_t)iterations * count;

    crossed (on, old, now, &from, &to);
    for (uint64_t i = from; i < to && i < n; i++) {
        struct aw_task at = { (uint32_t)(i / count), set, (uint32_t)(i % count) };
        int rc = on->every ? aw_depend_settle_task (d, &at, t, out)
                           : aw_depend_settle (d, at.iteration, set, t, out);

        if (rc < 0)
            return -1;
    }
    return 0;
}

void aw_depend_count_messages_of (struct aw_depend *d, uint32_t s)
{
    const struct aw_set *set = &d->graph->sets[s];

    for (uint32_t n = 0; n < set->n_message_dependencies; n++) {
        const struct aw_message_dependency *on = &set->message_dependencies[n];
        uint64_t met = d->messages[on->topic] / on->count;
        uint64_t all = aw_graph_iterations (d->graph, s) * (on->every ? (uint64_t)set->count : 1);
        uint64_t next = (met + 1) * on->count;

        if (met < all && next < d->next_message[on->topic])
            d->next_message[on->topic] = next;
    }
}

void aw_depend_count_messages (struct aw_depend *d)
{
    for (uint32_t i = 0; i < d->graph->n_topics; i++)
        d->next_message[i] = i == d->graph->until_topic && d->messages[i] == 0 ? 1 : UINT64_MAX;
    for (uint32_t s = 0; s < d->graph->n_sets; s++)
        aw_depend_count_messages_of (d, s);
}

int aw_depend_message (
    struct aw_depend *d, uint32_t topic, uint64_t count, double t, struct aw_released *out)
{
    uint64_t old = d->messages[topic];

    if (count <= old)
        return 0;
    d->messages[topic] = count;
    aw_depend_count_messages (d);
    for (uint32_t s = 0; s < d->graph->n_sets; s++)
        for (uint32_t n = 0; n < d->graph->sets[s].n_message_dependencies; n++)
            if (d->graph->sets[s].message_dependencies[n].topic == topic
                && settle_messages (d, s, &d->graph->sets[s].message_dependencies[n], old, count, t,
                                    out)
                       < 0)
                return -1;
    return 0;
}

/* How many of the set's needs are not met, by the task in its place or by its instance. */
static uint32_t unmet (const struct aw_depend *d, const struct aw_task *at, bool every)
{
    const struct aw_set *set = &d->graph->sets[at->set];
    uint64_t number = every ? (uint64_t)at->iteration * set->count + at->index : at->iteration;
    uint32_t n = 0;

    for (uint32_t i = 0; i < set->n_message_dependencies; i++)
        if (set->message_dependencies[i].every == every
            && d->messages[set->message_dependencies[i].topic] / set->message_dependencies[i].count
                   <= number)
            n++;
    return n;
}

/* Is TASK not needed: it waits for messages alone, and those of EVERY are missing? */
static bool is_not_needed (const struct aw_depend *d, const struct aw_task *at, uint32_t task)
{
    uint32_t instance = aw_graph_instance (d->graph, at->iteration, at->set);
    uint32_t missing = unmet (d, at, true);

    return d->state[task] == AW_DEPEND_WAITING && missing > 0 && d->waits[task] == missing
           && d->instances[instance].pending == 0;
}

/* Skips the task and those that wait for such tasks alone by index or key; other successors run
 * without it.
 */
static int drop_unneeded (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    if (aw_ranges_push (&d->work, task, task, t) < 0)
        return -1;
    while (!aw_ranges_empty (&d->work)) {
        struct aw_task at;

        task = aw_ranges_pop (&d->work);
        if (d->state[task] != AW_DEPEND_WAITING)
            continue;
        at = aw_graph_task (d->graph, task);
        aw_depend_count_end (d, &at, task, AW_DEPEND_SKIPPED);
        if (aw_ranges_push (&out->skipped, task, task, t) < 0
            || aw_depend_settle_successors (d, &at, false, t, out) < 0)
            return -1;
    }
    return 0;
}

static int starve_instance (
    struct aw_depend *d, struct aw_task at, double t, struct aw_released *out, bool *failed)
{
    uint32_t pending = d->instances[aw_graph_instance (d->graph, at.iteration, at.set)].pending;
    uint32_t first = aw_graph_task_id (d->graph, at), missing = unmet (d, &at, false);

    for (; at.index < d->graph->sets[at.set].count; at.index++) {
        uint32_t task = first + at.index;
        int rc = 0;

        if (d->state[task] != AW_DEPEND_WAITING)
            continue;
        if (missing > 0 && pending == missing) {
            *failed = true;
            rc = aw_depend_drop (d, task, false, t, out);
        }
        else if (is_not_needed (d, &at, task))
            rc = drop_unneeded (d, task, t, out);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int aw_depend_starve (struct aw_depend *d, double t, struct aw_released *out, bool *failed)
{
    for (uint32_t i = 0; i < aw_graph_n_instances (d->graph); i++) {
        struct aw_task at = aw_graph_instance_place (d->graph, i);

        if (d->graph->sets[at.set].n_message_dependencies > 0
            && starve_instance (d, at, t, out, failed) < 0)
            return -1;
    }
    return aw_depend_advance_gate (d, t, out);
}
