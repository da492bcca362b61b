/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/failure.h"
#include "core/history/history.h"
#include "graphs.h"

static int calls_left = -1; /* until one gets no memory; below 0: all get some */

static bool no_memory (void)
{
    return calls_left >= 0 && calls_left-- == 0;
}

char *__real_strdup (const char *text);
char *__wrap_strdup (const char *text);
char *__wrap_strdup (const char *text)
{
    return no_memory () ? NULL : __real_strdup (text);
}

void *__real_reallocarray (void *old, size_t n, size_t size);
void *__wrap_reallocarray (void *old, size_t n, size_t size);
void *__wrap_reallocarray (void *old, size_t n, size_t size)
{
    return no_memory () ? NULL : __real_reallocarray (old, n, size);
}

/* a (2 tasks) -> b[i] (2) -> c, and c of the iteration before. */
static struct aw_graph *make_graph (uint32_t iterations)
{
    struct aw_graph *graph = aw_graph_create ();

    assert_non_null (graph);
    assert_non_null (aw_graph_add_set (graph, "a"));
    assert_non_null (aw_graph_add_set (graph, "b"));
    assert_non_null (aw_graph_add_set (graph, "c"));
    graph->sets[0].count = graph->sets[1].count = 2;
    graph->sets[0].retry.count = 1;
    graph->iterations = iterations;
    graph->iterated = iterations > 1;
    assert_int_equal (aw_graph_add_edge (graph, 1, (struct aw_edge){ .set = 0, .by = AW_BY_INDEX }),
                      0);
    assert_int_equal (aw_graph_add_edge (graph, 2, (struct aw_edge){ .set = 1 }), 0);
    assert_int_equal (aw_graph_add_edge (graph, 2, (struct aw_edge){ .set = 2, .back = 1 }), 0);
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    return graph;
}

/* An event with its lists of CPUs and GPUs as text. */
struct step {
    struct aw_event ev;
    const char *cpus, *gpus;
};

static int feed (struct aw_history *history, const struct step *step, struct aw_error *err)
{
    struct aw_event ev = step->ev;
    int rc;

    assert_int_equal (aw_idset_parse (&ev.cpus, step->cpus ? step->cpus : ""), 0);
    assert_int_equal (aw_idset_parse (&ev.gpus, step->gpus ? step->gpus : ""), 0);
    rc = aw_history_handle (history, &ev, err);
    aw_idset_finish (&ev.cpus);
    aw_idset_finish (&ev.gpus);
    return rc;
}

#define NODE(n, time)                                                            \
    {                                                                            \
        { .type = AW_EVENT_NODE, .t = time, .node = n, .name = "n" }, "0-3", "0" \
    }
#define READY(id, time)                                               \
    {                                                                 \
        { .type = AW_EVENT_READY, .t = time, .task = id }, NULL, NULL \
    }
#define START(id, time, cpus)                                         \
    {                                                                 \
        { .type = AW_EVENT_START, .t = time, .task = id }, cpus, NULL \
    }
#define FINISH(id, time)                                                             \
    {                                                                                \
        { .type = AW_EVENT_FINISH, .t = time, .task = id, .seconds = 1 }, NULL, NULL \
    }

static void events_that_contradict_the_history_are_refused (void **state)
{
    static const struct {
        struct step steps[4]; /* the last one is wrong */
        int n;
        const char *message;
    } table[] = {
        { { NODE (1, 0) }, 1, "node 1 joins where number 0 comes next" },
        { { { { .type = AW_EVENT_NODE_LOST }, NULL, NULL } }, 1, "never joined" },
        { { START (0, 0, "0") }, 1, "a[0] starts on a node that never joined" },
        { { NODE (0, 0), START (0, 0, "0-4") },
          2,
          "a[0] starts on CPUs or GPUs that its node does not have free" },
        { { NODE (0, 0), START (0, 0, "0-2"), START (1, 0, "2-3") }, 3, "does not have free" },
        { { NODE (0, 0), START (0, 0, "0"), START (0, 1, "1") }, 3, "starts while it runs" },
        { { NODE (0, 0), FINISH (0, 0) }, 2, "a[0] ends but does not run" },
        { { NODE (0, 0), START (0, 0, "0"), FINISH (0, 1), FINISH (0, 1) },
          4,
          "ends but does not run" },
        { { NODE (0, 0),
            START (0, 0, "0"),
            { { .type = AW_EVENT_FINISH, .t = 1, .attempt = 1 }, NULL, NULL } },
          3,
          "another attempt" },
        { { NODE (0, 0), START (0, 0, "0"), { { .type = AW_EVENT_SKIP }, NULL, NULL } },
          3,
          "skipped after it has started" },
        { { NODE (0, 0), { { .type = AW_EVENT_SKIP }, NULL, NULL }, START (0, 0, "0") },
          3,
          "after it was skipped" },
        { { NODE (0, 5), READY (0, 4) }, 2, "time goes back" },
        { { READY (0, NAN) }, 1, "time goes back" },
        { { READY (5, 0) }, 1, "no task has number 5" },
        { { NODE (0, 0), { { .type = AW_EVENT_NODE_LOST }, NULL, NULL }, START (0, 0, "0") },
          3,
          "was lost" },
    };
    struct aw_graph *graph = make_graph (1);

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_history history;
        struct aw_error err = { "" };
        assert_int_equal (aw_history_init (&history, graph, &err), 0);
        for (int s = 0; s < table[i].n; s++)
            if (feed (&history, &table[i].steps[s], &err) != (s == table[i].n - 1 ? -1 : 0))
                fail_msg ("row %zu, step %d: %s", i, s, err.text);
        if (!strstr (err.text, table[i].message))
            fail_msg ("row %zu: %s", i, err.text);
        aw_history_finish (&history);
    }
    aw_graph_destroy (graph);
}

static void a_run_without_events_has_empty_figures (void **state)
{
    struct aw_graph *graph = make_graph (1);
    struct aw_history history;
    struct aw_summary sum;
    struct aw_set_summary sets[3];
    struct aw_step *steps;
    uint32_t *chain;
    size_t n;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    aw_history_summary (&history, &sum);
    assert_true (isnan (sum.makespan) && isnan (sum.cpu_share) && isnan (sum.gap_mean));
    assert_int_equal (sum.unstarted, 5);
    aw_history_sets (&history, sets);
    assert_int_equal (sets[1].states[AW_HISTORY_UNSTARTED], 2);
    assert_true (isnan (sets[1].mean));
    assert_int_equal (aw_history_chain (&history, &chain, &n), 0);
    assert_int_equal (n, 0);
    free (chain);
    assert_int_equal (aw_history_load (&history, &steps, &n), 0);
    assert_int_equal (n, 0);
    free (steps);
    assert_null (aw_history_last (&history, 0));
    assert_null (aw_history_last (&history, 99));
    aw_history_finish (&history);
    aw_history_finish (&history);
    aw_graph_destroy (graph);
}

/* A run by hand: a[0] fails once; a[1] is longer; c waits for both b. */
static void the_figures_are_those_computed_by_hand (void **state)
{
    static const struct step steps[] = {
        NODE (0, 0),
        READY (0, 0),
        READY (1, 0),
        START (0, 1, "0-1"),
        START (1, 1, "2"),
        { { .type = AW_EVENT_FINISH,
            .t = 3,
            .task = 0,
            .status = AW_STATUS_FAILED,
            .code = 3,
            .seconds = 2,
            .reason = "why" },
          NULL,
          NULL },
        { { .type = AW_EVENT_READY, .t = 3, .task = 0, .attempt = 1 }, NULL, NULL },
        { { .type = AW_EVENT_START, .t = 3.5, .task = 0, .attempt = 1 }, "0-1", NULL },
        FINISH (1, 4),
        READY (3, 4),
        START (3, 4, "2"),
        { { .type = AW_EVENT_FINISH,
            .t = 6,
            .task = 0,
            .attempt = 1,
            .seconds = 2.4,
            .cpu_seconds = 4 },
          NULL,
          NULL },
        READY (2, 6),
        START (2, 6.25, "0"),
        FINISH (3, 7),
        FINISH (2, 8),
        READY (4, 8),
        START (4, 8, "0-3"),
        FINISH (4, 11),
        { { .type = AW_EVENT_END, .t = 11 }, NULL, NULL },
    };
    static const uint32_t want[] = { 0, 0, 2, 4 }; /* tasks of the chain */
    static const struct aw_step load[] = {
        { 1, 3, 0 },    { 3, 1, 0 }, { 3.5, 3, 0 }, { 6, 1, 0 },
        { 6.25, 2, 0 }, { 7, 1, 0 }, { 8, 4, 0 },   { 11, 0, 0 }
    };
    struct aw_graph *graph = make_graph (1);
    struct aw_history history;
    struct aw_summary sum;
    struct aw_set_summary sets[3];
    struct aw_step *got;
    struct aw_error err;
    uint32_t *chain;
    size_t n;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++) {
        if (feed (&history, &steps[i], &err) < 0)
            fail_msg ("step %zu: %s", i, err.text);
        if (steps[i].ev.type == AW_EVENT_FINISH && steps[i].ev.code)
            assert_int_equal (aw_history_state (&history, 0),
                              AW_HISTORY_UNSTARTED); /* to be tried again */
    }
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.completed, 5);
    assert_int_equal (sum.retried, 1);
    assert_float_equal (sum.makespan, 10, 1e-9);
    assert_float_equal (sum.cpu_share, (4 + 3 + 5 + 3 + 1.75 + 12) / 40., 1e-9);
    assert_float_equal (sum.gpu_share, 0, 1e-9);
    assert_float_equal (sum.gap_max, 1, 1e-9);
    assert_float_equal (sum.gap_mean, (1 + 1 + 0.5 + 0 + 0.25 + 0) / 6, 1e-9);
    aw_history_sets (&history, sets);
    assert_int_equal (sets[0].attempts, 3);
    assert_float_equal (sets[0].mean, (1 + 2.4) / 2, 1e-9);
    assert_float_equal (sets[0].max, 2.4, 1e-9);
    assert_int_equal (aw_history_chain (&history, &chain, &n), 0);
    assert_int_equal (n, 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal (history.attempts[chain[i]].task, want[i]);
    assert_int_equal (history.attempts[chain[1]].attempt, 1);
    assert_string_equal (history.attempts[chain[0]].reason, "why");
    free (chain);
    assert_int_equal (aw_history_load (&history, &got, &n), 0);
    assert_int_equal (n, sizeof (load) / sizeof (load[0]));
    for (size_t i = 0; i < n; i++) {
        assert_float_equal (got[i].t, load[i].t, 0);
        assert_int_equal (got[i].cpus, load[i].cpus);
    }
    free (got);
    aw_history_finish (&history);
    aw_graph_destroy (graph);
}

static void each_task_is_in_the_state_that_its_events_say (void **state)
{
    struct aw_graph *graph = make_graph (1);
    struct aw_history history;
    struct step node = NODE (0, 0), start = START (2, 0, "0");
    struct aw_event ev = {
        .type = AW_EVENT_FINISH, .task = 2, .status = AW_STATUS_FAILED, .signal = 9
    };
    struct aw_summary sum;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    assert_int_equal (feed (&history, &node, NULL), 0);
    assert_int_equal (feed (&history, &start, NULL), 0);
    assert_int_equal (aw_history_state (&history, 2), AW_HISTORY_RUNNING);
    history.now = 7; /* what runs is counted up to now */
    aw_history_summary (&history, &sum);
    assert_float_equal (sum.makespan, 7, 0);
    assert_float_equal (sum.cpu_share, 0.25, 1e-9);
    ev.t = 7;
    assert_int_equal (aw_history_handle (&history, &ev, NULL), 0);
    assert_int_equal (aw_history_state (&history, 2), AW_HISTORY_FAILED); /* set b has no retries */
    start.ev.task = 0;
    start.ev.t = 7;
    assert_int_equal (feed (&history, &start, NULL), 0);
    ev.task = 0;
    assert_int_equal (aw_history_handle (&history, &ev, NULL), 0);
    assert_int_equal (aw_history_state (&history, 0), AW_HISTORY_UNSTARTED); /* one retry left */
    ev = (struct aw_event){ .type = AW_EVENT_SKIP, .t = 7, .task = 4 };
    assert_int_equal (aw_history_handle (&history, &ev, NULL), 0);
    assert_int_equal (aw_history_handle (&history, &ev, NULL), 0); /* once more changes nothing */
    ev = (struct aw_event){ .type = AW_EVENT_STOP, .t = 7, .reason = "SIGINT" };
    assert_int_equal (aw_history_handle (&history, &ev, NULL), 0);
    ev = (struct aw_event){ .type = AW_EVENT_END, .t = 7, .code = 3 };
    assert_int_equal (aw_history_handle (&history, &ev, NULL), 0);
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.failed, 2); /* the retry never came */
    assert_int_equal (sum.skipped, 1);
    assert_int_equal (sum.unstarted, 2);
    assert_int_equal (
        sum.completed + sum.failed + sum.cancelled + sum.skipped + sum.running + sum.unstarted, 5);
    assert_string_equal (history.stop_reason, "SIGINT");
    assert_int_equal (history.exit_code, 3);
    aw_history_finish (&history);
    aw_graph_destroy (graph);
}

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
    struct aw_graph *graph = make_graph (iterations);
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

static void start_one (struct random_run *run, uint32_t id)
{
    struct aw_event ev = { .type = AW_EVENT_READY, .t = run->t, .task = id };
    const struct aw_attempt *last = aw_history_last (&run->history, id);
    uint32_t cpus = 1 + below (3), gpus = below (2);

    if (cpus > run->free_cpus || gpus > run->free_gpus)
        return;
    ev.attempt = last ? last->attempt + 1 : 0;
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
static bool follows (const struct aw_graph *graph,
                     const struct aw_attempt *a,
                     const struct aw_attempt *b)
{
    struct aw_task from = aw_graph_task (graph, a->task), to = aw_graph_task (graph, b->task);

    if (a->task == b->task)
        return b->attempt == a->attempt + 1;
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
        assert_true (follows (run->graph, a, b));
        assert_true (a->finish <= b->start);
        for (size_t k = 0; k < history->n_attempts; k++) {
            const struct aw_attempt *other = &history->attempts[k];

            if (a->task != b->task && other->task != b->task && follows (run->graph, other, b))
                assert_true (other->finish <= a->finish);
        }
    }
    first = aw_graph_task (run->graph, history->attempts[chain[0]].task);
    assert_true (first.set == 0
                 || (first.iteration == 0 && run->graph->sets[first.set].n_after == 0));
    assert_int_equal (history->attempts[chain[0]].attempt, 0);
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
        assert_int_equal (feed (&run.history, &node, NULL), 0);
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

/* What a lost node's tasks held ends with it, though their ends are told later: no share is more
 * than all there was.
 */
static void a_resume_may_tell_late_what_had_ended (void **state)
{
    static const struct step steps[] = {
        NODE (0, 0),
        START (0, 0.25, "0-3"),
        { { .type = AW_EVENT_NODE_LOST, .t = 0.5 }, NULL, NULL },
        { { .type = AW_EVENT_FINISH, .t = 5.5, .status = AW_STATUS_NODE_FAIL }, NULL, NULL },
    };
    struct aw_graph *graph = make_graph (1);
    struct aw_history history;
    struct aw_summary summary;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
        assert_int_equal (feed (&history, &steps[i], NULL), 0);
    aw_history_summary (&history, &summary);
    assert_true (summary.cpu_share == 1);
    assert_true (summary.gpu_share == 0);
    aw_history_finish (&history);
    aw_graph_destroy (graph);
}

/* A cancelled task stays cancelled: one that ran, one that was to be tried again. What Ctrl-C ended
 * runs again.
 */
static void what_is_cancelled_stays_so_after_a_resume (void **state)
{
    static const struct step steps[] = {
        NODE (0, 0),
        START (0, 0, "0"),
        START (1, 0, "1"),
        START (2, 0, "2"),
        { { .type = AW_EVENT_FINISH, .t = 1, .task = 1, .status = AW_STATUS_FAILED }, NULL, NULL },
        { { .type = AW_EVENT_CANCEL, .t = 1, .count = 2 }, NULL, NULL },
        { { .type = AW_EVENT_FINISH, .t = 2, .status = AW_STATUS_CANCELLED }, NULL, NULL },
        { { .type = AW_EVENT_FINISH, .t = 2, .task = 2, .status = AW_STATUS_CANCELLED },
          NULL,
          NULL },
        { { .type = AW_EVENT_RESUME, .t = 3 }, NULL, NULL },
    };
    struct aw_graph *graph = make_graph (1);
    struct aw_history history;
    struct aw_summary sum;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
        assert_int_equal (feed (&history, &steps[i], NULL), 0);
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.cancelled, 2);
    assert_int_equal (sum.unstarted, 3);
    assert_int_equal (aw_history_state (&history, 2), AW_HISTORY_UNSTARTED);
    aw_history_finish (&history);
    aw_graph_destroy (graph);
}

/* The tasks of iterations after the last one are not needed, before a resume and after it. */
static void iterations_after_the_goal_stay_cancelled (void **state)
{
    static const struct step steps[] = {
        NODE (0, 0),
        START (0, 0, "0"), /* a of iteration 0 and of iteration 1 */
        START (5, 0, "1"),
        FINISH (0, 1),
        { { .type = AW_EVENT_FINISH, .t = 2, .task = 5, .status = AW_STATUS_CANCELLED },
          NULL,
          NULL },
        { { .type = AW_EVENT_RESUME, .t = 3 }, NULL, NULL },
    };
    struct aw_graph *graph = make_graph (2);
    struct aw_history history;

    (void)state;
    graph->until = 0;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
        assert_int_equal (feed (&history, &steps[i], NULL), 0);
    assert_int_equal (aw_history_last_iteration (&history), 0);
    assert_int_equal (aw_history_state (&history, 5), AW_HISTORY_CANCELLED);
    aw_history_finish (&history);
    aw_graph_destroy (graph);
}

/* The allocation number N of a RESUME fails. False: there are not that many. */
static bool resume_fails (const struct aw_graph *graph, int n)
{
    static const struct step steps[] = {
        NODE (0, 0), START (0, 0, "0"), START (1, 1, "1-2"), FINISH (0, 2), START (2, 3, "0"),
    };
    struct aw_resume resume = { .epoch = 7, .job = "12" };
    struct step step = { { .type = AW_EVENT_RESUME, .t = 5, .resume = &resume }, NULL, NULL };
    struct aw_history history;
    bool failed;

    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
        assert_int_equal (feed (&history, &steps[i], NULL), 0);
    calls_left = n;
    failed = aw_history_handle (&history, &step.ev, NULL) < 0;
    calls_left = -1;
    assert_int_equal (history.n_gaps, !failed);
    assert_int_equal (history.first_node, !failed);
    assert_int_equal (history.nodes[0].busy_cpus, failed ? 3 : 0);
    assert_int_equal (isnan (history.nodes[0].lost), failed);
    assert_int_equal (isnan (history.epoch), failed);
    for (uint32_t task = 1; task <= 2; task++) {
        assert_int_equal (aw_history_state (&history, task),
                          failed ? AW_HISTORY_RUNNING : AW_HISTORY_UNSTARTED);
        assert_int_equal (aw_history_last (&history, task)->reason == NULL, failed);
    }
    assert_null (aw_history_last (&history, 0)->reason);
    assert_int_equal (failed ? 2 : history.gaps[0].lost, 2);
    aw_history_finish (&history);
    return failed;
}

struct stall {
    int code, end; /* of the STALL and the END */
    bool told, failed; /* then */
};

static void a_stall_that_ended_well_is_not_told (void **state)
{
    static const struct stall table[] = {
        { AW_STALL_BEGINS, 0, false, false }, { AW_STALL_BEGINS, 3, true, false },
        { AW_STALL_FAILS, 1, true, true },    { AW_STALL_FAILS, 0, true, true },
        { AW_STALL_OVER, 3, false, false },
    };
    struct aw_graph *graph = make_graph (1);

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const struct step stall = { { .type = AW_EVENT_STALL,
                                      .node = AW_NONE,
                                      .code = table[i].code,
                                      .reason = "all wait" },
                                    NULL,
                                    NULL };
        const struct step end = { { .type = AW_EVENT_END, .code = table[i].end }, NULL, NULL };
        struct aw_history history;

        assert_int_equal (aw_history_init (&history, graph, NULL), 0);
        assert_int_equal (feed (&history, &stall, NULL), 0);
        assert_int_equal (history.stalled, table[i].code == AW_STALL_BEGINS);
        assert_int_equal (feed (&history, &end, NULL), 0);
        assert_int_equal (history.stall != NULL, table[i].told);
        assert_int_equal (history.stall_failed, table[i].failed);
        assert_false (history.stalled);
        aw_history_finish (&history);
    }
    aw_graph_destroy (graph);
}

static void resume_without_memory_changes_nothing (void **state)
{
    struct aw_graph *graph = make_graph (1);
    int n = 0;

    (void)state;
    while (resume_fails (graph, n))
        n++;
    assert_int_equal (n, 4); /* the gap, its job, and two reasons */
    aw_graph_destroy (graph);
}

static void failures_are_told_in_words (void **state)
{
    static const struct {
        enum aw_status status;
        int code, signal;
        const char *reason, *text;
    } table[] = {
        { AW_STATUS_FAILED, 3, 0, NULL, "exit code 3" },
        { AW_STATUS_FAILED, 0, 9, NULL, "SIGKILL" },
        { AW_STATUS_FAILED, 0, 99, NULL, "signal 99" },
        { AW_STATUS_FAILED, 0, 0, "program: not found", "program: not found" },
        { AW_STATUS_FAILED, 127, 0, "not found", "exit code 127: not found" },
        { AW_STATUS_FAILED, 0, 0, NULL, "failed" },
        { AW_STATUS_TIMEOUT, 0, 15, NULL, "time limit reached (SIGTERM)" },
        { AW_STATUS_CANCELLED, 0, 0, NULL, "cancelled" },
        { AW_STATUS_NODE_FAIL, 0, 0, "agent gone", "node lost: agent gone" },
        { AW_STATUS_NODE_FAIL, 0, 0, "node lost", "node lost" },
        { AW_STATUS_COMPLETED, 0, 0, NULL, "completed" },
    };
    char buf[64];

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        assert_string_equal (aw_failure_text (buf, sizeof (buf), table[i].status, table[i].code,
                                              table[i].signal, table[i].reason),
                             table[i].text);
    assert_string_equal (aw_failure_text (buf, 5, AW_STATUS_FAILED, 3, 0, NULL), "exit");
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (events_that_contradict_the_history_are_refused),
        cmocka_unit_test (a_run_without_events_has_empty_figures),
        cmocka_unit_test (the_figures_are_those_computed_by_hand),
        cmocka_unit_test (each_task_is_in_the_state_that_its_events_say),
        cmocka_unit_test (random_runs_agree_with_a_plain_record),
        cmocka_unit_test (failures_are_told_in_words),
        cmocka_unit_test (a_resume_may_tell_late_what_had_ended),
        cmocka_unit_test (what_is_cancelled_stays_so_after_a_resume),
        cmocka_unit_test (iterations_after_the_goal_stay_cancelled),
        cmocka_unit_test (a_stall_that_ended_well_is_not_told),
        cmocka_unit_test (resume_without_memory_changes_nothing),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
