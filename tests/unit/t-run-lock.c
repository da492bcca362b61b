/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a run directory, and which changes of a workflow matter to a run that goes on. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/journal/run_lock.h"
#include "io/workflow/workflow_compare.h"

static char dir[40];

static int setup (void **state)
{
    (void)state;
    strcpy (dir, "/tmp/aw-lock.XXXXXX");
    return mkdtemp (dir) ? 0 : -1;
}

static int teardown (void **state)
{
    char path[80];

    (void)state;
    snprintf (path, sizeof (path), "%s/%s", dir, AW_RUN_COORDINATOR);
    unlink (path);
    return rmdir (dir);
}

static void put_mark (const char *text)
{
    char path[80];
    FILE *file;

    snprintf (path, sizeof (path), "%s/%s", dir, AW_RUN_COORDINATOR);
    file = fopen (path, "w");
    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

static void one_run_has_the_lock_alone (void **state)
{
    struct aw_error err = { "" };
    struct aw_run_lock *lock;
    char path[80];

    (void)state;
    assert_null (aw_run_lock_take ("/nonexistent", NULL, NULL, &err));
    assert_non_null (strstr (err.text, "No such file"));
    aw_run_lock_release (NULL);
    lock = aw_run_lock_take (dir, "7", NULL, &err);
    assert_non_null (lock);
    assert_true (aw_run_lock_fd (lock) >= 0);
    assert_int_equal (aw_run_lock_beat (lock, &err), 0);
    assert_null (aw_run_lock_take (dir, NULL, NULL, &err)); /* even for ourselves */
    assert_non_null (strstr (err.text, "another coordinator runs it"));
    assert_non_null (strstr (err.text, "job 7"));
    aw_run_lock_release (lock);
    snprintf (path, sizeof (path), "%s/%s", dir, AW_RUN_COORDINATOR);
    assert_int_equal (access (path, F_OK), -1);
}

/* An error is not the answer that nobody has the directory. */
static void a_file_that_cannot_be_read_locks_the_directory (void **state)
{
    struct aw_error err = { "" };
    char path[80];

    (void)state;
    snprintf (path, sizeof (path), "%s/%s", dir, AW_RUN_COORDINATOR);
    assert_int_equal (mkfifo (path, 0600), 0); /* pread fails */
    assert_null (aw_run_lock_take (dir, NULL, NULL, &err));
    assert_non_null (strstr (err.text, "cannot be read"));
    assert_int_equal (unlink (path), 0);
}

/* What stands in the file is anybody's: it must neither let two in nor lock all out. */
static void no_text_in_the_file_lets_two_in_or_all_out (void **state)
{
    static const char *const table[] = {
        "",
        "garbage",
        "{",
        "{}",
        "{\"host\":7}",
        "{\"nonce\":\"\"}",
        "{\"host\":\"x\",\"pid\":-1,\"nonce\":\"n\"}",
        "{\"host\":\"x\",\"pid\":1e300,\"nonce\":\"n\"}",
        "{\"unknown\":[],\"nonce\":\"n\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_run_lock *lock;

        put_mark (table[i]);
        lock = aw_run_lock_take (dir, NULL, NULL, NULL);
        if (!lock)
            fail_msg ("row %zu locks us out", i);
        aw_run_lock_release (lock);
    }
}

/* One that was killed holds up nothing; one that lives does. */
static void a_killed_run_holds_up_nothing (void **state)
{
    struct aw_error err = { "" };
    struct aw_run_lock *lock;
    int pipe_fd[2];
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal (pipe (pipe_fd), 0);
    pid = fork ();
    if (pid == 0) {
        lock = aw_run_lock_take (dir, NULL, NULL, &err);
        if (write (pipe_fd[1], lock ? "y" : "n", 1) == 1)
            pause ();
        _exit (0);
    }
    assert_int_equal (read (pipe_fd[0], &byte, 1), 1);
    assert_int_equal (byte, 'y');
    assert_null (aw_run_lock_take (dir, NULL, NULL, &err));
    assert_non_null (strstr (err.text, "another coordinator runs it"));
    kill (pid, SIGKILL);
    assert_int_equal (waitpid (pid, NULL, 0), pid);
    lock = aw_run_lock_take (dir, NULL, NULL, &err);
    assert_non_null (lock);
    put_mark ("{\"host\":\"far\",\"pid\":9,\"nonce\":\"other\",\"beat\":1}\n");
    assert_int_equal (aw_run_lock_beat (lock, &err), -1);
    assert_non_null (strstr (err.text, "another coordinator, process 9 on far, has taken over"));
    aw_run_lock_release (lock); /* and leaves the other's file */
    close (pipe_fd[0]);
    close (pipe_fd[1]);
}

static const char *unreadable; /* files whose names begin so cannot be opened */

/* In place of the C library's. */
FILE *fopen (const char *path, const char *mode)
{
    int flags = *mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
    int fd = open (path, flags | O_CLOEXEC, 0600);

    if (fd >= 0 && unreadable && strncmp (path, unreadable, strlen (unreadable)) == 0) {
        close (fd);
        errno = EMFILE;
        return NULL;
    }
    return fd < 0 ? NULL : fdopen (fd, mode);
}

/* A mark of another node counts while it is young, one of this node while its process lives. */
static void who_has_a_directory_is_seen_without_waiting (void **state)
{
    struct aw_run_lock *lock;
    struct timespec old[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
    char path[80];

    (void)state;
    snprintf (path, sizeof (path), "%s/%s", dir, AW_RUN_COORDINATOR);
    assert_false (aw_run_lock_is_held ("/nonexistent"));
    assert_false (aw_run_lock_is_held (dir));
    put_mark ("garbage");
    assert_false (aw_run_lock_is_held (dir));
    put_mark ("{\"host\":\"far\",\"pid\":9,\"nonce\":\"other\",\"beat\":1}\n");
    assert_true (aw_run_lock_is_held (dir));
    old[1] = (struct timespec){ .tv_sec = time (NULL) - 2 * (time_t)AW_RUN_LOCK_FRESH };
    assert_int_equal (utimensat (AT_FDCWD, path, old, 0), 0);
    assert_false (aw_run_lock_is_held (dir));
    assert_int_equal (unlink (path), 0);
    lock = aw_run_lock_take (dir, NULL, NULL, NULL);
    assert_int_equal (utimensat (AT_FDCWD, path, old, 0), 0);
    assert_true (aw_run_lock_is_held (dir));
    snprintf (path, sizeof (path), "/proc/%d/", (int)getpid ());
    unreadable = path;
    assert_true (aw_run_lock_is_held (dir));
    unreadable = NULL;
    aw_run_lock_release (lock);
    assert_false (aw_run_lock_is_held (dir));
}

static struct aw_workflow *parse (const char *tasks)
{
    struct aw_problems problems;
    struct aw_workflow *workflow;
    char text[2048];

    snprintf (text, sizeof (text), "{\"async-workflow\":1,%s}", tasks);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    aw_problems_init (&problems);
    workflow = aw_workflow_parse (text, strlen (text), "w.json", &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    assert_non_null (workflow);
    return workflow;
}

/* a <- b[i] <- c, d alone: what each change of b's keys (or of all) makes run again. */
static void a_changed_set_is_told_with_all_that_follows (void **state)
{
#define FLOW(top, a, b)                                                                    \
    top "'tasks':{'a':{'count':3," a "'command':['x']},'b':{'after':['a[i]'],'count':3," b \
        "'command':['y','{index}']},'c':{'after':['b'],'command':['z']},'d':{'command':['w']}}"
    static const struct {
        const char *text;
        const char *again; /* names */
        const char *key; /* of b */
    } table[] = {
        { FLOW ("", "", ""), "", NULL },
        { FLOW ("'name':'other',", "", ""), "", NULL },
        { FLOW ("", "", "'retries':2,'duration':3,'time_limit':9,'mem':'1M',"), "", NULL },
        { FLOW ("", "", "'on_failure':'skip','success_codes':[0,3],"), "", NULL },
        { FLOW ("", "", "'cpus':2,"), "bc", "cpus" },
        { FLOW ("", "", "'gpus':1,"), "bc", "gpus" },
        { FLOW ("", "", "'environment':{'A':'1'},"), "bc", "environment" },
        { FLOW ("", "", "'directory':'/tmp',"), "bc", "directory" },
        { FLOW ("", "", "'stdout':'o{index}',"), "bc", "stdout" },
        { FLOW ("", "", "'stderr':'e{index}',"), "bc", "stderr" },
        { FLOW ("", "'cpus':3,", ""), "abc", NULL },
        { FLOW ("'iterations':2,", "", ""), "abcd", "iterations" },
        { "'tasks':{'b':{'count':3,'command':['y','{index}']},'c':{'after':['b'],'command':['z']},"
          "'d':{'command':['w']}}",
          "bc", "after" },
        { "'tasks':{'d':{'command':['w']},'c':{'after':['b'],'command':['z']},'b':{'after':['a[i]']"
          ","
          "'count':3,'command':['y','{index}']},'a':{'count':3,'command':['x']}}",
          "", NULL },
        { "'tasks':{'a':{'count':4,'command':['x']},'b':{'after':['a[i]'],'count':4,'command':['y',"
          "'{index}']},'c':{'after':['b'],'command':['z']},'d':{'command':['w']}}",
          "c", NULL },
        { "'tasks':{'a':{'count':3,'command':['x']},'b':{'after':['a[i]'],'count':3,'script':'y'},"
          "'c':{'after':['b'],'command':['z']},'d':{'command':['w']},'e':{'command':['v']}}",
          "bc", "command" },
    };
    struct aw_workflow *old = parse (FLOW ("", "", ""));

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_workflow *new = parse (table[i].text);
        struct aw_set_change changes[8];
        uint32_t b = aw_graph_find (new->graph, "b");

        aw_workflow_compare (old, new, changes);
        for (uint32_t s = 0; s < new->graph->n_sets; s++) {
            const char *name = new->graph->sets[s].name;

            if (changes[s].again != (strchr (table[i].again, name[0]) != NULL))
                fail_msg ("row %zu: %s", i, name);
            assert_int_equal (changes[s].old, aw_graph_find (old->graph, name));
        }
        if (table[i].key)
            assert_string_equal (changes[b].key, table[i].key);
        else
            assert_null (changes[b].key);
        aw_workflow_destroy (new);
    }
    aw_workflow_destroy (old);
}

/* p <- a (iterated) <- z: another number of iterations makes z, which waits for all, run again; a
 * set that runs once now, or no longer, has other tasks.
 */
static void other_iterations_change_what_waits_for_all (void **state)
{
#define AROUND(n, p, a, z)                                                         \
    "'iterations':" n ",'tasks':{'p':{" p "'command':['x']},'a':{'after':['p']," a \
    "'command':['y']},'b':{'after':['a'],'command':['y']},'z':{'after':['a']," z   \
    "'command':['z']}}"
#define ONCE "'once':true,"
    static const struct {
        const char *text;
        const char *again;
    } table[] = {
        { AROUND ("3", ONCE, "", ONCE), "" },
        { AROUND ("4", ONCE, "", ONCE), "z" },
        { AROUND ("2", ONCE, "", ONCE), "z" },
        { AROUND ("{'max':3}", ONCE, "", ONCE), "" },
        { AROUND ("3", ONCE "'cpus':2,", "", ONCE), "pabz" },
        { AROUND ("3", ONCE, "", ONCE "'cpus':2,"), "z" },
        { AROUND ("3", ONCE, "", ""), "z" },
        { AROUND ("3", "", "", ONCE), "pabz" },
    };
    struct aw_workflow *old = parse (table[0].text);

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_workflow *new = parse (table[i].text);
        struct aw_set_change changes[8];

        aw_workflow_compare (old, new, changes);
        for (uint32_t s = 0; s < new->graph->n_sets; s++) {
            const char *name = new->graph->sets[s].name;

            if (changes[s].again != (strchr (table[i].again, name[0]) != NULL))
                fail_msg ("row %zu: %s", i, name);
        }
        aw_workflow_destroy (new);
    }
    aw_workflow_destroy (old);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (one_run_has_the_lock_alone, setup, teardown),
        cmocka_unit_test_setup_teardown (a_file_that_cannot_be_read_locks_the_directory, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (no_text_in_the_file_lets_two_in_or_all_out, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (a_killed_run_holds_up_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown (who_has_a_directory_is_seen_without_waiting, setup,
                                         teardown),
        cmocka_unit_test (a_changed_set_is_told_with_all_that_follows),
        cmocka_unit_test (other_iterations_change_what_waits_for_all),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
