/* SPDX-License-Identifier: Apache-2.0 */
#include "staging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

char *staging_at (struct staging *f, const char *name)
{
    static char paths[64][256];
    static int next;
    char *path = paths[next++ % 64];

    snprintf (path, sizeof (paths[0]), "%s/%s", f->root, name);
    return path;
}

int staging_set_up (void **state)
{
    struct staging *f = calloc (1, sizeof (*f));

    assert_non_null (f);
    strcpy (f->root, "/tmp/aw-stager.XXXXXX");
    assert_non_null (mkdtemp (f->root));
    assert_int_equal (mkdir (staging_at (f, "base"), 0700), 0);
    snprintf (f->scratch, sizeof (f->scratch), "%s/base/run/node", f->root);
    f->base = event_base_new ();
    assert_non_null (f->base);
    *state = f;
    return 0;
}

int staging_tear_down (void **state)
{
    struct staging *f = *state;

    aw_stager_destroy (f->stager);
    event_base_free (f->base);
    while (waitpid (-1, NULL, 0) > 0)
        ;
    assert_int_equal (aw_copy_remove (f->root), 0);
    free (f);
    return 0;
}

void staging_begin (struct staging *f, uint64_t capacity, uint32_t streams)
{
    struct aw_scratch config = { .path = f->scratch, .bytes = capacity, .streams = streams };

    f->stager = aw_stager_create (f->base, &config);
    assert_non_null (f->stager);
}

void staging_put (struct staging *f, const char *name, size_t size, char letter)
{
    char *text = malloc (size + 1);
    FILE *file = fopen (staging_at (f, name), "w");

    assert_non_null (text);
    assert_non_null (file);
    memset (text, letter, size);
    assert_int_equal (fwrite (text, 1, size, file), size);
    assert_int_equal (fclose (file), 0);
    free (text);
}

void staging_put_each (struct staging *f, char last)
{
    for (char name[] = "a"; *name <= last; ++*name)
        staging_put (f, name, 1000, *name);
}

bool staging_is_there (struct staging *f, const char *name)
{
    return access (staging_at (f, name), F_OK) == 0;
}

char staging_first_letter (struct staging *f, const char *name)
{
    FILE *file = fopen (staging_at (f, name), "r");
    int c;

    assert_non_null (file);
    c = fgetc (file);
    fclose (file);
    return (char)c;
}

void staging_on_done (void *arg, const struct aw_copied *copied, const char *error)
{
    struct staging_request *request = arg;

    request->n++;
    request->bytes = copied->bytes;
    snprintf (request->error, sizeof (request->error), "%s", error ? error : "");
}

void staging_stage_in (
    struct staging *f, uint32_t number, uint32_t instance, const char *from, const char *to)
{
    struct staging_request *request = &f->requests[number];
    char target[256];
    char *copies[] = { staging_at (f, from), target, "", NULL };

    snprintf (target, sizeof (target), "%s/%s", f->scratch, to);
    memset (request, 0, sizeof (*request));
    request->job = aw_stager_stage_in (f->stager, copies, NULL, instance, staging_on_done, request);
    assert_non_null (request->job);
    assert_int_equal (request->n, 0); /* the callback comes from the loop alone */
}

void staging_stage_ahead (struct staging *f, uint32_t number, const char *from)
{
    staging_stage_in (f, number, 0, from, "");
    aw_stager_ahead (f->requests[number].job);
}

void staging_stage_out (struct staging *f, uint32_t number, char **copies)
{
    struct staging_request *request = &f->requests[number];

    memset (request, 0, sizeof (*request));
    request->job = aw_stager_stage_out (f->stager, copies, staging_on_done, request);
    assert_non_null (request->job);
}

void staging_release (struct staging *f, uint32_t number)
{
    aw_stager_release (f->requests[number].job);
    f->requests[number].job = NULL;
}

static void on_late (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    fail_msg ("nothing came for %d s", STAGING_PATIENCE);
}

void staging_wait_for (struct staging *f, uint32_t task)
{
    struct event *late = evtimer_new (f->base, on_late, NULL);
    struct timeval patience = { STAGING_PATIENCE, 0 };

    assert_int_equal (event_add (late, &patience), 0);
    while (f->requests[task].n == 0)
        assert_int_equal (event_base_loop (f->base, EVLOOP_ONCE), 0);
    event_free (late);
    assert_int_equal (f->requests[task].n, 1);
}

void staging_assert_staged (struct staging *f, uint32_t task, uint64_t bytes)
{
    staging_wait_for (f, task);
    assert_string_equal (f->requests[task].error, "");
    assert_int_equal (f->requests[task].bytes, bytes);
}

void staging_assert_failed (struct staging *f, uint32_t task, const char *why)
{
    staging_wait_for (f, task);
    if (!strstr (f->requests[task].error, why))
        fail_msg ("\"%s\" does not say \"%s\"", f->requests[task].error, why);
}

void staging_assert_waits (struct staging *f, uint32_t number)
{
    for (int i = 0; i < 1000 && f->requests[number].n == 0; i++) {
        event_base_loop (f->base, EVLOOP_NONBLOCK);
        usleep (100);
    }
    assert_int_equal (f->requests[number].n, 0);
}
