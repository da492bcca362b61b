/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that become ready or are skipped: into the queues, and into the news for the caller. */
#include "core/history/resume_state.h"
#include "core/sched/sched_state.h"

int aw_sched_queue (struct aw_sched *s, uint32_t first, uint32_t last, double t)
{
    while (first <= last) {
        struct aw_task at = aw_graph_task (s->graph, first);
        uint32_t end = first - at.index + s->graph->sets[at.set].count - 1;

        if (end > last)
            end = last;
        if ((aw_stage_concerns (s->graph, at.set) ? aw_stage_push (&s->stage, first, end, t)
                                                  : aw_ready_push (&s->ready, first, end, t))
            < 0)
            return -1;
        first = end + 1;
    }
    return 0;
}

static int queue_as_news (struct aw_sched *s, uint32_t first, uint32_t last, double t)
{
    return aw_sched_queue (s, first, last, t) < 0 ? -1
                                                  : aw_ranges_push (&s->news.ready, first, last, t);
}

/* TASK ends as it did in an earlier part of the run. */
static int end_again (struct aw_sched *s, uint32_t task, double t, struct aw_released *out)
{
    switch (s->done[task]) {
    case AW_RESUME_IGNORED:
        return aw_depend_ignore (&s->depend, task, t, out);
    case AW_RESUME_FAILED:
        return aw_depend_fail (&s->depend, task, t, out);
    default:
        return aw_depend_done (&s->depend, task, t, out);
    }
}

/* Tasks that an earlier part of the run completed are done as soon as they would be ready; the
 * others of RUN are ready.
 */
static int release_undone (struct aw_sched *s, struct aw_range run, struct aw_released *out)
{
    for (uint32_t task = run.first; task <= run.last; task++) {
        uint32_t last = task;

        if (s->done[task]) {
            if (end_again (s, task, run.t, out) < 0)
                return -1;
            continue;
        }
        while (last < run.last && !s->done[last + 1])
            last++;
        if (queue_as_news (s, task, last, run.t) < 0)
            return -1;
        task = last;
    }
    return 0;
}

/* A task that an earlier part of the run completed is not published as skipped, even if its
 * messages never came in this part.
 */
static int publish_skipped (struct aw_sched *s, const struct aw_range *run)
{
    if (!s->done)
        return aw_ranges_push (&s->news.skipped, run->first, run->last, run->t);
    for (uint32_t task = run->first; task <= run->last; task++)
        if (!s->done[task] && aw_ranges_push (&s->news.skipped, task, task, run->t) < 0)
            return -1;
    return 0;
}

static int release (struct aw_sched *s, struct aw_released *out)
{
    const struct aw_range *run;

    while ((run = aw_ranges_front (&out->ready))) {
        if (s->done) {
            struct aw_range copy = *run;

            aw_ranges_drop (&out->ready);
            if (release_undone (s, copy, out) < 0)
                return -1;
            continue;
        }
        if (queue_as_news (s, run->first, run->last, run->t) < 0)
            return -1;
        aw_ranges_drop (&out->ready);
    }
    while ((run = aw_ranges_front (&out->skipped))) {
        if (publish_skipped (s, run) < 0)
            return -1;
        aw_ranges_drop (&out->skipped);
    }
    return 0;
}

int aw_sched_release (struct aw_sched *s, int rc, struct aw_released *out)
{
    if (rc == 0)
        rc = release (s, out);
    aw_ranges_finish (&out->ready);
    aw_ranges_finish (&out->skipped);
    if (rc < 0)
        s->out_of_memory = true;
    return rc;
}
