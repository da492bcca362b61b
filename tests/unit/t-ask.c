/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the scheduler in vain changes nothing: whoever is asked after each event decides as one
 * that is asked only where something comes of it.
 */
#include <math.h>
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

static struct aw_sched *make (const struct aw_graph *g, uint32_t nodes, uint32_t cpus)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);
    char name[32];

    assert_non_null (s);
    for (uint32_t n = 0; n < nodes; n++) {
        struct aw_event ev = { .type = AW_EVENT_NODE, .node = n, .name = name };

        snprintf (name, sizeof (name), "n%u", n);
        assert_int_equal (aw_idset_add (&ev.cpus, 0, cpus - 1), 0);
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        aw_idset_finish (&ev.cpus);
    }
    return s;
}

/* Both are asked until nothing comes any more. The last start; AW_NONE: there was none. */
static uint32_t both_decide (struct aw_sched *a, struct aw_sched *b)
{
    struct aw_event x, y;
    uint32_t last = AW_NONE;

    while (aw_sched_next (a, &x)) {
        assert_true (aw_sched_next (b, &y));
        assert_true (x.type == y.type && x.task == y.task && x.node == y.node);
        if (x.type == AW_EVENT_START)
            last = x.task;
    }
    assert_false (aw_sched_next (b, &y));
    return last;
}

static void ends (struct aw_sched *a, struct aw_sched *b, uint32_t task, double t)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH, .t = t, .task = task, .seconds = t };

    assert_int_equal (aw_sched_handle (a, &ev, NULL), 0);
    assert_int_equal (aw_sched_handle (b, &ev, NULL), 0);
}

/* In a graph of 130 sets ranks are worked out again with every third estimate. Four narrow tasks
 * end before there is room for one of two wide ones, "a", behind which one takes 50 s, and "b",
 * where it is 1,000 s, of which the fourth end tells.
 */
static void asking_for_an_estimate_changes_no_decision (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    static const double seconds[] = { 10, 10, 50, 1000 };
    struct aw_sched *asked, *other;
    struct aw_event action;
    char name[32];

    (void)state;
    g->iterations = 2;
    g->iterated = true;
    for (int i = 0; i < 128; i++) {
        snprintf (name, sizeof (name), "narrow%d", i);
        graphs_set (g, name, 1, 1, 0, i < 4 ? NAN : 1);
    }
    graphs_set (g, "b", 1, 4, 0, 1);
    graphs_set (g, "a", 1, 4, 0, 1);
    for (int i = 0; i < 128; i++) {
        snprintf (name, sizeof (name), "narrow%d", i);
        graphs_edge (g, name, i == 3 ? "b" : "a", i < 4, 0);
    }
    for (int i = 0; i < 4; i++) {
        snprintf (name, sizeof (name), "narrow%d", i);
        graphs_edge (g, "a", name, 0, 0);
        graphs_edge (g, "b", name, 0, 0);
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    asked = make (g, 1, 4);
    other = make (g, 1, 4);
    both_decide (asked, other);
    for (uint32_t i = 0; i < 4; i++) {
        ends (asked, other, i, seconds[i]);
        assert_true (i == 3 || !aw_sched_next (asked, &action));
    }
    assert_int_equal (both_decide (asked, other), 129); /* "a": the file's order is the other */
    aw_sched_destroy (asked);
    aw_sched_destroy (other);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test (
        asking_for_an_estimate_changes_no_decision) };

    return cmocka_run_group_tests_name ("ask", tests, NULL, NULL);
}
