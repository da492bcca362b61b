/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a run's options, and what `async-workflow run` makes of it: where each option is
 * honoured, what its values are, what goes before what.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/run/run_args.h"
#include "coord/steps/exec_steps.h"

#define COUNT(array) (sizeof (array) / sizeof ((array)[0]))

/* Parses the words (after argv[0]) up to NULL. */
static int parse (struct aw_run_args *args, const char *const *words, struct aw_error *err)
{
    static char *argv[16];
    static char text[16][64];
    int argc = 1;

    argv[0] = (char *)"async-workflow run";
    for (; *words; words++, argc++) {
        snprintf (text[argc], sizeof (text[0]), "%s", *words);
        argv[argc] = text[argc];
    }
    argv[argc] = NULL;
    return aw_run_args_parse (args, argc, argv, err);
}

/* Every option against every setting, "x" where it is honoured: local, job, salloc, resume,
 * test-only, new run, without test-only. */
static const struct {
    enum aw_option option;
    const char *word;
    const char *honoured;
} cells[] = {
    { AW_OPTION_MODE, "--mode=sequential", "xxxxxx" },
    { AW_OPTION_POLICY, "--policy=fifo", "xxxxxx" },
    { AW_OPTION_PLAN_TIME, "--plan-time=1s", "xxxxxx" },
    { AW_OPTION_PLAN_EVALUATIONS, "--plan-evaluations=9", "xxxxxx" },
    { AW_OPTION_DIR, "--dir=d", "xxx-xx" },
    { AW_OPTION_PROGRESS, "--progress=none", "xxxxxx" },
    { AW_OPTION_GRACE, "--grace=1", "xxxxxx" },
    { AW_OPTION_TIME_LIMIT, "--time-limit=1", "xxxxxx" },
    { AW_OPTION_NODE_TIMEOUT, "--node-timeout=3", "xxxxxx" },
    { AW_OPTION_CONNECT_TIMEOUT, "--connect-timeout=1", "-xxxxx" },
    { AW_OPTION_MIN_NODES, "--min-nodes=1", "-xxxxx" },
    { AW_OPTION_MAX_STEPS, "--max-steps=1", "-xxxxx" },
    { AW_OPTION_BACKLOG, "--backlog=1", "xxxxxx" },
    { AW_OPTION_SCRATCH, "--scratch=/s", "xxxxxx" },
    { AW_OPTION_SCRATCH_SIZE, "--scratch-size=1", "xxxxxx" },
    { AW_OPTION_STAGE_STREAMS, "--stage-streams=1", "xxxxxx" },
    { AW_OPTION_DURABILITY, "--durability=node", "xxxxxx" },
    { AW_OPTION_LOGS, "--logs=store", "xxx-xx" },
    { AW_OPTION_LOCAL, "--local", "x--xxx" },
    { AW_OPTION_CPUS, "--cpus=1", "x--xxx" },
    { AW_OPTION_GPUS, "--gpus=1", "x--xxx" },
    { AW_OPTION_RESUME, "--resume=d", "xxxxxx" },
    { AW_OPTION_PARAM, "--param=n=1", "xxxxxx" },
    { AW_OPTION_DURATIONS, "--durations=d", "xxx-xx" },
    { AW_OPTION_NEW_VALUES, "--new-values", "xxxxx-" },
    { AW_OPTION_TEST_ONLY, "--test-only", "xxxxxx" },
};

static void every_option_has_its_cells (void **state)
{
    (void)state;
    assert_int_equal (COUNT (cells) + 1, AW_OPTION_COUNT); /* FILE is no option */
    for (size_t i = 0; i < COUNT (cells); i++)
        for (int s = 0; s < 6; s++)
            assert_int_equal ((aw_option_table[cells[i].option].settings & 1u << s) != 0,
                              cells[i].honoured[s] == 'x');
}

/* Each option in each combination of local or not, resume or not, --test-only or not. */
static void an_option_without_effect_is_refused (void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT (cells); i++) {
        for (int c = 0; c < 8; c++) {
            bool local = (c & 1) || cells[i].option == AW_OPTION_LOCAL;
            const char *words[6] = { "f", cells[i].word };
            const char *h = cells[i].honoured;
            struct aw_run_args args;
            struct aw_error err = { "" };
            bool honoured = (local ? h[0] == 'x' : h[1] == 'x' && h[2] == 'x')
                            && (!(c & 2) || h[3] == 'x') && (!(c & 4) || h[4] == 'x')
                            && (c & 2 || cells[i].option == AW_OPTION_RESUME || h[5] == 'x');
            char expected[64];
            int n = 2;

            if (c & 1)
                words[n++] = "--local";
            if (c & 2)
                words[n++] = "--resume=e";
            if (c & 4)
                words[n++] = "--test-only";
            assert_int_equal (parse (&args, words, &err), honoured ? 0 : -1);
            snprintf (expected, sizeof (expected), "--%s: has no effect with",
                      aw_option_table[cells[i].option].name);
            if (!honoured)
                assert_memory_equal (err.text, expected, strlen (expected));
            aw_run_args_finish (&args);
        }
    }
}

static void what_goes_together (void **state)
{
    static const struct {
        const char *words[4];
        const char *error;
    } table[] = {
        { { NULL }, "run: no workflow file given" },
        { { "f", "g" }, "g: a second file" },
        { { "--local", "f", "--" }, "--local: runs without Slurm" },
        { { "--policy=auto", "--resume=d" }, "--policy=auto: has no effect with --resume" },
        { { "--local", "--max-steps=2", "f" },
          "--max-steps: has no effect with --local: leave it out" },
        { { "--cpus=2", "f" }, "--cpus: has no effect without --local: leave it out" },
        { { "--durations=d", "--resume=d" },
          "--durations: has no effect with --resume: leave it out" },
        { { "--new-values", "f" }, "--new-values: has no effect without --resume: leave it out" },
        { { "--dir=d", "--resume=d" }, "--dir: has no effect with --resume: leave it out" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT (table); i++) {
        struct aw_run_args args;
        struct aw_error err = { "" };

        assert_int_equal (parse (&args, table[i].words, &err), -1);
        aw_run_args_finish (&args);
        assert_memory_equal (err.text, table[i].error, strlen (table[i].error));
    }
}

static void wrong_values_are_refused_with_what_would_be_right (void **state)
{
    static const struct {
        const char *word;
        const char *error;
    } table[] = {
        { "--mode=x", "--mode: unknown value \"x\": give one of async|sequential" },
        { "--mode=asyn", "--mode: unknown value \"asyn\"" },
        { "--policy=", "--policy: unknown value \"\"" },
        { "--dir=", "--dir: empty path" },
        { "--scratch=s", "--scratch: \"s\" is not an absolute path" },
        { "--grace=-1", "--grace: \"-1\" is not a time" },
        { "--time-limit=0", "--time-limit: \"0\" is too short" },
        { "--node-timeout=2", "--node-timeout: \"2\" is too short: give 3 s or more" },
        { "--max-steps=0", "--max-steps: \"0\" is not a number from 1 to 65536" },
        { "--max-steps=65537", "--max-steps: \"65537\" is not a number" },
        { "--max-steps=4x", "--max-steps: \"4x\" is not a number" },
        { "--backlog=-1", "--backlog: \"-1\" is not a time" },
        { "--backlog=61", "--backlog: \"61\" is too long: give 60 s or less" },
        { "--stage-streams=0", "--stage-streams: \"0\" is not a number from 1" },
        { "--scratch-size=0", "--scratch-size: \"0\" is not a size" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT (table); i++) {
        const char *words[] = { table[i].word, "f", NULL };
        struct aw_run_args args;
        struct aw_error err = { "" };

        assert_int_equal (parse (&args, words, &err), -1);
        aw_run_args_finish (&args);
        assert_memory_equal (err.text, table[i].error, strlen (table[i].error));
    }
}

static void defaults_environment_and_line (void **state)
{
    const char *words[] = { "f", "--node-timeout=0", "--gra=7", "--backlog=0", NULL };
    const char *nothing[] = { "f", NULL };
    struct aw_run_args args;
    struct aw_error err;

    (void)state;
    assert_int_equal (parse (&args, nothing, &err), 0);
    assert_true (args.value.grace == 5 && args.value.node_timeout == 60);
    assert_true (isinf (args.value.time_limit) && args.value.max_steps == AW_MAX_STEPS);
    assert_int_equal (args.value.stage_streams, 4);
    assert_true (args.value.backlog == 0.25 && args.sched.backlog == 0);
    assert_false (args.mode_given || args.policy_given);
    assert_int_equal (args.sched.policy, AW_POLICY_LONGEST_PATH);

    setenv ("ASYNC_WORKFLOW_GRACE", "9", 1);
    setenv ("ASYNC_WORKFLOW_MODE", "sequential", 1);
    setenv ("ASYNC_WORKFLOW_NODE_TIMEOUT", "30", 1);
    setenv ("ASYNC_WORKFLOW_POLICY", "", 1); /* as if it were not set */
    assert_int_equal (parse (&args, nothing, &err), 0);
    assert_true (args.value.grace == 9 && args.value.node_timeout == 30);
    assert_true (args.mode_given && args.sched.mode == AW_MODE_SEQUENTIAL);
    assert_int_equal (parse (&args, words, &err), 0);
    assert_true (args.value.grace == 7 && args.value.node_timeout == 0);
    assert_true (args.value.backlog == 0);
    setenv ("ASYNC_WORKFLOW_GRACE", "x", 1);
    assert_int_equal (parse (&args, nothing, &err), -1);
    assert_memory_equal (err.text, "ASYNC_WORKFLOW_GRACE: \"x\" is not a time", 39);
    unsetenv ("ASYNC_WORKFLOW_GRACE");
    unsetenv ("ASYNC_WORKFLOW_MODE");
    unsetenv ("ASYNC_WORKFLOW_NODE_TIMEOUT");
}

static void names_are_those_of_the_scheduler (void **state)
{
    const struct aw_option_entry *policy = &aw_option_table[AW_OPTION_POLICY];
    const struct aw_option_entry *mode = &aw_option_table[AW_OPTION_MODE];

    (void)state;
    for (int i = 0; i < AW_POLICIES; i++)
        assert_int_equal (aw_option_choice (policy->choices, aw_policy_name ((enum aw_policy)i)),
                          i + 1);
    assert_int_equal (aw_option_choice (policy->choices, "auto"), 0);
    assert_int_equal (aw_option_choice (mode->choices, aw_mode_name (AW_MODE_ASYNC)),
                      AW_MODE_ASYNC);
    assert_int_equal (aw_option_choice (mode->choices, aw_mode_name (AW_MODE_SEQUENTIAL)),
                      AW_MODE_SEQUENTIAL);
    assert_int_equal (aw_option_choice ("auto|tty|plain|none", "plain"), AW_DISPLAY_PLAIN);
    assert_int_equal (aw_option_choice (NULL, "x"), -1);
}

/* In another process, behind salloc, everything given counts again, abbreviations too. */
static void the_line_for_salloc (void **state)
{
    const char *words[] = { "--pol",      "fifo",   "./-f", "--par=n=1", "--res=d",
                            "--param=m=", "--test", "--",   "-n1",       NULL };
    static const char *const expected[] = { "./-f",        "--policy=fifo", "--resume=d",
                                            "--param=n=1", "--param=m=",    "--test-only" };
    struct aw_strings line = { 0 };
    struct aw_run_args args;
    struct aw_error err;

    (void)state;
    assert_int_equal (parse (&args, words, &err), 0);
    assert_true (args.from_srun);
    assert_string_equal (args.srun_options[0], "-n1");
    assert_null (args.srun_options[1]);
    aw_run_args_line (&args, &line);
    assert_int_equal (line.n, COUNT (expected));
    for (size_t i = 0; i < COUNT (expected); i++)
        assert_string_equal (line.v[i], expected[i]);
    aw_strings_finish (&line);
    aw_run_args_finish (&args);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (every_option_has_its_cells),
        cmocka_unit_test (an_option_without_effect_is_refused),
        cmocka_unit_test (what_goes_together),
        cmocka_unit_test (wrong_values_are_refused_with_what_would_be_right),
        cmocka_unit_test (defaults_environment_and_line),
        cmocka_unit_test (names_are_those_of_the_scheduler),
        cmocka_unit_test (the_line_for_salloc),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
