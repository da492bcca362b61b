/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/time_left.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "model/simulate.h"
#include "util/clock.h"

/* Is there a set with tasks to come of which nothing is known? */
static bool unknown (const struct aw_sched *sched)
{
    uint32_t n_sets = aw_sched_graph (sched)->n_sets;

    for (uint32_t s = 0; s < n_sets; s++) {
        struct aw_counts counts = aw_sched_counts (sched, s);
        if (isnan (aw_sched_duration (sched, s))
            && counts.waiting + counts.ready + counts.running > 0)
            return true;
    }
    return false;
}

/* A look takes no longer than this and the copy, for nothing else is done meanwhile. */
static const double look_seconds = 0.006;

enum { TASKS_MOST = 50000 }; /* of a scheduler that is copied: that takes 2 ms or so */

static bool in_time (void *arg)
{
    const double *deadline = arg;

    return aw_clock_monotonic () < *deadline;
}

/* The remaining work divided by the CPUs and GPUs of the pool; half of each running task counts as
 * done. */
static double bound (const struct aw_sched *sched)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    const struct aw_demand *total = &aw_sched_pool (sched)->total;
    double cpus = 0, gpus = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        struct aw_counts counts = aw_sched_counts (sched, s);
        struct aw_whole whole = aw_set_whole (&graph->sets[s]);
        double tasks = counts.waiting + counts.ready + 0.5 * counts.running;
        double seconds = tasks > 0 ? tasks * aw_sched_duration (sched, s) : 0;

        cpus += whole.cpus * seconds;
        gpus += whole.gpus * seconds;
    }
    cpus = cpus > 0 ? cpus / total->cpus : 0;
    gpus = gpus > 0 ? gpus / total->gpus : 0;
    return aw_sched_now (sched) + fmax (cpus, gpus);
}

static double predicted_end (const struct aw_sched *sched)
{
    bool known = !unknown (sched), small = aw_sched_graph (sched)->n_tasks <= TASKS_MOST;
    struct aw_sched *ahead = known && small ? aw_sched_clone (sched) : NULL;
    double deadline = aw_clock_monotonic () + look_seconds, end = NAN;
    struct aw_simulation sim = { .go_on = in_time, .arg = &deadline };
    struct aw_simulated result;

    if (ahead && aw_simulate (ahead, &sim, &result, NULL) == 0)
        end = result.end;
    else if (known && (!small || (ahead && errno == ECANCELED)))
        end = bound (sched);
    aw_sched_destroy (ahead);
    return end;
}

double aw_time_left (struct aw_time_left *left, const struct aw_sched *sched, double t)
{
    if (left->looks == 0 || t - left->looked >= 100 * left->cost) {
        double began = aw_clock_monotonic ();

        left->end = predicted_end (sched);
        left->cost = aw_clock_monotonic () - began;
        left->looked = t;
        left->looks = 1;
    }
    return left->end > t ? left->end - t : (isnan (left->end) ? NAN : 0);
}
