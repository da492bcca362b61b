/* SPDX-License-Identifier: Apache-2.0 */
/* Where a task goes that has failed: to another node than the one where it did, if there is one
 * with room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "graphs.h"

enum { CPUS = 4 };

static struct aw_sched *make (const struct aw_graph *g, uint32_t nodes)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);
    char name[32];

    assert_non_null (s);
    for (uint32_t n = 0; n < nodes; n++) {
        struct aw_event ev = { .type = AW_EVENT_NODE, .node = n, .name = name };

        snprintf (name, sizeof (name), "n%u", n);
        assert_int_equal (aw_idset_add (&ev.cpus, 0, CPUS - 1), 0);
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        aw_idset_finish (&ev.cpus);
    }
    return s;
}

/* Decides all; the node of the last START or STAGE of TASK, AW_NONE where it did not begin. */
static uint32_t begins (struct aw_sched *s, uint32_t task)
{
    struct aw_event action;
    uint32_t node = AW_NONE;

    while (aw_sched_next (s, &action))
        if ((action.type == AW_EVENT_START || action.type == AW_EVENT_STAGE) && action.task == task)
            node = action.node;
    return node;
}

static void ends (
    struct aw_sched *s, uint32_t task, uint32_t attempt, uint32_t node, enum aw_status status)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH, .t = aw_sched_now (s) + 1, .task = task };

    ev.attempt = attempt;
    ev.node = node;
    ev.status = status;
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
}

static struct aw_set *retried (struct aw_graph *g, const char *name, uint32_t count, uint32_t cpus)
{
    struct aw_set *set = graphs_set (g, name, count, cpus, 0, 10);

    set->retry.count = 3;
    return set;
}

/* Whatever it failed of; and a copy of the scheduler knows it, too. */
static void a_retry_runs_on_another_node (void **state)
{
    static const enum aw_status statuses[] = { AW_STATUS_FAILED, AW_STATUS_TIMEOUT,
                                               AW_STATUS_OUT_OF_MEMORY, AW_STATUS_NODE_FAIL };

    (void)state;
    for (size_t i = 0; i < sizeof (statuses) / sizeof (statuses[0]); i++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_sched *s, *copy;

        retried (g, "a", 1, 1);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = make (g, 2);
        assert_int_equal (begins (s, 0), 0);
        ends (s, 0, 0, 0, statuses[i]);
        copy = aw_sched_clone (s);
        assert_int_equal (begins (copy, 0), 1);
        aw_sched_destroy (copy);
        assert_int_equal (begins (s, 0), 1);
        ends (s, 0, 1, 1, statuses[i]); /* the last node counts */
        assert_int_equal (begins (s, 0), 0);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

/* No other has room: better there than not at all. Those that have not failed are not kept away. */
static void a_retry_runs_on_its_node_where_there_is_no_other (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;

    (void)state;
    retried (g, "a", 3, 3);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 2);
    assert_int_equal (begins (s, 1), 1); /* 0 on node 0, 2 waits */
    ends (s, 0, 0, 0, AW_STATUS_FAILED);
    assert_int_equal (begins (s, 2), 0);
    ends (s, 2, 0, 0, AW_STATUS_COMPLETED);
    assert_int_equal (begins (s, 0), 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

static void an_only_node_is_used_again (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;

    (void)state;
    retried (g, "a", 1, 3);
    retried (g, "staged", 1, 1)->stage_in = AW_STAGING_ASYNC;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 1);
    assert_int_equal (begins (s, 0), 0);
    for (uint32_t task = 0; task < 2; task++) {
        ends (s, task, 0, 0, AW_STATUS_FAILED);
        assert_int_equal (begins (s, task), 0);
    }
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* With a delay before, with data that comes first; not where it was told to end. */
static void a_delay_or_staging_before_changes_nothing (void **state)
{
    struct aw_event wake = { .type = AW_EVENT_WAKE };
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;

    (void)state;
    retried (g, "delayed", 1, 2)->retry.delay = 5;
    retried (g, "staged", 1, 1)->stage_in = AW_STAGING_ASYNC;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 2);
    assert_int_equal (begins (s, 0), 0);
    ends (s, 0, 0, 0, AW_STATUS_FAILED);
    ends (s, 1, 0, 1, AW_STATUS_FAILED);
    assert_int_equal (begins (s, 1), 0);
    wake.t = aw_sched_next_wake (s);
    assert_int_equal (aw_sched_handle (s, &wake, NULL), 0);
    assert_int_equal (begins (s, 0), 1);
    ends (s, 0, 1, 1, AW_STATUS_CANCELLED);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Another of the set is not kept away from the node, and a task over several nodes goes anywhere.
 */
static void other_tasks_may_still_use_the_node (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;

    (void)state;
    retried (g, "a", 2, 4);
    retried (g, "wide", 1, 1)->nodes = 2;
    graphs_edge (g, "wide", "a", 0, 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, 3);
    assert_int_equal (begins (s, 1), 1);
    ends (s, 0, 0, 0, AW_STATUS_FAILED);
    assert_int_equal (begins (s, 0), 2);
    ends (s, 0, 1, 2, AW_STATUS_COMPLETED);
    ends (s, 1, 0, 1, AW_STATUS_COMPLETED);
    assert_int_equal (begins (s, 2), 0);
    ends (s, 2, 0, 0, AW_STATUS_FAILED);
    assert_int_equal (begins (s, 2), 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_retry_runs_on_another_node),
        cmocka_unit_test (a_retry_runs_on_its_node_where_there_is_no_other),
        cmocka_unit_test (an_only_node_is_used_again),
        cmocka_unit_test (a_delay_or_staging_before_changes_nothing),
        cmocka_unit_test (other_tasks_may_still_use_the_node),
    };

    return cmocka_run_group_tests_name ("elsewhere", tests, NULL, NULL);
}
