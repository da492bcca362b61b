/* SPDX-License-Identifier: Apache-2.0 */
/* Random runs break no rule, and a copy of a scheduler decides as the original did. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"
#include "sched-watch.h"

/* On random graphs: nothing before its predecessors, nothing oversubscribed, everything done,
 * nothing idle for no reason at the end, the same every time.
 */
static void random_runs_break_no_rule (void **state)
{
    uint64_t seed = 20221105;

    (void)state;
    for (int round = 0; round < 400; round++) {
        uint32_t cpus = 4 + graphs_below (&seed, 60), gpus = graphs_below (&seed, 7),
                 nodes = 1 + graphs_below (&seed, 5);
        enum aw_policy policy = graphs_below (&seed, 2) ? AW_POLICY_FIFO : AW_POLICY_LONGEST_PATH;
        enum aw_mode mode = graphs_below (&seed, 4) ? AW_MODE_ASYNC : AW_MODE_SEQUENTIAL;
        struct aw_graph *g = graphs_layered (&seed, cpus, gpus);
        uint64_t sums[2];

        assert_non_null (g);
        for (uint32_t i = 0; round % 3 == 0 && i < g->n_sets; i++)
            g->sets[i].duration = NAN; /* learned then */
        for (int again = 0; again < 2; again++) {
            struct watch *w = watch_create (g, nodes, cpus, gpus, mode);
            struct aw_simulation sim = { .seconds = watch_spread,
                                         .observe = watch_event,
                                         .arg = w };
            struct aw_sched *s = watch_sched (g, policy, mode, nodes, cpus, gpus);
            struct aw_simulated r;
            struct aw_error err;

            if (aw_simulate (s, &sim, &r, &err) < 0)
                fail_msg ("%s", err.text);
            assert_int_equal (r.code, 0);
            assert_int_equal (r.decisions, g->n_tasks);
            assert_int_equal (aw_sched_counts (s, AW_NONE).done, g->n_tasks);
            assert_int_equal (aw_sched_pool (s)->free.cpus, nodes * cpus);
            assert_int_equal (aw_sched_pool (s)->free.gpus, nodes * gpus);
            assert_true (aw_sched_ended (s));
            sums[again] = w->sum;
            aw_sched_destroy (s);
            watch_destroy (w);
        }
        assert_true (sums[0] == sums[1]);
        aw_graph_destroy (g);
    }
}

/* A recorder of everything, for replay. */
struct record {
    struct aw_event *events;
    size_t n;
    struct watch *watch;
    struct aw_sched *sched, *copy;
    size_t copy_at;
};

static void record (void *arg, const struct aw_event *ev)
{
    struct record *r = arg;
    struct aw_event *mine;

    r->events = realloc (r->events, (r->n + 1) * sizeof (*r->events));
    mine = &r->events[r->n++];
    *mine = *ev;
    memset (&mine->cpus, 0, 2 * sizeof (mine->cpus));
    aw_idset_copy (&mine->cpus, &ev->cpus);
    aw_idset_copy (&mine->gpus, &ev->gpus);
}

static double spread_of_record (void *arg, const struct aw_event *start)
{
    return watch_spread (((struct record *)arg)->watch, start);
}

/* A fold over the recorded events gives the same state, and asks for nothing that was done already;
 * from any point on the copy decides as the original did.
 */
static void a_copy_decides_as_the_original_did (void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct aw_graph *g = graphs_layered (&seed, 16, 4);
        struct watch *w = watch_create (g, 3, 16, 4, AW_MODE_ASYNC);
        struct record r = { .watch = w };
        struct aw_simulation sim = { .seconds = spread_of_record, .observe = record, .arg = &r };
        struct aw_sched *s = watch_sched (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 3, 16, 4);
        struct aw_simulated result;
        struct aw_sched *again;
        struct aw_error err;
        struct aw_event action;
        size_t cut;

        assert_int_equal (aw_simulate (s, &sim, &result, NULL), 0);
        cut = graphs_below (&seed, (uint32_t)r.n);
        while (cut > 0 && r.events[cut].type != AW_EVENT_FINISH)
            cut--; /* there the scheduler had nothing more to say */
        again = watch_sched (g, AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 3, 16, 4);
        for (size_t i = 0; i < r.n; i++) {
            if (i < cut || r.events[i].type == AW_EVENT_FINISH) {
                struct aw_sched *twin;
                if (aw_sched_handle (again, &r.events[i], &err) < 0)
                    fail_msg ("event %zu: %s", i, err.text);
                if (aw_sched_handle (again, &r.events[i], &err) < 0)
                    fail_msg ("event %zu a second time: %s", i, err.text);
                if (i == cut) { /* go on with a copy */
                    twin = aw_sched_clone (again);
                    assert_non_null (twin);
                    aw_sched_destroy (again);
                    again = twin;
                }
                continue;
            }
            assert_true (aw_sched_next (again, &action));
            assert_int_equal (action.type, r.events[i].type);
            assert_int_equal (action.task, r.events[i].task);
            if (action.type == AW_EVENT_START) {
                assert_int_equal (action.node, r.events[i].node);
                assert_true (aw_idset_equal (&action.cpus, &r.events[i].cpus));
            }
        }
        assert_false (aw_sched_next (again, &action));
        assert_int_equal (aw_sched_counts (again, AW_NONE).done, g->n_tasks);
        for (size_t i = 0; i < r.n; i++) {
            aw_idset_finish (&r.events[i].cpus);
            aw_idset_finish (&r.events[i].gpus);
        }
        free (r.events);
        aw_sched_destroy (s);
        aw_sched_destroy (again);
        watch_destroy (w);
        aw_graph_destroy (g);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (random_runs_break_no_rule),
        cmocka_unit_test (a_copy_decides_as_the_original_did),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
