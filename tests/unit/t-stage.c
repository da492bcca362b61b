/* SPDX-License-Identifier: Apache-2.0 */
/* Data staging in the scheduler, under the simulator's clock: data comes before CPUs and GPUs are
 * taken, once a node where it is shared, and an attempt starts where its data is.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/history/history.h"
#include "core/sched/sched.h"
#include "core/sched/stage.h"
#include "graphs.h"
#include "model/simulate.h"
#include "model/staging.h"

enum { CPUS = 8, GPUS = 2 };

static struct aw_sched *make (const struct aw_graph *g, uint32_t nodes)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, nodes, CPUS, GPUS, 0, NULL), 0);
    return s;
}

/* COUNT tasks of one GPU that compute for 10 s and read for IN and write for OUT seconds. */
static struct aw_graph *one_set (
    uint32_t count, enum aw_staging_mode mode, double in, double out, bool shared)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_set *set = graphs_set (g, "work", count, 1, GPUS, 10);

    set->stage_in = in > 0 ? mode : AW_STAGING_NONE;
    set->stage_out = out > 0 ? mode : AW_STAGING_NONE;
    set->stage_in_seconds = in;
    set->stage_out_seconds = out;
    set->stage_shared = shared;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static double makespan (struct aw_graph *g, uint32_t nodes)
{
    struct aw_sched *s = make (g, nodes);
    struct aw_simulated result;
    struct aw_error err = { "" };

    if (aw_simulate (s, NULL, &result, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (result.code, 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
    return result.end;
}

/* One task at a time on one node; copies as long as the computing. */
static void copies_hide_behind_computing (void **state)
{
    double none = makespan (one_set (20, AW_STAGING_NONE, 0, 0, false), 1);
    double sync = makespan (one_set (20, AW_STAGING_SYNC, 10, 0, false), 1);
    double async = makespan (one_set (20, AW_STAGING_ASYNC, 10, 0, false), 1);

    (void)state;
    assert_true (none == 200);
    assert_true (sync == 400);
    assert_true (async == 210); /* the first has nothing to hide behind */
    assert_true (makespan (one_set (20, AW_STAGING_SYNC, 0, 10, false), 1) == 400);
    assert_true (makespan (one_set (20, AW_STAGING_ASYNC, 0, 10, false), 1) == 210);
    /* Copies to and from a node share its way: what is hidden is the half. */
    assert_true (makespan (one_set (20, AW_STAGING_SYNC, 10, 10, false), 1) == 600);
    assert_true (makespan (one_set (20, AW_STAGING_ASYNC, 10, 10, false), 1) <= 420);
}

/* N tasks of D = 10 s one at a time, which read for IN and write for OUT: by the formulas. */
static void the_gain_is_that_of_the_formulas (void **state)
{
    static const struct {
        uint32_t n;
        double in, out, async, sync, hidden;
    } table[] = {
        { 20, 10, 0, 210, 400, 0.95 }, /* n d + s; (n - 1) / n */
        { 20, 0, 10, 210, 400, 0.95 },
        { 20, 5, 0, 205, 300, 0.95 },
        { 20, 30, 0, 610, 800, 190. / 600 }, /* n s + d; (n - 1) d / (n s) */
        { 1, 10, 0, 20, 20, 0 }, /* nothing to hide behind */
    };
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_allocation allocation = { 0 };
    struct aw_node_shape shape = { 1, CPUS, GPUS, 0 };
    struct aw_staging_gain gain;
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (aw_allocation_add (&allocation, shape, NULL), 0);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        for (enum aw_staging_mode given = AW_STAGING_ASYNC; given <= AW_STAGING_SYNC; given++) {
            struct aw_graph *g = one_set (table[i].n, given, table[i].in, table[i].out, false);

            if (aw_staging_gain (g, &allocation, &config, NULL, &gain, &err) < 0)
                fail_msg ("%s", err.text);
            assert_true (gain.known);
            assert_true (gain.none == 10 * table[i].n);
            assert_true (gain.async == table[i].async);
            assert_true (gain.sync == table[i].sync);
            assert_true (fabs (gain.hidden - table[i].hidden) < 1e-9);
            assert_int_equal (table[i].in > 0 ? g->sets[0].stage_in : g->sets[0].stage_out, given);
            aw_graph_destroy (g);
        }
    /* Without durations nothing is said. */
    {
        struct aw_graph *g = one_set (2, AW_STAGING_ASYNC, 1, 0, false);

        g->sets[0].stage_in_seconds = 0;
        assert_int_equal (aw_staging_gain (g, &allocation, &config, NULL, &gain, &err), 0);
        assert_false (gain.known);
        aw_graph_destroy (g);
    }
    aw_allocation_finish (&allocation);
}

/* What a look ahead should find, and how many there were. */
struct looks {
    double end;
    uint32_t n;
};

/* From the present state, copies and tasks under way included, the run ends as it does: but for
 * what is not known of them, which is less than a copy and a task.
 */
static int look_ahead (void *arg, struct aw_sched *s, struct aw_error *err)
{
    struct looks *looks = arg;
    struct aw_sched *copy = aw_sched_clone (s);
    struct aw_simulated result;

    assert_non_null (copy);
    assert_int_equal (aw_simulate (copy, NULL, &result, err), 0);
    assert_int_equal (result.code, 0);
    assert_true (fabs (result.end - looks->end) <= 20);
    aw_sched_destroy (copy);
    looks->n++;
    return 0;
}

static void a_run_is_simulated_from_any_state (void **state)
{
    (void)state;
    for (enum aw_staging_mode mode = AW_STAGING_ASYNC; mode <= AW_STAGING_SYNC; mode++)
        for (int copies = 0; copies < 4; copies++) {
            double in = copies & 1 ? 10 : 0, out = copies & 2 ? 10 : 0;
            struct looks looks = { makespan (one_set (9, mode, in, out, false), 1), 0 };
            struct aw_simulation sim = { .turn = look_ahead, .arg = &looks };
            struct aw_graph *g = one_set (9, mode, in, out, false);
            struct aw_sched *s = make (g, 1);
            struct aw_simulated result;

            assert_int_equal (aw_simulate (s, &sim, &result, NULL), 0);
            assert_true (looks.n >= 9);
            aw_sched_destroy (s);
            aw_graph_destroy (g);
        }
}

static void tasks_share_what_is_staged_once (void **state)
{
    (void)state;
    /* 64 tasks read one thing on 4 nodes: four copies at once, then 16 rounds. */
    assert_true (makespan (one_set (64, AW_STAGING_ASYNC, 100, 0, true), 4) == 260);
    assert_true (makespan (one_set (64, AW_STAGING_SYNC, 100, 0, true), 4) == 260);
    assert_true (makespan (one_set (64, AW_STAGING_ASYNC, 100, 0, false), 4) > 1600);
}

/* While its data comes, others have the GPUs; a task that came first does not lose its turn. */
static void others_have_the_gpus_while_data_comes (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_set *set = graphs_set (g, "staged", 1, 1, GPUS, 10);

    (void)state;
    set->stage_in = AW_STAGING_ASYNC;
    set->stage_in_seconds = 25;
    graphs_set (g, "plain", 10, 1, GPUS, 10);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_true (makespan (g, 1) == 110); /* 11 tasks, without a gap */
}

/*
 * Random graphs: what must hold at every event
 */

struct watch {
    const struct aw_graph *graph;
    struct aw_sched *twin; /* hears all and must agree */
    struct aw_history history;
    uint8_t *where; /* by task: node of its data + 1; 0: none came */
    uint8_t *begun; /* by task: node to which its data comes + 1 */
    uint32_t n_stages, n_starts, n_finishes, n_releases;
};

static void observe (void *arg, const struct aw_event *ev)
{
    struct watch *w = arg;
    struct aw_error err = { "" };
    uint32_t of = ev->task == AW_NONE ? 0 : aw_graph_task (w->graph, ev->task).set;
    const struct aw_set *set = &w->graph->sets[of];

    if (aw_history_handle (&w->history, ev, &err) < 0)
        fail_msg ("history at %g: %s", ev->t, err.text);
    if (aw_sched_handle (w->twin, ev, &err) < 0)
        fail_msg ("replay at %g: %s", ev->t, err.text);
    switch (ev->type) {
    case AW_EVENT_STAGE:
        assert_int_equal (set->stage_in, AW_STAGING_ASYNC);
        w->begun[ev->task] = (uint8_t)(ev->node + 1);
        w->where[ev->task] = 0;
        w->n_stages++;
        break;
    case AW_EVENT_STAGED:
        assert_int_equal (w->begun[ev->task], ev->node + 1);
        w->where[ev->task] = (uint8_t)(ev->node + 1);
        break;
    case AW_EVENT_START:
        if (set->stage_in == AW_STAGING_ASYNC)
            assert_int_equal (w->where[ev->task], ev->node + 1);
        w->n_starts++;
        break;
    case AW_EVENT_RELEASE:
        assert_int_equal (set->stage_out, AW_STAGING_ASYNC);
        w->n_releases++;
        break;
    case AW_EVENT_FINISH:
        w->n_finishes++;
        break;
    default:
        break;
    }
}

/* Some fail, and are tried again. */
static void some_fail (void *arg, struct aw_event *finish)
{
    (void)arg;
    if (finish->task % 7 == 3 && finish->attempt == 0) {
        finish->status = AW_STATUS_FAILED;
        finish->code = 1;
    }
}

static void random_run (uint64_t seed)
{
    struct aw_graph *g = graphs_layered (&seed, CPUS, GPUS);
    struct aw_simulation sim = { .observe = observe, .ends = some_fail };
    struct aw_simulated result;
    struct aw_error err = { "" };
    struct watch w = { .graph = g };
    struct aw_sched *s;
    uint32_t staged = 0;

    for (uint32_t i = 0; i < g->n_sets; i++) {
        g->sets[i].stage_in = graphs_below (&seed, 3);
        g->sets[i].stage_out = graphs_below (&seed, 3);
        g->sets[i].stage_shared = graphs_below (&seed, 2);
        g->sets[i].stage_in_seconds = graphs_below (&seed, 20);
        g->sets[i].stage_out_seconds = graphs_below (&seed, 20);
        g->sets[i].retry.count = 2;
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 3);
    w.twin = make (g, 3);
    w.where = calloc (g->n_tasks, 1);
    w.begun = calloc (g->n_tasks, 1);
    assert_int_equal (aw_history_init (&w.history, g, NULL), 0);
    for (uint32_t n = 0; n < 3; n++) {
        struct aw_event node = { .type = AW_EVENT_NODE, .node = n, .name = "n" };

        assert_int_equal (aw_idset_add (&node.cpus, 0, CPUS - 1), 0);
        assert_int_equal (aw_idset_add (&node.gpus, 0, GPUS - 1), 0);
        assert_int_equal (aw_history_handle (&w.history, &node, &err), 0);
        aw_idset_finish (&node.cpus);
        aw_idset_finish (&node.gpus);
    }
    sim.arg = &w;
    if (aw_simulate (s, &sim, &result, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (result.code, 0);
    for (uint32_t task = 0; task < g->n_tasks; task++) {
        staged += g->sets[aw_graph_task (g, task).set].stage_in == AW_STAGING_ASYNC;
        assert_int_equal (aw_history_state (&w.history, task), AW_HISTORY_COMPLETED);
    }
    assert_true (w.n_stages >= staged);
    assert_int_equal (w.n_starts, w.n_finishes);
    assert_int_equal (aw_sched_pool (s)->free.cpus, 3 * CPUS);
    assert_int_equal (aw_sched_pool (s)->free.gpus, 3 * GPUS);
    assert_true (aw_sched_ended (w.twin));
    assert_int_equal (aw_sched_counts (w.twin, AW_NONE).done, g->n_tasks);
    free (w.where);
    free (w.begun);
    aw_history_finish (&w.history);
    aw_sched_destroy (w.twin);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void random_runs_with_staging_break_no_rule (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        random_run (seed * 7919);
}

/* Nothing but what is READY, out of the way of the next action of TYPE. */
static bool any (void *arg, uint32_t instance)
{
    (void)arg;
    (void)instance;
    return true;
}

/* Random sets come and go on random nodes, of which some are lost: where sets that no node has room
 * for are passed over, the same comes out as where all are asked.
 */
static void passed_over (uint64_t seed)
{
    struct aw_graph *g = aw_graph_create ();
    uint32_t n_sets = 1 + graphs_below (&seed, 9), n_given = 0, task, node, other_task, other_node;
    uint32_t given[64];
    struct aw_stage stage, all;
    double remaining[16];
    struct aw_pool pool;
    const struct aw_stage_choice by = { &pool, remaining, NULL, any, NULL };
    char name[16];

    for (uint32_t i = 0; i < n_sets; i++) {
        snprintf (name, sizeof (name), "s%u", i);
        graphs_set (g, name, 6, 1 + graphs_below (&seed, 12), graphs_below (&seed, 3), 1)
            ->stage_in = AW_STAGING_ASYNC;
        remaining[i] = graphs_below (&seed, 9);
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    aw_pool_init (&pool);
    assert_int_equal (aw_stage_init (&stage, g), 0);
    for (uint32_t i = 0; i < g->n_tasks; i++)
        assert_int_equal (aw_stage_push (&stage, i, i, graphs_below (&seed, 5)), 0);
    for (int step = 0; step < 300; step++) {
        bool found;

        if (pool.n_nodes < 5 && graphs_below (&seed, 20) == 0) {
            struct aw_idset cpus = { 0 }, gpus = { 0 };

            assert_int_equal (aw_idset_add (&cpus, 0, 3 + graphs_below (&seed, 9)), 0);
            assert_int_equal (aw_idset_add (&gpus, 0, graphs_below (&seed, 2)), 0);
            assert_true (aw_pool_add_node (&pool, "n", &cpus, &gpus, 0, NULL, NULL) >= 0);
            assert_int_equal (aw_stage_add_nodes (&stage, &pool), 0);
            aw_idset_finish (&cpus);
            aw_idset_finish (&gpus);
        }
        if (pool.n_nodes > 0 && graphs_below (&seed, 99) == 0)
            aw_pool_lose_node (&pool, graphs_below (&seed, pool.n_nodes));
        assert_int_equal (aw_stage_clone (&all, &stage), 0);
        memset (all.lightest, 0, n_sets * sizeof (*all.lightest));
        found = aw_stage_next (&stage, &by, &task, &node);
        assert_true (found == aw_stage_next (&all, &by, &other_task, &other_node));
        assert_true (!found || (task == other_task && node == other_node));
        aw_stage_finish (&all);
        if (found) {
            assert_true (aw_stage_give (&stage, &pool, task, node));
            given[n_given++] = task;
        }
        if (n_given > 0 && graphs_below (&seed, 3) == 0) {
            uint32_t i = graphs_below (&seed, n_given);

            aw_stage_started (&stage, &pool, given[i]);
            given[i] = given[--n_given];
        }
    }
    aw_stage_finish (&stage);
    aw_pool_finish (&pool);
    aw_graph_destroy (g);
}

static void scratch_never_holds_more_than_its_room (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++)
        passed_over (seed * 104729);
}

/* N_TASKS on N_NODES of one CPU, of which the first N_LOST are lost. How many have their data
 * before they start is as in WAITING, by how many have started.
 */
static void assert_waiting (uint32_t n_tasks,
                            uint32_t n_nodes,
                            uint32_t n_lost,
                            const uint32_t *waiting)
{
    struct aw_graph *g = one_set (n_tasks, AW_STAGING_ASYNC, 1, 0, false);
    double remaining[1] = { 0 };
    uint32_t task, node, n_given = 0;
    struct aw_idset cpus = { 0 }, gpus = { 0 };
    struct aw_stage stage;
    struct aw_pool pool;
    const struct aw_stage_choice by = { &pool, remaining, NULL, any, NULL };

    g->sets[0].cpus = 1;
    g->sets[0].gpus = 0;
    aw_pool_init (&pool);
    assert_int_equal (aw_idset_add (&cpus, 0, 0), 0);
    assert_int_equal (aw_stage_init (&stage, g), 0);
    for (uint32_t n = 0; n < n_nodes; n++)
        assert_true (aw_pool_add_node (&pool, "n", &cpus, &gpus, 0, NULL, NULL) >= 0);
    for (uint32_t n = 0; n < n_lost; n++)
        aw_pool_lose_node (&pool, n);
    assert_int_equal (aw_stage_add_nodes (&stage, &pool), 0);
    assert_int_equal (aw_stage_push (&stage, 0, n_tasks - 1, 0), 0);
    for (uint32_t n_started = 0; n_started < n_tasks; n_started++) {
        while (aw_stage_next (&stage, &by, &task, &node)) {
            assert_int_equal (task, n_given++);
            assert_true (aw_stage_give (&stage, &pool, task, node));
        }
        assert_int_equal (n_given - n_started, waiting[n_started]);
        aw_stage_started (&stage, &pool, n_started);
    }
    aw_idset_finish (&cpus);
    aw_stage_finish (&stage);
    aw_pool_finish (&pool);
    aw_graph_destroy (g);
}

/* A node gets the data of two tasks: the only node up to the end. Of two nodes, which is free first
 * is not known near the end: each gets data of one task then.
 */
static void data_of_more_tasks_comes_while_many_are_queued (void **state)
{
    static const uint32_t one[] = { 2, 2, 2, 2, 1 }, two[] = { 4, 4, 3, 2, 2, 2, 1 };

    (void)state;
    assert_waiting (5, 1, 0, one);
    assert_waiting (5, 3, 2, one);
    assert_waiting (7, 2, 0, two);
}

static struct aw_event next_of (struct aw_sched *s, enum aw_event_type type)
{
    struct aw_event action;

    while (aw_sched_next (s, &action))
        if (action.type == type)
            return action;
    fail_msg ("no %s", aw_event_type_name (type));
    return action;
}

/* A copy that fails ends the attempt; a lost node has the data brought elsewhere. */
static void a_copy_that_fails_ends_the_attempt (void **state)
{
    struct aw_graph *g = one_set (1, AW_STAGING_ASYNC, 5, 0, false);
    struct aw_event ev, first;
    struct aw_error err = { "" };
    struct aw_sched *s;

    (void)state;
    g->sets[0].retry.count = 1;
    s = make (g, 2);
    first = next_of (s, AW_EVENT_STAGE);
    assert_int_equal (aw_sched_counts (s, 0).running, 1);
    assert_int_equal (aw_sched_pool (s)->free.gpus, 2 * GPUS);
    ev = (struct aw_event){ .type = AW_EVENT_STAGED, .t = 1, .node = 1 - first.node };
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    ev = (struct aw_event){ .type = AW_EVENT_FINISH,
                            .t = 2,
                            .node = first.node,
                            .status = AW_STATUS_FAILED,
                            .reason = "no such file" };
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    first = next_of (s, AW_EVENT_STAGE);
    assert_int_equal (first.attempt, 1);
    ev = (struct aw_event){ .type = AW_EVENT_NODE_LOST, .t = 3, .node = first.node };
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    ev = next_of (s, AW_EVENT_STAGE);
    assert_int_equal (ev.attempt, 2);
    assert_int_equal (ev.node, 1 - first.node);
    ev.type = AW_EVENT_STAGED;
    ev.t = 4;
    assert_true (aw_sched_is_input (s, &ev)); /* a replay hands it in */
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    ev = next_of (s, AW_EVENT_START);
    assert_int_equal (ev.node, 1 - first.node);
    assert_int_equal (aw_sched_pool (s)->free.gpus, 0);
    ev.type = AW_EVENT_RELEASE;
    ev.t = 5;
    assert_true (aw_sched_is_input (s, &ev));
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    assert_int_equal (aw_sched_pool (s)->free.gpus, GPUS);
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0); /* twice is once */
    assert_int_equal (aw_sched_pool (s)->free.gpus, GPUS);
    ev.type = AW_EVENT_FINISH;
    ev.status = AW_STATUS_COMPLETED;
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    assert_int_equal (aw_sched_pool (s)->free.gpus, GPUS);
    assert_int_equal (next_of (s, AW_EVENT_END).code, 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Stopped while data comes: the attempt is told to end, and the task is still to be done. */
static void a_task_stopped_while_data_comes_is_still_to_be_done (void **state)
{
    struct aw_graph *g = one_set (4, AW_STAGING_ASYNC, 5, 0, false);
    struct aw_sched *s = make (g, 1);
    struct aw_event ev, stage = next_of (s, AW_EVENT_STAGE);
    struct aw_error err;

    (void)state;
    ev = (struct aw_event){ .type = AW_EVENT_STOP, .t = 1, .code = 1, .node = AW_NONE };
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    assert_int_equal (next_of (s, AW_EVENT_KILL).task, stage.task);
    ev = (struct aw_event){ .type = AW_EVENT_FINISH,
                            .t = 2,
                            .task = stage.task,
                            .node = stage.node,
                            .status = AW_STATUS_CANCELLED };
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    assert_int_equal (next_of (s, AW_EVENT_END).code, 3);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* A set that comes while others copy; then a node for which it is too large: the others are not. */
static void a_set_may_come_while_others_copy (void **state)
{
    struct aw_graph *g = one_set (1, AW_STAGING_ASYNC, 5, 0, false);
    struct aw_sched *s = make (g, 1);
    struct aw_graph_size old = aw_graph_size (g);
    struct aw_event ev = { .type = AW_EVENT_ADD, .task = next_of (s, AW_EVENT_STAGE).task };
    struct aw_error err;
    struct aw_set *set;

    (void)state;
    set = graphs_set (g, "more", 1, CPUS, 0, 10);
    set->stage_in = AW_STAGING_ASYNC;
    assert_int_equal (aw_graph_grow (g, &old, NULL), 0);
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    ev = (struct aw_event){ .type = AW_EVENT_NODE, .node = 1, .name = "small" };
    assert_int_equal (aw_idset_add (&ev.cpus, 0, CPUS / 2 - 1), 0);
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    aw_idset_finish (&ev.cpus);
    ev = (struct aw_event){ .type = AW_EVENT_FINISH };
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    ev = next_of (s, AW_EVENT_STAGE);
    assert_int_equal (ev.task, 1);
    assert_int_equal (ev.node, 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (copies_hide_behind_computing),
        cmocka_unit_test (the_gain_is_that_of_the_formulas),
        cmocka_unit_test (a_run_is_simulated_from_any_state),
        cmocka_unit_test (tasks_share_what_is_staged_once),
        cmocka_unit_test (others_have_the_gpus_while_data_comes),
        cmocka_unit_test (random_runs_with_staging_break_no_rule),
        cmocka_unit_test (data_of_more_tasks_comes_while_many_are_queued),
        cmocka_unit_test (a_copy_that_fails_ends_the_attempt),
        cmocka_unit_test (a_task_stopped_while_data_comes_is_still_to_be_done),
        cmocka_unit_test (scratch_never_holds_more_than_its_room),
        cmocka_unit_test (a_set_may_come_while_others_copy),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
