/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that a node has in advance, as the history of a run and a resume see them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/history/history.h"
#include "core/history/resume_state.h"
#include "graphs.h"
#include "io/journal/journal.h"
#include "model/learn.h"

static int fold (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    return aw_history_handle (arg, ev, err);
}

#define HEADER "{\"async-workflow-journal\":1,\"epoch\":5,\"name\":\"w\"}\n"

#define NODE(t, name) \
    "{\"t\":" t ",\"event\":\"node\",\"node\":\"" name "\",\"cpus\":\"0-1\",\"gpus\":\"\"}\n"

#define LOST(t, name) "{\"t\":" t ",\"event\":\"node_lost\",\"node\":\"" name "\"}\n"

#define OF_TASK(t, event, task, attempt) \
    "{\"t\":" t ",\"event\":\"" event "\",\"task\":\"" task "\",\"attempt\":" attempt

#define READY(t, task, attempt) OF_TASK (t, "ready", task, attempt) "}\n"

#define ASSIGN(t, task, attempt, node) \
    OF_TASK (t, "assign", task, attempt) ",\"node\":\"" node "\"}\n"

#define STAGE(t, task, attempt, node) \
    OF_TASK (t, "stage", task, attempt) ",\"node\":\"" node "\"}\n"

#define START(t, task, attempt, node, cpu) \
    OF_TASK (t, "start", task, attempt) ",\"node\":\"" node "\",\"cpus\":\"" cpu "\"}\n"

#define FINISH_ON(node, t, task, attempt, status) \
    OF_TASK (t, "finish", task, attempt)          \
    ",\"node\":\"" node "\",\"status\":\"" status "\",\"seconds\":1}\n"
#define FINISH(t, task, attempt, status) FINISH_ON ("n1", t, task, attempt, status)

#define SKIP(t, task) "{\"t\":" t ",\"event\":\"skip\",\"task\":\"" task "\"}\n"

#define CANCEL(t, task) "{\"t\":" t ",\"event\":\"cancel\",\"task\":\"" task "\",\"count\":1}\n"

#define RESUME(t) "{\"t\":" t ",\"event\":\"resume\",\"epoch\":5}\n"

#define END(t, code) "{\"t\":" t ",\"event\":\"end\",\"code\":" code "}\n"

#define BEGIN HEADER NODE ("0", "n1") NODE ("0", "n2")

struct file {
    struct aw_graph *graph; /* a (3 tasks, one retry), then b */
    char path[40];
};

static int setup (void **state)
{
    struct file *f = calloc (1, sizeof (*f));

    assert_non_null (f);
    f->graph = aw_graph_create ();
    assert_non_null (graphs_set (f->graph, "a", 3, 1, 0, NAN));
    assert_non_null (graphs_set (f->graph, "b", 1, 1, 0, NAN));
    graphs_edge (f->graph, "b", "a", 0, 0);
    f->graph->sets[0].retry.count = 1;
    assert_int_equal (aw_graph_finalize (f->graph, NULL), 0);
    strcpy (f->path, "/tmp/aw-assign.XXXXXX");
    close (mkstemp (f->path));
    *state = f;
    return 0;
}

static int teardown (void **state)
{
    struct file *f = *state;

    unlink (f->path);
    aw_graph_destroy (f->graph);
    free (f);
    return 0;
}

/* Reads TEXT as a journal into HISTORY, which the caller finishes. 0, or -1 with text. */
static int try_text (const struct file *f,
                     const char *text,
                     struct aw_history *history,
                     struct aw_error *err)
{
    struct aw_journal_reading reading = { .fn = fold, .arg = history };
    FILE *file = fopen (f->path, "w");
    struct aw_journal_header header;
    int rc;

    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
    assert_int_equal (aw_history_init (history, f->graph, NULL), 0);
    rc = aw_journal_read (f->path, f->graph, &reading, &header, err);
    aw_journal_header_finish (&header);
    return rc;
}

static void read_text (const struct file *f, const char *text, struct aw_history *history)
{
    struct aw_error err;

    if (try_text (f, text, history, &err) < 0)
        fail_msg ("%s", err.text);
}

static void a_wrong_order_is_refused (void **state)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        { HEADER ASSIGN ("0", "a[0]", "0", "n1"), "no node with the name \"n1\"" },
        { HEADER "{\"t\":0,\"event\":\"assign\",\"task\":\"a[0]\",\"attempt\":0}\n",
          "\"node\" is missing" },
        { BEGIN START ("1", "a[0]", "0", "n1", "0") ASSIGN ("1", "a[0]", "1", "n1"),
          "a[0] is assigned to a node while it runs" },
        { BEGIN STAGE ("1", "a[0]", "0", "n1") ASSIGN ("1", "a[0]", "1", "n1"),
          "a[0] is assigned to a node while it runs" },
        { BEGIN START ("1", "a[0]", "0", "n1", "0") FINISH ("2", "a[0]", "0", "completed")
              ASSIGN ("2", "a[0]", "1", "n1"),
          "a[0] is assigned to a node after it has completed" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") ASSIGN ("1", "a[0]", "1", "n2"),
          "a[0] is assigned to a node twice" },
        { BEGIN START ("1", "a[0]", "1", "n1", "0") FINISH ("2", "a[0]", "1", "failed")
              ASSIGN ("2", "a[0]", "1", "n1"),
          "a[0] is assigned to a node as an earlier attempt" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") FINISH ("1", "a[0]", "0", "node_fail")
              ASSIGN ("2", "a[0]", "0", "n1"),
          "a[0] is assigned to a node as an earlier attempt" },
        { BEGIN LOST ("1", "n1") ASSIGN ("1", "a[0]", "0", "n1"),
          "a[0] is assigned to a node that was lost" },
        { BEGIN SKIP ("1", "b[0]") ASSIGN ("1", "b[0]", "0", "n1"),
          "b[0] is assigned to a node after it was skipped" },
        { BEGIN ASSIGN ("1", "b[0]", "0", "n1") SKIP ("1", "b[0]"),
          "b[0] is skipped while it is assigned to a node" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") START ("1", "a[0]", "0", "n2", "0"),
          "a[0] starts with another attempt, node or step than it was assigned with" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") START ("1", "a[0]", "1", "n1", "0"),
          "a[0] starts with another attempt" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") STAGE ("1", "a[0]", "0", "n1"),
          "a[0] starts with another attempt" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") FINISH ("1", "a[0]", "0", "node_fail")
              START ("1", "a[0]", "0", "n1", "0"),
          "a[0] starts as an attempt that may have started before" },
        { BEGIN ASSIGN ("1", "a[0]", "1", "n1") FINISH ("1", "a[0]", "0", "cancelled"),
          "a[0] ends as another attempt than was assigned" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") FINISH ("1", "a[0]", "0", "completed"),
          "a[0] completes without a start" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n2") FINISH ("1", "a[0]", "0", "cancelled"),
          "a[0] ends on another node than it was assigned to" },
        { BEGIN ASSIGN ("1", "a[0]", "0", "n1") FINISH ("1", "a[0]", "0", "cancelled")
              FINISH ("1", "a[0]", "0", "cancelled"),
          "a[0] ends but does not run" },
        /* Its START comes after the end of the attempt whose place it takes. */
        { BEGIN START ("1", "a[0]", "0", "n1", "0-1") ASSIGN ("1", "a[1]", "0", "n1")
              START ("2", "a[1]", "0", "n1", "0-1"),
          "a[1] starts on CPUs or GPUs that its node does not have free" },
    };
    const struct file *f = *state;

    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_history history;
        struct aw_error err = { "" };

        if (try_text (f, table[i].text, &history, &err) == 0)
            fail_msg ("row %zu is taken", i);
        if (!strstr (err.text, table[i].message))
            fail_msg ("row %zu: %s", i, err.text);
        aw_history_finish (&history);
    }
}

#define FOLLOWED                                                                                  \
    BEGIN READY ("0", "a[0]", "0") READY ("0", "a[1]", "0") START ("1", "a[0]", "0", "n1", "0-1") \
        ASSIGN ("2", "a[1]", "0", "n1")

/* It is ready and holds nothing until it starts in the place of another. */
static void an_assigned_task_is_ready_until_it_starts (void **state)
{
    const struct file *f = *state;
    struct aw_history history;
    struct aw_set_summary sets[2];
    struct aw_summary sum;

    read_text (f, FOLLOWED, &history);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_UNSTARTED);
    assert_int_equal (aw_history_assigned_to (&history, 1), 0);
    assert_int_equal (aw_history_assigned_to (&history, 0), AW_NONE);
    assert_int_equal (aw_history_assigned_to (&history, 99), AW_NONE);
    assert_int_equal (history.n_assigned, 1);
    assert_int_equal (history.n_attempts, 1);
    assert_int_equal (history.nodes[0].busy_cpus, 2);
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.running, 1);
    assert_int_equal (sum.unstarted, 3);
    aw_history_finish (&history);

    read_text (f,
               FOLLOWED FINISH ("5", "a[0]", "0", "completed") START ("5", "a[1]", "0", "n1", "0-1")
                   FINISH ("7", "a[1]", "0", "completed"),
               &history);
    assert_int_equal (aw_history_assigned_to (&history, 1), AW_NONE);
    assert_int_equal (history.n_assigned, 0);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_COMPLETED);
    assert_true (history.attempts[1].assigned && !history.attempts[0].assigned);
    assert_true (history.attempts[1].ready == 0 && history.attempts[1].start == 5);
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.started, 2);
    assert_int_equal (sum.assigned, 1);
    assert_int_equal (sum.retried, 0);
    assert_float_equal (sum.gap_max, 5, 1e-9); /* from ready to start */
    assert_float_equal (sum.cpu_share, 6 * 2 / (6 * 4.), 1e-9);
    aw_history_sets (&history, sets);
    assert_float_equal (sets[0].wait_mean, (1 + 5) / 2., 1e-9);
    assert_int_equal (sets[0].attempts, 2);
    aw_history_finish (&history);
}

/* Such an attempt is neither a failure nor a retry, whether the node gave it back or was lost. */
static void what_is_taken_back_has_never_run (void **state)
{
    static const char *const status[] = { "cancelled", "node_fail" };
    const struct file *f = *state;

    for (int i = 0; i < 2; i++) {
        struct aw_history history;
        struct aw_set_summary sets[2];
        struct aw_summary sum;
        char text[4096];

        snprintf (text, sizeof (text),
                  FOLLOWED FINISH ("3", "a[1]", "0", "%s") READY ("3", "a[1]", "1"), status[i]);
        read_text (f, text, &history);
        assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_UNSTARTED);
        assert_int_equal (aw_history_assigned_to (&history, 1), AW_NONE);
        assert_null (aw_history_last (&history, 1));
        assert_int_equal (aw_history_next_attempt (&history, 1), i); /* it may have started */
        aw_history_summary (&history, &sum);
        assert_int_equal (sum.failed + sum.cancelled + sum.retried, 0);
        assert_int_equal (sum.unstarted, 3);
        aw_history_finish (&history);

        strcat (text,
                ASSIGN ("3", "a[1]", "1", "n2") FINISH_ON ("n2", "3.5", "a[1]", "1", "cancelled")
                    START ("4", "a[1]", "2", "n2", "1"));
        read_text (f, text, &history);
        assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_RUNNING);
        assert_int_equal (aw_history_last (&history, 1)->attempt, 2);
        assert_int_equal (aw_history_last (&history, 1)->previous, AW_NONE);
        assert_false (aw_history_last (&history, 1)->assigned);
        assert_true (aw_history_last (&history, 1)->ready == 0); /* it was ready all the time */
        aw_history_summary (&history, &sum);
        assert_int_equal (sum.retried, 0);
        assert_int_equal (sum.assigned, 0);
        aw_history_sets (&history, sets);
        assert_int_equal (sets[0].attempts, 2);
        assert_float_equal (sets[0].wait_max, 4, 1e-9);
        aw_history_finish (&history);
    }
}

/* A number that was used up is no failure: the retry is still there after it. */
static void all_retries_are_left (void **state)
{
    const struct file *f = *state;
    struct aw_history history;
    struct aw_summary sum;

    read_text (f,
               FOLLOWED FINISH ("3", "a[1]", "0", "cancelled") START ("4", "a[1]", "1", "n2", "1")
                   FINISH ("5", "a[1]", "1", "failed"),
               &history);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_UNSTARTED);
    aw_history_finish (&history);

    read_text (f,
               FOLLOWED FINISH ("3", "a[1]", "0", "cancelled") START ("4", "a[1]", "1", "n2", "1")
                   FINISH ("5", "a[1]", "1", "failed") READY ("5", "a[1]", "2")
                       ASSIGN ("5", "a[1]", "2", "n2") START ("6", "a[1]", "2", "n2", "1")
                           FINISH ("7", "a[1]", "2", "failed"),
               &history);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_FAILED);
    assert_true (aw_history_last (&history, 1)->ready == 5);
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.retried, 1);
    aw_history_finish (&history);

    /* The retry was assigned when the run ended: it never came. */
    read_text (f,
               BEGIN START ("4", "a[1]", "0", "n2", "1") FINISH ("5", "a[1]", "0", "failed")
                   READY ("5", "a[1]", "1") ASSIGN ("5", "a[1]", "1", "n2")
                       FINISH_ON ("n2", "6", "a[1]", "1", "cancelled") END ("6", "3"),
               &history);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_FAILED);
    assert_int_equal (aw_history_last (&history, 1)->attempt, 0);
    aw_history_finish (&history);
}

/* A launch that cannot be made or sent is a failure, of an attempt that never held anything. */
static void what_cannot_start_has_failed (void **state)
{
    const struct file *f = *state;
    struct aw_history history;
    struct aw_summary sum;

    read_text (f, FOLLOWED FINISH ("3", "a[1]", "0", "failed"), &history);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_UNSTARTED); /* one retry left */
    assert_int_equal (aw_history_next_attempt (&history, 1), 1);
    assert_int_equal (history.n_assigned, 0);
    assert_int_equal (history.nodes[0].busy_cpus, 2);
    aw_history_finish (&history);

    read_text (f,
               FOLLOWED FINISH ("3", "a[1]", "0", "failed") READY ("3", "a[1]", "1")
                   ASSIGN ("3", "a[1]", "1", "n1") FINISH ("4", "a[1]", "1", "failed"),
               &history);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_FAILED);
    assert_false (aw_history_last (&history, 1)->started);
    assert_true (aw_history_end (&history, aw_history_last (&history, 1)) == 4);
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.failed, 1);
    assert_int_equal (sum.retried, 1);
    assert_int_equal (sum.started, 1);
    assert_int_equal (sum.assigned, 0);
    aw_history_finish (&history);
}

/* A run that died: what was assigned may have run, so that its number is not given again. */
static void a_resume_goes_on_with_the_next_number (void **state)
{
    const struct file *f = *state;
    struct aw_history history;
    struct aw_resume_state earlier;
    struct aw_samples samples = { 0 };

    read_text (f, FOLLOWED RESUME ("10"), &history);
    assert_int_equal (history.n_assigned, 0);
    assert_int_equal (aw_history_assigned_to (&history, 1), AW_NONE);
    assert_int_equal (history.gaps[0].lost, 1); /* a[0] ran */
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_UNSTARTED);
    assert_int_equal (aw_resume_state_init (&earlier, &history, NULL), 0);
    assert_int_equal (earlier.attempts[0], 1);
    assert_int_equal (earlier.attempts[1], 1);
    assert_int_equal (earlier.attempts[2], 0);
    assert_int_equal (earlier.done[1], AW_RESUME_OPEN);
    aw_resume_state_finish (&earlier);
    aw_history_finish (&history);

    read_text (f,
               FOLLOWED RESUME ("10") NODE ("11", "n1") NODE ("11", "n2")
                   ASSIGN ("11", "a[1]", "1", "n2") START ("12", "a[1]", "1", "n2", "0")
                       FINISH ("14", "a[1]", "1", "completed"),
               &history);
    assert_int_equal (aw_history_last (&history, 1)->node, 3); /* nodes are numbered on */
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_COMPLETED);
    assert_int_equal (aw_learn (&samples, &history), 0);
    assert_true (aw_samples_mean (&samples, 0) == 1);
    aw_samples_finish (&samples);
    aw_history_finish (&history);
}

/* A request cancels a task that a node has: the node gives it back, or has started it. */
static void what_is_cancelled_stays_so (void **state)
{
    static const char *const rest[] = {
        FINISH ("4", "a[1]", "0", "cancelled"),
        FINISH ("4", "a[0]", "0", "completed") START ("4", "a[1]", "0", "n1", "0-1")
            FINISH ("5", "a[1]", "0", "cancelled"),
        FINISH ("4", "a[0]", "0", "completed") START ("4", "a[1]", "0", "n1", "0-1")
            FINISH ("5", "a[1]", "0", "failed"),
    };
    const struct file *f = *state;

    for (int resumed = 0; resumed < 2; resumed++)
        for (size_t i = 0; i < sizeof (rest) / sizeof (rest[0]); i++) {
            struct aw_history history;
            char text[4096];

            snprintf (text, sizeof (text), "%s%s%s", FOLLOWED CANCEL ("3", "a[1]"), rest[i],
                      resumed ? RESUME ("9") : "");
            read_text (f, text, &history);
            if (aw_history_state (&history, 1) != AW_HISTORY_CANCELLED)
                fail_msg ("row %zu, %d: state %d", i, resumed, aw_history_state (&history, 1));
            aw_history_finish (&history);
        }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (a_wrong_order_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (an_assigned_task_is_ready_until_it_starts, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (what_is_taken_back_has_never_run, setup, teardown),
        cmocka_unit_test_setup_teardown (all_retries_are_left, setup, teardown),
        cmocka_unit_test_setup_teardown (what_cannot_start_has_failed, setup, teardown),
        cmocka_unit_test_setup_teardown (a_resume_goes_on_with_the_next_number, setup, teardown),
        cmocka_unit_test_setup_teardown (what_is_cancelled_stays_so, setup, teardown),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
