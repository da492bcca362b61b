/* SPDX-License-Identifier: Apache-2.0 */
/* Task lists: which files are lists, what is wrong in them, and the workflow that they stand for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "documents.h"
#include "io/workflow/task_list.h"
#include "io/workflow/values_file.h"

static void what_is_a_list (void **state)
{
    static const struct {
        const char *label, *text;
        bool list;
    } table[] = {
        { "c", "echo", true },       { "c.txt", " \n\techo {", true },
        { "c.txt", "# x", true },    { "c.txt", "\xef\xbb\xbf echo", true },
        { "c.json", "echo", false }, { "c.JSON", "echo", false },
        { "c.txt", " \n{", false },  { "c.txt", "[1]", false },
        { "c.txt", "\"x\"", false }, { "c.txt", "\xef\xbb\xbf{", false },
        { "c.txt", "", false },      { "c.txt", " \n", false },
        { "c.json.txt", "x", true },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++)
        assert_int_equal (aw_task_list_is (table[i].label, table[i].text, strlen (table[i].text)),
                          table[i].list);
}

static struct aw_workflow *parse (const char *text, struct aw_problems *problems)
{
    aw_problems_init (problems);
    return aw_workflow_parse (text, strlen (text), "dir/c.txt", problems);
}

static void what_is_wrong_has_a_line (void **state)
{
    static const struct {
        const char *text, *error;
    } table[] = {
        { "#!/bin/sh\nx", "begins with #!: it is a script, not a list of commands: write a list "
                          "with a line that calls it" },
        { "# x\n", "has no command: write a shell command in each line" },
        { "x\n\xc3\xa9\n\xff",
          "line 3: byte 0xff is not text in UTF-8: give a workflow in JSON, or "
          "a list with a shell command in each line" },
        { "\n#SBATCH -n 1\nx", "line 2: #SBATCH has no effect in a list of commands: give options "
                               "to srun or sbatch, and write #AW key=value for what a line needs" },
        { "x \\\ny", "line 1: ends in \\, and each line is a task: write the command in one line" },
        { "x\nfi; y", "line 2: \"fi\" belongs to a command of several lines, and each line is a "
                      "task: write the command in one line, or call a script" },
        { "x\ny <<E\n", "line 2: has a here-document (<<), and each line is a task: pass the text "
                        "with printf and a pipe, or call a script" },
        { "x\r\ny\rz\r",
          "line 2: a carriage return without a newline, the line end of old Macs: convert the file "
          "with: tr '\\r' '\\n' <OLD >NEW" },
        { "#AW cpus=1 gpus=1 cpus=\nx", "line 1: cpus is given twice: remove one of them" },
        { "", "is empty: write a workflow in JSON, {...}, or a list with a shell command in each "
              "line: see async-workflow-file(5)" },
        { "\n[ -e x ] && y",
          "begins with [: a workflow in JSON begins with {; if this is a list of "
          "commands, put a line with # before its first command" },
        { "\"a b\" c", "begins with \": a workflow in JSON begins with {; if this is a list of "
                       "commands, put a line with # before its first command" },
        { "#AW\nx", "line 1: #AW alone: write #AW key=value, or #AW barrier" },
        { "#AW cpus\nx", "line 1: #AW cpus: write key=value, or barrier alone" },
        { "#AW cpu=1\nx", "line 1: unknown key \"cpu\": did you mean \"cpus\"?" },
        { "#AW walltime=1\nx", "line 1: unknown key \"walltime\": write \"time_limit\"" },
        { "#AW after=1\nx",
          "line 1: unknown key \"after\": async-workflow-file(5), TASK LISTS, has all" },
        { "#AW directory=\"a\nx", "line 1: #AW directory: the closing \" is missing" },
        { "#AW directory=\"a\"b\nx", "line 1: #AW directory: a blank is missing after \"" },
        { "#AW shell=python3\nx",
          "line 1: shell: \"python3\" is not a shell: write #AW shell=zsh" },
        { "x\n\n#AW cpus=0\ny", "line 3: cpus: 0: must be from 1 to 1048576" },
        { "#AW mem=2X\ny", "line 1: mem: \"2X\" is not a size: write bytes, or \"4G\" (K, M, G, T, "
                           "P)" },
        { "#aw cpus=1\ny",
          "line 1: is a comment: for a directive write #AW, in capital letters and without a blank "
          "after #" },
        { "# AW barrier\ny",
          "line 1: is a comment: for a directive write #AW, in capital letters and without a blank "
          "after #" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        struct aw_problems problems;
        struct aw_workflow *w = parse (table[i].text, &problems);

        assert_int_equal (problems.n_errors + problems.n_warnings, 1);
        assert_memory_equal (problems.items[0].text, "dir/c.txt: ", 11);
        assert_string_equal (problems.items[0].text + 11, table[i].error);
        assert_int_equal (w != NULL, problems.n_warnings == 1);
        aw_workflow_destroy (w);
        aw_problems_finish (&problems);
    }
}

static void a_nul_is_no_text (void **state)
{
    struct aw_problems problems;

    (void)state;
    aw_problems_init (&problems);
    assert_null (aw_workflow_parse ("x\0y", 3, "c.txt", &problems));
    assert_int_equal (problems.n_errors, 1);
    aw_problems_finish (&problems);
}

static void sets_and_barriers (void **state)
{
    static const char text[] = "\xef\xbb\xbf# comment\r\n"
                               "#AW barrier\n"
                               "  one {index} \"${x}\" \r\n"
                               "\n"
                               "#AW cpus=2 shell=\"zsh -e\" mem=2G directory=\"a b\"\n"
                               "#AWE is a comment\n"
                               "two $((1<<2)) <<<x # <<E\n"
                               "#AW cpus= shell= mem= directory=\n"
                               "three\n"
                               "#AW barrier cpus=1\n"
                               "#AW cpus=\n"
                               "#AW barrier\n"
                               "four\n"
                               "#AW on_failure=stop\n"
                               "#AW barrier\n"
                               "five\n"
                               "#AW barrier";
    struct aw_problems problems;
    struct aw_workflow *w = parse (text, &problems);
    const struct aw_graph *g = w->graph;

    (void)state;
    assert_int_equal (problems.n_errors + problems.n_warnings, 0);
    assert_string_equal (w->name, "c");
    assert_int_equal (g->n_sets, 5);
    assert_string_equal (g->sets[0].name, "line");
    assert_string_equal (g->sets[4].name, "line-5");
    assert_int_equal (g->sets[1].cpus, 2);
    assert_int_equal (g->sets[1].mem, 2u << 30);
    assert_string_equal (w->recipes[1].directory, "a b");
    assert_int_equal (g->sets[2].cpus, 1);
    assert_int_equal (g->sets[2].n_after, 0);
    assert_int_equal (g->sets[3].n_after, 3);
    assert_int_equal (g->sets[4].n_after, 1);
    assert_int_equal (g->sets[4].after[0].set, 3);
    assert_int_equal (g->sets[0].on_failure, AW_ON_FAILURE_SKIP);
    assert_int_equal (g->sets[4].on_failure, AW_ON_FAILURE_STOP);
    assert_string_equal (aw_values_text (w->recipes[0].values, 0, 0), "3");
    assert_string_equal (aw_values_text (w->recipes[0].values, 0, 1), "one {index} \"${x}\" ");
    assert_string_equal (w->recipes[1].command[0], "zsh");
    assert_string_equal (w->recipes[1].command[1], "-e");
    assert_string_equal (w->recipes[1].command[2], "-c");
    assert_string_equal (w->recipes[1].command[4], "c.txt:{line}");
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
}

/* Parses TEXT as a start that continues the run of BEFORE (NULL: of none). */
static struct aw_workflow *resume (const char *text, const struct aw_workflow *before)
{
    char path[] = "/tmp/aw-t-task-list-XXXXXX";
    struct aw_workflow_input input = { .start = true, .values = before ? path : NULL };
    struct aw_problems problems;
    struct aw_textbuf out = { 0 };
    FILE *file = fdopen (mkstemp (path), "w");
    struct aw_workflow *w;

    assert_non_null (file);
    if (before)
        aw_values_file_put (before, &out);
    assert_int_equal (fwrite (out.data ? out.data : "", 1, out.len, file), out.len);
    assert_int_equal (fclose (file), 0);
    aw_textbuf_finish (&out);
    aw_problems_init (&problems);
    w = aw_workflow_parse_with (text, strlen (text), "c.txt", &input, &problems);
    assert_non_null (w);
    aw_problems_finish (&problems);
    remove (path);
    return w;
}

static void expect_rows (const struct aw_workflow *w, const char *const *rows)
{
    const struct aw_values *values = w->recipes[0].values;
    uint32_t n = 0;

    for (; rows[n]; n++) {
        char row[64];

        assert_true (n < aw_values_count (values));
        snprintf (row, sizeof (row), "%s %s%s", aw_values_text (values, n, 0),
                  aw_values_text (values, n, 1), aw_values_is_missing (values, n) ? "-" : "");
        assert_string_equal (row, rows[n]);
    }
    assert_int_equal (aw_values_count (values), n);
}

static void lines_keep_their_tasks (void **state)
{
    struct aw_workflow *first = resume ("a\nb\na\nc\n", NULL), *second, *third;

    (void)state;
    expect_rows (first, (const char *const[]){ "1 a", "2 b", "3 a", "4 c", NULL });
    second = resume ("# x\nc\na\nnew\na\na\n", first);
    expect_rows (second,
                 (const char *const[]){ "3 a", "removed b-", "5 a", "2 c", "4 new", "6 a", NULL });
    third = resume ("b\n", second);
    expect_rows (third, (const char *const[]){ "removed a-", "1 b", "removed a-", "removed c-",
                                               "removed new-", "removed a-", NULL });
    aw_workflow_destroy (first);
    aw_workflow_destroy (second);
    aw_workflow_destroy (third);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_a_list),         cmocka_unit_test (what_is_wrong_has_a_line),
        cmocka_unit_test (a_nul_is_no_text),       cmocka_unit_test (sets_and_barriers),
        cmocka_unit_test (lines_keep_their_tasks),
    };

    cmocka_set_message_output (CM_OUTPUT_TAP);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
