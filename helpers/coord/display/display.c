/* SPDX-License-Identifier: Apache-2.0 */
/* When to show what. On a terminal the last frame is kept, so that a message can take its place and
 * push it down. Elsewhere, lines come at most once a second, and more and more rarely, down to one
 * a minute: a log stays readable. A timer is armed only while there is something to report or a
 * clock to advance.
 */
#include "coord/display/display.h"

#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/display/display_frame.h"
#include "coord/display/terminal.h"
#include "core/failure.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/task_label.h"
#include "util/array.h"
#include "util/units.h"

#define FRAME_SECONDS 0.2 /* between two frames at the least */
#define CLOCK_SECONDS 1.0 /* between two frames where only the clock has moved */
#define FIRST_LINE_SECONDS 1.0 /* between plain lines, doubled with each */
#define LAST_LINE_SECONDS 60.0
#define PROGRESS_SECONDS 10.0 /* at least, where no set instance has been completed */
#define FAILURES_AT_ONCE 10 /* reported one by one; then one a second */

enum { NAME = AW_TASK_LABEL, MESSAGE = 1024, MAX_NAMED = 3, MOST_NOTES = 10 };

struct instance {
    uint32_t n; /* tasks that have not ended for good */
    bool ran; /* not all its tasks so far were skipped */
};

struct aw_display {
    const struct aw_graph *graph; /* borrowed */
    const struct aw_workflow *workflow; /* likewise; NULL: not known */
    enum aw_display_mode mode; /* never AUTO */
    struct aw_terminal terminal;
    struct aw_display_frame_style style;
    char *dir;
    bool store;
    char **nodes; /* names */
    uint32_t n_nodes, node_room;
    double t; /* of the last event or update */
    bool changed; /* since the last frame or line */

    struct aw_display_frame frame; /* the last one */
    bool shown; /* it stands on the terminal */
    double drawn; /* t of it */

    struct instance *left; /* by set instance */
    uint32_t n_instances, room; /* of these */
    uint32_t *completed; /* instances not reported yet: the first of them */
    size_t n_completed;
    double line; /* t of the last plain line */
    double interval; /* to the next */

    unsigned notes; /* on staged data, that were reported */

    double failures; /* that may be reported at once */
    double failures_t; /* when that was counted */
    uint64_t unreported;
};

static bool is_utf8 (void)
{
    const char *codeset = nl_langinfo (CODESET);

    return strcmp (codeset, "UTF-8") == 0 || strcmp (codeset, "utf8") == 0;
}

struct aw_display *aw_display_create (const struct aw_graph *graph,
                                      int fd,
                                      enum aw_display_mode mode,
                                      struct aw_error *err)
{
    struct aw_display *d = calloc (1, sizeof (*d));
    uint32_t instances = aw_graph_n_instances (graph);
    const char *no_colour = getenv ("NO_COLOR"); /* no-color.org */

    if (d) {
        d->left = calloc ((size_t)instances + 1, sizeof (*d->left));
        d->n_instances = d->room = instances;
        d->completed = calloc (MAX_NAMED, sizeof (*d->completed));
    }
    if (!d || !d->left || !d->completed) {
        if (d)
            free (d->left);
        free (d);
        aw_error_set (err, "display: out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < instances; i++)
        d->left[i].n = graph->sets[aw_graph_instance_set (graph, i)].count;
    d->graph = graph;
    d->mode = mode != AW_DISPLAY_AUTO   ? mode
              : aw_terminal_is_tty (fd) ? AW_DISPLAY_TTY
                                        : AW_DISPLAY_PLAIN;
    d->style =
        (struct aw_display_frame_style){ .colour = !no_colour || !*no_colour, .utf8 = is_utf8 () };
    d->drawn = d->line = -INFINITY;
    d->interval = FIRST_LINE_SECONDS;
    d->failures = FAILURES_AT_ONCE;
    d->changed = true;
    aw_terminal_init (&d->terminal, fd);
    return d;
}

int aw_display_grow (struct aw_display *d)
{
    if (!d)
        return 0;
    if (d->n_instances > aw_graph_n_instances (d->graph))
        d->n_instances = aw_graph_n_instances (d->graph);
    if (aw_array_reserve (&d->left, &d->room, aw_graph_n_instances (d->graph)) < 0)
        return -1;
    for (; d->n_instances < aw_graph_n_instances (d->graph); d->n_instances++)
        d->left[d->n_instances] = (struct instance){
            .n = d->graph->sets[aw_graph_instance_set (d->graph, d->n_instances)].count
        };
    d->changed = true;
    return 0;
}

void aw_display_set_directory (struct aw_display *d, const char *dir, bool store)
{
    if (!d)
        return;
    free (d->dir);
    d->dir = dir ? strdup (dir) : NULL;
    d->store = store;
}

void aw_display_set_workflow (struct aw_display *d, const struct aw_workflow *workflow)
{
    if (d)
        d->workflow = workflow;
}

/* Moves the cursor to the frame's first line. */
static void put_home (struct aw_display *d, struct aw_textbuf *out)
{
    int columns, rows, up;

    aw_terminal_size (&d->terminal, &columns, &rows);
    up = aw_display_frame_rows (&d->frame, columns);
    if (up > rows - 1)
        up = rows - 1; /* the rest has scrolled away */
    if (up > 0)
        aw_textbuf_printf (out, "\x1b[%dA", up);
    aw_textbuf_putc (out, '\r');
}

/* Wipes the frame. */
static void put_erase (struct aw_display *d, struct aw_textbuf *out)
{
    if (!d->shown)
        return;
    put_home (d, out);
    aw_textbuf_puts (out, "\x1b[J");
}

/* A line, above the frame where there is one. */
static void put_line (struct aw_display *d, const char *text)
{
    struct aw_textbuf out = { 0 };

    if (!aw_terminal_allows (&d->terminal, false))
        return;
    if (d->shown && !aw_terminal_allows (&d->terminal, true))
        d->shown = false; /* in the background: where it stood others have written */
    put_erase (d, &out);
    aw_textbuf_plain (&out, text, strlen (text));
    for (size_t i = 0; i < out.len; i++)
        if (out.data[i] == '\n')
            out.data[i] = ' '; /* one message, one line */
    aw_textbuf_putc (&out, '\n');
    if (d->shown)
        aw_textbuf_put (&out, d->frame.text.data, d->frame.text.len);
    if (!out.failed)
        aw_terminal_put (&d->terminal, out.data, out.len);
    aw_textbuf_finish (&out);
}

void aw_display_message (struct aw_display *d, const char *fmt, ...)
{
    char text[MESSAGE];
    va_list ap;

    if (!d)
        return;
    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    put_line (d, text);
}

void aw_display_clear (struct aw_display *d)
{
    struct aw_textbuf out = { 0 };

    if (!d || !d->shown)
        return;
    put_erase (d, &out);
    if (!out.failed && aw_terminal_allows (&d->terminal, true))
        aw_terminal_put (&d->terminal, out.data, out.len);
    aw_textbuf_finish (&out);
    d->shown = false;
    d->drawn = -INFINITY;
}

static void add_node (struct aw_display *d, const struct aw_event *ev)
{
    if (aw_array_reserve (&d->nodes, &d->node_room, d->n_nodes + 1) < 0)
        return; /* it will have no name in messages */
    d->nodes[d->n_nodes] = strdup (ev->name ? ev->name : "");
    if (d->nodes[d->n_nodes])
        d->n_nodes++;
}

static const char *node_name (const struct aw_display *d, uint32_t node)
{
    return node < d->n_nodes ? d->nodes[node] : "its node";
}

/* One of the tasks of an instance has ended for good; RAN: it was not skipped. */
static void count_down (struct aw_display *d, uint32_t id, bool ran)
{
    struct aw_task task = aw_graph_task (d->graph, id);
    uint32_t instance = aw_graph_instance (d->graph, task.iteration, task.set);
    struct instance *left = &d->left[instance];

    left->ran = left->ran || ran;
    if (!left->n || --left->n || !left->ran || d->graph->sets[task.set].submitted)
        return;
    if (d->n_completed < MAX_NAMED)
        d->completed[d->n_completed] = instance;
    d->n_completed++;
}

/* May one more failure be reported? Ten at once, and then one a second. */
static bool may_report (struct aw_display *d)
{
    d->failures = fmin (FAILURES_AT_ONCE, d->failures + (d->t - d->failures_t));
    d->failures_t = d->t;
    if (d->failures < 1) {
        d->unreported++;
        return false;
    }
    d->failures -= 1;
    return true;
}

static void report_unreported (struct aw_display *d)
{
    if (d->unreported)
        aw_display_message (d, "async-workflow: and %llu more failed attempts",
                            (unsigned long long)d->unreported);
    d->unreported = 0;
}

/* Where the output of TASK is, into WHERE; "" if that is not known. */
static void find_output (const struct aw_display *d, uint32_t task, struct aw_textbuf *where)
{
    char name[NAME];

    aw_graph_task_name (d->graph, task, name, sizeof (name));
    if (d->dir && d->store) {
        aw_textbuf_puts (where, "; see async-workflow logs ");
        aw_shell_quote_shown (where, d->dir);
        aw_textbuf_printf (where, " '%s'", name);
    }
    else if (d->dir)
        aw_textbuf_printf (where, "; see %s/logs", d->dir);
    aw_textbuf_putc (where, '\0');
}

static void tell_failure (struct aw_display *d, const struct aw_event *ev, bool again)
{
    char name[NAME], how[256], time[32], attempt[48] = "";
    struct aw_textbuf where = { 0 };

    if (!may_report (d))
        return;
    report_unreported (d);
    if (d->workflow)
        aw_task_label (d->workflow, ev->task, name, sizeof (name));
    else
        aw_graph_task_name (d->graph, ev->task, name, sizeof (name));
    aw_failure_text (how, sizeof (how), ev->status, ev->code, ev->signal, ev->reason);
    if (again)
        snprintf (attempt, sizeof (attempt), "; will be retried");
    else if (ev->attempt)
        snprintf (attempt, sizeof (attempt), "; it was attempt %u", ev->attempt + 1);
    if (!again)
        find_output (d, ev->task, &where);
    aw_display_message (d, "async-workflow: %s: %s after %s on %s%s%s", name, how,
                        aw_format_seconds (time, sizeof (time), ev->seconds),
                        node_name (d, ev->node), attempt, where.data ? where.data : "");
    aw_textbuf_finish (&where);
}

static void handle_finish (struct aw_display *d, const struct aw_event *ev)
{
    uint32_t set = aw_graph_task (d->graph, ev->task).set;
    bool again = (ev->status == AW_STATUS_NODE_FAIL && ev->attempt < AW_LOST_NODES_A_TASK)
                 || aw_retry_allows (&d->graph->sets[set].retry, ev->attempt + 1, ev);

    if (ev->status == AW_STATUS_COMPLETED) {
        count_down (d, ev->task, true);
        return;
    }
    if (ev->status == AW_STATUS_CANCELLED)
        return; /* reported with what cancelled it */
    if (!again)
        count_down (d, ev->task, true);
    tell_failure (d, ev, again);
}

/* Many nodes may have the same to say. */
static void note_staging (struct aw_display *d, const struct aw_event *ev)
{
    if (d->notes < MOST_NOTES)
        aw_display_message (d, "async-workflow: node %s: %s", node_name (d, ev->node), ev->reason);
    if (d->notes++ == MOST_NOTES)
        aw_display_message (d,
                            "async-workflow: further notes on staged data are in the journal, as "
                            "\"reason\" of \"staged\"");
}

void aw_display_event (struct aw_display *d, const struct aw_event *ev)
{
    if (!d)
        return;
    d->changed = true;
    d->t = fmax (d->t, ev->t);
    if (ev->type == AW_EVENT_NODE)
        add_node (d, ev);
    else if (ev->type == AW_EVENT_NODE_LOST)
        aw_display_message (d, "async-workflow: node %s is lost%s%s", node_name (d, ev->node),
                            ev->reason ? ": " : "", ev->reason ? ev->reason : "");
    else if (ev->type == AW_EVENT_NODE_DRAIN)
        aw_display_message (d, "async-workflow: node %s %s: %s", node_name (d, ev->node),
                            ev->code ? "stays in use" : "is drained", ev->reason);
    else if (ev->type == AW_EVENT_STALL && ev->code != AW_STALL_OVER)
        aw_display_message (d, "async-workflow: %s%s", ev->reason,
                            ev->code == AW_STALL_FAILS ? ": receiving fails" : "");
    else if (ev->type == AW_EVENT_STAGED && ev->reason)
        note_staging (d, ev);
    else if (ev->type == AW_EVENT_FINISH && !ev->returned)
        handle_finish (d, ev);
    else if (ev->type == AW_EVENT_SKIP)
        count_down (d, ev->task, false);
    else if (ev->type == AW_EVENT_STOP)
        aw_display_message (d, "async-workflow: nothing more starts%s%s", ev->reason ? ": " : "",
                            ev->reason ? ev->reason : "");
}

/* When the next plain line is due; INFINITY: there is nothing to report. */
static double next_line (const struct aw_display *d)
{
    if (!d->changed)
        return INFINITY;
    if (d->n_completed || d->line == -INFINITY)
        return d->line + d->interval;
    return d->line + fmax (d->interval, PROGRESS_SECONDS);
}

double aw_display_next (const struct aw_display *d, double t)
{
    double at;

    if (!d || d->terminal.broken)
        return INFINITY;
    if (d->mode == AW_DISPLAY_TTY)
        at = d->drawn + (d->changed || d->terminal.pending.len ? FRAME_SECONDS : CLOCK_SECONDS);
    else if (d->terminal.pending.len)
        return FRAME_SECONDS;
    else
        at = d->mode == AW_DISPLAY_PLAIN ? next_line (d) : INFINITY;
    return fmax (at - t, 0);
}

static void draw (struct aw_display *d, const struct aw_display_state *state)
{
    struct aw_textbuf out = { 0 };
    int columns, rows;

    d->drawn = state->t;
    d->changed = false;
    if (!aw_terminal_flush (&d->terminal))
        return; /* slow: this frame is left out */
    if (!aw_terminal_allows (&d->terminal, true)) {
        d->shown = false;
        return;
    }
    aw_terminal_size (&d->terminal, &columns, &rows);
    if (columns != d->style.columns || rows != d->style.rows)
        put_erase (d, &out); /* the terminal wraps the last frame differently now */
    else if (d->shown)
        put_home (d, &out); /* each line is overwritten: nothing flickers */
    d->style.columns = columns;
    d->style.rows = rows;
    if (aw_display_frame_draw (&d->frame, d->graph, state, &d->style) == 0) {
        aw_textbuf_put (&out, d->frame.text.data, d->frame.text.len);
        aw_textbuf_puts (&out, "\x1b[J"); /* the rest of a longer frame, or what a key has echoed */
        d->shown = true;
    }
    if (!out.failed)
        aw_terminal_put (&d->terminal, out.data, out.len);
    aw_textbuf_finish (&out);
}

/* "ended: simulate@0, train@0 and 2 more; " */
static void put_completed (struct aw_display *d, struct aw_textbuf *out)
{
    const struct aw_graph *graph = d->graph;

    if (d->n_completed)
        aw_textbuf_puts (out, "ended: ");
    for (size_t i = 0; i < d->n_completed && i < MAX_NAMED; i++) {
        struct aw_task at = aw_graph_instance_place (graph, d->completed[i]);

        aw_textbuf_puts (out, i ? ", " : "");
        aw_textbuf_puts (out, graph->sets[at.set].name);
        if (aw_graph_names_iteration (graph, at.set))
            aw_textbuf_printf (out, "@%u", at.iteration);
    }
    if (d->n_completed > MAX_NAMED)
        aw_textbuf_printf (out, " and %zu more", d->n_completed - MAX_NAMED);
    if (d->n_completed)
        aw_textbuf_puts (out, "; ");
    d->n_completed = 0;
}

static void put_numbers (const struct aw_display *d,
                         const struct aw_display_state *state,
                         struct aw_textbuf *out)
{
    uint64_t done = 0, running = 0, failed = 0, skipped = 0;
    char time[32];

    for (uint32_t i = 0; i < d->graph->n_sets; i++) {
        done += state->sets[i].done;
        running += state->sets[i].running;
        failed += state->sets[i].failed;
        skipped += state->sets[i].skipped;
    }
    aw_textbuf_printf (out, "%llu of %u task%s done, %llu running", (unsigned long long)done,
                       d->graph->n_tasks, aw_plural (d->graph->n_tasks),
                       (unsigned long long)running);
    if (failed)
        aw_textbuf_printf (out, ", %llu failed", (unsigned long long)failed);
    if (skipped)
        aw_textbuf_printf (out, ", %llu skipped", (unsigned long long)skipped);
    aw_textbuf_printf (out, "; CPUs %u/%u", state->busy_cpus, state->cpus);
    if (state->gpus)
        aw_textbuf_printf (out, ", GPUs %u/%u", state->busy_gpus, state->gpus);
    if (!isnan (state->left) && !isinf (state->left))
        aw_textbuf_printf (out, "; about %s left",
                           aw_display_frame_seconds (time, sizeof (time), ceil (state->left)));
    if (state->note)
        aw_textbuf_printf (out, "; %s", state->note);
}

static void put_plain (struct aw_display *d, const struct aw_display_state *state)
{
    struct aw_textbuf out = { 0 };
    bool quiet = state->t - d->line > 2 * d->interval;
    char time[32];

    aw_textbuf_printf (&out, "async-workflow: %s: ",
                       aw_display_frame_seconds (time, sizeof (time), floor (state->t)));
    if (state->nodes || !state->note) {
        put_completed (d, &out);
        put_numbers (d, state, &out);
    }
    else {
        aw_textbuf_puts (&out, state->note); /* there is nothing yet to give numbers of */
    }
    aw_textbuf_putc (&out, '\0');
    if (!out.failed)
        put_line (d, out.data);
    aw_textbuf_finish (&out);
    if (d->line > -INFINITY)
        d->interval =
            fmin (LAST_LINE_SECONDS, fmax (FIRST_LINE_SECONDS, d->interval * (quiet ? 0.5 : 2)));
    d->line = state->t;
    d->changed = false;
}

void aw_display_update (struct aw_display *d, const struct aw_display_state *state)
{
    if (!d)
        return;
    d->t = fmax (d->t, state->t);
    if (aw_display_next (d, state->t) > 1e-3) /* timers come a little early */
        return;
    if (d->unreported && may_report (d))
        report_unreported (d);
    if (d->mode == AW_DISPLAY_TTY)
        draw (d, state);
    else if (d->mode == AW_DISPLAY_PLAIN && next_line (d) <= state->t + 1e-3)
        put_plain (d, state);
    else
        aw_terminal_flush (&d->terminal);
}

void aw_display_finish (struct aw_display *d)
{
    int saved = errno;

    if (!d)
        return;
    aw_display_clear (d);
    report_unreported (d);
    aw_terminal_finish (&d->terminal);
    aw_display_frame_finish (&d->frame);
    for (uint32_t i = 0; i < d->n_nodes; i++)
        free (d->nodes[i]);
    free (d->nodes);
    free (d->left);
    free (d->completed);
    free (d->dir);
    free (d);
    errno = saved;
}
