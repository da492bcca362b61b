/* SPDX-License-Identifier: Apache-2.0 */
#include "model/samples.h"

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
    list->sum += seconds;
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

const struct aw_sample_list *aw_samples_of (const struct aw_samples *samples, uint32_t set)
{
    return samples && set < samples->n_sets && samples->sets[set].n ? &samples->sets[set] : NULL;
}

double aw_samples_mean (const struct aw_samples *samples, uint32_t set)
{
    const struct aw_sample_list *list = aw_samples_of (samples, set);

    return list ? list->sum / list->n : NAN;
}
