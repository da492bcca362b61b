/* SPDX-License-Identifier: Apache-2.0 */
#include "model/simulate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/heap.h"

/* A future event of an attempt. Events of equal times come in the order in which they became known.
 */
struct ending {
    enum aw_event_type type; /* STAGED, SERVING, RELEASE or FINISH */
    double t, seconds;
    uint64_t order;
    uint32_t task, attempt, node;
};

/* The copies of a node are made one after the other: the time at which all are done, and the
 * instance whose data came last.
 */
struct copier {
    double free;
    uint32_t instance;
};

struct queue {
    struct copier *copiers; /* by node */
    uint32_t n_copiers, copier_room;
    struct ending *heap;
    size_t n, room;
    uint64_t order;
};

static bool sooner (const void *arg, struct ending a, struct ending b)
{
    (void)arg;
    return a.t != b.t ? a.t < b.t : a.order < b.order;
}

AW_HEAP_DEFINE (endings, struct ending, const void *, sooner)

static int push (struct queue *q, struct ending e)
{
    if (aw_array_reserve (&q->heap, &q->room, q->n + 1) < 0)
        return -1;
    e.order = q->order++;
    endings_push (q->heap, q->n++, e, NULL);
    return 0;
}

static struct ending pop (struct queue *q)
{
    return endings_remove (q->heap, q->n--, 0, NULL);
}

static double known (double seconds)
{
    return seconds > 0 ? seconds : 0; /* NAN too */
}

/* The time at which a copy of SECONDS to or from NODE, requested at T, is done; negative: out of
 * memory.
 */
static double copied (struct queue *q, uint32_t node, double t, double seconds)
{
    if (aw_array_reserve (&q->copiers, &q->copier_room, node + (size_t)1) < 0)
        return -1;
    for (; q->n_copiers <= node; q->n_copiers++)
        q->copiers[q->n_copiers] = (struct copier){ 0, AW_NONE };
    q->copiers[node].free = fmax (t, q->copiers[node].free) + seconds;
    return q->copiers[node].free;
}

/* The time at which the input of TASK is on NODE. Shared input of an instance is copied once. */
static double brought (
    struct queue *q, const struct aw_graph *graph, uint32_t task, uint32_t node, double t)
{
    struct aw_task at = aw_graph_task (graph, task);
    const struct aw_set *set = &graph->sets[at.set];
    uint32_t instance = aw_graph_instance (graph, at.iteration, at.set);

    if (copied (q, node, t, 0) < 0)
        return -1;
    if (set->stage_shared && q->copiers[node].instance == instance)
        return q->copiers[node].free;
    q->copiers[node].instance = instance;
    return copied (q, node, t, set->stage_in_seconds);
}

static int stage (struct aw_sched *sched, struct queue *q, const struct aw_event *action)
{
    double t = brought (q, aw_sched_graph (sched), action->task, action->node, action->t);

    return t < 0 ? -1
                 : push (q, (struct ending){ .type = AW_EVENT_STAGED,
                                             .t = t,
                                             .seconds = t - action->t,
                                             .task = action->task,
                                             .attempt = action->attempt,
                                             .node = action->node });
}

static bool is_service (const struct aw_graph *graph, uint32_t task)
{
    return graph->sets[aw_graph_task (graph, task).set].service;
}

/* A service starts, and serves after SECONDS. */
static int begin_service (struct queue *q, const struct aw_event *start, double t, double seconds)
{
    return push (q, (struct ending){ .type = AW_EVENT_SERVING,
                                     .t = t,
                                     .seconds = seconds,
                                     .task = start->task,
                                     .attempt = start->attempt,
                                     .node = start->node });
}

/* It is ended, at once: it has held its CPUs and GPUs since its start. */
static int end_service (struct aw_sched *sched,
                        struct queue *q,
                        const struct aw_event *kill,
                        struct aw_simulated *result)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    struct aw_whole whole = aw_set_whole (&graph->sets[aw_graph_task (graph, kill->task).set]);
    double seconds = kill->t - aw_sched_start_of (sched, kill->task);

    result->cpu_seconds += seconds * whole.cpus;
    result->gpu_seconds += seconds * whole.gpus;
    return push (q, (struct ending){ .type = AW_EVENT_FINISH,
                                     .t = kill->t,
                                     .seconds = seconds,
                                     .task = kill->task,
                                     .attempt = kill->attempt,
                                     .node = kill->node });
}

/* An attempt of SET starts and computes for *SECONDS: its RELEASE and FINISH. *SECONDS becomes the
 * time for which it holds CPUs and GPUs.
 */
static int begin (struct aw_sched *sched,
                  struct queue *q,
                  const struct aw_event *start,
                  const struct aw_set *set,
                  double *seconds)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    struct ending e = {
        .type = AW_EVENT_FINISH, .task = start->task, .attempt = start->attempt, .node = start->node
    };
    double begun = start->t;

    if (set->service)
        return begin_service (q, start, start->t + *seconds, *seconds);
    if (set->stage_in == AW_STAGING_SYNC)
        begun = brought (q, graph, start->task, start->node, start->t);
    if (begun < 0)
        return -1;
    e.t = begun + *seconds;
    if (set->stage_out == AW_STAGING_ASYNC)
        e.type = AW_EVENT_RELEASE;
    else if (set->stage_out == AW_STAGING_SYNC)
        e.t = copied (q, start->node, e.t, set->stage_out_seconds);
    e.seconds = *seconds = e.t - start->t;
    return push (q, e);
}

/* With the start of a worker, if it has to be started. */
static double seconds_of (const struct aw_sched *sched,
                          const struct aw_simulation *sim,
                          const struct aw_event *start)
{
    double startup = sim->measured ? 0 : aw_sched_startup (sched, start->task);

    return startup
           + known (sim->seconds ? sim->seconds (sim->arg, start)
                                 : aw_sched_expected (sched, start->task));
}

/* Performs all actions of the scheduler for now. */
static int act (struct aw_sched *sched,
                const struct aw_simulation *sim,
                struct queue *queue,
                struct aw_simulated *result,
                struct aw_error *err)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    struct aw_event action;

    while (aw_sched_next (sched, &action)) {
        const struct aw_set *set;
        struct aw_whole whole;
        double seconds;

        if (sim->observe)
            sim->observe (sim->arg, &action);
        if (action.type == AW_EVENT_END)
            result->code = action.code;
        if (action.type == AW_EVENT_STAGE && stage (sched, queue, &action) < 0)
            return aw_error_set (err, "out of memory in the simulation");
        if (action.type == AW_EVENT_KILL && is_service (graph, action.task)
            && end_service (sched, queue, &action, result) < 0)
            return aw_error_set (err, "out of memory in the simulation");
        if (action.type != AW_EVENT_START)
            continue;
        set = &graph->sets[aw_graph_task (graph, action.task).set];
        seconds = seconds_of (sched, sim, &action);
        if (begin (sched, queue, &action, set, &seconds) < 0)
            return aw_error_set (err, "out of memory in the simulation");
        if (++result->decisions % AW_SIMULATE_STRIDE == 0 && sim->go_on && !sim->go_on (sim->arg)) {
            errno = ECANCELED;
            return aw_error_set (err, "the simulation was ended");
        }
        if (set->service)
            continue; /* counted when it ends */
        whole = aw_set_whole (set);
        result->cpu_seconds += seconds * whole.cpus;
        result->gpu_seconds += seconds * whole.gpus;
    }
    return 0;
}

static int hand_in (struct aw_sched *sched,
                    const struct aw_simulation *sim,
                    const struct aw_event *ev,
                    struct aw_error *err)
{
    if (sim->observe)
        sim->observe (sim->arg, ev);
    return aw_sched_handle (sched, ev, err);
}

static int end_one (struct aw_sched *sched,
                    const struct aw_simulation *sim,
                    struct queue *queue,
                    const struct ending *ending,
                    struct aw_error *err)
{
    struct aw_event ev = {
        .type = ending->type,
        .t = ending->t,
        .task = ending->task,
        .attempt = ending->attempt,
        .node = ending->node,
        .status = AW_STATUS_COMPLETED,
        .seconds = ending->seconds,
    };

    if (ending->type == AW_EVENT_FINISH && sim->ends)
        sim->ends (sim->arg, &ev);
    if (ending->type == AW_EVENT_RELEASE) {
        const struct aw_graph *graph = aw_sched_graph (sched);
        struct ending last = *ending;

        last.type = AW_EVENT_FINISH;
        last.t = copied (queue, ending->node, ending->t,
                         graph->sets[aw_graph_task (graph, ending->task).set].stage_out_seconds);
        if (last.t < 0 || push (queue, last) < 0)
            return aw_error_set (err, "out of memory in the simulation");
    }
    return hand_in (sched, sim, &ev, err);
}

/* Handles WAKE, if the scheduler needs one by T. */
static int wake (struct aw_sched *sched,
                 const struct aw_simulation *sim,
                 double t,
                 struct aw_error *err)
{
    struct aw_event ev = { .type = AW_EVENT_WAKE, .t = t, .task = AW_NONE, .node = AW_NONE };

    return aw_sched_next_wake (sched) <= t ? hand_in (sched, sim, &ev, err) : 0;
}

/* What comes next of an attempt that has begun before the simulation: EV says how far it is. The
 * time may be past. 0, or -1 with ENOMEM.
 */
static int take_over_one (struct aw_sched *sched,
                          const struct aw_simulation *sim,
                          struct queue *queue,
                          const struct aw_event *ev)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    const struct aw_set *set = &graph->sets[aw_graph_task (graph, ev->task).set];
    struct ending e = {
        .type = AW_EVENT_FINISH, .task = ev->task, .attempt = ev->attempt, .node = ev->node
    };
    double now = aw_sched_now (sched);
    uint32_t node, port;

    if (ev->type == AW_EVENT_STAGE) {
        double t = brought (queue, graph, ev->task, ev->node, ev->t);

        e.type = AW_EVENT_STAGED;
        e.t = fmax (now, t);
        e.seconds = e.t - ev->t;
        return t < 0 ? -1 : push (queue, e);
    }
    e.t = fmax (now, ev->t + seconds_of (sched, sim, ev));
    if (set->service)
        return aw_sched_service_at (sched, ev->task, &node, &port)
                   ? 0
                   : begin_service (queue, ev, e.t, e.t - ev->t);
    if (set->stage_out == AW_STAGING_ASYNC && ev->type == AW_EVENT_START)
        e.type = AW_EVENT_RELEASE;
    else if (set->stage_out != AW_STAGING_NONE)
        e.t = copied (queue, ev->node, e.t, set->stage_out_seconds);
    e.seconds = e.t - ev->t;
    return e.t < 0 ? -1 : push (queue, e);
}

/* Attempts that have begun before the simulation. */
static int take_over (struct aw_sched *sched,
                      const struct aw_simulation *sim,
                      struct queue *queue,
                      struct aw_error *err)
{
    struct aw_event ev;
    uint32_t cursor = 0;

    if (aw_sched_assign_none (sched) < 0)
        return aw_error_set (err, "out of memory in the simulation");
    while (aw_sched_each_attempt (sched, &cursor, &ev))
        if (take_over_one (sched, sim, queue, &ev) < 0)
            return aw_error_set (err, "out of memory in the simulation");
    return 0;
}

/* The senders and times of messages are not known before a run: all messages come at the start. */
static int take_messages (struct aw_sched *sched, struct aw_error *err)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < graph->n_topics; i++) {
        const struct aw_event ev = { .type = AW_EVENT_MESSAGE,
                                     .t = aw_sched_now (sched),
                                     .name = graph->topics[i],
                                     .count = UINT64_MAX / 2 };

        rc = aw_sched_handle (sched, &ev, err);
    }
    return rc;
}

int aw_simulate (struct aw_sched *sched,
                 const struct aw_simulation *simulation,
                 struct aw_simulated *result,
                 struct aw_error *err)
{
    static const struct aw_simulation plain;
    const struct aw_simulation *sim = simulation ? simulation : &plain;
    struct queue queue = { 0 };
    int rc, saved;

    memset (result, 0, sizeof (*result));
    result->code = -1;
    result->end = aw_sched_now (sched);
    rc = take_over (sched, sim, &queue, err);
    if (rc == 0)
        rc = take_messages (sched, err);
    if (rc == 0)
        rc = act (sched, sim, &queue, result, err);
    for (;;) {
        double t = fmin (queue.n > 0 ? queue.heap[0].t : INFINITY, aw_sched_next_wake (sched));

        if (rc < 0 || isinf (t))
            break;
        if (t < aw_sched_now (sched))
            t = aw_sched_now (sched);

        /* All ends of one time come before any start, so their order does not matter. */
        while (rc == 0 && queue.n > 0 && queue.heap[0].t <= t) {
            struct ending ending = pop (&queue);
            rc = end_one (sched, sim, &queue, &ending, err);
            result->end = t;
        }
        if (rc == 0)
            rc = wake (sched, sim, t, err);
        if (rc == 0 && sim->turn)
            rc = sim->turn (sim->arg, sched, err);
        if (rc == 0)
            rc = act (sched, sim, &queue, result, err);
    }
    saved = errno;
    free (queue.heap);
    free (queue.copiers);
    errno = saved;
    return rc;
}

int aw_simulate_add_nodes (struct aw_sched *sched,
                           uint32_t n,
                           uint32_t cpus,
                           uint32_t gpus,
                           uint64_t mem,
                           struct aw_error *err)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .t = aw_sched_now (sched), .mem = mem };
    char name[32];
    int rc = 0;

    if (cpus == 0 || aw_idset_add (&ev.cpus, 0, cpus - 1) < 0
        || (gpus > 0 && aw_idset_add (&ev.gpus, 0, gpus - 1) < 0))
        rc = aw_error_set (err, "cannot make nodes of %u CPUs and %u GPUs", cpus, gpus);
    ev.name = name;
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        ev.node = aw_sched_pool (sched)->n_nodes;
        snprintf (name, sizeof (name), "n%u", ev.node + 1);
        rc = aw_sched_handle (sched, &ev, err);
    }
    aw_idset_finish (&ev.cpus);
    aw_idset_finish (&ev.gpus);
    return rc;
}
