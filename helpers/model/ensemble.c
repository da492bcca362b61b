/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ensemble.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/simulate.h"

enum {
    MOST = 99, /* simulations */
    LEAST = 19, /* with fewer, their extremes enclose less than 90% */
};

static const double starts_per_second = 400e3; /* that the scheduler decides on, about */

uint32_t aw_ensemble_size (const struct aw_graph *graph, double makespan)
{
    double seconds = fmin (fmax (0.01 * makespan, 0.05), 1);
    double n = seconds * starts_per_second / graph->n_tasks;

    return n < LEAST ? 0 : n > MOST ? MOST : (uint32_t)n;
}

/* The same run under other durations. */
struct play {
    const struct aw_graph *graph;
    struct aw_conditions conditions;
    bool sequential;
};

static double seconds (void *arg, const struct aw_event *start)
{
    const struct play *play = arg;

    return aw_trial_seconds (play->graph, &play->conditions, play->sequential, start);
}

/* The scheduler before the first start. NULL with text. */
static struct aw_sched *set_up (const struct aw_graph *graph,
                                const struct aw_allocation *allocation,
                                const struct aw_order *order,
                                struct aw_error *err)
{
    struct aw_sched *sched = aw_sched_create (graph, &order->config, err);
    int rc = sched ? aw_allocation_join (allocation, sched, err) : -1;

    if (rc == 0)
        rc = aw_sched_check (sched, err);
    if (rc == 0)
        rc = aw_trial_follow (sched, order->plan, err);
    if (rc == 0)
        return sched;
    aw_sched_destroy (sched);
    return NULL;
}

static int play_once (const struct aw_sched *sched,
                      struct play *play,
                      double *t,
                      struct aw_error *err)
{
    struct aw_simulation sim = { .seconds = seconds, .arg = play };
    struct aw_sched *copy = aw_sched_clone (sched);
    struct aw_simulated result = { 0 };
    int rc = copy ? aw_simulate (copy, &sim, &result, err) : aw_error_set (err, "out of memory");

    aw_sched_destroy (copy);
    if (rc < 0)
        return -1;
    *t = result.end;
    return result.code == 0 ? 0 : aw_error_set (err, "the simulated run did not end");
}

int aw_ensemble_run (double *t,
                     uint32_t n,
                     const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_order *order,
                     struct aw_spread *spread,
                     struct aw_error *err)
{
    struct play play = { graph,
                         { .latency = order->latency, .spread = spread },
                         order->config.mode == AW_MODE_SEQUENTIAL };
    struct aw_sched *sched = set_up (graph, allocation, order, err);
    int rc = sched ? 0 : -1;

    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        aw_spread_seed (spread, i);
        rc = play_once (sched, &play, &t[i], err);
    }
    aw_sched_destroy (sched);
    return rc;
}

static int compare (const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;

    return a < b ? -1 : a > b;
}

static void sort (double *values, size_t n)
{
    qsort (values, n, sizeof (*values), compare);
}

int aw_ensemble_init (struct aw_ensemble *ensemble,
                      uint32_t n,
                      const struct aw_graph *graph,
                      const struct aw_allocation *allocation,
                      const struct aw_order *order,
                      struct aw_spread *spread,
                      struct aw_error *err)
{
    *ensemble = (struct aw_ensemble){ calloc (n + (size_t)1, sizeof (double)), n };
    if (!ensemble->t)
        return aw_error_set (err, "out of memory for %u simulations", n);
    if (aw_ensemble_run (ensemble->t, n, graph, allocation, order, spread, err) < 0) {
        aw_ensemble_finish (ensemble);
        return -1;
    }
    sort (ensemble->t, n);
    return 0;
}

void aw_ensemble_finish (struct aw_ensemble *ensemble)
{
    int saved = errno;

    free (ensemble->t);
    memset (ensemble, 0, sizeof (*ensemble));
    errno = saved;
}

/* Of sorted values. */
static double quantile (const double *values, size_t n, double q)
{
    double place = fmin (fmax (q * ((double)n + 1) - 1, 0), (double)n - 1);
    size_t below = (size_t)place;

    if (n == 0)
        return NAN;
    if (below + 1 >= n)
        return values[n - 1];
    return values[below] + (place - (double)below) * (values[below + 1] - values[below]);
}

double aw_quantile (double *values, size_t n, double q)
{
    sort (values, n);
    return quantile (values, n, q);
}

struct aw_interval aw_interval_of (double *values, size_t n)
{
    sort (values, n);
    return (struct aw_interval){ quantile (values, n, 0.05), quantile (values, n, 0.5),
                                 quantile (values, n, 0.95) };
}

double aw_ensemble_within (const struct aw_ensemble *ensemble, double seconds)
{
    uint32_t n = 0;

    while (n < ensemble->n && ensemble->t[n] <= seconds)
        n++;
    return ensemble->n ? (double)n / ensemble->n : NAN;
}
