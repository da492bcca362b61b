/* SPDX-License-Identifier: Apache-2.0 */

/* The programs as a workflow runs them: wrong arguments, a small DeepDriveMD of two iterations, and
 * the two workflow files.
 */

#include <sys/wait.h>

#include "ddmd.h"

static char *scratch;
static char output[65536]; /* of the last command, both streams */

static int make_directory (void **state)
{
    (void)state;
    setenv ("OPENBLAS_NUM_THREADS", "1", 1);
    scratch = make_scratch ();
    return 0;
}

static int remove_directory (void **state)
{
    (void)state;
    remove_scratch (scratch);
    return 0;
}

/* Run "ddmd-PROGRAM ARGUMENTS" with @ standing for the scratch directory; its output to 'output',
 * returns its exit status.
 */
static int run (const char *command)
{
    const char *build = getenv ("builddir");
    char line[8192];
    size_t used =
        (size_t)snprintf (line, sizeof (line), "%s/../examples/ddmd/ddmd-", build ? build : ".");
    size_t length;
    FILE *pipe;
    int status;

    for (const char *p = command; *p; p++)
        used += (size_t)snprintf (line + used, sizeof (line) - used, *p == '@' ? "%s" : "%.1s",
                                  *p == '@' ? scratch : p);
    snprintf (line + used, sizeof (line) - used, " 2>&1");
    pipe = popen (line, "r");
    assert_non_null (pipe);
    length = fread (output, 1, sizeof (output) - 1, pipe);
    output[length] = '\0';
    status = pclose (pipe);
    assert_true (WIFEXITED (status));
    return WEXITSTATUS (status);
}

static void assert_runs (const char *command)
{
    if (run (command) != 0)
        fail_msg ("%s: %s", command, output);
}

static void write_file (const char *name, const char *text)
{
    char path[4096];
    FILE *file;

    snprintf (path, sizeof (path), "%s/%s", scratch, name);
    file = fopen (path, "w");
    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

static void wrong_arguments (void **state)
{
    static const struct {
        const char *command;
        int status;
        const char *says;
    } table[] = {
        { "simulate --nonsense 1", 2, "\"--nonsense\": there is no such option" },
        { "simulate fast", 2, "\"fast\": not an option" },
        { "simulate --steps", 2, "--steps: a value is missing" },
        { "simulate --steps=", 2, "--steps: \"\" is not a whole number" },
        { "simulate --steps -1", 2, "\"-1\" is not a whole number from 1" },
        { "simulate --steps 1e3", 2, "\"1e3\" is not a whole number" },
        { "simulate --steps 99999999999999999999999", 2, "is not a whole number" },
        { "simulate --steps 1500 --every 1000", 2, "--steps: must be" },
        { "simulate --temperature nan", 2, "\"nan\" is not a number" },
        { "simulate --temperature warm", 2, "\"warm\" is not a number" },
        { "simulate --dt 1", 2, "\"1\" is not a number from 1e-06 to 0.05" },
        { "simulate --index 16", 2, "--index: must be less than --count" },
        { "simulate --from here", 2, "\"here\" is not newest, wandered, own or extended" },
        { "simulate --backend abacus", 2, "there is no \"abacus\": cpu or cuda" },
        { "simulate --pdb ''", 2, "--pdb: the value is empty" },
        { "simulate --pdb @/none", 1, "none: No such file" },
        { "simulate --pdb /dev/null", 1, "0 residues" },
        { "simulate --start @/none --directory @", 1, "none: No such file" },
        { "simulate --directory @/none --steps 100 --every 100", 1, "cannot create" },
        { "aggregate --index 2 --count 2", 2, "--index: must be less" },
        { "aggregate --directory @ --simulations 1", 1,
          "simulation-0000-00000.frames: No such file" },
        { "aggregate --count 0", 2, "\"0\" is not a whole number from 1" },
        { "train --directory @", 1, "run ddmd-aggregate first" },
        { "train --rate 0", 2, "is not a number" },
        { "train --backend abacus", 2, "there is no \"abacus\": cpu or cuda" },
        { "infer --directory @", 1, "run ddmd-train first" },
        { "infer --worker=1", 2, "--worker: it has no value" },
        { "train --worker 3<&-", 1, "calls of a workflow: " },
        { "infer --index 1", 2, "--index: must be less" },
        { "infer --backend abacus", 2, "there is no \"abacus\": cpu or cuda" },
        { "show", 2, "Usage:" },
        { "show --frames", 2, "Usage:" },
        { "show @", 1, "not a regular file" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        int status = run (table[i].command);

        if (status != table[i].status || !strstr (output, table[i].says))
            fail_msg ("%s: exit %d: %s", table[i].command, status, output);
        if (!strstr (output, "Usage:")) { /* the error is one line, the program's name first */
            size_t length = strlen (output);
            char *line;

            assert_int_equal (output[length - 1], '\n');
            output[length - 1] = '\0';
            line = strrchr (output, '\n');
            line = line ? line + 1 : output;
            if (strncmp (line, "ddmd-", 5) != 0 || strstr (line, ": ") == NULL)
                fail_msg ("%s: %s", table[i].command, output);
        }
    }
}

static void help (void **state)
{
    static const char *const programs[] = { "simulate --help", "aggregate --help", "train --help",
                                            "infer --help", "show --help" };

    (void)state;
    for (size_t i = 0; i < sizeof (programs) / sizeof (programs[0]); i++) {
        assert_runs (programs[i]);
        assert_non_null (strstr (output, "Usage: ddmd-"));
    }
}

static void simulate_all (const char *options, int iteration)
{
    for (int i = 0; i < 4; i++) {
        char command[1024];

        snprintf (command, sizeof (command),
                  "simulate --directory @ --iteration %d --index %d --count 4 --steps 2000 --every "
                  "100 %s",
                  iteration, i, options);
        assert_runs (command);
    }
}

/* The last loss that ddmd-train printed. */
static double last_loss (void)
{
    double loss = NAN;

    for (char *p = output; (p = strstr (p, ": loss ")); p++)
        loss = atof (p + 7);
    return loss;
}

static void pipeline (void **state)
{
    char chosen[256];
    double first_loss;

    (void)state;
    simulate_all ("", 0);
    assert_non_null (strstr (output, "start: extended chain\n"));
    assert_runs ("aggregate --directory @ --index 0 --count 2 --simulations 4");
    assert_int_equal (run ("train --directory @ --epochs 1"), 1); /* one part of two is there */
    assert_runs ("aggregate --directory @ --index 1 --count 2 --simulations 4");
    assert_non_null (strstr (output, "part 1 of 2 of iteration 0: 40 maps"));
    assert_int_equal (run ("infer --directory @"), 1);
    assert_non_null (strstr (output, "run ddmd-train first"));
    assert_runs ("train --directory @ --epochs 1");
    first_loss = last_loss ();
    assert_runs ("train --directory @ --epochs 8");
    assert_true (last_loss () < first_loss);

    /* Until all parts of an inference are there, simulations go on where they were. */
    assert_runs ("infer --directory @ --index 0 --count 2 --neighbours 5 --outliers 10");
    simulate_all ("", 1);
    assert_non_null (strstr (output, "start: frame 19 of simulation 3 of iteration 0"));
    assert_non_null (strstr (output, "own previous segment"));
    assert_runs ("infer --directory @ --index 1 --count 2 --neighbours 5 --outliers 10");
    simulate_all ("--outliers 10", 1);
    assert_non_null (strstr (output, "chosen by the newest inference"));
    *strchr (output, '\n') = '\0';
    snprintf (chosen, sizeof (chosen), "%.255s", output);

    /* One inference task or two: the choice is the same. */
    assert_runs ("infer --directory @ --index 0 --count 1 --neighbours 5 --outliers 10");
    simulate_all ("--outliers 10", 1);
    *strchr (output, '\n') = '\0';
    assert_string_equal (output, chosen);

    /* The second round goes on with the network of the first. */
    for (int part = 0; part < 2; part++)
        assert_runs (
            part == 0
                ? "aggregate --directory @ --iteration 1 --index 0 --count 2 --simulations 4"
                : "aggregate --directory @ --iteration 1 --index 1 --count 2 --simulations 4");
    assert_runs ("train --directory @ --iteration 1 --epochs 1");
    assert_non_null (strstr (output, "continuing from the network of iteration 0\n160 maps"));
    assert_true (last_loss () < first_loss);
    assert_runs ("train --directory @ --iteration 1 --epochs 1 --start new --window 1");
    assert_non_null (strstr (output, "80 maps"));
    assert_int_equal (run ("infer --directory @ --neighbours 100"), 1);
    assert_non_null (strstr (output, "80 maps are too few"));
}

/* The frames that the pipeline left behind. */
static void starts (void **state)
{
    (void)state;
    assert_runs (
        "simulate --steps 100 --every 100 --out @/a --start @/simulation-0000-00002.frames:7");
    assert_non_null (strstr (output, "start: frame 7 of simulation 2 of iteration 0"));
    assert_runs ("show @/a");
    assert_non_null (strstr (output, "\n0\t0\t0\t900\t")); /* 800 steps had led to frame 7 */
    assert_int_equal (run ("simulate --steps 100 --every 100 --out @/a --start "
                           "@/simulation-0000-00002.frames:20"),
                      1);
    assert_non_null (strstr (output, "no frame 20, there are 20"));
    assert_int_equal (run ("simulate --steps 100 --every 100 --out @/a --start "
                           "@/simulation-0000-00002.frames:x"),
                      1);
    assert_runs (
        "simulate --steps 100 --every 100 --out @/b --directory @ --iteration 1 --from extended");
    assert_non_null (strstr (output, "start: extended chain"));
}

/* What streaming wants: segments listed, restarts of those that have wandered, a goal. The pipeline
 * left an inference of iteration 0 behind.
 */
static void streaming (void **state)
{
    static const char segment[] =
        "simulate --directory @ --count 4 --steps 100 --every 100 --iteration 2";
    char command[1024];
    int restarted = 0;

    (void)state;
    write_file ("list", "0 3\n1 0\n0 1\n");
    assert_runs ("aggregate --directory @ --iteration 7 --list @/list");
    assert_non_null (strstr (output, "part 0 of 1 of iteration 7: 60 maps"));
    write_file ("list", "0 3\n1 0 5\n");
    assert_int_equal (run ("aggregate --directory @ --iteration 7 --list @/list"), 1);
    assert_non_null (strstr (output, "list:2: an iteration and the number of a simulation"));
    write_file ("list", "0 9\n");
    assert_int_equal (run ("aggregate --directory @ --iteration 7 --list @/list"), 1);
    assert_int_equal (run ("aggregate --directory @ --list @/none"), 1);

    snprintf (command, sizeof (command), "%s --from wandered --margin 100", segment);
    assert_runs (command);
    assert_non_null (strstr (output, "own previous segment"));
    for (int index = 0; index < 4; index++) {
        snprintf (
            command, sizeof (command),
            "simulate --directory @ --count 4 --steps 100 --every 100 --iteration 1 --index %d "
            "--from wandered --margin 0 --keep 1 --out @/w",
            index);
        assert_runs (command);
        restarted += strstr (output, "for its own segment had wandered") != NULL;
    }
    assert_true (restarted > 0);
    snprintf (command, sizeof (command), "%s --goal 0.01", segment);
    assert_runs (command);
    snprintf (command, sizeof (command), "%s --goal 100", segment);
    assert_int_equal (run (command), 3);
}

/* Same seed, same bytes; another seed, iteration or index, other ones. */
static void repeatable (void **state)
{
    static const char *const options[] = { "", "", "--seed 2", "--iteration 1", "--index 1" };
    char first[4][256] = { "" };

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char command[1024], last[256];

        snprintf (command, sizeof (command),
                  "simulate --steps 500 --every 500 --from extended --out @/r %s", options[i]);
        assert_runs (command);
        assert_runs ("show @/r");
        snprintf (last, sizeof (last), "%.200s", strchr (strstr (output, "\t500\t"), '.') - 1);
        if (i == 0)
            snprintf (first[0], sizeof (first[0]), "%s", last);
        else if (i == 1)
            assert_string_equal (last, first[0]);
        else
            assert_string_not_equal (last, first[0]);
    }
}

/* The asynchronous and the sequential workflow differ in one edge. */
static void workflows (void **state)
{
    const char *source = getenv ("srcdir");
    char path[2][4096], line[2][1024];
    FILE *file[2];
    int differences = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf (path[i], sizeof (path[i]), "%s/../examples/ddmd/%s.json", source ? source : ".",
                  i == 0 ? "ddmd" : "ddmd-sequential");
        file[i] = fopen (path[i], "r");
        assert_non_null (file[i]);
    }
    while (fgets (line[0], sizeof (line[0]), file[0])) {
        assert_non_null (fgets (line[1], sizeof (line[1]), file[1]));
        if (strcmp (line[0], line[1]) != 0) {
            differences++;
            assert_string_equal (line[0] + strspn (line[0], " "),
                                 "\"after\": [\"simulate@-1\"],\n");
            assert_string_equal (line[1] + strspn (line[1], " "), "\"after\": [\"infer@-1\"],\n");
        }
    }
    assert_null (fgets (line[1], sizeof (line[1]), file[1]));
    assert_int_equal (differences, 1);
    fclose (file[0]);
    fclose (file[1]);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments), cmocka_unit_test (help),
        cmocka_unit_test (pipeline),        cmocka_unit_test (starts),
        cmocka_unit_test (streaming),       cmocka_unit_test (repeatable),
        cmocka_unit_test (workflows),
    };

    return cmocka_run_group_tests_name ("ddmd-tools", tests, make_directory, remove_directory);
}
