/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler near the job's end, under the virtual clock. */
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

static void the_longest_time_of_a_set_is_learned (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_estimate e, copy;

    (void)state;
    graphs_set (g, "known", 9, 1, 0, 10);
    graphs_set (g, "learned", 9, 1, 0, NAN);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_estimate_init (&e, g), 0);
    assert_true (aw_estimate_most (&e, 0) == 10 && isnan (aw_estimate_most (&e, 1)));
    for (uint32_t set = 0; set < 2; set++)
        aw_estimate_learn (&e, set, 4);
    assert_true (aw_estimate_most (&e, 0) == 10 && aw_estimate_most (&e, 1) == 4);
    for (uint32_t set = 0; set < 2; set++)
        aw_estimate_learn (&e, set, 8); /* mean 6, deviation 2.828 */
    assert_true (fabs (aw_estimate_most (&e, 0) - (10 + 2 * sqrt (8))) < 1e-9);
    assert_true (fabs (aw_estimate_most (&e, 1) - (6 + 2 * sqrt (8))) < 1e-9);
    assert_int_equal (aw_estimate_clone (&copy, &e), 0);
    assert_true (aw_estimate_most (&copy, 1) == aw_estimate_most (&e, 1));
    for (int i = 0; i < 1000; i++)
        aw_estimate_learn (&e, 0, 30); /* declared too low */
    assert_true (aw_estimate_most (&e, 0) > 29);
    aw_estimate_finish (&copy);
    aw_estimate_finish (&e);
    aw_graph_destroy (g);
}

/* Books of a virtual run. */
struct world {
    const struct aw_graph *g;
    double last_start[4]; /* by set */
    uint32_t starts[4];
    double seconds[4]; /* that tasks of a set take; 0: as expected */
    double cancel_at; /* the checkpoint: what runs then ends as cancelled */
};

static double seconds_of (void *arg, const struct aw_event *start)
{
    const struct world *w = arg;
    uint32_t set = aw_graph_task (w->g, start->task).set;
    double seconds = w->seconds[set] > 0 ? w->seconds[set] : w->g->sets[set].duration;

    return w->cancel_at > 0 ? fmin (seconds, w->cancel_at - start->t) : seconds;
}

static void ends (void *arg, struct aw_event *ev)
{
    const struct world *w = arg;

    if (w->cancel_at > 0 && ev->t >= w->cancel_at)
        ev->status = AW_STATUS_CANCELLED;
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct world *w = arg;
    uint32_t set;

    if (ev->type != AW_EVENT_START)
        return;
    set = aw_graph_task (w->g, ev->task).set;
    w->starts[set]++;
    w->last_start[set] = ev->t;
}

static struct aw_sched *make (const struct aw_graph *g, uint32_t cpus, double limit)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);
    struct aw_event ev = { .type = AW_EVENT_LIMIT, .seconds = limit, .reason = "job" };

    assert_int_equal (aw_simulate_add_nodes (s, 1, cpus, 0, 0, NULL), 0);
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    return s;
}

static struct aw_simulated run (struct aw_sched *s, struct world *w)
{
    struct aw_simulation sim = {
        .seconds = seconds_of, .ends = ends, .observe = observe, .arg = w
    };
    struct aw_simulated r;

    assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
    return r;
}

/* Ten tasks of 10 s one after the other in 45 s: four run, the rest waits for another job. */
static void what_cannot_end_before_the_limit_does_not_start (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct world w = { .g = g };
    struct aw_simulated r;
    struct aw_sched *s;
    double needs;

    (void)state;
    graphs_set (g, "a", 10, 1, 0, 10);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 1, 45);
    r = run (s, &w);
    assert_int_equal (r.code, 3);
    assert_true (r.end == 40);
    assert_int_equal (w.starts[0], 4);
    assert_true (aw_sched_too_late (s, 0, &needs) && needs == 10);
    assert_int_equal (aw_sched_counts (s, AW_NONE).ready, 6);
    aw_sched_destroy (s);
    w = (struct world){ .g = g };
    s = make (g, 1, 100); /* just enough */
    assert_int_equal (run (s, &w).code, 0);
    aw_sched_destroy (s);
    w = (struct world){ .g = g };
    s = make (g, 1, 0); /* no limit */
    assert_int_equal (run (s, &w).code, 0);
    aw_sched_destroy (s);
    g->sets[0].time_limit = 20; /* what counts is when they are ended at the latest */
    w = (struct world){ .g = g };
    s = make (g, 1, 45);
    assert_int_equal (run (s, &w).code, 3);
    assert_int_equal (w.starts[0], 3);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Shorter tasks start where longer ones of more weight cannot any more, of the same demand or
 * another, those of more weight first, and what becomes ready late starts, too.
 */
static void shorter_tasks_use_the_time_that_is_left (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct world w = { .g = g };
    struct aw_simulated r;
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "long", 3, 2, 0, 40);
    graphs_set (g, "short", 4, 2, 0, 5);
    graphs_set (g, "narrow", 4, 1, 0, 5);
    graphs_set (g, "last", 1, 2, 0, 2);
    graphs_edge (g, "last", "narrow", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 2, 68);
    r = run (s, &w);
    assert_int_equal (r.code, 3);
    assert_int_equal (w.starts[0], 1);
    assert_true (w.starts[1] == 3 && w.starts[2] == 4 && w.starts[3] == 1);
    assert_true (r.end == 67);
    aw_sched_destroy (s);
    w = (struct world){ .g = g };
    s = make (g, 2, 72);
    r = run (s, &w);
    assert_int_equal (w.starts[3], 1);
    assert_int_equal (w.starts[0], 1);
    assert_true (r.end == 72);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* A limit that is moved while the run goes on. */
static void a_limit_may_move_while_the_run_goes_on (void **state)
{
    struct aw_event ev = { .type = AW_EVENT_LIMIT, .t = 0, .seconds = 200 }, action;
    struct aw_graph *g = aw_graph_create ();
    struct world w = { .g = g };
    struct aw_sched *s;
    uint32_t starts = 0;

    (void)state;
    graphs_set (g, "a", 4, 1, 0, 100);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 2, 150);
    while (aw_sched_next (s, &action))
        starts += action.type == AW_EVENT_START;
    assert_int_equal (starts, 2);
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    assert_int_equal (run (s, &w).code, 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* What saves its state when told so starts though it cannot end, is cut, and is no failure. */
static void what_saves_its_state_starts_and_is_cut (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct world w = { .g = g, .cancel_at = 90 };
    struct aw_simulated r;
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "a", 4, 1, 0, 1000);
    g->sets[0].checkpoint_signal = 10;
    g->sets[0].checkpoint_seconds = 10;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 2, 100);
    r = run (s, &w);
    assert_int_equal (r.code, 3);
    assert_int_equal (w.starts[0], 2); /* and not again in this job */
    assert_int_equal (aw_sched_counts (s, AW_NONE).failed, 0);
    assert_int_equal (aw_sched_counts (s, AW_NONE).ready, 4);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Nor where it is short, or where nobody knows how long it takes: after the notice none starts. */
static void after_the_notice_no_task_with_a_checkpoint_starts (void **state)
{
    for (int known = 0; known < 2; known++) {
        struct aw_graph *g = aw_graph_create ();
        struct world w = { .g = g, .cancel_at = 90, .seconds = { 4 } };
        struct aw_simulated r;
        struct aw_sched *s;

        graphs_set (g, "a", 100, 1, 0, known ? 4 : NAN);
        g->sets[0].checkpoint_signal = 10;
        g->sets[0].checkpoint_seconds = 10;
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = make (g, 1, 100);
        r = run (s, &w);
        assert_int_equal (r.code, 3);
        assert_int_equal (w.starts[0], 22);
        assert_true (w.last_start[0] == 84);
        assert_int_equal (aw_sched_counts (s, AW_NONE).failed, 0);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
    (void)state;
}

/* A delay that ends after the limit is not waited for. */
static void a_delay_beyond_the_limit_is_not_waited_for (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_event action, ev = { .type = AW_EVENT_FINISH, .t = 1, .status = AW_STATUS_FAILED };
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 1)->retry = (struct aw_retry){ .count = 1, .delay = 100 };
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 2, 50);
    while (aw_sched_next (s, &action))
        ;
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    assert_true (isinf (aw_sched_next_wake (s)));
    assert_true (aw_sched_next (s, &action) && action.type == AW_EVENT_END);
    assert_int_equal (action.code, 3);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Random workflows: nothing ends after the limit where all takes what it was declared to take, and
 * without limit all is done.
 */
static void random_limits_break_no_rule (void **state)
{
    unsigned seed = (unsigned)time (NULL);

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    for (int round = 0; round < 300; round++) {
        struct aw_graph *g = aw_graph_create ();
        struct world w = { .g = g };
        double limit = 1 + rand () % 200;
        struct aw_simulated r;
        struct aw_sched *s;

        for (int i = 0; i < 4; i++) {
            char name[2] = { (char)('a' + i), 0 };
            struct aw_set *set = graphs_set (g, name, 1 + (uint32_t)rand () % 9,
                                             1 + (uint32_t)rand () % 4, 0, 1 + rand () % 40);
            if (rand () % 3 == 0)
                set->time_limit = set->duration * 2;
        }
        if (rand () % 2)
            graphs_edge (g, "c", "a", 0, 0);
        if (rand () % 2)
            graphs_edge (g, "d", "b", 0, 0);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = make (g, 4 + (uint32_t)rand () % 4, limit);
        r = run (s, &w);
        assert_true (r.end <= limit);
        assert_true (r.code == 0 || r.code == 3);
        assert_int_equal (r.code == 0, aw_sched_counts (s, AW_NONE).done == g->n_tasks);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_longest_time_of_a_set_is_learned),
        cmocka_unit_test (what_cannot_end_before_the_limit_does_not_start),
        cmocka_unit_test (shorter_tasks_use_the_time_that_is_left),
        cmocka_unit_test (a_limit_may_move_while_the_run_goes_on),
        cmocka_unit_test (what_saves_its_state_starts_and_is_cut),
        cmocka_unit_test (after_the_notice_no_task_with_a_checkpoint_starts),
        cmocka_unit_test (a_delay_beyond_the_limit_is_not_waited_for),
        cmocka_unit_test (random_limits_break_no_rule),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
