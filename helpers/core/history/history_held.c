/* SPDX-License-Identifier: Apache-2.0 */
/* What attempts hold of nodes, which must have it free. */
#include "core/history/history_parts.h"

#include <math.h>
#include <stdlib.h>

/* "simulate@2[17] WHAT" as an error. */
int aw_history_refuse (const struct aw_history *history,
                       uint32_t task,
                       const char *what,
                       struct aw_error *err)
{
    char name[128];

    aw_graph_task_name (history->graph, task, name, sizeof (name));
    return aw_error_set (err, "%s %s", name, what);
}

/* What the START holds on its node number I. */
static struct aw_held held_by_start (const struct aw_history *history,
                                     const struct aw_event *ev,
                                     uint32_t i)
{
    const struct aw_part *more = i ? &ev->more[i - 1] : NULL;
    struct aw_demand demand =
        aw_set_demand (&history->graph->sets[aw_graph_task (history->graph, ev->task).set]);

    return (struct aw_held){
        .node = history->first_node + (more ? more->node : ev->node),
        .cpus = aw_idset_count (more ? &more->cpus : &ev->cpus),
        .gpu_parts = aw_idset_count (more ? &more->gpus : &ev->gpus) * aw_demand_part (&demand),
    };
}

struct aw_held aw_history_held (const struct aw_history *history,
                                const struct aw_attempt *a,
                                uint32_t i)
{
    struct aw_held held = { a->node, a->cpus, a->gpu_parts };

    if (i > 0)
        return history->more[a->more + i - 1];
    for (uint32_t k = 0; k < a->n_more; k++) {
        held.cpus -= history->more[a->more + k].cpus;
        held.gpu_parts -= history->more[a->more + k].gpu_parts;
    }
    return held;
}

/* The attempt has ended. */
void aw_history_give_back (struct aw_history *history, const struct aw_attempt *a)
{
    for (uint32_t i = 0; i <= a->n_more; i++) {
        struct aw_held held = aw_history_held (history, a, i);

        history->nodes[held.node].busy_cpus -= held.cpus;
        history->nodes[held.node].busy_gpu_parts -= held.gpu_parts;
    }
}

int aw_history_check_held (const struct aw_history *history,
                           const struct aw_event *ev,
                           uint32_t i,
                           struct aw_error *err)
{
    struct aw_held held = held_by_start (history, ev, i);
    const struct aw_history_node *node;

    if (held.node >= history->n_nodes)
        return aw_history_refuse (history, ev->task, "starts on a node that never joined", err);
    for (uint32_t k = 0; k < i; k++)
        if (held_by_start (history, ev, k).node == held.node)
            return aw_history_refuse (history, ev->task, "starts twice on one node", err);
    node = &history->nodes[held.node];
    if (!isnan (node->lost))
        return aw_history_refuse (history, ev->task, "starts on a node that was lost", err);
    if (held.cpus > node->cpus - node->busy_cpus
        || held.gpu_parts > (uint64_t)node->gpus * AW_GPU_WHOLE - node->busy_gpu_parts)
        return aw_history_refuse (history, ev->task,
                                  "starts on CPUs or GPUs that its node does not have free", err);
    return 0;
}

/* Makes the nodes of an attempt busy. */
void aw_history_hold (struct aw_history *history, struct aw_attempt *a, const struct aw_event *ev)
{
    a->more = history->n_more;
    a->n_more = ev->n_more;
    for (uint32_t i = 0; i <= ev->n_more; i++) {
        struct aw_held held = held_by_start (history, ev, i);

        a->cpus += held.cpus;
        a->gpu_parts += held.gpu_parts;
        history->nodes[held.node].busy_cpus += held.cpus;
        history->nodes[held.node].busy_gpu_parts += held.gpu_parts;
        if (i > 0)
            history->more[history->n_more++] = held;
    }
}
