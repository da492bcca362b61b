/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service_use.h"

#include <stdlib.h>

#include "util/array.h"

/* The attempts of a simulation, of services and what uses them. */
struct attempts {
    const struct aw_graph *graph;
    struct aw_attempt *list;
    size_t n, room;
    size_t *last; /* by task: index of its newest attempt */
    bool failed; /* out of memory */
};

static void note (void *arg, const struct aw_event *ev)
{
    struct attempts *all = arg;
    const struct aw_set *set;

    if (all->failed || !aw_event_names_task (ev->type))
        return;
    set = &all->graph->sets[aw_graph_task (all->graph, ev->task).set];
    if (!set->service && !set->served)
        return;
    if (ev->type == AW_EVENT_START) {
        if (aw_array_reserve (&all->list, &all->room, all->n + 1) < 0) {
            all->failed = true;
            return;
        }
        all->list[all->n] =
            (struct aw_attempt){ .task = ev->task, .start = ev->t, .finish = NAN, .serving = NAN };
        all->last[ev->task] = all->n++;
    }
    else if (ev->type == AW_EVENT_SERVING)
        all->list[all->last[ev->task]].serving = ev->t;
    else if (ev->type == AW_EVENT_FINISH)
        all->list[all->last[ev->task]].finish = ev->t;
}

int aw_service_use (const struct aw_graph *graph,
                    const struct aw_allocation *allocation,
                    const struct aw_prediction *prediction,
                    double latency,
                    struct aw_service_times *times,
                    struct aw_error *err)
{
    struct attempts all = { .graph = graph,
                            .last = calloc ((size_t)graph->n_tasks + 1, sizeof (*all.last)) };
    const struct aw_conditions conditions = {
        .latency = latency, .plan = &prediction->plan, .observe = note, .arg = &all
    };
    struct aw_trial trial;
    int rc = all.last ? aw_trial_run (graph, allocation,
                                      &aw_candidates[prediction->comparison.best].config,
                                      &conditions, &trial, err)
                      : aw_error_set (err, "out of memory");

    if (rc == 0 && (all.failed || aw_service_times (graph, all.list, all.n, trial.t, times) < 0))
        rc = aw_error_set (err, "out of memory");
    free (all.list);
    free (all.last);
    return rc;
}
