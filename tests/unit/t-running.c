/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts of each node by their ends, against a list that is sorted again each time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/running.h"

enum { TASKS = 40, NODES = 2, STEPS = 400, SEEDS = 50 };

struct entry {
    bool used;
    uint32_t node;
    double end;
    unsigned when; /* it got that end; equal ones are in this order */
};

static struct entry entries[TASKS];

static bool is_before (const struct entry *a, const struct entry *b)
{
    return a->end < b->end || (!(b->end < a->end) && a->when < b->when);
}

/* The task of NODE that comes after AFTER, TASKS: the first. TASKS: there is none. */
static uint32_t next_of (uint32_t node, uint32_t after)
{
    uint32_t next = TASKS;

    for (uint32_t i = 0; i < TASKS; i++)
        if (entries[i].used && entries[i].node == node
            && (after == TASKS || is_before (&entries[after], &entries[i]))
            && (next == TASKS || is_before (&entries[i], &entries[next])))
            next = i;
    return next;
}

static void check (const struct aw_running_table *table)
{
    for (uint32_t node = 0; node < NODES; node++) {
        const struct aw_running *run = aw_running_first (table, node), *previous = NULL;

        for (uint32_t task = next_of (node, TASKS); task != TASKS; task = next_of (node, task)) {
            assert_non_null (run);
            assert_int_equal (run->task, task);
            assert_ptr_equal (aw_running_previous (table, run), previous);
            previous = run;
            run = aw_running_next (table, run);
        }
        assert_null (run);
        assert_ptr_equal (aw_running_last (table, node), previous);
    }
}

/* A third has no end, and many ends are equal. */
static double random_end (unsigned *seed)
{
    int n = rand_r (seed) % 9;

    return n < 3 ? INFINITY : n;
}

static void change (struct aw_running_table *table, uint32_t task, unsigned step, unsigned *seed)
{
    struct entry *e = &entries[task];
    struct aw_running *run = aw_running_find (table, task);

    assert_int_equal (run != NULL, e->used);
    e->when = step;
    e->end = random_end (seed);
    if (!run) {
        e->used = true;
        e->node = (uint32_t)rand_r (seed) % NODES;
        run = aw_running_new (table, 1);
        assert_non_null (run);
        run->task = task;
        run->node = e->node;
        run->end = e->end;
        aw_running_link (table, run);
    }
    else if (rand_r (seed) % 3)
        aw_running_set_end (table, run, e->end);
    else {
        e->used = false;
        aw_running_free (table, run);
    }
}

static void attempts_are_in_the_order_of_their_ends (void **state)
{
    (void)state;
    for (unsigned s = 1; s <= SEEDS; s++) {
        struct aw_running_table table, copy;
        unsigned seed = s;

        memset (entries, 0, sizeof (entries));
        assert_int_equal (aw_running_init (&table, TASKS), 0);
        assert_int_equal (aw_running_add_nodes (&table, NODES), 0);
        for (unsigned step = 0; step < STEPS; step++) {
            change (&table, (uint32_t)rand_r (&seed) % TASKS, step, &seed);
            check (&table);
            if (step != STEPS / 2)
                continue;
            assert_int_equal (aw_running_clone (&copy, &table), 0); /* it goes on as the other */
            aw_running_finish (&table);
            table = copy;
        }
        aw_running_finish (&table);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (attempts_are_in_the_order_of_their_ends),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
