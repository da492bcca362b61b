/* SPDX-License-Identifier: Apache-2.0 */
/* What is brought to a node and fetched from it, with real files and copying processes: one copy
 * for all, what goes when room is wanted, and what becomes of a copy that is given up at any
 * moment.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "agent/staging/copy.h"
#include "agent/staging/stager.h"

enum { JOBS = 8, PATIENCE = 60 };

struct told {
    int n; /* how often */
    uint64_t bytes;
    char error[256]; /* "": none */
};

struct fixture {
    char root[64], scratch[128];
    struct event_base *base;
    struct aw_stager *stager;
    struct told told[JOBS]; /* by task */
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
    struct aw_scratch config = { f->scratch, capacity, streams };

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

static void on_told (void *arg, const struct aw_event *ev, const char *error)
{
    struct fixture *f = arg;

    assert_true (ev->task < JOBS);
    assert_int_equal (ev->type, AW_EVENT_STAGED);
    f->told[ev->task].n++;
    f->told[ev->task].bytes = ev->bytes;
    snprintf (f->told[ev->task].error, sizeof (f->told[0].error), "%s", error ? error : "");
}

/* FROM is under the root, TO under the scratch directory; of both "" is an error of the test. */
static void bring (
    struct fixture *f, uint32_t task, uint32_t instance, const char *from, const char *to)
{
    char target[256];
    char *copies[] = { at (f, from), target, "", NULL };
    struct aw_launch launch;

    snprintf (target, sizeof (target), "%s/%s", f->scratch, to);
    aw_launch_init (&launch);
    launch.task = task;
    launch.instance = instance;
    launch.bring = copies;
    memset (&f->told[task], 0, sizeof (f->told[task]));
    aw_stager_bring (f->stager, &launch, on_told, f);
}

static void on_late (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    fail_msg ("nothing came for %d s", PATIENCE);
}

/* The loop goes on until TASK is told. */
static void wait_for (struct fixture *f, uint32_t task)
{
    struct event *late = evtimer_new (f->base, on_late, NULL);
    struct timeval patience = { PATIENCE, 0 };

    assert_int_equal (event_add (late, &patience), 0);
    while (f->told[task].n == 0)
        assert_int_equal (event_base_loop (f->base, EVLOOP_ONCE), 0);
    event_free (late);
    assert_int_equal (f->told[task].n, 1);
}

static void assert_brought (struct fixture *f, uint32_t task, uint64_t bytes)
{
    wait_for (f, task);
    assert_string_equal (f->told[task].error, "");
    assert_int_equal (f->told[task].bytes, bytes);
}

static void assert_failed (struct fixture *f, uint32_t task, const char *why)
{
    wait_for (f, task);
    if (!strstr (f->told[task].error, why))
        fail_msg ("\"%s\" does not say \"%s\"", f->told[task].error, why);
}

static void wrong (void **state)
{
    struct fixture *f = *state;
    struct aw_scratch none = { NULL, 0, 0 };
    char *nothing[] = { NULL };
    struct aw_launch launch;

    aw_stager_destroy (NULL);
    f->stager = aw_stager_create (f->base, &none);
    assert_non_null (f->stager);
    put (f, "a", 10, 'a');
    bring (f, 0, 0, "a", "a");
    assert_failed (f, 0, "there is no scratch directory");
    aw_launch_init (&launch);
    launch.task = 1;
    launch.bring = nothing;
    aw_stager_bring (f->stager, &launch, on_told, f);
    assert_int_equal (f->told[1].n, 1); /* nothing is there at once */
    assert_false (aw_stager_forget (f->stager, 7, 0));
}

static void shared (void **state)
{
    struct fixture *f = *state;

    begin (f, 0, 4);
    put (f, "model", 1000, 'm');
    for (uint32_t i = 0; i < 3; i++)
        bring (f, i, 0, "model", "");
    assert_int_equal (aw_stager_busy (f->stager), 3);
    for (uint32_t i = 0; i < 3; i++)
        wait_for (f, i);
    assert_int_equal (f->told[0].bytes + f->told[1].bytes + f->told[2].bytes, 1000);
    assert_int_equal (aw_stager_busy (f->stager), 0);
    put (f, "model", 1000, 'n');
    bring (f, 3, 0, "model", "");
    assert_int_equal (f->told[3].n, 1); /* it stays as it is for all tasks of an instance */
    assert_int_equal (f->told[3].bytes, 0);
    assert_int_equal (first_letter (f, "base/run/node/model"), 'm');
    bring (f, 4, 1, "model", "");
    assert_brought (f, 4, 1000); /* it has changed */
    assert_int_equal (first_letter (f, "base/run/node/model"), 'n');
    bring (f, 5, 2, "model", "");
    assert_brought (f, 5, 0); /* it has not */
}

/* What nobody uses goes, the longest unused first, and nothing else: not what others have brought
 * into the same directory, nor what tasks have made there.
 */
static void eviction (void **state)
{
    struct fixture *f = *state;

    begin (f, 2500, 1);
    put (f, "a", 1000, 'a');
    put (f, "b", 1000, 'b');
    put (f, "c", 1000, 'c');
    bring (f, 0, 0, "a", "");
    bring (f, 1, 0, "b", "");
    assert_brought (f, 0, 1000);
    assert_brought (f, 1, 1000);
    put (f, "base/run/node/result", 5, 'r');
    aw_stager_forget (f->stager, 1, 0);
    aw_stager_forget (f->stager, 0, 0); /* b has been unused for longer */
    assert_true (is_there (f, "base/run/node/a") && is_there (f, "base/run/node/b"));
    bring (f, 2, 0, "c", "");
    assert_brought (f, 2, 1000);
    assert_true (is_there (f, "base/run/node/a"));
    assert_false (is_there (f, "base/run/node/b"));
    assert_true (is_there (f, "base/run/node/c"));
    assert_true (is_there (f, "base/run/node/result"));
    bring (f, 3, 0, "a", "");
    assert_brought (f, 3, 0); /* still there */
    bring (f, 4, 0, "b", "");
    for (int i = 0; i < 20; i++)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    aw_stager_forget (f->stager, 2, 0);
    assert_brought (f, 4, 1000); /* c went, a is used */
    assert_true (is_there (f, "base/run/node/a"));
    assert_false (is_there (f, "base/run/node/c"));
}

/* All that a pattern has brought goes together. */
static void patterns_go (void **state)
{
    struct fixture *f = *state;

    begin (f, 2500, 1);
    put (f, "p-1", 1000, '1');
    put (f, "p-2", 1000, '2');
    put (f, "big", 2000, 'b');
    bring (f, 0, 0, "p-*", "in");
    assert_brought (f, 0, 2000);
    put (f, "base/run/node/in/result", 5, 'r');
    aw_stager_forget (f->stager, 0, 0);
    bring (f, 1, 0, "big", "");
    assert_brought (f, 1, 2000);
    assert_false (is_there (f, "base/run/node/in/p-1"));
    assert_false (is_there (f, "base/run/node/in/p-2"));
    assert_true (is_there (f, "base/run/node/in/result"));
}

static void capacity (void **state)
{
    struct fixture *f = *state;

    begin (f, 1500, 2);
    put (f, "a", 1000, 'a');
    put (f, "b", 1000, 'b');
    put (f, "huge", 2000, 'h');
    bring (f, 0, 0, "huge", "");
    assert_failed (f, 0, "2000 bytes do not fit into the scratch directory");
    aw_stager_forget (f->stager, 0, 0);
    bring (f, 1, 0, "a", "");
    assert_brought (f, 1, 1000);
    bring (f, 2, 0, "b", "");
    for (int i = 0; i < 1000 && f->told[2].n == 0; i++) {
        event_base_loop (f->base, EVLOOP_NONBLOCK);
        usleep (100);
    }
    assert_int_equal (f->told[2].n, 0); /* a is used: it waits */
    aw_stager_forget (f->stager, 1, 0);
    assert_brought (f, 2, 1000);
    assert_false (is_there (f, "base/run/node/a"));
}

static void failing (void **state)
{
    struct fixture *f = *state;

    begin (f, 0, 4);
    put (f, "good", 100, 'g');
    bring (f, 0, 0, "late", "");
    bring (f, 1, 0, "late", "");
    bring (f, 2, 0, "good", "");
    assert_failed (f, 0, "stage_in: ");
    assert_failed (f, 1, "late: No such file or directory");
    assert_brought (f, 2, 100);
    put (f, "late", 50, 'l');
    bring (f, 3, 0, "late", ""); /* a retry, before the others are forgotten */
    assert_brought (f, 3, 50);
    aw_stager_forget (f->stager, 0, 0);
    aw_stager_forget (f->stager, 1, 0);
    assert_true (is_there (f, "base/run/node/late")); /* the retry's */
    assert_int_equal (unlink (at (f, "late")), 0);
    bring (f, 4, 1, "late", ""); /* looked at again, and gone */
    assert_failed (f, 4, "No such file");
}

/* Whatever it is doing: forgotten, nothing is told, and all its room is there again.
 */
static void forgotten (void **state)
{
    struct fixture *f = *state;

    for (int turns = 0; turns < 60; turns++) {
        begin (f, 1 << 20, 1);
        put (f, "a", 600000, 'a');
        put (f, "b", 600000, 'b');
        put (f, "c", 1 << 20, 'c');
        bring (f, 0, 0, "a", "");
        bring (f, 1, 0, "b", ""); /* queued, then waiting for room */
        for (int i = 0; i < turns; i++) {
            event_base_loop (f->base, EVLOOP_NONBLOCK);
            usleep ((useconds_t)(turns % 4) * 50);
        }
        for (uint32_t task = 0; task < 2; task++) {
            int before = f->told[task].n;

            assert_true (aw_stager_forget (f->stager, task, 0));
            assert_int_equal (f->told[task].n, before);
        }
        assert_int_equal (aw_stager_busy (f->stager), 0);
        bring (f, 2, 0, "c", "");
        assert_brought (f, 2, 1 << 20);
        assert_true (is_there (f, "base/run/node/c"));
        assert_false (is_there (f, "base/run/node/a"));
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        while (waitpid (-1, NULL, 0) > 0)
            ;
        assert_false (is_there (f, "base/run"));
        memset (f->told, 0, sizeof (f->told));
    }
}

static void fetch (struct fixture *f, uint32_t task, char **copies)
{
    memset (&f->told[task], 0, sizeof (f->told[task]));
    aw_stager_fetch (f->stager, task, 0, copies, on_told, f);
}

static void fetched (void **state)
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
    bring (f, 0, 0, "model", "");
    assert_brought (f, 0, 10);
    put (f, "base/run/node/out-1", 100, '1');
    put (f, "base/run/node/out-2", 200, '2');
    put (f, "base/run/node/other", 1, 'o');
    fetch (f, 1, two);
    assert_brought (f, 1, 400);
    assert_true (is_there (f, "results/out-1") && is_there (f, "results/out-2"));
    assert_int_equal (first_letter (f, "again/one"), '1');
    assert_false (is_there (f, "base/run/node/out-1"));
    assert_false (is_there (f, "base/run/node/out-2"));
    assert_true (is_there (f, "base/run/node/other"));
    fetch (f, 2, none);
    assert_failed (f, 2, "stage_out: ");
    fetch (f, 3, brought);
    assert_brought (f, 3, 10);
    assert_true (is_there (f, "base/run/node/model")); /* others may still read it */
}

/* A copy that is ended while it is made leaves nothing behind, under whatever name. */
static void cut (void **state)
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
        fetch (f, 0, copies);
        event_base_loop (f->base, EVLOOP_NONBLOCK);
        usleep ((useconds_t)turn * 500);
        directory = opendir (at (f, "results"));
        assert_non_null (directory);
        while ((entry = readdir (directory)))
            seen += strstr (entry->d_name, ".aw-copy-") != NULL;
        closedir (directory);
        assert_true (aw_stager_forget (f->stager, 0, 0));
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
        cmocka_unit_test_setup_teardown (wrong, setup, teardown),
        cmocka_unit_test_setup_teardown (shared, setup, teardown),
        cmocka_unit_test_setup_teardown (eviction, setup, teardown),
        cmocka_unit_test_setup_teardown (patterns_go, setup, teardown),
        cmocka_unit_test_setup_teardown (capacity, setup, teardown),
        cmocka_unit_test_setup_teardown (failing, setup, teardown),
        cmocka_unit_test_setup_teardown (forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown (fetched, setup, teardown),
        cmocka_unit_test_setup_teardown (cut, setup, teardown),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
