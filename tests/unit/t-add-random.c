/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of random workflows add others at random moments; the journal decides the same again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "adding.h"
#include "core/history/history.h"
#include "core/history/resume_state.h"
#include "core/sched/sched.h"
#include "model/simulate.h"

/* A file of up to 4 sets with names from *NEXT on, each behind some of the sets that W has. */
static void random_text (
    char *text, size_t size, const struct aw_graph *graph, unsigned *seed, uint32_t *next)
{
    uint32_t n = 1 + (uint32_t)rand_r (seed) % 4, first = *next;
    size_t at = (size_t)snprintf (text, size, "{ \"async-workflow\": 1, \"tasks\": {");

    for (uint32_t i = 0; i < n; i++) {
        uint32_t count = 1 + (uint32_t)rand_r (seed) % 3;
        const char *comma = "";

        at += (size_t)snprintf (text + at, size - at,
                                "%s \"s%u\": { \"count\": %u, \"cpus\": %d, \"script\": \"x\", "
                                "\"on_failure\": \"skip\", \"after\": [",
                                i ? "," : "", (*next)++, count, 1 + rand_r (seed) % 3);
        for (uint32_t s = 0; graph && s < graph->n_sets; s++) {
            bool each = graph->sets[s].count == count && aw_graph_iterations (graph, s) == 1
                        && rand_r (seed) % 2;

            if (rand_r (seed) % (int)(graph->n_sets + 1) > 1)
                continue;
            at += (size_t)snprintf (text + at, size - at, "%s\"%s%s\"", comma, graph->sets[s].name,
                                    each ? "[i]" : "");
            comma = ", ";
        }
        for (uint32_t s = first; s + 1 < *next; s++)
            if (rand_r (seed) % 3 == 0) {
                at += (size_t)snprintf (text + at, size - at, "%s\"s%u\"", comma, s);
                comma = ", ";
            }
        at += (size_t)snprintf (text + at, size - at, "] }");
    }
    snprintf (text + at, size - at, " } }");
}

struct again {
    struct aw_sched *sched;
    struct aw_history history;
    uint32_t decisions;
};

/* As tests/integration/replay.c does. */
static int decide_again (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    struct again *r = arg;
    struct aw_event action;

    if (aw_history_handle (&r->history, ev, err) < 0)
        return -1;
    if (aw_sched_is_input (r->sched, ev))
        return aw_sched_handle (r->sched, ev, err);
    if (!aw_sched_next (r->sched, &action))
        return aw_error_set (err, "nothing is decided");
    if (action.type != ev->type || (ev->type != AW_EVENT_END && action.task != ev->task)
        || (ev->type == AW_EVENT_START && action.node != ev->node))
        return aw_error_set (err, "%s %u is decided, and was %s %u",
                             aw_event_type_name (action.type), action.task,
                             aw_event_type_name (ev->type), ev->task);
    r->decisions++;
    return 0;
}

static struct aw_sched *begin (const struct aw_graph *graph, unsigned round)
{
    const struct aw_sched_config config = { (enum aw_policy) (round % AW_POLICIES),
                                            round % 3 == 2 ? AW_MODE_SEQUENTIAL : AW_MODE_ASYNC,
                                            0 };
    struct aw_error err = { "" };
    struct aw_sched *sched = aw_sched_create (graph, &config, &err);

    assert_non_null (sched);
    return sched;
}

static void add_node (struct aw_sched *sched, struct aw_journal *journal, double t)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .t = t, .name = "n" };
    struct aw_error err = { "" };

    assert_int_equal (aw_idset_add (&ev.cpus, 0, 3), 0);
    assert_int_equal (aw_sched_handle (sched, &ev, &err), 0);
    if (journal)
        adding_append (journal, &ev);
    aw_idset_finish (&ev.cpus);
}

/* What runs first ends, well or ill; false: nothing runs. */
static bool finish_one (
    struct aw_sched *sched, struct aw_journal *journal, double t, unsigned *seed, uint32_t *task)
{
    struct aw_error err = { "" };
    struct aw_event ev, running;
    uint32_t cursor = 0;

    if (!aw_sched_running (sched, &cursor, &running))
        return false;
    ev = (struct aw_event){ .type = AW_EVENT_FINISH,
                            .t = t,
                            .task = running.task,
                            .attempt = running.attempt,
                            .node = running.node,
                            .status =
                                rand_r (seed) % 40 == 0 ? AW_STATUS_FAILED : AW_STATUS_COMPLETED,
                            .seconds = t - running.t };
    *task = running.task;
    assert_int_equal (aw_sched_handle (sched, &ev, &err), 0);
    adding_append (journal, &ev);
    return true;
}

/* A task that runs adds some. */
static void add_some (struct aw_workflow *w,
                      struct aw_sched *sched,
                      struct aw_journal *journal,
                      double t,
                      unsigned *seed,
                      uint32_t *next)
{
    struct aw_event ev = { .type = AW_EVENT_ADD, .t = t }, running;
    struct aw_error err = { "" };
    uint32_t cursor = 0;
    char text[4096];

    if (!aw_sched_running (sched, &cursor, &running))
        return;
    random_text (text, sizeof (text), w->graph, seed, next);
    assert_int_equal (adding_add (w, text), 1);
    ev.task = running.task;
    ev.attempt = running.attempt;
    ev.text = text;
    if (aw_sched_handle (sched, &ev, &err) < 0)
        fail_msg ("%s", err.text);
    adding_append (journal, &ev);
}

/* Runs the workflow, to which tasks add some at random moments, and writes its journal; then a
 * workflow that knows the first file alone reads that: it becomes the same, decides the same, and
 * could go on. */
static void random_run (unsigned first, unsigned round)
{
    unsigned seed = first + round;
    struct adding_files f;
    struct aw_workflow *w, *back;
    struct aw_sched *sched;
    struct aw_journal *journal;
    struct aw_event action;
    struct again again = { 0 };
    struct aw_resume resume = { .epoch = 1 };
    struct aw_event ev = { .type = AW_EVENT_RESUME, .resume = &resume };
    struct aw_resume_state earlier;
    struct aw_error err = { "" };
    char text[4096], file[4200];
    uint32_t next = 0, adds = 0, task;
    bool ended = false;

    adding_make_files (&f);
    random_text (text, sizeof (text), NULL, &seed, &next);
    snprintf (file, sizeof (file), "{ \"iterations\": %u,%s", 1 + round % 3, text + 1);
    w = adding_parse (file);
    back = adding_parse (file);
    sched = begin (w->graph, round);
    journal = adding_create (&f, w->graph);
    add_node (sched, journal, 0);
    for (double t = 1; !ended; t++) {
        while (!ended && aw_sched_next (sched, &action)) {
            adding_append (journal, &action);
            ended = action.type == AW_EVENT_END;
        }
        if (!ended && adds < 6 && rand_r (&seed) % 4 == 0) {
            add_some (w, sched, journal, t, &seed, &next);
            adds++;
        }
        if (!ended)
            finish_one (sched, journal, t, &seed, &task);
    }
    assert_int_equal (aw_journal_close (journal, &err), 0);

    again.sched = begin (back->graph, round);
    assert_int_equal (aw_history_init (&again.history, back->graph, &err), 0);
    if (adding_read (&f, back, false, decide_again, &again, &err) < 0)
        fail_msg ("seed %u: %s", first + round, err.text);
    adding_assert_same (back->graph, w->graph);
    assert_true (aw_sched_ended (again.sched));
    for (task = 0; task < w->graph->n_tasks; task++) {
        enum aw_history_task was = aw_history_state (&again.history, task);

        assert_true (was == AW_HISTORY_COMPLETED || was == AW_HISTORY_FAILED
                     || was == AW_HISTORY_SKIPPED);
    }

    /* What has failed or was skipped runs again, what is done does not. */
    ev.t = again.history.now;
    assert_int_equal (aw_history_handle (&again.history, &ev, &err), 0);
    assert_int_equal (aw_resume_state_init (&earlier, &again.history, &err), 0);
    aw_sched_destroy (sched);
    sched = begin (back->graph, round);
    assert_int_equal (aw_sched_resume (sched, &earlier, &err), 0);
    add_node (sched, NULL, ev.t);
    {
        const struct aw_simulation sim = { 0 };
        struct aw_simulated result;

        if (aw_simulate (sched, &sim, &result, &err) < 0)
            fail_msg ("seed %u: %s", first + round, err.text);
        assert_int_equal (result.code, 0);
    }
    assert_int_equal (aw_sched_counts (sched, AW_NONE).done, back->graph->n_tasks);
    aw_resume_state_finish (&earlier);
    aw_history_finish (&again.history);
    aw_sched_destroy (again.sched);
    aw_sched_destroy (sched);
    aw_workflow_destroy (w);
    aw_workflow_destroy (back);
    adding_remove_files (&f);
}

static void random_additions_break_no_rule (void **state)
{
    unsigned first = (unsigned)time (NULL);

    (void)state;
    print_message ("# seed %u\n", first);
    for (unsigned round = 0; round < 200; round++)
        random_run (first, round);
}

int main (void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test (random_additions_break_no_rule) };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
