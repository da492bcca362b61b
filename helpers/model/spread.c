/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

static int make_room_for_set (struct aw_samples *samples, uint32_t set)
{
    uint32_t n = samples->n_sets;

    if (aw_array_reserve (&samples->sets, &samples->n_sets, set + (size_t)1) < 0)
        return -1;
    memset (samples->sets + n, 0, (samples->n_sets - n) * sizeof (*samples->sets));
    return 0;
}

int aw_samples_add (struct aw_samples *samples, uint32_t set, double seconds)
{
    struct aw_sample_list *list;

    if (make_room_for_set (samples, set) < 0)
        return -1;
    list = &samples->sets[set];
    if (aw_array_reserve (&list->seconds, &list->room, list->n + 1) < 0)
        return -1;
    list->seconds[list->n++] = seconds;
    return 0;
}

void aw_samples_finish (struct aw_samples *samples)
{
    int saved = errno;

    for (uint32_t i = 0; i < samples->n_sets; i++)
        free (samples->sets[i].seconds);
    free (samples->sets);
    memset (samples, 0, sizeof (*samples));
    errno = saved;
}

static const struct aw_sample_list *list_of (const struct aw_samples *samples, uint32_t set)
{
    return samples && set < samples->n_sets && samples->sets[set].n ? &samples->sets[set] : NULL;
}

double aw_samples_mean (const struct aw_samples *samples, uint32_t set)
{
    const struct aw_sample_list *list = list_of (samples, set);
    double sum = 0;

    for (uint32_t i = 0; list && i < list->n; i++)
        sum += list->seconds[i];
    return list ? sum / list->n : NAN;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a number out of a place in a sequence. */
static uint64_t mix (uint64_t x)
{
    x += UINT64_C (0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* In (0, 1]. */
static double uniform (uint64_t seed, uint32_t task, uint32_t which)
{
    return ((double)(mix (mix (seed) ^ mix (((uint64_t)task << 8) | which)) >> 11) + 1) * 0x1p-53;
}

/* Standard normal: Box and Muller, Annals of Mathematical Statistics 29(2), 1958. */
static double normal (uint64_t seed, uint32_t task)
{
    return sqrt (-2 * log (uniform (seed, task, 0))) * cos (2 * M_PI * uniform (seed, task, 1));
}

double aw_spread_seconds (const struct aw_spread *spread,
                          const struct aw_graph *graph,
                          uint32_t task)
{
    uint32_t set = aw_graph_task (graph, task).set;
    const struct aw_sample_list *list = list_of (spread->samples, set);
    double seconds = graph->sets[set].duration;

    if (list)
        return list->seconds[(uint32_t)(uniform (spread->seed, task, 2) * list->n) % list->n];
    if (spread->variation > 0) { /* log-normal, with the same mean */
        double variance = log1p (spread->variation * spread->variation);
        seconds *= exp (sqrt (variance) * normal (spread->seed, task) - variance / 2);
    }
    return seconds;
}

static int compare (const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;

    return a < b ? -1 : a > b;
}

double aw_quantile (double *values, size_t n, double q)
{
    double place = q * (double)(n - 1);
    size_t below = (size_t)place;

    if (n == 0)
        return NAN;
    qsort (values, n, sizeof (*values), compare);
    if (below + 1 >= n)
        return values[n - 1];
    return values[below] + (place - (double)below) * (values[below + 1] - values[below]);
}
