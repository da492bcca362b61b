/* SPDX-License-Identifier: Apache-2.0 */
/* Everything at once: random graphs with all that a set may have and that grow at any time, random
 * pools, random ends, losses, messages, limits, cancels, submitted tasks that belong to an attempt,
 * and deaths of the coordinator. A twin hears all that happens, another is told what comes from
 * outside and must decide the same, and so must a copy made at any time, however often both are
 * asked in vain. AW_TEST_RUNS is the number of seeds; AW_TEST_SEED is one seed, whose events are
 * printed.
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

#include "core/history/resume_state.h"
#include "core/history/history.h"
#include "core/sched/sched.h"
#include "machines.h"
#include "mix-graph.h"
#include "mix-books.h"
#include "mix-twins.h"

enum { MOST_ADDED = 100 }; /* tasks that come while it runs */

static void join (struct world *w)
{
    struct node *node = &w->nodes[w->n_nodes];
    struct aw_event ev = { .type = AW_EVENT_NODE, .node = w->n_nodes, .t = w->t, .mem = MEM };
    char name[16];

    memset (node, 0, sizeof (*node));
    machine_random (&node->m, &w->seed);
    snprintf (name, sizeof (name), "n%u", w->n_nodes++);
    ev.name = name;
    ev.cpus = node->m.cpus;
    ev.gpus = node->m.gpus;
    ev.topology = node->m.text[0] ? node->m.text : NULL;
    twins_tell (w, &ev);
}

static void limit (struct world *w)
{
    struct aw_event ev = { .type = AW_EVENT_LIMIT, .t = w->t, .node = AW_NONE };

    ev.seconds = books_below (w, 3) ? w->t + books_below (w, 200) : 0;
    w->told_limit = true;
    twins_tell (w, &ev);
}

static struct aw_sched *make (const struct world *w, const struct aw_resume_state *earlier)
{
    struct aw_sched *s = aw_sched_create (w->graph, &w->config, NULL);

    assert_non_null (s);
    if (earlier)
        assert_int_equal (aw_sched_resume (s, earlier, NULL), 0);
    return s;
}

static void forget (struct world *w)
{
    aw_sched_destroy (w->sched);
    aw_sched_destroy (w->told);
    aw_sched_destroy (w->again);
    aw_sched_destroy (w->copy);
    w->sched = w->told = w->again = w->copy = NULL;
    while (w->n_attempts > 0)
        books_drop (w, &w->attempts[0]);
    for (uint32_t n = 0; n < w->n_nodes; n++)
        machine_finish (&w->nodes[n].m);
    w->n_nodes = 0;
}

/* The coordinator dies, and all attempts with it: what they have submitted and has not ended does
 * not start again. */
static void lose_owners (struct world *w)
{
    for (uint32_t task = 0; w->sched && task < w->graph->n_tasks; task++)
        if (w->owners[task].kind == OWNED && !w->completed[task] && !w->failed[task]
            && !w->cancelled[task])
            w->cancelled[task] = 1;
}

/* As many as there are. */
static void count_messages (struct world *w)
{
    for (int i = 0; i < MIX_TOPICS; i++) {
        struct aw_event message = { .type = AW_EVENT_MESSAGE, .t = w->t, .node = AW_NONE };

        message.name = mix_topics[i];
        message.count = w->messages[i];
        if (message.count > 0 && aw_graph_find_topic (w->graph, mix_topics[i]) != AW_NONE)
            twins_tell (w, &message);
    }
}

static void begin (struct world *w)
{
    struct aw_resume resume = { .epoch = 1 };
    struct aw_event ev = { .type = AW_EVENT_RESUME, .t = w->t, .resume = &resume };
    struct aw_resume_state earlier = { 0 };
    bool again = w->sched != NULL;

    lose_owners (w);
    forget (w);
    if (again) {
        assert_int_equal (aw_history_handle (&w->history, &ev, NULL), 0);
        assert_int_equal (aw_resume_state_init (&earlier, &w->history, NULL), 0);
        memset (w->skipped, 0, w->graph->n_tasks);
        w->n_deaths++;
    }
    w->config.policy = (enum aw_policy)books_below (w, AW_POLICIES);
    w->config.backlog = books_below (w, 3) ? books_below (w, 100) : 0;
    w->config.mode = books_below (w, 4) ? AW_MODE_ASYNC : AW_MODE_SEQUENTIAL;
    w->sched = make (w, again ? &earlier : NULL);
    w->told = make (w, again ? &earlier : NULL);
    w->again = make (w, again ? &earlier : NULL);
    w->told_stop = w->told_limit = false;
    w->code = -1;
    aw_resume_state_finish (&earlier);
    for (uint32_t n = 1 + books_below (w, 4); n > 0; n--)
        join (w);
    if (books_below (w, 3) == 0)
        limit (w);
    if (again)
        count_messages (w); /* those that came are kept */
}

/* An attempt that NODE has been given and that can start in PLACE; NULL: there is none. */
static const struct attempt *given_for (struct world *w, uint32_t node, uint32_t place)
{
    uint32_t from = books_below (w, w->n_attempts + 1);

    for (uint32_t i = 0; place && i < w->n_attempts; i++) {
        const struct attempt *a = &w->attempts[(from + i) % w->n_attempts];

        if (a->stand == GIVEN && a->node == node && !w->nodes[node].lost
            && aw_sched_place (w->sched, aw_graph_task (w->graph, a->task).set) == place)
            return a;
    }
    return NULL;
}

/* A has computed, as EV says: its node starts what it was given, unless that is still on its way.
 */
static void succeed (struct world *w, const struct attempt *a, const struct aw_event *ev)
{
    uint32_t place = aw_sched_place (w->sched, aw_graph_task (w->graph, a->task).set);
    struct aw_event start = { .type = AW_EVENT_START, .t = w->t, .node = a->node };
    const struct attempt *next;

    assert_int_equal (aw_idset_copy (&start.cpus, &a->parts[0].cpus), 0);
    assert_int_equal (aw_idset_copy (&start.gpus, &a->parts[0].gpus), 0);
    twins_tell (w, ev);
    next = books_below (w, 10) ? given_for (w, start.node, place) : NULL;
    if (next) {
        start.task = next->task;
        start.attempt = next->attempt;
        twins_tell (w, &start);
        w->n_continued++;
    }
    aw_idset_finish (&start.cpus);
    aw_idset_finish (&start.gpus);
}

static void move_on (struct world *w, struct attempt *a)
{
    const struct aw_set *set = books_set (w, a->task);
    struct aw_event ev = { .t = w->t, .task = a->task, .attempt = a->attempt, .node = a->node };
    uint32_t luck = books_below (w, 100);

    if ((a->stand == THERE || a->stand == GIVEN) && !a->killed)
        return; /* nothing can happen to it but losing its node */
    if (a->stand == GIVEN)
        luck = 0; /* it comes back */
    ev.type = AW_EVENT_FINISH;
    ev.seconds = books_below (w, 60);
    if (a->killed && luck < 80)
        ev.status = AW_STATUS_CANCELLED;
    else if (a->stand == COMES && luck < 90)
        ev.type = AW_EVENT_STAGED;
    else if (a->stand == COMPUTES && set->stage_out == AW_STAGING_ASYNC && luck < 90)
        ev.type = AW_EVENT_RELEASE;
    else if (a->stand == COMES || a->stand == THERE)
        ev.status = a->killed ? AW_STATUS_CANCELLED : AW_STATUS_FAILED;
    else if (luck < 70)
        ev.code = luck < 20 ? MIX_GOAL : 0;
    else if (luck < 90) {
        ev.status = AW_STATUS_FAILED;
        ev.code = 1;
    }
    else
        ev.status =
            (enum aw_status) (AW_STATUS_TIMEOUT + books_below (w, AW_STATUSES - AW_STATUS_TIMEOUT));
    if (ev.type == AW_EVENT_FINISH && ev.status == AW_STATUS_CANCELLED && !a->killed)
        ev.status = AW_STATUS_FAILED;
    if (ev.type == AW_EVENT_FINISH && ev.status == AW_STATUS_NODE_FAIL && w->nodes[a->node].lost)
        ev.status = AW_STATUS_FAILED; /* the scheduler says that itself */
    if (ev.type == AW_EVENT_FINISH && ev.status == AW_STATUS_COMPLETED && a->n_parts == 1)
        succeed (w, a, &ev);
    else
        twins_tell (w, &ev);
}

static void cancel_some (struct world *w)
{
    uint32_t set = books_below (w, w->graph->n_sets);
    uint32_t it = books_below (w, aw_graph_iterations (w->graph, set));
    uint32_t index = books_below (w, w->graph->sets[set].count);
    struct aw_event ev = { .type = AW_EVENT_CANCEL, .t = w->t, .node = AW_NONE };

    ev.task = aw_graph_task_id (w->graph, (struct aw_task){ it, set, index });
    ev.count = 1 + books_below (w, w->graph->sets[set].count - index);
    ev.code = (int)books_below (w, 2);
    for (uint32_t task = ev.task; task < ev.task + ev.count; task++)
        if (!w->completed[task] && (books_find (w, task) || !w->cancelled[task]))
            w->cancelled[task] = ev.code ? 2 : 1;
    twins_tell (w, &ev);
}

static void lose (struct world *w)
{
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST,
                           .t = w->t,
                           .node = books_below (w, w->n_nodes) };

    ev.reason = "gone";
    if (w->nodes[ev.node].lost)
        return;
    w->nodes[ev.node].lost = true;
    twins_tell (w, &ev);
}

/* A task adds others, or submits one. */
static void add (struct world *w, bool submitted)
{
    struct aw_graph_size old = aw_graph_size (w->graph);
    struct aw_event ev = { .type = AW_EVENT_ADD, .t = w->t, .node = AW_NONE };
    const struct attempt *by = w->n_attempts ? &w->attempts[books_below (w, w->n_attempts)] : NULL;
    struct aw_error err = { "" };

    if (!by || by->stand <= THERE || old.n_tasks + 4 * 8 > w->room) /* at most that many */
        return;
    if (submitted)
        mix_submission (&w->seed, w->graph);
    for (uint32_t n = submitted ? 0 : 1 + books_below (w, 4); n > 0; n--)
        mix_set (&w->seed, w->graph, false, AW_PHASE_ADDED);
    if (aw_graph_grow (w->graph, &old, &err) < 0)
        fail_msg ("seed %llu: %s", (unsigned long long)w->first_seed, err.text);
    ev.task = by->task;
    ev.attempt = by->attempt;
    if (submitted)
        w->owners[old.n_tasks] = (struct owner){ by->task, by->attempt, OWNED };
    twins_tell (w, &ev);
    count_messages (w);
}

static void rare (struct world *w)
{
    struct aw_event ev = { .t = w->t, .node = AW_NONE };
    uint32_t topic = books_below (w, MIX_TOPICS);

    switch (books_below (w, 20)) {
    case 0:
    case 1:
        lose (w);
        return;
    case 2:
    case 3:
        cancel_some (w);
        return;
    case 4:
        if (w->n_nodes < NODES)
            join (w);
        return;
    case 5:
        if (books_below (w, 3))
            return;
        ev.type = AW_EVENT_STOP;
        ev.code = (int)books_below (w, 2);
        w->told_stop = true;
        break;
    case 6:
        limit (w);
        return;
    case 7:
    case 8:
    case 9:
        add (w, false);
        return;
    case 10:
    case 11:
    case 12:
    case 13:
        add (w, true);
        return;
    default:
        ev.type = AW_EVENT_MESSAGE;
        ev.name = mix_topics[topic];
        ev.count = w->messages[topic] += 1 + books_below (w, 3);
        if (aw_graph_find_topic (w->graph, ev.name) == AW_NONE)
            return; /* nobody waits for them yet */
    }
    twins_tell (w, &ev);
}

static void outside (struct world *w)
{
    double wake = aw_sched_next_wake (w->sched);
    struct aw_event ev = { .type = AW_EVENT_WAKE, .t = w->t, .node = AW_NONE };

    w->t += books_below (w, 4);
    if (books_below (w, 40) == 0)
        rare (w);
    else if (w->n_attempts > 0 && (isinf (wake) || books_below (w, 10)))
        move_on (w, &w->attempts[books_below (w, w->n_attempts)]);
    else if (!isinf (wake)) {
        ev.t = w->t = fmax (w->t, books_below (w, 10) ? wake : w->t);
        twins_tell (w, &ev);
    }
}

/* Carries out what is decided. */
static void act (struct world *w)
{
    struct aw_event action;

    while (aw_sched_next (w->sched, &action)) {
        twins_hear (w, &action);
        if (books_below (w, 30) == 0) {
            aw_sched_destroy (w->copy);
            w->copy = aw_sched_clone (w->sched);
            assert_non_null (w->copy);
        }
    }
    books_check (w);
    twins_check (w);
}

static void one_run (uint64_t seed)
{
    struct world w = { .seed = seed * 7919, .first_seed = seed };
    uint32_t deaths, steps = 0;

    w.graph = mix_graph (&w.seed);
    w.room = w.graph->n_tasks + MOST_ADDED;
    w.completed = calloc ((size_t)5 * w.room, 1);
    w.given_up = w.completed + w.room;
    w.skipped = w.given_up + w.room;
    w.cancelled = w.skipped + w.room;
    w.failed = w.cancelled + w.room;
    w.owners = calloc (w.room, sizeof (*w.owners));
    assert_non_null (w.owners);
    w.attempts = calloc (w.room, sizeof (*w.attempts));
    assert_non_null (w.completed);
    assert_non_null (w.attempts);
    assert_int_equal (aw_history_init (&w.history, w.graph, NULL), 0);
    deaths = books_below (&w, 3);
    begin (&w);
    while (!aw_sched_ended (w.sched)) {
        if (++steps > STEPS)
            fail_msg ("seed %llu has no end", (unsigned long long)seed);
        if (books_below (&w, 3)) /* else more happens before it is asked */
            act (&w);
        if (deaths > 0 && books_below (&w, 60) == 0) {
            deaths--;
            begin (&w);
        }
        else if (!aw_sched_ended (w.sched))
            outside (&w);
    }
    books_check_end (&w);
    forget (&w);
    aw_history_finish (&w.history);
    aw_graph_destroy (w.graph);
    free (w.completed);
    free (w.attempts);
    free (w.owners);
}

static void random_runs_are_decided_the_same_by_every_twin (void **state)
{
    const char *told = getenv ("AW_TEST_SEED"), *runs = getenv ("AW_TEST_RUNS");
    uint64_t first = told ? strtoull (told, NULL, 0) : 1;
    uint64_t n = told ? 1 : runs ? strtoull (runs, NULL, 0) : RUNS;

    (void)state;
    for (uint64_t seed = first; seed < first + n; seed++)
        one_run (seed);
}

int main (void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test (
        random_runs_are_decided_the_same_by_every_twin) };

    return cmocka_run_group_tests_name ("mix", tests, NULL, NULL);
}
