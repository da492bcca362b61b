/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/evict.h"

/* Two nodes of 8 CPUs. What runs there is a text of two characters an attempt: the number of CPUs
 * and 'b' busy, 'i' idle, 'k' idle and asked to end, 'K' busy and asked to end. A slash: on the
 * next node.
 */
struct place {
    struct aw_pool pool;
    struct aw_running_table running;
    char kinds[64]; /* by task */
    uint32_t n;
};

static void run (struct place *p, uint32_t node, uint32_t cpus, char kind)
{
    struct aw_running *r = aw_running_new (&p->running, 1);

    p->kinds[p->n] = kind;
    r->task = p->n++;
    r->node = node;
    r->demand = (struct aw_demand){ .cpus = cpus };
    r->end = INFINITY;
    r->killed = kind == 'k' || kind == 'K';
    assert_int_equal (aw_pool_take (&p->pool, node, &r->demand, &r->cpus, &r->gpus), 0);
    aw_running_link (&p->running, r);
}

static void place_init (struct place *p, const char *what)
{
    struct aw_idset cpus = { 0 }, none = { 0 };
    uint32_t node = 0;

    p->n = 0;
    aw_pool_init (&p->pool);
    assert_int_equal (aw_idset_add (&cpus, 0, 7), 0);
    assert_int_equal (aw_pool_add_node (&p->pool, "n1", &cpus, &none, 0, NULL, NULL), 0);
    assert_int_equal (aw_pool_add_node (&p->pool, "n2", &cpus, &none, 0, NULL, NULL), 1);
    assert_int_equal (aw_running_init (&p->running, 64), 0);
    assert_int_equal (aw_running_add_nodes (&p->running, 2), 0);
    aw_idset_finish (&cpus);
    for (; *what; what++)
        if (*what == '/')
            node++;
        else {
            run (p, node, (uint32_t)(*what - '0'), what[1]);
            what++;
        }
}

static void place_finish (struct place *p)
{
    aw_pool_finish (&p->pool);
    aw_running_finish (&p->running);
}

static bool is_idle (const void *arg, const struct aw_running *r)
{
    const struct place *p = arg;

    return p->kinds[r->task] == 'i' || p->kinds[r->task] == 'k';
}

static bool second_alone (const void *arg, uint32_t node)
{
    (void)arg;
    return node == 1;
}

static void those_with_the_fewest_ends_are_chosen (void **state)
{
    static const struct {
        const char *runs;
        struct aw_demand demand;
        bool second; /* the second node alone is allowed */
        enum aw_evict result;
        uint32_t victim;
    } cases[] = {
        { "", { .cpus = 9 }, false, AW_EVICT_NOTHING, 0 }, /* never fits */
        { "8i", { .cpus = 8 }, false, AW_EVICT_NOTHING, 0 }, /* fits on the other */
        { "8b/8b", { .cpus = 1 }, false, AW_EVICT_NOTHING, 0 },
        { "8K/8b", { .cpus = 1 }, false, AW_EVICT_NOTHING, 0 }, /* not for a waiting task */
        { "8b/8i", { .cpus = 1 }, false, AW_EVICT_END, 1 },
        { "6b2i/8b", { .cpus = 3 }, false, AW_EVICT_NOTHING, 0 },
        { "6b2i/8b", { .cpus = 2 }, false, AW_EVICT_END, 1 },
        { "4i4i/8i", { .cpus = 8 }, false, AW_EVICT_END, 2 }, /* one instead of two */
        { "8i/8i", { .cpus = 1 }, false, AW_EVICT_END, 0 }, /* the first of equals */
        { "8i/8i", { .cpus = 1 }, true, AW_EVICT_END, 1 },
        { "1i1i6i/8b", { .cpus = 6 }, false, AW_EVICT_END, 2 }, /* the one that is enough alone */
        { "1i1i6b/8b", { .cpus = 2 }, false, AW_EVICT_END, 0 },
        { "1k1i6b/8b", { .cpus = 2 }, false, AW_EVICT_END, 1 }, /* the second of two */
        { "1k1k6b/8b", { .cpus = 2 }, false, AW_EVICT_WAIT, 0 },
        { "8k/8i", { .cpus = 8 }, false, AW_EVICT_WAIT, 0 },
        { "8i/8i", { .cpus = 8, .nodes = 2 }, false, AW_EVICT_END, 0 },
        { "8k/8i", { .cpus = 8, .nodes = 2 }, false, AW_EVICT_END, 1 },
        { "8k/8k", { .cpus = 8, .nodes = 2 }, false, AW_EVICT_WAIT, 0 },
        { "8i/8b", { .cpus = 8, .nodes = 2 }, false, AW_EVICT_NOTHING, 0 },
        { "8i", { .cpus = 8, .nodes = 2 }, false, AW_EVICT_END, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++) {
        struct aw_running *victim = NULL;
        struct place p;
        struct aw_evict_query query = { .pool = &p.pool,
                                        .running = &p.running,
                                        .demand = &cases[i].demand,
                                        .idle = is_idle,
                                        .allows = cases[i].second ? second_alone : NULL,
                                        .arg = &p };

        place_init (&p, cases[i].runs);
        if (aw_evict_next (&query, &victim) != cases[i].result)
            fail_msg ("case %zu: %s", i, cases[i].runs);
        if (cases[i].result == AW_EVICT_END && victim->task != cases[i].victim)
            fail_msg ("case %zu: %s: %u instead of %u", i, cases[i].runs, victim->task,
                      cases[i].victim);
        place_finish (&p);
    }
}

/* Asked again after each answer, as the scheduler does: the task fits in the end. */
static void one_after_the_other_makes_room (void **state)
{
    struct aw_demand wide = { .cpus = 7 };
    struct aw_running *victim = NULL;
    struct place p;
    struct aw_evict_query query = { &p.pool, &p.running, &wide, is_idle, NULL, &p };
    uint32_t n = 0;

    (void)state;
    place_init (&p, "1b2i2i3i/8b");
    while (aw_evict_next (&query, &victim) == AW_EVICT_END) {
        victim->killed = true;
        p.kinds[victim->task] = 'k';
        n++;
    }
    assert_int_equal (n, 3);
    assert_int_equal (aw_evict_next (&query, &victim), AW_EVICT_WAIT);
    place_finish (&p);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (those_with_the_fewest_ends_are_chosen),
        cmocka_unit_test (one_after_the_other_makes_room),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
