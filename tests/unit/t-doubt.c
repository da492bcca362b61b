/* SPDX-License-Identifier: Apache-2.0 */
/* Is a node lost, or does the job end? Over the fake backend: what the coordinator makes of nodes
 * that are silent, that leave, or that are lost, by what Slurm answers.
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coordinated.h"

static double ahead; /* of the true time */

double __real_aw_clock_monotonic (void);
double __wrap_aw_clock_monotonic (void);

double __wrap_aw_clock_monotonic (void)
{
    return __real_aw_clock_monotonic () + ahead;
}

static struct scene {
    struct coordinated it;
    enum aw_job_state state; /* what Slurm answers */
    bool mute; /* it does not */
    uint32_t n_asked;
    void (*then) (void); /* when all tasks run */
    double seconds; /* of a task */
    uint32_t n_started;
} scene;

#define TWO "{ \"a\": { \"count\": 2, \"cpus\": 2, \"command\": [\"x\"] } }"
#define STEPS "{ \"a\": { \"count\": 2, \"cpus\": 2, \"launch\": \"step\", \"command\": [\"x\"] } }"

static const char *tasks = TWO;

static void on_answer (evutil_socket_t fd, short what, void *arg)
{
    const struct aw_job_answer answer = { .state = scene.state,
                                          .name = "STATE",
                                          .end_time = INFINITY };

    (void)fd;
    (void)what;
    (void)arg;
    aw_coordinator_job_answer (scene.it.coordinator, &answer);
}

static void on_ask (void *arg)
{
    (void)arg;
    scene.n_asked++;
    if (!scene.mute)
        coordinated_after (&scene.it, 0, on_answer, NULL);
}

static void on_all_run (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    scene.then ();
}

static void plan (void *arg,
                  uint32_t node,
                  const struct aw_launch *launch,
                  struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    outcome->seconds = launch->attempt ? 0 : scene.seconds;
    if (++scene.n_started == 2)
        coordinated_after (&scene.it, 0.05, on_all_run, NULL);
}

/* A run of two tasks, each on a node of its own; THEN happens when they run, and Slurm says STATE.
 */
static int play (void (*then) (void), enum aw_job_state state, bool job)
{
    ahead = 0;
    scene = (struct scene){ .then = then, .state = state, .seconds = 1e6 };
    scene.it = (struct coordinated){

        .tasks = tasks, .nodes = 2, .cpus = 2, .plan = plan, .ask_job = job ? on_ask : NULL
    };
    coordinated_begin (&scene.it);
    return coordinated_run (&scene.it);
}

static bool silent (bool again)
{
    return scene.it.callbacks->all_silent (scene.it.callbacks->arg, again);
}

static void lose (uint32_t node)
{
    aw_exec_fake_lose (scene.it.exec, node, "no heartbeat");
}

static void give_up (void)
{
    struct aw_error why;

    aw_error_set (&why, "enough");
    aw_coordinator_fail (scene.it.coordinator, &why);
}

/* Calls FN after the answers that are under way. */
static void then (void (*fn) (void))
{
    scene.then = fn;
    coordinated_after (&scene.it, 0.05, on_all_run, NULL);
}

static int finished (enum aw_status status)
{
    char text[64];

    snprintf (text, sizeof (text), "\"status\":\"%s\"", aw_status_name (status));
    return coordinated_lines (&scene.it, "\"event\":\"finish\"", text);
}

/* All silent, and the job runs: at the second look the nodes are lost. */

static void lost_at_last (void)
{
    assert_true (silent (true));
    lose (0);
    lose (1);
}

static void all_silent_while_it_runs (void)
{
    assert_false (silent (false));
    assert_false (silent (true)); /* the answer has not come */
    assert_int_equal (scene.n_asked, 1);
    then (lost_at_last);
}

static void silent_nodes_of_a_running_job_are_lost (void **state)
{
    (void)state;
    assert_int_equal (play (all_silent_while_it_runs, AW_JOB_RUNNING, true), 4);
    assert_int_equal (finished (AW_STATUS_NODE_FAIL), 2);
    coordinated_finish (&scene.it);
}

/* All silent, since the job is suspended: as long as it is, they are not lost. An earlier answer
 * does not count when they are silent again.
 */

static void third_silence (void)
{
    assert_true (silent (true));
    give_up ();
}

static void second_silence (void)
{
    assert_false (silent (false));
    assert_int_equal (scene.n_asked, 5);
    then (third_silence);
}

static void still_suspended (void)
{
    uint32_t asked = scene.n_asked;

    if (asked == 3)
        scene.state = AW_JOB_RUNNING; /* the nodes wake up before the next look */
    assert_false (silent (true));
    assert_int_equal (scene.n_asked, asked + 1);
    then (scene.n_asked < 4 ? still_suspended : second_silence);
}

static void all_silent_while_suspended (void)
{
    assert_false (silent (false));
    then (still_suspended);
}

static void silent_nodes_of_a_suspended_job_are_kept (void **state)
{
    (void)state;
    assert_int_equal (play (all_silent_while_suspended, AW_JOB_SUSPENDED, true), 4);
    assert_int_equal (coordinated_lines (&scene.it, "node_lost", NULL), 0);
    coordinated_finish (&scene.it);
}

/* All silent, and Slurm does not answer: in the end they are lost. */

static void no_answer (void)
{
    assert_false (silent (false));
    ahead = 29;
    assert_false (silent (true));
    ahead = 31;
    assert_true (silent (true));
    assert_int_equal (scene.n_asked, 1);
    scene.mute = false;
    give_up ();
}

static void no_job (void)
{
    assert_true (silent (false)); /* nobody to ask */
    give_up ();
}

static void silent_nodes_are_lost_if_slurm_does_not_answer (void **state)
{
    (void)state;
    assert_int_equal (play (no_job, AW_JOB_UNKNOWN, false), 4);
    coordinated_finish (&scene.it);
    scene = (struct scene){ .then = no_answer, .mute = true, .seconds = 1e6 };
    scene.it = (struct coordinated){

        .tasks = tasks, .nodes = 2, .cpus = 2, .plan = plan, .ask_job = on_ask
    };
    coordinated_begin (&scene.it);
    assert_int_equal (coordinated_run (&scene.it), 4);
    coordinated_finish (&scene.it);
}

/* All silent, since the job ends: stopped, and nothing has failed or runs again. */

static void after_the_end (void)
{
    assert_true (silent (true));
    lose (0);
    lose (1);
}

static void all_silent_at_the_end (void)
{
    assert_false (silent (false));
    then (after_the_end);
}

static void silent_nodes_of_an_ending_job_stop_the_run (void **state)
{
    (void)state;
    assert_int_equal (play (all_silent_at_the_end, AW_JOB_ENDING, true), 3);
    assert_int_equal (finished (AW_STATUS_CANCELLED), 2);
    assert_int_equal (scene.n_started, 2);
    coordinated_finish (&scene.it);
}

/* One node is lost: with the job, or alone. */

static void one_is_lost (void)
{
    lose (0);
    scene.seconds = 0; /* what runs again ends */
}

static void end_other (void)
{
    const struct aw_event ev = { .type = AW_EVENT_FINISH, .task = 1, .node = 1 };

    scene.it.callbacks->task_finished (scene.it.callbacks->arg, &ev);
}

static void one_is_lost_then_ends (void)
{
    one_is_lost ();
    then (end_other);
}

static void one_lost_node_is_judged_by_the_job (void **state)
{
    (void)state;
    assert_int_equal (play (one_is_lost, AW_JOB_ENDING, true), 3);
    assert_int_equal (finished (AW_STATUS_CANCELLED), 2);
    assert_int_equal (scene.n_started, 2);
    coordinated_finish (&scene.it);
    assert_int_equal (play (one_is_lost_then_ends, AW_JOB_RUNNING, true), 0);
    assert_int_equal (finished (AW_STATUS_NODE_FAIL), 1);
    assert_int_equal (finished (AW_STATUS_COMPLETED), 2);
    assert_int_equal (scene.n_started, 3);
    coordinated_finish (&scene.it);
}

/* A task is killed by a signal: by Slurm, if the job ends, else it has failed. */

static void killed (void)
{
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH, .task = 0, .node = 0, .status = AW_STATUS_FAILED, .signal = SIGTERM
    };

    scene.it.callbacks->task_finished (scene.it.callbacks->arg, &ev);
    then (end_other);
}

static void a_killed_task_is_judged_by_the_job (void **state)
{
    (void)state;
    assert_int_equal (play (killed, AW_JOB_ENDING, true), 3);
    assert_int_equal (finished (AW_STATUS_FAILED), 0);
    coordinated_finish (&scene.it);
    assert_int_equal (play (killed, AW_JOB_RUNNING, true), 1);
    assert_int_equal (finished (AW_STATUS_FAILED), 1);
    coordinated_finish (&scene.it);
}

/* A task ends by itself on a node that leaves: that is its own end only where it is a success, with
 * any code. */

static enum aw_status ends_as;

static void ends_while_its_node_leaves (void)
{
    const struct aw_event leaves = { .node = 0, .reason = "SIGTERM" };
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH, .task = 0, .node = 0, .status = ends_as, .code = 3
    };

    scene.it.callbacks->node_leaves (scene.it.callbacks->arg, &leaves);
    scene.it.callbacks->task_finished (scene.it.callbacks->arg, &ev);
    then (end_other);
}

static void a_success_comes_before_the_end_of_the_job (void **state)
{
    static const enum aw_status ends[] = { AW_STATUS_COMPLETED, AW_STATUS_FAILED };

    (void)state;
    for (size_t i = 0; i < sizeof (ends) / sizeof (ends[0]); i++) {
        ends_as = ends[i];
        assert_int_equal (play (ends_while_its_node_leaves, AW_JOB_ENDING, true), 3);
        assert_int_equal (finished (AW_STATUS_COMPLETED), ends_as == AW_STATUS_COMPLETED);
        assert_int_equal (finished (AW_STATUS_FAILED), 0);
        coordinated_finish (&scene.it);
    }
}

/* A step's srun has failed, or was killed, and no rank is named: by Slurm, if the job ends. */

static const char *reason;

static void srun_failed (void)
{
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH, .task = 0, .node = 0, .status = AW_STATUS_FAILED, .reason = reason
    };

    scene.it.callbacks->task_finished (scene.it.callbacks->arg, &ev);
    then (end_other);
}

static void a_failed_step_is_judged_by_the_job (void **state)
{
    static const struct {
        const char *tasks, *reason;
        bool doubt;
    } table[] = {
        { STEPS, "srun: error: x", true },
        { STEPS, "its srun was killed by SIGKILL", true },
        { STEPS, "its step could not be started: x", true },
        { STEPS, "rank 1 on n2 exited with code 1", false },
        { TWO, "srun: error: x", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        tasks = table[i].tasks;
        reason = table[i].reason;
        assert_int_equal (play (srun_failed, AW_JOB_ENDING, true), table[i].doubt ? 3 : 1);
        assert_int_equal (finished (AW_STATUS_FAILED), !table[i].doubt);
        assert_int_equal (scene.n_asked > 0, table[i].doubt);
        coordinated_finish (&scene.it);
        assert_int_equal (play (srun_failed, AW_JOB_RUNNING, true), 1);
        assert_int_equal (finished (AW_STATUS_FAILED), 1);
        coordinated_finish (&scene.it);
    }
    tasks = TWO;
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (silent_nodes_of_a_running_job_are_lost),
        cmocka_unit_test (silent_nodes_of_a_suspended_job_are_kept),
        cmocka_unit_test (silent_nodes_are_lost_if_slurm_does_not_answer),
        cmocka_unit_test (silent_nodes_of_an_ending_job_stop_the_run),
        cmocka_unit_test (one_lost_node_is_judged_by_the_job),
        cmocka_unit_test (a_killed_task_is_judged_by_the_job),
        cmocka_unit_test (a_success_comes_before_the_end_of_the_job),
        cmocka_unit_test (a_failed_step_is_judged_by_the_job),
    };

    return cmocka_run_group_tests_name ("doubt", tests, NULL, NULL);
}
