/* SPDX-License-Identifier: Apache-2.0 */
/* Random workflows whose tasks share GPUs, want types of them or whole cores, on random nodes: all
 * run, nothing is held twice, and the same events give the same decisions.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "graphs.h"
#include "machines.h"
#include "model/simulate.h"

enum { NODES = 3, ROUNDS = 250 };

struct book {
    const struct aw_graph *graph;
    struct machine *machines;
    struct aw_event *starts; /* by task */
    uint8_t busy[NODES][MACHINE_CPUS];
    uint32_t used[NODES][MACHINE_GPUS];
    uint64_t sum;
    struct aw_sched *fold; /* is handed all that happens */
};

static void add (struct book *b, uint64_t value)
{
    b->sum = (b->sum ^ value) * UINT64_C (1099511628211);
}

static void keep (struct book *b, const struct aw_event *start, bool take)
{
    const struct aw_set *set = &b->graph->sets[aw_graph_task (b->graph, start->task).set];
    struct aw_demand demand = aw_set_demand (set);
    uint32_t part = aw_demand_part (&demand);

    assert_int_equal (aw_idset_count (&start->cpus), demand.cpus);
    assert_int_equal (aw_idset_count (&start->gpus), aw_demand_gpus (&demand));
    for (uint32_t id = aw_idset_next (&start->cpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (&start->cpus, id + 1)) {
        assert_true (b->machines[start->node].owned[id]);
        assert_int_equal (b->busy[start->node][id], !take);
        b->busy[start->node][id] = take;
        add (b, id);
    }
    for (uint32_t g = aw_idset_next (&start->gpus, 0); g != AW_IDSET_NONE;
         g = aw_idset_next (&start->gpus, g + 1)) {
        uint8_t type = b->machines[start->node].type[g];

        b->used[start->node][g] += take ? part : -part;
        assert_true (b->used[start->node][g] <= AW_GPU_WHOLE);
        assert_true (!demand.gpu_type || !type || type == demand.gpu_type);
        add (b, g);
    }
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct book *b = arg;
    struct aw_error err;

    if (ev->type == AW_EVENT_START) {
        struct aw_event *mine = &b->starts[ev->task];

        mine->task = ev->task;
        mine->node = ev->node;
        assert_int_equal (aw_idset_copy (&mine->cpus, &ev->cpus), 0);
        assert_int_equal (aw_idset_copy (&mine->gpus, &ev->gpus), 0);
        keep (b, mine, true);
        add (b, ev->task);
    }
    else if (ev->type == AW_EVENT_FINISH)
        keep (b, &b->starts[ev->task], false);
    if (aw_sched_handle (b->fold, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

static struct aw_graph *random_graph (uint64_t *seed)
{
    struct aw_graph *g = graphs_layered (seed, 6, 2);

    assert_int_equal (aw_graph_gpu_type (g, "a100"), 1);
    assert_int_equal (aw_graph_gpu_type (g, "v100"), 2);
    for (uint32_t i = 0; i < g->n_sets; i++) {
        struct aw_set *set = &g->sets[i];

        if (graphs_below (seed, 3) == 0)
            set->threads_per_core = 1 + graphs_below (seed, 2);
        if (set->gpus && graphs_below (seed, 2)) {
            set->gpus = 0;
            set->gpu_share = 1 + graphs_below (seed, 999);
        }
        if ((set->gpus || set->gpu_share) && graphs_below (seed, 3) == 0)
            set->gpu_type = 1 + graphs_below (seed, 2);
        if (graphs_below (seed, 6) == 0) {
            set->ranks_per_node = 2;
            set->cpus = 1 + set->cpus / 2;
        }
        set->mem = graphs_below (seed, 50);
    }
    return g;
}

static struct aw_sched *make (const struct aw_graph *g,
                              const struct machine *machines,
                              enum aw_policy policy)
{
    struct aw_sched_config config = { .policy = policy };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    for (uint32_t n = 0; n < NODES; n++) {
        struct aw_event ev = { .type = AW_EVENT_NODE,
                               .node = n,
                               .name = "n",
                               .cpus = machines[n].cpus,
                               .gpus = machines[n].gpus,
                               .mem = n ? 200 : 0,
                               .topology = machines[n].text };

        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
    }
    return s;
}

static void check_free (const struct aw_sched *s)
{
    const struct aw_pool *pool = aw_sched_pool (s);

    for (uint32_t n = 0; n < NODES; n++) {
        const struct aw_node *node = &pool->nodes[n];

        assert_int_equal (node->free.cpus, node->total.cpus);
        assert_int_equal (node->free.gpus, node->total.gpus);
        assert_int_equal (node->free.mem, node->total.mem);
        assert_int_equal (node->n_special, 0);
        assert_int_equal (node->largest_part, 0);
        assert_true (aw_idset_equal (&node->free_cpus, &node->cpus));
    }
}

/* Runs it once. The sum of all decisions. */
static uint64_t run (const struct aw_graph *g, struct machine *machines, enum aw_policy policy)
{
    struct book *b = calloc (1, sizeof (*b));
    struct aw_simulation sim = { .observe = observe, .arg = b };
    struct aw_sched *s = make (g, machines, policy);
    struct aw_simulated r;
    struct aw_error err;
    uint64_t sum;

    b->graph = g;
    b->machines = machines;
    b->starts = calloc (g->n_tasks, sizeof (*b->starts));
    b->fold = make (g, machines, policy);
    if (aw_simulate (s, &sim, &r, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (r.code, 0);
    assert_int_equal (r.decisions, g->n_tasks);
    check_free (s);
    check_free (b->fold);
    sum = b->sum;
    for (uint32_t i = 0; i < g->n_tasks; i++) {
        aw_idset_finish (&b->starts[i].cpus);
        aw_idset_finish (&b->starts[i].gpus);
    }
    free (b->starts);
    aw_sched_destroy (b->fold);
    aw_sched_destroy (s);
    free (b);
    return sum;
}

static void random_placed_runs_break_no_rule (void **state)
{
    const char *told = getenv ("AW_TEST_SEED");
    uint64_t first = told ? strtoull (told, NULL, 0) : 1;
    uint32_t n_run = 0;

    (void)state;
    for (uint64_t round = first; round < first + ROUNDS; round++) {
        static struct machine machines[NODES];
        uint64_t seed = round;
        struct aw_graph *g = random_graph (&seed);
        enum aw_policy policy = graphs_below (&seed, AW_POLICIES);
        struct aw_sched *s;

        if (told)
            print_message ("seed %llu\n", (unsigned long long)round);
        for (uint32_t n = 0; n < NODES; n++)
            machine_random (&machines[n], &seed);
        s = make (g, machines, policy);
        if (aw_sched_check (s, NULL) == 0) {
            assert_true (run (g, machines, policy) == run (g, machines, policy));
            n_run++;
        }
        aw_sched_destroy (s);
        for (uint32_t n = 0; n < NODES; n++)
            machine_finish (&machines[n]);
        aw_graph_destroy (g);
    }
    assert_true (n_run >= ROUNDS / 4); /* of others some task could never run */
}

/* What can never be is reported before anything runs, with what there is. */
static void what_no_node_can_place_is_told (void **state)
{
    static const char topology[] = "core 0-1|2-3;gpu 0=0-1:v100|1=2-3:v100";
    static const struct {
        struct aw_set set;
        const char *says;
    } table[] = {
        { { .cpus = 1, .gpus = 1, .gpu_type = 1 },
          "tasks.a: a task needs 1 CPU, 1 GPU of type a100 on one node, and no node of the pool "
          "has "
          "that (up to 4 CPUs, 2 GPUs of type v100)" },
        { { .cpus = 1, .gpu_share = 250, .gpu_type = 1 }, "0.25 GPUs of type a100" },
        { { .cpus = 3, .threads_per_core = 1 }, "needs 3 CPUs (1 a core) on one node" },
        { { .cpus = 4, .threads_per_core = 2 }, NULL },
        { { .cpus = 1, .gpus = 2, .gpu_type = 2 }, NULL },
        { { .cpus = 1, .gpu_share = 999, .ranks_per_node = 2 }, NULL },
        { { .cpus = 1, .gpu_share = 501, .ranks_per_node = 3 }, "1.503 GPUs on one node" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_set *set = graphs_set (g, "a", 1, 1, 0, 1);
        struct aw_event ev = { .type = AW_EVENT_NODE, .name = "n", .topology = topology };
        struct aw_sched_config config = { 0 };
        struct aw_error err = { "" };
        struct aw_sched *s;

        assert_int_equal (aw_graph_gpu_type (g, "a100"), 1);
        assert_int_equal (aw_graph_gpu_type (g, "v100"), 2);
        set->cpus = table[i].set.cpus;
        set->gpus = table[i].set.gpus;
        set->gpu_share = table[i].set.gpu_share;
        set->gpu_type = table[i].set.gpu_type;
        set->threads_per_core = table[i].set.threads_per_core;
        set->ranks_per_node = table[i].set.ranks_per_node ? table[i].set.ranks_per_node : 1;
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = aw_sched_create (g, &config, NULL);
        assert_int_equal (aw_idset_parse (&ev.cpus, "0-3"), 0);
        assert_int_equal (aw_idset_parse (&ev.gpus, "0-1"), 0);
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        assert_int_equal (aw_sched_check (s, &err), table[i].says ? -1 : 0);
        if (table[i].says && !strstr (err.text, table[i].says))
            fail_msg ("%s", err.text);
        aw_idset_finish (&ev.cpus);
        aw_idset_finish (&ev.gpus);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

struct wait {
    uint32_t task;
    double ready, start;
};

static void note (void *arg, const struct aw_event *ev)
{
    struct wait *w = arg;

    if (ev->type == AW_EVENT_READY && ev->task == w->task)
        w->ready = ev->t;
    if (ev->type == AW_EVENT_START && ev->task == w->task)
        w->start = ev->t;
}

/* A task that wants whole GPUs, or idle cores, waits for those that share them now, not for all
 * that would like to; one more of these takes 10 s, all of them several hundred. */
static void a_task_of_whole_gpus_or_cores_is_not_starved (void **state)
{
    static const struct aw_set table[][2] = {
        { { .cpus = 1, .gpu_share = 250 }, { .cpus = 1, .gpus = 2 } },
        { { .cpus = 1, .gpu_share = 400 }, { .cpus = 1, .gpus = 1, .gpu_type = 1 } },
        { { .cpus = 1 }, { .cpus = 4, .threads_per_core = 1 } },
        { { .cpus = 1, .gpus = 1 }, { .cpus = 1, .gpu_share = 600, .ranks_per_node = 2 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_graph *g = aw_graph_create ();
        struct aw_event ev = { .type = AW_EVENT_NODE,
                               .name = "n",
                               .topology = "core 0-1|2-3|4-5|6-7;gpu 0=0-3:a100|1=4-7:a100" };
        struct aw_sched_config config = { .policy = AW_POLICY_LONGEST_PATH };
        struct wait wait = { 0 };
        struct aw_simulation sim = { .observe = note, .arg = &wait };
        struct aw_simulated result;
        struct aw_sched *s;

        assert_int_equal (aw_graph_gpu_type (g, "a100"), 1);
        for (int k = 0; k < 9; k++) { /* of lengths that never end together */
            char name[8] = { 's', (char)('0' + k), '\0' };
            struct aw_set *set =
                graphs_set (g, name, 50, table[i][0].cpus, table[i][0].gpus, 9.1 + 0.1 * k);

            set->gpu_share = table[i][0].gpu_share;
        }
        graphs_set (g, "first", 1, 1, 0, 1);
        *graphs_set (g, "wide", 1, table[i][1].cpus, table[i][1].gpus, 10) = (struct aw_set){
            .name = g->sets[g->n_sets - 1].name,
            .count = 1,
            .cpus = table[i][1].cpus,
            .gpus = table[i][1].gpus,
            .gpu_share = table[i][1].gpu_share,
            .gpu_type = table[i][1].gpu_type,
            .threads_per_core = table[i][1].threads_per_core,
            .ranks_per_node = table[i][1].ranks_per_node ? table[i][1].ranks_per_node : 1,
            .nodes = 1,
            .duration = 10,
            .time_limit = INFINITY,
        };
        graphs_set (g, "tail", 1, 1, 0, 1000); /* so that it goes before all others */
        graphs_edge (g, "wide", "first", 0, 0);
        graphs_edge (g, "tail", "wide", 0, 0);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        wait.task = g->n_tasks - 2;
        s = aw_sched_create (g, &config, NULL);
        assert_int_equal (aw_idset_parse (&ev.cpus, "0-7"), 0);
        assert_int_equal (aw_idset_parse (&ev.gpus, "0-1"), 0);
        assert_int_equal (aw_sched_handle (s, &ev, NULL), 0);
        assert_int_equal (aw_simulate (s, &sim, &result, NULL), 0);
        assert_int_equal (result.code, 0);
        if (!(wait.start - wait.ready < 12))
            fail_msg ("case %zu: ready at %g, started at %g of %g", i, wait.ready, wait.start,
                      result.end);
        aw_idset_finish (&ev.cpus);
        aw_idset_finish (&ev.gpus);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test (random_placed_runs_break_no_rule),
                                        cmocka_unit_test (what_no_node_can_place_is_told),
                                        cmocka_unit_test (
                                            a_task_of_whole_gpus_or_cores_is_not_starved) };

    return cmocka_run_group_tests_name ("place-sched", tests, NULL, NULL);
}
