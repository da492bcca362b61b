/* SPDX-License-Identifier: Apache-2.0 */
/* How fast keyed dependencies are: N tasks of one set wait by key for N tasks of another. Prints
 * one line: "CASE N SECONDS MB SECONDS NANOSECONDS": the time to make the groups from the values,
 * the memory that they take, the time to make the counters, and the time of a completion, with the
 * release of what waits for it.
 *
 *     bench-keys CASE N
 *
 * CASE is which keys the tasks have:
 *
 *   different  all keys differ, both sets in the same order
 *   reversed   all keys differ, in opposite orders
 *   thousand   1,000 keys
 *   one        one key
 *   two        all pairs of two variables differ, in opposite orders
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/graph/depend.h"
#include "io/workflow/key_groups.h"
#include "io/workflow/values.h"

static double now (void)
{
    struct timespec t;

    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die (const char *what)
{
    fprintf (stderr, "bench-keys: %s\n", what);
    exit (1);
}

static uint32_t n_different (const char *name, uint32_t n)
{
    if (!strcmp (name, "thousand"))
        return 1000;
    return strcmp (name, "one") == 0 ? 1 : n;
}

/* The table of one set, of two variables. */
static struct aw_values *make_values (const char *name, uint32_t n, bool reversed)
{
    struct aw_values *values = aw_values_create ();
    uint32_t different = n_different (name, n);
    bool two = strcmp (name, "two") == 0;

    if (!values || aw_values_add_variable (values, "sample") < 0
        || aw_values_add_variable (values, "part") < 0)
        die ("out of memory");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = (reversed ? n - 1 - i : i) % different;
        char sample[32], part[32];

        snprintf (sample, sizeof (sample), "data/sample-%07u.fq", two ? key / 1000 : key);
        snprintf (part, sizeof (part), "%u", two ? key % 1000 : 0);
        if (aw_values_append (values, 0, sample, strlen (sample)) < 0
            || aw_values_append (values, 1, part, strlen (part)) < 0)
            die ("out of memory");
    }
    if (aw_values_align (values, n) < 0)
        die ("out of memory");
    return values;
}

static double make_groups (const char *name, uint32_t n, struct aw_edge_key *key)
{
    static const uint32_t variables[] = { 0, 1 };
    bool reversed = strcmp (name, "different") != 0;
    struct aw_values *before = make_values (name, n, false);
    struct aw_values *after = make_values (name, n, reversed);
    struct aw_keyed_set x = { before, variables, strcmp (name, "two") == 0 ? 2 : 1 };
    struct aw_keyed_set y = { after, variables, x.n };
    struct aw_missing_keys in_after, in_before;
    double start = now ();

    if (aw_key_groups (key, "sample", &x, &y, &in_after, &in_before) != 1)
        die ("no groups");
    start = now () - start;
    aw_values_destroy (before);
    aw_values_destroy (after);
    return start;
}

static struct aw_graph *make_graph (uint32_t n, struct aw_edge_key *key)
{
    struct aw_graph *graph = aw_graph_create ();

    if (!graph || !aw_graph_add_set (graph, "align") || !aw_graph_add_set (graph, "merge"))
        die ("out of memory");
    graph->sets[0].count = graph->sets[1].count = n;
    if (aw_graph_add_keyed_edge (graph, 1, (struct aw_edge){ .set = 0 }, key) < 0
        || aw_graph_finalize (graph, NULL) < 0)
        die ("no graph");
    return graph;
}

/* Completes all tasks of the first set. Returns seconds for one. */
static double complete (struct aw_depend *depend, uint32_t n)
{
    struct aw_released out = { 0 };
    uint32_t n_ready = 0;
    double start;

    if (aw_depend_begin (depend, 0, &out) < 0)
        die ("out of memory");
    aw_ranges_clear (&out.ready);
    start = now ();
    for (uint32_t task = 0; task < n; task++) {
        if (aw_depend_done (depend, task, 0, &out) < 0)
            die ("out of memory");
        for (; !aw_ranges_empty (&out.ready); n_ready++)
            aw_ranges_pop (&out.ready);
    }
    start = now () - start;
    if (n_ready != n)
        die ("not all tasks became ready");
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    return start / n;
}

int main (int argc, char **argv)
{
    uint32_t n = argc == 3 ? (uint32_t)strtoul (argv[2], NULL, 10) : 0;
    struct aw_edge_key key;
    struct aw_depend depend;
    struct aw_graph *graph;
    double groups, counters;
    size_t bytes;

    if (n < 1) {
        fprintf (stderr, "usage: %s different|reversed|thousand|one|two N\n", argv[0]);
        return 2;
    }
    groups = make_groups (argv[1], n, &key);
    bytes = 4 * (4 * (size_t)n + 2 * (key.n_groups + (size_t)1));
    graph = make_graph (n, &key);
    counters = now ();
    if (aw_depend_init (&depend, graph, false) < 0)
        die ("out of memory");
    counters = now () - counters;
    printf ("%-10s %9u %7.3f %6.1f %7.3f %7.1f\n", argv[1], n, groups, (double)bytes / (1 << 20),
            counters, 1e9 * complete (&depend, n));
    aw_depend_finish (&depend);
    aw_graph_destroy (graph);
    return 0;
}
