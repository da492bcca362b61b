/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ahead.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/simulate.h"

static uint32_t first_unknown (const struct aw_sched *sched)
{
    uint32_t n_sets = aw_sched_graph (sched)->n_sets;

    for (uint32_t s = 0; s < n_sets; s++) {
        struct aw_counts counts = aw_sched_counts (sched, s);

        if (isnan (aw_sched_duration (sched, s))
            && counts.waiting + counts.ready + counts.running > 0)
            return s;
    }
    return AW_NONE;
}

static void note (void *arg, const struct aw_event *ev)
{
    struct aw_ahead *ahead = arg;

    if (ev->type == AW_EVENT_START)
        ahead->start[ev->task] = ev->t;
    else if (ev->type == AW_EVENT_FINISH)
        ahead->end[ev->task] = ev->t;
}

int aw_ahead_init (struct aw_ahead *ahead, const struct aw_sched *sched, struct aw_error *err)
{
    uint32_t n = aw_sched_graph (sched)->n_tasks;
    struct aw_simulation sim = { .observe = note, .arg = ahead };
    struct aw_simulated result;
    struct aw_sched *copy;
    int rc;

    *ahead = (struct aw_ahead){ .start = malloc (n * sizeof (double)),
                                .end = malloc (n * sizeof (double)),
                                .unknown = first_unknown (sched) };
    copy = ahead->start && ahead->end ? aw_sched_clone (sched) : NULL;
    if (!copy) {
        aw_ahead_finish (ahead);
        return aw_error_set (err, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++)
        ahead->start[i] = ahead->end[i] = NAN;
    rc = ahead->unknown == AW_NONE ? aw_simulate (copy, &sim, &result, err) : 0;
    aw_sched_destroy (copy);
    if (rc < 0)
        aw_ahead_finish (ahead);
    return rc;
}

void aw_ahead_finish (struct aw_ahead *ahead)
{
    int saved = errno;

    free (ahead->start);
    free (ahead->end);
    memset (ahead, 0, sizeof (*ahead));
    errno = saved;
}
