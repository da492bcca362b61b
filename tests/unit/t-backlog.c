/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, their places, and how many attempts each has in advance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/graph/graph.h"
#include "core/sched/backlog.h"

static void the_node_with_the_fewest_for_each_place_comes_first (void **state)
{
    struct aw_backlog b = { 0 };

    (void)state;
    assert_int_equal (aw_backlog_next (&b, 1), AW_NONE);
    assert_int_equal (aw_backlog_fullest (&b), AW_NONE);
    assert_int_equal (aw_backlog_first (&b), AW_NONE);
    assert_int_equal (aw_backlog_add_nodes (&b, 3), 0);
    assert_int_equal (aw_backlog_next (&b, 100), AW_NONE); /* no places */
    aw_backlog_places (&b, 1, 4);
    aw_backlog_places (&b, 2, 8);
    assert_int_equal (aw_backlog_next (&b, 1), 2);
    assert_int_equal (aw_backlog_next (&b, 0.12), AW_NONE); /* an eighth is more */
    for (int i = 0; i < 8; i++) { /* it is filled */
        assert_int_equal (aw_backlog_next (&b, 1), 2);
        aw_backlog_assigned (&b, 2, 1);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal (aw_backlog_next (&b, 1), 1);
        aw_backlog_assigned (&b, 1, 1);
    }
    for (int i = 0; i < 4; i++) { /* and gets more when half of it has gone */
        assert_int_equal (aw_backlog_next (&b, 1), AW_NONE);
        aw_backlog_assigned (&b, 2, -1);
    }
    assert_int_equal (aw_backlog_next (&b, 1), 2);
    assert_int_equal (aw_backlog_fullest (&b), 1);
    aw_backlog_close (&b, 2);
    assert_int_equal (b.n_stranded, 1);
    assert_int_equal (aw_backlog_fullest (&b), 2);
    assert_int_equal (aw_backlog_next (&b, 1), AW_NONE);
    assert_int_equal (aw_backlog_next (&b, 2.5), 1);
    assert_int_equal (aw_backlog_first (&b), 1);
    aw_backlog_assigned (&b, 1, -4);
    assert_int_equal (aw_backlog_first (&b), 2);
    aw_backlog_assigned (&b, 1, 4);
    assert_int_equal (aw_backlog_first (&b), 1);
    aw_backlog_assigned (&b, 2, -4);
    assert_int_equal (b.n_stranded, 0);
    assert_int_equal (b.n, 4);
    aw_backlog_count_again (&b, 5, 2);
    assert_int_equal (b.n_stranded, 1);
    assert_int_equal (b.set, 5);
    assert_int_equal (aw_backlog_next (&b, 100), AW_NONE);
    aw_backlog_finish (&b);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_node_with_the_fewest_for_each_place_comes_first),
    };

    return cmocka_run_group_tests_name ("backlog", tests, NULL, NULL);
}
