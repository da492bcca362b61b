/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks over several nodes: started on all at once, given back as one, neither starved nor starving
 * others. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/forecast.h"
#include "core/sched/reserve.h"
#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"

enum { NODES = 4, CPUS = 8, GPUS = 2 };

static struct aw_sched *make (const struct aw_graph *g, enum aw_policy policy, uint32_t nodes)
{
    struct aw_sched_config config = { policy, AW_MODE_ASYNC, 0 };
    struct aw_sched *s = aw_sched_create (g, &config, NULL);

    assert_non_null (s);
    assert_int_equal (aw_simulate_add_nodes (s, nodes, CPUS, GPUS, 0, NULL), 0);
    return s;
}

static struct aw_graph *one_set (uint32_t nodes, uint32_t cpus, uint32_t gpus)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "wide", 2, cpus, gpus, 10)->nodes = nodes;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void a_task_of_more_nodes_than_there_are_is_told (void **state)
{
    struct aw_graph *g = one_set (NODES + 1, CPUS, 0);
    struct aw_sched *s = make (g, AW_POLICY_LONGEST_PATH, NODES);
    struct aw_event action;
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_sched_check (s, &err), -1);
    assert_string_equal (err.text,
                         "tasks.wide: a task needs 5 nodes with 8 CPUs each, and 4 of the pool's 4 "
                         "nodes have that: request more nodes, or fewer for the task");
    while (aw_sched_next (s, &action))
        assert_int_not_equal (action.type, AW_EVENT_START);
    assert_true (aw_sched_ended (s));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* The next START, past what else there is to say. */
static bool next_start (struct aw_sched *s, struct aw_event *action)
{
    while (aw_sched_next (s, action))
        if (action->type == AW_EVENT_START)
            return true;
    return false;
}

static void each_node_gives_its_part (void **state)
{
    struct aw_graph *g = one_set (3, 4, 1);
    struct aw_sched *s = make (g, AW_POLICY_LONGEST_PATH, NODES);
    struct aw_event start, again, finish = { .type = AW_EVENT_FINISH, .t = 5, .seconds = 5 };
    uint32_t cursor = 0;
    struct aw_error err;

    (void)state;
    assert_true (next_start (s, &start));
    assert_int_equal (start.n_more, 2);
    assert_int_equal (start.node, 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal (start.more[i].node, i + 1);
        assert_int_equal (aw_idset_count (&start.more[i].cpus), 4);
        assert_int_equal (aw_idset_count (&start.more[i].gpus), 1);
    }
    assert_int_equal (aw_sched_pool (s)->free.cpus, NODES * CPUS - 12);
    assert_true (next_start (s, &start)); /* beside it, and on the fourth node */
    assert_int_equal (aw_sched_pool (s)->free.cpus, NODES * CPUS - 24);
    assert_true (aw_sched_running (s, &cursor, &again));
    assert_int_equal (again.n_more, 2);
    assert_true (aw_sched_running (s, &cursor, &again));
    assert_false (aw_sched_running (s, &cursor, &again)); /* parts are no attempts */
    assert_int_equal (aw_sched_handle (s, &finish, &err), 0);
    assert_int_equal (aw_sched_pool (s)->free.cpus, NODES * CPUS - 12);
    assert_int_equal (aw_sched_counts (s, AW_NONE).running, 1);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* A recorded start that asks for a wrong number of nodes, or for what is not free, changes nothing.
 */
static void a_wrong_recorded_start_changes_nothing (void **state)
{
    struct aw_graph *g = one_set (2, CPUS, 0);
    struct aw_sched *s = make (g, AW_POLICY_LONGEST_PATH, NODES);
    struct aw_part more = { .node = 0 };
    struct aw_event start = { .type = AW_EVENT_START, .node = 0 };
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_idset_add (&start.cpus, 0, CPUS - 1), 0);
    assert_int_equal (aw_idset_add (&more.cpus, 0, CPUS - 1), 0);
    assert_int_equal (aw_sched_handle (s, &start, &err), -1);
    assert_non_null (strstr (err.text, "wide[0] starts on 1 nodes instead of 2"));
    start.more = &more;
    start.n_more = 1;
    assert_int_equal (aw_sched_handle (s, &start, &err), -1); /* twice the same node */
    assert_non_null (strstr (err.text, "not free"));
    assert_int_equal (aw_sched_pool (s)->free.cpus, NODES * CPUS);
    more.node = NODES;
    assert_int_equal (aw_sched_handle (s, &start, &err), -1);
    assert_non_null (strstr (err.text, "unknown node 4"));
    assert_int_equal (aw_sched_pool (s)->free.cpus, NODES * CPUS);
    more.node = 2;
    assert_int_equal (aw_sched_handle (s, &start, &err), 0);
    assert_int_equal (aw_sched_pool (s)->free.cpus, (NODES - 2) * CPUS);
    aw_idset_finish (&start.cpus);
    aw_idset_finish (&more.cpus);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* Its second node goes: the task ends as a whole, and runs again on others. */
static void a_task_that_loses_a_node_runs_again_on_others (void **state)
{
    struct aw_graph *g = one_set (2, CPUS, 0);
    struct aw_sched *s;
    struct aw_event action, lost = { .type = AW_EVENT_NODE_LOST, .t = 1, .node = 1 };

    (void)state;
    g->sets[0].count = 1;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = make (g, AW_POLICY_LONGEST_PATH, NODES);
    assert_true (next_start (s, &action));
    assert_int_equal (action.more[0].node, 1);
    assert_int_equal (aw_sched_handle (s, &lost, NULL), 0);
    assert_true (aw_sched_next (s, &action));
    assert_int_equal (action.type, AW_EVENT_FINISH);
    assert_int_equal (action.status, AW_STATUS_NODE_FAIL);
    assert_int_equal (aw_sched_pool (s)->free.cpus, (NODES - 1) * CPUS);
    assert_true (next_start (s, &action));
    assert_int_equal (action.attempt, 1);
    assert_int_equal (action.node, 0);
    assert_int_equal (action.more[0].node, 2);
    lost.node = 3;
    assert_int_equal (aw_sched_handle (s, &lost, NULL), 0); /* none of its own */
    assert_false (aw_sched_next (s, &action));
    lost.node = 2; /* one left: never again */
    assert_int_equal (aw_sched_handle (s, &lost, NULL), 0);
    assert_false (next_start (s, &action));
    assert_int_equal (action.type, AW_EVENT_END);
    assert_int_equal (action.code, 4);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

/* The second node can be had at 30: what ends before may run on both, what is narrow enough beside.
 */
static void several_nodes_are_reserved_together (void **state)
{
    struct aw_demand wide = { .cpus = 6, .nodes = 2 }, two = { .cpus = 2 }, three = { .cpus = 3 },
                     both = { .cpus = 3, .nodes = 2 };
    struct aw_reservation res = { 0 }, copy;
    struct aw_running_table running;
    struct aw_pool pool;
    struct aw_idset cpus = { 0 }, none = { 0 };
    static const struct {
        uint32_t node, cpus;
        double end;
    } runs[] = { { 0, 8, 100 }, { 1, 4, 30 }, { 2, 8, 60 } };

    (void)state;
    aw_pool_init (&pool);
    assert_int_equal (aw_idset_add (&cpus, 0, 7), 0);
    for (int i = 0; i < NODES; i++)
        assert_int_equal (aw_pool_add_node (&pool, "n", &cpus, &none, 0, NULL, NULL), i);
    assert_int_equal (aw_running_init (&running, 8), 0);
    assert_int_equal (aw_running_add_nodes (&running, NODES), 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct aw_running *r = aw_running_new (&running, 1);

        r->task = i;
        r->node = runs[i].node;
        r->demand = (struct aw_demand){ .cpus = runs[i].cpus };
        r->end = runs[i].end;
        assert_int_equal (aw_pool_take (&pool, r->node, &r->demand, &r->cpus, &r->gpus), 0);
        aw_running_link (&running, r);
    }
    assert_true (aw_reservation_make (&res, NULL,
                                      &(struct aw_forecast_query){ &pool, &running, 7, &wide, 5 }));
    assert_int_equal (res.n, 2);
    assert_int_equal (res.nodes[0].node, 1);
    assert_int_equal (res.nodes[1].node, 3); /* free now, and kept */
    assert_true (res.t == 30);
    assert_int_equal (res.nodes[0].spare.cpus, 2);
    assert_int_equal (res.nodes[1].spare.cpus, 2);
    assert_int_equal (aw_reservation_clone (&copy, &res), 0);
    assert_true (aw_reservation_allows (&copy, 0, &three, 5, NAN)); /* not reserved */
    assert_true (aw_reservation_allows (&copy, 3, &three, 5, 25));
    assert_false (aw_reservation_allows (&copy, 3, &three, 5, 26));
    assert_false (aw_reservation_allows (&copy, 3, &both, 5, 26));
    assert_true (aw_reservation_allows (&copy, 3, &two, 5, NAN));
    aw_reservation_finish (&copy);
    wide.nodes = NODES + 1;
    assert_false (aw_reservation_make (
        &res, NULL, &(struct aw_forecast_query){ &pool, &running, 7, &wide, 5 }));
    assert_false (res.active);
    aw_reservation_finish (&res);
    aw_running_finish (&running);
    aw_pool_finish (&pool);
    aw_idset_finish (&cpus);
}

struct wait {
    double first, last; /* starts of the wide set's tasks */
    uint64_t random;
};

static void note_wide (void *arg, const struct aw_event *ev)
{
    struct wait *wait = arg;

    if (ev->type != AW_EVENT_START || ev->n_more == 0)
        return;
    wait->first = wait->first < 0 ? ev->t : wait->first;
    wait->last = ev->t;
}

static double uneven (void *arg, const struct aw_event *start)
{
    struct wait *wait = arg;

    return start->n_more > 0 ? 10 : 5 + graphs_below (&wait->random, 1000) / 100.;
}

/* Tasks over all nodes that become ready while two thousand narrow ones fill the pool, of which one
 * is always ready: they must not wait for the last of those, whether durations are known or not.
 */
static void a_task_of_several_nodes_is_not_starved (void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct aw_graph *g = aw_graph_create ();
        struct wait wait = { -1, -1, 88172645463325252u };
        struct aw_simulation sim = { .seconds = uneven, .observe = note_wide, .arg = &wait };
        struct aw_simulated r;
        struct aw_sched *s;

        graphs_set (g, "early", 1, 1, 0, known ? 10 : NAN);
        graphs_set (g, "wide", 3, CPUS, 0, known ? 10 : NAN)->nodes = NODES;
        graphs_set (g, "narrow", 2000, 1, 0, known ? 10 : NAN);
        graphs_edge (g, "wide", "early", 0, 0);
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        s = make (g, AW_POLICY_WIDEST, NODES);
        assert_int_equal (aw_simulate (s, &sim, &r, NULL), 0);
        assert_int_equal (r.code, 0);
        assert_true (wait.last < r.end / 4);
        aw_sched_destroy (s);
        aw_graph_destroy (g);
    }
}

/* Books of its own beside the scheduler's, and a record of all that happens. */
struct watch {
    const struct aw_graph *g;
    struct aw_idset busy_cpus[NODES], busy_gpus[NODES];
    struct aw_event *events;
    size_t n;
    uint64_t random;
};

static void take (struct watch *w,
                  const struct aw_demand *d,
                  uint32_t node,
                  const struct aw_idset *cpus,
                  const struct aw_idset *gpus)
{
    assert_in_range (node, 0, NODES - 1);
    assert_int_equal (aw_idset_count (cpus), d->cpus);
    assert_int_equal (aw_idset_count (gpus), d->gpus);
    assert_int_equal (aw_idset_next (cpus, CPUS), AW_IDSET_NONE);
    assert_int_equal (aw_idset_next (gpus, GPUS), AW_IDSET_NONE);
    assert_false (aw_idset_intersects (cpus, &w->busy_cpus[node]));
    assert_false (aw_idset_intersects (gpus, &w->busy_gpus[node]));
    aw_idset_add_all (&w->busy_cpus[node], cpus);
    aw_idset_add_all (&w->busy_gpus[node], gpus);
}

static void check_start (struct watch *w, const struct aw_event *ev)
{
    struct aw_demand d = aw_set_demand (&w->g->sets[aw_graph_task (w->g, ev->task).set]);

    assert_int_equal (ev->n_more + 1, d.nodes);
    take (w, &d, ev->node, &ev->cpus, &ev->gpus);
    for (uint32_t i = 0; i < ev->n_more; i++)
        take (w, &d, ev->more[i].node, &ev->more[i].cpus, &ev->more[i].gpus);
}

static void give_back (struct watch *w, uint32_t task)
{
    const struct aw_event *start;
    size_t i = w->n;

    do {
        assert_true (i > 0);
        start = &w->events[--i];
    } while (start->type != AW_EVENT_START || start->task != task);
    aw_idset_remove_all (&w->busy_cpus[start->node], &start->cpus);
    aw_idset_remove_all (&w->busy_gpus[start->node], &start->gpus);
    for (i = 0; i < start->n_more; i++) {
        aw_idset_remove_all (&w->busy_cpus[start->more[i].node], &start->more[i].cpus);
        aw_idset_remove_all (&w->busy_gpus[start->more[i].node], &start->more[i].gpus);
    }
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct watch *w = arg;
    struct aw_event *mine;
    struct aw_part *more = NULL;

    if (ev->type == AW_EVENT_START)
        check_start (w, ev);
    if (ev->type == AW_EVENT_FINISH)
        give_back (w, ev->task);
    w->events = realloc (w->events, (w->n + 1) * sizeof (*w->events));
    mine = &w->events[w->n++];
    *mine = *ev;
    memset (&mine->cpus, 0, sizeof (mine->cpus));
    memset (&mine->gpus, 0, sizeof (mine->gpus));
    aw_idset_copy (&mine->cpus, &ev->cpus);
    aw_idset_copy (&mine->gpus, &ev->gpus);
    if (ev->n_more > 0)
        more = calloc (ev->n_more, sizeof (*more));
    for (uint32_t i = 0; i < ev->n_more; i++) {
        more[i].node = ev->more[i].node;
        aw_idset_copy (&more[i].cpus, &ev->more[i].cpus);
        aw_idset_copy (&more[i].gpus, &ev->more[i].gpus);
    }
    mine->more = more;
}

static double half_to_double (void *arg, const struct aw_event *start)
{
    struct watch *w = arg;
    double declared = w->g->sets[aw_graph_task (w->g, start->task).set].duration;

    return (isnan (declared) ? 10 : declared)
           * (0.5 + 1.5 * graphs_below (&w->random, 1000) / 1000.0);
}

static void watch_finish (struct watch *w)
{
    for (size_t i = 0; i < w->n; i++) {
        aw_idset_finish (&w->events[i].cpus);
        aw_idset_finish (&w->events[i].gpus);
        for (uint32_t k = 0; k < w->events[i].n_more; k++) {
            aw_idset_finish ((struct aw_idset *)(uintptr_t)&w->events[i].more[k].cpus);
            aw_idset_finish ((struct aw_idset *)(uintptr_t)&w->events[i].more[k].gpus);
        }
        free ((void *)(uintptr_t)w->events[i].more);
    }
    for (int n = 0; n < NODES; n++) {
        assert_int_equal (aw_idset_count (&w->busy_cpus[n]), 0);
        assert_int_equal (aw_idset_count (&w->busy_gpus[n]), 0);
        aw_idset_finish (&w->busy_cpus[n]);
        aw_idset_finish (&w->busy_gpus[n]);
    }
    free (w->events);
}

/* What was recorded, handled again up to CUT and asked for from there on, by a copy. */
static void decide_again (const struct watch *w, enum aw_policy policy, size_t cut)
{
    struct aw_sched *s = make (w->g, policy, NODES), *twin;
    struct aw_event action;
    struct aw_error err;

    for (size_t i = 0; i < w->n; i++) {
        const struct aw_event *ev = &w->events[i];

        if (i > cut && ev->type == AW_EVENT_FINISH && ev->t > aw_sched_now (s))
            assert_false (aw_sched_next (s, &action)); /* asked then, too */
        if (i <= cut || ev->type == AW_EVENT_FINISH) {
            if (aw_sched_handle (s, ev, &err) < 0)
                fail_msg ("event %zu: %s", i, err.text);
            if (i != cut)
                continue;
            twin = aw_sched_clone (s);
            assert_non_null (twin);
            aw_sched_destroy (s);
            s = twin;
            continue;
        }
        assert_true (aw_sched_next (s, &action));
        if (action.type != ev->type || action.task != ev->task)
            fail_msg ("event %zu: type %d of task %u instead of %d of %u", i, (int)action.type,
                      action.task, (int)ev->type, ev->task);
        assert_int_equal (action.n_more, ev->n_more);
        if (action.type != AW_EVENT_START)
            continue;
        assert_int_equal (action.node, ev->node);
        assert_true (aw_idset_equal (&action.cpus, &ev->cpus));
        for (uint32_t k = 0; k < ev->n_more; k++) {
            assert_int_equal (action.more[k].node, ev->more[k].node);
            assert_true (aw_idset_equal (&action.more[k].cpus, &ev->more[k].cpus));
            assert_true (aw_idset_equal (&action.more[k].gpus, &ev->more[k].gpus));
        }
    }
    assert_false (aw_sched_next (s, &action));
    aw_sched_destroy (s);
}

/* On random graphs, half of whose sets are wide: nothing held twice, everything done, and a replay
 * of the record decides the same.
 */
static void random_runs_of_wide_tasks_break_no_rule (void **state)
{
    uint64_t seed = 20261124;

    (void)state;
    print_message ("# seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 200; round++) {
        enum aw_policy policy = (enum aw_policy)graphs_below (&seed, AW_POLICIES);
        struct aw_graph *g = graphs_layered (&seed, CPUS / 2, GPUS);
        struct watch w = { .g = g, .random = graphs_random (&seed) };
        struct aw_simulation sim = { .seconds = half_to_double, .observe = observe, .arg = &w };
        struct aw_simulated r;
        struct aw_sched *s;
        struct aw_error err;
        size_t cut;

        assert_non_null (g);
        for (uint32_t i = 0; i < g->n_sets; i++) {
            struct aw_set *set = &g->sets[i];

            set->nodes = graphs_below (&seed, 2) ? 1 + graphs_below (&seed, NODES) : 1;
            set->ranks_per_node = set->gpus <= GPUS / 2 ? 1 + graphs_below (&seed, 2) : 1;
            if (round % 3 == 0)
                set->duration = NAN; /* learned then */
        }
        s = make (g, policy, NODES);
        assert_int_equal (aw_sched_check (s, &err), 0);
        if (aw_simulate (s, &sim, &r, &err) < 0)
            fail_msg ("%s", err.text);
        assert_int_equal (r.code, 0);
        assert_int_equal (aw_sched_counts (s, AW_NONE).done, g->n_tasks);
        assert_int_equal (aw_sched_pool (s)->free.cpus, NODES * CPUS);
        assert_int_equal (aw_sched_pool (s)->free.gpus, NODES * GPUS);
        aw_sched_destroy (s);
        /* What is learned moves the ranks at decisions alone: then all are made again. */
        cut = round % 3 == 0 ? 0 : graphs_below (&seed, (uint32_t)w.n);
        while (cut > 0 && w.events[cut].type != AW_EVENT_FINISH)
            cut--; /* there the scheduler had nothing more to say */
        decide_again (&w, policy, cut);
        watch_finish (&w);
        aw_graph_destroy (g);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_task_of_more_nodes_than_there_are_is_told),
        cmocka_unit_test (each_node_gives_its_part),
        cmocka_unit_test (a_wrong_recorded_start_changes_nothing),
        cmocka_unit_test (a_task_that_loses_a_node_runs_again_on_others),
        cmocka_unit_test (several_nodes_are_reserved_together),
        cmocka_unit_test (a_task_of_several_nodes_is_not_starved),
        cmocka_unit_test (random_runs_of_wide_tasks_break_no_rule),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
