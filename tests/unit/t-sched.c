/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/sched/estimate.h"
#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"
#include "util/exit_status.h"

static struct aw_sched *make (const struct aw_graph *g,
                              enum aw_policy policy,
                              enum aw_mode mode,
                              uint32_t nodes,
                              uint32_t cpus,
                              uint32_t gpus)
{
    struct aw_sched_config config = { policy, mode };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, nodes, cpus, gpus, 0, NULL), 0);
    return s;
}

static double makespan (const struct aw_graph *g, enum aw_policy policy, enum aw_mode mode)
{
    struct aw_sched *s = make (g, policy, mode, 16, 168, 6);
    struct aw_simulated r;

    assert_int_equal (aw_sched_check (s, NULL), 0);
    assert_int_equal (aw_simulate (s, NULL, &r, NULL), 0);
    assert_int_equal (r.code, 0);
    aw_sched_destroy (s);
    return r.end;
}

static void wrong_arguments_are_refused (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_sched_config config = { AW_POLICY_FIFO, AW_MODE_ASYNC };
    struct aw_error err;
    struct aw_event ev = { .type = AW_EVENT_FINISH, .t = 1 };
    struct aw_event action;
    struct aw_sched *s;

    (void)state;
    assert_null (aw_sched_create (NULL, &config, &err));
    assert_int_equal (errno, EINVAL);
    assert_null (aw_sched_create (g, NULL, &err));
    s = aw_sched_create (g, &config, &err);
    assert_non_null (s);
    assert_false (aw_sched_next (s, &action)); /* no node yet */
    assert_int_equal (aw_sched_check (s, &err), -1);
    assert_int_equal (aw_sched_handle (s, NULL, &err), -1);
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_non_null (strstr (err.text, "simulate@0[0] attempt 0 ends but has not started"));
    ev.task = g->n_tasks;
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_true (aw_sched_now (s) == 0); /* what is refused has not happened */
    ev.type = AW_EVENT_WAKE;
    assert_int_equal (aw_sched_handle (s, &ev, &err), 0);
    ev = (struct aw_event){ .type = AW_EVENT_NODE, .t = 0.5, .node = 0, .name = "n1" };
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_non_null (strstr (err.text, "time goes backwards"));
    ev.t = 2;
    ev.node = 3;
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    ev.type = AW_EVENT_TYPES;
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    ev = (struct aw_event){ .type = AW_EVENT_NODE_LOST, .t = 2, .node = 9 };
    assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
    assert_int_equal (aw_policy_parse ("lifo"), -1);
    assert_int_equal (aw_mode_parse (NULL), -1);
    assert_int_equal (aw_policy_parse ("fifo"), AW_POLICY_FIFO);
    aw_sched_destroy (s);
    aw_sched_destroy (NULL);
    aw_graph_destroy (g);
}

/* The figures of the model for 16 nodes of Summit, each 168 CPUs and 6 GPUs. */
static void the_paper_runs_take_the_times_of_the_model (void **state)
{
    struct aw_graph *dg1 = graphs_c_dg1 (), *dg2 = graphs_c_dg2 ();
    struct aw_graph *ddmd = graphs_ddmd (0), *ddmd_sequential = graphs_ddmd (1);

    (void)state;
#define NEAR(value, want) assert_true (fabs ((value) - (want)) < 0.1)
    NEAR (makespan (dg1, AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL), 1875.8);
    NEAR (makespan (dg1, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1875.8);
    NEAR (makespan (dg2, AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL), 1769.0);
    NEAR (makespan (dg2, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1307.5);
    NEAR (makespan (ddmd_sequential, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1575.0);
    NEAR (makespan (ddmd, AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL), 1575.0);
    NEAR (makespan (ddmd, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC), 1232.5);
    assert_in_range ((long)(10 * makespan (ddmd, AW_POLICY_FIFO, AW_MODE_ASYNC)), 12675, 13275);
    aw_graph_destroy (dg1);
    aw_graph_destroy (dg2);
    aw_graph_destroy (ddmd);
    aw_graph_destroy (ddmd_sequential);
}

/* Looks over the scheduler's shoulder, with books of its own. */
struct watch {
    const struct aw_graph *g;
    uint32_t nodes, cpus, gpus;
    enum aw_mode mode;
    uint8_t *state; /* 0 waits, 1 runs, 2 done */
    struct aw_idset *busy_cpus, *busy_gpus; /* by node */
    struct aw_idset *task_cpus, *task_gpus; /* by task */
    uint32_t *left; /* by instance */
    uint64_t random;
    uint64_t sum; /* of all that was seen, in its order */
};

static struct watch *watch_create (
    const struct aw_graph *g, uint32_t nodes, uint32_t cpus, uint32_t gpus, enum aw_mode mode)
{
    struct watch *w = calloc (1, sizeof (*w));

    *w = (struct watch){ .g = g,
                         .nodes = nodes,
                         .cpus = cpus,
                         .gpus = gpus,
                         .mode = mode,
                         .random = 88172645463325252u };
    w->state = calloc (g->n_tasks, 1);
    w->busy_cpus = calloc (nodes, sizeof (struct aw_idset));
    w->busy_gpus = calloc (nodes, sizeof (struct aw_idset));
    w->task_cpus = calloc (g->n_tasks, sizeof (struct aw_idset));
    w->task_gpus = calloc (g->n_tasks, sizeof (struct aw_idset));
    w->left = calloc ((size_t)g->iterations * g->n_sets, sizeof (uint32_t));
    for (uint32_t i = 0; i < g->iterations * g->n_sets; i++)
        w->left[i] = g->sets[i % g->n_sets].count;
    return w;
}

static void watch_destroy (struct watch *w)
{
    for (uint32_t i = 0; i < w->nodes; i++) {
        aw_idset_finish (&w->busy_cpus[i]);
        aw_idset_finish (&w->busy_gpus[i]);
    }
    for (uint32_t i = 0; i < w->g->n_tasks; i++) {
        aw_idset_finish (&w->task_cpus[i]);
        aw_idset_finish (&w->task_gpus[i]);
    }
    free (w->state);
    free (w->busy_cpus);
    free (w->busy_gpus);
    free (w->task_cpus);
    free (w->task_gpus);
    free (w->left);
    free (w);
}

static void check_predecessors (struct watch *w, struct aw_task at)
{
    const struct aw_set *set = &w->g->sets[at.set];

    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];
        struct aw_task before = { at.iteration - edge->back, edge->set, 0 };

        if (at.iteration < edge->back)
            continue;
        for (; before.index < w->g->sets[edge->set].count; before.index++)
            if (graphs_are_paired (w->g, at.set, edge, at.index, before.index))
                assert_int_equal (w->state[aw_graph_task_id (w->g, before)], 2);
    }
    for (uint32_t i = 0; w->mode == AW_MODE_SEQUENTIAL && i < w->g->iterations * w->g->n_sets;
         i++) {
        uint32_t it = i / w->g->n_sets, rank = w->g->sets[i % w->g->n_sets].rank;
        if (it < at.iteration || (it == at.iteration && rank < set->rank))
            assert_int_equal (w->left[i], 0);
    }
}

static void check_start (struct watch *w, const struct aw_event *ev)
{
    struct aw_task at = aw_graph_task (w->g, ev->task);
    const struct aw_set *set = &w->g->sets[at.set];

    assert_int_equal (w->state[ev->task], 0);
    w->state[ev->task] = 1;
    check_predecessors (w, at);
    assert_in_range (ev->node, 0, w->nodes - 1);
    assert_int_equal (aw_idset_count (&ev->cpus), set->cpus);
    assert_int_equal (aw_idset_count (&ev->gpus), set->gpus);
    assert_int_equal (aw_idset_next (&ev->cpus, w->cpus), AW_IDSET_NONE);
    assert_int_equal (aw_idset_next (&ev->gpus, w->gpus), AW_IDSET_NONE);
    assert_false (aw_idset_intersects (&ev->cpus, &w->busy_cpus[ev->node]));
    assert_false (aw_idset_intersects (&ev->gpus, &w->busy_gpus[ev->node]));
    aw_idset_add_all (&w->busy_cpus[ev->node], &ev->cpus);
    aw_idset_add_all (&w->busy_gpus[ev->node], &ev->gpus);
    aw_idset_copy (&w->task_cpus[ev->task], &ev->cpus);
    aw_idset_copy (&w->task_gpus[ev->task], &ev->gpus);
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct watch *w = arg;

    w->sum = w->sum * 31 + ev->type;
    w->sum = w->sum * 31 + (uint64_t)(ev->t * 1e6);
    w->sum = w->sum * 31 + ev->task;
    if (ev->type == AW_EVENT_START) {
        w->sum = w->sum * 31 + ev->node;
        check_start (w, ev);
    }
    if (ev->type == AW_EVENT_FINISH) {
        struct aw_task at = aw_graph_task (w->g, ev->task);
        assert_int_equal (w->state[ev->task], 1);
        w->state[ev->task] = 2;
        w->left[at.iteration * w->g->n_sets + at.set]--;
        aw_idset_remove_all (&w->busy_cpus[ev->node], &w->task_cpus[ev->task]);
        aw_idset_remove_all (&w->busy_gpus[ev->node], &w->task_gpus[ev->task]);
    }
}

/* Half to double of what was declared. */
static double spread (void *arg, const struct aw_event *start)
{
    struct watch *w = arg;
    double declared = w->g->sets[aw_graph_task (w->g, start->task).set].duration;

    return (isnan (declared) ? 10 : declared)
           * (0.5 + 1.5 * graphs_below (&w->random, 1000) / 1000.0);
}

/* On random graphs: nothing before its predecessors, nothing oversubscribed, everything done,
 * nothing idle for no reason at the end, the same every time.
 */
static void random_runs_break_no_rule (void **state)
{
    uint64_t seed = 20221105;

    (void)state;
    for (int round = 0; round < 400; round++) {
        uint32_t cpus = 4 + graphs_below (&seed, 60), gpus = graphs_below (&seed, 7),
                 nodes = 1 + graphs_below (&seed, 5);
        enum aw_policy policy = graphs_below (&seed, 2) ? AW_POLICY_FIFO : AW_POLICY_LONGEST_PATH;
        enum aw_mode mode = graphs_below (&seed, 4) ? AW_MODE_ASYNC : AW_MODE_SEQUENTIAL;
        struct aw_graph *g = graphs_layered (&seed, cpus, gpus);
        uint64_t sums[2];

        assert_non_null (g);
        for (uint32_t i = 0; round % 3 == 0 && i < g->n_sets; i++)
            g->sets[i].duration = NAN; /* learned then */
        for (int again = 0; again < 2; again++) {
            struct watch *w = watch_create (g, nodes, cpus, gpus, mode);
            struct aw_simulation sim = { .seconds = spread, .observe = observe, .arg = w };
            struct aw_sched *s = make (g, policy, mode, nodes, cpus, gpus);
            struct aw_simulated r;
            struct aw_error err;

            if (aw_simulate (s, &sim, &r, &err) < 0)
                fail_msg ("%s", err.text);
            assert_int_equal (r.code, 0);
            assert_int_equal (r.decisions, g->n_tasks);
            assert_int_equal (aw_sched_counts (s, AW_NONE).done, g->n_tasks);
            assert_int_equal (aw_sched_pool (s)->free.cpus, nodes * cpus);
            assert_int_equal (aw_sched_pool (s)->free.gpus, nodes * gpus);
            assert_true (aw_sched_ended (s));
            sums[again] = w->sum;
            aw_sched_destroy (s);
            watch_destroy (w);
        }
        assert_true (sums[0] == sums[1]);
        aw_graph_destroy (g);
    }
}

/* A recorder of everything, for replay. */
struct record {
    struct aw_event *events;
    size_t n;
    struct watch *watch;
    struct aw_sched *sched, *copy;
    size_t copy_at;
};

static void record (void *arg, const struct aw_event *ev)
{
    struct record *r = arg;
    struct aw_event *mine;

    r->events = realloc (r->events, (r->n + 1) * sizeof (*r->events));
    mine = &r->events[r->n++];
    *mine = *ev;
    memset (&mine->cpus, 0, 2 * sizeof (mine->cpus));
    aw_idset_copy (&mine->cpus, &ev->cpus);
    aw_idset_copy (&mine->gpus, &ev->gpus);
}

static double spread_of_record (void *arg, const struct aw_event *start)
{
    return spread (((struct record *)arg)->watch, start);
}

/* A fold over the recorded events gives the same state, and asks for nothing that was done already;
 * from any point on the copy decides as the original did.
 */
static void a_copy_decides_as_the_original_did (void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct aw_graph *g = graphs_layered (&seed, 16, 4);
        struct watch *w = watch_create (g, 3, 16, 4, AW_MODE_ASYNC);
        struct record r = { .watch = w };
        struct aw_simulation sim = { .seconds = spread_of_record, .observe = record, .arg = &r };
        struct aw_sched *s = make (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 3, 16, 4);
        struct aw_simulated result;
        struct aw_sched *again;
        struct aw_error err;
        struct aw_event action;
        size_t cut;

        assert_int_equal (aw_simulate (s, &sim, &result, NULL), 0);
        cut = graphs_below (&seed, (uint32_t)r.n);
        while (cut > 0 && r.events[cut].type != AW_EVENT_FINISH)
            cut--; /* there the scheduler had nothing more to say */
        again = make (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 3, 16, 4);
        for (size_t i = 0; i < r.n; i++) {
            if (i < cut || r.events[i].type == AW_EVENT_FINISH) {
                struct aw_sched *twin;
                if (aw_sched_handle (again, &r.events[i], &err) < 0)
                    fail_msg ("event %zu: %s", i, err.text);
                if (aw_sched_handle (again, &r.events[i], &err) < 0)
                    fail_msg ("event %zu a second time: %s", i, err.text);
                if (i == cut) { /* go on with a copy */
                    twin = aw_sched_clone (again);
                    assert_non_null (twin);
                    aw_sched_destroy (again);
                    again = twin;
                }
                continue;
            }
            assert_true (aw_sched_next (again, &action));
            assert_int_equal (action.type, r.events[i].type);
            assert_int_equal (action.task, r.events[i].task);
            if (action.type == AW_EVENT_START) {
                assert_int_equal (action.node, r.events[i].node);
                assert_true (aw_idset_equal (&action.cpus, &r.events[i].cpus));
            }
        }
        assert_false (aw_sched_next (again, &action));
        assert_int_equal (aw_sched_counts (again, AW_NONE).done, g->n_tasks);
        for (size_t i = 0; i < r.n; i++) {
            aw_idset_finish (&r.events[i].cpus);
            aw_idset_finish (&r.events[i].gpus);
        }
        free (r.events);
        aw_sched_destroy (s);
        aw_sched_destroy (again);
        watch_destroy (w);
        aw_graph_destroy (g);
    }
}

struct starve {
    struct watch *watch;
    double at; /* when the wide task started */
};

static void note_wide (void *arg, const struct aw_event *ev)
{
    struct starve *starve = arg;

    if (ev->type == AW_EVENT_START && ev->task == 0)
        starve->at = ev->t;
}

static double spread_of_starve (void *arg, const struct aw_event *start)
{
    return spread (((struct starve *)arg)->watch, start);
}

/* One task as wide as the node, among a thousand narrow ones that are always ready and go on for
 * 1,000 s or more: it must not wait for the last of them, whether durations are known or not.
 */
static void a_task_of_a_whole_node_is_not_starved (void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct aw_graph *g = aw_graph_create ();
        struct starve starve = { NULL, -1 };
        struct aw_simulation sim = { .seconds = spread_of_starve,
                                     .observe = note_wide,
                                     .arg = &starve };
        struct aw_simulated r;
        struct aw_sched *s;

        graphs_set (g, "wide", 1, 8, 0, known ? 10 : NAN);
        graphs_set (g, "first", 4, 2, 0, known ? 5 : NAN);
        graphs_set (g, "narrow", 1000, 1, 0, known ? 7 : NAN);
        graphs_edge (g, "wide", "first", 0, 0);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        starve.watch = watch_create (g, 1, 8, 0, AW_MODE_ASYNC);
        s = make (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 1, 8, 0);
        assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
        assert_true (r.end > 900);
        assert_true (starve.at >= 0);
        assert_true (starve.at < 60);
        watch_destroy (starve.watch);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

static void a_task_that_never_fits_is_told (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_sched *s = make (g, AW_POLICY_FIFO, AW_MODE_ASYNC, 2, 16, 4);
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_sched_check (s, &err), -1);
    assert_non_null (strstr (err.text, "tasks.aggregate: a task needs 32 CPUs"));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* A set that no node can hold any more must not take the reservation away from one that will fit.
 */
static void a_set_that_no_node_holds_reserves_nothing (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_event node = { .type = AW_EVENT_NODE, .name = "small" };
    struct aw_event lost = { .type = AW_EVENT_NODE_LOST, .reason = "gone" };
    struct starve starve = { NULL, -1 };
    struct aw_simulation sim = { .seconds = spread_of_starve,
                                 .observe = note_wide,
                                 .arg = &starve };
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC };
    struct aw_event start = { .type = AW_EVENT_START, .task = 2 };
    struct aw_simulated r;
    struct aw_sched *s, *copy;

    (void)state;
    graphs_set (g, "wide", 1, 8, 0, 10);
    graphs_set (g, "huge", 1, 16, 0, 1000);
    graphs_set (g, "narrow", 400, 1, 0, 7);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    starve.watch = watch_create (g, 2, 16, 0, AW_MODE_ASYNC);
    s = aw_sched_create (g, &config, NULL);
    for (node.node = 0; node.node < 2; node.node++) {
        aw_idset_add (&node.cpus, 0, node.node == 0 ? 7 : 15);
        assert_int_equal (aw_sched_handle (s, &node, NULL), 0);
    }
    aw_idset_finish (&node.cpus);
    lost.node = 1;
    assert_int_equal (aw_sched_handle (s, &lost, NULL), 0);
    copy = aw_sched_clone (s);
    /* One CPU is taken, so that the wide task has to wait among narrow ones. */
    aw_idset_add (&start.cpus, 0, 0);
    assert_int_equal (aw_sched_handle (copy, &start, NULL), 0);
    aw_idset_finish (&start.cpus);
    assert_int_equal (aw_simulate (copy, &sim, &r, NULL), 0);
    assert_int_equal (r.code, 4); /* the huge one is left over */
    assert_int_equal (aw_sched_counts (copy, AW_NONE).ready, 1);
    assert_true (starve.at >= 0);
    assert_true (starve.at < 60);
    watch_destroy (starve.watch);
    aw_sched_destroy (copy);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static double not_so_short (void *arg, const struct aw_event *start)
{
    (void)arg;
    return start->task < 2 ? 5 : 10;
}

/* Tasks said to take no time, which is not so, fit before every reservation, but for one whose time
 * has come. */
static void tasks_said_to_take_no_time_do_not_pass_a_due_reservation (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct starve starve = { NULL, -1 };
    struct aw_simulation sim = { .seconds = not_so_short, .observe = note_wide, .arg = &starve };
    struct aw_simulated r;
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "wide", 1, 8, 0, 1);
    graphs_set (g, "first", 1, 2, 0, 0);
    graphs_set (g, "narrow", 1000, 1, 0, 0);
    graphs_edge (g, "wide", "first", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 1, 8, 0);
    assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
    assert_true (starve.at >= 0);
    assert_true (starve.at < 60);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Processor time that CODE takes at most, in seconds: generous, but far below what a square of the
 * size would take. */
#define WITHIN(limit, code)                                                  \
    do {                                                                     \
        clock_t began = clock ();                                            \
        code;                                                                \
        assert_true ((double)(clock () - began) / CLOCKS_PER_SEC < (limit)); \
    } while (0)

static uint32_t sum_of_counts (const struct aw_sched *s, uint32_t n_sets)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n_sets; i++)
        sum += aw_sched_counts (s, i).waiting;
    return sum;
}

static void many_sets_need_no_square_time (void **state)
{
    enum { SETS = 60000 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;
    char name[32];

    (void)state;
    for (uint32_t i = 0; i < SETS; i++) {
        snprintf (name, sizeof (name), "s%u", i);
        graphs_set (g, name, 2, 1, 0, 1);
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, AW_POLICY_FIFO, AW_MODE_ASYNC, 1, 8, 0);
    WITHIN (0.5, assert_int_equal (sum_of_counts (s, SETS), 2 * SETS));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static uint32_t count_actions (struct aw_sched *s, enum aw_event_type type)
{
    struct aw_event action;
    uint32_t n = 0;

    while (aw_sched_next (s, &action))
        n += action.type == type;
    return n;
}

static void many_kills_need_no_square_time (void **state)
{
    enum { NODES = 40, CPUS = 1000 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_event stop = { .type = AW_EVENT_STOP, .t = 1, .code = 1, .reason = "Ctrl-C" };
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "a", NODES * CPUS, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, AW_POLICY_FIFO, AW_MODE_ASYNC, NODES, CPUS, 0);
    assert_int_equal (count_actions (s, AW_EVENT_START), NODES * CPUS);
    assert_int_equal (aw_sched_handle (s, &stop, NULL), 0);
    WITHIN (0.3, assert_int_equal (count_actions (s, AW_EVENT_KILL), NODES * CPUS));
    assert_int_equal (count_actions (s, AW_EVENT_KILL), 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* A mean that creeps has moved too, in the end. */
static void a_mean_that_creeps_moves_the_estimate (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_estimate e;
    double told;

    (void)state;
    graphs_set (g, "a", 1, 1, 0, NAN);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_estimate_init (&e, g), 0);
    assert_true (aw_estimate_learn (&e, 0, 1));
    for (int i = 0; i < 99; i++)
        assert_false (aw_estimate_learn (&e, 0, 1));
    told = e.seconds[0];
    for (int i = 0; i < 300; i++) {
        if (aw_estimate_learn (&e, 0, 6))
            told = e.seconds[0];
        assert_true (fabs (e.seconds[0] - told) <= 0.1 * told);
    }
    assert_true (e.seconds[0] > 4);
    aw_estimate_finish (&e);
    aw_graph_destroy (g);
}

/* A task that fits no node waits as long as others may join: it starts there, or the run ends. */
static void a_pool_that_grows_is_waited_for (void **state)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC };

    (void)state;
    for (int comes = 0; comes <= 1; comes++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_sched *s;
        struct aw_event action, ev = { .type = AW_EVENT_AWAIT, .t = 1, .count = 1 };
        uint32_t n_running;

        assert_non_null (graphs_set (g, "wide", 1, 8, 0, 1));
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = aw_sched_create (g, &config, NULL);
        assert_non_null (s);
        assert_int_equal (aw_simulate_add_nodes (s, 1, 4, 0, 0, NULL), 0);
        assert_true (aw_sched_is_input (s, &ev));
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        assert_true (aw_sched_next (s, &action));
        assert_int_equal (action.type, AW_EVENT_READY);
        assert_false (aw_sched_next (s, &action));
        assert_false (aw_sched_at_rest (s, &n_running, NULL)); /* it is not stuck */
        if (comes) {
            ev = (struct aw_event){ .type = AW_EVENT_NODE, .t = 2, .node = 1, .name = "n2" };
            assert_int_equal (aw_idset_add (&ev.cpus, 0, 7), 0);
            assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
            aw_idset_finish (&ev.cpus);
            assert_true (aw_sched_next (s, &action));
            assert_int_equal (action.type, AW_EVENT_START);
            assert_int_equal (action.node, 1);
        }
        else {
            ev = (struct aw_event){ .type = AW_EVENT_AWAIT, .t = 2 };
            assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
            assert_true (aw_sched_next (s, &action));
            assert_int_equal (action.type, AW_EVENT_END);
            assert_int_equal (action.code, AW_EXIT_POOL);
        }
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (a_pool_that_grows_is_waited_for),
        cmocka_unit_test (the_paper_runs_take_the_times_of_the_model),
        cmocka_unit_test (random_runs_break_no_rule),
        cmocka_unit_test (a_copy_decides_as_the_original_did),
        cmocka_unit_test (a_task_of_a_whole_node_is_not_starved),
        cmocka_unit_test (a_task_that_never_fits_is_told),
        cmocka_unit_test (a_set_that_no_node_holds_reserves_nothing),
        cmocka_unit_test (tasks_said_to_take_no_time_do_not_pass_a_due_reservation),
        cmocka_unit_test (many_sets_need_no_square_time),
        cmocka_unit_test (many_kills_need_no_square_time),
        cmocka_unit_test (a_mean_that_creeps_moves_the_estimate),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
