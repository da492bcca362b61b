/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes on which task after task fails are drained: they take no more tasks, and running tasks
 * there may end. A node without which some task could not run is not drained.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/sched/sched_state.h"

enum { ENOUGH = 100 }; /* more that live longer say nothing more */
/* Than the one that failed: as many times, and seconds. Busy nodes report that much later. */
static const double MUCH_LONGER = 4, MOMENT = 0.1;
static const double EXACT = 1e-3; /* seconds: a smaller difference between clocks means nothing */

/* When did RUN begin, which FAILED says the end of? Where it followed another on its node, the
 * start may have been reported late; then it ran for longer than there was time since. */
static double began_at (const struct aw_sched *s,
                        const struct aw_running *run,
                        const struct aw_event *failed)
{
    double began = s->now - failed->seconds;

    return began < run->start - EXACT ? began : run->start;
}

/* Attempts of RUN's set that run elsewhere and began no later than it, at BEGAN; PROOF: has one
 * lived much longer? */
static uint32_t count_living (const struct aw_sched *s,
                              const struct aw_running *run,
                              double began,
                              bool *proof)
{
    double since = s->now - fmax (MUCH_LONGER * (s->now - began), MOMENT);
    const struct aw_running *other;
    uint32_t cursor = 0, n = 0;

    *proof = false;
    while (n < ENOUGH && (other = aw_running_each (&s->running, &cursor))) {
        if (other->set != run->set || other->node == run->node || other->staging
            || other->start > began)
            continue;
        *proof = *proof || other->start < since;
        n++;
    }
    return n;
}

void aw_sched_note_health (struct aw_sched *s,
                           const struct aw_running *run,
                           const struct aw_event *ev)
{
    uint32_t living;
    bool proof;

    if (aw_demand_nodes (&run->demand) > 1 || ev->status == AW_STATUS_CANCELLED
        || ev->status == AW_STATUS_NODE_FAIL)
        return; /* several nodes, or no failure of the task */
    if (ev->status == AW_STATUS_COMPLETED) {
        aw_health_completed (&s->health, run->node, run->set);
        return;
    }
    living = count_living (s, run, began_at (s, run, ev), &proof);
    if (aw_health_failed (&s->health, run->node, run->set, run->task, living, proof))
        s->n_undecided++;
}

/* A set with unfinished tasks that needs NODE; AW_NONE: there is none. */
static uint32_t needs_node (const struct aw_sched *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->graph->n_sets; i++) {
        struct aw_demand demand = aw_set_demand (&s->graph->sets[i]);
        struct aw_counts counts = aw_sched_counts (s, i);
        uint32_t n = 0;

        if (counts.waiting + counts.ready + counts.running == 0
            || !aw_node_could_hold (&s->pool.nodes[node], &demand))
            continue;
        for (uint32_t other = 0; other < s->pool.n_nodes && n < aw_demand_nodes (&demand); other++)
            n += other != node && aw_node_could_hold (&s->pool.nodes[other], &demand);
        if (n < aw_demand_nodes (&demand))
            return i;
    }
    return AW_NONE;
}

static void drain_node (struct aw_sched *s, uint32_t node)
{
    s->health.nodes[node].drained = s->any_drained = true;
    aw_pool_lose_node (&s->pool, node);
    aw_running_touch (&s->running, node);
    aw_backlog_close (&s->backlog, node);
    aw_sched_fit_all (s);
    aw_sched_drop_reservation (s);
    aw_sched_pool_changed (s);
}

static void decide_on (struct aw_sched *s, uint32_t node, struct aw_event *action)
{
    struct aw_node_health *health = &s->health.nodes[node];
    uint32_t needed = needs_node (s, node);
    char name[96];

    aw_graph_task_name (s->graph, health->tasks[health->n - 1], name, sizeof (name));
    *action = (struct aw_event){ .type = AW_EVENT_NODE_DRAIN, .t = s->now };
    action->node = node;
    action->code = needed != AW_NONE;
    action->reason = s->drain_reason;
    if (needed == AW_NONE) {
        snprintf (s->drain_reason, sizeof (s->drain_reason),
                  "%u tasks in a row failed there, the last %s, and elsewhere they do not",
                  health->n, name);
        drain_node (s, node);
    }
    else
        snprintf (
            s->drain_reason, sizeof (s->drain_reason),
            "%u tasks in a row failed there, the last %s, but tasks of %s could run nowhere else",
            health->n, name, s->graph->sets[needed].name);
}

int aw_sched_handle_drain (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_node_health *health;

    if (ev->node >= s->pool.n_nodes)
        return aw_error_set (err, "unknown node %u is drained", ev->node);
    health = &s->health.nodes[ev->node];
    health->decided = true;
    if (ev->code == 0 && !health->drained)
        drain_node (s, ev->node);
    return 0;
}

bool aw_sched_next_drain (struct aw_sched *s, struct aw_event *action)
{
    for (uint32_t n = 0; s->n_undecided > 0 && n < s->pool.n_nodes; n++) {
        const struct aw_node_health *health = &s->health.nodes[n];

        if (!health->suspect || health->decided)
            continue;
        s->health.nodes[n].decided = true;
        s->n_undecided--;
        if (health->gone || health->n == 0)
            continue; /* lost meanwhile, or a task has succeeded */
        decide_on (s, n, action);
        return true;
    }
    s->n_undecided = 0;
    return false;
}
