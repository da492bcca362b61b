/* SPDX-License-Identifier: Apache-2.0 */
/* Starts without a round trip. Where short tasks queue for resources, nodes get the next of them in
 * advance: their agents start them as others end, and what the coordinator takes to answer is not
 * lost. The order stays that of the policy. Only the tasks that come first are assigned, and only
 * while none that would come before them can become ready. More tasks stay unassigned than nodes
 * have: these are the last to start, on the node that is free first. Tasks are taken back: one that
 * could start on another node, before any that comes after it does; those of a node where no others
 * end; all, where other tasks come first now.
 */
#include <math.h>
#include <string.h>

#include "core/sched/sched_state.h"

static const double PAUSE = 1; /* seconds without assignments where other tasks came first: more
                                  may come, as from a program that submits them */
static const double MOST = 4; /* for each place: more would not be started in a round trip either */

/* Would a task of OTHER that waits for predecessors come before those of INSTANCE? */
static bool waits_before (const struct aw_sched *s, uint32_t other, uint32_t instance)
{
    return other != instance
           && s->depend.counts[aw_graph_instance_set (s->graph, other)][AW_DEPEND_WAITING] > 0
           && s->depend.instances[other].left > 0
           && aw_ready_ranks_before (&s->ready, other, instance);
}

/* Does any? */
static bool any_before (struct aw_sched *s, uint32_t instance)
{
    const struct aw_graph *graph = s->graph;

    if (s->config.policy == AW_POLICY_FIFO || s->config.mode == AW_MODE_SEQUENTIAL
        || s->backlog.clear == instance + 1)
        return false;
    if (s->backlog.before && waits_before (s, s->backlog.before - 1, instance))
        return true;
    for (uint32_t set = 0; set < s->size.n_sets; set++) {
        if (s->depend.counts[set][AW_DEPEND_WAITING] == 0)
            continue;
        for (uint32_t k = 0; k < aw_graph_iterations (graph, set); k++) {
            uint32_t other = aw_graph_instance (graph, k, set);

            if (!waits_before (s, other, instance))
                continue;
            s->backlog.before = other + 1;
            return true;
        }
    }
    s->backlog.clear = instance + 1;
    return false;
}

/* The instance whose tasks are to be assigned; AW_NONE: none is. */
static uint32_t instance_to_assign (struct aw_sched *s)
{
    struct aw_shape *shape = aw_ready_first (&s->ready, true);
    uint32_t set, instance;

    if (!shape || shape->why != AW_BLOCK_ROOM || shape->bound || s->services.n || s->holds.plan.n
        || s->now < s->backlog.pause)
        return AW_NONE;
    instance = shape->heap[0];
    set = aw_graph_instance_set (s->graph, instance);
    if (!aw_sched_is_assignable (s, set)
        || aw_ranges_count (&s->ready.queues[instance]) <= (uint64_t)s->backlog.n + s->pool.n_nodes
        || !aw_sched_in_time_from (s, instance, s->now + s->config.backlog)
        || any_before (s, instance))
        return AW_NONE;
    return instance;
}

/* Places are those of tasks of SET, which count as OF, from now on. */
static void count_places (struct aw_sched *s, uint32_t set, uint32_t of)
{
    uint32_t cursor = 0;
    const struct aw_running *run;

    if (of == s->backlog.set && s->ready.shape_of[set] == s->backlog.shape)
        return;
    aw_backlog_count_again (&s->backlog, of, s->ready.shape_of[set]);
    while ((run = aw_running_each (&s->running, &cursor)))
        if (!run->staging && !run->released)
            aw_sched_count_place (s, run, 1);
}

/* TASK, ready since T, goes to NODE. */
static int begin_assigned (struct aw_sched *s, uint32_t task, uint32_t node, double t)
{
    struct aw_running *run = aw_running_new (&s->running, 1);

    if (!run || !aw_ready_remove (&s->ready, task))
        return -1;
    aw_idset_finish (&run->cpus);
    aw_idset_finish (&run->gpus);
    run->node = node;
    aw_sched_fill_run (s, run, task, INFINITY);
    run->start = s->backlog.t = t;
    memset (&run->demand, 0, sizeof (run->demand));
    run->staging = run->assigned = true;
    aw_running_link (&s->running, run);
    aw_backlog_assigned (&s->backlog, node, 1);
    s->backlog.instance =
        aw_graph_instance (s->graph, aw_graph_task (s->graph, task).iteration, run->set);
    s->kill_from = 0; /* where a recorded run is taken in */
    return 0;
}

bool aw_sched_next_assign (struct aw_sched *s, uint32_t *task, uint32_t *node)
{
    uint32_t instance = AW_NONE, set, of;
    double seconds;

    if (s->config.backlog > 0 && !s->stopped)
        instance = instance_to_assign (s);
    if (instance == AW_NONE)
        return false;
    set = aw_graph_instance_set (s->graph, instance);
    of = aw_estimate_set (&s->estimate, set);
    seconds = aw_sched_seconds_of (s, set);
    if (instance != s->backlog.instance && s->backlog.n + s->backlog.n_returning > 0)
        return false; /* what nodes have comes first, or comes back */
    count_places (s, set, of);
    *node = aw_backlog_next (&s->backlog, fmin (s->config.backlog / seconds, MOST));
    *task = aw_ready_front (&s->ready, instance);
    if (*node == AW_NONE || (s->failed_on && s->failed_on[*task] == *node))
        return false;
    if (begin_assigned (s, *task, *node, aw_ready_since (&s->ready, instance)) == 0)
        return true;
    s->out_of_memory = true;
    return false;
}

/* Does INSTANCE, which has ready tasks, come before those that nodes have? */
static bool comes_first (const struct aw_sched *s, uint32_t instance)
{
    if (instance == s->backlog.instance)
        return true;
    return s->config.policy == AW_POLICY_FIFO
               ? aw_ready_since (&s->ready, instance) < s->backlog.t
               : aw_ready_ranks_before (&s->ready, instance, s->backlog.instance);
}

/* Does another instance come before what nodes have? */
static bool others_come_first (struct aw_sched *s)
{
    const struct aw_shape *first = aw_ready_first (&s->ready, true);

    return first && first->heap[0] != s->backlog.instance && comes_first (s, first->heap[0]);
}

/* Must nodes give back what they have? */
static bool is_wrong (struct aw_sched *s)
{
    if (s->stopped || s->services.n || s->holds.plan.n
        || !aw_sched_in_time (s, s->backlog.instance))
        return true;
    if (!others_come_first (s))
        return false;
    s->backlog.pause = s->now + PAUSE;
    return true;
}

/* Nodes that have room for one of those that nodes have, counted up to MOST. */
static uint32_t count_room (struct aw_sched *s, uint32_t most)
{
    uint32_t place = 0, n = 0;

    while (n < most
           && aw_pool_next_fit (&s->pool, &s->ready.shapes[s->backlog.shape].demand, &place)
                  != AW_NO_NODE)
        n++;
    return n;
}

/* Is there room for one more than come back already, and no ready task of its own for it? */
static bool is_wanted (struct aw_sched *s)
{
    return aw_ranges_empty (&s->ready.queues[s->backlog.instance])
           && count_room (s, s->backlog.n_returning + 1) > s->backlog.n_returning;
}

bool aw_sched_yields (struct aw_sched *s, uint32_t instance)
{
    return s->backlog.n + s->backlog.n_returning > 0 && !s->stopped
           && aw_ranges_empty (&s->ready.queues[s->backlog.instance]) && !comes_first (s, instance)
           && count_room (s, 1) > 0;
}

struct aw_running *aw_sched_next_returned (struct aw_sched *s)
{
    struct aw_running *run;
    uint32_t node = AW_NONE;

    if (s->backlog.n > 0 && is_wrong (s))
        node = aw_backlog_first (&s->backlog);
    else if (s->backlog.n > 0 && (s->backlog.n_stranded > 0 || is_wanted (s)))
        node = aw_backlog_fullest (&s->backlog);
    if (node == AW_NONE)
        return NULL;
    run = aw_running_last (&s->running, node);
    while (run && (!run->assigned || run->killed))
        run = aw_running_previous (&s->running, run);
    return run;
}

/* When TASK became ready. The scheduler itself takes the first of an instance; now, for others. */
static double since (const struct aw_sched *s, uint32_t task)
{
    struct aw_task at = aw_graph_task (s->graph, task);
    uint32_t instance = aw_graph_instance (s->graph, at.iteration, at.set);

    return !aw_ranges_empty (&s->ready.queues[instance])
                   && aw_ready_front (&s->ready, instance) == task
               ? aw_ready_since (&s->ready, instance)
               : s->now;
}

int aw_sched_handle_assign (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    uint32_t set = aw_graph_task (s->graph, ev->task).set;
    char name[128];

    if ((run && run->attempt == ev->attempt) || ev->attempt < s->tries[ev->task].attempts)
        return 0; /* known */
    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (run || !aw_sched_is_assignable (s, set) || ev->attempt != s->tries[ev->task].attempts
        || s->depend.state[ev->task] != AW_DEPEND_READY)
        return aw_error_set (err, "%s attempt %u cannot be assigned now", name, ev->attempt);
    if (ev->node >= s->pool.n_nodes)
        return aw_error_set (err, "%s is assigned to unknown node %u", name, ev->node);
    count_places (s, set, aw_estimate_set (&s->estimate, set));
    if (begin_assigned (s, ev->task, ev->node, since (s, ev->task)) < 0)
        return aw_error_set (err, "%s cannot be assigned now", name);
    return 0;
}

int aw_sched_assign_none (struct aw_sched *s)
{
    struct aw_running *run;
    uint32_t cursor = 0;

    s->config.backlog = 0;
    while (s->backlog.n + s->backlog.n_returning > 0
           && (run = aw_running_each (&s->running, &cursor))) {
        if (!run->assigned)
            continue;
        aw_sched_leave_backlog (s, run);
        aw_running_free (&s->running, run);
        if (aw_ready_push_front (&s->ready, run->task, run->start) < 0)
            return -1;
    }
    return 0;
}
