/* SPDX-License-Identifier: Apache-2.0 */
/* Services in the scheduler: small workflows whose events are known by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "graphs.h"
#include "model/simulate.h"

/* What happened, as text: "+a" a starts, "!a" it serves, "-a" it is asked to end, "~a" the same for
 * another task, ".a" it has ended, "xa" it is skipped; a blank where time goes on.
 */
struct log {
    const struct aw_graph *graph;
    char text[1024];
    double t;
    const char *fails; /* name of a task whose first N_FAILS attempts fail */
    uint32_t n_fails;
};

/* Its name, without "[0]" where that is the only index. */
static void name_task (const struct aw_graph *g, uint32_t task, char *name, size_t size)
{
    aw_graph_task_name (g, task, name, size);
    if (g->sets[aw_graph_task (g, task).set].count == 1)
        *strchr (name, '[') = '\0';
}

static void note (void *arg, const struct aw_event *ev)
{
    struct log *log = arg;
    size_t n = strlen (log->text);
    char name[64];
    char what = ev->type == AW_EVENT_START     ? '+'
                : ev->type == AW_EVENT_SERVING ? '!'
                : ev->type == AW_EVENT_FINISH  ? '.'
                : ev->type == AW_EVENT_SKIP    ? 'x'
                : ev->type == AW_EVENT_KILL    ? (ev->code ? '~' : '-')
                                               : 0;

    if (!what || n + 80 > sizeof (log->text))
        return;
    name_task (log->graph, ev->task, name, sizeof (name));
    snprintf (log->text + n, sizeof (log->text) - n, "%s%c%s", n > 0 && ev->t > log->t ? " " : "",
              what, name);
    log->t = ev->t;
}

static void fail_some (void *arg, struct aw_event *finish)
{
    struct log *log = arg;
    char name[64];

    name_task (log->graph, finish->task, name, sizeof (name));
    if (!log->fails || strcmp (name, log->fails) != 0 || log->n_fails == 0)
        return;
    log->n_fails--;
    finish->status = AW_STATUS_FAILED;
    finish->code = 1;
}

static struct aw_set *service (struct aw_graph *g, const char *name, uint32_t cpus, double seconds)
{
    struct aw_set *set = graphs_set (g, name, 1, cpus, 0, seconds);

    set->service = true;
    return set;
}

static void run_on (
    struct aw_graph *g, enum aw_mode mode, uint32_t nodes, uint32_t cpus, struct log *log, int code)
{
    const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, mode, 0 };
    struct aw_simulated result;
    struct aw_sched *sched;
    struct aw_error err = { "" };

    log->graph = g;
    assert_int_equal (aw_graph_finalize (g, &err), 0);
    sched = aw_sched_create (g, &config, &err);
    assert_non_null (sched);
    assert_int_equal (aw_simulate_add_nodes (sched, nodes, cpus, 0, 0, &err), 0);
    assert_int_equal (aw_simulate (sched,
                                   &(struct aw_simulation){
                                       .ends = fail_some,
                                       .observe = note,
                                       .arg = log,
                                   },
                                   &result, &err),
                      0);
    if (result.code != code)
        fail_msg ("exit status %d instead of %d: %s", result.code, code, log->text);
    aw_sched_destroy (sched);
    aw_graph_destroy (g);
}

static void expect (struct aw_graph *g, uint32_t cpus, int code, const char *text)
{
    struct log log = { 0 };

    run_on (g, AW_MODE_ASYNC, 1, cpus, &log, code);
    assert_string_equal (log.text, text);
}

static void it_starts_when_it_is_needed_and_ends_when_not (void **state)
{
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 10);
    service (g, "s", 1, 5);
    graphs_set (g, "b", 2, 1, 0, 20);
    graphs_edge (g, "b", "s", 0, 0);
    graphs_edge (g, "b", "a", 0, 0);
    graphs_set (g, "c", 1, 1, 0, 7);
    graphs_edge (g, "c", "b", 0, 0);
    expect (g, 3, 0, "+a .a+s !s+b[0]+b[1] .b[0].b[1]-s+c.s .c");
}

/* It is idle while c computes, but d needs it later: it stays, since nobody wants its CPU. */
static void it_stays_while_nobody_else_wants_its_place (void **state)
{
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    service (g, "s", 1, 0);
    graphs_set (g, "b", 1, 1, 0, 20);
    graphs_edge (g, "b", "s", 0, 0);
    graphs_set (g, "c", 1, 1, 0, 7);
    graphs_edge (g, "c", "b", 0, 0);
    graphs_set (g, "d", 1, 1, 0, 7);
    graphs_edge (g, "d", "s", 0, 0);
    graphs_edge (g, "d", "c", 0, 0);
    expect (g, 2, 0, "+s!s+b .b+c .c+d .d-s.s");
}

/* The same, but c wants all of the node. */
static void it_makes_way_for_a_wide_task (void **state)
{
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    service (g, "s", 1, 1);
    graphs_set (g, "b", 1, 1, 0, 20);
    graphs_edge (g, "b", "s", 0, 0);
    graphs_set (g, "c", 1, 2, 0, 7);
    graphs_edge (g, "c", "b", 0, 0);
    graphs_set (g, "d", 1, 1, 0, 7);
    graphs_edge (g, "d", "s", 0, 0);
    graphs_edge (g, "d", "c", 0, 0);
    expect (g, 2, 0, "+s !s+b .b~s.s+c .c+s !s+d .d-s.s");
}

/* Each of the two services fits with its own task, but not with the other one's. */
static void two_services_take_turns (void **state)
{
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    service (g, "s", 2, 1);
    service (g, "t", 2, 1);
    graphs_set (g, "a", 1, 2, 0, 10);
    graphs_edge (g, "a", "s", 0, 0);
    graphs_set (g, "b", 1, 2, 0, 10);
    graphs_edge (g, "b", "t", 0, 0);
    expect (g, 4, 0, "+s+t !s!t~t.t+a .a-s+t.s !t+b .b-t.t");
}

/* u needs t, and t needs s: they start in this order, and end in the other. */
static void services_of_services_are_a_chain (void **state)
{
    struct aw_graph *g = aw_graph_create ();

    (void)state;
    service (g, "s", 1, 1);
    service (g, "t", 1, 2);
    graphs_edge (g, "t", "s", 0, 0);
    graphs_set (g, "u", 1, 1, 0, 10);
    graphs_edge (g, "u", "t", 0, 0);
    expect (g, 3, 0, "+s !s+t !t+u .u-t.t-s.s");
}

static void a_service_after_a_failure_does_not_start (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct log log = { .fails = "a", .n_fails = 1 };

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 10)->on_failure = AW_ON_FAILURE_SKIP;
    service (g, "s", 1, 1);
    graphs_edge (g, "s", "a", 0, 0);
    graphs_set (g, "b", 2, 1, 0, 10);
    graphs_edge (g, "b", "s", 0, 0);
    run_on (g, AW_MODE_ASYNC, 1, 4, &log, 1);
    assert_string_equal (log.text, "+a .axsxb[0]xb[1]");
}

static void stages_pass_a_service_over (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct log log = { 0 };

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 10);
    service (g, "s", 1, 1);
    graphs_edge (g, "s", "a", 0, 0);
    graphs_set (g, "b", 1, 1, 0, 10);
    graphs_edge (g, "b", "s", 0, 0);
    g->iterations = 2;
    g->iterated = true;
    run_on (g, AW_MODE_SEQUENTIAL, 1, 4, &log, 0);
    assert_string_equal (log.text, "+a@0 .a@0+s@0 !s@0+b@0 .b@0-s@0+a@1.s@0 .a@1+s@1 !s@1+b@1 "
                                   ".b@1-s@1.s@1");
}

/* One that runs once serves all iterations. */
static void one_service_is_for_all_iterations (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct log log = { 0 };

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 10);
    service (g, "s", 1, 1)->once = true;
    graphs_edge (g, "a", "s", 0, 0);
    graphs_edge (g, "a", "a", 1, 0);
    g->iterations = 3;
    g->iterated = true;
    run_on (g, AW_MODE_ASYNC, 1, 4, &log, 0);
    assert_string_equal (log.text, "+s !s+a@0 .a@0+a@1 .a@1+a@2 .a@2-s.s");
}

/*
 * Events by hand: failures.
 */

struct rig {
    struct aw_graph *graph;
    struct aw_sched *sched;
    struct log log;
    double t;
};

static void rig_start (struct rig *rig, struct aw_graph *g, uint32_t cpus)
{
    const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_error err = { "" };

    memset (rig, 0, sizeof (*rig));
    assert_int_equal (aw_graph_finalize (g, &err), 0);
    rig->graph = g;
    rig->log.graph = g;
    rig->sched = aw_sched_create (g, &config, &err);
    assert_int_equal (aw_simulate_add_nodes (rig->sched, 1, cpus, 0, 0, &err), 0);
}

static void rig_finish (struct rig *rig)
{
    aw_sched_destroy (rig->sched);
    aw_graph_destroy (rig->graph);
}

/* Lets the scheduler act, and compares what it did since the last call. */
static void rig_acts (struct rig *rig, const char *text)
{
    struct aw_event action;

    while (aw_sched_next (rig->sched, &action))
        note (&rig->log, &action);
    assert_string_equal (rig->log.text, text);
    rig->log.text[0] = '\0';
}

static void rig_event (struct rig *rig, enum aw_event_type type, const char *name, uint32_t attempt)
{
    struct aw_event ev = { .type = type, .t = rig->t += 1, .attempt = attempt, .seconds = 1 };
    struct aw_error err = { "" };

    ev.task = aw_graph_task_parse (rig->graph, name);
    assert_int_not_equal (ev.task, AW_NONE);
    aw_sched_judge (rig->sched, &ev);
    if (aw_sched_handle (rig->sched, &ev, &err) < 0)
        fail_msg ("%s: %s", name, err.text);
    rig->log.t = ev.t;
}

static struct aw_graph *one_user (uint32_t retries, enum aw_on_failure how)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_set *set = service (g, "s", 1, NAN);

    set->retry.count = retries;
    set->on_failure = how;
    graphs_set (g, "a", 3, 1, 0, 10);
    graphs_edge (g, "a", "s", 0, 0);
    return g;
}

/* Running users continue, waiting ones wait for the retry, and its number counts. */
static void one_that_ends_by_itself_is_retried (void **state)
{
    struct rig rig;

    (void)state;
    rig_start (&rig, one_user (1, AW_ON_FAILURE_STOP), 3);
    rig_acts (&rig, "+s");
    rig_event (&rig, AW_EVENT_SERVING, "s[0]", 0);
    rig_acts (&rig, "+a[0]+a[1]");
    rig_event (&rig, AW_EVENT_FINISH, "s[0]", 0);
    rig_acts (&rig, "+s");
    rig_event (&rig, AW_EVENT_FINISH, "a[0]", 0);
    rig_acts (&rig, "");
    rig_event (&rig, AW_EVENT_SERVING, "s[0]", 1);
    rig_acts (&rig, "+a[2]");
    rig_event (&rig, AW_EVENT_FINISH, "a[1]", 0);
    rig_event (&rig, AW_EVENT_FINISH, "a[2]", 0);
    rig_acts (&rig, "-s");
    rig_event (&rig, AW_EVENT_FINISH, "s[0]", 1);
    rig_acts (&rig, "");
    assert_true (aw_sched_ended (rig.sched));
    rig_finish (&rig);
}

static void users_of_a_failed_one_are_skipped (void **state)
{
    struct rig rig;

    (void)state;
    rig_start (&rig, one_user (0, AW_ON_FAILURE_SKIP), 3);
    rig_acts (&rig, "+s");
    rig_event (&rig, AW_EVENT_SERVING, "s[0]", 0);
    rig_acts (&rig, "+a[0]+a[1]");
    rig_event (&rig, AW_EVENT_FINISH, "s[0]", 0);
    rig_acts (&rig, "xa[2]");
    rig_event (&rig, AW_EVENT_FINISH, "a[0]", 0);
    rig_event (&rig, AW_EVENT_FINISH, "a[1]", 0);
    rig_acts (&rig, "");
    assert_true (aw_sched_ended (rig.sched));
    rig_finish (&rig);
}

static void users_of_one_that_may_fail_run_without_it (void **state)
{
    struct rig rig;

    (void)state;
    rig_start (&rig, one_user (0, AW_ON_FAILURE_CONTINUE), 3);
    rig_acts (&rig, "+s");
    rig_event (&rig, AW_EVENT_FINISH, "s[0]", 0);
    rig_acts (&rig, "+a[0]+a[1]+a[2]");
    rig_finish (&rig);
}

/* A stop lets running users end, and the service that they use. */
static void a_stop_ends_it_after_its_users (void **state)
{
    struct aw_event stop = { .type = AW_EVENT_STOP, .t = 3, .node = AW_NONE };
    struct aw_error err = { "" };
    struct rig rig;

    (void)state;
    rig_start (&rig, one_user (0, AW_ON_FAILURE_STOP), 2);
    rig_acts (&rig, "+s");
    rig_event (&rig, AW_EVENT_SERVING, "s[0]", 0);
    rig_acts (&rig, "+a[0]");
    rig.t = 3;
    assert_int_equal (aw_sched_handle (rig.sched, &stop, &err), 0);
    rig_acts (&rig, "");
    rig_event (&rig, AW_EVENT_FINISH, "a[0]", 0);
    rig_acts (&rig, "-s");
    rig_event (&rig, AW_EVENT_FINISH, "s[0]", 0);
    rig_acts (&rig, "");
    assert_true (aw_sched_ended (rig.sched));
    rig_finish (&rig);
}

/* A cancelled service takes its users with it. */
static void users_of_a_cancelled_one_are_skipped (void **state)
{
    struct aw_event cancel = { .type = AW_EVENT_CANCEL, .t = 2, .count = 1, .node = AW_NONE };
    struct aw_error err = { "" };
    struct rig rig;

    (void)state;
    rig_start (&rig, one_user (0, AW_ON_FAILURE_STOP), 2);
    rig_acts (&rig, "+s");
    rig_event (&rig, AW_EVENT_SERVING, "s[0]", 0);
    rig_acts (&rig, "+a[0]");
    rig.t = 2;
    assert_int_equal (aw_sched_handle (rig.sched, &cancel, &err), 0);
    rig_acts (&rig, "-s");
    rig_event (&rig, AW_EVENT_FINISH, "s[0]", 0);
    rig_acts (&rig, "xa[1]xa[2]");
    rig_event (&rig, AW_EVENT_FINISH, "a[0]", 0);
    rig_acts (&rig, "");
    assert_true (aw_sched_ended (rig.sched));
    rig_finish (&rig);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (it_starts_when_it_is_needed_and_ends_when_not),
        cmocka_unit_test (it_stays_while_nobody_else_wants_its_place),
        cmocka_unit_test (it_makes_way_for_a_wide_task),
        cmocka_unit_test (two_services_take_turns),
        cmocka_unit_test (services_of_services_are_a_chain),
        cmocka_unit_test (a_service_after_a_failure_does_not_start),
        cmocka_unit_test (stages_pass_a_service_over),
        cmocka_unit_test (one_service_is_for_all_iterations),
        cmocka_unit_test (one_that_ends_by_itself_is_retried),
        cmocka_unit_test (users_of_a_failed_one_are_skipped),
        cmocka_unit_test (users_of_one_that_may_fail_run_without_it),
        cmocka_unit_test (a_stop_ends_it_after_its_users),
        cmocka_unit_test (users_of_a_cancelled_one_are_skipped),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
