/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "graphs.h"
#include "machines.h"
#include "mix-graph.h"
#include "mix-books.h"

uint32_t books_below (struct world *w, uint32_t n)
{
    return graphs_below (&w->seed, n);
}

const struct aw_set *books_set (const struct world *w, uint32_t task)
{
    return &w->graph->sets[aw_graph_task (w->graph, task).set];
}

static void book_part (struct world *w, uint32_t task, const struct aw_part *part, bool take)
{
    struct aw_demand demand = aw_set_demand (books_set (w, task));
    struct node *node = &w->nodes[part->node];
    uint32_t most = 0, of_core[MACHINE_CPUS] = { 0 }, add = take ? 1 : UINT32_MAX;
    bool cores[MACHINE_CPUS] = { false };

    for (uint32_t id = 0; id < node->m.end; id++)
        if (node->m.owned[id] && ++of_core[node->m.core[id]] > most)
            most = of_core[node->m.core[id]];
    CHECK (w, aw_idset_count (&part->cpus) == demand.cpus);
    CHECK (w, aw_idset_count (&part->gpus) == aw_demand_gpus (&demand));
    for (uint32_t id = 0; id < node->m.end; id++)
        if (aw_idset_has (&part->cpus, id))
            cores[node->m.core[id]] = true;
    for (uint32_t id = 0; id < node->m.end; id++) {
        bool has = aw_idset_has (&part->cpus, id);

        CHECK (w, !has || node->m.owned[id]);
        if (!has
            && !(demand.threads_per_core && most > 1 && node->m.owned[id]
                 && cores[node->m.core[id]]))
            continue;
        node->users[id] += add;
        CHECK (w, node->users[id] <= 1);
    }
    for (uint32_t g = 0; g < MACHINE_GPUS; g++) {
        if (!aw_idset_has (&part->gpus, g))
            continue;
        node->used[g] += take ? aw_demand_part (&demand) : -aw_demand_part (&demand);
        CHECK (w, g < node->m.n_gpus && node->used[g] <= AW_GPU_WHOLE);
        CHECK (w, !demand.gpu_type || !node->m.type[g] || node->m.type[g] == demand.gpu_type);
    }
    node->mem += take ? demand.mem : -demand.mem;
    CHECK (w, node->mem <= MEM);
}

static void books_book (struct world *w, struct attempt *a, bool take)
{
    for (uint32_t i = 0; i < a->n_parts; i++)
        book_part (w, a->task, &a->parts[i], take);
    for (uint32_t i = 0; !take && i < a->n_parts; i++) {
        aw_idset_finish (&a->parts[i].cpus);
        aw_idset_finish (&a->parts[i].gpus);
    }
    a->n_parts = take ? a->n_parts : 0;
}

struct attempt *books_find (struct world *w, uint32_t task)
{
    for (uint32_t i = 0; i < w->n_attempts; i++)
        if (w->attempts[i].task == task)
            return &w->attempts[i];
    return NULL;
}

void books_drop (struct world *w, struct attempt *a)
{
    w->n_given -= a->stand == GIVEN;
    books_book (w, a, false);
    *a = w->attempts[--w->n_attempts];
}

/* A task waits for FROM: that is over, and lets it go on; ANY: it need only be over. */
static void check_predecessor (struct world *w, uint32_t from, bool any)
{
    bool unneeded = false; /* messages that never came: others go on without it */
    bool ends = w->graph->until != AW_NONE || w->graph->until_topic != AW_NONE;

    for (uint32_t k = 0; k < w->graph->n_sets; k++)
        unneeded = unneeded || (w->skipped[from] && w->graph->sets[k].n_message_dependencies > 0);
    /* Iterations that were not needed: what was added goes on without them. */
    ends = ends && aw_graph_task (w->graph, from).iteration > 0;
    CHECK (w, !books_find (w, from));
    if (any)
        CHECK (w, w->completed[from] || w->failed[from] || w->skipped[from] || w->cancelled[from]);
    else
        CHECK (w, w->completed[from] || w->cancelled[from] == 2 || unneeded || ends
                      || (w->given_up[from]
                          && books_set (w, from)->on_failure == AW_ON_FAILURE_CONTINUE));
}

static void check_predecessors (struct world *w, uint32_t task)
{
    struct aw_task at = aw_graph_task (w->graph, task);
    const struct aw_set *set = &w->graph->sets[at.set];

    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];

        for (uint32_t it = 0; it < aw_graph_iterations (w->graph, edge->set); it++)
            for (uint32_t i = 0; i < w->graph->sets[edge->set].count; i++)
                if (graphs_waits (w->graph, at.set, at.iteration, edge, it)
                    && graphs_are_paired (w->graph, at.set, edge, at.index, i))
                    check_predecessor (w, aw_graph_first_task (w->graph, it, edge->set) + i,
                                       edge->any);
    }
}

/* A task is skipped for a reason: it was cancelled, messages or iterations ended, or one that it
 * waits for will not run or has failed. Or that one ran in an earlier part of the run, and would be
 * skipped now.
 */
static bool may_be_skipped (const struct world *w, uint32_t task)
{
    struct aw_task at = aw_graph_task (w->graph, task);
    const struct aw_set *set = &w->graph->sets[at.set];
    bool ends = w->graph->until != AW_NONE || w->graph->until_topic != AW_NONE;
    bool reason = w->cancelled[task] || set->n_message_dependencies || (ends && at.iteration > 0);

    for (uint32_t e = 0; e < set->n_after && !reason; e++) {
        const struct aw_edge *edge = &set->after[e];

        for (uint32_t it = 0; !edge->any && it < aw_graph_iterations (w->graph, edge->set); it++)
            for (uint32_t i = 0; i < w->graph->sets[edge->set].count; i++) {
                uint32_t from = aw_graph_first_task (w->graph, it, edge->set) + i;

                if (graphs_waits (w->graph, at.set, at.iteration, edge, it)
                    && graphs_are_paired (w->graph, at.set, edge, at.index, i))
                    reason = reason || w->skipped[from] || w->given_up[from] || w->cancelled[from]
                             || (w->n_deaths > 0 && w->completed[from] && may_be_skipped (w, from));
            }
    }
    return reason;
}

/* A submitted task starts while its owner runs or when that has ended well, and never again once it
 * has failed for good. */
static void check_owner (struct world *w, uint32_t task)
{
    const struct owner *owner = &w->owners[task];
    const struct attempt *by = owner->kind == OWNED ? books_find (w, owner->task) : NULL;

    CHECK (w, owner->kind != OWNED || (by && by->attempt == owner->attempt));
    CHECK (w, owner->kind == NOBODY || !w->failed[task]);
}

static void begin_attempt (struct world *w, const struct aw_event *ev)
{
    struct attempt *a;

    CHECK (w, !w->completed[ev->task] && !w->skipped[ev->task]);
    CHECK (w, w->cancelled[ev->task] == 0);
    check_owner (w, ev->task);
    check_predecessors (w, ev->task);
    a = &w->attempts[w->n_attempts++];
    *a = (struct attempt){ .task = ev->task, .attempt = ev->attempt, .node = ev->node };
    a->stand = ev->type == AW_EVENT_STAGE ? COMES : ev->type == AW_EVENT_ASSIGN ? GIVEN : COMPUTES;
    w->n_given += a->stand == GIVEN;
}

static void start (struct world *w, const struct aw_event *ev)
{
    struct attempt *a = books_find (w, ev->task);
    bool given = a && a->stand == GIVEN; /* its node starts it, also after a stop or a cancel */

    if (given) {
        CHECK (w, a->attempt == ev->attempt && a->node == ev->node);
        a->killed = false;
        w->n_given--;
    }
    else if (books_set (w, ev->task)->stage_in == AW_STAGING_ASYNC)
        CHECK (w, a && a->stand == THERE && a->attempt == ev->attempt && a->node == ev->node);
    else {
        CHECK (w, !a);
        begin_attempt (w, ev);
        a = books_find (w, ev->task);
    }
    CHECK (w, given || !w->told_stop);
    CHECK (w, ev->n_more + 1 == books_set (w, ev->task)->nodes && ev->n_more < MIX_PARTS);
    a->stand = COMPUTES;
    a->n_parts = ev->n_more + 1;
    for (uint32_t i = 0; i < a->n_parts; i++) {
        struct aw_part *part = &a->parts[i];

        *part = (struct aw_part){ .node = i ? ev->more[i - 1].node : ev->node };
        assert_int_equal (aw_idset_copy (&part->cpus, i ? &ev->more[i - 1].cpus : &ev->cpus), 0);
        assert_int_equal (aw_idset_copy (&part->gpus, i ? &ev->more[i - 1].gpus : &ev->gpus), 0);
        CHECK (w, given || (!w->nodes[part->node].lost && !w->nodes[part->node].drained));
        for (uint32_t k = 0; k < i; k++)
            CHECK (w, a->parts[k].node != part->node);
    }
    books_book (w, a, true);
}

static void finish (struct world *w, const struct aw_event *ev)
{
    struct attempt *a = books_find (w, ev->task);

    CHECK (w, a && a->attempt == ev->attempt);
    books_drop (w, a);
    w->completed[ev->task] = ev->status == AW_STATUS_COMPLETED;
    w->given_up[ev->task] = ev->status != AW_STATUS_COMPLETED;
}

void books_keep (struct world *w, const struct aw_event *ev)
{
    switch (ev->type) {
    case AW_EVENT_STAGE:
        CHECK (w, !books_find (w, ev->task) && !w->nodes[ev->node].lost
                      && !w->nodes[ev->node].drained);
        begin_attempt (w, ev);
        break;
    case AW_EVENT_ASSIGN:
        CHECK (w, !books_find (w, ev->task) && !w->nodes[ev->node].lost
                      && !w->nodes[ev->node].drained && !w->told_stop);
        begin_attempt (w, ev);
        break;
    case AW_EVENT_STAGED:
        books_find (w, ev->task)->stand = THERE;
        break;
    case AW_EVENT_START:
        start (w, ev);
        break;
    case AW_EVENT_RELEASE:
        books_book (w, books_find (w, ev->task), false);
        books_find (w, ev->task)->stand = LEAVES;
        break;
    case AW_EVENT_KILL:
        CHECK (w, books_find (w, ev->task) && !books_find (w, ev->task)->killed);
        books_find (w, ev->task)->killed = true;
        break;
    case AW_EVENT_FINISH:
        finish (w, ev);
        break;
    case AW_EVENT_SKIP:
        CHECK (w, !books_find (w, ev->task) && !w->completed[ev->task]);
        CHECK (w, may_be_skipped (w, ev->task));
        w->skipped[ev->task] = 1;
        break;
    case AW_EVENT_NODE_DRAIN:
        w->nodes[ev->node].drained = ev->code == 0;
        break;
    case AW_EVENT_END:
        w->code = ev->code;
        break;
    default:
        break;
    }
}

void books_check (struct world *w)
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

void books_check_end (struct world *w)
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
