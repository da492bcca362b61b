/* SPDX-License-Identifier: Apache-2.0 */
/* Sets that run once, before or after the iterations of the others: what a graph with them may be,
 * how it is numbered, and on random ones that scheduler, model and search keep to the relation that
 * this test works out by itself.
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

#include "core/sched/priority.h"
#include "core/sched/sched.h"
#include "graphs.h"
#include "model/bounds.h"
#include "model/branches.h"
#include "model/closure.h"
#include "model/mirror.h"
#include "model/plan_search.h"
#include "model/simulate.h"
#include "model/sweep.h"
#include "model/trial.h"
#include "model/width.h"

enum { MOST = 64, NODES = 2, CPUS = 8 };

static struct aw_set *once (struct aw_graph *g, const char *name, uint32_t count, double seconds)
{
    struct aw_set *set = graphs_set (g, name, count, 1, 0, seconds);

    set->once = true;
    return set;
}

/* Two iterated sets "a" and "b" of 2 tasks, and once sets "x" and "y" of 2. */
static struct aw_graph *four (void)
{
    struct aw_graph *g = aw_graph_create ();

    g->iterations = 3;
    g->iterated = true;
    graphs_set (g, "a", 2, 1, 0, 10);
    graphs_set (g, "b", 2, 1, 0, 20);
    once (g, "x", 2, 5);
    once (g, "y", 2, 7);
    return g;
}

static void wrong_once_sets_are_refused (void **state)
{
    static const struct {
        struct {
            const char *set, *before;
            uint32_t back;
            int each;
        } edges[3];
        const char *error;
    } table[] = {
        { { { "x", "a", 1, 0 } }, "x: \"a@-1\": a once set has no previous iteration" },
        { { { "a", "x", 2, 0 } }, "a: \"x@-2\": a once set has no previous iteration" },
        { { { "y", "x", 1, 0 } }, "y: \"x@-1\": a once set has no previous iteration" },
        { { { "x", "a", 0, 1 } }, "x: \"a[i]\": only one of them is a once set" },
        { { { "a", "x", 0, 1 } }, "a: \"x[i]\": only one of them is a once set" },
        { { { "x", "a", 0, 0 }, { "b", "x", 0, 0 } },
          "tasks.x: runs once, after all iterations, but b waits for it in each: a once set is "
          "before or after the iterations" },
        { { { "x", "a", 0, 0 }, { "y", "x", 0, 0 }, { "b", "y", 0, 0 } },
          "tasks.y: runs once, after all iterations, but b waits for it in each: a once set is "
          "before or after the iterations" },
        { { { "x", "y", 0, 0 }, { "y", "x", 0, 1 } }, "cycle: x -> y -> x" },
        { { { "x", "a", 0, 0 }, { "a", "x", 0, 0 } }, "cycle: a -> x -> a" },
    };
    struct aw_error err;

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph *g = four ();

        for (int e = 0; e < 3 && table[i].edges[e].set; e++)
            graphs_edge (g, table[i].edges[e].set, table[i].edges[e].before, table[i].edges[e].back,
                         table[i].edges[e].each);
        assert_int_equal (aw_graph_finalize (g, &err), -1);
        assert_string_equal (err.text, table[i].error);
        aw_graph_destroy (g);
    }
}

static void a_keyed_edge_to_an_iterated_set_is_refused (void **state)
{
    struct aw_graph *g = four ();
    struct aw_error err;
    uint64_t seed = 1;

    (void)state;
    graphs_keyed_edge (g, 2, (struct aw_edge){ .set = 0 }, 1, &seed);
    assert_int_equal (aw_graph_finalize (g, &err), -1);
    assert_non_null (strstr (err.text, "only one of them is a once set"));
    aw_graph_destroy (g);
}

static void once_sets_come_last_and_are_not_all (void **state)
{
    struct aw_graph *g = four ();
    struct aw_error err;

    (void)state;
    g->sets[1].once = true;
    g->sets[2].once = false;
    assert_int_equal (aw_graph_finalize (g, &err), -1);
    assert_string_equal (err.text, "x: comes after a once set");
    for (uint32_t s = 0; s < 4; s++)
        g->sets[s].once = true;
    assert_int_equal (aw_graph_finalize (g, &err), -1);
    assert_string_equal (err.text, "all task sets run once: none is left for the iterations");
    aw_graph_destroy (g);
}

static void once_sets_count_once_towards_the_most_tasks (void **state)
{
    struct aw_graph *g = four ();

    (void)state;
    g->iterations = 1000;
    g->sets[0].count = AW_MAX_TASKS / 1000 - 200;
    g->sets[1].count = 100;
    g->sets[2].count = 100000;
    g->sets[3].count = 1;
    assert_int_equal (aw_graph_finalize (g, NULL), -1);
    g->sets[2].count = 100000 - 1;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (g->n_tasks, AW_MAX_TASKS);
    aw_graph_destroy (g);
}

/* x -> a -> b -> y */
static struct aw_graph *chain (void)
{
    struct aw_graph *g = four ();

    graphs_edge (g, "a", "x", 0, 0);
    graphs_edge (g, "a", "b", 1, 0);
    graphs_edge (g, "b", "a", 0, 1);
    graphs_edge (g, "y", "b", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

/* Iterated ones first, then each once set, then what is added. */
static void once_sets_are_numbered_after_all_iterations (void **state)
{
    static const enum aw_phase phases[] = { AW_PHASE_ITERATED, AW_PHASE_ITERATED, AW_PHASE_BEFORE,
                                            AW_PHASE_AFTER, AW_PHASE_ADDED };
    static const uint32_t stages[] = { 1, 2, 0, 7 };
    struct aw_graph *g = chain ();
    struct aw_graph_size old = aw_graph_size (g);

    (void)state;
    assert_int_equal (old.n_tasks, 16);
    assert_int_equal (g->n_stages, 8);
    once (g, "z", 3, 1)->once = false;
    graphs_edge (g, "z", "x", 0, 0);
    assert_int_equal (aw_graph_grow (g, &old, NULL), 0);
    assert_int_equal (g->n_iterated, 2);
    assert_int_equal (g->n_base, 4);
    assert_int_equal (aw_graph_n_base_instances (g), 8);
    assert_int_equal (aw_graph_n_instances (g), 9);
    for (uint32_t s = 0; s < 5; s++)
        assert_int_equal (g->sets[s].phase, phases[s]);
    for (uint32_t s = 0; s < 4; s++)
        assert_int_equal (aw_graph_stage (g, 0, s), stages[s]);
    assert_int_equal (aw_graph_stage (g, 2, 1), 6);
    assert_int_equal (graphs_wrong_name (g, 12), AW_NONE);
    assert_int_equal (aw_graph_task_parse (g, "y[1]"), 15);
    assert_int_equal (aw_graph_task_parse (g, "y@0[1]"), AW_NONE);
    aw_graph_destroy (g);
}

static struct aw_allocation nodes (uint32_t n)
{
    struct aw_allocation a = { 0 };

    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ n, CPUS, 0, 0 }, NULL), 0);
    return a;
}

/* With more iterations the once sets still count once. */
static void the_model_counts_once_sets_once (void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 5; n++) {
        struct aw_graph *g = chain ();
        struct aw_allocation a = nodes (1);
        struct aw_node_shape shape = { 1, 1, 0, 0 };
        struct aw_branches branches;
        struct aw_bounds b;

        g->iterations = n;
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        assert_int_equal (aw_bounds_init (&b, g, &a, 1, NULL), 0);
        assert_true (b.critical_path == 5 + n * 30 + 7 + (2 * n + 1));
        assert_true (b.t_seq_formula == b.critical_path);
        assert_int_equal (b.n_path, 2 * n + 2);
        assert_true (b.serial_sum == 2 * (5 + n * 30 + 7));
        assert_int_equal (aw_branches_init (&branches, g), 0);
        assert_int_equal (branches.n, 1);
        assert_int_equal (aw_sweep_useful (g, &shape), 4 + 4 * n);
        aw_branches_finish (&branches);
        aw_bounds_finish (&b);
        aw_allocation_finish (&a);
        aw_graph_destroy (g);
    }
}

/* Of what is ready at the same time, fifo starts first what the iterations wait for. */
static void fifo_starts_what_comes_before_the_iterations_first (void **state)
{
    static const struct aw_sched_config config = { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 };
    struct aw_graph *g = four ();
    struct aw_event action;
    struct aw_sched *s;

    (void)state;
    graphs_edge (g, "b", "x", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, 1, 1, 0, 0, NULL), 0);
    do
        assert_true (aw_sched_next (s, &action));
    while (action.type != AW_EVENT_START);
    assert_int_equal (aw_graph_task (g, action.task).set, 2);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/*
 * Random graphs, and the relation between their instances
 */

struct relation {
    const struct aw_graph *g;
    uint32_t n; /* instances, by their numbers in the graph */
    bool direct[MOST][MOST]; /* the second waits for the first */
    bool reach[MOST][MOST]; /* the same, over others too */
    uint32_t stage[MOST]; /* any number that grows with the stages */
};

static uint64_t seed;

static uint32_t below (uint32_t n)
{
    return graphs_below (&seed, n);
}

static void edge (struct aw_graph *g, uint32_t set, uint32_t before, uint32_t back, bool in_parts)
{
    struct aw_edge e = { .set = before, .back = back };
    uint32_t x = g->sets[before].count, y = g->sets[set].count;

    if (below (3))
        return;
    if (in_parts && x == y && below (2))
        e.by = AW_BY_INDEX;
    if (in_parts && e.by == AW_BY_SET && below (2))
        graphs_keyed_edge (g, set, e, 1 + below (x < y ? x : y), &seed);
    else
        assert_int_equal (aw_graph_add_edge (g, set, e), 0);
}

/* Up to 5 iterated sets, then up to 3 that are meant to come before and 3 to come after. */
static struct aw_graph *random_graph (void)
{
    uint32_t n_iterated = 1 + below (5), n_before = below (4), n_after = below (4);
    uint32_t before = n_iterated, after = before + n_before, end = after + n_after;
    struct aw_graph *g = aw_graph_create ();

    g->iterations = 1 + below (4);
    g->iterated = true;
    for (uint32_t s = 0; s < end; s++) {
        char name[16];

        snprintf (name, sizeof (name), "s%u", s);
        graphs_set (g, name, 1 + below (4), 1 + below (3), 0, 1 + below (20))->once = s >= before;
    }
    for (uint32_t s = 0; s < n_iterated; s++) {
        for (uint32_t p = 0; p <= s; p++)
            edge (g, s, p, p == s || below (3) == 0 ? 1 + below (2) : 0, true);
        for (uint32_t p = before; p < after; p++)
            edge (g, s, p, 0, false);
    }
    for (uint32_t s = before; s < end; s++) {
        for (uint32_t p = 0; s >= after && p < n_iterated; p++)
            edge (g, s, p, 0, false);
        for (uint32_t p = before; p < s; p++)
            edge (g, s, p, 0, true);
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void fill_direct (struct relation *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct aw_task at = aw_graph_instance_place (r->g, i);
        const struct aw_set *set = &r->g->sets[at.set];

        for (uint32_t e = 0; e < set->n_after; e++)
            for (uint32_t k = 0; k < r->n; k++) {
                struct aw_task from = aw_graph_instance_place (r->g, k);

                if (from.set == set->after[e].set
                    && graphs_waits (r->g, at.set, at.iteration, &set->after[e], from.iteration))
                    r->direct[k][i] = true;
            }
    }
    memcpy (r->reach, r->direct, sizeof (r->reach));
    for (uint32_t k = 0; k < r->n; k++)
        for (uint32_t i = 0; i < r->n; i++)
            for (uint32_t j = 0; j < r->n; j++)
                r->reach[i][j] |= r->reach[i][k] && r->reach[k][j];
}

/* 0: before the iterations, 1: in them, 2: after them. */
static uint32_t part_of (const struct relation *r, uint32_t instance)
{
    uint32_t part = r->g->sets[aw_graph_instance_set (r->g, instance)].once ? 0 : 1;

    for (uint32_t i = 0; part == 0 && i < r->n; i++)
        if (r->reach[i][instance] && !r->g->sets[aw_graph_instance_set (r->g, i)].once)
            return 2;
    return part;
}

/* The longest way to INSTANCE within its iteration and part. */
static uint32_t rank_of (const struct relation *r, uint32_t instance)
{
    uint32_t rank = 0;

    for (uint32_t i = 0; i < r->n; i++)
        if (r->direct[i][instance] && part_of (r, i) == part_of (r, instance)
            && aw_graph_instance_place (r->g, i).iteration
                   == aw_graph_instance_place (r->g, instance).iteration
            && rank_of (r, i) + 1 > rank)
            rank = rank_of (r, i) + 1;
    return rank;
}

static void relate (struct relation *r, const struct aw_graph *g)
{
    memset (r, 0, sizeof (*r));
    r->g = g;
    r->n = aw_graph_n_instances (g);
    assert_true (r->n <= MOST);
    fill_direct (r);
    for (uint32_t i = 0; i < r->n; i++)
        r->stage[i] = (part_of (r, i) * 100 + aw_graph_instance_place (g, i).iteration) * 100
                      + rank_of (r, i);
}

static void check_order (const struct relation *r)
{
    bool seen[MOST] = { false };

    for (uint32_t k = 0; k < r->n; k++) {
        struct aw_task at = aw_graph_ordered (r->g, k);
        uint32_t me = aw_graph_instance (r->g, at.iteration, at.set);

        assert_false (seen[me]);
        seen[me] = true;
        for (uint32_t i = 0; i < r->n; i++)
            assert_true (seen[i] || !r->reach[i][me]);
    }
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t j = 0; j < r->n; j++) {
            struct aw_task a = aw_graph_instance_place (r->g, i);
            struct aw_task b = aw_graph_instance_place (r->g, j);

            assert_int_equal (r->stage[i] < r->stage[j],
                              aw_graph_stage (r->g, a.iteration, a.set)
                                  < aw_graph_stage (r->g, b.iteration, b.set));
        }
}

static double longest_from (const struct relation *r, const double *seconds, uint32_t instance)
{
    double longest = 0;

    for (uint32_t i = 0; i < r->n; i++)
        if (r->direct[instance][i])
            longest = fmax (longest, longest_from (r, seconds, i));
    return longest + seconds[aw_graph_instance_set (r->g, instance)];
}

static void check_paths (const struct relation *r)
{
    double seconds[MOST], remaining[MOST];

    for (uint32_t s = 0; s < r->g->n_sets; s++)
        seconds[s] = r->g->sets[s].duration;
    aw_priority_remaining (r->g, seconds, remaining);
    for (uint32_t i = 0; i < r->n; i++)
        assert_true (remaining[i] == longest_from (r, seconds, i));
}

static void check_closure (const struct relation *r)
{
    struct aw_graph *mirror = aw_mirror (r->g);
    struct aw_closure c, back;
    struct aw_branches branches;
    uint32_t n_ends = 0;

    assert_non_null (mirror);
    assert_int_equal (aw_closure_init (&c, r->g), 0);
    assert_int_equal (aw_closure_init (&back, mirror), 0);
    assert_int_equal (aw_branches_init (&branches, r->g), 0);
    for (uint32_t i = 0; i < r->n; i++) {
        struct aw_task at = aw_graph_instance_place (r->g, i);
        uint32_t last = aw_graph_iterations (r->g, at.set) - 1;
        uint32_t turned = aw_graph_instance (r->g, last - at.iteration, at.set);
        bool is_end = true;

        for (uint32_t j = 0; j < r->n; j++) {
            struct aw_task to = aw_graph_instance_place (r->g, j);

            last = aw_graph_iterations (r->g, to.set) - 1;
            is_end = is_end && !r->direct[i][j];
            assert_int_equal (aw_closure_has (&c, i, j), r->reach[i][j]);
            assert_int_equal (aw_closure_has (&back,
                                              aw_graph_instance (r->g, last - to.iteration, to.set),
                                              turned),
                              r->reach[i][j]);
        }
        assert_int_equal (aw_branches_is_end (&branches, r->g, at.iteration, at.set), is_end);
        n_ends += is_end;
    }
    assert_int_equal (branches.n, n_ends);
    assert_true (aw_width (&c) <= aw_width_bound (r->g));
    assert_true (aw_width (&c) >= n_ends);
    aw_branches_finish (&branches);
    aw_closure_finish (&back);
    aw_closure_finish (&c);
    aw_graph_destroy (mirror);
}

/*
 * Runs
 */

struct run {
    const struct relation *r;
    bool sequential;
    uint8_t *state; /* by task: 0, 1 runs, 2 done */
};

static bool is_done (const struct run *run, uint32_t instance)
{
    struct aw_task at = aw_graph_instance_place (run->r->g, instance);
    uint32_t first = aw_graph_task_id (run->r->g, at), n = 0;

    while (n < run->r->g->sets[at.set].count && run->state[first + n] == 2)
        n++;
    return n == run->r->g->sets[at.set].count;
}

static void check_start (const struct run *run, uint32_t task)
{
    const struct aw_graph *g = run->r->g;
    struct aw_task at = aw_graph_task (g, task);
    const struct aw_set *set = &g->sets[at.set];
    uint32_t me = aw_graph_instance (g, at.iteration, at.set);

    for (uint32_t e = 0; e < set->n_after; e++)
        for (uint32_t it = 0; it < aw_graph_iterations (g, set->after[e].set); it++)
            for (uint32_t i = 0; i < g->sets[set->after[e].set].count; i++)
                if (graphs_waits (g, at.set, at.iteration, &set->after[e], it)
                    && graphs_are_paired (g, at.set, &set->after[e], at.index, i))
                    assert_int_equal (
                        run->state[aw_graph_first_task (g, it, set->after[e].set) + i], 2);
    for (uint32_t i = 0; run->sequential && i < run->r->n; i++)
        assert_true (run->r->stage[i] >= run->r->stage[me] || is_done (run, i));
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct run *run = arg;

    if (ev->type == AW_EVENT_START) {
        assert_int_equal (run->state[ev->task], 0);
        check_start (run, ev->task);
        run->state[ev->task] = 1;
    }
    if (ev->type == AW_EVENT_FINISH)
        run->state[ev->task] = 2;
}

/* The makespan. */
static double simulate (const struct relation *r, enum aw_policy policy, enum aw_mode mode)
{
    const struct aw_sched_config config = { policy, mode, 0 };
    struct run run = { r, mode == AW_MODE_SEQUENTIAL, calloc (r->g->n_tasks, 1) };
    struct aw_simulation sim = { .observe = observe, .arg = &run };
    struct aw_sched *s = aw_sched_create (r->g, &config, NULL);
    struct aw_simulated result;

    assert_non_null (run.state);
    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, NODES, CPUS, 0, 0, NULL), 0);
    assert_int_equal (aw_simulate (s, &sim, &result, NULL), 0);
    assert_int_equal (result.code, 0);
    for (uint32_t task = 0; task < r->g->n_tasks; task++)
        assert_int_equal (run.state[task], 2);
    aw_sched_destroy (s);
    free (run.state);
    return result.end;
}

static void check_runs (const struct relation *r)
{
    static const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    const double little = 1e-6;
    struct aw_allocation a = nodes (NODES);
    struct aw_search search = { .start = &config, .evaluations = 12 };
    struct aw_found_plan plan;
    struct aw_bounds b;

    assert_int_equal (aw_bounds_init (&b, r->g, &a, 0, NULL), 0);
    for (int policy = 0; policy < AW_POLICIES; policy++) {
        double t = simulate (r, (enum aw_policy)policy, AW_MODE_ASYNC);

        assert_true (t > b.lower - little && t < b.serial_sum + little);
    }
    assert_true (simulate (r, AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL) > b.lower - little);
    assert_true (aw_plan_possible (r->g));
    search.bound = b.lower;
    assert_int_equal (aw_plan_search (&plan, r->g, &a, NULL, &search, NULL), 0);
    assert_true (plan.t > b.lower - little);
    aw_plan_finish (&plan);
    aw_bounds_finish (&b);
    aw_allocation_finish (&a);
}

static void random_graphs_run_by_their_relation (void **state)
{
    const char *told = getenv ("AW_TEST_SEED");
    uint64_t first = told ? strtoull (told, NULL, 0) : 1;
    struct relation *r = calloc (1, sizeof (*r));
    uint32_t n_before = 0, n_after = 0;

    (void)state;
    assert_non_null (r);
    for (uint64_t round = first; round < first + (told ? 1 : 600); round++) {
        struct aw_graph *g;

        seed = round * 7919;
        g = random_graph ();
        relate (r, g);
        check_order (r);
        check_paths (r);
        check_closure (r);
        check_runs (r);
        for (uint32_t s = 0; s < g->n_sets; s++) {
            n_before += g->sets[s].phase == AW_PHASE_BEFORE;
            n_after += g->sets[s].phase == AW_PHASE_AFTER;
        }
        aw_graph_destroy (g);
    }
    free (r);
    assert_true (told || (n_before > 300 && n_after > 300)); /* there was something to see */
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_once_sets_are_refused),
        cmocka_unit_test (a_keyed_edge_to_an_iterated_set_is_refused),
        cmocka_unit_test (once_sets_come_last_and_are_not_all),
        cmocka_unit_test (once_sets_count_once_towards_the_most_tasks),
        cmocka_unit_test (once_sets_are_numbered_after_all_iterations),
        cmocka_unit_test (the_model_counts_once_sets_once),
        cmocka_unit_test (fifo_starts_what_comes_before_the_iterations_first),
        cmocka_unit_test (random_graphs_run_by_their_relation),
    };

    return cmocka_run_group_tests_name ("once", tests, NULL, NULL);
}
