/* SPDX-License-Identifier: Apache-2.0 */
/* Idle workers in the scheduler: calls go to them, and their starts are paid for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/residents.h"
#include "graphs.h"
#include "model/simulate.h"

static const struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };

static struct aw_idset ids (const char *text)
{
    struct aw_idset set = { 0 };

    assert_int_equal (aw_idset_parse (&set, text), 0);
    return set;
}

static void a_start_ends_the_workers_in_its_place (void **state)
{
    static const struct {
        uint32_t set, part, node; /* part of the GPU that others may keep */
        const char *cpus, *gpus;
        bool exact;
        uint32_t left; /* of set 0 on CPUs 0-1 and on 2 with 400 of GPU 0 each, set 1 on 4 */
        const char *spared; /* CPUs, of those that are left */
    } table[] = {
        { 0, 600, 0, "0-1", "0", true, 2, "2,4" },  { 0, 600, 0, "2", "0", true, 2, "0-1,4" },
        { 0, 600, 0, "0", "0", false, 2, "2,4" },   { 0, 600, 0, "0-2", "0", false, 1, "4" },
        { 0, 0, 0, "0-1", "0", true, 1, "4" },      { 1, 0, 0, "5", "0", false, 1, "4" },
        { 1, 399, 0, "5", "0", false, 1, "4" },     { 1, 500, 0, "5", "0", false, 2, "2,4" },
        { 1, 800, 0, "5", "0", false, 3, "0-2,4" }, { 1, 0, 0, "4", "", true, 2, "0-2" },
        { 1, 0, 0, "4", "1", false, 2, "0-2" },     { 0, 0, 1, "0-1", "0", false, 3, "0-2,4" },
        { 2, 0, 0, "0-4", "", false, 0, "" },       { 0, 800, 0, "3", "0", false, 3, "0-2,4" },
    };
    char spared[32];

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_idset all_cpus = ids ("0-7"), all_gpus = ids ("0-1"), a = ids ("0-1"),
                        b = ids ("2"), c = ids ("4"), gpu = ids ("0"), no = ids (""),
                        cpus = ids (table[i].cpus), gpus = ids (table[i].gpus);
        struct aw_residents all = { 0 }, copy;
        struct aw_pool pool;

        aw_pool_init (&pool);
        for (int n = 0; n < 2; n++)
            assert_int_equal (aw_pool_add_node (&pool, "n", &all_cpus, &all_gpus, 0, NULL, NULL),
                              n);
        assert_int_equal (
            aw_residents_add (&all, &pool, &(struct aw_resident){ 0, 0, 400, a, gpu }), 0);
        assert_int_equal (
            aw_residents_add (&all, &pool, &(struct aw_resident){ 0, 0, 400, b, gpu }), 0);
        assert_int_equal (aw_residents_add (&all, &pool, &(struct aw_resident){ 1, 0, 0, c, no }),
                          0);
        assert_int_equal (aw_residents_clone (&copy, &all), 0);
        assert_int_equal (aw_residents_take (&copy, &pool, table[i].set, table[i].part,
                                             table[i].node, &cpus, &gpus),
                          table[i].exact);
        aw_idset_format (&pool.nodes[0].spared_cpus, spared, sizeof (spared));
        assert_string_equal (spared, table[i].spared);
        aw_idset_format (&pool.nodes[0].spared_gpus, spared, sizeof (spared));
        assert_string_equal (spared, strpbrk (table[i].spared, "012") ? "0" : "");
        assert_int_equal (copy.n, table[i].left);
        assert_int_equal (all.n, 3);
        aw_residents_finish (&copy);
        aw_residents_finish (&all);
        aw_pool_finish (&pool);
        aw_idset_finish (&all_cpus);
        aw_idset_finish (&all_gpus);
        aw_idset_finish (&a);
        aw_idset_finish (&b);
        aw_idset_finish (&c);
        aw_idset_finish (&gpu);
        aw_idset_finish (&cpus);
        aw_idset_finish (&gpus);
    }
}

static struct aw_graph *graph_of (uint32_t calls, double startup, uint32_t wide)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_set *set = graphs_set (g, "call", calls, 1, 0, 1);

    set->worker = g->workers = true;
    set->startup = startup;
    if (wide) {
        graphs_set (g, "wide", 1, wide, 0, 1);
        graphs_edge (g, "wide", "call", 0, 0);
        set = graphs_set (g, "again", calls, 1, 0, 1);
        set->worker = true;
        set->startup = startup;
        graphs_edge (g, "again", "wide", 0, 0);
    }
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void the_model_starts_each_worker_once (void **state)
{
    static const struct {
        uint32_t calls, wide;
        double startup, end;
    } table[] = {
        { 6, 0, 10, 13 }, /* two CPUs: each starts one worker, then three calls of 1 s */
        { 1, 0, 10, 11 },
        { 6, 0, 0, 3 },
        { 6, 2, 10, 27 }, /* the other set has workers of its own */
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph *g = graph_of (table[i].calls, table[i].startup, table[i].wide);
        struct aw_sched *s = aw_sched_create (g, &config, NULL);
        struct aw_simulation sim = { 0 };
        struct aw_simulated result;

        assert_int_equal (aw_simulate_add_nodes (s, 1, 2, 0, 0, NULL), 0);
        assert_int_equal (aw_simulate (s, &sim, &result, NULL), 0);
        assert_true (fabs (result.end - table[i].end) < 1e-9);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

/* A simulation that begins while a worker starts counts with that, too. */
static void the_model_takes_over_a_starting_worker (void **state)
{
    struct aw_graph *g = graph_of (2, 10, 0);
    struct aw_sched *s = aw_sched_create (g, &config, NULL);
    struct aw_simulation sim = { 0 };
    struct aw_simulated result;
    struct aw_event action;

    (void)state;
    assert_int_equal (aw_simulate_add_nodes (s, 1, 1, 0, 0, NULL), 0);
    while (aw_sched_next (s, &action))
        ;
    assert_int_equal (aw_simulate (s, &sim, &result, NULL), 0);
    assert_true (fabs (result.end - 12) < 1e-9);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Starts what can start now; TASK is on that NODE and CPU then; NODES, unless NULL: those of all.
 */
static void starts (
    struct aw_sched *s, uint32_t task, uint32_t *node, uint32_t *cpu, uint32_t *nodes)
{
    struct aw_event action;

    *node = AW_NONE;
    while (aw_sched_next (s, &action)) {
        if (action.type != AW_EVENT_START)
            continue;
        if (nodes)
            nodes[action.task] = action.node;
        if (action.task == task) {
            *node = action.node;
            *cpu = aw_idset_next (&action.cpus, 0);
        }
    }
}

static void finish (struct aw_sched *s, double t, uint32_t task, uint32_t node, double seconds)
{
    const struct aw_event ev = { .type = AW_EVENT_FINISH,
                                 .t = t,
                                 .task = task,
                                 .node = node,
                                 .status = AW_STATUS_COMPLETED,
                                 .seconds = seconds };

    assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
}

/* Tasks fill all but one place, which a worker gets; then all is free, and the next call goes to
 * the worker, though other places come first. */
enum { CALL_0, NEXT_0, CALL_1, NEXT_1, FILL };

static void a_call_goes_to_an_idle_worker (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;
    uint32_t node, cpu, first_node, first_cpu, fill[11];

    (void)state;
    graphs_set (g, "call", 1, 1, 0, 1)->worker = true;
    graphs_set (g, "next", 1, 1, 0, 1);
    graphs_edge (g, "next", "call", 0, 0);
    graphs_edge (g, "call", "next", 1, 0);
    graphs_set (g, "fill", 7, 1, 0, 100)->once = true;
    g->workers = g->iterated = true;
    g->iterations = 2;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    assert_int_equal (aw_simulate_add_nodes (s, 2, 4, 0, 0, NULL), 0);
    starts (s, CALL_0, &first_node, &first_cpu, fill);
    assert_true (first_node == 1 && first_cpu == 3);
    for (uint32_t i = FILL; i < FILL + 7; i++)
        finish (s, 1, i, fill[i], 1);
    finish (s, 2, CALL_0, first_node, 50);
    starts (s, NEXT_0, &node, &cpu, NULL);
    finish (s, 3, NEXT_0, node, 1);
    starts (s, CALL_1, &node, &cpu, NULL);
    assert_int_equal (node, first_node);
    assert_int_equal (cpu, first_cpu);
    assert_true (aw_sched_startup (s, CALL_1) == 0);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Two nodes of four CPUs and two GPUs, where a worker of set 0 is idle on CPU 0, or on CPU 0 and
 * GPU 0, of the first: the place of a task of another set.
 */
static void other_tasks_leave_idle_workers_alone (void **state)
{
    static const struct {
        uint32_t gpus, share; /* of the worker */
        uint32_t cpus, other_gpus, other_share, n; /* of N other tasks */
        const char *lasts; /* the place of the last: node, CPUs, GPUs */
        bool stays;
    } table[] = {
        { 0, 0, 1, 0, 0, 1, "0 1 ", true },       { 0, 0, 3, 0, 0, 1, "0 1-3 ", true },
        { 0, 0, 4, 0, 0, 1, "1 0-3 ", true }, /* the other node has room */
        { 0, 0, 4, 0, 0, 2, "0 0-3 ", false },    { 0, 0, 1, 0, 0, 7, "1 3 ", true },
        { 0, 0, 1, 0, 0, 8, "0 0 ", false },      { 1, 0, 1, 1, 0, 1, "0 1 1", true },
        { 1, 0, 1, 2, 0, 1, "1 0 0-1", true },    { 1, 0, 1, 2, 0, 2, "0 0 0-1", false },
        { 0, 500, 1, 0, 500, 2, "0 2 1", true }, /* not the other half of its GPU */
        { 0, 500, 1, 0, 500, 7, "0 0 0", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_set *set = graphs_set (g, "call", 1, 1, table[i].gpus, 1);
        struct aw_sched *s;
        struct aw_event action;
        uint32_t node = 0, cpu = 0;
        char cpus[32], gpus[32], place[80] = "";

        set->worker = g->workers = true;
        set->gpu_share = table[i].share;
        graphs_set (g, "other", table[i].n, table[i].cpus, table[i].other_gpus, 1)->gpu_share =
            table[i].other_share;
        graphs_edge (g, "other", "call", 0, 0);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = aw_sched_create (g, &config, NULL);
        assert_int_equal (aw_simulate_add_nodes (s, 2, 4, 2, 0, NULL), 0);
        starts (s, 0, &node, &cpu, NULL);
        assert_true (node == 0 && cpu == 0);
        finish (s, 1, 0, 0, 1);
        while (aw_sched_next (s, &action))
            if (action.type == AW_EVENT_START) {
                aw_idset_format (&action.cpus, cpus, sizeof (cpus));
                aw_idset_format (&action.gpus, gpus, sizeof (gpus));
                snprintf (place, sizeof (place), "%u %s %s", action.node, cpus, gpus);
            }
        if (strcmp (place, table[i].lasts) != 0)
            fail_msg ("row %zu: %s, not %s", i, place, table[i].lasts);
        assert_int_equal (aw_idset_next (&aw_sched_pool (s)->nodes[0].spared_cpus, 0)
                              != AW_IDSET_NONE,
                          table[i].stays);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

static void the_call_that_starts_a_worker_teaches_no_duration (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;
    uint32_t node, cpu;

    (void)state;
    graphs_set (g, "call", 3, 1, 0, NAN)->worker = true;
    g->workers = true;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    assert_int_equal (aw_simulate_add_nodes (s, 1, 1, 0, 0, NULL), 0);
    starts (s, 0, &node, &cpu, NULL);
    finish (s, 1, 0, 0, 50);
    assert_true (isnan (aw_sched_duration (s, 0)));
    starts (s, 1, &node, &cpu, NULL);
    finish (s, 2, 1, 0, 1);
    assert_true (aw_sched_duration (s, 0) == 1);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_start_ends_the_workers_in_its_place),
        cmocka_unit_test (the_model_starts_each_worker_once),
        cmocka_unit_test (the_model_takes_over_a_starting_worker),
        cmocka_unit_test (a_call_goes_to_an_idle_worker),
        cmocka_unit_test (other_tasks_leave_idle_workers_alone),
        cmocka_unit_test (the_call_that_starts_a_worker_teaches_no_duration),
    };

    cmocka_set_message_output (CM_OUTPUT_TAP);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
