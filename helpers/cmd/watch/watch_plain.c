/* SPDX-License-Identifier: Apache-2.0 */
/* Without a terminal: a line now and then, and one for each failed task, until the run ends. */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/watch/watch.h"
#include "util/clock.h"
#include "util/stdout.h"

enum { WAIT_MS = 500 };

/* Seconds between two lines: they grow, so that a long run has few lines. */
static const double first_interval = 2, last_interval = 60, growth = 1.5;

static int print_line (struct aw_textbuf *text)
{
    int rc = -1;

    aw_textbuf_putc (text, '\n');
    if (text->failed)
        fprintf (stderr, "async-workflow: out of memory\n");
    else {
        fwrite (text->data, 1, text->len, stdout);
        rc = aw_stdout_flush ();
    }
    aw_textbuf_clear (text);
    return rc;
}

static int print_state (struct aw_watch *watch, struct aw_textbuf *text)
{
    const char *name = watch->report.workflow->name;

    aw_textbuf_plain (text, name, strlen (name));
    aw_textbuf_puts (text, ": ");
    aw_watch_put_state (watch, text);
    return print_line (text);
}

static void tell (const struct aw_watch *watch, const struct aw_event *ev)
{
    const struct aw_attempt *last;
    struct aw_textbuf text = { 0 };
    char name[AW_NAME_SIZE], how[256];

    if (ev->type != AW_EVENT_FINISH || ev->status == AW_STATUS_COMPLETED)
        return;
    last = aw_history_last (&watch->report.history, ev->task);
    if (!last || last->attempt != ev->attempt)
        return; /* it was assigned to a node, and has never started */
    aw_graph_task_name (watch->report.workflow->graph, ev->task, name, sizeof (name));
    aw_failure_text (how, sizeof (how), ev->status, ev->code, ev->signal, ev->reason);
    aw_textbuf_printf (&text, "%s failed: ", name);
    aw_textbuf_plain (&text, how, strlen (how));
    if (ev->attempt)
        aw_textbuf_printf (&text, " (attempt %u)", ev->attempt + 1);
    print_line (&text); /* the next line ends the program where stdout cannot be written */
    aw_textbuf_finish (&text);
}

/* Until the run ends. 0, or -1: it cannot be read, or what is printed cannot be written. */
static int follow (struct aw_watch *watch, struct aw_textbuf *text, struct aw_problems *problems)
{
    double interval = first_interval, next = aw_clock_monotonic () + interval;

    while (aw_report_outcome (&watch->report) == AW_OUTCOME_RUNNING) {
        poll (NULL, 0, WAIT_MS);
        if (aw_watch_refresh (watch, problems) < 0)
            return -1;
        if (aw_clock_monotonic () < next)
            continue;
        if (print_state (watch, text) < 0)
            return -1;
        interval = fmin (interval * growth, last_interval);
        next = aw_clock_monotonic () + interval;
    }
    return print_state (watch, text);
}

int aw_watch_plain (struct aw_watch *watch)
{
    struct aw_textbuf text = { 0 };
    struct aw_problems problems;
    int rc;

    aw_problems_init (&problems);
    watch->tell = tell;
    rc = aw_report_outcome (&watch->report) == AW_OUTCOME_RUNNING ? print_state (watch, &text) : 0;
    if (rc == 0)
        rc = follow (watch, &text, &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    aw_textbuf_finish (&text);
    return rc == 0 ? AW_EXIT_OK : AW_EXIT_INPUT;
}
