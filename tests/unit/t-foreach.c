/* SPDX-License-Identifier: Apache-2.0 */
/* "foreach" of a task set: what its variables become, and what is wrong with it. */
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

#include "adding.h"
#include "documents.h"
#include "io/workflow/task_label.h"
#include "io/workflow/values.h"

#define EACH(foreach, keys) HEAD "'tasks': {'a': {'foreach': {" foreach "}, " keys "}}}"
#define X "'command': ['x']"

static char directory[] = "/tmp/t-foreach-XXXXXX";

static void write_bytes (const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen (name, "w");

    assert_non_null (file);
    assert_int_equal (fwrite (bytes, 1, size, file), size);
    assert_int_equal (fclose (file), 0);
}

static void write_text (const char *name, const char *text)
{
    write_bytes (name, text, strlen (text));
}

/* The values of VARIABLE, "|" between them. */
static void expect_values (const char *document, const char *variable, const char *expected)
{
    struct aw_workflow *w = parse_good (document);
    const struct aw_values *values = w->recipes[0].values;
    uint32_t v = aw_values_find (values, variable, strlen (variable));
    char text[500] = "";

    assert_int_not_equal (v, AW_VALUES_NONE);
    assert_int_equal (w->graph->sets[0].count, aw_values_count (values));
    for (uint32_t i = 0; i < aw_values_count (values); i++) {
        strcat (text, i ? "|" : "");
        strcat (text, aw_values_text (values, i, v));
    }
    assert_string_equal (text, expected);
    aw_workflow_destroy (w);
}

static void each_source_has_its_values (void **state)
{
    (void)state;
    write_text ("lines", "a\n\nb c\r\n  \n'd\"\r\n\n\nlast");
    write_text ("mark", "\xef\xbb\xbf"
                        "a\n");
    assert_int_equal (mkdir ("data", 0700), 0);
    write_text ("data/b.txt", "");
    write_text ("data/a.txt", "");
    write_text ("data/B.txt", "");
    write_text ("data/.h.txt", "");
    expect_values (EACH ("'s': ['x', 1, 2.5, 1e3, -0.0, '']", X), "s", "x|1|2.5|1000|0|");
    expect_values (EACH ("'s': {'lines': 'lines'}", X), "s", "a|b c|  |'d\"|last");
    expect_values (EACH ("'s': {'lines': 'mark'}", X), "s", "a");
    expect_values (EACH ("'s': {'glob': 'data/*.txt'}", X), "s",
                   "data/B.txt|data/a.txt|data/b.txt");
    expect_values (EACH ("'s': {'glob': 'data/.*.txt'}", X), "s", "data/.h.txt");
    expect_values (EACH ("'s': {'range': [1, 3]}", X), "s", "1|2|3");
    expect_values (EACH ("'s': {'range': [5, -2, -3]}", X), "s", "5|2|-1");
    expect_values (EACH ("'s': {'range': [0, 9, 4]}, 't': ['x', 'y']", X), "s", "0|0|4|4|8|8");
    expect_values (EACH ("'lines': ['x']", X), "lines", "x");
    expect_values (HEAD "'parameters': {'p': 'lin', 'n': 2}, 'tasks': {'a': {" X
                        ", 'foreach': {'s': {'lines': '{p}es'}, 't': {'range': [1, '{n}']}, "
                        "'u': ['{p}{{x}}']}}}}",
                   "u", "lin{x}|lin{x}|lin{x}|lin{x}|lin{x}|lin{x}|lin{x}|lin{x}|lin{x}|lin{x}");
}

static void sources_are_relative_to_the_given_directory (void **state)
{
    const struct aw_workflow_input input = { .directory = "od[d" };
    struct aw_problems problems;
    struct aw_workflow *w;

    (void)state;
    assert_int_equal (mkdir ("od[d", 0700), 0);
    write_text ("od[d/list", "one\n");
    write_text ("f.json", "{\"async-workflow\":1,\"tasks\":{\"a\":{\"foreach\":{\"s\":{\"lines\":"
                          "\"list\"},\"t\":{\"glob\":\"li*\"}},\"command\":[\"x\"]}}}");
    aw_problems_init (&problems);
    w = aw_workflow_load_with ("f.json", &input, &problems);
    assert_non_null (w);
    assert_string_equal (aw_values_text (w->recipes[0].values, 0, 0), "one");
    assert_string_equal (aw_values_text (w->recipes[0].values, 0, 1), "list");
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
}

/* What a text of task 0, whose variable s is VALUE, becomes. */
static void expect_text (const char *template, const char *value, const char *expected)
{
    char document[500];
    struct aw_workflow *w;
    char *text;

    snprintf (document, sizeof (document),
              EACH ("'s': ['%s'], 'other-one': [7]", "'command': ['%s']"), value, template);
    w = parse_good (document);
    text = aw_recipe_expand (w->recipes[0].command[0], w, 0, "/run");
    assert_string_equal (text, expected);
    free (text);
    aw_workflow_destroy (w);
}

static void a_placeholder_becomes_the_value (void **state)
{
    (void)state;
    expect_text ("{s}", "a $x; {{s}}", "a $x; {s}");
    expect_text ("<{s}{other-one}>{index}", "v", "<v7>0");
    expect_text ("{{s}} {{{s}}} ${s}", "v", "{s} {v} ${s}");
    expect_text ("{s:name}|{s:stem}|{s:dir}", "/d/ref.tar.gz", "ref.tar.gz|ref.tar|/d");
    expect_text ("{s:name}|{s:stem}|{s:dir}", "ref", "ref|ref|.");
    expect_text ("{s:name}|{s:stem}|{s:dir}", ".ref", ".ref|.ref|.");
    expect_text ("{s:name}|{s:stem}|{s:dir}", "a.b/c//", "c|c|a.b");
    expect_text ("{s:name}|{s:stem}|{s:dir}", "/", "/|/|/");
    expect_text ("{s:name}|{s:stem}|{s:dir}", "/x", "x|x|/");
    expect_text ("{s:name}|{s:stem}|{s:dir}", "", "||");
    expect_text ("{{s:stem}} {{{s:stem}}} {t:x} ${s:stem}", "a.b", "{s:stem} {a} {t:x} ${s:stem}");
    expect_text ("{index:name}", "v", "{index:name}");
}

static void a_script_has_it_quoted (void **state)
{
    struct aw_workflow *w =
        parse_good (EACH ("'s': ['a b', '$x']", "'script': 'p {s} {s:stem} {{s}} {index}'"));
    struct aw_expanding how = { "/run", "/scratch", 0, AW_EXPAND_SHELL };
    char *text = aw_recipe_expand_on (w->recipes[0].script, w, 1, &how);

    (void)state;
    assert_string_equal (text, "p \\$x \\$x {s} 1");
    free (text);
    aw_workflow_destroy (w);
}

static void what_is_wrong_has_its_place (void **state)
{
    static const struct expected table[] = {
        { EACH ("'s': ['x']", "'count': 2, " X),
          "tasks.a.foreach: its values say how many tasks there are: remove \"count\"" },
        { HEAD "'defaults': {'foreach': {'s': ['x']}}, 'tasks': {'a': {" X "}}}",
          "defaults: \"foreach\" cannot be a default: give it in each task set" },
        { ONE ("'foreach': ['x']"), "tasks.a.foreach: must be an object, {...}, not an array" },
        { ONE ("'foreach': {}"),
          "tasks.a.foreach: is empty: add a variable: {\"sample\": {\"lines\": \"samples.txt\"}}" },
        { EACH ("'s': 'x'", X),
          "tasks.a.foreach.s: must be an array of values, or {\"lines\": FILE}, {\"glob\": "
          "PATTERN} or {\"range\": [first, last]}, not text" },
        { EACH ("'s': []", X), "tasks.a.foreach.s: is empty: a task set has at least one task" },
        { EACH ("'s': ['x', true]", X),
          "tasks.a.foreach.s[1]: must be text or a number, not true" },
        { EACH ("'s': ['{index}']", X),
          "tasks.a.foreach.s[0]: {index} differs by task: only parameters are allowed here" },
        { EACH ("'s': {'line': 'x'}", X),
          "tasks.a.foreach.s: unknown source \"line\": did you mean \"lines\"?" },
        { EACH ("'s': {}", X), "tasks.a.foreach.s: give one of \"lines\": FILE, \"glob\": PATTERN, "
                               "\"range\": [first, last]" },
        { EACH ("'s': {'lines': 'none'}", X),
          "tasks.a.foreach.s: none: cannot be read: No such file or directory" },
        { EACH ("'s': {'lines': '.'}", X), "tasks.a.foreach.s: .: is a directory: give a file" },
        { EACH ("'s': {'lines': 'empty'}", X),
          "tasks.a.foreach.s: empty: is empty: a task set has at least one task" },
        { EACH ("'s': {'lines': 'latin'}", X),
          "tasks.a.foreach.s: latin: line 3: is not UTF-8: convert it with iconv(1)" },
        { EACH ("'s': {'lines': 'nul'}", X),
          "tasks.a.foreach.s: nul: line 1: has a NUL byte, which "
          "programs cannot receive: remove it" },
        { EACH ("'s': {'glob': '*.none'}", X),
          "tasks.a.foreach.s: \"*.none\": no file has a name of this pattern" },
        { EACH ("'s': {'glob': '**/x'}", X),
          "tasks.a.foreach.s: \"**/x\": \"**\" does not search subdirectories: write \"*/*\" for "
          "each level, or list the files with \"lines\"" },
        { EACH ("'s': {'range': [1]}", X),
          "tasks.a.foreach.s.range: has 1 numbers: write [first, last] or [first, last, step]; the "
          "last one is included" },
        { EACH ("'s': {'range': [1, 2.5]}", X),
          "tasks.a.foreach.s.range[1]: 2.5: must be a whole number" },
        { EACH ("'s': {'range': [2, 1]}", X), "tasks.a.foreach.s.range: no number from 2 to 1 with "
                                              "step 1: a task set has at least one task" },
        { EACH ("'s': {'range': [1, 2, 0]}", X),
          "tasks.a.foreach.s.range: the step is 0: give another, or leave it out for 1" },
        { EACH ("'s': {'range': [1, 10000001]}", X),
          "tasks.a.foreach.s.range: 10000001 values: at most 10000000 tasks are possible" },
        { EACH ("'s': {'range': [1, 10000]}, 't': {'range': [1, 1001]}", X),
          "tasks.a.foreach: 10010000 combinations: at most 10000000 tasks are possible" },
        { EACH ("'index': [1]", X),
          "tasks.a.foreach.index: {index} is built in: give the variable another name" },
        { EACH ("'cpus': [1]", X),
          "tasks.a.foreach.cpus: {cpus} is built in: give the variable another name" },
        { EACH ("'1s': [1]", X),
          "tasks.a.foreach.1s: \"1s\": a variable's name has only letters, digits, \"_\" and "
          "\"-\", and begins with a letter or \"_\"" },
        { EACH ("'a-b': [1], 'a_b': [2]", X),
          "tasks.a.foreach.a_b: \"a-b\" and \"a_b\" would be one variable of the environment: give "
          "one of them another name" },
        { HEAD "'parameters': {'s': 1}, 'tasks': {'a': {'foreach': {'s': [1]}, 'command': "
               "['{s}']}}}",
          "tasks.a.foreach.s: \"s\" is a parameter too: give one of them another name" },
        { EACH ("'s': [1]", "'command': ['{s:suffix}']"),
          "tasks.a.command[0]: {s:suffix}: the forms of a path are {s:name}, {s:stem} and "
          "{s:dir}" },
        { EACH ("'sample': [1]", "'command': ['{smple:stem}']"),
          "tasks.a.command[0]: unknown placeholder {smple}: did you mean {sample}?" },
        { EACH ("'s': [1]", "'command': ['x'], 'time_limit': '{s}'"),
          "tasks.a.time_limit: {s} differs by task: only parameters are allowed here" },
        { HEAD "'tasks': {'a': {'foreach': {'sample': [1]}, " X "}, 'b': {'command': "
               "['{sample}']}}}",
          "tasks.b.command[0]: unknown placeholder {sample}: add a parameter, or write {{sample}} "
          "for the braces" },
        { EACH ("'s': ['a\\nb']", "'script': 'x {s}'"),
          "tasks.a.script: {s}: the value \"a...\" has a newline, which a script cannot have: use "
          "\"$ASYNC_WORKFLOW_VALUE_s\"" },
        { EACH ("'table': 'lines.csv'", "'script': 'x {s}'"),
          "tasks.a.script: {s}: the value \"...\" (line 3 of its file) has a newline, which a "
          "script cannot have: use \"$ASYNC_WORKFLOW_VALUE_s\"" },
        { EACH ("'table': 'lines.jsonl'", "'script': 'x {t}'"),
          "tasks.a.script: {t}: the value \"y...\" (line 2 of its file) has a newline, which a "
          "script cannot have: use \"$ASYNC_WORKFLOW_VALUE_t\"" },
        { EACH ("'s': ['ab', 'a b']", "'script': '#!/usr/bin/env -S python3 -u\\nx({s})'"),
          "tasks.a.script: {s}: the value \"a b\" would need quotes, which differ by language: "
          "read the environment variable ASYNC_WORKFLOW_VALUE_s" },
    };

    (void)state;
    write_text ("empty", "\n\r\n\n");
    write_text ("lines.csv", "s,t\na,1\n\"\nb\",2\nc,\"\n\"\n");
    write_text ("lines.jsonl", "{\"t\": \"x\"}\n{\"t\": \"y\\nz\"}\n");
    write_text ("latin", "a\nb\n\xe9\n");
    write_bytes ("nul", "a\0b\n", 4);
    expect_each (table, LENGTH (table), false);
}

#define QUOTES(place, advice)                                                                  \
    "tasks.a.script: {s} stands within " place ", where the shell would keep the backslashes " \
    "that quote its value: " advice "\"$ASYNC_WORKFLOW_VALUE_s\""
#define WITHIN QUOTES ("quotes", "remove the quotes, or use ")
#define SCRIPT(text) EACH ("'s': ['a b']", "'script': '" text "'")

static void quotes_around_a_placeholder_are_warned_of (void **state)
{
    static const struct expected table[] = {
        { EACH ("'s': ['a', 'b'], 'n': [1, 2]", X ", 'stdout': '{s}.out'"),
          "tasks.a.stdout: tasks with the same values of these variables write to one file: add "
          "another variable, or {index}" },
        { EACH ("'s': ['a', 'in/b', '/c']", X ", 'stdout': 'out/{s}.txt', 'stderr': '{s}.txt'"),
          "tasks.a.stdout: {s}: the value \"in/b\" leads to another directory: write {s:name} for "
          "its last part alone" },
        { EACH ("'s': ['..a', 'in/../b']", X ", 'stderr': '{s}.txt', 'stdout': '{s:stem}{index}'"),
          "tasks.a.stderr: {s}: the value \"in/../b\" leads to another directory: write {s:name} "
          "for its last part alone" },
        { EACH ("'s': ['..']", X ", 'stderr': '{s}'"),
          "tasks.a.stderr: {s}: the value \"..\" leads to another directory: write {s:name} for "
          "its last part alone" },
        { SCRIPT ("x \\\"{s}\\\""), WITHIN },
        { SCRIPT ("x \\\"a\\\" \\\\\\\" \\\"$(y \\\"{s}\\\")\\\""), WITHIN },
        { SCRIPT ("cat <<E\\n{s}\\nE"), QUOTES ("a here-document", "use ") },
        { SCRIPT ("cat <<-E {s}\\n\\t x\\n{s}\\n\\tE"), QUOTES ("a here-document", "use ") },
        { SCRIPT ("#!/bin/bash\\nx \\\"{s}\\\""), WITHIN },
    };
    static const char *const good[] = {
        SCRIPT ("x {s}"),
        SCRIPT ("x \\\"a\\\"{s} \\\\\\\" {s}"),
        SCRIPT ("x \\\"$(y {s} (z) {s})\\\" {s}"),
        SCRIPT ("# it\\\"s {s}\\nx {s}"),
        SCRIPT ("cat <<E\\nit\\\"s\\nE\\n{s} <<<y {s}\\n{s}"),
        SCRIPT ("cat <<\\\"E\\\"\\nit\\\"s\\nE\\n{s}"),
        SCRIPT ("x#y\\\"\\\" {s}"),
        SCRIPT ("x $((1 << n)) \\\"$((1<<(n)))\\\"\\n{s}"),
        SCRIPT ("((x <<= n))\\n{s}"),
        EACH ("'s': ['in/a', '/b', 'c..']", X ", 'stdout': '{s}.out', 'stderr': 'e/{s:name}'"),
        EACH ("'s': ['ab']", "'script': '#!/usr/bin/python3\\nx(\\\"{s}\\\")'"),
        EACH ("'s': ['ab', 'c']", "'command': ['x'], 'stdout': '{s}.out', 'stderr': '{s:stem}'"),
        EACH ("'s': ['a', 'b'], 'n': [1, 2]", X ", 'stdout': '{s}.{n}', 'stderr': '{s}.{index}'"),
        EACH ("'s': ['a', 'b'], 'n': [1, 2]", X ", 'stdout': '{s}', 'directory': '{n}'"),
    };

    (void)state;
    expect_each (table, LENGTH (table), true);
    for (size_t i = 0; i < LENGTH (good); i++) {
        struct aw_problems problems;
        struct aw_workflow *w = parse_document (good[i], &problems);

        for (size_t k = 0; k < problems.n_items; k++)
            print_message ("# %s\n# %s\n", good[i], problems.items[k].text);
        assert_int_equal (problems.n_items, 0);
        aw_workflow_destroy (w);
        aw_problems_finish (&problems);
    }
}

#define DEFAULTS(keys, sets) HEAD "'defaults': {" keys "}, 'tasks': {" sets "}}"

/* Defaults may name variables that each set has. */
static void defaults_have_variables (void **state)
{
    static const struct expected table[] = {
        { DEFAULTS ("'directory': 'd/{s}'", "'a': {'foreach': {'s': [1]}, " X "}, 'b': {" X "}"),
          "tasks.b: {s}, in \"directory\" of the defaults, is no variable of this set: give the "
          "set "
          "its own \"directory\"" },
        { DEFAULTS ("'environment': {'A': '{sample:stem}'}", "'a': {'foreach': {'s': [1]}, " X "}"),
          "tasks.a: {sample}, in \"environment\" of the defaults, is no variable of this set: give "
          "the set its own \"environment\"" },
        { DEFAULTS ("'directory': 'd/{s}'", "'b': {" X "}"),
          "defaults.directory: unknown placeholder {s}: add a parameter, or write {{s}} for the "
          "braces" },
    };
    struct aw_workflow *w = parse_good (DEFAULTS (
        "'directory': 'd/{s}', 'environment': {'A': '{s:stem}', 'B': 'b'}",
        "'a': {'foreach': {'s': ['x.y']}, " X "}, 'b': {'directory': 'e', 'environment': {'A': "
        "'a'}, " X "}"));
    char *text = aw_recipe_expand (w->recipes[0].directory, w, 0, "/run");

    (void)state;
    assert_string_equal (text, "d/x.y");
    free (text);
    text = aw_recipe_expand (w->recipes[0].environment[0].value, w, 0, "/run");
    assert_string_equal (text, "x");
    free (text);
    aw_workflow_destroy (w);
    expect_each (table, LENGTH (table), false);
}

static void staged_data_differs_by_value (void **state)
{
    struct aw_workflow *w =
        parse_good (EACH ("'s': ['a', 'b']", X ", 'stage_in': {'from': 'data/{s}'}"));

    (void)state;
    assert_false (w->recipes[0].stage_in.shared);
    aw_workflow_destroy (w);
}

static void an_added_workflow_has_its_values_in_itself (void **state)
{
    static const char good[] = "{\"async-workflow\":1,\"tasks\":{\"b\":{\"foreach\":{\"s\":[\"x\","
                               "\"y\"]},\"command\":[\"{s}\"]}}}";
    static const char bad[] = "{\"async-workflow\":1,\"tasks\":{\"c\":{\"foreach\":{\"s\":{"
                              "\"lines\":\"lines\"}},\"command\":[\"{s}\"]}}}";
    struct aw_workflow *w = parse_good (ONE ("'cpus': 1"));
    struct aw_problems problems;

    (void)state;
    aw_problems_init (&problems);
    assert_int_equal (add_text (w, good, &problems), 1);
    assert_int_equal (w->graph->sets[1].count, 2);
    assert_string_equal (aw_values_text (w->recipes[1].values, 1, 0), "y");
    assert_int_equal (add_text (w, bad, &problems), -1);
    assert_string_equal (problems.items[0].text,
                         "a.json: tasks.c.foreach.s.lines: an added workflow has "
                         "its values in itself: write them as an array");
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
}

static void note_tasks (void *arg, uint32_t task, uint32_t count)
{
    char *out = arg;

    sprintf (out + strlen (out), "%u+%u ", task, count);
}

static void tasks_are_selected_by_their_values (void **state)
{
    static const struct {
        const char *text, *found; /* NULL: none */
    } table[] = {
        { "a", "0+6 7+6 " },
        { "a@1", "7+6 " },
        { "a@1[2]", "9+1 " },
        { "a[2]", "2+1 9+1 " },
        { "a[s=x]", "0+2 7+2 " },
        { "a@1[n=2]", "8+1 10+1 12+1 " },
        { "a@0[n=2,s=y,s=z]", "5+1 " },
        { "a@0[s=y,s=z,n=2]", "5+1 " },
        { "a@0[s=y,s=z]", "4+2 " },
        { "a@0[s=]q]", "2+2 " },
        { "b", "6+1 13+1 " },
        { "a[s=X]", NULL },
        { "a[s=x,n=3]", NULL },
        { "a[s=x", NULL },
        { "a[t=x]", NULL },
        { "a[]", NULL },
        { "a[6]", NULL },
        { "a@2[s=x]", NULL },
        { "b[s=x]", NULL },
        { "c", NULL },
        { "", NULL },
    };
    struct aw_workflow *w = parse_good (
        HEAD "'iterations': 2, 'tasks': {'a': {'foreach': {'s': ['x', ']q', 'y,s=z'], 'n': [1, "
             "2]}, " X "}, 'b': {" X "}}}");

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        char found[100] = "";
        int rc = aw_tasks_select (w, table[i].text, note_tasks, found);

        assert_string_equal (found, table[i].found ? table[i].found : "");
        assert_int_equal (rc, table[i].found ? 0 : -1);
    }
    aw_workflow_destroy (w);
}

static void unknown_values_are_reported (void **state)
{
    struct aw_workflow *w = parse_good (
        HEAD "'tasks': {'a': {'foreach': {'s': ['x', 'y'], 'n': [1]}, " X "}, 'b': {" X "}}}");
    struct aw_problems problems = { 0 };

    (void)state;
    assert_false (aw_tasks_report_values (w, "c[s=x]", &problems));
    assert_false (aw_tasks_report_values (w, "b[s=x]", &problems));
    assert_false (aw_tasks_report_values (w, "a", &problems));
    assert_int_equal (problems.n_items, 0);
    assert_true (aw_tasks_report_values (w, "a[s=z]", &problems));
    assert_int_equal (problems.n_items, 1);
    assert_string_equal (problems.items[0].text,
                         "a[s=z]: no such task: the first task of the set is a[0] (s=x, n=1)");
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
}

static void labels_have_the_values (void **state)
{
    struct aw_workflow *w = parse_good (EACH ("'s': ['a\\nb', '☃☃'], 'n': [1]", X));
    struct aw_textbuf out = { 0 };
    char buf[AW_TASK_LABEL];

    (void)state;
    assert_string_equal (aw_task_label (w, 0, buf, sizeof (buf)), "a[0] (s=a?b, n=1)");
    assert_string_equal (aw_task_label (w, 0, buf, 18), "a[0] (s=a?b, n=1)");
    assert_string_equal (aw_task_label (w, 0, buf, 17), "a[0] (s=a?b, ...");
    assert_string_equal (aw_task_label (w, 1, buf, 15), "a[1] (s=☃...");
    assert_string_equal (aw_task_label (w, 1, buf, 14), "a[1] (s=...");
    aw_task_put_values (w, 0, ",", &out);
    aw_textbuf_putc (&out, '\0');
    assert_string_equal (out.data, ",{\"s\":\"a\\nb\",\"n\":\"1\"}");
    aw_textbuf_finish (&out);
    aw_workflow_destroy (w);
}

static int enter_directory (void **state)
{
    (void)state;
    return mkdtemp (directory) && chdir (directory) == 0 ? 0 : -1;
}

static int leave_directory (void **state)
{
    char command[64];

    (void)state;
    snprintf (command, sizeof (command), "rm -rf %s", directory);
    return chdir ("/") == 0 && system (command) == 0 ? 0 : -1;
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (each_source_has_its_values),
        cmocka_unit_test (sources_are_relative_to_the_given_directory),
        cmocka_unit_test (a_placeholder_becomes_the_value),
        cmocka_unit_test (a_script_has_it_quoted),
        cmocka_unit_test (what_is_wrong_has_its_place),
        cmocka_unit_test (quotes_around_a_placeholder_are_warned_of),
        cmocka_unit_test (defaults_have_variables),
        cmocka_unit_test (staged_data_differs_by_value),
        cmocka_unit_test (tasks_are_selected_by_their_values),
        cmocka_unit_test (unknown_values_are_reported),
        cmocka_unit_test (labels_have_the_values),
        cmocka_unit_test (an_added_workflow_has_its_values_in_itself),
    };

    return cmocka_run_group_tests (tests, enter_directory, leave_directory);
}
