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
static double *ranks_of (const struct aw_sched *s, const uint32_t *places)
{
    uint32_t n = aw_plan_size (s->graph);
    double *ranks = malloc ((n + (size_t)1) * sizeof (*ranks)), longest = 0;

    if (!ranks) {
        errno = ENOMEM;
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        longest = fmax (longest, s->ready.remaining[i]);
    for (uint32_t i = 0; i < n; i++)
        ranks[i] = (longest > 0 ? longest : 1) * (n - places[i]) / n;
    return ranks;
}

int aw_sched_follow (struct aw_sched *s, const uint32_t *places, const struct aw_plan_holds *holds)
{
    double *ranks = places ? ranks_of (s, places) : NULL;

    if ((places && !ranks) || aw_sched_set_holds (s, holds) < 0) {
        free (ranks);
        return -1;
    }
    if (s->plan && !ranks)
        aw_sched_rank_again (s); /* the policy's order again */
    free (s->plan);
    s->plan = ranks;
    s->ready.policy = ranks ? AW_POLICY_LONGEST_PATH : s->config.policy; /* by rank */
    aw_sched_forget (s);
    aw_sched_apply_plan (s);
    aw_ready_reorder (&s->ready);
    return 0;
}

int aw_sched_set_policy (struct aw_sched *s, enum aw_policy policy)
{
    s->config.policy = policy;
    aw_sched_rank_again (s);
    return aw_sched_follow (s, NULL, NULL);
}

char *aw_plan_text (const struct aw_graph *graph,
                    const uint32_t *places,
                    const struct aw_plan_holds *holds)
{
    enum { DIGITS = 11, HOLD = 40 };
    uint32_t n = places ? aw_plan_size (graph) : 0, n_holds = holds ? holds->n : 0;
    char *text = malloc ((size_t)n * DIGITS + (size_t)n_holds * HOLD + 1), *p = text;

    if (!text)
        return NULL;
    *p = '\0';
    for (uint32_t i = 0; i < n; i++)
        p += snprintf (p, DIGITS + 1, i ? " %u" : "%u", places[i]);
    for (uint32_t i = 0; i < n_holds; i++)
        p += snprintf (p, HOLD + 1, p > text ? " %u:%.6g" : "%u:%.6g", holds->at[i].instance,
                       holds->at[i].seconds);
    return text;
}

/* What the text of a plan has. */
struct plan_parts {
    uint32_t *places; /* owned; NULL: none */
    struct aw_plan_holds holds; /* owned */
};

static void finish_parts (struct plan_parts *parts)
{
    int saved = errno;

    free (parts->places);
    free (parts->holds.at);
    errno = saved;
}

/* Reads a number below N and moves *TEXT behind it. -1: there is none. */
static int read_number (const char **text, uint32_t n, uint32_t *number)
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
    *number = (uint32_t)value;
    return 0;
}

/* "7:0.5", of N instances. */
static int read_hold (const char **text, uint32_t n, struct aw_hold *hold)
{
    char *end;

    if (read_number (text, n, &hold->instance) < 0 || **text != ':')
        return -1;
    hold->seconds = strtod (++*text, &end);
    if (end == *text || **text == ' ' || !(hold->seconds > 0) || !isfinite (hold->seconds))
        return -1;
    *text = end + (*end == ' ');
    return 0;
}

static int read_holds (const char *text, uint32_t n, struct aw_plan_holds *holds)
{
    uint32_t room = 0;

    for (const char *p = text; (p = strchr (p, ':')); p++)
        room++;
    if (room == 0)
        return *text ? -1 : 0;
    holds->at = calloc (room, sizeof (*holds->at));
    if (!holds->at) {
        errno = ENOMEM;
        return -1;
    }
    while (*text && holds->n < room)
        if (read_hold (&text, n, &holds->at[holds->n++]) < 0)
            return -1;
    return *text ? -1 : 0;
}

/* Reads TEXT, of a plan for N instances: all places or none, then holds. 0, or -1 with EINVAL or
 * ENOMEM and PARTS empty.
 */
static int read_plan (const char *text, uint32_t n, struct plan_parts *parts)
{
    size_t first = strcspn (text, " :");
    int rc = 0;

    *parts = (struct plan_parts){ 0 };
    errno = EINVAL;
    if (text[first] != ':') {
        parts->places = malloc ((n + (size_t)1) * sizeof (*parts->places));
        if (!parts->places) {
            errno = ENOMEM;
            return -1;
        }
        for (uint32_t i = 0; rc == 0 && i < n; i++)
            rc = read_number (&text, n, &parts->places[i]);
    }
    if (rc == 0)
        rc = read_holds (text, n, &parts->holds);
    if (rc < 0) {
        finish_parts (parts);
        *parts = (struct plan_parts){ 0 };
    }
    return rc;
}

static int follow_text (struct aw_sched *s, const char *text)
{
    struct plan_parts parts;
    int rc = read_plan (text, aw_plan_size (s->graph), &parts);

    if (rc == 0)
        rc = aw_sched_follow (s, parts.places, &parts.holds);
    finish_parts (&parts);
    return rc;
}

int aw_sched_resume_plan (struct aw_sched *s, const char *text)
{
    int rc = follow_text (s, text);

    return rc < 0 && errno == ENOMEM ? -1 : 0;
}

int aw_sched_handle_plan (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    uint32_t n = aw_plan_size (s->graph);

    if (follow_text (s, ev->text ? ev->text : "") == 0)
        return 0;
    return errno == EINVAL
               ? aw_error_set (err, "a plan is a list of %u places, each below %u", n, n)
               : aw_error_set (err, "out of memory");
}
