/* SPDX-License-Identifier: Apache-2.0 */
/* A journal of several jobs: what a resume adds to it, and what it makes of what was before. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/history/resume_state.h"
#include "core/history/history.h"
#include "core/sched/sched.h"
#include "graphs.h"
#include "io/journal/journal.h"
#include "model/learn.h"

static struct aw_graph *two_sets (void)
{
    struct aw_graph *g = aw_graph_create ();

    assert_non_null (graphs_set (g, "a", 3, 1, 0, NAN));
    assert_non_null (graphs_set (g, "b", 1, 1, 0, NAN));
    graphs_edge (g, "b", "a", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static int fold (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    return aw_history_handle (arg, ev, err);
}

#define HEADER "{\"async-workflow-journal\":1,\"epoch\":5,\"name\":\"w\"}\n"

#define NODE(t) "{\"t\":" t ",\"event\":\"node\",\"node\":\"n1\",\"cpus\":\"0-3\",\"gpus\":\"\"}\n"

#define START(t, task, attempt)                                                   \
    "{\"t\":" t ",\"event\":\"start\",\"task\":\"" task "\",\"attempt\":" attempt \
    ",\"node\":\"n1\",\"cpus\":\"0\"}\n"

#define FINISH(t, task, attempt, status)                                           \
    "{\"t\":" t ",\"event\":\"finish\",\"task\":\"" task "\",\"attempt\":" attempt \
    ",\"node\":\"n1\",\"status\":\"" status "\",\"seconds\":1}\n"

#define RESUME(t, more) "{\"t\":" t ",\"event\":\"resume\",\"epoch\":5" more "}\n"

struct file {
    struct aw_graph *graph;
    char path[40];
};

static int setup (void **state)
{
    struct file *f = calloc (1, sizeof (*f));

    assert_non_null (f);
    f->graph = two_sets ();
    strcpy (f->path, "/tmp/aw-resume.XXXXXX");
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

/* Reads TEXT as journal into HISTORY, which the caller finishes. */
static int read_text (const struct file *f,
                      const char *text,
                      bool changed,
                      struct aw_history *history,
                      struct aw_error *err)
{
    struct aw_journal_reading reading = { .fn = fold, .arg = history, .changed = changed };
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

static void a_wrong_line_is_refused (void **state)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        { HEADER "{\"t\":1,\"event\":\"resume\"}\n", "line 2: \"epoch\" is missing" },
        { HEADER RESUME ("1", ",\"again\":\"a\""), "\"again\" must be a list of names" },
        { HEADER RESUME ("1", ",\"again\":[1]"), "\"again\" must be a list of names" },
        { HEADER RESUME ("1", ",\"again\":[\"a\""), "\"again\" must be a list of names" },
        { HEADER RESUME ("1", ",\"job\":7"), "\"job\" must be a string" },
        { HEADER NODE ("0") RESUME ("1", "") START ("2", "a[0]", "0"),
          "line 4: no node with the name \"n1\"" },
        { HEADER NODE ("0") START ("0", "a[0]", "0") RESUME ("1", "") NODE ("1")
              START ("2", "a[0]", "0"),
          "a[0] starts again as an earlier attempt" },
        { HEADER NODE ("0") START ("0", "a[0]", "0") RESUME ("1", "") NODE ("1")
              FINISH ("2", "a[0]", "0", "completed"),
          "a[0] ends but does not run" },
        { HEADER NODE ("0") RESUME ("2", "") NODE ("1"), "time goes back" },
        { HEADER NODE ("0") START ("0", "gone[0]", "0"), "the workflow has no task \"gone[0]\"" },
        { HEADER NODE ("0") RESUME ("1", ",\"workflow\":\"f\"") NODE ("1")
              START ("2", "gone[0]", "0"),
          "the workflow has no task \"gone[0]\"" },
    };
    const struct file *f = *state;

    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_history history;
        struct aw_error err = { "" };

        if (read_text (f, table[i].text, false, &history, &err) == 0)
            fail_msg ("row %zu is taken", i);
        if (!strstr (err.text, table[i].message))
            fail_msg ("row %zu: %s", i, err.text);
        aw_history_finish (&history);
    }
}

static void a_resume_folds_what_was_before (void **state)
{
    static const char text[] =
        HEADER NODE ("0") START ("1", "a[0]", "0") START ("1", "a[1]", "0") START ("1", "a[2]", "0")
            FINISH ("2", "a[0]", "0", "completed") FINISH ("3", "a[1]", "0", "failed")
                RESUME ("60", ",\"job\":\"8\"") NODE ("61") START ("62", "a[1]", "1");
    const struct file *f = *state;
    struct aw_history history;
    struct aw_summary sum;

    assert_int_equal (read_text (f, text, false, &history, NULL), 0);
    assert_int_equal (aw_history_state (&history, 0), AW_HISTORY_COMPLETED);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_RUNNING);
    assert_int_equal (aw_history_state (&history, 2), AW_HISTORY_UNSTARTED);
    assert_int_equal (aw_history_next_attempt (&history, 0), 1);
    assert_int_equal (aw_history_next_attempt (&history, 1), 2);
    assert_int_equal (aw_history_next_attempt (&history, 3), 0);
    assert_int_equal (history.attempts[2].status, AW_STATUS_NODE_FAIL);
    assert_true (history.attempts[2].finish == 3); /* the last sign of life */
    assert_int_equal (history.n_gaps, 1);
    assert_true (history.gaps[0].from == 3 && history.gaps[0].to == 60);
    assert_int_equal (history.gaps[0].lost, 1);
    assert_string_equal (history.gaps[0].job, "8");
    aw_history_summary (&history, &sum);
    assert_int_equal (sum.n_nodes, 1);
    assert_int_equal (sum.running, 1);
    aw_history_finish (&history);
}

/* What is cut off has not failed: it runs again, though a failure would let the run go on. */
static void what_is_cut_off_has_not_failed (void **state)
{
    static const char text[] = HEADER NODE ("0") START ("1", "a[0]", "0") START ("1", "a[1]", "0")
        FINISH ("2", "a[0]", "0", "failed") RESUME ("60", "");
    const struct file *f = *state;
    struct aw_history history;
    struct aw_resume_state earlier;

    f->graph->sets[0].on_failure = AW_ON_FAILURE_CONTINUE;
    assert_int_equal (read_text (f, text, false, &history, NULL), 0);
    assert_int_equal (aw_resume_state_init (&earlier, &history, NULL), 0);
    assert_int_equal (earlier.done[0], AW_RESUME_IGNORED);
    assert_int_equal (earlier.done[1], AW_RESUME_OPEN);
    assert_int_equal (earlier.n_done, 1);
    assert_int_equal (earlier.n_ignored, 1);
    aw_resume_state_finish (&earlier);
    aw_history_finish (&history);
}

/* Calls for which a worker was started took longer than calls take. */
static void a_first_call_teaches_no_duration (void **state)
{
    static const char text[] = HEADER NODE ("0") START ("1", "a[0]", "0") START (
        "1", "a[1]",
        "0") "{\"t\":51,\"event\":\"finish\",\"task\":\"a[0]\",\"attempt\":0,\"node\":\"n1\","
             "\"status\":\"completed\",\"seconds\":50,\"first_call\":1}\n" FINISH (
                 "52", "a[1]", "0", "completed") RESUME ("60", "");
    const struct file *f = *state;
    struct aw_history history;
    struct aw_resume_state earlier;
    struct aw_samples samples = { 0 };

    assert_int_equal (read_text (f, text, false, &history, NULL), 0);
    assert_true (history.attempts[0].first_call && !history.attempts[1].first_call);
    assert_int_equal (aw_resume_state_init (&earlier, &history, NULL), 0);
    assert_int_equal (earlier.n_done, 2);
    assert_int_equal (earlier.n_ends, 1);
    assert_true (earlier.ends[0].seconds == 1);
    assert_int_equal (aw_learn (&samples, &history), 0);
    assert_true (aw_samples_mean (&samples, 0) == 1);
    aw_samples_finish (&samples);
    aw_resume_state_finish (&earlier);
    aw_history_finish (&history);
}

/* A task that is not wanted does not run, whether it has failed or never started; one that is done
 * stays so. The next RESUME says it again, or the task is wanted again. */
static void what_is_not_wanted_is_dropped (void **state)
{
#define RUN                                                             \
    HEADER NODE ("0") START ("1", "a[0]", "0") START ("1", "a[1]", "0") \
        FINISH ("2", "a[0]", "0", "completed") FINISH ("3", "a[1]", "0", "failed")
#define DROP(list) RESUME ("60", ",\"workflow\":\"f\",\"again\":[],\"dropped\":[" list "]")
    static const char *const wrong[] = { "\"a\"",     "\"a[]\"",         "\"a[1\"",    "\"a[2-1]\"",
                                         "\"a[1,]\"", "\"a[20000000]\"", "\"gone[x]\"" };
    const struct file *f = *state;
    struct aw_history history;
    struct aw_resume_state earlier;
    struct aw_error err;

    assert_int_equal (read_text (f, RUN DROP ("\"gone[0]\",\"a[0-2]\""), false, &history, &err), 0);
    assert_int_equal (aw_history_state (&history, 0), AW_HISTORY_COMPLETED);
    assert_int_equal (aw_history_state (&history, 1), AW_HISTORY_SKIPPED);
    assert_int_equal (aw_history_state (&history, 2), AW_HISTORY_SKIPPED);
    assert_int_equal (aw_resume_state_init (&earlier, &history, NULL), 0);
    assert_int_equal (earlier.n_done, 1);
    assert_int_equal (earlier.n_dropped, 2);
    assert_int_equal (earlier.n_cancelled, 1);
    assert_int_equal (earlier.cancelled[0].task, 1);
    assert_int_equal (earlier.cancelled[0].count, 2);
    assert_true (earlier.cancelled[0].release);
    aw_resume_state_finish (&earlier);
    aw_history_finish (&history);
    assert_int_equal (
        read_text (f, RUN DROP ("\"a[0,2-9]\"") RESUME ("70", ""), false, &history, &err), 0);
    assert_int_equal (aw_history_state (&history, 2), AW_HISTORY_UNSTARTED);
    assert_int_equal (aw_resume_state_init (&earlier, &history, NULL), 0);
    assert_int_equal (earlier.n_dropped, 0);
    assert_int_equal (earlier.n_cancelled, 0);
    aw_resume_state_finish (&earlier);
    aw_history_finish (&history);
    assert_int_equal (read_text (f,
                                 RUN RESUME ("60", ",\"again\":[\"a\"],\"workflow\":\"f\","
                                                   "\"dropped\":[\"a[0]\"]"),
                                 false, &history, &err),
                      0);
    assert_int_equal (aw_history_state (&history, 0), AW_HISTORY_SKIPPED);
    aw_history_finish (&history);
    for (size_t i = 0; i < sizeof (wrong) / sizeof (wrong[0]); i++) {
        char text[2048];

        snprintf (text, sizeof (text), RUN DROP ("%s"), wrong[i]);
        assert_int_equal (read_text (f, text, false, &history, &err), -1);
        assert_non_null (strstr (err.text, "\"dropped\""));
        aw_history_finish (&history);
    }
}

/* Tasks that a changed workflow does not have are passed over, as far as they stand before the
 * change; what is to run again does not count as done.
 */
static void what_was_changed_runs_again (void **state)
{
#define OLD                                                                \
    HEADER NODE ("0") START ("1", "a[0]", "0") START ("1", "gone[0]", "0") \
        START ("1", "a[7]", "0") FINISH ("2", "gone[0]", "0", "completed") \
            FINISH ("2", "a[0]", "0", "completed")
#define NEW RESUME ("60", ",\"workflow\":\"f00\",\"again\":[\"a\",\"gone\"]") NODE ("61")
    const struct file *f = *state;
    struct aw_history history;
    struct aw_error err;
    char digest[8] = "";
    size_t line;
    FILE *file;

    assert_int_equal (read_text (f, OLD, false, &history, &err), -1);
    aw_history_finish (&history);
    assert_int_equal (read_text (f, OLD, true, &history, &err), 0);
    assert_int_equal (aw_history_state (&history, 0), AW_HISTORY_COMPLETED);
    aw_history_finish (&history);
    assert_int_equal (read_text (f, OLD NEW, false, &history, &err), 0);
    assert_int_equal (aw_history_state (&history, 0), AW_HISTORY_UNSTARTED);
    assert_int_equal (aw_history_next_attempt (&history, 0), 1);
    aw_history_finish (&history);
    assert_int_equal (
        read_text (f, OLD NEW START ("62", "a[0]", "1") RESUME ("70", ""), false, &history, &err),
        0);
    assert_int_equal (history.n_gaps, 2);
    aw_history_finish (&history);
    file = fopen (f->path, "r");
    assert_int_equal (aw_journal_last_change (fileno (file), &line, digest, sizeof (digest)), 0);
    assert_int_equal (line, 8);
    assert_string_equal (digest, "f00");
    fclose (file);
    assert_int_equal (aw_journal_last_change (-1, &line, NULL, 0), -1);
}

static off_t size_of (const char *path)
{
    struct stat st;

    assert_int_equal (stat (path, &st), 0);
    return st.st_size;
}

/* Opened again, a journal goes on behind its last whole line. */
static void a_reopened_journal_goes_on_behind_its_last_whole_line (void **state)
{
    static const char whole[] = HEADER NODE ("0") START ("1", "a[0]", "0");
    const struct file *f = *state;
    size_t len = strlen (whole);

    assert_null (aw_journal_reopen ("/nonexistent/journal", f->graph, NULL, NULL));
    for (size_t cut = len - 30; cut <= len; cut++) {
        struct aw_resume resume = { .epoch = 5, .mode = "async", .workflow = "d" };
        struct aw_event ev = { .type = AW_EVENT_RESUME, .t = 9, .resume = &resume };
        size_t end =
            cut == len ? len : (size_t)((char *)memrchr (whole, '\n', len - 1) - whole) + 1;
        struct aw_history history;
        struct aw_journal *journal;
        struct aw_error err;
        char text[1024];
        size_t lost;

        assert_int_equal (truncate (f->path, 0), 0);
        snprintf (text, sizeof (text), "%.*s", (int)cut, whole);
        read_text (f, text, false, &history, NULL);
        aw_history_finish (&history);
        journal = aw_journal_reopen (f->path, f->graph, &lost, &err);
        assert_non_null (journal);
        assert_int_equal (lost, cut - end);
        assert_int_equal (size_of (f->path), end);
        assert_int_equal (aw_idset_add (&resume.again, 0, 1), 0);
        assert_int_equal (aw_journal_append (journal, &ev, &err), 0);
        ev = (struct aw_event){ .type = AW_EVENT_NODE, .t = 10, .name = "n1" };
        assert_int_equal (aw_journal_append (journal, &ev, &err), 0); /* number 0 again */
        assert_int_equal (aw_journal_close (journal, &err), 0);
        aw_idset_finish (&resume.again);
    }
}

/* Cut at each byte: what is whole counts, nothing else does, and attempts are numbered on from
 * there. */
static void a_journal_cut_at_any_byte_can_be_resumed (void **state)
{
    static const char whole[] = HEADER NODE ("0") START ("1", "a[0]", "0") START ("1", "a[1]", "0")
        FINISH ("2", "a[0]", "0", "completed") RESUME ("9", "") NODE ("9") START ("9", "a[1]", "1")
            START ("9", "a[2]", "0") FINISH ("10", "a[2]", "0", "failed") START ("11", "a[2]", "1")
                FINISH ("12", "a[1]", "1", "completed") FINISH ("13", "a[2]", "1", "completed")
                    START ("13", "b[0]", "0") FINISH ("14", "b[0]", "0", "completed");
    const struct file *f = *state;

    for (size_t cut = strlen (HEADER); cut < sizeof (whole); cut++) {
        struct aw_resume resume = { .epoch = 5 };
        struct aw_event ev = { .type = AW_EVENT_RESUME, .t = 99, .resume = &resume };
        uint32_t starts[4] = { 0 }, n_done = 0;
        struct aw_history history;
        struct aw_resume_state earlier;
        struct aw_error err = { "" };
        char text[sizeof (whole)];
        const char *end;

        snprintf (text, sizeof (text), "%.*s", (int)cut, whole);
        for (char *line = text; (end = strchr (line, '\n')); line += end - line + 1) {
            const char *task = strstr (line, "\"task\":\"");

            if (!task || task > end)
                continue;
            if (strstr (line, "\"start\"") && strstr (line, "\"start\"") < end)
                starts[task[8] == 'b' ? 3 : task[10] - '0']++;
            n_done += strstr (line, "completed") && strstr (line, "completed") < end;
        }
        if (read_text (f, text, false, &history, &err) < 0)
            fail_msg ("cut at %zu: %s", cut, err.text);
        assert_int_equal (aw_history_handle (&history, &ev, &err), 0);
        assert_int_equal (aw_resume_state_init (&earlier, &history, &err), 0);
        assert_int_equal (earlier.n_done, n_done);
        for (int i = 0; i < 4; i++)
            assert_int_equal (earlier.attempts[i], starts[i]);
        aw_resume_state_finish (&earlier);
        aw_history_finish (&history);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (a_wrong_line_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (a_resume_folds_what_was_before, setup, teardown),
        cmocka_unit_test_setup_teardown (what_is_cut_off_has_not_failed, setup, teardown),
        cmocka_unit_test_setup_teardown (a_first_call_teaches_no_duration, setup, teardown),
        cmocka_unit_test_setup_teardown (what_is_not_wanted_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown (what_was_changed_runs_again, setup, teardown),
        cmocka_unit_test_setup_teardown (a_reopened_journal_goes_on_behind_its_last_whole_line,
                                         setup, teardown),
        cmocka_unit_test_setup_teardown (a_journal_cut_at_any_byte_can_be_resumed, setup, teardown),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
