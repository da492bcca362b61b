/* SPDX-License-Identifier: Apache-2.0 */
/* Which tasks become ready, and which are skipped, when others end. */
#include "core/graph/depend_parts.h"
#include "core/graph/grow.h"

static bool is_active (enum aw_depend_state state)
{
    return state == AW_DEPEND_READY || state == AW_DEPEND_RUNNING;
}

/* Not inline: workflows without services do not come here. */
__attribute__ ((noinline)) static void count_active (struct aw_depend *d,
                                                     uint32_t task,
                                                     enum aw_depend_state from,
                                                     enum aw_depend_state to)
{
    struct aw_task at = aw_graph_task (d->graph, task);
    uint32_t *n = &d->active[aw_depend_instance (d, at.iteration, at.set)];

    *n += is_active (to);
    *n -= is_active (from);
}

static void change_state (struct aw_depend *d,
                          uint32_t set,
                          uint32_t task,
                          enum aw_depend_state state)
{
    d->counts[set][d->state[task]]--;
    d->counts[set][state]++;
    if (d->active && d->graph->sets[set].served)
        count_active (d, task, (enum aw_depend_state)d->state[task], state);
    d->state[task] = (uint8_t)state;
}

void aw_depend_set_state (struct aw_depend *d, uint32_t task, enum aw_depend_state state)
{
    change_state (d, aw_graph_task (d->graph, task).set, task, state);
}

void aw_depend_run (struct aw_depend *d, uint32_t set, uint32_t task)
{
    change_state (d, set, task, AW_DEPEND_RUNNING);
}

/* All predecessors of the instance have ended: its tasks are ready, except those that wait for
 * tasks of their own index or key.
 */
int aw_depend_release (
    struct aw_depend *d, uint32_t iteration, uint32_t set, double t, struct aw_released *out)
{
    uint32_t first = aw_depend_first_task (d, iteration, set);
    uint32_t end = first + d->graph->sets[set].count;

    if (d->graph->sets[set].service)
        return 0;
    for (uint32_t task = first; task < end; task++) {
        if (d->state[task] != AW_DEPEND_WAITING || (d->waits && d->waits[task] > 0))
            continue;
        change_state (d, set, task, AW_DEPEND_READY);
        if (aw_ranges_push (&out->ready, task, task, t) < 0)
            return -1;
    }
    return 0;
}

/* One thing less that the instance waits for. */
int aw_depend_settle (
    struct aw_depend *d, uint32_t iteration, uint32_t set, double t, struct aw_released *out)
{
    if (--d->instances[aw_depend_instance (d, iteration, set)].pending > 0)
        return 0;
    return aw_depend_release (d, iteration, set, t, out);
}

/* Opens the gate of the stage. */
static int open_gate (struct aw_depend *d, double t, struct aw_released *out)
{
    const struct aw_graph *g = d->graph;
    uint32_t within = d->gate - g->first_rank; /* of the iterations' stages */
    uint32_t it = within < g->iterations * g->n_ranks ? within / g->n_ranks : 0;
    uint32_t rank = d->gate - it * g->n_ranks;

    for (uint32_t s = 0; s < g->n_base; s++)
        if (g->sets[s].rank == rank && !g->sets[s].service)
            d->gate_left += d->instances[aw_depend_instance (d, it, s)].left;
    for (uint32_t s = 0; s < g->n_base; s++)
        if (g->sets[s].rank == rank && aw_depend_settle (d, it, s, t, out) < 0)
            return -1;
    return 0;
}

/* Continues with the next stage while the open one has nothing left. */
int aw_depend_advance_gate (struct aw_depend *d, double t, struct aw_released *out)
{
    while (d->sequential && d->gate_left == 0 && d->gate < d->graph->n_stages)
        if (++d->gate < d->graph->n_stages && open_gate (d, t, out) < 0)
            return -1;
    return 0;
}

int aw_depend_begin (struct aw_depend *d, double t, struct aw_released *out)
{
    uint32_t n_gated = d->sequential ? aw_graph_n_base_instances (d->graph) : 0;

    if (d->sequential && (open_gate (d, t, out) < 0 || aw_depend_advance_gate (d, t, out) < 0))
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
                          enum aw_depend_state state)
{
    change_state (d, at->set, task, state);
    d->instances[aw_depend_instance (d, at->iteration, at->set)].left--;
    if (d->sequential && at->set < d->graph->n_base && !d->graph->sets[at->set].service
        && aw_graph_stage (d->graph, at->iteration, at->set) == d->gate)
        d->gate_left--;
}

void aw_depend_reopen (struct aw_depend *d, uint32_t task)
{
    struct aw_task at = aw_graph_task (d->graph, task);

    change_state (d, at.set, task, AW_DEPEND_WAITING);
    d->instances[aw_depend_instance (d, at.iteration, at.set)].left++;
}

bool aw_depend_is_met (const struct aw_depend *d, uint32_t task)
{
    struct aw_task at = aw_graph_task (d->graph, task);

    return d->instances[aw_depend_instance (d, at.iteration, at.set)].pending == 0
           && (!d->waits || d->waits[task] == 0);
}

int aw_depend_settle_task (struct aw_depend *d,
                           const struct aw_task *at,
                           double t,
                           struct aw_released *out)
{
    uint32_t task = aw_graph_task_id (d->graph, *at);

    if (--d->waits[task] > 0 || d->state[task] != AW_DEPEND_WAITING
        || d->graph->sets[at->set].service
        || d->instances[aw_depend_instance (d, at->iteration, at->set)].pending > 0)
        return 0;
    change_state (d, at->set, task, AW_DEPEND_READY);
    return aw_ranges_push (&out->ready, task, task, t);
}

/* Has a task in the group of AT, along an edge by key, ended for its successors to run? */
static bool is_group_needed (const struct aw_depend *d, uint32_t by, const struct aw_task *at)
{
    const struct aw_groups *groups = &aw_graph_key (d->graph, by)->before;
    struct aw_peers peers = aw_peers_of (groups, groups->group[at->index]);
    uint32_t first = aw_depend_first_task (d, at->iteration, at->set);

    for (uint32_t i = 0; i < peers.n; i++) {
        uint32_t task = first + aw_peer (&peers, i);

        if (d->state[task] != AW_DEPEND_SKIPPED || (d->released && d->released[task]))
            return true;
    }
    return false;
}

/* The task at AT has ended, and NEXT is in the instance whose tasks wait for it by index or key. */
static int settle_peers (struct aw_depend *d,
                         const struct aw_task *at,
                         uint32_t by,
                         struct aw_task next,
                         bool needed,
                         double t,
                         struct aw_released *out)
{
    uint32_t *unfinished = aw_depend_unfinished (d, by, at);
    struct aw_peers peers;

    if (unfinished && (*unfinished == AW_NONE || --*unfinished > 0))
        return 0;
    needed = needed || (unfinished && is_group_needed (d, by, at));
    peers = aw_peers_after (d->graph, by, next.set, at->index);
    for (uint32_t i = 0; i < peers.n; i++) {
        uint32_t task = aw_depend_first_task (d, next.iteration, next.set) + aw_peer (&peers, i);

        next.index = aw_peer (&peers, i);
        if ((needed ? aw_depend_settle_task (d, &next, t, out)
                    : aw_ranges_push (&d->work, task, task, t))
            < 0)
            return -1;
    }
    return 0;
}

/* The task at AT has ended, and with it, where SUCC is by set, its instance: settles ITERATION of
 * SUCC. */
static int settle_successor (struct aw_depend *d,
                             const struct aw_task *at,
                             const struct aw_successor *succ,
                             uint32_t iteration,
                             bool needed,
                             double t,
                             struct aw_released *out)
{
    struct aw_task next = { iteration, succ->set, at->index };

    if (succ->by == AW_BY_SET)
        return aw_depend_settle (d, iteration, succ->set, t, out);
    if (succ->by == AW_BY_INDEX && needed)
        return aw_depend_settle_task (d, &next, t, out);
    return settle_peers (d, at, succ->by, next, needed, t, out);
}

int aw_depend_settle_successors (
    struct aw_depend *d, const struct aw_task *at, bool needed, double t, struct aw_released *out)
{
    struct aw_instance *inst = &d->instances[aw_depend_instance (d, at->iteration, at->set)];

    if (d->graph->sets[at->set].service)
        return 0;
    for (uint32_t i = d->first_successor[at->set]; i != AW_NONE; i = d->successors[i].next) {
        const struct aw_successor *succ = &d->successors[i];
        struct aw_span span;

        if (succ->by == AW_BY_SET && (inst->left > 0 || (inst->broken && !succ->any)))
            continue;
        span = aw_span_after (d->graph, at->set, at->iteration, succ->set, succ->back);
        for (uint32_t k = 0; k < span.n; k++)
            if (settle_successor (d, at, succ, span.first + k, needed, t, out) < 0)
                return -1;
    }
    return 0;
}

/* TASK has ended, and tasks that depend on it start. */
static int pass (struct aw_depend *d,
                 uint32_t task,
                 enum aw_depend_state state,
                 double t,
                 struct aw_released *out)
{
    struct aw_task at = aw_graph_task (d->graph, task);

    aw_depend_count_end (d, &at, task, state);
    if (aw_depend_settle_successors (d, &at, true, t, out) < 0)
        return -1;
    return aw_depend_advance_gate (d, t, out);
}

int aw_depend_done (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    return pass (d, task, AW_DEPEND_DONE, t, out);
}

int aw_depend_ignore (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    return pass (d, task, AW_DEPEND_IGNORED, t, out);
}

/* Skips the waiting tasks among PEERS of an instance, and puts them on the list of work. */
static int skip (struct aw_depend *d,
                 uint32_t iteration,
                 uint32_t set,
                 const struct aw_peers *peers,
                 double t,
                 struct aw_released *out)
{
    uint32_t first = aw_depend_first_task (d, iteration, set);

    for (uint32_t i = 0; i < peers->n; i++) {
        struct aw_task at = { iteration, set, aw_peer (peers, i) };
        uint32_t task = first + at.index;

        if (d->state[task] != AW_DEPEND_WAITING)
            continue;
        aw_depend_count_end (d, &at, task, AW_DEPEND_SKIPPED);
        if (aw_ranges_push (&out->skipped, task, task, t) < 0
            || aw_ranges_push (&d->work, task, task, t) < 0)
            return -1;
    }
    return 0;
}

bool aw_depend_break_group (struct aw_depend *d, uint32_t by, const struct aw_task *at)
{
    uint32_t *unfinished = aw_depend_unfinished (d, by, at);
    bool first_break = !unfinished || *unfinished != AW_NONE;

    if (unfinished)
        *unfinished = AW_NONE;
    return first_break;
}

/* TASK failed or was skipped: skips the tasks that wait for it, for its group or its whole set. */
static int skip_successors (struct aw_depend *d, uint32_t task, double t, struct aw_released *out)
{
    struct aw_task at = aw_graph_task (d->graph, task);
    struct aw_instance *inst = &d->instances[aw_depend_instance (d, at.iteration, at.set)];
    bool first_break = !inst->broken;

    inst->broken = true;
    for (uint32_t i = d->first_successor[at.set]; i != AW_NONE; i = d->successors[i].next) {
        const struct aw_successor *succ = &d->successors[i];
        struct aw_span span = aw_span_after (d->graph, at.set, at.iteration, succ->set, succ->back);
        struct aw_peers peers;

        if (succ->any) {
            if (aw_depend_settle (d, span.first, succ->set, t, out) < 0)
                return -1;
            continue;
        }
        if (span.n == 0
            || !(succ->by == AW_BY_SET ? first_break : aw_depend_break_group (d, succ->by, &at)))
            continue;
        peers = aw_peers_after (d->graph, succ->by, succ->set, at.index);
        for (uint32_t k = 0; k < span.n; k++)
            if (skip (d, span.first + k, succ->set, &peers, t, out) < 0)
                return -1;
    }
    return 0;
}

void aw_depend_fail_alone (struct aw_depend *d, uint32_t task)
{
    struct aw_task at = aw_graph_task (d->graph, task);

    aw_depend_count_end (d, &at, task, AW_DEPEND_FAILED);
    d->instances[aw_depend_instance (d, at.iteration, at.set)].broken = true;
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

    aw_depend_count_end (d, &at, task, AW_DEPEND_FAILED);
    return skip_all_behind (d, task, t, out);
}

int aw_depend_drop (
    struct aw_depend *d, uint32_t task, bool release, double t, struct aw_released *out)
{
    struct aw_task at = aw_graph_task (d->graph, task);
    bool ran = d->state[task] == AW_DEPEND_RUNNING;

    if (release && !d->released
        && aw_grow (&d->released, 0, d->room.n_tasks, sizeof (*d->released), 0) < 0)
        return -1;
    if (release)
        d->released[task] = 1;
    aw_depend_count_end (d, &at, task, AW_DEPEND_SKIPPED);
    if (!ran && aw_ranges_push (&out->skipped, task, task, t) < 0)
        return -1;
    if (!release)
        return skip_all_behind (d, task, t, out);
    if (aw_depend_settle_successors (d, &at, true, t, out) < 0)
        return -1;
    return aw_depend_advance_gate (d, t, out);
}
