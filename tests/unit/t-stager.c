/* SPDX-License-Identifier: Apache-2.0 */
/* Data that is staged in and out, with real files and copying processes: one copy for all, what is
 * removed when room is needed, and copies that are given up at any moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "agent/staging/copy.h"
#include "agent/staging/stager.h"
#include "util/clock.h"
#include "util/processes.h"

enum { JOBS = 8, PATIENCE = 60 };

struct request {
    struct aw_stager_job *job;
    int n; /* how often the callback came */
    uint64_t bytes;
    char error[256]; /* "": none */
};

struct fixture {
    char root[64], scratch[128];
    struct event_base *base;
    struct aw_stager *stager;
    struct request requests[JOBS];
};

static char *at (struct fixture *f, const char *name)
{
    static char paths[64][256];
    static int next;
    char *path = paths[next++ % 64];

    snprintf (path, sizeof (paths[0]), "%s/%s", f->root, name);
    return path;
}

static int setup (void **state)
{
    struct fixture *f = calloc (1, sizeof (*f));

    assert_non_null (f);
    strcpy (f->root, "/tmp/aw-stager.XXXXXX");
    assert_non_null (mkdtemp (f->root));
    assert_int_equal (mkdir (at (f, "base"), 0700), 0);
    snprintf (f->scratch, sizeof (f->scratch), "%s/base/run/node", f->root);
    f->base = event_base_new ();
    assert_non_null (f->base);
    *state = f;
    return 0;
}

static int teardown (void **state)
{
    struct fixture *f = *state;

    aw_stager_destroy (f->stager);
    event_base_free (f->base);
    while (waitpid (-1, NULL, 0) > 0)
        ;
    assert_int_equal (aw_copy_remove (f->root), 0);
    free (f);
    return 0;
}

static void begin (struct fixture *f, uint64_t capacity, uint32_t streams)
{
    struct aw_scratch config = { .path = f->scratch, .bytes = capacity, .streams = streams };

    f->stager = aw_stager_create (f->base, &config);
    assert_non_null (f->stager);
}

/* A file of SIZE bytes of LETTER. */
static void put (struct fixture *f, const char *name, size_t size, char letter)
{
    char *text = malloc (size + 1);
    FILE *file = fopen (at (f, name), "w");

    assert_non_null (text);
    assert_non_null (file);
    memset (text, letter, size);
    assert_int_equal (fwrite (text, 1, size, file), size);
    assert_int_equal (fclose (file), 0);
    free (text);
}

/* Files of 1000 bytes, "a" to LAST, each of its own letter. */
static void put_each (struct fixture *f, char last)
{
    for (char name[] = "a"; *name <= last; ++*name)
        put (f, name, 1000, *name);
}

static bool is_there (struct fixture *f, const char *name)
{
    return access (at (f, name), F_OK) == 0;
}

static char first_letter (struct fixture *f, const char *name)
{
    FILE *file = fopen (at (f, name), "r");
    int c;

    assert_non_null (file);
    c = fgetc (file);
    fclose (file);
    return (char)c;
}

static void on_done (void *arg, const struct aw_copied *copied, const char *error)
{
    struct request *request = arg;

    request->n++;
    request->bytes = copied->bytes;
    snprintf (request->error, sizeof (request->error), "%s", error ? error : "");
}

/* FROM is under the root, TO under the scratch directory; of both "" is an error of the test. */
static void stage_in (
    struct fixture *f, uint32_t number, uint32_t instance, const char *from, const char *to)
{
    struct request *request = &f->requests[number];
    char target[256];
    char *copies[] = { at (f, from), target, "", NULL };

    snprintf (target, sizeof (target), "%s/%s", f->scratch, to);
    memset (request, 0, sizeof (*request));
    request->job = aw_stager_stage_in (f->stager, copies, NULL, instance, on_done, request);
    assert_non_null (request->job);
    assert_int_equal (request->n, 0); /* the callback comes from the loop alone */
}

static void release (struct fixture *f, uint32_t number)
{
    aw_stager_release (f->requests[number].job);
    f->requests[number].job = NULL;
}

static void on_late (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    fail_msg ("nothing came for %d s", PATIENCE);
}

/* Runs the loop until the callback of request NUMBER comes. */
static void wait_for (struct fixture *f, uint32_t task)
{
    struct event *late = evtimer_new (f->base, on_late, NULL);
    struct timeval patience = { PATIENCE, 0 };

    assert_int_equal (event_add (late, &patience), 0);
    while (f->requests[task].n == 0)
        assert_int_equal (event_base_loop (f->base, EVLOOP_ONCE), 0);
    event_free (late);
    assert_int_equal (f->requests[task].n, 1);
}

static void assert_staged (struct fixture *f, uint32_t task, uint64_t bytes)
{
    wait_for (f, task);
    assert_string_equal (f->requests[task].error, "");
    assert_int_equal (f->requests[task].bytes, bytes);
}

static void assert_failed (struct fixture *f, uint32_t task, const char *why)
{
    wait_for (f, task);
    if (!strstr (f->requests[task].error, why))
        fail_msg ("\"%s\" does not say \"%s\"", f->requests[task].error, why);
}

static void wrong_arguments_are_rejected (void **state)
{
    struct fixture *f = *state;
    struct aw_scratch none = { .path = NULL };
    char *nothing[] = { NULL };

    aw_stager_destroy (NULL);
    f->stager = aw_stager_create (f->base, &none);
    assert_non_null (f->stager);
    put (f, "a", 10, 'a');
    stage_in (f, 0, 0, "a", "a");
    assert_failed (f, 0, "there is no scratch directory");
    f->requests[1].job = aw_stager_stage_in (f->stager, nothing, NULL, 0, on_done, &f->requests[1]);
    assert_staged (f, 1, 0);
    f->requests[2].job = aw_stager_stage_out (f->stager, NULL, on_done, &f->requests[2]);
    assert_staged (f, 2, 0);
    aw_stager_release (NULL);
}

/* A scratch directory in memory takes half of the job's memory at most, or what the user says but
 * not nearly all.
 */
static void a_scratch_directory_in_memory_takes_at_most_half_of_it (void **state)
{
    struct fixture *f = *state;
    struct aw_scratch config = { .path = f->scratch, .memory = 3000 };
    char shm[] = "/dev/shm/aw-stager.XXXXXX";

    if (!mkdtemp (shm))
        skip ();
    snprintf (f->scratch, sizeof (f->scratch), "%s/run/node", shm);
    if (!aw_scratch_in_memory (shm)) {
        rmdir (shm);
        skip ();
    }
    put (f, "half", 1400, 'a');
    put (f, "more", 1600, 'a');
    put (f, "most", 2900, 'a');
    for (int round = 0; round < 2; round++) {
        config.bytes = round == 0 ? 0 : 1 << 20;
        f->stager = aw_stager_create (f->base, &config);
        stage_in (f, 0, 0, "half", "x");
        assert_staged (f, 0, 1400);
        aw_stager_release (f->requests[0].job);
        stage_in (f, 1, 0, "more", "x");
        if (round == 0)
            assert_failed (f, 1, "which is in the job's memory: name a disk with --scratch");
        else
            assert_staged (f, 1, 1600);
        aw_stager_release (f->requests[1].job);
        stage_in (f, 2, 0, "most", "x");
        assert_failed (f, 2, "2900 bytes do not fit");
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        memset (f->requests, 0, sizeof (f->requests));
    }
    rmdir (shm);
}

static void tasks_of_an_instance_share_one_copy (void **state)
{
    struct fixture *f = *state;

    begin (f, 0, 4);
    put (f, "model", 1000, 'm');
    for (uint32_t i = 0; i < 3; i++)
        stage_in (f, i, 0, "model", "");
    for (uint32_t i = 0; i < 3; i++)
        wait_for (f, i);
    assert_int_equal (f->requests[0].bytes + f->requests[1].bytes + f->requests[2].bytes, 1000);
    put (f, "model", 1000, 'n');
    stage_in (f, 3, 0, "model", "");
    assert_staged (f, 3, 0); /* it stays as it is for all tasks of an instance */
    assert_int_equal (first_letter (f, "base/run/node/model"), 'm');
    stage_in (f, 4, 1, "model", "");
    assert_staged (f, 4, 1000); /* it has changed */
    assert_int_equal (first_letter (f, "base/run/node/model"), 'n');
    stage_in (f, 5, 2, "model", "");
    assert_staged (f, 5, 0); /* it has not */
}

/* What nobody uses goes, the longest unused first, and nothing else: not what others have brought
 * into the same directory, nor what tasks have made there.
 */
static void the_copy_that_is_unused_for_longest_is_removed_first (void **state)
{
    struct fixture *f = *state;

    begin (f, 2500, 1);
    put (f, "a", 1000, 'a');
    put (f, "b", 1000, 'b');
    put (f, "c", 1000, 'c');
    stage_in (f, 0, 0, "a", "");
    stage_in (f, 1, 0, "b", "");
    assert_staged (f, 0, 1000);
    assert_staged (f, 1, 1000);
    put (f, "base/run/node/result", 5, 'r');
    release (f, 1);
    release (f, 0); /* b has been unused for longer */
    assert_true (is_there (f, "base/run/node/a") && is_there (f, "base/run/node/b"));
    stage_in (f, 2, 0, "c", "");
    assert_staged (f, 2, 1000);
    assert_true (is_there (f, "base/run/node/a"));
    assert_false (is_there (f, "base/run/node/b"));
    assert_true (is_there (f, "base/run/node/c"));
    assert_true (is_there (f, "base/run/node/result"));
    stage_in (f, 3, 0, "a", "");
    assert_staged (f, 3, 0); /* still there */
    stage_in (f, 4, 0, "b", "");
    for (int i = 0; i < 20; i++)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    release (f, 2);
    assert_staged (f, 4, 1000); /* c went, a is used */
    assert_true (is_there (f, "base/run/node/a"));
    assert_false (is_there (f, "base/run/node/c"));
}

/* All that a pattern has brought goes together. */
static void the_copies_of_a_pattern_are_removed_together (void **state)
{
    struct fixture *f = *state;

    begin (f, 2500, 1);
    put (f, "p-1", 1000, '1');
    put (f, "p-2", 1000, '2');
    put (f, "big", 2000, 'b');
    stage_in (f, 0, 0, "p-*", "in");
    assert_staged (f, 0, 2000);
    put (f, "base/run/node/in/result", 5, 'r');
    release (f, 0);
    stage_in (f, 1, 0, "big", "");
    assert_staged (f, 1, 2000);
    assert_false (is_there (f, "base/run/node/in/p-1"));
    assert_false (is_there (f, "base/run/node/in/p-2"));
    assert_true (is_there (f, "base/run/node/in/result"));
}

/* Turns of the loop in which nothing comes for request NUMBER. */
static void assert_waits (struct fixture *f, uint32_t number)
{
    for (int i = 0; i < 1000 && f->requests[number].n == 0; i++) {
        event_base_loop (f->base, EVLOOP_NONBLOCK);
        usleep (100);
    }
    assert_int_equal (f->requests[number].n, 0);
}

static void a_copy_that_does_not_fit_waits_or_fails (void **state)
{
    struct fixture *f = *state;

    begin (f, 1500, 2);
    put (f, "a", 1000, 'a');
    put (f, "b", 1000, 'b');
    put (f, "huge", 2000, 'h');
    stage_in (f, 0, 0, "huge", "");
    assert_failed (f, 0, "2000 bytes do not fit into the scratch directory");
    release (f, 0);
    stage_in (f, 1, 0, "a", "");
    assert_staged (f, 1, 1000);
    stage_in (f, 2, 0, "b", "");
    assert_waits (f, 2); /* a is used */
    release (f, 1);
    assert_staged (f, 2, 1000);
    assert_false (is_there (f, "base/run/node/a"));
}

static void stage_ahead (struct fixture *f, uint32_t number, const char *from)
{
    stage_in (f, number, 0, from, "");
    aw_stager_ahead (f->requests[number].job);
}

/* Else a task that has its CPU, and waits for room, would wait for tasks that wait for the CPU. */
static void copies_made_ahead_give_way (void **state)
{
    struct fixture *f = *state;

    begin (f, 2500, 1);
    put_each (f, 'd');
    stage_ahead (f, 0, "a");
    assert_staged (f, 0, 1000);
    stage_ahead (f, 1, "b");
    assert_staged (f, 1, 1000);
    stage_ahead (f, 2, "d");
    assert_waits (f, 2); /* for those that came before, though nobody needs them yet */
    stage_in (f, 3, 0, "c", "");
    assert_staged (f, 3, 1000);
    assert_true (is_there (f, "base/run/node/a"));
    assert_false (is_there (f, "base/run/node/b")); /* the last one goes first */
    assert_int_equal (aw_stager_use (f->requests[0].job), 1);
    f->requests[1].n = 0;
    assert_int_equal (aw_stager_use (f->requests[1].job), 0);
    assert_waits (f, 1);
    release (f, 3);
    assert_staged (f, 1, 2000); /* of both copies */
    assert_int_equal (first_letter (f, "base/run/node/b"), 'b');
    assert_waits (f, 2);
    release (f, 0);
    assert_staged (f, 2, 1000);
    release (f, 1);
    release (f, 2);
}

/* The same with room for one: the other waits, also while the first one is on its way. */
static void copies_made_ahead_wait_for_the_only_room (void **state)
{
    struct fixture *f = *state;
    uint32_t first, other;

    begin (f, 1500, 2);
    put_each (f, 'c');
    stage_ahead (f, 0, "a");
    stage_ahead (f, 1, "b");
    while (f->requests[0].n == 0 && f->requests[1].n == 0)
        assert_int_equal (event_base_loop (f->base, EVLOOP_ONCE), 0);
    first = f->requests[0].n ? 0 : 1;
    other = 1 - first;
    assert_staged (f, first, 1000);
    assert_waits (f, other);
    stage_in (f, 2, 0, "c", "");
    assert_staged (f, 2, 1000);
    assert_waits (f, other);
    release (f, 2);
    assert_staged (f, other, 1000);
    release (f, first); /* its copy was removed */
    release (f, other);
}

/* Two copies, of which one is there and one waits for room. */
static void a_part_that_was_made_ahead_gives_way (void **state)
{
    struct fixture *f = *state;
    char *target = f->scratch;
    char b_to[256], c_to[256];
    char *copies[] = { at (f, "b"), b_to, "", at (f, "c"), c_to, "checksum", NULL };

    begin (f, 2500, 1);
    put_each (f, 'c');
    put (f, "d", 2000, 'd');
    snprintf (b_to, sizeof (b_to), "%s/b", target);
    snprintf (c_to, sizeof (c_to), "%s/c", target);
    stage_in (f, 0, 0, "a", "");
    assert_staged (f, 0, 1000);
    f->requests[1].job = aw_stager_stage_in (f->stager, copies, NULL, 0, on_done, &f->requests[1]);
    aw_stager_ahead (f->requests[1].job);
    assert_waits (f, 1);
    assert_true (is_there (f, "base/run/node/b"));
    stage_in (f, 2, 0, "d", "");
    assert_waits (f, 2);
    release (f, 0); /* it was running */
    assert_staged (f, 2, 2000);
    assert_false (is_there (f, "base/run/node/b"));
    f->requests[1].n = 0;
    assert_int_equal (aw_stager_use (f->requests[1].job), 0);
    assert_waits (f, 1);
    release (f, 2);
    wait_for (f, 1);
    assert_string_equal (f->requests[1].error, "");
    assert_int_equal (first_letter (f, "base/run/node/b"), 'b');
    assert_int_equal (first_letter (f, "base/run/node/c"), 'c');
    release (f, 1);
}

/* What was given up can no longer be copied, or is not needed any more; and a file that never fits
 * takes nothing from others.
 */
static void what_was_given_up_may_be_lost (void **state)
{
    struct fixture *f = *state;

    begin (f, 1500, 2);
    put_each (f, 'b');
    put (f, "huge", 2000, 'h');
    stage_ahead (f, 0, "a");
    assert_staged (f, 0, 1000);
    stage_in (f, 1, 0, "huge", "");
    assert_failed (f, 1, "2000 bytes do not fit into the scratch directory");
    release (f, 1);
    assert_int_equal (aw_stager_use (f->requests[0].job), 1);
    release (f, 0);
    for (int gone = 0; gone < 2; gone++) {
        stage_ahead (f, 0, "a");
        wait_for (f, 0);
        stage_in (f, 1, 0, "b", "");
        assert_staged (f, 1, 1000);
        if (gone) {
            assert_int_equal (unlink (at (f, "a")), 0);
            f->requests[0].n = 0;
            assert_int_equal (aw_stager_use (f->requests[0].job), 0);
            assert_failed (f, 0, "No such file or directory");
        }
        release (f, 0);
        release (f, 1);
    }
}

static void copies_made_ahead_stay_where_room_will_come (void **state)
{
    struct fixture *f = *state;

    begin (f, 2500, 2);
    put_each (f, 'c');
    stage_in (f, 0, 0, "a", "");
    assert_staged (f, 0, 1000);
    stage_ahead (f, 1, "b");
    assert_staged (f, 1, 1000);
    stage_in (f, 2, 0, "c", "");
    assert_waits (f, 2);
    release (f, 0); /* it was running */
    assert_staged (f, 2, 1000);
    assert_int_equal (aw_stager_use (f->requests[1].job), 1);
    release (f, 1);
    release (f, 2);
}

static void a_missing_file_fails_its_tasks_and_is_tried_again (void **state)
{
    struct fixture *f = *state;

    begin (f, 0, 4);
    put (f, "good", 100, 'g');
    stage_in (f, 0, 0, "late", "");
    stage_in (f, 1, 0, "late", "");
    stage_in (f, 2, 0, "good", "");
    assert_failed (f, 0, "stage_in: ");
    assert_failed (f, 1, "late: No such file or directory");
    assert_staged (f, 2, 100);
    put (f, "late", 50, 'l');
    stage_in (f, 3, 0, "late", ""); /* a retry, before the others are forgotten */
    assert_staged (f, 3, 50);
    release (f, 0);
    release (f, 1);
    assert_true (is_there (f, "base/run/node/late")); /* the retry's */
    assert_int_equal (unlink (at (f, "late")), 0);
    stage_in (f, 4, 1, "late", ""); /* looked at again, and gone */
    assert_failed (f, 4, "No such file");
}

/* At whatever moment a job is released: its callback does not come, and its room is free again.
 */
static void a_job_can_be_released_at_any_moment (void **state)
{
    struct fixture *f = *state;

    for (int turns = 0; turns < 60; turns++) {
        begin (f, 1 << 20, 1);
        put (f, "a", 600000, 'a');
        put (f, "b", 600000, 'b');
        put (f, "c", 1 << 20, 'c');
        stage_in (f, 0, 0, "a", "");
        stage_in (f, 1, 0, "b", ""); /* queued, then waiting for room */
        for (int i = 0; i < turns; i++) {
            event_base_loop (f->base, EVLOOP_NONBLOCK);
            usleep ((useconds_t)(turns % 4) * 50);
        }
        for (uint32_t task = 0; task < 2; task++) {
            int before = f->requests[task].n;

            release (f, task);
            assert_int_equal (f->requests[task].n, before);
        }
        stage_in (f, 2, 0, "c", "");
        assert_staged (f, 2, 1 << 20);
        assert_true (is_there (f, "base/run/node/c"));
        assert_false (is_there (f, "base/run/node/a"));
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        while (waitpid (-1, NULL, 0) > 0)
            ;
        assert_false (is_there (f, "base/run"));
        memset (f->requests, 0, sizeof (f->requests));
    }
}

static void stage_out (struct fixture *f, uint32_t number, char **copies)
{
    struct request *request = &f->requests[number];

    memset (request, 0, sizeof (*request));
    request->job = aw_stager_stage_out (f->stager, copies, on_done, request);
    assert_non_null (request->job);
}

static void results_are_copied_out_with_their_checksums (void **state)
{
    struct fixture *f = *state;
    char *two[] = { at (f, "base/run/node/out-*"),
                    at (f, "results"),
                    "checksum",
                    at (f, "base/run/node/out-1"),
                    at (f, "again/one"),
                    "",
                    NULL };
    char *none[] = { at (f, "base/run/node/none"), at (f, "results/"), "", NULL };
    char *brought[] = { at (f, "base/run/node/model"), at (f, "results/"), "", NULL };

    begin (f, 0, 1);
    put (f, "model", 10, 'm');
    stage_in (f, 0, 0, "model", "");
    assert_staged (f, 0, 10);
    put (f, "base/run/node/out-1", 100, '1');
    put (f, "base/run/node/out-2", 200, '2');
    put (f, "base/run/node/other", 1, 'o');
    stage_out (f, 1, two);
    assert_staged (f, 1, 400);
    assert_true (is_there (f, "results/out-1") && is_there (f, "results/out-2"));
    assert_int_equal (first_letter (f, "again/one"), '1');
    assert_false (is_there (f, "base/run/node/out-1"));
    assert_false (is_there (f, "base/run/node/out-2"));
    assert_true (is_there (f, "base/run/node/other"));
    stage_out (f, 2, none);
    assert_failed (f, 2, "stage_out: ");
    stage_out (f, 3, brought);
    assert_staged (f, 3, 10);
    assert_true (is_there (f, "base/run/node/model")); /* others may still read it */
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
    struct fixture *f = *state;
    double began, seconds;
    int early;
    pid_t pid;

    while (waitpid (-1, NULL, 0) > 0) /* those of tests before */
        ;
    begin (f, 6500, 1); /* room for all, wherever the process is when it is stopped */
    put (f, "a", 2000, 'a');
    put (f, "b", 2000, 'b');
    stage_in (f, 0, 0, "a", "");
    while (!(pid = copying_process ()))
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    assert_int_equal (kill (pid, SIGSTOP), 0);
    began = aw_clock_monotonic ();
    release (f, 0);
    seconds = aw_clock_monotonic () - began;
    stage_in (f, 1, 0, "b", ""); /* another one is not held up */
    assert_staged (f, 1, 2000);
    release (f, 1);
    stage_in (f, 2, 0, "a", ""); /* the same one waits for its end */
    for (int i = 0; i < 20; i++)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    early = f->requests[2].n;
    assert_int_equal (kill (pid, SIGCONT), 0);
    assert_true (seconds < 0.1);
    assert_int_equal (early, 0);
    assert_staged (f, 2, 2000);
    assert_true (is_there (f, "base/run/node/a"));
}

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
    struct fixture *f = *state;

    for (int large = 0; large < 2; large++) {
        size_t size = sizes[large];

        while (waitpid (-1, NULL, 0) > 0)
            ;
        begin (f, size + size / 2, 1);
        put (f, "a", size, 'a');
        put (f, "b", size, 'b');
        stage_in (f, 0, 0, "a", "");
        assert_staged (f, 0, size);
        release (f, 0);
        stage_in (f, 1, 0, "b", "");
        assert_staged (f, 1, size);
        assert_int_equal (count_children (), 2 + large); /* two have copied */
        assert_false (is_there (f, "base/run/node/a"));
        assert_false (is_there (f, "base/run/node/.aw-removed-1"));
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
    struct fixture *f = *state;

    put (f, "a", 2 << 20, 'a');
    put (f, "b", 2 << 20, 'b');
    for (int round = 0; round < 2; round++) {
        int status, early;
        bool hidden, gone;
        pid_t pid;

        begin (f, 3 << 20, 1);
        stage_in (f, 0, 0, "a", "");
        assert_staged (f, 0, 2 << 20);
        release (f, 0);
        while (waitpid (-1, NULL, 0) > 0)
            ;
        forks_before_stop = 1; /* the first one copies b */
        stage_in (f, 1, 0, "b", "");
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
        hidden = is_there (f, "base/run/node/.aw-removed-1");
        gone = !is_there (f, "base/run/node/a");
        assert_int_equal (kill (pid, ends[round]), 0);
        assert_int_equal (early, 0);
        assert_true (hidden && gone);
        assert_staged (f, 1, 2 << 20);
        assert_false (is_there (f, "base/run/node/.aw-removed-1"));
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
    struct fixture *f = *state;
    double end = aw_clock_monotonic () + PATIENCE;
    char name[64];
    int early, forks;

    begin (f, (uint64_t)DIRECTORIES * SIZE, 1);
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf (name, sizeof (name), "d%d", i);
        assert_int_equal (mkdir (at (f, name), 0700), 0);
        strcat (name, "/file");
        put (f, name, SIZE, 'd');
        *strchr (name, '/') = '\0';
        stage_in (f, 0, 0, name, "");
        assert_staged (f, 0, SIZE);
        release (f, 0);
    }
    put (f, "a", (size_t)(DIRECTORIES - 1) * SIZE, 'a');
    n_forks = 0;
    forks_before_stop = 1; /* the first one copies a */
    all_stop = true;
    stage_in (f, 1, 0, "a", "");
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
    assert_staged (f, 1, (uint64_t)(DIRECTORIES - 1) * SIZE);
    assert_int_equal (n_forks, 1 + DIRECTORIES - 1);
    assert_false (is_there (f, "base/run/node/d11"));
    assert_true (is_there (f, "base/run/node/d12"));
    assert_false (is_there (f, "base/run/node/.aw-removed-12"));
}

/* A large result leaves its place at once when it is copied. A process removes it. */
static void large_results_leave_at_once (void **state)
{
    struct fixture *f = *state;
    char *copies[] = { at (f, "base/run/node/out"), at (f, "results/"), "", NULL };
    double end;

    begin (f, 0, 1);
    put (f, "base/run/node/out", 2 << 20, 'o');
    stage_out (f, 0, copies);
    assert_staged (f, 0, 2 << 20);
    assert_false (is_there (f, "base/run/node/out"));
    assert_true (is_there (f, "results/out"));
    end = aw_clock_monotonic () + PATIENCE;
    while (is_there (f, "base/run/node/.aw-removed-1") && aw_clock_monotonic () < end)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    assert_false (is_there (f, "base/run/node/.aw-removed-1"));
}

/* A copy that is ended while it is made leaves nothing behind, under whatever name. */
static void a_copy_that_is_cut_off_leaves_nothing_behind (void **state)
{
    struct fixture *f = *state;
    char from[256], to[256];
    char *copies[] = { from, to, "checksum", NULL };
    int seen = 0;

    strcpy (from, at (f, "base/run/node/out"));
    strcpy (to, at (f, "results/"));
    assert_int_equal (mkdir (at (f, "results"), 0700), 0);
    for (int turn = 0; turn < 20; turn++) {
        struct dirent *entry;
        DIR *directory;

        begin (f, 0, 1);
        put (f, "base/run/node/out", 16 << 20, 'o');
        stage_out (f, 0, copies);
        event_base_loop (f->base, EVLOOP_NONBLOCK);
        usleep ((useconds_t)turn * 500);
        directory = opendir (at (f, "results"));
        assert_non_null (directory);
        while ((entry = readdir (directory)))
            seen += strstr (entry->d_name, ".aw-copy-") != NULL;
        closedir (directory);
        release (f, 0);
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        while (waitpid (-1, NULL, 0) > 0)
            ;
        unlink (at (f, "results/out")); /* it may have been done by then */
        assert_int_equal (rmdir (at (f, "results")), 0);
        assert_int_equal (mkdir (at (f, "results"), 0700), 0);
    }
    print_message ("half written when it was cut: %d of 20\n", seen);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (wrong_arguments_are_rejected, setup, teardown),
        cmocka_unit_test_setup_teardown (a_scratch_directory_in_memory_takes_at_most_half_of_it,
                                         setup, teardown),
        cmocka_unit_test_setup_teardown (tasks_of_an_instance_share_one_copy, setup, teardown),
        cmocka_unit_test_setup_teardown (the_copy_that_is_unused_for_longest_is_removed_first,
                                         setup, teardown),
        cmocka_unit_test_setup_teardown (the_copies_of_a_pattern_are_removed_together, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (a_copy_that_does_not_fit_waits_or_fails, setup, teardown),
        cmocka_unit_test_setup_teardown (copies_made_ahead_give_way, setup, teardown),
        cmocka_unit_test_setup_teardown (copies_made_ahead_wait_for_the_only_room, setup, teardown),
        cmocka_unit_test_setup_teardown (a_part_that_was_made_ahead_gives_way, setup, teardown),
        cmocka_unit_test_setup_teardown (what_was_given_up_may_be_lost, setup, teardown),
        cmocka_unit_test_setup_teardown (copies_made_ahead_stay_where_room_will_come, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (a_missing_file_fails_its_tasks_and_is_tried_again, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (a_job_can_be_released_at_any_moment, setup, teardown),
        cmocka_unit_test_setup_teardown (results_are_copied_out_with_their_checksums, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (a_copy_that_hangs_does_not_hold_up_the_agent, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (large_files_are_removed_by_a_process, setup, teardown),
        cmocka_unit_test_setup_teardown (room_is_free_after_the_removal, setup, teardown),
        cmocka_unit_test_setup_teardown (few_processes_remove_many_directories, setup, teardown),
        cmocka_unit_test_setup_teardown (large_results_leave_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown (a_copy_that_is_cut_off_leaves_nothing_behind, setup,
                                         teardown),
    };

    if (pthread_atfork (NULL, count_fork, stop_child) != 0)
        return 1;
    return cmocka_run_group_tests (tests, NULL, NULL);
}
