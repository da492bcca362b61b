/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/service_times.h"

#include <stdlib.h>

#include "core/graph/peers.h"

/* The attempt of a service, by its instance. */
struct current {
    const struct aw_attempt *attempt; /* NULL: none has started */
    double until; /* its users are counted up to this t */
};

static double end_of (const struct aw_attempt *a, double now)
{
    return isnan (a->finish) ? now : a->finish;
}

static void begin (struct current *current,
                   const struct aw_attempt *a,
                   double now,
                   struct aw_service_times *times)
{
    double end = end_of (a, now);

    *current = (struct current){ a, a->serving };
    if (times->n_starts++ == 0)
        times->from = a->start;
    times->to = fmax (times->to, end); /* of NAN and a number, the number */
    if (isnan (a->serving))
        return;
    times->n_ready++;
    times->startup += a->serving - a->start;
    times->served += end - a->serving;
    times->idle += end - a->serving;
}

/* USER runs: the service of CURRENT is not idle. */
static void use (struct current *current,
                 const struct aw_attempt *user,
                 double now,
                 struct aw_service_times *times)
{
    double from = fmax (user->start, current->until), to;

    if (!current->attempt || isnan (current->until))
        return;
    to = fmin (end_of (user, now), end_of (current->attempt, now));
    if (to <= from)
        return;
    times->idle = fmax (0, times->idle - (to - from));
    current->until = to;
}

int aw_service_times (const struct aw_graph *g,
                      const struct aw_attempt *attempts,
                      size_t n,
                      double now,
                      struct aw_service_times *times)
{
    struct current *current = calloc ((size_t)aw_graph_n_instances (g) + 1, sizeof (*current));

    if (!current)
        return -1;
    for (uint32_t s = 0; s < g->n_sets; s++)
        times[s] = (struct aw_service_times){ .from = NAN, .to = NAN };
    for (size_t i = 0; i < n; i++) {
        const struct aw_attempt *a = &attempts[i];
        struct aw_task at = aw_graph_task (g, a->task);
        const struct aw_set *set = &g->sets[at.set];

        if (set->service)
            begin (&current[aw_graph_instance (g, at.iteration, at.set)], a, now, &times[at.set]);
        for (uint32_t e = 0; set->served && e < set->n_after; e++) {
            const struct aw_edge *edge = &set->after[e];
            uint32_t it = aw_span_before (g, edge, at.set, at.iteration).first;

            if (g->sets[edge->set].service)
                use (&current[aw_graph_instance (g, it, edge->set)], a, now, &times[edge->set]);
        }
    }
    free (current);
    return 0;
}
