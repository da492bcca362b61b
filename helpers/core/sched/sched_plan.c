/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sched/plan.h"
#include "core/sched/sched_state.h"

/* Ranks fall from the longest remaining path to almost 0, so that sets that are added later, which
 * have the lengths of their paths, come in between.
 */
int aw_sched_follow (struct aw_sched *s, const uint32_t *places)
{
    uint32_t n = aw_plan_size (s->graph);
    double *plan = malloc ((n + (size_t)1) * sizeof (*plan)), longest = 0;

    if (!plan) {
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t i = 0; i < n; i++)
        longest = fmax (longest, s->ready.remaining[i]);
    for (uint32_t i = 0; i < n; i++)
        plan[i] = (longest > 0 ? longest : 1) * (n - places[i]) / n;
    free (s->plan);
    s->plan = plan;
    aw_sched_forget (s);
    aw_sched_apply_plan (s);
    aw_ready_reorder (&s->ready);
    return 0;
}

char *aw_plan_text (const struct aw_graph *graph, const uint32_t *places)
{
    enum { DIGITS = 11 };
    uint32_t n = aw_plan_size (graph);
    char *text = malloc ((size_t)n * DIGITS + 1), *p = text;

    if (!text)
        return NULL;
    *p = '\0';
    for (uint32_t i = 0; i < n; i++)
        p += snprintf (p, DIGITS + 1, i ? " %u" : "%u", places[i]);
    return text;
}

/* Reads one place and moves *TEXT behind it. -1: there is none. */
static int read_place (const char **text, uint32_t n, uint32_t *place)
{
    uint64_t value = 0;
    const char *p = *text;

    for (; *p >= '0' && *p <= '9'; p++) {
        value = 10 * value + (uint64_t)(*p - '0');
        if (value >= n)
            return -1;
    }
    if (p == *text)
        return -1;
    *text = p + (*p == ' ');
    *place = (uint32_t)value;
    return 0;
}

/* The places that TEXT has for the N instances; NULL: it is wrong, or (ENOMEM) there is no memory.
 */
static uint32_t *read_places (const char *text, uint32_t n)
{
    uint32_t *places = malloc ((n + (size_t)1) * sizeof (*places));
    int rc = places ? 0 : -1;

    for (uint32_t i = 0; rc == 0 && i < n; i++)
        rc = read_place (&text, n, &places[i]);
    if (!places)
        errno = ENOMEM;
    else if (rc < 0 || *text) {
        free (places);
        errno = EINVAL;
        return NULL;
    }
    return places;
}

int aw_sched_resume_plan (struct aw_sched *s, const char *text)
{
    uint32_t *places = read_places (text, aw_plan_size (s->graph));
    int rc = places ? aw_sched_follow (s, places) : errno == ENOMEM ? -1 : 0;

    free (places);
    return rc;
}

int aw_sched_handle_plan (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    uint32_t n = aw_plan_size (s->graph);
    uint32_t *places = read_places (ev->text ? ev->text : "", n);
    int rc = places ? aw_sched_follow (s, places) : -1;

    free (places);
    if (rc < 0 && errno == EINVAL)
        return aw_error_set (err, "a plan is a list of %u places, each below %u", n, n);
    return rc < 0 ? aw_error_set (err, "out of memory") : 0;
}
