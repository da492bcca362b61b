/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and results that leave the scratch directory: large ones are removed by processes, and
 * room is there after that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "agent/staging/stager.h"
#include "staging.h"
#include "util/clock.h"
#include "util/processes.h"

static size_t count_children (void)
{
    struct aw_processes processes = { 0 };
    size_t n;

    assert_int_equal (aw_processes_read_children (&processes), 0);
    n = processes.n;
    aw_processes_finish (&processes);
    return n;
}

/* A process removes large files, and room is there after that. Small ones are not worth a process.
 */
static void large_files_are_removed_by_a_process (void **state)
{
    static const size_t sizes[] = { 1000, 2 << 20 };
    struct staging *f = *state;

    for (int large = 0; large < 2; large++) {
        size_t size = sizes[large];

        while (waitpid (-1, NULL, 0) > 0)
            ;
        staging_begin (f, size + size / 2, 1);
        staging_put (f, "a", size, 'a');
        staging_put (f, "b", size, 'b');
        staging_stage_in (f, 0, 0, "a", "");
        staging_assert_staged (f, 0, size);
        staging_release (f, 0);
        staging_stage_in (f, 1, 0, "b", "");
        staging_assert_staged (f, 1, size);
        assert_int_equal (count_children (), 2 + large); /* two have copied */
        assert_false (staging_is_there (f, "base/run/node/a"));
        assert_false (staging_is_there (f, "base/run/node/.aw-removed-1"));
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        memset (f->requests, 0, sizeof (f->requests));
    }
}

static int forks_before_stop = -1; /* the child after so many stops as it begins; -1: none */
static bool all_stop; /* and those that come after it */
static int n_forks;

static void count_fork (void)
{
    n_forks++;
    if (forks_before_stop > 0 || (forks_before_stop == 0 && !all_stop))
        forks_before_stop--;
}

static void stop_child (void)
{
    if (forks_before_stop == 0)
        raise (SIGSTOP);
}

/* The name of what is removed is free at once, its room when the process has ended: by itself, or
 * because it was killed.
 */
static void room_is_free_after_the_removal (void **state)
{
    static const int ends[] = { SIGCONT, SIGKILL };
    struct staging *f = *state;

    staging_put (f, "a", 2 << 20, 'a');
    staging_put (f, "b", 2 << 20, 'b');
    for (int round = 0; round < 2; round++) {
        int status, early;
        bool hidden, gone;
        pid_t pid;

        staging_begin (f, 3 << 20, 1);
        staging_stage_in (f, 0, 0, "a", "");
        staging_assert_staged (f, 0, 2 << 20);
        staging_release (f, 0);
        while (waitpid (-1, NULL, 0) > 0)
            ;
        forks_before_stop = 1; /* the first one copies b */
        staging_stage_in (f, 1, 0, "b", "");
        while (forks_before_stop >= 0)
            event_base_loop (f->base, EVLOOP_NONBLOCK);
        do
            pid = waitpid (-1, &status, WUNTRACED);
        while (pid > 0 && !WIFSTOPPED (status));
        assert_true (pid > 0);
        for (int i = 0; i < 200; i++) {
            event_base_loop (f->base, EVLOOP_NONBLOCK);
            usleep (100);
        }
        early = f->requests[1].n;
        hidden = staging_is_there (f, "base/run/node/.aw-removed-1");
        gone = !staging_is_there (f, "base/run/node/a");
        assert_int_equal (kill (pid, ends[round]), 0);
        assert_int_equal (early, 0);
        assert_true (hidden && gone);
        staging_assert_staged (f, 1, 2 << 20);
        assert_false (staging_is_there (f, "base/run/node/.aw-removed-1"));
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        memset (f->requests, 0, sizeof (f->requests));
    }
}

/* Continues the N children that stop as they begin. */
static void continue_children (int n)
{
    while (n > 0) {
        int status;
        pid_t pid = waitpid (-1, &status, WUNTRACED);

        assert_true (pid > 0);
        if (WIFSTOPPED (status)) {
            assert_int_equal (kill (pid, SIGCONT), 0);
            n--;
        }
    }
}

/* One large file may need the room of thousands of small directories: their processes take turns,
 * and the room of those that wait is counted.
 */
static void few_processes_remove_many_directories (void **state)
{
    enum { DIRECTORIES = 13, PROCESSES = 4, SIZE = 1000 };
    struct staging *f = *state;
    double end = aw_clock_monotonic () + STAGING_PATIENCE;
    char name[64];
    int early, forks;

    staging_begin (f, (uint64_t)DIRECTORIES * SIZE, 1);
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf (name, sizeof (name), "d%d", i);
        assert_int_equal (mkdir (staging_at (f, name), 0700), 0);
        strcat (name, "/file");
        staging_put (f, name, SIZE, 'd');
        *strchr (name, '/') = '\0';
        staging_stage_in (f, 0, 0, name, "");
        staging_assert_staged (f, 0, SIZE);
        staging_release (f, 0);
    }
    staging_put (f, "a", (size_t)(DIRECTORIES - 1) * SIZE, 'a');
    n_forks = 0;
    forks_before_stop = 1; /* the first one copies a */
    all_stop = true;
    staging_stage_in (f, 1, 0, "a", "");
    while (n_forks < 1 + PROCESSES && aw_clock_monotonic () < end)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    for (int i = 0; i < 200; i++)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    forks = n_forks;
    early = f->requests[1].n;
    forks_before_stop = -1;
    all_stop = false;
    continue_children (forks - 1);
    assert_int_equal (forks, 1 + PROCESSES);
    assert_int_equal (early, 0);
    staging_assert_staged (f, 1, (uint64_t)(DIRECTORIES - 1) * SIZE);
    assert_int_equal (n_forks, 1 + DIRECTORIES - 1);
    assert_false (staging_is_there (f, "base/run/node/d11"));
    assert_true (staging_is_there (f, "base/run/node/d12"));
    assert_false (staging_is_there (f, "base/run/node/.aw-removed-12"));
}

/* A large result leaves its place at once when it is copied. A process removes it. */
static void large_results_leave_at_once (void **state)
{
    struct staging *f = *state;
    char *copies[] = { staging_at (f, "base/run/node/out"), staging_at (f, "results/"), "", NULL };
    double end;

    staging_begin (f, 0, 1);
    staging_put (f, "base/run/node/out", 2 << 20, 'o');
    staging_stage_out (f, 0, copies);
    staging_assert_staged (f, 0, 2 << 20);
    assert_false (staging_is_there (f, "base/run/node/out"));
    assert_true (staging_is_there (f, "results/out"));
    end = aw_clock_monotonic () + STAGING_PATIENCE;
    while (staging_is_there (f, "base/run/node/.aw-removed-1") && aw_clock_monotonic () < end)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    assert_false (staging_is_there (f, "base/run/node/.aw-removed-1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, staging_set_up, staging_tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (large_files_are_removed_by_a_process),
        TEST (room_is_free_after_the_removal),
        TEST (few_processes_remove_many_directories),
        TEST (large_results_leave_at_once),
    };

    if (pthread_atfork (NULL, count_fork, stop_child) != 0)
        return 1;
    return cmocka_run_group_tests (tests, NULL, NULL);
}
