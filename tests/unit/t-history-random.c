/* SPDX-License-Identifier: Apache-2.0 */
/* Random runs agree with a plain record of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/history/history.h"
#include "graphs.h"
#include "history-steps.h"

/* A generator of our own: the same everywhere. Park and Miller's minimal standard. */
static uint32_t seed;

static uint32_t below (uint32_t n)
{
    seed = (uint32_t)((uint64_t)seed * 48271 % 2147483647);
    return seed % n;
}

/* A random run that respects the graph: at each moment something that may start starts, or
 * something that runs ends. */
struct random_run {
    struct aw_graph *graph;
    struct aw_history history;
    double work, gpu_work; /* CPUs and GPUs times seconds */
    double t;
    uint8_t *done; /* by task */
    uint32_t *running;
    uint32_t n_running, free_cpus, free_gpus;
};

/* With a set whose tasks wait for others, and for some of its own a while ago, by key. */
static struct aw_graph *make_keyed_graph (uint32_t iterations)
{
    struct aw_graph *graph = history_graph (iterations);
    uint64_t state = 1 + below (1000);

    assert_non_null (aw_graph_add_set (graph, "d"));
    graph->sets[3].count = 5;
    graphs_keyed_edge (graph, 3, (struct aw_edge){ .set = 0 }, 2, &state);
    graphs_keyed_edge (graph, 3, (struct aw_edge){ .set = 3, .back = 1 }, 3, &state);
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    return graph;
}

static bool may_start (const struct random_run *run, uint32_t id)
{
    struct aw_task task = aw_graph_task (run->graph, id);
    const struct aw_set *set = &run->graph->sets[task.set];
    const struct aw_attempt *last = aw_history_last (&run->history, id);

    if (run->done[id] || (last && isnan (last->finish)))
        return false;
    for (uint32_t i = 0; i < set->n_after; i++) {
        const struct aw_edge *edge = &set->after[i];
        struct aw_task from = { task.iteration - edge->back, edge->set, 0 };
        if (edge->back > task.iteration)
            continue;
        for (; from.index < run->graph->sets[edge->set].count; from.index++)
            if (graphs_are_paired (run->graph, task.set, edge, task.index, from.index)
                && !run->done[aw_graph_task_id (run->graph, from)])
                return false;
    }
    return true;
}

/* The task of EV is assigned, and given back. */
static void take_back (struct random_run *run, struct aw_event *ev)
{
    ev->type = AW_EVENT_ASSIGN;
    assert_int_equal (aw_history_handle (&run->history, ev, NULL), 0);
    ev->type = AW_EVENT_FINISH;
    ev->status = AW_STATUS_CANCELLED;
    assert_int_equal (aw_history_handle (&run->history, ev, NULL), 0);
    ev->status = AW_STATUS_COMPLETED;
    ev->attempt++;
}

static void start_one (struct random_run *run, uint32_t id)
{
    struct aw_event ev = { .type = AW_EVENT_READY, .t = run->t, .task = id };
    uint32_t cpus = 1 + below (3), gpus = below (2);

    if (cpus > run->free_cpus || gpus > run->free_gpus)
        return;
    ev.attempt = aw_history_next_attempt (&run->history, id);
    assert_int_equal (aw_history_handle (&run->history, &ev, NULL), 0);
    while (below (3) == 0)
        take_back (run, &ev);
    ev.type = AW_EVENT_ASSIGN;
    if (below (3) == 0)
        assert_int_equal (aw_history_handle (&run->history, &ev, NULL), 0);
    ev.type = AW_EVENT_START;
    assert_int_equal (aw_idset_add (&ev.cpus, 0, cpus - 1), 0);
    if (gpus)
        assert_int_equal (aw_idset_add (&ev.gpus, 0, gpus - 1), 0);
    assert_int_equal (aw_history_handle (&run->history, &ev, NULL), 0);
    aw_idset_finish (&ev.cpus);
    aw_idset_finish (&ev.gpus);
    run->free_cpus -= cpus;
    run->free_gpus -= gpus;
    run->running[run->n_running++] = id;
}

static void end_one (struct random_run *run)
{
    uint32_t i = below (run->n_running), id = run->running[i];
    const struct aw_attempt *last = aw_history_last (&run->history, id);
    struct aw_event ev = {
        .type = AW_EVENT_FINISH, .t = run->t, .task = id, .attempt = last->attempt
    };

    ev.seconds = run->t - last->start;
    if (below (10) == 0) {
        ev.status = AW_STATUS_FAILED;
        ev.code = 1;
    }
    assert_int_equal (aw_history_handle (&run->history, &ev, NULL), 0);
    run->done[id] = ev.status == AW_STATUS_COMPLETED;
    run->work += ev.seconds * last->cpus;
    run->gpu_work += ev.seconds * last->gpu_parts / AW_GPU_WHOLE;
    run->free_cpus += last->cpus;
    run->free_gpus += last->gpu_parts / AW_GPU_WHOLE;
    run->running[i] = run->running[--run->n_running];
}

static void check_load (const struct random_run *run)
{
    struct aw_step *steps;
    struct aw_summary sum;
    double cpus = 0, gpus = 0;
    size_t n;

    assert_int_equal (aw_history_load (&run->history, &steps, &n), 0);
    for (size_t i = 0; i + 1 < n; i++) {
        assert_true (steps[i + 1].t > steps[i].t);
        assert_true (steps[i].cpus <= 8 && steps[i].gpu_parts <= 4 * AW_GPU_WHOLE);
        cpus += (steps[i + 1].t - steps[i].t) * steps[i].cpus;
        gpus += (steps[i + 1].t - steps[i].t) * steps[i].gpu_parts / AW_GPU_WHOLE;
    }
    assert_int_equal (steps[n - 1].cpus, 0);
    free (steps);
    assert_float_equal (cpus, run->work, 1e-6);
    assert_float_equal (gpus, run->gpu_work, 1e-6);
    aw_history_summary (&run->history, &sum);
    assert_float_equal (sum.cpu_share * 8 * sum.makespan, run->work, 1e-6);
    assert_float_equal (sum.gpu_share * 4 * sum.makespan, run->gpu_work, 1e-6);
    assert_int_equal (sum.completed, run->graph->n_tasks);
}

/* B directly follows A in the workflow, or is A's next attempt. */
static bool follows (const struct aw_history *history,
                     const struct aw_attempt *a,
                     const struct aw_attempt *b)
{
    const struct aw_graph *graph = history->graph;
    struct aw_task from = aw_graph_task (graph, a->task), to = aw_graph_task (graph, b->task);

    if (a->task == b->task)
        return b->previous == (uint32_t)(a - history->attempts);
    for (uint32_t i = 0; i < graph->sets[to.set].n_after; i++) {
        const struct aw_edge *edge = &graph->sets[to.set].after[i];
        if (edge->set == from.set && edge->back == to.iteration - from.iteration
            && graphs_are_paired (graph, to.set, edge, to.index, from.index))
            return true;
    }
    return false;
}

static void check_chain (const struct random_run *run)
{
    const struct aw_history *history = &run->history;
    uint32_t *chain;
    size_t n;
    struct aw_task first;

    assert_int_equal (aw_history_chain (history, &chain, &n), 0);
    assert_true (n > 0);
    for (size_t i = 0; i < history->n_attempts; i++)
        assert_true (history->attempts[i].finish <= history->attempts[chain[n - 1]].finish);
    for (size_t i = 1; i < n; i++) {
        const struct aw_attempt *a = &history->attempts[chain[i - 1]],
                                *b = &history->attempts[chain[i]];
        assert_true (follows (history, a, b));
        assert_true (a->finish <= b->start);
        for (size_t k = 0; k < history->n_attempts; k++) {
            const struct aw_attempt *other = &history->attempts[k];

            if (a->task != b->task && other->task != b->task && follows (history, other, b))
                assert_true (other->finish <= a->finish);
        }
    }
    first = aw_graph_task (run->graph, history->attempts[chain[0]].task);
    assert_true (first.set == 0
                 || (first.iteration == 0 && run->graph->sets[first.set].n_after == 0));
    assert_int_equal (history->attempts[chain[0]].previous, AW_NONE);
    free (chain);
}

static void random_runs_agree_with_a_plain_record (void **state)
{
    (void)state;
    for (uint32_t r = 1; r <= 60; r++) {
        struct random_run run = { .graph = make_keyed_graph (1 + r % 4),
                                  .free_cpus = 8,
                                  .free_gpus = 4 };
        struct step node = { { .type = AW_EVENT_NODE, .name = "n" }, "0-7", "0-3" };
        uint32_t left;

        seed = r;
        run.done = calloc (run.graph->n_tasks, 1);
        run.running = calloc (run.graph->n_tasks, sizeof (*run.running));
        assert_non_null (run.done);
        assert_non_null (run.running);
        assert_int_equal (aw_history_init (&run.history, run.graph, NULL), 0);
        assert_int_equal (history_feed (&run.history, &node, NULL), 0);
        do {
            run.t += below (4) * 0.37; /* often nothing: many things at one moment */
            for (uint32_t id = 0; id < run.graph->n_tasks; id++)
                if (may_start (&run, id) && below (2))
                    start_one (&run, id);
            if (run.n_running && below (3))
                end_one (&run);
            left = run.n_running;
            for (uint32_t id = 0; id < run.graph->n_tasks; id++)
                left += !run.done[id];
        } while (left);
        if (run.t > 0 && run.work > 0) {
            check_load (&run);
            check_chain (&run);
        }
        aw_history_finish (&run.history);
        free (run.done);
        free (run.running);
        aw_graph_destroy (run.graph);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (random_runs_agree_with_a_plain_record),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
