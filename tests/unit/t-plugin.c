/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the plugin that need no Slurm: lists of words, records of options, the
 * coordinator's line.
 */
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

#include "handover.h"
#include "options.h"
#include "process.h"
#include "restart.h"
#include "util/error.h"
#include "util/strings.h"

#define MAX_WORDS 16
#define S "/proc/self/exe"

static void fill (struct aw_strings *words, const char *const *list)
{
    aw_strings_init (words);
    for (; *list; list++)
        aw_strings_add (words, *list);
}

static void assert_words (const struct aw_strings *words, const char *const *list)
{
    size_t i = 0;

    for (; list[i]; i++) {
        assert_true (i < words->n);
        assert_string_equal (words->v[i], list[i]);
    }
    assert_int_equal (words->n, i);
    assert_true (!words->v || !words->v[i]);
}

static void wrong_options_are_rejected (void **state)
{
    struct aw_strings words;
    struct aw_options options;
    struct aw_error err;

    (void)state;
    aw_strings_init (&words);
    aw_strings_finish (&words);
    errno = 0;
    assert_int_equal (aw_process_read (&words, "/nowhere", &err), -1);
    assert_int_equal (errno, ENOENT);
    assert_non_null (strstr (err.text, "/nowhere"));
    assert_int_equal (aw_process_read (&words, "/", &err), -1);

    aw_options_init (&options);
    assert_int_equal (aw_options_set (&options, -1, "x", &err), -1);
    assert_int_equal (aw_options_set (&options, AW_OPTION_SRUN_COUNT, "x", &err), -1);
    assert_int_equal (aw_options_set (&options, AW_OPTION_FILE, NULL, &err), -1);
    assert_int_equal (aw_options_set (&options, AW_OPTION_MODE, "", &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_string_equal (err.text, "--async-workflow-mode: empty value: give async|sequential");
    aw_options_finish (&options);
    aw_strings_finish (&words);
}

static void the_words_of_a_process_are_read_whole (void **state)
{
    static const char text[] = "srun\0\0-n\0x y\0";
    static const char *const expected[] = { "srun", "", "-n", "x y", NULL };
    static const char *const unended[] = { "a", "b", NULL };
    char name[] = "/tmp/aw-words-XXXXXX";
    char *long_word = malloc (100001);
    struct aw_strings words;
    struct aw_error err;
    int fd = mkstemp (name);

    (void)state;
    assert_true (fd >= 0);
    assert_non_null (long_word);
    assert_int_equal (write (fd, text, sizeof (text) - 1), sizeof (text) - 1);
    aw_strings_init (&words);
    assert_int_equal (aw_process_read (&words, name, &err), 0);
    assert_words (&words, expected);
    aw_strings_finish (&words);

    assert_int_equal (ftruncate (fd, 0), 0);
    assert_int_equal (pwrite (fd, "a\0b", 3, 0), 3);
    assert_int_equal (aw_process_read (&words, name, &err), 0);
    assert_words (&words, unended);
    aw_strings_finish (&words);

    /* Around every size at which the buffer grows. */
    memset (long_word, 'x', 100000);
    for (size_t size = 4090; size < 4100; size++) {
        assert_int_equal (ftruncate (fd, 0), 0);
        assert_int_equal (pwrite (fd, long_word, size, 0), size);
        assert_int_equal (aw_process_read (&words, name, &err), 0);
        assert_int_equal (words.n, 1);
        assert_int_equal (strlen (words.v[0]), size);
        aw_strings_finish (&words);
    }
    assert_int_equal (ftruncate (fd, 0), 0);
    assert_int_equal (aw_process_read (&words, name, &err), 0);
    assert_int_equal (words.n, 0);
    aw_strings_finish (&words);
    close (fd);
    unlink (name);
    free (long_word);
}

/* The line, what getopt_long hands out one after the other (value and optind), and which words
 * are ours.
 */
static void the_words_of_our_option_are_found_on_the_line (void **state)
{
    static const struct {
        const char *line[MAX_WORDS];
        const char *value;
        size_t next;
        const char *ours; /* a character a word; NULL: refused */
    } table[] = {
        { { "srun", "--async-workflow=f", S, S }, "f", 2, ".x.." },
        { { "srun", "--async-workflow", "f", S, S }, "f", 3, ".xx.." },
        { { "srun", "-n1", "--async-workflow-m", "=", S, S }, "=", 4, "..xx.." },
        { { "srun", "-J", "--async-workflow=f", "--async-workflow=f" }, "f", 4, "...x" },
        { { "srun", "--a=--a=f" }, "--a=f", 2, ".x" },
        { { "srun", "--async-workflow-new", "-n2" }, "", 2, ".x." }, /* a flag */
        { { "srun", "x", "-n2" }, "", 2, NULL },
        { { "srun", "--async-workflow=f" }, "g", 2, NULL },
        { { "srun", "--async-workflow=f" }, "f", 0, NULL },
        { { "srun", "--async-workflow=f" }, "f", 1, NULL },
        { { "srun", "--async-workflow=f" }, "f", 3, NULL },
        { { "srun", "f" }, "f", 2, NULL },
        { { "srun", "-n", "4" }, "4", 3, NULL },
        { { "srun", "--async-workflow=f" }, "x--async-workflow=f", 2, NULL },
        { { "srun", "--async-workflow=f" }, NULL, 2, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_strings line;
        struct aw_options options;
        struct aw_error err;
        int rc;

        fill (&line, table[i].line);
        aw_options_init (&options);
        rc = aw_options_mark (&options, &line, table[i].next, table[i].value, &err);
        assert_int_equal (rc, table[i].ours ? 0 : -1);
        for (size_t w = 0; table[i].ours && w < line.n; w++)
            assert_int_equal (options.ours[w], table[i].ours[w] == 'x');
        aw_options_finish (&options);
        aw_strings_finish (&line);
    }
}

static void a_line_with_a_command_or_without_marks_is_rejected (void **state)
{
    static const struct {
        const char *line[MAX_WORDS];
        size_t options_end;
        const char *error; /* its beginning; NULL: good */
    } table[] = {
        { { "srun", "--async-workflow=f", S, S }, 2, NULL },
        { { "srun", "--async-workflow=f", "-J", S, S }, 3, NULL },
        { { "srun", "--async-workflow=f", "-J", S, S }, 4, "-J: needs a value" },
        { { "srun", "--async-workflow=f", "date", S, S }, 2, "\"date\": no command is allowed" },
        { { "srun", "--async-workflow=f", S, S, S, S }, 2, "\"" S "\": no command is allowed" },
        { { "srun", "--async-workflow=f", S, S, S }, 2, "\"" S "\": no command is allowed" },
        { { "srun", "--async-workflow=f", ":", "-n2", S, S }, 2, "heterogeneous jobs" },
        { { "srun", "--async-workflow=f", S, S }, 0, "srun's command line" },
        { { "srun", "--async-workflow=f", S, S }, 4, "srun's command line" },
        { { "srun", "--async-workflow=f", S }, 2, "srun's command line" },
        { { "srun", "--async-workflow=f", "date" }, 2, "srun's command line" },
        { { S, S }, 0, "srun's command line" },
        { { NULL }, 0, "srun's command line" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_strings line;
        struct aw_error err = { "" };
        int rc;

        fill (&line, table[i].line);
        rc = aw_handover_check (&line, table[i].options_end, &err);
        assert_int_equal (rc, table[i].error ? -1 : 0);
        if (table[i].error)
            assert_memory_equal (err.text, table[i].error, strlen (table[i].error));
        aw_strings_finish (&line);
    }
}

static void options_are_handed_over_to_the_run_command (void **state)
{
    static const struct {
        const char *line[MAX_WORDS];
        const char *ours;
        const char *expected[MAX_WORDS];
    } table[] = {
        { { "srun", "--async-workflow=f", S, S }, ".x", { "/c", "run", "f", "--mode=m", "--" } },
        { { "srun", "--async-workflow-resume=d", "-n1", S, S },
          ".x",
          { "/c", "run", "--mode=m", "--resume=d", "--", "-n1" } },
        { { "srun", "-n4", "--async-workflow", "f", "-N", "2", S, S },
          "..xx",
          { "/c", "run", "f", "--mode=m", "--", "-n4", "-N", "2" } },
        { { "srun", "--te", "--async-workflow=f", "--", S, S },
          "..x",
          { "/c", "run", "f", "--mode=m", "--test-only", "--" } },
        { { "srun", "--async-workflow", "--", S, S },
          ".xx",
          { "/c", "run", "f", "--mode=m", "--" } },
        { { "srun", "--async-workflow", "--test", "-c", "", "--t", S, S },
          ".xx",
          { "/c", "run", "f", "--mode=m", "--", "-c", "", "--t" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_strings line;
        struct aw_strings result;
        struct aw_options options;
        struct aw_error err;

        fill (&line, table[i].line);
        aw_strings_init (&result);
        aw_options_init (&options);
        options.words = strlen (table[i].ours);
        options.ours = calloc (options.words, sizeof (*options.ours));
        assert_non_null (options.ours);
        for (size_t w = 0; w < options.words; w++)
            options.ours[w] = table[i].ours[w] == 'x';
        assert_int_equal (aw_handover_line (&result, "/c", &options, &line, &err), -1);
        assert_false (aw_options_has_run (&options));
        assert_int_equal (aw_options_first_extra (&options), -1);
        if (strcmp (table[i].expected[2], "f") != 0) /* a run directory, no file */
            assert_int_equal (aw_options_set (&options, AW_OPTION_RESUME, "d", &err), 0);
        else {
            assert_int_equal (aw_options_set (&options, AW_OPTION_FILE, "g", &err), 0);
            assert_int_equal (aw_options_set (&options, AW_OPTION_FILE, "f", &err), 0);
            assert_int_equal (aw_options_first_extra (&options), -1);
        }
        assert_true (aw_options_has_run (&options));
        assert_int_equal (aw_options_set (&options, AW_OPTION_MODE, "m", &err), 0);
        assert_int_equal (aw_options_first_extra (&options), AW_OPTION_MODE);
        assert_int_equal (aw_handover_line (&result, "/c", &options, &line, &err), 0);
        assert_words (&result, table[i].expected);
        aw_options_finish (&options);
        aw_strings_finish (&result);
        aw_strings_finish (&line);
    }
}

/* Of an option that is a list every value counts. */
static void each_value_of_a_list_option_is_kept (void **state)
{
    const char *words[] = { "srun", S, S, NULL };
    const char *expected[] = {
        "/c", "run", "f", "--param=a=1", "--param=b=--x y", "--durations=d", "--durations=e",
        "--", NULL
    };
    struct aw_strings line, result;
    struct aw_options options;
    struct aw_error err;

    (void)state;
    fill (&line, words);
    aw_strings_init (&result);
    aw_options_init (&options);
    assert_int_equal (aw_options_set (&options, AW_OPTION_PARAM, "", &err), -1);
    assert_string_equal (err.text, "--async-workflow-param: empty value: give NAME=VALUE");
    assert_int_equal (aw_options_set (&options, AW_OPTION_PARAM, "a=1", &err), 0);
    assert_int_equal (aw_options_first_extra (&options), AW_OPTION_PARAM);
    assert_int_equal (aw_options_set (&options, AW_OPTION_FILE, "f", &err), 0);
    assert_int_equal (aw_options_set (&options, AW_OPTION_DURATIONS, "d", &err), 0);
    assert_int_equal (aw_options_set (&options, AW_OPTION_PARAM, "b=--x y", &err), 0);
    assert_int_equal (aw_options_set (&options, AW_OPTION_DURATIONS, "e", &err), 0);
    assert_int_equal (aw_handover_line (&result, "/c", &options, &line, &err), 0);
    assert_words (&result, expected);
    aw_options_finish (&options);
    aw_strings_finish (&result);
    aw_strings_finish (&line);
}

static void a_flag_is_handed_over_without_a_value (void **state)
{
    const char *words[] = { "srun", S, S, NULL };
    const char *expected[] = { "/c", "run", "--resume=d", "--new-values", "--", NULL };
    struct aw_strings line, result;
    struct aw_options options;
    struct aw_error err;

    (void)state;
    fill (&line, words);
    aw_strings_init (&result);
    aw_options_init (&options);
    assert_int_equal (aw_options_set (&options, AW_OPTION_RESUME, "d", &err), 0);
    assert_int_equal (aw_options_set (&options, AW_OPTION_NEW_VALUES, "", &err), 0);
    assert_int_equal (aw_handover_line (&result, "/c", &options, &line, &err), 0);
    assert_words (&result, expected);
    aw_options_finish (&options);
    aw_strings_finish (&result);
    aw_strings_finish (&line);
}

static void the_configuration_names_the_command_by_an_absolute_path (void **state)
{
    char good[] = "command=/opt/a";
    char relative[] = "command=a";
    char empty[] = "command=";
    char unknown[] = "verbose";
    char *av[] = { good, NULL };
    struct aw_error err;

    (void)state;
    assert_string_equal (aw_handover_command (0, av, "/usr/bin/a", &err), "/usr/bin/a");
    assert_string_equal (aw_handover_command (1, av, "/usr/bin/a", &err), "/opt/a");
    av[0] = relative;
    assert_null (aw_handover_command (1, av, "/usr/bin/a", &err));
    av[0] = empty;
    assert_null (aw_handover_command (1, av, "/usr/bin/a", &err));
    av[0] = unknown;
    assert_null (aw_handover_command (1, av, "/usr/bin/a", &err));
}

static void the_environment_forgets_the_options (void **state)
{
    static const char option[] = "SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow";
    static const char other[] = "SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow_dir";
    char guard[32];

    (void)state;
    assert_int_equal (setenv (option, "f", 1), 0);
    assert_int_equal (setenv (other, "d", 1), 0);
    assert_int_equal (setenv ("SLURM_SPANK_OTHER", "kept", 1), 0);
    aw_process_forget_options ();
    assert_null (getenv (option));
    assert_null (getenv (other));
    assert_string_equal (getenv ("SLURM_SPANK_OTHER"), "kept");

    assert_false (aw_restart_is_done ());
    assert_int_equal (setenv ("ASYNC_WORKFLOW_RESTARTED", "1", 1), 0);
    assert_false (aw_restart_is_done ());
    snprintf (guard, sizeof (guard), "%ld", (long)getpid ());
    assert_int_equal (setenv ("ASYNC_WORKFLOW_RESTARTED", guard, 1), 0);
    assert_true (aw_restart_is_done ());
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_options_are_rejected),
        cmocka_unit_test (the_words_of_a_process_are_read_whole),
        cmocka_unit_test (the_words_of_our_option_are_found_on_the_line),
        cmocka_unit_test (a_line_with_a_command_or_without_marks_is_rejected),
        cmocka_unit_test (options_are_handed_over_to_the_run_command),
        cmocka_unit_test (each_value_of_a_list_option_is_kept),
        cmocka_unit_test (a_flag_is_handed_over_without_a_value),
        cmocka_unit_test (the_configuration_names_the_command_by_an_absolute_path),
        cmocka_unit_test (the_environment_forgets_the_options),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
