/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: CSV and TSV as rows of fields, and what tables make of a set's tasks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "documents.h"
#include "io/text_file.h"
#include "io/workflow/csv.h"
#include "io/workflow/values.h"

/* All rows of TEXT into OUT: "<1>a|b<3>c" with the lines where rows begin. The result of the last
 * read. */
static int read_rows (const char *text, size_t size, bool tab, char *out, struct aw_error *err)
{
    char *copy = malloc (size + 1);
    struct aw_csv csv = { .text = copy, .end = copy + size, .tab = tab };
    int rc;

    assert_non_null (copy);
    memcpy (copy, text, size);
    while ((rc = aw_csv_next (&csv, err)) > 0) {
        out += sprintf (out, "<%zu>", csv.line);
        for (size_t i = 0; i < csv.n_fields; i++)
            out += sprintf (out, "%s%.*s", i ? "|" : "", (int)csv.fields[i].length,
                            csv.fields[i].text);
    }
    *out = '\0';
    aw_csv_finish (&csv);
    free (copy);
    return rc;
}

static void rows_are_read (void **state)
{
    static const struct {
        const char *text;
        bool tab;
        const char *rows;
    } table[] = {
        { "", false, "" },
        { "\n\r\n", false, "" },
        { "a", false, "<1>a" },
        { "a,b\nc,d", false, "<1>a|b<2>c|d" },
        { "a,b\r\n\r\n\nc,d\r\n", false, "<1>a|b<4>c|d" },
        { ",\n,,\n", false, "<1>|<2>||" },
        { "a,\n", false, "<1>a|" },
        { "a,", false, "<1>a|" },
        { "\"a,b\",\"c\"\"d\"\n\"\"\n", false, "<1>a,b|c\"d<2>" },
        { "\"a\nb\r\nc\",d\ne\n", false, "<1>a\nb\r\nc|d<4>e" },
        { "\"\"\"\"", false, "<1>\"" },
        { " a , \tb \n", false, "<1> a | \tb " },
        { "\"a\rb\",c\r\nd\r", false, "<1>a\rb|c<2>d" },
        { "a\tb\n\"c\t,\"d\n", true, "<1>a|b<2>\"c|,\"d" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        struct aw_error err;
        char out[200];

        assert_int_equal (
            read_rows (table[i].text, strlen (table[i].text), table[i].tab, out, &err), 0);
        assert_string_equal (out, table[i].rows);
    }
}

static void wrong_rows_have_their_line (void **state)
{
    static const struct {
        const char *text, *error;
    } table[] = {
        { "a,b\nc\"d\n", "line 2: field 1: a quote within a field without quotes: put the field in "
                         "quotes, and write \"\" for the quote" },
        { "a\n\"b\nc\" d\n", "line 3: field 1: text after the closing quote: write \"\" for a "
                             "quote within quotes" },
        { "a\n\nb,\"c\nd\n", "line 3: field 2: its quote is never closed" },
        { "\"", "line 1: field 1: its quote is never closed" },
        { "a,b\rc", "line 1: field 2: " AW_TEXT_OLD_LINE_END },
        { "a\n\"b\"\rc", "line 2: field 1: " AW_TEXT_OLD_LINE_END },
        { "\"a\"\"", "line 1: field 1: its quote is never closed" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        struct aw_error err;
        char out[200];

        assert_int_equal (read_rows (table[i].text, strlen (table[i].text), false, out, &err), -1);
        assert_string_equal (err.text, table[i].error);
    }
}

/* Random fields, written by RFC 4180, come back as they were. */
static void what_is_written_is_read (void **state)
{
    static const char letters[] = "ab,\"\n\r\t \xc3\xa9";

    (void)state;
    srand (4180);
    for (int round = 0; round < 2000; round++) {
        char text[400], expected[400], out[400], *t = text, *x = expected;
        struct aw_error err;
        size_t line = 1;

        for (int row = 0; row < 3; row++) {
            x += sprintf (x, "<%zu>", line);
            for (int field = 0; field < 3; field++) {
                t += sprintf (t, "%s\"", field ? "," : "");
                x += sprintf (x, "%s", field ? "|" : "");
                for (int n = rand () % 8; n > 0; n--) {
                    char c = letters[(size_t)rand () % (sizeof (letters) - 1)];

                    if (c == '"')
                        *t++ = '"';
                    line += c == '\n';
                    *x++ = *t++ = c;
                }
                *t++ = '"';
            }
            t += sprintf (t, "%s", rand () % 2 ? "\r\n" : "\n");
            line++;
        }
        *x = '\0';
        assert_int_equal (read_rows (text, (size_t)(t - text), false, out, &err), 0);
        assert_string_equal (out, expected);
    }
}

#define TABLE(file)                                                                   \
    HEAD "'tasks': {'a': {'foreach': {'table': '" file "'}, 'command': ['x', '{x}', " \
         "'{y:stem}']}}}"

static void write_text (const char *name, const char *text)
{
    FILE *file = fopen (name, "w");

    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

static void a_table_has_a_task_for_each_row (void **state)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        { "t.csv", "\xef\xbb\xbfx,y\r\n1,\"a b\"\r\n\r\n1.50,\"\"\"c\nd\"\r\n" },
        { "t.TSV", "x\ty\n1\ta b\n1.50\t\"c\n" },
        { "t.jsonl", "{\"x\":1,\"y\":\"a b\"}\n\n {\"y\" : \"\\\"c\\nd\", \"x\": 1.50}" },
        { "t.ndjson",
          "{\"x\":\"1\",\"y\":\"a\\u0020b\"}\r\n{\"x\":1.50,\"y\":\"\\u0022c\\nd\"}\n" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (files); i++) {
        char document[300];
        struct aw_workflow *w;
        const struct aw_values *values;

        write_text (files[i].name, files[i].text);
        snprintf (document, sizeof (document), TABLE ("%s"), files[i].name);
        w = parse_good (document);
        values = w->recipes[0].values;
        assert_int_equal (aw_values_count (values), 2);
        assert_int_equal (aw_values_n_variables (values), 2);
        assert_string_equal (aw_values_text (values, 0, 0), "1");
        assert_string_equal (aw_values_text (values, 0, 1), "a b");
        assert_string_equal (aw_values_text (values, 1, 0), "1.50");
        assert_string_equal (aw_values_text (values, 1, 1), i == 1 ? "\"c" : "\"c\nd");
        aw_workflow_destroy (w);
        unlink (files[i].name);
    }
}

static void wrong_tables_have_their_line (void **state)
{
    static const struct {
        const char *name, *text, *problem;
    } table[] = {
        { "e.csv", "x,y\n", "has no row: a task set has at least one task" },
        { "e.csv", "", "has no row: a task set has at least one task" },
        { "e.jsonl", "\n \n", "has no row: a task set has at least one task" },
        { "e.csv", "x,y\n1,2\n\n3\n", "line 4: has 1 field, the header has 2" },
        { "e.csv", "x,y\n1,2,3\n", "line 2: has 3 fields, the header has 2" },
        { "e.tsv", "x\ty\n1\n", "line 2: has 1 field, the header has 2" },
        { "e.csv", "x,y,x\n1,2,3\n", "line 1, column 3: a second \"x\": give it another name" },
        { "e.csv", "x,Sample ID\n1,2\n",
          "line 1, column 2: \"Sample ID\": a variable's name has only letters, digits, \"_\" and "
          "\"-\", and begins with a letter or \"_\"" },
        { "e.csv", "x,run\n1,2\n",
          "line 1, column 2: {run} is built in: give the variable another name" },
        { "e.csv", "x,y\n1,\"2\n", "line 2: field 2: its quote is never closed" },
        { "e.csv", "x,y\n1,\xff\n", "line 2: is not UTF-8: convert it with iconv(1)" },
        { "e.jsonl", "[1]\n", "line 1: not a JSON object" },
        { "e.jsonl", "{\"x\":1,\"y\":2}\n{\"x\":1}\n", "line 2: has no \"y\"" },
        { "e.jsonl", "{\"x\":1,\"y\":2}\n{\"x\":1,\"z\":1}\n",
          "line 2: the first line has no \"z\"" },
        { "e.jsonl", "{\"x\":1,\"x\":2}\n", "line 1: \"x\" is given twice" },
        { "e.jsonl", "{\"x\":1,\"y\":true}\n", "line 1: \"y\" must be text or a number" },
        { "e.jsonl", "{\"x\":1,\"y\":\"\\u0000\"}\n",
          "line 1: \"y\": its text has no end, a wrong escape or \\u0000" },
        { "e.jsonl", "{\"x\":1,\"y\":\"\\ud800\"}\n",
          "line 1: \"y\": its text has no end, a wrong escape or \\u0000" },
        { "e.jsonl", "{\"x\":1,\"y\":2} 3\n", "line 1: not a JSON object" },
        { "e.jsonl", "{\"x\":1,\"run\":2}\n",
          "line 1: {run} is built in: give the variable another name" },
        { "e.txt", "x\n1\n", "unknown format: its name must end in .csv, .tsv or .jsonl" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH (table); i++) {
        char document[300], problem[300];

        write_text (table[i].name, table[i].text);
        snprintf (document, sizeof (document), TABLE ("%s"), table[i].name);
        snprintf (problem, sizeof (problem), "tasks.a.foreach.table: %s: %s", table[i].name,
                  table[i].problem);
        expect_one (document, false, problem);
        unlink (table[i].name);
    }
    expect_one (HEAD "'tasks': {'a': {'foreach': {'table': 'x.csv', 'y': [1]}, 'command': ['x']}}}",
                false, "tasks.a.foreach: a \"table\" stands alone: its columns are all variables");
}

static char directory[] = "/tmp/t-csv-XXXXXX";

static int enter_directory (void **state)
{
    (void)state;
    return mkdtemp (directory) && chdir (directory) == 0 ? 0 : -1;
}

static int leave_directory (void **state)
{
    (void)state;
    return chdir ("/") == 0 && rmdir (directory) == 0 ? 0 : -1;
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (rows_are_read),
        cmocka_unit_test (wrong_rows_have_their_line),
        cmocka_unit_test (what_is_written_is_read),
        cmocka_unit_test (a_table_has_a_task_for_each_row),
        cmocka_unit_test (wrong_tables_have_their_line),
    };

    return cmocka_run_group_tests (tests, enter_directory, leave_directory);
}
