/* SPDX-License-Identifier: Apache-2.0 */
/* What is cancelled, in a run that is interrupted and resumed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/history/history.h"
#include "core/history/resume_state.h"
#include "core/sched/sched.h"
#include "graphs.h"

enum { A, B };

struct run {
    struct aw_graph *graph;
    struct aw_history history;
    struct aw_sched *sched;
};

/* EV comes from outside. */
static void tell (struct run *run, const struct aw_event *ev)
{
    struct aw_error err = { "" };

    if (aw_sched_handle (run->sched, ev, &err) < 0
        || aw_history_handle (&run->history, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

/* Carries out what is decided. How often was it TYPE for TASK? */
static uint32_t act (struct run *run, enum aw_event_type type, uint32_t task)
{
    struct aw_error err = { "" };
    struct aw_event action;
    uint32_t n = 0;

    while (aw_sched_next (run->sched, &action)) {
        if (aw_history_handle (&run->history, &action, &err) < 0)
            fail_msg ("%s", err.text);
        n += action.type == type && action.task == task;
    }
    return n;
}

static void add_scheduler (struct run *run)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };

    run->sched = aw_sched_create (run->graph, &config, NULL);
    assert_non_null (run->sched);
}

static void add_node (struct run *run, double t)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .name = "n1", .t = t };

    assert_int_equal (aw_idset_add (&ev.cpus, 0, 3), 0);
    tell (run, &ev);
    aw_idset_finish (&ev.cpus);
}

/* B waits for A. */
static struct run begin (void)
{
    struct run run = { .graph = aw_graph_create () };

    graphs_set (run.graph, "a", 1, 1, 0, 1);
    graphs_set (run.graph, "b", 1, 1, 0, 1);
    graphs_edge (run.graph, "b", "a", 0, 0);
    assert_int_equal (aw_graph_finalize (run.graph, NULL), 0);
    assert_int_equal (aw_history_init (&run.history, run.graph, NULL), 0);
    add_scheduler (&run);
    add_node (&run, 0);
    assert_int_equal (act (&run, AW_EVENT_START, A), 1);
    return run;
}

/* The coordinator dies, and another one resumes the run; AGAIN: the sets that run again. */
static void resume (struct run *run, double t, const struct aw_idset *again)
{
    struct aw_resume resume = { .epoch = 1 };
    struct aw_event ev = { .type = AW_EVENT_RESUME, .t = t, .resume = &resume, .node = AW_NONE };
    struct aw_resume_state earlier;

    if (again)
        resume.again = *again;
    aw_sched_destroy (run->sched);
    assert_int_equal (aw_history_handle (&run->history, &ev, NULL), 0);
    assert_int_equal (aw_resume_state_init (&earlier, &run->history, NULL), 0);
    add_scheduler (run);
    assert_int_equal (aw_sched_resume (run->sched, &earlier, NULL), 0);
    aw_resume_state_finish (&earlier);
    add_node (run, t);
}

static void finish (struct run *run)
{
    aw_sched_destroy (run->sched);
    aw_history_finish (&run->history);
    aw_graph_destroy (run->graph);
}

static void cancel (struct run *run, double t, uint32_t task, int code)
{
    struct aw_event ev = { .type = AW_EVENT_CANCEL, .t = t, .task = task, .node = AW_NONE };

    ev.count = 1;
    ev.code = code;
    tell (run, &ev);
}

/* The attempt that runs ends. */
static void end (struct run *run, double t, uint32_t task, enum aw_status status)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH, .t = t, .task = task, .status = status };

    ev.attempt = aw_history_last (&run->history, task)->attempt;
    tell (run, &ev);
}

/* A task that runs is cancelled twice. What is after it starts if the last CANCEL says so, in the
 * same part of the run and in a later one.
 */
static void the_last_cancel_of_a_running_task_counts (void **state)
{
    (void)state;
    for (int resumed = 0; resumed < 2; resumed++)
        for (int releases = 0; releases < 2; releases++) {
            struct run run = begin ();

            cancel (&run, 1, A, releases ? 0 : AW_CANCEL_RELEASES);
            cancel (&run, 1, A, releases ? AW_CANCEL_RELEASES : 0);
            assert_int_equal (act (&run, AW_EVENT_KILL, A), 1);
            if (resumed)
                resume (&run, 2, NULL);
            else
                end (&run, 2, A, AW_STATUS_CANCELLED);
            assert_int_equal (act (&run, AW_EVENT_START, B), releases);
            finish (&run);
        }
}

/* B has begun in the first part of the run; in the second one, A runs again, and is cancelled. */
static void what_waits_for_a_cancelled_task_is_skipped (void **state)
{
    struct aw_idset again = { 0 };
    struct run run = begin ();

    (void)state;
    end (&run, 1, A, AW_STATUS_COMPLETED);
    assert_int_equal (act (&run, AW_EVENT_START, B), 1);
    assert_int_equal (aw_idset_add (&again, A, A), 0);
    resume (&run, 2, &again);
    assert_int_equal (act (&run, AW_EVENT_START, A), 1);
    cancel (&run, 3, A, 0);
    assert_int_equal (act (&run, AW_EVENT_KILL, A), 1);
    end (&run, 4, A, AW_STATUS_CANCELLED);
    assert_int_equal (act (&run, AW_EVENT_SKIP, B), 1);
    assert_int_equal (aw_history_state (&run.history, B), AW_HISTORY_SKIPPED);
    aw_idset_finish (&again);
    finish (&run);
}

/* Of tasks that are cancelled together once more, those that still run come first: one range for
 * those that follow each other.
 */
static void many_tasks_are_cancelled_again_as_ranges (void **state)
{
    struct run run = { .graph = aw_graph_create () };
    struct aw_event ev = { .type = AW_EVENT_CANCEL, .node = AW_NONE, .t = 2, .count = 6 };
    const struct aw_cancel *c;

    (void)state;
    graphs_set (run.graph, "a", 6, 1, 0, 1);
    assert_int_equal (aw_graph_finalize (run.graph, NULL), 0);
    assert_int_equal (aw_history_init (&run.history, run.graph, NULL), 0);
    add_scheduler (&run);
    add_node (&run, 0);
    assert_int_equal (act (&run, AW_EVENT_START, 1), 1); /* four of them run */
    end (&run, 1, 1, AW_STATUS_COMPLETED);
    assert_int_equal (act (&run, AW_EVENT_START, 4), 1);
    tell (&run, &ev);
    assert_int_equal (run.history.n_cancelled, 1);
    ev.code = AW_CANCEL_RELEASES;
    tell (&run, &ev);
    c = run.history.cancelled;
    assert_int_equal (run.history.n_cancelled, 4);
    assert_true (c[0].task == 0 && c[0].count == 1 && c[0].release);
    assert_true (c[1].task == 2 && c[1].count == 3 && c[1].release);
    assert_true (c[2].task == 0 && c[2].count == 6 && !c[2].release);
    assert_true (c[3].task == 0 && c[3].count == 6 && c[3].release);
    finish (&run);
}

/* B is cancelled before A fails, or after B has been skipped because of that. */
static void a_task_that_was_skipped_before_is_not_cancelled (void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct run run = begin ();
        uint32_t skips = 0;

        run.graph->sets[A].on_failure = AW_ON_FAILURE_SKIP;
        if (before)
            cancel (&run, 1, B, 0);
        skips += act (&run, AW_EVENT_SKIP, B);
        end (&run, 2, A, AW_STATUS_FAILED);
        skips += act (&run, AW_EVENT_SKIP, B);
        if (!before)
            cancel (&run, 3, B, 0);
        assert_int_equal (skips, 1);
        assert_int_equal (aw_history_state (&run.history, B), AW_HISTORY_SKIPPED);
        assert_int_equal (aw_history_is_cancelled (&run.history, B), before);
        resume (&run, 4, NULL);
        assert_int_equal (aw_history_is_cancelled (&run.history, B), before);
        finish (&run);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_last_cancel_of_a_running_task_counts),
        cmocka_unit_test (what_waits_for_a_cancelled_task_is_skipped),
        cmocka_unit_test (many_tasks_are_cancelled_again_as_ranges),
        cmocka_unit_test (a_task_that_was_skipped_before_is_not_cancelled),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
