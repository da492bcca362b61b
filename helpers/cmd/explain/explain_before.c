/* SPDX-License-Identifier: Apache-2.0 */
/* The predecessors of a task: those that have not ended, the chain behind them, and those that
 * failed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/explain/explain.h"
#include "core/graph/peers.h"

enum { MAX_OPEN = 5, MAX_CHAIN = 16 };

/* Walks over the tasks of EDGE that TASK waits for. */
struct walk {
    const struct aw_graph *graph;
    struct aw_peers peers;
    struct aw_task at; /* without its index */
    uint32_t next; /* of the peers */
    uint32_t end; /* after the last iteration */
};

static void walk_begin (struct walk *w,
                        const struct aw_graph *graph,
                        const struct aw_task *successor,
                        const struct aw_edge *edge)
{
    struct aw_span span = aw_span_before (graph, edge, successor->set, successor->iteration);

    *w = (struct walk){ .graph = graph,
                        .peers = aw_peers_before (graph, edge->by, edge->set, successor->index),
                        .at = { span.first, edge->set, 0 },
                        .end = span.first + span.n };
}

/* The next one, or AW_NONE. */
static uint32_t walk_next (struct walk *w)
{
    if (w->next == w->peers.n) {
        w->next = 0;
        w->at.iteration++;
    }
    if (w->at.iteration == w->end)
        return AW_NONE;
    return aw_graph_first_task (w->graph, w->at.iteration, w->at.set)
           + aw_peer (&w->peers, w->next++);
}

static bool is_open (const struct aw_explain *ex, uint32_t task)
{
    enum aw_history_task state = aw_history_state (&ex->report.history, task);

    return state == AW_HISTORY_UNSTARTED || state == AW_HISTORY_RUNNING;
}

/* Of two tasks the one that is expected to end last; the first where that is not known. */
static uint32_t later (const struct aw_explain *ex, uint32_t a, uint32_t b)
{
    if (a == AW_NONE || b == AW_NONE)
        return a == AW_NONE ? b : a;
    return ex->ahead.end[b] > ex->ahead.end[a] ? b : a;
}

/* What an edge still waits for. */
struct open {
    uint32_t tasks; /* those of the edge */
    uint32_t open; /* of these: not ended */
    uint32_t last; /* of the open ones: the one expected to end last; AW_NONE: none is */
};

static struct open look (struct aw_explain *ex, const struct aw_task *at, const struct aw_edge *e)
{
    struct open o = { .last = AW_NONE };
    struct walk w;
    uint32_t task;

    walk_begin (&w, ex->report.workflow->graph, at, e);
    while ((task = walk_next (&w)) != AW_NONE) {
        o.tasks++;
        if (is_open (ex, task)) {
            o.open++;
            o.last = later (ex, o.last, task);
        }
    }
    return o;
}

/* The open predecessor of TASK that is expected to end last; AW_NONE: it has none. */
static uint32_t last_open (struct aw_explain *ex, uint32_t task)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    struct aw_task at = aw_graph_task (graph, task);
    uint32_t last = AW_NONE;

    for (uint32_t i = 0; i < graph->sets[at.set].n_after; i++)
        last = later (ex, last, look (ex, &at, &graph->sets[at.set].after[i]).last);
    return last;
}

/* The lines of the first open tasks of an edge. */
static void put_open (struct aw_explain *ex, const struct aw_task *at, const struct aw_edge *edge)
{
    struct open o = look (ex, at, edge);
    const char *name = ex->report.workflow->graph->sets[edge->set].name;
    uint32_t task, n = 0;
    struct walk w;

    if (!o.open)
        return;
    if (o.tasks > 1)
        aw_textbuf_printf (ex->out, "  for %u of %u tasks of %s:\n", o.open, o.tasks, name);
    else
        aw_textbuf_printf (ex->out, "  for a task of %s:\n", name);
    walk_begin (&w, ex->report.workflow->graph, at, edge);
    while (n < MAX_OPEN && (task = walk_next (&w)) != AW_NONE)
        if (is_open (ex, task)) {
            aw_textbuf_puts (ex->out, "    ");
            aw_explain_line (ex, task);
            aw_textbuf_putc (ex->out, '\n');
            n++;
        }
    if (o.open > n)
        aw_textbuf_printf (ex->out, "    and %u more\n", o.open - n);
}

void aw_explain_chain (struct aw_explain *ex, uint32_t task)
{
    char name[AW_NAME_SIZE], when[64];

    for (int n = 0; task != AW_NONE; task = last_open (ex, task), n++) {
        double start = ex->ahead.start[task], end = ex->ahead.end[task];

        if (n == MAX_CHAIN) {
            aw_textbuf_puts (ex->out, "  and more tasks before these\n");
            break;
        }
        aw_textbuf_printf (ex->out, "  %s: ", aw_explain_name (ex, task, name));
        if (aw_history_state (&ex->report.history, task) == AW_HISTORY_RUNNING)
            aw_textbuf_puts (ex->out, "running");
        else if (isfinite (start))
            aw_textbuf_printf (ex->out, "starts %s",
                               aw_explain_when (ex, start, when, sizeof (when)));
        else
            aw_textbuf_puts (ex->out, "waiting");
        if (isfinite (end))
            aw_textbuf_printf (ex->out, ", ends %s",
                               aw_explain_when (ex, end, when, sizeof (when)));
        aw_textbuf_putc (ex->out, '\n');
    }
}

void aw_explain_predecessors (struct aw_explain *ex, uint32_t task)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    struct aw_task at = aw_graph_task (graph, task);
    uint32_t before = last_open (ex, task);

    for (uint32_t i = 0; i < graph->sets[at.set].n_after; i++)
        put_open (ex, &at, &graph->sets[at.set].after[i]);
    if (before == AW_NONE || last_open (ex, before) == AW_NONE)
        return;
    aw_textbuf_puts (ex->out,
                     "The chain of tasks that it waits for longest, the last one first:\n");
    aw_explain_chain (ex, before);
}

uint32_t aw_explain_broken (struct aw_explain *ex, uint32_t task)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    struct aw_task at = aw_graph_task (graph, task);
    uint32_t skipped = AW_NONE, before;
    struct walk w;

    for (uint32_t i = 0; i < graph->sets[at.set].n_after; i++) {
        walk_begin (&w, graph, &at, &graph->sets[at.set].after[i]);
        while ((before = walk_next (&w)) != AW_NONE)
            switch (aw_history_state (&ex->report.history, before)) {
            case AW_HISTORY_FAILED:
            case AW_HISTORY_CANCELLED:
                return before;
            case AW_HISTORY_SKIPPED:
                skipped = skipped == AW_NONE ? before : skipped;
                break;
            default:
                break;
            }
    }
    return skipped;
}

/* Which task breaks which. FLAGS: by group of an edge; room for all tasks. */
struct breaking {
    const struct aw_history *history;
    bool *broken, *flags; /* owned */
    uint32_t n;
};

/* The group of an edge in which a task of INDEX is, of its predecessor or of its successor; tasks
 * of one group belong together.
 */
static uint32_t group_of (const struct aw_graph *graph, uint32_t by, uint32_t index, bool successor)
{
    const struct aw_edge_key *key;

    if (by == AW_BY_SET)
        return 0;
    if (by == AW_BY_INDEX)
        return index;
    key = aw_graph_key (graph, by);
    return successor ? key->after.group[index] : key->before.group[index];
}

/* Flags the groups of EDGE in which a predecessor, in the iterations of SPAN, is broken. */
static void flag_groups (struct breaking *b, const struct aw_edge *edge, const struct aw_span *span)
{
    const struct aw_graph *graph = b->history->graph;
    uint32_t count = graph->sets[edge->set].count;

    for (uint32_t i = 0; i < count; i++)
        b->flags[group_of (graph, edge->by, i, false)] = false;
    for (uint32_t k = 0; k < span->n; k++) {
        uint32_t first = aw_graph_first_task (graph, span->first + k, edge->set);

        for (uint32_t i = 0; i < count; i++)
            if (b->broken[first + i])
                b->flags[group_of (graph, edge->by, i, false)] = true;
    }
}

/* The skipped tasks of an instance that follow a broken one are broken too. */
static void break_instance (struct breaking *b, const struct aw_task *at)
{
    const struct aw_graph *graph = b->history->graph;
    const struct aw_set *set = &graph->sets[at->set];
    uint32_t first = aw_graph_first_task (graph, at->iteration, at->set);

    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_edge *edge = &set->after[e];
        struct aw_span span = aw_span_before (graph, edge, at->set, at->iteration);

        flag_groups (b, edge, &span);
        for (uint32_t i = 0; i < set->count; i++)
            if (!b->broken[first + i] && b->flags[group_of (graph, edge->by, i, true)]
                && aw_history_state (b->history, first + i) == AW_HISTORY_SKIPPED) {
                b->broken[first + i] = true;
                b->n++;
            }
    }
}

uint32_t aw_explain_count_skipped (struct aw_explain *ex, uint32_t task)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    struct breaking b = { .history = &ex->report.history,
                          .broken = calloc (graph->n_tasks, sizeof (bool)),
                          .flags = calloc (graph->n_tasks, sizeof (bool)) };

    if (b.broken && b.flags) {
        b.broken[task] = true;
        for (uint32_t k = 0; k < aw_graph_n_instances (graph); k++) {
            struct aw_task at = aw_graph_ordered (graph, k);

            break_instance (&b, &at);
        }
    }
    else
        ex->out->failed = true;
    free (b.broken);
    free (b.flags);
    return b.n;
}
