/* SPDX-License-Identifier: Apache-2.0 */
/* One run on the screen: its sets, running or failed tasks as a list, and the explanation of what
 * is selected there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/watch/watch.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/units.h"

enum { BAR = 20, MAX_NAME = 40, MIN_NAME = 12 };

static const double refresh_seconds = 1;

enum view { VIEW_SETS, VIEW_RUNNING, VIEW_FAILED, VIEW_TEXT };

/* What a line of a list stands for; TEXT: of the whole page. */
struct row {
    uint32_t set;
    uint32_t task; /* AW_NONE: the whole set, or with SET AW_NONE the run */
};

struct viewer {
    struct aw_watch *watch;
    struct aw_screen *screen;
    enum view view, list; /* LIST: to go back to */
    struct row *rows; /* of the list shown. Owned */
    uint32_t n_rows, row_room;
    struct row about; /* VIEW_TEXT */
    struct aw_page page;
    bool fresh; /* the body is that of the view and the run's state */
    uint32_t list_selected, list_top; /* while a text is shown */
};

static void add_row (struct viewer *v, uint32_t set, uint32_t task)
{
    if (aw_array_reserve (&v->rows, &v->row_room, v->n_rows + (size_t)1) == 0)
        v->rows[v->n_rows++] = (struct row){ set, task };
}

static int name_width (const struct aw_graph *graph)
{
    size_t most = MIN_NAME;

    for (uint32_t s = 0; s < graph->n_sets; s++)
        if (aw_graph_is_shown (graph, s) && strlen (aw_graph_label (graph, s)) > most)
            most = strlen (aw_graph_label (graph, s));
    return most > MAX_NAME ? MAX_NAME : (int)most;
}

static void put_bar (struct aw_textbuf *out, uint32_t done, uint32_t total)
{
    uint32_t filled = total ? (uint32_t)((uint64_t)BAR * done / total) : 0;

    aw_textbuf_puts (out, " [");
    for (uint32_t i = 0; i < BAR; i++)
        aw_textbuf_putc (out, i < filled ? '#' : '.');
    aw_textbuf_puts (out, "]");
}

static void put_sets (struct viewer *v)
{
    const struct aw_graph *graph = v->watch->report.workflow->graph;
    const struct aw_sched *sched = v->watch->replay.sched;
    struct aw_textbuf *out = &v->page.body;
    struct aw_counts *counts = calloc (graph->n_sets + (size_t)1, sizeof (*counts));
    int width = name_width (graph);

    if (counts && sched)
        aw_sched_group_counts (sched, counts);
    for (uint32_t s = 0; s < graph->n_sets && sched && counts; s++) {
        struct aw_counts c = counts[s];
        uint32_t total =
            c.waiting + c.ready + c.running + c.done + c.ignored + c.failed + c.skipped;

        if (!aw_graph_is_shown (graph, s))
            continue;
        add_row (v, s, AW_NONE);
        aw_textbuf_cell (out, aw_graph_label (graph, s), width);
        put_bar (out, c.done, total);
        aw_textbuf_printf (out, " %7u of %-7u", c.done, total);
        if (c.running)
            aw_textbuf_printf (out, " %u running", c.running);
        if (c.ready)
            aw_textbuf_printf (out, " %u ready", c.ready);
        if (c.waiting)
            aw_textbuf_printf (out, " %u waiting", c.waiting);
        if (c.failed + c.ignored)
            aw_textbuf_printf (out, " %u failed", c.failed + c.ignored);
        if (c.skipped)
            aw_textbuf_printf (out, " %u skipped", c.skipped);
        aw_textbuf_putc (out, '\n');
    }
    free (counts);
}

static void put_task (struct viewer *v, uint32_t task)
{
    const struct aw_history *history = &v->watch->report.history;
    const struct aw_attempt *a = aw_history_last (history, task);
    char name[AW_NAME_SIZE], time[32], how[256];

    add_row (v, aw_graph_task (history->graph, task).set, task);
    aw_graph_task_name (history->graph, task, name, sizeof (name));
    aw_textbuf_cell (&v->page.body, name, name_width (history->graph) + 8);
    aw_textbuf_printf (&v->page.body, " %9s  ",
                       aw_format_seconds (time, sizeof (time),
                                          isnan (a->finish) ? history->now - a->start
                                                            : aw_attempt_run_seconds (a)));
    aw_textbuf_cell (&v->page.body, history->nodes[a->node].name, MIN_NAME);
    if (!isnan (a->finish)) {
        aw_failure_text (how, sizeof (how), a->status, a->code, a->signal, a->reason);
        aw_textbuf_puts (&v->page.body, "  ");
        aw_textbuf_plain (&v->page.body, how, strlen (how));
    }
    aw_textbuf_putc (&v->page.body, '\n');
}

static void put_running (struct viewer *v)
{
    struct aw_event ev;
    uint32_t cursor = 0;

    while (v->watch->replay.sched && aw_sched_running (v->watch->replay.sched, &cursor, &ev))
        put_task (v, ev.task);
    if (v->n_rows == 0)
        aw_textbuf_puts (&v->page.body, "no task runs\n");
}

static void put_failed (struct viewer *v)
{
    const struct aw_report *report = &v->watch->report;
    size_t n = aw_report_failures (report, NULL, 0);
    uint32_t *attempts = malloc ((n + 1) * sizeof (*attempts));

    if (!attempts)
        return;
    aw_report_failures (report, attempts, n);
    for (size_t i = 0; i < n; i++)
        put_task (v, report->history.attempts[attempts[i]].task);
    free (attempts);
    if (n == 0)
        aw_textbuf_puts (&v->page.body, "no task has failed\n");
}

/* The explanation of what v->about says, by a copy of the scheduler: its time may not pass that of
 * events to come.
 */
static void put_text (struct viewer *v)
{
    struct aw_watch *watch = v->watch;
    const struct aw_graph *graph = watch->report.workflow->graph;
    struct aw_explain ex = { .replay = watch->replay, .out = &v->page.body };
    struct aw_error err;
    int rc = aw_report_summarize (&watch->report, &err);

    ex.report = watch->report;
    ex.replay.sched = watch->replay.sched ? aw_sched_clone (watch->replay.sched) : NULL;
    if (rc < 0 || aw_explain_ask (&ex) < 0)
        aw_textbuf_puts (ex.out, "out of memory\n");
    else if (v->about.task != AW_NONE)
        aw_explain_task (&ex, v->about.task);
    else if (v->about.set != AW_NONE)
        aw_explain_set (
            &ex, graph->sets[v->about.set].name,
            &(struct aw_task){ aw_graph_iterations (graph, v->about.set) == 1 ? 0 : AW_NONE,
                               v->about.set, AW_NONE });
    else
        aw_explain_run (&ex);
    aw_sched_destroy (ex.replay.sched);
    aw_ahead_finish (&ex.ahead);
}

static void put_head (struct viewer *v)
{
    static const char *const titles[] = {
        [VIEW_SETS] = "Task sets",
        [VIEW_RUNNING] = "Running tasks",
        [VIEW_FAILED] = "Failed tasks",
        [VIEW_TEXT] = "",
    };
    struct aw_textbuf *out = &v->page.head;
    const char *name = v->watch->report.workflow->name;

    aw_textbuf_plain (out, name, strlen (name));
    aw_textbuf_puts (out, " (");
    aw_textbuf_plain (out, v->watch->dir, strlen (v->watch->dir));
    aw_textbuf_puts (out, ")\n");
    aw_watch_put_state (v->watch, out);
    aw_textbuf_printf (out, "\n\n%s%s", titles[v->view], v->view == VIEW_TEXT ? "" : "\n");
}

/* The body's lines. */
static void put_body (struct viewer *v)
{
    v->n_rows = 0;
    aw_textbuf_clear (&v->page.body);
    switch (v->view) {
    case VIEW_SETS:
        put_sets (v);
        break;
    case VIEW_RUNNING:
        put_running (v);
        break;
    case VIEW_FAILED:
        put_failed (v);
        break;
    case VIEW_TEXT:
        put_text (v);
        break;
    }
    v->page.selects = v->n_rows > 0;
    v->fresh = true;
}

static void draw (struct viewer *v)
{
    aw_textbuf_clear (&v->page.head);
    aw_textbuf_clear (&v->page.foot);
    put_head (v);
    if (!v->fresh)
        put_body (v);
    aw_textbuf_puts (&v->page.foot,
                     v->view == VIEW_TEXT
                         ? "\nq back  l log  arrows scroll\n"
                         : "\nq quit  s sets  r running  f failed  e what limits the run  "
                           "Enter why  l log\n");
    aw_screen_draw (v->screen, &v->page);
}

static void show_list (struct viewer *v, enum view view)
{
    bool back = v->view == VIEW_TEXT && view == v->list;

    v->fresh = false;
    v->view = v->list = view;
    v->page.selected = back ? v->list_selected : 0;
    v->page.top = back ? v->list_top : 0;
}

static void show_text (struct viewer *v, struct row about)
{
    if (v->view != VIEW_TEXT) {
        v->list_selected = v->page.selected;
        v->list_top = v->page.top;
    }
    v->about = about;
    v->view = VIEW_TEXT;
    v->fresh = false;
    v->page.selected = v->page.top = 0;
}

/* What is selected; the run where nothing is. */
static struct row selected (const struct viewer *v)
{
    if (v->view == VIEW_TEXT)
        return v->about;
    return v->page.selected < v->n_rows ? v->rows[v->page.selected]
                                        : (struct row){ AW_NONE, AW_NONE };
}

static void show_log (struct viewer *v)
{
    const struct aw_graph *graph = v->watch->report.workflow->graph;
    struct row row = selected (v);
    char name[AW_NAME_SIZE];

    if (row.task != AW_NONE)
        aw_graph_task_name (graph, row.task, name, sizeof (name));
    aw_watch_log (v->screen, v->watch->dir,
                  row.task != AW_NONE  ? name
                  : row.set != AW_NONE ? graph->sets[row.set].name
                                       : NULL);
}

/* False: the key ends the view; *QUIT: also what is around it. */
static bool act (struct viewer *v, enum aw_keystroke key, bool *quit)
{
    if (aw_page_move (&v->page, v->screen, key))
        return true;
    switch ((int)key) {
    case AW_KEY_END_OF_INPUT:
        *quit = true;
        return false;
    case 'q':
    case AW_KEY_BACK:
        *quit = key == 'q' && v->view != VIEW_TEXT;
        if (v->view != VIEW_TEXT)
            return false;
        show_list (v, v->list);
        break;
    case 's':
        show_list (v, VIEW_SETS);
        break;
    case 'r':
        show_list (v, VIEW_RUNNING);
        break;
    case 'f':
        show_list (v, VIEW_FAILED);
        break;
    case 'e':
        show_text (v, (struct row){ AW_NONE, AW_NONE });
        break;
    case AW_KEY_ENTER:
        if (v->view != VIEW_TEXT)
            show_text (v, selected (v));
        break;
    case 'l':
        show_log (v);
        break;
    default:
        break;
    }
    return true;
}

bool aw_watch_run (struct aw_watch *watch, struct aw_screen *screen)
{
    struct viewer v = { .watch = watch, .screen = screen };
    double next = aw_clock_monotonic () + refresh_seconds;
    struct aw_problems problems;
    bool quit = false, go_on = true;

    aw_problems_init (&problems);
    draw (&v);
    while (go_on) {
        double left = next - aw_clock_monotonic ();
        enum aw_keystroke key = aw_screen_key (screen, left > 0 ? left : 0);

        if (key == AW_KEY_NONE && aw_clock_monotonic () >= next) {
            next = aw_clock_monotonic () + refresh_seconds;
            v.fresh &= !watch->report.live; /* what has ended stays as it is */
            if (aw_watch_refresh (watch, &problems) < 0) {
                aw_screen_close (screen);
                aw_problems_print (&problems, stderr);
                quit = true;
                break;
            }
        }
        go_on = act (&v, key, &quit);
        if (go_on)
            draw (&v);
    }
    aw_problems_finish (&problems);
    aw_page_finish (&v.page);
    free (v.rows);
    return quit;
}
