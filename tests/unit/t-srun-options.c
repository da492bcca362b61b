/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "coord/slurm/srun_options.h"
#include "util/capture.h"
#include "util/strings.h"

static struct aw_error err;

static char *joined (const struct aw_strings *list)
{
    static char text[4][1024];
    static int next;
    char *at = text[next++ % 4];

    at[0] = '\0';
    for (size_t i = 0; i < list->n; i++) {
        strcat (at, i ? "|" : "");
        strcat (at, list->v[i]);
    }
    return at;
}

static int sort (struct aw_srun_options *options, const char *line, bool inside)
{
    char *copy = strdup (line);
    char *argv[32];
    size_t n = 0;
    int rc;

    for (char *save, *word = strtok_r (copy, " ", &save); word; word = strtok_r (NULL, " ", &save))
        argv[n++] = word;
    argv[n] = NULL;
    rc = aw_srun_options_sort (options, argv, inside, &err);
    free (copy);
    return rc;
}

static void options_that_do_not_fit_a_workflow_are_rejected (void **state)
{
    static const struct {
        const char *line, *text;
    } table[] = {
        { "hostname", "\"hostname\": no command can be given: the workflow file has the commands" },
        { "-N2 hostname",
          "\"hostname\": no command can be given: the workflow file has the commands" },
        { "-N2 -- hostname",
          "\"hostname\": no command can be given: the workflow file has the commands" },
        { "-", "\"-\": no command can be given: the workflow file has the commands" },
        { "--output=x",
          "--output: cannot be given with a workflow: tasks write to the run directory's "
          "logs: give \"stdout\", \"stderr\" in the workflow file" },
        { "-o x", "--output: cannot be given with a workflow: tasks write to the run directory's "
                  "logs: give \"stdout\", \"stderr\" in the workflow file" },
        { "--pty",
          "--pty: cannot be given with a workflow: tasks have no terminal; the progress is "
          "shown on this one" },
        { "--multi",
          "--multi-prog: cannot be given with a workflow: the workflow file has the commands" },
        { "--asyn",
          "--async: cannot be given with a workflow: srun watches the run: end the line in "
          "\"&\", or use sbatch" },
        { "-N", "-N: wants a value" },
        { "-vN", "-N: wants a value" },
        { "--nodes", "--nodes: wants a value" },
        { "--exact=1", "--exact: takes no value" },
        { "-v3", "\"-v3\": srun has no option -3" },
        { "--exc=n1", "--exc: could be --exclude or --exclusive: write it out" },
        { "-r1", "--relative=1: counts the nodes of an allocation, and there is none" },
    };
    struct aw_srun_options options;

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_int_equal (sort (&options, table[i].line, false), -1);
        assert_string_equal (err.text, table[i].text);
        aw_srun_options_finish (&options);
    }
    assert_int_equal (sort (&options, "-F hosts", true), -1);
    assert_string_equal (err.text,
                         "--nodefile: inside an allocation give the nodes' names with --nodelist");
    aw_srun_options_finish (&options);
    assert_int_equal (aw_srun_options_sort (&options, NULL, false, &err), 0);
    aw_srun_options_finish (&options);
}

static void options_are_sorted_by_allocation_and_step (void **state)
{
    static const struct {
        bool inside;
        const char *line, *allocation, *step, *unused;
    } table[] = {
        { false, "", "", "", "" },
        { false, "--", "", "", "" },
        { false, "-n8 -c4 --gpus-per-node=2", "--ntasks=8|--cpus-per-task=4|--gpus-per-node=2", "",
          "" },
        { true, "-n8 -c4 --gpus-per-node=2", "", "", "--ntasks|--cpus-per-task|--gpus-per-node" },
        { true, "-n8 -n9 --ntasks 4", "", "", "--ntasks" },
        { false, "-N 2 --nodelist n1,n2 -x n3", "--nodes=2|--nodelist=n1,n2|--exclude=n3", "", "" },
        { true, "-N 2 --nodelist n1,n2 -x n3 -r1", "", "", "" },
        { false, "-vvH --hold", "--verbose|--verbose|--hold|--hold", "--verbose|--verbose", "" },
        { false, "-vN2", "--verbose|--nodes=2", "--verbose", "" },
        { false, "-I -I30 --immediate --immediate=5",
          "--immediate|--immediate=30|--immediate|--immediate=5", "", "" },
        { false, "-n 2 -p -x --mem -1", "--ntasks=2|--partition=-x|--mem=-1", "", "" },
        { false, "--time 10 --part gpu --accou=me", "--time=10|--partition=gpu|--account=me", "",
          "" },
        { false, "-K0 -l --cpu-bind=cores --exact", "", "",
          "--kill-on-bad-exit|--label|--cpu-bind|--exact" },
        { true, "--export=ALL,A=1 --task-prolog x --overlap -T5", "",
          "--export=ALL,A=1|--task-prolog=x|--overlap|--threads=5", "" },
        { false, "--container-image=a --container-image b --container-mount-home -N2", "--nodes=2",
          "--container-image=a|--container-image=b|--container-mount-home", "" },
        { false, "--quiet -D /x", "--quiet", "--quiet|--chdir=/x", "" },
        { false, "--time= --comment=a=b", "--time=|--comment=a=b", "", "" },
        { false, "-n3 -r1 --jobid=7 -N1 -l", "", "", "--ntasks|--label" },
        { true, "--exclusive --exclusive=user --mpi=pmix", "", "", "--exclusive|--mpi" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_srun_options options;

        if (sort (&options, table[i].line, table[i].inside) < 0)
            fail_msg ("%s: %s", table[i].line, err.text);
        assert_string_equal (joined (&options.allocation), table[i].allocation);
        assert_string_equal (joined (&options.step), table[i].step);
        assert_string_equal (joined (&options.unused), table[i].unused);
        aw_srun_options_finish (&options);
    }
}

static void options_that_the_run_needs_itself_are_kept (void **state)
{
    struct aw_srun_options options;

    (void)state;
    assert_int_equal (sort (&options,
                            "-N2-3 -w n1 --exclude=n2 -r 1 --jobid 7 -J a -Jb --chdir=/x "
                            "--test-only -Q",
                            true),
                      0);
    assert_string_equal (options.nodes, "2-3");
    assert_string_equal (options.node_list, "n1");
    assert_string_equal (options.exclude, "n2");
    assert_string_equal (options.relative, "1");
    assert_string_equal (options.job, "7");
    assert_string_equal (options.name, "b");
    assert_string_equal (options.directory, "/x");
    assert_true (options.test_only);
    assert_true (options.quiet);
    aw_srun_options_finish (&options);
    aw_srun_options_finish (&options);
}

static void the_table_of_options_is_sorted_and_unique (void **state)
{
    const struct aw_srun_option *table = aw_srun_option_table ();

    (void)state;
    for (const struct aw_srun_option *o = table; o->name; o++) {
        assert_true (o == table || strcmp (o[-1].name, o->name) < 0);
        assert_true ((o->class == AW_SRUN_REFUSED) == (o->hint != NULL));
        for (const struct aw_srun_option *p = table; p < o; p++)
            assert_true (!o->letter || p->letter != o->letter);
    }
}

/* The installed release's own list of its options; NULL where it is not installed. */
static char *help_of (const char *program)
{
    static const char conf[] = "ClusterName=none\nSlurmctldHost=localhost\n";
    char path[] = "/tmp/aw-slurm-XXXXXX";
    char *argv[] = { (char *)program, "--help", NULL };
    struct aw_capture capture = { 0 };
    char *text = NULL;
    int fd = mkstemp (path);

    assert_true (fd >= 0);
    assert_int_equal (write (fd, conf, strlen (conf)), strlen (conf));
    close (fd);
    setenv ("SLURM_CONF", path, 1);
    if (aw_capture_start (&capture, argv, NULL, 1 << 20, &err) == 0
        && aw_capture_wait (&capture, 1, 30., &err) == 0)
        text = strdup (capture.out);
    else
        print_message ("# %s\n", err.text);
    aw_capture_finish (&capture);
    unlink (path);
    return text;
}

/* Next "--name" that begins an entry: at most a letter stands before it on its line. Fills letter.
 */
static const char *next_entry (const char *at, size_t *len, char *letter, bool *argument)
{
    while (at && *at) {
        const char *p = at + strspn (at, " ");

        *letter = 0;
        if (p[0] == '-' && isalpha ((unsigned char)p[1]) && (p[2] == ',' || p[2] == ' ')) {
            *letter = p[1];
            p += 3;
            p += strspn (p, " ");
        }
        if (p > at && p[0] == '-' && p[1] == '-' && isalpha ((unsigned char)p[2])) {
            *len = strspn (p + 2, "abcdefghijklmnopqrstuvwxyz0123456789-_");
            *argument = p[2 + *len] == '=';
            return p + 2;
        }
        at = strchr (at, '\n');
        if (at)
            at++;
    }
    return NULL;
}

static bool knows (const char *help, const char *name)
{
    const char *at = help;
    size_t len;
    char letter;
    bool argument;

    while ((at = next_entry (at, &len, &letter, &argument))) {
        if (strlen (name) == len && strncmp (at, name, len) == 0)
            return true;
        at = strchr (at, '\n');
    }
    return false;
}

static const struct aw_srun_option *in_table (const char *name, size_t len)
{
    for (const struct aw_srun_option *o = aw_srun_option_table (); o->name; o++) {
        if (strlen (o->name) == len && strncmp (o->name, name, len) == 0)
            return o;
    }
    return NULL;
}

/* Every option of srun's help is in the table, with its letter; salloc's help has it if the table
 * gives it to salloc, and otherwise has not. Exceptions are both programs' with different meaning,
 * and what the help of one leaves out.
 */
static void the_table_has_all_options_of_the_installed_srun (void **state)
{
    static const char *const exceptions[] = { "chdir",     "help",       "job-name",
                                              "quiet",     "usage",      "version",
                                              "mcs-label", "acctg-freq", "oom-kill-step",
                                              "resv-ports" };
    char *srun = help_of ("srun");
    char *salloc = help_of ("salloc");
    const char *at = srun;
    size_t len;
    char letter;
    bool argument;
    int n = 0;

    (void)state;
    if (!srun || !salloc) {
        free (srun);
        free (salloc);
        skip ();
        return;
    }
    while ((at = next_entry (at, &len, &letter, &argument))) {
        const struct aw_srun_option *o = in_table (at, len);
        bool is_exception = false;
        bool for_salloc;

        if (!o) {
            fail_msg ("--%.*s is not in the table", (int)len, at);
            break;
        }
        for (size_t i = 0; i < sizeof (exceptions) / sizeof (exceptions[0]); i++)
            is_exception |= strcmp (o->name, exceptions[i]) == 0;
        for_salloc =
            o->class == AW_SRUN_ALLOCATION || o->class == AW_SRUN_NODES || o->class == AW_SRUN_BOTH;
        if (letter && letter != o->letter)
            fail_msg ("--%s is -%c", o->name, letter);
        if (argument && o->argument == AW_SRUN_NO_ARGUMENT)
            fail_msg ("--%s takes an argument", o->name);
        if (!is_exception && for_salloc != knows (salloc, o->name))
            fail_msg ("--%s: the table %s salloc, salloc's help %s", o->name,
                      for_salloc ? "gives it to" : "keeps it from",
                      for_salloc ? "lacks it" : "has it");
        n++;
        at = strchr (at, '\n');
    }
    assert_true (n > 100);
    free (srun);
    free (salloc);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (options_that_do_not_fit_a_workflow_are_rejected),
        cmocka_unit_test (options_are_sorted_by_allocation_and_step),
        cmocka_unit_test (options_that_the_run_needs_itself_are_kept),
        cmocka_unit_test (the_table_of_options_is_sorted_and_unique),
        cmocka_unit_test (the_table_has_all_options_of_the_installed_srun),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
