/* SPDX-License-Identifier: Apache-2.0 */

/* By comparing every point with every other: some thousand points take less time than an index
 * would take to read about.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "lof.h"

/* Added to a mean distance, so that coinciding points have a density. Far below any distance that
 * matters in a latent space whose scale is 1.
 */
#define DISTANCE_MIN 1e-10

struct neighbour {
    double distance;
    size_t point;
};

struct table {
    size_t count;
    size_t k;
    struct neighbour *nearest; /* count x k, nearest first */
    double *density; /* local reachability density, definition 6 */
};

static double distance (size_t dimensions, const double *a, const double *b)
{
    double sum = 0;

    for (size_t d = 0; d < dimensions; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sqrt (sum);
}

/* Insert into the 'filled' nearest so far, kept in order, at most k. */
static size_t insert (struct neighbour *nearest,
                      size_t filled,
                      size_t k,
                      struct neighbour candidate)
{
    size_t at = filled < k ? filled : k - 1;

    if (filled == k && candidate.distance >= nearest[k - 1].distance)
        return filled;
    while (at > 0 && nearest[at - 1].distance > candidate.distance) {
        nearest[at] = nearest[at - 1];
        at--;
    }
    nearest[at] = candidate;
    return filled < k ? filled + 1 : k;
}

static void find_nearest (struct table *t, size_t dimensions, const double *points)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t filled = 0;

        for (size_t j = 0; j < t->count; j++) {
            struct neighbour candidate = { .point = j };

            if (j == i)
                continue;
            candidate.distance =
                distance (dimensions, points + i * dimensions, points + j * dimensions);
            filled = insert (t->nearest + i * t->k, filled, t->k, candidate);
        }
    }
}

/* One over the mean reachability distance (definition 5) from the neighbours. */
static void find_densities (struct table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        double sum = 0;

        for (size_t n = 0; n < t->k; n++) {
            struct neighbour near = t->nearest[i * t->k + n];
            double k_distance = t->nearest[near.point * t->k + t->k - 1].distance;

            sum += fmax (k_distance, near.distance);
        }
        t->density[i] = 1 / (sum / (double)t->k + DISTANCE_MIN);
    }
}

int ddmd_lof (
    size_t count, size_t dimensions, const double *points, size_t neighbours, double *factor)
{
    struct table t = { .count = count, .k = neighbours };

    if (dimensions == 0 || neighbours == 0 || neighbours >= count) {
        errno = EINVAL;
        return -1;
    }
    t.nearest = calloc (count * neighbours, sizeof (*t.nearest));
    t.density = calloc (count, sizeof (*t.density));
    if (t.nearest && t.density) {
        find_nearest (&t, dimensions, points);
        find_densities (&t);
        for (size_t i = 0; i < count; i++) {
            factor[i] = 0;
            for (size_t n = 0; n < neighbours; n++)
                factor[i] += t.density[t.nearest[i * neighbours + n].point];
            factor[i] /= (double)neighbours * t.density[i];
        }
    }
    free (t.nearest);
    free (t.density);
    if (!t.nearest || !t.density) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}
