/* SPDX-License-Identifier: Apache-2.0 */
/* An attempt begins to run, and gives back what it took from the pool. */
#include <math.h>

#include "core/sched/sched_state.h"
#include "util/array.h"

int aw_sched_part_room (struct aw_sched *s, uint32_t from)
{
    uint32_t n = 1;
    uint32_t room = s->part_room;

    for (uint32_t i = from; i < s->graph->n_sets; i++)
        n = s->graph->sets[i].nodes > n ? s->graph->sets[i].nodes : n;
    return aw_array_reserve (&s->chosen, &room, n) < 0
                   || aw_array_reserve (&s->parts, &s->part_room, n) < 0
               ? -1
               : 0;
}

/* A first figure for a set gives its running tasks, and those that count as one with it, an
 * expected end. What nodes have in advance does not run. */
static void expect_ends (struct aw_sched *s, uint32_t set)
{
    struct aw_running *run;
    uint32_t cursor = 0;

    while ((run = aw_running_each (&s->running, &cursor)))
        if (aw_estimate_set (&s->estimate, run->set) == set && isinf (run->end) && !run->assigned
            && !s->graph->sets[run->set].service)
            aw_running_set_end (&s->running, run, run->start + s->estimate.seconds[set]);
}

void aw_sched_learn (struct aw_sched *s, uint32_t set, double seconds)
{
    bool first = isnan (aw_estimate_seconds (&s->estimate, set));

    if (!(seconds >= 0) || !aw_estimate_learn (&s->estimate, set, seconds))
        return;
    if (++s->n_moves > s->graph->n_sets / 64) /* large graphs do not do it after each end */
        aw_sched_rank_again (s);
    if (first)
        expect_ends (s, aw_estimate_set (&s->estimate, set));
}

void aw_sched_give_back (struct aw_sched *s, const struct aw_running *run, uint32_t n)
{
    const struct aw_running *part = run;

    for (uint32_t i = 0; i < n && part; i++, part = aw_running_more (&s->running, part))
        aw_pool_give (&s->pool, part->node, &run->demand, &part->cpus, &part->gpus);
}

/* Thousandths of the GPU of PART that no running task has; 0: it has none, or whole ones. */
static uint32_t left_of_gpu (const struct aw_sched *s, const struct aw_running *part)
{
    const struct aw_node *node = &s->pool.nodes[part->node];
    uint32_t gpu = aw_idset_next (&part->gpus, 0);

    return gpu == AW_IDSET_NONE ? 0
                                : AW_GPU_WHOLE - node->gpu_used[aw_layout_gpu (node->layout, gpu)];
}

void aw_sched_meet_residents (struct aw_sched *s, struct aw_running *run)
{
    const struct aw_set *set = &s->graph->sets[run->set];
    bool exact = false;

    if (!s->graph->workers)
        return;
    for (const struct aw_running *part = run; part; part = aw_running_more (&s->running, part))
        exact = aw_residents_take (&s->residents, &s->pool, run->set, left_of_gpu (s, part),
                                   part->node, &part->cpus, &part->gpus);
    run->fresh = set->worker && !exact;
    if (run->fresh)
        run->end += set->startup;
}

void aw_sched_fill_run (struct aw_sched *s, struct aw_running *run, uint32_t task, double end)
{
    run->task = task;
    run->set = aw_graph_task (s->graph, task).set;
    run->attempt = s->tries[task].attempts;
    run->demand = aw_set_demand (&s->graph->sets[run->set]);
    run->start = s->now;
    run->end = end;
    run->serving = run->killed = run->staging = run->staged = run->assigned = run->released = false;
    run->fresh = false;
}

void aw_sched_begin_run (struct aw_sched *s, struct aw_running *run, uint32_t task)
{
    uint32_t set = aw_graph_task (s->graph, task).set;
    double seconds = aw_estimate_seconds (&s->estimate, set);
    bool known = !isnan (seconds) && !s->graph->sets[set].service;

    aw_sched_fill_run (s, run, task, known ? s->now + seconds : INFINITY);
    aw_sched_meet_residents (s, run);
    aw_running_link (&s->running, run);
    aw_sched_count_place (s, run, 1);
    s->kill_from = 0; /* where a recorded run is taken in */
    aw_depend_run (&s->depend, set, task);
    aw_sched_hold_begin (s, run);
    if (s->services.n)
        aw_sched_begin_service (s, run);
    aw_sched_drop_reservation (s);
}

void aw_sched_fill_parts (const struct aw_sched *s,
                          const struct aw_running *run,
                          struct aw_event *ev)
{
    ev->node = run->node;
    ev->cpus = run->cpus;
    ev->gpus = run->gpus;
    ev->more = s->parts;
    ev->n_more = 0;
    while ((run = aw_running_more (&s->running, run)))
        s->parts[ev->n_more++] = (struct aw_part){ run->node, run->cpus, run->gpus };
}
