/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/graph/graph.h"
#include "core/graph/peers.h"

/* Sets by name, edges as triples "after what, how far back". Ends the test where memory runs out.
 */
static struct aw_graph *make_sets (const char *const names[], size_t n)
{
    struct aw_graph *graph = aw_graph_create ();

    assert_non_null (graph);
    for (size_t i = 0; i < n; i++)
        assert_non_null (aw_graph_add_set (graph, names[i]));
    return graph;
}

static void edge (struct aw_graph *graph, const char *set, const char *after, uint32_t back)
{
    struct aw_edge e = { .set = aw_graph_find (graph, after), .back = back };

    assert_int_equal (aw_graph_add_edge (graph, aw_graph_find (graph, set), e), 0);
}

static void wrong_graphs_are_refused (void **state)
{
    static const char *const names[] = { "a", "b" };
    struct aw_graph *graph = aw_graph_create ();
    struct aw_error err;

    (void)state;
    aw_graph_destroy (NULL);
    assert_int_equal (aw_graph_find (graph, "a"), AW_NONE);
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "no task sets");
    assert_int_equal (aw_graph_add_edge (graph, 0, (struct aw_edge){ .set = 0 }), -1);
    assert_int_equal (errno, EINVAL);
    aw_graph_destroy (graph);

    graph = make_sets (names, 2);
    errno = 0;
    assert_null (aw_graph_add_set (graph, "b"));
    assert_int_equal (errno, EEXIST);
    assert_int_equal (graph->n_sets, 2);
    assert_int_equal (aw_graph_add_edge (graph, 0, (struct aw_edge){ .set = 2 }), 0);
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "a: a predecessor does not exist");
    assert_int_equal (aw_graph_finalize (graph, NULL), -1);
    errno = EBUSY;
    aw_graph_destroy (graph);
    assert_int_equal (errno, EBUSY);
}

static void what_is_not_set_has_its_default (void **state)
{
    struct aw_graph *graph = aw_graph_create ();
    struct aw_set *set = aw_graph_add_set (graph, "only");

    (void)state;
    assert_int_equal (set->count, 1);
    assert_int_equal (set->cpus, 1);
    assert_int_equal (set->gpus, 0);
    assert_int_equal (set->mem, 0);
    assert_true (isnan (set->duration));
    assert_true (isinf (set->time_limit));
    assert_int_equal (set->retry.count, 0);
    assert_int_equal (set->on_failure, AW_ON_FAILURE_STOP);
    assert_int_equal (set->n_after, 0);
    assert_int_equal (graph->iterations, 1);
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    assert_int_equal (graph->n_tasks, 1);
    assert_int_equal (graph->n_ranks, 1);
    aw_graph_destroy (graph);
}

static void a_graph_holds_no_more_than_its_limits (void **state)
{
    static const char *const names[] = { "a", "b" };
    struct aw_graph *graph = make_sets (names, 2);
    struct aw_error err;
    char expected[64];

    (void)state;
    graph->sets[0].count = AW_MAX_TASKS - 1;
    assert_int_equal (aw_graph_finalize (graph, &err), 0);
    assert_int_equal (graph->n_tasks, AW_MAX_TASKS);
    assert_int_equal (aw_graph_task (graph, AW_MAX_TASKS - 1).set, 1);
    graph->iterations = 2;
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    snprintf (expected, sizeof (expected), "more than %u tasks in all", AW_MAX_TASKS);
    assert_string_equal (err.text, expected);
    graph->iterations = 1;
    graph->sets[1].count = UINT32_MAX;
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    graph->sets[0].count = 1;
    graph->sets[1].count = 1;
    graph->iterations = UINT32_MAX;
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    graph->iterations = 0;
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    graph->iterations = 1;
    graph->sets[1].count = 0;
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "b: a set needs at least one task");
    aw_graph_destroy (graph);
}

static void wrong_keys_are_refused (void **state)
{
    static const char *const names[] = { "a", "b" };
    static const uint32_t two[] = { 0, 1, 1 }, one[] = { 0, 0 }, far[] = { 0, 2 };
    struct aw_graph *graph = make_sets (names, 2);
    struct aw_edge edge = { .set = 0 };
    struct aw_edge_key key;
    struct aw_error err;

    (void)state;
    errno = 0;
    assert_int_equal (aw_edge_key_init (&key, "k", 2, two, 3, far, 2), -1); /* no such group */
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_edge_key_init (&key, "k", 2, one, 2, two, 3), -1); /* nothing before 1 */
    assert_int_equal (aw_edge_key_init (&key, "k", 2, two, 3, one, 2), -1); /* nothing after 1 */
    assert_int_equal (aw_edge_key_init (&key, "k", 0, two, 0, one, 2), -1);
    assert_null (key.name);
    aw_edge_key_finish (&key);
    assert_int_equal (aw_edge_key_init (&key, "k", 2, two, 3, two, 2), 0);
    errno = 0;
    assert_int_equal (aw_graph_add_keyed_edge (graph, 2, edge, &key), -1);
    assert_int_equal (errno, EINVAL);
    assert_string_equal (key.name, "k"); /* still ours */
    assert_int_equal (aw_graph_add_keyed_edge (graph, 1, edge, &key), 0);
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "b: \"a[k]\" needs sets of 3 and 2 tasks, not 1 and 1");
    graph->sets[0].count = 3;
    graph->sets[1].count = 2;
    assert_int_equal (aw_graph_finalize (graph, &err), 0);
    assert_string_equal (aw_graph_brackets (graph, graph->sets[1].after[0].by), "k");
    assert_string_equal (aw_graph_brackets (graph, AW_BY_INDEX), "i");
    assert_null (aw_graph_brackets (graph, AW_BY_SET));
    edge.by = AW_BY_KEY + 1;
    assert_int_equal (aw_graph_add_edge (graph, 1, edge), 0);
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "b: a key does not exist");
    aw_graph_destroy (graph);
}

/* Both ways along an edge of each kind. */
static void an_edge_connects_the_tasks_that_belong_together (void **state)
{
    static const char *const names[] = { "a", "b" };
    static const uint32_t before[] = { 1, 0, 1, 1 }, after[] = { 0, 1, 1 };
    struct aw_graph *graph = make_sets (names, 2);
    struct aw_edge_key key;
    struct aw_peers peers;

    (void)state;
    graph->sets[0].count = 4;
    graph->sets[1].count = 3;
    assert_int_equal (aw_edge_key_init (&key, "k", 2, before, 4, after, 3), 0);
    assert_int_equal (aw_graph_add_keyed_edge (graph, 1, (struct aw_edge){ .set = 0 }, &key), 0);
    peers = aw_peers_after (graph, AW_BY_KEY, 1, 3);
    assert_int_equal (peers.n, 2);
    assert_int_equal (aw_peer (&peers, 0), 1);
    assert_int_equal (aw_peer (&peers, 1), 2);
    peers = aw_peers_before (graph, AW_BY_KEY, 0, 2);
    assert_int_equal (peers.n, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal (aw_peer (&peers, i), i ? i + 1 : 0);
    peers = aw_peers_after (graph, AW_BY_INDEX, 1, 2);
    assert_true (peers.n == 1 && aw_peer (&peers, 0) == 2);
    peers = aw_peers_before (graph, AW_BY_INDEX, 0, 2);
    assert_true (peers.n == 1 && aw_peer (&peers, 0) == 2);
    peers = aw_peers_after (graph, AW_BY_SET, 1, 3);
    assert_true (peers.n == 3 && aw_peer (&peers, 2) == 2);
    peers = aw_peers_before (graph, AW_BY_SET, 0, 0);
    assert_true (peers.n == 4 && aw_peer (&peers, 3) == 3);
    aw_graph_destroy (graph);
}

static void one_to_one_edges_need_sets_of_equal_size (void **state)
{
    static const char *const names[] = { "a", "b" };
    struct aw_graph *graph = make_sets (names, 2);
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_graph_add_edge (graph, 1, (struct aw_edge){ .set = 0, .by = AW_BY_INDEX }),
                      0);
    graph->sets[0].count = graph->sets[1].count = 5;
    assert_int_equal (aw_graph_finalize (graph, &err), 0);
    graph->sets[1].count = 6;
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "b: \"a[i]\" needs sets of one size, not 5 and 6");
    aw_graph_destroy (graph);
}

/* By index or key somebody waits for single tasks, as do the end of the iterations and the task
 * that submitted the set; by set, nobody does.
 */
static void sets_know_whether_single_tasks_are_waited_for (void **state)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    const struct aw_edge by_set = { .set = 0 }, by_index = { .set = 1, .by = AW_BY_INDEX };
    struct aw_graph *graph = make_sets (names, 4);
    struct aw_graph_size old;

    (void)state;
    assert_int_equal (aw_graph_add_edge (graph, 1, by_set), 0);
    assert_int_equal (aw_graph_add_edge (graph, 2, by_index), 0);
    graph->until = 3;
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    assert_false (graph->sets[0].waited_singly);
    assert_true (graph->sets[1].waited_singly);
    assert_false (graph->sets[2].waited_singly);
    assert_true (graph->sets[3].waited_singly);
    old = aw_graph_size (graph);
    assert_non_null (aw_graph_add_set (graph, "e"));
    assert_non_null (aw_graph_add_set (graph, "f"));
    assert_int_equal (aw_graph_add_edge (graph, 4, (struct aw_edge){ .set = 2, .by = AW_BY_INDEX }),
                      0);
    assert_int_equal (aw_graph_add_edge (graph, 4, by_set), 0);
    assert_non_null (aw_graph_add_set (graph, "g")); /* "e" waits for it, although it comes later */
    assert_int_equal (aw_graph_add_edge (graph, 4, (struct aw_edge){ .set = 6, .by = AW_BY_INDEX }),
                      0);
    graph->sets[5].submitted = true;
    assert_int_equal (aw_graph_grow (graph, &old, NULL), 0);
    assert_false (graph->sets[0].waited_singly);
    assert_true (graph->sets[2].waited_singly);
    assert_false (graph->sets[4].waited_singly);
    assert_true (graph->sets[5].waited_singly);
    assert_true (graph->sets[6].waited_singly);
    aw_graph_destroy (graph);
}

/* DeepDriveMD: simulate waits for the iteration before, which is no cycle. */
static struct aw_graph *make_ddmd (void)
{
    static const char *const names[] = { "simulate", "aggregate", "train", "infer" };
    struct aw_graph *graph = make_sets (names, 4);

    edge (graph, "simulate", "simulate", 1);
    edge (graph, "simulate", "infer", 1);
    edge (graph, "aggregate", "simulate", 0);
    edge (graph, "train", "aggregate", 0);
    edge (graph, "infer", "train", 0);
    graph->sets[0].count = 96;
    graph->sets[1].count = 16;
    graph->sets[3].count = 96;
    graph->iterations = 3;
    graph->iterated = true;
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    return graph;
}

static void tasks_are_numbered_by_iteration_set_and_index (void **state)
{
    static const struct {
        uint32_t id;
        struct aw_task task;
        const char *name;
    } table[] = {
        { 0, { 0, 0, 0 }, "simulate@0[0]" },   { 95, { 0, 0, 95 }, "simulate@0[95]" },
        { 96, { 0, 1, 0 }, "aggregate@0[0]" }, { 112, { 0, 2, 0 }, "train@0[0]" },
        { 113, { 0, 3, 0 }, "infer@0[0]" },    { 208, { 0, 3, 95 }, "infer@0[95]" },
        { 209, { 1, 0, 0 }, "simulate@1[0]" }, { 626, { 2, 3, 95 }, "infer@2[95]" },
    };
    struct aw_graph *graph = make_ddmd ();
    char buf[64];

    (void)state;
    assert_int_equal (graph->tasks_per_iteration, 209);
    assert_int_equal (graph->n_tasks, 627);
    assert_int_equal (graph->n_ranks, 4);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_task task = aw_graph_task (graph, table[i].id);

        assert_memory_equal (&task, &table[i].task, sizeof (task));
        assert_int_equal (aw_graph_task_id (graph, task), table[i].id);
        assert_int_equal (aw_graph_task_name (graph, table[i].id, buf, sizeof (buf)),
                          strlen (table[i].name));
        assert_string_equal (buf, table[i].name);
    }
    for (uint32_t id = 0; id < graph->n_tasks; id++) {
        aw_graph_task_name (graph, id, buf, sizeof (buf));
        assert_int_equal (aw_graph_task_parse (graph, buf), id);
    }
    assert_int_equal (aw_graph_task_name (graph, 626, buf, 8), 11);
    assert_string_equal (buf, "infer@2");
    aw_graph_destroy (graph);
}

static void an_unknown_task_is_not_found (void **state)
{
    static const char *const bad[] = {
        "",
        "simulate",
        "simulate[0]",
        "simulate@3[0]",
        "simulate@0[96]",
        "simulate@-1[0]",
        "simulate@0[0]x",
        "simulate@0[00]",
        "simulate@0[]",
        "simulate@[0]",
        "simulate@0",
        "simul@0[0]",
        "simulate@0[4294967296]",
        "simulate@0[ 1]",
        "simulate@0[+1]",
        "@0[0]",
        "simulatex@0[0]",
        "simulate@99999999999[0]",
        "simulate@0[1",
    };
    static const char *const names[] = { "a" };
    struct aw_graph *graph = make_ddmd ();
    char buf[16];

    (void)state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        assert_int_equal (aw_graph_task_parse (graph, bad[i]), AW_NONE);
    aw_graph_destroy (graph);

    graph = make_sets (names, 1); /* without iterations there is no "@" */
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    aw_graph_task_name (graph, 0, buf, sizeof (buf));
    assert_string_equal (buf, "a[0]");
    assert_int_equal (aw_graph_task_parse (graph, "a[0]"), 0);
    assert_int_equal (aw_graph_task_parse (graph, "a@0[0]"), AW_NONE);
    aw_graph_destroy (graph);
}

static void sets_are_ordered_after_those_they_follow (void **state)
{
    /* In the file: d waits for b and c, both for a; e stands alone; f comes after e, written first.
     */
    static const char *const names[] = { "f", "d", "c", "b", "a", "e" };
    static const char *const expected[] = { "a", "e", "f", "c", "b", "d" };
    static const uint32_t ranks[] = { 0, 0, 1, 1, 1, 2 };
    struct aw_graph *graph = make_sets (names, 6);

    (void)state;
    edge (graph, "d", "b", 0);
    edge (graph, "d", "c", 0);
    edge (graph, "d", "a", 0);
    edge (graph, "b", "a", 0);
    edge (graph, "c", "a", 0);
    edge (graph, "f", "e", 0);
    edge (graph, "a", "d", 1); /* back in time: no part in the order */
    for (int again = 0; again < 2; again++) {
        assert_int_equal (aw_graph_finalize (graph, NULL), 0);
        assert_int_equal (graph->n_ranks, 3);
        for (uint32_t i = 0; i < 6; i++) {
            const struct aw_set *set = &graph->sets[graph->order[i]];

            assert_string_equal (set->name, expected[i]);
            assert_int_equal (set->rank, ranks[i]);
        }
    }
    aw_graph_destroy (graph);
}

struct cycles {
    char text[4][512];
    uint32_t set[4];
    int n;
};

static void note_cycle (uint32_t set, const char *text, void *arg)
{
    struct cycles *cycles = arg;

    if (cycles->n < 4) {
        cycles->set[cycles->n] = set;
        snprintf (cycles->text[cycles->n], sizeof (cycles->text[0]), "%s", text);
    }
    cycles->n++;
}

static void a_cycle_is_found_and_named (void **state)
{
    /* self; a -> c -> b -> a; tail hangs behind the second; x and y, another; ok is innocent. */
    static const char *const names[] = { "tail", "self", "b", "a", "ok", "c", "x", "y" };
    struct aw_graph *graph = make_sets (names, 8);
    struct cycles found = { .n = 0 };
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_graph_cycles (graph, 0, note_cycle, &found), 0);
    edge (graph, "ok", "ok", 1);
    edge (graph, "self", "self", 0);
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "cycle: self -> self");
    edge (graph, "c", "a", 0);
    edge (graph, "b", "c", 0);
    edge (graph, "a", "b", 0);
    edge (graph, "tail", "ok", 0);
    edge (graph, "tail", "c", 0);
    edge (graph, "x", "y", 0);
    edge (graph, "y", "x", 0);
    assert_int_equal (aw_graph_cycles (graph, 0, note_cycle, &found), 3);
    assert_int_equal (found.n, 3);
    assert_string_equal (found.text[0], "b -> a -> c -> b");
    assert_int_equal (found.set[0], aw_graph_find (graph, "b"));
    assert_string_equal (found.text[1], "self -> self");
    assert_string_equal (found.text[2], "x -> y -> x");
    assert_int_equal (aw_graph_finalize (graph, &err), -1);
    assert_string_equal (err.text, "cycle: b -> a -> c -> b");
    aw_graph_destroy (graph);
}

/* Long chains and cycles: neither deep recursion nor quadratic time. */
static void long_chains_and_cycles_need_no_deep_recursion (void **state)
{
    enum { N = 100000 };
    struct aw_graph *graph = aw_graph_create ();
    struct cycles found = { .n = 0 };
    char name[32];

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        snprintf (name, sizeof (name), "set-%u", i);
        assert_non_null (aw_graph_add_set (graph, name));
        if (i)
            assert_int_equal (aw_graph_add_edge (graph, i, (struct aw_edge){ .set = i - 1 }), 0);
    }
    for (uint32_t i = 0; i < N; i++) {
        snprintf (name, sizeof (name), "set-%u", i);
        assert_int_equal (aw_graph_find (graph, name), i);
    }
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    assert_int_equal (graph->n_ranks, N);
    assert_int_equal (graph->order[N - 1], N - 1);
    assert_int_equal (aw_graph_add_edge (graph, 0, (struct aw_edge){ .set = N - 1 }), 0);
    assert_int_equal (aw_graph_cycles (graph, 0, note_cycle, &found), 1);
    assert_memory_equal (found.text[0], "set-0 -> set-1 -> ", 18);
    assert_non_null (strstr (found.text[0], " more ... -> set-0"));
    assert_true (strlen (found.text[0]) < 400);
    aw_graph_destroy (graph);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_graphs_are_refused),
        cmocka_unit_test (what_is_not_set_has_its_default),
        cmocka_unit_test (a_graph_holds_no_more_than_its_limits),
        cmocka_unit_test (wrong_keys_are_refused),
        cmocka_unit_test (an_edge_connects_the_tasks_that_belong_together),
        cmocka_unit_test (one_to_one_edges_need_sets_of_equal_size),
        cmocka_unit_test (sets_know_whether_single_tasks_are_waited_for),
        cmocka_unit_test (tasks_are_numbered_by_iteration_set_and_index),
        cmocka_unit_test (an_unknown_task_is_not_found),
        cmocka_unit_test (sets_are_ordered_after_those_they_follow),
        cmocka_unit_test (a_cycle_is_found_and_named),
        cmocka_unit_test (long_chains_and_cycles_need_no_deep_recursion),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
