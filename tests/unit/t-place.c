/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/graph/graph.h"
#include "core/resources/place.h"
#include "core/resources/pool.h"
#include "graphs.h"

/* Two NUMA nodes of two caches with two cores of two threads each; a GPU next to the second cache
 * of each NUMA node, and one next to the whole second NUMA node. */
#define SMALL                                                                                 \
    "core 0,8|1,9|2,10|3,11|4,12|5,13|6,14|7,15;cache 0-1,8-9|2-3,10-11|4-5,12-13|6-7,14-15;" \
    "numa 0-3,8-11|4-7,12-15;gpu 0=2-3,10-11:v100|1=6-7,14-15:v100|2=4-7,12-15:a100"

struct fixture {
    struct aw_graph *graph;
    struct aw_pool pool;
    struct aw_idset cpus, gpus;
};

/* A node with the ids given; WANTS: CPUs that GPU tasks want beside a GPU (0: there are none). */
static void set_up (
    struct fixture *f, const char *cpus, const char *gpus, const char *topology, uint32_t wants)
{
    memset (f, 0, sizeof (*f));
    f->graph = aw_graph_create ();
    assert_int_equal (aw_graph_gpu_type (f->graph, "a100"), 1);
    graphs_set (f->graph, "a", 1, wants ? wants : 1, wants ? 1 : 0, 1);
    assert_int_equal (aw_graph_finalize (f->graph, NULL), 0);
    aw_pool_init (&f->pool);
    aw_pool_set_graph (&f->pool, f->graph);
    assert_int_equal (aw_idset_parse (&f->cpus, cpus), 0);
    assert_int_equal (aw_idset_parse (&f->gpus, gpus), 0);
    assert_int_equal (aw_pool_add_node (&f->pool, "n1", &f->cpus, &f->gpus, 0, topology, NULL), 0);
}

static void tear_down (struct fixture *f)
{
    aw_pool_finish (&f->pool);
    aw_graph_destroy (f->graph);
    aw_idset_finish (&f->cpus);
    aw_idset_finish (&f->gpus);
}

static void expect (struct fixture *f, struct aw_demand demand, const char *cpus, const char *gpus)
{
    char got[128];

    assert_int_equal (aw_pool_take (&f->pool, 0, &demand, &f->cpus, &f->gpus), 0);
    aw_idset_format (&f->cpus, got, sizeof (got));
    assert_string_equal (got, cpus);
    aw_idset_format (&f->gpus, got, sizeof (got));
    assert_string_equal (got, gpus);
}

#define D(...) ((struct aw_demand){ __VA_ARGS__ })

static void wrong_arguments_are_refused (void **state)
{
    struct aw_place_rank rank = { { 0 }, { 0 } };
    struct aw_demand demand = { .cpus = 2, .gpus = 1 };
    struct aw_error err = { "" };
    struct fixture f;

    (void)state;
    set_up (&f, "0-15", "0-2", SMALL, 0);
    assert_int_equal (aw_pool_add_node (&f.pool, "n2", &f.cpus, &f.gpus, 0, "core 0|0", &err), -1);
    assert_non_null (strstr (err.text, "n2: topology: "));
    assert_int_equal (f.pool.n_nodes, 1);
    assert_int_equal (aw_place_split (&f.pool.nodes[0], &demand, &f.cpus, &f.gpus, &rank), -1);
    assert_int_equal (errno, EINVAL);
    demand.cpus = 17;
    assert_int_equal (aw_pool_take (&f.pool, 0, &demand, &f.cpus, &f.gpus), -1);
    assert_int_equal (errno, ENOSPC);
    tear_down (&f);
}

static void whole_cores_are_taken_before_siblings (void **state)
{
    struct fixture f;

    (void)state;
    set_up (&f, "0-15", "", SMALL, 0);
    expect (&f, D (.cpus = 1), "0", "");
    expect (&f, D (.cpus = 1), "1", ""); /* another core of the cache begun */
    expect (&f, D (.cpus = 2), "2,10", ""); /* a core in one piece */
    expect (&f, D (.cpus = 3), "4-5,12", ""); /* a cache that holds it: one core and a half */
    expect (&f, D (.cpus = 4), "6-7,14-15", "");
    expect (&f, D (.cpus = 1), "3", ""); /* the last idle core */
    expect (&f, D (.cpus = 2), "8-9", ""); /* siblings, of one cache */
    tear_down (&f);
}

static void cpus_are_taken_near_the_gpus (void **state)
{
    struct fixture f;

    (void)state;
    set_up (&f, "0-15", "0-2", SMALL, 0);
    expect (&f, D (.cpus = 4, .gpus = 1), "2-3,10-11", "0");
    expect (&f, D (.cpus = 6, .gpus = 1), "4-6,12-14", "2"); /* the only one with so many */
    expect (&f, D (.cpus = 2, .gpus = 1), "7,15", "1");
    tear_down (&f);
    set_up (&f, "0-15", "0-2", SMALL, 0);
    expect (&f, D (.cpus = 4, .gpus = 2), "4-5,12-13", "1-2"); /* of one NUMA node */
    tear_down (&f);
    set_up (&f, "0-3,8-11", "0-2", SMALL, 0); /* GPUs 1 and 2 are far from all that the job has */
    expect (&f, D (.cpus = 2, .gpus = 1), "2,10", "0");
    tear_down (&f);
}

/* As many CPUs as GPU tasks want are kept, and no longer than others are there. */
static void as_many_cpus_as_gpu_tasks_need_are_kept (void **state)
{
    struct fixture f;

    (void)state;
    set_up (&f, "0-15", "0", SMALL, 4);
    expect (&f, D (.cpus = 2), "0,8", "");
    expect (&f, D (.cpus = 2), "1,9", "");
    expect (&f, D (.cpus = 2), "4,12", ""); /* not beside GPU 0, though that NUMA node is begun */
    expect (&f, D (.cpus = 6), "5-7,13-15", "");
    expect (&f, D (.cpus = 2), "2,10", ""); /* there are no others */
    tear_down (&f);
    set_up (&f, "0-15", "0", SMALL, 2);
    expect (&f, D (.cpus = 4), "0-1,8-9", "");
    expect (&f, D (.cpus = 2), "2,10", ""); /* the GPU needs but two of four */
    expect (&f, D (.cpus = 2), "4,12", "");
    expect (&f, D (.cpus = 2, .gpus = 1), "3,11", "0");
    tear_down (&f);
}

static void parts_of_a_gpu_share_one (void **state)
{
    struct fixture f;

    (void)state;
    set_up (&f, "0-15", "0-2", SMALL, 0);
    expect (&f, D (.cpus = 1, .gpu_share = 300), "2", "0");
    expect (&f, D (.cpus = 1, .gpu_share = 600), "3", "0");
    expect (&f, D (.cpus = 1, .gpu_share = 200), "6", "1"); /* 100 are left of the first */
    assert_int_equal (f.pool.free.gpus, 1);
    expect (&f, D (.cpus = 1, .gpu_share = 100), "10", "0"); /* the fullest that holds it */
    expect (&f, D (.cpus = 1, .gpus = 1), "7", "2");
    assert_false (aw_node_can_hold (&f.pool.nodes[0], &D (.cpus = 1, .gpus = 1)));
    assert_false (aw_node_can_hold (&f.pool.nodes[0], &D (.cpus = 1, .gpu_share = 801)));
    assert_true (aw_node_can_hold (&f.pool.nodes[0], &D (.cpus = 1, .gpu_share = 800)));
    tear_down (&f);
}

static void a_gpu_of_the_right_type_is_taken (void **state)
{
    static const struct {
        const char *is, *wanted;
        bool matches;
    } table[] = {
        { "a100", "a100", true },  { "NVIDIA_A100-SXM4", "a100", true },
        { "v100", "a100", false }, { "a10", "a100", false },
        { "aa100", "A100", true }, { "", "a100", false },
    };
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        assert_int_equal (aw_gpu_type_matches (table[i].is, table[i].wanted), table[i].matches);
    set_up (&f, "0-15", "0-2", SMALL, 0);
    expect (&f, D (.cpus = 6, .gpus = 1, .gpu_type = 1), "4-6,12-14", "2");
    assert_false (aw_node_can_hold (&f.pool.nodes[0], &D (.cpus = 1, .gpus = 1, .gpu_type = 1)));
    tear_down (&f);
    set_up (&f, "0-15", "0-2", SMALL, 0);
    expect (&f, D (.cpus = 1, .gpus = 1), "2", "0"); /* GPU 2 is left to those that ask for it */
    expect (&f, D (.cpus = 1, .gpus = 1), "6", "1");
    expect (&f, D (.cpus = 1, .gpus = 1), "7", "2");
    tear_down (&f);
}

/* Cores that a task has for itself, with what it leaves idle of them. */
static void a_task_may_have_its_cores_for_itself (void **state)
{
    struct aw_demand demand = { .cpus = 2, .threads_per_core = 1 };
    struct fixture f;

    (void)state;
    set_up (&f, "0-3,8-10", "", SMALL, 0); /* of core 3 the job has one thread */
    expect (&f, demand, "0-1", "");
    assert_int_equal (f.pool.free.cpus, 3); /* 8 and 9 are held, too */
    expect (&f, D (.cpus = 1), "3", "");
    expect (&f, D (.cpus = 1, .threads_per_core = 3), "2", "");
    assert_int_equal (f.pool.free.cpus, 0);
    assert_int_equal (aw_idset_parse (&f.cpus, "0-1"), 0);
    aw_pool_give (&f.pool, 0, &demand, &f.cpus, &f.gpus);
    assert_int_equal (f.pool.free.cpus, 4);
    expect (&f, D (.cpus = 1), "0", "");
    assert_false (aw_node_can_hold (&f.pool.nodes[0], &demand));
    tear_down (&f);
}

/* Ranks beside their GPUs; and dealt out so again from what the journal has. */
static void ranks_get_cpus_beside_their_gpus (void **state)
{
    struct aw_place_rank got[3] = { { { 0 }, { 0 } } };
    struct aw_demand demand = { .cpus = 6, .gpus = 3, .ranks_per_node = 3 };
    static const char *const cpus[] = { "2,10", "6,14", "7,15" }, *const gpus[] = { "0", "1", "2" };
    struct fixture f;
    char text[64];

    (void)state;
    set_up (&f, "0-15", "0-2", SMALL, 0);
    expect (&f, demand, "2,6-7,10,14-15", "0-2");
    assert_int_equal (aw_place_split (&f.pool.nodes[0], &demand, &f.cpus, &f.gpus, got), 0);
    for (int i = 0; i < 3; i++) {
        aw_idset_format (&got[i].cpus, text, sizeof (text));
        assert_string_equal (text, cpus[i]);
        aw_idset_format (&got[i].gpus, text, sizeof (text));
        assert_string_equal (text, gpus[i]);
        aw_idset_finish (&got[i].cpus);
        aw_idset_finish (&got[i].gpus);
    }
    tear_down (&f);
}

/* Nothing is known: the lowest free numbers, as the job has them. */
static void without_a_topology_the_lowest_numbers_are_taken (void **state)
{
    struct fixture f;

    (void)state;
    set_up (&f, "1,3,5,7", "2,4", NULL, 2);
    expect (&f, D (.cpus = 2, .gpus = 1, .threads_per_core = 1), "1,3", "2");
    expect (&f, D (.cpus = 1, .gpu_share = 500, .gpu_type = 1), "5", "4");
    expect (&f, D (.cpus = 1, .gpu_share = 500), "7", "4");
    tear_down (&f);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (whole_cores_are_taken_before_siblings),
        cmocka_unit_test (cpus_are_taken_near_the_gpus),
        cmocka_unit_test (as_many_cpus_as_gpu_tasks_need_are_kept),
        cmocka_unit_test (parts_of_a_gpu_share_one),
        cmocka_unit_test (a_gpu_of_the_right_type_is_taken),
        cmocka_unit_test (a_task_may_have_its_cores_for_itself),
        cmocka_unit_test (ranks_get_cpus_beside_their_gpus),
        cmocka_unit_test (without_a_topology_the_lowest_numbers_are_taken),
    };

    return cmocka_run_group_tests_name ("place", tests, NULL, NULL);
}
