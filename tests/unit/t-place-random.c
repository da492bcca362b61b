/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is taken and given back on whatever node: what the tests keep book of themselves, and
 * what the pool says, agree. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/graph/graph.h"
#include "core/resources/place.h"
#include "core/resources/pool.h"
#include "graphs.h"
#include "machines.h"

enum { SLOTS = 24, ROUNDS = 400, MACHINES = 300, MEM = 1000 };

struct slot {
    bool held;
    struct aw_demand demand;
    struct aw_idset cpus, gpus;
};

struct world {
    struct machine m;
    struct aw_pool pool, twin; /* the twin is told what the pool chose */
    struct slot slots[SLOTS];
    uint32_t users[MACHINE_CPUS]; /* tasks that use the CPU: never more than one */
    uint32_t used[MACHINE_GPUS]; /* thousandths */
    uint64_t mem;
    uint64_t seed;
};

static struct aw_graph *typed_graph (void)
{
    struct aw_graph *g = aw_graph_create ();

    assert_int_equal (aw_graph_gpu_type (g, "a100"), 1);
    assert_int_equal (aw_graph_gpu_type (g, "V100"), 2);
    graphs_set (g, "a", 1, 3, 1, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static struct aw_demand random_demand (struct world *w)
{
    struct aw_demand d = { .ranks_per_node = 1, .nodes = 1 };

    if (graphs_below (&w->seed, 4) == 0)
        d.ranks_per_node = 1 + graphs_below (&w->seed, 4);
    d.cpus = d.ranks_per_node * (1 + graphs_below (&w->seed, graphs_below (&w->seed, 2) ? 4 : 16));
    d.mem = graphs_below (&w->seed, 200);
    d.threads_per_core = graphs_below (&w->seed, 3) ? 0 : 1 + graphs_below (&w->seed, 3);
    switch (graphs_below (&w->seed, 3)) {
    case 0:
        d.gpus = d.ranks_per_node * (1 + graphs_below (&w->seed, 2));
        break;
    case 1:
        d.gpu_share = 1 + graphs_below (&w->seed, 999);
        break;
    }
    if (aw_demand_gpus (&d) > 0 && graphs_below (&w->seed, 3) == 0)
        d.gpu_type = 1 + graphs_below (&w->seed, 2);
    return d;
}

static bool busy (const struct world *w, uint32_t id)
{
    return w->users[id] > 0;
}

/* CPUs of which a task of D could use, by the tests' own book: all free ones, or some of each idle
 * core; of those that WHERE (by CPU; NULL: all) marks with VALUE. */
static uint32_t usable (const struct world *w,
                        const struct aw_demand *d,
                        const uint8_t *where,
                        uint32_t value)
{
    uint32_t free_of[MACHINE_CPUS] = { 0 }, all_of[MACHINE_CPUS] = { 0 }, n = 0, threads = 0;
    bool inside[MACHINE_CPUS] = { false };

    for (uint32_t id = 0; id < w->m.end; id++) {
        if (!w->m.owned[id])
            continue;
        all_of[w->m.core[id]]++;
        free_of[w->m.core[id]] += !busy (w, id);
        inside[w->m.core[id]] = inside[w->m.core[id]] || !where || where[id] == value;
        threads = all_of[w->m.core[id]] > threads ? all_of[w->m.core[id]] : threads;
    }
    for (uint32_t c = 0; c < MACHINE_CPUS; c++) {
        if (!inside[c])
            continue;
        if (d->threads_per_core == 0 || threads < 2)
            n += free_of[c];
        else if (free_of[c] == all_of[c])
            n += free_of[c] < d->threads_per_core ? free_of[c] : d->threads_per_core;
    }
    return n;
}

static bool gpu_fits (const struct world *w, const struct aw_demand *d, uint32_t g)
{
    return w->used[g] + aw_demand_part (d) <= AW_GPU_WHOLE
           && (!d->gpu_type || !w->m.type[g] || w->m.type[g] == d->gpu_type);
}

static bool fits (const struct world *w, const struct aw_demand *d)
{
    uint32_t n = 0;

    for (uint32_t g = 0; g < w->m.n_gpus; g++)
        n += gpu_fits (w, d, g);
    return usable (w, d, NULL, 0) >= d->cpus && n >= aw_demand_gpus (d) && w->mem + d->mem <= MEM;
}

/* Could a task on one GPU have had all its CPUs next to it? And could one NUMA node have held it?
 */
static bool local_was_there (const struct world *w, const struct aw_demand *d)
{
    for (uint32_t g = 0; g < w->m.n_gpus; g++)
        if (gpu_fits (w, d, g) && usable (w, d, w->m.is_local[g], 1) >= d->cpus)
            return true;
    return false;
}

static bool numa_was_there (const struct world *w, const struct aw_demand *d)
{
    for (uint32_t n = 0; n < 8; n++)
        if (usable (w, d, w->m.numa, n) >= d->cpus)
            return true;
    return false;
}

static void check_quality (const struct world *w, const struct slot *s, bool local, bool numa)
{
    uint32_t gpu = aw_idset_next (&s->gpus, 0), first = aw_idset_next (&s->cpus, 0);

    for (uint32_t id = first; id != AW_IDSET_NONE; id = aw_idset_next (&s->cpus, id + 1)) {
        if (local)
            assert_true (w->m.is_local[gpu][id]);
        if (numa)
            assert_int_equal (w->m.numa[id], w->m.numa[first]);
    }
}

/* Marks what the task holds, with its cores' other CPUs where it holds those. */
static void book (struct world *w, const struct slot *s, bool take)
{
    bool cores[MACHINE_CPUS] = { false };
    uint32_t of_core[MACHINE_CPUS] = { 0 }, most = 0, add = take ? 1 : UINT32_MAX;

    for (uint32_t id = 0; id < w->m.end; id++)
        if (w->m.owned[id] && ++of_core[w->m.core[id]] > most)
            most = of_core[w->m.core[id]];
    memset (of_core, 0, sizeof (of_core));
    for (uint32_t id = aw_idset_next (&s->cpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (&s->cpus, id + 1)) {
        cores[w->m.core[id]] = true;
        of_core[w->m.core[id]]++;
        if (s->demand.threads_per_core && most > 1)
            assert_true (of_core[w->m.core[id]] <= s->demand.threads_per_core);
    }
    for (uint32_t id = 0; id < w->m.end; id++) {
        bool whole = s->demand.threads_per_core && most > 1 && cores[w->m.core[id]];

        if (w->m.owned[id] && (whole || aw_idset_has (&s->cpus, id))) {
            w->users[id] += add;
            assert_true (w->users[id] <= 1); /* nobody else has it */
        }
        assert_true (w->m.owned[id] || !aw_idset_has (&s->cpus, id));
    }
    for (uint32_t g = aw_idset_next (&s->gpus, 0); g != AW_IDSET_NONE;
         g = aw_idset_next (&s->gpus, g + 1)) {
        w->used[g] += take ? aw_demand_part (&s->demand) : -aw_demand_part (&s->demand);
        assert_true (g < w->m.n_gpus && w->used[g] <= AW_GPU_WHOLE);
        assert_true (!s->demand.gpu_type || !w->m.type[g] || w->m.type[g] == s->demand.gpu_type);
    }
    w->mem += take ? s->demand.mem : -s->demand.mem;
    assert_true (w->mem <= MEM);
}

static void check_split (const struct world *w, const struct slot *s)
{
    struct aw_place_rank ranks[4] = { { { 0 }, { 0 } } }, again[4] = { { { 0 }, { 0 } } };
    struct aw_idset sum = { 0 };
    uint32_t n = s->demand.ranks_per_node, load[MACHINE_GPUS] = { 0 };
    const struct aw_node *node = &w->pool.nodes[0];

    assert_int_equal (aw_place_split (node, &s->demand, &s->cpus, &s->gpus, ranks), 0);
    assert_int_equal (aw_place_split (node, &s->demand, &s->cpus, &s->gpus, again), 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal (aw_idset_count (&ranks[i].cpus), s->demand.cpus / n);
        assert_int_equal (aw_idset_count (&ranks[i].gpus),
                          s->demand.gpu_share ? 1 : s->demand.gpus / n);
        assert_false (aw_idset_intersects (&sum, &ranks[i].cpus));
        assert_int_equal (aw_idset_add_all (&sum, &ranks[i].cpus), 0);
        for (uint32_t g = aw_idset_next (&ranks[i].gpus, 0); g != AW_IDSET_NONE;
             g = aw_idset_next (&ranks[i].gpus, g + 1)) {
            load[g] += s->demand.gpu_share ? s->demand.gpu_share : AW_GPU_WHOLE;
            assert_true (aw_idset_has (&s->gpus, g));
            assert_true (load[g] <= aw_demand_part (&s->demand));
        }
        assert_true (aw_idset_equal (&ranks[i].cpus, &again[i].cpus));
        assert_true (aw_idset_equal (&ranks[i].gpus, &again[i].gpus));
        aw_idset_finish (&again[i].cpus);
        aw_idset_finish (&again[i].gpus);
    }
    assert_true (aw_idset_equal (&sum, &s->cpus));
    for (uint32_t i = 0; i < n; i++) {
        aw_idset_finish (&ranks[i].cpus);
        aw_idset_finish (&ranks[i].gpus);
    }
    aw_idset_finish (&sum);
}

static void check_same (const struct aw_node *a, const struct aw_node *b)
{
    assert_true (aw_idset_equal (&a->free_cpus, &b->free_cpus));
    assert_true (aw_idset_equal (&a->free_gpus, &b->free_gpus));
    assert_int_equal (a->free.cpus, b->free.cpus);
    assert_int_equal (a->free.gpus, b->free.gpus);
    assert_int_equal (a->free.mem, b->free.mem);
    assert_int_equal (a->largest_part, b->largest_part);
    assert_int_equal (a->n_special, b->n_special);
    assert_memory_equal (a->n_idle, b->n_idle, sizeof (a->n_idle));
    for (uint32_t g = 0; g < a->layout->n_gpus; g++)
        assert_int_equal (a->gpu_used[g], b->gpu_used[g]);
    for (uint32_t c = 0; !a->layout->flat && c < a->layout->n_cores; c++)
        assert_int_equal (a->core_free[c], b->core_free[c]);
}

/* The node's own counts by the tests' book. */
static void check_node (const struct world *w)
{
    const struct aw_node *node = &w->pool.nodes[0];
    uint32_t cpus = 0, gpus = 0;

    for (uint32_t id = 0; id < w->m.end; id++) {
        assert_int_equal (aw_idset_has (&node->free_cpus, id), w->m.owned[id] && !busy (w, id));
        cpus += w->m.owned[id] && !busy (w, id);
    }
    for (uint32_t g = 0; g < w->m.n_gpus; g++) {
        assert_int_equal (node->gpu_used[g], w->used[g]);
        gpus += w->used[g] == 0;
    }
    assert_int_equal (node->free.cpus, cpus);
    assert_int_equal (node->free.gpus, gpus);
    assert_int_equal (w->pool.free.cpus, cpus);
    assert_int_equal (w->pool.free.gpus, gpus);
    assert_int_equal (node->free.mem, MEM - w->mem);
    check_same (node, &w->twin.nodes[0]);
}

static void take (struct world *w, struct slot *s)
{
    struct aw_idset cpus = { 0 }, gpus = { 0 };
    struct aw_pool copy;
    bool local, numa;

    s->demand = random_demand (w);
    assert_int_equal (aw_node_can_hold (&w->pool.nodes[0], &s->demand), fits (w, &s->demand));
    if (!fits (w, &s->demand)) {
        assert_int_equal (aw_pool_take (&w->pool, 0, &s->demand, &s->cpus, &s->gpus), -1);
        assert_int_equal (errno, ENOSPC);
        return;
    }
    assert_true (aw_node_could_hold (&w->pool.nodes[0], &s->demand));
    local = s->demand.ranks_per_node == 1 && aw_demand_gpus (&s->demand) == 1
            && local_was_there (w, &s->demand);
    numa = aw_demand_gpus (&s->demand) == 0 && numa_was_there (w, &s->demand);
    assert_int_equal (aw_pool_clone (&copy, &w->pool), 0);
    assert_int_equal (aw_pool_take (&w->pool, 0, &s->demand, &s->cpus, &s->gpus), 0);
    assert_int_equal (aw_pool_take (&copy, 0, &s->demand, &cpus, &gpus), 0);
    assert_true (aw_idset_equal (&cpus, &s->cpus)); /* the same state decides the same */
    assert_true (aw_idset_equal (&gpus, &s->gpus));
    aw_pool_finish (&copy);
    aw_idset_finish (&cpus);
    aw_idset_finish (&gpus);
    assert_int_equal (aw_idset_count (&s->cpus), s->demand.cpus);
    assert_int_equal (aw_idset_count (&s->gpus), aw_demand_gpus (&s->demand));
    check_quality (w, s, local, numa);
    check_split (w, s);
    s->held = true;
    book (w, s, true);
    assert_int_equal (aw_pool_take_ids (&w->twin, 0, &s->demand, &s->cpus, &s->gpus), 0);
    if (aw_demand_part (&s->demand) > AW_GPU_WHOLE / 2 || aw_demand_gpus (&s->demand) == 0)
        assert_int_equal (aw_pool_take_ids (&w->twin, 0, &s->demand, &s->cpus, &s->gpus), -1);
}

static void give (struct world *w, struct slot *s)
{
    book (w, s, false);
    aw_pool_give (&w->pool, 0, &s->demand, &s->cpus, &s->gpus);
    aw_pool_give (&w->twin, 0, &s->demand, &s->cpus, &s->gpus);
    s->held = false;
}

static void one_machine (uint64_t seed, const struct aw_graph *graph)
{
    struct world w = { .seed = seed };
    struct aw_error err;
    struct aw_pool fresh;

    machine_random (&w.m, &w.seed);
    aw_pool_init (&w.pool);
    aw_pool_set_graph (&w.pool, graph);
    assert_int_equal (aw_pool_add_node (&w.pool, "n", &w.m.cpus, &w.m.gpus, MEM, w.m.text, &err),
                      0);
    assert_int_equal (aw_pool_clone (&w.twin, &w.pool), 0);
    assert_int_equal (aw_pool_clone (&fresh, &w.pool), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct slot *s = &w.slots[graphs_below (&w.seed, SLOTS)];

        if (s->held)
            give (&w, s);
        else
            take (&w, s);
        check_node (&w);
    }
    for (int i = 0; i < SLOTS; i++) {
        if (w.slots[i].held)
            give (&w, &w.slots[i]);
        aw_idset_finish (&w.slots[i].cpus);
        aw_idset_finish (&w.slots[i].gpus);
    }
    check_same (&w.pool.nodes[0], &fresh.nodes[0]);
    aw_pool_finish (&w.pool);
    aw_pool_finish (&w.twin);
    aw_pool_finish (&fresh);
    machine_finish (&w.m);
}

static void placements_on_random_machines_break_no_rule (void **state)
{
    const char *told = getenv ("AW_TEST_SEED");
    uint64_t first = told ? strtoull (told, NULL, 0) : 1;
    struct aw_graph *graph = typed_graph ();

    (void)state;
    for (uint64_t seed = first; seed < first + MACHINES; seed++) {
        if (told)
            print_message ("seed %llu\n", (unsigned long long)seed);
        one_machine (seed, graph);
    }
    aw_graph_destroy (graph);
}

int main (void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test (
        placements_on_random_machines_break_no_rule) };

    return cmocka_run_group_tests_name ("place-random", tests, NULL, NULL);
}
