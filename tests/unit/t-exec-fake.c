/* SPDX-License-Identifier: Apache-2.0 */
/* The fake keeps what the table of functions promises: coordinator tests stand on it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "exec-fake.h"
#include "rig.h"
#include "util/clock.h"

static struct rig rig;

/* Task 1 fails after 50 ms, 2 lasts for ever, 3 too and is stubborn, 4 is refused; the rest
 * complete at once.
 */
static void plan (void *arg,
                  uint32_t node,
                  const struct aw_launch *launch,
                  struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    if (launch->task == 1) {
        outcome->seconds = 0.05;
        outcome->status = AW_STATUS_FAILED;
        outcome->code = 3;
        outcome->reason = "as planned";
    }
    outcome->seconds = launch->task == 2 || launch->task == 3 ? 1e6 : outcome->seconds;
    outcome->stubborn = launch->task == 3;
    outcome->refused = launch->task == 4;
}

static int set_up (void **state)
{
    const struct aw_fake_config config = { .n_nodes = 2, .cpus = 4, .gpus = 1, .plan = plan };

    (void)state;
    rig_init (&rig);
    rig.exec = aw_exec_fake_create (rig.base, &rig.callbacks, &config, NULL);
    return rig.exec ? 0 : -1;
}

static int tear_down (void **state)
{
    (void)state;
    rig_finish (&rig);
    return 0;
}

static void the_fake_runs_tasks_by_its_timers (void **state)
{
    struct aw_launch launch;

    (void)state;
    aw_launch_init (&launch);
    assert_int_equal (rig.exec->ops->start (rig.exec, 0, &launch, NULL), -1); /* not joined */
    rig_until_nodes (&rig, 2);
    assert_string_equal (rig.nodes[1], "n2");
    assert_int_equal (rig.node_cpus[1], 4);
    assert_int_equal (rig.exec->ops->start (rig.exec, 2, &launch, NULL), -1);
    launch.task = 4;
    assert_int_equal (rig.exec->ops->start (rig.exec, 0, &launch, NULL), -1);
    rig_start (&rig, 0, 1, "");
    rig_start (&rig, 1, 5, "");
    assert_int_equal (rig.n_ends, 0); /* never from inside a call */
    rig_until_ends (&rig, 2);
    assert_int_equal (rig.ends[0].task, 5);
    assert_int_equal (rig.ends[0].node, 1);
    assert_int_equal (rig.ends[1].code, 3);
    assert_string_equal (rig.ends[1].reason, "as planned");
    rig.exec->ops->shutdown (rig.exec);
    rig_until_idle (&rig);
}

static void the_fake_ends_tasks_that_are_killed (void **state)
{
    double start = aw_clock_monotonic ();

    (void)state;
    rig_until_nodes (&rig, 2);
    rig_start (&rig, 0, 2, "");
    rig_start (&rig, 0, 3, "");
    assert_int_equal (aw_exec_fake_running (rig.exec), 2);
    rig.exec->ops->kill (rig.exec, 0, 2, 0, 100);
    rig.exec->ops->kill (rig.exec, 0, 3, 0, 0.1);
    rig.exec->ops->kill (rig.exec, 0, 9, 0, 0.1);
    assert_int_equal (rig.n_ends, 0);
    rig_until_ends (&rig, 2);
    assert_true (aw_clock_monotonic () - start >= 0.08); /* libevent's clock is a coarse one */
    assert_int_equal (rig.ends[0].task, 2);
    assert_int_equal (rig.ends[0].status, AW_STATUS_CANCELLED);
    assert_int_equal (rig.ends[0].signal, 15);
    assert_int_equal (rig.ends[1].signal, 9);
}

static void the_fake_breaks_when_told_to (void **state)
{
    struct aw_launch launch;

    (void)state;
    rig_until_nodes (&rig, 2);
    rig_start (&rig, 0, 2, "");
    rig_start (&rig, 1, 3, "");
    aw_exec_fake_lose (rig.exec, 1, "power");
    assert_int_equal (rig.n_lost, 0);
    rig_until_lost (&rig, 1);
    assert_int_equal (rig.lost[0], 1);
    assert_string_equal (rig.lost_reason, "power");
    assert_int_equal (aw_exec_fake_running (rig.exec), 1);
    aw_launch_init (&launch);
    assert_int_equal (rig.exec->ops->start (rig.exec, 1, &launch, NULL), -1);
    aw_exec_fake_break (rig.exec, "all gone");
    rig_until_broken (&rig);
    assert_string_equal (rig.broken, "all gone");
    assert_int_equal (aw_exec_fake_running (rig.exec), 0);
    assert_int_equal (rig.n_ends, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (the_fake_runs_tasks_by_its_timers, set_up, tear_down),
        cmocka_unit_test_setup_teardown (the_fake_ends_tasks_that_are_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown (the_fake_breaks_when_told_to, set_up, tear_down),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
