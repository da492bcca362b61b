/* SPDX-License-Identifier: Apache-2.0 */
#include "core/graph/depend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/depend_parts.h"
#include "core/graph/grow.h"

static uint32_t instance_of (const struct aw_depend *d, uint32_t iteration, uint32_t set)
{
    return aw_graph_instance (d->graph, iteration, set);
}

static uint32_t first_task (const struct aw_depend *d, uint32_t iteration, uint32_t set)
{
    return aw_graph_first_task (d->graph, iteration, set);
}

/* Does the predecessor at the other end of an edge exist in this iteration? */
static bool reaches_back (uint32_t iteration, uint32_t back)
{
    return iteration >= back;
}

/* Room for N more successors. */
int aw_depend_successor_room (struct aw_depend *d, uint64_t n)
{
    uint32_t room = d->successor_room;
    struct aw_successor *successors;

    if (n <= d->successor_room - d->n_successors)
        return 0;
    if (n >= UINT32_MAX - d->n_successors)
        return -1;
    aw_room_for (&room, d->n_successors + (uint32_t)n);
    successors = reallocarray (d->successors, room, sizeof (*successors));
    if (!successors)
        return -1;
    d->successors = successors;
    d->successor_room = room;
    return 0;
}

/* SET is a successor of those that it waits for: the last one of each. There is room. */
void aw_depend_add_successor (struct aw_depend *d, uint32_t set)
{
    const struct aw_set *s = &d->graph->sets[set];

    for (uint32_t e = 0; e < s->n_after; e++) {
        const struct aw_edge *edge = &s->after[e];
        uint32_t *last = &d->last_successor[edge->set];
        uint32_t number = d->n_successors++;

        d->successors[number] = (struct aw_successor){ set, edge->back, edge->each, AW_NONE };
        *(*last == AW_NONE ? &d->first_successor[edge->set] : &d->successors[*last].next) = number;
        *last = number;
    }
}

/* Edges of the sets from FROM on. */
uint64_t aw_depend_count_edges (const struct aw_graph *g, uint32_t from)
{
    uint64_t n = 0;

    for (uint32_t s = from; s < g->n_sets; s++)
        n += g->sets[s].n_after;
    return n;
}

static int fill_successors (struct aw_depend *d)
{
    const struct aw_graph *g = d->graph;

    if (aw_grow (&d->first_successor, 0, g->n_sets, sizeof (*d->first_successor), 0xff) < 0
        || aw_grow (&d->last_successor, 0, g->n_sets, sizeof (*d->last_successor), 0xff) < 0)
        return -1;
    if (aw_depend_successor_room (d, aw_depend_count_edges (g, 0) + 1) < 0)
        return -1;
    for (uint32_t s = 0; s < g->n_sets; s++)
        aw_depend_add_successor (d, s);
    return 0;
}

/* Does a set from FROM on wait for something task by task? */
bool aw_depend_has_each (const struct aw_graph *g, uint32_t from)
{
    for (uint32_t s = from; s < g->n_sets; s++)
        for (uint32_t e = 0; e < g->sets[s].n_after; e++)
            if (g->sets[s].after[e].each)
                return true;
    for (uint32_t s = from; s < g->n_sets; s++)
        for (uint32_t n = 0; n < g->sets[s].n_message_dependencies; n++)
            if (g->sets[s].message_dependencies[n].every)
                return true;
    return false;
}

/* Counts what the instance of SET in ITERATION waits for. */
static void count_predecessors (struct aw_depend *d, uint32_t iteration, uint32_t s)
{
    const struct aw_set *set = &d->graph->sets[s];
    struct aw_instance *inst = &d->instances[instance_of (d, iteration, s)];
    uint32_t each = 0;

    inst->left = set->count;
    inst->pending = d->sequential && s < d->graph->n_base; /* the gate */
    for (uint32_t e = 0; e < set->n_after; e++) {
        if (!reaches_back (iteration, set->after[e].back))
            continue;
        if (set->after[e].each)
            each++;
        else if (s < d->graph->n_base)
            inst->pending++;
        else
            inst->pending += aw_graph_iterations (d->graph, set->after[e].set);
    }
    for (uint32_t n = 0; n < set->n_message_dependencies; n++) {
        if (set->message_dependencies[n].every)
            each++;
        else
            inst->pending++;
    }
    for (uint32_t i = 0; each && i < set->count; i++)
        d->waits[first_task (d, iteration, s) + i] = each;
}

int aw_depend_init (struct aw_depend *d, const struct aw_graph *graph, bool sequential)
{
    memset (d, 0, sizeof (*d));
    d->graph = graph;
    d->sequential = sequential;
    d->room = aw_graph_size (graph);
    d->instances = calloc ((size_t)aw_graph_n_instances (graph) + 1, sizeof (*d->instances));
    d->state = calloc ((size_t)graph->n_tasks + 1, sizeof (*d->state));
    d->messages = calloc ((size_t)graph->n_topics + 1, sizeof (*d->messages));
    d->next_message = calloc ((size_t)graph->n_topics + 1, sizeof (*d->next_message));
    d->counts = calloc ((size_t)graph->n_sets + 1, sizeof (*d->counts));
    if (aw_depend_has_each (graph, 0))
        d->waits = calloc ((size_t)graph->n_tasks + 1, sizeof (*d->waits));
    if (!d->instances || !d->state || !d->counts || !d->messages || !d->next_message
        || (aw_depend_has_each (graph, 0) && !d->waits) || fill_successors (d) < 0) {
        aw_depend_finish (d);
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        d->counts[s][AW_TASK_WAITING] = graph->sets[s].count * aw_graph_iterations (graph, s);
        for (uint32_t it = 0; it < aw_graph_iterations (graph, s); it++)
            count_predecessors (d, it, s);
    }
    aw_depend_count_messages (d);
    return 0;
}

void aw_depend_finish (struct aw_depend *d)
{
    int saved = errno;

    free (d->successors);
    free (d->first_successor);
    free (d->last_successor);
    free (d->instances);
    free (d->state);
    free (d->waits);
    free (d->counts);
    free (d->messages);
    free (d->next_message);
    free (d->released);
    aw_ranges_finish (&d->work);
    memset (d, 0, sizeof (*d));
    errno = saved;
}

int aw_depend_clone (struct aw_depend *d, const struct aw_depend *from)
{
    const struct aw_graph *g = from->graph;

    if (aw_depend_init (d, g, from->sequential) < 0)
        return -1;
    if (from->released && aw_grow (&d->released, 0, g->n_tasks, sizeof (*d->released), 0) < 0) {
        aw_depend_finish (d);
        return -1;
    }
    if (d->released)
        memcpy (d->released, from->released, g->n_tasks * sizeof (*d->released));
    memcpy (d->instances, from->instances, aw_graph_n_instances (g) * sizeof (*d->instances));
    memcpy (d->state, from->state, g->n_tasks * sizeof (*d->state));
    memcpy (d->counts, from->counts, g->n_sets * sizeof (*d->counts));
    if (d->waits)
        memcpy (d->waits, from->waits, g->n_tasks * sizeof (*d->waits));
    memcpy (d->messages, from->messages, g->n_topics * sizeof (*d->messages));
    aw_depend_count_messages (d);
    d->gate_iteration = from->gate_iteration;
    d->gate_rank = from->gate_rank;
    d->gate_left = from->gate_left;
    return 0;
}

static void change_state (struct aw_depend *d,
                          uint32_t set,
                          uint32_t task,
                          enum aw_task_state state)
{
    d->counts[set][d->state[task]]--;
    d->counts[set][state]++;
    d->state[task] = (uint8_t)state;
}

void aw_depend_set_state (struct aw_depend *d, uint32_t task, enum aw_task_state state)
{
    change_state (d, aw_graph_task (d->graph, task).set, task, state);
}

/* Nothing of the whole instance is waited for any more: its tasks are ready but those that wait for
 * their own index. */
int aw_depend_release (
    struct aw_depend *d, uint32_t iteration, uint32_t set, double t, struct aw_released *out)
{
    uint32_t first = first_task (d, iteration, set);
    uint32_t end = first + d->graph->sets[set].count;

    for (uint32_t task = first; task < end; task++) {
        if (d->state[task] != AW_TASK_WAITING || (d->waits && d->waits[task] > 0))
            continue;
        change_state (d, set, task, AW_TASK_READY);
        if (aw_ranges_push (&out->ready, task, task, t) < 0)
            return -1;
    }
    return 0;
}

/* One thing less that the instance waits for. */
int aw_depend_settle (
    struct aw_depend *d, uint32_t iteration, uint32_t set, double t, struct aw_released *out)
{
    if (--d->instances[instance_of (d, iteration, set)].pending > 0)
        return 0;
    return aw_depend_release (d, iteration, set, t, out);
}

/* Opens the gate of the stage in gate_iteration, gate_rank. */
static int open_gate (struct aw_depend *d, double t, struct aw_released *out)
{
    const struct aw_graph *g = d->graph;

    for (uint32_t s = 0; s < g->n_base; s++)
        if (g->sets[s].rank == d->gate_rank)
            d->gate_left += d->instances[instance_of (d, d->gate_iteration, s)].left;
    for (uint32_t s = 0; s < g->n_base; s++)
        if (g->sets[s].rank == d->gate_rank
            && aw_depend_settle (d, d->gate_iteration, s, t, out) < 0)
            return -1;
    return 0;
}

/* Goes on to the next stage while the open one has nothing left. */
int aw_depend_advance_gate (struct aw_depend *d, double t, struct aw_released *out)
{
    while (d->sequential && d->gate_left == 0 && d->gate_iteration < d->graph->iterations) {
        if (++d->gate_rank == d->graph->n_ranks) {
            d->gate_rank = 0;
            if (++d->gate_iteration == d->graph->iterations)
                break;
        }
        if (open_gate (d, t, out) < 0)
            return -1;
    }
    return 0;
}

int aw_depend_begin (struct aw_depend *d, double t, struct aw_released *out)
{
    uint32_t n_gated = d->sequential ? d->graph->iterations * d->graph->n_base : 0;

    if (d->sequential && open_gate (d, t, out) < 0)
        return -1;
    for (uint32_t i = n_gated; i < aw_graph_n_instances (d->graph); i++) {
        struct aw_task at = aw_graph_instance_place (d->graph, i);

        if (d->instances[i].pending == 0 && aw_depend_release (d, at.iteration, at.set, t, out) < 0)
            return -1;
    }
    return 0;
}

/* The task has its end: its instance and its stage have one less to wait for. */
void aw_depend_count_end (struct aw_depend *d,
                          const struct aw_task *at,
                          uint32_t task,
                          enum aw_task_state state)
{
    const struct aw_set *set = &d->graph->sets[at->set];

    change_state (d, at->set, task, state);
    d->instances[instance_of (d, at->iteration, at->set)].left--;
    if (d->sequential && at->set < d->graph->n_base && at->iteration == d->gate_iteration
        && set->rank == d->gate_rank)
        d->gate_left--;
}

int aw_depend_settle_task (struct aw_depend *d,
                           const struct aw_task *at,
                           double t,
                           struct aw_released *out)
{
    uint32_t task = aw_graph_task_id (d->graph, *at);

    if (--d->waits[task] > 0 || d->state[task] != AW_TASK_WAITING
        || d->instances[instance_of (d, at->iteration, at->set)].pending > 0)
        return 0;
    change_state (d, at->set, task, AW_TASK_READY);
    return aw_ranges_push (&out->ready, task, task, t);
}

int aw_depend_tell (
    struct aw_depend *d, const struct aw_task *at, bool twins, double t, struct aw_released *out)
{
    struct aw_instance *inst = &d->instances[instance_of (d, at->iteration, at->set)];

    for (uint32_t i = d->first_successor[at->set]; i != AW_NONE; i = d->successors[i].next) {
        const struct aw_successor *succ = &d->successors[i];
        struct aw_task next = { at->iteration + succ->back, succ->set, at->index };
        int rc = 0;

        if (succ->set >= d->graph->n_base)
            next.iteration = 0;
        if (next.iteration >= d->graph->iterations)
            continue;
        if (succ->each)
            rc = twins ? aw_depend_settle_task (d, &next, t, out) : 0;
        else if (inst->left == 0 && !inst->broken)
            rc = aw_depend_settle (d, next.iteration, next.set, t, out);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int aw_depend_done (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    struct aw_task at = aw_graph_task (d->graph, task);

    aw_depend_count_end (d, &at, task, AW_TASK_DONE);
    if (aw_depend_tell (d, &at, true, t, out) < 0)
        return -1;
    return aw_depend_advance_gate (d, t, out);
}

/* Skips FIRST..LAST of an instance as far as they wait; what follows from that is put on the list
 * of work. */
static int skip (struct aw_depend *d,
                 uint32_t iteration,
                 uint32_t set,
                 uint32_t first,
                 uint32_t last,
                 double t,
                 struct aw_released *out)
{
    for (uint32_t task = first; task <= last; task++) {
        struct aw_task at = { iteration, set, task - first_task (d, iteration, set) };

        if (d->state[task] != AW_TASK_WAITING)
            continue;
        aw_depend_count_end (d, &at, task, AW_TASK_SKIPPED);
        if (aw_ranges_push (&out->skipped, task, task, t) < 0
            || aw_ranges_push (&d->work, task, task, t) < 0)
            return -1;
    }
    return 0;
}

/* TASK failed or was skipped: so are those that wait for it, or for its whole set. */
static int skip_successors (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    struct aw_task at = aw_graph_task (d->graph, task);
    struct aw_instance *inst = &d->instances[instance_of (d, at.iteration, at.set)];
    bool first_break = !inst->broken;

    inst->broken = true;
    for (uint32_t i = d->first_successor[at.set]; i != AW_NONE; i = d->successors[i].next) {
        const struct aw_successor *succ = &d->successors[i];
        uint32_t it = succ->set < d->graph->n_base ? at.iteration + succ->back : 0;
        uint32_t first;
        int rc = 0;

        if (it >= d->graph->iterations)
            continue;
        first = first_task (d, it, succ->set);
        if (succ->each)
            rc = skip (d, it, succ->set, first + at.index, first + at.index, t, out);
        else if (first_break)
            rc =
                skip (d, it, succ->set, first, first + d->graph->sets[succ->set].count - 1, t, out);
        if (rc < 0)
            return -1;
    }
    return 0;
}

void aw_depend_fail_alone (struct aw_depend *d, uint32_t task)
{
    struct aw_task at = aw_graph_task (d->graph, task);

    aw_depend_count_end (d, &at, task, AW_TASK_FAILED);
    d->instances[instance_of (d, at.iteration, at.set)].broken = true;
}

static int skip_all_behind (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    if (skip_successors (d, task, t, out) < 0)
        return -1;
    while (!aw_ranges_empty (&d->work))
        if (skip_successors (d, aw_ranges_pop (&d->work), t, out) < 0)
            return -1;
    return aw_depend_advance_gate (d, t, out);
}

int aw_depend_fail (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    struct aw_task at = aw_graph_task (d->graph, task);

    aw_depend_count_end (d, &at, task, AW_TASK_FAILED);
    return skip_all_behind (d, task, t, out);
}

int aw_depend_drop (
    struct aw_depend *d, uint32_t task, bool release, double t, struct aw_released *out)
{
    struct aw_task at = aw_graph_task (d->graph, task);
    bool ran = d->state[task] == AW_TASK_RUNNING;

    if (release && !d->released
        && aw_grow (&d->released, 0, d->room.n_tasks, sizeof (*d->released), 0) < 0)
        return -1;
    if (release)
        d->released[task] = 1;
    aw_depend_count_end (d, &at, task, AW_TASK_SKIPPED);
    if (!ran && aw_ranges_push (&out->skipped, task, task, t) < 0)
        return -1;
    if (!release)
        return skip_all_behind (d, task, t, out);
    if (aw_depend_tell (d, &at, true, t, out) < 0)
        return -1;
    return aw_depend_advance_gate (d, t, out);
}
