/* SPDX-License-Identifier: Apache-2.0 */
#include "assigning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "graphs.h"
#include "model/simulate.h"

struct assigning *assigning_open (struct aw_graph *g, uint32_t nodes, double backlog)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, backlog };
    struct assigning *it = calloc (1, sizeof (*it));

    assert_non_null (it);
    it->g = g;
    it->s = aw_sched_create (g, &config, NULL);
    assert_non_null (it->s);
    assert_int_equal (aw_simulate_add_nodes (it->s, nodes, ASSIGNING_CPUS, 1, 0, NULL), 0);
    assigning_turn (it);
    return it;
}

struct assigning *assigning_bag (uint32_t count, uint32_t nodes, double backlog)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "t", count, 1, 0, 1)->on_failure = AW_ON_FAILURE_CONTINUE;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return assigning_open (g, nodes, backlog);
}

static void drop (struct assigning_part *list, uint32_t *n, uint32_t i)
{
    aw_idset_finish (&list[i].cpus);
    aw_idset_finish (&list[i].gpus);
    memmove (&list[i], &list[i + 1], (--*n - i) * sizeof (*list));
}

void assigning_close (struct assigning *it)
{
    while (it->n_runs > 0)
        drop (it->runs, &it->n_runs, 0);
    aw_sched_destroy (it->s);
    aw_graph_destroy (it->g);
    free (it);
}

static struct assigning_part *find_given (struct assigning *it, uint32_t task)
{
    for (uint32_t i = 0; i < it->n_given; i++)
        if (it->given[i].task == task)
            return &it->given[i];
    return NULL;
}

static void keep (struct assigning *it, const struct aw_event *ev)
{
    bool start = ev->type == AW_EVENT_START;
    struct assigning_part *part = start ? &it->runs[it->n_runs++] : &it->given[it->n_given++];

    *part = (struct assigning_part){ .task = ev->task, .attempt = ev->attempt, .node = ev->node };
    assert_int_equal (aw_idset_copy (&part->cpus, &ev->cpus), 0);
    assert_int_equal (aw_idset_copy (&part->gpus, &ev->gpus), 0);
}

void assigning_turn (struct assigning *it)
{
    struct aw_event action;

    it->n_killed = 0;
    while (aw_sched_next (it->s, &action)) {
        if (action.type == AW_EVENT_START || action.type == AW_EVENT_ASSIGN)
            keep (it, &action);
        else if (action.type == AW_EVENT_KILL)
            it->killed[it->n_killed++] = action.task;
        else if (action.type == AW_EVENT_NODE_DRAIN)
            it->n_drained++;
        it->ended = it->ended || action.type == AW_EVENT_END;
    }
}

void assigning_handle (struct assigning *it, struct aw_event *ev)
{
    struct aw_error err = { "" };

    ev->t = it->t;
    if (aw_sched_handle (it->s, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

/* The node starts the first that it was given. */
static void go_on (struct assigning *it, const struct assigning_part *place)
{
    struct aw_event ev = { .type = AW_EVENT_START, .node = place->node };

    for (uint32_t i = 0; i < it->n_given; i++) {
        if (it->given[i].node != place->node)
            continue;
        ev.task = it->given[i].task;
        ev.attempt = it->given[i].attempt;
        ev.cpus = place->cpus;
        ev.gpus = place->gpus;
        assert_true (aw_sched_is_input (it->s, &ev));
        assigning_handle (it, &ev);
        drop (it->given, &it->n_given, i);
        keep (it, &ev);
        return;
    }
}

void assigning_end (struct assigning *it, uint32_t i, enum aw_status status, double seconds)
{
    struct assigning_part place = it->runs[i];
    struct aw_event ev = { .type = AW_EVENT_FINISH,
                           .task = place.task,
                           .attempt = place.attempt,
                           .node = place.node,
                           .status = status,
                           .code = status != AW_STATUS_COMPLETED,
                           .seconds = seconds };

    memset (&it->runs[i].cpus, 0, sizeof (place.cpus));
    memset (&it->runs[i].gpus, 0, sizeof (place.gpus));
    drop (it->runs, &it->n_runs, i);
    assigning_handle (it, &ev);
    if (status == AW_STATUS_COMPLETED)
        go_on (it, &place);
    aw_idset_finish (&place.cpus);
    aw_idset_finish (&place.gpus);
}

void assigning_fail_all_others (struct assigning *it)
{
    while (aw_sched_counts (it->s, 0).ready > it->n_given) {
        it->t += 0.1;
        assigning_end (it, 0, AW_STATUS_FAILED, 1);
        assigning_turn (it);
        assert_int_equal (it->n_killed, 0);
    }
}

void assigning_give_back (struct assigning *it, uint32_t task)
{
    struct assigning_part *part = find_given (it, task);
    struct aw_event ev = { .type = AW_EVENT_FINISH, .status = AW_STATUS_CANCELLED };

    assert_non_null (part);
    ev.task = part->task;
    ev.attempt = part->attempt;
    ev.node = part->node;
    drop (it->given, &it->n_given, (uint32_t)(part - it->given));
    assigning_handle (it, &ev);
}

void assigning_give_back_killed (struct assigning *it)
{
    for (uint32_t i = 0; i < it->n_killed; i++)
        if (find_given (it, it->killed[i]))
            assigning_give_back (it, it->killed[i]);
}

uint32_t assigning_given_to (const struct assigning *it, uint32_t node)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < it->n_given; i++)
        n += it->given[i].node == node;
    return n;
}
