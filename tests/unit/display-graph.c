/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "display-graph.h"

struct aw_graph *display_graph (uint32_t n_sets, uint32_t count, uint32_t iterations)
{
    static const char *const names[] = { "simulate", "aggregate", "train", "infer" };
    struct aw_graph *graph = aw_graph_create ();

    assert_non_null (graph);
    for (uint32_t i = 0; i < n_sets; i++) {
        char name[32];
        struct aw_set *set;
        snprintf (name, sizeof (name), i < 4 ? "%s" : "%s-%u", names[i % 4], i);
        set = aw_graph_add_set (graph, name);
        assert_non_null (set);
        set->count = count;
    }
    graph->iterations = iterations;
    graph->iterated = iterations > 1;
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    return graph;
}
