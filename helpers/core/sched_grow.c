/* SPDX-License-Identifier: Apache-2.0 */
/* Task sets that come while the scheduler is at work. */
#include <math.h>

#include "core/grow.h"
#include "core/sched_state.h"

/* Until the ranks are worked out anew, what came is as long as it is itself. */
static void rank_new (struct aw_sched *s, const struct aw_graph_size *old)
{
    for (uint32_t set = old->n_sets; set < s->graph->n_sets; set++) {
        double seconds = s->estimate.seconds[set];

        s->ready.remaining[aw_graph_instance (s->graph, 0, set)] = isnan (seconds) ? 1 : seconds;
    }
    aw_sched_rank_anew (s);
}

static int grow (struct aw_sched *s, const struct aw_graph_size *old, struct aw_released *out)
{
    uint32_t n_tasks = s->graph->n_tasks, n_shapes = s->ready.n_shapes;

    if (aw_grow (&s->tries, old->n_tasks, n_tasks, sizeof (*s->tries), 0) < 0
        || (s->done && aw_grow (&s->done, old->n_tasks, n_tasks, sizeof (*s->done), 0) < 0)
        || (s->failed_on
            && aw_grow (&s->failed_on, old->n_tasks, n_tasks, sizeof (*s->failed_on), 0xff) < 0)
        || aw_running_grow (&s->running, n_tasks) < 0 || aw_estimate_grow (&s->estimate, old) < 0
        || aw_ready_grow (&s->ready, old) < 0 || aw_stage_grow (&s->stage, old) < 0
        || aw_suspects_grow (&s->suspects, s->graph->n_sets) < 0 || aw_sched_part_room (s) < 0)
        return -1;
    aw_sched_forget (s);
    rank_new (s, old);
    if (s->ready.n_shapes > n_shapes)
        aw_sched_fit_all (s);
    return aw_depend_grow (&s->depend, old, s->now, out);
}

int aw_sched_grow (struct aw_sched *s, const struct aw_graph_size *old, struct aw_error *err)
{
    struct aw_released out = { 0 };
    int rc;

    if (!s->begun)
        return aw_error_set (err, "a scheduler that has not begun cannot grow");
    rc = grow (s, old, &out);
    if (rc == 0)
        rc = aw_sched_release (s, &out);
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    if (rc == 0)
        return 0;
    s->out_of_memory = true;
    return aw_error_set (err, "out of memory for %u tasks", s->graph->n_tasks);
}
