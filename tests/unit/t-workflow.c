/* SPDX-License-Identifier: Apache-2.0 */
/* What a good workflow file becomes; and files that are none. */
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

#include "documents.h"

static void values_of_the_file_reach_the_graph (void **state)
{
    struct aw_workflow *w = parse_good (
        HEAD
        "'name': 'my.flow', 'parameters': {'sims': 96, 'half': '0.5', 'two': 2.0, 'on': 'skip', "
        "'t': '30'},"
        "'iterations': '{two}',"
        "'defaults': {'cpus': 4, 'retries': 1, 'mem': '1K', 'directory': 'd', 'count': '{sims}',"
        "  'environment': {'A': 'a', 'B': 'b'}},"
        "'tasks': {"
        "  'simulate': {'after': ['simulate[i]@-1', 'late'], 'gpus': 1, 'duration': 340, "
        "'command': ['sim', '{index}'],"
        "    'environment': {'B': 'mine', 'C': '{sims}'}},"
        "  'late': {'count': 1e0, 'cpus': 2.0, 'mem': 4096, 'time_limit': '1h{t}m', 'retries': 0, "
        "'ranks': 1,"
        "    'nodes': 1, 'launch': 'pool', 'on_failure': '{on}', 'directory': 'e', 'stdout': 'o', "
        "'stderr': '/e',"
        "    'duration': '1.5m', 'script': 'true'}}}");
    const struct aw_set *simulate = &w->graph->sets[0], *late = &w->graph->sets[1];

    (void)state;
    assert_string_equal (w->name, "my.flow");
    assert_int_equal (w->graph->n_sets, 2);
    assert_int_equal (w->graph->iterations, 2);
    assert_true (w->graph->iterated);
    assert_int_equal (w->graph->n_tasks, 194);
    assert_string_equal (simulate->name, "simulate");
    assert_int_equal (simulate->count, 96);
    assert_int_equal (simulate->cpus, 4);
    assert_int_equal (simulate->gpus, 1);
    assert_int_equal (simulate->mem, 1024);
    assert_int_equal (simulate->retry.count, 1);
    assert_true (simulate->duration == 340.);
    assert_true (isinf (simulate->time_limit));
    assert_int_equal (simulate->on_failure, AW_ON_FAILURE_STOP);
    assert_int_equal (simulate->n_after, 2);
    assert_true (simulate->after[0].by == AW_BY_INDEX && simulate->after[0].back == 1
                 && simulate->after[0].set == 0);
    assert_true (simulate->after[1].by == AW_BY_SET && simulate->after[1].back == 0
                 && simulate->after[1].set == 1);
    assert_int_equal (simulate->rank, 1);
    assert_int_equal (late->count, 1);
    assert_int_equal (late->cpus, 2);
    assert_int_equal (late->mem, 4096);
    assert_int_equal (late->retry.count, 0);
    assert_true (late->time_limit == 5400.);
    assert_true (late->duration == 90.);
    assert_int_equal (late->on_failure, AW_ON_FAILURE_SKIP);
    assert_string_equal (w->recipes[0].command[0], "sim");
    assert_string_equal (w->recipes[0].command[1], "{index}");
    assert_null (w->recipes[0].command[2]);
    assert_null (w->recipes[0].script);
    assert_string_equal (w->recipes[0].directory, "d");
    assert_null (w->recipes[0].out);
    assert_int_equal (w->recipes[0].n_environment, 3);
    assert_string_equal (w->recipes[0].environment[0].name, "A");
    assert_string_equal (w->recipes[0].environment[1].name, "B");
    assert_string_equal (w->recipes[0].environment[1].value, "mine");
    assert_string_equal (w->recipes[0].environment[2].value, "96");
    assert_null (w->recipes[1].command);
    assert_string_equal (w->recipes[1].script, "true");
    assert_string_equal (w->recipes[1].directory, "e");
    assert_string_equal (w->recipes[1].out, "o");
    assert_string_equal (w->recipes[1].err, "/e");
    assert_int_equal (w->recipes[1].n_environment, 2);
    assert_int_equal (strlen (w->text), w->text_size);
    aw_workflow_destroy (w);
    aw_workflow_destroy (NULL);
}

/* What task 17 of iteration 2 is given for an argument, and for a script. Parameters: n 96, brace
 * "{index}}", e "". */
static void placeholders_are_replaced (void **state)
{
    static const struct {
        const char *text;
        const char *argument;
        const char *script;
    } table[] = {
        { "", "", NULL },
        { "x", "x", "x" },
        { "{index}", "17", "17" },
        { "a{iteration}b", "a2b", "a2b" },
        { "{task}", "sim@2[17]", "sim@2[17]" },
        { "{run}/x", "/r/x", "/r/x" },
        { "{n}", "96", "96" },
        { "{n}{index}{n}", "961796", "961796" },
        { "{half}", "0.50", "0.50" },
        { "{big}", "1000", "1000" },
        { "{brace}", "{index}}",
          "{index}}" }, /* what a parameter brings in is not looked at again */
        { "{e}x", "x", "x" },
        { "{{index}}", "{index}", "{index}" },
        { "{{quux}}", "{quux}", "{{quux}}" }, /* a script's braces are the shell's */
        { "{{{index}}}", "{17}", "{17}" },
        { "{{{{index}}}}", "{{index}}", "{{index}}" },
        { "{{index}", "{17", "{17" },
        { "{index}}", "17}", "17}" },
        { "{a: {b: {index}}}", "{a: {b: 17}}", "{a: {b: 17}}" },
        { "{} }{ {{ }} {1} { index }", "{} }{ {{ }} {1} { index }", "{} }{ {{ }} {1} { index }" },
        { "{index", "{index", "{index" },
        { "${HOME}", "${HOME}", "${HOME}" },
        { "${index}", "${index}", "${index}" },
        { "f() { awk {print}; }", NULL, "f() { awk {print}; }" },
        { "\xc3\xa4{index}\xe2\x82\xac",
          "\xc3\xa4"
          "17\xe2\x82\xac",
          "\xc3\xa4"
          "17\xe2\x82\xac" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++)
        for (int script = 0; script < 2; script++) {
            const char *expected = script ? table[i].script : table[i].argument;
            char document[1000], *expanded;
            struct aw_workflow *w;

            if (!expected)
                continue;
            snprintf (document, sizeof (document),
                      HEAD "'iterations': 3, 'parameters': {'n': 96, 'half': 0.50, 'big': 1e3, "
                           "'brace': '{index}}', 'e': ''},"
                           "'tasks': {'sim': {'count': 18, '%s%s%s}}}",
                      script ? "script': '" : "command': ['x', '", table[i].text,
                      script ? "'" : "']");
            w = parse_good (document);
            expanded =
                aw_recipe_expand (script ? w->recipes[0].script : w->recipes[0].command[1], w,
                                  aw_graph_task_id (w->graph, (struct aw_task){ 2, 0, 17 }), "/r");
            assert_non_null (expanded);
            assert_string_equal (expanded, expected);
            free (expanded);
            aw_workflow_destroy (w);
        }
}

static void without_iterations_names_have_none (void **state)
{
    struct aw_workflow *w = parse_good (ONE ("'stdout': '{task}-{iteration}'"));
    char *text = aw_recipe_expand (w->recipes[0].out, w, 0, "/r");

    (void)state;
    assert_string_equal (text, "a[0]-0");
    assert_string_equal (w->name, "f");
    assert_false (w->graph->iterated);
    free (text);
    aw_workflow_destroy (w);
}

/* Texts that parameters or defaults multiply are bounded. */
/* Wherever they stand in the file, sets that run once come last. */
static void once_sets_come_after_the_others (void **state)
{
    struct aw_workflow *workflow = parse_good (
        "{'async-workflow': 1, 'iterations': 2, 'tasks': {"
        "'index': {'once': true, 'foreach': {'s': [1, 2]}, 'command': ['{iteration}', '{task}']},"
        "'sum': {'once': true, 'after': ['cut[i]', 'align'], 'count': 2, 'command': ['x']},"
        "'align': {'once': false, 'after': ['index'], 'command': ['{iteration}', '{task}']},"
        "'cut': {'once': true, 'after': ['index[s]', 'align'], 'foreach': {'s': [1, 2]}, "
        "'command': ['{s}']}}}");
    static const char *const names[] = { "align", "index", "sum", "cut" };
    static const enum aw_phase phases[] = { AW_PHASE_ITERATED, AW_PHASE_BEFORE, AW_PHASE_AFTER,
                                            AW_PHASE_AFTER };
    const struct aw_graph *graph = workflow->graph;
    char *text;

    (void)state;
    assert_int_equal (graph->n_sets, 4);
    assert_int_equal (graph->n_iterated, 1);
    assert_int_equal (graph->n_tasks, 2 + 2 + 2 + 2);
    for (uint32_t s = 0; s < 4; s++) {
        assert_string_equal (graph->sets[s].name, names[s]);
        assert_int_equal (graph->sets[s].phase, phases[s]);
    }
    text = aw_recipe_expand (workflow->recipes[1].command[1], workflow, 3, "run");
    assert_string_equal (text, "index[1]");
    free (text);
    text = aw_recipe_expand (workflow->recipes[1].command[0], workflow, 3, "run");
    assert_string_equal (text, "0");
    free (text);
    text = aw_recipe_expand (workflow->recipes[0].command[1], workflow, 1, "run");
    assert_string_equal (text, "align@1[0]");
    free (text);
    text = aw_recipe_expand (workflow->recipes[3].command[0], workflow, 7, "run");
    assert_string_equal (text, "2");
    free (text);
    aw_workflow_destroy (workflow);
}

static void what_parameters_multiply_is_bounded (void **state)
{
    enum { N = 120000, LONG = 100000 };
    char *document = malloc (LONG + 8 * N + 1000), *p = document;
    struct aw_problems problems;

    (void)state;
    assert_non_null (document);
    p += sprintf (p, HEAD "'parameters': {'q': '");
    memset (p, 'y', LONG);
    p += LONG;
    p += sprintf (p, "'}, 'tasks': {'a': {'command': ['x'");
    for (int i = 0; i < N; i++)
        p += sprintf (p, ",'{q}'");
    sprintf (p, "]}}}");
    assert_null (parse_document (document, &problems));
    assert_int_equal (problems.n_errors, 1);
    assert_non_null (strstr (problems.items[0].text, "have more than 256 MiB"));
    aw_problems_finish (&problems);
    sprintf (p - (ptrdiff_t)6 * (N - 1), ",'{q}{q}{q}']}}}");
    assert_null (parse_document (document, &problems));
    assert_non_null (
        strstr (problems.items[0].text, "with its parameters it is longer than 131071 bytes"));
    aw_problems_finish (&problems);
    free (document);
}

static void demands_are_read (void **state)
{
    static const struct aw_demand small = { .cpus = 4, .gpus = 0, .mem = 1 << 20 };
    static const struct aw_demand unknown = { .cpus = UINT32_MAX,
                                              .gpus = UINT32_MAX,
                                              .mem = UINT64_MAX };
    char path[] = "/tmp/aw-t-workflow-XXXXXX";
    int fd = mkstemp (path);
    FILE *file = fdopen (fd, "w");
    struct aw_problems problems;
    struct aw_workflow *w;

    (void)state;
    fputs ("{\"async-workflow\": 1, \"tasks\": {\"a\": {\"command\": [\"x\"], \"cpus\": 5, "
           "\"gpus\": 1, \"mem\": \"2M\"}}}",
           file);
    fclose (file);
    aw_problems_init (&problems);
    w = aw_workflow_load_with (path, &(struct aw_workflow_input){ .node = &unknown }, &problems);
    assert_non_null (w);
    assert_memory_equal (w->name, "aw-t-workflow-", 14);
    aw_workflow_destroy (w);
    assert_null (
        aw_workflow_load_with (path, &(struct aw_workflow_input){ .node = &small }, &problems));
    assert_int_equal (problems.n_errors, 3);
    assert_non_null (strstr (problems.items[0].text,
                             ": tasks.a.cpus: a task needs 5, but no node has more than 4: "));
    assert_non_null (strstr (problems.items[1].text,
                             ": tasks.a.gpus: a task needs 1, but no node has more than 0: "));
    assert_non_null (
        strstr (problems.items[2].text,
                ": tasks.a.mem: a task needs 2.0 MiB, but no node has more than 1.0 MiB: "));
    aw_problems_finish (&problems);
    unlink (path);
}

static void files_that_cannot_be_read_are_told (void **state)
{
    char directory[] = "/tmp/aw-t-workflow-XXXXXX", path[64], expected[128];
    struct aw_problems problems;

    (void)state;
    assert_non_null (mkdtemp (directory));
    aw_problems_init (&problems);
    snprintf (path, sizeof (path), "%s/f", directory);
    assert_null (aw_workflow_load (path, &problems));
    snprintf (expected, sizeof (expected), "%s: cannot be read: No such file or directory", path);
    assert_string_equal (problems.items[0].text, expected);
    assert_null (aw_workflow_load (directory, &problems));
    assert_non_null (strstr (problems.items[1].text, ": is a directory: give a file"));
    assert_int_equal (mkfifo (path, 0600), 0);
    assert_null (aw_workflow_load (path, &problems)); /* at once, though nobody writes */
    assert_non_null (
        strstr (problems.items[2].text, ": is not a regular file: copy it to one first"));
    unlink (path);
    assert_null (aw_workflow_load ("/dev/zero", &problems));
    assert_non_null (strstr (problems.items[3].text, "/dev/zero: is not a regular file"));
    fclose (fopen (path, "w"));
    assert_null (aw_workflow_load (path, &problems));
    assert_non_null (strstr (problems.items[4].text, ": is empty"));
    assert_int_equal (truncate (path, AW_WORKFLOW_MAX_BYTES + 1), 0);
    assert_null (aw_workflow_load (path, &problems));
    assert_non_null (strstr (problems.items[5].text, ": has 64 MiB: at most 64 MiB are allowed"));
    unlink (path);
    rmdir (directory);
    aw_problems_finish (&problems);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (values_of_the_file_reach_the_graph),
        cmocka_unit_test (placeholders_are_replaced),
        cmocka_unit_test (without_iterations_names_have_none),
        cmocka_unit_test (once_sets_come_after_the_others),
        cmocka_unit_test (what_parameters_multiply_is_bounded),
        cmocka_unit_test (demands_are_read),
        cmocka_unit_test (files_that_cannot_be_read_are_told),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
