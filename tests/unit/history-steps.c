/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/history/history.h"
#include "history-steps.h"

struct aw_graph *history_graph (uint32_t iterations)
{
    struct aw_graph *graph = aw_graph_create ();

    assert_non_null (graph);
    assert_non_null (aw_graph_add_set (graph, "a"));
    assert_non_null (aw_graph_add_set (graph, "b"));
    assert_non_null (aw_graph_add_set (graph, "c"));
    graph->sets[0].count = graph->sets[1].count = 2;
    graph->sets[0].retry.count = 1;
    graph->iterations = iterations;
    graph->iterated = iterations > 1;
    assert_int_equal (aw_graph_add_edge (graph, 1, (struct aw_edge){ .set = 0, .by = AW_BY_INDEX }),
                      0);
    assert_int_equal (aw_graph_add_edge (graph, 2, (struct aw_edge){ .set = 1 }), 0);
    assert_int_equal (aw_graph_add_edge (graph, 2, (struct aw_edge){ .set = 2, .back = 1 }), 0);
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    return graph;
}

int history_feed (struct aw_history *history, const struct step *step, struct aw_error *err)
{
    struct aw_event ev = step->ev;
    int rc;

    assert_int_equal (aw_idset_parse (&ev.cpus, step->cpus ? step->cpus : ""), 0);
    assert_int_equal (aw_idset_parse (&ev.gpus, step->gpus ? step->gpus : ""), 0);
    rc = aw_history_handle (history, &ev, err);
    aw_idset_finish (&ev.cpus);
    aw_idset_finish (&ev.gpus);
    return rc;
}
