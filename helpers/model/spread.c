/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHAPE_SAMPLES = 30, /* with that many samples, tasks are drawn from them */
    PRIOR_FREEDOM = 3, /* what other sets say of a set's variation counts as that many more samples
                        */
};

static const double assumed_error = 0.1; /* of a declared mean */
static const double assumed_deviation = 0.1; /* where no set has two samples */
static const double least_seconds = 1e-6; /* of a task */
/* Very short tasks say how starts vary, not tasks: what interrupts a process takes milliseconds
 * (Petrini, Kerbyson, Pakin, The case of the missing supercomputer performance, SC 2003). So the
 * logarithms are of seconds plus this: started logarithms, for errors that add up (Tukey,
 * Exploratory Data Analysis, 1977; Rocke, Durbin, Bioinformatics 19(8), 2003).
 */
static const double start_of_logarithms = 0.05;
static const double least_mean = 0.1; /* of tasks that say how those of other sets vary */

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a number out of a place in a sequence. */
static uint64_t mix (uint64_t x)
{
    x += UINT64_C (0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* In (0, 1]. */
static double uniform (uint64_t seed, uint32_t item, uint32_t which)
{
    return ((double)(mix (mix (seed) ^ mix (((uint64_t)item << 8) | which)) >> 11) + 1) * 0x1p-53;
}

/* Standard normal: Box and Muller, Annals of Mathematical Statistics 29(2), 1958. WHICH is even. */
static double normal (uint64_t seed, uint32_t item, uint32_t which)
{
    return sqrt (-2 * log (uniform (seed, item, which)))
           * cos (2 * M_PI * uniform (seed, item, which + 1));
}

/* Chi-square over its degrees of freedom: Wilson and Hilferty, PNAS 17(12), 1931; for few of them a
 * sum of squares.
 */
static double chi_square (uint64_t seed, uint32_t item, double freedom)
{
    enum { FEW = 16 };
    double sum = 0, part = 2 / (9 * freedom);

    if (freedom > FEW)
        return pow (fmax (0, 1 - part + normal (seed, item, 2) * sqrt (part)), 3);
    for (uint32_t i = 0; i < freedom; i++) {
        double z = normal (seed, item, 2 + 2 * i);

        sum += z * z;
    }
    return sum / freedom;
}

static double logarithm (double seconds)
{
    return log (seconds + start_of_logarithms);
}

/* Mean of the started logarithms of LIST; *SQUARES: the sum of their squared deviations. */
static double look_at (const struct aw_sample_list *list, double *squares)
{
    double mean = 0;

    *squares = 0;
    for (uint32_t i = 0; i < list->n; i++)
        mean += logarithm (list->seconds[i]) / list->n;
    for (uint32_t i = 0; i < list->n; i++) {
        double x = logarithm (list->seconds[i]) - mean;

        *squares += x * x;
    }
    return mean;
}

/* The variance that the sets with two samples or more have together, but for very short tasks; NAN:
 * there is no such set. */
static double pooled_variance (const struct aw_samples *samples)
{
    double sum = 0, freedom = 0;

    for (uint32_t s = 0; samples && s < samples->n_sets; s++) {
        const struct aw_sample_list *list = aw_samples_of (samples, s);
        double squares;

        if (!list || list->n < 2)
            continue;
        if (look_at (list, &squares) < logarithm (least_mean))
            continue;
        sum += squares;
        freedom += list->n - 1;
    }
    return freedom > 0 ? sum / freedom : NAN;
}

static struct aw_spread_set declared (double seconds, double variation)
{
    double variance = log1p (variation * variation);

    return (struct aw_spread_set){ .source = AW_SPREAD_DECLARED,
                                   .mean = log (seconds) - variance / 2,
                                   .deviation = sqrt (variance) };
}

static struct aw_spread_set assumed (double seconds, double pooled)
{
    double variance = isnan (pooled) ? 0 : pooled;

    return (struct aw_spread_set){ .source = AW_SPREAD_ASSUMED,
                                   .mean = log (seconds)
                                           - (assumed_error * assumed_error + variance) / 2,
                                   .deviation = sqrt (variance),
                                   .error = assumed_error };
}

/* The posterior of a normal mean and variance, whose prior variance is the other sets': Gelman et
 * al., Bayesian Data Analysis, chapter 3.3.
 */
static struct aw_spread_set sampled (const struct aw_sample_list *list, double pooled)
{
    double squares, mean = look_at (list, &squares), n = list->n;
    double prior = isnan (pooled) ? assumed_deviation * assumed_deviation : pooled;
    double freedom = PRIOR_FREEDOM + n - 1;
    double deviation = sqrt ((PRIOR_FREEDOM * prior + squares) / freedom);
    struct aw_spread_set set = { .source = AW_SPREAD_SAMPLED,
                                 .start = start_of_logarithms,
                                 .mean = mean,
                                 .deviation = deviation,
                                 .error = deviation / sqrt (n),
                                 .freedom = freedom };

    if (list->n >= SHAPE_SAMPLES && squares > 0) {
        set.samples = list;
        set.shape = deviation / sqrt (squares / n);
    }
    return set;
}

int aw_spread_init (struct aw_spread *spread,
                    const struct aw_graph *graph,
                    const struct aw_samples *samples,
                    double variation,
                    struct aw_error *err)
{
    double pooled = pooled_variance (samples);

    *spread =
        (struct aw_spread){ .sets = calloc (graph->n_sets + (size_t)1, sizeof (*spread->sets)),
                            .n_sets = graph->n_sets };
    if (!spread->sets)
        return aw_error_set (err, "out of memory for the spread of durations");
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        double seconds = graph->sets[s].duration;
        uint32_t source = isnan (seconds) ? graph->sets[s].group : s;
        const struct aw_sample_list *list = aw_samples_of (samples, source);
        double own = isnan (variation) ? graph->sets[s].spread : variation;

        if (list && isnan (variation))
            spread->sets[s] = sampled (list, pooled);
        else
            spread->sets[s] = isnan (own) ? assumed (seconds, pooled) : declared (seconds, own);
    }
    aw_spread_seed (spread, 0);
    return 0;
}

void aw_spread_finish (struct aw_spread *spread)
{
    int saved = errno;

    free (spread->sets);
    memset (spread, 0, sizeof (*spread));
    errno = saved;
}

void aw_spread_seed (struct aw_spread *spread, uint64_t seed)
{
    uint64_t of_sets = mix (~seed); /* not the numbers of tasks */

    spread->seed = seed;
    spread->expects = false;
    for (uint32_t s = 0; s < spread->n_sets; s++) {
        struct aw_spread_set *set = &spread->sets[s];

        set->scale = set->freedom > 0 ? 1 / sqrt (chi_square (of_sets, s, set->freedom)) : 1;
        set->shift = set->error > 0 ? set->error * set->scale * normal (of_sets, s, 0) : 0;
    }
}

void aw_spread_expect (struct aw_spread *spread)
{
    spread->expects = true;
}

static double draw (const struct aw_spread_set *set, uint64_t seed, uint32_t task)
{
    double x = 0, seconds;

    if (set->samples) {
        uint32_t i = (uint32_t)(uniform (seed, task, 2) * set->samples->n);

        x = set->shape * (logarithm (set->samples->seconds[i % set->samples->n]) - set->mean);
    }
    else if (set->deviation > 0)
        x = set->deviation * normal (seed, task, 0);
    seconds = exp (set->mean + set->shift + set->scale * x) - set->start;
    return seconds < least_seconds ? least_seconds : seconds; /* NAN stays */
}

/* Of the logarithm of a task's seconds, whose mean is uncertain. */
static double variance_of (const struct aw_spread_set *set)
{
    return set->deviation * set->deviation + set->error * set->error;
}

double aw_spread_variation (const struct aw_spread *spread, uint32_t set)
{
    const struct aw_spread_set *s = &spread->sets[set];
    double variance = variance_of (s), mean = exp (s->mean + variance / 2);

    return sqrt (exp (variance) - 1) * mean / fmax (mean - s->start, least_seconds);
}

/* The mean of the log-normal durations that exceed RAN. */
static double expected (const struct aw_spread_set *set, double ran)
{
    const double far = 5; /* deviations beyond which the tail is taken as exponential */
    double variance = variance_of (set);
    double deviation = sqrt (variance), mean = exp (set->mean + variance / 2), z;

    if (ran <= 0 || isnan (mean))
        return mean - set->start;
    if (deviation == 0)
        return fmax (mean - set->start, ran);
    ran += set->start;
    z = (log (ran) - set->mean) / deviation;
    return (z > far ? ran * (1 + deviation / z)
                    : mean * erfc ((z - deviation) / M_SQRT2) / erfc (z / M_SQRT2))
           - set->start;
}

double aw_spread_seconds (const struct aw_spread *spread,
                          const struct aw_graph *graph,
                          uint32_t task,
                          double ran)
{
    enum { DRAWS = 16 }; /* until one exceeds RAN */
    uint32_t number = aw_graph_task (graph, task).set;
    const struct aw_spread_set *set = &spread->sets[number];

    if (number >= spread->n_sets)
        return graph->sets[number].duration;
    for (uint64_t i = 0; !spread->expects && i < DRAWS; i++) {
        double seconds = draw (set, i ? mix (spread->seed ^ mix (i)) : spread->seed, task);

        if (!(seconds <= ran))
            return seconds;
    }
    return expected (set, ran);
}

uint32_t aw_spread_count (const struct aw_spread *spread, enum aw_spread_source source)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < spread->n_sets; s++)
        n += spread->sets[s].source == source;
    return n;
}
