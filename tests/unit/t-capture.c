/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/capture.h"
#include "util/clock.h"
#include "util/strings.h"

static struct aw_error err;

static int run (struct aw_capture *capture, const char *script, size_t limit, double seconds)
{
    char *argv[] = { "sh", "-c", (char *)script, NULL };

    err.text[0] = '\0';
    if (aw_capture_start (capture, argv, NULL, limit, &err) < 0)
        return -1;
    return aw_capture_wait (capture, 1, seconds, &err);
}

static void wrong_arguments_are_refused (void **state)
{
    char *nothing[] = { NULL };
    char *missing[] = { "/nonexistent/program", NULL };
    struct aw_capture capture;

    (void)state;
    assert_int_equal (aw_capture_start (&capture, NULL, NULL, 10, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_capture_start (&capture, nothing, NULL, 10, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_capture_start (&capture, missing, NULL, 10, &err), -1);
    assert_int_equal (errno, ENOENT);
    assert_string_equal (err.text,
                         "/nonexistent/program: cannot be started: No such file or directory");
    assert_int_equal (aw_capture_wait (NULL, 0, 1., &err), -1);
    assert_int_equal (errno, EINVAL);
    aw_capture_finish (&capture);
}

static void what_a_program_writes_is_returned (void **state)
{
    struct aw_capture capture;

    (void)state;
    assert_int_equal (run (&capture, "echo one; echo two", 100, 10.), 0);
    assert_string_equal (capture.out, "one\ntwo\n");
    assert_int_equal (capture.len, 8);
    aw_capture_finish (&capture);
    assert_int_equal (run (&capture, ":", 100, 10.), 0);
    assert_string_equal (capture.out, "");
    aw_capture_finish (&capture);
    assert_int_equal (run (&capture, "head -c 300000 /dev/zero", 300000, 10.), 0);
    assert_int_equal (capture.len, 300000);
    aw_capture_finish (&capture);
}

static void a_program_that_fails_is_told (void **state)
{
    static const struct {
        const char *script;
        const char *text;
    } table[] = {
        { "exit 3", "sh: exit status 3" },
        { "echo; echo '  why' >&2; echo more >&2; exit 1", "sh: exit status 1: why" },
        { "printf no-newline >&2; exit 1", "sh: exit status 1: no-newline" },
        { "kill -9 $$", "sh: ended by signal 9" },
        { "head -c 1000 /dev/zero", "sh: wrote more than 100 bytes" },
        { "yes", "sh: wrote more than 100 bytes" },
    };
    struct aw_capture capture;

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_int_equal (run (&capture, table[i].script, 100, 10.), -1);
        assert_string_equal (err.text, table[i].text);
        aw_capture_finish (&capture);
    }
    assert_int_equal (run (&capture, "head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1", 100, 10.),
                      -1);
    assert_int_equal (strlen (capture.complaint), sizeof (capture.complaint) - 2);
    aw_capture_finish (&capture);
}

static void a_program_whose_end_cannot_be_seen_has_not_succeeded (void **state)
{
    struct aw_capture capture;

    (void)state;
    signal (SIGCHLD, SIG_IGN); /* then there is nothing to wait for */
    assert_int_equal (run (&capture, "exit 3", 100, 10.), -1);
    signal (SIGCHLD, SIG_DFL);
    assert_string_equal (err.text, "sh: its exit status is unknown: No child processes");
    aw_capture_finish (&capture);
}

static void a_program_that_takes_too_long_is_ended (void **state)
{
    struct aw_capture capture;
    double start = aw_clock_monotonic ();

    (void)state;
    assert_int_equal (run (&capture, "sleep 100", 100, 0.05), -1);
    assert_int_equal (errno, ETIMEDOUT);
    assert_string_equal (err.text, "sh: no answer within 0.05 s");
    /* The child of the child too: it holds the pipe. */
    aw_capture_finish (&capture);
    assert_int_equal (run (&capture, "sleep 100 & exit 0", 100, 0.05), -1);
    aw_capture_finish (&capture);
    assert_true (aw_clock_monotonic () - start < 50.);
}

static void several_programs_run_at_the_same_time (void **state)
{
    char directory[] = "/tmp/aw-capture-XXXXXX";
    struct aw_capture captures[2];
    struct aw_strings first, second;

    (void)state;
    assert_non_null (mkdtemp (directory));
    aw_strings_init (&first);
    aw_strings_init (&second);
    /* Each waits for the other's word, which works only if both run. */
    for (int i = 0; i < 2; i++) {
        struct aw_strings *line = i ? &second : &first;

        aw_strings_add (line, "sh");
        aw_strings_add (line, "-c");
        aw_strings_addf (
            line, "cd %s; head -c 100000 /dev/zero; touch %d; until [ -e %d ]; do sleep 0.01; done",
            directory, i, 1 - i);
        assert_int_equal (aw_capture_start (&captures[i], line->v, NULL, 100000, &err), 0);
    }
    assert_int_equal (aw_capture_wait (captures, 2, 30., &err), 0);
    assert_int_equal (captures[0].len, 100000);
    assert_int_equal (captures[1].len, 100000);
    for (int i = 0; i < 2; i++) {
        char path[64];

        aw_capture_finish (&captures[i]);
        snprintf (path, sizeof (path), "%s/%d", directory, i);
        unlink (path);
    }
    rmdir (directory);
    aw_strings_finish (&first);
    aw_strings_finish (&second);
}

static void a_program_gets_clean_signals_and_descriptors (void **state)
{
    struct aw_capture capture;
    const char *ignored;
    sigset_t set, old;
    int fd = open ("/dev/null", O_RDONLY); /* without close-on-exec */

    (void)state;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigprocmask (SIG_BLOCK, &set, &old);
    signal (SIGINT, SIG_IGN);
    assert_true (fd >= 0);
    /* Not the shell's own status: it blocks signals for a moment before it waits. */
    assert_int_equal (run (&capture,
                           "cat; grep -E 'Sig(Blk|Ign)' /proc/self/status; ls -l /proc/$$/fd", 9999,
                           10.),
                      0);
    assert_non_null (strstr (capture.out, "SigBlk:\t0000000000000000"));
    ignored = strstr (capture.out, "SigIgn:\t");
    assert_non_null (ignored);
    /* Signals 32 and 33 are the C library's own: its posix_spawn leaves them ignored. */
    assert_int_equal (strtoull (ignored + 8, NULL, 16) & 0x7fffffff, 0);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
    assert_null (strstr (strstr (capture.out, "/dev/null") + 1, "/dev/null"));
#endif
    aw_capture_finish (&capture);
    signal (SIGINT, SIG_DFL);
    sigprocmask (SIG_SETMASK, &old, NULL);
    close (fd);
}

static void a_program_gets_the_environment_it_is_given (void **state)
{
    char *argv[] = { "sh", "-c", "echo $A", NULL };
    char *env[] = { "A=b", "PATH=/usr/bin:/bin", NULL };
    struct aw_capture capture;

    (void)state;
    assert_int_equal (aw_capture_start (&capture, argv, env, 100, &err), 0);
    assert_int_equal (aw_capture_wait (&capture, 1, 10., &err), 0);
    assert_string_equal (capture.out, "b\n");
    aw_capture_finish (&capture);
}

static void finishing_kills_what_still_runs (void **state)
{
    char *argv[] = { "sleep", "1000", NULL };
    struct aw_capture capture;
    pid_t pid;

    (void)state;
    assert_int_equal (aw_capture_start (&capture, argv, NULL, 100, &err), 0);
    pid = capture.pid;
    aw_capture_finish (&capture);
    assert_int_equal (kill (pid, 0), -1);
    aw_capture_finish (&capture);
}

static void a_list_of_strings_holds_variables (void **state)
{
    struct aw_strings list;

    (void)state;
    aw_strings_init (&list);
    assert_null (aw_strings_getenv (&list, "A"));
    for (int i = 0; i < 100; i++)
        aw_strings_addf (&list, "V%d=%d", i, i);
    aw_strings_setenv (&list, "V7", "seven");
    aw_strings_setenv (&list, "NEW", "");
    assert_int_equal (list.n, 101);
    assert_string_equal (aw_strings_getenv (&list, "V7"), "seven");
    assert_string_equal (list.v[7], "V7=seven");
    assert_string_equal (aw_strings_getenv (&list, "NEW"), "");
    assert_null (aw_strings_getenv (&list, "V"));
    aw_strings_remove (&list, 100);
    aw_strings_remove (&list, 0);
    aw_strings_remove (&list, 1000);
    assert_int_equal (list.n, 99);
    assert_string_equal (list.v[0], "V1=1");
    assert_null (list.v[99]);
    assert_false (list.failed);
    aw_strings_finish (&list);
    aw_strings_finish (&list);
}

static void a_vector_of_strings_is_one_block (void **state)
{
    static const char text[] = "one\0\0three"; /* and the NUL at its end */
    char **v = aw_strings_vector (text, sizeof (text)), **none = aw_strings_vector (NULL, 0);

    (void)state;
    assert_non_null (v);
    assert_string_equal (v[0], "one");
    assert_string_equal (v[1], "");
    assert_string_equal (v[2], "three");
    assert_null (v[3]);
    assert_true (v[0] != text);
    assert_non_null (none);
    assert_null (none[0]);
    free (v);
    free (none);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (what_a_program_writes_is_returned),
        cmocka_unit_test (a_program_that_fails_is_told),
        cmocka_unit_test (a_program_whose_end_cannot_be_seen_has_not_succeeded),
        cmocka_unit_test (a_program_that_takes_too_long_is_ended),
        cmocka_unit_test (several_programs_run_at_the_same_time),
        cmocka_unit_test (a_program_gets_clean_signals_and_descriptors),
        cmocka_unit_test (a_program_gets_the_environment_it_is_given),
        cmocka_unit_test (finishing_kills_what_still_runs),
        cmocka_unit_test (a_list_of_strings_holds_variables),
        cmocka_unit_test (a_vector_of_strings_is_one_block),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
