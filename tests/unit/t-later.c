/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of one demand whose data is on different nodes: the first finds no room, and a later one
 * does. That one has its turn when no task of another demand comes before it. What starts does not
 * depend on whether the scheduler knows already that others find no room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"

enum { CPUS = 4, LONG = 1000 };

/* Sets of one task, which iterate twice. STAGED waits for data; FILL is what both nodes begin with.
 */
enum { STAGED, FILL, OTHER, WIDE, SMALL };

static struct aw_graph *staged_and_fill (uint32_t staged, uint32_t fill)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "staged", 1, staged, 0, LONG)->stage_in = AW_STAGING_ASYNC;
    graphs_set (g, "fill", 1, fill, 0, 100);
    g->iterations = 2;
    return g;
}

/* The next START; its task is AW_NONE where nothing can start. */
static struct aw_event next_start (struct aw_sched *s)
{
    struct aw_event action;

    while (aw_sched_next (s, &action))
        if (action.type == AW_EVENT_START)
            return action;
    action.task = AW_NONE;
    return action;
}

static void assert_starts (struct aw_sched *s, const struct aw_graph *g, uint32_t set, uint32_t it)
{
    assert_int_equal (next_start (s).task, aw_graph_first_task (g, it, set));
}

static void assert_nothing_starts (struct aw_sched *s)
{
    assert_int_equal (next_start (s).task, AW_NONE);
}

static void tell (
    struct aw_sched *s, enum aw_event_type type, double t, uint32_t task, uint32_t node)
{
    struct aw_event ev = { .type = type, .t = t, .task = task, .node = node, .seconds = t };

    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
}

/* Two nodes, of which the first has CPUS and two GPUs, and the other OTHER_CPUS and one GPU. Each
 * begins with a FILL. The data of STAGED comes to the first node, and that of its second iteration
 * to the other, where FILL ends at 50. PLAN has the place of each instance.
 */
static struct aw_sched *half_filled (const struct aw_graph *g,
                                     uint32_t other_cpus,
                                     const char *plan)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_event ev = { .type = AW_EVENT_PLAN, .text = plan, .task = AW_NONE, .node = AW_NONE };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);
    struct aw_event start;
    uint32_t fills[2] = { AW_NONE, AW_NONE };

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, 1, CPUS, 2, 0, NULL), 0);
    assert_int_equal (aw_simulate_add_nodes (s, 1, other_cpus, 1, 0, NULL), 0);
    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    while ((start = next_start (s)).task != AW_NONE)
        if (aw_graph_task (g, start.task).set == FILL)
            fills[start.node] = start.task;
        else
            assert_int_equal (start.node, 1);
    assert_true (fills[0] != AW_NONE && fills[1] != AW_NONE);
    tell (s, AW_EVENT_STAGED, 1, aw_graph_first_task (g, 0, STAGED), 0);
    tell (s, AW_EVENT_STAGED, 1, aw_graph_first_task (g, 1, STAGED), 1);
    assert_nothing_starts (s);
    tell (s, AW_EVENT_FINISH, 50, fills[1], 1);
    return s;
}

static void what_comes_between_goes_first (void **state)
{
    struct aw_graph *g = staged_and_fill (CPUS, CPUS);
    struct aw_sched *s;

    (void)state;
    graphs_set (g, "other", 1, CPUS - 1, 0, 10);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = half_filled (g, CPUS, "2 0 3 4 1 5");
    assert_starts (s, g, OTHER, 0);
    assert_nothing_starts (s);
    tell (s, AW_EVENT_FINISH, 60, aw_graph_first_task (g, 0, OTHER), 1);
    assert_starts (s, g, STAGED, 1);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* WIDE comes between, and finds no room once OTHER and SMALL have started. */
static void what_finds_no_room_is_passed_over (void **state)
{
    struct aw_graph *g = staged_and_fill (1, CPUS);

    (void)state;
    graphs_set (g, "other", 1, CPUS - 1, 0, 20);
    graphs_set (g, "wide", 1, CPUS, 0, 10);
    graphs_set (g, "small", 1, 1, 0, 10);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    for (int known = 0; known < 2; known++) {
        struct aw_sched *s = half_filled (g, CPUS, "4 0 2 5 3 6 1 7 8 9");

        assert_starts (s, g, OTHER, 0);
        assert_starts (s, g, SMALL, 0);
        if (known)
            assert_nothing_starts (s);
        tell (s, AW_EVENT_FINISH, 60, aw_graph_first_task (g, 0, SMALL), 1);
        assert_starts (s, g, STAGED, 1);
        assert_nothing_starts (s);
        aw_sched_destroy (s);
    }
    aw_graph_destroy (g);
}

/* OTHER, on the first node, would delay the first task of STAGED, and the later one, on the other
 * node, WIDE, which waits for SMALL. Only one place is reserved, that of the first task; if two
 * were in turn, the decision would have no end.
 */
static void the_place_of_the_first_is_reserved (void **state)
{
    struct aw_graph *g = staged_and_fill (CPUS - 1, CPUS - 1);
    struct aw_sched *s;

    (void)state;
    g->sets[STAGED].gpus = 1;
    graphs_set (g, "other", 1, 1, 2, LONG);
    graphs_set (g, "wide", 1, CPUS, 0, 10);
    graphs_set (g, "small", 1, 2, 0, 80);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    alarm (60);
    s = half_filled (g, CPUS + 1, "3 0 5 4 2 6 1 7 8 9");
    assert_starts (s, g, STAGED, 1);
    assert_nothing_starts (s);
    alarm (0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_comes_between_goes_first),
        cmocka_unit_test (what_finds_no_room_is_passed_over),
        cmocka_unit_test (the_place_of_the_first_is_reserved),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
