/* SPDX-License-Identifier: Apache-2.0 */
/* Data that is staged in and out, with real files and copying processes: one copy for all, results,
 * and copies that are given up at any moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "agent/staging/stager.h"
#include "staging.h"
#include "util/processes.h"

static void wrong_arguments_are_rejected (void **state)
{
    struct staging *f = *state;
    struct aw_scratch none = { .path = NULL };
    char *nothing[] = { NULL };

    aw_stager_destroy (NULL);
    f->stager = aw_stager_create (f->base, &none);
    assert_non_null (f->stager);
    staging_put (f, "a", 10, 'a');
    staging_stage_in (f, 0, 0, "a", "a");
    staging_assert_failed (f, 0, "there is no scratch directory");
    f->requests[1].job =
        aw_stager_stage_in (f->stager, nothing, NULL, 0, staging_on_done, &f->requests[1]);
    staging_assert_staged (f, 1, 0);
    f->requests[2].job = aw_stager_stage_out (f->stager, NULL, staging_on_done, &f->requests[2]);
    staging_assert_staged (f, 2, 0);
    aw_stager_release (NULL);
}

static void tasks_of_an_instance_share_one_copy (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 0, 4);
    staging_put (f, "model", 1000, 'm');
    for (uint32_t i = 0; i < 3; i++)
        staging_stage_in (f, i, 0, "model", "");
    for (uint32_t i = 0; i < 3; i++)
        staging_wait_for (f, i);
    assert_int_equal (f->requests[0].bytes + f->requests[1].bytes + f->requests[2].bytes, 1000);
    staging_put (f, "model", 1000, 'n');
    staging_stage_in (f, 3, 0, "model", "");
    staging_assert_staged (f, 3, 0); /* it stays as it is for all tasks of an instance */
    assert_int_equal (staging_first_letter (f, "base/run/node/model"), 'm');
    staging_stage_in (f, 4, 1, "model", "");
    staging_assert_staged (f, 4, 1000); /* it has changed */
    assert_int_equal (staging_first_letter (f, "base/run/node/model"), 'n');
    staging_stage_in (f, 5, 2, "model", "");
    staging_assert_staged (f, 5, 0); /* it has not */
}

static void a_missing_file_fails_its_tasks_and_is_tried_again (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 0, 4);
    staging_put (f, "good", 100, 'g');
    staging_stage_in (f, 0, 0, "late", "");
    staging_stage_in (f, 1, 0, "late", "");
    staging_stage_in (f, 2, 0, "good", "");
    staging_assert_failed (f, 0, "stage_in: ");
    staging_assert_failed (f, 1, "late: No such file or directory");
    staging_assert_staged (f, 2, 100);
    staging_put (f, "late", 50, 'l');
    staging_stage_in (f, 3, 0, "late", ""); /* a retry, before the others are forgotten */
    staging_assert_staged (f, 3, 50);
    staging_release (f, 0);
    staging_release (f, 1);
    assert_true (staging_is_there (f, "base/run/node/late")); /* the retry's */
    assert_int_equal (unlink (staging_at (f, "late")), 0);
    staging_stage_in (f, 4, 1, "late", ""); /* looked at again, and gone */
    staging_assert_failed (f, 4, "No such file");
}

/* At whatever moment a job is released: its callback does not come, and its room is free again.
 */
static void a_job_can_be_released_at_any_moment (void **state)
{
    struct staging *f = *state;

    for (int turns = 0; turns < 60; turns++) {
        staging_begin (f, 1 << 20, 1);
        staging_put (f, "a", 600000, 'a');
        staging_put (f, "b", 600000, 'b');
        staging_put (f, "c", 1 << 20, 'c');
        staging_stage_in (f, 0, 0, "a", "");
        staging_stage_in (f, 1, 0, "b", ""); /* queued, then waiting for room */
        for (int i = 0; i < turns; i++) {
            event_base_loop (f->base, EVLOOP_NONBLOCK);
            usleep ((useconds_t)(turns % 4) * 50);
        }
        for (uint32_t task = 0; task < 2; task++) {
            int before = f->requests[task].n;

            staging_release (f, task);
            assert_int_equal (f->requests[task].n, before);
        }
        staging_stage_in (f, 2, 0, "c", "");
        staging_assert_staged (f, 2, 1 << 20);
        assert_true (staging_is_there (f, "base/run/node/c"));
        assert_false (staging_is_there (f, "base/run/node/a"));
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        while (waitpid (-1, NULL, 0) > 0)
            ;
        assert_false (staging_is_there (f, "base/run"));
        memset (f->requests, 0, sizeof (f->requests));
    }
}

static void results_are_copied_out_with_their_checksums (void **state)
{
    struct staging *f = *state;
    char *two[] = { staging_at (f, "base/run/node/out-*"),
                    staging_at (f, "results"),
                    "checksum",
                    staging_at (f, "base/run/node/out-1"),
                    staging_at (f, "again/one"),
                    "",
                    NULL };
    char *none[] = { staging_at (f, "base/run/node/none"), staging_at (f, "results/"), "", NULL };
    char *brought[] = { staging_at (f, "base/run/node/model"), staging_at (f, "results/"), "",
                        NULL };

    staging_begin (f, 0, 1);
    staging_put (f, "model", 10, 'm');
    staging_stage_in (f, 0, 0, "model", "");
    staging_assert_staged (f, 0, 10);
    staging_put (f, "base/run/node/out-1", 100, '1');
    staging_put (f, "base/run/node/out-2", 200, '2');
    staging_put (f, "base/run/node/other", 1, 'o');
    staging_stage_out (f, 1, two);
    staging_assert_staged (f, 1, 400);
    assert_true (staging_is_there (f, "results/out-1") && staging_is_there (f, "results/out-2"));
    assert_int_equal (staging_first_letter (f, "again/one"), '1');
    assert_false (staging_is_there (f, "base/run/node/out-1"));
    assert_false (staging_is_there (f, "base/run/node/out-2"));
    assert_true (staging_is_there (f, "base/run/node/other"));
    staging_stage_out (f, 2, none);
    staging_assert_failed (f, 2, "stage_out: ");
    staging_stage_out (f, 3, brought);
    staging_assert_staged (f, 3, 10);
    assert_true (staging_is_there (f, "base/run/node/model")); /* others may still read it */
}

/* The process that makes a copy: the only child of this process. 0: there is none. */
static pid_t copying_process (void)
{
    struct aw_processes processes = { 0 };
    pid_t found = 0;

    assert_int_equal (aw_processes_read_children (&processes), 0);
    if (processes.n > 0)
        found = processes.pids[0];
    aw_processes_finish (&processes);
    return found;
}

static void a_copy_that_hangs_does_not_hold_up_the_agent (void **state)
{
    struct staging *f = *state;
    int early;
    pid_t pid;

    while (waitpid (-1, NULL, 0) > 0) /* those of tests before */
        ;
    staging_begin (f, 6500, 1); /* room for all, wherever the process is when it is stopped */
    staging_put (f, "a", 2000, 'a');
    staging_put (f, "b", 2000, 'b');
    staging_stage_in (f, 0, 0, "a", "");
    while (!(pid = copying_process ()))
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    assert_int_equal (kill (pid, SIGSTOP), 0);
    staging_release (f, 0); /* if it waited, it would for ever */
    staging_stage_in (f, 1, 0, "b", ""); /* another one is not held up */
    staging_assert_staged (f, 1, 2000);
    staging_release (f, 1);
    staging_stage_in (f, 2, 0, "a", ""); /* the same one waits for its end */
    for (int i = 0; i < 20; i++)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    early = f->requests[2].n;
    assert_int_equal (kill (pid, SIGCONT), 0);
    assert_int_equal (early, 0);
    staging_assert_staged (f, 2, 2000);
    assert_true (staging_is_there (f, "base/run/node/a"));
}

/* A copy that is ended while it is made leaves nothing behind, under whatever name. */
static void a_copy_that_is_cut_off_leaves_nothing_behind (void **state)
{
    struct staging *f = *state;
    char from[256], to[256];
    char *copies[] = { from, to, "checksum", NULL };
    int seen = 0;

    strcpy (from, staging_at (f, "base/run/node/out"));
    strcpy (to, staging_at (f, "results/"));
    assert_int_equal (mkdir (staging_at (f, "results"), 0700), 0);
    for (int turn = 0; turn < 20; turn++) {
        struct dirent *entry;
        DIR *directory;

        staging_begin (f, 0, 1);
        staging_put (f, "base/run/node/out", 16 << 20, 'o');
        staging_stage_out (f, 0, copies);
        event_base_loop (f->base, EVLOOP_NONBLOCK);
        usleep ((useconds_t)turn * 500);
        directory = opendir (staging_at (f, "results"));
        assert_non_null (directory);
        while ((entry = readdir (directory)))
            seen += strstr (entry->d_name, ".aw-copy-") != NULL;
        closedir (directory);
        staging_release (f, 0);
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        while (waitpid (-1, NULL, 0) > 0)
            ;
        unlink (staging_at (f, "results/out")); /* it may have been done by then */
        assert_int_equal (rmdir (staging_at (f, "results")), 0);
        assert_int_equal (mkdir (staging_at (f, "results"), 0700), 0);
    }
    print_message ("half written when it was cut: %d of 20\n", seen);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, staging_set_up, staging_tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (wrong_arguments_are_rejected),
        TEST (tasks_of_an_instance_share_one_copy),
        TEST (a_missing_file_fails_its_tasks_and_is_tried_again),
        TEST (a_job_can_be_released_at_any_moment),
        TEST (results_are_copied_out_with_their_checksums),
        TEST (a_copy_that_hangs_does_not_hold_up_the_agent),
        TEST (a_copy_that_is_cut_off_leaves_nothing_behind),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
