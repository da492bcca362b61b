/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/resources/pool.h"
#include "graphs.h"

static struct aw_idset ids (const char *text)
{
    struct aw_idset set = { 0 };

    assert_int_equal (aw_idset_parse (&set, text), 0);
    return set;
}

static void add (
    struct aw_pool *pool, const char *name, const char *cpus, const char *gpus, uint64_t mem)
{
    struct aw_idset c = ids (cpus), g = ids (gpus);
    int number = (int)pool->n_nodes;

    assert_int_equal (aw_pool_add_node (pool, name, &c, &g, mem, NULL, NULL), number);
    aw_idset_finish (&c);
    aw_idset_finish (&g);
}

static void assert_ids (const struct aw_idset *set, const char *want)
{
    char buf[128];

    aw_idset_format (set, buf, sizeof (buf));
    assert_string_equal (buf, want);
}

static void wrong_arguments_are_refused (void **state)
{
    struct aw_idset none = { 0 }, cpus = { 0 }, gpus = { 0 };
    struct aw_demand demand = { .cpus = 5 };
    struct aw_pool pool;
    struct aw_error err;

    (void)state;
    aw_pool_init (&pool);
    assert_int_equal (aw_pool_add_node (&pool, NULL, &none, &none, 0, NULL, &err), -1);
    assert_int_equal (aw_pool_add_node (&pool, "n1", NULL, &none, 0, NULL, &err), -1);
    add (&pool, "n1", "0-3", "", 0);
    assert_int_equal (aw_pool_take (&pool, 0, &demand, &cpus, &gpus), -1);
    assert_int_equal (errno, ENOSPC);
    assert_int_equal (pool.free.cpus, 4);
    cpus = ids ("2-4");
    assert_int_equal (aw_pool_take_ids (&pool, 0, &demand, &cpus, &gpus), -1);
    assert_int_equal (errno, EBUSY);
    assert_int_equal (pool.free.cpus, 4);
    aw_idset_finish (&cpus);
    aw_pool_finish (&pool);
    aw_pool_finish (&pool);
}

/* Nodes whose ids are odd, memory counted on one of them alone. */
static void what_is_taken_can_be_given_back (void **state)
{
    struct aw_idset cpus = { 0 }, gpus = { 0 }, more = { 0 }, none = { 0 };
    struct aw_demand demand = { .cpus = 2, .gpus = 1, .mem = 600 }, given = demand;
    struct aw_pool pool, copy;

    (void)state;
    aw_pool_init (&pool);
    add (&pool, "n1", "1,3,5,7", "2-3", 1000);
    add (&pool, "n2", "0-1", "0", 0);
    assert_int_equal (pool.total.cpus, 6);
    assert_int_equal (pool.total.gpus, 3);
    assert_int_equal (aw_pool_take (&pool, 0, &demand, &cpus, &gpus), 0);
    assert_ids (&cpus, "1,3");
    assert_ids (&gpus, "2");
    assert_false (aw_node_can_hold (&pool.nodes[0], &demand)); /* for memory alone */
    assert_true (aw_node_could_hold (&pool.nodes[0], &demand));
    assert_true (aw_node_can_hold (&pool.nodes[1], &demand)); /* where it is not counted */

    assert_int_equal (aw_pool_clone (&copy, &pool), 0);
    assert_int_equal (copy.free.cpus, 4);
    assert_ids (&copy.nodes[0].free_cpus, "5,7");
    aw_pool_finish (&copy);

    demand.mem = 400;
    assert_int_equal (aw_pool_take (&pool, 0, &demand, &more, &none), 0);
    assert_ids (&more, "5,7");
    given.mem = 600;
    aw_pool_give (&pool, 0, &given, &cpus, &gpus);
    assert_ids (&pool.nodes[0].free_cpus, "1,3");
    assert_int_equal (pool.nodes[0].free.mem, 600);
    assert_int_equal (pool.free.gpus, 2);

    aw_pool_lose_node (&pool, 0);
    aw_pool_lose_node (&pool, 0);
    assert_int_equal (pool.total.cpus, 2);
    assert_int_equal (pool.free.cpus, 2);
    aw_pool_give (&pool, 0, &demand, &more, &none); /* stays lost */
    assert_int_equal (pool.free.cpus, 2);
    assert_false (aw_node_could_hold (&pool.nodes[0], &demand));
    aw_idset_finish (&cpus);
    aw_idset_finish (&gpus);
    aw_idset_finish (&more);
    aw_idset_finish (&none);
    aw_pool_finish (&pool);
}

/* Nodes A with 4 GPUs and B with 2 in the pool, joined in both orders: which GPUs of A may a task
 * have that wants GPUS of each of its NODES, while those of HELD are taken?
 */
static void a_task_on_several_nodes_uses_gpus_that_slurm_gives_it (void **state)
{
    static const struct {
        uint32_t nodes, gpus, share;
        const char *held, *gets; /* NULL: it does not fit */
    } table[] = {
        { 1, 1, 0, "0-1", "2" },    { 2, 1, 0, "", "0" },   { 2, 1, 0, "0", "1" },
        { 2, 1, 0, "0-1", NULL },   { 2, 2, 0, "1", NULL }, { 2, 2, 0, "2", "0-1" },
        { 2, 3, 0, "0", "1-3" },    { 2, 4, 0, "", "0-3" }, { 2, 0, 500, "0", "1" },
        { 2, 0, 500, "0-1", NULL },
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof (table) / sizeof (table[0]); i++) {
        size_t at = i / 2;
        uint32_t a = i % 2;
        struct aw_demand demand = { .cpus = 1,
                                    .nodes = table[at].nodes,
                                    .gpus = table[at].gpus,
                                    .gpu_share = table[at].share };
        struct aw_idset none = { 0 }, cpus = { 0 }, gpus = { 0 }, held = ids (table[at].held);
        struct aw_demand holds = { .gpus = aw_idset_count (&held) };
        struct aw_pool pool, copy;

        aw_pool_init (&pool);
        for (uint32_t n = 0; n < 2; n++)
            add (&pool, n == a ? "a" : "b", "0-7", n == a ? "0-3" : "0-1", 0);
        assert_int_equal (aw_pool_take_ids (&pool, a, &holds, &none, &held), 0);
        assert_int_equal (aw_pool_clone (&copy, &pool), 0);
        assert_int_equal (aw_node_can_hold (&pool.nodes[a], &demand), table[at].gets != NULL);
        assert_int_equal (aw_node_can_hold (&copy.nodes[a], &demand), table[at].gets != NULL);
        assert_true (aw_node_could_hold (&pool.nodes[a], &demand));
        if (table[at].gets) {
            assert_int_equal (aw_pool_take (&copy, a, &demand, &cpus, &gpus), 0);
            assert_ids (&gpus, table[at].gets);
        }
        aw_idset_finish (&cpus);
        aw_idset_finish (&gpus);
        aw_idset_finish (&held);
        aw_pool_finish (&copy);
        aw_pool_finish (&pool);
    }
}

/* Whatever is taken and given back in whatever order: never two holders of one id, nothing lost. */
static void no_id_has_two_holders_and_none_is_lost (void **state)
{
    enum { SLOTS = 32 };
    struct aw_idset cpus[SLOTS] = { { 0 } }, gpus[SLOTS] = { { 0 } };
    struct aw_demand demands[SLOTS];
    uint32_t node[SLOTS], held[SLOTS] = { 0 };
    uint64_t seed = 99;
    struct aw_pool pool;

    (void)state;
    aw_pool_init (&pool);
    add (&pool, "a", "0-63", "0-3", 0);
    add (&pool, "b", "10-20,100-167", "0-5", 0);
    for (int round = 0; round < 20000; round++) {
        uint32_t s = graphs_below (&seed, SLOTS);
        struct aw_demand demand = { .cpus = 1 + graphs_below (&seed, 20),
                                    .gpus = graphs_below (&seed, 3) };

        if (held[s]) {
            aw_pool_give (&pool, node[s], &demands[s], &cpus[s], &gpus[s]);
            held[s] = 0;
            continue;
        }
        node[s] = graphs_below (&seed, 2);
        if (aw_pool_take (&pool, node[s], &demand, &cpus[s], &gpus[s]) < 0)
            continue;
        held[s] = 1;
        demands[s] = demand;
        assert_int_equal (aw_idset_count (&cpus[s]), demand.cpus);
        assert_int_equal (aw_idset_count (&gpus[s]), demand.gpus);
        for (uint32_t o = 0; o < SLOTS; o++) {
            if (o == s || !held[o] || node[o] != node[s])
                continue;
            assert_false (aw_idset_intersects (&cpus[o], &cpus[s]));
            assert_false (aw_idset_intersects (&gpus[o], &gpus[s]));
        }
    }
    for (uint32_t s = 0; s < SLOTS; s++) {
        if (held[s])
            aw_pool_give (&pool, node[s], &demands[s], &cpus[s], &gpus[s]);
        aw_idset_finish (&cpus[s]);
        aw_idset_finish (&gpus[s]);
    }
    assert_int_equal (pool.free.cpus, 64 + 11 + 68);
    assert_int_equal (pool.free.gpus, 10);
    assert_ids (&pool.nodes[1].free_cpus, "10-20,100-167");
    aw_pool_finish (&pool);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (what_is_taken_can_be_given_back),
        cmocka_unit_test (a_task_on_several_nodes_uses_gpus_that_slurm_gives_it),
        cmocka_unit_test (no_id_has_two_holders_and_none_is_lost),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
