/* SPDX-License-Identifier: Apache-2.0 */
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

#include "core/sched/delay_queue.h"
#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"

static void each_cause_has_a_name (void **state)
{
    (void)state;
    assert_string_equal (aw_cause_name (AW_CAUSE_NODE_FAIL), "node_fail");
    assert_string_equal (aw_cause_name (AW_CAUSES), "unknown");
}

static void a_set_of_exit_codes_holds_what_was_added (void **state)
{
    struct aw_codes set = { { 0 } };

    (void)state;
    aw_codes_add (&set, -1);
    aw_codes_add (&set, 256);
    assert_true (aw_codes_empty (&set));
    for (int code = 0; code < 256; code += 3)
        aw_codes_add (&set, code);
    for (int code = -3; code < 300; code++)
        assert_int_equal (aw_codes_has (&set, code), code >= 0 && code < 256 && code % 3 == 0);
}

static struct aw_event finish (enum aw_status status, int code, int number)
{
    return (struct aw_event){
        .type = AW_EVENT_FINISH, .status = status, .code = code, .signal = number
    };
}

static void a_cause_decides_whether_a_task_is_tried_again (void **state)
{
    static const struct {
        enum aw_status status;
        int code, number;
        enum aw_cause cause;
    } cases[] = {
        { AW_STATUS_FAILED, 1, 0, AW_CAUSE_EXIT },
        { AW_STATUS_FAILED, 0, 0, AW_CAUSE_EXIT }, /* could not be sent */
        { AW_STATUS_FAILED, 0, 11, AW_CAUSE_SIGNAL },
        { AW_STATUS_TIMEOUT, 0, 15, AW_CAUSE_TIMEOUT },
        { AW_STATUS_OUT_OF_MEMORY, 0, 9, AW_CAUSE_OOM },
        { AW_STATUS_NODE_FAIL, 0, 0, AW_CAUSE_NODE_FAIL },
        { AW_STATUS_CANCELLED, 0, 15, AW_CAUSE_SIGNAL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++) {
        struct aw_event ev = finish (cases[i].status, cases[i].code, cases[i].number);
        struct aw_retry all = { .count = 2 };

        assert_int_equal (aw_cause_of (&ev), cases[i].cause);
        assert_true (aw_retry_allows (&all, 2, &ev));
        assert_false (aw_retry_allows (&all, 3, &ev));
        for (unsigned cause = 0; cause < AW_CAUSES; cause++) {
            struct aw_retry one = { .count = 1, .causes = 1u << cause };
            assert_int_equal (aw_retry_allows (&one, 1, &ev), cause == cases[i].cause);
        }
    }
}

static void an_exit_code_decides_whether_a_task_is_tried_again (void **state)
{
    struct aw_retry retry = { .count = 9 };
    struct aw_event ev = finish (AW_STATUS_FAILED, 75, 0);

    (void)state;
    aw_codes_add (&retry.codes, 75);
    assert_true (aw_retry_allows (&retry, 1, &ev));
    ev.code = 76;
    assert_false (aw_retry_allows (&retry, 1, &ev));
    retry.causes = 1u << AW_CAUSE_TIMEOUT;
    assert_false (aw_retry_allows (&retry, 1, &ev));
    ev = finish (AW_STATUS_TIMEOUT, 75, 0);
    assert_true (aw_retry_allows (&retry, 1, &ev));
    ev.status = AW_STATUS_OUT_OF_MEMORY; /* its code is nothing of its own */
    assert_false (aw_retry_allows (&retry, 1, &ev));
}

static void delays_grow_up_to_their_limit (void **state)
{
    static const struct {
        struct aw_retry retry;
        uint32_t failures;
        double delay;
    } cases[] = {
        { { .delay = 0 }, 1, 0 },
        { { .delay = 10 }, 1, 10 },
        { { .delay = 10 }, 7, 10 },
        { { .delay = 10, .backoff = 2 }, 1, 10 },
        { { .delay = 10, .backoff = 2 }, 4, 80 },
        { { .delay = 10, .backoff = 2, .max_delay = 60 }, 4, 60 },
        { { .delay = 10, .backoff = 2, .max_delay = 5 }, 1, 5 },
        { { .delay = 16, .backoff = 0.5 }, 3, 4 },
        { { .delay = 1, .backoff = 10 }, 1000, AW_MAX_DELAY },
        { { .delay = 1e300, .backoff = 1e300 }, 1000, AW_MAX_DELAY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
        assert_true (fabs (aw_retry_delay (&cases[i].retry, cases[i].failures) - cases[i].delay)
                     < 1e-9);
}

static void an_end_is_judged_by_its_code_and_signal (void **state)
{
    static const struct {
        int code, number;
        bool plain, codes; /* a success, without and with codes of success */
    } cases[] = {
        { 0, 0, true, false },  { 3, 0, false, true },  { 4, 0, false, false },
        { 0, 9, false, false }, { 3, 9, false, false },
    };
    struct aw_codes none = { { 0 } }, some = { { 0 } };

    (void)state;
    aw_codes_add (&some, 3);
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++) {
        const struct aw_event ev = finish (AW_STATUS_FAILED, cases[i].code, cases[i].number);

        assert_int_equal (aw_judge_end (&ev, &none, AW_STATUS_FAILED),
                          cases[i].plain ? AW_STATUS_COMPLETED : AW_STATUS_FAILED);
        assert_int_equal (aw_judge_end (&ev, &some, AW_STATUS_TIMEOUT),
                          cases[i].codes ? AW_STATUS_COMPLETED : AW_STATUS_TIMEOUT);
    }
}

/* Against a plain array, with removals from anywhere. */
static void what_waits_comes_out_in_the_order_of_time (void **state)
{
    struct aw_delay_queue heap = { 0 }, copy;
    double times[64];
    unsigned seed = (unsigned)time (NULL);

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    assert_true (isinf (aw_delay_queue_next (&heap)));
    assert_false (aw_delay_queue_remove (&heap, 3));
    for (int round = 0; round < 200; round++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < 64; i++) {
            times[i] = rand () % 20;
            assert_int_equal (aw_delay_queue_push (&heap, i, times[i]), 0);
        }
        for (int i = 0; i < 20; i++) {
            uint32_t task = (uint32_t)rand () % 64;
            assert_int_equal (aw_delay_queue_remove (&heap, task), !isnan (times[task]));
            times[task] = NAN;
        }
        assert_int_equal (aw_delay_queue_clone (&copy, &heap), 0);
        while (copy.n > 0) {
            double t = aw_delay_queue_next (&copy);
            uint32_t task = aw_delay_queue_pop (&copy);

            assert_true (times[task] == t);
            for (uint32_t i = 0; i < 64; i++)
                assert_false (times[i] < t || (times[i] == t && i < task));
            times[task] = NAN;
            n++;
        }
        assert_int_equal (n, heap.n);
        aw_delay_queue_finish (&copy);
        aw_delay_queue_finish (&heap);
    }
}

/* A virtual run in which some attempts fail. */
struct world {
    uint32_t fails; /* the first attempts of each task that do */
    enum aw_status status;
    double starts[16]; /* by attempt, of task 0 */
    double ready[16];
    uint32_t n_starts, n_wakes, n_completed;
};

static void ends (void *arg, struct aw_event *ev)
{
    const struct world *w = arg;

    if (ev->attempt < w->fails)
        ev->status = w->status;
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct world *w = arg;

    w->n_wakes += ev->type == AW_EVENT_WAKE;
    w->n_starts += ev->type == AW_EVENT_START;
    w->n_completed += ev->type == AW_EVENT_FINISH && ev->status == AW_STATUS_COMPLETED;
    if (ev->type == AW_EVENT_START && ev->task == 0)
        w->starts[ev->attempt] = ev->t;
    if (ev->type == AW_EVENT_READY && ev->task == 0)
        w->ready[ev->attempt] = ev->t;
}

static struct aw_simulated run (const struct aw_graph *g, struct world *w)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_simulation sim = { .ends = ends, .observe = observe, .arg = w };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);
    struct aw_simulated r;

    assert_int_equal (aw_simulate_add_nodes (s, 1, 4, 0, 0, NULL), 0);
    assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
    assert_true (isinf (aw_sched_next_wake (s)));
    aw_sched_destroy (s);
    return r;
}

static void a_retry_waits_for_its_delay (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct world w = { .fails = 3, .status = AW_STATUS_FAILED };
    struct aw_set *set = graphs_set (g, "a", 1, 1, 0, 10);
    struct aw_simulated r;

    (void)state;
    set->retry = (struct aw_retry){ .count = 3, .delay = 5, .backoff = 2, .max_delay = 15 };
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    r = run (g, &w);
    assert_int_equal (r.code, 0);
    assert_true (w.starts[1] == 15 && w.starts[2] == 35 && w.starts[3] == 60 && r.end == 70);
    assert_true (w.ready[1] == 15 && w.ready[3] == 60); /* not before the delay is over */
    assert_int_equal (w.n_wakes, 3);
    w = (struct world){ .fails = 4, .status = AW_STATUS_FAILED };
    r = run (g, &w);
    assert_int_equal (r.code, 1);
    assert_int_equal (w.n_starts, 4);
    g->sets[0].retry.causes = 1u << AW_CAUSE_SIGNAL;
    w = (struct world){ .fails = 4, .status = AW_STATUS_FAILED };
    r = run (g, &w);
    assert_int_equal (r.code, 1);
    assert_int_equal (w.n_starts, 1);
    aw_graph_destroy (g);
}

/* What waits for its delay holds nothing up, and the run does not end before it. */
static void a_delay_holds_nothing_else_up (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct world w = { .fails = 1, .status = AW_STATUS_OUT_OF_MEMORY };
    struct aw_simulated r;

    (void)state;
    graphs_set (g, "a", 100, 1, 0, 1)->retry = (struct aw_retry){ .count = 1, .delay = 1000 };
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    r = run (g, &w);
    assert_int_equal (r.code, 0);
    assert_int_equal (w.n_completed, 100);
    assert_int_equal (w.n_starts, 200);
    assert_true (r.end >= 1025 && r.end <= 1027);
    aw_graph_destroy (g);
}

/* A stop during the delay ends the run: to be resumed. */
static void a_stop_during_a_delay_ends_the_run (void **state)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_event action, ev = finish (AW_STATUS_FAILED, 1, 0);
    struct aw_sched *s, *clone;

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 1)->retry = (struct aw_retry){ .count = 1, .delay = 50 };
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    assert_int_equal (aw_simulate_add_nodes (s, 1, 4, 0, 0, NULL), 0);
    assert_true (aw_sched_next (s, &action) && action.type == AW_EVENT_READY);
    assert_true (aw_sched_next (s, &action) && action.type == AW_EVENT_START);
    ev.t = 1;
    ev.node = 1; /* not where it runs */
    assert_int_equal (aw_sched_handle (s, &ev, NULL), -1);
    ev.node = 0;
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0); /* once more says nothing new */
    assert_false (aw_sched_next (s, &action));
    assert_true (aw_sched_next_wake (s) == 51);
    ev = (struct aw_event){ .type = AW_EVENT_WAKE, .t = 50.9 };
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    assert_false (aw_sched_next (s, &action)); /* too early */
    clone = aw_sched_clone (s);
    ev.t = 51;
    assert_int_equal (aw_sched_handle (clone, &ev, NULL), 0);
    assert_true (aw_sched_next (clone, &action) && action.type == AW_EVENT_READY);
    assert_int_equal (action.attempt, 1);
    aw_sched_destroy (clone);
    ev = (struct aw_event){ .type = AW_EVENT_STOP, .t = 51, .reason = "Ctrl-C" };
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    assert_true (aw_sched_next (s, &action) && action.type == AW_EVENT_END);
    assert_int_equal (action.code, 3);
    assert_int_equal (aw_sched_counts (s, AW_NONE).ready, 1);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (each_cause_has_a_name),
        cmocka_unit_test (a_set_of_exit_codes_holds_what_was_added),
        cmocka_unit_test (a_cause_decides_whether_a_task_is_tried_again),
        cmocka_unit_test (an_exit_code_decides_whether_a_task_is_tried_again),
        cmocka_unit_test (delays_grow_up_to_their_limit),
        cmocka_unit_test (an_end_is_judged_by_its_code_and_signal),
        cmocka_unit_test (what_waits_comes_out_in_the_order_of_time),
        cmocka_unit_test (a_retry_waits_for_its_delay),
        cmocka_unit_test (a_delay_holds_nothing_else_up),
        cmocka_unit_test (a_stop_during_a_delay_ends_the_run),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
