/* SPDX-License-Identifier: Apache-2.0 */
/* Places that a plan holds for tasks that are expected soon. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/plan.h"
#include "core/sched/why.h"
#include "graphs.h"
#include "model/plan_steady.h"
#include "model/predict.h"
#include "model/simulate.h"

static const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };

/* Two GPUs. Two tasks of a, then two of b; small has the shorter path and waits for a GPU. */
static struct aw_graph *pairs (double small)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "a", 2, 1, 1, 10);
    graphs_set (g, "b", 2, 1, 1, 10);
    graphs_edge (g, "b", "a", 0, 0);
    graphs_set (g, "small", 1, 1, 1, small);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

enum { A0, A1, B0, B1, SMALL };

static struct aw_sched *follow (const struct aw_graph *g, const char *text)
{
    struct aw_event ev = { .type = AW_EVENT_PLAN, .text = text, .task = AW_NONE, .node = AW_NONE };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, 1, 8, 2, 0, NULL), 0);
    if (text)
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    return s;
}

/* The tasks that start now, as bits. */
static uint32_t starts (struct aw_sched *s)
{
    struct aw_event action;
    uint32_t bits = 0;

    while (aw_sched_next (s, &action))
        if (action.type == AW_EVENT_START)
            bits |= 1U << action.task;
    return bits;
}

static void end (struct aw_sched *s, double t, uint32_t task, enum aw_status status)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH, .t = t, .task = task, .status = status };

    ev.code = status == AW_STATUS_FAILED;
    ev.seconds = t;
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
}

static void wake (struct aw_sched *s, double t)
{
    struct aw_event ev = { .type = AW_EVENT_WAKE, .t = t, .task = AW_NONE, .node = AW_NONE };

    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
}

static void a_wrong_hold_is_refused (void **state)
{
    static const char *const wrong[] = { "1:",      "1:0",       "1:-1",     "1:nan",  "1:inf",
                                         "3:1",     ":1",        "1:1 x",    "1: 1",   "1:1 2",
                                         "0 1 1:1", "0 1 2 1:x", "0 1 2 :1", "1:1,2:1" };
    struct aw_graph *g = pairs (8);
    struct aw_sched *s = follow (g, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof (wrong) / sizeof (wrong[0]); i++) {
        struct aw_event ev = { .type = AW_EVENT_PLAN, .text = wrong[i], .task = AW_NONE };

        if (aw_sched_handle (s, &ev, NULL) == 0)
            fail_msg ("accepted: %s", wrong[i]);
    }
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void the_text_of_a_plan_has_its_holds (void **state)
{
    static const uint32_t places[] = { 2, 0, 1 };
    struct aw_hold at[] = { { 1, 0.5 }, { 2, 30 } };
    struct aw_plan_holds holds = { at, 2 };
    struct aw_graph *g = pairs (8);
    char *both = aw_plan_text (g, places, &holds), *alone = aw_plan_text (g, NULL, &holds);

    (void)state;
    assert_string_equal (both, "2 0 1 1:0.5 2:30");
    assert_string_equal (alone, "1:0.5 2:30");
    aw_sched_destroy (follow (g, both));
    aw_sched_destroy (follow (g, alone));
    free (both);
    free (alone);
    aw_graph_destroy (g);
}

/* a[0] ends a little before a[1]: without a hold small takes its GPU, and b waits for small. */
static void a_place_is_held_for_tasks_that_are_expected_soon (void **state)
{
    struct aw_graph *g = pairs (8);
    struct aw_sched *s = follow (g, NULL);
    struct aw_reason reason;

    (void)state;
    assert_int_equal (starts (s), 1 << A0 | 1 << A1);
    end (s, 9.8, A0, AW_STATUS_COMPLETED);
    assert_int_equal (starts (s), 1 << SMALL);
    aw_sched_destroy (s);

    s = follow (g, "1:0.5");
    assert_int_equal (starts (s), 1 << A0 | 1 << A1);
    end (s, 9.8, A0, AW_STATUS_COMPLETED);
    assert_int_equal (starts (s), 0);
    assert_true (aw_sched_next_wake (s) == 10.5);
    aw_sched_why (s, SMALL, &reason);
    assert_int_equal (reason.why, AW_WHY_PLANNED);
    assert_int_equal (reason.reserved_set, 1);
    assert_true (reason.awaited_t == 10 && reason.reserved_t == 10.5);
    end (s, 10.1, A1, AW_STATUS_COMPLETED);
    assert_int_equal (starts (s), 1 << B0 | 1 << B1);
    assert_true (isinf (aw_sched_next_wake (s)));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* The hold begins half a second before, and ends half a second after the expected time. */
static void a_hold_ends (void **state)
{
    struct aw_graph *g = pairs (8);
    struct aw_sched *s = follow (g, "1:0.5");

    (void)state;
    assert_int_equal (starts (s), 1 << A0 | 1 << A1);
    end (s, 9.8, A0, AW_STATUS_COMPLETED);
    assert_int_equal (starts (s), 0);
    wake (s, 10.4);
    assert_int_equal (starts (s), 0);
    wake (s, 10.5);
    assert_int_equal (starts (s), 1 << SMALL);
    assert_true (isinf (aw_sched_next_wake (s)));
    aw_sched_destroy (s);

    s = follow (g, "1:0.5");
    starts (s);
    end (s, 9.4, A0, AW_STATUS_COMPLETED);
    assert_int_equal (starts (s), 1 << SMALL);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* What ends before the place is needed, or takes what nobody awaits, starts. */
static void a_hold_keeps_no_more_than_what_is_needed (void **state)
{
    struct aw_graph *g = pairs (0.1);
    struct aw_sched *s = follow (g, "1:0.5");

    (void)state;
    starts (s);
    end (s, 9.8, A0, AW_STATUS_COMPLETED);
    assert_int_equal (starts (s), 1 << SMALL);
    aw_sched_destroy (s);
    aw_graph_destroy (g);

    g = pairs (8);
    g->sets[2].gpus = 0; /* CPUs are free alongside b */
    s = follow (g, "1:0.5");
    assert_int_equal (starts (s), 1 << A0 | 1 << A1 | 1 << SMALL);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* The plan holds small back, but neither "tiny", of the same demand, nor what comes between. */
static void what_comes_between_goes_before_a_shorter_task (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "a", 2, 1, 1, 10);
    graphs_set (g, "b", 2, 1, 1, 10);
    graphs_edge (g, "b", "a", 0, 0);
    graphs_set (g, "small", 1, 1, 1, 8);
    graphs_set (g, "tiny", 1, 1, 1, 0.1);
    graphs_set (g, "between", 1, 2, 1, 0.1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = follow (g, "0 1 2 4 3 1:0.5");
    assert_int_equal (starts (s), 1 << A0 | 1 << A1);
    end (s, 9.8, A0, AW_STATUS_COMPLETED);
    assert_int_equal (starts (s), 1 << (SMALL + 2));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* With three GPUs b has its two even if small takes one. */
static void a_hold_counts_the_room_of_all_nodes (void **state)
{
    struct aw_graph *g = pairs (80);
    struct aw_event plan = { .type = AW_EVENT_PLAN, .text = "1:0.5", .task = AW_NONE };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    (void)state;
    assert_int_equal (aw_simulate_add_nodes (s, 3, 8, 1, 0, NULL), 0);
    assert_int_equal (aw_sched_handle (s, &plan, NULL), 0);
    assert_int_equal (starts (s), 1 << A0 | 1 << A1 | 1 << SMALL);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void nothing_is_held_while_the_ready_time_is_not_known (void **state)
{
    struct aw_graph *g = pairs (8);
    struct aw_sched *s;

    (void)state;
    g->sets[0].retry.count = 1;
    s = follow (g, "1:0.5");
    starts (s);
    end (s, 9.8, A0, AW_STATUS_FAILED); /* a[0] runs again, before small */
    assert_int_equal (starts (s), 1 << A0);
    aw_sched_destroy (s);

    s = follow (g, "1:0.5");
    starts (s);
    end (s, 5, A0, AW_STATUS_COMPLETED); /* durations are not what was expected */
    assert_int_equal (starts (s), 1 << SMALL);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void a_hold_makes_no_task_miss_the_end_of_the_job (void **state)
{
    static const double limits[] = { 18, 18.4, 19 };
    struct aw_graph *g = pairs (8);

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct aw_event limit = { .type = AW_EVENT_LIMIT, .seconds = limits[i], .task = AW_NONE };
        struct aw_sched *s = follow (g, "1:0.5");

        assert_int_equal (aw_sched_handle (s, &limit, NULL), 0);
        starts (s);
        end (s, 9.8, A0, AW_STATUS_COMPLETED);
        assert_int_equal (starts (s), i < 2 ? 1 << SMALL : 0);
        aw_sched_destroy (s);
    }
    aw_graph_destroy (g);
}

/* A later plan replaces the earlier one, whether it has an order or not. */
static void a_plan_without_holds_ends_them (void **state)
{
    static const char *const texts[] = { "0 1 2", "2:1" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct aw_graph *g = pairs (8);
        struct aw_event ev = { .type = AW_EVENT_PLAN, .text = texts[i], .t = 1, .task = AW_NONE };
        struct aw_sched *s = follow (g, "0 1 2 1:0.5"), *copy;

        starts (s);
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        copy = aw_sched_clone (s);
        assert_non_null (copy);
        end (s, 9.8, A0, AW_STATUS_COMPLETED);
        end (copy, 9.8, A0, AW_STATUS_COMPLETED);
        assert_int_equal (starts (s), 1 << SMALL);
        assert_int_equal (starts (copy), 1 << SMALL);
        aw_sched_destroy (copy);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

/* A plan's order holds under fifo too. */
static void a_plan_is_followed_under_every_policy (void **state)
{
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    graphs_set (g, "a", 1, 8, 0, 1);
    graphs_set (g, "b", 1, 8, 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    for (int p = 0; p < AW_POLICIES; p++) {
        struct aw_sched_config other = { (enum aw_policy)p, AW_MODE_ASYNC, 0 };
        struct aw_event ev = { .type = AW_EVENT_PLAN, .text = "1 0", .task = AW_NONE };
        struct aw_sched *s = aw_sched_create (g, &other, NULL);

        assert_int_equal (aw_simulate_add_nodes (s, 1, 8, 0, 0, NULL), 0);
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        assert_int_equal (starts (s), 2);
        aw_sched_destroy (s);
    }
    aw_graph_destroy (g);
}

/* A recorded run: its inputs and actions in order. */
struct record {
    struct aw_event events[20000];
    uint32_t n;
};

static void keep (void *arg, const struct aw_event *ev)
{
    struct record *record = arg;

    assert_true (record->n < 20000);
    record->events[record->n] = *ev;
    record->events[record->n].cpus = record->events[record->n].gpus = (struct aw_idset){ 0 };
    record->n++;
}

static const struct aw_graph *spread_graph;
static struct aw_spread spread;

static double spread_seconds (void *arg, const struct aw_event *start)
{
    (void)arg;
    return aw_spread_seconds (&spread, spread_graph, start->task, 0);
}

/* The inputs of RECORD make S decide as recorded. WAKEs count: they are inputs. */
static void replay (struct aw_sched *s, const struct record *record)
{
    uint32_t i = 0;

    while (i < record->n) {
        struct aw_event action;

        while (aw_sched_next (s, &action)) {
            assert_true (i < record->n);
            assert_int_equal (action.type, record->events[i].type);
            assert_int_equal (action.task, record->events[i].task);
            i++;
        }
        /* All inputs of a moment come before its decisions. */
        for (double t = i < record->n ? record->events[i].t : 0;
             i < record->n && record->events[i].t == t && aw_sched_is_input (s, &record->events[i]);
             i++)
            assert_int_equal (aw_sched_handle (s, &record->events[i], NULL), 0);
    }
}

/* On random graphs with random holds and durations that deviate: the run ends, and its inputs alone
 * lead to the same decisions. Some holds change something, or the test would prove nothing.
 */
static void holds_never_keep_a_run_from_ending (void **state)
{
    static struct record record;
    uint64_t random = 2511;
    uint32_t wakes = 0;

    (void)state;
    for (int round = 0; round < 250; round++) {
        uint32_t cpus = 4 + graphs_below (&random, 30), gpus = graphs_below (&random, 5);
        struct aw_graph *g = graphs_layered (&random, cpus, gpus);
        uint32_t n = aw_plan_size (g);
        struct aw_plan_holds holds = { calloc (n, sizeof (struct aw_hold)), 0 };
        struct aw_simulation sim = { .seconds = spread_seconds, .observe = keep, .arg = &record };
        struct aw_sched *s = aw_sched_create (g, &config, NULL), *copy;
        struct aw_simulated r;

        for (uint32_t i = 0; i < n; i++)
            if (graphs_below (&random, 4))
                holds.at[holds.n++] =
                    (struct aw_hold){ i, graphs_below (&random, 4) ? 1e9 : 1 + i % 20 };
        assert_int_equal (
            aw_simulate_add_nodes (s, 1 + graphs_below (&random, 3), cpus, gpus, 0, NULL), 0);
        assert_int_equal (aw_sched_follow (s, NULL, &holds), 0);
        copy = aw_sched_clone (s);
        assert_non_null (copy);
        record.n = 0;
        spread_graph = g;
        assert_int_equal (aw_spread_init (&spread, g, NULL, 0.1, NULL), 0);
        aw_spread_seed (&spread, 3);
        assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
        assert_int_equal (r.code, 0);
        assert_int_equal (aw_sched_counts (s, AW_NONE).done, g->n_tasks);
        for (uint32_t i = 0; i < record.n; i++)
            wakes += record.events[i].type == AW_EVENT_WAKE;
        replay (copy, &record);
        assert_true (aw_sched_ended (copy));
        aw_sched_destroy (copy);
        aw_sched_destroy (s);
        aw_spread_finish (&spread);
        free (holds.at);
        aw_graph_destroy (g);
    }
    assert_true (wakes >= 5);
}

/* DeepDriveMD of the paper with an edge between whole sets of simulations. */
static struct aw_graph *ddmd (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "simulate", 96, 4, 1, 340);
    graphs_set (g, "aggregate", 16, 32, 0, 85);
    graphs_set (g, "train", 1, 4, 1, 62.5);
    graphs_set (g, "infer", 96, 16, 1, 37.5);
    graphs_edge (g, "simulate", "simulate", 1, 0);
    graphs_edge (g, "aggregate", "simulate", 0, 0);
    graphs_edge (g, "train", "aggregate", 0, 0);
    graphs_edge (g, "infer", "train", 0, 0);
    g->iterations = 3;
    g->iterated = true;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

/* The largest makespan with durations that deviate by a hundredth. */
static double longest (const struct aw_graph *g,
                       const struct aw_allocation *a,
                       const struct aw_found_plan *plan)
{
    struct aw_conditions conditions = { .spread = &spread, .plan = plan };
    double most = 0;

    assert_int_equal (aw_spread_init (&spread, g, NULL, 0.01, NULL), 0);
    for (uint64_t i = 0; i < 5; i++) {
        struct aw_trial trial;

        aw_spread_seed (&spread, 50 + i);

        assert_int_equal (aw_trial_run (g, a, &config, &conditions, &trial, NULL), 0);
        most = fmax (most, trial.t);
    }
    aw_spread_finish (&spread);
    return most;
}

static void near_ends_do_not_delay_the_next_iteration (void **state)
{
    struct aw_graph *g = ddmd ();
    struct aw_allocation a = { 0 };
    struct aw_conditions conditions = { 0 };
    struct aw_found_plan plan = { .t = 1232.5 };

    (void)state;
    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ 16, 168, 6, 0 }, NULL), 0);
    assert_int_equal (aw_plan_steady (&plan, g, &a, &conditions, &config, NULL), 0);
    assert_null (plan.places);
    assert_true (plan.holds.n > 0);
    assert_true (fabs (plan.t - 1232.5) < 1e-6);
    assert_true (longest (g, &a, NULL) > 1270);
    assert_true (longest (g, &a, &plan) < 1265);
    aw_plan_finish (&plan);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* Holds that gain nothing are not kept; nor is a plan that is worse than the policy. */
static void what_gains_nothing_is_dropped (void **state)
{
    struct aw_graph *g = pairs (8);
    struct aw_allocation a = { 0 };
    struct aw_conditions conditions = { 0 };
    struct aw_found_plan plan = { .t = 10, .places = calloc (3, sizeof (uint32_t)) };

    (void)state;
    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ 1, 8, 8, 0 }, NULL), 0);
    plan.places[0] = 2;
    plan.places[1] = 1;
    assert_int_equal (aw_plan_steady (&plan, g, &a, &conditions, &config, NULL), 0);
    assert_false (aw_plan_is_one (&plan));
    assert_true (plan.evaluations > 0);
    aw_plan_finish (&plan);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* Holding the places of "second" gains 35 s if durations deviate, for "filler" would take one of
 * them. But those of "z", where "short" ends 2 s before "long", take 2 s from "rest".
 */
static struct aw_graph *gain_and_loss (void)
{
    static const char *const names[] = { "first", "pre",  "filler", "second", "long",
                                         "short", "rest", "z",      "tail" };
    static const uint32_t counts[] = { 16, 1, 1, 16, 8, 8, 23, 9, 1 },
                          cpus[] = { 160, 1, 160, 160, 160, 160, 160, 160, 1 };
    static const double seconds[] = { 100, 90, 35, 100, 100, 98, 45, 10, 40 };
    struct aw_graph *g = aw_graph_create ();

    for (int i = 0; i < 9; i++)
        graphs_set (g, names[i], counts[i], cpus[i], 0, seconds[i]);
    graphs_edge (g, "filler", "pre", 0, 0);
    graphs_edge (g, "second", "first", 0, 0);
    graphs_edge (g, "long", "second", 0, 0);
    graphs_edge (g, "short", "second", 0, 0);
    graphs_edge (g, "rest", "second", 0, 0);
    graphs_edge (g, "z", "long", 0, 0);
    graphs_edge (g, "z", "short", 0, 0);
    graphs_edge (g, "tail", "z", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void no_plan_is_longer_as_planned (void **state)
{
    struct aw_graph *g = gain_and_loss ();
    struct aw_allocation a = { 0 };
    struct aw_conditions conditions = { 0 };
    struct aw_found_plan plan = { .t = 388 };
    struct aw_trial trial;

    (void)state;
    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ 16, 168, 0, 0 }, NULL), 0);
    assert_int_equal (aw_trial_run (g, &a, &config, NULL, &trial, NULL), 0);
    assert_int_equal (aw_plan_steady (&plan, g, &a, &conditions, &config, NULL), 0);
    assert_true (plan.t <= trial.t * (1 + 1e-9));
    aw_plan_finish (&plan);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_wrong_hold_is_refused),
        cmocka_unit_test (the_text_of_a_plan_has_its_holds),
        cmocka_unit_test (a_place_is_held_for_tasks_that_are_expected_soon),
        cmocka_unit_test (a_hold_ends),
        cmocka_unit_test (a_hold_keeps_no_more_than_what_is_needed),
        cmocka_unit_test (what_comes_between_goes_before_a_shorter_task),
        cmocka_unit_test (a_hold_counts_the_room_of_all_nodes),
        cmocka_unit_test (nothing_is_held_while_the_ready_time_is_not_known),
        cmocka_unit_test (a_hold_makes_no_task_miss_the_end_of_the_job),
        cmocka_unit_test (a_plan_without_holds_ends_them),
        cmocka_unit_test (a_plan_is_followed_under_every_policy),
        cmocka_unit_test (holds_never_keep_a_run_from_ending),
        cmocka_unit_test (near_ends_do_not_delay_the_next_iteration),
        cmocka_unit_test (what_gains_nothing_is_dropped),
        cmocka_unit_test (no_plan_is_longer_as_planned),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
