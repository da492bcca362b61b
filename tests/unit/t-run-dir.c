/* SPDX-License-Identifier: Apache-2.0 */
/* Run directories: made for their user alone, never in the place of something else, and looked at
 * before what stands in them is trusted.
 */
#include <fcntl.h>
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

#include "core/graph/graph.h"
#include "io/journal/run_dir.h"
#include "io/journal/run_origin.h"

static char top[32];

static int setup (void **state)
{
    (void)state;
    strcpy (top, "/tmp/aw-run-dir.XXXXXX");
    assert_non_null (mkdtemp (top));
    assert_int_equal (chdir (top), 0);
    umask (0); /* the worst that a user may have */
    return 0;
}

static int teardown (void **state)
{
    char line[64];

    (void)state;
    assert_int_equal (chdir ("/"), 0);
    snprintf (line, sizeof (line), "rm -rf '%s'", top);
    return system (line);
}

static mode_t mode_of (const char *path)
{
    struct stat st;

    assert_int_equal (lstat (path, &st), 0);
    return st.st_mode & 07777;
}

static void make_file (const char *path)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true (fd >= 0);
    close (fd);
}

static void make_good (void)
{
    struct aw_error err = { "" };
    char *path = aw_run_dir_create ("good", "n", NULL, &err);

    assert_non_null (path);
    free (path);
    assert_int_equal (aw_run_dir_write_workflow ("good", "{}", 2, &err), 0);
    make_file ("good/" AW_RUN_JOURNAL);
}

static void a_run_directory_is_private (void **state)
{
    (void)state;
    make_good ();
    assert_int_equal (mode_of ("good"), 0700);
    assert_int_equal (mode_of ("good/" AW_RUN_LOGS), 0700);
    assert_int_equal (mode_of ("good/" AW_RUN_WORKFLOW), 0600);
    assert_int_equal (aw_run_dir_check_own ("good", NULL), 0);
}

/* What is there already, whatever it is and whoever's, is not taken. */
static void what_is_there_already_is_not_taken (void **state)
{
    static const char *const names[] = { "directory", "link", "dangling", "file", "fifo" };
    struct aw_error err = { "" };
    char *path;

    (void)state;
    assert_int_equal (mkdir ("directory", 0777), 0);
    assert_int_equal (symlink ("directory", "link"), 0);
    assert_int_equal (symlink ("nowhere", "dangling"), 0);
    make_file ("file");
    assert_int_equal (mkfifo ("fifo", 0666), 0);
    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++) {
        assert_null (aw_run_dir_create (names[i], "n", NULL, &err));
        assert_non_null (strstr (err.text, "File exists: give another directory"));
    }
    assert_int_equal (access ("nowhere", F_OK), -1);
    assert_int_equal (access ("directory/" AW_RUN_LOGS, F_OK), -1);
    /* A name of our own choice goes around what is there. */
    assert_int_equal (symlink ("directory", "n-7"), 0);
    path = aw_run_dir_create (NULL, "n", "7", &err);
    assert_non_null (path);
    assert_string_equal (strrchr (path, '/'), "/n-7.1");
    free (path);
    /* Names are one component, whatever they are made of. */
    path = aw_run_dir_create (NULL, "../x\n", "/etc", &err);
    assert_non_null (path);
    assert_string_equal (strrchr (path, '/'), "/_._x_-_etc");
    free (path);
}

static void expect_refused (const char *dir, const char *why)
{
    struct aw_error err = { "" };

    assert_int_equal (aw_run_dir_check_own (dir, &err), -1);
    if (!strstr (err.text, why))
        fail_msg ("\"%s\", not \"%s\"", err.text, why);
}

static void a_directory_of_somebody_else_is_refused (void **state)
{
    (void)state;
    make_good ();
    expect_refused ("nowhere", "nowhere: No such file or directory");
    expect_refused ("good/" AW_RUN_WORKFLOW, "Not a directory");
    assert_int_equal (symlink ("good", "way"), 0);
    assert_int_equal (aw_run_dir_check_own ("way", NULL), 0); /* where it leads is what counts */

    assert_int_equal (chmod ("good", 0770), 0);
    expect_refused ("good", "good: others can write to it");
    assert_int_equal (chmod ("good", 0755), 0); /* they may read it, if the user says so */
    assert_int_equal (aw_run_dir_check_own ("good", NULL), 0);
    assert_int_equal (chmod ("good/" AW_RUN_JOURNAL, 0602), 0);
    expect_refused ("good", "good: journal.jsonl: others can write to it");

    assert_int_equal (unlink ("good/" AW_RUN_JOURNAL), 0);
    assert_int_equal (aw_run_dir_check_own ("good", NULL), 0); /* not there: nobody's */
    assert_int_equal (symlink ("/dev/zero", "good/" AW_RUN_JOURNAL), 0);
    expect_refused ("good", "good: journal.jsonl: a symbolic link");
    assert_int_equal (unlink ("good/" AW_RUN_JOURNAL), 0);
    assert_int_equal (mkfifo ("good/" AW_RUN_JOURNAL, 0600), 0);
    expect_refused ("good", "good: journal.jsonl: not a regular file");
    assert_int_equal (unlink ("good/" AW_RUN_JOURNAL), 0);
    make_file ("good/" AW_RUN_JOURNAL);
    if (geteuid () != 0)
        skip (); /* files of somebody else take root to make */
    assert_int_equal (chown ("good/" AW_RUN_WORKFLOW, 65534, 65534), 0);
    expect_refused ("good", "good: workflow.json: it belongs to another user");
    assert_int_equal (chown ("good/" AW_RUN_WORKFLOW, 0, 0), 0);
    assert_int_equal (chown ("good", 65534, 65534), 0);
    expect_refused ("good", "good: it belongs to another user");
}

static void put (const char *path, const char *text)
{
    FILE *file = fopen (path, "w");

    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

static enum aw_run_match match (const char *job, unsigned restart, const char *parameters)
{
    const struct aw_run_origin origin = { job, parameters, restart };

    return aw_run_origin_match ("d", &origin, "w", 1);
}

static void a_run_of_before_the_requeue_is_found (void **state)
{
    const struct aw_run_origin mine = { "12", "mode a\ndirectory /x\n", 1 };
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (match ("12", 2, "p\n"), AW_RUN_ABSENT);
    assert_int_equal (aw_run_origin_write ("d", &mine, &err), -1);
    assert_int_equal (mkdir ("d", 0700), 0);
    assert_int_equal (match ("12", 2, "p\n"), AW_RUN_FOREIGN);
    assert_int_equal (aw_run_origin_write ("d", &mine, &err), 0);
    assert_int_equal (mode_of ("d/" AW_RUN_JOB), 0600);
    assert_int_equal (match ("12", 2, mine.parameters), AW_RUN_DIFFERENT); /* no workflow yet */
    put ("d/" AW_RUN_WORKFLOW, "w");
    assert_int_equal (match ("12", 2, mine.parameters), AW_RUN_SAME);
    assert_int_equal (match ("12", 1, mine.parameters), AW_RUN_TAKEN);
    assert_int_equal (match ("12", 0, mine.parameters), AW_RUN_TAKEN);
    assert_int_equal (match ("12", 2, "mode a\ndirectory /\n"), AW_RUN_DIFFERENT);
    assert_int_equal (match ("12", 2, "mode a\ndirectory /x\nmore\n"), AW_RUN_DIFFERENT);
    assert_int_equal (match ("1", 2, mine.parameters), AW_RUN_FOREIGN);
    assert_int_equal (match ("123", 2, mine.parameters), AW_RUN_FOREIGN);
    put ("d/" AW_RUN_WORKFLOW, "v");
    assert_int_equal (match ("12", 2, mine.parameters), AW_RUN_DIFFERENT);
    put ("d/" AW_RUN_WORKFLOW, "w ");
    assert_int_equal (match ("12", 2, mine.parameters), AW_RUN_DIFFERENT);
}

static void garbage_in_the_file_is_no_run_of_ours (void **state)
{
    static const char *const table[] = { "",
                                         "job",
                                         "job 12",
                                         "job 12\n",
                                         "job 12\nrestart",
                                         "job 12\nrestart 1",
                                         "job 12\nrestart x\np\n",
                                         "job 12\nrestart 1x\np\n" };

    (void)state;
    assert_int_equal (mkdir ("d", 0700), 0);
    put ("d/" AW_RUN_WORKFLOW, "w");
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        put ("d/" AW_RUN_JOB, table[i]);
        assert_int_equal (match ("12", 2, "p\n"), AW_RUN_FOREIGN);
    }
}

/* What cannot be found out is not the answer "no". */
static void a_file_is_there_or_not_or_this_is_unknown (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (mkdir ("run", 0700), 0);
    assert_int_equal (aw_run_dir_has ("run", "values.json", &err), 0);
    make_file ("run/values.json");
    assert_int_equal (aw_run_dir_has ("run", "values.json", &err), 1);
    assert_int_equal (symlink ("circle", "run/circle"), 0);
    assert_int_equal (aw_run_dir_has ("run", "circle", &err), -1);
    assert_string_equal (err.text, "run/circle: Too many levels of symbolic links");
}

static void run_directories_get_a_number_when_the_name_is_taken (void **state)
{
    struct aw_error err;
    char *dir;

    (void)state;
    assert_null (aw_run_dir_create ("none/run", NULL, NULL, &err)); /* no parent */
    assert_null (aw_run_dir_create (top, NULL, NULL, &err)); /* there already */
    assert_non_null (strstr (err.text, "File exists"));
    for (int i = 0; i < 3; i++) {
        static const char *const want[] = { "d-7", "d-7.1", "d-7.2" };
        dir = aw_run_dir_create (NULL, "d", "7", &err);
        assert_non_null (dir);
        assert_string_equal (strrchr (dir, '/') + 1, want[i]);
        assert_int_equal (dir[0], '/');
        assert_int_equal (mode_of (dir), 0700);
        assert_int_equal (aw_run_dir_write_workflow (dir, "{}", 2, &err), 0);
        assert_int_equal (aw_run_dir_write_workflow (dir, "{}", 2, &err),
                          -1); /* never overwritten */
        free (dir);
    }
    dir = aw_run_dir_create (NULL, "../x/y", NULL, &err);
    assert_non_null (dir);
    assert_string_equal (strrchr (dir, '/') + 1, "_._x_y-local");
    free (dir);
}

static void names_of_logs_have_set_iteration_index_and_retry (void **state)
{
    struct aw_graph *graph = aw_graph_create ();
    char *path;

    (void)state;
    assert_non_null (graph);
    assert_non_null (aw_graph_add_set (graph, "a"));
    graph->sets[0].count = 3;
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    path = aw_run_dir_log ("/r", graph, 2, 0, "out");
    assert_string_equal (path, "/r/logs/a.2.out");
    free (path);
    graph->iterations = 2;
    graph->iterated = true;
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    path = aw_run_dir_log ("/r", graph, 5, 2, "err");
    assert_string_equal (path, "/r/logs/a@1.2.retry2.err");
    free (path);
    aw_graph_destroy (graph);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (a_run_directory_is_private),
        TEST (what_is_there_already_is_not_taken),
        TEST (a_directory_of_somebody_else_is_refused),
        TEST (a_run_of_before_the_requeue_is_found),
        TEST (garbage_in_the_file_is_no_run_of_ours),
        TEST (a_file_is_there_or_not_or_this_is_unknown),
        TEST (run_directories_get_a_number_when_the_name_is_taken),
        cmocka_unit_test (names_of_logs_have_set_iteration_index_and_retry),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
