/* SPDX-License-Identifier: Apache-2.0 */
/* Everything at once: random graphs with all that a set may have and that grow at any time, random
 * pools, random ends, losses, messages, limits, cancels, submitted tasks that belong to an attempt,
 * and deaths of the coordinator. A twin hears all that happens, another is told what comes from
 * outside and must decide the same, and so must a copy made at any time, however often both are
 * asked in vain.
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

enum { MOST_ADDED = 100 }; /* tasks that come while it runs */

/*
 * Those who follow
 */

static void check_same (struct world *w, const struct aw_event *a, const struct aw_event *b)
{
    CHECK (w, a->type == b->type && a->t == b->t);
    CHECK (w, a->type == AW_EVENT_END || a->type == AW_EVENT_NODE_DRAIN
                  || (a->task == b->task && a->attempt == b->attempt));
    CHECK (w, a->node == b->node && a->code == b->code && a->n_more == b->n_more);
    CHECK (w, a->status == b->status && a->seconds == b->seconds);
    CHECK (w, aw_idset_equal (&a->cpus, &b->cpus) && aw_idset_equal (&a->gpus, &b->gpus));
    for (uint32_t i = 0; i < a->n_more; i++)
        CHECK (w, a->more[i].node == b->more[i].node
                      && aw_idset_equal (&a->more[i].cpus, &b->more[i].cpus)
                      && aw_idset_equal (&a->more[i].gpus, &b->more[i].gpus));
}

static void decides_too (struct world *w, struct aw_sched *s, const struct aw_event *ev)
{
    struct aw_event action;
    struct aw_error err = { "" };

    if (!s)
        return;
    if (aw_sched_is_input (s, ev)) {
        if (aw_sched_handle (s, ev, &err) < 0)
            fail_msg ("seed %llu: %s", (unsigned long long)w->first_seed, err.text);
        return;
    }
    if (!aw_sched_next (s, &action))
        fail_msg ("seed %llu: %s is not decided again", (unsigned long long)w->first_seed,
                  aw_event_type_name (ev->type));
    if (getenv ("AW_TEST_SEED") && (ev->type != action.type || ev->task != action.task))
        print_message ("%s decides %s %u node %u\n", s == w->copy ? "copy" : "again",
                       aw_event_type_name (action.type), action.task, action.node);
    check_same (w, ev, &action);
}

/* Asks S wherever nothing comes of it: that must not change what it decides later. */
static void ask_in_vain (struct world *w, struct aw_sched *s)
{
    struct aw_sched *trial;
    struct aw_event action;

    if (!s || books_below (w, 4))
        return;
    trial = aw_sched_clone (s);
    assert_non_null (trial);
    if (!aw_sched_next (trial, &action))
        CHECK (w, !aw_sched_next (s, &action));
    aw_sched_destroy (trial);
}

/* EV has happened: everybody hears of it. */
static void record (struct world *w, const struct aw_event *ev)
{
    struct aw_error err = { "" };

    if (getenv ("AW_TEST_SEED"))
        print_message ("%g %s %u.%u node %u status %d code %d\n", ev->t,
                       aw_event_type_name (ev->type), ev->task, ev->attempt, ev->node,
                       (int)ev->status, ev->code);
    books_keep (w, ev);
    if (aw_history_handle (&w->history, ev, &err) < 0 || aw_sched_handle (w->told, ev, &err) < 0)
        fail_msg ("seed %llu, %s at %g: %s", (unsigned long long)w->first_seed,
                  aw_event_type_name (ev->type), ev->t, err.text);
    decides_too (w, w->again, ev);
    decides_too (w, w->copy, ev);
    ask_in_vain (w, w->again);
    ask_in_vain (w, w->copy);
}

static void end_owner (struct world *w, const struct aw_event *ev);

/* From outside. */
static void tell (struct world *w, const struct aw_event *ev)
{
    struct aw_error err = { "" };

    if (aw_sched_handle (w->sched, ev, &err) < 0)
        fail_msg ("seed %llu, %s at %g: %s", (unsigned long long)w->first_seed,
                  aw_event_type_name (ev->type), ev->t, err.text);
    record (w, ev);
    if (ev->type == AW_EVENT_FINISH)
        end_owner (w, ev);
}

/* EV, a FINISH, has been handled: what has failed for good, and what ends with its owner. */
static void end_owner (struct world *w, const struct aw_event *ev)
{
    enum aw_task_state state = aw_sched_task_state (w->sched, ev->task);

    w->failed[ev->task] = state == AW_TASK_FAILED;
    for (uint32_t task = 0; task < w->graph->n_tasks; task++) {
        struct aw_event cancel = {
            .type = AW_EVENT_CANCEL, .t = w->t, .node = AW_NONE, .task = task, .count = 1
        };
        struct owner *owner = &w->owners[task];

        if (owner->kind != OWNED || owner->task != ev->task || owner->attempt != ev->attempt)
            continue;
        if (ev->status == AW_STATUS_COMPLETED)
            owner->kind = WELL;
        else if (!w->completed[task] && !w->failed[task]) {
            if (books_find (w, task) || !w->cancelled[task])
                w->cancelled[task] = 1;
            tell (w, &cancel);
        }
    }
}

static void check_twin (struct world *w, const struct aw_sched *s)
{
    const struct aw_pool *a = aw_sched_pool (w->sched), *b = aw_sched_pool (s);

    for (uint32_t set = 0; set < w->graph->n_sets; set++) {
        struct aw_counts x = aw_sched_counts (w->sched, set), y = aw_sched_counts (s, set);

        CHECK (w, memcmp (&x, &y, sizeof (x)) == 0);
    }
    CHECK (w, aw_sched_next_wake (w->sched) == aw_sched_next_wake (s));
    CHECK (w, aw_sched_stopped (w->sched) == aw_sched_stopped (s));
    CHECK (w, aw_sched_ended (w->sched) == aw_sched_ended (s));
    for (uint32_t n = 0; n < a->n_nodes; n++) {
        CHECK (w, aw_sched_is_lost (w->sched, n) == aw_sched_is_lost (s, n));
        CHECK (w, aw_idset_equal (&a->nodes[n].free_cpus, &b->nodes[n].free_cpus));
        CHECK (w, aw_idset_equal (&a->nodes[n].free_gpus, &b->nodes[n].free_gpus));
        CHECK (w, a->nodes[n].free.mem == b->nodes[n].free.mem);
    }
}

static void check_counts (struct world *w)
{
    struct aw_counts all = aw_sched_counts (w->sched, AW_NONE);
    uint32_t completed = 0, moving = 0;

    for (uint32_t task = 0; task < w->graph->n_tasks; task++)
        completed += w->completed[task];
    CHECK (w,
           all.waiting + all.ready + all.running + all.done + all.ignored + all.failed + all.skipped
               == w->graph->n_tasks);
    CHECK (w, all.running == w->n_attempts - w->n_given);
    CHECK (w, aw_sched_any_runs (w->sched) == (w->n_attempts > 0));
    CHECK (w, w->n_deaths > 0 || all.done >= completed);
    for (uint32_t i = 0; i < w->n_attempts; i++)
        moving +=
            w->attempts[i].stand > THERE || w->attempts[i].stand == COMES || w->attempts[i].killed;
    /* Somebody will come back to us, or it is over. */
    CHECK (w, moving > 0 || !isinf (aw_sched_next_wake (w->sched)) || aw_sched_ended (w->sched)
                  || w->n_nodes == 0);
}

/* Enough nodes are left for tasks of that set. */
static bool has_nodes (const struct world *w, uint32_t set)
{
    struct aw_demand demand = aw_set_demand (&w->graph->sets[set]);
    const struct aw_pool *pool = aw_sched_pool (w->sched);
    uint32_t n = 0;

    for (uint32_t i = 0; i < pool->n_nodes; i++)
        n += aw_node_could_hold (&pool->nodes[i], &demand);
    return n >= aw_demand_nodes (&demand);
}

static void check_end (struct world *w)
{
    struct aw_counts all = aw_sched_counts (w->sched, AW_NONE);
    uint32_t left = all.waiting + all.ready;

    for (uint32_t set = 0; set < w->graph->n_sets; set++)
        if (w->graph->sets[set].submitted) /* that is no failure of the run */
            all.failed -= aw_sched_counts (w->sched, set).failed;
    CHECK (w, w->n_attempts == 0);
    if (left == 0)
        CHECK (w, w->code == 0 || w->code == 1);
    if (w->code == 0)
        CHECK (w, left == 0 && all.failed == 0);
    if (all.failed > 0)
        CHECK (w, w->code == 1 || (w->code == 3 && left > 0));
    if (w->code == 3)
        CHECK (w, left > 0 && (w->told_stop || w->told_limit));
    if (w->told_stop && left > 0)
        CHECK (w, w->code == 3);
    for (uint32_t set = 0; set < w->graph->n_sets && !aw_sched_stopped (w->sched); set++) {
        bool later = w->told_limit && w->graph->sets[set].retry.delay > 0;
        double needs;

        if (aw_sched_counts (w->sched, set).ready > 0)
            CHECK (w, !has_nodes (w, set) || later || aw_sched_too_late (w->sched, set, &needs));
    }
    if (!aw_sched_stopped (w->sched))
        CHECK (w, all.waiting == 0 || all.ready > 0);
    for (uint32_t n = 0; n < w->n_nodes; n++) {
        const struct aw_node *node = &aw_sched_pool (w->sched)->nodes[n];

        for (uint32_t id = 0; id < w->nodes[n].m.end; id++)
            CHECK (w, w->nodes[n].users[id] == 0);
        if (node->lost)
            continue;
        CHECK (w, aw_idset_equal (&node->free_cpus, &node->cpus));
        CHECK (w, aw_idset_equal (&node->free_gpus, &node->gpus));
        CHECK (w, node->free.mem == MEM && node->n_special == 0);
    }
}

/*
 * What happens
 */

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
    tell (w, &ev);
}

static void limit (struct world *w)
{
    struct aw_event ev = { .type = AW_EVENT_LIMIT, .t = w->t, .node = AW_NONE };

    ev.seconds = books_below (w, 3) ? w->t + books_below (w, 200) : 0;
    w->told_limit = true;
    tell (w, &ev);
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
            tell (w, &message);
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
    tell (w, ev);
    next = books_below (w, 10) ? given_for (w, start.node, place) : NULL;
    if (next) {
        start.task = next->task;
        start.attempt = next->attempt;
        tell (w, &start);
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
        tell (w, &ev);
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
    tell (w, &ev);
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
    tell (w, &ev);
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
    tell (w, &ev);
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
    tell (w, &ev);
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
        tell (w, &ev);
    }
}

/* Carries out what is decided. */
static void act (struct world *w)
{
    struct aw_event action;

    while (aw_sched_next (w->sched, &action)) {
        record (w, &action);
        if (action.type == AW_EVENT_FINISH)
            end_owner (w, &action);
        if (books_below (w, 30) == 0) {
            aw_sched_destroy (w->copy);
            w->copy = aw_sched_clone (w->sched);
            assert_non_null (w->copy);
        }
    }
    check_counts (w);
    check_twin (w, w->told);
    check_twin (w, w->again);
    if (w->copy)
        check_twin (w, w->copy);
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
    check_end (&w);
    forget (&w);
    aw_history_finish (&w.history);
    aw_graph_destroy (w.graph);
    free (w.completed);
    free (w.attempts);
    free (w.owners);
}

static void random_runs_are_decided_the_same_by_every_twin (void **state)
{
    const char *told = getenv ("AW_TEST_SEED");
    uint64_t first = told ? strtoull (told, NULL, 0) : 1;

    (void)state;
    for (uint64_t seed = first; seed < first + (told ? 1 : RUNS); seed++)
        one_run (seed);
}

int main (void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test (
        random_runs_are_decided_the_same_by_every_twin) };

    return cmocka_run_group_tests_name ("mix", tests, NULL, NULL);
}
