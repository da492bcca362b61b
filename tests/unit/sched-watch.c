/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"
#include "sched-watch.h"

struct aw_sched *watch_sched (const struct aw_graph *g,
                              enum aw_policy policy,
                              enum aw_mode mode,
                              uint32_t nodes,
                              uint32_t cpus,
                              uint32_t gpus)
{
    struct aw_sched_config config = { policy, mode, 0 };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, nodes, cpus, gpus, 0, NULL), 0);
    return s;
}

struct watch *watch_create (
    const struct aw_graph *g, uint32_t nodes, uint32_t cpus, uint32_t gpus, enum aw_mode mode)
{
    struct watch *w = calloc (1, sizeof (*w));

    *w = (struct watch){ .g = g,
                         .nodes = nodes,
                         .cpus = cpus,
                         .gpus = gpus,
                         .mode = mode,
                         .random = 88172645463325252u };
    w->state = calloc (g->n_tasks, 1);
    w->busy_cpus = calloc (nodes, sizeof (struct aw_idset));
    w->busy_gpus = calloc (nodes, sizeof (struct aw_idset));
    w->task_cpus = calloc (g->n_tasks, sizeof (struct aw_idset));
    w->task_gpus = calloc (g->n_tasks, sizeof (struct aw_idset));
    w->left = calloc ((size_t)g->iterations * g->n_sets, sizeof (uint32_t));
    for (uint32_t i = 0; i < g->iterations * g->n_sets; i++)
        w->left[i] = g->sets[i % g->n_sets].count;
    return w;
}

void watch_destroy (struct watch *w)
{
    for (uint32_t i = 0; i < w->nodes; i++) {
        aw_idset_finish (&w->busy_cpus[i]);
        aw_idset_finish (&w->busy_gpus[i]);
    }
    for (uint32_t i = 0; i < w->g->n_tasks; i++) {
        aw_idset_finish (&w->task_cpus[i]);
        aw_idset_finish (&w->task_gpus[i]);
    }
    free (w->state);
    free (w->busy_cpus);
    free (w->busy_gpus);
    free (w->task_cpus);
    free (w->task_gpus);
    free (w->left);
    free (w);
}

static void check_predecessors (struct watch *w, struct aw_task at)
{
    const struct aw_set *set = &w->g->sets[at.set];

    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];
        struct aw_task before = { at.iteration - edge->back, edge->set, 0 };

        if (at.iteration < edge->back)
            continue;
        for (; before.index < w->g->sets[edge->set].count; before.index++)
            if (graphs_are_paired (w->g, at.set, edge, at.index, before.index))
                assert_int_equal (w->state[aw_graph_task_id (w->g, before)], 2);
    }
    for (uint32_t i = 0; w->mode == AW_MODE_SEQUENTIAL && i < w->g->iterations * w->g->n_sets;
         i++) {
        uint32_t it = i / w->g->n_sets, rank = w->g->sets[i % w->g->n_sets].rank;
        if (it < at.iteration || (it == at.iteration && rank < set->rank))
            assert_int_equal (w->left[i], 0);
    }
}

static void check_start (struct watch *w, const struct aw_event *ev)
{
    struct aw_task at = aw_graph_task (w->g, ev->task);
    const struct aw_set *set = &w->g->sets[at.set];

    assert_int_equal (w->state[ev->task], 0);
    w->state[ev->task] = 1;
    check_predecessors (w, at);
    assert_in_range (ev->node, 0, w->nodes - 1);
    assert_int_equal (aw_idset_count (&ev->cpus), set->cpus);
    assert_int_equal (aw_idset_count (&ev->gpus), set->gpus);
    assert_int_equal (aw_idset_next (&ev->cpus, w->cpus), AW_IDSET_NONE);
    assert_int_equal (aw_idset_next (&ev->gpus, w->gpus), AW_IDSET_NONE);
    assert_false (aw_idset_intersects (&ev->cpus, &w->busy_cpus[ev->node]));
    assert_false (aw_idset_intersects (&ev->gpus, &w->busy_gpus[ev->node]));
    aw_idset_add_all (&w->busy_cpus[ev->node], &ev->cpus);
    aw_idset_add_all (&w->busy_gpus[ev->node], &ev->gpus);
    aw_idset_copy (&w->task_cpus[ev->task], &ev->cpus);
    aw_idset_copy (&w->task_gpus[ev->task], &ev->gpus);
}

void watch_event (void *arg, const struct aw_event *ev)
{
    struct watch *w = arg;

    w->sum = w->sum * 31 + ev->type;
    w->sum = w->sum * 31 + (uint64_t)(ev->t * 1e6);
    w->sum = w->sum * 31 + ev->task;
    if (ev->type == AW_EVENT_START) {
        w->sum = w->sum * 31 + ev->node;
        check_start (w, ev);
    }
    if (ev->type == AW_EVENT_FINISH) {
        struct aw_task at = aw_graph_task (w->g, ev->task);
        assert_int_equal (w->state[ev->task], 1);
        w->state[ev->task] = 2;
        w->left[at.iteration * w->g->n_sets + at.set]--;
        aw_idset_remove_all (&w->busy_cpus[ev->node], &w->task_cpus[ev->task]);
        aw_idset_remove_all (&w->busy_gpus[ev->node], &w->task_gpus[ev->task]);
    }
}

double watch_spread (void *arg, const struct aw_event *start)
{
    struct watch *w = arg;
    double declared = w->g->sets[aw_graph_task (w->g, start->task).set].duration;

    return (isnan (declared) ? 10 : declared)
           * (0.5 + 1.5 * graphs_below (&w->random, 1000) / 1000.0);
}
