/* SPDX-License-Identifier: Apache-2.0 */
#include "model/simulate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An attempt that will end. Equal ends come in the order of the starts. */
struct ending {
    double t, seconds;
    uint64_t order;
    uint32_t task, attempt, node;
};

struct queue {
    struct ending *heap;
    size_t n, room;
    uint64_t order;
};

static bool sooner (const struct ending *a, const struct ending *b)
{
    return a->t != b->t ? a->t < b->t : a->order < b->order;
}

static int push (struct queue *q, struct ending e)
{
    size_t i = q->n;

    if (q->n == q->room) {
        size_t room = q->room ? 2 * q->room : 256;
        struct ending *heap = realloc (q->heap, room * sizeof (*heap));
        if (!heap)
            return -1;
        q->heap = heap;
        q->room = room;
    }
    e.order = q->order++;
    q->n++;
    for (; i > 0 && sooner (&e, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        q->heap[i] = q->heap[(i - 1) / 2];
    q->heap[i] = e;
    return 0;
}

static struct ending pop (struct queue *q)
{
    struct ending top = q->heap[0], last = q->heap[--q->n];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < q->n && sooner (&q->heap[child + 1], &q->heap[child]))
            child++;
        if (child >= q->n || !sooner (&q->heap[child], &last))
            break;
        q->heap[i] = q->heap[child];
        i = child;
    }
    if (q->n > 0)
        q->heap[i] = last;
    return top;
}

static double known (double seconds)
{
    return seconds > 0 ? seconds : 0; /* NAN too */
}

/* Carries out all that the scheduler wants now. */
static int act (struct aw_sched *sched,
                const struct aw_simulation *sim,
                struct queue *queue,
                struct aw_simulated *result,
                struct aw_error *err)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    struct aw_event action;

    while (aw_sched_next (sched, &action)) {
        struct aw_whole whole;
        double seconds;

        if (sim->observe)
            sim->observe (sim->arg, &action);
        if (action.type == AW_EVENT_END)
            result->code = action.code;
        if (action.type != AW_EVENT_START)
            continue;
        seconds = known (sim->seconds ? sim->seconds (sim->arg, &action)
                                      : aw_sched_expected (sched, action.task));
        if (push (queue, (struct ending){ .t = action.t + seconds,
                                          .seconds = seconds,
                                          .task = action.task,
                                          .attempt = action.attempt,
                                          .node = action.node })
            < 0)
            return aw_error_set (err, "out of memory in the simulation");
        if (++result->decisions % AW_SIMULATE_STRIDE == 0 && sim->go_on && !sim->go_on (sim->arg)) {
            errno = ECANCELED;
            return aw_error_set (err, "the simulation was ended");
        }
        whole = aw_set_whole (&graph->sets[aw_graph_task (graph, action.task).set]);
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
                    const struct ending *ending,
                    struct aw_error *err)
{
    struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .t = ending->t,
        .task = ending->task,
        .attempt = ending->attempt,
        .node = ending->node,
        .status = AW_STATUS_COMPLETED,
        .seconds = ending->seconds,
    };

    if (sim->ends)
        sim->ends (sim->arg, &ev);
    return hand_in (sched, sim, &ev, err);
}

/* Hands in WAKE where the scheduler wants one by T. */
static int wake (struct aw_sched *sched,
                 const struct aw_simulation *sim,
                 double t,
                 struct aw_error *err)
{
    struct aw_event ev = { .type = AW_EVENT_WAKE, .t = t, .task = AW_NONE, .node = AW_NONE };

    return aw_sched_next_wake (sched) <= t ? hand_in (sched, sim, &ev, err) : 0;
}

/* What runs already when the simulation begins. */
static int take_over (struct aw_sched *sched, struct queue *queue, struct aw_error *err)
{
    struct aw_event ev;
    uint32_t cursor = 0;
    double now = aw_sched_now (sched);

    while (aw_sched_running (sched, &cursor, &ev)) {
        double seconds = known (aw_sched_expected (sched, ev.task));
        double end = ev.t + seconds > now ? ev.t + seconds : now;

        if (push (queue, (struct ending){ .t = end,
                                          .seconds = end - ev.t,
                                          .task = ev.task,
                                          .attempt = ev.attempt,
                                          .node = ev.node })
            < 0)
            return aw_error_set (err, "out of memory in the simulation");
    }
    return 0;
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
    rc = take_over (sched, &queue, err);
    if (rc == 0)
        rc = act (sched, sim, &queue, result, err);
    for (;;) {
        double t = fmin (queue.n > 0 ? queue.heap[0].t : INFINITY, aw_sched_next_wake (sched));

        if (rc < 0 || isinf (t))
            break;
        if (t < aw_sched_now (sched))
            t = aw_sched_now (sched);

        /* All that ends at one time ends before anything starts: the order among equals decides
         * nothing.
         */
        while (rc == 0 && queue.n > 0 && queue.heap[0].t <= t) {
            struct ending ending = pop (&queue);
            rc = end_one (sched, sim, &ending, err);
            result->end = t;
        }
        if (rc == 0)
            rc = wake (sched, sim, t, err);
        if (rc == 0)
            rc = act (sched, sim, &queue, result, err);
    }
    saved = errno;
    free (queue.heap);
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
    struct aw_event ev = { .type = AW_EVENT_NODE, .mem = mem };
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
