/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/report/report_chart.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/names.h"

/* The lanes of one node: when each is free again. */
struct lanes {
    double *free_at;
    uint32_t n, room;
};

/* The lowest lane that is free at START, taken until END; AW_NONE: no memory. */
static uint32_t take_lane (struct lanes *lanes, double start, double end)
{
    for (uint32_t i = 0; i < lanes->n; i++) {
        if (lanes->free_at[i] <= start) {
            lanes->free_at[i] = end;
            return i;
        }
    }
    if (aw_array_reserve (&lanes->free_at, &lanes->room, lanes->n + (size_t)1) < 0)
        return AW_NONE;
    lanes->free_at[lanes->n] = end;
    return lanes->n++;
}

static void free_lanes (struct lanes *nodes, uint32_t n)
{
    for (uint32_t i = 0; nodes && i < n; i++)
        free (nodes[i].free_at);
    free (nodes);
}

struct aw_slice *aw_chart_slices (const struct aw_report *report, size_t *n, uint32_t *max)
{
    const struct aw_history *history = &report->history;
    struct lanes *nodes = calloc (history->n_nodes + (size_t)1, sizeof (*nodes));
    struct aw_slice *slices =
        malloc ((history->n_attempts + history->n_more + 1) * sizeof (*slices));
    size_t next = history->n_attempts;
    uint32_t *order = aw_history_order (history);
    bool failed = !nodes || !slices || !order;

    *max = 1;
    for (uint32_t o = 0; !failed && o < history->n_attempts; o++) {
        uint32_t i = order[o];
        const struct aw_attempt *a = &history->attempts[i];

        for (uint32_t k = 0; !failed && k <= a->n_more; k++) {
            struct aw_slice *slice = &slices[k ? next++ : i];

            slice->attempt = i;
            slice->held = aw_history_held (history, a, k);
            slice->lane = 0; /* it never held anything: nothing is drawn there */
            if (a->started)
                slice->lane =
                    take_lane (&nodes[slice->held.node], a->start, aw_history_end (history, a));
            failed = slice->lane == AW_NONE;
            if (!failed && slice->lane + 1 > *max)
                *max = slice->lane + 1;
        }
    }
    free_lanes (nodes, history->n_nodes);
    free (order);
    if (failed) {
        free (slices);
        errno = ENOMEM;
        return NULL;
    }
    *n = next;
    return slices;
}

const char *aw_chart_phase_name (enum aw_chart_phase what)
{
    return what == AW_STAGE_IN    ? "stage in"
           : what == AW_STAGED_IN ? "staged in, waiting"
                                  : "stage out";
}

static int compare_moves (const void *a, const void *b)
{
    const struct aw_chart_move *x = a, *y = b;

    if (x->from != y->from)
        return x->from > y->from ? 1 : -1;
    return x->attempt != y->attempt ? (x->attempt > y->attempt ? 1 : -1)
                                    : (int)x->what - (int)y->what;
}

/* The moves of attempt I, up to three, from OUT on. How many there are. */
static size_t moves_of (const struct aw_history *history, uint32_t i, struct aw_chart_move *out)
{
    const struct aw_attempt *a = &history->attempts[i];
    double came = aw_history_came (history, a), left = aw_history_left (history, a);
    size_t n = 0;

    if (!isnan (a->staged))
        out[n++] = (struct aw_chart_move){ i, AW_NONE, AW_STAGE_IN, a->staged,
                                           isnan (a->brought) ? came : a->brought };
    if (!isnan (a->brought) && came > a->brought)
        out[n++] = (struct aw_chart_move){ i, AW_NONE, AW_STAGED_IN, a->brought, came };
    if (!isnan (a->released))
        out[n++] = (struct aw_chart_move){ i, AW_NONE, AW_STAGE_OUT, a->released, left };
    return n;
}

/* Gives the moves, in their order, their lanes: data that waits stays in the lane in which it came.
 * 0, or -1: no memory.
 */
static int give_lanes (const struct aw_history *history,
                       struct aw_chart_move *moves,
                       size_t n,
                       struct lanes *nodes,
                       uint32_t *came_in,
                       uint32_t *max)
{
    for (size_t i = 0; i < n; i++) {
        struct aw_chart_move *move = &moves[i];
        const struct aw_attempt *a = &history->attempts[move->attempt];
        double until = move->what == AW_STAGE_IN ? aw_history_came (history, a) : move->to;

        move->lane = move->what == AW_STAGED_IN ? came_in[move->attempt]
                                                : take_lane (&nodes[a->node], move->from, until);
        if (move->lane == AW_NONE)
            return -1;
        if (move->what == AW_STAGE_IN)
            came_in[move->attempt] = move->lane;
        if (move->lane + 1 > *max)
            *max = move->lane + 1;
    }
    return 0;
}

struct aw_chart_move *aw_chart_moves (const struct aw_report *report, size_t *n, uint32_t *max)
{
    const struct aw_history *history = &report->history;
    struct lanes *nodes = calloc (history->n_nodes + (size_t)1, sizeof (*nodes));
    uint32_t *came_in = calloc (history->n_attempts + (size_t)1, sizeof (*came_in));
    struct aw_chart_move *moves = malloc ((3 * history->n_attempts + 1) * sizeof (*moves));
    bool failed = !nodes || !moves || !came_in;

    *n = 0;
    *max = 0;
    for (uint32_t i = 0; !failed && i < history->n_attempts; i++)
        *n += moves_of (history, i, moves + *n);
    if (!failed) {
        qsort (moves, *n, sizeof (*moves), compare_moves);
        failed = give_lanes (history, moves, *n, nodes, came_in, max) < 0;
    }
    free_lanes (nodes, history->n_nodes);
    free (came_in);
    if (failed) {
        free (moves);
        errno = ENOMEM;
        return NULL;
    }
    return moves;
}

int aw_chart_bands_init (struct aw_chart_bands *bands, const struct aw_history *history)
{
    struct aw_names newest = { 0 }; /* node of each name */
    int rc = 0;

    bands->n = 0;
    bands->of_node = calloc (history->n_nodes + (size_t)1, sizeof (*bands->of_node));
    bands->first = calloc (history->n_nodes + (size_t)1, sizeof (*bands->first));
    if (!bands->of_node || !bands->first)
        return -1;
    for (uint32_t i = 0; rc == 0 && i < history->n_nodes; i++) {
        const struct aw_history_node *node = &history->nodes[i];
        uint32_t before = aw_names_get (&newest, node->name, strlen (node->name));

        /* Every node of the pool before a resume is lost. */
        if (before != AW_NAMES_NONE && history->nodes[before].lost <= node->joined)
            bands->of_node[i] = bands->of_node[before];
        else {
            bands->first[bands->n] = i;
            bands->of_node[i] = bands->n++;
        }
        rc = aw_names_set (&newest, node->name, i);
    }
    aw_names_finish (&newest);
    return rc;
}

void aw_chart_bands_finish (struct aw_chart_bands *bands)
{
    free (bands->of_node);
    free (bands->first);
    memset (bands, 0, sizeof (*bands));
}

/* The set with the most busy time that has no group yet; AW_NONE: all have one. */
static uint32_t busiest (const struct aw_report *report, const uint8_t *of_set)
{
    uint32_t best = AW_NONE;

    for (uint32_t i = 0; i < report->workflow->graph->n_sets; i++)
        if (of_set[i] == UINT8_MAX && aw_graph_is_shown (report->workflow->graph, i)
            && (best == AW_NONE || report->sets[i].busy > report->sets[best].busy))
            best = i;
    return best;
}

/* Numbers the chosen sets in the order of the file. */
static void number_in_order (struct aw_chart_groups *groups, uint32_t n_sets)
{
    groups->n = 0;
    for (uint32_t i = 0; i < n_sets; i++) {
        if (groups->of_set[i] == UINT8_MAX)
            continue;
        groups->set[groups->n] = i;
        groups->of_set[i] = (uint8_t)groups->n++;
    }
}

int aw_chart_groups_init (struct aw_chart_groups *groups, const struct aw_report *report)
{
    const struct aw_graph *graph = report->workflow->graph;
    uint32_t n_sets = graph->n_sets;
    uint32_t n = report->n_shown <= AW_CHART_GROUPS ? report->n_shown : AW_CHART_GROUPS - 1;

    memset (groups, 0, sizeof (*groups));
    groups->of_set = malloc (n_sets + (size_t)1);
    if (!groups->of_set)
        return -1;
    memset (groups->of_set, UINT8_MAX, n_sets + (size_t)1);
    for (uint32_t i = 0; i < n; i++)
        groups->of_set[busiest (report, groups->of_set)] = 0;
    number_in_order (groups, n_sets);
    for (uint32_t i = 0; i < n_sets; i++)
        groups->of_set[i] = groups->of_set[graph->sets[i].group];
    if (n == report->n_shown)
        return 0;
    for (uint32_t i = 0; i < n_sets; i++) {
        if (groups->of_set[i] != UINT8_MAX)
            continue;
        groups->of_set[i] = (uint8_t)n;
        groups->n_others += aw_graph_is_shown (graph, i);
    }
    groups->set[groups->n++] = AW_NONE;
    return 0;
}

void aw_chart_groups_finish (struct aw_chart_groups *groups)
{
    free (groups->of_set);
    memset (groups, 0, sizeof (*groups));
}

static int allocate (struct aw_bins *b, uint32_t rows, uint32_t groups, uint32_t n)
{
    *b = (struct aw_bins){ .rows = rows, .groups = groups, .n = n };
    b->edge = calloc (n + (size_t)1, sizeof (*b->edge));
    b->amount = calloc ((size_t)rows * groups * n + 1, sizeof (*b->amount));
    if (b->edge && b->amount)
        return 0;
    aw_bins_finish (b);
    errno = ENOMEM;
    return -1;
}

int aw_bins_init (
    struct aw_bins *b, uint32_t rows, uint32_t groups, uint32_t n, double from, double span)
{
    if (allocate (b, rows, groups, n) < 0)
        return -1;
    for (uint32_t i = 0; i <= n; i++)
        b->edge[i] = from + span * i / n;
    return 0;
}

static int compare (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int aw_bins_init_exact (struct aw_bins *b,
                        uint32_t rows,
                        uint32_t groups,
                        const struct aw_history *history)
{
    uint32_t n = 0, all = 2 * (uint32_t)history->n_attempts;

    if (allocate (b, rows, groups, all + 1) < 0)
        return -1;
    for (size_t i = 0; i < history->n_attempts; i++) {
        b->edge[2 * i] = history->attempts[i].start;
        b->edge[2 * i + 1] = aw_history_end (history, &history->attempts[i]);
    }
    qsort (b->edge, all, sizeof (*b->edge), compare);
    for (uint32_t i = 1; i < all; i++)
        if (b->edge[i] > b->edge[n])
            b->edge[++n] = b->edge[i];
    b->n = n;
    return 0;
}

void aw_bins_finish (struct aw_bins *b)
{
    free (b->edge);
    free (b->amount);
    memset (b, 0, sizeof (*b));
}

double *aw_bins_of (const struct aw_bins *b, uint32_t row, uint32_t group)
{
    return b->amount + ((size_t)row * b->groups + group) * b->n;
}

/* The bin that T lies in, or the last one that begins before it. */
static uint32_t find_bin (const struct aw_bins *b, double t)
{
    uint32_t low = 0, high = b->n;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (b->edge[middle] <= t)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void aw_bins_add (
    struct aw_bins *b, uint32_t row, uint32_t group, double t0, double t1, double amount)
{
    double *bins = aw_bins_of (b, row, group);

    for (uint32_t i = find_bin (b, t0); i < b->n && b->edge[i] < t1; i++) {
        double part = fmin (t1, b->edge[i + 1]) - fmax (t0, b->edge[i]);
        if (part > 0)
            bins[i] += amount * part / (b->edge[i + 1] - b->edge[i]);
    }
}

static void put_point (struct aw_textbuf *out, char command, double value)
{
    aw_textbuf_putc (out, command);
    aw_textbuf_fixed (out, value, 2);
}

/* One connected piece, bins FIRST up to LAST: along the upper edge to the right, along the lower
 * one back. */
static void put_piece (struct aw_textbuf *out,
                       const struct aw_box *box,
                       const double *x,
                       const double *lower,
                       const double *upper,
                       uint32_t first,
                       uint32_t last)
{
    double bottom = box->y + box->height;

    put_point (out, 'M', x[first]);
    put_point (out, ' ', bottom - lower[first] * box->height);
    for (uint32_t i = first; i < last; i++) {
        if (i == first || upper[i] != upper[i - 1])
            put_point (out, 'V', bottom - upper[i] * box->height);
        if (i + 1 == last || upper[i + 1] != upper[i])
            put_point (out, 'H', x[i + 1]);
    }
    for (uint32_t i = last; i-- > first;) {
        if (i + 1 == last || lower[i] != lower[i + 1])
            put_point (out, 'V', bottom - lower[i] * box->height);
        if (i > first && lower[i - 1] != lower[i])
            put_point (out, 'H', x[i]);
    }
    aw_textbuf_putc (out, 'Z');
}

void aw_chart_area (struct aw_textbuf *out,
                    const struct aw_box *box,
                    const double *x,
                    const double *lower,
                    const double *upper,
                    uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        uint32_t first = i;
        while (i < n && upper[i] > lower[i])
            i++;
        if (i > first)
            put_piece (out, box, x, lower, upper, first, i);
        else
            i++;
    }
}
