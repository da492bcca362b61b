/* SPDX-License-Identifier: Apache-2.0 */
/* When an agent reports ends: those that others of their batch have followed together, the rest at
 * once. Task 1 makes the file "one" just before it ends.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "agent-frames.h"

enum { TRIES = 20 }; /* of what is to be quick: this machine may be slow */

static const double LATE = AW_LATE_MS * 1e-3;
static const char waits[] = "echo x >two; while ! [ -e go ]; do sleep 0.01; done";

/* Seconds from when "one" was made until the end of task 1 was heard. */
static double lateness (const struct agent_frames *f)
{
    char path[128];
    struct stat st;

    snprintf (path, sizeof (path), "%s/one", f->rig.dir);
    assert_int_equal (stat (path, &st), 0);
    return agent_frames_end_of (f, 1)->t - (double)st.st_mtim.tv_sec
           - 1e-9 * (double)st.st_mtim.tv_nsec;
}

/* Task 1, then task 2 in its place, then N that nobody starts. */
static void begin (struct agent_frames *f, uint32_t n)
{
    agent_frames_start (f, 1, 1, -1, "echo x >one");
    agent_frames_assign (f, 2, 1, waits);
    for (uint32_t i = 0; i < n; i++)
        agent_frames_assign (f, 3 + i, 2, ":");
}

static void what_is_followed_is_reported_late (void **state)
{
    struct agent_frames *f = *state;

    begin (f, 3);
    agent_frames_until_ends (f, 1);
    agent_frames_expect_success (f, 1, 2);
    assert_true (lateness (f) >= LATE);
    assert_int_equal (f->n_ends, 1);
}

/* Several ends in that time leave together. */
static void late_ends_come_together (void **state)
{
    struct agent_frames *f = *state;

    agent_frames_start (f, 1, 1, -1, "echo x >one");
    for (uint32_t i = 2; i <= 16; i++)
        agent_frames_assign (f, i, 1, i == 4 ? waits : ":");
    rig_until_file (&f->rig, "two");
    agent_frames_until_ends (f, 3);
    for (int i = 1; i <= 3; i++)
        agent_frames_expect_success (f, (uint32_t)i, i + 1);
    assert_true (lateness (f) >= LATE);
}

static bool has_ended (struct rig *rig, void *arg)
{
    const struct agent_frames *f = arg;

    (void)rig;
    for (size_t i = 0; i < f->n_ends; i++)
        if (f->ends[i].event.task == 1)
            return true;
    return false;
}

/* Does SCENARIO make it hear of the end of task 1 at once? */
static bool is_quick (void (*scenario) (struct agent_frames *f))
{
    double least = 1e9;

    for (int i = 0; i < TRIES && least >= LATE; i++) {
        struct agent_frames *f;
        double seconds;

        assert_int_equal (agent_frames_set_up ((void **)&f), 0);
        scenario (f);
        rig_until (&f->rig, has_ended, f);
        seconds = lateness (f);
        least = seconds < least ? seconds : least;
        agent_frames_make (f, "go");
        assert_int_equal (agent_frames_tear_down ((void **)&f), 0);
    }
    return least < LATE;
}

static void is_awaited (struct agent_frames *f)
{
    f->batch = 0;
    begin (f, 3);
}

static void is_of_another_batch (struct agent_frames *f)
{
    agent_frames_start (f, 1, 1, -1, "echo x >one");
    f->batch = 2;
    agent_frames_assign (f, 2, 1, waits);
    for (uint32_t i = 3; i <= 5; i++)
        agent_frames_assign (f, i, 2, ":");
}

static void is_last (struct agent_frames *f)
{
    begin (f, 0);
}

static void two_are_left (struct agent_frames *f)
{
    begin (f, 2);
}

/* A quarter of sixteen is four. */
static void is_short (struct agent_frames *f)
{
    begin (f, 15);
    for (uint32_t task = 3; task < 3 + 11; task++)
        agent_frames_unassign (f, task, 0);
}

static void others_fail (struct agent_frames *f)
{
    begin (f, 3);
    agent_frames_start (f, 9, 0, -1, "while ! [ -e two ]; do sleep 0.001; done; exit 1");
}

/* The coordinator must know what it cannot take back. */
static void is_asked_back (struct agent_frames *f)
{
    begin (f, 3);
    rig_until_file (&f->rig, "two");
    agent_frames_unassign (f, 2, 0);
}

static void is_killed (struct agent_frames *f)
{
    begin (f, 3);
    rig_until_file (&f->rig, "two");
    agent_frames_kill (f, 1, 0);
}

static void is_told_to_quit (struct agent_frames *f)
{
    begin (f, 3);
    rig_until_file (&f->rig, "two");
    agent_frames_quit (f, false);
}

static void all_others_are_reported_at_once (void **state)
{
    static const struct {
        const char *name;
        void (*scenario) (struct agent_frames *f);
    } cases[] = {
        { "awaited", is_awaited },        { "another batch", is_of_another_batch },
        { "two are left", two_are_left }, { "the last one", is_last },
        { "few are left", is_short },     { "another end", others_fail },
        { "UNASSIGN", is_asked_back },    { "KILL", is_killed },
        { "QUIT", is_told_to_quit },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
        if (!is_quick (cases[i].scenario))
            fail_msg ("%s: reported late", cases[i].name);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (what_is_followed_is_reported_late, agent_frames_set_up,
                                         agent_frames_tear_down),
        cmocka_unit_test_setup_teardown (late_ends_come_together, agent_frames_set_up,
                                         agent_frames_tear_down),
        cmocka_unit_test (all_others_are_reported_at_once),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
