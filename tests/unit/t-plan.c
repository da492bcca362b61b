/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: an order that comes from outside, and the search that finds one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/history/history.h"
#include "core/sched/plan.h"
#include "graphs.h"
#include "model/bounds.h"
#include "model/mirror.h"
#include "model/plan_search.h"
#include "model/plan_steady.h"
#include "model/predict.h"
#include "model/replan.h"
#include "model/simulate.h"

static const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };

static struct aw_allocation nodes (uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_allocation a = { 0 };

    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ n, cpus, gpus, 0 }, NULL), 0);
    return a;
}

static struct aw_sched *make (const struct aw_graph *g, uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, n, cpus, gpus, 0, NULL), 0);
    return s;
}

/* The makespan with the plan TEXT; "": without one. */
static double makespan (
    const struct aw_graph *g, const char *text, uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_event ev = { .type = AW_EVENT_PLAN, .text = text, .task = AW_NONE, .node = AW_NONE };
    struct aw_sched *s = make (g, n, cpus, gpus), *copy;
    struct aw_simulated r, again;

    if (*text)
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    copy = aw_sched_clone (s); /* it has the plan too */
    assert_non_null (copy);
    assert_int_equal (aw_simulate (s, NULL, &r, NULL), 0);
    assert_int_equal (aw_simulate (copy, NULL, &again, NULL), 0);
    assert_int_equal (r.code, 0);
    assert_true (r.end == again.end);
    aw_sched_destroy (s);
    aw_sched_destroy (copy);
    return r.end;
}

/* On two CPUs the three parts of 2, 2 and 3 s are best with the long one first and alone; the short
 * ones share the other CPU: 4 s. "late" has the longest path but does better later.
 */
static struct aw_graph *parts (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "a", 1, 1, 0, 2);
    graphs_set (g, "b", 1, 1, 0, 2);
    graphs_set (g, "c", 1, 1, 0, 3);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void a_wrong_plan_is_refused_and_changes_nothing (void **state)
{
    static const char *const wrong[] = { "",      "0 1",    "0 1 2 3", "0 1 3",
                                         "0 1 x", "-1 0 1", "0,1,2",   "0 1 99999999999999999999" };
    struct aw_graph *g = parts ();
    struct aw_sched *s = make (g, 1, 2, 0);
    struct aw_simulated r;
    struct aw_error err;

    (void)state;
    for (size_t i = 0; i < sizeof (wrong) / sizeof (wrong[0]); i++) {
        struct aw_event ev = { .type = AW_EVENT_PLAN, .text = wrong[i], .task = AW_NONE };

        assert_int_equal (aw_sched_handle (s, &ev, &err), -1);
        assert_string_equal (err.text, "a plan is a list of 3 places, each below 3");
    }
    assert_int_equal (aw_simulate (s, NULL, &r, NULL), 0);
    assert_true (r.end == 4);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void the_scheduler_follows_a_plan (void **state)
{
    static const struct {
        const char *text;
        double end;
    } table[] = {
        { "", 4 }, /* longest first */
        { "0 1 2", 5 }, /* c last */
        { "1 2 0", 4 }, { "2 1 0", 4 }, { "0 2 1", 4 }, { "1 0 2", 5 },
    };
    struct aw_graph *g = parts ();

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        assert_true (makespan (g, table[i].text, 1, 2, 0) == table[i].end);
    aw_graph_destroy (g);
}

static void the_text_of_a_plan_has_its_places (void **state)
{
    static const uint32_t places[] = { 2, 0, 1 };
    struct aw_graph *g = parts ();
    char *text = aw_plan_text (g, places, NULL);

    (void)state;
    assert_string_equal (text, "2 0 1");
    free (text);
    aw_graph_destroy (g);
}

/* A resumed run goes on with the plan; one whose workflow has another size goes on without. */
static void a_resumed_run_keeps_its_plan (void **state)
{
    static const char *const texts[] = { "0 1 2", "0 1" };
    static const double ends[] = { 5, 4 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct aw_graph *g = parts ();
        struct aw_resume resume = { .epoch = 1 };
        struct aw_event plan = { .type = AW_EVENT_PLAN, .text = texts[i], .task = AW_NONE };
        struct aw_event ev = { .type = AW_EVENT_RESUME, .resume = &resume, .task = AW_NONE };
        struct aw_sched *s = aw_sched_create (g, &config, NULL);
        struct aw_resume_state earlier;
        struct aw_history history;
        struct aw_simulated r;

        assert_int_equal (aw_history_init (&history, g, NULL), 0);
        assert_int_equal (aw_history_handle (&history, &plan, NULL), 0);
        assert_int_equal (aw_history_handle (&history, &ev, NULL), 0);
        assert_int_equal (aw_resume_state_init (&earlier, &history, NULL), 0);
        assert_int_equal (aw_sched_resume (s, &earlier, NULL), 0);
        assert_int_equal (aw_simulate_add_nodes (s, 1, 2, 0, 0, NULL), 0);
        assert_int_equal (aw_simulate (s, NULL, &r, NULL), 0);
        assert_true (r.end == ends[i]);
        aw_resume_state_finish (&earlier);
        aw_history_finish (&history);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

/* The mirror of the mirror is the graph: same edges, same demands. */
static void a_mirror_turns_all_edges_round (void **state)
{
    uint64_t random = 7;

    (void)state;
    for (int round = 0; round < 30; round++) {
        struct aw_graph *g = graphs_layered (&random, 8, 2), *mirror, *back;
        uint32_t edges = 0, found = 0;

        mirror = aw_mirror (g);
        assert_non_null (mirror);
        back = aw_mirror (mirror);
        assert_non_null (back);
        for (uint32_t s = 0; s < g->n_sets; s++) {
            assert_int_equal (back->sets[s].cpus, g->sets[s].cpus);
            assert_int_equal (mirror->sets[s].count, g->sets[s].count);
            for (uint32_t e = 0; e < g->sets[s].n_after; e++) {
                const struct aw_edge *edge = &g->sets[s].after[e];
                const struct aw_set *before = &mirror->sets[edge->set];

                edges++;
                for (uint32_t k = 0; k < before->n_after; k++)
                    found += before->after[k].set == s && before->after[k].back == edge->back
                             && (before->after[k].by < AW_BY_KEY ? before->after[k].by == edge->by
                                                                 : edge->by >= AW_BY_KEY);
            }
        }
        assert_true (found >= edges);
        aw_graph_destroy (back);
        aw_graph_destroy (mirror);
        aw_graph_destroy (g);
    }
}

static bool never (void *arg)
{
    ++*(int *)arg;
    return false;
}

static void a_search_ends_when_it_is_told_to (void **state)
{
    struct aw_graph *g = parts ();
    struct aw_allocation a = nodes (1, 2, 0);
    int asked = 0;
    struct aw_conditions conditions = { .go_on = never, .arg = &asked };
    struct aw_search search = { &config, 0, 1000 };
    struct aw_found_plan plan;

    (void)state;
    assert_int_equal (aw_plan_search (&plan, g, &a, &conditions, &search, NULL), 0);
    assert_true (asked > 0 && plan.evaluations <= 2);
    assert_null (plan.places);
    assert_true (plan.t == 4);
    aw_plan_finish (&plan);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/*
 * The time for planning
 */

enum { SIMULATION = 3 }; /* questions for the time in one simulation, at least */

/* A long task that comes last, and sets that keep a node busy for so many questions. */
static struct aw_graph *many_tasks (void)
{
    struct aw_graph *g = aw_graph_create ();
    uint32_t n = SIMULATION * AW_SIMULATE_STRIDE / 2;

    graphs_set (g, "a", n, 1, 0, 1);
    graphs_set (g, "b", n, 1, 0, 2);
    graphs_set (g, "last", 1, 1, 0, 0.25 * n);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

/* Time passes with each question, and with each start that is seen. */
static uint32_t passed, limit;

static bool on (void *arg, double part)
{
    (void)arg;
    passed += AW_SIMULATE_STRIDE;
    return passed < part * limit;
}

static void observe (void *arg, const struct aw_event *ev)
{
    *(uint32_t *)arg += ev->type == AW_EVENT_START;
}

static void plan_once (const struct aw_graph *g)
{
    struct aw_predict_options options = { .evaluations = UINT32_MAX, .search_on = on };
    struct aw_allocation a = nodes (1, 8, 0);
    struct aw_way way = { &config, 1e9, 0 };
    struct aw_found_plan plan;

    assert_int_equal (aw_predict_plan (&plan, g, &a, &options, &way, NULL), 0);
    assert_in_range (plan.evaluations, 0, limit / g->n_tasks + 3);
    aw_plan_finish (&plan);
    aw_allocation_finish (&a);
}

static void plan_again (const struct aw_graph *g)
{
    static const struct aw_sched_config fifo = { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 };
    struct aw_sched *s = aw_sched_create (g, &fifo, NULL);
    struct aw_spread spread;
    struct aw_conditions conditions = {
        .spread = &spread, .from = s, .observe = observe, .arg = &passed
    };
    struct aw_replan_limits limits = { UINT32_MAX, on, NULL };
    struct aw_replan replan;
    double end;

    assert_int_equal (aw_simulate_add_nodes (s, 1, 8, 0, 0, NULL), 0);
    assert_int_equal (aw_spread_init (&spread, g, NULL, 0.1, NULL), 0);
    assert_int_equal (aw_replan_look (&end, &conditions, NULL), 0);
    assert_int_equal (aw_replan (&replan, &conditions, end, &limits, NULL), 0);
    aw_replan_finish (&replan);
    aw_spread_finish (&spread);
    aw_sched_destroy (s);
}

/* A simulation for which there is no time is given up. A run that is under way has been simulated
 * once before, and each part of planning asks once. */
static void planning_keeps_to_its_time (void **state)
{
    static const uint32_t simulations[] = { 0, 1, 2, 6, 20, 35 };
    struct aw_graph *g = many_tasks ();

    (void)state;
    for (size_t i = 0; i < 2 * sizeof (simulations) / sizeof (simulations[0]); i++) {
        passed = 0;
        limit = simulations[i / 2] * g->n_tasks;
        (i % 2 ? plan_again : plan_once) (g);
        assert_in_range (passed, 0, limit + g->n_tasks + 12 * AW_SIMULATE_STRIDE);
    }
    aw_graph_destroy (g);
}

/* On random graphs: no worse than the policy, not below the bound, the same each time, and the
 * scheduler that follows it takes as long as the search says. Some are better, or the search is of
 * no use.
 */
static void a_search_never_loses_and_tells_the_truth (void **state)
{
    struct aw_allocation a = nodes (1, 8, 2);
    uint64_t random = 20261129;
    int better = 0;

    (void)state;
    for (int round = 0; round < 25; round++) {
        struct aw_graph *g = graphs_layered (&random, 8, 2);
        struct aw_found_plan plan, again;
        struct aw_search search = { .start = &config, .evaluations = 60 };
        struct aw_bounds bounds;
        double start = makespan (g, "", 1, 8, 2);

        assert_int_equal (aw_bounds_init (&bounds, g, &a, 0, NULL), 0);
        search.bound = bounds.lower;
        assert_int_equal (aw_plan_search (&plan, g, &a, NULL, &search, NULL), 0);
        assert_int_equal (aw_plan_search (&again, g, &a, NULL, &search, NULL), 0);
        assert_true (plan.t <= start * (1 + 1e-9) && plan.t >= bounds.lower * (1 - 1e-9));
        assert_true (plan.t == again.t && plan.evaluations == again.evaluations);
        assert_true (plan.evaluations <= 60 + 2);
        if (plan.places) {
            char *text = aw_plan_text (g, plan.places, &plan.holds);

            better++;
            assert_true (fabs (makespan (g, text, 1, 8, 2) - plan.t) < 1e-9 * plan.t);
            assert_memory_equal (plan.places, again.places, aw_plan_size (g) * sizeof (uint32_t));
            free (text);
        }
        aw_plan_finish (&plan);
        aw_plan_finish (&again);
        aw_bounds_finish (&bounds);
        aw_graph_destroy (g);
    }
    assert_true (better >= 5);
    aw_allocation_finish (&a);
}

/* Mean makespan by PLAN with durations that deviate by half, others than the plan was judged by. */
static double mean_with (const struct aw_graph *g,
                         const struct aw_allocation *a,
                         const struct aw_found_plan *plan,
                         struct aw_spread *spread)
{
    enum { DRAWS = 20 };
    struct aw_conditions conditions = { .spread = spread, .plan = plan };
    double sum = 0;

    for (uint64_t i = 0; i < DRAWS; i++) {
        struct aw_trial trial;

        aw_spread_seed (spread, 1000 + i);
        assert_int_equal (aw_trial_run (g, a, &config, &conditions, &trial, NULL), 0);
        sum += trial.t;
    }
    return sum / DRAWS;
}

/* The best order for exact durations can be a bad one for others: where the spread is known, such a
 * plan is dropped.
 */
static void a_plan_bears_the_spread_that_is_known (void **state)
{
    struct aw_allocation a = nodes (4, 8, 2);
    uint64_t random = 2485;
    int bad[2] = { 0 }, plans[2] = { 0 };

    (void)state;
    for (int i = 0; i < 2 * 14; i++) {
        uint64_t same = random;
        struct aw_graph *g = graphs_layered (&same, 8, 2);
        double start = makespan (g, "", 4, 8, 2);
        struct aw_spread spread = { 0 };
        struct aw_predict_options options = { .conditions = { .spread = i % 2 ? &spread : NULL },
                                              .evaluations = 200 };
        struct aw_way way = { &config, start, 0 };
        struct aw_found_plan plan;

        assert_int_equal (aw_spread_init (&spread, g, NULL, 0.5, NULL), 0);
        assert_int_equal (aw_predict_plan (&plan, g, &a, &options, &way, NULL), 0);
        assert_true (plan.t <= start * (1 + 1e-9));
        plans[i % 2] += aw_plan_is_one (&plan);
        bad[i % 2] += mean_with (g, &a, &plan, &spread) > mean_with (g, &a, NULL, &spread);
        random = i % 2 ? same : random;
        aw_plan_finish (&plan);
        aw_spread_finish (&spread);
        aw_graph_destroy (g);
    }
    assert_true (bad[1] < bad[0] && plans[1] > 0);
    aw_allocation_finish (&a);
}

/* Without the time to see whether it does, it is dropped. */
static void a_plan_that_nobody_has_judged_is_dropped (void **state)
{
    static const struct aw_sched_config fifo = { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 };
    struct aw_graph *g = parts ();
    struct aw_allocation a = nodes (1, 2, 0);
    int asked = 0;
    struct aw_spread spread = { 0 };
    struct aw_conditions conditions = { .go_on = never, .arg = &asked };

    (void)state;
    assert_int_equal (aw_spread_init (&spread, g, NULL, 0.3, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct aw_found_plan plan;

        assert_int_equal (
            aw_plan_search (&plan, g, &a, NULL, &(struct aw_search){ &fifo, 0, 100 }, NULL), 0);
        assert_true (aw_plan_is_one (&plan));
        conditions.spread = i ? &spread : NULL;
        assert_int_equal (aw_plan_steady (&plan, g, &a, &conditions, &fifo, NULL), 0);
        assert_int_equal (aw_plan_is_one (&plan), !i);
        assert_false (isnan (plan.t));
        aw_plan_finish (&plan);
    }
    aw_spread_finish (&spread);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

static void what_cannot_be_planned_is_known (void **state)
{
    struct aw_graph *g = parts ();

    (void)state;
    assert_true (aw_plan_possible (g));
    g->iterations = AW_PLAN_MAX_INSTANCES;
    assert_false (aw_plan_possible (g));
    g->iterations = 1;
    assert_int_equal (aw_graph_add_message_dependency (g, 0, "go", 1, false), 0);
    assert_false (aw_plan_possible (g));
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_wrong_plan_is_refused_and_changes_nothing),
        cmocka_unit_test (the_scheduler_follows_a_plan),
        cmocka_unit_test (the_text_of_a_plan_has_its_places),
        cmocka_unit_test (a_resumed_run_keeps_its_plan),
        cmocka_unit_test (a_mirror_turns_all_edges_round),
        cmocka_unit_test (a_search_ends_when_it_is_told_to),
        cmocka_unit_test (planning_keeps_to_its_time),
        cmocka_unit_test (a_search_never_loses_and_tells_the_truth),
        cmocka_unit_test (a_plan_bears_the_spread_that_is_known),
        cmocka_unit_test (a_plan_that_nobody_has_judged_is_dropped),
        cmocka_unit_test (what_cannot_be_planned_is_known),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
