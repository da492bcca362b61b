/* SPDX-License-Identifier: Apache-2.0 */
/* The table of values, its file, and the quoting of values for a shell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/workflow/shell_quote.h"
#include "io/workflow/values.h"
#include "io/workflow/values_file.h"

static void add (struct aw_values *values, uint32_t variable, const char *text)
{
    assert_int_equal (aw_values_append (values, variable, text, strlen (text)), 0);
}

static struct aw_values *make (uint32_t n)
{
    static const char *const names[] = { "a", "b-c", "d" };
    struct aw_values *values = aw_values_create ();

    assert_non_null (values);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal (aw_values_add_variable (values, names[i]), 0);
    return values;
}

static void the_last_variable_is_the_fastest (void **state)
{
    struct aw_values *values = make (3);
    static const char *const expected[] = { "x1p", "x1q", "x2p", "x2q", "x1p", "x1q",
                                            "y1p", "y1q", "y2p", "y2q", "y1p", "y1q" };

    (void)state;
    add (values, 0, "x");
    add (values, 0, "y");
    add (values, 1, "1");
    add (values, 1, "2");
    add (values, 1, "1");
    add (values, 2, "p");
    add (values, 2, "q");
    assert_int_equal (aw_values_appended (values, 1), 3);
    assert_int_equal (aw_values_combine (values, 11), -1);
    assert_int_equal (errno, ERANGE);
    assert_int_equal (aw_values_combine (values, 12), 0);
    assert_int_equal (aw_values_count (values), 12);
    assert_int_equal (aw_values_n_texts (values, 1), 2);
    for (uint32_t i = 0; i < 12; i++) {
        char text[4];

        snprintf (text, sizeof (text), "%s%s%s", aw_values_text (values, i, 0),
                  aw_values_text (values, i, 1), aw_values_text (values, i, 2));
        assert_string_equal (text, expected[i]);
    }
    assert_int_equal (aw_values_number (values, 4, 1), aw_values_number (values, 0, 1));
    assert_string_equal (aw_values_nth_text (values, 1, 1), "2");
    aw_values_destroy (values);
}

static void rows_are_of_one_length (void **state)
{
    struct aw_values *values = make (2);

    (void)state;
    add (values, 0, "x");
    add (values, 0, "y");
    add (values, 1, "1");
    assert_int_equal (aw_values_align (values, 9), -1);
    assert_int_equal (errno, EINVAL);
    add (values, 1, "");
    assert_int_equal (aw_values_align (values, 1), -1);
    assert_int_equal (errno, ERANGE);
    assert_int_equal (aw_values_align (values, 2), 0);
    assert_string_equal (aw_values_text (values, 1, 0), "y");
    assert_string_equal (aw_values_text (values, 1, 1), "");
    aw_values_destroy (values);
    aw_values_destroy (NULL);
}

static void variables_are_found_by_name (void **state)
{
    struct aw_values *values = make (2);
    char buf[AW_VALUES_NAME_SIZE];

    (void)state;
    assert_int_equal (aw_values_find (values, "b-c", 3), 1);
    assert_int_equal (aw_values_find (values, "b-c", 2), AW_VALUES_NONE);
    assert_int_equal (aw_values_find (NULL, "a", 1), AW_VALUES_NONE);
    assert_string_equal (aw_values_environment (values, 1, buf), "ASYNC_WORKFLOW_VALUE_b_c");
    aw_values_destroy (values);
}

/* Equal texts have equal numbers, different ones different numbers, over many. */
static void texts_have_numbers (void **state)
{
    enum { N = 20000, TEXTS = 5003 };
    struct aw_values *values = make (1);
    char text[16];

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        snprintf (text, sizeof (text), "%u", i * 7919 % TEXTS);
        add (values, 0, text);
    }
    assert_int_equal (aw_values_combine (values, N), 0);
    assert_int_equal (aw_values_n_texts (values, 0), TEXTS);
    for (uint32_t i = 0; i < N; i++) {
        snprintf (text, sizeof (text), "%u", i * 7919 % TEXTS);
        assert_string_equal (aw_values_text (values, i, 0), text);
        assert_int_equal (aw_values_number (values, i, 0), i % TEXTS);
    }
    aw_values_destroy (values);
}

/* ROWS: "x1 y2 x1". A table of the variables a and b, or in the other order. */
static struct aw_values *table_of (const char *rows, bool swapped)
{
    struct aw_values *values = aw_values_create ();

    assert_int_equal (aw_values_add_variable (values, swapped ? "b" : "a"), 0);
    assert_int_equal (aw_values_add_variable (values, swapped ? "a" : "b"), 0);
    for (; *rows; rows += rows[2] ? 3 : 2) {
        assert_int_equal (aw_values_append (values, swapped, rows, 1), 0);
        assert_int_equal (aw_values_append (values, !swapped, rows + 1, 1), 0);
    }
    assert_int_equal (aw_values_align (values, 100), 0);
    return values;
}

/* Known rows keep their place, new ones come last, missing ones have "-". */
static void values_are_merged (void **state)
{
    static const struct {
        const char *old, *new, *merged;
    } table[] = {
        { "x1 y2 z3", "x1 y2 z3", "x1 y2 z3" },     { "x1 y2 z3", "z3 x1 y2", "x1 y2 z3" },
        { "x1 y2 z3", "w4 z3 x1", "x1 -y2 z3 w4" }, { "x1 y2", "x2 y1", "-x1 -y2 x2 y1" },
        { "x1", "x1 x1 x1", "x1 x1 x1" },           { "x1 x1 y2 x1", "x1 x1", "x1 x1 -y2 -x1" },
        { "x1 y2", "q9 q9", "-x1 -y2 q9 q9" },
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof (table) / sizeof (table[0]); i++) {
        struct aw_values *values = table_of (table[i / 2].old, false);
        struct aw_values *new = table_of (table[i / 2].new, i % 2);
        char out[100] = "";

        assert_int_equal (aw_values_merge (values, new, AW_VALUES_NONE), 1);
        for (uint32_t row = 0; row < aw_values_count (values); row++)
            sprintf (out + strlen (out), "%s%s%s%s", row ? " " : "",
                     aw_values_is_missing (values, row) ? "-" : "", aw_values_text (values, row, 0),
                     aw_values_text (values, row, 1));
        assert_string_equal (out, table[i / 2].merged);
        /* What is missing may come again, in its old place. */
        aw_values_destroy (new);
        new = table_of (table[i / 2].old, false);
        assert_int_equal (aw_values_merge (values, new, AW_VALUES_NONE), 1);
        for (uint32_t row = 0; row < aw_values_count (new); row++) {
            assert_false (aw_values_is_missing (values, row));
            assert_string_equal (aw_values_text (values, row, 0), aw_values_text (new, row, 0));
        }
        aw_values_destroy (new);
        aw_values_destroy (values);
    }
}

static void other_variables_are_not_merged (void **state)
{
    struct aw_values *values = table_of ("x1", false), *other = make (2);

    (void)state;
    assert_int_equal (aw_values_merge (values, other, AW_VALUES_NONE), 0);
    assert_int_equal (aw_values_count (values), 1);
    aw_values_destroy (other);
    other = make (1);
    assert_int_equal (aw_values_merge (values, other, AW_VALUES_NONE), 0);
    aw_values_destroy (other);
    aw_values_destroy (values);
}

struct quoted {
    const char *text, *quoted;
};

static void quoting_leaves_what_means_nothing (void **state)
{
    static const struct quoted table[] = {
        { "a_@%+:,./-Z9", "a_@%+:,./-Z9" },
        { "=ls", "\\=ls" },
        { "A=b", "A\\=b" },
        { "", "''" },
        { "a b", "a\\ b" },
        { "$(x)`'\"\\", "\\$\\(x\\)\\`\\'\\\"\\\\" },
        { "~#*?[]{}|&;<>!^\t", "\\~\\#\\*\\?\\[\\]\\{\\}\\|\\&\\;\\<\\>\\!\\^\\\t" },
        { "\xc3\xa9", "\xc3\xa9" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_textbuf out = { 0 };

        aw_shell_quote (&out, table[i].text, strlen (table[i].text));
        aw_textbuf_putc (&out, '\0');
        assert_string_equal (out.data, table[i].quoted);
        assert_int_equal (aw_shell_needs_quotes (table[i].text),
                          strcmp (table[i].text, table[i].quoted) != 0);
        aw_textbuf_finish (&out);
    }
}

enum { N_RANDOM = 400, RANDOM_SIZE = 24 };

/* Does SHELL, running printf with the quoted texts, write exactly the N texts? */
static void expect_exact (const char *shell, char (*texts)[RANDOM_SIZE], size_t n)
{
    struct aw_textbuf script = { 0 };
    FILE *file = fopen ("t-values.sh", "w");
    char command[100], read[RANDOM_SIZE * N_RANDOM], *at = read;
    size_t size;

    aw_textbuf_puts (&script, "printf '%s\\0'");
    for (size_t i = 0; i < n; i++) {
        aw_textbuf_putc (&script, ' ');
        aw_shell_quote (&script, texts[i], strlen (texts[i]));
    }
    assert_false (script.failed);
    assert_non_null (file);
    assert_int_equal (fwrite (script.data, 1, script.len, file), script.len);
    assert_int_equal (fclose (file), 0);
    aw_textbuf_finish (&script);
    snprintf (command, sizeof (command), "%s t-values.sh >t-values.out", shell);
    assert_int_equal (system (command), 0);
    file = fopen ("t-values.out", "r");
    assert_non_null (file);
    size = fread (read, 1, sizeof (read), file);
    fclose (file);
    for (size_t i = 0; i < n; i++) {
        assert_true (at < read + size);
        assert_string_equal (at, texts[i]);
        at += strlen (at) + 1;
    }
    assert_ptr_equal (at, read + size);
}

/* All characters but a newline, more of those that mean something to a shell. */
static void a_shell_passes_on_what_was_quoted (void **state)
{
    static const char *const shells[] = { "/bin/sh",   "/bin/bash",      "/bin/bash --posix",
                                          "/bin/dash", "/usr/bin/mksh",  "/usr/bin/ksh",
                                          "/bin/zsh",  "/bin/busybox sh" };
    static const char special[] = "$`'\"\\ \t;&|<>(){}[]*?#~!^=%-\xc3\xa9\r\x01\x7f\xff";
    static char texts[N_RANDOM][RANDOM_SIZE];

    (void)state;
    srand (2401);
    for (size_t i = 0; i < N_RANDOM; i++)
        for (size_t n = (size_t)rand () % (RANDOM_SIZE - 1), k = 0; k < n; k++) {
            char c = (char)(rand () % 255 + 1);

            texts[i][k] =
                rand () % 2 || c == '\n' ? special[(size_t)rand () % (sizeof (special) - 1)] : c;
        }
    for (size_t i = 0; i < sizeof (shells) / sizeof (shells[0]); i++) {
        char program[32];

        snprintf (program, sizeof (program), "%.*s", (int)strcspn (shells[i], " "), shells[i]);
        if (access (program, X_OK) == 0)
            expect_exact (shells[i], texts, N_RANDOM);
    }
    unlink ("t-values.sh");
    unlink ("t-values.out");
}

static void write_file (const char *path, const char *text)
{
    FILE *file = fopen (path, "w");

    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

#define HEADER(lines) "{\"async-workflow-values\":1,\"lines\":" lines "}\n"
#define SET(name, tasks) \
    "{\"set\":\"" name "\",\"source\":\"s1\",\"variables\":[\"a\",\"b\"],\"tasks\":" tasks "}\n"

static void the_file_is_read_again (void **state)
{
    struct aw_kept_values *kept;
    struct aw_values *values;
    struct aw_error err;

    (void)state;
    write_file ("t-values.jsonl",
                HEADER ("5") SET ("x", "2") "{\"missing\":[\"1\",\"\\u0022\\u005c\"]}\n"
                                            "[\"2\",\"\"]\n" SET ("y", "1") "["
                                                                            "\"1\",\"2\"]\n");
    kept = aw_kept_values_read ("t-values.jsonl", &err);
    assert_non_null (kept);
    assert_null (aw_kept_values_take (kept, "z"));
    values = aw_kept_values_take (kept, "x");
    assert_non_null (values);
    assert_null (aw_kept_values_take (kept, "x"));
    assert_int_equal (aw_values_count (values), 2);
    assert_string_equal (aw_values_name (values, 1), "b");
    assert_string_equal (aw_values_text (values, 0, 1), "\"\\");
    assert_true (aw_values_is_missing (values, 0));
    assert_false (aw_values_is_missing (values, 1));
    assert_string_equal (aw_values_text (values, 1, 1), "");
    assert_string_equal (aw_values_source (values), "s1");
    aw_values_destroy (values);
    aw_kept_values_destroy (kept);
    unlink ("t-values.jsonl");
    kept = aw_kept_values_read ("t-values.jsonl", &err);
    assert_non_null (kept);
    assert_null (aw_kept_values_take (kept, "x"));
    assert_null (aw_kept_values_take (NULL, "x"));
    aw_kept_values_destroy (kept);
}

static void a_file_that_is_not_whole_is_an_error (void **state)
{
    static const struct {
        const char *text, *error;
    } table[] = {
        { "x\n", "not a values file of async-workflow" },
        { "{\"async-workflow-values\":2,\"lines\":0}\n",
          "version 2 is not known to this version of async-workflow" },
        { HEADER ("1"), "it is cut off: it has 1 lines, not 2" },
        { HEADER ("0") SET ("x", "0"), "it is cut off: it has 2 lines, not 1" },
        { HEADER ("2") SET ("x", "1"), "it is cut off" },
        { HEADER ("2") SET ("x", "1") "[\"1\",\"2\"]", "it is cut off" },
        { HEADER ("2") SET ("x", "1") "[\"1\"]\n", "line 3: not a task's values" },
        { HEADER ("2") SET ("x", "1") "[\"1\",\"2\",\"3\"]\n", "line 3: not a task's values" },
        { HEADER ("2") SET ("x", "1") "[\"1\",2]\n", "line 3: not a task's values" },
        { HEADER ("2") SET ("x", "1") "{\"missing\":[\"1\",\"2\"]\n",
          "line 3: not a task's values" },
        { HEADER ("2") SET ("x", "1") "{\"gone\":[\"1\",\"2\"]}\n", "line 3: not a task's values" },
        { HEADER ("1") "{\"set\":\"x\",\"tasks\":0}\n", "line 2: not the head of a set's values" },
        { HEADER ("1") "{\"set\":\"x\",\"source\":\"s\",\"variables\":[\"a\",\"a\"],\"tasks\":0}\n",
          "line 2: not the head of a set's values" }, /* two of one name */
        { HEADER ("1") SET ("x", "20000000"), "line 2: not the head of a set's values" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_error err;
        char expected[200];

        write_file ("t-values.jsonl", table[i].text);
        assert_null (aw_kept_values_read ("t-values.jsonl", &err));
        snprintf (expected, sizeof (expected), "t-values.jsonl: %s", table[i].error);
        assert_string_equal (err.text, expected);
    }
    unlink ("t-values.jsonl");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_last_variable_is_the_fastest),
        cmocka_unit_test (rows_are_of_one_length),
        cmocka_unit_test (variables_are_found_by_name),
        cmocka_unit_test (texts_have_numbers),
        cmocka_unit_test (values_are_merged),
        cmocka_unit_test (other_variables_are_not_merged),
        cmocka_unit_test (quoting_leaves_what_means_nothing),
        cmocka_unit_test (a_shell_passes_on_what_was_quoted),
        cmocka_unit_test (the_file_is_read_again),
        cmocka_unit_test (a_file_that_is_not_whole_is_an_error),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
