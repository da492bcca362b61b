/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that die anywhere are resumed to their ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/history/resume_state.h"
#include "core/history/history.h"
#include "core/sched/sched.h"
#include "graphs.h"
#include "io/journal/journal.h"

/* A run in virtual time whose coordinator dies again and again. */
struct world {
    struct aw_graph *graph;
    struct aw_history history;
    struct aw_sched *sched;
    uint64_t seed;
    double t;
    struct aw_event running[64];
    uint32_t n_running;
    uint8_t *done; /* by task: how often it completed */
    uint32_t n_done, resumes;
    int code; /* of the END; -1: not yet */
};

static void tell_history (struct world *w, const struct aw_event *ev)
{
    struct aw_error err;

    if (aw_history_handle (&w->history, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

static void add_node (struct world *w)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .name = "n1", .t = w->t };

    assert_int_equal (aw_idset_add (&ev.cpus, 0, 15), 0);
    assert_int_equal (aw_idset_add (&ev.gpus, 0, 3), 0);
    tell_history (w, &ev);
    assert_int_equal (aw_sched_handle (w->sched, &ev, NULL), 0);
    aw_idset_finish (&ev.cpus);
    aw_idset_finish (&ev.gpus);
}

static void begin (struct world *w, enum aw_mode mode, const struct aw_idset *again)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, mode, 0 };
    struct aw_resume resume = { .epoch = 1e9, .job = "7" };
    struct aw_event ev = { .type = AW_EVENT_RESUME, .t = w->t, .resume = &resume };
    struct aw_resume_state earlier;
    bool first = !w->sched;

    if (again)
        resume.again = *again;
    aw_sched_destroy (w->sched);
    w->sched = aw_sched_create (w->graph, &config, NULL);
    assert_non_null (w->sched);
    w->n_running = 0;
    w->code = -1;
    if (!first) {
        tell_history (w, &ev);
        assert_int_equal (aw_resume_state_init (&earlier, &w->history, NULL), 0);
        assert_int_equal (earlier.n_done, w->n_done);
        assert_int_equal (aw_sched_resume (w->sched, &earlier, NULL), 0);
        assert_int_equal (aw_sched_resume (w->sched, &earlier, NULL), -1); /* once */
        aw_resume_state_finish (&earlier);
        w->resumes++;
    }
    add_node (w);
}

/* All that the task waits for has completed. */
static void check_predecessors (const struct world *w, uint32_t id)
{
    struct aw_task at = aw_graph_task (w->graph, id);
    const struct aw_set *set = &w->graph->sets[at.set];

    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];
        struct aw_task from = { at.iteration - edge->back, edge->set, 0 };

        if (edge->back > at.iteration)
            continue;
        for (; from.index < w->graph->sets[edge->set].count; from.index++)
            if (graphs_are_paired (w->graph, at.set, edge, at.index, from.index))
                assert_true (w->done[aw_graph_task_id (w->graph, from)] > 0);
    }
}

/* Carries out what the scheduler wants; false: the coordinator dies, for its LIFE is over. */
static bool act (struct world *w, uint32_t *life)
{
    struct aw_event action;

    while (aw_sched_next (w->sched, &action)) {
        tell_history (w, &action);
        if (action.type == AW_EVENT_END)
            w->code = action.code;
        if (action.type == AW_EVENT_START) {
            assert_int_equal (w->done[action.task], 0);
            check_predecessors (w, action.task);
            assert_true (w->n_running < 64);
            w->running[w->n_running++] = action;
        }
        if (action.type != AW_EVENT_READY && --*life == 0)
            return false;
    }
    return true;
}

static void end_one (struct world *w, uint32_t odds)
{
    uint32_t i = graphs_below (&w->seed, w->n_running);
    struct aw_event ev = { .type = AW_EVENT_FINISH, .seconds = 1 };

    ev.task = w->running[i].task;
    ev.attempt = w->running[i].attempt;
    ev.t = w->t += 0.25;
    ev.status = graphs_below (&w->seed, 100) < odds ? AW_STATUS_FAILED : AW_STATUS_COMPLETED;
    w->running[i] = w->running[--w->n_running];
    tell_history (w, &ev);
    assert_int_equal (aw_sched_handle (w->sched, &ev, NULL), 0);
    if (ev.status != AW_STATUS_COMPLETED)
        return;
    w->done[ev.task]++;
    w->n_done++;
}

static void make (struct world *w, uint64_t seed)
{
    *w = (struct world){ .seed = seed };
    w->graph = graphs_layered (&w->seed, 16, 4);
    assert_non_null (w->graph);
    w->graph->iterations = 1 + graphs_below (&w->seed, 3);
    w->graph->iterated = w->graph->iterations > 1;
    for (uint32_t s = 0; s < w->graph->n_sets; s++)
        w->graph->sets[s].retry.count = graphs_below (&w->seed, 3);
    assert_int_equal (aw_graph_finalize (w->graph, NULL), 0);
    w->done = calloc (w->graph->n_tasks, 1);
    assert_non_null (w->done);
    assert_int_equal (aw_history_init (&w->history, w->graph, NULL), 0);
}

static void destroy (struct world *w)
{
    aw_sched_destroy (w->sched);
    aw_history_finish (&w->history);
    aw_graph_destroy (w->graph);
    free (w->done);
}

static void a_run_that_dies_anywhere_is_resumed_to_its_end (void **state)
{
    uint32_t resumes = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct aw_summary sum;
        struct world w;

        make (&w, seed);
        do {
            uint32_t life = 1 + graphs_below (&w.seed, 60);
            enum aw_mode mode = graphs_below (&w.seed, 2) ? AW_MODE_ASYNC : AW_MODE_SEQUENTIAL;

            begin (&w, mode, NULL);
            w.t += graphs_below (&w.seed, 3) * 10; /* often dead before anything is decided */
            while (act (&w, &life) && w.n_running > 0)
                end_one (&w, 10);
            w.t += 100;
        } while (w.code != 0);
        assert_int_equal (w.n_done, w.graph->n_tasks);
        for (uint32_t i = 0; i < w.graph->n_tasks; i++)
            assert_int_equal (w.done[i], 1);
        aw_history_summary (&w.history, &sum);
        assert_int_equal (sum.completed, w.graph->n_tasks);
        assert_int_equal (w.history.n_gaps, w.resumes);
        assert_int_equal (sum.n_nodes, 1);
        assert_false (sum.cpu_share > 1);
        resumes += w.resumes;
        destroy (&w);
    }
    assert_true (resumes > 200);
}

/* Sets that are told to run again do, and nothing else does. */
static void sets_told_to_run_again_do_and_no_others (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct aw_idset again = { 0 };
        uint32_t life = UINT32_MAX;
        struct world w;
        uint32_t set;

        make (&w, seed);
        begin (&w, AW_MODE_ASYNC, NULL);
        while (act (&w, &life) && w.n_running > 0)
            end_one (&w, 0);
        assert_int_equal (w.code, 0);
        set = w.graph->order[w.graph->n_sets - 1]; /* nothing of its iteration waits for it */
        assert_int_equal (aw_idset_add (&again, set, set), 0);
        for (uint32_t i = 0; i < w.graph->n_tasks; i++) {
            if (aw_graph_task (w.graph, i).set != set)
                continue;
            w.done[i] = 0;
            w.n_done--;
        }
        begin (&w, AW_MODE_ASYNC, &again);
        while (act (&w, &life) && w.n_running > 0)
            end_one (&w, 0);
        assert_int_equal (w.code, 0);
        assert_int_equal (w.n_done, w.graph->n_tasks);
        aw_idset_finish (&again);
        destroy (&w);
    }
}

/* What earlier parts of the run did, for want of messages that come now, say, is not told as
 * skipped when what stands before it fails.
 */
static void what_was_done_is_not_skipped (void **state)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_event action, ev = { .type = AW_EVENT_FINISH, .t = 1, .status = AW_STATUS_FAILED };
    struct aw_resume_state earlier = { .last_iteration = UINT32_MAX };
    struct world w = { .graph = aw_graph_create () };
    uint8_t done[3] = { 0, 1, 0 };
    uint32_t attempts[3] = { 0, 1, 0 }, skipped = 0;

    (void)state;
    graphs_set (w.graph, "a", 1, 1, 0, 1)->on_failure = AW_ON_FAILURE_SKIP;
    graphs_set (w.graph, "b", 1, 1, 0, 1);
    graphs_set (w.graph, "c", 1, 1, 0, 1);
    graphs_edge (w.graph, "b", "a", 0, 0);
    graphs_edge (w.graph, "c", "b", 0, 0);
    assert_int_equal (aw_graph_finalize (w.graph, NULL), 0);
    assert_int_equal (aw_history_init (&w.history, w.graph, NULL), 0);
    earlier.done = done;
    earlier.attempts = attempts;
    w.sched = aw_sched_create (w.graph, &config, NULL);
    assert_int_equal (aw_sched_resume (w.sched, &earlier, NULL), 0);
    add_node (&w);
    while (aw_sched_next (w.sched, &action))
        ;
    assert_int_equal (aw_sched_handle (w.sched, &ev, NULL), 0);
    while (aw_sched_next (w.sched, &action)) {
        assert_false (action.type == AW_EVENT_SKIP && action.task == 1);
        skipped += action.type == AW_EVENT_SKIP;
    }
    assert_int_equal (skipped, 1);
    assert_true (action.type == AW_EVENT_END && action.code == 1);
    aw_sched_destroy (w.sched);
    aw_history_finish (&w.history);
    aw_graph_destroy (w.graph);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_run_that_dies_anywhere_is_resumed_to_its_end),
        cmocka_unit_test (sets_told_to_run_again_do_and_no_others),
        cmocka_unit_test (what_was_done_is_not_skipped),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
