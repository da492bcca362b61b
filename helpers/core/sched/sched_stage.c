/* SPDX-License-Identifier: Apache-2.0 */
/* Data staging in the scheduler. An attempt of a set with asynchronous stage_in begins with STAGE:
 * it has a node, but no CPUs and GPUs. STAGED queues it for those, and START is on that node.
 * RELEASE gives them back before FINISH, which comes when the results are copied. A lost node, a
 * failed copy or a kill ends such an attempt as any other.
 */
#include <math.h>
#include <string.h>

#include "core/sched/sched_state.h"

/* TASK's attempt begins on NODE, without resources. */
static int begin_staging (struct aw_sched *s, uint32_t task, uint32_t node)
{
    struct aw_running *run = aw_running_new (&s->running, 1);

    if (!run || !aw_stage_give (&s->stage, &s->pool, task, node))
        return -1;
    aw_idset_finish (&run->cpus);
    aw_idset_finish (&run->gpus);
    run->node = node;
    aw_sched_begin_run (s, run, task);
    run = aw_running_find (&s->running, task);
    memset (&run->demand, 0, sizeof (run->demand));
    run->staging = true;
    aw_running_set_end (&s->running, run, INFINITY);
    return 0;
}

/* Could a task of INSTANCE, whose data came now, end by the limit? */
static bool is_in_time (void *arg, uint32_t instance)
{
    return aw_sched_in_time (arg, instance);
}

bool aw_sched_next_stage (struct aw_sched *s, uint32_t *task, uint32_t *node)
{
    struct aw_stage_choice by = { &s->pool, s->ready.remaining, s->failed_on, is_in_time, s };

    if (s->stage.n_queued == 0 || s->stopped || !aw_stage_next (&s->stage, &by, task, node))
        return false;
    if (begin_staging (s, *task, *node) == 0)
        return true;
    s->out_of_memory = true;
    return false;
}

/* The attempt of EV, or NULL with text; *KNOWN: it has ended, which is no error. */
static struct aw_running *attempt_of (const struct aw_sched *s,
                                      const struct aw_event *ev,
                                      bool *known,
                                      struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    char name[128];

    *known = !run && ev->attempt < s->tries[ev->task].attempts;
    if (run && run->attempt == ev->attempt && run->node == ev->node)
        return run;
    *known = *known || (run && ev->attempt < run->attempt);
    if (!*known) {
        aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
        aw_error_set (err, "%s attempt %u does not run on that node", name, ev->attempt);
    }
    return NULL;
}

int aw_sched_handle_stage (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    struct aw_task at = aw_graph_task (s->graph, ev->task);
    char name[128];

    if ((run && run->attempt == ev->attempt) || ev->attempt < s->tries[ev->task].attempts)
        return 0; /* known */
    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (run || !aw_stage_concerns (s->graph, at.set) || ev->attempt != s->tries[ev->task].attempts
        || s->depend.state[ev->task] != AW_DEPEND_READY)
        return aw_error_set (err, "data for %s attempt %u cannot come now", name, ev->attempt);
    if (ev->node >= s->pool.n_nodes)
        return aw_error_set (err, "data for %s comes to unknown node %u", name, ev->node);
    if (begin_staging (s, ev->task, ev->node) < 0)
        return aw_error_set (err, "data for %s cannot come now", name);
    return 0;
}

int aw_sched_handle_staged (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    bool known;
    struct aw_running *run = attempt_of (s, ev, &known, err);

    if (!run)
        return known ? 0 : -1;
    if (!run->staging || run->staged)
        return 0; /* known */
    if (aw_ready_push (&s->ready, ev->task, ev->task, s->now) < 0) {
        s->out_of_memory = true;
        return aw_error_set (err, "out of memory");
    }
    run->staged = true;
    aw_sched_unblock (s, run->node); /* its shape may be blocked for other nodes */
    return 0;
}

int aw_sched_handle_release (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    bool known;
    struct aw_running *run = attempt_of (s, ev, &known, err);

    if (!run)
        return known ? 0 : -1;
    if (run->staging || run->released)
        return 0;
    aw_sched_give_back (s, run, 1);
    aw_idset_finish (&run->cpus);
    aw_idset_finish (&run->gpus);
    memset (&run->demand, 0, sizeof (run->demand));
    run->released = true;
    aw_running_set_end (&s->running, run, INFINITY);
    aw_sched_unblock (s, run->node);
    return 0;
}

/* Is there a set whose tasks wait for data that could not end by the limit? */
static bool any_late (const struct aw_sched *s)
{
    for (uint32_t set = 0; set < s->graph->n_sets && !isinf (s->limit); set++)
        if (aw_stage_concerns (s->graph, set)
            && !aw_sched_in_time (s, aw_graph_instance (s->graph, 0, set)))
            return true;
    return false;
}

struct aw_running *aw_sched_stranded (const struct aw_sched *s)
{
    struct aw_running *run;
    uint32_t cursor = 0;

    if (!s->stage.queues || !(s->stopped || s->any_drained || s->services.n || any_late (s)))
        return NULL;
    while ((run = aw_running_each (&s->running, &cursor))) {
        struct aw_task at = aw_graph_task (s->graph, run->task);

        if (run->staging && !run->assigned && !run->killed
            && (s->stopped || s->health.nodes[run->node].drained
                || !aw_sched_in_time (s, aw_graph_instance (s->graph, at.iteration, at.set))
                || aw_sched_is_forsaken (s, aw_graph_instance (s->graph, at.iteration, at.set))))
            return run;
    }
    return NULL;
}

void aw_sched_leave_staging (struct aw_sched *s, struct aw_running *run)
{
    if (!run->staging || run->assigned)
        return;
    if (run->staged)
        aw_ready_remove (&s->ready, run->task);
    aw_stage_started (&s->stage, &s->pool, run->task);
}

/* The agent of its node has started it. If it was to be killed or taken back, that is decided
 * again. */
static void start_assigned (struct aw_sched *s, struct aw_running *run)
{
    aw_sched_leave_backlog (s, run);
    run->start = s->now;
    aw_sched_hold_begin (s, run);
    aw_sched_count_place (s, run, 1);
    aw_depend_run (&s->depend, run->set, run->task);
    s->cancels |= s->tries[run->task].cancelled || s->tries[run->task].restarted;
    s->cancel_from = s->kill_from = 0;
}

void aw_sched_begin_staged (struct aw_sched *s, struct aw_running *run)
{
    double seconds = aw_estimate_seconds (&s->estimate, run->set);

    aw_sched_leave_staging (s, run);
    if (run->assigned)
        start_assigned (s, run);
    aw_ready_started (&s->ready, run->set);
    run->staging = run->staged = false;
    run->start = s->now;
    aw_running_set_end (&s->running, run, isnan (seconds) ? INFINITY : s->now + seconds);
    run->fresh = false;
    aw_sched_meet_residents (s, run);
    aw_sched_drop_reservation (s);
    aw_sched_hold_measure (s, run);
    aw_sched_begin_service (s, run);
}

/* The first task in QUEUE whose node has room for it now; AW_NONE: there is none. */
static uint32_t first_with_room (const struct aw_sched *s,
                                 const struct aw_ranges *queue,
                                 const struct aw_shape *shape,
                                 bool beside)
{
    double seconds = aw_sched_beside_seconds (s, shape->bound - 1);
    const struct aw_range *range;

    for (uint32_t i = 0; (range = aw_ranges_at (queue, i)); i++)
        for (uint32_t task = range->first; task <= range->last; task++) {
            uint32_t node = aw_running_find (&s->running, task)->node;

            if (aw_node_can_hold (&s->pool.nodes[node], &shape->demand)
                && (!beside
                    || aw_reservation_allows (&s->reservation, node, &shape->demand, s->now,
                                              seconds)))
                return task;
        }
    return AW_NONE;
}

bool aw_sched_choose_staged (struct aw_sched *s,
                             const struct aw_shape *shape,
                             bool beside,
                             struct aw_choice *choice)
{
    struct aw_choice best = { AW_NONE, AW_NONE };

    for (uint32_t i = 0; i < shape->n; i++) {
        uint32_t instance = shape->heap[i], task;

        if (!aw_sched_startable (s, instance)
            || (best.instance != AW_NONE && !aw_ready_before (&s->ready, instance, best.instance)))
            continue;
        task = first_with_room (s, &s->ready.queues[instance], shape, beside);
        if (task != AW_NONE)
            best = (struct aw_choice){ instance, task };
    }
    *choice = best;
    if (best.task != AW_NONE)
        s->chosen[0] = aw_running_find (&s->running, best.task)->node;
    return best.task != AW_NONE;
}

bool aw_sched_reserve_staged (struct aw_sched *s, const struct aw_shape *shape, uint32_t instance)
{
    uint32_t task = aw_ready_front (&s->ready, instance);
    struct aw_forecast_query query = { &s->pool, &s->running, (uint32_t)(shape - s->ready.shapes),
                                       &shape->demand, s->now };

    return aw_reservation_make_on (&s->reservation, &query,
                                   aw_running_find (&s->running, task)->node);
}
