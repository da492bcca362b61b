/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in a workflow file, with its place and a hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "documents.h"

static void wrong_json_is_told_with_its_place (void **state)
{
    static const struct expected table[] = {
        { "", "is empty: a workflow is an object, {...}: see async-workflow-file(5)" },
        { " \n\t", "is empty: a workflow is an object, {...}: see async-workflow-file(5)" },
        { "[]", "a workflow is an object, {...}: see async-workflow-file(5)" },
        { "null", "a workflow is an object, {...}: see async-workflow-file(5)" },
        { "'x'", "a workflow is an object, {...}: see async-workflow-file(5)" },
        { "17", "a workflow is an object, {...}: see async-workflow-file(5)" },
        { "{} {}", "line 1, column 4: \"{\" where the end of the file is expected" },
        { "{\n  'a': NaN}", "line 2, column 8: NaN: JSON has no such number" },
        { "{'a': -Infinity}", "line 1, column 8: Infinity: JSON has no such number" },
        { "{'a': True}", "line 1, column 7: True: write true" },
        { "{'a': yes}", "line 1, column 7: yes is not a JSON value: write text in double quotes" },
        { "{'a': truex}",
          "line 1, column 7: truex is not a JSON value: write text in double quotes" },
        { "{a: 1}", "line 1, column 2: a key without quotes: write it in double quotes" },
        { "{'a': 1,}", "line 1, column 8: a comma before \"}\": remove it" },
        { "{'a': [1,]}", "line 1, column 9: a comma before \"]\": remove it" },
        { "{,}", "line 1, column 2: \",\" where a key in double quotes is expected" },
        { "{'a' 1}", "line 1, column 6: \"1\" where \":\" after a key is expected" },
        { "{'a': 1 'b': 2}", "line 1, column 9: text where \",\" or \"}\" is expected" },
        { "{'a': [1 2]}", "line 1, column 10: \"2\" where \",\" or \"]\" is expected" },
        { "{'a': 01}", "line 1, column 7: a number does not begin with 0: leave out the zero" },
        { "{'a': +1}", "line 1, column 7: \"+\" where a value is expected" },
        { "{'a': .5}", "line 1, column 7: \".\" where a value is expected" },
        { "{'a': 5.}", "line 1, column 9: \"}\" where a digit is expected" },
        { "{'a': 1e}", "line 1, column 9: \"}\" where a digit is expected" },
        { "{'a': -}", "line 1, column 8: \"}\" where a digit is expected" },
        { "{'a': 1h}", "line 1, column 7: letters after a number: write text in double quotes, as "
                       "\"1h\" or \"4G\"" },
        { "{'a': 0x10}", "line 1, column 7: letters after a number: write text in double quotes, "
                         "as \"1h\" or \"4G\"" },
        { "// x\n{}", "line 1, column 1: JSON has no comments: remove it" },
        { "{'a': 1 # x\n}", "line 1, column 9: JSON has no comments: remove it" },
        { "{'a': 'x", "line 1, column 7: a text without its closing double quote: add it" },
        { "{'a': 'x\ny'}",
          "line 1, column 9: the line ends within a text: close the double quote, or write \\n" },
        { "{'a': 'x\ty'}", "line 1, column 9: control character 0x09 within text: write \\u0009" },
        { "{'a': '\\x'}",
          "line 1, column 8: an escape that JSON does not have: write a backslash as \\\\" },
        { "{'a': '\\ud800'}", "line 1, column 8: \\ud800 is half a character, and the other half "
                              "does not follow: write "
                              "the character itself" },
        { "{\n 'a': 'x\\uD800\\u0041'}", "line 2, column 9: \\uD800 is half a character, and the "
                                         "other half does not follow: write "
                                         "the character itself" },
        { "{'a': '\\ude00'}",
          "line 1, column 8: \\ude00 is half a character, and the other half is not before it: "
          "write the character itself" },
        { "{'a': '\\u12g4'}",
          "line 1, column 8: \\u without four hexadecimal digits: write a backslash as \\\\" },
        { "{'a': '\\u12'}",
          "line 1, column 8: \\u without four hexadecimal digits: write a backslash as \\\\" },
        { "{'a\\u0000': 1}", "line 1, column 2: a key with \\u0000 in it: leave it out" },
        { "{\n 'a': [\n",
          "line 3, column 1: the file ends inside what opens in line 2, column 7: add \"]\"" },
        { "{'a':",
          "line 1, column 6: the file ends inside what opens in line 1, column 1: add \"}\"" },
        { "\xef\xbb\xbf{'a': 'x\ty'}",
          "line 1, column 9: control character 0x09 within text: write \\u0009" },
        { "{'\xc3\xa4': '\xff'}",
          "line 1, column 8: byte 0xff is not UTF-8: save the file as UTF-8" },
        { "{'a': '\xc0\x80'}", "line 1, column 8: byte 0xc0 is not UTF-8: save the file as UTF-8" },
        { "{'a': '\xed\xa0\x80'}",
          "line 1, column 8: byte 0xed is not UTF-8: save the file as UTF-8" },
        { "{'a': '\xf4\x90\x80\x80'}",
          "line 1, column 8: byte 0xf4 is not UTF-8: save the file as UTF-8" },
        { "{'a': '\xe2\x82'}", "line 1, column 8: byte 0xe2 is not UTF-8: save the file as UTF-8" },
        { "\xff\xfe{", "line 1, column 1: byte 0xff is not UTF-8: save the file as UTF-8" },
        { "{\v}", "line 1, column 2: control character 0x0b: a key in double quotes is expected" },
    };
    struct aw_problems problems;

    (void)state;
    expect_each (table, LENGTH (table), false);
    aw_problems_init (&problems);
    assert_null (aw_workflow_parse ("{\0}", 3, "f", &problems)); /* the NUL does not end the text */
    assert_string_equal (problems.items[0].text,
                         "f: line 1, column 2: a NUL byte: a key in double quotes is expected");
    assert_null (aw_workflow_parse ("{\"a", 2, "f", &problems)); /* SIZE counts */
    assert_string_equal (problems.items[1].text,
                         "f: line 1, column 2: a text without its closing double quote: add it");
    aw_problems_finish (&problems);
}

static void nesting_has_a_limit (void **state)
{
    char deep[20001];

    (void)state;
    memset (deep, '[', 10000);
    memset (deep + 10000, ']', 10000);
    deep[20000] = '\0';
    expect_one (deep, false, "line 1, column 65: nested too deeply: at most 64 levels are allowed");
    expect_one (deep + 10000 - 65, false,
                "line 1, column 65: nested too deeply: at most 64 levels are allowed");
    deep[10064] = '\0';
    expect_one (deep + 10000 - 64, false,
                "a workflow is an object, {...}: see async-workflow-file(5)");
    memset (deep, '[', 100);
    deep[10000] = '\0';
    expect_one (deep, false, "line 1, column 65: nested too deeply: at most 64 levels are allowed");
}

static void a_key_given_twice_is_told (void **state)
{
    struct aw_problems problems;

    (void)state;
    expect_one (
        HEAD "'tasks': {'a': {'command': ['x'],\n'gpus': 1,\n  '\\u0067pus': 2}}}", false,
        "tasks.a.gpus: given twice, in line 2, column 1 and in line 3, column 3: remove one");
    expect_one (HEAD "'name': 'x', 'name': 'x', 'tasks': {'a': {'command': ['x']}}}", false,
                "name: given twice, in line 1, column 23 and in line 1, column 36: remove one");
    parse_document (
        HEAD
        "'tasks': {'a': {'command': ['x']}, 'b': {'command': ['x']}, 'a': {'command': ['x']},"
        "'a': {'command': ['x']}}, 'parameters': {'p': {'q': 1, 'r': [{'s': 1, 's': 2}], 'q': 3}}}",
        &problems);
    assert_int_equal (problems.n_errors, 6); /* and that p has unknown keys */
    assert_non_null (strstr (problems.items[0].text, ": tasks.a: given twice"));
    assert_non_null (strstr (problems.items[1].text, ": tasks.a: given twice"));
    assert_non_null (strstr (problems.items[2].text, ": parameters.p.r[0].s: given twice"));
    assert_non_null (strstr (problems.items[3].text, ": parameters.p.q: given twice"));
    aw_problems_finish (&problems);
}

static void wrong_keys_at_the_top_are_told (void **state)
{
    static const struct expected table[] = {
        { "{'tasks': {'a': {'command': ['x']}}}",
          "the format's version is missing: add \"async-workflow\": 1" },
        { "{'async-workflow': 2, 'tsks': 5}",
          "async-workflow: version 2 is not known: this release reads version 1" },
        { "{'async-workflow': '1'}",
          "async-workflow: must be the format's version, a number, not text: write 1" },
        { "{'async-workflow': 1}",
          "\"tasks\" is missing: add \"tasks\": {\"name\": {\"command\": [...]}}" },
        { HEAD "'tasks': {}}", "tasks: is empty: add a task set" },
        { HEAD "'tasks': []}", "tasks: must be an object, {...}, not an array" },
        { HEAD "'tsks': 1, 'tasks': {'a': {'command': ['x']}}}",
          "unknown key \"tsks\": did you mean \"tasks\"?" },
        { HEAD "'zzzz': 1, 'tasks': {'a': {'command': ['x']}}}",
          "unknown key \"zzzz\": async-workflow-file(5) lists all keys" },
        { HEAD "'cpus': 1, 'tasks': {'a': {'command': ['x']}}}",
          "key \"cpus\" belongs to a task set: write it there, or in \"defaults\"" },
        { HEAD "'name': 'a/b', 'tasks': {'a': {'command': ['x']}}}",
          "name: \"a/b\": a name has only letters, digits, \"_\", \"-\" and \".\"" },
        { HEAD "'name': 5, 'tasks': {'a': {'command': ['x']}}}",
          "name: must be text, not a number: write \"5\"" },
        { HEAD "'iterations': 0, 'tasks': {'a': {'command': ['x']}}}",
          "iterations: 0: must be from 1 to 10000000" },
        { HEAD "'iterations': -1, 'tasks': {'a': {'command': ['x']}}}",
          "iterations: -1: must be from 1 to 10000000" },
        { HEAD "'iterations': 1000000000, 'tasks': {'a': {'command': ['x']}}}",
          "iterations: 1000000000: must be from 1 to 10000000" },
        { HEAD "'iterations': 1000000, 'tasks': {'a': {'command': ['x'], 'count': 11}}}",
          "tasks: 11000000 tasks in all iterations: at most 10000000 are possible" },
        { HEAD "'defaults': 5, 'tasks': {'a': {'command': ['x']}}}",
          "defaults: must be an object, {...}, not a number" },
        { HEAD "'defaults': {'cpu': 5}, 'tasks': {'a': {'command': ['x']}}}",
          "defaults: unknown key \"cpu\": did you mean \"cpus\"?" },
        { HEAD "'defaults': {'command': ['x']}, 'tasks': {'a': {'command': ['x']}}}",
          "defaults: \"command\" cannot be a default: give it in each task set" },
        { HEAD
          "'defaults': {'cpus': 0}, 'tasks': {'a': {'command': ['x']}, 'b': {'command': ['x']}}}",
          "defaults.cpus: 0: must be from 1 to 1048576" },
        { HEAD "'parameters': {'index': 0}, 'tasks': {'a': {'command': ['x']}}}",
          "parameters.index: {index} is built in: give the parameter another name" },
        { HEAD "'parameters': {'1st': 0}, 'tasks': {'a': {'command': ['x']}}}",
          "parameters.1st: a parameter's name has only letters, digits, \"_\" and \"-\", and "
          "begins with a letter or \"_\"" },
        { HEAD
          "'parameters': {'big': 18446744073709551616}, 'tasks': {'a': {'command': ['{big}']}}}",
          "parameters.big: the number does not fit in 64 bits: write it as text" },
        { HEAD "'parameters': {'p': true}, 'tasks': {'a': {'command': ['{p}']}}}",
          "parameters.p: must be text or a number, not true" },
    };

    (void)state;
    expect_each (table, LENGTH (table), false);
}

static void wrong_numbers_are_told (void **state)
{
    static const struct expected table[] = {
        { ONE ("'count': 0"), "tasks.a.count: 0: must be from 1 to 10000000" },
        { ONE ("'count': -1"), "tasks.a.count: -1: must be from 1 to 10000000" },
        { ONE ("'count': 1000000000000"),
          "tasks.a.count: 1000000000000: must be from 1 to 10000000" },
        { ONE ("'count': 1e300"), "tasks.a.count: 1e300: must be from 1 to 10000000" },
        { ONE ("'count': 1e999"), "tasks.a.count: 1e999: must be from 1 to 10000000" },
        { ONE ("'count': 100000000000000000000000000"),
          "tasks.a.count: the number does not fit in 64 bits: must be from 1 to 10000000" },
        { ONE ("'count': -100000000000000000000000000"),
          "tasks.a.count: the number does not fit in 64 bits: must be from 1 to 10000000" },
        { ONE ("'count': 1.5"), "tasks.a.count: 1.5: must be a whole number" },
        { ONE ("'count': '96'"),
          "tasks.a.count: \"96\": must be a number: write it without quotes" },
        { ONE ("'count': 'many'"),
          "tasks.a.count: \"many\": must be a number, or one parameter as \"{name}\"" },
        { ONE ("'count': '{n}'"),
          "tasks.a.count: unknown parameter {n}: add it to \"parameters\"" },
        { ONE ("'count': '{index}'"),
          "tasks.a.count: {index} differs by task: only parameters are allowed here" },
        { ONE ("'count': null"), "tasks.a.count: must be a number, not null" },
        { ONE ("'count': true"), "tasks.a.count: must be a number, not true" },
        { ONE ("'count': [4]"), "tasks.a.count: must be a number, not an array" },
        { HEAD "'parameters': {'n': 'x'}, 'tasks': {'a': {'command': ['x'], 'count': '{n}'}}}",
          "tasks.a.count: {n} is \"x\": must be a number" },
        { HEAD "'parameters': {'n': 0}, 'tasks': {'a': {'command': ['x'], 'count': '{n}'}}}",
          "tasks.a.count: {n} is 0: must be from 1 to 10000000" },
        { HEAD
          "'parameters': {'sims': 5}, 'tasks': {'a': {'command': ['{sims}'], 'count': '{sim}'}}}",
          "tasks.a.count: unknown parameter {sim}: did you mean {sims}?" },
        { ONE ("'cpus': 0"), "tasks.a.cpus: 0: must be from 1 to 1048576" },
        { ONE ("'cpus': 0.5"), "tasks.a.cpus: 0.5: must be from 1 to 1048576" },
        { ONE ("'gpus': 1.5"), "tasks.a.gpus: 1.5: a task has whole GPUs or a part of one: "
                               "give a whole number, or a "
                               "number below 1" },
        { ONE ("'gpus': 0.0001"),
          "tasks.a.gpus: 0.0001: a part of a GPU is at least 0.001 and at most 0.999" },
        { ONE ("'gpus': 1, 'gpu_type': 'a 100'"),
          "tasks.a.gpu_type: \"a 100\": not a GPU type: use letters, digits and _.+-, as in "
          "\"a100\"; sinfo -o %G shows the types of the cluster" },
        { ONE ("'threads_per_core': 0"), "tasks.a.threads_per_core: 0: must be from 1 to 64" },
        { ONE ("'gpus': -0.5"), "tasks.a.gpus: -0.5: must be from 0 to 1048576" },
        { ONE ("'gpus': 1e12"), "tasks.a.gpus: 1e12: must be from 0 to 1048576" },
        { ONE ("'mem': '4X'"),
          "tasks.a.mem: \"4X\" is not a size: write bytes, or \"4G\" (K, M, G, T, P)" },
        { ONE ("'mem': -1"), "tasks.a.mem: -1: must be from 0 to 1152921504606846976" },
        { ONE ("'mem': '2000P'"), "tasks.a.mem: \"2000P\": must be from 0 to 1024P" },
        { ONE ("'mem': null"), "tasks.a.mem: must be a size, as \"4G\", not null" },
        { ONE ("'time_limit': '1h30'"), "tasks.a.time_limit: \"1h30\" is not a time: write "
                                        "seconds, or \"1h30m\" (d, h, m, s, ms)" },
        { ONE ("'time_limit': 0"),
          "tasks.a.time_limit: 0: must be above 0: leave it out for no limit" },
        { ONE ("'duration': -1"), "tasks.a.duration: -1: must be from 0 to 1000000000 seconds" },
        { ONE ("'duration': '{index}s'"),
          "tasks.a.duration: {index} differs by task: only parameters are allowed here" },
        { ONE ("'duration': false"),
          "tasks.a.duration: must be a time, as 90 or \"1h30m\", not false" },
        { ONE ("'retries': 1001"), "tasks.a.retries: 1001: must be from 0 to 1000" },
        { ONE ("'retries': {'count': 1, 'on': ['exit', 256]}"),
          "tasks.a.retries.on[1]: 256: must be from 1 to 255" },
        { ONE ("'retries': {'count': 1, 'backoff': 0}"),
          "tasks.a.retries.backoff: 0: must be from 1 to 1000" },
        { ONE ("'checkpoint_signal': 'KILL@5'"),
          "tasks.a.checkpoint_signal: \"KILL@5\" does not begin with a signal that a task can "
          "handle: write \"USR1@60s\": the signal, \"@\", and the time before the end" },
        { ONE ("'checkpoint_signal': 'USR1@0'"),
          "tasks.a.checkpoint_signal: \"0\" is not a time above 0: write \"USR1@60s\"" },
        { ONE ("'success_codes': []"),
          "tasks.a.success_codes: is empty: every task would fail: leave it out to accept only 0" },
        { ONE ("'nodes': 0"), "tasks.a.nodes: 0: must be from 1 to 1048576" },
        { ONE ("'ranks': 0"), "tasks.a.ranks: 0: must be from 1 to 10000000" },
        { ONE ("'ranks': 5, 'nodes': 2"),
          "tasks.a: 5 \"ranks\" do not divide evenly: 2 nodes get the same number each: "
          "give a multiple of it" },
        { ONE ("'ranks': 6, 'ranks_per_node': 4"),
          "tasks.a: 6 \"ranks\" do not divide evenly: 4 ranks run on each node: give a multiple of "
          "it" },
        { ONE ("'ranks': 16, 'nodes': 2, 'ranks_per_node': 4"),
          "tasks.a: 16 \"ranks\" are not 2 \"nodes\" of 4: give two of the three" },
        { ONE ("'cpus': 1048576, 'ranks_per_node': 2"),
          "tasks.a: 2 ranks per node need more CPUs or GPUs than any node can have (1048576)" },
        { ONE ("'ranks': 2, 'launch': 'pool'"),
          "tasks.a: \"launch\": \"pool\", but several ranks or nodes are a step of its own: leave "
          "out \"launch\", or the others" },
        { ONE ("'srun': ['--mpi=pmix'], 'launch': 'pool'"),
          "tasks.a: \"launch\": \"pool\", but \"srun\" is for a step of its own: leave "
          "out \"launch\", or the others" },
    };

    (void)state;
    expect_each (table, LENGTH (table), false);
}

static void wrong_texts_are_told (void **state)
{
    static const struct expected table[] = {
        { HEAD "'tasks': {'a': {}}}",
          "tasks.a: nothing to run: give \"command\": [\"program\", ...] or \"script\": \"...\"" },
        { ONE ("'script': 'y'"), "tasks.a: both \"command\" and \"script\": give one of them" },
        { HEAD "'tasks': {'a': 5}}", "tasks.a: must be an object, {...}, not a number" },
        { HEAD "'tasks': {'a': {'command': []}}}",
          "tasks.a.command: empty: the first element is the program" },
        { HEAD "'tasks': {'a': {'command': ['']}}}",
          "tasks.a.command[0]: empty: the first element is the program" },
        { HEAD "'tasks': {'a': {'command': 'x y'}}}",
          "tasks.a.command: must be an array of a program and its arguments: write them one by "
          "one, or use \"script\" for a shell command" },
        { HEAD "'tasks': {'a': {'command': ['x', 5]}}}",
          "tasks.a.command[1]: must be text, not a number: write \"5\"" },
        { HEAD "'tasks': {'a': {'command': ['x', 'a\\u0000b']}}}",
          "tasks.a.command[1]: \\u0000 within text: programs cannot receive it: remove it" },
        { HEAD "'tasks': {'a': {'script': ''}}}", "tasks.a.script: empty text: leave the key out" },
        { HEAD "'tasks': {'a': {'script': ['x']}}}", "tasks.a.script: must be text, not an array" },
        { ONE ("'needs': ['x']"), "tasks.a: unknown key \"needs\": write \"after\"" },
        { ONE ("'Depends-On': ['x']"), "tasks.a: unknown key \"Depends-On\": write \"after\"" },
        { ONE ("'cpus-per-task': 4"), "tasks.a: unknown key \"cpus-per-task\": write \"cpus\"" },
        { ONE ("'time': 4"), "tasks.a: unknown key \"time\": write \"time_limit\"" },
        { ONE ("'run': 'x'"),
          "tasks.a: unknown key \"run\": write \"script\" for lines of a shell, "
          "or \"command\"" },
        { ONE ("'partition': 'x'"),
          "tasks.a: unknown key \"partition\": give it to srun, sbatch or "
          "salloc: all tasks run in one allocation" },
        { ONE ("'comand': 'x'"), "tasks.a: unknown key \"comand\": did you mean \"command\"?" },
        { ONE ("'launch': 'poool'"),
          "tasks.a.launch: unknown value \"poool\": did you mean \"pool\"?" },
        { ONE ("'srun': '--mpi=pmix'"), "tasks.a.srun: must be an array, not text: write "
                                        "[\"--mpi=pmix\"]" },
        { ONE ("'srun': ['--mpi=pmix', '-N2']"),
          "tasks.a.srun[1]: \"-N2\": must be one option in its long form: \"--mpi=pmix\"" },
        { ONE ("'srun': ['--']"),
          "tasks.a.srun[0]: \"--\": must be one option in its long form: \"--mpi=pmix\"" },
        { ONE ("'srun': ['--nodelist=n1']"),
          "tasks.a.srun[0]: \"--nodelist=n1\": the scheduler chooses the nodes: leave it out" },
        { ONE ("'srun': ['--cpu-b=none']"),
          "tasks.a.srun[0]: \"--cpu-b=none\": the scheduler binds each rank: leave it out" },
        { ONE ("'srun': ['--gpus-per-task=1']"),
          "tasks.a.srun[0]: \"--gpus-per-task=1\": the scheduler decides it: give \"gpus\"" },
        { ONE ("'srun': ['--async-workflow-mode=async']"),
          "tasks.a.srun[0]: \"--async-workflow-mode=async\": a workflow cannot be a task's "
          "option" },
        { ONE ("'on_failure': 'retry'"), "tasks.a.on_failure: unknown value \"retry\": must be one "
                                         "of \"stop\" \"skip\" \"continue\"" },
        { ONE ("'on_failure': 'contniue'"),
          "tasks.a.on_failure: unknown value \"contniue\": did you mean \"continue\"?" },
        { ONE ("'directory': ''"), "tasks.a.directory: empty text: leave the key out" },
        { ONE ("'environment': {'A=B': 'x'}"),
          "tasks.a.environment.A=B: \"=\" in a variable's name: write \"NAME\": \"value\"" },
        { ONE ("'environment': {'': 'x'}"), "tasks.a.environment.: a variable without a name" },
        { ONE ("'environment': {'N': 4}"),
          "tasks.a.environment.N: must be text, not a number: write \"4\"" },
        { ONE ("'environment': {'ASYNC_WORKFLOW_TASK': 'x'}"),
          "tasks.a.environment.ASYNC_WORKFLOW_TASK: async-workflow sets it for each task: "
          "leave it out" },
        { ONE ("'environment': {'CUDA_VISIBLE_DEVICES': ''}"),
          "tasks.a.environment.CUDA_VISIBLE_DEVICES: async-workflow sets it for each "
          "task: leave it out" },
        { ONE ("'environment': ['A=B']"),
          "tasks.a.environment: must be an object, {...}, not an array" },
        { HEAD "'tasks': {'': {'command': ['x']}}}", "tasks: empty name: give it one" },
        { HEAD "'tasks': {'a b': {'command': ['x']}}}",
          "tasks: \"a b\": a name has only letters, digits, \"_\", \"-\" and \".\"" },
        { HEAD "'tasks': {'..': {'command': ['x']}}}",
          "tasks: \"..\": a name begins with a letter, a digit or \"_\"" },
        { HEAD "'tasks': {'a\\n\\u001b[31m': {'command': ['x']}}}", /* nothing that a terminal would
                                                                       obey */
          "tasks: \"a \": a name has only letters, digits, \"_\", \"-\" and \".\"" },
        { ONE ("'directory': 'x', 'stdout': 'a{indx}'"),
          "tasks.a.stdout: unknown placeholder {indx}: did you mean {index}?" },
        { ONE ("'stdout': '{quux}'"), "tasks.a.stdout: unknown placeholder {quux}: add a "
                                      "parameter, or write {{quux}} for the braces" },
    };

    (void)state;
    expect_each (table, LENGTH (table), false);
}

/* All at once, in the file's order; and of too many the first, the rest counted. */
static void all_problems_are_told_in_the_order_of_the_file (void **state)
{
    struct aw_problems problems;
    char many[20000] = HEAD "'tasks': {'a': {'command': ['x'], 'after': ['nothing'";
    char *text = NULL;
    size_t size = 0;
    FILE *out;

    (void)state;
    parse_document (
        HEAD "'iteration': 1, 'defaults': {'cpus': -1}, 'tasks': {'a': {'comand': 1, 'gpus': "
             "1.5}, 'b': 7}}",
        &problems);
    assert_int_equal (problems.n_errors, 6);
    assert_non_null (
        strstr (problems.items[0].text, "unknown key \"iteration\": did you mean \"iterations\"?"));
    assert_non_null (strstr (problems.items[1].text, "defaults.cpus: "));
    assert_non_null (strstr (problems.items[2].text, "tasks.a: unknown key \"comand\""));
    assert_non_null (strstr (problems.items[3].text, "tasks.a.gpus: 1.5"));
    assert_non_null (strstr (problems.items[4].text, "tasks.a: nothing to run"));
    assert_non_null (strstr (problems.items[5].text, "tasks.b: must be an object"));
    aw_problems_finish (&problems);

    for (int i = 1; i < 500; i++)
        strcat (many, ", 'nothing'");
    strcat (many, "]}}}");
    assert_null (parse_document (many, &problems));
    assert_int_equal (problems.n_errors, 500);
    assert_int_equal (problems.n_items, AW_PROBLEMS_MAX);
    out = open_memstream (&text, &size);
    aw_problems_print (&problems, out);
    fclose (out);
    assert_memory_equal (
        text, "async-workflow: f.json: tasks.a.after[0]: unknown task set \"nothing\"", 66);
    assert_non_null (strstr (text, "\nasync-workflow: 400 more problems not shown\n"));
    free (text);
    aw_problems_finish (&problems);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_json_is_told_with_its_place),
        cmocka_unit_test (nesting_has_a_limit),
        cmocka_unit_test (a_key_given_twice_is_told),
        cmocka_unit_test (wrong_keys_at_the_top_are_told),
        cmocka_unit_test (wrong_numbers_are_told),
        cmocka_unit_test (wrong_texts_are_told),
        cmocka_unit_test (all_problems_are_told_in_the_order_of_the_file),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
