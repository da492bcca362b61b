/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters whose values come from outside of the workflow file, and their texts in scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "adding.h"
#include "documents.h"

/* Loads DOCUMENT for a start with the parameters (up to NULL), and KEPT. */
static struct aw_workflow *start (const char *document,
                                  const char *const *words,
                                  const char *const *kept,
                                  struct aw_problems *problems)
{
    struct aw_strings lists[2] = { { 0 } };
    struct aw_workflow_input input = { .start = true, .parameters = &lists[0], .kept = &lists[1] };
    char path[] = "/tmp/aw-t-parameters-XXXXXX";
    FILE *file = fdopen (mkstemp (path), "w");
    struct aw_workflow *workflow;

    assert_non_null (file);
    for (const char *c = document; *c; c++)
        fputc (*c == '\'' ? '"' : *c, file);
    assert_int_equal (fclose (file), 0);
    for (; words && *words; words++)
        aw_strings_add (&lists[0], *words);
    for (; kept && *kept; kept++)
        aw_strings_add (&lists[1], *kept);
    aw_problems_init (problems);
    workflow = aw_workflow_load_with (path, &input, problems);
    assert_true ((workflow == NULL) == (problems->n_errors > 0));
    unlink (path);
    aw_strings_finish (&lists[0]);
    aw_strings_finish (&lists[1]);
    return workflow;
}

#define FILE_OF_TWO                                                                     \
    HEAD "'parameters': {'n': 2, 'data': {'env': 'AW_TEST_DATA', 'default': '/tmp'}}, " \
         "'tasks': {'a': {'count': '{n}', 'command': ['ls', '{data}']}}}"

static void what_is_given_is_wrong (void **state)
{
    static const struct {
        const char *word, *error;
    } table[] = {
        { "n", ": --param: \"n\": write name=value" },
        { "=1", ": --param: \"=1\": write name=value" },
        { "dat=1", ": --param: unknown parameter \"dat\": did you mean \"data\"?" },
        { "threads=1", ": --param: unknown parameter \"threads\": the file has the parameters n, "
                       "data" },
        { "n=x", ": tasks.a.count: {n} is \"x\": must be a number" },
        { "data=\xff", ": --param: data: the value is not UTF-8" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        const char *words[] = { table[i].word, NULL };
        struct aw_problems problems;

        assert_null (start (FILE_OF_TWO, words, NULL, &problems));
        assert_string_equal (strchr (problems.items[0].text, ':'), table[i].error);
        aw_problems_finish (&problems);
    }
}

static void what_is_given_counts_and_is_recorded (void **state)
{
    static const char *const words[] = { "n=5", "n=3", "data=a\"\\\n{index}", NULL };
    struct aw_problems problems;
    struct aw_workflow *w = start (FILE_OF_TWO, words, NULL, &problems), *again;
    static const char head[] = "{ \"$parameters\": {\"given\": {\"n\": \"3\", \"data\": "
                               "\"a\\\"\\\\\\n{index}\"}, \"environment\": {}},\n"
                               "\"async-workflow\": 1, ";

    (void)state;
    assert_int_equal (w->graph->sets[0].count, 3);
    assert_string_equal (w->recipes[0].command[1], "a\"\\\n{{index}}");
    assert_memory_equal (w->text, head, sizeof (head) - 1);
    assert_int_equal (w->text_size, strlen (w->text));
    assert_true (w->rewritten);
    aw_problems_finish (&problems);

    aw_problems_init (&problems);
    again = aw_workflow_parse (w->text, w->text_size, "copy", &problems);
    assert_non_null (again);
    assert_int_equal (again->graph->sets[0].count, 3);
    assert_string_equal (again->text, w->text);
    assert_false (again->rewritten);
    assert_int_equal (again->given.n, 2);
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);

    w = start (again->text, NULL, NULL, &problems); /* a later start keeps it */
    assert_string_equal (w->text, again->text);
    assert_false (w->rewritten);
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
    aw_workflow_destroy (again);
}

static void the_environment_is_read_at_a_start (void **state)
{
    struct aw_problems problems;
    struct aw_workflow *w, *again;

    (void)state;
    setenv ("AW_TEST_DATA", "/d 1", 1);
    w = start (FILE_OF_TWO, NULL, NULL, &problems);
    assert_string_equal (w->recipes[0].command[1], "/d 1");
    assert_non_null (strstr (w->text, "\"environment\": {\"data\": \"/d 1\"}},\n"));
    aw_problems_finish (&problems);

    setenv ("AW_TEST_DATA", "/d2", 1);
    aw_problems_init (&problems);
    again = aw_workflow_parse (w->text, w->text_size, "copy", &problems); /* no start */
    assert_string_equal (again->recipes[0].command[1], "/d 1");
    aw_problems_finish (&problems);
    aw_workflow_destroy (again);

    again = start (w->text, NULL, NULL, &problems);
    assert_string_equal (again->recipes[0].command[1], "/d2");
    assert_true (again->rewritten);
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
    aw_workflow_destroy (again);

    setenv ("AW_TEST_DATA", "", 1); /* as if it were not set */
    w = start (FILE_OF_TWO, NULL, NULL, &problems);
    assert_string_equal (w->recipes[0].command[1], "/tmp");
    assert_non_null (strstr (w->text, "{\"given\": {}, \"environment\": {}},\n"));
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
    unsetenv ("AW_TEST_DATA");
}

static void what_is_kept_may_be_gone (void **state)
{
    static const char *const kept[] = { "n=4", "old=1", NULL }, *const words[] = { "n=5", NULL };
    struct aw_problems problems;
    struct aw_workflow *w = start (FILE_OF_TWO, NULL, kept, &problems);

    (void)state;
    assert_int_equal (w->graph->sets[0].count, 4);
    assert_int_equal (problems.n_warnings, 1);
    assert_non_null (strstr (problems.items[0].text, "does not have the parameter old any more"));
    assert_null (strstr (w->text, "old"));
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
    w = start (FILE_OF_TWO, words, kept, &problems);
    assert_int_equal (w->graph->sets[0].count, 5);
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
}

/* A set whose script is SCRIPT, with {p} from outside and {q} from the file. */
static struct aw_workflow *script (const char *script, const char *p, struct aw_problems *problems)
{
    char document[512], word[128];
    const char *words[] = { word, NULL };

    snprintf (word, sizeof (word), "p-1=%s", p);
    snprintf (document, sizeof (document),
              HEAD "'parameters': {'p-1': 1, 'q': 'x y'}, 'tasks': {'a': {'script': '%s; echo {q} "
                   "{p-1}'}, 'b': {'script': 'echo {q}'}}}",
              script);
    return start (document, words, NULL, problems);
}

static void a_script_gets_one_word (void **state)
{
    struct aw_problems problems;
    struct aw_workflow *w = script ("echo", "a b{$", &problems);
    const struct aw_recipe *a = w->recipes;

    (void)state;
    assert_string_equal (a->script, "echo; echo x y a\\ b\\{{\\$");
    assert_int_equal (a->n_environment, 2);
    assert_string_equal (a->environment[0].name, "ASYNC_WORKFLOW_VALUE_p_1");
    assert_string_equal (a->environment[0].value, "a b{{$");
    assert_string_equal (w->recipes[1].script, "echo x y");
    assert_int_equal (w->recipes[1].n_environment, 1);
    assert_string_equal (w->recipes[1].environment[0].name, "ASYNC_WORKFLOW_VALUE_q");
    assert_string_equal (w->recipes[1].environment[0].value, "x y");
    assert_int_equal (problems.n_warnings, 0);
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);

    w = script ("echo \\\"{p-1}\\\"", "a", &problems);
    assert_int_equal (problems.n_warnings, 1);
    assert_non_null (strstr (problems.items[0].text, "tasks.a.script: {p-1} stands within quotes"));
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);

    assert_null (script ("echo", "a\nb", &problems));
    assert_non_null (strstr (problems.items[0].text, "a script gets it in one line"));
    aw_problems_finish (&problems);

    assert_null (script ("#!/usr/bin/env python3\\n", "a b", &problems));
    assert_non_null (strstr (problems.items[0].text, "only a shell gets unchanged"));
    aw_problems_finish (&problems);

    w = script ("#!/usr/bin/env python3\\n", "0.5", &problems);
    assert_non_null (w);
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
}

static void wrong_forms_and_records (void **state)
{
    static const struct expected errors[] = {
        { HEAD "'parameters': {'p': {'env': 'AW_TEST_NONE'}}, 'tasks': {'a': {'script': '{p}'}}}",
          "parameters.p: the environment has no AW_TEST_NONE: set it, give --param p=VALUE, or add "
          "a \"default\"" },
        { HEAD "'parameters': {'p': {'default': 1}}, 'tasks': {'a': {'script': '{p}'}}}",
          "parameters.p: \"env\", the name of a variable, is missing" },
        { HEAD "'parameters': {'p': {'env': '$HOME'}}, 'tasks': {'a': {'script': '{p}'}}}",
          "parameters.p.env: \"$HOME\" is not a variable's name: write it as \"SCRATCH\"" },
        { HEAD "'parameters': {'p': {'envv': 'X'}}, 'tasks': {'a': {'script': '{p}'}}}",
          "parameters.p: unknown key \"envv\": did you mean \"env\"?" },
        { HEAD "'parameters': {'p': {'env': 'X', 'default': true}}, "
               "'tasks': {'a': {'script': '{p}'}}}",
          "parameters.p.default: must be text or a number, not true" },
        { HEAD "'$parameters': {}, 'tasks': {'a': {'script': 'x'}}}",
          "unknown key \"$parameters\": did you mean \"parameters\"?" },
        { "{ '$parameters': {'given': {}},\n'async-workflow': 1, 'tasks': {'a': {'script': 'x'}}}",
          "$parameters: damaged: remove it, and give --param again" },
        { "{ '$parameters': {'given': {}, 'environment': 1},\n'async-workflow': 1}",
          "$parameters: must be an object, {...}, not a number" },
        { "{ '$parameters': 1, 'async-workflow': 1, 'tasks': {'a': {'script': 'x'}}}",
          "$parameters: damaged: remove it, and give --param again" },
    };

    (void)state;
    unsetenv ("AW_TEST_NONE");
    expect_each (errors, LENGTH (errors), false);
}

static void an_added_workflow_does_not_read_the_environment (void **state)
{
    static const char added[] = "{\"async-workflow\": 1, \"parameters\": {\"p\": {\"env\": "
                                "\"HOME\"}}, \"tasks\": {\"b\": {\"script\": \"{p}\"}}}";
    struct aw_workflow *w = parse_good (HEAD "'tasks': {'a': {'script': 'x'}}}");
    struct aw_problems problems;

    (void)state;
    aw_problems_init (&problems);
    assert_int_equal (add_text (w, added, &problems), -1);
    assert_string_equal (problems.items[0].text, "a.json: parameters.p: an added workflow does not "
                                                 "read the environment: write the value");
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_given_is_wrong),
        cmocka_unit_test (what_is_given_counts_and_is_recorded),
        cmocka_unit_test (the_environment_is_read_at_a_start),
        cmocka_unit_test (what_is_kept_may_be_gone),
        cmocka_unit_test (a_script_gets_one_word),
        cmocka_unit_test (wrong_forms_and_records),
        cmocka_unit_test (an_added_workflow_does_not_read_the_environment),
    };

    cmocka_set_message_output (CM_OUTPUT_TAP);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
