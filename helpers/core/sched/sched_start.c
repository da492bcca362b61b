/* SPDX-License-Identifier: Apache-2.0 */
/* A recorded START: in a replay, or at the beginning of a resumed run. */
#include <string.h>

#include "core/sched/sched_state.h"

/* An assigned attempt may start on a node that takes no more tasks, in the place of another: what
 * is free there is not counted any more.
 */
static int take_part (struct aw_sched *s,
                      const struct aw_running *run,
                      const struct aw_running *part)
{
    return run->assigned && s->pool.nodes[part->node].lost
               ? 0
               : aw_pool_take_ids (&s->pool, part->node, &run->demand, &part->cpus, &part->gpus);
}

/* Takes from the pool what a recorded START says; all or nothing. RUN has its demand. */
static int take_parts (struct aw_sched *s,
                       struct aw_running *run,
                       const struct aw_event *ev,
                       const char *name,
                       struct aw_error *err)
{
    struct aw_running *part = run;
    uint32_t i;

    for (i = 0; i <= ev->n_more; i++, part = aw_running_more (&s->running, part)) {
        const struct aw_idset *cpus = i ? &ev->more[i - 1].cpus : &ev->cpus;
        const struct aw_idset *gpus = i ? &ev->more[i - 1].gpus : &ev->gpus;

        part->node = i ? ev->more[i - 1].node : ev->node;
        if (part->node >= s->pool.n_nodes)
            aw_error_set (err, "%s starts on unknown node %u", name, part->node);
        else if (aw_idset_copy (&part->cpus, cpus) < 0 || aw_idset_copy (&part->gpus, gpus) < 0)
            aw_error_set (err, "out of memory");
        else if (take_part (s, run, part) < 0)
            aw_error_set (err, "%s starts on CPUs or GPUs of %s that are not free", name,
                          s->pool.nodes[part->node].name);
        else
            continue;
        aw_sched_give_back (s, run, i);
        return -1;
    }
    return 0;
}

/* The START of an attempt that has its data, or was assigned. */
static int handle_staged_start (struct aw_sched *s,
                                struct aw_running *run,
                                const struct aw_event *ev,
                                struct aw_error *err)
{
    char name[128];

    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (ev->node != run->node || ev->n_more > 0)
        return aw_error_set (err, "%s starts %s", name,
                             run->assigned ? "on another node than it was assigned to"
                                           : "where its data is not");
    run->demand = aw_set_demand (&s->graph->sets[run->set]);
    if (take_parts (s, run, ev, name, err) < 0) {
        memset (&run->demand, 0, sizeof (run->demand));
        return -1;
    }
    aw_sched_begin_staged (s, run);
    return 0;
}

int aw_sched_handle_start (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    struct aw_demand demand;
    char name[128];

    if (run && run->attempt == ev->attempt && (run->staged || run->assigned))
        return handle_staged_start (s, run, ev, err);
    if (run && run->attempt == ev->attempt && !run->staging)
        return 0; /* known */
    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (ev->attempt < s->tries[ev->task].attempts)
        return 0; /* long over */
    if (run || s->depend.state[ev->task] != AW_DEPEND_READY
        || ev->attempt != s->tries[ev->task].attempts)
        return aw_error_set (err, "%s attempt %u cannot start now", name, ev->attempt);
    demand = aw_set_demand (&s->graph->sets[aw_graph_task (s->graph, ev->task).set]);
    if (ev->n_more + 1 != aw_demand_nodes (&demand))
        return aw_error_set (err, "%s starts on %u nodes instead of %u", name, ev->n_more + 1,
                             aw_demand_nodes (&demand));
    run = aw_running_new (&s->running, aw_demand_nodes (&demand));
    if (!run)
        return aw_error_set (err, "out of memory");
    run->demand = demand;
    if (take_parts (s, run, ev, name, err) < 0)
        return -1;
    if (!aw_delay_queue_remove (&s->delayed, ev->task) && !aw_ready_remove (&s->ready, ev->task)) {
        aw_sched_give_back (s, run, ev->n_more + 1);
        return aw_error_set (err, "%s starts before its data has come", name);
    }
    aw_sched_begin_run (s, run, ev->task);
    aw_ready_started (&s->ready, run->set);
    return 0;
}
