/* SPDX-License-Identifier: Apache-2.0 */
/* Task sets that come while the scheduler runs. What needs memory comes first, so that where
 * there is none the scheduler is as it was.
 */
#include <math.h>

#include "core/graph/grow.h"
#include "core/sched/sched_state.h"

/* Ranks of all sets take time by the size of the graph, so they are computed only after several
 * additions. Until then, the rank of a new set is its own duration.
 */
static void rank_new (struct aw_sched *s, const struct aw_graph_size *old)
{
    for (uint32_t set = old->n_sets; set < s->graph->n_sets; set++) {
        double seconds = aw_estimate_seconds (&s->estimate, set);

        s->ready.remaining[aw_graph_instance (s->graph, 0, set)] = isnan (seconds) ? 1 : seconds;
    }
    s->n_moves += s->graph->n_sets - old->n_sets;
    if (s->n_moves > s->graph->n_sets / 64)
        aw_sched_rank_again (s);
}

/* Ranks that were due before are computed by the old graph, as a call of next would have done
 * before the addition.
 */
static int rank_old (struct aw_sched *s, const struct aw_graph_size *old)
{
    struct aw_graph before = *s->graph;

    before.n_sets = old->n_sets;
    before.n_tasks = old->n_tasks;
    before.n_topics = old->n_topics;
    return aw_sched_refresh_ranks (s, &before);
}

static int make_room (struct aw_sched *s, const struct aw_graph_size *old)
{
    struct aw_graph_size size = aw_graph_size (s->graph), room = s->room;

    if (aw_graph_size_grow (&room, &size)
        && (aw_grow (&s->tries, s->room.n_tasks, room.n_tasks, sizeof (*s->tries), 0) < 0
            || aw_sched_service_room (s, s->room.n_instances, room.n_instances) < 0
            || (s->done
                && aw_grow (&s->done, s->room.n_tasks, room.n_tasks, sizeof (*s->done), 0) < 0)
            || (s->failed_on
                && aw_grow (&s->failed_on, s->room.n_tasks, room.n_tasks, sizeof (*s->failed_on),
                            0xff)
                       < 0)))
        return -1;
    s->room = room;
    if (aw_pool_grow_graph (&s->pool, old->n_sets) < 0
        || aw_running_grow (&s->running, size.n_tasks) < 0
        || aw_estimate_grow (&s->estimate, old) < 0 || aw_stage_grow (&s->stage, &s->pool, old) < 0
        || aw_health_grow (&s->health, size.n_sets) < 0 || aw_sched_part_room (s, old->n_sets) < 0
        || aw_depend_room (&s->depend, old) < 0)
        return -1;
    return aw_ready_grow (&s->ready, old);
}

int aw_sched_grow (struct aw_sched *s, struct aw_error *err)
{
    struct aw_graph_size old = s->size;
    struct aw_gpu_wants wants = s->pool.wants;
    struct aw_released out = { 0 };
    uint32_t n_shapes = s->ready.n_shapes;

    if (s->graph->n_sets == old.n_sets)
        return 0;
    if (!s->begun)
        return aw_error_set (err, "a scheduler that has not begun cannot grow");
    if (rank_old (s, &old) < 0 || make_room (s, &old) < 0) {
        s->pool.wants = wants;
        aw_pool_set_types (&s->pool, old.n_gpu_types);
        return aw_error_set (err, "out of memory for %u tasks", s->graph->n_tasks);
    }
    s->size = aw_graph_size (s->graph);
    rank_new (s, &old);
    s->backlog.clear = 0;
    aw_sched_forget (s);
    for (uint32_t i = n_shapes; i < s->ready.n_shapes; i++)
        aw_sched_fit_shape (s, &s->ready.shapes[i]);
    aw_sched_release (s, aw_depend_grow (&s->depend, &old, s->now, &out), &out);
    aw_sched_reopen_services (s);
    return 0; /* out of memory it stops, with all that came */
}
