/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as it is read: whole, torn, wrong, and while it grows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/graph/graph.h"
#include "io/journal/journal.h"
#include "io/workflow/workflow.h"
#include "io/textbuf.h"
#include "journal-file.h"

#define HEADER "{\"async-workflow-journal\":1,\"epoch\":1763800000.123,\"name\":\"w\"}\n"

#define DURATIONS(text) "{\"async-workflow-journal\":1,\"epoch\":1,\"durations\":" text "}\n"

#define NODE \
    "{\"t\":0.1,\"event\":\"node\",\"node\":\"n1\",\"cpus\":\"0-7\",\"gpus\":\"0-1\",\"mem\":0}\n"

static void write_file (const struct journal_file *f, const char *text, size_t len)
{
    FILE *file = fopen (f->path, "w");

    assert_non_null (file);
    assert_int_equal (fwrite (text, 1, len, file), len);
    assert_int_equal (fclose (file), 0);
}

/* Reads TEXT as a journal; the number of events or -1. */
static int read_text (const struct journal_file *f,
                      const char *text,
                      bool *torn,
                      struct aw_error *err)
{
    struct aw_journal_header header;
    int n = 0, rc;
    struct aw_journal_reading reading = { .fn = journal_file_count, .arg = &n };

    write_file (f, text, strlen (text));
    err->text[0] = '\0';
    rc = aw_journal_read (f->path, f->graph, &reading, &header, err);
    if (torn)
        *torn = reading.torn;
    aw_journal_header_finish (&header);
    if (rc < 0)
        assert_non_null (strstr (err->text, f->path));
    return rc < 0 ? -1 : n;
}

/* What is written is read; the graph takes what it has sets for, and rounded as it was written. */
static void durations_of_earlier_runs_are_in_the_header (void **state)
{
    static const struct aw_journal_duration figures[] = {
        { (char *)(uintptr_t) "simulate", 10. / 3, 0.0512344449, 2 },
        { (char *)(uintptr_t) "gone", 5, NAN, NAN },
        { (char *)(uintptr_t) "tr\"ain", 4, NAN, NAN },
    };
    struct journal_file *f = *state;
    struct aw_journal_header header = { .epoch = 1.5, .durations.from = strdup ("a, b\"") }, read;
    struct aw_workflow workflow = { .graph = f->graph };
    struct aw_journal_durations *d = &header.durations;
    struct aw_journal_reading reading = { 0 };
    struct aw_journal *journal;
    struct aw_error err;
    char *text;

    for (size_t i = 0; i < sizeof (figures) / sizeof (figures[0]); i++)
        assert_int_equal (aw_journal_durations_add (d, &figures[i]), 0);
    f->graph->sets[1].spread = 0.5;
    journal = aw_journal_create (f->path, f->graph, &header, &err);
    assert_non_null (journal);
    assert_int_equal (aw_journal_close (journal, &err), 0);
    text = journal_file_text (f->path);
    assert_non_null (
        strstr (text, ",\"durations_from\":\"a, b\\\"\",\"durations\":{\"simulate\":{\"seconds\":"
                      "3.333333,\"spread\":0.051234,\"startup\":2},\"gone\":{\"seconds\":5},"
                      "\"tr\\\"ain\":{\"seconds\":4}},"));
    free (text);
    assert_int_equal (aw_journal_read_workflow (f->path, &workflow, &reading, &read, &err), 0);
    assert_int_equal (read.durations.n, 3);
    assert_string_equal (read.durations.from, "a, b\"");
    assert_true (f->graph->sets[0].duration == d->at[0].seconds);
    assert_true (f->graph->sets[0].spread == d->at[0].spread);
    assert_true (f->graph->sets[0].startup == 2 && f->graph->sets[1].startup == 0);
    assert_true (f->graph->sets[1].duration == 4 && f->graph->sets[1].spread == 0.5);
    aw_journal_header_finish (&read);
    aw_journal_durations_finish (d);
}

/* As its writer appends: half lines come in between. */
static void a_journal_is_followed_while_it_grows (void **state)
{
    static const char *const pieces[] = {
        (HEADER "{\"t\":1,\"event\":\"stop\"}\n"),
        "",
        "{\"t\":2,\"eve",
        "nt\":\"stop\"}",
        "\n{\"t\":3,\"event\":\"stop\"}\n{\"t\":4,\"event\":\"stop\"}\n{",
    };
    static const int after[] = { 1, 1, 1, 1, 4 };
    static const bool torn[] = { false, false, true, true, true };
    struct journal_file *f = *state;
    struct aw_workflow workflow = { .graph = f->graph };
    struct aw_journal_header header;
    struct aw_journal_follow *follow;
    struct aw_error err;
    int n = 0;
    struct aw_journal_reading reading = { .fn = journal_file_count, .arg = &n };
    FILE *file;

    write_file (f, pieces[0], strlen (pieces[0]));
    follow = aw_journal_follow (f->path, &workflow, &reading, &header, &err);
    assert_non_null (follow);
    assert_int_equal (n, after[0]);
    for (size_t i = 1; i < sizeof (pieces) / sizeof (pieces[0]); i++) {
        file = fopen (f->path, "a");
        assert_non_null (file);
        assert_true (fputs (pieces[i], file) >= 0 && fclose (file) == 0);
        assert_int_equal (aw_journal_follow_more (follow, &reading, &err), 0);
        assert_int_equal (n, after[i]);
        assert_true (reading.torn == torn[i]);
    }
    file = fopen (f->path, "a");
    assert_non_null (file);
    assert_true (fputs ("wrong\n", file) >= 0 && fclose (file) == 0);
    assert_int_equal (aw_journal_follow_more (follow, &reading, &err), -1);
    assert_non_null (strstr (err.text, "line 6"));
    aw_journal_follow_close (follow);
    aw_journal_follow_close (NULL);
    aw_journal_header_finish (&header);
}

static void a_wrong_journal_is_refused (void **state)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        { "", "first line is incomplete" },
        { "{\"async-workflow-journal\":1", "first line is incomplete" },
        { "\n", "line 1: this is not a journal" },
        { "{}\n", "line 1: not valid JSON" },
        { "{\"a\":1}\n", "line 1: this is not a journal" },
        { "{\"async-workflow-journal\":2}\n", "journal version 2 is not known" },
        { "{\"async-workflow-journal\":-1}\n", "journal version -1 is not known" },
        { "{\"async-workflow-journal\":\"1\"}\n", "line 1: not valid JSON" },
        { "{\"async-workflow-journal\":1,\"epoch\":-5}\n", "\"epoch\" is out of range" },
        { "{\"async-workflow-journal\":1,\"epoch\":5,\"backlog\":-1}\n",
          "\"backlog\" is out of range" },
        { "{\"async-workflow-journal\":1} x\n", "line 1: not valid JSON at column 30" },
        { HEADER "\n", "line 2: not a JSON object" },
        { HEADER "[]\n", "line 2: not a JSON object" },
        { HEADER "{\"t\":1}\n", "line 2: \"event\" is missing" },
        { HEADER "{\"event\":\"end\"}\n", "line 2: \"t\" is missing" },
        { HEADER "{\"t\":1,\"event\":\"end\"}\n", "\"code\" is missing" },
        { HEADER "{\"t\":1,\"event\":\"end\",\"code\":0\n", "not valid JSON" },
        { HEADER "{\"t\":1,\"event\":\"end\",\"code\":0}}\n", "not valid JSON" },
        { HEADER "{\"t\":1,\"t\":1,\"event\":\"end\",\"code\":0}\n", "\"t\" is given twice" },
        { HEADER "{\"t\":\"1\",\"event\":\"end\",\"code\":0}\n", "\"t\" must be a number" },
        { HEADER "{\"t\":01,\"event\":\"end\",\"code\":0}\n", "\"t\" must be a number" },
        { HEADER "{\"t\":NaN,\"event\":\"end\",\"code\":0}\n", "\"t\" must be a number" },
        { HEADER "{\"t\":-1,\"event\":\"end\",\"code\":0}\n", "\"t\" is out of range" },
        { HEADER "{\"t\":1e400,\"event\":\"end\",\"code\":0}\n", "\"t\" is out of range" },
        { HEADER "{\"t\":1,\"event\":5,\"code\":0}\n", "\"event\" must be a string" },
        { HEADER "{\"t\":1,\"event\":\"\\u0000\",\"code\":0}\n", "\"event\" must be a string" },
        { HEADER "{\"t\":1,\"event\":\"dance\"}\n", "unknown event \"dance\"" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[20]\"}\n",
          "no task \"simulate@0[20]\"" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@3[0]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate[0]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[00]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[0]x\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[4294967296]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"start\",\"task\":\"simulate@0[0]\",\"attempt\":0,\"node\":"
                 "\"n9\",\"cpus\":\"0\"}\n",
          "no node with the name \"n9\"" },
        { HEADER NODE "{\"t\":1,\"event\":\"start\",\"task\":\"simulate@0[0]\",\"attempt\":0,"
                      "\"node\":\"n1\",\"cpus\":\"0-\"}\n",
          "line 3: \"cpus\": \"0-\" is not a list" },
        { HEADER NODE "{\"t\":0.05,\"event\":\"stop\"}\n", "line 3: time goes back from 0.1" },
        { DURATIONS ("{\"a\":{\"seconds\":-1}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1e11}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1,\"spread\":11}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1,\"startup\":-1}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"spread\":1}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":1}"), "line 1: not valid JSON" },
        { DURATIONS ("[]"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1},}"), "line 1: not valid JSON" },
        { HEADER NODE "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@0[0]\",\"attempt\":0,"
                      "\"node\":\"n1\",\"status\":\"odd\",\"seconds\":1}\n",
          "unknown status \"odd\"" },
    };
    struct journal_file *f = *state;
    struct aw_journal_header header;
    struct aw_error err;

    assert_int_equal (aw_journal_read ("/nonexistent/j", f->graph, NULL, &header, &err), -1);
    assert_non_null (strstr (err.text, "No such file"));
    assert_int_equal (aw_journal_read ("/tmp", f->graph, NULL, &header, &err), -1);
    assert_non_null (strstr (err.text, "not a regular file"));
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_int_equal (read_text (f, table[i].text, NULL, &err), -1);
        if (!strstr (err.text, table[i].message))
            fail_msg ("row %zu: \"%s\" is not in \"%s\"", i, table[i].message, err.text);
    }
}

static void a_zero_byte_in_a_line_is_an_error (void **state)
{
    static const char text[] = HEADER "{\"t\":1,\"event\":\"stop\"\0}\n";
    struct journal_file *f = *state;
    struct aw_journal_header header;
    struct aw_error err;

    write_file (f, text, sizeof (text) - 1);
    assert_int_equal (aw_journal_read (f->path, f->graph, NULL, &header, &err), -1);
    assert_non_null (strstr (err.text, "line 2: a NUL byte"));
    aw_journal_header_finish (&header);
}

static void what_is_whole_is_read_and_what_is_torn_is_told (void **state)
{
    static const struct {
        const char *text;
        int events;
        bool torn;
    } table[] = {
        { HEADER, 0, false },
        { DURATIONS ("{}"), 0, false },
        { DURATIONS (" { \"a\" : { \"seconds\" : 0 , \"spread\" : 10 , \"new\" : [ 1 ] } } "), 0,
          false },
        { HEADER "{", 0, true },
        { HEADER NODE, 1, false },
        { HEADER NODE "{\"t\":0.2,\"event\":\"st", 1, true },
        { HEADER " { \"event\" : \"stop\" , \"t\" : 1.5e0 } \r\n", 1, false },
        { HEADER
          "{\"t\":1,\"event\":\"stop\",\"new\":{\"a\":[1,true,null,{}],\"b\":\"\\u00e9\"}}\n",
          1, false },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"tr\\\"ain@2[0]\"}\n", 1, false },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"\\u0073imulate@2[19]\"}\n", 1, false },
        { HEADER "{\"t\":1,\"event\":\"end\",\"code\":-1}\n", 1, false },
    };
    struct journal_file *f = *state;
    struct aw_error err;

    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        bool torn = !table[i].torn;
        int n = read_text (f, table[i].text, &torn, &err);
        if (n != table[i].events || torn != table[i].torn)
            fail_msg ("row %zu: %d events, torn %d: %s", i, n, torn, err.text);
    }
}

/* A file that ends anywhere at all reads as what is whole of it. */
static void a_cut_file_reads_as_what_is_whole_of_it (void **state)
{
    static const char text[] = HEADER NODE "{\"t\":1,\"event\":\"stop\",\"reason\":\"x\"}\n";
    struct journal_file *f = *state;
    struct aw_error err;
    char cut[sizeof (text)];

    for (size_t len = strlen (HEADER); len < sizeof (text); len++) {
        int lines = 0;
        memcpy (cut, text, len);
        cut[len] = '\0';
        for (size_t i = 0; i < len; i++)
            lines += cut[i] == '\n';
        assert_int_equal (read_text (f, cut, NULL, &err), lines - 1);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (durations_of_earlier_runs_are_in_the_header,
                                         journal_file_set_up, journal_file_tear_down),
        cmocka_unit_test_setup_teardown (a_journal_is_followed_while_it_grows, journal_file_set_up,
                                         journal_file_tear_down),
        cmocka_unit_test_setup_teardown (a_wrong_journal_is_refused, journal_file_set_up,
                                         journal_file_tear_down),
        cmocka_unit_test_setup_teardown (a_zero_byte_in_a_line_is_an_error, journal_file_set_up,
                                         journal_file_tear_down),
        cmocka_unit_test_setup_teardown (what_is_whole_is_read_and_what_is_torn_is_told,
                                         journal_file_set_up, journal_file_tear_down),
        cmocka_unit_test_setup_teardown (a_cut_file_reads_as_what_is_whole_of_it,
                                         journal_file_set_up, journal_file_tear_down),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
