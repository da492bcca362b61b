/* SPDX-License-Identifier: Apache-2.0 */
/* What a task submits: which submissions are wrong, what becomes of the others, and who waits for
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adding.h"
#include "coord/messages/awaits.h"
#include "graphs.h"
#include "io/workflow/submission.h"
#include "io/workflow/workflow.h"

static struct aw_workflow *parse (void)
{
    static const char text[] = "{ \"async-workflow\": 1, \"iterations\": 2, \"tasks\": {"
                               "  \"client\": { \"script\": \"x\" } } }";
    struct aw_problems problems;
    struct aw_workflow *w;

    aw_problems_init (&problems);
    w = aw_workflow_parse (text, strlen (text), "base.json", &problems);
    assert_non_null (w);
    aw_problems_finish (&problems);
    return w;
}

/* Submits TASK. 0, or -1 with PROBLEMS; TEXT gets what is added. */
static int submit (struct aw_workflow *w,
                   const char *task,
                   struct aw_textbuf *text,
                   struct aw_problems *problems)
{
    const struct aw_submission submission = { task, strlen (task), "/a {b} \"c\"", "0123-4" };

    aw_textbuf_clear (text);
    if (aw_submission_put (text, w, &submission, problems) < 0)
        return -1;
    aw_textbuf_putc (text, '\0');
    return submit_text (w, text->data, AW_SUBMISSION, problems) < 0 ? -1 : 0;
}

static uint64_t submit_well (struct aw_workflow *w, const char *task)
{
    struct aw_textbuf text = { 0 };
    struct aw_problems problems;

    aw_problems_init (&problems);
    if (submit (w, task, &text, &problems) < 0)
        fail_msg ("%s", problems.items[0].text);
    aw_problems_finish (&problems);
    aw_textbuf_finish (&text);
    return aw_submitted_id (w, w->submitted[w->n_submitted - 1]);
}

static void what_is_wrong_is_reported_and_changes_nothing (void **state)
{
    static const struct {
        const char *task, *error;
    } table[] = {
        { "", "submitted: line 1" },
        { "[]", "submitted: a submitted task is an object" },
        { "{", "submitted: line 1, column 2" },
        { "{}", "submitted: tasks.script-1000000001: nothing to run" },
        { "{\"command\":[\"a\"],\"command\":[\"b\"]}", "submitted: " },
        { "{\"command\":[\"a\"],\"count\":2}", "submitted: unknown key \"count\"" },
        { "{\"command\":[\"a\"],\"on_failure\":\"stop\"}",
          "submitted: unknown key \"on_failure\"" },
        { "{\"command\":[\"a\"],\"nodes\":2}", "submitted: unknown key \"nodes\"" },
        { "{\"command\":[\"a\"],\"cpu\":2}",
          "submitted: unknown key \"cpu\": did you mean \"cpus\"?" },
        { "{\"command\":[\"a\"],\"name\":3}", "submitted: name: must be text" },
        { "{\"command\":[\"a\"],\"name\":\"\"}", "submitted: name: \"\"" },
        { "{\"command\":[\"a\"],\"name\":\".a\"}", "submitted: name: \".a\"" },
        { "{\"command\":[\"a\"],\"name\":\"0123456789012345678901234567890123456789012345678\"}",
          "submitted: name: \"0123" },
        { "{\"command\":[\"a\"],\"after_ok\":1000000000}", "submitted: after_ok: must be a list" },
        { "{\"command\":[\"a\"],\"after_ok\":[\"1000000000\"]}",
          "submitted: after_ok: no submitted task has the id" },
        { "{\"command\":[\"a\"],\"after_any\":[1000000001]}",
          "submitted: after_any: no submitted task has the id 1000000001" },
        { "{\"command\":[\"a\"],\"after_ok\":[-1]}", "submitted: after_ok: no submitted task" },
        { "{\"command\":[\"a\"],\"directory\":[]}", "submitted: directory: must be text" },
        { "{\"command\":[\"a\"],\"comment\":1}", "submitted: comment: must be text" },
        { "{\"command\":[\"a\"],\"comment\":\"a\\tb\"}", "submitted: comment: has at most" },
        { "{\"command\":[\"a\"],\"slurm_commands\":1}",
          "submitted: tasks.a-1000000001.slurm_commands: must be true or false" },
        { "{\"command\":\"a\"}", "submitted: tasks.script-1000000001.command: " },
        { "{\"command\":[\"a\"],\"cpus\":0}", "submitted: tasks.a-1000000001.cpus: " },
        { "{\"command\":[\"a\"],\"time_limit\":\"x\"}",
          "submitted: tasks.a-1000000001.time_limit: " },
    };
    struct aw_workflow *w = parse ();
    struct aw_textbuf text = { 0 };
    struct aw_graph_size size;

    (void)state;
    assert_int_equal (submit_well (w, "{\"command\":[\"a\"]}"), 1000000000);
    size = aw_graph_size (w->graph);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph_size now;
        struct aw_problems problems;

        aw_problems_init (&problems);
        assert_int_equal (submit (w, table[i].task, &text, &problems), -1);
        if (problems.n_items == 0
            || strncmp (problems.items[0].text, table[i].error, strlen (table[i].error)) != 0)
            fail_msg ("%s: %s", table[i].error,
                      problems.n_items ? problems.items[0].text : "nothing is reported");
        aw_problems_finish (&problems);
        now = aw_graph_size (w->graph);
        assert_memory_equal (&now, &size, sizeof (now));
        assert_int_equal (w->n_submitted, 1);
    }
    aw_textbuf_finish (&text);
    aw_workflow_destroy (w);
}

/* What a damaged journal may have. */
static void only_what_this_release_writes_is_a_submission (void **state)
{
#define ADDED(submitted, tasks) \
    "{\"async-workflow\":1,\"submitted\":" submitted ",\"tasks\":{" tasks "}}"
#define GOOD "\"x-1000000000\":{\"command\":[\"x\"]}"
    static const char *const table[] = {
        ADDED ("3", GOOD),
        ADDED ("{}", GOOD),
        ADDED ("{\"id\":1000000001,\"name\":\"x\",\"environment\":\"0\",\"after_any\":[]}", GOOD),
        ADDED ("{\"id\":1000000000,\"name\":\"/\",\"environment\":\"0\",\"after_any\":[]}", GOOD),
        ADDED ("{\"id\":1000000000,\"name\":\"x\",\"environment\":\"../0\",\"after_any\":[]}",
               GOOD),
        ADDED ("{\"id\":1000000000,\"name\":\"x\",\"environment\":\"0\"}", GOOD),
        ADDED ("{\"id\":1000000000,\"name\":\"x\",\"environment\":\"0\",\"after_any\":[7]}", GOOD),
        ADDED ("{\"id\":1000000000,\"name\":\"x\",\"environment\":\"0\",\"after_any\":[]}",
               GOOD ",\"y\":{\"command\":[\"y\"]}"),
        ADDED ("{\"id\":1000000000,\"name\":\"x\",\"environment\":\"0\",\"after_any\":[]}",
               "\"x\":{\"count\":2,\"command\":[\"y\"]}"),
    };
    struct aw_workflow *w = parse ();
    const struct aw_graph_size size = aw_graph_size (w->graph);

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph_size now;
        struct aw_problems problems;

        aw_problems_init (&problems);
        assert_int_equal (submit_text (w, table[i], "j", &problems), -1);
        assert_string_equal (problems.items[0].text,
                             "j: \"submitted\" is not as this release writes it");
        aw_problems_finish (&problems);
        now = aw_graph_size (w->graph);
        assert_memory_equal (&now, &size, sizeof (now));
        assert_int_equal (w->n_submitted, 0);
    }
    aw_workflow_destroy (w);
}

static void check_command (const struct aw_workflow *w, uint64_t id, const char *word)
{
    uint32_t set = aw_submitted_set (w, id);
    char *text = aw_recipe_expand (w->recipes[set].command[1], w,
                                   aw_graph_first_task (w->graph, 0, set), "/run");

    assert_string_equal (text, word);
    free (text);
}

static void a_submission_becomes_a_set_of_one_task (void **state)
{
    struct aw_workflow *w = parse ();
    const struct aw_set *set;
    char *directory;

    (void)state;
    assert_int_equal (submit_well (w, "{\"command\":[\"/bin/a b\",\"{index} ${x} {{y}}\"]}"),
                      1000000000);
    assert_int_equal (submit_well (w, "{\"name\":\"n\",\"command\":[\"a\",\"\"],\"cpus\":3,"
                                      "\"after_ok\":[1000000000,1000000000]}"),
                      1000000001);
    assert_int_equal (submit_well (w, "{\"script\":\"x\",\"directory\":\"d\",\"after_any\":"
                                      "[1000000001],\"after_ok\":[1000000000]}"),
                      1000000002);
    assert_int_equal (submit_well (w, "{\"name\":\"n\",\"command\":[\"-\",\"z\"]}"), 1000000003);
    check_command (w, 1000000000, "{index} ${x} {{y}}");
    set = &w->graph->sets[aw_submitted_set (w, 1000000000)];
    assert_string_equal (set->name, "a_b-1000000000");
    assert_string_equal (set->label, "a_b");
    assert_true (set->submitted);
    assert_int_equal (set->on_failure, AW_ON_FAILURE_SKIP);
    set = &w->graph->sets[aw_submitted_set (w, 1000000001)];
    assert_int_equal (set->cpus, 3);
    assert_int_equal (set->n_after, 1);
    assert_int_equal (set->after[0].set, aw_submitted_set (w, 1000000000));
    assert_false (set->after[0].any);
    assert_int_equal (set->members, 2);
    set = &w->graph->sets[aw_submitted_set (w, 1000000002)];
    assert_int_equal (set->n_after, 2);
    assert_true (set->after[1].any);
    directory = aw_recipe_expand (w->recipes[aw_submitted_set (w, 1000000002)].directory, w,
                                  w->graph->n_tasks - 1, "/run");
    assert_string_equal (directory, "/a {b} \"c\"/d");
    free (directory);
    set = &w->graph->sets[aw_submitted_set (w, 1000000003)];
    assert_int_equal (set->group, aw_submitted_set (w, 1000000001));
    assert_string_equal (w->recipes[set->group].base, "0123-4");
    assert_int_equal (aw_submitted_set (w, 1000000004), AW_NONE);
    assert_int_equal (aw_submitted_set (w, 0), AW_NONE);
    assert_int_equal (aw_submitted_task (w, "1000000003"), w->graph->n_tasks - 1);
    assert_int_equal (aw_submitted_task (w, "1000000003x"), AW_NONE);
    assert_int_equal (aw_submitted_task (w, ""), AW_NONE);
    aw_workflow_destroy (w);
}

/* The number, and the name, of one that is taken back are free again. */
static void what_is_taken_back_is_forgotten (void **state)
{
    struct aw_workflow *w = parse ();

    (void)state;
    submit_well (w, "{\"name\":\"a\",\"command\":[\"a\"]}");
    submit_well (w, "{\"name\":\"a\",\"command\":[\"b\"]}");
    aw_workflow_take_back (w);
    assert_int_equal (w->graph->sets[aw_submitted_set (w, 1000000000)].members, 1);
    submit_well (w, "{\"name\":\"b\",\"command\":[\"b\"]}");
    aw_workflow_take_back (w);
    assert_int_equal (submit_well (w, "{\"name\":\"c\",\"command\":[\"b\"]}"), 1000000001);
    assert_int_equal (submit_well (w, "{\"name\":\"b\",\"command\":[\"b\"]}"), 1000000002);
    for (uint32_t i = 0; i < 3; i++)
        assert_true (aw_graph_is_shown (w->graph, w->submitted[i]));
    aw_workflow_destroy (w);
}

/*
 * Who waits
 */

enum { TASKS = 12, WAITS = 40 };

struct world {
    bool ended[TASKS];
    struct aw_asker askers[WAITS];
    uint32_t tasks[WAITS][4], n[WAITS];
    uint32_t n_waits;
    bool open[WAITS]; /* not answered, nor withdrawn */
};

static bool has_ended (void *arg, uint32_t task)
{
    return ((const struct world *)arg)->ended[task];
}

static bool all_ended (const struct world *w, uint32_t wait)
{
    bool all = true;

    for (uint32_t i = 0; i < w->n[wait]; i++)
        all = all && w->ended[w->tasks[wait][i]];
    return all;
}

static void over (void *arg, const struct aw_asker *asker, const uint32_t *tasks, uint32_t n)
{
    struct world *w = arg;
    uint32_t wait = asker->number - 1;

    assert_true (wait < w->n_waits && w->open[wait] && all_ended (w, wait));
    assert_int_equal (n, w->n[wait]);
    assert_memory_equal (tasks, w->tasks[wait], n * sizeof (*tasks));
    w->open[wait] = false;
}

static void add_wait (struct world *w, struct aw_awaits *awaits, uint64_t *seed)
{
    uint32_t wait = w->n_waits;

    if (wait == WAITS)
        return;
    w->askers[wait] =
        (struct aw_asker){ graphs_below (seed, 2), 1 + graphs_below (seed, 3), ++w->n_waits };
    w->n[wait] = graphs_below (seed, 5);
    for (uint32_t i = 0; i < w->n[wait]; i++)
        w->tasks[wait][i] = graphs_below (seed, TASKS);
    w->open[wait] = true;
    assert_int_equal (aw_awaits_add (awaits, &w->askers[wait], w->tasks[wait], w->n[wait]), 0);
}

static void withdraw (struct world *w, struct aw_awaits *awaits, uint64_t *seed)
{
    struct aw_asker asker = w->askers[graphs_below (seed, w->n_waits)];

    if (graphs_below (seed, 2))
        asker.number = 0;
    if (!asker.number && graphs_below (seed, 2))
        asker.conn = 0;
    aw_awaits_remove (awaits, &asker);
    for (uint32_t i = 0; i < w->n_waits; i++)
        if (w->askers[i].node == asker.node && (!asker.conn || w->askers[i].conn == asker.conn)
            && (!asker.number || w->askers[i].number == asker.number))
            w->open[i] = false;
}

/* A wait is over as soon as all its tasks have ended, and not before; one that was withdrawn never.
 */
static void random_waits_end_with_their_last_task (void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 500; round++) {
        uint64_t seed = round * 7919;
        struct world w = { .n_waits = 0 };
        const struct aw_awaits_user user = { has_ended, over, &w };
        struct aw_awaits awaits;

        aw_awaits_init (&awaits, &user);
        for (int step = 0; step < 80; step++) {
            uint32_t task = graphs_below (&seed, TASKS);

            if (graphs_below (&seed, 2))
                add_wait (&w, &awaits, &seed);
            else if (w.n_waits && graphs_below (&seed, 8) == 0)
                withdraw (&w, &awaits, &seed);
            else {
                w.ended[task] = w.ended[task] || graphs_below (&seed, 3) == 0;
                if (graphs_below (&seed, 2))
                    aw_awaits_ended (&awaits, task);
                else
                    aw_awaits_look (&awaits);
            }
            if (graphs_below (&seed, 4) == 0)
                aw_awaits_look (&awaits);
        }
        aw_awaits_look (&awaits);
        for (uint32_t i = 0; i < w.n_waits; i++)
            assert_int_equal (w.open[i] && all_ended (&w, i), 0);
        aw_awaits_finish (&awaits);
    }
}

/* Without a look: the end of a task that is told is enough. */
static void an_end_that_is_told_ends_the_waits_for_it (void **state)
{
    struct world w = { .n_waits = 2,
                       .askers = { { 0, 1, 1 }, { 0, 1, 2 } },
                       .tasks = { { 3, 1, 3 }, { 1 } },
                       .n = { 3, 1 },
                       .open = { true, true } };
    const struct aw_awaits_user user = { has_ended, over, &w };
    struct aw_awaits awaits;

    (void)state;
    aw_awaits_init (&awaits, &user);
    assert_int_equal (aw_awaits_add (&awaits, &w.askers[0], w.tasks[0], 3), 0);
    assert_int_equal (aw_awaits_add (&awaits, &w.askers[1], w.tasks[1], 1), 0);
    aw_awaits_ended (&awaits, 1); /* not so */
    assert_true (w.open[0] && w.open[1]);
    w.ended[1] = true;
    aw_awaits_ended (&awaits, 1);
    assert_true (w.open[0] && !w.open[1]);
    w.ended[3] = true;
    aw_awaits_ended (&awaits, 3);
    assert_false (w.open[0]);
    aw_awaits_finish (&awaits);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_wrong_is_reported_and_changes_nothing),
        cmocka_unit_test (only_what_this_release_writes_is_a_submission),
        cmocka_unit_test (a_submission_becomes_a_set_of_one_task),
        cmocka_unit_test (what_is_taken_back_is_forgotten),
        cmocka_unit_test (random_waits_end_with_their_last_task),
        cmocka_unit_test (an_end_that_is_told_ends_the_waits_for_it),
    };

    return cmocka_run_group_tests_name ("submit", tests, NULL, NULL);
}
