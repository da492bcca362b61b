/* SPDX-License-Identifier: Apache-2.0 */
#include "mix-twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

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
            twins_tell (w, &cancel);
        }
    }
}

void twins_hear (struct world *w, const struct aw_event *ev)
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
    if (ev->type == AW_EVENT_FINISH)
        end_owner (w, ev);
}

void twins_tell (struct world *w, const struct aw_event *ev)
{
    struct aw_error err = { "" };

    if (aw_sched_handle (w->sched, ev, &err) < 0)
        fail_msg ("seed %llu, %s at %g: %s", (unsigned long long)w->first_seed,
                  aw_event_type_name (ev->type), ev->t, err.text);
    twins_hear (w, ev);
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

void twins_check (struct world *w)
{
    check_twin (w, w->told);
    check_twin (w, w->again);
    if (w->copy)
        check_twin (w, w->copy);
}
