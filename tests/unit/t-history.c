/* SPDX-License-Identifier: Apache-2.0 */
/* The history of a run: its states and figures, and what a resume makes of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/failure.h"
#include "core/history/history.h"
#include "history-steps.h"

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

#define NODE(n, time)                                                                \
    {                                                                                \
        { .type = AW_EVENT_NODE, .t = (time), .node = (n), .name = "n" }, "0-3", "0" \
    }

#define READY(id, time)                                                   \
    {                                                                     \
        { .type = AW_EVENT_READY, .t = (time), .task = (id) }, NULL, NULL \
    }

#define START(id, time, cpus)                                             \
    {                                                                     \
        { .type = AW_EVENT_START, .t = (time), .task = (id) }, cpus, NULL \
    }

#define FINISH(id, time)                                                                 \
    {                                                                                    \
        { .type = AW_EVENT_FINISH, .t = (time), .task = (id), .seconds = 1 }, NULL, NULL \
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
    struct aw_graph *graph = history_graph (1);

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_history history;
        struct aw_error err = { "" };
        assert_int_equal (aw_history_init (&history, graph, &err), 0);
        for (int s = 0; s < table[i].n; s++)
            if (history_feed (&history, &table[i].steps[s], &err) != (s == table[i].n - 1 ? -1 : 0))
                fail_msg ("row %zu, step %d: %s", i, s, err.text);
        if (!strstr (err.text, table[i].message))
            fail_msg ("row %zu: %s", i, err.text);
        aw_history_finish (&history);
    }
    aw_graph_destroy (graph);
}

static void a_run_without_events_has_empty_figures (void **state)
{
    struct aw_graph *graph = history_graph (1);
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
    struct aw_graph *graph = history_graph (1);
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
        if (history_feed (&history, &steps[i], &err) < 0)
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
    struct aw_graph *graph = history_graph (1);
    struct aw_history history;
    struct step node = NODE (0, 0), start = START (2, 0, "0");
    struct aw_event ev = {
        .type = AW_EVENT_FINISH, .task = 2, .status = AW_STATUS_FAILED, .signal = 9
    };
    struct aw_summary sum;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    assert_int_equal (history_feed (&history, &node, NULL), 0);
    assert_int_equal (history_feed (&history, &start, NULL), 0);
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
    assert_int_equal (history_feed (&history, &start, NULL), 0);
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
    struct aw_graph *graph = history_graph (1);
    struct aw_history history;
    struct aw_summary summary;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
        assert_int_equal (history_feed (&history, &steps[i], NULL), 0);
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
    struct aw_graph *graph = history_graph (1);
    struct aw_history history;
    struct aw_summary sum;

    (void)state;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
        assert_int_equal (history_feed (&history, &steps[i], NULL), 0);
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
    struct aw_graph *graph = history_graph (2);
    struct aw_history history;

    (void)state;
    graph->until = 0;
    assert_int_equal (aw_history_init (&history, graph, NULL), 0);
    for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
        assert_int_equal (history_feed (&history, &steps[i], NULL), 0);
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
        assert_int_equal (history_feed (&history, &steps[i], NULL), 0);
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
    struct aw_graph *graph = history_graph (1);

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
        assert_int_equal (history_feed (&history, &stall, NULL), 0);
        assert_int_equal (history.stalled, table[i].code == AW_STALL_BEGINS);
        assert_int_equal (history_feed (&history, &end, NULL), 0);
        assert_int_equal (history.stall != NULL, table[i].told);
        assert_int_equal (history.stall_failed, table[i].failed);
        assert_false (history.stalled);
        aw_history_finish (&history);
    }
    aw_graph_destroy (graph);
}

static void resume_without_memory_changes_nothing (void **state)
{
    struct aw_graph *graph = history_graph (1);
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
        { AW_STATUS_FAILED, 0, 0, NULL, "exit code 0, not one of its success_codes" },
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

/* Its node was lost while it copied its results: only the coordinator has its times. */
static void an_attempt_of_a_lost_node_began_with_its_start (void **state)
{
    struct aw_attempt a = { .ready = 1, .start = 5, .released = 7, .finish = 20, .seconds = 15 };

    (void)state;
    a.status = AW_STATUS_NODE_FAIL;
    assert_float_equal (aw_attempt_began (&a), 5, 1e-9);
    assert_float_equal (aw_attempt_run_seconds (&a), 2, 1e-9);
    a.released = NAN;
    assert_float_equal (aw_attempt_run_seconds (&a), 15, 1e-9);
    a.seconds = 18;
    assert_float_equal (aw_attempt_began (&a), 5, 1e-9);
    a.status = AW_STATUS_FAILED;
    assert_float_equal (aw_attempt_began (&a), 2, 1e-9);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (events_that_contradict_the_history_are_refused),
        cmocka_unit_test (a_run_without_events_has_empty_figures),
        cmocka_unit_test (the_figures_are_those_computed_by_hand),
        cmocka_unit_test (each_task_is_in_the_state_that_its_events_say),
        cmocka_unit_test (failures_are_told_in_words),
        cmocka_unit_test (a_resume_may_tell_late_what_had_ended),
        cmocka_unit_test (what_is_cancelled_stays_so_after_a_resume),
        cmocka_unit_test (iterations_after_the_goal_stay_cancelled),
        cmocka_unit_test (a_stall_that_ended_well_is_not_told),
        cmocka_unit_test (resume_without_memory_changes_nothing),
        cmocka_unit_test (an_attempt_of_a_lost_node_began_with_its_start),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
