/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the sets: ranks by Kahn's algorithm over the edges with back 0, and cycles where
 * there are any; then phases, and ranks within them. What Kahn's algorithm leaves over has, set for
 * set, a predecessor that is left over too; following the first such one from every set must end in
 * a cycle, and each set is visited once.
 */
#include "core/graph/graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/streams.h"
#include "util/array.h"

/* Successors along edges with back 0: those of set from + i are next[start[i]] .. next[start[i + 1]
 * - 1].
 */
struct successors {
    uint32_t *start;
    uint32_t *next;
};

static bool counts (const struct aw_graph *graph, uint32_t from, const struct aw_edge *edge)
{
    return edge->back == 0 && edge->set >= from && edge->set < graph->n_sets;
}

static void successors_finish (struct successors *succ)
{
    free (succ->start);
    free (succ->next);
}

static int successors_init (struct successors *succ, const struct aw_graph *graph, uint32_t from)
{
    uint32_t n = graph->n_sets - from;
    const struct aw_set *sets = n ? &graph->sets[from] : NULL;
    size_t n_edges = 0;

    succ->start = calloc ((size_t)n + 2, sizeof (*succ->start));
    for (uint32_t i = 0; i < n; i++)
        n_edges += sets[i].n_after;
    succ->next = calloc (n_edges + 1, sizeof (*succ->next));
    if (!succ->start || !succ->next || n_edges > UINT32_MAX) {
        successors_finish (succ);
        errno = ENOMEM;
        return -1;
    }
    /* Counted two places on, summed, then filled in: that leaves each start where it belongs. */
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t e = 0; e < sets[i].n_after; e++)
            if (counts (graph, from, &sets[i].after[e]))
                succ->start[sets[i].after[e].set - from + 2]++;
    for (uint32_t i = 2; i <= n; i++)
        succ->start[i] += succ->start[i - 1];
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t e = 0; e < sets[i].n_after; e++)
            if (counts (graph, from, &sets[i].after[e]))
                succ->next[succ->start[sets[i].after[e].set - from + 1]++] = i;
    return 0;
}

/* Fills RANKS (AW_NONE: in a cycle or after one) and counts the sets that have one. Returns 0 or -1
 * with ENOMEM.
 */
static int compute_ranks (const struct aw_graph *graph,
                          uint32_t from,
                          uint32_t *ranks,
                          uint32_t *n_ranked)
{
    uint32_t n = graph->n_sets - from;
    const struct aw_set *sets = n ? &graph->sets[from] : NULL;
    uint32_t *waits = calloc ((size_t)n + 1, sizeof (*waits));
    uint32_t *queue = calloc ((size_t)n + 1, sizeof (*queue));
    uint32_t *longest = calloc ((size_t)n + 1, sizeof (*longest));
    struct successors succ;
    uint32_t head = 0, tail = 0;
    int rc = -1;

    if (!waits || !queue || !longest || successors_init (&succ, graph, from) < 0)
        goto out;
    for (uint32_t i = 0; i < n; i++) {
        ranks[i] = AW_NONE;
        for (uint32_t e = 0; e < sets[i].n_after; e++)
            waits[i] += counts (graph, from, &sets[i].after[e]);
        if (!waits[i])
            queue[tail++] = i;
    }
    while (head < tail) {
        uint32_t i = queue[head++];

        ranks[i] = longest[i];
        for (uint32_t s = succ.start[i]; s < succ.start[i + 1]; s++) {
            uint32_t j = succ.next[s];

            if (longest[j] < longest[i] + 1)
                longest[j] = longest[i] + 1;
            if (--waits[j] == 0)
                queue[tail++] = j;
        }
    }
    *n_ranked = tail;
    successors_finish (&succ);
    rc = 0;
out:
    free (waits);
    free (queue);
    free (longest);
    return rc;
}

/* A predecessor that has no rank either: there is one for each set without a rank. */
static uint32_t stuck_predecessor (const struct aw_graph *graph,
                                   uint32_t from,
                                   const uint32_t *ranks,
                                   uint32_t set)
{
    const struct aw_set *s = &graph->sets[from + set];

    for (uint32_t e = 0; e < s->n_after; e++)
        if (counts (graph, from, &s->after[e]) && ranks[s->after[e].set - from] == AW_NONE)
            return s->after[e].set - from;
    return AW_NONE;
}

/* Spells out the N sets, each after the one before: "a -> b -> a", or where that does not fit
 * "a -> b -> ... 98 more ... -> a".
 */
static void spell_cycle (
    const struct aw_graph *graph, const uint32_t *sets, uint32_t n, char *buf, size_t size)
{
    const char *first = graph->sets[sets[0]].name;
    size_t reserve = strlen (first) + sizeof (" -> ... 4294967295 more ... -> ");
    size_t length = 0;
    uint32_t i;

    buf[0] = '\0';
    for (i = 0; i < n; i++) {
        const char *name = graph->sets[sets[i]].name;

        if (length + strlen (name) + sizeof (" -> ") + reserve > size)
            break;
        length += (size_t)snprintf (buf + length, size - length, "%s%s", i ? " -> " : "", name);
    }
    if (i < n)
        snprintf (buf + length, size - length, " -> ... %u more ... -> %s", n - i, first);
    else
        snprintf (buf + length, size - length, " -> %s", first);
}

/* PATH holds a cycle against its direction, N sets. Turned round, it begins with the first of the
 * file. */
static void report_cycle (
    const struct aw_graph *graph, uint32_t *path, uint32_t n, aw_graph_cycle_fn *found, void *arg)
{
    uint32_t *turned = calloc (n, sizeof (*turned));
    uint32_t least = 0;
    char text[400]; /* fits into a struct aw_error with some words before it */

    for (uint32_t i = 1; i < n; i++)
        if (path[i] < path[least])
            least = i;
    if (turned) {
        for (uint32_t i = 0; i < n; i++)
            turned[i] = path[(least + n - i) % n];
        spell_cycle (graph, turned, n, text, sizeof (text));
    }
    else {
        snprintf (text, sizeof (text), "%s -> ... -> %s", graph->sets[path[least]].name,
                  graph->sets[path[least]].name);
    }
    found (path[least], text, arg);
    free (turned);
}

int aw_graph_cycles (const struct aw_graph *graph,
                     uint32_t from,
                     aw_graph_cycle_fn *found,
                     void *arg)
{
    uint32_t n = graph->n_sets - from;
    uint32_t *ranks = calloc ((size_t)n + 1, sizeof (*ranks));
    uint32_t *path = calloc ((size_t)n + 1, sizeof (*path)); /* numbers in the graph */
    uint32_t *place = calloc ((size_t)n + 1, sizeof (*place)); /* 1 + place in a path; 0: not met */
    uint32_t n_ranked, met = 0;
    int n_cycles = -1;

    if (!ranks || !path || !place || compute_ranks (graph, from, ranks, &n_ranked) < 0)
        goto out;
    n_cycles = 0;
    for (uint32_t i = 0; i < n && n_ranked < n; i++) {
        uint32_t begin = met, set = i;

        if (ranks[i] != AW_NONE)
            continue;
        for (; !place[set]; set = stuck_predecessor (graph, from, ranks, set)) {
            path[met++] = from + set;
            place[set] = met;
        }
        if (place[set] > begin) { /* met on this very walk */
            uint32_t first = place[set] - 1;

            report_cycle (graph, path + first, met - first, found, arg);
            n_cycles++;
        }
    }
out:
    free (ranks);
    free (path);
    free (place);
    return n_cycles;
}

static void first_cycle (uint32_t set, const char *text, void *arg)
{
    struct aw_error *err = arg;

    (void)set;
    if (err && !err->text[0])
        aw_error_set (err, "cycle: %s", text);
}

/* Sorts by rank, equal ranks in the file's order: each set comes after its predecessors. */
static void order_by_rank (const struct aw_graph *graph,
                           uint32_t from,
                           uint32_t *order,
                           uint32_t *starts)
{
    uint32_t n = graph->n_sets - from;

    for (uint32_t i = 0; i < n; i++)
        starts[graph->sets[from + i].rank + 1]++;
    for (uint32_t r = 1; r <= n; r++)
        starts[r] += starts[r - 1];
    for (uint32_t i = 0; i < n; i++)
        order[starts[graph->sets[from + i].rank]++] = from + i;
}

/* The phase of SET, whose predecessors have theirs. */
static int find_phase (struct aw_graph *graph, struct aw_set *set, struct aw_error *err)
{
    set->phase = set->once ? AW_PHASE_BEFORE : AW_PHASE_ITERATED;
    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_set *before = &graph->sets[set->after[e].set];

        if (set->after[e].back > 0 || before->phase <= set->phase)
            continue;
        if (!set->once)
            return aw_error_set (
                err,
                "tasks.%s: runs once, after all iterations, but %s waits for it in "
                "each: a once set is before or after the iterations",
                before->name, set->name);
        set->phase = AW_PHASE_AFTER;
    }
    graph->n_before += set->phase == AW_PHASE_BEFORE;
    return 0;
}

/* The rank of SET within its phase, whose predecessors have theirs. */
static void find_rank (const struct aw_graph *graph, struct aw_set *set)
{
    set->rank = 0;
    for (uint32_t e = 0; e < set->n_after; e++) {
        const struct aw_set *before = &graph->sets[set->after[e].set];

        if (set->after[e].back == 0 && before->phase == set->phase && set->rank <= before->rank)
            set->rank = before->rank + 1;
    }
}

/* Sets that are in order become ordered by phase, and by rank within it. SCRATCH: as STARTS. */
static int order_by_phase (struct aw_graph *graph, uint32_t *scratch, struct aw_error *err)
{
    uint32_t n[AW_PHASE_ADDED] = { 0 };

    graph->n_before = 0;
    for (uint32_t o = 0; o < graph->n_sets; o++) {
        struct aw_set *set = &graph->sets[graph->order[o]];

        if (find_phase (graph, set, err) < 0)
            return -1;
        find_rank (graph, set);
        n[set->phase] = set->rank >= n[set->phase] ? set->rank + 1 : n[set->phase];
    }
    graph->first_rank = n[AW_PHASE_BEFORE];
    graph->n_ranks = n[AW_PHASE_ITERATED];
    for (uint32_t s = 0; s < graph->n_sets; s++)
        for (uint32_t phase = 0; phase < graph->sets[s].phase; phase++)
            graph->sets[s].rank += n[phase];
    order_by_rank (graph, 0, graph->order, scratch);
    for (uint32_t s = graph->n_iterated; s < graph->n_sets; s++)
        if (graph->sets[s].phase == AW_PHASE_AFTER)
            graph->sets[s].rank += (graph->iterations - 1) * graph->n_ranks;
    graph->n_stages = graph->first_rank + graph->iterations * graph->n_ranks + n[AW_PHASE_AFTER];
    return 0;
}

int aw_graph_order (struct aw_graph *graph, uint32_t from, struct aw_error *err)
{
    uint32_t n = graph->n_sets - from, n_ranked;
    uint32_t *scratch = calloc ((size_t)n + 2, sizeof (*scratch));
    int rc = -1;

    if (!scratch || aw_array_reserve (&graph->order, &graph->order_room, graph->n_sets) < 0
        || compute_ranks (graph, from, scratch, &n_ranked) < 0) {
        aw_error_set (err, "out of memory");
    }
    else if (n_ranked < n) {
        if (err)
            err->text[0] = '\0';
        if (aw_graph_cycles (graph, from, first_cycle, err) < 0)
            aw_error_set (err, "out of memory");
    }
    else {
        for (uint32_t i = 0; i < n; i++) {
            graph->sets[from + i].rank = scratch[i];
            graph->sets[from + i].phase = AW_PHASE_ADDED;
        }
        memset (scratch, 0, ((size_t)n + 2) * sizeof (*scratch));
        order_by_rank (graph, from, graph->order + from, scratch);
        memset (scratch, 0, ((size_t)n + 2) * sizeof (*scratch));
        rc = from ? 0 : order_by_phase (graph, scratch, err);
        aw_streams_mark (graph, from);
    }
    free (scratch);
    return rc;
}
