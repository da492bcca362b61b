/* SPDX-License-Identifier: Apache-2.0 */
/* Workflows that are added to a workflow: what is wrong with them, what comes of them, and that a
 * journal knows them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "adding.h"
#include "core/history/resume_state.h"
#include "core/history/history.h"
#include "core/sched/sched.h"
#include "io/journal/journal.h"
#include "io/workflow/workflow.h"
#include "model/simulate.h"

static const char base[] =
    "{ \"async-workflow\": 1, \"iterations\": 2, \"tasks\": {"
    "  \"one\": { \"count\": 3, \"script\": \"x\" },"
    "  \"two\": { \"after\": [\"one[i]\"], \"count\": 3, \"script\": \"y\" } } }";

static const char flat[] = "{ \"async-workflow\": 1, \"tasks\": {"
                           "  \"one\": { \"count\": 3, \"script\": \"x\" },"
                           "  \"two\": { \"count\": 1, \"cpus\": 2, \"script\": \"y\" } } }";

/* With a set "N" that has what is given here. */
#define SET(body) "{ \"async-workflow\": 1, \"tasks\": { \"n\": { \"script\": \"x\", " body " } } }"

/* Each is reported, with its place, and leaves the workflow as it was. */
static void a_wrong_addition_is_told_and_changes_nothing (void **state)
{
    static const struct {
        const char *text, *error;
    } table[] = {
        { "", "a.json: is empty" },
        { "[]", "a.json: a workflow is an object" },
        { "{", "a.json: line 1, column 2" },
        { "{ \"tasks\": { \"n\": { \"script\": \"x\" } } }",
          "a.json: the format's version is missing" },
        { "{ \"async-workflow\": 2 }", "a.json: async-workflow: version 2 is not known" },
        { "{ \"async-workflow\": 1 }", "a.json: \"tasks\" is missing" },
        { "{ \"async-workflow\": 1, \"tasks\": {} }", "a.json: tasks: is empty: add a task set" },
        { "{ \"async-workflow\": 1, \"iterations\": 1, \"tasks\": { \"n\": { \"script\": \"x\" } } "
          "}",
          "a.json: iterations: an added workflow has no iterations" },
        { "{ \"async-workflow\": 1, \"name\": 3, \"tasks\": { \"n\": { \"script\": \"x\" } } }",
          "a.json: name: " },
        { "{ \"async-workflow\": 1, \"tasks\": { \"one\": { \"script\": \"x\" } } }",
          "a.json: tasks.one: the workflow already has a task set \"one\"" },
        { "{ \"async-workflow\": 1, \"tasks\": { \"-\": { \"script\": \"x\" } } }",
          "a.json: tasks: \"-\": a name begins with" },
        { SET ("\"cpu\": 1"), "a.json: tasks.n: unknown key \"cpu\": did you mean \"cpus\"?" },
        { SET ("\"count\": \"{many}\""), "a.json: tasks.n.count: " },
        { SET ("\"after\": [\"on\"]"),
          "a.json: tasks.n.after[0]: unknown task set \"on\": did you mean \"one\"?" },
        { SET ("\"after\": [\"two@-1\"]"),
          "a.json: tasks.n.after[0]: an added workflow has no previous iteration" },
        { SET ("\"after\": [\"n@-1\"]"),
          "a.json: tasks.n.after[0]: an added workflow has no previous iteration" },
        { SET ("\"count\": 3, \"after\": [\"two\", \"one[i]\"]"),
          "a.json: tasks.n.after[1]: [i]: one has 2 iterations" },
        { SET ("\"after\": [\"n\"]"), "a.json: tasks.n: cycle: n -> n" },
        { SET ("\"after\": [\"one\", \"one\"]"), "a.json: tasks.n.after[1]: the same as [0]" },
        { SET ("\"after\": [{ \"message\": \"m\", \"count\": 0 }]"),
          "a.json: tasks.n.after[0].count: " },
        { SET ("\"count\": 9999990"), "a.json: tasks: 9999990 tasks in addition to 12" },
    };
    struct aw_workflow *w = adding_parse (base), *same = adding_parse (base);

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_problems problems;

        aw_problems_init (&problems);
        assert_int_equal (add_text (w, table[i].text, &problems), -1);
        if (problems.n_items == 0
            || strncmp (problems.items[0].text, table[i].error, strlen (table[i].error)) != 0)
            fail_msg ("%s: %s", table[i].error,
                      problems.n_items ? problems.items[0].text : "nothing is reported");
        aw_problems_finish (&problems);
        adding_assert_same (w->graph, same->graph);
        assert_int_equal (w->n_added, 0);
    }
    aw_workflow_destroy (w);
    aw_workflow_destroy (same);
}

static int never (void *arg, uint32_t set, const struct aw_recipe *recipe, struct aw_error *err)
{
    const struct aw_workflow *w = arg;

    assert_non_null (recipe->script);
    return aw_error_set (err, "tasks.%s: never", w->graph->sets[set].name);
}

/* Not even what is right in itself is taken where it cannot run; all sets are told. */
static void an_addition_that_never_fits_is_refused_as_a_whole (void **state)
{
    static const char text[] =
        "{ \"async-workflow\": 1, \"tasks\": {"
        "  \"a\": { \"gpu_type\": \"t\", \"gpus\": 1, \"script\": \"x\" },"
        "  \"b\": { \"after\": [{ \"message\": \"m\" }], \"script\": \"x\" } } }";
    struct aw_workflow *w = adding_parse (base), *same = adding_parse (base);
    const struct aw_addition addition = {
        .text = text, .size = strlen (text), .label = "a.json", .fits = never, .arg = w
    };
    struct aw_problems problems;

    (void)state;
    aw_problems_init (&problems);
    assert_int_equal (aw_workflow_add (w, &addition, &problems), -1);
    assert_int_equal (problems.n_errors, 2);
    assert_string_equal (problems.items[1].text, "a.json: tasks.b: never");
    adding_assert_same (w->graph, same->graph);
    assert_int_equal (adding_add (w, text), 1);
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
    aw_workflow_destroy (same);
}

static void a_workflow_grows_by_what_is_added (void **state)
{
    static const char first[] =
        "{ \"async-workflow\": 1, \"name\": \"f\", \"parameters\": { \"n\": 4 },"
        "  \"defaults\": { \"cpus\": 2 }, \"tasks\": {"
        "  \"b\": { \"after\": [\"a[i]\", \"two\"], \"count\": \"{n}\", "
        "           \"command\": [\"{task}\", \"{iteration}\", \"{n}\"] },"
        "  \"a\": { \"count\": 4, \"script\": \"x\" } } }";
    struct aw_workflow *w = adding_parse (base), *other;
    const struct aw_graph *graph = w->graph;
    char *text;

    (void)state;
    assert_int_equal (adding_add (w, first), 1);
    assert_int_equal (graph->n_sets, 4);
    assert_int_equal (graph->n_base, 2);
    assert_int_equal (graph->n_tasks, 20);
    assert_int_equal (graph->sets[2].first, 12);
    assert_int_equal (graph->sets[2].cpus, 2);
    assert_int_equal (graph->order[2], 3); /* a before b */
    text = aw_recipe_expand (w->recipes[2].command[0], w, 13, "/run");
    assert_string_equal (text, "b[1]");
    free (text);
    text = aw_recipe_expand (w->recipes[2].command[1], w, 13, "/run");
    assert_string_equal (text, "0");
    free (text);
    assert_string_equal (w->recipes[2].command[2], "4");

    assert_int_equal (adding_add (w, first), 0); /* the same text */
    assert_int_equal (w->n_added, 1);
    assert_int_equal (adding_add (w, SET ("\"after\": [\"b\"]")), 1);
    aw_workflow_take_back (w);
    assert_int_equal (graph->n_sets, 4);
    assert_int_equal (aw_graph_find (graph, "n"), AW_NONE);
    assert_int_equal (adding_add (w, SET ("\"after\": [\"b\"]")), 1);
    assert_int_equal (adding_add (w, SET ("\"after\": [\"b\"]")), 0);

    other = adding_parse (base);
    {
        struct aw_problems problems;

        aw_problems_init (&problems);
        assert_int_equal (aw_workflow_add_all (other, w, &problems), 0);
        aw_problems_finish (&problems);
    }
    adding_assert_same (other->graph, graph);
    aw_workflow_destroy (other);
    aw_workflow_destroy (w);
}

/*
 * No memory
 */

static long left = -1; /* so many allocations succeed, and one fails then; below 0: none does */

static bool fails (void)
{
    return left >= 0 && left-- == 0;
}

/* The linker puts these between the project and the C library. */
#define WRAP(result, name, parameters, arguments)         \
    extern result __real_##name parameters;               \
    extern result __wrap_##name parameters;               \
    result __wrap_##name parameters                       \
    {                                                     \
        return fails () ? NULL : __real_##name arguments; \
    }

WRAP (void *, malloc, (size_t size), (size))
WRAP (void *, calloc, (size_t n, size_t size), (n, size))
WRAP (void *, realloc, (void *p, size_t size), (p, size))
WRAP (void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP (char *, strdup, (const char *text), (text))

static const char needy[] =
    "{ \"async-workflow\": 1, \"defaults\": { \"duration\": 10 }, \"tasks\": {"
    "  \"a\": { \"gpu_type\": \"t\", \"gpus\": 1, \"cpus\": 2, \"count\": 3, \"script\": \"x\","
    "           \"stage_in\": { \"from\": \"/f\", \"to\": \"f\" } },"
    "  \"b\": { \"after\": [\"a[i]\", \"one\"], \"count\": 3, \"cpus\": 3, \"script\": \"x\" },"
    "  \"c\": { \"after\": [\"b\"], \"nodes\": 2, \"command\": [\"x\", \"{task}\"] } } }";

static double simulate (struct aw_sched *sched)
{
    struct aw_simulated result;
    struct aw_error err = { "" };

    if (aw_simulate (sched, NULL, &result, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (result.code, 0);
    return result.end;
}

static double simulate_copy (const struct aw_sched *sched)
{
    struct aw_sched *copy = aw_sched_clone (sched);
    double end;

    assert_non_null (copy);
    end = simulate (copy);
    aw_sched_destroy (copy);
    return end;
}

/* As the coordinator does. */
static int add_to_both (struct aw_workflow *w, struct aw_sched *sched)
{
    struct aw_event ev = { .type = AW_EVENT_ADD, .text = needy };
    struct aw_problems problems;
    int rc;

    aw_problems_init (&problems);
    rc = add_text (w, needy, &problems);
    aw_problems_finish (&problems);
    if (rc == 1 && aw_sched_handle (sched, &ev, NULL) < 0) {
        aw_workflow_take_back (w);
        rc = -1;
    }
    return rc;
}

/* Whichever allocation fails, nothing has changed, and with memory it is added all the same. */
static void an_addition_without_memory_changes_nothing (void **state)
{
    const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_workflow *same = adding_parse (flat);
    double before = 0, after = 0;
    bool failed = true;

    (void)state;
    for (long n = 0; failed; n++) {
        struct aw_workflow *w = adding_parse (flat);
        struct aw_sched *sched = aw_sched_create (w->graph, &config, NULL);
        struct aw_event ready = { .type = AW_EVENT_READY };
        int rc;

        assert_int_equal (aw_simulate_add_nodes (sched, 2, 4, 1, 0, NULL), 0);
        assert_int_equal (aw_sched_handle (sched, &ready, NULL), 0); /* it begins */
        before = before > 0 ? before : simulate_copy (sched);
        left = n;
        rc = add_to_both (w, sched);
        failed = left < 0;
        left = -1;
        if (rc < 0) {
            assert_true (failed);
            adding_assert_same (w->graph, same->graph);
            assert_true (simulate_copy (sched) == before);
            assert_int_equal (add_to_both (w, sched), 1);
        }
        if (rc < 0 || !failed) {
            after = after > 0 ? after : simulate_copy (sched);
            assert_true (simulate_copy (sched) == after);
            assert_true (simulate (sched) == after);
        }
        aw_sched_destroy (sched);
        aw_workflow_destroy (w);
    }
    assert_true (after > before);
    aw_workflow_destroy (same);
}

/*
 * The journal
 */

/* What there was no memory for is missing, and all that follows: the rest can be read. */
static void what_had_no_memory_is_missing_and_the_rest_is_read (void **state)
{
    bool failed = true;

    (void)state;
    for (long n = 0; failed; n++) {
        struct aw_workflow *w = adding_parse (flat), *again = adding_parse (flat);
        struct aw_event ready = { .type = AW_EVENT_READY };
        struct aw_event ev = { .type = AW_EVENT_ADD, .text = needy };
        struct aw_journal *journal;
        struct aw_error err = { "" };
        struct adding_files f;
        int rc;

        adding_make_files (&f);
        journal = adding_create (&f, w->graph);
        adding_append (journal, &ready);
        assert_int_equal (adding_add (w, needy), 1);
        left = n;
        rc = aw_journal_append (journal, &ev, &err);
        failed = left < 0;
        left = -1;
        assert_int_equal (rc < 0, failed);
        ready.task = w->graph->n_tasks - 1;
        assert_int_equal (aw_journal_append (journal, &ready, &err), rc);
        assert_int_equal (aw_journal_close (journal, &err), 0);
        if (adding_read (&f, again, false, NULL, NULL, &err) < 0)
            fail_msg ("%s", err.text);
        assert_int_equal (again->n_added, !failed);
        adding_remove_files (&f);
        aw_workflow_destroy (again);
        aw_workflow_destroy (w);
    }
}

/* A file with all that a text can have: it comes back as it was. */
#define ODD                                                                                   \
    "\n{\t\"async-workflow\": 1, \"tasks\": { \"n\": { \"script\": \"\\u0001 \\\\ \\\"q\\\" " \
    "\xc3\xa4 \xf0\x9f\x98\x80 \x7f\" } } }\r\n"

static int check_text (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    (void)err;
    if (ev->type != AW_EVENT_ADD)
        return 0;
    assert_string_equal (ev->text, ODD);
    assert_int_equal (ev->task, 1);
    assert_int_equal (ev->attempt, 2);
    ++*(int *)arg;
    return 0;
}

static void an_addition_is_read_back_from_the_journal (void **state)
{
    struct adding_files f;
    struct aw_workflow *w = adding_parse (flat), *back = adding_parse (flat);
    struct aw_event ev = { .type = AW_EVENT_ADD, .t = 1, .task = 1, .attempt = 2, .text = ODD };
    struct aw_event ready = { .type = AW_EVENT_READY, .t = 1, .task = 4 };
    struct aw_journal *journal;
    struct aw_error err = { "" };
    struct aw_journal_header header;
    int n = 0;

    (void)state;
    adding_make_files (&f);
    journal = adding_create (&f, w->graph);
    assert_int_equal (aw_journal_append (journal, &ready, &err), -1); /* not yet */
    assert_int_equal (adding_add (w, ODD), 1);
    adding_append (journal, &ev);
    adding_append (journal, &ready);
    ev.text = NULL;
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1);
    assert_int_equal (aw_journal_close (journal, &err), 0);

    if (adding_read (&f, back, false, check_text, &n, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (n, 1);
    adding_assert_same (back->graph, w->graph);
    assert_int_equal (adding_read (&f, back, false, check_text, &n, &err), 0); /* grown already */
    adding_assert_same (back->graph, w->graph);
    assert_int_equal (aw_journal_read (f.path, w->graph, NULL, &header, &err), -1);
    assert_non_null (strstr (err.text, "the workflow file is not known here"));
    aw_journal_header_finish (&header);
    adding_remove_files (&f);
    aw_workflow_destroy (w);
    aw_workflow_destroy (back);
}

/* A line cut anywhere has not been acknowledged: the workflow does not grow. Another file that does
 * not go with it is reported. */
static void a_torn_addition_does_not_count (void **state)
{
    static const char other[] = "{ \"async-workflow\": 1, \"tasks\": {"
                                "  \"n\": { \"script\": \"x\" } } }";
    struct adding_files f;
    struct aw_workflow *w = adding_parse (flat), *back;
    struct aw_event ev = { .type = AW_EVENT_ADD, .t = 1, .task = 0, .text = ODD };
    struct aw_journal *journal;
    struct aw_error err = { "" };
    long whole;
    FILE *file;

    (void)state;
    adding_make_files (&f);
    journal = adding_create (&f, w->graph);
    assert_int_equal (adding_add (w, ODD), 1);
    adding_append (journal, &ev);
    assert_int_equal (aw_journal_close (journal, &err), 0);
    back = adding_parse (other);
    assert_int_equal (adding_read (&f, back, true, NULL, NULL, &err), -1);
    assert_non_null (
        strstr (err.text, "line 2: added workflow: tasks.n: the workflow already has a task set"));
    aw_workflow_destroy (back);

    file = fopen (f.path, "r");
    assert_non_null (file);
    fseek (file, 0, SEEK_END);
    whole = ftell (file);
    fclose (file);
    for (long cut = 1; cut < 100; cut += 7) {
        assert_int_equal (truncate (f.path, whole - cut), 0);
        back = adding_parse (flat);
        if (adding_read (&f, back, false, NULL, NULL, &err) < 0)
            fail_msg ("%s", err.text);
        assert_int_equal (back->graph->n_sets, 2);
        aw_workflow_destroy (back);
    }
    adding_remove_files (&f);
    aw_workflow_destroy (w);
}

/*
 * History and scheduler
 */

static void what_was_added_is_told (void **state)
{
    static const char more[] = "{ \"async-workflow\": 1, \"tasks\": {"
                               "  \"m\": { \"count\": 1000, \"script\": \"x\" } } }";
    struct aw_workflow *w = adding_parse (flat);
    struct aw_history history;
    struct aw_event ev = { .type = AW_EVENT_ADD, .t = 1, .task = 0, .text = ODD };
    struct aw_event node = { .type = AW_EVENT_NODE, .name = "n" };
    struct aw_event start = { .type = AW_EVENT_START };
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (aw_idset_add (&node.cpus, 0, 7), 0);
    assert_int_equal (aw_history_init (&history, w->graph, &err), 0);
    assert_int_equal (aw_history_handle (&history, &node, &err), 0);
    assert_int_equal (adding_add (w, ODD), 1);
    assert_int_equal (aw_history_handle (&history, &ev, &err), -1); /* it has not started */
    assert_non_null (strstr (err.text, "one[0] adds tasks but has not started"));
    ev.task = 4; /* the one that comes with this */
    assert_int_equal (aw_history_handle (&history, &ev, &err), -1);
    assert_int_equal (aw_history_handle (&history, &start, &err), 0);
    ev.task = 0;
    assert_int_equal (aw_history_handle (&history, &ev, &err), 0);
    assert_int_equal (aw_history_state (&history, 4), AW_HISTORY_UNSTARTED);
    assert_int_equal (adding_add (w, more), 1);
    ev.task = AW_NONE; /* one that a changed workflow does not have */
    assert_int_equal (aw_history_handle (&history, &ev, &err), 0);
    start.task = 1004;
    start.t = 2;
    assert_int_equal (aw_idset_add (&start.cpus, 1, 1), 0);
    assert_int_equal (aw_history_handle (&history, &start, &err), 0);
    assert_int_equal (aw_history_state (&history, 1004), AW_HISTORY_RUNNING);
    aw_idset_finish (&node.cpus);
    aw_idset_finish (&start.cpus);
    aw_history_finish (&history);
    aw_workflow_destroy (w);
}

static void what_was_added_is_scheduled (void **state)
{
    struct aw_workflow *w = adding_parse (flat);
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_error err = { "" };
    struct aw_sched *sched = aw_sched_create (w->graph, &config, &err);
    struct aw_event ev = { .type = AW_EVENT_ADD, .task = 0, .text = ODD };
    struct aw_event ready = { .type = AW_EVENT_READY };

    (void)state;
    assert_int_equal (aw_simulate_add_nodes (sched, 1, 4, 0, 0, &err), 0);
    assert_int_equal (aw_sched_handle (sched, &ev, &err), 0); /* nothing has come */
    assert_int_equal (adding_add (w, ODD), 1);
    assert_int_equal (aw_sched_handle (sched, &ev, &err), -1);
    assert_non_null (strstr (err.text, "has not begun"));
    aw_workflow_take_back (w);
    assert_int_equal (aw_sched_handle (sched, &ready, &err), 0);
    assert_int_equal (aw_sched_counts (sched, AW_NONE).ready, 4);

    assert_int_equal (adding_add (w, SET ("\"cpus\": 5")), 1);
    assert_int_equal (aw_sched_check_set (sched, 2, &err), -1);
    assert_non_null (strstr (err.text, "tasks.n: a task needs 5 CPUs"));
    aw_workflow_take_back (w);
    assert_int_equal (adding_add (w, SET ("\"gpus\": 1, \"gpu_type\": \"t\"")), 1);
    assert_int_equal (aw_sched_check_set (sched, 2, &err), -1);
    aw_workflow_take_back (w);
    assert_int_equal (adding_add (w, SET ("\"nodes\": 2, \"ranks\": 2")), 1);
    assert_int_equal (aw_sched_check_set (sched, 2, &err), -1);
    aw_workflow_take_back (w);

    assert_int_equal (adding_add (w, SET ("\"count\": 2, \"after\": [\"two\"]")), 1);
    assert_int_equal (aw_sched_check_set (sched, 2, &err), 0);
    assert_int_equal (aw_sched_handle (sched, &ev, &err), 0);
    assert_int_equal (aw_sched_counts (sched, AW_NONE).waiting, 2);
    aw_sched_destroy (sched);
    aw_workflow_destroy (w);
}

/*
 * Random runs
 */

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_wrong_addition_is_told_and_changes_nothing),
        cmocka_unit_test (an_addition_that_never_fits_is_refused_as_a_whole),
        cmocka_unit_test (a_workflow_grows_by_what_is_added),
        cmocka_unit_test (an_addition_without_memory_changes_nothing),
        cmocka_unit_test (what_had_no_memory_is_missing_and_the_rest_is_read),
        cmocka_unit_test (an_addition_is_read_back_from_the_journal),
        cmocka_unit_test (a_torn_addition_does_not_count),
        cmocka_unit_test (what_was_added_is_told),
        cmocka_unit_test (what_was_added_is_scheduled),
    };

    return cmocka_run_group_tests_name ("add", tests, NULL, NULL);
}
