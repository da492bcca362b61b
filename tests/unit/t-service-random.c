/* SPDX-License-Identifier: Apache-2.0 */
/* Services in random workflows: all that fits next to its services runs to its end, and only while
 * they serve.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graphs.h"
#include "model/simulate.h"

enum { CPUS = 4 };

/* The CPUs of SET and of all services that it uses: they must fit on one node. */
static uint32_t together (const struct aw_graph *g, uint32_t s)
{
    uint32_t used[32] = { 0 }, cpus = 0;

    used[s] = 1;
    for (uint32_t i = s + 1; i-- > 0;)
        for (uint32_t e = 0; used[i] && e < g->sets[i].n_after; e++)
            used[g->sets[i].after[e].set] |= g->sets[g->sets[i].after[e].set].service;
    for (uint32_t i = 0; i <= s; i++)
        cpus += used[i] ? g->sets[i].cpus : 0;
    return cpus;
}

static struct aw_graph *random_graph (uint64_t *seed)
{
    struct aw_graph *g = aw_graph_create ();
    uint32_t n = 2 + graphs_below (seed, 8);

    g->iterations = 1 + graphs_below (seed, 3);
    g->iterated = g->iterations > 1;
    for (uint32_t s = 0; s < n; s++) {
        struct aw_set *set;
        char name[16];

        snprintf (name, sizeof (name), "s%u", s);
        set = graphs_set (g, name, 1 + graphs_below (seed, 3), 1 + graphs_below (seed, CPUS), 0,
                          graphs_below (seed, 5) ? 1 + graphs_below (seed, 20) : NAN);
        set->service = s + 1 < n && graphs_below (seed, 5) < 2;
        if (set->service) {
            set->count = 1;
            set->cpus = 1 + graphs_below (seed, 2);
        }
        set->on_failure = AW_ON_FAILURE_SKIP;
        set->retry.count = 3;
        for (uint32_t p = 0; p < s; p++) {
            struct aw_edge edge = { .set = p };

            if (graphs_below (seed, 2))
                continue;
            edge.back = !g->sets[p].service && graphs_below (seed, 5) == 0;
            assert_int_equal (aw_graph_add_edge (g, s, edge), 0);
            set = &g->sets[s];
        }
        while (together (g, s) > CPUS && set->cpus > 1)
            set->cpus--;
        if (together (g, s) > CPUS)
            set->n_after = 0;
    }
    return g;
}

struct chaos {
    struct aw_graph *graph;
    uint64_t seed, first_seed, copies;
    const struct aw_sched *sched;
    struct aw_sched *twin; /* hears all that happens */
    struct aw_sched *decider; /* hears what comes from outside, and decides the same */
    uint8_t done[4096];
    uint32_t n_serving[4096];
    bool fails;
};

/* The decider is a new copy now and then; it is never asked in vain. */
static void decide_too (struct chaos *c, const struct aw_event *ev)
{
    struct aw_event action;

    if (aw_sched_is_input (c->decider, ev)) {
        assert_int_equal (aw_sched_handle (c->decider, ev, NULL), 0);
        return;
    }
    if (!aw_sched_next (c->decider, &action) || action.type != ev->type || action.task != ev->task
        || action.node != ev->node)
        fail_msg ("seed %llu, t %g: %s of %u is not decided again",
                  (unsigned long long)c->first_seed, ev->t, aw_event_type_name (ev->type),
                  ev->task);
    if (graphs_below (&c->copies, 20))
        return;
    aw_sched_destroy (c->decider);
    c->decider = aw_sched_clone (c->sched);
    assert_non_null (c->decider);
}

/* Users run only while each of their services serves, as far as the events tell. */
static void watch (void *arg, const struct aw_event *ev)
{
    struct chaos *c = arg;
    const struct aw_graph *g = c->graph;
    struct aw_error err = { "" };
    struct aw_task at;

    if (aw_sched_handle (c->twin, ev, &err) < 0)
        fail_msg ("seed %llu: %s", (unsigned long long)c->first_seed, err.text);
    decide_too (c, ev);
    if (ev->type == AW_EVENT_SERVING)
        c->n_serving[ev->task] = 1;
    if (ev->type == AW_EVENT_KILL)
        c->n_serving[ev->task] = 0;
    if (ev->type == AW_EVENT_FINISH) {
        c->n_serving[ev->task] = 0;
        c->done[ev->task] = ev->status == AW_STATUS_COMPLETED;
    }
    if (ev->type != AW_EVENT_START)
        return;
    at = aw_graph_task (g, ev->task);
    for (uint32_t e = 0; e < g->sets[at.set].n_after; e++) {
        uint32_t p = g->sets[at.set].after[e].set;

        if (g->sets[p].service)
            assert_int_equal (c->n_serving[aw_graph_first_task (g, at.iteration, p)], 1);
    }
}

static double random_seconds (void *arg, const struct aw_event *start)
{
    struct chaos *c = arg;

    (void)start;
    return graphs_below (&c->seed, 30);
}

static void sometimes_fail (void *arg, struct aw_event *finish)
{
    struct chaos *c = arg;

    if (!c->graph->sets[aw_graph_task (c->graph, finish->task).set].service && c->fails
        && graphs_below (&c->seed, 10) == 0)
        finish->status = AW_STATUS_FAILED;
}

static void run_random (uint64_t seed)
{
    struct chaos c = { .seed = seed, .first_seed = seed, .copies = seed };
    struct aw_sched_config config = { (enum aw_policy) (seed % AW_POLICIES),
                                      seed % 7 == 0 ? AW_MODE_SEQUENTIAL : AW_MODE_ASYNC, 0 };
    struct aw_simulated result;
    struct aw_sched *sched;
    struct aw_error err = { "" };
    uint32_t nodes = 1 + seed % 2;

    graphs_random (&c.seed);
    c.graph = random_graph (&c.seed);
    c.fails = seed % 3 == 0;
    if (aw_graph_finalize (c.graph, &err) < 0)
        fail_msg ("seed %llu: %s", (unsigned long long)seed, err.text);
    sched = aw_sched_create (c.graph, &config, &err);
    c.twin = aw_sched_create (c.graph, &config, &err);
    assert_true (sched && c.twin);
    assert_int_equal (aw_simulate_add_nodes (sched, nodes, CPUS, 0, 0, &err), 0);
    assert_int_equal (aw_simulate_add_nodes (c.twin, nodes, CPUS, 0, 0, &err), 0);
    c.sched = sched;
    c.decider = aw_sched_clone (sched);
    assert_non_null (c.decider);
    assert_int_equal (aw_simulate (sched,
                                   &(struct aw_simulation){ .seconds = random_seconds,
                                                            .ends = sometimes_fail,
                                                            .observe = watch,
                                                            .arg = &c },
                                   &result, &err),
                      0);
    if (result.code != 0 && !(c.fails && result.code == 1))
        fail_msg ("seed %llu ends with %d", (unsigned long long)seed, result.code);
    assert_true (aw_sched_ended (c.twin));
    for (uint32_t task = 0; task < c.graph->n_tasks; task++)
        assert_int_equal (aw_sched_task_state (c.twin, task), aw_sched_task_state (sched, task));
    for (uint32_t task = 0; result.code == 0 && task < c.graph->n_tasks; task++)
        if (!c.done[task] && !c.graph->sets[aw_graph_task (c.graph, task).set].service)
            fail_msg ("seed %llu: task %u did not run", (unsigned long long)seed, task);
    aw_sched_destroy (sched);
    aw_sched_destroy (c.twin);
    aw_sched_destroy (c.decider);
    aw_graph_destroy (c.graph);
}

static void random_workflows_run_to_their_end (void **state)
{
    const char *runs = getenv ("SERVICE_RUNS"), *first = getenv ("SERVICE_SEED");
    uint64_t n = runs ? strtoull (runs, NULL, 10) : 3000;
    uint64_t from = first ? strtoull (first, NULL, 10) : 1;

    (void)state;
    run_random (6642); /* its services must be considered again in the turn that lets them start */
    run_random (12240); /* a task that others hold back must not take the places of services */
    run_random (308646); /* a service whose users are dropped must not start for them */
    for (uint64_t seed = from; seed < from + n; seed++)
        run_random (seed);
}

int main (void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test (
        random_workflows_run_to_their_end) };

    return cmocka_run_group_tests_name ("service-random", tests, NULL, NULL);
}
