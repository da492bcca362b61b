/* SPDX-License-Identifier: Apache-2.0 */
/* Room in the scratch directory: which copies are removed when it is needed, which wait for it, and
 * copies made ahead, which give way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "agent/staging/scratch.h"
#include "agent/staging/stager.h"
#include "staging.h"

/* A scratch directory in memory takes half of the job's memory at most, or what the user says but
 * not nearly all.
 */
static void a_scratch_directory_in_memory_takes_at_most_half_of_it (void **state)
{
    struct staging *f = *state;
    struct aw_scratch config = { .path = f->scratch, .memory = 3000 };
    char shm[] = "/dev/shm/aw-stager.XXXXXX";

    if (!mkdtemp (shm))
        skip ();
    snprintf (f->scratch, sizeof (f->scratch), "%s/run/node", shm);
    if (!aw_scratch_in_memory (shm)) {
        rmdir (shm);
        skip ();
    }
    staging_put (f, "half", 1400, 'a');
    staging_put (f, "more", 1600, 'a');
    staging_put (f, "most", 2900, 'a');
    for (int round = 0; round < 2; round++) {
        config.bytes = round == 0 ? 0 : 1 << 20;
        f->stager = aw_stager_create (f->base, &config);
        staging_stage_in (f, 0, 0, "half", "x");
        staging_assert_staged (f, 0, 1400);
        aw_stager_release (f->requests[0].job);
        staging_stage_in (f, 1, 0, "more", "x");
        if (round == 0)
            staging_assert_failed (f, 1,
                                   "which is in the job's memory: name a disk with --scratch");
        else
            staging_assert_staged (f, 1, 1600);
        aw_stager_release (f->requests[1].job);
        staging_stage_in (f, 2, 0, "most", "x");
        staging_assert_failed (f, 2, "2900 bytes do not fit");
        aw_stager_destroy (f->stager);
        f->stager = NULL;
        memset (f->requests, 0, sizeof (f->requests));
    }
    rmdir (shm);
}

/* What nobody uses goes, the longest unused first, and nothing else: not what others have brought
 * into the same directory, nor what tasks have made there.
 */
static void the_copy_that_is_unused_for_longest_is_removed_first (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 2500, 1);
    staging_put (f, "a", 1000, 'a');
    staging_put (f, "b", 1000, 'b');
    staging_put (f, "c", 1000, 'c');
    staging_stage_in (f, 0, 0, "a", "");
    staging_stage_in (f, 1, 0, "b", "");
    staging_assert_staged (f, 0, 1000);
    staging_assert_staged (f, 1, 1000);
    staging_put (f, "base/run/node/result", 5, 'r');
    staging_release (f, 1);
    staging_release (f, 0); /* b has been unused for longer */
    assert_true (staging_is_there (f, "base/run/node/a")
                 && staging_is_there (f, "base/run/node/b"));
    staging_stage_in (f, 2, 0, "c", "");
    staging_assert_staged (f, 2, 1000);
    assert_true (staging_is_there (f, "base/run/node/a"));
    assert_false (staging_is_there (f, "base/run/node/b"));
    assert_true (staging_is_there (f, "base/run/node/c"));
    assert_true (staging_is_there (f, "base/run/node/result"));
    staging_stage_in (f, 3, 0, "a", "");
    staging_assert_staged (f, 3, 0); /* still there */
    staging_stage_in (f, 4, 0, "b", "");
    for (int i = 0; i < 20; i++)
        event_base_loop (f->base, EVLOOP_NONBLOCK);
    staging_release (f, 2);
    staging_assert_staged (f, 4, 1000); /* c went, a is used */
    assert_true (staging_is_there (f, "base/run/node/a"));
    assert_false (staging_is_there (f, "base/run/node/c"));
}

/* All that a pattern has brought goes together. */
static void the_copies_of_a_pattern_are_removed_together (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 2500, 1);
    staging_put (f, "p-1", 1000, '1');
    staging_put (f, "p-2", 1000, '2');
    staging_put (f, "big", 2000, 'b');
    staging_stage_in (f, 0, 0, "p-*", "in");
    staging_assert_staged (f, 0, 2000);
    staging_put (f, "base/run/node/in/result", 5, 'r');
    staging_release (f, 0);
    staging_stage_in (f, 1, 0, "big", "");
    staging_assert_staged (f, 1, 2000);
    assert_false (staging_is_there (f, "base/run/node/in/p-1"));
    assert_false (staging_is_there (f, "base/run/node/in/p-2"));
    assert_true (staging_is_there (f, "base/run/node/in/result"));
}

static void a_copy_that_does_not_fit_waits_or_fails (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 1500, 2);
    staging_put (f, "a", 1000, 'a');
    staging_put (f, "b", 1000, 'b');
    staging_put (f, "huge", 2000, 'h');
    staging_stage_in (f, 0, 0, "huge", "");
    staging_assert_failed (f, 0, "2000 bytes do not fit into the scratch directory");
    staging_release (f, 0);
    staging_stage_in (f, 1, 0, "a", "");
    staging_assert_staged (f, 1, 1000);
    staging_stage_in (f, 2, 0, "b", "");
    staging_assert_waits (f, 2); /* a is used */
    staging_release (f, 1);
    staging_assert_staged (f, 2, 1000);
    assert_false (staging_is_there (f, "base/run/node/a"));
}

/* Else a task that has its CPU, and waits for room, would wait for tasks that wait for the CPU. */
static void copies_made_ahead_give_way (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 2500, 1);
    staging_put_each (f, 'd');
    staging_stage_ahead (f, 0, "a");
    staging_assert_staged (f, 0, 1000);
    staging_stage_ahead (f, 1, "b");
    staging_assert_staged (f, 1, 1000);
    staging_stage_ahead (f, 2, "d");
    staging_assert_waits (f, 2); /* for those that came before, though nobody needs them yet */
    staging_stage_in (f, 3, 0, "c", "");
    staging_assert_staged (f, 3, 1000);
    assert_true (staging_is_there (f, "base/run/node/a"));
    assert_false (staging_is_there (f, "base/run/node/b")); /* the last one goes first */
    assert_int_equal (aw_stager_use (f->requests[0].job), 1);
    f->requests[1].n = 0;
    assert_int_equal (aw_stager_use (f->requests[1].job), 0);
    staging_assert_waits (f, 1);
    staging_release (f, 3);
    staging_assert_staged (f, 1, 2000); /* of both copies */
    assert_int_equal (staging_first_letter (f, "base/run/node/b"), 'b');
    staging_assert_waits (f, 2);
    staging_release (f, 0);
    staging_assert_staged (f, 2, 1000);
    staging_release (f, 1);
    staging_release (f, 2);
}

/* The same with room for one: the other waits, also while the first one is on its way. */
static void copies_made_ahead_wait_for_the_only_room (void **state)
{
    struct staging *f = *state;
    uint32_t first, other;

    staging_begin (f, 1500, 2);
    staging_put_each (f, 'c');
    staging_stage_ahead (f, 0, "a");
    staging_stage_ahead (f, 1, "b");
    while (f->requests[0].n == 0 && f->requests[1].n == 0)
        assert_int_equal (event_base_loop (f->base, EVLOOP_ONCE), 0);
    first = f->requests[0].n ? 0 : 1;
    other = 1 - first;
    staging_assert_staged (f, first, 1000);
    staging_assert_waits (f, other);
    staging_stage_in (f, 2, 0, "c", "");
    staging_assert_staged (f, 2, 1000);
    staging_assert_waits (f, other);
    staging_release (f, 2);
    staging_assert_staged (f, other, 1000);
    staging_release (f, first); /* its copy was removed */
    staging_release (f, other);
}

/* Two copies, of which one is there and one waits for room. */
static void a_part_that_was_made_ahead_gives_way (void **state)
{
    struct staging *f = *state;
    char *target = f->scratch;
    char b_to[256], c_to[256];
    char *copies[] = { staging_at (f, "b"), b_to, "", staging_at (f, "c"), c_to, "checksum", NULL };

    staging_begin (f, 2500, 1);
    staging_put_each (f, 'c');
    staging_put (f, "d", 2000, 'd');
    snprintf (b_to, sizeof (b_to), "%s/b", target);
    snprintf (c_to, sizeof (c_to), "%s/c", target);
    staging_stage_in (f, 0, 0, "a", "");
    staging_assert_staged (f, 0, 1000);
    f->requests[1].job =
        aw_stager_stage_in (f->stager, copies, NULL, 0, staging_on_done, &f->requests[1]);
    aw_stager_ahead (f->requests[1].job);
    staging_assert_waits (f, 1);
    assert_true (staging_is_there (f, "base/run/node/b"));
    staging_stage_in (f, 2, 0, "d", "");
    staging_assert_waits (f, 2);
    staging_release (f, 0); /* it was running */
    staging_assert_staged (f, 2, 2000);
    assert_false (staging_is_there (f, "base/run/node/b"));
    f->requests[1].n = 0;
    assert_int_equal (aw_stager_use (f->requests[1].job), 0);
    staging_assert_waits (f, 1);
    staging_release (f, 2);
    staging_wait_for (f, 1);
    assert_string_equal (f->requests[1].error, "");
    assert_int_equal (staging_first_letter (f, "base/run/node/b"), 'b');
    assert_int_equal (staging_first_letter (f, "base/run/node/c"), 'c');
    staging_release (f, 1);
}

/* What was given up can no longer be copied, or is not needed any more; and a file that never fits
 * takes nothing from others.
 */
static void what_was_given_up_may_be_lost (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 1500, 2);
    staging_put_each (f, 'b');
    staging_put (f, "huge", 2000, 'h');
    staging_stage_ahead (f, 0, "a");
    staging_assert_staged (f, 0, 1000);
    staging_stage_in (f, 1, 0, "huge", "");
    staging_assert_failed (f, 1, "2000 bytes do not fit into the scratch directory");
    staging_release (f, 1);
    assert_int_equal (aw_stager_use (f->requests[0].job), 1);
    staging_release (f, 0);
    for (int gone = 0; gone < 2; gone++) {
        staging_stage_ahead (f, 0, "a");
        staging_wait_for (f, 0);
        staging_stage_in (f, 1, 0, "b", "");
        staging_assert_staged (f, 1, 1000);
        if (gone) {
            assert_int_equal (unlink (staging_at (f, "a")), 0);
            f->requests[0].n = 0;
            assert_int_equal (aw_stager_use (f->requests[0].job), 0);
            staging_assert_failed (f, 0, "No such file or directory");
        }
        staging_release (f, 0);
        staging_release (f, 1);
    }
}

static void copies_made_ahead_stay_where_room_will_come (void **state)
{
    struct staging *f = *state;

    staging_begin (f, 2500, 2);
    staging_put_each (f, 'c');
    staging_stage_in (f, 0, 0, "a", "");
    staging_assert_staged (f, 0, 1000);
    staging_stage_ahead (f, 1, "b");
    staging_assert_staged (f, 1, 1000);
    staging_stage_in (f, 2, 0, "c", "");
    staging_assert_waits (f, 2);
    staging_release (f, 0); /* it was running */
    staging_assert_staged (f, 2, 1000);
    assert_int_equal (aw_stager_use (f->requests[1].job), 1);
    staging_release (f, 1);
    staging_release (f, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, staging_set_up, staging_tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (a_scratch_directory_in_memory_takes_at_most_half_of_it),
        TEST (the_copy_that_is_unused_for_longest_is_removed_first),
        TEST (the_copies_of_a_pattern_are_removed_together),
        TEST (a_copy_that_does_not_fit_waits_or_fails),
        TEST (copies_made_ahead_give_way),
        TEST (copies_made_ahead_wait_for_the_only_room),
        TEST (a_part_that_was_made_ahead_gives_way),
        TEST (what_was_given_up_may_be_lost),
        TEST (copies_made_ahead_stay_where_room_will_come),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
