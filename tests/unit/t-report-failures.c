/* SPDX-License-Identifier: Apache-2.0 */
/* How a report shows the end of what a failed task has printed. */
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

#include "io/journal/journal.h"
#include "model/simulate.h"
#include "report-run.h"

/* Fails task 0 for good with THAT on its stderr (NULL: no such file); returns the text. */
static char *failed_with (struct report_run *f, const char *that, size_t len)
{
    struct aw_report report;
    char *text;

    report_run_begin (f, report_run_small);
    report_run_add_node (f);
    report_run_start (f, 0, 0, 1);
    report_run_finish (f, 0, 0, 3, AW_STATUS_FAILED, 0, 11);
    report_run_append (f, &(struct aw_event){ .type = AW_EVENT_END, .t = 3, .code = 1 });
    report_run_end (f);
    if (that)
        report_run_write_file (f->dir, "logs/T0.0.err", that, len);
    report_run_load (f, &report);
    text = report_run_text (&report, aw_report_text);
    aw_report_finish (&report);
    return text;
}

static void a_failure_is_shown_with_the_end_of_its_stderr (void **state)
{
    static const struct {
        const char *err; /* NULL: none */
        const char *want, *not ;
    } table[] = {
        { NULL, "stderr is empty or missing: ", "| " },
        { "", "stderr is empty or missing: ", "| " },
        { "one\ntwo", "    | one\n    | two\n    from ", NULL },
        { "\n\n", "    | \n    | \n", NULL },
        { "a\x1b[2Jb\x07\xff\n", "    | ab??\n", "\x1b" },
        { "\xc3\xa9t\xc3\xa9 \xe2\x80\xae"
          "x\n",
          "    | \xc3\xa9t\xc3\xa9 ?x\n", NULL },
        { "\x1b[1;31mred\x1b[0m \x1b[\n", "    | red ?[\n", NULL },
        { " 10%\r 50%\r100%\r\n", "    | 100%\n", " 50%" },
        { "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", "    | 2\n    | 3\n", "    | 1\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct report_run *f;
        char *text;
        report_run_set_up ((void **)&f);
        text = failed_with (f, table[i].err, table[i].err ? strlen (table[i].err) : 0);
        assert_non_null (strstr (text, "T0[0]: SIGSEGV after 2.00 s on n1\n"));
        if (!strstr (text, table[i].want) || (table[i].not &&strstr (text, table[i].not )))
            fail_msg ("row %zu: %s", i, text);
        free (text);
        report_run_tear_down ((void **)&f);
    }
}

/* A huge stderr without a newline; and one that is a pipe that nobody writes to. */
static void a_stderr_without_lines_or_readers_does_not_hang (void **state)
{
    size_t len = 1 << 20;
    char *huge = malloc (len), *text;
    struct report_run *f = *state;
    struct aw_report report;
    char path[256];

    assert_non_null (huge);
    memset (huge, 'x', len);
    text = failed_with (f, huge, len);
    assert_true (strlen (text) < 4000);
    assert_non_null (strstr (text, "xxx...\n    full text: "));
    free (text);
    free (huge);
    snprintf (path, sizeof (path), "%s/logs/T0.0.err", f->dir);
    assert_int_equal (unlink (path), 0);
    assert_int_equal (mkfifo (path, 0600), 0);
    report_run_load (f, &report);
    text = report_run_text (&report, aw_report_text);
    assert_non_null (strstr (text, "stderr is empty or missing"));
    free (text);
    aw_report_finish (&report);
}

/* In somebody else's directory a log may be a link to a file of the reader, or the file itself. */
static void no_tail_is_shown_of_a_link_or_of_another_users_file (void **state)
{
    struct report_run *f = *state;
    char path[256], secret[256], *text;
    struct aw_report report;

    free (failed_with (f, "seen\n", 5));
    snprintf (path, sizeof (path), "%s/logs/T0.0.err", f->dir);
    report_run_write_file (f->dir, "secret", "hidden\n", 7);
    snprintf (secret, sizeof (secret), "%s/secret", f->dir);
    for (int i = 0; i < 3; i++) {
        if (i == 2 && geteuid () != 0)
            break; /* the third needs root: a file of another user than the directory's */
        if (i > 0)
            assert_int_equal (unlink (path), 0);
        if (i == 1)
            assert_int_equal (symlink (secret, path), 0);
        if (i == 2) {
            assert_int_equal (link (secret, path), 0);
            assert_int_equal (chown (path, 65534, (gid_t)-1), 0);
        }
        report_run_load (f, &report);
        text = report_run_text (&report, aw_report_text);
        assert_int_equal (strstr (text, "| seen") != NULL, i == 0);
        assert_null (strstr (text, "hidden"));
        assert_int_equal (strstr (text, "stderr is empty or missing") != NULL, i > 0);
        free (text);
        aw_report_finish (&report);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_failure_is_shown_with_the_end_of_its_stderr),
        cmocka_unit_test_setup_teardown (a_stderr_without_lines_or_readers_does_not_hang,
                                         report_run_set_up, report_run_tear_down),
        cmocka_unit_test_setup_teardown (no_tail_is_shown_of_a_link_or_of_another_users_file,
                                         report_run_set_up, report_run_tear_down),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
