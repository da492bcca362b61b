/* SPDX-License-Identifier: Apache-2.0 */
/* "after": ["set[sample]"]: which tasks wait for which, and what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "adding.h"
#include "core/graph/peers.h"
#include "documents.h"
#include "graphs.h"
#include "io/workflow/key_groups.h"
#include "io/workflow/values.h"

#define X "'command': ['x']"

/* Two sets: a with the variables s and t, and b with what is given. */
#define PAIR(a, b) HEAD "'tasks': {'a': {" X ", 'foreach': {" a "}}, 'b': {" X ", " b "}}}"
#define A "'s': ['x', 'y'], 't': [1, 2]"

static void wrong_keys_are_told (void **state)
{
    static const struct expected table[] = {
        { PAIR (A, "'after': ['a[s]']"), "tasks.b.after[0]: [s]: b has no variables: give it a "
                                         "\"foreach\", or write [i] or no []" },
        { HEAD "'tasks': {'a': {" X "}, 'b': {" X ", 'foreach': {" A "}, 'after': ['a[s]']}}}",
          "tasks.b.after[0]: [s]: a has no variables: give it a \"foreach\", or write [i] or no "
          "[]" },
        { PAIR ("'sample': ['x']", "'foreach': {'sample': ['x']}, 'after': ['a[samples]']"),
          "tasks.b.after[0]: unknown variable of a \"samples\": did you mean \"sample\"?" },
        { PAIR (A, "'foreach': {'t': [2, 1]}, 'after': ['a[t,s]']"),
          "tasks.b.after[0]: unknown variable of b \"s\": write the name of a variable in its "
          "\"foreach\"" },
        { PAIR (A, "'foreach': {" A "}, 'after': ['a[s,t,s]']"),
          "tasks.b.after[0]: \"s\" is in [] twice: remove one" },
        { PAIR (A, "'foreach': {'s': ['z', 'x', 'y', 'u', 'v']}, 'after': ['a[s]']"),
          "tasks.b.after[0]: [s]: a has no task with s=z, which b has, and 2 more keys: both sets "
          "need the same values" },
        { PAIR (A, "'foreach': {'s': ['x']}, 'after': ['a[s]']"),
          "tasks.b.after[0]: [s]: b has no task with s=y, which a has: both sets need the same "
          "values" },
        { PAIR (A, "'foreach': {'s': ['x', 'y', 'x'], 't': ['1', '2', '01']}, 'after': ['a[s,t]']"),
          "tasks.b.after[0]: [s,t]: a has no task with s=x, t=01, which b has, and 1 more key: "
          "both sets need the same values" },
        { PAIR (A, "'foreach': {'s': ['y', 'x']}, 'after': ['a[s]', 'a[s]']"),
          "tasks.b.after[1]: the same as [0]: remove one" },
        { PAIR (A, "'foreach': {'s': ['y', 'x']}, 'after': ['a[s]', 'a']"),
          "tasks.b.after[1]: the same set as in [0], once with [s] and once as a whole: remove "
          "one" },
        { PAIR (A, "'foreach': {'s': ['y', 'x']}, 'after': ['a@-1[s]']"),
          "tasks.b.after[0]: \"a@-1[s]\": [s] comes before @: write \"a[s]@-1\"" },
        { PAIR (A, "'foreach': {'s': ['y', 'x']}, 'after': ['a[s,]']"),
          "tasks.b.after[0]: \"a[s,]\": brackets hold i, for the task with the same index, or "
          "names "
          "of variables: write \"a[i]\", \"a[sample]\", or \"a\" for all" },
        { PAIR (A, "'foreach': {'s': ['y', 'x']}, 'after': ['a[s']"),
          "tasks.b.after[0]: \"a[s\": brackets hold i, for the task with the same index, or names "
          "of variables: write \"a[i]\", \"a[sample]\", or \"a\" for all" },
        { PAIR (A, "'foreach': {'s': ['y', 'x']}, 'after': ['a[s]x']"),
          "tasks.b.after[0]: \"a[s]x\": write \"set\", \"set[i]\", \"set[variable]\", \"set@-1\" "
          "or "
          "\"set[i]@-1\"" },
    };

    (void)state;
    expect_each (table, LENGTH (table), false);
    /* the values are what is wrong, and that alone is reported */
    expect_one (PAIR (A, "'foreach': {'s': []}, 'after': ['a[s]']"), false,
                "tasks.b.foreach.s: is empty: a task set has at least one task");
}

/* Of each side something is missing: two problems. */
static void both_sides_are_told (void **state)
{
    struct aw_problems problems;

    (void)state;
    aw_problems_init (&problems);
    assert_null (parse_document (
        PAIR ("'s': ['p/x', 'p/y']", "'foreach': {'s': ['x', 'y']}, 'after': ['a[s]']"),
        &problems));
    assert_int_equal (problems.n_errors, 2);
    assert_non_null (strstr (problems.items[0].text, "a has no task with s=x, which b has, and 1"));
    assert_non_null (
        strstr (problems.items[1].text, "b has no task with s=p/x, which a has, and 1"));
    aw_problems_finish (&problems);
}

/* "0,2" : the indexes of A's tasks that the task of INDEX waits for along its edge number EDGE. */
static void expect_peers (const struct aw_workflow *w,
                          uint32_t edge,
                          uint32_t index,
                          const char *text)
{
    const struct aw_edge *e = &w->graph->sets[1].after[edge];
    struct aw_peers peers = aw_peers_before (w->graph, e->by, e->set, index);
    char found[200] = "";

    for (uint32_t i = 0; i < peers.n; i++)
        snprintf (found + strlen (found), sizeof (found) - strlen (found), "%s%u", i ? "," : "",
                  aw_peer (&peers, i));
    assert_string_equal (found, text);
}

static void tasks_with_equal_texts_belong_together (void **state)
{
    struct aw_workflow *w =
        parse_good (PAIR (A, "'foreach': {'t': ['2', 1], 's': ['y', 'x']},"
                             "'after': ['a[s]', 'a[t]', 'a[s,t]', 'a[t,s]@-1', 'a[i]']"));
    static const char *const expected[4][5] = {
        { "2,3", "1,3", "3", "3", "0" },
        { "0,1", "1,3", "1", "1", "1" },
        { "2,3", "0,2", "2", "2", "2" },
        { "0,1", "0,2", "0", "0", "3" },
    };

    (void)state;
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t e = 0; e < 5; e++)
            expect_peers (w, e, i, expected[i][e]);
    assert_string_equal (aw_graph_brackets (w->graph, w->graph->sets[1].after[3].by), "t,s");
    assert_int_equal (w->graph->sets[1].after[3].back, 1);
    aw_workflow_destroy (w);
}

/* A variable may be called i: brackets with i alone still mean the index. */
static void brackets_with_i_are_the_index (void **state)
{
    struct aw_workflow *w =
        parse_good (PAIR ("'i': [1, 2], 's': ['x']", "'foreach': {'i': [2, 1], 's': ['x']},"
                                                     "'after': ['a[i]', 'a[s,i]']"));

    (void)state;
    expect_peers (w, 0, 0, "0");
    expect_peers (w, 1, 0, "1");
    aw_workflow_destroy (w);
}

/* Sets that come later: by key to one without iterations; else for all of it. */
static void an_added_set_waits_by_key (void **state)
{
#define ADDED(keys) \
    "{\"async-workflow\": 1, \"tasks\": {\"b\": {\"command\": [\"x\"], \"foreach\": " keys "}}}"
    static const char good[] = ADDED ("{\"s\": [\"y\", \"x\"]}, \"after\": [\"a[s]\"]");
    static const char bad[] = ADDED ("{\"s\": [\"y\", \"z\"]}, \"after\": [\"a[s]\"]");
    struct aw_problems problems;
    struct aw_workflow *w;

    (void)state;
    aw_problems_init (&problems);
    w = parse_good (HEAD "'tasks': {'a': {" X ", 'foreach': {" A "}}}}");
    assert_int_equal (add_text (w, bad, &problems), -1);
    assert_int_equal (w->graph->n_sets, 1);
    assert_int_equal (w->graph->n_keys, 0);
    assert_int_equal (add_text (w, good, &problems), 1);
    expect_peers (w, 0, 0, "2,3");
    aw_workflow_take_back (w);
    assert_int_equal (w->graph->n_keys, 0);
    assert_int_equal (add_text (w, good, &problems), 1);
    expect_peers (w, 0, 1, "0,1");
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);

    w = parse_good (HEAD "'iterations': 2, 'tasks': {'a': {" X ", 'foreach': {" A "}}}}");
    assert_int_equal (add_text (w, good, &problems), -1);
    assert_string_equal (problems.items[0].text,
                         "a.json: tasks.b.after[0]: [s]: a has 2 iterations: write \"a\", which "
                         "waits for all of them");
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
}

static struct aw_values *random_values (uint64_t *seed, uint32_t n_tasks, uint32_t n_texts)
{
    struct aw_values *values = aw_values_create ();
    char text[16];

    for (uint32_t v = 0; v < 3; v++)
        assert_int_equal (aw_values_add_variable (values, (const char *[]){ "u", "v", "w" }[v]), 0);
    for (uint32_t i = 0; i < n_tasks; i++)
        for (uint32_t v = 0; v < 3; v++) {
            snprintf (text, sizeof (text), "%u", graphs_below (seed, n_texts));
            assert_int_equal (aw_values_append (values, v, text, strlen (text)), 0);
        }
    assert_int_equal (aw_values_align (values, n_tasks), 0);
    return values;
}

static bool same_key (const struct aw_keyed_set *x,
                      uint32_t i,
                      const struct aw_keyed_set *y,
                      uint32_t j)
{
    for (uint32_t v = 0; v < x->n; v++)
        if (strcmp (aw_values_text (x->values, i, x->variables[v]),
                    aw_values_text (y->values, j, y->variables[v]))
            != 0)
            return false;
    return true;
}

/* The keys of X that Y does not have, by all pairs of tasks. */
static struct aw_missing_keys plain_missing (const struct aw_keyed_set *x,
                                             const struct aw_keyed_set *y)
{
    struct aw_missing_keys missing = { 0 };

    for (uint32_t i = 0; i < aw_values_count (x->values); i++) {
        bool met = false;

        for (uint32_t k = 0; k < i; k++)
            met = met || same_key (x, i, x, k);
        for (uint32_t j = 0; j < aw_values_count (y->values); j++)
            met = met || same_key (x, i, y, j);
        if (!met && missing.n++ == 0)
            missing.index = i;
    }
    return missing;
}

static void check_groups (const struct aw_edge_key *key,
                          const struct aw_keyed_set *x,
                          const struct aw_keyed_set *y)
{
    for (uint32_t i = 0; i < aw_values_count (x->values); i++)
        for (uint32_t j = 0; j < aw_values_count (y->values); j++)
            assert_int_equal (key->before.group[i] == key->after.group[j], same_key (x, i, y, j));
}

static void groups_are_those_of_all_pairs (void **state)
{
    uint64_t first = (uint64_t)time (NULL);
    uint32_t n_good = 0, n_bad = 0;

    (void)state;
    print_message ("# seed %llu\n", (unsigned long long)first);
    for (uint32_t round = 0; round < 3000; round++) {
        uint64_t seed = first + round + 1;
        uint32_t n = 1 + graphs_below (&seed, 30), n_texts = 1 + graphs_below (&seed, 4);
        uint32_t variables[] = { graphs_below (&seed, 3), 0, 0 };
        struct aw_keyed_set x = { NULL, variables, 1 + graphs_below (&seed, 3) };
        struct aw_missing_keys in_after, in_before, want;
        struct aw_keyed_set y = x;
        struct aw_edge_key key;
        int rc;

        variables[1] = (variables[0] + 1) % 3;
        variables[2] = (variables[0] + 2) % 3;
        x.values = random_values (&seed, n, n_texts);
        y.values = random_values (&seed, 1 + graphs_below (&seed, 60), n_texts);
        rc = aw_key_groups (&key, "k", &x, &y, &in_after, &in_before);
        want = plain_missing (&x, &y);
        assert_true (in_after.n == want.n && in_after.index == want.index);
        want = plain_missing (&y, &x);
        assert_true (in_before.n == want.n && in_before.index == want.index);
        assert_int_equal (rc, in_after.n == 0 && in_before.n == 0);
        if (rc == 1)
            check_groups (&key, &x, &y);
        n_good += rc == 1;
        n_bad += rc == 0;
        aw_edge_key_finish (&key);
        aw_values_destroy ((struct aw_values *)x.values);
        aw_values_destroy ((struct aw_values *)y.values);
    }
    assert_true (n_good > 100 && n_bad > 100);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_keys_are_told),
        cmocka_unit_test (both_sides_are_told),
        cmocka_unit_test (tasks_with_equal_texts_belong_together),
        cmocka_unit_test (brackets_with_i_are_the_index),
        cmocka_unit_test (an_added_set_waits_by_key),
        cmocka_unit_test (groups_are_those_of_all_pairs),
    };

    return cmocka_run_group_tests_name ("keyed", tests, NULL, NULL);
}
