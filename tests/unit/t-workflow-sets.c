/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in how task sets depend on each other and run once, and what is likely wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "documents.h"

/* Two sets: b of 8 tasks, after what is given, and a of 4. */
#define AFTER(array)                                                                         \
    HEAD "'iterations': 2, 'tasks': {'a': {'command': ['x'], 'count': 4}, 'b': {'command': " \
         "['x'], 'count': 8, 'after': " array "}}}"

static void wrong_dependences_are_told (void **state)
{
    static const struct expected table[] = {
        { AFTER ("['a[i]']"),
          "tasks.b.after[0]: [i] needs sets of one size: a has 4 tasks, b has 8" },
        { AFTER ("['a[i]@-1']"),
          "tasks.b.after[0]: [i] needs sets of one size: a has 4 tasks, b has 8" },
        { AFTER ("['a', 'a']"), "tasks.b.after[1]: the same as [0]: remove one" },
        { AFTER ("['b@-1', 'a', 'b@-1']"), "tasks.b.after[2]: the same as [0]: remove one" },
        { AFTER ("['b@-1', 'b[i]@-1']"), "tasks.b.after[1]: the same set as in [0], once with [i] "
                                         "and once as a whole: remove one" },
        { AFTER ("['aa']"), "tasks.b.after[0]: unknown task set \"aa\": did you mean \"a\"?" },
        { AFTER ("['quux']"),
          "tasks.b.after[0]: unknown task set \"quux\": write the name of a set in \"tasks\"" },
        { AFTER ("['a@-0']"), "tasks.b.after[0]: \"a@-0\": @-0 is this iteration: write \"a\"" },
        { AFTER ("['a@1']"), "tasks.b.after[0]: \"a@1\": a task can wait only for earlier "
                             "iterations: write \"a@-1\"" },
        { AFTER ("['a@+1']"), "tasks.b.after[0]: \"a@+1\": a task can wait only for earlier "
                              "iterations: write \"a@-1\"" },
        { AFTER ("['a@-1[i]']"),
          "tasks.b.after[0]: \"a@-1[i]\": [i] comes before @: write \"a[i]@-1\"" },
        { AFTER ("['a[0]']"), "tasks.b.after[0]: \"a[0]\": brackets hold i, for the task with the "
                              "same index, or names of variables: write \"a[i]\", \"a[sample]\", "
                              "or \"a\" for all" },
        { AFTER ("['']"), "tasks.b.after[0]: \"\": a task set's name is missing" },
        { AFTER ("['[i]']"), "tasks.b.after[0]: \"[i]\": a task set's name is missing" },
        { AFTER ("['a@']"), "tasks.b.after[0]: \"a@\": after @ comes the number of iterations to "
                            "look back: write \"a@-1\"" },
        { AFTER ("['a@-x']"), "tasks.b.after[0]: \"a@-x\": after @ comes the number of iterations "
                              "to look back: write \"a@-1\"" },
        { AFTER ("['a@-9999999999']"),
          "tasks.b.after[0]: \"a@-9999999999\": too many iterations: at most 9 digits" },
        { AFTER ("['a]']"),
          "tasks.b.after[0]: \"a]\": write \"set\", \"set[i]\", \"set[variable]\", "
          "\"set@-1\" or \"set[i]@-1\"" },
        { AFTER ("'a'"), "tasks.b.after: must be an array, not text: write [\"a\"]" },
        { AFTER ("[5]"), "tasks.b.after[0]: must be text, not a number: write \"5\"" },
        { AFTER ("['b']"), "tasks.b: cycle: b -> b: none of these task sets can start" },
        { AFTER ("['b[i]']"), "tasks.b: cycle: b -> b: none of these task sets can start" },
        { HEAD "'tasks': {'c': {'command': ['x'], 'after': ['b']}, 'a': {'command': ['x'], "
               "'after': ['c']},"
               "'b': {'command': ['x'], 'after': ['a']}, 'd': {'command': ['x'], 'after': ['c']}}}",
          "tasks.c: cycle: c -> a -> b -> c: none of these task sets can start" },
    };
    static const struct expected warnings[] = {
        { AFTER ("['a@-2']"), "tasks.b.after[0]: waits for nothing: there are 2 iterations" },
        { ONE ("'after': ['a@-1']"),
          "tasks.a.after[0]: waits for nothing: the workflow has no \"iterations\"" },
    };

    (void)state;
    expect_each (table, LENGTH (table), false);
    expect_each (warnings, LENGTH (warnings), true);
}

/* A set "a", iterated, and "b", once; TOP and what A and B have. */
#define ONCE(top, a, b)                                                                            \
    HEAD top "'tasks': {'b': {'once': true, 'command': ['x']" b "}, 'a': {'command': ['x']" a "}}" \
             "}"

#define THREE "'iterations': 3, "

static void wrong_once_sets_are_told (void **state)
{
    static const struct expected table[] = {
        { ONCE (THREE, ", 'once': 1", ""), "tasks.a.once: must be true or false" },
        { ONCE (THREE, ", 'once': 'true'", ""), "tasks.a.once: must be true or false" },
        { HEAD THREE "'defaults': {'once': true}, 'tasks': {'a': {'command': ['x']}}}",
          "defaults: \"once\" cannot be a default: give it in each task set" },
        { ONCE (THREE, ", 'once': true", ""),
          "tasks: all sets have \"once\": none is left for the iterations: remove it from those "
          "that are repeated" },
        { ONCE (THREE, "", ", 'after': ['a@-1']"),
          "tasks.b.after[0]: b runs once, not in each iteration: write \"a\"" },
        { ONCE (THREE, "", ", 'after': ['b@-1']"),
          "tasks.b.after[0]: b runs once, not in each iteration: write \"b\"" },
        { ONCE (THREE, ", 'after': ['b@-2']", ""),
          "tasks.a.after[0]: b runs once, not in each iteration: write \"b\"" },
        { ONCE (THREE, "", ", 'after': ['a[i]']"),
          "tasks.b.after[0]: [i]: b runs once, a in each iteration: write \"a\", which waits for "
          "all of it" },
        { ONCE (THREE, ", 'after': ['b[i]']", ""),
          "tasks.a.after[0]: [i]: b runs once, a in each iteration: write \"b\", which waits for "
          "all of it" },
        { ONCE (THREE, ", 'foreach': {'s': [1, 2]}",
                ", 'foreach': {'s': [1, 2]}, 'after': ['a[s]']"),
          "tasks.b.after[0]: [s]: b runs once, a in each iteration: write \"a\", which waits for "
          "all of it" },
        { ONCE ("'iterations': 1, ", ", 'after': ['b[i]']", ""),
          "tasks.a.after[0]: [i]: b runs once, a in each iteration: write \"b\", which waits for "
          "all of it" },
        { ONCE (THREE, "}, 'c': {'command': ['x'], 'after': ['b']", ", 'after': ['a']"),
          "tasks.b: runs once, after all iterations, but c waits for it in each: a once set is "
          "before or after the iterations" },
        { ONCE (THREE, ", 'after': ['b']", ", 'after': ['a']"),
          "tasks.a: cycle: a -> b -> a: none of these task sets can start" },
        { ONCE ("'iterations': {'max': 3, 'until': 'b'}, ", "", ""),
          "iterations.until: b runs once: give a set that iterations repeat" },
        { ONCE ("'iterations': 9999999, ", "", ", 'count': 2"),
          "tasks: 10000001 tasks in all iterations: at most 10000000 are possible" },
    };
    static const struct expected warnings[] = {
        { ONCE ("", "", ""), "tasks.b.once: has no effect: the workflow has no \"iterations\"" },
        { ONCE (THREE, ", 'stdout': 'o'", ", 'stdout': 'p'"),
          "tasks.a.stdout: every iteration overwrites this file: add {iteration}, or \"once\": "
          "true to the set" },
    };

    (void)state;
    expect_each (table, LENGTH (table), false);
    expect_each (warnings, LENGTH (warnings), true);
}

static void what_is_likely_wrong_is_warned_of (void **state)
{
    static const struct expected table[] = {
        { HEAD "'parameters': {'p': 1}, 'tasks': {'a': {'command': ['x']}}}",
          "parameters.p: is not used: write {p} where it belongs" },
        { HEAD "'parameters': {'p': '{index}'}, 'tasks': {'a': {'command': ['{p}']}}}",
          "parameters.p: {index} within a parameter is not replaced: write it where the parameter "
          "is used" },
        { ONE ("'duration': '1h', 'time_limit': '1m'"),
          "tasks.a: its duration, 3600 s, is above its time_limit, 60 s: every task would be "
          "killed" },
        { ONE ("'count': 4, 'stdout': 'o'"),
          "tasks.a.stdout: all tasks of the set write to this file: add {index}" },
        { HEAD "'iterations': 2, 'tasks': {'a': {'command': ['x'], 'stderr': 'o'}}}",
          "tasks.a.stderr: every iteration overwrites this file: add {iteration}, or \"once\": "
          "true to the set" },
        { HEAD "'tasks': {'a': {'command': ['x', '${index}']}}}",
          "tasks.a.command[1]: ${index} is a shell variable and stays as it is: for the "
          "placeholder "
          "write {index}" },
        { HEAD "'tasks': {'a': {'command': ['python3 train.py --lr 0.1']}}}",
          "tasks.a.command: \"python3 train.py --lr 0.1\" is one word, the name of a program: make "
          "each argument an element, or use \"script\"" },
        { HEAD "'tasks': {'a': {'command': ['cat', 'x', '|', 'wc']}}}",
          "tasks.a.command: \"|\" is an argument here, because no shell reads a command: use "
          "\"script\"" },
        { HEAD "'tasks': {'a': {'command': ['x', '$HOME/data']}}}",
          "tasks.a.command[1]: $HOME is not replaced, because no shell reads it: write its value, "
          "or a parameter" },
        { ONE ("'directory': '~/x'"),
          "tasks.a.directory: \"~\" is not replaced, because no shell reads it: write the path" },
        { ONE ("'stdout': '${SCRATCH}/o'"),
          "tasks.a.stdout: ${SCRATCH} is not replaced, because no shell reads it: write its value, "
          "or a parameter" },
        { ONE ("'environment': {'PATH': '/opt/x:$PATH'}"),
          "tasks.a.environment.PATH: $PATH is not replaced, because no shell reads it: write its "
          "value, or set PATH in \"script\", with export" },
        { ONE ("'stdout': 'slurm-%j.out'"),
          "tasks.a.stdout: %j is not replaced: write {task}, {index} or {run}" },
        { HEAD "'defaults': {'stdout': 'o'}, 'tasks': {'a': {'command': ['x']}, 'b': {'command': "
               "['x']}}}",
          "tasks.b.stdout: tasks of a write to this file too, and each task empties it: add "
          "{task}" },
        { HEAD "'tasks': {'a': {'script': '#!python3\\n'}}}",
          "tasks.a.script: \"#!\" without an absolute path has no effect: write, for instance, "
          "#!/bin/bash or #!/usr/bin/env python3" },
        { HEAD "'tasks': {'a': {'script': 'echo {indx} {a,b} ${index} | awk {print}'}}}",
          "tasks.a.script: {indx} is not a placeholder and is left to the shell: did you mean "
          "{index}?" },
    };
    static const char *const fine[] = {
        ONE ("'count': 4, 'stdout': 'o{index}', 'stderr': '{task}'"),
        ONE ("'count': 4, 'stdout': 'o', 'directory': 'd{index}'"),
        ONE ("'count': 4, 'stdout': '/dev/null'"),
        ONE ("'duration': 60, 'time_limit': 60"),
        ONE ("'stdout': 'o', 'stderr': 'o'"),
        HEAD "'tasks': {'a': {'command': ['sh', '-c', 'cd ~ && ls $HOME | wc']}}}",
        HEAD "'tasks': {'a': {'command': ['awk', '$NF > 1', '>']}}}",
        HEAD "'tasks': {'a': {'command': ['find', '.', '-exec', 'rm', '{}', ';']}}}",
        HEAD "'tasks': {'a': {'stdout': 'x/o', 'command': ['x']}, 'b': {'stdout': 'o', "
             "'directory': 'y', 'command': ['x']}}}",
    };

    (void)state;
    expect_each (table, LENGTH (table), true);
    for (size_t i = 0; i < LENGTH (fine); i++) {
        struct aw_problems problems;

        aw_workflow_destroy (parse_document (fine[i], &problems));
        assert_int_equal (problems.n_warnings, 0);
        aw_problems_finish (&problems);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_dependences_are_told),
        cmocka_unit_test (wrong_once_sets_are_told),
        cmocka_unit_test (what_is_likely_wrong_is_warned_of),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
