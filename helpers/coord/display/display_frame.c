/* SPDX-License-Identifier: Apache-2.0 */
/* A frame: one line a task set,
 *     simulate   ██████████▓▓▓▓▓░░░░········  120/288   48 running  2 failed
 * and a line for the whole pool. On a terminal with few lines, the less important sets share one
 * line. On a narrow terminal, first the bars shrink and disappear, then the lines are cut.
 */
#include "coord/display/display_frame.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/units.h"

enum { MAX_BAR = 40, MIN_BAR = 8, MIN_NAME = 8, SHORT_NAME = 24, MAX_NAME = 64, LINE = 512 };

/* A line under construction: what it takes in columns is counted, and at the terminal's edge it
 * ends. */
struct line {
    struct aw_textbuf *out;
    int used, limit;
};

void aw_display_frame_finish (struct aw_display_frame *frame)
{
    int saved = errno;

    aw_textbuf_finish (&frame->text);
    free (frame->widths);
    memset (frame, 0, sizeof (*frame));
    errno = saved;
}

const char *aw_display_frame_seconds (char *buf, size_t size, double seconds)
{
    if (seconds >= 60)
        return aw_format_seconds (buf, size, seconds);
    snprintf (buf, size, "%.0f s", seconds);
    return buf;
}

int aw_display_frame_rows (const struct aw_display_frame *frame, int columns)
{
    int rows = 0;

    for (int i = 0; i < frame->n; i++)
        rows += columns > 0 && frame->widths[i] > columns
                    ? (frame->widths[i] + columns - 1) / columns
                    : 1;
    return rows;
}

/* TEXT, of which control characters are replaced and as much as has room. */
static void put (struct line *line, const char *text)
{
    size_t before = line->out->len;

    aw_textbuf_plain (line->out, text, strlen (text));
    for (size_t i = before; i < line->out->len; i++) {
        if (((unsigned char)line->out->data[i] & 0xc0) == 0x80)
            continue;
        if (line->used == line->limit || line->out->data[i] == '\n') {
            line->out->len = i;
            return;
        }
        line->used++;
    }
}

static void put_style (struct line *line,
                       const struct aw_display_frame_style *style,
                       const char *code)
{
    if (style->colour)
        aw_textbuf_printf (line->out, "\x1b[%sm", code);
}

static void end_line (struct aw_display_frame *frame, const struct line *line)
{
    aw_textbuf_puts (&frame->text, "\x1b[K\n");
    frame->widths[frame->n++] = line->used;
}

static uint64_t all_of (const struct aw_graph *graph, uint32_t set)
{
    return aw_graph_group_tasks (graph, set);
}

/* WIDTH cells shared among the parts: done, failed and skipped, running, ready; the rest waits.
 * What there is of done is rounded down, so that a full bar means the end; what runs is seen if
 * there is room.
 */
static void put_bar (struct line *line,
                     const struct aw_display_frame_style *style,
                     const struct aw_display_set *set,
                     uint64_t all,
                     int width)
{
    static const struct {
        const char *utf8, *ascii, *colour;
    } looks[] = {
        { "\xe2\x96\x88", "#", "32" }, { "\xe2\x96\x92", "!", "31" }, { "\xe2\x96\x93", "=", "36" },
        { "\xe2\x96\x91", "-", "2" },  { "\xc2\xb7", ".", "2" },
    };
    const uint64_t parts[] = { set->done, (uint64_t)set->failed + set->skipped, set->running,
                               set->ready, all };
    uint64_t sum = 0;
    int at = 0;

    for (int i = 0; i < 5; i++) {
        int end = width;

        sum += parts[i];
        if (i < 4)
            end = all ? (int)((uint64_t)width * (sum < all ? sum : all) / all) : 0;
        if ((i == 1 || i == 2) && parts[i] && end == at && at < width)
            end++;
        if (end <= at)
            continue;
        put_style (line, style, looks[i].colour);
        for (; at < end; at++)
            put (line, style->utf8 ? looks[i].utf8 : looks[i].ascii);
        put_style (line, style, "0");
    }
}

static int digits (uint64_t value)
{
    int n = 1;

    for (; value >= 10; value /= 10)
        n++;
    return n;
}

/* Widths of the columns, the same for all sets. */
struct columns {
    int name, bar, digits;
};

static struct columns choose_columns (const struct aw_graph *graph,
                                      const struct aw_display_state *state,
                                      const struct aw_display_frame_style *style)
{
    struct columns c = { .name = MIN_NAME };
    uint64_t most = 1;
    uint32_t failed = 0, skipped = 0;
    int rest;

    for (uint32_t i = 0; i < graph->n_sets; i++) {
        int len = (int)strlen (aw_graph_label (graph, i));

        if (len > c.name)
            c.name = len < MAX_NAME ? len : MAX_NAME;
        if (all_of (graph, i) > most)
            most = all_of (graph, i);
        if (state->sets[i].failed > failed)
            failed = state->sets[i].failed;
        if (state->sets[i].skipped > skipped)
            skipped = state->sets[i].skipped;
    }
    c.digits = digits (most);
    rest = style->columns - 1 - 2 - (1 + 2 * c.digits + 1)
           - (2 + c.digits + 8); /* for the name and the bar */
    if (failed)
        rest -= 2 + digits (failed) + 7;
    if (skipped)
        rest -= 2 + digits (skipped) + 8;
    if (c.name > rest - MIN_BAR)
        c.name = rest - MIN_BAR > SHORT_NAME ? rest - MIN_BAR
                 : c.name < SHORT_NAME       ? c.name
                                             : SHORT_NAME;
    rest -= c.name;
    c.bar = rest >= MIN_BAR ? rest < MAX_BAR ? rest : MAX_BAR : 0;
    return c;
}

/* NAME in a column of WIDTH, and two blanks. */
static void put_name (struct line *line, const char *name, int width)
{
    struct aw_textbuf cell = { 0 };

    aw_textbuf_cell (&cell, name, width);
    aw_textbuf_putc (&cell, '\0');
    if (cell.failed)
        line->out->failed = true;
    else
        put (line, cell.data);
    put (line, "  ");
    aw_textbuf_finish (&cell);
}

static void put_set (struct aw_display_frame *frame,
                     const struct aw_graph *graph,
                     uint32_t index,
                     const struct aw_display_set *set,
                     const struct aw_display_frame_style *style,
                     const struct columns *c)
{
    struct line line = { .out = &frame->text, .limit = style->columns - 1 };
    uint64_t all = all_of (graph, index);
    char text[LINE];

    put_name (&line, aw_graph_label (graph, index), c->name);
    if (c->bar) {
        put_bar (&line, style, set, all, c->bar);
        put (&line, " ");
    }
    snprintf (text, sizeof (text), "%*u/%-*llu", c->digits, set->done, c->digits,
              (unsigned long long)all);
    put (&line, text);
    *text = '\0';
    if (set->running)
        snprintf (text, sizeof (text), "  %*u running", c->digits, set->running);
    else if (set->ready)
        snprintf (text, sizeof (text), "  %*u ready", c->digits, set->ready);
    put (&line, text);
    if (set->failed) {
        snprintf (text, sizeof (text), "  %u failed", set->failed);
        put_style (&line, style, "31");
        put (&line, text);
        put_style (&line, style, "0");
    }
    if (set->skipped) {
        snprintf (text, sizeof (text), "  %u skipped", set->skipped);
        put (&line, text);
    }
    end_line (frame, &line);
}

/* How important a set is: running, failed, under way, waiting, done. */
static int interest (const struct aw_display_set *set, uint64_t all)
{
    uint64_t over = (uint64_t)set->done + set->failed + set->skipped;

    return set->running || set->ready ? 4
           : set->failed              ? 3
           : over && over < all       ? 2
           : over < all               ? 1
                                      : 0;
}

/* Marks in SHOWN the N most important sets; among equals the first in the file. */
static void choose_sets (const struct aw_graph *graph,
                         const struct aw_display_state *state,
                         uint32_t n,
                         bool *shown)
{
    for (int level = 4; level >= 0; level--)
        for (uint32_t i = 0; i < graph->n_sets && n; i++)
            if (aw_graph_is_shown (graph, i)
                && interest (&state->sets[i], all_of (graph, i)) == level) {
                shown[i] = true;
                n--;
            }
}

static void put_others (struct aw_display_frame *frame,
                        const struct aw_graph *graph,
                        const struct aw_display_state *state,
                        const bool *shown,
                        const struct aw_display_frame_style *style)
{
    struct line line = { .out = &frame->text, .limit = style->columns - 1 };
    uint64_t all = 0, done = 0;
    uint32_t n = 0;
    char text[LINE];

    for (uint32_t i = 0; i < graph->n_sets; i++) {
        if (shown[i] || !aw_graph_is_shown (graph, i))
            continue;
        n++;
        all += all_of (graph, i);
        done += state->sets[i].done;
    }
    snprintf (text, sizeof (text), "and %u more set%s: %llu of %llu task%s done", n, aw_plural (n),
              (unsigned long long)done, (unsigned long long)all, aw_plural (all));
    put (&line, text);
    end_line (frame, &line);
}

/* TEXT, or nothing where it does not fit as a whole. */
static void put_whole (struct line *line, const char *text)
{
    if (strlen (text) <= (size_t)(line->limit - line->used))
        put (line, text);
}

static void put_pool (struct aw_display_frame *frame,
                      const struct aw_display_state *state,
                      const struct aw_display_frame_style *style)
{
    struct line line = { .out = &frame->text, .limit = style->columns - 1 };
    char text[LINE], time[32];

    snprintf (text, sizeof (text), "CPUs %u/%u", state->busy_cpus, state->cpus);
    put (&line, text);
    if (state->gpus) {
        snprintf (text, sizeof (text), "  GPUs %u/%u", state->busy_gpus, state->gpus);
        put (&line, text);
    }
    snprintf (text, sizeof (text), "  on %u node%s", state->nodes, state->nodes == 1 ? "" : "s");
    put_whole (&line, text);
    snprintf (text, sizeof (text), "   %s",
              aw_display_frame_seconds (time, sizeof (time), floor (state->t)));
    put_whole (&line, text);
    if (!isnan (state->left) && !isinf (state->left)) {
        snprintf (text, sizeof (text), "   about %s left",
                  aw_display_frame_seconds (time, sizeof (time), ceil (state->left)));
        put_whole (&line, text);
    }
    if (state->note) {
        snprintf (text, sizeof (text), "   %s", state->note);
        put_style (&line, style, "1");
        put_whole (&line, text);
        put_style (&line, style, "0");
    }
    end_line (frame, &line);
}

static uint32_t count_shown (const struct aw_graph *graph)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < graph->n_sets; i++)
        n += aw_graph_is_shown (graph, i);
    return n;
}

int aw_display_frame_draw (struct aw_display_frame *frame,
                           const struct aw_graph *graph,
                           const struct aw_display_state *state,
                           const struct aw_display_frame_style *style)
{
    uint32_t room = style->rows > 3 ? (uint32_t)style->rows - 2
                                    : 0; /* lines for sets: one is the pool's, one the cursor's */
    struct columns c = choose_columns (graph, state, style);
    uint32_t n = count_shown (graph);
    bool all = n <= room;
    bool *shown = calloc (graph->n_sets + (size_t)1, sizeof (*shown));
    int *widths = calloc ((all ? n : room) + (size_t)2, sizeof (*widths));

    frame->text.len = 0;
    frame->n = 0;
    if (!shown || !widths) {
        free (shown);
        free (widths);
        errno = ENOMEM;
        return -1;
    }
    free (frame->widths);
    frame->widths = widths;
    choose_sets (graph, state, all ? n : room ? room - 1 : 0, shown);
    for (uint32_t i = 0; i < graph->n_sets; i++)
        if (shown[i])
            put_set (frame, graph, i, &state->sets[i], style, &c);
    if (!all && room)
        put_others (frame, graph, state, shown, style);
    put_pool (frame, state, style);
    free (shown);
    if (frame->text.failed) {
        aw_display_frame_finish (frame);
        errno = ENOMEM;
        return -1;
    }
    return 0;
}
